"""A plot area with axes, shared by scatter and line figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analysis.figures.axis import Axis
from analysis.figures.svg import Drawing
from analysis.figures.text import text_width, wrap_text
from analysis.figures.theme import NARROW_WIDTH, SMALL_SIZE, WIDE_WIDTH

__all__ = ["Frame", "Place", "both_widths", "open_frame"]

_MARGIN = 8.0


@dataclass(frozen=True, slots=True)
class Place:
    """What differs between the wide and the narrow picture."""

    width: float
    narrow: bool

    @property
    def plot_height(self) -> float:
        """A height of the plot area that suits the width."""
        return 300.0 if self.narrow else 360.0


def both_widths(draw: Callable[[Place], Drawing]) -> tuple[Drawing, Drawing]:
    """Draw once for desktop pages and once for phones."""
    return draw(Place(WIDE_WIDTH, False)), draw(Place(NARROW_WIDTH, True))


@dataclass(frozen=True, slots=True)
class Frame:
    """A plot area on a drawing: turns values into places."""

    drawing: Drawing
    x_axis: Axis
    y_axis: Axis
    left: float
    right: float
    top: float
    bottom: float

    def x(self, value: float) -> float:
        """Return the horizontal place of a value."""
        return self.x_axis.at(value, self.left, self.right)

    def y(self, value: float) -> float:
        """Return the vertical place of a value; larger values stand higher."""
        return self.y_axis.at(value, self.bottom, self.top)

    def down(self, value: float, *, role: str = "accent", dash: str = "4 3") -> None:
        """Draw a vertical line at a value."""
        self.drawing.line(
            self.x(value), self.top, self.x(value), self.bottom, stroke=role, dash=dash, width=1.5
        )

    def across(self, value: float, *, role: str = "accent", dash: str = "4 3") -> None:
        """Draw a horizontal line at a value."""
        self.drawing.line(
            self.left, self.y(value), self.right, self.y(value), stroke=role, dash=dash, width=1.5
        )


def open_frame(
    drawing: Drawing,
    x_axis: Axis,
    y_axis: Axis,
    *,
    top: float,
    height: float,
    x_title: str,
    y_title: str,
    left: float = _MARGIN,
    right: float | None = None,
) -> tuple[Frame, float]:
    """Draw axes with grid and titles; return the plot area and where content may follow.

    The title of the vertical axis stands level above it, where it reads best on any screen.
    """
    end = drawing.width - _MARGIN if right is None else right
    y = top
    for line in wrap_text(y_title, SMALL_SIZE, end - left) if y_title else ():
        y += 15
        drawing.text(left, y, line, size=SMALL_SIZE, fill="muted")
    y += 10
    start = left + max(text_width(text, SMALL_SIZE) for _, text in y_axis.ticks) + 8
    inner_end = end - text_width(x_axis.ticks[-1][1], SMALL_SIZE) / 2 - 1
    frame = Frame(drawing, x_axis, y_axis, start, inner_end, y, y + height)
    for value, text in y_axis.ticks:
        place = frame.y(value)
        drawing.line(start, place, inner_end, place, stroke="grid")
        drawing.text(start - 6, place + 4, text, size=SMALL_SIZE, anchor="end")
    free = -1e9
    for value, text in x_axis.ticks:
        place = frame.x(value)
        drawing.line(place, y, place, y + height, stroke="grid")
        half = text_width(text, SMALL_SIZE) / 2
        if place - half > free:
            drawing.text(place, y + height + 17, text, size=SMALL_SIZE, anchor="middle")
            free = place + half + 4
    drawing.line(start, y + height, inner_end, y + height)
    below = y + height + 19
    for line in wrap_text(x_title, SMALL_SIZE, end - left):
        below += 15
        drawing.text((start + inner_end) / 2, below, line, size=SMALL_SIZE, fill="muted", anchor="middle")
    return frame, below + 8
