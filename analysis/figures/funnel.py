"""Funnel plots on the number of patients: the honest funnel for proportions.

On the standard error a proportion near 0 or 1 makes its own asymmetry, as its error depends on
itself; the number of patients does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.figures.axis import linear_axis, percent_axis
from analysis.figures.chart import Place, both_widths, open_frame
from analysis.figures.figure import Figure, make_figure
from analysis.figures.labels import place_labels
from analysis.figures.shapes import draw_shape, legend
from analysis.figures.svg import Drawing
from analysis.report.numbers import count, counted, percent
from analysis.report.rare import rate_share
from analysis.report.tables import Column, table_from_rows
from analysis.synthesis.types import FloatArray, Pooled

__all__ = ["FunnelLimits", "funnel"]

#: The vertical axis runs in the square root of patients, in which the width of a funnel is even.
_ROOT = 0.5


@dataclass(frozen=True, slots=True)
class FunnelLimits:
    """Limits within which chance alone would keep studies, by number of patients."""

    total: FloatArray
    low: FloatArray
    high: FloatArray
    words: str = "95% limits of chance around the pooled rate"


def funnel(
    pooled: Pooled,
    *,
    name: str,
    title: str,
    limits: FunnelLimits | None = None,
    test_line: str = "",
) -> Figure:
    """Draw the studies' rates against their number of patients.

    Parameters
    ----------
    pooled
        The pooled result whose studies are shown.
    name, title
        Name of the figure; outcome and population.
    limits
        Limits of chance, computed by the engine.
    test_line
        A sentence on a test for small-study effects, shown in the caption.
    """
    rates = pooled.events / pooled.total
    x_axis = percent_axis([*rates.tolist(), pooled.estimate])
    top = float(pooled.total.max())
    ticks = linear_axis([0.0, top]).ticks
    y_axis = linear_axis([0.0, max(ticks[-1][0], top) ** _ROOT])
    y_axis = type(y_axis)(0.0, ticks[-1][0] ** _ROOT, tuple((value**_ROOT, text) for value, text in ticks))

    def draw(place: Place) -> Drawing:
        drawing = Drawing(place.width, 0)
        entries = [("circle", "accent", False, "Study"), ("dash", "second", False, "Pooled rate")]
        if limits is not None:
            entries.append(("line", "muted", False, limits.words))
        y = legend(drawing, entries, 8, 20, place.width - 8)
        frame, end = open_frame(
            drawing,
            x_axis,
            y_axis,
            top=y - 8,
            height=place.plot_height,
            x_title="Per cent of patients",
            y_title="Patients (square-root scale)",
        )
        if limits is not None:
            for side in (limits.low, limits.high):
                points = [
                    (frame.x(float(p)), frame.y(float(n) ** _ROOT))
                    for p, n in zip(side, limits.total, strict=True)
                    if 0 < n <= y_axis.high**2 and x_axis.holds(float(p))
                ]
                drawing.polyline(points, stroke="muted")
        frame.down(pooled.estimate, role="second")
        spots = []
        # Names go first to the studies that lie furthest out for their size.
        distance = np.abs(rates - pooled.estimate) * np.sqrt(pooled.total)
        for index in np.argsort(-distance, kind="stable"):
            label, rate, total = pooled.labels[index], rates[index], pooled.total[index]
            x, spot = frame.x(float(rate)), frame.y(float(total) ** _ROOT)
            draw_shape(
                drawing,
                "circle",
                x,
                spot,
                4.5,
                "accent",
                opacity=0.85,
                tip=f"{label}: {rate_share(float(rate))}% of {count(float(total))}",
            )
            spots.append((x, spot, label))
        place_labels(drawing, spots, frame, limit=0 if place.narrow else 6)
        drawing.height = end
        return drawing

    wide, narrow = both_widths(draw)
    alt = (
        f"Funnel plot. {title}: {counted(pooled.k, 'study', 'studies')} of "
        f"{count(pooled.total.min())} to {count(top)} patients; rates from "
        f"{rate_share(float(rates.min()))}% to {rate_share(float(rates.max()))}%; pooled "
        f"{percent(pooled.estimate, pooled.ci.low, pooled.ci.high)}. {test_line}"
    ).strip()
    columns = [
        Column("study", "Study"),
        Column("total", "Patients", "right"),
        Column("rate", "Rate", "right", show=lambda value: f"{rate_share(value, 1)}%"),
    ]
    rows = [
        {"study": label, "total": int(total), "rate": float(rate)}
        for label, total, rate in zip(pooled.labels, pooled.total, rates, strict=True)
    ]
    table = table_from_rows(name, f"{title}: data of the funnel plot", columns, rows)
    caption = f"{title}: funnel plot on the number of patients. {test_line}".strip()
    return make_figure(name, wide, narrow, alt, table, caption)
