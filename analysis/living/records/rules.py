"""The rules of deduplication: one pair of records in, one decision with its reason out."""

from __future__ import annotations

from typing import Literal, NamedTuple

from analysis.living.records.compare import Comparison, contradictions
from analysis.living.records.keys import Key

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
    "contradicted": "same title, but something speaks against it",
    "thin": "same title, but too little else is known",
    "reworded": "nearly the same title, and the rest does not decide",
    "chained": "a duplicate only through a third record that contradicts one of the two",
}

#: Titles shorter than this ("Stroke", "Letter to the editor") say too little on their own.
_LONG_TITLE = 25
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
    if possible:
        return _same_title(a, b, found, against)
    if _fill_the_same_pages(a, b, found):
        return Judgement("duplicate", "same-place")
    if found.title == "reworded":
        return _reworded(a, b, found, against)
    return _DIFFERENT


def _same_doi(a: Key, b: Key, found: Comparison, against: tuple[str, ...]) -> Judgement:
    possible = found.title in ("same", "spelling", "longer")
    if possible and found.notice_equal and found.digits_equal:
        # A supplement's abstracts share one DOI, but hardly one long title.
        whole = found.title == "same" and _is_long(a, b)
        if whole or (found.names != "differ" and found.pages != "differ"):
            return Judgement("duplicate", "same-doi")
    if found.title == "reworded" and found.names == "agree" and not against:
        return Judgement("duplicate", "same-doi")
    return Judgement("check", "shared-doi", "; ".join(against) or "the titles differ")


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
    if long_title and agreed and {a.abstract, b.abstract} == {True, False}:
        return Judgement("check", "contradicted", "one is an abstract of a meeting")
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
