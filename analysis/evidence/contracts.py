"""The contract of each table: every cell of a CSV file is held against its schema.

The schemas are plain Table Schema files, so any frictionless tool can apply them. Here they are
read without it: its validation costs two seconds and cannot name the row as a spreadsheet shows it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.evidence.cells import KINDS, CellReader, cell_reader, near
from analysis.evidence.faults import EvidenceFaults, Fault
from analysis.evidence.text_files import read_text

__all__ = ["RawRow", "Schema", "TableRead", "read_schema", "read_table"]

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_COMMAS = "commas (in a spreadsheet: save as CSV UTF-8, comma-separated)"


@dataclass(frozen=True, slots=True)
class Schema:
    """A Table Schema: fields in order, the key of a row, and references to other tables."""

    name: str
    title: str
    fields: tuple[dict[str, Any], ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[tuple[str, str, str], ...]
    readers: dict[str, CellReader]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(field["name"] for field in self.fields)


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as read: its spreadsheet row, its text, its typed values, its faulty columns."""

    number: int
    text: dict[str, str]
    values: dict[str, Any]
    bad: frozenset[str]


@dataclass(frozen=True, slots=True)
class TableRead:
    """What reading one file gave: the rows and every fault of the contract.

    `readable` is False when no row could be read. `whole` is False when a row, or the key of a row,
    is not known, so that what refers to this table cannot be checked.
    """

    file: str
    rows: tuple[RawRow, ...]
    faults: tuple[Fault, ...]
    readable: bool = True
    whole: bool = True


def read_schema(path: Path) -> Schema:
    """Return the schema in a Table Schema file.

    Raises
    ------
    EvidenceFaults
        When the file is no such schema.
    """
    text, faults = read_text(path, "a Table Schema as JSON")
    if text is None or faults:
        raise EvidenceFaults(faults)
    try:
        descriptor = json.loads(text)
        items = descriptor["fields"]
        names = [item["name"] for item in items]
        readers = {item["name"]: _reader(path.name, item) for item in items}
        references = tuple(
            (key["fields"][0], key["reference"]["resource"], key["reference"]["fields"][0])
            for key in descriptor.get("foreignKeys", [])
        )
        key = tuple(descriptor.get("primaryKey", ()))
        title = descriptor["title"]
    except json.JSONDecodeError as error:
        problem = f"not readable as JSON ({error.msg})"
        raise EvidenceFaults((Fault(path.name, error.lineno, "", "", problem, "valid JSON"),)) from None
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        problem = f"no Table Schema ({type(error).__name__}: {error})"
        expected = "name, title, and fields that have a name and a type"
        raise EvidenceFaults((Fault(path.name, 0, "", "", problem, expected),)) from None
    twice = sorted({name for name in names if names.count(name) > 1})
    unknown = [name for name in key if name not in names]
    if twice or unknown:
        wrong = (twice or unknown)[0]
        problem = "column stands twice" if twice else "the primary key names no column"
        raise EvidenceFaults((Fault(path.name, 0, wrong, wrong, problem, "each column once"),))
    return Schema(path.stem, title, tuple(items), key, references, readers)


def _reader(file: str, item: dict[str, Any]) -> CellReader:
    name, kind, limits = item["name"], item["type"], item.get("constraints", {})
    if kind not in KINDS:
        expected = "one of " + ", ".join(KINDS)
        raise EvidenceFaults((Fault(file, 0, str(name), str(kind), "kind of column is not read", expected),))
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        expected = "small letters, digits and underscores"
        raise EvidenceFaults((Fault(file, 0, name, name, "not the name of a column", expected),))
    try:
        return cell_reader(kind, limits)
    except (re.error, TypeError, RecursionError) as error:
        problem = f"constraints cannot be used ({error})"
        raise EvidenceFaults((Fault(file, 0, name, str(limits)[:60], problem, "a Table Schema"),)) from None


def read_table(path: Path, schema: Schema) -> TableRead:
    """Read one CSV file and check encoding, columns, cells and repeated rows."""
    file = path.name
    text, found = read_text(path, "a CSV file")
    # Letters that are lost are named cell by cell below; only what concerns the whole file is kept.
    faults = [fault for fault in found if text is None or "byte order mark" in fault.problem]
    if text is None:
        return _unread(file, faults)
    records, broken = _records(file, text)
    if broken:
        # Quotes between other separators cannot be read as CSV: the first row says which they are.
        first = text.splitlines()[0].split(",")
        return _unread(file, [*faults, _no_header(file, first, schema) or broken])
    if not records:
        return _unread(file, [*faults, Fault(file, 0, "", "", "file is empty", "a header row")])
    header = records[0]
    strange = _no_header(file, header, schema)
    if strange:
        return _unread(file, [*faults, strange])
    faults += _header_faults(file, header, schema)
    rows: list[RawRow] = []
    lost = False
    for number, record in enumerate(records[1:], start=2):
        if not any(record):
            faults.append(Fault(file, number, "", "", "row is blank", "no blank rows"))
        elif len(record) != len(header):
            lost = True
            message = f"row has {len(record)} cells, the header {len(header)}"
            faults.append(Fault(file, number, "", record[0], message, f"{len(header)} cells"))
        else:
            row, wrong = _read_row(file, number, dict(zip(header, record, strict=True)), schema)
            rows.append(row)
            faults += wrong
    unique, repeated = _split_repeats(file, rows, schema)
    faults += [*repeated, *_repeated_values(file, unique, schema)]
    if found and not faults:
        faults = list(found)
    key = schema.primary_key or schema.columns
    whole = not lost and not any(row.bad.intersection(key) for row in unique)
    return TableRead(file, unique, tuple(faults), whole=whole)


def _unread(file: str, faults: list[Fault]) -> TableRead:
    return TableRead(file, (), tuple(faults), readable=False, whole=False)


def _records(file: str, text: str) -> tuple[list[list[str]], Fault | None]:
    """Return the rows of a CSV file without blank ones at the end, or the fault that ends the reading."""
    records: list[list[str]] = []
    try:
        for record in csv.reader(io.StringIO(text, newline=""), strict=True):
            records.append(record)
    except csv.Error as error:
        row = len(records) + 1
        if "field limit" in str(error):
            problem = f"a cell above {csv.field_size_limit()} characters, or a quote that is not closed"
            return [], Fault(file, row, "", "", problem, "shorter cells, and quotes in pairs")
        problem = f"not readable as CSV ({error})"
        return [], Fault(file, row, "", "", problem, "comma-separated UTF-8, with quotes in pairs")
    while records and not records[-1]:
        records.pop()
    return records, None


def _no_header(file: str, header: list[str], schema: Schema) -> Fault | None:
    """Name a file whose first row is not the header of this table at all."""
    known = [name for name in header if name in schema.columns]
    if 2 * len(known) >= len(schema.columns):
        return None
    first = ",".join(header)
    for mark, words in _SEPARATORS.items():
        names = [cell.strip(' "') for cell in first.split(mark)]
        if sum(name in schema.columns for name in names) > len(known):
            return Fault(file, 1, "", first, f"file is separated by {words}", _COMMAS)
    expected = "a header row with " + ", ".join(schema.columns)
    hints = [near(name, schema.columns) for name in header]
    if sum(map(bool, hints)) * 2 >= len(schema.columns):
        return None  # the names are there, in another spelling; each is named
    return Fault(file, 1, "", first, "first row is not the header of this table", expected)


def _header_faults(file: str, header: list[str], schema: Schema) -> list[Fault]:
    faults = []
    missing = [name for name in schema.columns if name not in header]
    extra = [name for name in header if name not in schema.columns]
    for name in missing:
        meant = near(name, extra)
        hint = f" (is {meant!r} meant for it?)" if meant else ""
        faults.append(Fault(file, 1, name, "", f"column is missing{hint}", f"a column {name!r}"))
    for name in dict.fromkeys(extra):
        if name:
            expected = f"only the columns that schemas/{schema.name}.json declares"
            faults.append(Fault(file, 1, name, name, "unknown column", expected))
        else:
            faults.append(Fault(file, 1, "", "", "a column without a name", "no empty columns"))
    for name in sorted({name for name in header if name and header.count(name) > 1}):
        faults.append(Fault(file, 1, name, name, "column stands twice", "each column once"))
    return faults


def _read_row(
    file: str, number: int, text: dict[str, str], schema: Schema
) -> tuple[RawRow, list[Fault]]:
    values: dict[str, Any] = {}
    bad: set[str] = set()
    faults: list[Fault] = []
    for name, read in schema.readers.items():
        cell = text.get(name)
        if cell is None:
            values[name] = None
            bad.add(name)
            continue
        values[name], problem = read(cell)
        if problem:
            bad.add(name)
            faults.append(Fault(file, number, name, cell, *problem))
    return RawRow(number, text, values, frozenset(bad)), faults


def _split_repeats(
    file: str, rows: list[RawRow], schema: Schema
) -> tuple[tuple[RawRow, ...], list[Fault]]:
    """Keep the first of rows with one key, so that a repeat is one fault and not several."""
    key = schema.primary_key or schema.columns
    shown = ", ".join(schema.primary_key) or "all columns"
    seen: dict[tuple[str, ...], int] = {}
    unique: list[RawRow] = []
    faults: list[Fault] = []
    for row in rows:
        if row.bad.intersection(key):
            unique.append(row)
            continue
        mark = tuple(row.text[name] for name in key)
        if mark in seen:
            value = " ".join(mark) if schema.primary_key else mark[0]
            message = f"row repeats row {seen[mark]}"
            faults.append(Fault(file, row.number, shown, value, message, "each row once"))
        else:
            seen[mark] = row.number
            unique.append(row)
    return tuple(unique), faults


def _repeated_values(file: str, rows: tuple[RawRow, ...], schema: Schema) -> list[Fault]:
    """Name values that stand twice in a column whose values must differ."""
    faults = []
    for item in schema.fields:
        name = item["name"]
        if not item.get("constraints", {}).get("unique") or schema.primary_key == (name,):
            continue
        seen: dict[str, int] = {}
        for row in rows:
            value = "" if name in row.bad else row.text[name]
            if value and seen.setdefault(value, row.number) != row.number:
                message = f"value stands in row {seen[value]} too"
                faults.append(Fault(file, row.number, name, value, message, "each value once"))
    return faults
