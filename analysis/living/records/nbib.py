"""PubMed's MEDLINE format (.nbib).

A small reader of our own: the one on the package index takes a DOI only from AID, and writes today's
day and month where a date has none. Here a part that is missing stays missing.
"""

from __future__ import annotations

import re

from analysis.evidence.faults import Fault
from analysis.living.records.decode import iter_lines
from analysis.living.records.plain import plain
from analysis.living.records.record import (
    Record,
    clean_doi,
    clean_nct,
    clean_pmid,
    clean_year,
    one_line,
)

__all__ = ["read_nbib"]

_TAG = re.compile(r"^([A-Z][A-Z0-9]{1,3}) {0,3}-(?: (.*)|)$")
#: Lines of authors, in whose order persons and groups stand in the record.
_NAMES = ("FAU", "AU", "CN")
#: Under this name the block of a record keeps the order of those lines.
_ORDER = ""
#: What a link to another paper says of this one, and the word by which a type of PubMed says it already.
_LINKS = {
    "RIN": ("Retracted Publication", "retracted"),
    "ROF": ("Retraction of Publication", "retraction"),
    "EIN": ("Corrected Publication", "corrected"),
    "CRI": ("Corrected Publication", "corrected"),
    "EFR": ("Published Erratum", "erratum"),
    "ECI": ("Publication under concern", "under concern"),
    "ECF": ("Expression of Concern", "expression of concern"),
}
#: An article number among the publisher's own numbers: "1042 [pii]", "e12345 [pii]".
_ARTICLE = re.compile(r"([A-Za-z]{0,5}\d{1,8})\s*\[pii\]", re.IGNORECASE)

Tags = dict[str, list[str]]
Read = tuple[list[Record], list[Fault], list[Fault]]


def read_nbib(text: str, file: str, source: str = "") -> Read:
    """Read MEDLINE text; return the records, the faults, and notes."""
    faults: list[Fault] = []
    blocks: list[tuple[int, Tags]] = []
    last: list[str] | None = None
    for number, line in enumerate(iter_lines(text), start=1):
        found = _TAG.match(line)
        if found:
            tag, value = found.group(1), (found.group(2) or "").strip()
            if tag == "PMID":
                blocks.append((number, {}))
            elif not blocks:
                blocks.append((number, {}))
                problem = "the record has no PMID line"
                faults.append(Fault(file, number, "PMID", line, problem, "PMID- and a number"))
            last = blocks[-1][1].setdefault(tag, [])
            last.append(value)
            if tag in _NAMES:
                blocks[-1][1].setdefault(_ORDER, []).append(f"{tag} {len(last) - 1}")
        elif line.startswith("      ") and last is not None:
            last[-1] = f"{last[-1]} {line.strip()}"
        elif line.strip() and blocks:
            problem = "the line has no tag"
            faults.append(Fault(file, number, "", line, problem, "a tag, or six blanks before it"))
    records = [
        _from_nbib(tags, file, place, line, source) for place, (line, tags) in enumerate(blocks, start=1)
    ]
    return records, faults, []


def _first(tags: Tags, *names: str) -> str:
    return next((text for name in names for item in tags.get(name, []) if (text := plain(item))), "")


def _authors(tags: Tags) -> tuple[str, ...]:
    """Return persons and groups in the order of their lines; a short name (AU) repeats the full one."""
    persons = "FAU" if len(tags.get("FAU", [])) >= len(tags.get("AU", [])) else ""
    found: list[str] = []
    full = False
    for line in tags.get(_ORDER, []):
        tag, place = line.split()
        repeated = tag == "AU" and (persons == "FAU" or full)
        full = tag == "FAU"
        if not repeated and (name := plain(tags[tag][int(place)])):
            found.append(name)
    return tuple(found)


def _kind(tags: Tags) -> str:
    """Return the types of the record, with what its links say and its types do not."""
    kinds = list(map(plain, tags.get("PT", [])))
    for tag, (word, told_by) in _LINKS.items():
        if tags.get(tag) and told_by not in "; ".join(kinds).casefold():
            kinds.append(word)
    return "; ".join(kinds)


def _title(tags: Tags) -> str:
    title = _first(tags, "TI", "BTI", "TT")
    return _first(tags, "TT", "TI") if re.fullmatch(r"\[?not available\]?\.?", title, re.I) else title


def _pages(tags: Tags) -> str:
    """Return the pages, or the article number when there are none."""
    places = [*tags.get("LID", []), *tags.get("AID", [])]
    numbers = [found.group(1) for item in places if (found := _ARTICLE.fullmatch(item.strip()))]
    return _first(tags, "PG") or next(iter(numbers), "")


def _from_nbib(tags: Tags, file: str, position: int, line: int, source: str) -> Record:
    places = [*tags.get("AID", []), *tags.get("LID", [])]
    doi = next((clean_doi(item) for item in places if item.endswith("[doi]")), "")
    in_book = bool(_first(tags, "TI") and _first(tags, "BTI"))
    return Record(
        source=source or "PubMed",
        file=file,
        position=position,
        line=line,
        kind=_kind(tags),
        title=_title(tags),
        authors=_authors(tags),
        year=clean_year(_first(tags, "DP")) or clean_year(_first(tags, "DEP", "PPDT")[:4]),
        journal=_first(tags, "BTI", "JT", "TA") if in_book else _first(tags, "JT", "TA", "CTI"),
        volume=_first(tags, "VI"),
        issue=_first(tags, "IP"),
        pages=_pages(tags),
        abstract=_first(tags, "AB", "OAB"),
        doi=doi or clean_doi(_first(tags, "SO")),
        pmid=clean_pmid(_first(tags, "PMID")),
        nct=clean_nct(*tags.get("SI", []), _first(tags, "AB", "OAB"), _first(tags, "TI")),
        accession=_first(tags, "PMID"),
        language="; ".join(tags.get("LA", [])),
    )
