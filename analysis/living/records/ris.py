"""RIS and Web of Science tagged text, through rispy.

rispy stops at a byte order mark, joins a record without its end mark to the next one, and splits a
wrapped author into two. The text is therefore cut into records first, and each goes to rispy alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

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

__all__ = ["read_ris", "read_wos"]

_RIS_TAG = re.compile(r"^\s{0,2}([A-Z][A-Z0-9])\s{1,2}-(?:\s(.*)|\s*)$")
_WOS_TAG = re.compile(r"^([A-Z][A-Z0-9])(?: (.*)|)$")
_PMID_NOTE = re.compile(r"(\d{1,8})\s*\[pmid\]|pubmed[^\d]{0,40}/(\d{1,8})", re.IGNORECASE)


class _Block(NamedTuple):
    line: int
    lines: list[str]
    started: bool


def read_ris(text: str, file: str, source: str = "") -> tuple[list[Record], list[Fault], list[Fault]]:
    """Read RIS text; return the records, the faults, and notes on what was mended."""
    from rispy import RisParser

    faults: list[Fault] = []
    notes: list[Fault] = []
    records: list[Record] = []
    for block in _blocks(text, file, _RIS_TAG, "TY", set(), faults, notes):
        parser = RisParser(enforce_list_tags=False)
        entry = _parse(parser, block, "TY  - ", "ER  - ", file, faults)
        if entry is not None:
            records.append(_from_ris(entry, file, len(records) + 1, block.line, source))
    return records, faults, notes


def read_wos(text: str, file: str, source: str = "") -> tuple[list[Record], list[Fault], list[Fault]]:
    """Read the tagged text of Web of Science; return as `read_ris` does."""
    from rispy import WokParser

    faults: list[Fault] = []
    notes: list[Fault] = []
    records: list[Record] = []
    for block in _blocks(text, file, _WOS_TAG, "PT", {"FN", "VR", "EF"}, faults, notes):
        entry = _parse(WokParser(enforce_list_tags=False), block, "PT ", "ER ", file, faults)
        if entry is not None:
            records.append(_from_wos(entry, file, len(records) + 1, block.line, source))
    return records, faults, notes


def _blocks(
    text: str,
    file: str,
    pattern: re.Pattern[str],
    start: str,
    skipped: set[str],
    faults: list[Fault],
    notes: list[Fault],
) -> Iterator[_Block]:
    """Cut the text into records at start marks, and mend what is missing.

    A tagged line always opens a value; any other line continues the value before it. In Web of Science
    text the authors of a list stand on lines of their own, so the lines are kept apart there.
    """
    ris = start == "TY"
    join = "  - " if ris else " "
    current: list[str] = []
    begun, started, seen, number = 0, False, False, 0

    def unended(line: int) -> Fault:
        return Fault(file, line, "ER", "", "the record has no end mark and was ended here", "ER")

    for number, line in enumerate(iter_lines(text), start=1):
        found = pattern.match(line)
        tag = found.group(1) if found else ""
        if tag in skipped:
            continue
        if found and tag == "ER":
            if current:
                yield _Block(begun, current, started)
                current = []
            else:
                notes.append(Fault(file, number, "ER", line, "an end mark without a record", ""))
        elif found:
            if tag == start and current:
                notes.append(unended(number))
                yield _Block(begun, current, started)
                current = []
            if not current:
                begun, started, seen = number, tag == start, True
                if not started:
                    problem = f"the record has no {start} line"
                    notes.append(Fault(file, number, tag, line, problem, start))
            current.append(f"{tag}{join}{(found.group(2) or '').strip()}")
        elif line.strip() and current:
            if ris:
                current[-1] = f"{current[-1]} {line.strip()}"
            else:
                current.append(f"   {line.strip()}")
        elif line.strip() and seen:
            faults.append(Fault(file, number, "", line, "text outside any record", "a tagged line"))
    if current:
        notes.append(unended(number))
        yield _Block(begun, current, started)


def _parse(
    parser: Any, block: _Block, start: str, end: str, file: str, faults: list[Fault]
) -> dict[str, Any] | None:
    lines = block.lines if block.started else [start, *block.lines]
    try:
        entries = parser.parse_lines(iter([*lines, end]))
    except Exception as error:  # rispy lets many kinds of errors pass; each costs one record only
        reason = f"the record cannot be read ({type(error).__name__}: {error})"
        faults.append(Fault(file, block.line, "", block.lines[0], reason, "a record"))
        return None
    if len(entries) != 1:
        faults.append(Fault(file, block.line, "", block.lines[0], "the record was not read", "one record"))
        return None
    return dict(entries[0])


def _text(entry: dict[str, Any], *names: str) -> str:
    """Return the first of the values that says something, as one line."""
    for name in names:
        value = entry.get(name)
        shown = one_line(" ".join(map(str, value)) if isinstance(value, list) else value)
        if shown:
            return shown
    return ""


def _all(entry: dict[str, Any], *names: str) -> tuple[str, ...]:
    for name in names:
        value = entry.get(name)
        items = value if isinstance(value, list) else [value] if value else []
        shown = tuple(one_line(item) for item in items if one_line(item))
        if shown:
            return shown
    return ()


def _unknown(entry: dict[str, Any], tag: str) -> str:
    return one_line(" ".join(entry.get("unknown_tag", {}).get(tag, [])))


def _from_ris(entry: dict[str, Any], file: str, position: int, line: int, source: str) -> Record:
    start, end = _text(entry, "start_page"), _text(entry, "end_page")
    database = _text(entry, "name_of_database", "database_provider")
    accession = _text(entry, "accession_number", "id")
    everything = " ".join(
        (_text(entry, "notes"), _text(entry, "urls"), *(_unknown(entry, t) for t in ("U1", "U2")))
    )
    noted = _PMID_NOTE.search(everything)
    pmid = _unknown(entry, "PM") or (noted.group(1) or noted.group(2) if noted else "")
    if not pmid and re.search(r"pubmed|medline", database or source, re.IGNORECASE):
        pmid = accession
    return Record(
        source=source or database,
        file=file,
        position=position,
        line=line,
        kind=_text(entry, "type_of_work", "type_of_reference"),
        title=_text(entry, "title", "primary_title", "translated_title"),
        authors=_all(entry, "authors", "first_authors"),
        year=clean_year(_text(entry, "year"))
        or clean_year(_text(entry, "publication_year"))
        or clean_year(_text(entry, "date")),
        journal=_text(
            entry, "secondary_title", "alternate_title3", "journal_name", "alternate_title2",
            "alternate_title1",
        ),
        volume=_text(entry, "volume"),
        issue=_text(entry, "number"),
        pages=f"{start}-{end}" if start and end and "-" not in start else start or end,
        abstract=_text(entry, "abstract", "notes_abstract"),
        doi=clean_doi(_text(entry, "doi")) or clean_doi(_text(entry, "urls")),
        pmid=clean_pmid(pmid),
        nct=clean_nct(accession, everything, _text(entry, "abstract", "notes_abstract")),
        accession=accession,
        language=_text(entry, "language"),
    )  # fmt: skip


def _from_wos(entry: dict[str, Any], file: str, position: int, line: int, source: str) -> Record:
    start, end = _text(entry, "beginning_page"), _text(entry, "ending_page")
    return Record(
        source=source or "Web of Science",
        file=file,
        position=position,
        line=line,
        kind=_text(entry, "document_type", "publication_type"),
        title=_text(entry, "document_title"),
        authors=_all(entry, "authors", "author_full_name", "group_authors"),
        year=clean_year(_text(entry, "publication_year")) or clean_year(_text(entry, "early_access_date")),
        journal=_text(entry, "publication_name", "iso_source_abbreviation"),
        volume=_text(entry, "volume"),
        issue=_text(entry, "issue"),
        pages=f"{start}-{end}" if start and end else start or _text(entry, "article_number"),
        abstract=_text(entry, "abstract"),
        doi=clean_doi(_text(entry, "doi")),
        pmid=clean_pmid(_text(entry, "pubmed_id")),
        nct=clean_nct(_text(entry, "abstract")),
        accession=_text(entry, "accession_number"),
        language=_text(entry, "language"),
    )
