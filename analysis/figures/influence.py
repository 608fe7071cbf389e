"""Influence panel: several diagnostics of each study side by side, marked where they stand out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.figures.axis import linear_axis
from analysis.figures.chart import Place, both_widths
from analysis.figures.figure import Figure, make_figure, message_figure
from analysis.figures.svg import Drawing
from analysis.figures.text import text_width, wrap_text
from analysis.figures.theme import FONT_SIZE, SMALL_SIZE
from analysis.report.numbers import counted, is_missing, statistic
from analysis.report.rare import rate_share
from analysis.report.tables import Column, table_from_rows
from analysis.report.words import and_list

__all__ = ["Diagnostic", "influence_panel"]

_MARGIN = 8.0
_LINE = 20.0


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One measure over all studies.

    `limits` are the cut-offs beyond which a study counts as influential; `centre` is the value
    with all studies in; `proportion` says that values are shown as per cent.
    """

    head: str
    values: tuple[float, ...]
    limits: tuple[float | None, float | None] = (None, None)
    centre: float | None = None
    proportion: bool = False

    def stands_out(self, index: int) -> bool:
        """Tell whether the value of a study lies beyond the cut-offs."""
        value, (low, high) = self.values[index], self.limits
        if is_missing(value):
            return False
        return (low is not None and value < low) or (high is not None and value > high)

    def show(self, value: float) -> str:
        """Write a value."""
        return f"{rate_share(value, 1)}%" if self.proportion else statistic(value)


def influence_panel(
    labels: Sequence[str], diagnostics: Sequence[Diagnostic], *, name: str, title: str
) -> Figure:
    """Draw one small plot a diagnostic, the studies down the side.

    Raises
    ------
    ValueError
        When a diagnostic does not have one value a study.
    """
    for item in diagnostics:
        if len(item.values) != len(labels):
            raise ValueError(f"{item.head}: {len(item.values)} values for {len(labels)} studies")
    columns = [Column("label", "Study")]
    columns += [
        Column(f"d{rank}", item.head, "right", show=item.show) for rank, item in enumerate(diagnostics)
    ]
    columns.append(Column("out", "Stands out in"))
    rows = []
    for index, label in enumerate(labels):
        out = [item.head for item in diagnostics if item.stands_out(index)]
        row: dict[str, object] = {"label": label, "out": and_list(out) or "nothing"}
        row |= {f"d{rank}": item.values[index] for rank, item in enumerate(diagnostics)}
        rows.append(row)
    table = table_from_rows(name, f"{title}: influence of each study", columns, rows)
    if not labels or not diagnostics:
        return message_figure(name, f"{title}: no study.", table, f"{title}.")

    def draw(place: Place) -> Drawing:
        per_row = 2 if place.narrow else len(diagnostics)
        widest = max(text_width(label, FONT_SIZE, bold=True) for label in labels) + 12
        label_width = min(widest, 126.0 if place.narrow else 200.0)
        drawing = Drawing(place.width, 0)
        y = 0.0
        for start in range(0, len(diagnostics), per_row):
            block = diagnostics[start : start + per_row]
            y = _draw_block(drawing, labels, block, y, label_width, per_row)
        drawing.height = y
        return drawing

    wide, narrow = both_widths(draw)
    outstanding = [
        f"{label} ({and_list([d.head for d in diagnostics if d.stands_out(index)])})"
        for index, label in enumerate(labels)
        if any(item.stands_out(index) for item in diagnostics)
    ]
    alt = (
        f"Influence panel. {title}: {counted(len(labels), 'study', 'studies')}, "
        f"{and_list([item.head for item in diagnostics])}. "
    )
    alt += f"Standing out: {and_list(outstanding)}." if outstanding else "No study stands out."
    bold = " A study in bold lies beyond a dashed limit." if outstanding else ""
    return make_figure(name, wide, narrow, alt, table, f"{title}: influence of each study.{bold}")


def _draw_block(
    drawing: Drawing,
    labels: Sequence[str],
    block: Sequence[Diagnostic],
    y: float,
    label_width: float,
    per_row: int,
) -> float:
    room = (drawing.width - 2 * _MARGIN - label_width) / per_row
    heads = [wrap_text(item.head, SMALL_SIZE, room - 14, bold=True) for item in block]
    top = y + 10 + 15 * max(len(lines) for lines in heads)
    # A name that is wider than its column takes a second line.
    names = [wrap_text(label, FONT_SIZE, label_width - 8, bold=True) for label in labels]
    starts = [top]
    for parts in names:
        starts.append(starts[-1] + _LINE + 14 * (len(parts) - 1))
    bottom = starts[-1] + 4
    for index, parts in enumerate(names):
        out = any(item.stands_out(index) for item in block)
        for place, words in enumerate(parts):
            drawing.text(_MARGIN, starts[index] + 15 + 14 * place, words, bold=out)
    for rank, (item, lines) in enumerate(zip(block, heads, strict=True)):
        left = _MARGIN + label_width + room * rank + 6
        right = left + room - 20
        for place, words in enumerate(lines):
            drawing.text(left, y + 16 + 15 * place, words, size=SMALL_SIZE, bold=True)
        axis = linear_axis([*item.values, item.centre, *item.limits], about=3)
        drawing.line(left, bottom, right, bottom, stroke="grid")
        for value, words in (axis.ticks[0], axis.ticks[-1]):
            shown = rate_share(value) + "%" if item.proportion else words
            anchor = "start" if value == axis.ticks[0][0] else "end"
            x = axis.at(value, left, right)
            drawing.text(x, bottom + 15, shown, size=SMALL_SIZE, fill="muted", anchor=anchor)  # type: ignore[arg-type]
        for limit in item.limits:
            if limit is not None:
                x = axis.at(limit, left, right)
                drawing.line(x, top, x, bottom, stroke="second", dash="3 3")
        base = item.centre if item.centre is not None else max(axis.low, min(0.0, axis.high))
        origin = axis.at(base, left, right)
        drawing.line(origin, top, origin, bottom, stroke="grid")
        for index, value in enumerate(item.values):
            if is_missing(value):
                continue
            line = starts[index] + 10
            x = axis.at(value, left, right)
            role = "second" if item.stands_out(index) else "accent"
            drawing.line(origin, line, x, line, stroke=role, width=1.5)
            drawing.circle(x, line, 4, fill=role, tip=f"{labels[index]}: {item.show(value)}")
    return bottom + 28
