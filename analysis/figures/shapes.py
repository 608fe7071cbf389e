"""Marks that differ in shape as well as colour, and the legends that explain them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.figures.svg import Drawing
from analysis.figures.text import text_width, wrap_text
from analysis.figures.theme import SMALL_SIZE

__all__ = ["SHAPES", "LegendEntry", "draw_shape", "legend"]

#: Shapes in the order in which groups take them, in step with `theme.SERIES`.
SHAPES = ("circle", "square", "diamond", "triangle", "drop", "star")

#: Shape (or ``"line"``, ``"dash"``, ``"box"``), colour role, whether it is hollow, and its meaning.
LegendEntry = tuple[str, str, bool, str]

_KEY = 16.0


def draw_shape(
    drawing: Drawing,
    shape: str,
    x: float,
    y: float,
    radius: float,
    role: str,
    *,
    hollow: bool = False,
    opacity: float = 1.0,
    tip: str = "",
) -> None:
    """Draw a mark; all shapes of one radius have about the same area."""
    fill = "paper" if hollow else role
    width = 1.5 if hollow else 0.8
    stroke = role if hollow else "paper"
    if shape == "circle":
        drawing.circle(x, y, radius, fill=fill, stroke=stroke, width=width, opacity=opacity, tip=tip)
        return
    points = [(x + radius * dx, y + radius * dy) for dx, dy in _outline(shape)]
    drawing.polygon(points, fill=fill, stroke=stroke, width=width, opacity=opacity, tip=tip)


def _outline(shape: str) -> list[tuple[float, float]]:
    if shape == "square":
        return [(-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)]
    if shape == "diamond":
        return [(0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)]
    if shape == "triangle":
        return [(0, -1.2), (1.2, 0.95), (-1.2, 0.95)]
    if shape == "drop":
        return [(-1.2, -0.95), (1.2, -0.95), (0, 1.2)]
    angles = [math.pi * (0.2 * turn - 0.5) for turn in range(10)]
    return [
        (
            (1.4 if turn % 2 == 0 else 0.75) * math.cos(a),
            (1.4 if turn % 2 == 0 else 0.75) * math.sin(a),
        )
        for turn, a in enumerate(angles)
    ]


def legend(drawing: Drawing, entries: Sequence[LegendEntry], left: float, y: float, right: float) -> float:
    """Draw keys with their meaning from left to right, in as many lines as needed.

    Returns
    -------
    float
        Where the next line of content may stand.
    """
    x = left
    for shape, role, hollow, words in entries:
        lines = wrap_text(words, SMALL_SIZE, right - left - _KEY - 6)
        used = _KEY + 4 + max(text_width(line, SMALL_SIZE) for line in lines)
        if x > left and x + used > right:
            x, y = left, y + 18
        _key(drawing, shape, role, x, y - 4, hollow=hollow)
        for place, line in enumerate(lines):
            drawing.text(x + _KEY + 4, y + 15 * place, line, size=SMALL_SIZE)
        y += 15 * (len(lines) - 1)
        x += used + 16
    return y + 18


def _key(drawing: Drawing, shape: str, role: str, x: float, y: float, *, hollow: bool) -> None:
    if shape in ("line", "dash"):
        dash = "4 3" if shape == "dash" else ""
        drawing.line(x, y, x + _KEY, y, stroke=role, width=2, dash=dash)
    elif shape == "box":
        drawing.rect(x, y - 6, _KEY - 2, 12, fill=role, stroke="muted")
    else:
        draw_shape(drawing, shape, x + _KEY / 2, y, 5, role, hollow=hollow)
