"""Quantiles and tail areas of the few distributions in use, over scipy.special.

scipy.stats would do the same but takes seconds to import. Degrees of freedom of ``inf`` mean the
normal distribution; degrees of freedom of zero or less give ``nan``.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from analysis.synthesis.checks import check_level
from analysis.synthesis.types import FloatArray

__all__ = [
    "chi2_quantile",
    "chi2_tail",
    "f_tail",
    "log_choose",
    "normal_quantile",
    "normal_two_sided",
    "t_quantile",
    "t_two_sided",
]


def normal_quantile(level: float) -> float:
    """Return the two-sided normal multiplier of a level, 1.96 for 0.95.

    Examples
    --------
    >>> round(normal_quantile(0.95), 6)
    1.959964
    """
    check_level(level)
    return float(-special.ndtri((1.0 - level) / 2.0))


def t_quantile(level: float, df: float) -> float:
    """Return the two-sided Student multiplier of a level; normal for infinite ``df``.

    Examples
    --------
    >>> round(t_quantile(0.95, 10), 6)
    2.228139
    """
    check_level(level)
    if np.isinf(df):
        return normal_quantile(level)
    if not df > 0:
        return float("nan")
    # The lower tail keeps its digits where 1 - tail would lose them.
    return float(-special.stdtrit(df, (1.0 - level) / 2.0))


def normal_two_sided(z: FloatArray | float) -> FloatArray:
    """Return the two-sided normal p-value of a statistic."""
    return 2.0 * special.ndtr(-np.abs(np.asarray(z, dtype=float)))


def t_two_sided(t: FloatArray | float, df: float) -> FloatArray:
    """Return the two-sided Student p-value; normal for infinite ``df``, nan for ``df`` <= 0."""
    if np.isinf(df):
        return normal_two_sided(t)
    statistic = np.asarray(t, dtype=float)
    if not df > 0:
        return np.full_like(statistic, np.nan)
    return 2.0 * special.stdtr(df, -np.abs(statistic))


def chi2_quantile(probability: float, df: float) -> float:
    """Return the quantile of the chi-square distribution at a lower-tail probability."""
    if not df > 0:
        return float("nan")
    if probability > 0.5:
        return float(special.chdtri(df, 1.0 - probability))
    return float(2.0 * special.gammaincinv(df / 2.0, probability))


def chi2_tail(statistic: FloatArray | float, df: FloatArray | float) -> FloatArray:
    """Return the upper tail area of the chi-square distribution; one where ``df`` is zero."""
    x, degrees = np.broadcast_arrays(
        np.asarray(statistic, dtype=float), np.asarray(df, dtype=float)
    )
    positive = degrees > 0
    tail = special.chdtrc(np.where(positive, degrees, 1.0), np.maximum(x, 0.0))
    return np.where(np.isnan(x), np.nan, np.where(positive, tail, 1.0))


def f_tail(statistic: float, df1: float, df2: float) -> float:
    """Return the upper tail area of the F distribution; nan where ``df2`` is not positive."""
    if not (df1 > 0 and df2 > 0):
        return float("nan")
    return float(special.fdtrc(df1, df2, statistic))


def log_choose(n: FloatArray, x: FloatArray) -> FloatArray:
    """Return the logarithm of the binomial coefficient.

    Examples
    --------
    >>> log_choose(np.array([5.0]), np.array([2.0])).round(6).tolist()
    [2.302585]
    """
    return np.asarray(special.gammaln(n + 1.0) - special.gammaln(x + 1.0) - special.gammaln(n - x + 1.0))
