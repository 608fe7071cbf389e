"""GOSH plot: pooled rate and heterogeneity over many subsets of the studies, as a density.

Tens of thousands of dots would be heavy and hide each other; counted into small tiles they are
light, sharp at any size, and show how many subsets lie where.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.figures.axis import Axis, linear_axis, percent_axis, tight_percent_axis
from analysis.figures.chart import Frame, Place, both_widths, open_frame
from analysis.figures.figure import Figure, make_figure
from analysis.figures.shapes import legend
from analysis.figures.svg import Drawing, number
from analysis.report.numbers import count, i_squared, percent_range, statistic
from analysis.report.rare import rate_share
from analysis.report.tables import Column, Table, table_from_rows
from analysis.synthesis.types import FloatArray

__all__ = ["gosh"]

_PICTURE = (60, 44)
_TABLE = (12, 8)
#: Steps of darkness; tiles of one step are drawn as one shape, which keeps the picture small.
_SHADES = 8


@dataclass(frozen=True, slots=True)
class _Cloud:
    """The subsets with the axes that they are counted on."""

    estimate: FloatArray
    heterogeneity: FloatArray
    marked: npt.NDArray[np.bool_]
    x_axis: Axis
    y_axis: Axis

    def tiles(self, shape: tuple[int, int], *, marked: bool = False) -> FloatArray:
        """Count subsets in tiles, all of them or only the marked."""
        keep = self.marked if marked else np.ones(self.marked.size, bool)
        bins = [[self.x_axis.low, self.x_axis.high], [self.y_axis.low, self.y_axis.high]]
        grid, _, _ = np.histogram2d(self.estimate[keep], self.heterogeneity[keep], bins=shape, range=bins)
        return grid


def gosh(
    estimate: FloatArray,
    heterogeneity: FloatArray,
    *,
    name: str,
    title: str,
    heterogeneity_name: str = "I²",
    heterogeneity_is_share: bool = True,
    marked: npt.NDArray[np.bool_] | None = None,
    marked_name: str = "",
    full: tuple[float, float] | None = None,
) -> Figure:
    """Draw where the subsets of studies lie.

    Parameters
    ----------
    estimate, heterogeneity
        Pooled proportion and heterogeneity of each subset.
    name, title
        Name of the figure; outcome and population.
    heterogeneity_name, heterogeneity_is_share
        What the vertical axis shows, and whether it is a share from 0 to 1.
    marked, marked_name
        Subsets to tell apart by colour, such as those that hold one study or lie in one cluster.
    full
        Estimate and heterogeneity of all studies together.
    """
    keep = np.isfinite(estimate) & np.isfinite(heterogeneity)
    x_values, y_values = estimate[keep], heterogeneity[keep]
    mark = np.zeros(x_values.size, bool) if marked is None else marked[keep]
    x_axis = tight_percent_axis(x_values.tolist())
    y_axis = percent_axis([1.0]) if heterogeneity_is_share else linear_axis([0.0, *y_values[:]])
    cloud = _Cloud(x_values, y_values, mark, x_axis, y_axis)

    def draw(place: Place) -> Drawing:
        drawing = Drawing(place.width, 0)
        y = 6.0
        if mark.any():
            entries = [
                ("box", "accent", False, "Other subsets"),
                ("box", "second", False, marked_name or "Marked subsets"),
            ]
            y = legend(drawing, entries, 8, 20, place.width - 8) - 8
        frame, end = open_frame(
            drawing,
            x_axis,
            y_axis,
            top=y,
            height=place.plot_height,
            x_title="Pooled per cent of patients in the subset (strong: more subsets)",
            y_title=heterogeneity_name,
        )
        _draw_tiles(frame, cloud)
        if full is not None:
            x, spot = frame.x(full[0]), frame.y(full[1])
            drawing.line(x - 9, spot, x + 9, spot, width=2)
            drawing.line(x, spot - 9, x, spot + 9, width=2)
        drawing.height = end
        return drawing

    wide, narrow = both_widths(draw)
    show = i_squared if heterogeneity_is_share else statistic
    middle = np.quantile(x_values, [0.025, 0.5, 0.975]) if x_values.size else [np.nan] * 3
    alt = (
        f"GOSH plot. {title}: {count(x_values.size)} subsets of studies. Middle pooled rate "
        f"{rate_share(float(middle[1]))}%; 95% of subsets from "
        f"{percent_range(float(middle[0]), float(middle[2]))}%."
    )
    if full is not None:
        alt += f" All studies (cross): {rate_share(full[0])}%, {heterogeneity_name} {show(full[1])}."
    if mark.any():
        alt += f" {marked_name or 'Marked'}: {count(int(mark.sum()))} subsets."
    table = _data(name, title, cloud, heterogeneity_name, show)
    cross = "" if full is None else " The cross marks all studies together."
    return make_figure(name, wide, narrow, alt, table, f"{title}: GOSH plot.{cross}")


def _draw_tiles(frame: Frame, cloud: _Cloud) -> None:
    everything, highlighted = cloud.tiles(_PICTURE), cloud.tiles(_PICTURE, marked=True)
    largest = float(everything.max())
    width = (frame.right - frame.left) / _PICTURE[0]
    height = (frame.bottom - frame.top) / _PICTURE[1]
    shades: dict[tuple[str, int], list[str]] = {}
    for column, row in zip(*np.nonzero(everything), strict=True):
        count_here = everything[column, row]
        # A square root keeps rare tiles visible beside crowded ones.
        shade = math.ceil(_SHADES * math.sqrt(count_here / largest))
        role = "second" if highlighted[column, row] > count_here / 2 else "accent"
        x, y = frame.left + width * column, frame.bottom - height * (row + 1)
        shades.setdefault((role, shade), []).append(
            f"M{number(x)} {number(y)}h{number(width)}v{number(height)}h-{number(width)}z"
        )
    for (role, shade), tiles in sorted(shades.items()):
        opacity = 0.1 + 0.9 * shade / _SHADES
        frame.drawing.path("".join(tiles), fill=role, opacity=opacity)


def _data(name: str, title: str, cloud: _Cloud, vertical: str, show: Callable[[float], str]) -> Table:
    everything, highlighted = cloud.tiles(_TABLE), cloud.tiles(_TABLE, marked=True)
    x_edges = np.linspace(cloud.x_axis.low, cloud.x_axis.high, _TABLE[0] + 1).tolist()
    y_edges = np.linspace(cloud.y_axis.low, cloud.y_axis.high, _TABLE[1] + 1).tolist()
    columns = [
        Column("rate", "Pooled rate"),
        Column("heterogeneity", vertical),
        Column("subsets", "Subsets", "right"),
    ]
    if cloud.marked.any():
        columns.append(Column("marked", "of which marked", "right"))
    rows = [
        {
            "rate": f"{percent_range(x_edges[i], x_edges[i + 1], 1)}%",
            "heterogeneity": f"{show(y_edges[j])} to {show(y_edges[j + 1])}",
            "subsets": int(everything[i, j]),
            "marked": int(highlighted[i, j]),
        }
        for i, j in zip(*np.nonzero(everything), strict=True)
    ]
    return table_from_rows(name, f"{title}: subsets counted in tiles", columns, rows)
