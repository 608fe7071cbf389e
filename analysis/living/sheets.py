"""Lists that people open in a spreadsheet: written guarded, read as spreadsheets save them.

The titles in them come from foreign databases. Text that a spreadsheet would run as a formula gets an
apostrophe before it, which is taken off again when the list is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.evidence.faults import EvidenceFaults, Fault
from analysis.files import csv_text, write_file
from analysis.report.tables import guard_formula
from analysis.tables import Sheet, SheetError, read_sheet

__all__ = ["guarded", "list_text", "read_list", "unguarded", "write_list"]


def guarded(value: Any) -> Any:
    """Return a cell that no spreadsheet runs as a formula.

    Examples
    --------
    >>> guarded("=1+1"), guarded("'=1+1"), guarded("A trial"), guarded(None)
    ("'=1+1", "''=1+1", 'A trial', None)
    """
    # An apostrophe of the text itself is doubled, so that reading takes off exactly what was put on.
    if (
        isinstance(value, str)
        and value.startswith("'")
        and guard_formula(value.lstrip("'")) != value.lstrip("'")
    ):
        return f"'{value}"
    return guard_formula(value) if isinstance(value, str) else value


def unguarded(cell: str) -> str:
    """Return what stood in a cell before it was guarded.

    Examples
    --------
    >>> unguarded("'=1+1"), unguarded("''=1+1"), unguarded("'s-Gravenhage")
    ('=1+1', "'=1+1", "'s-Gravenhage")
    """
    return cell[1:] if cell.startswith("'") and guarded(cell[1:]) == cell else cell


def list_text(heads: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return a list as text; the mark at its start lets spreadsheets read its accents."""
    return "\ufeff" + csv_text(heads, ([guarded(row.get(head, "")) for head in heads] for row in rows))


def write_list(rows: Sequence[Mapping[str, Any]], path: str | Path, heads: Sequence[str] = ()) -> None:
    """Write a list whole; without rows and heads it is an empty file.

    Raises
    ------
    WriteError
        When it cannot be written.
    """
    names = heads or (list(rows[0]) if rows else [])
    write_file(path, list_text(names, rows) if names else "")


def read_list(path: str | Path, columns: Sequence[str]) -> Sheet:
    """Read a list as a spreadsheet saved it; guards are taken off.

    Raises
    ------
    EvidenceFaults
        When it cannot be read without a guess, or a column is missing.
    """
    name = Path(path).name
    try:
        sheet = read_sheet(path, name=name, columns=columns)
    except SheetError as error:
        fault = Fault(name, error.row, error.column, error.value, error.problem, error.expected)
        raise EvidenceFaults((fault,)) from None
    faults = [
        Fault(name, sheet.head_row, column, "", "column is missing", f"a column {column!r}")
        for column in columns
        if column not in sheet.heads
    ]
    if faults:
        raise EvidenceFaults(tuple(faults))
    rows = tuple(
        (number, {head: unguarded(cell) for head, cell in row.items()}) for number, row in sheet.rows
    )
    return Sheet(name, sheet.heads, rows, sheet.head_row, sheet.delimiter, sheet.encoding, sheet.assumed)
