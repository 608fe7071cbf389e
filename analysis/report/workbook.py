"""XLSX files that hold values only and have the same bytes whenever the values are the same."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

__all__ = ["write_workbook"]

#: The earliest moment a zip archive can hold; any fixed moment would do.
_FIXED_MOMENT = (1980, 1, 1, 0, 0, 0)
_CORE = "docProps/core.xml"
_MOMENT = re.compile(rb"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_WIDEST_COLUMN = 60


def write_workbook(
    path: str | Path,
    title: str,
    heads: Sequence[str | int | float],
    rows: Sequence[Sequence[str | int | float]],
    footnotes: Sequence[str] = (),
) -> None:
    """Write one sheet: headings, rows, and a second sheet that says what the table is.

    Strings are stored as strings, so a spreadsheet never runs them as formulas.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.active
    sheet.title = "Table"
    for line, row in enumerate([heads, *rows], start=1):
        for place, value in enumerate(row, start=1):
            cell = sheet.cell(row=line, column=place, value=_legal(value))
            if isinstance(value, str):
                cell.data_type = "s"
            if line == 1:
                cell.font = Font(bold=True)
    for place in range(1, len(heads) + 1):
        longest = max((len(str(row[place - 1])) for row in [heads, *rows]), default=0)
        sheet.column_dimensions[get_column_letter(place)].width = min(longest + 2, _WIDEST_COLUMN)
    sheet.freeze_panes = "B2"
    about = book.create_sheet("About")
    for line, text in enumerate([title, *footnotes], start=1):
        about.cell(row=line, column=1, value=_legal(text)).data_type = "s"
    buffer = io.BytesIO()
    book.save(buffer)
    Path(path).write_bytes(_without_moments(buffer.getvalue()))


def _legal(value: str | int | float) -> str | int | float:
    """Drop control characters, which the format cannot hold."""
    if not isinstance(value, str):
        return value
    return "".join(char for char in value if char >= " " or char in "\t\n\r")


def _without_moments(data: bytes) -> bytes:
    """Rewrite an archive so that no clock time is left in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == _CORE:
                content = _MOMENT.sub(b"1980-01-01T00:00:00Z", content)
            entry = zipfile.ZipInfo(name, date_time=_FIXED_MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, content)
    return out.getvalue()
