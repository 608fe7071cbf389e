r"""Random-intercept logistic model where some counts are known only to lie between two bounds.

A report that gives "12 %" of 60 patients leaves 7 or 8 events open.  Such a study contributes the
probability of the whole range,

.. math:: l_i(\eta, \tau) = \log \sum_{x = low_i}^{high_i} \int \phi(u)
          \mathrm{Bin}(x; n_i, \mathrm{expit}(\eta + \tau u))\, du ,

and the rest is the model of `analysis.synthesis.glmm`, climbed by the same ascent.  With equal bounds
the two are the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.results import Result
from analysis.synthesis._glmm_newton import Problem
from analysis.synthesis._glmm_solve import solve
from analysis.synthesis.checks import check_numbers
from analysis.synthesis.quadrature import StudyTerms, study_terms
from analysis.synthesis.types import FloatArray

__all__ = ["IntervalCensoredFit", "fit_interval_censored"]

NOTE_OPEN = (
    "no finite maximum: the bounds allow every study to have no events (or events only), so the "
    "likelihood rises towards 0 % (or 100 %)"
)
NOTE_FAILED = "the ascent found no finite maximum"


@dataclass(frozen=True, slots=True)
class IntervalCensoredFit(Result):
    """Maximum likelihood fit with counts between bounds; `mu` and `se` are on the logit scale."""

    events_low: FloatArray
    events_high: FloatArray
    total: FloatArray
    weights: FloatArray
    mu: float
    se: float
    tau: float
    tau2: float
    log_likelihood: float
    converged: bool
    boundary: bool
    iterations: int
    notes: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return the fit as one row."""
        names = ("mu", "se", "tau2", "log_likelihood", "converged", "boundary")
        return [{name: getattr(self, name) for name in names}]


def check_bounds(
    events_low: npt.ArrayLike, events_high: npt.ArrayLike, total: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return bounds and totals: whole, as many of each, and in their order."""
    given = (("events_low", events_low), ("events_high", events_high), ("total", total))
    low, high, n = (np.atleast_1d(check_numbers(values, name, ndim=(0, 1))) for name, values in given)
    if not low.shape == high.shape == n.shape or not low.size:
        raise ValueError("events_low, events_high and total must be lists of one length")
    for name, values in (("events_low", low), ("events_high", high), ("total", n)):
        if (values != np.floor(values)).any() or (values >= 2.0**53).any():
            raise ValueError(f"{name} must hold whole numbers below 2^53")
    if (n < 1).any() or (low < 0).any() or (low > high).any() or (high > n).any():
        raise ValueError("bounds must satisfy 0 <= events_low <= events_high <= total")
    return low, high, n


def fit_interval_censored(
    events_low: npt.ArrayLike,
    events_high: npt.ArrayLike,
    total: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
) -> IntervalCensoredFit:
    """Fit the random-intercept logistic model to counts known between bounds.

    Parameters
    ----------
    events_low, events_high
        Smallest and largest whole number of events of each study, both included.
    total
        Participants of each study.
    weights
        Multipliers of the studies' log-likelihoods.

    Examples
    --------
    >>> fit = fit_interval_censored([3, 8, 4, 12], [3, 10, 4, 12], [20, 22, 25, 21])
    >>> fit.converged
    True
    """
    low, high, n = check_bounds(events_low, events_high, total)
    w = np.ones(n.size) if weights is None else np.asarray(weights, float)
    if w.shape != n.shape or not np.isfinite(w).all() or (w < 0).any() or not (w > 0).any():
        raise ValueError("weights must be finite, not negative, one a study, and not all zero")
    # a range from 0 to total says nothing
    use = (w > 0) & ~((low == 0) & (high == n))
    if (low[use] == 0).all() or (high[use] == n[use]).all():
        return _missing(low, high, n, w, NOTE_OPEN)
    k = int(use.sum())
    middle = 0.5 * (low[use] + high[use])
    problem = Problem(
        middle[None], n[None, use], np.ones((k, 1)), w[None, use], np.zeros((1, k)),
        terms=_RangeTerms(low[use], high[use]),
    )  # fmt: skip
    found = solve(problem)
    if not found.converged[0] or found.runs_off[0]:
        return _missing(low, high, n, w, NOTE_FAILED)
    boundary = bool(found.boundary[0])
    information = -found.hessian[0]
    cov = 1 / information[:1, :1] if boundary else np.linalg.inv(information)
    tau = float(found.tau[0])
    return IntervalCensoredFit(
        low, high, n, w, float(found.beta[0, 0]), float(np.sqrt(cov[0, 0])), tau, tau * tau,
        float(found.value[0]), True, boundary, int(found.iterations[0]), (),
    )  # fmt: skip


class _RangeTerms:
    """Log of a sum of study likelihoods, with derivatives by the rule for mixtures."""

    def __init__(self, low: FloatArray, high: FloatArray) -> None:
        self.width = (high - low).astype(int) + 1
        self.start = np.concatenate([[0], np.cumsum(self.width)[:-1]])
        self.study = np.repeat(np.arange(low.size), self.width)
        self.counts = low[self.study] + np.arange(self.study.size) - self.start[self.study]

    def __call__(self, events: FloatArray, total: FloatArray, eta: FloatArray, tau: FloatArray) -> StudyTerms:
        i = self.study
        one = study_terms(self.counts, total[i], eta[i], tau[i])
        top = np.maximum.reduceat(one.value, self.start)
        share = np.exp(one.value - top[i])
        whole = self._sum(share)
        share /= whole[i]
        e, t = self._sum(share * one.e), self._sum(share * one.t)
        return StudyTerms(
            top + np.log(whole),
            e,
            t,
            self._sum(share * (one.ee + one.e**2)) - e * e,
            self._sum(share * (one.et + one.e * one.t)) - e * t,
            self._sum(share * (one.tt + one.t**2)) - t * t,
        )

    def _sum(self, values: FloatArray) -> FloatArray:
        return np.add.reduceat(values, self.start)


def _missing(
    low: FloatArray, high: FloatArray, n: FloatArray, w: FloatArray, note: str
) -> IntervalCensoredFit:
    nan = float("nan")
    return IntervalCensoredFit(low, high, n, w, nan, nan, nan, nan, nan, False, False, 0, (note,))
