"""Intervals of single-study proportions by six methods, for all studies at once.

References
----------
.. [1] Agresti A, Coull BA. Approximate is better than "exact" for interval estimation of binomial
   proportions. Am Stat 1998.
.. [2] Brown LD, Cai TT, DasGupta A. Interval estimation for a binomial proportion. Stat Sci 2001.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import special

from analysis.results import Result
from analysis.synthesis.checks import check_choice, check_level
from analysis.synthesis.counts import check_counts
from analysis.synthesis.special import normal_quantile
from analysis.synthesis.types import FloatArray

__all__ = ["STUDY_METHODS", "StudyIntervals", "StudyMethod", "study_intervals"]

StudyMethod = Literal["clopper-pearson", "mid-p", "wilson", "agresti-coull", "jeffreys", "wald"]


@dataclass(frozen=True, slots=True)
class StudyIntervals(Result):
    """Proportions of studies with their intervals."""

    events: FloatArray
    total: FloatArray
    estimate: FloatArray
    low: FloatArray
    high: FloatArray
    level: float
    method: str

    def rows(self) -> list[dict[str, Any]]:
        """One row a study."""
        return [
            {
                "events": float(x),
                "total": float(n),
                "estimate": float(p),
                "low": float(low),
                "high": float(high),
            }
            for x, n, p, low, high in zip(
                self.events, self.total, self.estimate, self.low, self.high, strict=True
            )
        ]


def study_intervals(
    events: FloatArray,
    total: FloatArray,
    method: StudyMethod = "clopper-pearson",
    level: float = 0.95,
) -> StudyIntervals:
    """Return the interval of each study's proportion.

    Parameters
    ----------
    events, total
        Counts; a total must be at least one.
    method
        ``"clopper-pearson"`` (exact), ``"mid-p"``, ``"wilson"`` (score, no continuity correction),
        ``"agresti-coull"``, ``"jeffreys"`` (limits 0 and 1 at zero and full counts) or ``"wald"``.
    level
        Level of the intervals.

    Examples
    --------
    >>> result = study_intervals([0, 5], [10, 10], "clopper-pearson")
    >>> result.high.round(4).tolist()
    [0.3085, 0.8129]
    """
    level = check_level(level)
    x, n = check_counts(events, total)
    check_choice(method, STUDY_METHODS, "method", "study interval")
    low, high = STUDY_METHODS[method](x, n, level)
    return StudyIntervals(x, n, x / n, np.clip(low, 0, 1), np.clip(high, 0, 1), level, method)


def _beta_quantile(a: FloatArray, b: FloatArray, p: float) -> FloatArray:
    return special.betaincinv(np.maximum(a, 1e-9), np.maximum(b, 1e-9), p)


def _clopper_pearson(x: FloatArray, n: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    tail = (1.0 - level) / 2.0
    low = np.where(x == 0, 0.0, _beta_quantile(x, n - x + 1, tail))
    # The mirror keeps the tail a small number, whose digits a complement would lose.
    high = np.where(x == n, 1.0, 1.0 - _beta_quantile(n - x, x + 1, tail))
    return low, high


def _mid_p(x: FloatArray, n: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    tail = (1.0 - level) / 2.0
    low = _mid_p_lower(x, n, tail)
    return low, 1.0 - _mid_p_lower(n - x, n, tail)


def _mid_p_lower(x: FloatArray, n: FloatArray, tail: float) -> FloatArray:
    """Solve P(X > x) + P(X = x) / 2 = tail for the rate by bisection, all studies at once."""
    some = np.maximum(x, 1.0)
    low, high = np.zeros_like(x), some / n
    for _ in range(1075):
        middle = 0.5 * (low + high)
        at_least = special.betainc(some, n - some + 1, middle)
        rest = np.where(some < n, special.betainc(some + 1, np.maximum(n - some, 1), middle), 0.0)
        above = 0.5 * (at_least + rest) > tail
        high, low = np.where(above, middle, high), np.where(above, low, middle)
        if (high - low <= 2e-16 * high).all():
            break
    return np.where(x == 0, 0.0, 0.5 * (low + high))


def _wilson(x: FloatArray, n: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    z2 = normal_quantile(level) ** 2
    centre = (x + z2 / 2) / (n + z2)
    half = np.sqrt(z2 * (x * (n - x) / n + z2 / 4)) / (n + z2)
    low, high = np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)
    return np.where(x == 0, 0.0, low), np.where(x == n, 1.0, high)


def _agresti_coull(x: FloatArray, n: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    z = normal_quantile(level)
    size = n + z * z
    p = (x + z * z / 2) / size
    half = z * np.sqrt(p * (1 - p) / size)
    return p - half, p + half


def _jeffreys(x: FloatArray, n: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    tail = (1.0 - level) / 2.0
    low = np.where(x == 0, 0.0, special.betaincinv(x + 0.5, n - x + 0.5, tail))
    high = np.where(x == n, 1.0, 1.0 - special.betaincinv(n - x + 0.5, x + 0.5, tail))
    return low, high


def _wald(x: FloatArray, n: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
    p = x / n
    half = normal_quantile(level) * np.sqrt(p * (1 - p) / n)
    return p - half, p + half


#: Name of each method and the function that makes its limits.
STUDY_METHODS: dict[
    str, Callable[[FloatArray, FloatArray, float], tuple[FloatArray, FloatArray]]
] = {
    "clopper-pearson": _clopper_pearson,
    "mid-p": _mid_p,
    "wilson": _wilson,
    "agresti-coull": _agresti_coull,
    "jeffreys": _jeffreys,
    "wald": _wald,
}
