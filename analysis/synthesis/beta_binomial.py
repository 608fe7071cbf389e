r"""Beta-binomial model of proportions by maximum likelihood, a rival of the logistic-normal one.

True rates follow a beta distribution with mean ``p = expit(mu)`` and intraclass correlation ``rho``.
With ``g = rho / (1 - rho)`` the likelihood is a product without gamma functions,

.. math:: l = \sum_i \Big[ \log \tbinom{n_i}{x_i} + \sum_{j<x_i} \log(p + jg)
          + \sum_{j<n_i-x_i} \log(1 - p + jg) - \sum_{j<n_i} \log(1 + jg) \Big],

which is exact down to ``g = 0``, where it is the binomial.  The sums run over j once for all studies, by
how many studies reach each j.  Long runs of j are summed by a Gauss rule for sums, so that the cost grows
with the logarithm of the largest study.

References
----------
Griffiths DA (1973), Biometrics 29:637-648.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.results import Result
from analysis.synthesis._glmm_input import check_counts, check_weights
from analysis.synthesis.checks import check_level
from analysis.synthesis.quadrature import saturated_log_likelihood
from analysis.synthesis.special import chi2_quantile
from analysis.synthesis.types import FloatArray, Interval

__all__ = ["BetaBinomialFit", "fit_beta_binomial"]

MAX_ITERATIONS = 200
#: Newton decrement, in squared standard errors, at which the ascent stops.
#: Sizes of g from which the likelihood is climbed, the usual one first.
_FIRST_G = (0.05, 0.5)
DECREMENT = 1e-18
#: Bounds of the searches for profile limits.
MU_LIMIT = 60.0
LARGEST_G = 1e8
#: Points of one part of a long sum; the error falls by 34 with each.
SUM_POINTS = 14
NOTE_NONE = "no finite maximum: there are no events, or events only"
NOTE_BOUNDARY = "the maximum is at rho = 0, the binomial"
NOTE_EXTREMES = "every study is at 0 % or 100 %: rho tends to 1"


@dataclass(frozen=True, slots=True)
class BetaBinomialFit(Result):
    """Fit of the beta-binomial model; `mu`, `se` and `ci_mu` are logits of the mean rate.

    `rho` is the intraclass correlation: the between-study variance of the rate over ``p (1 - p)``.
    """

    events: FloatArray
    total: FloatArray
    mu: float
    se: float
    ci_mu: Interval
    rho: float
    ci_rho: Interval
    log_likelihood: float
    converged: bool
    boundary: bool
    notes: tuple[str, ...]

    @property
    def estimate(self) -> float:
        """Mean rate."""
        return float(1 / (1 + np.exp(-self.mu)))

    @property
    def aic(self) -> float:
        """Akaike's criterion with two parameters."""
        return 4.0 - 2.0 * self.log_likelihood

    def rows(self) -> list[dict[str, Any]]:
        """Return the fit as one row."""
        return [
            {
                "mu": self.mu,
                "se": self.se,
                "ci_low_mu": self.ci_mu.low,
                "ci_high_mu": self.ci_mu.high,
                "estimate": self.estimate,
                "rho": self.rho,
                "rho_low": self.ci_rho.low,
                "rho_high": self.ci_rho.high,
                "log_likelihood": self.log_likelihood,
                "aic": self.aic,
                "converged": self.converged,
            }
        ]


class _Likelihood:
    def __init__(self, x: FloatArray, n: FloatArray, w: FloatArray) -> None:
        self.j, once = _nodes(np.concatenate([x, n - x, n]))
        self.hits, self.misses, self.all = (once * self._reaching(c, w) for c in (x, n - x, n))
        self.more = self.hits + self.misses - self.all
        p = np.where((x > 0) & (x < n), x / n, 0.5)
        logs = np.where((x > 0) & (x < n), x * np.log(p) + (n - x) * np.log1p(-p), 0.0)
        # log of the binomial coefficients, through the saturated likelihood to keep digits
        self.rounding = 1e-15 * float(w @ n)
        self.constant = float(w @ (saturated_log_likelihood(x, n) - logs))

    def _reaching(self, counts: FloatArray, w: FloatArray) -> FloatArray:
        """Return the weight of studies with a count above each j."""
        order = np.argsort(counts)
        above = np.append(np.cumsum(w[order][::-1], dtype=float)[::-1], 0.0)
        return np.asarray(above[np.searchsorted(counts[order], self.j, side="right")], float)

    def __call__(self, mu: float, g: float) -> tuple[float, FloatArray, FloatArray]:
        """Return value, gradient and Hessian by (mu, g)."""
        p, q = 1 / (1 + np.exp(-mu)), 1 / (1 + np.exp(mu))
        j, more = self.j, self.more
        a, b, c = p + j * g, q + j * g, 1 + j * g
        ra, rb, rc = self.hits / a, self.misses / b, more / c
        # As shares of c: of two large studies that oppose each other the sums of logs would cancel.
        value = self.hits @ _log_share(a, q, c) + self.misses @ _log_share(b, p, c) + more @ np.log(c)
        by_p = ra.sum() - rb.sum()
        pp = -(ra / a).sum() - (rb / b).sum()
        pg = -(ra / a) @ j + (rb / b) @ j
        rest, bent = rc * j, rc / c * (j * j)
        if g > 0 and np.abs(rc).sum() < g * np.abs(rest).sum():
            # The same sums, for those of `more` are zero, with less to cancel.
            rest, bent = -rc / g, (rc / c - 2 * rc) / g**2
        by_g = ((ra * q + rb * p) / c) @ j + rest.sum()
        gg = -(ra * q * (a + c) / a + rb * p * (b + c) / b) @ (j / c) ** 2 - bent.sum()
        slope, bend = p * q, p * q * (q - p)
        gradient = np.array([by_p * slope, by_g])
        mixed = pg * slope
        hessian = np.array([[pp * slope**2 + by_p * bend, mixed], [mixed, gg]])
        return float(value) + self.constant, gradient, hessian


def fit_beta_binomial(
    events: npt.ArrayLike,
    total: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> BetaBinomialFit:
    """Fit the beta-binomial model with profile-likelihood intervals.

    Examples
    --------
    >>> fit = fit_beta_binomial([3, 9, 4, 12], [20, 22, 25, 21])
    >>> fit.ci_rho.low <= fit.rho <= fit.ci_rho.high
    True
    """
    level = check_level(level)
    x, n = check_counts(events, total)
    if x.ndim != 1 or (x != np.floor(x)).any() or (n != np.floor(n)).any():
        raise ValueError("events and total must be whole numbers, one analysis at a time")
    w = check_weights(weights, x.shape)
    use = w > 0
    x_used, n_used, w_used = x[use], n[use], w[use]
    nan = float("nan")
    none = Interval(nan, nan, level, "profile", NOTE_NONE)
    if not (x_used > 0).any() or not (x_used < n_used).any():
        end = -np.inf if not (x_used > 0).any() else np.inf
        return BetaBinomialFit(x, n, end, np.inf, none, nan, none, 0.0, False, False, (NOTE_NONE,))
    if not ((x_used > 0) & (x_used < n_used)).any() and (n_used > 1).any():
        gone = Interval(nan, nan, level, "profile", NOTE_EXTREMES)
        return BetaBinomialFit(x, n, nan, nan, gone, 1.0, gone, nan, False, False, (NOTE_EXTREMES,))
    f = _Likelihood(x_used, n_used, w_used)
    mu0 = float(np.log(w_used @ x_used) - np.log(w_used @ (n_used - x_used)))
    mu, g, converged = _climb(f, mu0)
    mu, g = float(mu), float(g)
    value, _, hessian = f(mu, g)
    information = -hessian
    boundary = g == 0
    spread = 1 / information[0, 0] if boundary else np.linalg.inv(information)[0, 0]
    se = float(np.sqrt(spread))
    cut = value - 0.5 * chi2_quantile(level, 1)
    return BetaBinomialFit(
        events=x,
        total=n,
        mu=mu,
        se=se,
        ci_mu=_interval_mu(f, mu, se, g, cut, level),
        rho=g / (1 + g),
        ci_rho=_interval_rho(f, mu, g, cut, level),
        log_likelihood=value,
        converged=converged,
        boundary=boundary,
        notes=(NOTE_BOUNDARY,) if boundary else (),
    )


def _log_share(part: FloatArray, other: float, whole: FloatArray) -> FloatArray:
    """Return the log of part / whole, where part + other = whole."""
    return np.where(part < whole / 2, np.log(part / whole), np.log1p(-np.minimum(other / whole, 0.75)))


def _nodes(counts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return points and weights of a sum over the whole numbers j below the largest count.

    Between two counts the same studies reach every j.  Such a run is cut where j doubles: the terms have
    no singularity but at negative j, so that on a part from j to 2j a rule of a few points is exact to
    rounding, for any mean and any g.
    """
    ends = np.unique(counts)
    doubled = 2.0 ** np.arange(np.ceil(np.log2(ends[-1])) + 1)
    cuts = np.unique(np.concatenate([[0.0], ends, doubled[doubled < ends[-1]]]))
    parts = [_sum_rule(low, high - low) for low, high in pairwise(cuts.tolist())]
    return np.concatenate([j for j, _ in parts]), np.concatenate([once for _, once in parts])


def _sum_rule(low: float, size: float) -> tuple[FloatArray, FloatArray]:
    """Return the Gauss rule of the sum over ``size`` whole numbers from ``low``, or these if they are few.

    Its polynomials are those of Gram (discrete Chebyshev), whose recurrence is known.
    """
    if size <= SUM_POINTS:
        return low + np.arange(size), np.ones(int(size))
    k = np.arange(1.0, SUM_POINTS)
    beside = 0.5 * k * np.sqrt((1 - (k / size) ** 2) / (4 * k * k - 1))
    values, vectors = np.linalg.eigh(np.diag(beside, 1) + np.diag(beside, -1))
    return low + 0.5 * (size - 1) + size * values, size * vectors[0] ** 2


def _climb(f: _Likelihood, mu: float, *, hold_mu: bool = False) -> tuple[float, float, bool]:
    """Maximise over mu and g, or over g alone; g = 0 where nothing above it is higher."""
    if not hold_mu:
        mu, _ = _best_mu(f, 0.0, mu)
    value, gradient, _ = f(mu, 0.0)
    if gradient[1] > 1e-9:
        return _ascend(f, mu, _FIRST_G[0], hold_mu)
    # The likelihood falls from g = 0, yet one giant study can hide a higher top behind the fall.
    best, top = value + 1e-9 * (1 + abs(value)), (mu, 0.0, True)
    for g in _FIRST_G:
        found = _ascend(f, mu, g, hold_mu)
        reached = f(found[0], found[1])[0]
        if found[2] and reached > best:
            best, top = reached, found
    return top


def _ascend(f: _Likelihood, mu: float, g: float, hold_mu: bool) -> tuple[float, float, bool]:
    """Climb from (mu, g) with g above zero; the flag tells whether a top was reached."""
    for _ in range(MAX_ITERATIONS):
        value, gradient, hessian = f(mu, g)
        # steps in log g: the likelihood is close to quadratic there over many sizes of g
        d = np.array([gradient[0], g * gradient[1]])
        h = -np.array([[hessian[0, 0], g * hessian[0, 1]], [g * hessian[0, 1], g * g * hessian[1, 1] + d[1]]])
        if hold_mu:
            d, h = d[1:], h[1:, 1:]
        values, vectors = np.linalg.eigh(h)
        step = vectors @ ((vectors.T @ d) / np.maximum(np.abs(values), 1e-8))
        gain = float(d @ step)
        if values[0] > 0 and gain < DECREMENT:
            return mu, g, True
        if g < 1e-14 or g > LARGEST_G:
            break
        step *= min(1.0, 2.0 / np.abs(step).max())
        for _ in range(40):
            move = 0.0 if hold_mu else step[0]
            trial = (mu + move, g * float(np.exp(step[-1])))
            if f(*trial)[0] >= value - 1e-13 * (1 + abs(value)) - f.rounding:
                break
            step *= 0.4
        else:
            # rounding hides what may be left to climb
            return mu, g, bool(values[0] > 0 and gain < 1e-12)
        mu, g = trial
    return mu, g, False


def _best_mu(f: _Likelihood, g: float, mu: float) -> tuple[float, float]:
    """Maximise over mu at fixed g; return it with the value there."""
    for _ in range(MAX_ITERATIONS):
        value, gradient, hessian = f(mu, g)
        step = gradient[0] / max(-hessian[0, 0], 1e-3 * abs(gradient[0]) + 1e-12)
        step = float(np.clip(step, -2.0, 2.0))
        if abs(step) < 1e-13 * (1 + abs(mu)):
            break
        while f(mu + step, g)[0] < value - 1e-12 * (1 + abs(value)) - f.rounding and abs(step) > 1e-15:
            step *= 0.5
        if abs(step) <= 1e-15:
            break
        mu += step
    return mu, f(mu, g)[0]


def _interval_mu(f: _Likelihood, mu: float, se: float, g: float, cut: float, level: float) -> Interval:
    def above(value: float) -> float:
        _, best, _ = _climb(f, value, hold_mu=True)
        return f(value, best)[0] - cut

    low = _root(above, mu, -se, mu - MU_LIMIT)
    high = _root(above, mu, se, mu + MU_LIMIT)
    return Interval(float(low), float(high), level, "profile")


def _interval_rho(f: _Likelihood, mu: float, g: float, cut: float, level: float) -> Interval:
    def above(value: float) -> float:
        return _best_mu(f, value, mu)[1] - cut

    low = 0.0
    if g > 0 and above(0.0) < 0:
        low = float(np.exp(_root(lambda v: above(np.exp(v)), np.log(g), -0.5, -40.0)))
    start = np.log(max(g, 1e-4))
    while above(np.exp(start)) <= 0:
        # large studies may leave no room for even the smallest usual start
        start -= 2.0
    high = float(np.exp(_root(lambda v: above(np.exp(v)), start, 0.5, np.log(LARGEST_G))))
    upper = 1.0 if np.isinf(high) else high / (1 + high)
    note = "the profile does not fall to the limit as rho grows" if upper == 1.0 else ""
    return Interval(low / (1 + low), upper, level, "profile", note)


def _root(above: Callable[[float], float], inside: float, step: float, limit: float) -> float:
    """Return where `above` turns negative between `inside` and `limit`, or infinity."""
    from analysis.synthesis.roots import bracketed_root

    sign = 1.0 if step > 0 else -1.0
    outside = inside + step
    while above(outside) > 0:
        if sign * (outside - limit) >= 0:
            return sign * np.inf
        inside, outside, step = outside, outside + 2 * step, 2 * step
    return bracketed_root(above, inside, outside)
