"""Workbooks of a spreadsheet program: every sheet with a head of records is read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from analysis.evidence.faults import Fault
from analysis.living.records.delimited import read_rows
from analysis.living.records.fields import Reading
from analysis.living.records.heads import is_head

__all__ = ["read_workbook"]

_PREAMBLE = 120
_ADVICE = "a workbook that opens in a spreadsheet program; save the sheet as CSV UTF-8 and import that"


def read_workbook(data: bytes, file: str, source: str = "") -> Reading:
    """Read the records of an Excel workbook (.xlsx)."""
    import warnings

    from openpyxl import load_workbook

    reading = Reading()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles that are not known say nothing of the records
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            for sheet in book.worksheets:
                _read_sheet(sheet, file, source, reading)
    except Exception as error:  # a damaged archive fails in many ways, and each means the same
        problem = f"the Excel workbook cannot be read ({type(error).__name__})"
        reading.faults.append(Fault(file, 0, "", "", problem, _ADVICE))
        return reading
    if not reading.count and not reading.faults:
        problem = "the Excel workbook has no sheet with a column of titles"
        expected = "a head with Title and one more known column, as databases export it; or RIS"
        reading.faults.append(Fault(file, 0, "", "", problem, expected))
    return reading


def _read_sheet(sheet: Any, file: str, source: str, reading: Reading) -> None:
    rows = _cells(sheet)
    before = 0
    for number, cells in rows:
        if is_head(cells):
            reading.between += before

            def whole(first: tuple[int, list[str]] = (number, cells)) -> Iterator[tuple[int, list[str]]]:
                yield first
                yield from rows

            read_rows(whole(), file, source, reading)
            return
        before += any(cells)
        if number > _PREAMBLE:
            break
    if before:
        problem = f"the sheet {sheet.title!r} has no column of titles and was left out"
        reading.notes.append(Fault(file, 0, "", "", problem, "a head with Title"))


def _cells(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    sheet.reset_dimensions()
    for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
        yield number, [_text(value) for value in row]


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime) and value.time().isoformat() == "00:00:00":
        return value.date().isoformat()
    if isinstance(value, datetime | date):
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
