"""Meta-regression of proportions on study moderators, by the GLMM or by inverse variance.

The tests of the moderators together (QM) are Wald tests: chi-square, or F with the t and Knapp-Hartung
intervals. R2 is the share of the between-study variance that the moderators take away,
``(tau2_0 - tau2) / tau2_0``, cut at zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from analysis.results import Result
from analysis.synthesis.checks import check_choice, check_fit, check_level, check_names
from analysis.synthesis.counts import CountsError, check_counts, check_labels
from analysis.synthesis.heterogeneity import i2_from_q
from analysis.synthesis.inverse_variance import IvFit, fit_iv, safeguarded
from analysis.synthesis.scales import SCALES, effects
from analysis.synthesis.special import chi2_tail, f_tail, t_quantile, t_two_sided
from analysis.synthesis.types import FloatArray, Numbers, Scale

__all__ = ["FTest", "MetaRegression", "predict_mean", "r_squared", "regress", "wald_test"]


class FTest(NamedTuple):
    """A chi-square test, or an F test when ``df2`` is finite."""

    statistic: float
    df: int
    df2: float
    p_value: float


@dataclass(frozen=True, slots=True)
class MetaRegression(Result):
    """Coefficients, their tests together, and the heterogeneity left over."""

    names: tuple[str, ...]
    coefficients: FloatArray
    se: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    statistic: FloatArray
    p_value: FloatArray
    cov: FloatArray
    tau2: float
    tau2_without: float
    qm: float
    qm_df: int
    qm_df2: float
    qm_p: float
    qe: float
    qe_df: int
    qe_p: float
    i2: float
    r2: float
    log_likelihood: float
    model: str
    tau2_method: str
    ci_method: str
    level: float
    k: int
    converged: bool
    notes: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One row a coefficient."""
        columns = (
            self.coefficients,
            self.se,
            self.ci_low,
            self.ci_high,
            self.statistic,
            self.p_value,
        )
        return [
            {
                "name": name,
                "coefficient": float(b),
                "se": float(s),
                "ci_low": float(low),
                "ci_high": float(high),
                "statistic": float(z),
                "p_value": float(p),
            }
            for name, b, s, low, high, z, p in zip(self.names, *columns, strict=True)
        ]

    def predict(self, moderators: FloatArray) -> list[dict[str, float]]:
        """Return mean and prediction limits on the analysis scale at new moderator values.

        Parameters
        ----------
        moderators
            One row a point, without the intercept.
        """
        new = np.asarray(moderators, dtype=float)
        if new.ndim == 1 and len(self.names) == 2:
            new = new[:, None]
        new = np.atleast_2d(new)
        if new.shape[1] != len(self.names) - 1:
            raise ValueError(f"{new.shape[1]} moderator values for {len(self.names) - 1} names")
        rows = np.hstack([np.ones((new.shape[0], 1)), new])
        df = math.inf if self.ci_method == "wald" else float(self.k - len(self.names))
        return predict_mean(rows, self.coefficients, self.cov, self.tau2, df, self.level)


def wald_test(beta: FloatArray, cov: FloatArray, contrasts: FloatArray, df2: float) -> FTest:
    """Test that linear combinations of coefficients are zero; F when ``df2`` is finite.

    Examples
    --------
    >>> wald_test(np.array([2.0]), np.eye(1), np.eye(1), np.inf).statistic
    4.0
    """
    m = contrasts.shape[0]
    # an infinite coefficient times zero is no number, and leaves no test
    with np.errstate(invalid="ignore"):
        value = contrasts @ beta
        spread = contrasts @ cov @ contrasts.T
    if m == 0 or not (np.isfinite(value).all() and np.isfinite(spread).all()):
        return FTest(math.nan, m, math.nan, math.nan)
    try:
        chi2 = float(value @ np.linalg.solve(spread, value))
    except np.linalg.LinAlgError:
        return FTest(math.nan, m, math.nan, math.nan)
    if math.isinf(df2):
        return FTest(chi2, m, math.nan, float(chi2_tail(chi2, m)))
    return FTest(chi2 / m, m, df2, f_tail(chi2 / m, m, df2))


def predict_mean(
    rows: FloatArray, beta: FloatArray, cov: FloatArray, tau2: float, df: float, level: float
) -> list[dict[str, float]]:
    """Return estimate, limits and prediction limits at rows of a design."""
    level = check_level(level)
    mean = rows @ beta
    variance = np.einsum("ij,jk,ik->i", rows, cov, rows)
    q = t_quantile(level, df)
    half, wide = q * np.sqrt(variance), q * np.sqrt(variance + tau2)
    return [
        {
            "estimate": float(m),
            "se": float(np.sqrt(v)),
            "ci_low": float(m - h),
            "ci_high": float(m + h),
            "prediction_low": float(m - w),
            "prediction_high": float(m + w),
        }
        for m, v, h, w in zip(mean, variance, half, wide, strict=True)
    ]


def r_squared(fit: IvFit) -> float:
    """Return the share of heterogeneity that the moderators of a fit account for, nan if undefined.

    For an equal-effects fit, which has no tau2, it is the adjusted R2 of the weighted regression.
    """
    fit = check_fit(fit, IvFit)
    if fit.design is None:
        return math.nan
    without = fit_iv(fit.yi, fit.vi, weights=fit.weights, tau2_method=fit.tau2_method)
    if fit.tau2_method == "ee":
        if without.residual == 0 or fit.k <= fit.p:
            return 0.0
        ratio = (fit.residual / (fit.k - fit.p)) / (without.residual / (fit.k - 1))
        return max(0.0, 1.0 - ratio)
    if without.tau2 == 0:
        return 0.0
    return max(0.0, (without.tau2 - fit.tau2) / without.tau2)


def regress(
    events: Numbers,
    total: Numbers,
    moderators: FloatArray,
    *,
    names: Sequence[str] | None = None,
    model: str = "glmm",
    scale: Scale = "logit",
    tau2_method: str | None = None,
    ci_method: str | None = None,
    labels: Sequence[str] | None = None,
    level: float = 0.95,
) -> MetaRegression:
    """Regress proportions on moderators, an intercept being added.

    Parameters
    ----------
    events, total
        Counts, one a study.
    moderators
        (k, p) numbers, or (k,) for one moderator.
    names
        Names of the moderators.
    model
        ``"glmm"`` (maximum likelihood; intervals ``"wald"`` by default, or ``"t"``) or ``"iv"`` (REML
        and Knapp-Hartung by default).
    scale, tau2_method, ci_method, level
        As for `analysis.synthesis.pooled.pool`; profile intervals are for the GLMM alone.
    labels
        Names of the studies, used in errors.
    """
    level = check_level(level)
    x, n = check_counts(events, total)
    labels = None if labels is None else check_labels(labels, x.size)
    check_choice(model, ("glmm", "iv"), "model")
    check_choice(scale, SCALES, "scale")
    m = _moderators(moderators, x.size)
    if not np.isfinite(m).all():
        row, column = (int(i[0]) for i in np.nonzero(~np.isfinite(m)))
        who = f"row {row + 1}" if labels is None else f"row {row + 1} ({labels[row]})"
        raise CountsError(f"{who}: moderator {column + 1} is {m[row, column]}", row=row)
    if names is None:
        names = tuple(f"x{j + 1}" for j in range(m.shape[1]))
    names = check_names(names, m.shape[1], "names", "moderators")
    design = np.hstack([np.ones((x.size, 1)), m])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError("the moderators are linearly dependent, or constant")
    if design.shape[1] >= x.size:
        raise ValueError(f"{x.size} studies are too few for {m.shape[1]} moderators")
    heads = ("intercept", *names)
    if model == "glmm":
        return _regress_glmm(x, n, design, heads, scale, tau2_method, ci_method or "wald", level)
    study = effects(x, n, scale)
    fit = fit_iv(
        study.yi,
        study.vi,
        design=design,
        tau2_method=tau2_method or "reml",
        ci_method=ci_method or "knapp-hartung",
        level=level,
        names=heads,
    )
    fit, safe = safeguarded(fit)
    notes: tuple[str, ...] = (safe,) if safe else ()
    if study.corrected.any():
        notes = (*notes, f"{int(study.corrected.sum())} of {x.size} studies had {study.amount:g} added")
    return from_iv(fit, notes)


def _moderators(values: Any, k: int) -> FloatArray:
    """Return moderators as numbers, (k, p); what is not finite is told later, with the study."""
    try:
        m = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        text = next((v for v in np.ravel(np.asarray(values, dtype=object)) if isinstance(v, str)), values)
        raise TypeError(
            f"moderators hold {text!r}, not a number; code it in numbers, or use compare_subgroups for groups"
        ) from None
    m = m[:, None] if m.ndim == 1 else m
    if m.ndim != 2 or m.shape[0] != k:
        raise CountsError(f"moderators have {m.shape[0] if m.ndim else 0} rows for {k} studies")
    return m


def from_iv(fit: IvFit, notes: tuple[str, ...] = ()) -> MetaRegression:
    """Turn an inverse-variance fit whose first column is the intercept into a regression result."""
    test = wald_test(fit.beta, fit.cov, np.eye(fit.p)[1:], fit.df)
    without = fit_iv(fit.yi, fit.vi, weights=fit.weights, tau2_method=fit.tau2_method).tau2
    return MetaRegression(
        fit.names,
        fit.beta,
        fit.se,
        fit.ci_low,
        fit.ci_high,
        fit.statistic,
        fit.p_value,
        fit.cov,
        fit.tau2,
        without,
        test.statistic,
        test.df,
        test.df2,
        test.p_value,
        fit.q,
        fit.q_df,
        fit.q_p,
        fit.i2,
        r_squared(fit),
        fit.log_likelihood,
        "iv",
        fit.tau2_method,
        fit.ci_method,
        fit.level,
        fit.k,
        fit.converged,
        notes,
    )


def _regress_glmm(
    x: FloatArray,
    n: FloatArray,
    design: FloatArray,
    names: tuple[str, ...],
    scale: str,
    tau2_method: str | None,
    ci_method: str,
    level: float,
) -> MetaRegression:
    from analysis.synthesis.glmm import (
        fit_equal_effects,
        fit_glmm,
        heterogeneity_tests,
        profile_interval_mu,
    )

    if scale != "logit" or tau2_method not in (None, "ml", "ee"):
        raise ValueError(
            "the glmm works on the logit scale and is fitted by ml (or ee); "
            'model="iv" offers other scales and tau2_method'
        )
    check_choice(ci_method, ("wald", "t", "profile"), "ci_method", "interval method")
    fitter = fit_equal_effects if tau2_method == "ee" else fit_glmm
    fit, without = fitter(x, n, design=design), fitter(x, n)
    p = design.shape[1]
    df = math.inf if ci_method in ("wald", "profile") else float(x.size - p)
    with np.errstate(invalid="ignore"):
        half = t_quantile(level, df) * fit.se
        low, high = fit.beta - half, fit.beta + half
    if ci_method == "profile":
        ends = [profile_interval_mu(fit, level, coefficient=j) for j in range(p)]
        low = np.array([interval.low for interval in ends])
        high = np.array([interval.high for interval in ends])
    with np.errstate(invalid="ignore"):
        statistic = fit.beta / fit.se
    test = wald_test(fit.beta, fit.cov, np.eye(p)[1:], df)
    tests = heterogeneity_tests(fit)
    typical = _typical_with_design(effects(x, n).vi, design)
    r2 = 0.0
    if without.tau2 > 0:
        r2 = max(0.0, (float(without.tau2) - float(fit.tau2)) / float(without.tau2))
    i2 = float(fit.tau2) / (float(fit.tau2) + typical)
    if tau2_method == "ee":
        i2 = i2_from_q(float(tests.wald), int(tests.df))
    return MetaRegression(
        names,
        fit.beta,
        fit.se,
        low,
        high,
        statistic,
        t_two_sided(statistic, df),
        fit.cov,
        float(fit.tau2),
        float(without.tau2),
        test.statistic,
        test.df,
        test.df2,
        test.p_value,
        float(tests.wald),
        int(tests.df),
        float(tests.wald_p),
        i2,
        r2,
        float(fit.log_likelihood),
        "glmm",
        tau2_method or "ml",
        ci_method,
        level,
        int(x.size),
        bool(fit.converged),
        tuple(fit.notes),
    )


def _typical_with_design(v: FloatArray, design: FloatArray) -> float:
    w = 1.0 / v
    cross = design.T @ (w[:, None] * design)
    square = design.T @ ((w * w)[:, None] * design)
    trace = float(w.sum() - np.trace(np.linalg.solve(cross, square)))
    return (v.size - design.shape[1]) / trace
