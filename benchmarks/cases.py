"""What is timed: one function a case, on synthetic counts made from a fixed seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.synthesis.bootstrap import bootstrap
from analysis.synthesis.glmm import fit_glmm
from analysis.synthesis.glmm_many import fit_glmm_many
from analysis.synthesis.inverse_variance import fit_iv, fit_iv_many
from analysis.synthesis.scales import effects

__all__ = ["CASES", "GROWTH", "Case", "counts", "masks"]

_SEED = 20230131


@dataclass(frozen=True)
class Case:
    """One timing: its key (also the key in the peers' output), what it does, and how."""

    key: str
    label: str
    studies: int
    run: Callable[[np.ndarray, np.ndarray], Any]
    read: Callable[[Any], dict[str, float]]
    repeats: int = 20


def counts(studies: int) -> tuple[np.ndarray, np.ndarray]:
    """Synthetic counts: totals 8 to 120, logits normal with mean 1.8 and standard deviation 0.6."""
    rng = np.random.default_rng(_SEED + studies)
    total = rng.integers(8, 121, studies).astype(float)
    rate = 1.0 / (1.0 + np.exp(-(1.8 + 0.6 * rng.standard_normal(studies))))
    return rng.binomial(total.astype(int), rate).astype(float), total


def masks(rows: int, studies: int) -> np.ndarray:
    """Random subsets of two studies or more, as weights of nought and one."""
    rng = np.random.default_rng(_SEED)
    chosen = (rng.random((rows, studies)) < 0.5).astype(float)
    chosen[chosen.sum(axis=1) < 2, :2] = 1.0
    return chosen


def _logit(x: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = effects(x, n)
    return found.yi, found.vi


def _iv(method: str) -> Callable[[np.ndarray, np.ndarray], Any]:
    def run(x: np.ndarray, n: np.ndarray) -> Any:
        yi, vi = _logit(x, n)
        return fit_iv(yi, vi, tau2_method=method)

    return run


def _subsets_iv(method: str, rows: int) -> Callable[[np.ndarray, np.ndarray], Any]:
    def run(x: np.ndarray, n: np.ndarray) -> Any:
        yi, vi = _logit(x, n)
        return fit_iv_many(yi, vi, weights=masks(rows, x.size), tau2_method=method)

    return run


def _subsets_glmm(rows: int) -> Callable[[np.ndarray, np.ndarray], Any]:
    def run(x: np.ndarray, n: np.ndarray) -> Any:
        return fit_glmm_many(x, n, masks(rows, x.size))

    return run


def _one(fit: Any) -> dict[str, float]:
    return {"mu": float(fit.beta[0]), "tau2": float(fit.tau2)}


def _many(fits: Any) -> dict[str, float]:
    return {"failed": float((~np.asarray(fits.converged)).sum())}


CASES: tuple[Case, ...] = (
    Case("glmm_29", "GLMM, one fit, 29 studies", 29, fit_glmm, _one, 1000),
    Case("reml_29", "REML, one fit from counts, 29 studies", 29, _iv("reml"), _one, 3000),
    Case("dl_29", "DerSimonian-Laird, one fit from counts, 29 studies", 29, _iv("dl"), _one, 3000),
    Case(
        "glmm_leave_one_out_29",
        "GLMM, leave-one-out, 29 refits",
        29,
        lambda x, n: fit_glmm_many(x, n, 1.0 - np.eye(29)),
        _many,
        10,
    ),
    Case(
        "gosh_reml_20", "REML over 10,000 subsets of 20 studies", 20, _subsets_iv("reml", 10_000), _many, 3
    ),
    Case(
        "gosh_glmm_29",
        "GLMM over 1,000,000 subsets of 29 studies",
        29,
        _subsets_glmm(1_000_000),
        _many,
        1,
    ),
    Case(
        "bootstrap_29",
        "Parametric bootstrap of the GLMM, 10,000 draws, 29 studies",
        29,
        lambda x, n: bootstrap(x, n, draws=10_000, seed=1),
        lambda result: {},
        1,
    ),
    Case("glmm_10000", "GLMM, one fit, 10,000 studies", 10_000, fit_glmm, _one, 3),
    Case("glmm_100000", "GLMM, one fit, 100,000 studies", 100_000, fit_glmm, _one, 2),
    Case("reml_10000", "REML, one fit, 10,000 studies", 10_000, _iv("reml"), _one, 5),
)

#: Sizes of the growth curves: studies in one GLMM fit, and subsets of 29 studies in one call.
GROWTH: dict[str, tuple[int, ...]] = {
    "studies": (10, 100, 1_000, 10_000, 100_000, 1_000_000),
    "subsets": (1, 10, 100, 1_000, 10_000, 100_000),
}
