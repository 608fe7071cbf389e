"""Influence of single studies on the random-intercept logistic model, all refits in one batch.

The measures are those of the inverse-variance model where they carry over, with the refit without study
i marked (-i):

* deleted residual: the study's count among its predictions from (-i), as a normal quantile (mid-p), with
  the uncertainty of mu(-i) added to tau2(-i).  Exact for counts of 0 or all, where a residual of logits
  needs a correction.
* DFFITS: (mu - mu(-i)) / se(-i); Cook's distance: (mu - mu(-i))^2 / se^2; covariance ratio:
  se(-i)^2 / se^2; weight: the study's share of the information on mu.
* influential (the cuts of Viechtbauer and Cheung): |DFFITS| > 3 sqrt(1 / (k - 1)), Cook's distance above
  the median of a chi-square with one degree of freedom, or weight > 3 / k.

References
----------
Viechtbauer W, Cheung MWL (2010), Research Synthesis Methods 1:112-125.
Dunn PK, Smyth GK (1996), Journal of Computational and Graphical Statistics 5:236-244.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.results import Result
from analysis.synthesis._glmm_input import check_counts
from analysis.synthesis.glmm import GlmmFit, fit_glmm
from analysis.synthesis.glmm_many import fit_glmm_many
from analysis.synthesis.glmm_results import GlmmFits
from analysis.synthesis.quadrature import study_terms
from analysis.synthesis.types import FloatArray

__all__ = [
    "GlmmCumulative",
    "GlmmInfluence",
    "glmm_cumulative",
    "glmm_influence",
    "glmm_leave_one_out",
]

#: Median of the chi-square distribution with one degree of freedom.
COOK_CUT = 0.454936423119573


@dataclass(frozen=True, slots=True)
class GlmmInfluence(Result):
    """Influence measures, one entry a study; see the module for their definitions."""

    labels: tuple[str, ...]
    fit: GlmmFit
    without: GlmmFits
    rstudent: FloatArray
    dffits: FloatArray
    cooks_distance: FloatArray
    cov_ratio: FloatArray
    tau2_deleted: FloatArray
    q_deleted: FloatArray
    weight: FloatArray
    influential: npt.NDArray[np.bool_]

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per study."""
        names = (
            "rstudent", "dffits", "cooks_distance", "cov_ratio", "tau2_deleted", "q_deleted",
            "weight",
        )  # fmt: skip
        return [
            {
                "study": self.labels[i],
                "mu_without": float(self.without.mu[i]),
                "se_without": float(self.without.se[i]),
                **{name: float(getattr(self, name)[i]) for name in names},
                "influential": bool(self.influential[i]),
            }
            for i in range(len(self.labels))
        ]


@dataclass(frozen=True, slots=True)
class GlmmCumulative(Result):
    """Fits of the first one, two, ... studies in the given order."""

    labels: tuple[str, ...]
    order: npt.NDArray[np.int64]
    fits: GlmmFits

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per step."""
        return [
            {"added": self.labels[int(study)], "k": step + 1, **row}
            for step, (study, row) in enumerate(zip(self.order, self.fits.rows(), strict=True))
        ]


def glmm_leave_one_out(events: npt.ArrayLike, total: npt.ArrayLike) -> GlmmFits:
    """Refit without each study in turn.

    Examples
    --------
    >>> glmm_leave_one_out([3, 9, 4, 12], [20, 22, 25, 21]).size
    4
    """
    x, total = check_counts(events, total)
    return fit_glmm_many(x, total, 1.0 - np.eye(x.size))


def glmm_cumulative(
    events: npt.ArrayLike,
    total: npt.ArrayLike,
    *,
    order: Sequence[int] | None = None,
    labels: Sequence[str] | None = None,
) -> GlmmCumulative:
    """Fit the first studies of `order`, one more at each step.

    Examples
    --------
    >>> steps = glmm_cumulative([3, 9, 4, 12], [20, 22, 25, 21], order=[3, 0, 1, 2])
    >>> steps.rows()[0]["added"]
    'study 4'
    """
    x, total = check_counts(events, total)
    place = np.arange(x.size) if order is None else np.asarray(order, np.int64)
    if sorted(place.tolist()) != list(range(x.size)):
        raise ValueError("order must name every study once")
    weights = np.zeros((x.size, x.size))
    weights[:, place] = np.tri(x.size)
    return GlmmCumulative(_labels(labels, x.size), place, fit_glmm_many(x, total, weights))


def glmm_influence(
    events: npt.ArrayLike, total: npt.ArrayLike, *, labels: Sequence[str] | None = None
) -> GlmmInfluence:
    """Return the influence of every study on mu and tau2.

    Raises
    ------
    ValueError
        If there are fewer than two studies or the full fit has no finite maximum.

    Examples
    --------
    >>> result = glmm_influence([3, 9, 4, 12], [20, 22, 25, 21])
    >>> int(result.cooks_distance.argmax())
    3
    """
    fit = fit_glmm(events, total)
    x, n = fit.events, fit.total
    if x.size < 2:
        raise ValueError("influence needs at least two studies")
    if not fit.converged:
        raise ValueError("the model has no finite maximum: " + "; ".join(fit.notes))
    without = glmm_leave_one_out(x, n)
    se = float(fit.se[0])
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = fit.mu - without.mu
        dffits = np.where(np.isfinite(gap), gap / without.se, np.sign(gap) * np.inf)
        cook = (gap / se) ** 2
        ratio = (without.se / se) ** 2
    share = fit.information_share
    k = x.size
    flagged = (np.abs(dffits) > 3 / np.sqrt(k - 1)) | (cook > COOK_CUT) | (share > 3 / k)
    return GlmmInfluence(
        labels=_labels(labels, k),
        fit=fit,
        without=without,
        rstudent=_deleted_residuals(x, n, without),
        dffits=dffits,
        cooks_distance=cook,
        cov_ratio=ratio,
        tau2_deleted=without.tau2,
        q_deleted=_wald_without_each(x, n),
        weight=share,
        influential=flagged,
    )


def _labels(labels: Sequence[str] | None, k: int) -> tuple[str, ...]:
    if labels is None:
        return tuple(f"study {i + 1}" for i in range(k))
    if isinstance(labels, str) or len(labels) != k:
        raise ValueError(f"{k} studies but {len(labels)} labels, or one text")
    return tuple(labels)


def _deleted_residuals(x: FloatArray, n: FloatArray, without: GlmmFits) -> FloatArray:
    """Return mid-p normal quantiles of each count among its predictions from the other studies."""
    from scipy.special import ndtri

    out = np.full(x.size, np.nan)
    for i in np.flatnonzero(without.converged):
        spread = float(np.hypot(np.sqrt(without.tau2[i]), without.se[i]))
        # sum the shorter side, so that a tail of 1e-20 keeps its digits
        below = x[i] <= n[i] / 2
        counts = np.arange(0, x[i] + 1) if below else np.arange(n[i], x[i] - 1, -1)
        size = np.full(counts.size, n[i])
        value = study_terms(counts, size, np.full(counts.size, without.mu[i]), np.array(spread))
        chance = np.exp(value.value)
        tail = min(float(chance.sum() - 0.5 * chance[-1]), 1.0)
        out[i] = ndtri(tail) if below else -ndtri(tail)
    return out


def _wald_without_each(x: FloatArray, n: FloatArray) -> FloatArray:
    """Return the Wald statistic of heterogeneity without each study, from sums without it."""
    inner = (x > 0) & (x < n)
    p = np.where(inner, x / n, 0.5)
    a = np.where(inner, n * p * (1 - p), 0.0)
    y = np.log(p / (1 - p))
    y = y - (a @ y) / max(a.sum(), 1e-300)
    s0, s1, s2 = a.sum() - a, a @ y - a * y, a @ y**2 - a * y**2
    return np.where(s0 > 0, s2 - s1**2 / np.where(s0 > 0, s0, 1.0), 0.0)
