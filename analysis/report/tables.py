"""One table, four forms: HTML that turns into cards on phones, CSV, XLSX and a data frame."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from analysis.report.html import attributes, element, escape, link, slug
from analysis.report.numbers import MISSING, count, statistic
from analysis.report.readable import signs

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Cell", "Column", "Table", "guard_formula", "render_table", "table_from_rows"]

Align = Literal["left", "right", "center"]
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
#: Searching is offered from this many rows on; fewer are seen at a glance.
_SEARCH_FROM = 10
#: What no line may break: an interval "(71 to 95)", a difference "−3.6 points", a date, a range of a
#: scale "mRS 0-2", the version of a package "2022.11-16".
_KEPT = re.compile(
    r"<[^>]*>|(?<![\w>])\([^() ]{1,9} to [^() ]{1,9}\)|[+−]?\d[\d.]* points?\b"
    r"|(?<![\w./-])(?:\d{4}-\d\d(?:-\d\d)?|(?:mRS )?\d-\d|\d+(?:\.\d+)+-\d[\d.]*)(?![\w/-])"
)
#: An address, a DOI or a dotted name, which holds no space to break at; tags pass untouched.
_ADDRESS = re.compile(r"<[^>]*>|(?:https?://)?\w[\w-]*[._]\w[\w./:?=&;%-]{10,}")
#: Names of so many signs fit any column and are not broken.
_WHOLE = 20
#: Letters of footnotes as signs that are raised without markup, for text that a style sheet writes.
_RAISED = str.maketrans("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: the text shown, the raw value behind it, a link, and a footnote.

    `value` is what CSV and XLSX hold and what sorting uses; without it they use `text`.
    """

    text: str
    value: str | int | float | bool | None = None
    href: str | None = None
    note: str | None = None
    tone: str | None = None

    @property
    def raw(self) -> str | int | float:
        """The value for files: plain, finite, at most ten significant digits."""
        if self.value is None:
            return self.text
        if isinstance(self.value, bool):
            return "yes" if self.value else "no"
        if isinstance(self.value, float):
            return float(f"{self.value:.10g}") if math.isfinite(self.value) else ""
        return self.value


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its key in the rows, heading, alignment, format and an optional footnote."""

    key: str
    head: str
    align: Align = "left"
    note: str | None = None
    show: Callable[[Any], str] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A named table of cells, ready to be shown and written."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    cells: tuple[tuple[Cell, ...], ...]
    footnotes: tuple[str, ...] = ()
    sortable: bool = True

    def __post_init__(self) -> None:
        for number, row in enumerate(self.cells, start=1):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"table {self.name!r}, row {number}: {len(row)} cells for {len(self.columns)} columns"
                )

    def to_csv(self) -> str:
        """Return the table as CSV text, safe to open in a spreadsheet."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([guard_formula(column.head) for column in self.columns])
        for row in self.cells:
            writer.writerow([guard_formula(cell.raw) for cell in row])
        return out.getvalue()

    def write_xlsx(self, path: str | Path) -> None:
        """Write the table as a workbook with one sheet; equal tables give equal bytes."""
        from analysis.report.workbook import write_workbook

        heads = [guard_formula(column.head) for column in self.columns]
        rows = [[guard_formula(cell.raw) for cell in row] for row in self.cells]
        write_workbook(path, self.caption, heads, rows, self.footnotes)

    def to_frame(self) -> pd.DataFrame:
        """Return the raw values as a data frame with the headings as columns."""
        import pandas as pd

        return pd.DataFrame(
            [[cell.raw for cell in row] for row in self.cells],
            columns=[column.head for column in self.columns],
        )

    def _repr_html_(self) -> str:
        return render_table(self)


def guard_formula(value: str | int | float) -> str | int | float:
    """Put an apostrophe before text that a spreadsheet would run as a formula.

    Plain numbers pass, also as text and also negative ones.

    Examples
    --------
    >>> guard_formula("=1+1"), guard_formula("-2.5"), guard_formula("- none"), guard_formula(-2)
    ("'=1+1", '-2.5', "'- none", -2)
    """
    if not isinstance(value, str) or not value.startswith(_FORMULA_STARTS):
        return value
    return value if _PLAIN_NUMBER.fullmatch(value) else f"'{value}"


def table_from_rows(
    name: str,
    caption: str,
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Any]],
    *,
    footnotes: Sequence[str] = (),
    sortable: bool = True,
) -> Table:
    """Build a table from dictionaries; plain values are formatted, a `Cell` is taken as it is.

    Parameters
    ----------
    name
        Name of the table: its anchor and the stem of its files.
    caption
        What the table shows.
    columns
        Columns in order; the first is the row heading.
    rows
        One mapping a row. A key that is absent counts as ``None``.
    footnotes
        General notes below the table; notes of columns and cells come after them, lettered.
    sortable
        Offer sorting and, for long tables, searching in the browser.
    """
    cells = tuple(tuple(_cell(row.get(column.key), column) for column in columns) for row in rows)
    return Table(slug(name), caption, tuple(columns), cells, tuple(footnotes), sortable)


def _cell(value: object, column: Column) -> Cell:
    if isinstance(value, Cell):
        return value
    if hasattr(value, "item"):
        value = value.item()
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return Cell(MISSING, "", tone="missing")
    if column.show is not None:
        plain = value if isinstance(value, bool | int | float | str) else str(value)
        return Cell(column.show(value), plain)
    if isinstance(value, bool):
        return Cell("yes" if value else "no", value)
    if isinstance(value, int):
        # Only counts are grouped, and those are right aligned; years stay as they are.
        return Cell(count(value) if column.align == "right" else str(value), value)
    if isinstance(value, float):
        return Cell(statistic(value), value)
    return Cell(str(value))


def render_table(table: Table, *, downloads: str | None = "../downloads") -> str:
    """Render a table as accessible HTML.

    Parameters
    ----------
    table
        The table.
    downloads
        Folder of the files, relative to the page, for the links below; ``None`` for no links.
    """
    notes = _Notes()
    heads = []
    for column in table.columns:
        mark = notes.mark(column.note)
        head = _KEPT.sub(_kept, escape(column.head)) + mark
        heads.append(element("th", head, {"scope": "col", "class": _align(column)}))
    body = "\n".join(_row(table, row, notes) for row in table.cells)
    grid = (
        f"<table{attributes({'class': 'sortable' if table.sortable else None})}>"
        f"<caption>{escape(table.caption)}</caption>"
        f"<thead><tr>{''.join(heads)}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
    )
    if not table.cells:
        grid += '<p class="review-table-empty">No rows.</p>'
    scroll = element(
        "div",
        grid,
        {"class": "review-table-scroll", "role": "region", "tabindex": "0"} | {"aria-label": table.caption},
    )
    foot = "".join(f"<p>{escape(note)}</p>" for note in table.footnotes) + notes.html()
    if foot:
        foot = f'<div class="review-table-notes">{foot}</div>'
    links = "" if downloads is None else _links(table, downloads)
    outer = {"class": "review-table", "id": f"table-{table.name}", "data-name": table.name}
    if table.sortable and len(table.cells) >= _SEARCH_FROM:
        outer["data-search"] = "yes"
    return element("div", f"\n{scroll}\n{foot}{links}\n", outer)


class _Notes:
    """Letters for footnotes in the order of their first use; equal notes share a letter."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def mark(self, note: str | None) -> str:
        if not note:
            return ""
        index = len(self._letters)
        default = chr(ord("a") + index % 26) * (index // 26 + 1)
        return f"<sup>{self._letters.setdefault(note, default)}</sup>"

    def raised(self, note: str | None) -> str | None:
        return self._letters[note].translate(_RAISED) if note in self._letters else None

    def html(self) -> str:
        return "".join(f"<p><sup>{letter}</sup> {escape(note)}</p>" for note, letter in self._letters.items())


def _align(column: Column) -> str | None:
    return {"left": None, "right": "num", "center": "mid"}[column.align]


def _row(table: Table, row: Sequence[Cell], notes: _Notes) -> str:
    parts = []
    for index, (column, cell) in enumerate(zip(table.columns, row, strict=True)):
        raw = str(cell.raw)
        names = [name for name in (_align(column), cell.tone and f"tone-{cell.tone}") if name]
        values: dict[str, object] = {
            "scope": "row" if index == 0 else None,
            "class": " ".join(names) or None,
            "data-label": column.head,
            # On a card the head is written before the cell, by style alone: the letter goes with it.
            "data-mark": notes.raised(column.note) if index else None,
            "data-value": raw if raw != cell.text else None,
        }
        content = _KEPT.sub(_kept, link(signs(cell.text), cell.href))
        content = _ADDRESS.sub(_breakable, content)
        if cell.note or "<span" in content:
            # One element, so that a card keeps the parts of a cell beside each other.
            content = f"<span>{content}{notes.mark(cell.note)}</span>"
        parts.append(element("th" if index == 0 else "td", content, values))
    return f"<tr>{''.join(parts)}</tr>"


def _kept(found: re.Match[str]) -> str:
    text = found[0]
    return text if text.startswith("<") else f'<span class="review-keep">{text}</span>'


def _breakable(found: re.Match[str]) -> str:
    text = found[0]
    if text.startswith("<") or len(text) <= _WHOLE:
        return text
    return f'<span class="review-address">{text}</span>'


def _links(table: Table, downloads: str) -> str:
    items = " ".join(
        f'<a download href="{escape(downloads)}/{table.name}.{kind}">{kind.upper()}</a>'
        for kind in ("csv", "xlsx")
    )
    return f'<p class="review-downloads">Download this table: {items}</p>'
