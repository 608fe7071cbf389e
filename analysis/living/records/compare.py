"""Comparing two records field by field: agree, differ, or one of them says nothing."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from rapidfuzz.distance import Levenshtein
from rapidfuzz.fuzz import ratio

from analysis.living.records.keys import Key
from analysis.living.records.kinds import SET_APART

__all__ = ["Comparison", "TitleKind", "Verdict3", "compare", "contradictions", "title_kind"]

Verdict3 = Literal["agree", "differ", "unknown"]
TitleKind = Literal["same", "spelling", "longer", "reworded", "other"]

#: Below this share of equal letters two titles are not looked at as one; a title with a few misprints
#: stays far above it.
_REWORDED_RATIO = 85.0
#: A title that stands whole inside a longer one must say something of its own.
_OWN_WORDS = 4
_OWN_LETTERS = 25
_INITIALS = re.compile(r"[a-z]{2,6}")


class Comparison(NamedTuple):
    """How two records compare, field by field."""

    title: TitleKind
    ratio: float
    names: Verdict3
    year: Verdict3
    year_gap: int | None
    journal: Verdict3
    volume: Verdict3
    issue: Verdict3
    pages: Verdict3
    doi: Verdict3
    pmid: Verdict3
    nct: Verdict3
    notice_equal: bool
    digits_equal: bool
    kinds: Verdict3


def compare(a: Key, b: Key, title_ratio: float | None = None) -> Comparison:
    """Compare two records; `title_ratio` saves computing it twice."""
    share = ratio(a.solid, b.solid) if title_ratio is None else title_ratio
    gap = abs(a.year - b.year) if a.year is not None and b.year is not None else None
    return Comparison(
        title=title_kind(a.title, b.title, share),
        ratio=share,
        names=_names(a, b),
        year="unknown" if gap is None else "agree" if gap == 0 else "differ",
        year_gap=gap,
        journal=_journal(a.journal, b.journal),
        volume=_same(a.volume, b.volume),
        issue=_same(a.issue, b.issue),
        pages=_pages(a, b),
        doi=_same(a.doi, b.doi),
        pmid=_same(a.pmid, b.pmid),
        nct=_same(a.nct, b.nct),
        notice_equal=a.notice == b.notice,
        digits_equal=a.digits == b.digits and _same(a.ending, b.ending) != "differ",
        kinds=_kinds(a.kind, b.kind),
    )


def _kinds(a: str, b: str) -> Verdict3:
    """Say whether two kinds are reports of their own; "unknown" when one is not told and the other is one."""
    if a not in SET_APART and b not in SET_APART:
        return "agree"
    if a == b:
        return "agree"
    return "differ" if a and b else "unknown"


def title_kind(a: str, b: str, share: float) -> TitleKind:
    """Say how two folded titles relate.

    "same": the same letters. "spelling": each word has its counterpart but for a misprint.
    "longer": one is the other with words before it (a heading) or after it (a subtitle).
    "reworded": close, yet a word was added or replaced, which can turn mice into rats. "other":
    anything else.
    """
    if not a or not b:
        return "other"
    if a.replace(" ", "") == b.replace(" ", ""):
        return "same"
    short, long = sorted((a, b), key=len)
    own = len(short) >= _OWN_LETTERS and short.count(" ") + 1 >= _OWN_WORDS
    if own and (long.startswith(short) or long.endswith(" " + short)):
        return "longer"
    if share < _REWORDED_RATIO:
        return "other"
    return "spelling" if _only_misprints(a, b) else "reworded"


def _only_misprints(a: str, b: str) -> bool:
    """Whether the words that only one title has are misprints of those that only the other has."""
    left, right = a.split(), b.split()
    only_left = [word for word in left if word not in right]
    only_right = [word for word in right if word not in left]
    if not only_left and not only_right:
        return sorted(left) == sorted(right)
    one, two = "".join(only_left), "".join(only_right)
    if min(len(one), len(two)) < 4:
        return False
    if len(only_left) == len(only_right) and any(map(_begin_apart, only_left, only_right)):
        return False
    # One misprint in a word of seven letters, never more than four in all.
    return Levenshtein.distance(one, two) <= min(4, max(1, min(len(one), len(two)) // 7))


def _begin_apart(a: str, b: str) -> bool:
    """Whether two words differ in their first two letters by more than British spelling.

    One letter there makes another word: asymptomatic, atypical, afferent and efferent, micro and macro.
    """
    one, two = (word.replace("ae", "e").replace("oe", "e") for word in (a, b))
    return one[:2] != two[:2]


def _same(a: str, b: str) -> Verdict3:
    if not a or not b:
        return "unknown"
    return "agree" if a == b else "differ"


def _names(one: Key, two: Key) -> Verdict3:
    a, b = one.names, two.names
    if not a or not b:
        return "unknown"
    # Databases disagree on which part of a name is the family's: "Wu, Ching-yi", "Ching-yi, Wu".
    if _alike(a[0], b[0]) or a[0] in two.first_words or b[0] in one.first_words:
        return "agree"
    # Authors in another order: most of the shorter list must be met.
    small, large = sorted((a, b), key=len)
    met = sum(any(_alike(name, other) for other in large) for name in small)
    return "agree" if len(small) > 1 and met / len(small) > 0.5 else "differ"


def _alike(a: str, b: str) -> bool:
    if a == b:
        return True
    if min(len(a), len(b)) < 4:
        return False
    return a.endswith(b) or b.endswith(a) or a.startswith(b) or b.startswith(a) or ratio(a, b) >= 85


def _journal(a: tuple[str, ...], b: tuple[str, ...]) -> Verdict3:
    if not a or not b:
        return "unknown"
    if a == b:
        return "agree"
    short, long = sorted((a, b), key=lambda words: (len(words), len("".join(words))))
    lone = len(short) == 1 and len(long) > 1 and _INITIALS.fullmatch(short[0])
    if lone and short[0] in ("".join(word[0] for word in long), long[0]):
        return "agree"
    if _abbreviates(short, long) or _abbreviates(long, short):
        return "agree"
    if ratio(" ".join(a), " ".join(b)) >= 90:
        return "agree"
    return "differ"


def _abbreviates(short: tuple[str, ...], long: tuple[str, ...]) -> bool:
    """Whether each word of the short name begins, in order, a word of the long one."""
    place = 0
    for word in short:
        while place < len(long) and not _shortens(word, long[place]):
            place += 1
        if place == len(long):
            return False
        place += 1
    return len(short) > 1 or short[0] == long[0] or len(long) == 1


def _shortens(word: str, full: str) -> bool:
    """Whether `word` abbreviates `full`: its beginning, or its beginning and its end ("natl")."""
    if full.startswith(word):
        return True
    return len(word) >= 3 and full[:2] == word[:2] and full[-1] == word[-1] and _in_order(word, full)


def _in_order(word: str, full: str) -> bool:
    letters = iter(full)
    return all(letter in letters for letter in word)


def _pages(a: Key, b: Key) -> Verdict3:
    if not a.first_page or not b.first_page:
        return "unknown"
    if a.first_page == b.first_page:
        return "agree"
    if _digits(a.first_page) == _digits(b.first_page) and _digits(a.last_page) == _digits(b.last_page):
        # "c37-c42" and "37-42" are one range; a single page needs its letter.
        return "agree" if a.first_page != a.last_page else "unknown"
    if a.last_page == b.last_page != "":
        return "unknown"  # a misprint in the first page
    # Online articles are numbered; some databases count their pages from 1 instead.
    counts = [key.first_page == "1" for key in (a, b)]
    letters = [not key.first_page.isdigit() or len(key.first_page) > 4 for key in (a, b)]
    if any(counts) or letters[0] != letters[1]:
        return "unknown"
    return "differ"


def _digits(page: str) -> str:
    return "".join(letter for letter in page if letter.isdigit())


def contradictions(found: Comparison) -> tuple[str, ...]:
    """Return everything that forbids that two records be one paper."""
    checks = (
        (found.doi == "differ", "the DOIs differ"),
        (found.pmid == "differ", "the PubMed numbers differ"),
        (found.nct == "differ", "the trial numbers differ"),
        (not found.notice_equal, "one is a notice or reply about a paper"),
        (not found.digits_equal, "the numbers in the titles differ"),
        (found.names == "differ", "the authors differ"),
        (found.year_gap is not None and found.year_gap > 1, "the years are more than one apart"),
        (
            found.volume == "differ" and (found.pages != "agree" or found.doi == "differ"),
            "the volumes differ",
        ),
        (found.pages == "differ", "the first pages differ"),
        (found.issue == "differ" and found.pages != "agree", "the issues differ"),
    )
    return tuple(text for failed, text in checks if failed)
