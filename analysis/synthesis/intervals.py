"""Intervals by inverting a test: Q-profile and profile likelihood for tau2, profile likelihood for mu.

All limits are roots found inside a bracket, to rounding. A lower limit of tau2 is zero where zero is
not rejected.

References
----------
.. [1] Viechtbauer W. Confidence intervals for the amount of heterogeneity in meta-analysis. Stat Med
   2007.
.. [2] Hardy RJ, Thompson SG. A likelihood approach to meta-analysis with random effects. Stat Med
   1996.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np

from analysis.synthesis.checks import check_choice, check_fit, check_level
from analysis.synthesis.inverse_variance import IvFit, fit_iv
from analysis.synthesis.roots import bracketed_root, expand_upwards
from analysis.synthesis.special import chi2_quantile
from analysis.synthesis.tau2 import solve_q
from analysis.synthesis.types import FloatArray, Interval

__all__ = ["profile_interval_mu", "profile_interval_tau2", "q_profile_interval", "tau2_interval"]


def q_profile_interval(fit: IvFit, level: float | None = None) -> Interval:
    """Return the Q-profile interval of tau2.

    The limits solve ``Q(t) = chi2`` at the upper and lower quantile with k - p degrees of freedom.
    When even ``Q(0)`` lies below the lower quantile no value of tau2 is compatible with the data, and
    the interval is the point zero, with a note.

    Parameters
    ----------
    fit
        An inverse-variance fit; only its data and design matter.
    level
        Level of the interval, that of the fit by default.
    """
    fit = check_fit(fit, IvFit)
    level = check_level(fit.level if level is None else level)
    df = fit.k - fit.p
    if df <= 0:
        return Interval(np.nan, np.nan, level, "Q-profile", "needs more studies than coefficients")
    tail = (1.0 - level) / 2.0
    targets = np.array([chi2_quantile(1.0 - tail, df), chi2_quantile(tail, df)])
    problem = fit.problem().take(np.array([0, 0]))
    low, high = solve_q(problem, targets).tau2
    note = ""
    if fit.q < targets[1]:
        note = "Q is below its lower quantile even at zero: the interval is the point zero"
    return Interval(float(low), float(high), level, "Q-profile", note)


def profile_interval_tau2(fit: IvFit, level: float | None = None) -> Interval:
    """Return the profile-likelihood interval of tau2, restricted likelihood for a REML fit.

    Parameters
    ----------
    fit
        A fit by ``"ml"`` or ``"reml"``.
    level
        Level of the interval, that of the fit by default.
    """
    fit = check_fit(fit, IvFit)
    level = check_level(fit.level if level is None else level)
    if fit.tau2_method not in ("ml", "reml"):
        raise ValueError("the profile-likelihood interval of tau2 needs a fit by ml or reml")
    if fit.k <= fit.p:
        return Interval(
            np.nan, np.nan, level, "profile-likelihood", "needs more studies than coefficients"
        )
    problem, restricted = fit.problem(), fit.tau2_method == "reml"

    def height(t: float) -> float:
        at = np.array([t])
        s = problem.sums(at, 1)
        value = -0.5 * (float(problem.log_variances(at)[0]) + float(s.ypy[0]))
        return value - 0.5 * float(np.linalg.slogdet(s.cross[0])[1]) if restricted else value

    floor = height(fit.tau2) - chi2_quantile(level, 1) / 2.0

    def above(t: float) -> float:
        return height(t) - floor

    low = 0.0 if fit.tau2 == 0 or above(0.0) >= 0 else bracketed_root(above, 0.0, fit.tau2)
    step = max(fit.tau2, fit.typical_variance)
    top = expand_upwards(above, fit.tau2, step)
    high = np.inf if top is None else bracketed_root(above, fit.tau2, top)
    return Interval(low, float(high), level, "profile-likelihood")


def tau2_interval(
    fit: IvFit,
    level: float | None = None,
    method: Literal["auto", "q-profile", "profile", "jackson", "biggerstaff-jackson"] = "auto",
) -> Interval:
    """Return an interval of tau2; ``"auto"`` is Q-profile, which serves every estimator."""
    known = ("auto", "q-profile", "profile", "jackson", "biggerstaff-jackson")
    check_choice(method, known, "method", "interval of tau2")
    if method == "profile":
        return profile_interval_tau2(fit, level)
    if method in ("jackson", "biggerstaff-jackson"):
        from analysis.synthesis.generalised_q import jackson_interval

        return jackson_interval(
            fit, level, "standard-error" if method == "jackson" else "variance"
        )
    return q_profile_interval(fit, level)


def profile_interval_mu(fit: IvFit, level: float | None = None) -> Interval:
    """Return the profile-likelihood interval of the pooled estimate.

    For each mu the likelihood is maximised over tau2. The likelihood is the unrestricted one whatever
    the fit's method, as restricted likelihoods of different means cannot be compared.

    Parameters
    ----------
    fit
        A fit without moderators.
    level
        Level of the interval, that of the fit by default.
    """
    fit = check_fit(fit, IvFit)
    level = check_level(fit.level if level is None else level)
    if fit.p != 1 or fit.design is not None:
        raise ValueError("the profile-likelihood interval of mu needs a fit without moderators")
    counts = np.ones(fit.yi.size) if fit.weights is None else fit.weights
    keep = counts > 0
    y, v, c = fit.yi[keep], fit.vi[keep], counts[keep]
    if fit.k == 1:
        half = np.sqrt(chi2_quantile(level, 1) * v[0])
        return Interval(float(y[0] - half), float(y[0] + half), level, "profile-likelihood")
    best = fit if fit.tau2_method == "ml" else fit_iv(y, v, weights=c, tau2_method="ml")
    centre = float(best.beta[0])
    floor = _height(y - centre, v, c, best.tau2) - chi2_quantile(level, 1) / 2.0

    def above(mu: float) -> float:
        residual = y - mu
        return _height(residual, v, c, _tau2_known_mean(residual, v, c)) - floor

    step = float(np.sqrt(best.cov_wald[0, 0]))
    limits = []
    for sign in (-1.0, 1.0):
        side = partial(_beyond, above, centre, sign)
        # The likelihood falls without end as mu moves off, so that there is a far point.
        far = expand_upwards(side, 0.0, 2.0 * step)
        limits.append(
            sign * math.inf if far is None else centre + sign * bracketed_root(side, 0.0, far)
        )
    note = "" if fit.tau2_method == "ml" else "from the unrestricted likelihood"
    return Interval(limits[0], limits[1], level, "profile-likelihood", note)


def _beyond(
    above: Callable[[float], float], centre: float, sign: float, distance: float
) -> float:
    return above(centre + sign * distance)


def _height(residual: FloatArray, v: FloatArray, c: FloatArray, t: float) -> float:
    total = v + t
    return float(-0.5 * (c @ np.log(total) + c @ (residual * residual / total)))


def _tau2_known_mean(residual: FloatArray, v: FloatArray, c: FloatArray) -> float:
    """Maximum-likelihood tau2 for a known mean: the best cell of a grid, then Newton inside it."""
    square = residual * residual
    top = float(square.max())
    if top == 0.0:
        return 0.0
    # No root lies beyond the largest squared residual, where every term of the score is negative.
    low = min(0.05 * float(v.min()), top)
    steps = max(1, int(np.ceil(np.log(top / low) / np.log(3.0))))
    grid = np.concatenate([[0.0], low * (top / low) ** (np.arange(steps + 1) / steps)])
    w = 1.0 / (v + grid[:, None])
    score = (w * w * square - w) @ c
    cells = np.flatnonzero((score[:-1] > 0) & (score[1:] <= 0))
    found = [0.0] if score[0] <= 0 else []
    for cell in cells:
        found.append(_newton_known_mean(square, v, c, float(grid[cell]), float(grid[cell + 1])))
    if len(found) == 1:
        return found[0]
    return max(found, key=lambda t: _height(residual, v, c, t))


def _newton_known_mean(
    square: FloatArray, v: FloatArray, c: FloatArray, low: float, high: float
) -> float:
    t = 0.5 * (low + high)
    for _ in range(100):
        w = 1.0 / (v + t)
        w2 = w * w
        value = float(c @ (w2 * square - w))
        slope = float(c @ (w2 - 2.0 * w2 * w * square))
        low, high = (t, high) if value > 0 else (low, t)
        new = t - value / slope if slope < 0 else low - 1.0
        inside = low <= new <= high
        new = new if inside else 0.5 * (low + high)
        step, t = abs(new - t), new
        if step <= (1e-8 if inside else 4e-16) * t:
            break
    return t


