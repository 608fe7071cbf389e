"""Permutation test of moderators in an inverse-variance meta-regression.

The rows of the moderators are permuted against the studies; the p-value of a coefficient is the share of
permutations whose absolute test statistic is at least the observed one. All permutations are fitted in
batches; with few studies all of them are gone through, otherwise a seeded sample with the observed order
added to it.

References
----------
.. [1] Higgins JPT, Thompson SG. Controlling the risk of spurious findings from meta-regression. Stat Med
   2004.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from analysis.results import Result
from analysis.synthesis.checks import check_fit, check_whole
from analysis.synthesis.inverse_variance import IvFit, fit_iv_many
from analysis.synthesis.types import FloatArray

__all__ = ["PermutationTest", "permutation_test"]

#: Every order is tried up to this many; beyond, a sample is drawn.
_EXACT_LIMIT = 5_040

#: Statistics this close count as equal: permutations that change nothing but the order of sums.
_TIE = 1e-9


@dataclass(frozen=True, slots=True)
class PermutationTest(Result):
    """P-values of coefficients (but the intercept's) and of all moderators together."""

    names: tuple[str, ...]
    statistic: FloatArray
    p_value: FloatArray
    qm: float
    qm_p: float
    count: int
    exact: bool
    seed: int | None

    def rows(self) -> list[dict[str, Any]]:
        """One row a moderator."""
        return [
            {"name": name, "statistic": float(s), "p_value": float(p)}
            for name, s, p in zip(self.names, self.statistic, self.p_value, strict=True)
        ]


def permutation_test(
    fit: IvFit, *, count: int = 1000, seed: int = 2026, exact: bool | None = None
) -> PermutationTest:
    """Test the moderators of a fit by permutation.

    Parameters
    ----------
    fit
        A fit whose first design column is the intercept.
    count
        Permutations to draw, the observed order among them, when not all are tried.
    seed
        Of the draw.
    exact
        Try all orders; by default when there are at most 5,040.
    """
    fit = check_fit(fit, IvFit)
    count, seed = check_whole(count, "count", low=1), check_whole(seed, "seed")
    if fit.design is None or fit.p < 2:
        raise ValueError("the permutation test needs at least one moderator")
    k = fit.yi.size
    orders_in_all = math.factorial(k)
    exact = orders_in_all <= _EXACT_LIMIT if exact is None else exact
    if exact and orders_in_all > 400_000:
        raise ValueError(f"{orders_in_all} orders are too many to try all; draw a sample")
    if exact:
        orders = np.array(list(permutations(range(k))))
    else:
        random = np.random.default_rng(seed)
        drawn = random.permuted(np.tile(np.arange(k), (count - 1, 1)), axis=1)
        orders = np.vstack([np.arange(k), drawn])
    fits = fit_iv_many(
        fit.yi, fit.vi, design=fit.design[orders], tau2_method=fit.tau2_method
    )
    scale = fits.s2w(fit.ci_method)
    statistics = np.abs(fits.beta[:, 1:]) / (np.sqrt(scale)[:, None] * fits.se[:, 1:])
    block = fits.cov[:, 1:, 1:]
    qm = np.einsum(
        "bp,bpq,bq->b", fits.beta[:, 1:], np.linalg.inv(block), fits.beta[:, 1:]
    ) / scale
    floor = statistics[0] * (1.0 - _TIE)
    return PermutationTest(
        fit.names[1:],
        fit.statistic[1:],
        (statistics >= floor).mean(axis=0),
        float(qm[0]),
        float((qm >= qm[0] * (1.0 - _TIE)).mean()),
        int(orders.shape[0]),
        exact,
        None if exact else seed,
    )
