"""Baujat plot: which studies add to heterogeneity, and which move the pooled result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.figures.axis import linear_axis
from analysis.figures.chart import Place, both_widths, open_frame
from analysis.figures.figure import Figure, make_figure, message_figure
from analysis.figures.labels import place_labels
from analysis.figures.shapes import draw_shape
from analysis.figures.svg import Drawing
from analysis.report.numbers import counted, statistic
from analysis.report.tables import Column, table_from_rows
from analysis.report.words import and_list

__all__ = ["BaujatPoint", "baujat"]


@dataclass(frozen=True, slots=True)
class BaujatPoint:
    """One study's share in the heterogeneity statistic and its squared pull on the pooled result."""

    label: str
    heterogeneity: float
    influence: float


def baujat(points: Sequence[BaujatPoint], *, name: str, title: str) -> Figure:
    """Draw the contribution of each study to heterogeneity against its influence."""
    columns = [
        Column("label", "Study"),
        Column("heterogeneity", "Contribution to Q", "right", show=statistic),
        Column("influence", "Influence on the pooled result", "right", show=statistic),
    ]
    rows = [{"label": p.label, "heterogeneity": p.heterogeneity, "influence": p.influence} for p in points]
    table = table_from_rows(name, f"{title}: data of the Baujat plot", columns, rows)
    if not points:
        return message_figure(name, f"{title}: no study.", table, f"{title}: Baujat plot.")
    x_axis = linear_axis([0.0, *(point.heterogeneity for point in points)])
    y_axis = linear_axis([0.0, *(point.influence for point in points)])
    ranked = sorted(points, key=lambda p: -(x_axis.share(p.heterogeneity) + y_axis.share(p.influence)))

    def draw(place: Place) -> Drawing:
        drawing = Drawing(place.width, 0)
        frame, end = open_frame(
            drawing,
            x_axis,
            y_axis,
            top=6,
            height=place.plot_height,
            x_title="Contribution to Q (heterogeneity)",
            y_title="Influence on the pooled result (squared standardised change)",
        )
        spots = []
        for point in ranked:
            x, y = frame.x(point.heterogeneity), frame.y(point.influence)
            draw_shape(drawing, "circle", x, y, 4.5, "accent", opacity=0.85, tip=point.label)
            spots.append((x, y, point.label))
        place_labels(drawing, spots, frame, limit=4 if place.narrow else 8)
        drawing.height = end
        return drawing

    wide, narrow = both_widths(draw)
    named = [f"{p.label} ({statistic(p.heterogeneity)}; {statistic(p.influence)})" for p in ranked[:3]]
    alt = (
        f"Baujat plot. {title}: {counted(len(points), 'study', 'studies')}. Largest contribution to "
        f"Q and influence: {and_list(named)}."
    )
    return make_figure(name, wide, narrow, alt, table, f"{title}: Baujat plot.")
