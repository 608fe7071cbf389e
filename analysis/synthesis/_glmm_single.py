"""The maximum of one analysis, by the engine at hand, with equal studies merged."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
import numpy.typing as npt

from analysis.synthesis._engine import kernels
from analysis.synthesis._glmm_newton import TAU_LIMIT, Problem, start_values
from analysis.synthesis._glmm_solve import EXTRA_STARTS, equal_effects, solve
from analysis.synthesis.quadrature import saturated_log_likelihood
from analysis.synthesis.types import FloatArray

__all__ = ["Maximum", "maximise"]

#: Studies from which merging equal ones pays.
MERGE_FROM = 150
#: Study integrals of one fit: about eight evaluations of every study.
EVALUATIONS = 8

NOTE_BOUNDARY = "the maximum is at tau = 0"
NOTE_EXTREMES = (
    "no finite maximum: every study is at 0 % or 100 %, and the likelihood grows with tau for ever"
)
NOTE_FAILED = "the ascent stopped before the gradient vanished"
NOTE_SINGLE = "tau is not identified: every study has one participant; tau = 0 is reported"
NOTE_TAU_RUNS_OFF = f"no finite maximum was met up to tau = {TAU_LIMIT:g}"


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where the likelihood of one analysis is largest; values are relative to the saturated model."""

    beta: FloatArray
    tau: float
    value: float
    value_equal: float
    gradient: FloatArray
    hessian: FloatArray
    converged: bool
    boundary: bool
    iterations: int
    note: str = ""

    @classmethod
    def missing(cls, value: float, value_equal: float, note: str = "") -> Maximum:
        """Return a maximum that does not exist; `value` is the supremum where one is known."""
        nan, none = float("nan"), np.empty(0)
        return cls(none, nan, value, value_equal, none, np.empty((0, 0)), False, False, 0, note)


def maximise(x: FloatArray, n: FloatArray, design: FloatArray, w: FloatArray, hold_zero: bool) -> Maximum:
    """Maximise over beta and tau, or over beta at tau = 0; all weights must be positive."""
    x, n, design, w = _merge(x, n, design, w)
    simple = design.shape[1] == 1 and bool((design == 1).all())
    single = simple and bool((n <= 1).all())
    if not hold_zero and not single and not ((x > 0) & (x < n)).any():
        if simple:
            # as tau grows each study tends to a coin that shows 0 % or 100 %
            heads = float(w[x > 0].sum())
            limit = _binary(heads, float(w.sum()) - heads)
            pooled = _binary(float(w @ x), float(w @ (n - x)))
            return Maximum.missing(limit, pooled, NOTE_EXTREMES)
        hold_note = NOTE_EXTREMES
    else:
        hold_note = ""
    compiled = kernels(EVALUATIONS * x.size)
    if compiled is not None and simple and not hold_zero:
        return _compiled(compiled, x, n, w, single)
    problem = Problem(x[None], n[None], design, w[None], np.zeros((1, x.size)))
    constant = float(w @ saturated_log_likelihood(x, n))
    if hold_zero or single:
        beta, value, gradient, hessian = equal_effects(problem, start_values(problem)[0])
        top = float(value[0]) - constant
        note = NOTE_SINGLE if single and not hold_zero else ""
        return Maximum(beta[0], 0.0, top, top, gradient[0], hessian[0], True, True, 1, note)
    s = solve(problem)
    converged, boundary = bool(s.converged[0] and not s.runs_off[0]), bool(s.boundary[0])
    note = _note(boundary, bool(s.runs_off[0]), converged) or hold_note
    return Maximum(
        s.beta[0], float(s.tau[0]), float(s.value[0]) - constant,
        float(s.value_equal[0]) - constant, s.gradient[0], s.hessian[0], converged, boundary,
        int(s.iterations[0]), note,
    )  # fmt: skip


def _binary(events: float, rest: float) -> float:
    """Return ``events log p + rest log(1 - p)`` at its own p; both must be positive."""
    total = events + rest
    return events * float(np.log(events / total)) + rest * float(np.log(rest / total))


def _note(boundary: bool, runs_off: bool, converged: bool) -> str:
    if runs_off:
        return NOTE_TAU_RUNS_OFF
    if not converged:
        return NOTE_FAILED
    return NOTE_BOUNDARY if boundary else ""


def _compiled(compiled: ModuleType, x: FloatArray, n: FloatArray, w: FloatArray, single: bool) -> Maximum:
    out = np.empty((1, 12))
    rows = (np.ascontiguousarray(a[None]) for a in (x, n, w))
    compiled.fit_rows(*rows, np.array(EXTRA_STARTS), out, 0, 1)
    mu, tau, value, _, value0, code, steps, g1, g2, ee, et, tt = out[0].tolist()
    boundary = code == 2
    note = NOTE_SINGLE if single else _note(boundary, code == 3, code > 0)
    return Maximum(
        np.array([mu]), tau, value, value0, np.array([g1, g2]), np.array([[ee, et], [et, tt]]),
        code in (1, 2), boundary, int(steps), note,
    )  # fmt: skip


def _merge(
    x: FloatArray, n: FloatArray, design: FloatArray, w: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Add up the weights of studies with equal counts and design: their likelihoods are one."""
    if x.size < MERGE_FROM:
        return x, n, design, w
    groups: npt.NDArray[np.intp] = np.zeros(x.size, np.intp)
    for column in (x, n, *design.T):
        if (column == column[0]).all():
            continue
        values, place = np.unique(column, return_inverse=True)
        groups = groups * values.size + place
        # keep the keys small, so that many columns cannot overflow
        groups = np.unique(groups, return_inverse=True)[1]
    size = int(groups.max()) + 1
    first = np.full(size, x.size, np.intp)
    np.minimum.at(first, groups, np.arange(x.size))
    return x[first], n[first], design[first], np.bincount(groups, w, size).astype(float)
