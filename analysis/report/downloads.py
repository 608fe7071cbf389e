"""Files to take away: each table as CSV and XLSX, each figure as SVG, PNG and CSV.

Pages link to ``../downloads/<name>.<kind>``. After the book is built, `harvest` reads the finished
pages and writes exactly the files that they link to, from the very tables and pictures that they
show. So a cached notebook, which does not run again, still has its files, and no list of names
needs keeping.
"""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.report.tables import Cell, Column, Table

if TYPE_CHECKING:
    from analysis.figures.figure import Figure

__all__ = ["DOWNLOADS", "harvest", "read_tables", "save_figure", "save_table"]

#: Folder of the files as seen from a page one level below the root of the site.
DOWNLOADS = "../downloads"

_FIGURE = re.compile(
    r'<figure class="review-figure" id="[^"]*" data-name="(?P<name>[a-z0-9-]+)">\s*'
    r'<div class="figure-wide">(?P<svg><svg .*?</svg>)</div>',
    re.DOTALL,
)
_LINK = re.compile(r"</?a\b[^>]*>")
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def save_table(directory: str | Path, name: str, table: Table) -> tuple[Path, ...]:
    """Write a table as ``<name>.csv`` and ``<name>.xlsx``; return the files written."""
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    csv_file, xlsx_file = folder / f"{name}.csv", folder / f"{name}.xlsx"
    # The mark at the start makes spreadsheet programs read the file as UTF-8.
    csv_file.write_text("\ufeff" + table.to_csv(), encoding="utf-8", newline="")
    table.write_xlsx(xlsx_file)
    return csv_file, xlsx_file


def save_figure(directory: str | Path, name: str, figure: Figure) -> tuple[Path, ...]:
    """Write a figure as SVG and, where resvg is installed, PNG, with its data as CSV and XLSX."""
    return _save_picture(Path(directory), name, figure.svg) + save_table(directory, name, figure.data_table)


def _save_picture(folder: Path, name: str, svg: str) -> tuple[Path, ...]:
    from analysis.figures.raster import svg_to_png

    folder.mkdir(parents=True, exist_ok=True)
    svg_file, png_file = folder / f"{name}.svg", folder / f"{name}.png"
    # Links to pages of the book lead nowhere from a file that was taken away.
    svg = _LINK.sub("", svg)
    svg_file.write_text(f"{svg}\n", encoding="utf-8", newline="")
    png = svg_to_png(svg)
    if png is None:
        return (svg_file,)
    png_file.write_bytes(png)
    return svg_file, png_file


def harvest(site: str | Path, folder: str = "downloads") -> tuple[Path, ...]:
    """Write the files of all tables and figures that the pages of a built site show.

    Parameters
    ----------
    site
        Root of the built site.
    folder
        Folder below the root that receives the files. Links in the pages are set to reach it from
        however deep the page lies.

    Returns
    -------
    tuple of Path
        The files written, in order.

    Raises
    ------
    ValueError
        When two pages show different tables or figures under one name.
    """
    root = Path(site)
    target = root / folder
    seen: dict[str, tuple[str, Path]] = {}
    written: list[Path] = []
    for page in sorted(root.rglob("*.html")):
        if "_static" in page.parts:
            continue
        text = page.read_text(encoding="utf-8")
        if 'class="review-figure"' not in text and 'class="review-table"' not in text:
            continue
        pictures = {match["name"]: match["svg"] for match in _FIGURE.finditer(text)}
        for name, svg in pictures.items():
            if _is_new(seen, f"{name}.svg", svg, page):
                written += _save_picture(target, name, svg)
        for table in read_tables(text):
            stem = table.name.removesuffix("-data")
            name = stem if stem in pictures else table.name
            if _is_new(seen, f"{name}.csv", table.to_csv(), page):
                written += save_table(target, name, table)
        _set_links(page, text, root, folder)
    return tuple(written)


def _is_new(seen: dict[str, tuple[str, Path]], key: str, content: str, page: Path) -> bool:
    if key not in seen:
        seen[key] = (content, page)
        return True
    if seen[key][0] != content:
        raise ValueError(f"{page} and {seen[key][1]} show different content under the name {key!r}")
    return False


def _set_links(page: Path, text: str, root: Path, folder: str) -> None:
    depth = len(page.relative_to(root).parts) - 1
    new = text.replace(f'download href="{DOWNLOADS}/', f'download href="{"../" * depth}{folder}/')
    if new != text:
        page.write_text(new, encoding="utf-8", newline="")


def read_tables(page: str) -> tuple[Table, ...]:
    """Read the review tables of a page back into tables of raw values."""
    reader = _TableReader()
    reader.feed(page)
    return tuple(reader.tables)


class _TableReader(HTMLParser):
    """Collects the cells and footnotes of every ``review-table``; footnote letters are left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[Table] = []
        self._name = ""
        self._caption = ""
        self._lines: list[list[Cell]] = []
        self._into: str | None = None
        self._text = ""
        self._value: str | None = None
        self._quiet = 0
        self._notes: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "div" and values.get("class") == "review-table":
            self._name = values.get("data-name") or ""
            self._lines, self._caption = [], ""
        elif tag == "div" and values.get("class") == "review-table-notes" and self.tables:
            self._notes = []
        elif tag == "p" and self._notes is not None:
            self._into, self._text = tag, ""
        elif tag == "sup":
            self._quiet += 1
        elif not self._name:
            return
        elif tag == "tr":
            self._lines.append([])
        elif tag in ("th", "td", "caption"):
            self._into, self._text, self._value = tag, "", values.get("data-value")

    def handle_data(self, data: str) -> None:
        if self._into and not self._quiet:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "sup":
            self._quiet -= 1
        elif tag == "p" and self._into == "p" and self._notes is not None:
            self._notes.append(self._text.strip())
            self._into = None
        elif tag == "div" and self._notes is not None:
            # The notes stand below their table, so it has been closed already.
            self.tables[-1] = replace(self.tables[-1], footnotes=tuple(self._notes))
            self._notes = None
        elif not self._name:
            return
        elif tag == "caption":
            self._caption, self._into = self._text, None
        elif tag in ("th", "td") and self._into:
            raw = self._text if self._value is None else self._value
            self._lines[-1].append(Cell(self._text, _plain(raw)))
            self._into = None
        elif tag == "table":
            self._close()

    def _close(self) -> None:
        heads = self._lines[0] if self._lines else []
        columns = tuple(Column(f"c{place}", cell.text) for place, cell in enumerate(heads))
        rows = tuple(tuple(row) for row in self._lines[1:])
        self.tables.append(Table(self._name, unescape(self._caption), columns, rows))
        self._name = ""


def _plain(text: str) -> str | int | float:
    """Turn the text of a number back into a number; text with leading zeros stays text."""
    if not _NUMBER.fullmatch(text) or (len(text) > 1 and text[0] == "0" and text[1].isdigit()):
        return text
    return float(text) if any(char in text for char in ".eE") else int(text)
