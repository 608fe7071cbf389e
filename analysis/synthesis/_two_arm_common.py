"""What the fits of two-arm counts share: tables that can be compared, standard error and Wald interval."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from analysis.synthesis.counts import CountsError
from analysis.synthesis.special import t_quantile, t_two_sided
from analysis.synthesis.two_by_two import Tables, check_tables
from analysis.synthesis.types import FloatArray, Numbers

__all__ = ["NO_PEAK", "Usable", "Wald", "error_of", "usable_tables", "wald"]

NO_PEAK = "the likelihood is not curved downwards where the ascent ended: no standard error"


class Usable(NamedTuple):
    """Tables that enter a fit, their number before and after, and what to say of the others."""

    tables: Tables
    k: int
    used: int
    notes: list[str]


class Wald(NamedTuple):
    """Interval and test of an estimate by its standard error."""

    low: float
    high: float
    statistic: float
    p_value: float


def usable_tables(
    events1: Numbers, total1: Numbers, events2: Numbers, total2: Numbers, *, drop00: bool = True
) -> Usable:
    """Return checked tables, by default without those that have no events or events only in both arms."""
    tables = check_tables(events1, total1, events2, total2)
    if tables.uninformative.all():
        raise CountsError("no study has both events and non-events: nothing can be compared")
    use = ~tables.uninformative if drop00 else np.ones(tables.a.size, dtype=bool)
    dropped = int((~use).sum())
    notes = [f"{dropped} studies without information left out"] if dropped else []
    return Usable(tables.take(use), int(use.size), int(use.sum()), notes)


def error_of(information: FloatArray, place: int) -> float:
    """Return the standard error of one parameter; nan where the likelihood has no peak there.

    Where it runs off without end the information is singular up to rounding, and its inverse may hold any
    sign.

    Examples
    --------
    >>> error_of(np.array([[4.0, 0.0], [0.0, 1.0]]), 0)
    0.5
    >>> error_of(np.array([[4.0, 0.0], [0.0, -1.0]]), 0)
    nan
    """
    if not np.isfinite(information).all() or float(np.linalg.eigvalsh(information)[0]) <= 0.0:
        return math.nan
    return math.sqrt(float(np.linalg.inv(information)[place, place]))


def wald(estimate: float, se: float, level: float, df: float = math.inf) -> Wald:
    """Return the normal interval and test, or those of Student's t with finite `df`; nan without an error."""
    half = t_quantile(level, df) * se
    statistic = estimate / se if se > 0 else math.nan
    return Wald(estimate - half, estimate + half, statistic, float(t_two_sided(statistic, df)))
