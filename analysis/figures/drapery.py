"""Drapery plot: intervals at every level, as p-value curves of the studies and of the pooled result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.figures.axis import Axis, percent_axis
from analysis.figures.chart import Place, both_widths, open_frame
from analysis.figures.figure import Figure, make_figure
from analysis.figures.shapes import LegendEntry, legend
from analysis.figures.svg import Drawing
from analysis.report.numbers import counted, is_missing, percent_range, share
from analysis.report.tables import Column, Table, table_from_rows
from analysis.synthesis.types import FloatArray

__all__ = ["PValueCurve", "drapery"]

#: Levels whose intervals the data table gives for each curve.
_LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class PValueCurve:
    """For each true proportion of a rising grid, the p-value of the data against it."""

    label: str
    proportion: FloatArray
    p_value: FloatArray


def drapery(
    studies: Sequence[PValueCurve],
    pooled: PValueCurve,
    *,
    name: str,
    title: str,
    prediction: tuple[float, float] | None = None,
) -> Figure:
    """Draw thin curves for the studies and a thick one for the pooled result.

    `prediction` is the prediction interval, drawn as a band.
    """
    x_axis = percent_axis([1.0])
    y_axis = Axis(0.0, 1.0, tuple((v, f"{v:g}") for v in (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 1.0)))

    def draw(place: Place) -> Drawing:
        drawing = Drawing(place.width, 0)
        entries: list[LegendEntry] = [
            ("line", "pale", False, "Study"),
            ("line", "accent", False, pooled.label),
            ("dash", "muted", False, "p=0.05: ends of the 95% intervals"),
        ]
        if prediction is not None:
            entries.append(("box", "second", False, "Prediction interval"))
        y = legend(drawing, entries, 8, 20, place.width - 8)
        frame, end = open_frame(
            drawing,
            x_axis,
            y_axis,
            top=y - 8,
            height=place.plot_height,
            x_title="True per cent of patients",
            y_title="p-value of the data against that rate",
        )
        if prediction is not None:
            low, high = frame.x(prediction[0]), frame.x(prediction[1])
            height = frame.bottom - frame.top
            drawing.rect(low, frame.top, high - low, height, fill="second", opacity=0.12)
        frame.across(0.05, role="muted")
        for curve in (*studies, pooled):
            main = curve is pooled
            points = [
                (frame.x(float(x)), frame.y(float(p)))
                for x, p in zip(curve.proportion, curve.p_value, strict=True)
                if not is_missing(float(p))
            ]
            drawing.polyline(
                points,
                stroke="accent" if main else "pale",
                width=3 if main else 1.2,
                opacity=1.0 if main else 0.8,
            )
        drawing.height = end
        return drawing

    wide, narrow = both_widths(draw)
    low, high = _ends(pooled, 0.95)
    alt = (
        f"Drapery plot. {title}: p-value curves of {counted(len(studies), 'study', 'studies')} and "
        f"of the pooled result, whose 95% interval is {percent_range(low, high)}%."
    )
    if prediction is not None:
        alt += f" Prediction interval {percent_range(*prediction)}%."
    return make_figure(
        name, wide, narrow, alt, _data(name, title, studies, pooled), f"{title}: drapery plot."
    )


def _ends(curve: PValueCurve, level: float) -> tuple[float | None, float | None]:
    """Read the interval of a level off the grid of a curve."""
    inside = [
        float(x) for x, p in zip(curve.proportion, curve.p_value, strict=True) if p >= 1 - level - 1e-12
    ]
    return (min(inside), max(inside)) if inside else (None, None)


def _data(name: str, title: str, studies: Sequence[PValueCurve], pooled: PValueCurve) -> Table:
    columns = [Column("label", "Curve")]
    columns += [Column(f"at{level}", f"{share(level)}% interval", "right") for level in _LEVELS]
    rows = [
        {"label": curve.label}
        | {f"at{level}": f"{percent_range(*_ends(curve, level), 0)}%" for level in _LEVELS}
        for curve in (pooled, *studies)
    ]
    return table_from_rows(name, f"{title}: intervals read off the curves", columns, rows)
