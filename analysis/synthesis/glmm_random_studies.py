"""Binomial model of two-arm counts in which the studies' own levels are random too (``"UM.RS"``).

The log odds of the arms of study i are ``c_i + w theta_i`` and ``c_i - (1 - w) theta_i``; the levels
``c_i ~ N(alpha, sigma2)`` and the log odds ratios ``theta_i ~ N(mu, tau2)`` are independent, or with
`correlated` have a correlation of their own. `coding` is ``w``: with one half, the default, the random
part of the effect is split evenly over the arms; with 1 or 0 it lies in the first or the second alone,
which is another model unless the two are correlated.

Maximum likelihood over all parameters; the double integral of each study is exact to rounding
(`analysis.synthesis._random_studies_likelihood`). Standard errors come from the inverse of the full observed
information; a standard deviation whose maximum is at zero is held there. Other programs use Laplace's
approximation for two random effects (``rma.glmm`` has no other choice); ``integration="laplace"`` maximises
that, so that a difference of methods can be told from an error.

References
----------
.. [1] Turner RM et al. A multilevel model framework for meta-analysis of clinical trials with binary
   outcomes. Stat Med 2000.
.. [2] Jackson D et al. A comparison of seven random-effects models for meta-analyses that estimate the
   summary odds ratio. Stat Med 2018.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.results import Result
from analysis.synthesis._random_studies_likelihood import RandomStudies, Terms
from analysis.synthesis._two_arm_common import NO_PEAK, error_of, usable_tables, wald
from analysis.synthesis.checks import check_choice, check_level
from analysis.synthesis.special import chi2_tail
from analysis.synthesis.two_by_two import Tables
from analysis.synthesis.types import FloatArray, Numbers

__all__ = ["RandomStudiesGlmm", "fit_random_studies_glmm"]

Integration = Literal["exact", "laplace"]

_STEPS = 200
#: Newton decrement, in log-likelihood, below which the ascent has ended.
_FLAT = 1e-20
#: A standard deviation below this is taken for zero.
_ZERO = 1e-5
#: A spread of log odds beyond this is on its way to infinity; the rule of nodes is too coarse for it.
_FAR = 12.0
#: Starts in the standard deviation of the effects.
_STARTS = (0.3, 1.2)
# Positions among (alpha, mu, s, t, r).
_S, _T, _R = 2, 3, 4

#: Log-likelihood, its first derivatives by the five parameters, and the second ones when asked for: a trial
#: step needs none, and by differences they cost twenty evaluations.
_Height = tuple[float, FloatArray, Callable[[], FloatArray]]
_Surface = Callable[[FloatArray], _Height]


@dataclass(frozen=True, slots=True)
class RandomStudiesGlmm(Result):
    """Fit of the model with random study levels; the estimate is a log odds ratio.

    `sigma2` is the variance of the levels, `intercept` their mean, `correlation` that of levels and
    effects (nan where a variance is zero). `lrt` compares a free effect for each study with the common
    effect, both with random levels; `lrt_tau` the fit with tau = 0.
    """

    estimate: float
    se: float
    ci_low: float
    ci_high: float
    statistic: float
    p_value: float
    tau2: float
    sigma2: float
    correlation: float
    intercept: float
    log_likelihood: float
    log_likelihood_equal: float
    lrt: float
    lrt_df: int
    lrt_p: float
    lrt_tau: float
    k: int
    k_used: int
    level: float
    integration: str
    converged: bool
    boundary: bool
    notes: tuple[str, ...]


def fit_random_studies_glmm(
    events1: Numbers,
    total1: Numbers,
    events2: Numbers,
    total2: Numbers,
    *,
    correlated: bool = False,
    coding: float = 0.5,
    equal_effects: bool = False,
    drop00: bool = True,
    integration: Integration = "exact",
    ci_method: Literal["wald", "t"] = "wald",
    level: float = 0.95,
) -> RandomStudiesGlmm:
    """Fit the binomial model with random study levels and random effects by maximum likelihood.

    Parameters
    ----------
    events1, total1, events2, total2
        Counts of the two arms.
    correlated
        Estimate the correlation of levels and effects instead of holding it at zero.
    coding
        Part of the random effect that lies in the first arm: 1/2, 1 or 0.
    equal_effects
        Hold tau at zero.
    drop00
        Leave out studies without events, or with events only, in both arms. They tell nothing on their
        own effect, but here they tell something on the spread of the levels.
    integration
        ``"exact"`` or ``"laplace"``.
    ci_method
        Normal or t quantiles (k - 1 degrees of freedom).
    level
        Level of the interval.
    """
    level = check_level(level)
    check_choice(ci_method, ("wald", "t"), "ci_method", "interval method")
    if coding not in (0, 0.5, 1):
        raise ValueError(f"coding is 0, 1/2 or 1, not {coding!r}")
    if integration not in ("exact", "laplace"):
        raise ValueError(f"unknown integration {integration!r}; known: exact, laplace")
    t, k, used, notes = usable_tables(events1, total1, events2, total2, drop00=drop00)
    empty = [bool((arm == 0).all()) for arm in (t.a, t.b, t.c, t.d)]
    if any(empty):
        notes.append("one arm has no events (or events only) in any study: no finite maximum")
        return _no_maximum(empty[1] or empty[2], k, used, level, integration, notes)
    surface = _surface(RandomStudies(t, coding), integration)
    zero, flat_ok = _equal(surface, t)
    best, ok = (zero, flat_ok) if equal_effects or used == 1 else _highest(surface, zero, flat_ok, correlated)
    at, value = best[0], best[1]
    free = [0, 1, *(j for j in (_S, _T, _R) if at[j] != 0.0)]
    se = error_of(-best[3][np.ix_(free, free)], 1)
    if math.isnan(se):
        notes.append(NO_PEAK)
        ok = False
    if float(np.abs(at[_S:]).max()) > _FAR:
        notes.append("no finite maximum was met: the likelihood still grows with a spread")
    tau2 = float(at[_T] ** 2 + at[_R] ** 2)
    free_effects = _free_effects(t, zero[0], integration)
    lrt = max(0.0, 2.0 * (free_effects - zero[1]))
    estimate, sigma = float(at[1]), abs(float(at[_S]))
    made = wald(estimate, se, level, math.inf if ci_method == "wald" else used - 1.0)
    together = sigma > 0.0 and tau2 > 0.0
    return RandomStudiesGlmm(
        estimate=estimate,
        se=se,
        ci_low=made.low,
        ci_high=made.high,
        statistic=made.statistic,
        p_value=made.p_value,
        tau2=tau2,
        sigma2=sigma**2,
        correlation=float(np.sign(at[_S]) * at[_R] / math.sqrt(tau2)) if together else math.nan,
        intercept=float(at[0]),
        log_likelihood=value,
        log_likelihood_equal=zero[1],
        lrt=lrt,
        lrt_df=used - 1,
        lrt_p=float(chi2_tail(lrt, used - 1)),
        lrt_tau=max(0.0, 2.0 * (value - zero[1])),
        k=k,
        k_used=used,
        level=level,
        integration=integration,
        converged=ok,
        boundary=tau2 == 0.0,
        notes=tuple(notes),
    )


def _no_maximum(
    up: bool, k: int, used: int, level: float, integration: str, notes: list[str]
) -> RandomStudiesGlmm:
    nan, end = math.nan, math.inf if up else -math.inf
    return RandomStudiesGlmm(
        end, nan, nan, nan, nan, nan, 0.0, nan, nan, nan, nan, nan, nan, used - 1, nan, nan, k, used, level,
        integration, False, True, tuple(notes),
    )  # fmt: skip


_End = tuple[FloatArray, float, FloatArray, FloatArray]


def _surface(model: RandomStudies, integration: str) -> _Surface:
    if integration == "exact":
        return lambda at: _summed(model.terms(*at))

    def height(at: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = model.laplace(*at)
        return float(value.sum()), gradient.sum(axis=0)

    return lambda at: _differenced(height, at)


def _summed(terms: Terms) -> _Height:
    return float(terms.value.sum()), terms.gradient.sum(axis=0), lambda: terms.hessian.sum(axis=0)


def _differenced(height: Callable[[FloatArray], tuple[float, FloatArray]], at: FloatArray) -> _Height:
    """Value and gradient, and the Hessian by differences of the gradient with Richardson's extrapolation."""

    def hessian() -> FloatArray:
        rows = []
        for move in 2e-3 * np.eye(at.size):
            near, far = ((height(at + d * move)[1] - height(at - d * move)[1]) / d for d in (1, 2))
            rows.append((4.0 * near - far) / (3.0 * 4e-3))
        found = np.array(rows)
        return 0.5 * (found + found.T)

    return *height(at), hessian


def _equal(surface: _Surface, t: Tables) -> tuple[_End, bool]:
    """Fit with tau = 0: from the pooled odds, with and without spread of the levels."""
    odds = [math.log(float(x.sum()) / float(y.sum())) for x, y in ((t.a, t.b), (t.c, t.d))]
    start = np.array([sum(odds) / 2, odds[0] - odds[1], 0.0, 0.0, 0.0])
    best, ok = _ascend(surface, start, (0, 1))
    if t.a.size > 1:
        for sigma in (0.5, 1.5):
            start = best[0].copy()
            start[_S] = sigma
            end, ended = _ascend(surface, start, (0, 1, _S))
            if end[1] > best[1] + 1e-10 and abs(end[0][_S]) > _ZERO:
                best, ok = end, ended
    return best, ok


def _highest(surface: _Surface, zero: _End, flat_ok: bool, correlated: bool) -> tuple[_End, bool]:
    """Return the highest end of ascents from several standard deviations of the effects."""
    best, ok = zero, flat_ok

    def climb(start: FloatArray, free: tuple[int, ...]) -> None:
        nonlocal best, ok
        end, ended = _ascend(surface, start, free)
        small = np.abs(end[0]) < _ZERO
        small[:2] = False
        if small.any() and (end[0][small] != 0).any():
            # At zero itself the rest is fitted again, so that no trace of the step is left.
            held = np.where(small, 0.0, end[0])
            end, ended = _ascend(surface, held, tuple(j for j in free if not small[j]))
        if end[1] > best[1] + 1e-10:
            best, ok = end, ended

    for tau in _STARTS:
        start = zero[0].copy()
        start[_T] = tau
        # A spread of zero has no slope: the ascent leaves it only from beside it.
        start[_S] = start[_S] or 0.3
        climb(start, (0, 1, _S, _T))
    if correlated:
        plain = best[0].copy()
        plain[_S] = plain[_S] or 0.3
        plain[_T] = plain[_T] or 0.3
        for turn in (0.0, -0.6, 0.6):
            start = plain.copy()
            start[_R] = turn * plain[_T]
            climb(start, (0, 1, _S, _T, _R))
    return best, ok


def _ascend(surface: _Surface, start: FloatArray, free: tuple[int, ...]) -> tuple[_End, bool]:
    """Newton ascent in some of the parameters with halved steps; wrong curvature is turned round."""
    use = list(free)
    at = start.astype(float)
    value, gradient, bend = surface(at)
    for _ in range(_STEPS):
        hessian = bend()
        if float(np.abs(at[_S:]).max(initial=0.0)) > _FAR:
            return (at, value, gradient, hessian), False
        slope, curve = gradient[use], hessian[np.ix_(use, use)]
        values, vectors = np.linalg.eigh(curve)
        size = np.maximum(np.abs(values), 1e-8 * max(1.0, float(np.abs(values).max())))
        move = np.zeros(at.size)
        move[use] = vectors @ ((vectors.T @ slope) / size)
        gain = float(gradient @ move)
        if gain < _FLAT:
            return (at, value, gradient, hessian), True
        move *= min(1.0, 1.5 / max(float(np.abs(move).max()), 1e-300))
        share = 1.0
        while share > 1e-9:
            new = surface(at + share * move)
            if new[0] >= value - 1e-13 * abs(value):
                break
            share *= 0.4
        else:
            return (at, value, gradient, hessian), gain < 1e-10
        stalled = new[0] <= value and gain < 1e-11
        at = at + share * move
        value, gradient, bend = new
        if stalled:
            return (at, value, gradient, bend()), True
    return (at, value, gradient, bend()), False


def _free_effects(t: Tables, zero: FloatArray, integration: str) -> float:
    """Highest log-likelihood with random levels of the second arm and an effect of its own for each study.

    An arm without events, or with events only, is best fitted by an effect without end; 30 stands for it.
    """
    model = RandomStudies(t, 1.0)
    start = np.log((t.a + 0.5) / (t.b + 0.5)) - np.log((t.c + 0.5) / (t.d + 0.5))
    ends = np.where(t.a == 0, -30.0, np.where(t.b == 0, 30.0, 0.0))
    effect = np.where(ends == 0.0, start, ends)

    inner = ends == 0.0

    def slopes(alpha: float, s: float) -> tuple[FloatArray, FloatArray]:
        """First and second derivative of each study's height by its own effect."""
        if integration == "exact":
            terms = model.terms(alpha, effect, s, 0.0, 0.0)
            return terms.gradient[:, 1], terms.hessian[:, 1, 1]
        here, up, down = (model.laplace(alpha, effect + d, s, 0.0, 0.0)[1][:, 1] for d in (0, 1e-4, -1e-4))
        return here, (up - down) / 2e-4

    def settle(alpha: float, s: float) -> None:
        """Find the best effect of each study."""
        nonlocal effect
        for _ in range(100):
            first, second = slopes(alpha, s)
            step = np.where(inner, np.clip(-first / np.minimum(second, -1e-10), -2.0, 2.0), 0.0)
            effect = effect + step
            if np.abs(step).max() < 1e-9:
                break

    def exact(at: FloatArray) -> _Height:
        settle(float(at[0]), float(at[1]))
        terms = model.terms(float(at[0]), effect, float(at[1]), 0.0, 0.0)
        cross = terms.hessian[:, 1, [0, 2]] * inner[:, None]
        hessian = terms.hessian[:, [0, 2]][:, :, [0, 2]].sum(axis=0)
        # an effect held at its end may be so flat that its curvature is lost: it takes nothing away
        bend = np.where(inner, terms.hessian[:, 1, 1], -1.0)
        hessian = hessian - np.einsum("ki,kj,k->ij", cross, cross, 1.0 / bend)
        return float(terms.value.sum()), terms.gradient[:, [0, 2]].sum(axis=0), lambda: hessian

    def laplace(at: FloatArray) -> tuple[float, FloatArray]:
        settle(float(at[0]), float(at[1]))
        value, gradient = model.laplace(float(at[0]), effect, float(at[1]), 0.0, 0.0)
        return float(value.sum()), gradient[:, [0, 2]].sum(axis=0)

    surface: _Surface = exact if integration == "exact" else lambda at: _differenced(laplace, at)
    best = -math.inf
    for sigma in (max(abs(float(zero[_S])), 0.1), 0.0):
        free = (0, 1) if sigma else (0,)
        end, _ = _ascend(surface, np.array([float(zero[0] - zero[1] / 2), sigma]), free)
        best = max(best, end[1])
    return best
