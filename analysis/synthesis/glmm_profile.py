"""Profile-likelihood intervals of the random-intercept logistic model by bracketed root-finding."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from analysis.synthesis._glmm_newton import Problem, ascend, start_values
from analysis.synthesis._glmm_solve import EXTRA_STARTS
from analysis.synthesis.checks import check_fit, check_level
from analysis.synthesis.glmm_results import GlmmFit
from analysis.synthesis.quadrature import saturated_log_likelihood, study_terms
from analysis.synthesis.special import chi2_quantile
from analysis.synthesis.types import FloatArray, Interval

__all__ = ["profile_interval_mu", "profile_interval_tau2"]

#: Where the search for an end of the interval stops; beyond it the end is called infinite.
MU_LIMIT = 1e3
TAU_SEARCH_LIMIT = 1e3
#: Relative and absolute width at which a bracket counts as a root.
ROOT_TOLERANCE = 1e-11

NOTE_NO_FIT = "no finite maximum, so no profile interval"
NOTE_OPEN_MU = "the profile does not fall to the limit: the end is infinite"
NOTE_OPEN_TAU = "the profile does not fall to the limit as tau grows: the upper end is infinite"
NOTE_ZERO = "the interval includes tau2 = 0"

#: height and slope of the profile above the cut
_Profile = Callable[[float], tuple[float, float]]


def profile_interval_mu(fit: GlmmFit, level: float = 0.95, *, coefficient: int = 0) -> Interval:
    """Return the profile-likelihood interval of one coefficient, on the logit scale.

    Examples
    --------
    >>> from analysis.synthesis.glmm import fit_glmm
    >>> end = profile_interval_mu(fit_glmm([3, 9], [20, 22]))
    >>> round(end.low, 5), round(end.high, 5)
    (-2.8147, 0.6132)
    """
    level = check_level(level)
    fit = check_fit(fit, GlmmFit)
    if not fit.converged or fit.nodes is not None:
        return Interval(float("nan"), float("nan"), level, "profile", NOTE_NO_FIT)
    j = coefficient
    constant = _constant(fit)
    cut = fit.log_likelihood - constant - 0.5 * float(chi2_quantile(level, 1))
    centre, scale = float(fit.beta[j]), float(fit.se[j])
    profile = _profile_of_beta(fit, j, cut)
    low = _root(profile, centre, -scale, -MU_LIMIT)
    high = _root(profile, centre, scale, MU_LIMIT)
    note = NOTE_OPEN_MU if np.isinf(low) or np.isinf(high) else ""
    return Interval(low, high, level, "profile", note)


def profile_interval_tau2(fit: GlmmFit, level: float = 0.95) -> Interval:
    """Return the profile-likelihood interval of the between-study variance.

    Examples
    --------
    >>> from analysis.synthesis.glmm import fit_glmm
    >>> end = profile_interval_tau2(fit_glmm([3, 9], [20, 22]))
    >>> end.low, round(end.high, 4)
    (0.0, 8.6093)
    """
    level = check_level(level)
    fit = check_fit(fit, GlmmFit)
    if not fit.converged or fit.nodes is not None:
        return Interval(float("nan"), float("nan"), level, "profile", NOTE_NO_FIT)
    constant = _constant(fit)
    cut = fit.log_likelihood - constant - 0.5 * float(chi2_quantile(level, 1))
    profile = _profile_of_tau(fit, cut)
    low = 0.0
    if fit.log_likelihood_equal - constant < cut:
        low = _root(profile, fit.tau, -0.5 * fit.tau, 0.0) ** 2
    step = 0.5 * fit.tau + 0.25
    high = _root(profile, fit.tau, step, TAU_SEARCH_LIMIT) ** 2
    notes = [NOTE_ZERO] * (low == 0) + [NOTE_OPEN_TAU] * bool(np.isinf(high))
    return Interval(low, high, level, "profile", "; ".join(notes))


def _rows(fit: GlmmFit) -> Problem:
    use = fit.weights > 0
    return Problem(
        fit.events[None, use],
        fit.total[None, use],
        fit.design[use],
        fit.weights[None, use],
        np.zeros((1, int(use.sum()))),
        partial(study_terms, saturated=False),
    )


def _constant(fit: GlmmFit) -> float:
    """Return the part of the log-likelihood that no parameter changes; profiles do without it."""
    use = fit.weights > 0
    parts = saturated_log_likelihood(fit.events[use], fit.total[use])
    return float(fit.weights[use] @ parts)


def _profile_of_tau(fit: GlmmFit, cut: float) -> _Profile:
    problem = _rows(fit)
    typical = np.ones(1)
    state: list[FloatArray] = [fit.beta[None, :]]

    def profile(tau: float) -> tuple[float, float]:
        end = ascend(problem, state[0], np.array([tau]), typical=typical, hold_tau=True)
        state[0] = end.beta
        return float(end.value[0]) - cut, float(end.gradient[0, -1])

    return profile


def _profile_of_beta(fit: GlmmFit, j: int, cut: float) -> _Profile:
    whole = _rows(fit)
    others = np.delete(whole.design, j, axis=1)
    start = np.delete(fit.beta, j)
    warm: list[tuple[FloatArray, float]] = [(start, max(fit.tau, 0.1))]

    def profile(value: float) -> tuple[float, float]:
        offset = whole.design[None, :, j] * value
        problem = Problem(whole.events, whole.total, others, whole.weights, offset, whole.terms)
        typical = start_values(problem)[2]
        zero = ascend(problem, warm[0][0][None, :], np.zeros(1), typical=typical, hold_tau=True)
        zero_is_top = zero.hessian[:, -1, -1] <= 0
        best, slope, at = -np.inf, 0.0, warm[0]
        if zero_is_top[0]:
            best, slope = float(zero.value[0]), _slope(problem, whole, j, zero.beta, 0.0)
            at = (zero.beta[0], 0.1)
        floor = np.where(zero_is_top, zero.value, -np.inf)
        begin = (warm[0][1], *EXTRA_STARTS) if zero_is_top[0] else (warm[0][1],)
        for tau in begin:
            end = ascend(problem, warm[0][0][None, :], np.array([tau]), typical=typical, floor=floor)
            if end.value[0] > best:
                best, tau_end = float(end.value[0]), float(end.tau[0])
                slope = _slope(problem, whole, j, end.beta, tau_end)
                at = (end.beta[0], max(tau_end, 0.05))
        warm[0] = at
        return best - cut, slope

    return profile


def _slope(problem: Problem, whole: Problem, j: int, beta: FloatArray, tau: float) -> float:
    """Return the profile's derivative, which by the envelope theorem is the partial one."""
    eta = (beta @ problem.design.T + problem.offset)[0]
    terms = study_terms(problem.events[0], problem.total[0], eta, np.array(tau))
    return float((problem.weights[0] * terms.e * whole.design[:, j]).sum())


def _root(profile: _Profile, centre: float, step: float, limit: float) -> float:
    """Return where the profile crosses zero between `centre` (above) and `limit`, or infinity.

    The bracket grows by doubling, then shrinks by Newton steps with the profile's own slope; a step
    that leaves the bracket, or a slow one, is replaced by bisection.
    """
    sign = 1.0 if limit > centre else -1.0
    inside, outside = centre, centre + step
    while True:
        if sign * (outside - limit) >= 0:
            outside = limit
        height, slope = profile(outside)
        if height <= 0:
            break
        if outside == limit:
            return sign * np.inf if limit != 0 else 0.0
        inside, outside = outside, centre + 2 * (outside - centre)
    point, width = outside, abs(outside - inside)
    for _ in range(200):
        tolerance = ROOT_TOLERANCE * max(1.0, abs(point))
        new = point - height / slope if slope != 0 else np.inf
        low, high = min(inside, outside), max(inside, outside)
        if abs(new - point) < tolerance and low <= new <= high:
            return float(new)
        if not low < new < high or abs(new - point) > 0.6 * width:
            new = 0.5 * (low + high)
        width = high - low
        if width < tolerance:
            return float(new)
        point = new
        height, slope = profile(point)
        inside, outside = (point, outside) if height > 0 else (inside, point)
    return float(point)
