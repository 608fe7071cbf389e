"""Axes: where a value stands and which ticks to print; a choice of view, never of fact."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from analysis.report.numbers import fixed

__all__ = ["Axis", "linear_axis", "percent_axis", "ratio_axis", "tight_percent_axis"]

_PERCENT_ENDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
_RATIO_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values with its ticks; `log` puts equal ratios at equal distances."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    log: bool = False

    def share(self, value: float) -> float:
        """Return the place of a value as a share of the length, kept within 0 and 1."""
        low, high = self.low, self.high
        if self.log:
            value = math.log(value) if value > 0 else -math.inf
            low, high = math.log(low), math.log(high)
        return min(max((value - low) / (high - low), 0.0), 1.0)

    def at(self, value: float, start: float, end: float) -> float:
        """Return the coordinate of a value between two ends."""
        return start + self.share(value) * (end - start)

    def holds(self, value: float) -> bool:
        """Tell whether a value lies within the range."""
        return self.low <= value <= self.high


def _finite(values: Iterable[float | None]) -> list[float]:
    return [float(value) for value in values if value is not None and math.isfinite(value)]


def percent_axis(must_show: Iterable[float | None]) -> Axis:
    """Return an axis for proportions from 0 to a round end that holds the given values.

    Examples
    --------
    >>> axis = percent_axis([0.12, 0.37])
    >>> axis.high, [text for _, text in axis.ticks]
    (0.4, ['0', '10', '20', '30', '40%'])
    """
    largest = max(_finite(must_show), default=1.0)
    high = next((end for end in _PERCENT_ENDS if end >= min(largest, 1.0) - 1e-12), 1.0)
    step = {0.05: 0.01, 0.1: 0.02, 0.2: 0.05, 0.3: 0.1, 0.4: 0.1, 0.5: 0.1}.get(high, 0.2)
    number = round(high / step)
    texts = [fixed(100 * step * index) for index in range(number + 1)]
    texts[-1] += "%"
    return Axis(0.0, high, tuple((step * index, text) for index, text in enumerate(texts)))


def tight_percent_axis(values: Iterable[float | None]) -> Axis:
    """Return an axis for proportions that starts where the values do.

    For positions only: a bar or an area would lie on an axis that does not start at 0.

    Examples
    --------
    >>> [text for _, text in tight_percent_axis([0.72, 0.87]).ticks]
    ['70', '75', '80', '85', '90%']
    """
    inner = linear_axis([100 * value for value in _finite(values)])
    low, high = max(inner.low, 0.0), min(inner.high, 100.0)
    ticks = [(value / 100, text) for value, text in inner.ticks if low <= value <= high]
    ticks[-1] = (ticks[-1][0], f"{ticks[-1][1]}%")
    return Axis(low / 100, high / 100, tuple(ticks))


def ratio_axis(must_show: Iterable[float | None]) -> Axis:
    """Return a logarithmic axis that holds the given ratios and 1.

    Examples
    --------
    >>> [text for _, text in ratio_axis([0.79, 2.4]).ticks]
    ['0.5', '1', '2', '5']
    """
    values = [value for value in _finite(must_show) if value > 0] + [1.0]
    low = max((tick for tick in _RATIO_TICKS if tick < min(values)), default=_RATIO_TICKS[0])
    high = min((tick for tick in _RATIO_TICKS if tick > max(values)), default=_RATIO_TICKS[-1])
    ticks = tuple((tick, f"{tick:g}") for tick in _RATIO_TICKS if low <= tick <= high)
    return Axis(low, high, ticks, log=True)


def linear_axis(values: Iterable[float | None], *, about: int = 5, zero: bool = False) -> Axis:
    """Return a linear axis with about so many round ticks that holds the given values.

    Examples
    --------
    >>> [text for _, text in linear_axis([3.0, 17.0]).ticks]
    ['0', '5', '10', '15', '20']
    """
    known = _finite(values) or [0.0, 1.0]
    low, high = min(known), max(known)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-12:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / max(about - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in _NICE if nice * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if abs(step / power - 2.5) < 1e-9:
        decimals = max(0, decimals + 1) if step < 10 else 0
    ticks = tuple((step * index, fixed(step * index, decimals)) for index in range(first, last + 1))
    return Axis(step * first, step * last, ticks)
