"""Binomial models of two-arm counts: log odds ratio with a normal random effect.

``"UM.FS"``: both arms are binomial, the log odds of the arms are ``a_i + theta_i / 2`` and
``a_i - theta_i / 2`` with a free ``a_i`` for each study. ``"CM.EL"``: given the events of both arms together
the events of the first follow the non-central hypergeometric distribution, in which the ``a_i`` do not
occur. ``"CM.AL"`` puts a binomial in its place, with the log ratio of the arms' sizes as an offset: close
where events are rare, and not an odds ratio where they are not. In all, ``theta_i ~ N(mu, tau2)``, the
likelihood is maximised over mu and tau (and all ``a_i``), and standard errors come from the inverse of
the full observed information; where the maximum lies at tau = 0 from that of mu (and the ``a_i``) alone.
Studies without events, or with events only, in both arms tell nothing and are left out.

The integral over the random effect is done by the trapezoid rule over the range where the integrand,
which is log-concave, is above rounding: its error falls exponentially with the number of points.

References
----------
.. [1] Stijnen T, Hamza TH, Ozdemir P. Random effects meta-analysis of event outcome in the framework of the
   generalized linear mixed model with applications in sparse data. Stat Med 2010.
.. [2] Jackson D et al. A comparison of seven random-effects models for meta-analyses that estimate the
   summary odds ratio. Stat Med 2018.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.results import Result
from analysis.synthesis._two_arm_common import NO_PEAK, error_of, usable_tables, wald
from analysis.synthesis._two_arm_likelihood import (
    Conditional,
    ConditionalApproximate,
    Evaluation,
    Unconditional,
)
from analysis.synthesis.checks import check_choice, check_level
from analysis.synthesis.special import chi2_tail
from analysis.synthesis.two_by_two import Tables
from analysis.synthesis.types import FloatArray, Numbers

__all__ = ["TwoArmGlmm", "fit_two_arm_glmm"]

_MODELS: dict[str, type[Unconditional] | type[Conditional]] = {
    "UM.FS": Unconditional,
    "CM.EL": Conditional,
    "CM.AL": ConditionalApproximate,
}

_STEPS = 200

#: A spread of log odds beyond this is on its way to infinity; the rule of nodes is too coarse for it.
_FAR = 12.0

#: Newton decrement, in log-likelihood, below which the ascent has ended.
_FLAT = 1e-22


@dataclass(frozen=True, slots=True)
class TwoArmGlmm(Result):
    """Fit of a binomial model to two-arm counts; the estimate is a log odds ratio.

    `lrt` compares the saturated with the equal-effects model; `lrt_tau` the fit with tau = 0.
    """

    model: str
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    statistic: float
    p_value: float
    tau2: float
    log_likelihood: float
    log_likelihood_equal: float
    lrt: float
    lrt_df: int
    lrt_p: float
    lrt_tau: float
    k: int
    k_used: int
    level: float
    converged: bool
    boundary: bool
    notes: tuple[str, ...]


def fit_two_arm_glmm(
    events1: Numbers,
    total1: Numbers,
    events2: Numbers,
    total2: Numbers,
    model: Literal["UM.FS", "CM.EL", "CM.AL"] = "UM.FS",
    *,
    equal_effects: bool = False,
    ci_method: Literal["wald", "t"] = "wald",
    level: float = 0.95,
) -> TwoArmGlmm:
    """Fit a binomial-normal model to two-arm counts by maximum likelihood.

    Parameters
    ----------
    events1, total1, events2, total2
        Counts of the two arms.
    model
        ``"UM.FS"``, ``"CM.EL"`` or ``"CM.AL"``. Random study levels (``"UM.RS"``) have a function of their
        own, `analysis.synthesis.glmm_random_studies.fit_random_studies_glmm`.
    equal_effects
        Hold tau at zero.
    ci_method
        Normal or t quantiles (k - 1 degrees of freedom).
    level
        Level of the interval.
    """
    level = check_level(level)
    check_choice(ci_method, ("wald", "t"), "ci_method", "interval method")
    check_choice(model, _MODELS, "model")
    t, k, used, notes = usable_tables(events1, total1, events2, total2)
    likelihood = _MODELS[model](t)
    up, down = _sides(model, t)
    if up.all() or down.all():
        return _no_maximum(model, k, used, level, notes, up=bool(up.all()))
    at_zero, flat_ok = _ascend(likelihood, np.array([likelihood.start(), 0.0]), hold_tau=True)
    best, ok, tau = at_zero, flat_ok, 0.0
    if not equal_effects and t.a.size > 1:
        for start in (0.15, 0.6, 1.5):
            end, ended = _ascend(likelihood, np.array([at_zero.point[0], start]), hold_tau=False)
            if end.value > best.value + 1e-10:
                best, ok, tau = end, ended, abs(float(end.point[1]))
    if tau > _FAR:
        notes.append("no finite maximum was met: the likelihood still grows with tau")
    boundary = tau < 1e-5
    if boundary:
        best, ok, tau = at_zero, flat_ok, 0.0
    information = -best.hessian
    estimate, se = float(best.point[0]), error_of(information[:1, :1] if boundary else information, 0)
    if math.isnan(se):
        notes.append(NO_PEAK)
        ok = False
    made = wald(estimate, se, level, math.inf if ci_method == "wald" else used - 1.0)
    lrt = max(0.0, 2.0 * (likelihood.saturated() - at_zero.value))
    return TwoArmGlmm(
        model,
        estimate,
        se,
        *made,
        tau * tau,
        best.value,
        at_zero.value,
        lrt,
        used - 1,
        float(chi2_tail(lrt, used - 1)),
        max(0.0, 2.0 * (best.value - at_zero.value)),
        k,
        used,
        level,
        ok,
        boundary,
        tuple(notes),
    )


def _sides(model: str, t: Tables) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each study pulls upwards, or downwards, without end."""
    if model == "CM.AL":
        return t.c == 0, t.a == 0
    return (t.b == 0) | (t.c == 0), (t.a == 0) | (t.d == 0)


def _no_maximum(model: str, k: int, used: int, level: float, notes: list[str], *, up: bool) -> TwoArmGlmm:
    nan = math.nan
    notes.append("every study pulls to the same side without end: no finite maximum")
    end = math.inf if up else -math.inf
    return TwoArmGlmm(
        model, end, nan, nan, nan, nan, nan, 0.0, nan, nan, nan, used - 1, nan, nan, k, used, level,
        False, True, tuple(notes),
    )  # fmt: skip


def _ascend(
    likelihood: Conditional | Unconditional, start: FloatArray, *, hold_tau: bool
) -> tuple[Evaluation, bool]:
    """Newton ascent with halved steps; curvature of the wrong sign is turned round."""
    at = likelihood.evaluate(start)
    for _ in range(_STEPS):
        gradient, hessian = at.gradient, at.hessian
        if abs(float(at.point[1])) > _FAR:
            return at, False
        if hold_tau:
            move = np.array([-gradient[0] / hessian[0, 0], 0.0])
        else:
            values, vectors = np.linalg.eigh(hessian)
            size = np.maximum(np.abs(values), 1e-8 * max(1.0, float(np.abs(values).max())))
            move = vectors @ ((vectors.T @ gradient) / size)
        gain = float(gradient @ move)
        move *= min(1.0, 2.0 / max(float(np.abs(move).max()), 1e-300))
        if gain < _FLAT:
            return at, True
        share = 1.0
        while share > 1e-12:
            new = likelihood.evaluate(at.point + share * move)
            if new.value >= at.value - 1e-13 * abs(at.value):
                break
            share *= 0.5
        else:
            return at, gain < 1e-12
        stalled = new.value <= at.value and gain < 1e-14
        at = new
        if stalled:
            return at, True
    return at, False
