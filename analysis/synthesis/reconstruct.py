"""Counts and variances from what a report gives instead of them.

A table of two arms has one free cell when its margins are known, so an odds ratio, a phi coefficient, a
chi-square or a p-value settles it. An effect with its interval or p-value gives the sampling variance, if
the interval is a normal one on the scale of the analysis; `ReportedEffect.skew` shows how far the
reported estimate lies from the middle of its interval, which should be nought but for rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from analysis.results import Result
from analysis.synthesis.checks import check_level, check_number, check_whole
from analysis.synthesis.counts import CountsError
from analysis.synthesis.special import chi2_quantile, normal_quantile

__all__ = ["ReconstructedTable", "ReportedEffect", "effect_from_report", "table_from_margins"]


@dataclass(frozen=True, slots=True)
class ReconstructedTable(Result):
    """A table in whole numbers; `exact` is the first arm's events before rounding."""

    events1: int
    total1: int
    events2: int
    total2: int
    exact: float
    source: str


@dataclass(frozen=True, slots=True)
class ReportedEffect(Result):
    """An effect on the analysis scale with its sampling variance."""

    yi: float
    vi: float
    skew: float
    source: str


def table_from_margins(
    total1: int,
    total2: int,
    events: int,
    *,
    odds_ratio: float | None = None,
    phi: float | None = None,
    chi2: float | None = None,
    p_value: float | None = None,
    corrected: bool = True,
    more_in_first: bool = True,
) -> ReconstructedTable:
    """Return the table of two arms with given sizes and events of both together.

    Parameters
    ----------
    total1, total2, events
        Patients in each arm, events in both together.
    odds_ratio, phi, chi2, p_value
        Just one of them. The p-value is that of the chi-square test.
    corrected
        Whether the chi-square (or the test behind the p-value) had Yates' correction.
    more_in_first
        Direction of the effect, which a chi-square and a p-value do not tell.

    Raises
    ------
    CountsError
        If the margins cannot be, or no table with these margins has such a statistic.

    Examples
    --------
    >>> table = table_from_margins(43, 47, 33, odds_ratio=0.7)
    >>> table.events1, table.events2
    (14, 19)
    """
    given = {"odds_ratio": odds_ratio, "phi": phi, "chi2": chi2, "p_value": p_value}
    named = [(name, value) for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise ValueError("give just one of odds_ratio, phi, chi2, p_value")
    total1, total2 = check_whole(total1, "total1"), check_whole(total2, "total2")
    events = check_whole(events, "events")
    check_number(named[0][1], named[0][0])
    total = total1 + total2
    if total1 < 1 or total2 < 1 or not 0 < events < total:
        raise CountsError("the margins need patients in both arms, and both events and non-events")
    (source, value) = named[0]
    scale = math.sqrt(float(total1) * total2 * events * (total - events))
    if source == "odds_ratio":
        first = _from_odds_ratio(value, total1, total2, events)
    else:
        if source == "phi":
            cross = value * scale
        else:
            if source == "p_value":
                if not 0.0 < value <= 1.0:
                    raise ValueError(f"p-value {value!r} is not between 0 and 1")
                value = chi2_quantile(1.0 - value, 1)
            if value < 0.0:
                raise ValueError(f"chi-square {value!r} is negative")
            cross = math.sqrt(value / total) * scale + (total / 2.0 if corrected else 0.0)
            cross = cross if more_in_first else -cross
        # ad - bc = a N - n1 (a + c): the product's difference settles the cell.
        first = (cross + float(total1) * events) / total
    low, high = max(0, events - total2), min(total1, events)
    cell = math.floor(first + 0.5)
    if not (math.isfinite(first) and low <= cell <= high):
        raise CountsError(f"no table with these margins has {named[0][0]} = {named[0][1]!r}")
    return ReconstructedTable(cell, total1, events - cell, total2, first, source)


def _from_odds_ratio(ratio: float, total1: int, total2: int, events: int) -> float:
    """Root of ``a (n2 - e + a) = OR (n1 - a)(e - a)`` within the margins."""
    if not ratio > 0.0:
        raise ValueError(f"odds ratio {ratio!r} is not positive")
    if ratio == 1.0:
        return total1 * events / (total1 + total2)
    square = 1.0 - ratio
    linear = total2 - events + ratio * (total1 + events)
    constant = -ratio * total1 * events
    root = math.sqrt(linear * linear - 4.0 * square * constant)
    # This form keeps its digits near a ratio of one.
    return -2.0 * constant / (linear + root)


def effect_from_report(
    estimate: float,
    *,
    low: float | None = None,
    high: float | None = None,
    p_value: float | None = None,
    statistic: float | None = None,
    ratio: bool = False,
    level: float = 0.95,
) -> ReportedEffect:
    """Return an effect and its sampling variance from a reported interval, p-value or z statistic.

    Parameters
    ----------
    estimate
        The effect as reported.
    low, high
        Ends of a normal interval of the given level.
    p_value, statistic
        Two-sided p-value, or the statistic, of the normal test of no effect; used without an interval.
    ratio
        Whether effect and interval are ratios: they are analysed as logarithms.
    level
        Level of the interval.

    Examples
    --------
    >>> found = effect_from_report(0.7, low=0.5, high=0.98, ratio=True)
    >>> round(found.yi, 6), round(found.vi, 6), round(found.skew, 6)
    (-0.356675, 0.029472, 0.0)
    """
    level = check_level(level)
    estimate = check_number(estimate, "estimate")
    given = (("low", low), ("high", high), ("p_value", p_value), ("statistic", statistic))
    for name, value in given:
        if value is not None:
            check_number(value, name)
    ends = [value for value in (low, high) if value is not None]
    if ratio and not all(value > 0 for value in (estimate, *ends)):
        raise ValueError("a ratio and its limits must be positive")
    turn = math.log if ratio else float
    y = turn(estimate)
    if len(ends) == 2:
        a, b = turn(ends[0]), turn(ends[1])
        if not a < b:
            raise ValueError(f"the interval from {low!r} to {high!r} is empty")
        se = (b - a) / (2.0 * normal_quantile(level))
        return ReportedEffect(y, se * se, ((a + b) / 2.0 - y) / se, "interval")
    if statistic is None and p_value is None:
        raise ValueError("give both ends of the interval, a p-value or a statistic")
    if statistic is None:
        if p_value is None or not 0.0 < p_value < 1.0:
            raise ValueError(f"p-value {p_value!r} is not between 0 and 1")
        statistic = normal_quantile(1.0 - p_value)
    if statistic == 0.0 or y == 0.0:
        raise ValueError("an effect of nought says nothing on its own standard error")
    se = abs(y / statistic)
    return ReportedEffect(y, se * se, 0.0, "statistic" if p_value is None else "p-value")
