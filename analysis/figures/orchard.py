"""Orchard plot: every study as a dot by its size, with pooled rate and both intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.figures.axis import percent_axis
from analysis.figures.chart import Place, both_widths
from analysis.figures.figure import Figure, make_figure
from analysis.figures.shapes import draw_shape
from analysis.figures.svg import Drawing
from analysis.figures.text import text_width, wrap_text
from analysis.figures.theme import FONT_SIZE, SERIES, SMALL_SIZE
from analysis.report.numbers import count, is_missing, percent, percent_range
from analysis.report.rare import rate_share
from analysis.report.tables import Column, table_from_rows
from analysis.report.words import counted_studies
from analysis.synthesis.types import Pooled

__all__ = ["orchard"]

_MARGIN = 8.0
_LANE = 96.0
_LARGEST = 9.0
#: Half of the band in the middle that belongs to the pooled rate and its intervals; dots keep off it.
_MIDDLE = 8.0
#: How far dots are moved apart, a step at a time.
_STEP = 3.0


def orchard(
    groups: Sequence[tuple[str, Pooled]], *, name: str, title: str, ranks: Sequence[int] = ()
) -> Figure:
    """Draw one lane a group of studies; no dot hides behind another or behind the pooled rate.

    Parameters
    ----------
    groups
        Name and pooled result of each lane, as ``zip(test.levels, test.pooled)`` gives them.
    name, title
        Name of the figure; outcome and population.
    ranks
        Place of each group among all that there are, so that it keeps its colour where others are
        missing; left out, the groups take the colours in turn.
    """
    ranks = ranks or range(len(groups))
    rates = [(label, pooled, pooled.events / pooled.total) for label, pooled in groups]
    values: list[float | None] = [float(rate) for _, _, each in rates for rate in each]
    values += [pooled.prediction.high for _, pooled in groups]
    axis = percent_axis(values)
    most = max((float(pooled.total.max()) for _, pooled in groups), default=1.0)

    def draw(place: Place) -> Drawing:
        drawing = Drawing(place.width, 0)
        left, right = _MARGIN + 10, place.width - _MARGIN - 16
        y = 12.0
        for rank, (label, pooled, each) in zip(ranks, rates, strict=True):
            role = SERIES[rank % len(SERIES)]
            words = percent(pooled.estimate, pooled.ci.low, pooled.ci.high)
            # On a phone the name takes the first line alone.
            beside = 0.0 if place.narrow else text_width(words, FONT_SIZE, bold=True) + 16
            drawing.text(_MARGIN, y + 12, label, bold=True, limit=place.width - 2 * _MARGIN - beside)
            level = y + (28 if place.narrow else 12)
            drawing.text(place.width - _MARGIN, level, words, bold=True, anchor="end")
            studies = counted_studies(pooled)
            drawing.text(_MARGIN, y + 28, studies, size=SMALL_SIZE, fill="muted")
            middle = y + 36 + _LANE / 2
            for value, _ in axis.ticks:
                x = axis.at(value, left, right)
                drawing.line(x, y + 36, x, y + 36 + _LANE, stroke="grid")
            order = sorted(range(pooled.k), key=lambda index: float(each[index]))
            radii = [max(_LARGEST * math.sqrt(float(total) / most), 2.5) for total in pooled.total]
            places = _apart([(axis.at(float(each[index]), left, right), radii[index]) for index in order])
            for index, (x, off) in zip(order, places, strict=True):
                total = float(pooled.total[index])
                draw_shape(
                    drawing,
                    "circle",
                    x,
                    middle + off,
                    radii[index],
                    role,
                    opacity=0.55,
                    tip=f"{pooled.labels[index]}: {rate_share(float(each[index]))}% of {count(total)}",
                )
            reach = pooled.prediction
            if not (is_missing(reach.low) or is_missing(reach.high)):
                ends = [axis.at(value, left, right) for value in (reach.low, reach.high)]
                drawing.line(ends[0], middle, ends[1], middle, width=1.5)
            if not (is_missing(pooled.ci.low) or is_missing(pooled.ci.high)):
                ends = [axis.at(value, left, right) for value in (pooled.ci.low, pooled.ci.high)]
                drawing.line(ends[0], middle, ends[1], middle, width=5)
            x = axis.at(pooled.estimate, left, right)
            drawing.circle(x, middle, 6.5, fill="paper", stroke="ink", width=2.5)
            y += 36 + _LANE + 10
        drawing.line(left, y, right, y)
        for value, text in axis.ticks:
            x = axis.at(value, left, right)
            drawing.text(x, y + 17, text, size=SMALL_SIZE, anchor="middle")
        key = (
            "Per cent of patients; thick line: confidence interval, thin: prediction interval; "
            "the height of a dot means nothing"
        )
        words_at = y + 34
        for line in wrap_text(key, SMALL_SIZE, place.width - 2 * _MARGIN):
            drawing.text(place.width / 2, words_at, line, size=SMALL_SIZE, fill="muted", anchor="middle")
            words_at += 15
        drawing.height = words_at
        return drawing

    wide, narrow = both_widths(draw)
    parts = []
    for label, pooled in groups:
        part = (
            f"{label}: {percent(pooled.estimate, pooled.ci.low, pooled.ci.high)} from "
            f"{counted_studies(pooled)}"
        )
        if not (is_missing(pooled.prediction.low) or is_missing(pooled.prediction.high)):
            reach_words = percent_range(pooled.prediction.low, pooled.prediction.high)
            part += f", prediction interval {reach_words}%"
        parts.append(part)
    columns = [
        Column("study", "Study"),
        Column("group", "Group"),
        Column("total", "Patients", "right"),
        Column("rate", "Rate", "right", show=lambda value: f"{rate_share(value, 1)}%"),
    ]
    rows = [
        {"study": study, "group": label, "total": int(total), "rate": float(rate)}
        for label, pooled, each in rates
        for study, total, rate in zip(pooled.labels, pooled.total, each, strict=True)
    ]
    table = table_from_rows(name, f"{title}: data of the orchard plot", columns, rows)
    alt = f"Orchard plot. {title}. {'; '.join(parts)}."
    return make_figure(name, wide, narrow, alt, table, f"{title}: orchard plot.")


def _apart(dots: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the place of each dot from its own place and radius: off the middle, and off each other.

    Dots take the nearest free place above or below the middle in turn; where a lane is full, a dot takes
    the place where it covers least.
    """
    placed: list[tuple[float, float, float]] = []
    for turn, (x, radius) in enumerate(dots):
        reach = range(int((_LANE / 2 - _MIDDLE - 2 * radius) / _STEP) + 1)
        sides = (-1, 1) if turn % 2 == 0 else (1, -1)
        tries = [side * (_MIDDLE + radius + _STEP * step) for step in reach for side in sides]
        covered = [
            sum(max(size + radius + 1 - math.hypot(x - at, off - up), 0.0) for at, up, size in placed)
            for off in tries
        ]
        best = tries[covered.index(min(covered))]
        placed.append((x, best, radius))
    return [(x, off) for x, off, _ in placed]
