"""Influence of single studies on an inverse-variance fit, all refits in one batch.

Leave-one-out, cumulative analysis, standardised and deleted residuals, DFFITS, Cook's distance,
covariance ratio, tau2 and Q without each study, DFBETAS, leverage, best linear unbiased predictions and
Baujat's coordinates, with the definitions of metafor.

References
----------
.. [1] Viechtbauer W, Cheung MWL. Outlier and influence diagnostics for meta-analysis. Res Synth Methods
   2010.
.. [2] Baujat B et al. A graphical method for exploring heterogeneity in meta-analyses. Stat Med 2002.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.results import Result
from analysis.synthesis.checks import check_fit
from analysis.synthesis.inverse_variance import SAFEGUARDED, IvFit, IvFits, fit_iv_many
from analysis.synthesis.special import chi2_tail, t_quantile, t_two_sided
from analysis.synthesis.types import FloatArray

__all__ = [
    "Blups",
    "Influence",
    "Refits",
    "Residuals",
    "baujat",
    "blups",
    "cumulative",
    "influence",
    "leave_one_out",
    "standardised_residuals",
]


@dataclass(frozen=True, slots=True)
class Refits(Result):
    """Pooled results of a series of refits, in the order of `position` (study or step)."""

    position: np.ndarray
    estimate: FloatArray
    se: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    q: FloatArray
    q_p: FloatArray
    tau2: FloatArray
    i2: FloatArray
    h2: FloatArray
    k: FloatArray
    notes: tuple[str, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """One row a refit."""
        names = [name for name in self.__slots__ if name != "notes"]
        return [
            {name: float(getattr(self, name)[i]) for name in names}
            for i in range(self.estimate.size)
        ]


@dataclass(frozen=True, slots=True)
class Residuals(Result):
    """Residuals, their standard errors and ratios."""

    residual: FloatArray
    se: FloatArray
    z: FloatArray

    def rows(self) -> list[dict[str, Any]]:
        """One row a study."""
        return [
            {"residual": float(r), "se": float(s), "z": float(z)}
            for r, s, z in zip(self.residual, self.se, self.z, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Influence(Result):
    """Influence of each study; nan where the rest cannot be fitted."""

    deleted: Residuals
    dffits: FloatArray
    cook_d: FloatArray
    cov_ratio: FloatArray
    tau2_deleted: FloatArray
    q_deleted: FloatArray
    hat: FloatArray
    weight: FloatArray
    dfbetas: FloatArray
    influential: np.ndarray

    def rows(self) -> list[dict[str, Any]]:
        """One row a study."""
        names = ("dffits", "cook_d", "cov_ratio", "tau2_deleted", "q_deleted", "hat", "weight")
        return [
            {
                "rstudent": float(self.deleted.z[i]),
                **{name: float(getattr(self, name)[i]) for name in names},
                "influential": bool(self.influential[i]),
            }
            for i in range(self.dffits.size)
        ]


@dataclass(frozen=True, slots=True)
class Blups(Result):
    """Best linear unbiased predictions of the studies' own effects, with intervals."""

    estimate: FloatArray
    se: FloatArray
    low: FloatArray
    high: FloatArray

    def rows(self) -> list[dict[str, Any]]:
        """One row a study."""
        return [
            {"estimate": float(e), "se": float(s), "low": float(a), "high": float(b)}
            for e, s, a, b in zip(self.estimate, self.se, self.low, self.high, strict=True)
        ]


def leave_one_out(fit: IvFit) -> Refits:
    """Refit without each study in turn."""
    fit = check_fit(fit, IvFit)
    if fit.yi.size < 2:
        raise ValueError("leaving one out needs at least two studies")
    return _refits(fit, 1.0 - np.eye(fit.yi.size), np.arange(fit.yi.size))


def cumulative(fit: IvFit, order: Sequence[float] | None = None) -> Refits:
    """Refit with the first study, the first two, and so on.

    Parameters
    ----------
    fit
        A fit without moderators.
    order
        Values to sort the studies by, ties keeping their order; the given order by default.
    """
    fit = check_fit(fit, IvFit)
    k = fit.yi.size
    sequence = np.arange(k) if order is None else np.argsort(np.asarray(order), kind="stable")
    included = np.zeros((k, k))
    included[:, sequence] = np.tri(k)
    return _refits(fit, included, sequence)


def _refits(fit: IvFit, included: FloatArray, position: np.ndarray) -> Refits:
    if fit.design is not None:
        raise ValueError("leave-one-out and cumulative series are for fits without moderators")
    fits = fit_iv_many(fit.yi, fit.vi, weights=included, tau2_method=fit.tau2_method)
    scale = np.where(fits.k == 1, 1.0, fits.safe_s2w(fit.ci_method))
    se = np.sqrt(scale) * fits.se[:, 0]
    df = np.where((fits.k == 1) | (fit.ci_method == "wald"), np.inf, fits.k - 1.0)
    statistic = fits.mu / se
    p = np.array([float(t_two_sided(s, d)) for s, d in zip(statistic, df, strict=True)])
    half = np.array([t_quantile(fit.level, d) for d in df]) * se
    return Refits(
        position,
        fits.mu,
        se,
        statistic,
        p,
        fits.mu - half,
        fits.mu + half,
        fits.q,
        chi2_tail(fits.q, fits.k - 1.0),
        fits.tau2,
        fits.i2,
        fits.h2,
        fits.k,
        (SAFEGUARDED,) if (fits.too_alike(fit.ci_method) & (fits.k > 1)).any() else (),
    )


def _design(fit: IvFit) -> FloatArray:
    return np.ones((fit.yi.size, 1)) if fit.design is None else fit.design


def _deleted_fits(fit: IvFit) -> tuple[IvFits, np.ndarray]:
    """Fits without each study, and which of them exist (the design keeps its rank)."""
    k, x = fit.yi.size, _design(fit)
    keep = 1.0 - np.eye(k)
    there = np.ones(k, dtype=bool)
    if fit.design is not None:
        ranks = np.array([np.linalg.matrix_rank(np.delete(x, i, axis=0)) for i in range(k)])
        there = ranks == x.shape[1]
    fits = fit_iv_many(
        fit.yi, fit.vi, design=fit.design, weights=keep[there], tau2_method=fit.tau2_method
    )
    return fits, there


def influence(fit: IvFit) -> Influence:
    """Return the influence of each study, by refitting without it."""
    fit = check_fit(fit, IvFit)
    k, p = fit.yi.size, fit.p
    if k < 2:
        raise ValueError("influence needs at least two studies")
    if fit.weights is not None:
        raise ValueError("influence is defined for fits without multiplicities")
    x, w = _design(fit), 1.0 / (fit.vi + fit.tau2)
    leverage = np.einsum("ij,jk,ik->i", x, fit.cov_wald, x)
    hat = leverage * w
    fits, there = _deleted_fits(fit)
    rows = np.flatnonzero(there)
    scale = np.where(fits.k == 1, 1.0, fits.s2w(fit.ci_method))
    xi, beta, tau2 = x[rows], fits.beta, fits.tau2
    predicted = (xi * beta).sum(axis=1)
    spread = scale * np.einsum("bp,bpq,bq->b", xi, fits.cov, xi)
    residual = fit.yi[rows] - predicted
    residual = np.where(np.abs(residual) < 100 * np.finfo(float).eps, 0.0, residual)
    se = np.sqrt(scale * (fit.vi[rows] + tau2) + spread)
    shift = fit.beta - beta
    # The covariance of all studies at each deleted tau2, for DFBETAS.
    each = 1.0 / (fit.vi[None, :] + tau2[:, None])
    whole = np.linalg.inv(np.einsum("bk,kp,kq->bpq", each, x, x))
    spread_all = np.diagonal(whole, axis1=1, axis2=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = residual / se
        dffits = (x[rows] @ fit.beta - predicted) / np.sqrt(
            scale * hat[rows] * (tau2 + fit.vi[rows])
        )
        dfbetas = shift / np.sqrt(scale[:, None] * spread_all)
        cook = np.einsum("bp,pq,bq->b", shift, np.linalg.inv(fit.cov), shift)
        ratio = scale**p * np.linalg.det(fits.cov) / np.linalg.det(fit.cov)

    def full(values: FloatArray) -> FloatArray:
        out = np.full((k, *values.shape[1:]), np.nan)
        out[rows] = values
        return out

    columns = [full(a) for a in (residual, se, z, dffits, cook, ratio, tau2, fits.q, dfbetas)]
    residual, se, z, dffits, cook, ratio, tau2_deleted, q, dfbetas = columns
    with np.errstate(invalid="ignore", divide="ignore"):
        influential = (
            (np.abs(dffits) > 3.0 * np.sqrt(np.divide(p, k - p)))
            | (chi2_tail(cook, p) < 0.5)
            | (hat > 3.0 * p / k)
            | (np.abs(dfbetas) > 1.0).any(axis=1)
        )
    return Influence(
        Residuals(residual, se, z),
        dffits,
        cook,
        ratio,
        tau2_deleted,
        q,
        hat,
        fit.study_weights,
        dfbetas,
        influential,
    )


def standardised_residuals(fit: IvFit) -> Residuals:
    """Return residuals over their standard errors in the fit with all studies (rstandard)."""
    fit = check_fit(fit, IvFit)
    x = _design(fit)
    residual = fit.yi - x @ fit.beta
    residual = np.where(np.abs(residual) < 100 * np.finfo(float).eps, 0.0, residual)
    leverage = np.einsum("ij,jk,ik->i", x, fit.cov_wald, x)
    se = np.sqrt(np.maximum(fit.vi + fit.tau2 - leverage, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        return Residuals(residual, se, residual / se)


def blups(fit: IvFit) -> Blups:
    """Return the studies' effects shrunken towards their fitted means."""
    fit = check_fit(fit, IvFit)
    x = _design(fit)
    share = fit.tau2 / (fit.tau2 + fit.vi)
    estimate = share * fit.yi + (1.0 - share) * (x @ fit.beta)
    spread = np.einsum("ij,jk,ik->i", x, fit.cov, x)
    se = np.sqrt(share * fit.vi + (1.0 - share) ** 2 * spread)
    half = t_quantile(fit.level, fit.df) * se
    return Blups(estimate, se, estimate - half, estimate + half)


def baujat(fit: IvFit) -> tuple[FloatArray, FloatArray]:
    """Return Baujat's coordinates: share in heterogeneity, and influence on the result."""
    fit = check_fit(fit, IvFit)
    x = _design(fit)
    fits, there = _deleted_fits(fit)
    rows = np.flatnonzero(there)
    scale = np.where(fits.k == 1, 1.0, fits.s2w(fit.ci_method))
    spread = scale * np.einsum("bp,bpq,bq->b", x[rows], fits.cov, x[rows])
    moved = (x[rows] * fits.beta).sum(axis=1) - x[rows] @ fit.beta
    height = np.full(fit.yi.size, np.nan)
    height[rows] = moved**2 / spread
    return (fit.yi - x @ fit.beta) ** 2 / (fit.vi + fit.tau2), height
