"""The rules of deduplication: one pair of records in, one decision with its reason out."""

from __future__ import annotations

from typing import Literal, NamedTuple

from analysis.living.records.compare import Comparison, contradictions
from analysis.living.records.keys import Key
from analysis.living.records.kinds import SET_APART, kind_in_words

__all__ = ["RULES", "Judgement", "Verdict", "judge"]

Verdict = Literal["duplicate", "check", "different"]

#: Every reason that a pair can carry, with its meaning; the audit table holds the keys.
RULES: dict[str, str] = {
    "same-pmid": "same PubMed number, and titles that can be one",
    "same-accession": "same number in the same database",
    "same-doi": "same DOI, titles that can be one, nothing against it",
    "title-pages": "same title, first page and authors, in the same volume or year",
    "title-journal": "same title, authors, journal and year; pages or volume not given by one",
    "title-place": "same title, volume and pages; authors not given by one",
    "reworded-place": "nearly the same title; same authors, journal, volume, first and last page",
    "title-issue": "same title, authors, year, volume and issue; the journals are named differently",
    "same-place": "same authors, journal, year, volume and three or more pages; titles differ as "
    "translations do",
    "shared-doi": "same DOI, but titles or pages of different papers (a supplement shares one DOI)",
    "shared-pmid": "same PubMed number, but other titles",
    "linked": "two reports of one study, of which each stands for itself, such as a conference abstract and "
    "its article",
    "contradicted": "same title, but something speaks against it",
    "thin": "same title, but too little else is known",
    "reworded": "nearly the same title, and the rest does not decide",
    "chained": "a duplicate only through a third record that contradicts one of the two",
}

#: Titles shorter than this ("Stroke", "Letter to the editor") say too little on their own.
_LONG_TITLE = 25
#: So many pages are a paper, not an abstract.
_PAPER_PAGES = 3
#: Pages of a range that is still one paper, not a supplement.
_LONGEST_PAPER = 40


class Judgement(NamedTuple):
    """A decision on one pair: the verdict, the rule, and what is to be said beside it."""

    verdict: Verdict
    rule: str
    detail: str = ""


_DIFFERENT = Judgement("different", "")


def judge(a: Key, b: Key, found: Comparison) -> Judgement:
    """Decide on one pair.

    Never "duplicate" while anything contradicts: a duplicate missed costs a reader a minute, a paper
    merged away is lost.
    """
    against = contradictions(found)
    possible = found.title in ("same", "spelling", "longer")
    if found.pmid == "agree" or (a.accession and a.accession == b.accession):
        rule = "same-pmid" if found.pmid == "agree" else "same-accession"
        if possible or found.title == "reworded":
            return Judgement("duplicate", rule)
        return Judgement("check", "shared-pmid")
    if found.doi == "agree":
        return _same_doi(a, b, found, against)
    if found.kinds != "agree" and found.title != "other" and not _one_place(a, found):
        return _two_kinds(a, b, found, against)
    if possible:
        return _same_title(a, b, found, against)
    if _fill_the_same_pages(a, b, found):
        return Judgement("duplicate", "same-place")
    if found.title == "reworded":
        return _reworded(a, b, found, against)
    return _DIFFERENT


def _same_doi(a: Key, b: Key, found: Comparison, against: tuple[str, ...]) -> Judgement:
    possible = found.title in ("same", "spelling", "longer")
    if possible and found.kinds != "agree" and found.pages != "agree" and _paper_beside(a, b):
        return Judgement("check", "linked", _both_kinds(a, b))
    if possible and found.notice_equal and found.digits_equal:
        # A supplement's abstracts share one DOI, but hardly one long title.
        whole = found.title == "same" and _is_long(a, b)
        if whole or (found.names != "differ" and found.pages != "differ"):
            return Judgement("duplicate", "same-doi")
    if found.title == "reworded" and found.names == "agree" and not against:
        return Judgement("duplicate", "same-doi")
    return Judgement("check", "shared-doi", "; ".join(against) or "the titles differ")


def _two_kinds(a: Key, b: Key, found: Comparison, against: tuple[str, ...]) -> Judgement:
    """Decide on two records of which one is a conference abstract, a preprint or the like, and one is not.

    They are never one report on the strength of a title: the pair is shown. Where the other record does not
    tell its kind, the same volume and pages still make them one.
    """
    possible = found.title in ("same", "spelling", "longer")
    judged = _same_title(a, b, found, against) if possible else _reworded(a, b, found, against)
    if found.kinds == "unknown" and judged.rule in ("", "title-pages", "title-place", "reworded-place"):
        return judged
    tied = found.names == "agree" or found.nct == "agree"
    unnamed = "unknown" in (found.names, found.kinds) or "registration" in (a.kind, b.kind)
    whole = found.title == "same" and found.digits_equal and unnamed
    clear = found.nct != "differ" and (found.digits_equal or "correction" in (a.kind, b.kind))
    if judged.verdict != "different" or (_is_long(a, b) and clear and (tied or whole)):
        detail = "; ".join([_both_kinds(a, b), *against])
        return Judgement("check", "linked", detail)
    return _DIFFERENT


def _both_kinds(a: Key, b: Key) -> str:
    return " and ".join(
        kind_in_words(key.kind) for key in sorted((a, b), key=lambda key: key.kind != "article")
    )


def _one_place(a: Key, found: Comparison) -> bool:
    """Whether two records name one place of one volume: then they are one, whatever their kinds."""
    return found.pages == found.volume == found.journal == "agree" and a.first_page != "1"


def _paper_beside(a: Key, b: Key) -> bool:
    """Whether one record is an abstract, a preprint or a notice, and the other has the pages of a paper.

    Databases copy the DOI of the paper, or of the whole supplement, to what belongs to it.
    """
    for one, two in ((a, b), (b, a)):
        paper = two.first_page.isdigit() and two.last_page.isdigit()
        long = paper and int(two.last_page) - int(two.first_page) + 1 >= _PAPER_PAGES
        if one.kind in SET_APART - {"protocol"} and two.kind != one.kind and long:
            return True
    return False


def _same_title(a: Key, b: Key, found: Comparison, against: tuple[str, ...]) -> Judgement:
    long_title = _is_long(a, b)
    agreed = found.names == "agree"
    if against:
        # Papers of one title are common (yearly reports, an abstract and its article). One
        # contradiction may be a misprint and is worth a look; two are two papers.
        near = agreed or found.pages == found.volume == "agree"
        if len(against) == 1 and near and (long_title or found.pages == "agree"):
            return Judgement("check", "contradicted", against[0])
        return _DIFFERENT
    if found.issue == "differ" and _numbered(a, b):
        # A review that is brought up to date keeps its article number from issue to issue.
        return Judgement("check", "contradicted", "the issues differ")
    if agreed and found.pages == "agree":
        if "agree" in (found.volume, found.year) and found.journal != "differ":
            return Judgement("duplicate", "title-pages")
        if long_title and (found.volume == "agree" or (found.year == "agree" and _span(a, b))):
            return Judgement("duplicate", "title-pages", "journals named differently")
    subtitled = found.title == "longer" and not found.volume == found.issue == "agree"
    full = long_title and not subtitled
    if agreed and full and found.journal == found.year == "agree" and not a.notice:
        return Judgement("duplicate", "title-journal")
    if agreed and full and found.year == found.volume == found.issue == "agree":
        return Judgement("duplicate", "title-issue")
    if found.volume == found.pages == "agree" and found.journal != "differ" and long_title:
        return Judgement("duplicate", "title-place")
    if agreed or (long_title and found.names == "unknown"):
        return Judgement("check", "thin", _missing(found))
    return _DIFFERENT


def _reworded(a: Key, b: Key, found: Comparison, against: tuple[str, ...]) -> Judgement:
    whole_place = found.pages == found.volume == found.journal == "agree" and _span(a, b)
    if not against and found.names == "agree" and whole_place:
        return Judgement("duplicate", "reworded-place")
    if len(against) <= 1 and found.names == "agree" and (found.pages == "agree" or whole_place):
        return Judgement("check", "reworded", "; ".join(against))
    return _DIFFERENT


def _fill_the_same_pages(a: Key, b: Key, found: Comparison) -> bool:
    """Whether two records of one team name the same three or more pages of one volume.

    Two papers can share a page, and abstracts of a meeting often do, but not three. A very long range
    is a whole supplement.
    """
    if not (_span(a, b) and a.names == b.names and len(a.names) > 1):
        return False
    if not (a.solid and b.solid and found.notice_equal):
        return False
    if "differ" in (found.issue, found.doi, found.pmid, found.nct):
        return False
    if not found.year == found.volume == found.journal == "agree":
        return False
    if not (a.first_page.isdigit() and a.last_page.isdigit()):
        return False
    return 2 <= int(a.last_page) - int(a.first_page) <= _LONGEST_PAPER


def _is_long(a: Key, b: Key) -> bool:
    return min(len(a.solid), len(b.solid)) >= _LONG_TITLE


def _span(a: Key, b: Key) -> bool:
    """Whether both give the same range of pages; counts from page 1 are everywhere."""
    return a.first_page != "1" and a.last_page == b.last_page != a.first_page == b.first_page


def _numbered(a: Key, b: Key) -> bool:
    """Whether both give the same article number instead of pages."""
    return a.first_page == a.last_page == b.first_page == b.last_page != "" and not a.first_page.isdigit()


def _missing(found: Comparison) -> str:
    """Say which fields could not be compared or did not agree."""
    fields = ("names", "year", "journal", "volume", "pages")
    weak = [name for name in fields if getattr(found, name) != "agree"]
    return "not agreed: " + ", ".join(weak)
