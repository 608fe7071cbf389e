r"""Common odds ratio by penalised logistic regression (``method="LRP"`` elsewhere).

One logistic regression of the event on the arm with an intercept for each study, with Firth's penalty: half
the logarithm of the determinant of the information is added to the log-likelihood. It takes away the
first-order bias that many intercepts bring, and the estimate is finite even where an arm has no event.
The penalised score of a coefficient is

.. math:: \sum_i \{y_i - n_i p_i + h_i (1/2 - p_i)\} x_i,

with ``h`` the leverages. The standard error comes from the inverse of the information at the maximum; the
penalised likelihood also gives an interval.

References
----------
.. [1] Firth D. Bias reduction of maximum likelihood estimates. Biometrika 1993.
.. [2] Heinze G, Schemper M. A solution to the problem of separation in logistic regression. Stat Med 2002.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.results import Result
from analysis.synthesis._two_arm_common import usable_tables, wald
from analysis.synthesis.checks import check_level
from analysis.synthesis.roots import bracketed_root
from analysis.synthesis.special import chi2_quantile
from analysis.synthesis.two_by_two import Tables
from analysis.synthesis.types import FloatArray, Interval, Numbers

__all__ = ["PenalisedLogistic", "penalised_odds_ratio"]

_STEPS = 200


@dataclass(frozen=True, slots=True)
class PenalisedLogistic(Result):
    """Common log odds ratio with the normal interval and that of the penalised likelihood."""

    estimate: float
    se: float
    ci_low: float
    ci_high: float
    statistic: float
    p_value: float
    profile: Interval
    log_likelihood: float
    k: int
    k_used: int
    level: float
    converged: bool
    notes: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One row."""
        kept = [name for name in self.__slots__ if name not in ("notes", "profile")]
        row = {name: getattr(self, name) for name in kept}
        return [row | {"profile_low": self.profile.low, "profile_high": self.profile.high}]


def penalised_odds_ratio(
    events1: Numbers,
    total1: Numbers,
    events2: Numbers,
    total2: Numbers,
    *,
    drop00: bool = True,
    level: float = 0.95,
) -> PenalisedLogistic:
    """Return the common log odds ratio by Firth's penalised logistic regression.

    Parameters
    ----------
    events1, total1, events2, total2
        Counts of the two arms.
    drop00
        Leave out studies without events, or with events only, in both arms. The penalty gives them a
        finite intercept, so they could stay; they then pull the estimate a little towards no effect.
    level
        Level of the intervals.

    Examples
    --------
    >>> found = penalised_odds_ratio([0, 2], [30, 40], [3, 5], [30, 40])
    >>> bool(-4 < found.estimate < 0)
    True
    """
    level = check_level(level)
    t, k, used, notes = usable_tables(events1, total1, events2, total2, drop00=drop00)
    coefficients, value, information, converged = _climb(t, _start(t))
    estimate, se = float(coefficients[-1]), math.sqrt(float(np.linalg.inv(information)[-1, -1]))
    made = wald(estimate, se, level)
    cut = value - chi2_quantile(level, 1) / 2

    def above(effect: float) -> float:
        return _climb(t, np.append(coefficients[:-1], effect), hold=True)[1] - cut

    ends = []
    for sign in (-1.0, 1.0):
        reach = made.high - estimate
        while above(estimate + sign * reach) > 0 and reach < 1e3:
            reach *= 1.6
        inner, outer = sorted((estimate, estimate + sign * reach))
        ends.append(bracketed_root(above, inner, outer, relative=1e-12))
    return PenalisedLogistic(
        estimate=estimate,
        se=se,
        ci_low=made.low,
        ci_high=made.high,
        statistic=made.statistic,
        p_value=made.p_value,
        profile=Interval(float(ends[0]), float(ends[1]), level, "profile of the penalised likelihood"),
        log_likelihood=value,
        k=k,
        k_used=used,
        level=level,
        converged=converged,
        notes=tuple(notes),
    )


def _start(t: Tables) -> FloatArray:
    share = (t.a + t.c + 0.5) / (t.n1 + t.n2 + 1.0)
    return np.append(np.log(share / (1.0 - share)), 0.0)


def _parts(t: Tables, at: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Penalised log-likelihood without its binomial constants, modified score and information."""
    k = t.a.size
    eta = np.concatenate([at[:-1] + at[-1], at[:-1]])
    x, n = np.concatenate([t.a, t.c]), np.concatenate([t.n1, t.n2])
    p = 0.5 * (1.0 + np.tanh(0.5 * eta))
    v = n * p * (1.0 - p)
    information = np.zeros((k + 1, k + 1))
    information[range(k), range(k)] = v[:k] + v[k:]
    information[:k, k] = information[k, :k] = v[:k]
    information[k, k] = v[:k].sum()
    inverse = np.linalg.inv(information)
    diagonal, cross = np.diag(inverse)[:k], inverse[:k, k]
    lever = v * np.concatenate([diagonal + 2.0 * cross + inverse[k, k], diagonal])
    score = x - n * p + lever * (0.5 - p)
    value = float((x * eta - n * np.logaddexp(0.0, eta)).sum())
    value += 0.5 * float(np.linalg.slogdet(information)[1])
    return value, np.append(score[:k] + score[k:], score[:k].sum()), information


def _climb(t: Tables, start: FloatArray, *, hold: bool = False) -> tuple[FloatArray, float, FloatArray, bool]:
    """Scoring steps, halved until they climb; with `hold` the effect stays where it is."""
    at = start.astype(float)
    value, score, information = _parts(t, at)
    free = at.size - 1 if hold else at.size
    for _ in range(_STEPS):
        step = np.zeros(at.size)
        step[:free] = np.linalg.solve(information[:free, :free], score[:free])
        if float(score @ step) < 1e-20:
            return at, value, information, True
        step *= min(1.0, 3.0 / float(np.abs(step).max()))
        share = 1.0
        while share > 1e-10:
            new = _parts(t, at + share * step)
            if new[0] >= value - 1e-13 * abs(value):
                break
            share *= 0.5
        at = at + share * step
        value, score, information = new
    return at, value, information, bool(np.abs(score[:free]).max() < 1e-6)
