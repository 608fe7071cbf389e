r"""Random-intercept logistic model where some counts are known only within bounds.

A study of which only a rounded percentage is public has a count somewhere between `low` and `high`.
Its likelihood is the sum over every count that fits,

.. math:: L_i(\mu, \tau) = \sum_{x = low_i}^{high_i} \int \phi(u)\,
          \mathrm{Bin}(x; n_i, \mathrm{expit}(\mu + \tau u))\, du ,

so that the bounds are used for what they say and no more.  With equal bounds this is the plain
binomial-normal model.  The integrals and their derivatives are those of
`analysis.synthesis.quadrature`; a sum over counts is a mixture, whose derivatives follow from them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.results import Result, to_plain
from analysis.synthesis._glmm_input import check_counts
from analysis.synthesis.quadrature import study_terms
from analysis.synthesis.roots import bracketed_root
from analysis.synthesis.special import chi2_quantile
from analysis.synthesis.types import FloatArray, Interval

__all__ = [
    "IntervalCensoredFit",
    "fit_interval_censored",
    "interval_censored_log_likelihood",
    "profile_interval_censored_mu",
]

#: Starts in tau, the later ones where the earlier end at no interior maximum; zero is a stationary
#: point of the likelihood, which is even in tau.
_STARTS = (0.5, 1.5, 4.0)
#: Where the decrement, twice the height left, is below this, one last Newton step lands on the top
#: to double precision, as the error is squared.
_DECREMENT = 1e-12
_MOST_STEPS = 80
#: A gain over tau = 0 below this is not told apart from it.
_SAME = 1e-10


@dataclass(frozen=True, slots=True)
class IntervalCensoredFit(Result):
    """Maximum-likelihood fit to counts with bounds.

    `mu` is the pooled logit and `se` its standard error from the observed information of (mu, tau),
    or of mu alone where tau is zero. `notes` say why where `converged` is False.
    """

    low: FloatArray
    high: FloatArray
    total: FloatArray
    mu: float
    se: float
    tau: float
    log_likelihood: float
    converged: bool
    boundary: bool
    iterations: int
    notes: tuple[str, ...] = ()

    @property
    def k(self) -> int:
        """Number of studies."""
        return int(self.total.size)

    @property
    def tau2(self) -> float:
        """Between-study variance on the logit scale."""
        return self.tau**2

    @property
    def censored(self) -> int:
        """Number of studies whose count is not exact."""
        return int((self.low < self.high).sum())

    def rows(self) -> list[dict[str, Any]]:
        """Return one row: the fit."""
        names = ("k", "censored", "mu", "se", "tau", "tau2", "log_likelihood", "converged", "boundary")
        return [to_plain({name: getattr(self, name) for name in names} | {"notes": list(self.notes)})]


class _Mixture:
    """Every count that fits, study after study, and the sums over them."""

    def __init__(self, low: FloatArray, high: FloatArray, total: FloatArray) -> None:
        sizes = (high - low).astype(int) + 1
        self.starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self.study = np.repeat(np.arange(low.size), sizes)
        self.events = low[self.study] + (np.arange(sizes.sum()) - self.starts[self.study])
        self.total = total[self.study]

    def climb(self, mu: float, tau: float) -> tuple[float, FloatArray, FloatArray]:
        """Return the log-likelihood with gradient and Hessian by (mu, tau)."""
        terms = study_terms(self.events, self.total, np.array(mu), np.array(tau))
        top = np.maximum.reduceat(terms.value, self.starts)
        share = np.exp(terms.value - top[self.study])
        whole = np.add.reduceat(share, self.starts)
        share /= whole[self.study]

        def mean(values: FloatArray) -> FloatArray:
            return np.add.reduceat(share * values, self.starts)

        e, t = mean(terms.e), mean(terms.t)
        ee = mean(terms.ee + terms.e * terms.e) - e * e
        et = mean(terms.et + terms.e * terms.t) - e * t
        tt = mean(terms.tt + terms.t * terms.t) - t * t
        value = float((top + np.log(whole)).sum())
        gradient = np.array([e.sum(), t.sum()])
        hessian = np.array([[ee.sum(), et.sum()], [et.sum(), tt.sum()]])
        return value, gradient, hessian


@dataclass(frozen=True, slots=True)
class _Top:
    mu: float
    tau: float
    value: float
    hessian: FloatArray
    converged: bool
    steps: int


def interval_censored_log_likelihood(
    low: npt.ArrayLike, high: npt.ArrayLike, total: npt.ArrayLike, mu: float, tau: float
) -> float:
    """Return the log-likelihood of counts with bounds, with all binomial constants.

    Examples
    --------
    >>> round(interval_censored_log_likelihood([0], [4], [4], 0.3, 0.5), 12)  # says nothing
    0.0
    """
    return _Mixture(*_checked(low, high, total)).climb(mu, tau)[0]


def fit_interval_censored(
    low: npt.ArrayLike, high: npt.ArrayLike, total: npt.ArrayLike
) -> IntervalCensoredFit:
    """Fit the model to counts between `low` and `high` of `total`.

    Examples
    --------
    >>> fit = fit_interval_censored([8, 14], [8, 15], [10, 20])
    >>> fit.censored, fit.converged, round(fit.mu, 3)
    (1, True, 1.055)
    """
    low, high, total = _checked(low, high, total)
    if not high.any() or bool((low == total).all()):
        edge = -math.inf if not high.any() else math.inf
        note = "no finite maximum: no study can have events" if edge < 0 else "no finite maximum: events only"
        return IntervalCensoredFit(low, high, total, edge, math.nan, 0.0, 0.0, False, True, 0, (note,))
    data = _Mixture(low, high, total)
    middle = (low + high).sum() / 2
    start = math.log((middle + 0.5) / (total.sum() - middle + 0.5))
    equal = _ascend(data, start, 0.0, hold="tau")
    best = equal
    for tau in _STARTS if low.size > 1 else ():
        end = _ascend(data, equal.mu, tau)
        if end.converged and end.value > best.value + _SAME:
            best = end
            break
    boundary = best is equal
    information = -best.hessian
    if boundary:
        variance = 1.0 / information[0, 0] if information[0, 0] > 0 else math.nan
    else:
        variance = float(np.linalg.inv(information)[0, 0])
    notes = () if best.converged else ("the ascent did not end at a maximum",)
    return IntervalCensoredFit(
        low,
        high,
        total,
        best.mu,
        math.sqrt(variance) if variance > 0 else math.nan,
        best.tau,
        best.value,
        best.converged,
        boundary,
        best.steps,
        notes,
    )


def profile_interval_censored_mu(fit: IntervalCensoredFit, level: float = 0.95) -> Interval:
    """Return the profile-likelihood interval of mu, on the logit scale."""
    if not fit.converged or not math.isfinite(fit.se):
        return Interval(math.nan, math.nan, level, "profile", "no finite maximum, so no profile interval")
    data = _Mixture(fit.low, fit.high, fit.total)
    cut = fit.log_likelihood - 0.5 * chi2_quantile(level, 1)
    warm = max(fit.tau, 0.1)

    def height(mu: float) -> float:
        return _profile(data, mu, warm, fit.k) - cut

    ends = []
    for sign in (-1.0, 1.0):
        inside, reach = fit.mu, sign * fit.se
        while height(fit.mu + reach) > 0:
            inside, reach = fit.mu + reach, 2.0 * reach
            if abs(reach) > 1e3:
                ends.append(sign * math.inf)
                break
        else:
            ends.append(bracketed_root(height, inside, fit.mu + reach, relative=1e-10))
    note = (
        "" if all(map(math.isfinite, ends)) else "the profile does not fall to the limit: the end is infinite"
    )
    return Interval(ends[0], ends[1], level, "profile", note)


def _profile(data: _Mixture, mu: float, warm: float, k: int) -> float:
    """Return the log-likelihood at mu, maximised over tau."""
    flat = data.climb(mu, 0.0)[0]
    for tau in (warm, 4.0 * warm) if k > 1 else ():
        end = _ascend(data, mu, tau, hold="mu")
        if end.converged and end.value > flat:
            return end.value
    return flat


def _ascend(data: _Mixture, mu: float, tau: float, hold: str = "") -> _Top:
    """Climb by Newton steps, made uphill by flipping signs and short by halving."""
    free = {"": [0, 1], "tau": [0], "mu": [1]}[hold]
    point = np.array([mu, tau])
    value, gradient, hessian = data.climb(*point)
    for step in range(1, _MOST_STEPS + 1):
        slope = gradient[free]
        sizes, axes = np.linalg.eigh(-hessian[np.ix_(free, free)])
        sizes = np.maximum(np.abs(sizes), 1e-12)
        move = axes @ ((axes.T @ slope) / sizes)
        decrement = float(slope @ move)
        if decrement < _DECREMENT:
            point[free] += move
            value, _, hessian = data.climb(*point)
            return _top(point, value, hessian, free, step)
        move *= min(1.0, 2.0 / float(np.abs(move).max()))
        for _ in range(40):
            trial = point.copy()
            trial[free] += move
            new = data.climb(*trial)
            if new[0] >= value:
                break
            move = 0.5 * move
        else:  # no climb that doubles resolve: the top is here
            return _top(point, value, hessian, free, step)
        point, (value, gradient, hessian) = trial, new
    return _Top(point[0], abs(point[1]), value, hessian, False, _MOST_STEPS)


def _top(point: FloatArray, value: float, hessian: FloatArray, free: list[int], steps: int) -> _Top:
    """Return an end of a climb; one that curves upwards in a free direction is no maximum."""
    largest = float(np.linalg.eigvalsh(hessian[np.ix_(free, free)]).max())
    hessian = hessian * np.array([[1.0, np.sign(point[1]) or 1.0], [np.sign(point[1]) or 1.0, 1.0]])
    return _Top(float(point[0]), abs(float(point[1])), value, hessian, largest < 0, steps)


def _checked(
    low: npt.ArrayLike, high: npt.ArrayLike, total: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    least, whole = check_counts(low, total)
    most, _ = check_counts(high, total)
    if least.ndim != 1 or least.shape != most.shape:
        raise ValueError("low, high and total must be lists of one length")
    if (least > most).any():
        raise ValueError("a lower bound exceeds its upper bound")
    if (least != np.floor(least)).any() or (most != np.floor(most)).any():
        raise ValueError("bounds must be whole numbers")
    return least, most, whole
