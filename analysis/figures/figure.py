"""The one shape of every figure: picture, alternative text, data table and downloads."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.figures.svg import Drawing
from analysis.report.downloads import DOWNLOADS
from analysis.report.html import escape, slug
from analysis.report.tables import Table, render_table

__all__ = ["Figure", "make_figure", "message_figure"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A finished figure.

    `svg` is for desktop pages and print, `svg_narrow` for phones; both hold the same facts. `alt`
    is composed from the numbers, `data_table` holds all of them, and `caption` says what is shown.
    """

    name: str
    svg: str
    svg_narrow: str
    alt: str
    data_table: Table
    caption: str

    def to_html(self, downloads: str = DOWNLOADS) -> str:
        """Return the figure as HTML with its data table and its files beneath.

        Without the book's style sheet, as in JupyterLab, only the wide picture shows.
        """
        links = " ".join(
            f'<a download href="{escape(downloads)}/{self.name}.{kind}">{kind.upper()}</a>'
            for kind in ("svg", "png", "csv", "xlsx")
        )
        table = render_table(self.data_table, downloads=None)
        return (
            f'<figure class="review-figure" id="figure-{self.name}" data-name="{self.name}">\n'
            f'<div class="figure-wide">{self.svg}</div>\n'
            f'<div class="figure-narrow" style="display:none">{self.svg_narrow}</div>\n'
            f"<figcaption>{escape(self.caption)}</figcaption>\n"
            f"<details><summary>Data table</summary>\n{table}\n</details>\n"
            f'<p class="review-downloads">Download: {links}</p>\n</figure>'
        )

    def _repr_html_(self) -> str:
        return self.to_html()


def make_figure(
    name: str, wide: Drawing, narrow: Drawing, alt: str, data_table: Table, caption: str
) -> Figure:
    """Assemble a figure; the data table takes the figure's name so that the files match."""
    key = slug(name)
    named = Table(
        f"{key}-data",
        data_table.caption,
        data_table.columns,
        data_table.cells,
        data_table.footnotes,
        data_table.sortable,
    )
    return Figure(key, wide.render(alt), narrow.render(alt), alt, named, caption)


def message_figure(name: str, message: str, data_table: Table, caption: str) -> Figure:
    """Return a figure that says in words why there is nothing to draw."""
    from analysis.figures.text import wrap_text
    from analysis.figures.theme import FONT_SIZE, NARROW_WIDTH, WIDE_WIDTH

    drawings = []
    for width in (WIDE_WIDTH, NARROW_WIDTH):
        lines = wrap_text(message, FONT_SIZE, width - 48)
        drawing = Drawing(width, 44 + 18 * len(lines))
        drawing.rect(8, 8, width - 16, drawing.height - 16, fill="shade", radius=4)
        for index, line in enumerate(lines):
            drawing.text(width / 2, 36 + 18 * index, line, fill="muted", anchor="middle")
        drawings.append(drawing)
    return make_figure(name, drawings[0], drawings[1], message, data_table, caption)
