"""EndNote XML, record by record, so that one broken record does not cost the others."""

from __future__ import annotations

import re
from typing import Any

from analysis.evidence.faults import Fault
from analysis.living.records.record import (
    Record,
    clean_doi,
    clean_nct,
    clean_pmid,
    clean_year,
    one_line,
)

__all__ = ["read_endnote"]

_START = re.compile(r"<record(?:\s[^>]*)?>")
_END = "</record>"


def read_endnote(text: str, file: str, source: str = "") -> tuple[list[Record], list[Fault], list[Fault]]:
    """Read EndNote XML text; return the records, the faults, and notes."""
    from defusedxml.ElementTree import ParseError, fromstring

    records: list[Record] = []
    faults: list[Fault] = []
    starts = list(_START.finditer(text))
    line, counted = 1, 0
    for place, begin in enumerate(starts):
        line += text.count("\n", counted, begin.start())
        counted = begin.start()
        limit = starts[place + 1].start() if place + 1 < len(starts) else len(text)
        end = text.find(_END, begin.start(), limit)
        if end < 0:
            faults.append(Fault(file, line, "record", "", "the record is cut off", _END))
            continue
        try:
            node = fromstring(_without_controls(text[begin.start() : end + len(_END)]))
        except ParseError as error:
            faults.append(Fault(file, line, "record", "", f"not valid XML ({error})", "valid XML"))
            continue
        records.append(_from_xml(node, file, len(records) + 1, line, source))
    return records, faults, []


def _without_controls(text: str) -> str:
    """Drop control characters, which XML forbids and exports hold all the same."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:x?0?[0-8BCEFbcef]|1[0-9]|2[0-9]|3[01]);", "", text)


def _text(node: Any, *paths: str) -> str:
    for path in paths:
        found = node.find(path)
        shown = one_line("".join(found.itertext())) if found is not None else ""
        if shown:
            return shown
    return ""


def _from_xml(node: Any, file: str, position: int, line: int, source: str) -> Record:
    kind = node.find("ref-type")
    authors = tuple(
        one_line("".join(item.itertext())) for item in node.findall("contributors/authors/author")
    )
    urls = " ".join("".join(item.itertext()) for item in node.iter("url"))
    accession = _text(node, "accession-num")
    database = _text(node, "remote-database-name", "remote-database-provider")
    from_pubmed = re.search(r"pubmed|medline|nlm", f"{database} {source}", re.IGNORECASE)
    return Record(
        source=source or database,
        file=file,
        position=position,
        line=line,
        kind=kind.get("name", "") if kind is not None else "",
        title=_text(node, "titles/title"),
        authors=tuple(name for name in authors if name),
        year=clean_year(_text(node, "dates/year", "dates/pub-dates/date")),
        journal=_text(node, "titles/secondary-title", "periodical/full-title", "periodical/abbr-1"),
        volume=_text(node, "volume"),
        issue=_text(node, "number"),
        pages=_text(node, "pages", "electronic-resource-article-number"),
        abstract=_text(node, "abstract"),
        doi=clean_doi(_text(node, "electronic-resource-num")) or clean_doi(urls),
        pmid=clean_pmid(accession) if from_pubmed else "",
        nct=clean_nct(accession, _text(node, "notes"), _text(node, "abstract")),
        accession=accession,
        language=_text(node, "language"),
    )
