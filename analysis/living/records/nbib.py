"""PubMed's MEDLINE format (.nbib).

A small reader of our own: the one on the package index takes a DOI only from AID, and writes today's
day and month where a date has none. Here a part that is missing stays missing.
"""

from __future__ import annotations

import re

from analysis.evidence.faults import Fault
from analysis.living.records.decode import iter_lines
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
    return next((one_line(tags[name][0]) for name in names if tags.get(name)), "")


def _from_nbib(tags: Tags, file: str, position: int, line: int, source: str) -> Record:
    places = [*tags.get("AID", []), *tags.get("LID", [])]
    doi = next((clean_doi(item) for item in places if item.endswith("[doi]")), "")
    return Record(
        source=source or "PubMed",
        file=file,
        position=position,
        line=line,
        kind="; ".join(tags.get("PT", [])),
        title=_first(tags, "TI", "BTI", "TT"),
        authors=tuple(map(one_line, tags.get("FAU") or tags.get("AU") or tags.get("CN", []))),
        year=clean_year(_first(tags, "DP")),
        journal=_first(tags, "JT", "TA"),
        volume=_first(tags, "VI"),
        issue=_first(tags, "IP"),
        pages=_first(tags, "PG"),
        abstract=_first(tags, "AB"),
        doi=doi or clean_doi(_first(tags, "SO")),
        pmid=clean_pmid(_first(tags, "PMID")),
        nct=clean_nct(*tags.get("SI", []), _first(tags, "AB")),
        accession=_first(tags, "PMID"),
        language="; ".join(tags.get("LA", [])),
    )
