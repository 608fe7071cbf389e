"""The flow of studies: one box a stage, and beside it what left the flow there and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.figures.figure import Figure, make_figure
from analysis.figures.svg import Drawing
from analysis.figures.text import wrap_text
from analysis.figures.theme import FONT_SIZE, NARROW_WIDTH, WIDE_WIDTH
from analysis.report.numbers import count
from analysis.report.tables import Cell, Column, Table, table_from_rows

__all__ = ["NOT_RECORDED", "FlowBox", "flow", "flow_data", "flow_words"]

#: Shown for a stage whose number nobody wrote down.
NOT_RECORDED = "not recorded"

_MARGIN = 8.0
_PAD = 10.0
_LINE = 17.0
_ARROW = 22.0
_SIDE_SHARE = 0.5
_CORNER = 4.0
_NO_BREAK = "\u00a0"


@dataclass(frozen=True, slots=True)
class FlowBox:
    """One stage: its name, its number (``None`` where none was recorded) and what left there."""

    label: str
    number: int | None = None
    aside: tuple[tuple[str, int | None], ...] = ()
    detail: str = ""


def flow(boxes: Sequence[FlowBox], *, name: str, title: str, note: str = "") -> Figure:
    """Draw the flow of records or studies through any number of stages.

    Parameters
    ----------
    boxes
        Stages from first to last.
    name
        Name of the figure.
    title
        What flows, and in which evidence version.
    note
        A sentence on what is counted, for the caption and the alternative text.
    """
    alt = f"{title}. {flow_words(boxes)} {note}".strip()
    caption = f"{title}. {note}".strip()
    data = flow_data(name, title, boxes)
    return make_figure(name, _draw_wide(boxes), _draw_narrow(boxes), alt, data, caption)


def flow_words(boxes: Sequence[FlowBox]) -> str:
    """Say every stage with its number and what left there."""
    words = [f"{box.label}: {_shown(box.number)}" for box in boxes]
    for place, box in enumerate(boxes):
        if box.aside:
            left = "; ".join(f"{reason} {_shown(number)}" for reason, number in box.aside)
            words[place] += f" (left here: {left})"
    return f"{'. '.join(words)}."


def _shown(number: int | None) -> str:
    return NOT_RECORDED if number is None else count(number)


def _equals(number: int | None) -> str:
    return NOT_RECORDED if number is None else f"n = {count(number)}"


def _main_lines(box: FlowBox, width: float) -> list[tuple[str, bool]]:
    lines = [(text, True) for text in wrap_text(box.label, FONT_SIZE, width - 2 * _PAD, bold=True)]
    lines.append((_equals(box.number), False))
    if box.detail:
        lines += [(text, False) for text in wrap_text(box.detail, FONT_SIZE, width - 2 * _PAD)]
    return lines


def _aside_lines(box: FlowBox, width: float) -> list[tuple[str, bool]]:
    lines: list[tuple[str, bool]] = []
    for reason, number in box.aside:
        # "(n = 12)" moves to the next line as one piece.
        text = f"{reason} ({_equals(number).replace(' ', _NO_BREAK)})"
        lines += [(line, False) for line in wrap_text(text, FONT_SIZE, width - 2 * _PAD)]
    return lines


def _height(lines: Sequence[tuple[str, bool]]) -> float:
    return _LINE * len(lines) + 2 * _PAD - 4 if lines else 0.0


def _draw_box(
    drawing: Drawing,
    x: float,
    y: float,
    width: float,
    lines: Sequence[tuple[str, bool]],
    *,
    recorded: bool,
    main: bool,
) -> None:
    height = _height(lines)
    fill = "shade" if recorded else "paper"
    stroke = "accent" if main and recorded else "muted"
    drawing.rect(x, y, width, height, fill=fill, stroke=stroke, radius=_CORNER)
    for place, (line, bold) in enumerate(lines):
        missing = line == NOT_RECORDED
        drawing.text(
            x + _PAD,
            y + _PAD + 10 + _LINE * place,
            line,
            bold=bold,
            italic=missing,
            fill="muted" if missing else "ink",
        )


def _arrow_down(drawing: Drawing, x: float, start: float, end: float) -> None:
    drawing.line(x, start, x, end - 5, stroke="muted", width=1.5)
    drawing.polygon([(x - 4, end - 7), (x + 4, end - 7), (x, end)], fill="muted")


def _arrow_right(drawing: Drawing, start: float, end: float, y: float) -> None:
    drawing.line(start, y, end - 5, y, stroke="muted", width=1.5)
    drawing.polygon([(end - 7, y - 4), (end - 7, y + 4), (end, y)], fill="muted")


def _draw_wide(boxes: Sequence[FlowBox]) -> Drawing:
    """Draw stages on the left; what left stands on the right of its stage."""
    gap = 36.0
    main_width = (WIDE_WIDTH - 2 * _MARGIN - gap) * _SIDE_SHARE
    side_width = WIDE_WIDTH - 2 * _MARGIN - gap - main_width
    drawing = Drawing(WIDE_WIDTH, 0)
    y = _MARGIN
    middle = _MARGIN + main_width / 2
    for place, box in enumerate(boxes):
        lines = _main_lines(box, main_width)
        side = _aside_lines(box, side_width)
        height = _height(lines)
        row = max(height, _height(side))
        _draw_box(drawing, _MARGIN, y, main_width, lines, recorded=box.number is not None, main=True)
        if side:
            x = _MARGIN + main_width
            _arrow_right(drawing, x, x + gap, y + min(height, _height(side)) / 2)
            _draw_box(drawing, x + gap, y, side_width, side, recorded=True, main=False)
        if place + 1 < len(boxes):
            _arrow_down(drawing, middle, y + height, y + row + _ARROW)
        y += row + (_ARROW if place + 1 < len(boxes) else 0)
    drawing.height = y + _MARGIN
    return drawing


def _draw_narrow(boxes: Sequence[FlowBox]) -> Drawing:
    """Draw all boxes in one column; what left is set in below its stage."""
    width = NARROW_WIDTH - 2 * _MARGIN
    inset = 46.0
    drawing = Drawing(NARROW_WIDTH, 0)
    y = _MARGIN
    x = _MARGIN + 20
    for place, box in enumerate(boxes):
        lines = _main_lines(box, width)
        height = _height(lines)
        _draw_box(drawing, _MARGIN, y, width, lines, recorded=box.number is not None, main=True)
        start = y + height
        y = start
        side = _aside_lines(box, width - inset)
        if side:
            y += 10
            _arrow_right(drawing, x, _MARGIN + inset, y + _height(side) / 2)
            _draw_box(drawing, _MARGIN + inset, y, width - inset, side, recorded=True, main=False)
            y += _height(side)
        if place + 1 < len(boxes):
            y += _ARROW
            _arrow_down(drawing, x, start, y)
        elif side:
            drawing.line(x, start, x, y - _height(side) / 2, stroke="muted", width=1.5)
    drawing.height = y + _MARGIN
    return drawing


def flow_data(name: str, title: str, boxes: Sequence[FlowBox]) -> Table:
    """Return the numbers of all stages as a table."""
    columns = [
        Column("stage", "Stage"),
        Column("kind", "Kind"),
        Column("number", "Number", "right"),
    ]
    rows = []
    for box in boxes:
        rows.append({"stage": box.label, "kind": "remaining", "number": _cell(box.number)})
        rows += [{"stage": reason, "kind": "left", "number": _cell(number)} for reason, number in box.aside]
    return table_from_rows(name, f"{title}: numbers", columns, rows, sortable=False)


def _cell(number: int | None) -> int | Cell:
    return Cell(NOT_RECORDED, "", tone="missing") if number is None else number
