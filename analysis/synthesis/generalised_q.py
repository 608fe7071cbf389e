"""Intervals of tau2 from the exact distribution of a generalised Q with fixed weights.

``Q = sum a (y - mean)^2`` with fixed weights a and the mean weighted alike. Under tau2 it is a sum of
independent chi-square variates with one degree of freedom each, weighted by the eigenvalues of
``S (A - A 1 1' A / sum a) S`` with ``S^2 = V + tau2``. The limits are the values of tau2 under which the
observed Q stands at the tails. Weights ``1 / v`` give Biggerstaff and Jackson's interval (Cochran's Q),
weights ``1 / sqrt(v)`` the one that Jackson recommends.

The distribution is found by integrating the moment-generating function along a parabola that opens
round its branch points, where the trapezoid rule converges exponentially.

References
----------
.. [1] Biggerstaff BJ, Jackson D. The exact distribution of Cochran's heterogeneity statistic in one-way
   random effects meta-analysis. Stat Med 2008.
.. [2] Jackson D. Confidence intervals for the between-study variance in random effects meta-analysis
   using generalised Cochran heterogeneity statistics. Res Synth Methods 2013.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from analysis.synthesis.checks import check_choice, check_fit, check_level
from analysis.synthesis.inverse_variance import IvFit
from analysis.synthesis.roots import bracketed_root, expand_upwards
from analysis.synthesis.types import FloatArray, Interval

__all__ = ["jackson_interval", "weighted_chi2_tail"]

#: Points of the trapezoid rule on half of the path; halving the number changes nothing that shows.
_POINTS = 400


def weighted_chi2_tail(statistic: float, weights: FloatArray) -> float:
    """Return ``P(sum w_i X_i > statistic)`` for independent chi-square X with one degree of freedom.

    Examples
    --------
    >>> round(float(weighted_chi2_tail(3.841458820694124, np.array([1.0]))), 9)
    0.05
    """
    w = np.asarray(weights, dtype=float)
    w = w[w > 0] / w.max()
    x = statistic / float(np.asarray(weights).max())
    if x <= 0 or w.size == 0:
        return 1.0
    # Saddle point of K(s) - s x with K(s) = -sum log(1 - 2 w s) / 2, in (-inf, 1/2).
    low, high = -0.5 * w.size / x, 0.5 * (1.0 - 1e-12)
    low = min(low, -1.0)
    for _ in range(200):
        middle = 0.5 * (low + high)
        if float((w / (1.0 - 2.0 * w * middle)).sum()) > x:
            high = middle
        else:
            low = middle
    c = 0.5 * (low + high)
    # The pole at zero must lie off the path; which side decides which tail is found.
    if abs(c) < 0.2:
        c = 0.2 if c >= 0 else -0.2
    distance = 0.5 - c
    # The parabola has its focus at the first branch point; the exponential dies along it.
    reach = np.sqrt(4.0 * distance * 46.0 / x)
    step = reach / _POINTS
    u = (np.arange(_POINTS) + 0.5) * step
    s = c + u * u / (4.0 * distance) + 1j * u
    slope = u / (2.0 * distance) + 1j
    log_mgf = -0.5 * np.log(1.0 - 2.0 * np.outer(s, w)).sum(axis=1)
    value = float((np.exp(log_mgf - s * x) / s * slope).imag.sum()) * step / np.pi
    tail = value if c > 0 else 1.0 + value
    return min(1.0, max(0.0, tail))


def jackson_interval(
    fit: IvFit,
    level: float | None = None,
    weights: Literal["standard-error", "variance"] = "standard-error",
) -> Interval:
    """Return the generalised-Q interval of tau2.

    Parameters
    ----------
    fit
        A fit without moderators.
    level
        Level of the interval, that of the fit by default.
    weights
        Reciprocal standard errors (Jackson) or reciprocal variances (Biggerstaff and Jackson).
    """
    fit = check_fit(fit, IvFit)
    level = check_level(fit.level if level is None else level)
    check_choice(weights, ("standard-error", "variance"), "weights")
    if fit.design is not None or fit.weights is not None:
        raise ValueError("Jackson's interval is for plain fits without moderators")
    if fit.k < 2:
        return Interval(np.nan, np.nan, level, "Jackson", "needs at least two studies")
    a = 1.0 / (np.sqrt(fit.vi) if weights == "standard-error" else fit.vi)
    projection = np.diag(a) - np.outer(a, a) / a.sum()
    shift = fit.yi - a @ fit.yi / a.sum()
    q, tail = float(a @ shift**2), (1.0 - level) / 2.0
    name = "Jackson" if weights == "standard-error" else "Biggerstaff-Jackson"

    def upper_tail(tau2: float) -> float:
        root = np.sqrt(fit.vi + tau2)
        values = np.linalg.eigvalsh(root[:, None] * projection * root[None, :])
        # One eigenvalue is zero by construction: the mean is estimated.
        return weighted_chi2_tail(q, np.sort(values)[1:])

    step = max(fit.tau2, fit.typical_variance)

    def limit(share: float) -> float:
        if upper_tail(0.0) >= share:
            return 0.0
        top = expand_upwards(lambda t: share - upper_tail(t), 0.0, step)
        return np.inf if top is None else bracketed_root(
            lambda t: share - upper_tail(t), 0.0, top, relative=1e-13
        )

    low, high = limit(tail), limit(1.0 - tail)
    note = "" if high > 0 else "Q is below its lower quantile even at zero"
    return Interval(float(low), float(high), level, name, note)
