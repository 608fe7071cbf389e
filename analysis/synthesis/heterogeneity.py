"""Sizes and tests of between-study variation, with intervals, every definition by its name.

I2 is either ``tau2 / (tau2 + s2)`` with the Higgins-Thompson typical variance s2, or
``(Q - df) / Q``; the two agree only for the DerSimonian-Laird estimator. Both are fractions.

References
----------
.. [1] Higgins JPT, Thompson SG. Quantifying heterogeneity in a meta-analysis. Stat Med 2002.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from analysis.synthesis.checks import check_fit, check_level, check_number, check_numbers, check_whole
from analysis.synthesis.inverse_variance import IvFit
from analysis.synthesis.special import normal_quantile
from analysis.synthesis.types import FloatArray, Heterogeneity, Interval

__all__ = [
    "FROM_Q",
    "FROM_TAU2",
    "HeterogeneityIntervals",
    "heterogeneity_intervals",
    "heterogeneity_of_fit",
    "i2_from_q",
    "test_based_intervals",
    "typical_variance",
]

#: Names of the two definitions of I2.
FROM_TAU2 = "tau2/(tau2+s2)"
FROM_Q = "(Q-df)/Q"


@dataclass(frozen=True, slots=True)
class HeterogeneityIntervals:
    """Intervals of tau, I2 and H2 that follow from one interval of tau2."""

    tau: Interval
    i2: Interval
    h2: Interval


def i2_from_q(q: float, df: int) -> float:
    """Return ``(Q - df) / Q`` as a fraction, zero where Q is below df.

    Examples
    --------
    >>> i2_from_q(20.0, 10)
    0.5
    """
    return max(0.0, (q - df) / q) if q > 0 else 0.0


def typical_variance(vi: FloatArray) -> float:
    """Return the Higgins-Thompson typical within-study variance of k estimates.

    It is ``(k - 1) S1 / (S1^2 - S2)``, with S1 and S2 the sums of ``1 / v`` and of ``1 / v^2``.
    """
    v = check_numbers(vi, "vi")
    if not (v > 0).all():
        raise ValueError("vi holds a value that is not above zero")
    w = 1.0 / v
    if w.size < 2:
        return 0.0
    first = float(w.sum())
    return (w.size - 1) / (first - float(w @ w) / first)


def heterogeneity_of_fit(fit: IvFit) -> Heterogeneity:
    """Return Cochran's test, I2 by both definitions and H2 of an inverse-variance fit."""
    fit = check_fit(fit, IvFit)
    definition = FROM_Q if fit.tau2_method == "ee" else FROM_TAU2
    q = fit.q
    from_q = i2_from_q(q, fit.q_df)
    return Heterogeneity(
        q=q,
        q_df=fit.q_df,
        q_p=fit.q_p,
        q_method="Cochran",
        i2=from_q if fit.tau2_method == "ee" else fit.i2,
        i2_definition=definition,
        i2_from_q=from_q,
        h2=fit.h2,
    )


def heterogeneity_intervals(interval: Interval, typical: float) -> HeterogeneityIntervals:
    """Carry an interval of tau2 over to tau, I2 and H2, given the typical variance."""

    def carry(low: float, high: float, note: str = "") -> Interval:
        return Interval(low, high, interval.level, interval.method, note or interval.note)

    low, high = interval.low, interval.high
    return HeterogeneityIntervals(
        tau=carry(math.sqrt(low), math.sqrt(high)),
        i2=carry(low / (low + typical), 1.0 if math.isinf(high) else high / (high + typical)),
        h2=carry(low / typical + 1.0, high / typical + 1.0),
    )


def test_based_intervals(q: float, df: int, level: float = 0.95) -> tuple[Interval, Interval]:
    """Return the test-based intervals of H and of I2 (from Q), as meta prints them.

    Parameters
    ----------
    q, df
        Cochran's Q and its degrees of freedom.
    level
        Level of the intervals.

    Returns
    -------
    tuple
        Interval of H and interval of I2 (a fraction).
    """
    level = check_level(level)
    q, df = check_number(q, "q", low=0.0), check_whole(df, "df")
    method, k = "test-based", df + 1
    if df < 2 and not q > k:
        none = Interval(math.nan, math.nan, level, method, "needs at least three studies")
        return none, none
    h = max(1.0, math.sqrt(q / df))
    if q > k:
        spread = 0.5 * (math.log(q) - math.log(df))
        spread /= math.sqrt(2.0 * q) - math.sqrt(2.0 * k - 3.0)
    else:
        spread = math.sqrt(1.0 / (2.0 * (k - 2)) * (1.0 - 1.0 / (3.0 * (k - 2) ** 2)))
    factor = math.exp(normal_quantile(level) * spread)
    low, high = max(1.0, h / factor), max(1.0, h * factor)
    return (
        Interval(low, high, level, method),
        Interval(1.0 - 1.0 / low**2, 1.0 - 1.0 / high**2, level, method),
    )


#: pytest would otherwise collect the function by its name.
test_based_intervals.__test__ = False  # type: ignore[attr-defined]
