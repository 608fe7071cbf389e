"""Checks of counts, designs and weights, and of the existence of a finite maximum."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.synthesis import checks
from analysis.synthesis.types import FloatArray

__all__ = ["check_counts", "check_design", "check_weights", "separated_studies"]


def _numbers(values: npt.ArrayLike, name: str) -> FloatArray:
    return np.atleast_1d(checks.check_numbers(values, name, ndim=(0, 1, 2)))


def check_counts(events: npt.ArrayLike, total: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return counts as float arrays of one shape, or raise `ValueError` with what is wrong."""
    x, n = _numbers(events, "events"), _numbers(total, "total")
    if x.shape != n.shape and not (n.ndim == 1 and x.ndim == 2 and x.shape[1] == n.size):
        raise ValueError(f"events and total differ in shape: {x.shape} and {n.shape}")
    if not x.size:
        raise ValueError("no studies given")
    if (n <= 0).any():
        raise ValueError("every total must be positive")
    if (n >= 2.0**53).any():
        raise ValueError("a total is beyond 2^53 and cannot be computed with exactly")
    if (x < 0).any() or (x > n).any():
        raise ValueError("events must lie between 0 and total")
    return x, n


def check_design(design: npt.ArrayLike | None, k: int) -> FloatArray:
    """Return the design as (k, p), a column of ones by default."""
    return np.ones((k, 1)) if design is None else checks.check_design(design, k)


def check_weights(weights: npt.ArrayLike | None, shape: tuple[int, ...]) -> FloatArray:
    """Return weights of `shape`, ones by default; refuse negative ones and rows without any."""
    if weights is None:
        return np.ones(shape)
    w = checks.check_numbers(weights, "weights", ndim=(1, 2))
    if w.shape[-1] != shape[-1] or w.ndim not in (1, 2):
        raise ValueError(f"weights have shape {w.shape}, expected {shape}")
    if not np.isfinite(w).all() or (w < 0).any():
        raise ValueError("weights must be finite and not negative")
    return w


def separated_studies(events: FloatArray, total: FloatArray, design: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which studies the likelihood can fit perfectly by running off to infinity.

    A direction ``d`` of beta separates when every study with events and non-events has ``X d = 0``,
    every one without events ``X d <= 0`` and every one with events alone ``X d >= 0``, not all zero.
    The finite estimate then does not exist along ``d`` for any tau.  The largest such set is found by
    linear programming; it is skipped when the studies with both outcomes span the design.
    """
    mixed = (events > 0) & (events < total)
    none = np.zeros(events.size, bool)
    p = design.shape[1]
    if p == 1 and design[mixed].any():
        return none
    if p > 1 and mixed.any() and np.linalg.matrix_rank(design[mixed]) == p:
        return none
    signed = np.where(events == 0, -1.0, 1.0)[:, None] * design
    if p == 1:
        s = signed[~mixed, 0]
        moves = (s >= 0).all() or (s <= 0).all()
        free = not design[mixed, 0].any()
        return (design[:, 0] != 0) & bool(moves and free and s.any())
    from scipy.optimize import linprog

    ends = np.flatnonzero(~mixed)
    if not ends.size:
        return none
    # maximise the sum of slacks t_i <= 1 with t_i <= s_i X_i d: t_i > 0 exactly for separated studies
    upper = np.hstack([-signed[ends], np.eye(ends.size)])
    equal = np.hstack([design[mixed], np.zeros((int(mixed.sum()), ends.size))])
    solution = linprog(
        np.concatenate([np.zeros(p), -np.ones(ends.size)]),
        A_ub=upper,
        b_ub=np.zeros(ends.size),
        A_eq=equal if equal.size else None,
        b_eq=np.zeros(equal.shape[0]) if equal.size else None,
        bounds=[(None, None)] * p + [(0, 1)] * ends.size,
        method="highs",
    )
    none[ends] = solution.x[p:] > 1e-6 if solution.status == 0 else False
    return none
