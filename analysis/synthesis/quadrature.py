r"""Log-likelihood of one binomial study under a normal random effect, with two derivatives.

A study with `events` of `total` and linear predictor ``eta`` contributes

.. math:: l(\eta, \tau) = \log \int \phi(u)\, \mathrm{Bin}(x; n, \mathrm{expit}(\eta + \tau u))\, du .

The integrand is log-concave and analytic, so the equally spaced trapezoid rule converges
geometrically.  Two facts control its error without knowing the answer:

* *Truncation.*  ``-u^2/2`` alone bends the log-integrand by one, so beyond distance ``L`` of the mode
  it has fallen by ``L^2/2`` at least.  Newton's method on the concave log-integrand, started outside,
  stays outside, and pulls the ends in to where it has fallen by ``TAIL_DROP``.
* *Step.*  The error of an integrand analytic in a strip is bounded by its Fourier transform at
  ``2 pi / h``.  A study with many events and non-events gives nearly a Gaussian, whose error at
  ``h = 0.6 sd`` is ``exp(-2 pi^2 / 0.36) < 1e-23``; one with few gives a Gumbel-like edge whose
  transform falls like ``exp(-pi omega / (2 tau))``, so ``h = 0.25 / tau`` leaves ``1e-17`` times a
  modest constant.  The steps below hold all six terms to 1e-9 of their scale (values to 1e-12) over
  totals of 1 to 100,000, tau of 0.03 to 30 and any event count.
* *Safety net.*  Even and odd nodes are two rules of step ``2h``.  Where they, or their first moments
  (whose phase differs, so that both cannot agree by accident), differ by more than
  `SPLIT_TOLERANCE`, the nodes are doubled and the study is done again: the error with ``h`` is about
  the square of that difference.

All sums run relative to the integrand's top, in logarithms, so that probabilities of ``1e-300`` and
studies of a million cost no accuracy.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.synthesis._engine import in_threads, kernels
from analysis.synthesis.types import FloatArray

__all__ = [
    "StudyTerms",
    "hermite_rule",
    "saturated_log_likelihood",
    "study_terms",
]

#: exp(-TAIL_DROP) of the top is where the integrand is cut: 1e-15.
TAIL_DROP = 34.5
#: Largest relative difference of even and odd nodes, or of their first moments in units of the sd.
SPLIT_TOLERANCE = 1e-4
#: Studies with fewer events (or fewer non-events) than this count as having an edge.
FEW = 8.0
#: Step in posterior standard deviations, away from and near an edge.
STEP_SD = 0.6
STEP_SD_FEW = 0.5
#: Step in units of 1/tau near an edge.
STEP_TAU_FEW = 0.25
#: Below tau^2 n = SMALL_SPREAD the expansion to second order in tau is exact to its square.
SMALL_SPREAD = 1e-8
#: The compiled engine runs fewer study integrals than this in one thread.
SERIAL_BELOW = 512
#: Most node values held at once by the array engine (8 bytes each, about ten such arrays).
MAX_NODE_VALUES = 2_000_000

_LOG_ROOT_2PI = 0.5 * np.log(2 * np.pi)


@dataclass(frozen=True, slots=True)
class StudyTerms:
    """Log-likelihood ``value`` and its derivatives by ``eta`` (e) and ``tau`` (t), one per study."""

    value: FloatArray
    e: FloatArray
    t: FloatArray
    ee: FloatArray
    et: FloatArray
    tt: FloatArray


def hermite_rule(nodes: int) -> tuple[FloatArray, FloatArray]:
    """Return Gauss-Hermite nodes and weights for the standard normal density (Golub-Welsch).

    Examples
    --------
    >>> z, w = hermite_rule(3)
    >>> bool(abs((w * z**4).sum() - 3) < 1e-12)
    True
    """
    if nodes < 1:
        raise ValueError("nodes must be at least 1")
    off = np.sqrt(np.arange(1.0, nodes))
    values, vectors = np.linalg.eigh(np.diag(off, 1) + np.diag(off, -1))
    return values, vectors[0] ** 2


def _stirling_direct(count: float) -> float:
    if count == 0:
        return 0.0
    return math.lgamma(count + 1) - (count + 0.5) * math.log(count) + count - float(_LOG_ROOT_2PI)


_STIRLING_SMALL = np.array([_stirling_direct(float(i)) for i in range(16)])


def _stirling_error(count: FloatArray) -> FloatArray:
    """Return ``log(count!)`` minus Stirling's formula, without cancellation for large counts."""
    inv = 1.0 / np.maximum(count, 16.0)
    inv2 = inv * inv
    out = inv * (1 / 12 - inv2 * (1 / 360 - inv2 * (1 / 1260 - inv2 * (1 / 1680 - inv2 * (1 / 1188)))))
    low = count < 16
    if low.any():
        c = count[low]
        whole = c.astype(int)
        small = _STIRLING_SMALL[whole]
        for i in np.flatnonzero(c != whole):
            small[i] = _stirling_direct(c[i])
        out[low] = small
    return out


def saturated_log_likelihood(events: FloatArray, total: FloatArray) -> FloatArray:
    """Return each study's log binomial probability at its own proportion.

    Examples
    --------
    >>> float(saturated_log_likelihood(np.array([1.0]), np.array([2.0]))[0].round(12))
    -0.69314718056
    """
    rest = total - events
    inner = (events > 0) & (rest > 0)
    x, y = np.where(inner, events, 1.0), np.where(inner, rest, 1.0)
    n = x + y
    of_n, of_x, of_y = _stirling_error(np.stack([n, x, y]))
    value = of_n - of_x - of_y + 0.5 * np.log(n / (x * y)) - _LOG_ROOT_2PI
    return np.where(inner, value, 0.0)


def _deviance_part(x: FloatArray, n: FloatArray, theta: FloatArray) -> FloatArray:
    """Return the binomial log-probability at ``theta`` minus the saturated one."""
    inner = (x > 0) & (x < n)
    p_hat = np.where(inner, x / n, 0.5)
    d = theta - np.log(p_hat / (1 - p_hat))
    # for d > 0 the mirrored form keeps log1p away from overflow
    mirrored = np.log1p((1 - p_hat) * np.expm1(-np.abs(d)))
    plain = np.log1p(p_hat * np.expm1(-np.abs(d)))
    near = np.where(d > 0, -(n - x) * d - n * mirrored, x * d - n * plain)
    return np.where(inner, near, np.where(x > 0, -n, 0.0) * np.logaddexp(0, -theta)) - np.where(
        x == 0, n * np.logaddexp(0, theta), 0.0
    )


def _at_zero(x: FloatArray, n: FloatArray, eta: FloatArray, tau: FloatArray) -> StudyTerms:
    """Expand to second order in tau; exact at tau = 0."""
    p, q = _expit(eta), _expit(-eta)
    score = np.where(p < 0.5, x - n * p, n * q - (n - x))
    curve = -n * p * q
    twice = score * score + curve
    third = 2 * score * curve - n * p * q * (q - p)
    value = _deviance_part(x, n, eta) + 0.5 * tau * tau * twice
    return StudyTerms(value, score, tau * twice, curve, tau * third, twice)


def _expit(theta: FloatArray) -> FloatArray:
    small = np.exp(-np.abs(theta))
    return np.where(theta > 0, 1.0, small) / (1.0 + small)


def _mode(x: FloatArray, n: FloatArray, eta: FloatArray, tau: FloatArray) -> FloatArray:
    """Return the mode of the integrand in ``u`` by bracketed Newton steps.

    The score ``tau (x - n p) - u`` falls in ``u``; its root lies between 0 and its value there.
    """
    far = tau * (x - n * _expit(eta))
    low, high = np.minimum(far, 0.0), np.maximum(far, 0.0)
    level = np.log((x + 0.5) / (n - x + 0.5))
    p = (x + 0.5) / (n + 1)
    u = np.clip(tau * (level - eta) / (tau * tau + 1 / ((n + 1) * p * (1 - p))), low, high)
    moved = high - low
    for _ in range(100):
        p = _expit(eta + tau * u)
        g = tau * (x - n * p) - u
        bend = 1 + tau * tau * n * p * (1 - p)
        # the rule is right about any centre; a rough mode costs a node or two at most
        if np.all(g * g < 0.02 * bend):
            break
        low, high = np.where(g >= 0, u, low), np.where(g <= 0, u, high)
        new = u + g / bend
        # a sigmoid can throw Newton's steps from side to side: halve when they do not shrink
        poor = (new < low) | (new > high) | (np.abs(new - u) > 0.5 * moved)
        new = np.where(poor, 0.5 * (low + high), new)
        moved = np.where(poor, 0.5 * (high - low), np.abs(new - u))
        u = new
    return u


def _fall(
    x: FloatArray, n: FloatArray, p0: FloatArray, tau: FloatArray, u0: FloatArray, t: FloatArray
) -> FloatArray:
    """Return the log-integrand at ``u0 + t`` minus its value at ``u0``; ``p0`` is at most one half."""
    d = tau * t
    far = d > 300
    log_ratio = np.log1p(p0 * np.expm1(np.minimum(d, 300.0)))
    if far.any():
        # The ratio itself would overflow; a rate that has underflowed to zero stays the least there is.
        beyond = np.logaddexp(0.0, d + np.log(np.maximum(p0, 5e-324)))
        log_ratio = np.where(far, beyond, log_ratio)
    return x * d - n * log_ratio - t * (u0 + 0.5 * t)


def _reach(
    x: FloatArray, n: FloatArray, p0: FloatArray, tau: FloatArray, u0: FloatArray, side: float
) -> FloatArray:
    """Return a distance from ``u0`` beyond which the integrand is below ``exp(-TAIL_DROP)``."""
    length = np.full(u0.shape, np.sqrt(2 * TAIL_DROP) + 0.01)
    for _ in range(3):
        t = side * length
        fall = _fall(x, n, p0, tau, u0, t)
        small = np.exp(-np.abs(tau * t))
        up = np.where(tau * t > 0, p0 / (p0 + (1 - p0) * small), 0.0)
        p = np.where(tau * t > 0, up, p0 * small / (p0 * small + 1 - p0))
        slope = side * (tau * (x - n * p) - u0 - t)
        length = np.where(slope < 0, length + (-TAIL_DROP - fall) / np.minimum(slope, -1e-9), length)
    return length


def study_terms(
    events: FloatArray,
    total: FloatArray,
    eta: FloatArray,
    tau: FloatArray,
    *,
    saturated: bool = True,
) -> StudyTerms:
    """Return log-likelihoods and derivatives for arrays of one common (broadcast) shape.

    The saturated log-likelihood, which no parameter changes, is part of the value unless
    `saturated` is False.

    Examples
    --------
    >>> one = study_terms(np.array([3.0]), np.array([4.0]), np.array([0.0]), np.array([0.0]))
    >>> round(float(one.value[0]), 12)
    -1.38629436112
    """
    x, n, eta, tau = (np.asarray(a, float) for a in (events, total, eta, tau))
    shape = x.shape
    if not shape == n.shape == eta.shape == tau.shape:
        x, n, eta, tau = np.broadcast_arrays(x, n, eta, tau)
        shape = x.shape
    x, n, eta, tau = x.ravel(), n.ravel(), eta.ravel(), tau.ravel()
    out = np.empty((6, x.size))
    compiled = kernels()
    if compiled is not None:
        flat = [np.ascontiguousarray(a) for a in (x, n, eta, tau)]

        def task(start: int, stop: int) -> None:
            compiled.study_row(*flat, start, stop, out)

        in_threads(task, x.size, SERIAL_BELOW)
        if saturated:
            out[0] += saturated_log_likelihood(x, n)
        return StudyTerms(*(row.reshape(shape) for row in out))
    small = tau * tau * n < SMALL_SPREAD
    parts = [(small, _at_zero)] if small.any() else []
    if not small.all():
        parts.append((~small, _integrate))
    for rows, function in parts:
        terms = function(x[rows], n[rows], eta[rows], tau[rows])
        out[:, rows] = (terms.value, terms.e, terms.t, terms.ee, terms.et, terms.tt)
    if saturated:
        out[0] += saturated_log_likelihood(x, n)
    return StudyTerms(*(row.reshape(shape) for row in out))


def _integrate(x: FloatArray, n: FloatArray, eta: FloatArray, tau: FloatArray) -> StudyTerms:
    """Integrate studies with tau well away from zero, in blocks, until even and odd nodes agree."""
    sign = np.where(tau < 0, -1.0, 1.0)
    tau = np.abs(tau)
    u0 = _mode(x, n, eta, tau)
    # mirror events and non-events where the rate at the mode is above one half: keeps 1 - p exact
    flip = np.where(eta + tau * u0 > 0, -1.0, 1.0)
    xm, eta_m, u0 = np.where(flip < 0, n - x, x), flip * eta, flip * u0
    theta0 = eta_m + tau * u0
    p0 = _expit(theta0)
    sd = 1 / np.sqrt(1 + tau * tau * n * p0 * (1 - p0))
    left, right = _reach(xm, n, p0, tau, u0, -1.0), _reach(xm, n, p0, tau, u0, 1.0)
    step = np.where(
        np.minimum(x, n - x) < FEW,
        np.minimum(STEP_SD_FEW * sd, STEP_TAU_FEW / tau),
        STEP_SD * sd,
    )
    cells = np.ceil((left + right) / step).astype(int) + 1
    out = np.empty((6, x.size))
    order = np.argsort(cells, kind="stable")
    while order.size:
        count = cells[order]
        # one block holds rows whose node counts differ by a quarter at most
        last = np.searchsorted(count, max(1.25 * count[0], count[0] + 8), side="right")
        m = int(count[last - 1]) | 1
        last = min(last, max(1, MAX_NODE_VALUES // m))
        rows, order = order[:last], order[last:]
        values, split = _trapezoid(
            xm[rows], n[rows], p0[rows], tau[rows], u0[rows], sd[rows], -left[rows], right[rows], m
        )
        out[:, rows] = values
        failed = split > SPLIT_TOLERANCE
        if failed.any() and m < 2_000_000:
            again = rows[failed]
            cells[again] = 2 * m
            order = np.concatenate([order, again])
            order = order[np.argsort(cells[order], kind="stable")]
    out[0] += _deviance_part(xm, n, theta0) - 0.5 * u0 * u0
    return StudyTerms(out[0], flip * out[1], sign * out[2], out[3], sign * flip * out[4], out[5])


def _trapezoid(
    x: FloatArray,
    n: FloatArray,
    p0: FloatArray,
    tau: FloatArray,
    u0: FloatArray,
    sd: FloatArray,
    low: FloatArray,
    high: FloatArray,
    m: int,
) -> tuple[FloatArray, FloatArray]:
    """Return the six terms (value relative to the top) and the split of even and odd nodes.

    The second derivatives are covariances under the posterior of ``u``.  With ``s = x - n p`` and
    Stein's identity, ``l_e = E[s] = E[u]/tau`` and ``l_t = E[us] = (E[u^2] - 1)/tau``; differentiating
    the right-hand forms through the likelihood gives ``l_ee = Cov(u, s)/tau``,
    ``l_et = (Cov(u, us) - l_e)/tau`` and ``l_tt = (Cov(u^2, us) - l_t)/tau``.  These equal Louis'
    formula and cancel less than it does, both for tiny tau and for studies of a million.
    """
    h = (high - low) / (m - 1)
    t = low[:, None] + h[:, None] * np.arange(m)
    d = tau[:, None] * t
    with np.errstate(over="ignore"):
        e = np.expm1(np.minimum(d, 700.0))
        base = p0[:, None] * e
        weight = np.exp(x[:, None] * d - n[:, None] * np.log1p(base) - t * (u0[:, None] + 0.5 * t))
    s = x[:, None] - n[:, None] * ((p0[:, None] + base) / (1 + base))
    even, odd = weight[:, ::2].sum(1), weight[:, 1::2].sum(1)
    sum_w = even + odd
    ws, wt = weight * s, weight * t
    drift = wt[:, ::2].sum(1) - wt[:, 1::2].sum(1)
    split = np.maximum(np.abs(even - odd), np.abs(drift) / sd) / sum_w
    ws /= sum_w[:, None]
    wt /= sum_w[:, None]
    wts = wt * s
    m_s, m_t, m_ts = ws.sum(1), wt.sum(1), wts.sum(1)
    m_tt, m_tts = (wt * t).sum(1), (wts * t).sum(1)
    m_ttts = (wts * t * t).sum(1)
    c_s = m_ts - m_t * m_s
    c_ts, c2_s = m_tts - m_t * m_ts, m_tts - m_tt * m_s
    c2_ts = m_ttts - m_tt * m_ts
    l_e, l_t = m_s, m_ts + u0 * m_s
    out = np.empty((6, x.size))
    out[0] = np.log(sum_w * h) - _LOG_ROOT_2PI
    out[1], out[2] = l_e, l_t
    out[3] = c_s / tau
    out[4] = (c_ts + u0 * c_s - l_e) / tau
    out[5] = (c2_ts + 2 * u0 * c_ts + u0 * c2_s + 2 * u0 * u0 * c_s - l_t) / tau
    return out, split
