"""Doi plot: rates against how far out they stand, and the LFK index of how even its limbs are."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.figures.axis import Axis, linear_axis
from analysis.figures.chart import Place, both_widths, open_frame
from analysis.figures.figure import Figure, make_figure
from analysis.figures.labels import place_labels
from analysis.figures.shapes import draw_shape, legend
from analysis.figures.svg import Drawing
from analysis.report.numbers import counted, fixed, statistic
from analysis.report.rare import rate_share
from analysis.report.tables import Column, table_from_rows
from analysis.synthesis.doi import Doi

__all__ = ["doi_plot"]

#: Rates that may be written on the axis, which is even in logits.
_RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
_TICKS = (*_RATES, *(round(1 - rate, 6) for rate in reversed(_RATES[:-1])))
_MOST_NAMES = 6


def doi_plot(found: Doi, labels: Sequence[str], *, name: str, title: str) -> Figure:
    """Draw logits of rates against the size of their normal quantile, the middle at the top.

    Parameters
    ----------
    found
        The points and the index, from logits.
    labels
        Names of the studies in the order in which they were given to the engine.
    name, title
        Name of the figure; outcome.
    """
    rates = [_rate(float(value)) for value in found.yi]
    names = [labels[int(index)] for index in found.order]
    sizes = [abs(float(value)) for value in found.z]
    top = sizes.index(min(sizes))
    x_axis = _logit_axis([float(value) for value in found.yi])
    steps = linear_axis([0.0, max(sizes)])
    y_axis = Axis(-steps.high, 0.0, tuple((-value, text) for value, text in reversed(steps.ticks)))

    def draw(place: Place) -> Drawing:
        drawing = Drawing(place.width, 0)
        entries = [
            ("circle", "accent", False, "Study"),
            ("dash", "second", False, "Study at the top, from which both limbs are measured"),
        ]
        y = legend(drawing, entries, 8, 20, place.width - 8)
        frame, end = open_frame(
            drawing,
            x_axis,
            y_axis,
            top=y - 8,
            height=place.plot_height,
            x_title="Per cent of patients (logit scale)",
            y_title="Distance from the middle of all ranks (normal quantile, without sign)",
        )
        frame.down(float(found.yi[top]), role="second")
        places = [
            (frame.x(float(value)), frame.y(-size)) for value, size in zip(found.yi, sizes, strict=True)
        ]
        drawing.polyline(places, stroke="muted")
        for (x, up), label, rate in zip(places, names, rates, strict=True):
            tip = f"{label}: {rate_share(rate)}%"
            draw_shape(drawing, "circle", x, up, 4.5, "accent", opacity=0.85, tip=tip)
        # Names go first to the studies at the ends of the limbs.
        far = sorted(range(len(places)), key=lambda index: -sizes[index])
        spots = [(*places[index], names[index]) for index in far]
        place_labels(drawing, spots, frame, limit=0 if place.narrow else _MOST_NAMES)
        drawing.height = end
        return drawing

    wide, narrow = both_widths(draw)
    index = statistic(found.lfk)
    studies = counted(len(names), "study", "studies")
    alt = (
        f"Doi plot. {title}: {studies} from {rate_share(rates[0])}% ({names[0]}) to {rate_share(rates[-1])}% "
        f"({names[-1]}); {names[top]} with {rate_share(rates[top])}% stands at the top, with {top} on the "
        f"side of lower and {len(names) - 1 - top} on the side of higher rates. "
        f"LFK index {index}: {found.verdict} by the convention of its authors."
    )
    columns = [
        Column("study", "Study"),
        Column("rate", "Rate (from the logit)", "right", show=lambda value: f"{rate_share(value, 1)}%"),
        Column("yi", "Logit", "right", show=lambda value: fixed(value, 2)),
        Column("z", "Normal quantile", "right", show=lambda value: fixed(value, 2)),
    ]
    rows = [
        {"study": label, "rate": rate, "yi": float(logit), "z": float(z)}
        for label, rate, logit, z in zip(names, rates, found.yi, found.z, strict=True)
    ]
    corrected = "Logits of studies with no events, or with events only, carry a continuity correction."
    table = table_from_rows(name, f"{title}: data of the Doi plot", columns, rows, footnotes=(corrected,))
    caption = f"{title}: Doi plot; LFK index {index}, {found.verdict} by the convention of its authors."
    return make_figure(name, wide, narrow, alt, table, caption)


def _rate(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit))


def _logit(rate: float) -> float:
    return math.log(rate / (1.0 - rate))


def _logit_axis(values: Sequence[float]) -> Axis:
    """Return an axis in logits that is written in per cent and ends at written rates."""
    places = [_logit(rate) for rate in _TICKS]
    low = max((place for place in places if place <= min(values)), default=min(*values, places[0]))
    high = min((place for place in places if place >= max(values)), default=max(*values, places[-1]))
    ticks = [
        (place, f"{100 * rate:.10g}")
        for place, rate in zip(places, _TICKS, strict=True)
        if low <= place <= high
    ]
    ticks[-1] = (ticks[-1][0], f"{ticks[-1][1]}%")
    return Axis(low, high, tuple(ticks))
