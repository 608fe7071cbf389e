"""The flow diagram of PRISMA 2020: two parallel columns that meet in what was included.

Databases and registers stand on the left, other methods on the right. Every arrow stays within its
column, until both lead into the studies included. A stage whose number nobody wrote down is one short
grey line.
"""

from __future__ import annotations

from dataclasses import dataclass

from analysis.figures.figure import Figure, make_figure
from analysis.figures.flow import FlowBox, flow_data, flow_words
from analysis.figures.svg import Drawing
from analysis.figures.text import wrap_text
from analysis.figures.theme import NARROW_WIDTH, SMALL_SIZE, WIDE_WIDTH
from analysis.report.numbers import count

__all__ = ["FlowColumn", "parallel_flow"]

#: In place of a number that was not recorded.
_UNKNOWN = "?"
_MARGIN = 8.0
_PAD = 8.0
_LINE = 15.0
_ARROW = 20.0
_GAP = 14.0
_BETWEEN = 28.0
_MAIN_SHARE = 0.54
_CORNER = 4.0


@dataclass(frozen=True, slots=True)
class FlowColumn:
    """One way by which records came: its heading, and its stages from top to bottom."""

    heading: str
    boxes: tuple[FlowBox, ...]


def parallel_flow(
    columns: tuple[FlowColumn, FlowColumn],
    included: FlowBox,
    total: FlowBox,
    previous: FlowBox | None = None,
    *,
    name: str,
    title: str,
    note: str = "",
) -> Figure:
    """Draw both columns side by side, on a phone below each other, and what they led to.

    Parameters
    ----------
    columns
        Databases and registers, then other methods; stages of one height stand in one row.
    included
        What both columns led to.
    total
        What is in the review, the previous versions with it.
    previous
        What stood in previous versions; it leads to the total alone.
    name, title, note
        As for `flow`.
    """
    end = [box for box in (included, previous, total) if box is not None]
    words = [f"{column.heading}: {flow_words(column.boxes)}" for column in columns]
    words.append(f"Included: {flow_words(end)}")
    alt = f"{title}. {' '.join(words)} {note}".strip()
    rows = [box for column in columns for box in _named(column)] + end
    wide = _draw_wide(columns, included, total, previous)
    narrow = _draw_narrow(columns, included, total, previous)
    return make_figure(name, wide, narrow, alt, flow_data(name, title, rows), f"{title}. {note}".strip())


def _named(column: FlowColumn) -> list[FlowBox]:
    """Give the stages their column's name, for the table of numbers."""
    return [
        FlowBox(f"{box.label} ({column.heading[:1].lower()}{column.heading[1:]})", box.number, box.aside)
        for box in column.boxes
    ]


@dataclass(frozen=True, slots=True)
class _Lines:
    """The words of a box: lines, how many of them are bold, and whether its number is known."""

    lines: tuple[str, ...]
    bold: int
    known: bool

    @property
    def height(self) -> float:
        return _LINE * len(self.lines) + 2 * _PAD - 4 if self.lines else 0.0


def _main(box: FlowBox, width: float) -> _Lines:
    room = width - 2 * _PAD
    if box.number is None:
        lines = wrap_text(f"{box.label} (n\u00a0=\u00a0{_UNKNOWN})", SMALL_SIZE, room)
        return _Lines(tuple(lines), 0, False)
    head = wrap_text(box.label, SMALL_SIZE, room, bold=True)
    rest = [f"n = {count(box.number)}"]
    if box.detail:
        rest += wrap_text(box.detail, SMALL_SIZE, room)
    return _Lines((*head, *rest), len(head), True)


def _side(box: FlowBox, width: float) -> _Lines:
    """Return what left at a stage; reasons without a number share one line."""
    room = width - 2 * _PAD
    lines: list[str] = []
    known = [(reason, number) for reason, number in box.aside if number is not None]
    for reason, number in known:
        lines += wrap_text(f"{reason} (n\u00a0=\u00a0{count(number)})", SMALL_SIZE, room)
    unknown = [reason for reason, number in box.aside if number is None]
    if unknown:
        lines += wrap_text(f"{'; '.join(unknown)} (n\u00a0=\u00a0{_UNKNOWN})", SMALL_SIZE, room)
    return _Lines(tuple(lines), 0, bool(known))


def _draw(drawing: Drawing, x: float, y: float, width: float, words: _Lines, *, main: bool) -> None:
    stroke = "accent" if main and words.known else "muted"
    fill = "shade" if words.known else "paper"
    drawing.rect(x, y, width, words.height, fill=fill, stroke=stroke, radius=_CORNER)
    for place, line in enumerate(words.lines):
        drawing.text(
            x + _PAD,
            y + _PAD + 9 + _LINE * place,
            line.replace("\u00a0", " "),
            size=SMALL_SIZE,
            bold=place < words.bold,
            fill="ink" if words.known else "muted",
        )


def _down(drawing: Drawing, x: float, start: float, end: float) -> None:
    drawing.line(x, start, x, end - 5, stroke="muted", width=1.5)
    drawing.polygon([(x - 4, end - 7), (x + 4, end - 7), (x, end)], fill="muted")


def _across(drawing: Drawing, start: float, end: float, y: float) -> None:
    way = 1 if end > start else -1
    drawing.line(start, y, end - 5 * way, y, stroke="muted", width=1.5)
    drawing.polygon([(end - 7 * way, y - 4), (end - 7 * way, y + 4), (end, y)], fill="muted")


def _draw_wide(
    columns: tuple[FlowColumn, FlowColumn], included: FlowBox, total: FlowBox, previous: FlowBox | None
) -> Drawing:
    drawing = Drawing(WIDE_WIDTH, 0)
    column_width = (WIDE_WIDTH - 2 * _MARGIN - _BETWEEN) / 2
    main_width = (column_width - _GAP) * _MAIN_SHARE
    side_width = column_width - _GAP - main_width
    lefts = (_MARGIN, _MARGIN + column_width + _BETWEEN)
    centres = tuple(left + main_width / 2 for left in lefts)
    for left, column in zip(lefts, columns, strict=True):
        drawing.text(left, _MARGIN + 12, column.heading, bold=True)
    y = _MARGIN + 24
    count_rows = max(len(column.boxes) for column in columns)
    ends = [y, y]
    for row in range(count_rows):
        heights = [0.0]
        for at, column in enumerate(columns):
            if row >= len(column.boxes):
                continue
            box = column.boxes[row]
            main, side = _main(box, main_width), _side(box, side_width)
            if row:
                _down(drawing, centres[at], ends[at], y)
            _draw(drawing, lefts[at], y, main_width, main, main=True)
            ends[at] = y + main.height
            if side.lines:
                x = lefts[at] + main_width
                _across(drawing, x, x + _GAP, y + min(main.height, side.height) / 2)
                _draw(drawing, x + _GAP, y, side_width, side, main=False)
            heights.append(max(main.height, side.height))
        y += max(heights) + _ARROW
    width = centres[1] + main_width / 2 - _MARGIN
    words = _main(included, width)
    for centre, end in zip(centres, ends, strict=True):
        _down(drawing, centre, end, y)
    _draw(drawing, _MARGIN, y, width, words, main=True)
    y, end = y + words.height + _ARROW, y + words.height
    words = _main(total, main_width)
    _down(drawing, centres[0], end, y)
    _draw(drawing, _MARGIN, y, main_width, words, main=True)
    height = words.height
    if previous is not None:
        before = _main(previous, main_width)
        _draw(drawing, lefts[1], y, main_width, before, main=True)
        _across(drawing, lefts[1], _MARGIN + main_width, y + min(height, before.height) / 2)
        height = max(height, before.height)
    drawing.height = y + height + _MARGIN
    return drawing


def _draw_narrow(
    columns: tuple[FlowColumn, FlowColumn], included: FlowBox, total: FlowBox, previous: FlowBox | None
) -> Drawing:
    """Draw one column below the other under its heading; no arrow leads from one into the next."""
    drawing = Drawing(NARROW_WIDTH, 0)
    width = NARROW_WIDTH - 2 * _MARGIN
    inset, x, y = 40.0, _MARGIN + 18, _MARGIN
    end = [box for box in (included, previous, total) if box is not None]
    parts = [(column.heading, column.boxes, True) for column in columns]
    parts.append(("Included, from both", tuple(end), False))
    for heading, boxes, linked in parts:
        drawing.text(_MARGIN, y + 12, heading, bold=True)
        y += 24
        start = 0.0
        for row, box in enumerate(boxes):
            main, side = _main(box, width), _side(box, width - inset)
            if row and linked:
                _down(drawing, x, start, y)
            _draw(drawing, _MARGIN, y, width, main, main=True)
            start = y + main.height
            y = start
            if side.lines:
                y += 8
                _across(drawing, x, _MARGIN + inset, y + side.height / 2)
                _draw(drawing, _MARGIN + inset, y, width - inset, side, main=False)
                if row + 1 == len(boxes) or not linked:
                    drawing.line(x, start, x, y + side.height / 2, stroke="muted", width=1.5)
                y += side.height
            y += _ARROW if linked and row + 1 < len(boxes) else 10
        y += 8
    drawing.height = y + _MARGIN - 8
    return drawing
