"""Loading: files to evidence, or every fault at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from analysis.evidence.content import content_hash
from analysis.evidence.contracts import (
    RawRow,
    Schema,
    TableRead,
    read_schema,
    read_table,
)
from analysis.evidence.faults import EvidenceFaults, Fault
from analysis.evidence.protocol import Protocol, read_protocol
from analysis.evidence.protocol_checks import Columns
from analysis.evidence.rules import Tables, run_checks
from analysis.evidence.schema_columns import column_faults
from analysis.evidence.tables import TABLES, Evidence
from analysis.evidence.text_files import read_text

__all__ = ["DATA", "load_evidence"]

Row = TypeVar("Row")

#: The repository's own data, so that a notebook finds it from any folder.
DATA = Path(__file__).resolve().parents[2] / "data"


def load_evidence(directory: str | Path | None = None) -> Evidence:
    """Load and check the tables and the protocol.

    Parameters
    ----------
    directory : path, optional
        Folder with the CSV files, `schemas/` and `protocol.yml`; by default `data/` of this
        repository.

    Returns
    -------
    Evidence
        Frozen tables with a content hash.

    Raises
    ------
    EvidenceFaults
        When anything is wrong; it carries every fault with file, row, column, value and what is
        right.
    """
    folder = DATA if directory is None else Path(directory)
    if not folder.is_dir():
        missing = Fault(str(folder), 0, "", "", "no such folder", "a folder with the tables")
        raise EvidenceFaults((missing,))
    faults: list[Fault] = []
    bad: dict[tuple[str, int], frozenset[str]] = {}
    rows: dict[str, tuple[Any, ...]] = {}
    unread, partial = set(), set()
    columns: dict[str, dict[str, dict[str, Any]]] = {}
    for name, kind in TABLES.items():
        read, columns[name] = _read(folder, name, kind)
        faults += read.faults
        bad.update({(read.file, row.number): row.bad for row in read.rows if row.bad})
        rows[name] = tuple(_build(kind, row) for row in read.rows)
        if name == "versions" and read.readable and not read.rows:
            faults.append(Fault(read.file, 0, "", "", "no version", "a row for each version"))
            partial.add(name)
        unread |= set() if read.readable else {name}
        partial |= set() if read.whole else {name}
    protocol, protocol_faults = _protocol(folder / "protocol.yml", columns)
    faults += protocol_faults
    if protocol is None:
        raise EvidenceFaults(tuple(faults))
    checks = run_checks(Tables(rows, protocol, bad, frozenset(unread), frozenset(partial)))
    faults += [finding.to_fault() for check in checks for finding in check.faults]
    if faults:
        raise EvidenceFaults(tuple(faults))
    return Evidence(
        **rows, protocol=protocol, data_hash=content_hash(rows, protocol, TABLES), checks=checks
    )


def _read(folder: Path, name: str, kind: type) -> tuple[TableRead, dict[str, dict[str, Any]]]:
    """Read one table against its schema, and return the field of each column.

    A schema that cannot be used makes the table unreadable.
    """
    path = _schema_path(folder, name)
    try:
        schema = _schema(path, path.stat().st_mtime_ns)
        wrong = column_faults(path.name, schema, kind)
    except EvidenceFaults as error:
        wrong = error.faults
    if wrong:
        return TableRead(f"{name}.csv", (), wrong, readable=False, whole=False), {}
    columns = {item["name"]: item for item in schema.fields}
    return read_table(folder / f"{name}.csv", schema), columns


def _schema_path(folder: Path, name: str) -> Path:
    """Return the schema beside the data, or the repository's own when there is none."""
    own = folder / "schemas" / f"{name}.json"
    return own if own.is_file() else DATA / "schemas" / f"{name}.json"


@cache
def _schema(path: Path, changed: int) -> Schema:
    """Return a schema; `changed` is the time of its last change, so that it is read anew then."""
    return read_schema(path)


def _protocol(path: Path, columns: Columns) -> tuple[Protocol | None, list[Fault]]:
    text, faults = read_text(path, "the protocol as YAML")
    if text is None:
        return None, list(faults)
    protocol, found = read_protocol(text, path.name, columns)
    return protocol, [*faults, *found]


def _build(kind: Callable[..., Row], row: RawRow) -> Row:
    """Build a typed row; blank texts become empty, and numbers plain floats.

    A printed percentage stays a decimal, since its number of places tells how it was rounded.
    """
    values: dict[str, Any] = {}
    for name, (annotation, is_text) in _columns(kind).items():
        value = row.values.get(name)
        if is_text:
            value = row.text.get(name, "")
        elif name in row.bad:
            value = None  # the cell is a fault already; no check may compute with it
        elif isinstance(value, Decimal) and "Decimal" not in annotation:
            value = float(value)
        values[name] = value
    declared = [name for name in row.values if name not in values]
    if declared:
        values["extra"] = tuple((name, _declared(row, name)) for name in declared)
    return kind(row=row.number, **values)


def _declared(row: RawRow, name: str) -> Any:
    """Return the value of a column that only the schema of this review declares."""
    value = row.values[name]
    if isinstance(value, Decimal):
        return float(value)
    return None if value is None and name in row.bad else value


@cache
def _columns(kind: Any) -> dict[str, tuple[str, bool]]:
    return {
        item.name: (str(item.type), str(item.type) == "str")
        for item in fields(kind)
        if item.name not in ("row", "extra")
    }
