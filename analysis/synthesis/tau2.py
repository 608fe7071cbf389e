"""Between-study variance by nine estimators, for many analyses at once.

Closed forms: DerSimonian-Laird (DL), Hedges (HE), Hunter-Schmidt (HS), Sidik-Jonkman (SJ). Roots:
Paule-Mandel (PM) and empirical Bayes (EB, the same root), maximum likelihood (ML) and restricted
maximum likelihood (REML). EE is the equal-effects model, zero by definition. All are cut at zero.

ML and REML likelihoods can have more than one maximum. The sign of the score is therefore read on a grid
that spans every possible root; each change from rising to falling brackets one maximum, each is
solved by Newton steps kept inside its bracket, and the highest wins (zero included). PM solves
``1 / Q(t) = 1 / (k - p)``, nearly linear in t, so that Newton from zero needs few steps.

References
----------
.. [1] Viechtbauer W. Bias and efficiency of meta-analytic variance estimators in the random-effects
   model. J Educ Behav Stat 2005.
.. [2] Veroniki AA et al. Methods to estimate the between-study variance and its uncertainty in
   meta-analysis. Res Synth Methods 2016.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.synthesis.checks import check_choice, check_design, check_effects, check_weights
from analysis.synthesis.tau2_single import dersimonian_laird_single, maximise_single
from analysis.synthesis.types import FloatArray
from analysis.synthesis.weighted import Problem

__all__ = [
    "TAU2_METHODS",
    "Tau2s",
    "estimate_tau2",
    "solve_q",
    "tau2_many",
    "tau2_one",
    "tau2_standard_error",
]

#: Every method that `estimate_tau2` knows.
TAU2_METHODS: tuple[str, ...] = ("ee", "dl", "he", "hs", "sj", "pm", "eb", "ml", "reml", "pmm")

#: Neighbouring points of the score grid differ by at most this factor; two maxima closer than that
#: would have to share one bracket, and no data set is known where they do.
_GRID_RATIO = 3.0

#: The grid starts at this share of the smallest sampling variance; below it the weights, and with
#: them the score, hardly depend on tau2.
_GRID_START = 0.05

_MAX_STEPS = 200


class Tau2s(NamedTuple):
    """Estimates of many analyses: value, whether the search ended, steps taken."""

    tau2: FloatArray
    converged: np.ndarray
    steps: int


def tau2_many(
    yi: FloatArray,
    vi: FloatArray,
    method: str = "reml",
    *,
    weights: FloatArray | None = None,
    design: FloatArray | None = None,
) -> Tau2s:
    """Estimate tau2 of many analyses at once.

    Parameters
    ----------
    yi, vi
        Estimates and sampling variances, (k,) or (B, k).
    method
        One of `TAU2_METHODS`.
    weights
        Multiplicities (B, k): 0 leaves a study out, 2 counts it twice.
    design
        Design matrix (k, p) or (B, k, p); an intercept when None.

    Examples
    --------
    >>> tau2_many(np.array([0.0, 1.0, 3.0]), np.array([0.2, 0.3, 0.4]), "dl").tau2.round(6).tolist()
    [1.877778]
    """
    y, v = check_effects(yi, vi, ndim=(1, 2))
    check_choice(method, TAU2_METHODS, "method", "tau2 method")
    k = y.shape[-1]
    counts = None if weights is None else np.atleast_2d(check_weights(weights, k, many=True))
    design = None if design is None else check_design(design, k, many=True)
    return estimate_tau2(Problem(y, v, counts, design), method)


def tau2_one(y: FloatArray, v: FloatArray, method: str) -> tuple[float, bool, int]:
    """Estimate tau2 of one plain analysis: the value, whether the search ended, and its steps.

    The common methods take a way without the overhead of a batch.
    """
    if y.size > 1:
        if method == "dl":
            return dersimonian_laird_single(y, v), True, 0
        if method in ("ml", "reml"):
            return maximise_single(y, v, method == "reml", _GRID_START, _GRID_RATIO)
    found = estimate_tau2(Problem(y, v), method)
    return float(found.tau2[0]), bool(found.converged[0]), found.steps


def estimate_tau2(problem: Problem, method: str) -> Tau2s:
    """Estimate tau2 of each analysis of a problem; zero where no study is left over."""
    size, p = problem.size, problem.p
    done = np.ones(size, dtype=bool)
    if method == "ee":
        return Tau2s(np.zeros(size), done, 0)
    enough = problem.k > p
    if not enough.all():
        # One study, or as many as coefficients: nothing is left to vary.
        tau2, converged, steps = np.zeros(size), done, 0
        rows = np.flatnonzero(enough)
        if rows.size:
            part = estimate_tau2(problem.take(rows), method)
            tau2[rows], converged[rows], steps = part
        return Tau2s(tau2, converged, steps)
    df = problem.k - p
    zero = np.zeros(size)
    if method in ("dl", "hs"):
        s = problem.sums(zero, 2)
        raw = (s.ypy - df) / s.trace_p if method == "dl" else (s.ypy - problem.k) / s.w1
        return Tau2s(np.maximum(raw, 0.0), done, 0)
    if method == "he":
        ypy, pv, _, _ = problem.traces(np.ones(1))
        return Tau2s(np.maximum((ypy - pv) / df, 0.0), done, 0)
    if method == "sj":
        start = _variance(problem)
        flat = start <= 0
        start = np.where(flat, 1.0, start)
        ypy = problem.sums(start, 1).ypy
        return Tau2s(np.where(flat, 0.0, start * ypy / df), done, 0)
    if method in ("pm", "eb"):
        return solve_q(problem, df)
    if method == "pmm":
        from analysis.synthesis.special import chi2_quantile

        return solve_q(problem, np.array([chi2_quantile(0.5, d) for d in df]))
    if method in ("ml", "reml"):
        return _maximise(problem, method == "reml")
    check_choice(method, TAU2_METHODS, "tau2_method", "tau2 method")
    raise AssertionError(method)


def _variance(problem: Problem) -> FloatArray:
    """Unweighted variance of the estimates about their mean, divisor k: the start of SJ."""
    y, k = problem.y, problem.k
    if problem.counts is None:
        spread = np.broadcast_to(y.var(axis=1), (problem.size,))
        return np.array(spread)
    mean = np.vecdot(problem.counts, y) / k
    return np.vecdot(problem.counts, (y - mean[:, None]) ** 2) / k


def solve_q(problem: Problem, target: FloatArray) -> Tau2s:
    """Find t with ``Q(t) = target`` for the generalised Q; zero where Q(0) is below it.

    Q falls in t, so there is one root at most. Newton steps on 1 / Q, kept inside the bracket that
    earlier steps have drawn.
    """
    size = problem.size
    tau2, converged = np.zeros(size), np.ones(size, dtype=bool)
    goal = np.broadcast_to(np.asarray(target, dtype=float), (size,))
    s = problem.sums(tau2, 2)
    rows = np.flatnonzero(s.ypy > goal)
    low, high = np.zeros(rows.size), np.full(rows.size, np.inf)
    t = np.zeros(rows.size)
    q, slope, aim = s.ypy[rows], s.yppy[rows], goal[rows]
    part = problem.take(rows) if rows.size < size else problem
    steps = 0
    while rows.size and steps < _MAX_STEPS:
        steps += 1
        low = np.where(q >= aim, t, low)
        high = np.where(q <= aim, t, high)
        new = t + q * (q - aim) / (aim * slope)
        middle = np.where(np.isinf(high), 2.0 * low + 1e-8, 0.5 * (low + high))
        inside = (new >= low) & (new <= high) & np.isfinite(new)
        new = np.where(inside, new, middle)
        step = np.abs(new - t)
        tau2[rows] = t = new
        # Newton squares its error: after a step below 1e-8 the next would be lost in rounding.
        going = np.where(inside, step > 1e-8 * t, step > 4e-16 * t)
        if not going.all():
            rows, t, low, high, aim = rows[going], t[going], low[going], high[going], aim[going]
            if not rows.size:
                break
            part = part.take(np.flatnonzero(going))
        s = part.sums(t, 2)
        q, slope = s.ypy, s.yppy
    converged[rows] = False
    return Tau2s(tau2, converged, steps)


def _score(problem: Problem, t: FloatArray, restricted: bool) -> FloatArray:
    """Twice the slope of the (restricted) log-likelihood in tau2."""
    s = problem.sums(t, 2)
    return s.yppy - (s.trace_p if restricted else s.w1)


def _grid_scores(problem: Problem, grid: FloatArray, restricted: bool) -> FloatArray:
    """Scores on a common grid, (B, m)."""
    if not problem.shared or problem.x is not None:
        scores = [_score(problem, np.full(problem.size, t), restricted) for t in grid]
        return np.stack(scores, axis=1)
    # Shared data: each sum over studies is one product of the multiplicities with a table.
    w = 1.0 / (problem.v + grid[:, None])
    w2 = w * w
    y = problem.y
    table = np.concatenate([w, w * y, w2, w2 * y, w2 * y * y])
    sums = table.sum(axis=1)[None, :] if problem.counts is None else problem.counts @ table.T
    s1, m1, s2, m2, q2 = np.split(sums, 5, axis=1)
    mu = m1 / s1
    yppy = q2 - 2.0 * mu * m2 + mu * mu * s2
    return yppy - (s1 - s2 / s1 if restricted else s1)


def _centred(problem: Problem) -> Problem:
    """Shift the estimates near zero, so that sums of squares keep their digits."""
    moved = problem.take(np.arange(problem.size))
    moved.y = problem.y - np.median(problem.y, axis=1, keepdims=True)
    return moved


def _maximise(problem: Problem, restricted: bool) -> Tau2s:
    size = problem.size
    if size == 1 and problem.x is None and problem.counts is None:
        one = tau2_one(problem.y[0], problem.v[0], "reml" if restricted else "ml")
        return Tau2s(np.array([one[0]]), np.array([one[1]]), one[2])
    tau2, converged = np.zeros(size), np.ones(size, dtype=bool)
    # With an intercept alone no root lies beyond the squared range of the estimates.
    top = float(np.ptp(problem.y, axis=1).max()) ** 2
    if top <= 0:
        return Tau2s(tau2, converged, 0)
    if problem.x is None and problem.shared:
        problem = _centred(problem)
    low = min(_GRID_START * float(problem.v.min()), top)
    steps = max(1, int(np.ceil(np.log(top / low) / np.log(_GRID_RATIO))))
    grid = np.concatenate([[0.0], low * (top / low) ** (np.arange(steps + 1) / steps)])
    scores = _grid_scores(problem, grid, restricted)
    while problem.x is not None and (scores[:, -1] > 0).any() and grid[-1] < 1e6 * top:
        last = np.array([grid[-1] * _GRID_RATIO])
        grid = np.concatenate([grid, last])
        scores = np.hstack([scores, _grid_scores(problem, last, restricted)])
    row, cell = np.nonzero((scores[:, :-1] > 0) & (scores[:, 1:] <= 0))
    if not row.size:
        return Tau2s(tau2, converged, 0)
    whole = row.size == size and np.array_equal(row, np.arange(size))
    part = problem if whole else problem.take(row)
    start = (scores[row, cell], scores[row, cell + 1])
    root, ok, used = _newton(part, grid[cell], grid[cell + 1], start, restricted)
    maxima = np.bincount(row, minlength=size) + (scores[:, 0] <= 0)
    single = maxima[row] == 1
    tau2[row[single]] = root[single]
    converged[row] = ok
    for one in np.unique(row[~single]):
        # Rare: several maxima; the likelihood itself decides, zero among them.
        rivals = np.append(root[row == one], 0.0) if scores[one, 0] <= 0 else root[row == one]
        height = _log_likelihood(problem.take(np.full(rivals.size, one)), rivals, restricted)
        tau2[one] = rivals[int(np.argmax(height))]
    return Tau2s(tau2, converged, used)


def _newton(
    problem: Problem,
    low: FloatArray,
    high: FloatArray,
    ends: tuple[FloatArray, FloatArray],
    restricted: bool,
) -> tuple[FloatArray, np.ndarray, int]:
    """Root of the score in each bracket by Newton steps, halving where a step would leave it."""
    root = low + (high - low) * ends[0] / (ends[0] - ends[1])
    rows, part = np.arange(root.size), problem
    low, high, t = low.copy(), high.copy(), root.copy()
    ok = np.ones(root.size, dtype=bool)
    steps = 0
    while rows.size and steps < _MAX_STEPS:
        steps += 1
        s = part.sums(t, 3)
        if restricted:
            value, slope = s.yppy - s.trace_p, s.trace_pp - 2.0 * s.ypppy
        else:
            value, slope = s.yppy - s.w1, s.w2 - 2.0 * s.ypppy
        rising = value > 0
        low, high = np.where(rising, t, low), np.where(rising, high, t)
        with np.errstate(divide="ignore", invalid="ignore"):
            new = t - value / slope
        inside = (new >= low) & (new <= high)
        new = np.where(inside, new, 0.5 * (low + high))
        step = np.abs(new - t)
        root[rows] = new
        # Newton squares its error: after a step below 1e-8 the next would be lost in rounding.
        going = np.where(inside, step > 1e-8 * new, step > 4e-16 * new)
        if going.all():
            t = new
            continue
        rows, t, low, high = rows[going], new[going], low[going], high[going]
        if rows.size:
            part = part.take(np.flatnonzero(going))
    ok[rows] = False
    return root, ok, steps


def _log_likelihood(problem: Problem, t: FloatArray, restricted: bool) -> FloatArray:
    s = problem.sums(t, 1)
    value = -0.5 * (problem.log_variances(t) + s.ypy)
    if restricted:
        value -= 0.5 * np.linalg.slogdet(s.cross)[1]
    return value


def tau2_standard_error(problem: Problem, method: str, tau2: FloatArray) -> FloatArray:
    """Return the standard error of tau2 as metafor defines it for each method; nan if undefined."""
    df, k = problem.k - problem.p, problem.k
    zero = np.zeros(problem.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        if method in ("dl", "hs"):
            s = problem.sums(zero, 3)
            square = 2 * df + 4 * tau2 * s.trace_p + 2 * tau2**2 * s.trace_pp
            error = np.sqrt(square) / (s.trace_p if method == "dl" else s.w1)
        elif method == "he":
            _, pv, pvpv, _ = problem.traces(np.ones(1))
            error = np.sqrt(2 * pvpv + 4 * tau2 * pv + 2 * tau2**2 * df) / df
        elif method == "sj":
            start = _variance(problem)
            _, _, pvpv, pvp = problem.traces(1.0 / (problem.v + start[:, None]))
            pp = problem.sums(start, 3).trace_pp
            error = start / df * np.sqrt(2 * pvpv + 4 * tau2 * pvp + 2 * tau2**2 * pp)
        elif method == "ml":
            error = np.sqrt(2.0 / problem.sums(tau2, 2).w2)
        elif method == "reml":
            error = np.sqrt(2.0 / problem.sums(tau2, 3).trace_pp)
        elif method in ("pm", "pmm", "eb"):
            error = np.sqrt(2.0 * k**2 / df) / problem.sums(tau2, 1).w1
        else:
            return np.full(problem.size, np.nan)
    return np.where(df > 0, error, np.nan)
