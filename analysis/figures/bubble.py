"""Bubble plot: study rates against a moderator, with the fitted line and its band."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.figures.axis import Axis, linear_axis, percent_axis
from analysis.figures.chart import Place, both_widths, open_frame
from analysis.figures.figure import Figure, make_figure, message_figure
from analysis.figures.labels import place_labels
from analysis.figures.svg import Drawing
from analysis.report.numbers import count, counted, fixed, percent, share, statistic
from analysis.report.rare import rate_share
from analysis.report.tables import Column, table_from_rows
from analysis.report.words import lower_first
from analysis.synthesis.types import FloatArray

__all__ = ["BubblePoint", "FittedLine", "bubble"]

_LARGEST = 16.0

#: Share of an axis that is kept free between a bubble's middle and its ends.
_EDGE = 0.04


@dataclass(frozen=True, slots=True)
class BubblePoint:
    """One study: its moderator, its counts and its weight as a share of one."""

    label: str
    moderator: float
    events: float
    total: float
    weight: float


@dataclass(frozen=True, slots=True)
class FittedLine:
    """The fitted proportions with their interval over a grid of the moderator."""

    moderator: FloatArray
    estimate: FloatArray
    low: FloatArray
    high: FloatArray


def _with_room(axis: Axis, values: Sequence[float]) -> Axis:
    """Move the ends of an axis away from bubbles that would cover the numbers beside it."""
    room = _EDGE * (axis.high - axis.low)
    low = axis.low - room if min(values) - axis.low < room else axis.low
    high = axis.high + room if axis.high - max(values) < room else axis.high
    return Axis(low, high, axis.ticks)


def bubble(
    points: Sequence[BubblePoint],
    *,
    name: str,
    title: str,
    moderator: str,
    line: FittedLine | None = None,
    test_line: str = "",
    doublings: bool = False,
) -> Figure:
    """Draw rates against a moderator; bubble area shows weight.

    `moderator` names the horizontal axis; `test_line` says the regression's result in the caption.
    With `doublings` the moderator is a logarithm to base two, and the axis is written in what it
    was taken of.
    """
    columns = [
        Column("label", "Study"),
        Column("moderator", moderator, "right", show=statistic),
        Column("events", "Events", "right", show=count),
        Column("total", "Total", "right", show=count),
        Column("rate", "Rate", "right", show=lambda value: f"{rate_share(value, 1)}%"),
        Column("weight", "Weight", "right", show=lambda value: f"{share(value, 1)}%"),
    ]
    rows = [
        {
            "label": point.label,
            "moderator": point.moderator,
            "events": point.events,
            "total": point.total,
            "rate": point.events / point.total,
            "weight": point.weight,
        }
        for point in points
    ]
    table = table_from_rows(name, f"{title}: data of the bubble plot", columns, rows)
    caption = f"{title} by {lower_first(moderator)}: bubble plot. {test_line}".strip()
    if not points:
        return message_figure(name, f"{title}: no study states {moderator}.", table, caption)
    rates = [point.events / point.total for point in points]
    heaviest = max(point.weight for point in points) or 1.0
    on_line = [] if line is None else line.moderator.tolist()
    x_axis = linear_axis([*(point.moderator for point in points), *on_line])
    if all(float(point.moderator).is_integer() for point in points):
        # A half of a year means nothing.
        whole = tuple((value, fixed(value)) for value, _ in x_axis.ticks if float(value).is_integer())
        x_axis = Axis(x_axis.low, x_axis.high, whole)
    if doublings:
        x_axis = Axis(x_axis.low, x_axis.high, tuple((v, count(round(2**v))) for v, _ in x_axis.ticks))
    x_axis = _with_room(x_axis, [point.moderator for point in points])
    y_axis = _with_room(percent_axis([*rates, *(line.high.tolist() if line is not None else [])]), rates)
    order = sorted(range(len(points)), key=lambda index: -points[index].weight)

    def draw(place: Place) -> Drawing:
        drawing = Drawing(place.width, 0)
        frame, end = open_frame(
            drawing,
            x_axis,
            y_axis,
            top=6,
            height=place.plot_height,
            x_title="Number of patients, each step as many times more" if doublings else moderator,
            y_title="Per cent of patients",
        )
        if line is not None:
            grid = [frame.x(float(value)) for value in line.moderator]
            upper = [(x, frame.y(float(v))) for x, v in zip(grid, line.high, strict=True)]
            lower = [(x, frame.y(float(v))) for x, v in zip(grid, line.low, strict=True)]
            drawing.polygon([*upper, *reversed(lower)], fill="pale", opacity=0.45)
            middle = [(x, frame.y(float(v))) for x, v in zip(grid, line.estimate, strict=True)]
            drawing.polyline(middle, stroke="second", width=2)
        largest = _LARGEST * (0.65 if place.narrow else 1.0)
        spots, radii = [], []
        for index in order:
            point = points[index]
            x, y = frame.x(point.moderator), frame.y(rates[index])
            radius = max(largest * math.sqrt(point.weight / heaviest), 2.5)
            drawing.circle(
                x,
                y,
                radius,
                fill="accent",
                stroke="paper",
                opacity=0.7,
                tip=f"{point.label}: {rate_share(rates[index])}% of {count(point.total)}",
            )
            spots.append((x, y, point.label))
            radii.append(radius)
        place_labels(drawing, spots, frame, limit=0 if place.narrow else 5, radii=radii)
        drawing.height = end
        return drawing

    wide, narrow = both_widths(draw)
    alt = (
        f"Bubble plot. {title} by {lower_first(moderator)}: {counted(len(points), 'study', 'studies')}, "
        f"{moderator} {statistic(min(p.moderator for p in points))} to "
        f"{statistic(max(p.moderator for p in points))}, rates {rate_share(min(rates))}% to "
        f"{rate_share(max(rates))}%."
    )
    if line is not None:
        first, last = (
            percent(float(line.estimate[at]), float(line.low[at]), float(line.high[at])) for at in (0, -1)
        )
        alt += (
            f" The fitted line runs from {first} at {statistic(float(line.moderator[0]))} to "
            f"{last} at {statistic(float(line.moderator[-1]))}."
        )
    return make_figure(name, wide, narrow, f"{alt} {test_line}".strip(), table, caption)
