"""BibTeX through pybtex, entry by entry, so that one broken entry does not cost the others."""

from __future__ import annotations

import codecs
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

__all__ = ["read_bibtex"]

_ENTRY = re.compile(r"^[ \t]*@[ \t]*(\w+)[ \t]*[{(]", re.MULTILINE)
_NOT_RECORDS = {"comment", "preamble", "string"}


def read_bibtex(text: str, file: str, source: str = "") -> tuple[list[Record], list[Fault], list[Fault]]:
    """Read BibTeX text; return the records, the faults, and notes."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    starts = list(_ENTRY.finditer(text))
    chunks = [
        (found.group(1).lower(), found.start(), _next_start(starts, place, len(text)))
        for place, found in enumerate(starts)
    ]
    macros = "".join(text[begin:end] for kind, begin, end in chunks if kind == "string")
    records: list[Record] = []
    faults: list[Fault] = []
    notes: list[Fault] = []
    line, counted = 1, 0
    for kind, begin, end in chunks:
        line += text.count("\n", counted, begin)
        counted = begin
        if kind in _NOT_RECORDS:
            continue
        entry = _parse(text[begin:end], macros, file, line, faults, notes)
        if entry is not None:
            records.append(_from_entry(entry, file, len(records) + 1, line, source))
    return records, faults, notes


def _next_start(starts: list[re.Match[str]], place: int, length: int) -> int:
    return starts[place + 1].start() if place + 1 < len(starts) else length


def _parse(chunk: str, macros: str, file: str, line: int, faults: list[Fault], notes: list[Fault]) -> Any:
    from pybtex.database.input.bibtex import Parser, UndefinedMacro
    from pybtex.errors import capture
    from pybtex.exceptions import PybtexError

    head = chunk.strip().splitlines()[0]
    try:
        with capture() as problems:
            data = Parser().parse_string(macros + chunk)
    except PybtexError as error:
        faults.append(Fault(file, line, "", head, f"not valid BibTeX ({error})", "a whole entry"))
        return None
    serious = [problem for problem in problems if not isinstance(problem, UndefinedMacro)]
    entry = next(iter(data.entries.values()), None)
    if entry is None or (serious and not entry.fields):
        reason = f"not valid BibTeX ({serious[0]})" if serious else "the entry was not read"
        faults.append(Fault(file, line, "", head, reason, "a whole entry"))
        return None
    if serious:
        problem = f"the entry is broken and was read as far as it goes ({serious[0]})"
        notes.append(Fault(file, line, "", head, problem, "a whole entry"))
    return entry


def _plain(text: str) -> str:
    r"""Return text without TeX: {\"o} is a letter, braces say nothing."""
    if "\\" in text:
        import latexcodec  # noqa: F401  (registers the codec)

        decoder: Any = codecs.getdecoder("ulatex")
        try:
            text = decoder(text)[0]
        except (ValueError, UnicodeError):
            text = re.sub(r"\\[a-zA-Z]+\s*|\\", "", text)
    return one_line(re.sub(r"[{}]", "", text))


def _from_entry(entry: Any, file: str, position: int, line: int, source: str) -> Record:
    fields = {name.lower(): value for name, value in entry.fields.items()}

    def field(*names: str) -> str:
        return next((_plain(fields[name]) for name in names if fields.get(name)), "")

    people = entry.persons.get("author", [])
    return Record(
        source=source or field("source", "database"),
        file=file,
        position=position,
        line=line,
        kind=field("document_type") or entry.type,
        title=field("title"),
        authors=tuple(name for person in people if (name := _plain(str(person))) != "others"),
        year=clean_year(field("year", "date")),
        journal=field("journal", "journaltitle", "booktitle"),
        volume=field("volume"),
        issue=field("number", "issue"),
        pages=field("pages", "article-number", "art_number"),
        abstract=field("abstract"),
        doi=clean_doi(field("doi")) or clean_doi(field("url")),
        pmid=clean_pmid(field("pmid", "pubmed_id")),
        nct=clean_nct(field("note", "annote"), field("abstract")),
        accession=field("unique-id", "accession", "eid"),
        language=field("language"),
    )
