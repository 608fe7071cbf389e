"""Before and after: two estimates on each line, as between two evidence versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.figures.axis import percent_axis
from analysis.figures.chart import Place, both_widths
from analysis.figures.figure import Figure, make_figure, message_figure
from analysis.figures.shapes import draw_shape, legend
from analysis.figures.svg import Drawing
from analysis.figures.text import text_width
from analysis.figures.theme import FONT_SIZE, SMALL_SIZE
from analysis.report.numbers import is_missing, rate_change, share
from analysis.report.tables import Cell, Column, table_from_rows

__all__ = ["Change", "change_plot"]

_MARGIN = 8.0
_ROW = 46.0

#: An estimate with its interval; ``None`` where there is none.
Triple = tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class Change:
    """One line: what is compared, its estimate before and after."""

    label: str
    before: Triple
    after: Triple


def change_plot(changes: Sequence[Change], *, name: str, title: str, before: str, after: str) -> Figure:
    """Draw estimates before (outlined) and after (filled) on one axis; `before` and `after` name them."""
    columns = [Column("label", "Estimate")]
    for key, word in (("before", before), ("after", after)):
        columns += [
            Column(f"{key}{part}", f"{word}: {head}", "right")
            for part, head in ((0, "estimate"), (1, "lower end"), (2, "upper end"))
        ]
    columns.append(Column("difference", "Difference", "right"))
    rows = []
    for item in changes:
        places = rate_change(item.before, item.after).places
        row: dict[str, object] = {"label": item.label, "difference": _difference(item)}
        for key, triple in (("before", item.before), ("after", item.after)):
            row |= {
                f"{key}{part}": Cell(f"{share(value, places)}%", value)
                for part, value in enumerate(triple or ())
                if not is_missing(value)
            }
        rows.append(row)
    table = table_from_rows(name, f"{title}: before and after", columns, rows)
    triples = [triple for item in changes for triple in (item.before, item.after) if triple]
    if not triples:
        return message_figure(name, f"{title}: nothing to compare.", table, f"{title}.")
    axis = percent_axis([value for triple in triples for value in (triple[0], triple[2])])

    def draw(place: Place) -> Drawing:
        drawing = Drawing(place.width, 0)
        widest = max(text_width(item.label, FONT_SIZE) for item in changes) + 14
        left = _MARGIN + (6 if place.narrow else min(widest, 260))
        right = place.width - _MARGIN - (14 if place.narrow else 90)
        entries = [("circle", "second", True, before), ("circle", "accent", False, after)]
        top = legend(drawing, entries, _MARGIN, 20, place.width - _MARGIN)
        height = _ROW + (18 if place.narrow else 0)
        y = top
        for item in changes:
            shift = 22.0 if place.narrow else 4.0
            for value, _ in axis.ticks:
                x = axis.at(value, left, right)
                drawing.line(x, y + shift, x, y + height - 4, stroke="grid")
            told = rate_change(item.before, item.after)
            words = told.change
            if place.narrow:
                room = place.width - 2 * _MARGIN - text_width(words, FONT_SIZE) - 10
                drawing.text(_MARGIN, y + 14, item.label, limit=room)
                drawing.text(place.width - _MARGIN, y + 14, words, anchor="end", fill="muted")
            else:
                drawing.text(_MARGIN, y + 26, item.label, limit=left - _MARGIN - 8)
                drawing.text(place.width - _MARGIN, y + 26, words, anchor="end", fill="muted")
            for triple, text, role, hollow, offset in (
                (item.before, told.before, "second", True, 12.0),
                (item.after, told.after, "accent", False, 28.0),
            ):
                if triple is None:
                    continue
                line = y + offset + (shift - 4 if place.narrow else 2)
                if not (is_missing(triple[1]) or is_missing(triple[2])):
                    ends = [axis.at(value, left, right) for value in triple[1:]]
                    drawing.line(ends[0], line, ends[1], line, stroke=role, width=1.5)
                x = axis.at(triple[0], left, right)
                draw_shape(drawing, "circle", x, line, 5, role, hollow=hollow, tip=text)
            y += height
        drawing.line(left, y, right, y)
        for value, text in axis.ticks:
            x = axis.at(value, left, right)
            drawing.text(x, y + 17, text, size=SMALL_SIZE, anchor="middle")
        drawing.text(
            (left + right) / 2,
            y + 33,
            "Per cent of patients",
            size=SMALL_SIZE,
            fill="muted",
            anchor="middle",
        )
        drawing.height = y + 42
        return drawing

    wide, narrow = both_widths(draw)
    parts = []
    for item in changes:
        told = rate_change(item.before, item.after, "no estimate")
        parts.append(f"{item.label}: {told.before} before, {told.after} after")
    alt = f"{title}. Before is {before}; after is {after}. {'; '.join(parts)}."
    return make_figure(name, wide, narrow, alt, table, f"{title}.")


def _difference(item: Change) -> Cell | None:
    """Return the difference in the words of the figure, with the exact value for files."""
    if item.before is None or item.after is None:
        return None
    return Cell(rate_change(item.before, item.after).change, item.after[0] - item.before[0])
