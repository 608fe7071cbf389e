"""The contract of each table: every cell of a CSV file is held against its schema.

The schemas are plain Table Schema files, so any frictionless tool can apply them. Here their field
classes are used directly: building a whole frictionless resource loads a grammar of web addresses
that costs two seconds, and the report could not name the row as a spreadsheet shows it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from analysis.evidence.faults import Fault

__all__ = ["RawRow", "Schema", "TableRead", "read_schema", "read_table"]

CellReader = Callable[[str], tuple[Any, dict[str, str] | None]]

#: Characters that appear when UTF-8 text was read as Latin-1 or Windows-1252 and saved again.
_MOJIBAKE = re.compile("Ã[\u0080-\u00bf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€|\ufffd")
_TYPE_WORDS = {
    "integer": "a whole number",
    "number": "a number",
    "date": "a date as year-month-day",
    "string": "text",
}


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
    """What reading one file gave: the rows and every fault of the contract."""

    file: str
    rows: tuple[RawRow, ...]
    faults: tuple[Fault, ...]


def read_schema(path: Path) -> Schema:
    """Return the schema in a Table Schema file."""
    from frictionless import fields as kinds

    classes = {
        "string": kinds.StringField,
        "integer": kinds.IntegerField,
        "number": kinds.NumberField,
        "date": kinds.DateField,
    }
    descriptor = json.loads(path.read_text(encoding="utf-8"))
    readers = {
        item["name"]: classes[item["type"]](
            name=item["name"], constraints=item.get("constraints", {})
        ).create_cell_reader()
        for item in descriptor["fields"]
    }
    references = tuple(
        (key["fields"][0], key["reference"]["resource"], key["reference"]["fields"][0])
        for key in descriptor.get("foreignKeys", [])
    )
    return Schema(
        descriptor["name"],
        descriptor["title"],
        tuple(descriptor["fields"]),
        tuple(descriptor.get("primaryKey", ())),
        references,
        readers,
    )


def read_table(path: Path, schema: Schema) -> TableRead:
    """Read one CSV file and check encoding, columns, cells and repeated rows."""
    file = path.name
    if not path.is_file():
        return TableRead(file, (), (Fault(file, 0, "", "", "file is missing", "a CSV file"),))
    text, faults = _decode(file, path.read_bytes())
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        broken = Fault(file, 0, "", "", f"not readable as CSV ({error})", "comma-separated UTF-8")
        return TableRead(file, (), (*faults, broken))
    while records and not records[-1]:
        records.pop()
    if not records:
        return TableRead(
            file, (), (*faults, Fault(file, 0, "", "", "file is empty", "a header row"))
        )
    header = records[0]
    faults += _header_faults(file, header, schema)
    rows: list[RawRow] = []
    for number, record in enumerate(records[1:], start=2):
        if not any(record):
            faults.append(Fault(file, number, "", "", "row is blank", "no blank rows"))
            continue
        if len(record) != len(header):
            message = f"row has {len(record)} cells, the header {len(header)}"
            faults.append(Fault(file, number, "", record[0], message, f"{len(header)} cells"))
            continue
        row, found = _read_row(file, number, dict(zip(header, record, strict=True)), schema)
        rows.append(row)
        faults += found
    unique, repeated = _split_repeats(file, rows, schema)
    return TableRead(file, unique, (*faults, *repeated))


def _decode(file: str, data: bytes) -> tuple[str, list[Fault]]:
    faults: list[Fault] = []
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        faults.append(Fault(file, 1, "", "", "file is UTF-16", "UTF-8"))
        return data.decode("utf-16", errors="replace"), faults
    if data.startswith(b"\xef\xbb\xbf"):
        message = "file starts with a byte order mark"
        faults.append(Fault(file, 1, "", "", message, "plain UTF-8"))
        data = data[3:]
    # Bytes that are not UTF-8 become a replacement character; the cell that holds it is named
    # below.
    return data.decode("utf-8", errors="replace"), faults


def _header_faults(file: str, header: list[str], schema: Schema) -> list[Fault]:
    faults = []
    missing = [name for name in schema.columns if name not in header]
    extra = [name for name in header if name not in schema.columns]
    for name in missing:
        near = get_close_matches(name, extra, n=1)
        hint = f" (is {near[0]!r} meant for it?)" if near else ""
        faults.append(Fault(file, 1, name, "", f"column is missing{hint}", f"a column {name!r}"))
    for name in extra:
        faults.append(
            Fault(file, 1, name, name, "unknown column", "only the columns of the schema")
        )
    for name in sorted({name for name in header if header.count(name) > 1}):
        faults.append(Fault(file, 1, name, name, "column stands twice", "each column once"))
    return faults


def _read_row(
    file: str, number: int, text: dict[str, str], schema: Schema
) -> tuple[RawRow, list[Fault]]:
    values: dict[str, Any] = {}
    bad: set[str] = set()
    faults: list[Fault] = []
    for item in schema.fields:
        name = item["name"]
        if name not in text:
            values[name] = None
            bad.add(name)
            continue
        cell = text[name]
        values[name], notes = schema.readers[name](cell)
        problem = _cell_problem(cell, item, notes)
        if problem:
            bad.add(name)
            faults.append(Fault(file, number, name, cell, *problem))
    return RawRow(number, text, values, frozenset(bad)), faults


def _cell_problem(
    cell: str, item: dict[str, Any], notes: dict[str, str] | None
) -> tuple[str, str] | None:
    kind = _TYPE_WORDS[item["type"]]
    if _MOJIBAKE.search(cell):
        return "text is not UTF-8, letters are lost or garbled", "the file saved as UTF-8"
    if cell != cell.strip():
        return "blanks before or after the text", repr(cell.strip())
    if not notes:
        return None
    limits = item.get("constraints", {})
    if "type" in notes:
        return f"not {kind}", kind + " or a blank cell"
    if "required" in notes:
        return "cell is blank", kind
    if "enum" in notes:
        near = get_close_matches(cell, limits["enum"], n=1)
        hint = f" (near: {near[0]})" if near else ""
        return "not in the vocabulary", "one of " + ", ".join(limits["enum"]) + hint
    if "minimum" in notes:
        return "too small", f"at least {limits['minimum']}"
    if "maximum" in notes:
        return "too large", f"at most {limits['maximum']}"
    return "not in the right form", f"the pattern {limits.get('pattern', '')}"


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
