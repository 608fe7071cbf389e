"""Profile-likelihood interval of the pooled logit where some counts are known only within bounds."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from analysis.synthesis.checks import check_fit, check_level, check_number
from analysis.synthesis.interval_censored import IntervalCensoredFit, check_bounds
from analysis.synthesis.quadrature import study_terms
from analysis.synthesis.roots import bracketed_root
from analysis.synthesis.special import chi2_quantile
from analysis.synthesis.types import FloatArray, Interval

__all__ = [
    "interval_censored_log_likelihood",
    "profile_interval_censored_mu",
    "profile_log_likelihood",
]

#: Where the decrement, twice the height left, is below this, one last Newton step lands on the top
#: to double precision, as the error is squared.
_DECREMENT = 1e-12
_MOST_STEPS = 80
#: Distance, in logits, at which the search for an end of the interval stops: a rate of 1e-9 is no rate of
#: patients, so an end beyond it is called infinite.
_LIMIT = 20.0
#: Where the climb in tau ends: a likelihood that still rises there has all but come to its limit, as nearly
#: all rates are 0 or 100 %.
_FAR = 40.0


def interval_censored_log_likelihood(
    events_low: npt.ArrayLike, events_high: npt.ArrayLike, total: npt.ArrayLike, mu: float, tau: float
) -> float:
    """Return the log-likelihood of counts with bounds, with all binomial constants.

    Examples
    --------
    >>> abs(interval_censored_log_likelihood([0], [4], [4], 0.3, 0.5)) < 1e-12  # says nothing
    True
    """
    low, high, whole = check_bounds(events_low, events_high, total)
    mu, tau = check_number(mu, "mu"), check_number(tau, "tau", low=0.0)
    return _Counts(low, high, whole, np.ones(whole.size)).climb(mu, tau)[0]


def profile_log_likelihood(fit: IntervalCensoredFit, mu: float) -> float:
    """Return the log-likelihood at `mu`, maximised over tau."""
    fit, mu = check_fit(fit, IntervalCensoredFit), check_number(mu, "mu")
    return _profile(_Counts.of(fit), mu, max(fit.tau, 0.1))


def profile_interval_censored_mu(fit: IntervalCensoredFit, level: float = 0.95) -> Interval:
    """Return the profile-likelihood interval of mu, on the logit scale.

    Examples
    --------
    >>> from analysis.synthesis.interval_censored import fit_interval_censored
    >>> end = profile_interval_censored_mu(fit_interval_censored([3, 9], [3, 9], [20, 22]))
    >>> round(end.low, 5), round(end.high, 5)
    (-2.8147, 0.6132)
    """
    level = check_level(level)
    fit = check_fit(fit, IntervalCensoredFit)
    if not fit.converged:
        return Interval(math.nan, math.nan, level, "profile", "no finite maximum, so no profile interval")
    data = _Counts.of(fit)
    cut = fit.log_likelihood - 0.5 * chi2_quantile(level, 1)

    def height(mu: float) -> float:
        return _profile(data, mu, max(fit.tau, 0.1)) - cut

    low, high = (_end(height, fit.mu, sign * fit.se) for sign in (-1.0, 1.0))
    open_end = math.isinf(low) or math.isinf(high)
    note = "the profile does not fall to the limit: the end is infinite" if open_end else ""
    return Interval(low, high, level, "profile", note)


class _Counts:
    """Every count that fits, study after study, and the weighted sums of their likelihoods."""

    def __init__(self, low: FloatArray, high: FloatArray, total: FloatArray, weights: FloatArray) -> None:
        sizes = (high - low).astype(int) + 1
        self.k, self.weights = int(low.size), weights
        self.starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self.study = np.repeat(np.arange(low.size), sizes)
        self.events = low[self.study] + (np.arange(sizes.sum()) - self.starts[self.study])
        self.total = total[self.study]

    @classmethod
    def of(cls, fit: IntervalCensoredFit) -> _Counts:
        """Return the counts of a fit, without studies of weight zero."""
        use = fit.weights > 0
        return cls(fit.events_low[use], fit.events_high[use], fit.total[use], fit.weights[use])

    def climb(self, mu: float, tau: float) -> tuple[float, float, float]:
        """Return the log-likelihood with its first and second derivative by tau."""
        terms = study_terms(self.events, self.total, np.array(mu), np.array(tau))
        top = np.maximum.reduceat(terms.value, self.starts)
        share = np.exp(terms.value - top[self.study])
        whole = np.add.reduceat(share, self.starts)
        share /= whole[self.study]
        first = np.add.reduceat(share * terms.t, self.starts)
        second = np.add.reduceat(share * (terms.tt + terms.t**2), self.starts) - first**2
        w = self.weights
        return float(w @ (top + np.log(whole))), float(w @ first), float(w @ second)


def _end(height: Callable[[float], float], centre: float, reach: float) -> float:
    """Return where the profile crosses its limit, searching outwards by doubling."""
    inside = centre
    while height(centre + reach) > 0:
        if abs(reach) >= _LIMIT:
            return math.copysign(math.inf, reach)
        inside, reach = centre + reach, math.copysign(min(2.0 * abs(reach), _LIMIT), reach)
    return bracketed_root(height, inside, centre + reach, relative=1e-10)


def _profile(data: _Counts, mu: float, warm: float) -> float:
    flat = data.climb(mu, 0.0)[0]
    for tau in (warm, 4.0 * warm) if data.k > 1 else ():
        value = _ascend(data, mu, tau)
        if value is not None and value > flat:
            return value
    return flat


def _ascend(data: _Counts, mu: float, tau: float) -> float | None:
    """Climb in tau by Newton steps that are turned uphill and halved where they fall; None if lost."""
    value, slope, curve = data.climb(mu, tau)
    for _ in range(_MOST_STEPS):
        move = slope / max(abs(curve), 1e-12)
        if abs(tau) >= _FAR and slope * tau > 0:
            return value
        if slope * move < _DECREMENT:
            return data.climb(mu, tau + move)[0] if curve < 0 else None
        move = math.copysign(min(abs(move), max(2.0, abs(tau))), move)
        move = min(max(move, -_FAR - tau), _FAR - tau)
        for _ in range(40):
            new = data.climb(mu, tau + move)
            if new[0] >= value:
                break
            move *= 0.5
        else:  # no climb that doubles resolve: the top is here
            return value
        tau, (value, slope, curve) = tau + move, new
    return None
