"""One bibliographic record as an export gave it, and the forms of its identifiers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from urllib.parse import unquote

__all__ = ["Record", "clean_doi", "clean_nct", "clean_pmid", "clean_year", "is_doi", "one_line"]

_DOI = re.compile(r"10\.\d{4,9}(?:\.\d+)*/\S+")
_NCT = re.compile(r"\bNCT\d{8}\b", re.IGNORECASE)
_YEAR = re.compile(r"(?<!\d)(1[6-9]\d\d|20\d\d)(?!\d)")


@dataclass(frozen=True, slots=True)
class Record:
    """One record: where it stood, and what it says. What the export left out stays empty.

    `position` counts the records of its file from 1, and `line` is the line at which it begins
    (0 when the format has no lines to count).
    """

    source: str
    file: str
    position: int
    line: int = 0
    kind: str = ""
    title: str = ""
    authors: tuple[str, ...] = ()
    year: int | None = None
    journal: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    abstract: str = ""
    doi: str = ""
    pmid: str = ""
    nct: str = ""
    accession: str = ""
    language: str = ""

    @property
    def place(self) -> str:
        """File and position, as a reader would look it up."""
        return f"{self.file}#{self.position}"


def one_line(text: str | None) -> str:
    r"""Return text with every run of white space as one space.

    Examples
    --------
    >>> one_line("  Distal vessel\n      occlusion ")
    'Distal vessel occlusion'
    """
    return " ".join(text.split()) if text else ""


def clean_doi(text: str | None) -> str:
    """Return the DOI in a text in lower case and without its address, or nothing.

    Examples
    --------
    >>> clean_doi("https://doi.org/10.1136/JNIS-2022-019975.")
    '10.1136/jnis-2022-019975'
    >>> clean_doi("https://example.org/doi/full/10.5555/a(1)b?download=true&x=1")
    '10.5555/a(1)b'
    >>> clean_doi("S1234 [pii]")
    ''
    """
    if not text or "10." not in text:
        return ""
    shown = unquote(unescape(text))
    found = _DOI.search(shown)
    if not found:
        return ""
    doi = found.group().lower().split("[doi]")[0].split("#", 1)[0]
    address = shown[: found.start()].split()
    if address and re.match(r"https?:|www\.|.*\bdoi\.org/", address[-1], re.IGNORECASE):
        # What follows the DOI in an address is of the site.
        doi = re.split(r"[?&]", doi, maxsplit=1)[0]
        doi = re.sub(r"/(?:full|abstract|pdf|epdf|pdfdirect|fulltext|html)(?:/.*)?$", "", doi)
    doi = re.sub(r"[?&]utm.*$", "", doi).rstrip(".,;:'\"*|\\")
    # A closing bracket belongs to the DOI only when the DOI opened it.
    for opened, closed in ("()", "[]", "{}", "<>"):
        while doi.endswith(closed) and doi.count(closed) > doi.count(opened):
            doi = doi[:-1].rstrip(".,;")
    return doi


def clean_pmid(text: str | None) -> str:
    """Return the PubMed number in a text when the text says little else, or nothing.

    Examples
    --------
    >>> clean_pmid("PMID: 36690439 "), clean_pmid("36690439.0"), clean_pmid("36,690,439")
    ('36690439', '36690439', '36690439')
    >>> clean_pmid("2-s2.0-851467"), clean_pmid("0"), clean_pmid("PMC1234567")
    ('', '', '')
    """
    shown = re.sub(r"(?<=\d)[,.\u00a0\u202f' ](?=\d{3}(?!\d))", "", (text or "").strip())
    found = re.fullmatch(
        r"(?:https?://\S*/|(?:PMID|MEDLINE|PubMed)\s*(?:ID)?\s*:?\s*|pmid:)?0*(\d{1,8})(?:\.0+)?/?(?:\s*\[.*\])?",
        shown,
        re.IGNORECASE,
    )
    return found.group(1) if found and found.group(1) != "0" else ""


def is_doi(text: str) -> bool:
    """Whether a text is a DOI and nothing else; words about another DOI are not.

    Examples
    --------
    >>> is_doi("doi: 10.5555/a1"), is_doi("retraction of 10.5555/a1")
    (True, False)
    """
    return bool(clean_doi(text)) and len(text.split()) <= 1 + text.lower().startswith("doi")


def clean_nct(*texts: str | None) -> str:
    """Return the first ClinicalTrials.gov number in the texts, or nothing."""
    for text in texts:
        found = _NCT.search(text) if text else None
        if found:
            return found.group().upper()
    return ""


def clean_year(text: str | None) -> int | None:
    """Return the first year in a text; a missing year stays missing.

    Examples
    --------
    >>> clean_year("2023/04/15/ Epub")
    2023
    >>> clean_year("in press") is None
    True
    """
    found = _YEAR.search(text) if text else None
    return int(found.group()) if found else None
