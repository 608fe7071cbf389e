"""CSV and tab-separated exports: Scopus, Embase, Web of Science, CENTRAL, PubMed, registries."""

from __future__ import annotations

import csv
import io
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

__all__ = ["is_delimited", "read_delimited"]

#: Field -> heads of columns that hold it, in order of preference; compared without case and marks.
_COLUMNS: dict[str, tuple[str, ...]] = {
    "title": (
        "title", "articletitle", "studytitle", "officialtitle", "brieftitle", "ti", "t1",
        "displayname", "publicationtitle"
    ),
    "authors": (
        "authors", "authornames", "author", "authorfullnames", "au", "authorsfullname",
        "af", "firstauthor", "contributors", "authorshipsauthordisplayname"
    ),
    "year": (
        "year", "publicationyear", "py", "yr", "pubyear", "dateofpublication",
        "publicationdate", "date", "startdate"
    ),
    "journal": (
        "sourcetitle", "journal", "journalbook", "publicationname", "so", "source",
        "journaltitle", "secondarytitle", "booktitle", "publisher", "jt"
    ),
    "volume": ("volume", "vl", "vi"),
    "issue": ("issue", "number", "is", "ip", "no"),
    "pages": ("pages", "pg", "articlenumber", "artno", "ar"),
    "first_page": ("pagestart", "startpage", "bp", "firstpage", "beginningpage", "sp"),
    "last_page": ("pageend", "endpage", "ep", "lastpage", "endingpage"),
    "abstract": ("abstract", "ab", "briefsummary", "summary"),
    "doi": ("doi", "di", "digitalobjectidentifier", "do"),
    "pmid": ("pubmedid", "pmid", "medlinepmid", "pm"),
    "nct": ("nctnumber", "nctid", "clinicaltrialnumbers", "clinicaltrialnumber"),
    "accession": (
        "eid", "utuniquewosid", "uniquewosid", "ut", "pui", "cochraneid",
        "embaseaccessionid", "embaseaccessionnumber", "accessionnumber", "nctnumber",
        "nctid", "pmid", "an", "id"
    ),
    "kind": (
        "documenttype", "publicationtype", "dt", "sourcetype", "studytype", "entrytype",
        "pt", "type"
    ),
    "language": ("languageoforiginaldocument", "articlelanguage", "language", "la"),
    "citation": ("citation",),
}  # fmt: skip
#: Heads that give away the database.
_GIVEN_AWAY = (
    ("eid", "Scopus"), ("utuniquewosid", "Web of Science"), ("ut", "Web of Science"),
    ("pui", "Embase"), ("embaseaccessionid", "Embase"), ("embaseaccessionnumber", "Embase"),
    ("cochraneid", "CENTRAL"), ("nctnumber", "ClinicalTrials.gov"), ("journalbook", "PubMed"),
)  # fmt: skip
_DELIMITERS = ("\t", ",", ";", "|")
#: A cell with more line ends than this was left open by a stray quotation mark.
_MOST_LINES = 400
_LONGEST_HEAD = 100_000


def _bare(head: str) -> str:
    return re.sub(r"[^a-z0-9]", "", head.lower())


def _delimiter(text: str) -> str:
    """Return the delimiter under which the first line names a title, or nothing."""
    head = text.lstrip("\n").split("\n", 1)[0]
    if "\r" in head or len(head) > _LONGEST_HEAD:
        return ""
    best, most = "", 0
    for mark in _DELIMITERS:
        cells = [_bare(cell) for cell in next(csv.reader([head], delimiter=mark), [])]
        known = sum(any(cell in names for names in _COLUMNS.values()) for cell in cells)
        if known > most and any(cell in _COLUMNS["title"] for cell in cells):
            best, most = mark, known
    return best if most >= 2 else ""


def is_delimited(text: str) -> bool:
    """Whether a text looks like a table with a column of titles, or an Embase list of fields."""
    return bool(_delimiter(text)) or _is_vertical(text)


def _is_vertical(text: str) -> bool:
    heads = re.findall(r'^"([A-Z][A-Z ./()-]+)","', text[:4000], re.MULTILINE)
    return "TITLE" in heads and len(set(heads)) > 2


def read_delimited(text: str, file: str, source: str = "") -> tuple[list[Record], list[Fault], list[Fault]]:
    """Read a delimited text; return the records, the faults, and notes."""
    if _is_vertical(text) and not _delimiter(text):
        return _read_vertical(text, file, source)
    mark = _delimiter(text)
    if not mark:
        return [], [Fault(file, 1, "", text[:60], "no column of titles", "a head with Title")], []
    faults: list[Fault] = []
    notes: list[Fault] = []
    # Tab-separated exports do not quote; a quotation mark there is part of a title.
    quoting: Any = csv.QUOTE_NONE if mark == "\t" and '\t"' not in text else csv.QUOTE_MINIMAL
    csv.field_size_limit(10_000_000)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, quoting=quoting, strict=True)
    heads: list[str] = []
    records: list[Record] = []
    while True:
        begun = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            problem = f"the table breaks off here ({error}); later rows were not read"
            faults.append(Fault(file, begun, "", "", problem, "closed quotation marks"))
            break
        if not any(cell.strip() for cell in cells):
            continue
        if not heads:
            heads = [_bare(cell) for cell in cells]
            continue
        if any(cell.count("\n") > _MOST_LINES for cell in cells):
            problem = "a quotation mark is not closed; rows after it are inside one cell"
            faults.append(Fault(file, begun, "", cells[0], problem, "closed quotation marks"))
        if len(cells) != len(heads) and any(cell.strip() for cell in cells[len(heads) :]):
            problem = f"row has {len(cells)} cells, the head {len(heads)}"
            faults.append(Fault(file, begun, "", cells[0], problem, f"{len(heads)} cells"))
        elif len(cells) < len(heads):
            problem = f"row has {len(cells)} cells, the head {len(heads)}; the rest is taken as blank"
            notes.append(Fault(file, begun, "", cells[0], problem, f"{len(heads)} cells"))
        row: dict[str, str] = {}
        for head, cell in zip(heads, cells, strict=False):
            row.setdefault(head, cell)
        records.append(_from_row(row, file, len(records) + 1, begun, source or _database(heads)))
    return records, faults, notes


def _database(heads: list[str]) -> str:
    return next((name for head, name in _GIVEN_AWAY if head in heads), "")


def _read_vertical(text: str, file: str, source: str) -> tuple[list[Record], list[Fault], list[Fault]]:
    """Read Embase's list of fields: a row a field, values side by side, a new record at TITLE."""
    records: list[Record] = []
    current: dict[str, list[str]] = {}
    begun = 1

    def close() -> None:
        if current:
            row = {head: "; ".join(cells) for head, cells in current.items()}
            records.append(_from_row(row, file, len(records) + 1, begun, source or "Embase"))
            current.clear()

    reader = csv.reader(io.StringIO(text, newline=""))
    while True:
        line = reader.line_num + 1
        cells = next(reader, None)
        if cells is None:
            break
        if not cells or not any(cells):
            continue
        head = _bare(cells[0])
        if head == "title":
            close()
            begun = line
        current.setdefault(head, []).extend(cell for cell in cells[1:] if cell.strip())
    close()
    return records, [], []


def _from_row(row: dict[str, str], file: str, position: int, line: int, source: str) -> Record:
    def cell(field: str) -> str:
        return next((one_line(row[h]) for h in _COLUMNS[field] if one_line(row.get(h, ""))), "")

    first, last = cell("first_page"), cell("last_page")
    pages = f"{first}-{last}" if first and last else first or cell("pages")
    year = next((found for head in _COLUMNS["year"] if (found := clean_year(row.get(head, "")))), None)
    return Record(
        source=source,
        file=file,
        position=position,
        line=line,
        kind=cell("kind"),
        title=cell("title"),
        authors=_authors(cell("authors")),
        year=year or clean_year(cell("citation")),
        journal=cell("journal"),
        volume=cell("volume"),
        issue=cell("issue"),
        pages=pages,
        abstract=cell("abstract"),
        doi=clean_doi(cell("doi")),
        pmid=clean_pmid(cell("pmid")),
        nct=clean_nct(cell("nct"), cell("title"), cell("abstract")),
        accession=cell("accession"),
        language=cell("language"),
    )


def _authors(text: str) -> tuple[str, ...]:
    """Split a cell of authors at the strongest separator that it holds."""
    text = re.sub(r"\s*\(\d{6,}\)", "", text)  # Scopus writes its author numbers after the names
    for mark in (";", "|"):
        if mark in text:
            return tuple(name for part in text.split(mark) if (name := part.strip()))
    if " and " in text and re.search(r"\w, ?\w", text):
        return tuple(name for part in text.split(" and ") if (name := part.strip(" ,")))
    parts = [part.strip(" .") for part in text.split(",") if part.strip(" .")]
    # "Smith J, Jones A" lists names; "Smith, J." is one.
    if len(parts) > 1 and all(" " in part for part in parts[:2]):
        return tuple(parts)
    if len(parts) > 2:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        if all(len(given.replace(".", "").replace(" ", "")) <= 3 for given in parts[1::2]):
            return tuple(f"{family}, {given}" for family, given in pairs)
        return tuple(parts)
    return (text,) if text else ()
