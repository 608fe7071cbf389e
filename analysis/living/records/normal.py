"""Plain forms of titles, names, journals and pages, so that two spellings of one thing meet."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from html import unescape

__all__ = [
    "bare_title",
    "digits_of",
    "ending_number",
    "fold",
    "fold_journal",
    "fold_title",
    "name_words",
    "page_span",
    "surname",
    "title_notice",
    "volume_number",
]

_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,80}>")
_NOT_WORD = re.compile(r"[\W_]+")
_APOSTROPHE = re.compile(r"['’‘`´ʼ]")
_DASH = re.compile(r"[‐‑‒–—−]")
_LETTERS = str.maketrans(
    {
        "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i",
        "α": " alpha ", "β": " beta ", "γ": " gamma ", "δ": " delta ", "ε": " epsilon ",
        "κ": " kappa ", "λ": " lambda ", "μ": " mu ", "π": " pi ", "σ": " sigma ",
        "τ": " tau ", "χ": " chi ", "ω": " omega ", "&": " and ",
    }
)  # fmt: skip
_LANGUAGES = (
    "arabic|bulgarian|chinese|croatian|czech|danish|dutch|english|finnish|french|german|greek|"
    "hebrew|hungarian|italian|japanese|korean|lithuanian|norwegian|persian|polish|portuguese|"
    "romanian|russian|serbian|slovak|slovene|slovenian|spanish|swedish|turkish|ukrainian"
)
#: Notes that databases append to a title: its language, its kind, its references, its corrections.
_NOTE_WORDS = (
    rf"(?:in\s+|article in\s+)?(?:{_LANGUAGES})|review\b|\d+ refs?|abstract|meeting abstract|"
    r"poster|see comments?|comment|multiple letters|letter|editorial|corrected|[^\])]{0,40}"
    r"(?:errat|corrig|correct|retract|comment|repub|summar)[^\])]* (?:appears? |published )?in\b|\d+"
)
_NOTE = re.compile(rf"[\s.]*[\[(]\s*(?:{_NOTE_WORDS})[^()\[\]]*(?:\([^()]*\)|\[[^\[\]]*\]|"
                   r"[^()\[\]])*[\])]\s*\.?\s*$", re.IGNORECASE)  # fmt: skip
#: The same note cut off where the database ended the field.
_CUT_NOTE = re.compile(r"[\s.]*\[\s*(?:published\s+)?(?:erratum|corrected|comment)[^\]]*$", re.I)
#: "(vol 85, pg 553, 2010)" and "(Journal (2009) 360 (542-544))" end the titles of corrections.
_CITED = re.compile(
    r"\s*\((?:vol\.? \S+,? (?:pg|pp?)\.? .*\d{4}.*|[^()]+[\s,]*\((?:19|20)\d\d\).*\d+.*)\)\.?\s*$",
    re.IGNORECASE,
)
#: "... N Engl J Med. 2009 Jan 29;360(5):544-6" is the paper that a letter answers.
_ANSWERED = re.compile(r"\s*\.\.\.\s*\S.*\b(?:19|20)\d\d\b.*[\d)]:\S+\s*$")
#: Set before the title of a paper that was withdrawn later; the notice is another record.
_RETRACTED = re.compile(r"^\W*retracted(?: article| paper| publication)?\s*[:.\-–—\]]+\s*", re.IGNORECASE)
_NOTICE_KINDS = {
    "correction": r"erratum|errata|corrigend\w+|correction|addendum|publisher correction",
    "retraction": r"retracted|retraction|withdrawn|withdrawal|expression of concern",
    "reply": r"authors?\W{0,2}\s*(?:reply|response)|in reply|reply|response (?:to|by)|a reply",
    "comment": r"comments? on|commentary|re(?=\s*:)|letter|comments?|editorial",
}
_NOTICES = tuple(
    (
        kind,
        re.compile(
            rf"^\W*(?:{words})\b\s*(?:[:.\-–—\[(]|to\b|by\b|on\b|for\b|of\b|$)"
            rf"|[:.\-–—(\[]\s*(?:{words})\W*$",
            re.IGNORECASE,
        ),
    )
    for kind, words in _NOTICE_KINDS.items()
)
_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
_ROMAN_AFTER = {"i": "1", "v": "5", "x": "10"}
_NUMBERED = {"part", "type", "phase", "stage", "grade", "class", "factor", "study", "section"}
#: What a series counts in words: "part two", "second report".
_COUNTED = {
    "part", "report", "paper", "communication", "chapter", "volume", "series", "instalment", "installment",
    "article", "update", "edition", "wave", "phase", "stage", "section", "study", "lecture", "survey",
}  # fmt: skip
_COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
)  # fmt: skip
_IN_WORDS = {word: str(n) for words in (_COUNTS, _ORDINALS) for n, word in enumerate(words, start=1)}
_LETTERED = {letter: str(n) for n, letter in enumerate("abcdefgh", start=1)}
_ENDING = re.compile(r"[\[(]\s*(\d{1,4})\s*[\])]\W*$")
_SMALL_WORDS = {
    "the",
    "of",
    "and",
    "in",
    "for",
    "on",
    "a",
    "an",
    "de",
    "la",
    "le",
    "et",
    "der",
    "und",
    "proceedings",
    "proc",
    "annual",
    "conf",
}


def fold(text: str) -> str:
    """Return lower-case letters and digits of a text, without accents, marks or markup.

    Examples
    --------
    >>> fold("<i>Müller</i>’s β-blocker &amp; co.")
    'mullers beta blocker and co'
    """
    if not text.isascii() or "&" in text or "<" in text:
        text = _TAG.sub("", unescape(text))
        text = _APOSTROPHE.sub("", text).casefold().translate(_LETTERS)
        parts = unicodedata.normalize("NFKD", text)
        text = "".join(letter for letter in parts if not unicodedata.combining(letter))
    else:
        text = _APOSTROPHE.sub("", text).casefold()
    return _NOT_WORD.sub(" ", text).strip()


def fold_title(title: str) -> str:
    """Return the folded title without a note of its language and without the brackets of translation.

    Examples
    --------
    >>> fold_title("[Stroke in the young]. [German]")
    'stroke in the young'
    """
    return fold(bare_title(title))


def bare_title(title: str) -> str:
    """Return a title without the notes that databases put after it.

    Examples
    --------
    >>> bare_title("Renal injury. [Review] [88 refs]")
    'Renal injury'
    >>> bare_title("Stroke care.[Erratum appears in Brain. 2013;25(2):169]")
    'Stroke care'
    """
    shown = _ANSWERED.sub("", _RETRACTED.sub("", title))
    while True:
        shorter = _CITED.sub("", _CUT_NOTE.sub("", _NOTE.sub("", shown)))
        if shorter == shown or not shorter.strip():
            return shown
        shown = shorter


def title_notice(title: str) -> str:
    """Return what makes a title a notice about another paper, or nothing.

    Examples
    --------
    >>> title_notice("Erratum to: Stroke care"), title_notice("Stroke care (vol 85, pg 553, 2010)")
    ('correction', 'correction')
    >>> title_notice("Stroke care.[Erratum appears in Brain. 2013;25(2):169]")
    ''
    >>> title_notice("RETRACTED: Stroke care"), title_notice("Retraction: Stroke care")
    ('', 'retraction')
    """
    if _CITED.search(title):
        return "correction"
    shown = bare_title(title)
    return next((kind for kind, pattern in _NOTICES if pattern.search(shown)), "")


def digits_of(folded: str) -> str:
    """Return the digits of a folded title in order; Roman numerals and counted parts are digits too.

    Parts of a series differ by nothing else, so different digits are different papers.

    Examples
    --------
    >>> digits_of("factor v in phase iii trials of 1 000 patients")
    '531000'
    >>> digits_of("stroke care part two"), digits_of("stroke care second report")
    ('2', '2')
    """
    found: list[str] = []
    words = folded.split()
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        after = words[place + 1] if place + 1 < len(words) else ""
        if word in _ROMAN:
            found.append(_ROMAN[word])
        elif word in _ROMAN_AFTER and (before in _NUMBERED or (word == "i" and before and not after)):
            found.append(_ROMAN_AFTER[word])
        elif word in _LETTERED and before == "part":
            found.append(_LETTERED[word])
        elif word in _IN_WORDS and (before in _COUNTED or (after in _COUNTED and word in _ORDINALS)):
            found.append(_IN_WORDS[word])
        elif not word.isalpha():
            found.append("".join(letter for letter in word if letter.isdigit()))
    return "".join(found)


def ending_number(title: str) -> str:
    """Return the number in brackets that ends a title: a part, a year, or a note of the database.

    Examples
    --------
    >>> ending_number("Stroke care in the north (2)."), ending_number("Stroke care in the north")
    ('2', '')
    """
    found = _ENDING.search(title)
    return found.group(1).lstrip("0") if found else ""


@lru_cache(maxsize=65536)
def surname(author: str) -> str:
    """Return the folded family name of an author in any common order.

    Examples
    --------
    >>> surname("Le Quintrec, M."), surname("Le Quintrec M"), surname("Moira Le Quintrec")
    ('lequintrec', 'lequintrec', 'quintrec')
    """
    if "," in author:
        return fold(author.split(",", 1)[0]).replace(" ", "")
    words = author.replace(".", ". ").split()
    ends = [word for word in words if _is_initials(word)]
    if ends and len(ends) < len(words):
        kept = [word for word in words if not _is_initials(word)]
        # "M. Le Quintrec" puts initials first, "Le Quintrec M" last; both keep the same words.
        return fold(" ".join(kept)).replace(" ", "")
    return fold(words[-1]).replace(" ", "") if words else ""


@lru_cache(maxsize=65536)
def name_words(author: str) -> frozenset[str]:
    """Return the folded words of a name that are more than initials."""
    return frozenset(word for word in fold(author.replace(".", ". ")).split() if len(word) > 1)


def _is_initials(word: str) -> bool:
    bare = word.replace(".", "").replace("-", "")
    return 0 < len(bare) <= 3 and bare.isupper() and bare.isalpha()


@lru_cache(maxsize=65536)
def fold_journal(journal: str) -> tuple[str, ...]:
    """Return the words of a journal's name that matter.

    A place or subtitle after a bracket or colon, and the name of a meeting, are left out.

    Examples
    --------
    >>> fold_journal("Stroke; a journal of cerebral circulation")
    ('stroke',)
    >>> fold_journal("J. Neurosurg. (Phila.)")
    ('j', 'neurosurg')
    """
    name = re.split(r"[.;:]\s*conference\b|\s*[;:(\[]|\s+=\s+", journal, maxsplit=1, flags=re.I)[0]
    folded = fold(name or journal).split()
    words = tuple(word for word in folded if word not in _SMALL_WORDS and word.isalpha())
    return words or tuple(fold(journal).split())


def volume_number(volume: str) -> str:
    """Return the leading number of a volume or issue; a year or a month in its place says nothing.

    Examples
    --------
    >>> volume_number("Suppl. 012"), volume_number("2016"), volume_number("Jul")
    ('12', '', '')
    """
    found = re.search(r"\d+", volume)
    number = found.group().lstrip("0") if found else ""
    return "" if re.fullmatch(r"(?:19|20)\d\d", number) else number


@lru_cache(maxsize=65536)
def page_span(pages: str) -> tuple[str, str]:
    """Return first and last page in full, or the article number twice; blank when not given.

    Examples
    --------
    >>> page_span("1234-9"), page_span("e12 -- e17"), page_span("no pagination")
    (('1234', '1239'), ('e12', 'e17'), ('', ''))
    """
    text = _DASH.sub("-", pages.casefold()).replace("pp.", "").replace("p.", "")
    text = re.split(r"[,;(+\[]", text.strip().lstrip("p "), maxsplit=1)[0]
    if not any(letter.isdigit() for letter in text):
        return "", ""
    parts = [part for part in re.split(r"-+|\s+to\s+", re.sub(r"\s+", "", text)) if part]
    if not parts:
        return "", ""
    first = _page(parts[0])
    last = _page(parts[1]) if len(parts) > 1 else first
    if first.isdigit() and last.isdigit() and len(last) < len(first):
        last = first[: len(first) - len(last)] + last
    lead = re.match(r"[a-z]+", first)
    if lead and last.isdigit():
        number = first[lead.end() :]
        last = lead.group() + number[: max(0, len(number) - len(last))] + last
    return first, last


def _page(text: str) -> str:
    found = re.fullmatch(r"([a-z]*)0*(\d+)([a-z]*)", text)
    return "".join(found.groups()) if found else re.sub(r"[^a-z0-9]", "", text)
