"""Draw the lines of a forest plot, wide for desktop and print, and stacked for phones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.figures.axis import Axis
from analysis.figures.forest_rows import ForestRow
from analysis.figures.svg import Drawing
from analysis.figures.text import text_width, wrap_text
from analysis.figures.theme import FONT_SIZE, NARROW_WIDTH, SMALL_SIZE, WIDE_WIDTH
from analysis.report.numbers import is_missing

__all__ = ["ForestHeads", "draw_narrow", "draw_wide"]

_MARGIN = 8.0
_GAP = 14.0
#: With a space that does not break, so that the sign stays beside its word.
_DAGGER = "\u00a0†"
_LINE = 21.0
_NOTE_LINE = 15.0
_INDENT = 10.0
#: From the rule below the headings to the first line.
_BREATH = 8.0
_LARGEST_BOX = 13.0
_SMALLEST_BOX = 3.5
_WIDEST_LABEL = 240.0
_LEAST_PLOT = 190.0
#: From this many lines on, the ticks also stand above the plot.
_TICKS_ABOVE_FROM = 26


#: Lines with a mark, and those of them that may have counts.
_MARKED = ("study", "excluded", "pooled", "prediction", "reference")
_COUNTED = ("study", "excluded", "pooled")


@dataclass(frozen=True, slots=True)
class ForestHeads:
    """Headings of the columns and of the axis; an empty heading drops its column."""

    label: str = "Study"
    counts: str = "Events/total"
    shown: str = "Per cent (95% CI)"
    weight: str = "Weight"
    axis: str = "Per cent of patients"
    marks: str = ""


def draw_wide(
    rows: Sequence[ForestRow],
    axis: Axis,
    heads: ForestHeads,
    *,
    footer: Sequence[str] = (),
    guide: float | None = None,
) -> Drawing:
    """Draw all columns side by side; `guide` is the value of the dashed line."""
    label_width = min(
        _WIDEST_LABEL,
        max(
            [text_width(heads.label, FONT_SIZE, bold=True)]
            + [_label_width(row) for row in rows if row.kind not in ("note", "gap", "heading")]
        ),
    )
    counts_width = _column_width(heads.counts, [row.counts for row in rows])
    shown_width = _column_width(heads.shown, [row.shown for row in rows])
    weight_width = _column_width(heads.weight, [row.weight_shown for row in rows])
    marks_width = _column_width(heads.marks, [row.marks for row in rows])
    counts_right = _MARGIN + label_width + (_GAP + counts_width if counts_width else 0)
    marks_right = counts_right + (_GAP + marks_width if marks_width else 0)
    weight_right = WIDE_WIDTH - _MARGIN
    shown_right = weight_right - (weight_width + _GAP if weight_width else 0)
    left, right = marks_right + _GAP + 4, shown_right - shown_width - _GAP - 6
    if right - left < _LEAST_PLOT:
        spare = _LEAST_PLOT - (right - left)
        label_width -= spare
        counts_right -= spare
        marks_right -= spare
        left -= spare
    drawing = Drawing(WIDE_WIDTH, 0)
    y = 20.0
    drawing.text(_MARGIN, y, heads.label, bold=True)
    if counts_width:
        drawing.text(counts_right, y, heads.counts, bold=True, anchor="end")
    if marks_width:
        drawing.text(marks_right, y, heads.marks, bold=True, anchor="end")
    drawing.text(shown_right, y, heads.shown, bold=True, anchor="end")
    if weight_width:
        drawing.text(weight_right, y, heads.weight, bold=True, anchor="end")
    y += 9
    drawing.line(_MARGIN, y, WIDE_WIDTH - _MARGIN, y)
    y += 18 if len(rows) >= _TICKS_ABOVE_FROM else _BREATH
    top = y
    note_limit = WIDE_WIDTH - 2 * _MARGIN
    heights = [_wide_height(row, note_limit, label_width) for row in rows]
    bottom = top + sum(heights) + 4
    _grid(drawing, axis, left, right, top, bottom, rows, heights, guide)
    for row, height in zip(rows, heights, strict=True):
        baseline = y + 15
        indent = _INDENT * row.level
        strong = row.kind in ("pooled", "heading")
        if row.kind == "note":
            for index, line in enumerate(wrap_text(row.label, SMALL_SIZE, note_limit - indent)):
                drawing.text(
                    _MARGIN + indent,
                    y + 12 + _NOTE_LINE * index,
                    line,
                    size=SMALL_SIZE,
                    fill="muted",
                )
        elif row.kind == "heading":
            drawing.text(_MARGIN, baseline + 2, row.label, bold=True, limit=note_limit)
        elif row.kind != "gap":
            role = _words_role(row)
            _label(drawing, row, _MARGIN + indent, baseline, label_width - indent)
            if counts_width:
                drawing.text(counts_right, baseline, row.counts, anchor="end", bold=strong, fill=role)
            if marks_width and row.marks:
                drawing.text(marks_right, baseline, row.marks, anchor="end")
            drawing.text(shown_right, baseline, row.shown, anchor="end", bold=strong, fill=role)
            if weight_width and row.weight_shown:
                drawing.text(weight_right, baseline, row.weight_shown, anchor="end", fill="muted")
            _mark(drawing, row, axis, left, right, y + _LINE / 2)
        y += height
    y = _ticks_below(drawing, axis, heads.axis, left, right, bottom)
    _footer(drawing, footer, y, WIDE_WIDTH)
    return drawing


def draw_narrow(
    rows: Sequence[ForestRow],
    axis: Axis,
    heads: ForestHeads,
    *,
    footer: Sequence[str] = (),
    guide: float | None = None,
) -> Drawing:
    """Draw each study on two lines: words above, mark below."""
    width = NARROW_WIDTH
    small = [text_width(_second_line(row), SMALL_SIZE) for row in rows if row.kind in _COUNTED]
    left = _MARGIN + max(small, default=0.0) + 10
    right = width - _MARGIN
    drawing = Drawing(width, 0)
    note_limit = width - 2 * _MARGIN
    heading = f"{heads.shown}"
    drawing.text(_MARGIN, 18, heads.label, bold=True)
    drawing.text(right, 18, heading, bold=True, anchor="end")
    second = " · ".join(part for part in (heads.counts, heads.weight, heads.marks) if part)
    if second:
        drawing.text(_MARGIN, 34, second, size=SMALL_SIZE, fill="muted", limit=note_limit)
    drawing.line(_MARGIN, 42, right, 42)
    top = 42 + _BREATH
    heights = [_narrow_height(row, note_limit) for row in rows]
    bottom = top + sum(heights) + 4
    y = top
    shades: list[tuple[float, float]] = []
    for row, height in zip(rows, heights, strict=True):
        if row.kind in _MARKED:
            shades.append((y + height - 20, y + height - 2))
        y += height
    for start, end in shades:
        for value, _ in axis.ticks:
            x = axis.at(value, left, right)
            drawing.line(x, start, x, end, stroke="grid")
        if guide is not None and not is_missing(guide):
            x = axis.at(guide, left, right)
            drawing.line(x, start, x, end, stroke="accent", dash="3 3")
    y = top
    for row, height in zip(rows, heights, strict=True):
        strong = row.kind in ("pooled", "heading")
        if row.kind == "note":
            for index, line in enumerate(wrap_text(row.label, SMALL_SIZE, note_limit)):
                drawing.text(_MARGIN, y + 12 + _NOTE_LINE * index, line, size=SMALL_SIZE, fill="muted")
        elif row.kind == "heading":
            for index, line in enumerate(_heading_lines(row, note_limit)):
                drawing.text(_MARGIN, y + 17 + _NOTE_LINE * index, line, bold=True)
        elif row.kind != "gap":
            _label(drawing, row, _MARGIN, y + 14, _narrow_room(row))
            drawing.text(right, y + 14, row.shown, bold=strong, anchor="end", fill=_words_role(row))
            drawing.text(_MARGIN, y + height - 10, _second_line(row), size=SMALL_SIZE, fill="muted")
            _mark(drawing, row, axis, left, right, y + height - 13)
        y += height
    y = _ticks_below(drawing, axis, heads.axis, left, right, bottom)
    _footer(drawing, footer, y, width)
    return drawing


def _second_line(row: ForestRow) -> str:
    return " · ".join(part for part in (row.counts, row.weight_shown, row.marks) if part)


def _dagger(row: ForestRow) -> str:
    return _DAGGER if row.kind == "study" and row.remark else ""


def _label_width(row: ForestRow) -> float:
    strong = row.kind == "pooled"
    words = row.label + _dagger(row)
    return text_width(words, FONT_SIZE, bold=strong) + _INDENT * row.level + 1


def _words_role(row: ForestRow) -> str:
    return "muted" if row.kind == "excluded" else "ink"


def _label_lines(row: ForestRow, limit: float) -> tuple[str, ...]:
    """Break a label that is too long, its dagger with its last word."""
    return wrap_text(row.label + _dagger(row), FONT_SIZE, limit, bold=row.kind == "pooled")


def _label(drawing: Drawing, row: ForestRow, x: float, y: float, limit: float) -> None:
    lines = _label_lines(row, limit)
    # A single word that is wider than the column is clipped; its whole is the tip.
    tip = row.label if any(line.endswith("…") for line in lines) else ""
    for place, line in enumerate(lines):
        words, strong = line.replace("\u00a0", " "), row.kind == "pooled"
        at = y + _NOTE_LINE * place
        drawing.text(x, at, words, bold=strong, tip=tip, href=row.href, fill=_words_role(row))


def _column_width(head: str, texts: Sequence[str]) -> float:
    if not head or not any(texts):
        return 0.0
    # Bold for all: the pooled line is bold and may be the widest.
    return max(text_width(text, FONT_SIZE, bold=True) for text in (head, *texts))


def _wide_height(row: ForestRow, limit: float, label_width: float) -> float:
    if row.kind == "note":
        lines = wrap_text(row.label, SMALL_SIZE, limit - _INDENT * row.level)
        return _NOTE_LINE * len(lines) + 6
    if row.kind in ("gap", "heading"):
        return 8.0 if row.kind == "gap" else _LINE + 5
    return _LINE + _NOTE_LINE * (len(_label_lines(row, label_width - _INDENT * row.level)) - 1)


def _narrow_height(row: ForestRow, limit: float) -> float:
    if row.kind == "note":
        return _NOTE_LINE * len(wrap_text(row.label, SMALL_SIZE, limit)) + 8
    if row.kind == "heading":
        return 10 + _NOTE_LINE * len(_heading_lines(row, limit))
    if row.kind == "gap":
        return 8.0
    return 40.0 + _NOTE_LINE * (len(_label_lines(row, _narrow_room(row))) - 1)


def _narrow_room(row: ForestRow) -> float:
    """Return the room of a label beside its estimate on a phone."""
    used = text_width(row.shown, FONT_SIZE, bold=row.kind == "pooled")
    return NARROW_WIDTH - 2 * _MARGIN - used - 18


def _heading_lines(row: ForestRow, limit: float) -> Sequence[str]:
    return wrap_text(row.label, FONT_SIZE, limit, bold=True)


def _grid(
    drawing: Drawing,
    axis: Axis,
    left: float,
    right: float,
    top: float,
    bottom: float,
    rows: Sequence[ForestRow],
    heights: Sequence[float],
    guide: float | None,
) -> None:
    """Draw grid lines beside the marks only, so that notes stay free of lines."""
    spans: list[list[float]] = []
    y = top
    for row, height in zip(rows, heights, strict=True):
        if row.kind in _MARKED:
            if spans and abs(spans[-1][1] - y) < 0.01:
                spans[-1][1] = y + height
            else:
                spans.append([y, y + height])
        y += height
    for start, end in spans:
        for value, _ in axis.ticks:
            x = axis.at(value, left, right)
            drawing.line(x, start, x, end, stroke="grid")
        if guide is not None and not is_missing(guide):
            x = axis.at(guide, left, right)
            drawing.line(x, start, x, end, stroke="accent", dash="3 3")
    if len(rows) >= _TICKS_ABOVE_FROM:
        for value, text in axis.ticks:
            x = axis.at(value, left, right)
            drawing.text(x, top - 5, text, size=SMALL_SIZE, fill="muted", anchor="middle")


def _mark(drawing: Drawing, row: ForestRow, axis: Axis, left: float, right: float, y: float) -> None:
    if row.low is None or row.high is None or math.isnan(row.low) or math.isnan(row.high):
        if row.estimate is not None and not is_missing(row.estimate):
            _point(drawing, row, axis.at(row.estimate, left, right), y)
        return
    low, high = axis.at(row.low, left, right), axis.at(row.high, left, right)
    if row.kind == "prediction":
        drawing.line(low, y, high, y, stroke="second", width=3)
        for end, inside in ((low, axis.holds(row.low)), (high, axis.holds(row.high))):
            if inside:
                drawing.line(end, y - 5, end, y + 5, stroke="second", width=2)
        _arrows(drawing, row, axis, left, right, y, "second")
        return
    if row.estimate is None or is_missing(row.estimate):
        return
    middle = axis.at(row.estimate, left, right)
    if row.kind == "pooled":
        half = 7.0
        points = [(low, y), (middle, y - half), (high, y), (middle, y + half)]
        drawing.polygon(points, fill="accent", stroke="accent")
        return
    role = {"reference": "third", "excluded": "muted"}.get(row.kind, "ink")
    drawing.line(low, y, high, y, stroke=role)
    _arrows(drawing, row, axis, left, right, y, role)
    _point(drawing, row, middle, y)


def _point(drawing: Drawing, row: ForestRow, x: float, y: float) -> None:
    if row.kind == "reference":
        points = [(x - 6, y), (x, y - 6), (x + 6, y), (x, y + 6)]
        drawing.polygon(points, fill="paper", stroke="third", width=2)
        return
    side = _SMALLEST_BOX + (_LARGEST_BOX - _SMALLEST_BOX) * math.sqrt(max(row.size, 0.0))
    if row.kind == "excluded":
        drawing.rect(x - side / 2, y - side / 2, side, side, fill="page", stroke="muted", tip=row.label)
        return
    drawing.rect(x - side / 2, y - side / 2, side, side, fill="accent", tip=row.label)


def _arrows(
    drawing: Drawing, row: ForestRow, axis: Axis, left: float, right: float, y: float, role: str
) -> None:
    """Mark interval ends that lie beyond the axis."""
    if row.low is not None and row.low < axis.low - 1e-12:
        drawing.polygon([(left - 5, y), (left + 2, y - 4), (left + 2, y + 4)], fill=role)
    if row.high is not None and row.high > axis.high + 1e-12:
        drawing.polygon([(right + 5, y), (right - 2, y - 4), (right - 2, y + 4)], fill=role)


def _ticks_below(drawing: Drawing, axis: Axis, title: str, left: float, right: float, y: float) -> float:
    drawing.line(left, y, right, y)
    shown = _apart([(axis.at(value, left, right), text) for value, text in axis.ticks])
    for (value, text), fits in zip(axis.ticks, shown, strict=True):
        x = axis.at(value, left, right)
        drawing.line(x, y, x, y + 4)
        half = text_width(text, SMALL_SIZE) / 2
        x = min(max(x, half + 1), drawing.width - half - 1)
        if fits:
            drawing.text(x, y + 17, text, size=SMALL_SIZE, anchor="middle")
    # The title may be wider than the plot; it is centred below it as far as the page lets it.
    lines = wrap_text(title, SMALL_SIZE, drawing.width - 2 * _MARGIN)
    half = max(text_width(line, SMALL_SIZE) for line in lines) / 2
    middle = min(max((left + right) / 2, _MARGIN + half), drawing.width - _MARGIN - half)
    for index, line in enumerate(lines):
        place = y + 33 + _NOTE_LINE * index
        drawing.text(middle, place, line, size=SMALL_SIZE, fill="muted", anchor="middle")
    return y + 38 + _NOTE_LINE * (len(lines) - 1)


def _apart(ticks: Sequence[tuple[float, str]]) -> list[bool]:
    """Tell which ticks can be written without touching; 1 and the ends go before the others."""
    first = [place for place, (_, text) in enumerate(ticks) if text == "1"]
    order = dict.fromkeys([*first, 0, len(ticks) - 1, *range(len(ticks))])
    taken: list[tuple[float, float]] = []
    shown = [False] * len(ticks)
    for place in order:
        x, text = ticks[place]
        half = text_width(text, SMALL_SIZE) / 2 + 3
        if all(x + half <= low or x - half >= high for low, high in taken):
            taken.append((x - half, x + half))
            shown[place] = True
    return shown


def _footer(drawing: Drawing, lines: Sequence[str], y: float, width: float) -> None:
    y += 8 if lines else 0
    for line in lines:
        for piece in wrap_text(line, SMALL_SIZE, width - 2 * _MARGIN):
            y += _NOTE_LINE
            drawing.text(_MARGIN, y, piece, size=SMALL_SIZE, fill="muted")
        y += 3
    drawing.height = y + 8
