"""Safeguarded Newton ascent for many random-intercept logistic fits at once (array engine).

Each row of a batch has its own counts or weights; all rows share the design.  The likelihood is even in
tau, so its derivative by tau vanishes at zero whatever the data.  Where the between-study variance is
small beside the within-study one the step is taken in ``v = tau^2``, in which the likelihood is nearly
quadratic and zero is an ordinary edge; elsewhere it is taken in tau.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from analysis.synthesis.quadrature import StudyTerms, study_terms
from analysis.synthesis.types import FloatArray

__all__ = ["Optimum", "Problem", "ascend", "likelihood", "start_values"]

#: Newton decrement (in squared standard errors) at which a fit counts as converged.
DECREMENT = 1e-18
#: Looser decrement accepted when rounding stops any further gain.
STALLED_DECREMENT = 1e-10
#: A variance this small beside the within-study one, and still falling, is the boundary.
VANISHED = 1e-10
#: Beyond this standard deviation on the logit scale the estimate is taken to run off.
TAU_LIMIT = 300.0
#: Relative size below which a pivot is rounding.
RIDGE = 1e-13
MAX_ITERATIONS = 200


@dataclass(frozen=True, slots=True)
class Problem:
    """Counts and weights, one row per fit or one row for all, with a shared design.

    `terms` gives the studies' log-likelihoods from flat arrays of events, totals, eta and tau.
    """

    events: FloatArray
    total: FloatArray
    design: FloatArray
    weights: FloatArray
    offset: FloatArray
    terms: Callable[[FloatArray, FloatArray, FloatArray, FloatArray], StudyTerms] = study_terms

    @property
    def rows(self) -> int:
        """Number of fits."""
        return max(a.shape[0] for a in (self.events, self.total, self.weights, self.offset))

    def take(self, index: np.ndarray) -> Problem:
        """Return the fits of `index` alone."""

        def pick(a: FloatArray) -> FloatArray:
            return a if a.shape[0] == 1 else a[index]

        return replace(
            self,
            events=pick(self.events),
            total=pick(self.total),
            weights=pick(self.weights),
            offset=pick(self.offset),
        )


@dataclass(slots=True)
class Optimum:
    """Where the ascent stopped, one row per fit; derivatives are by (beta, tau)."""

    beta: FloatArray
    tau: FloatArray
    value: FloatArray
    gradient: FloatArray
    hessian: FloatArray
    iterations: np.ndarray
    converged: np.ndarray
    to_zero: np.ndarray


def likelihood(
    problem: Problem, beta: FloatArray, tau: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return log-likelihoods (B,), gradients (B, p+1) and Hessians (B, p+1, p+1)."""
    rows, k = beta.shape[0], problem.design.shape[0]
    p = beta.shape[1]
    shape = (rows, k)
    w = np.broadcast_to(problem.weights, shape)
    used = w > 0
    eta = beta @ problem.design.T + problem.offset
    terms = problem.terms(
        np.broadcast_to(problem.events, shape)[used],
        np.broadcast_to(problem.total, shape)[used],
        np.broadcast_to(eta, shape)[used],
        np.broadcast_to(tau[:, None], shape)[used],
    )

    def weighted(values: FloatArray) -> FloatArray:
        out = np.zeros(shape)
        out[used] = values * w[used]
        return out

    x = problem.design
    gradient = np.empty((rows, p + 1))
    hessian = np.empty((rows, p + 1, p + 1))
    gradient[:, :p] = weighted(terms.e) @ x
    gradient[:, p] = weighted(terms.t).sum(1)
    hessian[:, :p, :p] = np.einsum("bk,ki,kj->bij", weighted(terms.ee), x, x)
    hessian[:, :p, p] = hessian[:, p, :p] = weighted(terms.et) @ x
    hessian[:, p, p] = weighted(terms.tt).sum(1)
    return weighted(terms.value).sum(1), gradient, hessian


def start_values(problem: Problem) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return start (beta, tau) from empirical logits, and a typical within-study information."""
    shape = (problem.rows, problem.design.shape[0])
    x, n, w = (np.broadcast_to(a, shape) for a in (problem.events, problem.total, problem.weights))
    design = problem.design
    y = np.log((x + 0.5) / (n - x + 0.5)) - problem.offset
    v = 1 / (x + 0.5) + 1 / (n - x + 0.5)
    keep = w > 0
    count = np.maximum(keep.sum(1), 1)
    typical = np.exp(-np.where(keep, np.log(v), 0.0).sum(1) / count)
    tau2 = np.zeros(shape[0])
    beta = np.zeros((shape[0], design.shape[1]))
    for _ in range(2):
        a = w / (v + tau2[:, None])
        m = np.einsum("bk,ki,kj->bij", a, design, design)
        beta = np.einsum("bij,bj->bi", np.linalg.pinv(m, hermitian=True), (a * y) @ design)
        r2 = (y - beta @ design.T) ** 2
        df = np.maximum(count - design.shape[1], 1)
        excess = np.where(keep, r2, 0).sum(1) / df - np.where(keep, v, 0).sum(1) / count
        q = (w / v * r2).sum(1) / np.maximum((w / v).sum(1), 1e-300)
        tau2 = np.maximum(np.maximum(excess, 0.5 * q), 0.02 / typical)
    return beta, np.sqrt(tau2), typical


def ascend(
    problem: Problem,
    beta: FloatArray,
    tau: FloatArray,
    *,
    typical: FloatArray,
    floor: FloatArray | None = None,
    hold_tau: bool = False,
) -> Optimum:
    """Climb from (beta, tau) in every row.

    Parameters
    ----------
    problem
        Data of the rows.
    beta, tau
        Starts, (B, p) and (B,); tau positive unless held.
    typical
        Within-study information that decides between steps in tau^2 and in tau.
    floor
        Log-likelihood of each row's fit at tau = 0 where that is a local maximum, else ``-inf``: a row
        that heads for zero and lies below it stops with ``to_zero``.
    hold_tau
        Keep tau as given and move beta only.
    """
    rows, p = beta.shape
    beta, tau = beta.copy(), np.broadcast_to(tau, (rows,)).astype(float)
    floor = np.full(rows, -np.inf) if floor is None else floor
    free = p if hold_tau else p + 1
    value, gradient, hessian = likelihood(problem, beta, tau)
    iterations = np.zeros(rows, int)
    converged = np.full(rows, free == 0)
    to_zero = np.zeros(rows, bool)
    active = np.flatnonzero(~converged)
    before = np.full(rows, np.inf)
    for _ in range(MAX_ITERATIONS):
        if not active.size:
            break
        iterations[active] += 1
        step, decrement, concave, in_variance = _newton_step(
            gradient[active], hessian[active], tau[active], typical[active], free
        )
        v_new = tau[active] ** 2 + step[:, p] if not hold_tau else np.ones(active.size)
        falls = in_variance & (v_new <= 0)
        zero = falls & (
            (np.isfinite(floor[active]) & (floor[active] >= value[active] - 1e-13))
            & (tau[active] ** 2 * typical[active] < 0.3)
            | (tau[active] ** 2 * typical[active] < VANISHED)
        )
        # rounding can hold the decrement of a study of a million above the strict limit
        still = (decrement < STALLED_DECREMENT) & (decrement > 0.25 * before[active])
        done = concave & ((decrement < DECREMENT) | still)
        before[active] = decrement
        to_zero[active[zero]] = True
        converged[active[done]] = True
        go = ~(zero | done) & (tau[active] < TAU_LIMIT)
        active, step, decrement = active[go], step[go], decrement[go]
        in_variance, concave = in_variance[go], concave[go]
        if not active.size:
            break
        active = _search(
            problem,
            active,
            step,
            decrement,
            in_variance,
            concave,
            hold_tau,
            beta,
            tau,
            value,
            gradient,
            hessian,
            converged,
        )
    return Optimum(beta, tau, value, gradient, hessian, iterations, converged, to_zero)


def _newton_step(
    gradient: FloatArray, hessian: FloatArray, tau: FloatArray, typical: FloatArray, free: int
) -> tuple[FloatArray, FloatArray, np.ndarray, np.ndarray]:
    """Return step (last entry in tau or tau^2), squared decrement, concavity and the choice."""
    rows, size = gradient.shape
    p = size - 1
    g, m = gradient[:, :free].copy(), -hessian[:, :free, :free]
    in_variance = np.zeros(rows, bool)
    if free > p:
        in_variance = tau * tau * typical < 1.0
        t = np.where(in_variance, np.maximum(tau, 1e-150), 1.0)
        a = np.where(in_variance, 0.5 / t, 1.0)
        # chain rule for v = tau^2: d2l/dv2 = (l_tt - l_t/tau) / (4 tau^2)
        bend = np.where(in_variance, (m[:, p, p] + g[:, p] / t) * a * a, m[:, p, p])
        g[:, p] *= a
        m[:, :p, p] *= a[:, None]
        m[:, p, :p] *= a[:, None]
        m[:, p, p] = bend
    # Every l_i is concave in eta, so the beta block is positive definite.  Eliminate it; only the
    # pivot left for tau can have the wrong sign, and its size then still gives an uphill step along
    # the ridge where beta is at its best.
    step = np.zeros((rows, size))
    decrement = np.zeros(rows)
    if p:
        scale = np.sqrt(np.maximum(np.einsum("bii->bi", m[:, :p, :p]), 1e-300))
        block = m[:, :p, :p] / (scale[:, :, None] * scale[:, None, :]) + RIDGE * np.eye(p)
        right = np.stack([g[:, :p], m[:, :p, p] if free > p else g[:, :p]], axis=2)
        solved = np.linalg.solve(block, right / scale[:, :, None]) / scale[:, :, None]
        step[:, :p] = solved[:, :, 0]
        decrement = (g[:, :p] * solved[:, :, 0]).sum(1)
    concave = np.ones(rows, bool)
    if free > p:
        pivot, rest = m[:, p, p].copy(), g[:, p].copy()
        if p:
            pivot -= (m[:, :p, p] * solved[:, :, 1]).sum(1)
            rest -= (g[:, :p] * solved[:, :, 1]).sum(1)
        least = RIDGE * np.abs(m[:, p, p]) + 1e-300
        concave = pivot > least
        step[:, p] = rest / np.maximum(np.abs(pivot), least)
        if p:
            step[:, :p] -= solved[:, :, 1] * step[:, p, None]
        decrement = decrement + rest * step[:, p]
    return step, decrement, concave, in_variance


def _search(
    problem: Problem,
    active: np.ndarray,
    step: FloatArray,
    decrement: FloatArray,
    in_variance: np.ndarray,
    concave: np.ndarray,
    hold_tau: bool,
    beta: FloatArray,
    tau: FloatArray,
    value: FloatArray,
    gradient: FloatArray,
    hessian: FloatArray,
    converged: np.ndarray,
) -> np.ndarray:
    """Halve each row's step until it gains; write what is accepted; return rows still to climb."""
    p = beta.shape[1]
    reach = np.abs(step[:, :p] @ problem.design.T).max(1) if p else np.zeros(active.size)
    factor = np.minimum(1.0, 4.0 / np.maximum(reach, 1e-300))
    pending = np.arange(active.size)
    remain = np.ones(active.size, bool)
    for _ in range(40):
        rows = active[pending]
        f = factor[pending]
        new_beta = beta[rows] + f[:, None] * step[pending, :p]
        old = tau[rows]
        if hold_tau:
            new_tau = old
        else:
            move = f * step[pending, p]
            v = np.clip(old * old + move, old * old / 16, 16 * old * old + 0.1)
            t = np.clip(old + move, old / 4, 4 * old + 0.2)
            new_tau = np.where(in_variance[pending], np.sqrt(v), t)
        got = likelihood(problem.take(rows), new_beta, new_tau)
        # rounding may take the value down by a few units in the last place at the very top
        slack = 1e-13 * (1 + np.abs(value[rows]))
        gained = got[0] >= value[rows] - np.where(decrement[pending] < 1e-8, 4 * slack, 0.0)
        good = rows[gained]
        beta[good], tau[good] = new_beta[gained], new_tau[gained]
        value[good], gradient[good], hessian[good] = (part[gained] for part in got)
        lost = pending[~gained]
        stalled = concave[lost] & (decrement[lost] < STALLED_DECREMENT)
        converged[active[lost[stalled]]] = True
        remain[lost[stalled]] = False
        pending = lost[~stalled]
        if not pending.size:
            break
        factor[pending] *= 0.35
    else:
        remain[pending] = False
    return active[remain]
