"""What kind of report a record is: read from the source's own words, and from title, journal and pages.

Databases name kinds in many ways, and some name none. The closed list here holds what deduplication has to
keep apart; whatever else is printed about a paper (a letter, a book, a data set) is "other".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from analysis.living.records.normal import page_span, title_notice

if TYPE_CHECKING:
    from analysis.living.records.record import Record

__all__ = ["KINDS", "SET_APART", "kind_in_words", "kind_of", "tells_kind"]

#: The closed list, as the ledger holds it, each with its words.
KINDS: dict[str, str] = {
    "article": "article",
    "conference_abstract": "conference abstract",
    "preprint": "preprint",
    "protocol": "protocol",
    "correction": "correction",
    "registration": "registration",
    "other": "other report",
}
#: Kinds of which each is a report of its own beside the article of the same study.
SET_APART = frozenset({"conference_abstract", "preprint", "protocol", "correction", "registration"})

#: Kind -> the words of the sources for it: PubMed, Europe PMC, OpenAlex, Crossref, RIS (TY and M3), BibTeX,
#: Web of Science, Embase, CENTRAL, Zotero. The first kind that meets wins: a source that says "Journal
#: Article; Preprint" means a preprint.
_WORDS: tuple[tuple[str, str], ...] = (
    (
        "correction",
        r"(?:published )?errat(?:um|a)|corrigend(?:um|a)|(?:author |publisher )?corrections?|"
        r"corrected and republished article|addendum|retraction(?: of publication| notice)?|"
        r"withdrawal notice|expression of concern|biographical item; correction",
    ),
    (
        "registration",
        r"(?:clinical )?trials? regist(?:ry|er|ration)(?: record| entry)?|"
        r"regist(?:ry|er) (?:record|entry)|(?:study |trial |review )?registration|"
        r"(?:clinical )?trials? record",
    ),
    ("preprint", r"pre-?prints?|posted[- ]content|working paper|manuscript preprint"),
    (
        "protocol",
        r"(?:clinical |randomi[sz]ed )?(?:trial|study|review|systematic review|research) protocols?|"
        r"protocols?",
    ),
    (
        "conference_abstract",
        r"(?:conference|congress|meeting|symposium|published|journal)[- _:]*(?:conference |meeting )?"
        r"abstracts?|abst|abstracts?(?: of (?:a )?(?:meeting|conference)| report)?|(?:conference )?posters?"
        r"(?: abstract| presentation)?|oral presentation|conference[- ]presentation",
    ),
)
_NAMED = tuple((kind, re.compile(rf"(?:journal: )?(?:{words})", re.IGNORECASE)) for kind, words in _WORDS)
#: Full papers of a journal or of proceedings, where the source looked at the paper to say so.
_ARTICLE = re.compile(
    r"(?:journal: )?(?:(?:original|research|review|full[- ]text)[- ](?:article|paper)s?|"
    r"article[- ]in[- ]press|review|brief report|rapid communication|short survey|conference paper|"
    r"proceedings paper|data paper|"
    r"case reports?|systematic review|meta-analysis|observational study|multicenter study|"
    r"comparative study|evaluation study|validation study|equivalence trial|"
    r"(?:randomi[sz]ed controlled|controlled clinical|pragmatic clinical|adaptive clinical|clinical) trial"
    r"(?:, phase [iv]+)?|retracted (?:publication|article)|early access)",
    re.IGNORECASE,
)
#: Words that stand for anything printed in a journal: a manager's default, which an abstract bears too.
_JOURNAL = re.compile(
    r"jour|ejour|jfull|mgzn|inpr|article|article-journal|journal[- ]?article|journal|j|electronic article|"
    r"article\[journal\]|journal, article",
    re.IGNORECASE,
)
#: Words for anything of a meeting, an abstract or a whole paper.
_MEETING = re.compile(
    r"conf|cpaper|c|inproceedings|conference|proceedings(?:[- ]article)?|(?:in )?conference proceedings?|"
    r"proceeding|paper[- ]conference|conferencepaper|meeting",
    re.IGNORECASE,
)
#: What else is printed about a paper.
_OTHER = re.compile(
    r".*\b(?:letter|editorial|comment(?:ary)?|note|news|book|chapter|thesis|dissertation|report|data ?set|"
    r"patent|monograph|encyclop\w+|guideline|interview|biograph\w+|video|audio|map|software|lecture|speech|"
    r"web ?site|web page|blog|magazine|newspaper|bibliography|data paper|reference|collection)\b.*",
    re.IGNORECASE,
)
#: Funding and place are said in the same field and tell no kind.
_SAYS_NOTHING = re.compile(
    r"research support.*|english abstract|video-audio media|gen|generic|misc|s|serial|", re.I
)

_PREPRINT_PLACE = re.compile(
    r"(?:(?:med|bio|chem|soc|psy|sport|tech|eng|arab|india|earth|edu)?-?a?rxiv|psyarxiv|research square|"
    r"ssrn(?: electronic journal)?|preprints(?:\.org| with the lancet)?|authorea|osf(?: preprints)?|"
    r"jmir preprints|peerj preprints|scielo preprints|qeios|"
    r"zenodo preprints|europe pmc preprints)(?:\s+preprints?)?(?:\s+arxiv)?",
    re.IGNORECASE,
)
_PREPRINT_DOI = re.compile(
    r"10\.(?:1101|64898)/(?:\d{4}\.\d\d\.\d\d\.\d+|\d{6,8})|10\.21203/rs|10\.2139/ssrn|10\.20944/preprints|"
    r"10\.31219/osf|10\.31234/osf|10\.31235/osf|10\.48550/arxiv|10\.26434/chemrxiv|10\.22541/au|"
    r"10\.36227/techrxiv|10\.7287/peerj\.preprints|10\.2196/preprints|10\.1590/scielopreprints"
)
_REGISTER = re.compile(
    r"(?:https?://)?(?:www\.|beta\.)?(?:clinicaltrials\.gov|trialsearch\.who\.int|isrctn\.(?:com|org)|"
    r"anzctr\.org\.au|drks\.de|chictr\.org\.cn|ctri\.nic\.in|umin\.ac\.jp/ctr|crd\.york\.ac\.uk/prospero|"
    r"clinicaltrialsregister\.eu|euclinicaltrials\.eu|ictrp|isrctn(?: registry)?|prospero)\b.*",
    re.IGNORECASE,
)
_STUDY = r"(?:study|trial|review|meta-analysis|research|cohort|registry|experiment|investigation)"
#: What can stand between a mark and "trial protocol"; "impact of a trial protocol" is no protocol.
_DESIGN = (
    r"(?:(?:randomi[sz]ed|controlled|clinical|pilot|feasibility|systematic|scoping|rapid|umbrella|cluster|"
    r"cross-?over|pragmatic|prospective|retrospective|multi-?cent(?:re|er)|phase|[ivx\d]+|observational|and|"
    r"network|qualitative|mixed|methods?|living|open|label|double|single|blind(?:ed)?|placebo|adaptive|"
    r"stepped|wedge|non-?inferiority|international|national|literature|evidence|individual|patient|data|"
    r"cohort)[ -]+){0,6}"
)
#: A protocol names itself at the head of the title, or after a mark.
_PROTOCOL_TITLE = re.compile(
    rf"(?:^|[:.;,(\[?–—]|\s-)\s*(?:an?\s|the\s)?{_DESIGN}{_STUDY}\s+protocol\b(?! (?:devi|viol|adher|amend))|"
    rf"(?:^|[:.;(\[?–—]|\s-)\s*(?:an?\s|the\s)?protocol\s+(?:for|of|to)\b.*\b{_STUDY}s?\b|"
    r"(?:^|[:.;(\[?–—]|\s-)\s*(?:an?\s|the\s)?(?:study\s)?protocol(?:\s*$|\s*[:)\].])|"
    r"(?:^|[:.;(\[?–—]|\s-)\s*(?:the\s)?(?:study\s)?(?:rationale\s*(?:and|&|,)|design\s*(?:and|&|,)\s*rationale)|"
    r"\bstatistical analysis plan\b",
    re.IGNORECASE,
)
_ABSTRACT_TITLE = re.compile(
    r"^\W*(?:(?:oral|poster|e-?poster|late[- ]breaking)?\s*abstract\s+(?:no\.?\s*)?[a-z]{0,5}[- ]?\d[\w.-]*|"
    r"e?-?poster\s+[a-z]{0,3}-?\d+)\s*[:.\-–—\])]",
    re.IGNORECASE,
)
_RETRACTION_TITLE = re.compile(
    r"^\W*(?:(?:notice of )?(?:retraction|withdrawal)(?: note| notice)?|expression of concern)\b"
    r"\s*(?:[:.\-–—(\[]|to\b|of\b|for\b|$)|[:(\[–—]\s*(?:retraction|expression of concern)\W*$",
    re.IGNORECASE,
)
#: A single page of a supplement; BioMed Central numbers whole papers so.
_SUPPLEMENT_PAGE = re.compile(r"(?:supp?l?|s|ws|tp|wp|wmp|tmp|a)\d{2,5}(?:\.\d+)?", re.IGNORECASE)
#: A whole citation in the place of the journal: "Journal 2024;16(Suppl 1):A47.2".
_CITED_SUPPLEMENT = re.compile(r"\(supp?l[^)]*\)\s*:\s*[a-z]{1,3}\d+(?:\.\d+)?(?![\d-])", re.IGNORECASE)
_PAPER_PAGES = 3
_NOTICE_WORD = re.compile(
    r"errat|corrig|correction|addend|retract|withdraw|concern|\(vol|\)\s*\)", re.IGNORECASE
)
_PROTOCOL_WORD = re.compile(r"protocol|rationale|analysis plan", re.IGNORECASE)


def kind_in_words(kind: str) -> str:
    """Return a kind as it is written in a sentence."""
    return KINDS.get(kind, "record of unknown kind")


def kind_of(record: Record) -> str:
    """Return the kind of a record, one of `KINDS`, or nothing where nothing tells it.

    Examples
    --------
    >>> from analysis.living.records.record import Record
    >>> kind_of(Record("Embase", "a.ris", 1, kind="JOUR; Conference Abstract"))
    'conference_abstract'
    >>> kind_of(Record("PubMed", "a.nbib", 1, kind="Journal Article", title="Correction to: A trial"))
    'correction'
    """
    if record.kind in KINDS:
        return record.kind
    said = _said(record.kind)
    if said in ("correction", "registration", "preprint"):
        return said
    shown = _shown(record)
    if shown in ("correction", "registration", "preprint") or (shown and said not in SET_APART):
        return shown
    if said in SET_APART or said == "paper":
        return "article" if said == "paper" else said
    pages = _pages(record)
    if said == "meeting":
        return "article" if pages >= _PAPER_PAGES else "conference_abstract"
    if said in ("", "journal") and _single_supplement_page(record, pages):
        return "conference_abstract"
    return "article" if said == "journal" else said


def tells_kind(words: str) -> bool:
    """Whether words of a field that also holds other things (RIS: M3) name a kind of report.

    Examples
    --------
    >>> tells_kind("Conference Abstract"), tells_kind("Letter"), tells_kind("Web")
    (True, True, False)
    """
    return _said(words) not in ("", "other") or bool(_OTHER.fullmatch(words))


@lru_cache(maxsize=4096)
def _said(words: str) -> str:
    """Return what the source's own words say: a kind, or paper, journal, meeting for what they leave open."""
    # "retraction of 10.5555/a1": the other paper tells no kind.
    words = re.sub(r"\s+of\s+10\.\d{4,9}/[^\s;|]+", "", words)
    given = [part.strip() for part in re.split(r"[;|/]|\.\s", words)]
    said = [part for part in given if not _SAYS_NOTHING.fullmatch(part)]
    parts = [words.strip(), *said] if said else []
    for kind, pattern in _NAMED:
        if any(pattern.fullmatch(part) for part in parts):
            return kind
    # "Journal Conference Abstract", "Abstract (poster)": the sources write it in many ways.
    if any(re.search(r"\babstract\b|\bposter\b", part, re.IGNORECASE) for part in parts[1:]):
        return "conference_abstract"
    # Embase, Scopus and Web of Science, which look at the paper, write it large; managers write it small.
    if any(_ARTICLE.fullmatch(part) or part in ("Article", "Journal: Article") for part in parts):
        return "paper"
    if any(_MEETING.fullmatch(part) for part in parts):
        return "meeting"
    if any(_JOURNAL.fullmatch(part) or re.match("article", part, re.IGNORECASE) for part in parts):
        return "journal"
    return "other" if parts else ""


def _shown(record: Record) -> str:
    """Return what title, journal and DOI tell for certain."""
    title, journal = record.title, record.journal.strip()
    # A notice needs one of a few words; the patterns are slow, and most titles have none.
    if _NOTICE_WORD.search(title) and (
        title_notice(title) == "correction" or _RETRACTION_TITLE.search(title)
    ):
        return "correction"
    place = _place(journal)
    if place or (record.source == "ClinicalTrials.gov" and not journal):
        return place or "registration"
    if not journal and _PREPRINT_DOI.match(record.doi):
        return "preprint"
    if _ABSTRACT_TITLE.match(title):
        return "conference_abstract"
    return "protocol" if _PROTOCOL_WORD.search(title) and _PROTOCOL_TITLE.search(title) else ""


@lru_cache(maxsize=65536)
def _place(journal: str) -> str:
    """Return the kind of all that stands in a register or on a preprint server."""
    if _REGISTER.fullmatch(journal):
        return "registration"
    server = re.split(r"\s*[(:\[]", journal, maxsplit=1)[0].strip()
    return "preprint" if _PREPRINT_PLACE.fullmatch(server) else ""


def _pages(record: Record) -> int:
    """Return the number of pages, 0 where they are not given."""
    first, last = page_span(record.pages) if record.pages else ("", "")
    if not first:
        return 0
    one, two = (int("".join(c for c in page if c.isdigit())[:9] or 0) for page in (first, last))
    return max(1, two - one + 1)


def _single_supplement_page(record: Record, pages: int) -> bool:
    if not record.pages and _CITED_SUPPLEMENT.search(record.journal):
        return True
    first = record.pages.split("-")[0].strip()
    if not (1 <= pages < _PAPER_PAGES and _SUPPLEMENT_PAGE.fullmatch(first)):
        return False
    supplement = re.search(r"supp?l", f"{record.issue} {record.volume} {record.journal}", re.IGNORECASE)
    numbered = re.match(r"bmc\b", record.journal, re.IGNORECASE) or record.doi.startswith("10.1186/")
    by_page = re.match(r"s|ws|tp|wp|wmp|tmp", record.pages.strip(), re.IGNORECASE)
    return bool((supplement or by_page) and not numbered)
