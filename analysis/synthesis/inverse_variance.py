"""Inverse-variance models, one or many at once: random and equal effects, with or without moderators.

The estimate is ``beta = (X' W X)^-1 X' W y`` with ``w = 1 / (v + tau2)``. Intervals: Wald (normal), t with
k - p degrees of freedom, Knapp-Hartung (the covariance times ``s2w = y'Py / (k - p)``) and ad-hoc
Knapp-Hartung (the factor never below one).

References
----------
.. [1] Knapp G, Hartung J. Improved tests for a random effects meta-regression with a single
   covariate. Stat Med 2003.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from analysis.results import Result
from analysis.synthesis.checks import (
    check_choice,
    check_design,
    check_effects,
    check_fit,
    check_level,
    check_names,
    check_number,
    check_numbers,
    check_unused,
    check_weights,
)
from analysis.synthesis.special import chi2_tail, t_quantile, t_two_sided
from analysis.synthesis.tau2 import TAU2_METHODS, estimate_tau2, tau2_one, tau2_standard_error
from analysis.synthesis.tau2_single import pooled_single
from analysis.synthesis.types import FloatArray
from analysis.synthesis.weighted import Problem

__all__ = ["CI_METHODS", "SAFEGUARDED", "IvFit", "IvFits", "fit_iv", "fit_iv_many", "safeguarded"]

#: Interval methods of the coefficients.
CI_METHODS: tuple[str, ...] = ("wald", "t", "knapp-hartung", "knapp-hartung-adhoc")

#: A residual Q that chance alone leaves so small in one case of a hundred says nothing on the spread.
_TOO_ALIKE = 0.01

SAFEGUARDED = (
    "the studies are more alike than chance makes them (Q is near 0), so that the Knapp-Hartung interval "
    "would have next to no width; the safeguarded form is given, with a factor not below one, which is not "
    "narrower than that of a common effect"
)

#: Rows times studies of one chunk of a batch: its arrays then stay in the processor's cache.
_CHUNK_CELLS = 32_768

#: A residual sum of squares below this is rounding: the Knapp-Hartung factor is then zero.
_RESIDUAL_FLOOR = float(np.finfo(float).eps)

_LOG_2PI = float(np.log(2.0 * np.pi))


@dataclass(frozen=True, slots=True)
class IvFit(Result):
    """One inverse-variance fit; what follows from the stored sums is worked out when asked for.

    `cov_wald` is ``(X'WX)^-1``; `cov` includes the factor `s2w` of the interval method.
    """

    yi: FloatArray
    vi: FloatArray
    weights: FloatArray | None
    design: FloatArray | None
    names: tuple[str, ...]
    beta: FloatArray
    cov_wald: FloatArray
    tau2: float
    residual: float
    k: int
    tau2_method: str
    ci_method: str
    level: float
    converged: bool
    steps: int

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return int(self.beta.size)

    @property
    def boundary(self) -> bool:
        """Whether tau2 was cut at zero."""
        return self.tau2 == 0.0 and self.tau2_method != "ee"

    @property
    def s2w(self) -> float:
        """Factor on the covariance: one but for the Knapp-Hartung methods."""
        if self.k == 1 or self.ci_method not in ("knapp-hartung", "knapp-hartung-adhoc"):
            return 1.0
        if self.k <= self.p:
            return float("nan")
        factor = 0.0 if self.residual <= _RESIDUAL_FLOOR else self.residual / (self.k - self.p)
        return max(factor, 1.0) if self.ci_method == "knapp-hartung-adhoc" else factor

    @property
    def df(self) -> float:
        """Degrees of freedom of the coefficient tests, infinite for the normal.

        One study leaves none to estimate a variance from; as in metafor its interval is the normal
        one whatever the method.
        """
        if self.ci_method == "wald" or self.k == 1:
            return np.inf
        return float(self.k - self.p)

    @property
    def cov(self) -> FloatArray:
        """Covariance of the coefficients."""
        return self.s2w * self.cov_wald

    @property
    def se(self) -> FloatArray:
        """Standard errors of the coefficients."""
        return np.sqrt(np.diagonal(self.cov))

    @property
    def statistic(self) -> FloatArray:
        """Coefficients over their standard errors."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.beta / self.se

    @property
    def p_value(self) -> FloatArray:
        """Two-sided p-values of the coefficients."""
        return t_two_sided(self.statistic, self.df)

    @property
    def ci_low(self) -> FloatArray:
        """Lower limits of the coefficients."""
        return self.beta - t_quantile(self.level, self.df) * self.se

    @property
    def ci_high(self) -> FloatArray:
        """Upper limits of the coefficients."""
        return self.beta + t_quantile(self.level, self.df) * self.se

    def problem(self) -> Problem:
        """Return the data as a problem of one analysis."""
        counts = None if self.weights is None else self.weights[None, :]
        return Problem(self.yi, self.vi, counts, self.design)

    @property
    def se_tau2(self) -> float:
        """Standard error of tau2 by metafor's formulas; nan if it has none."""
        return float(
            tau2_standard_error(self.problem(), self.tau2_method, np.array([self.tau2]))[0]
        )

    @property
    def q(self) -> float:
        """Cochran's Q, or its residual form with moderators."""
        if self.k <= self.p:
            return 0.0
        return float(self.problem().sums(np.zeros(1), 1).ypy[0])

    @property
    def q_df(self) -> int:
        """Degrees of freedom of Q."""
        return self.k - self.p

    @property
    def q_p(self) -> float:
        """P-value of Q."""
        return float(chi2_tail(self.q, self.q_df))

    @property
    def typical_variance(self) -> float:
        """Higgins-Thompson typical within-study variance, ``(k - p) / tr(P)``."""
        if self.k <= self.p:
            return 0.0
        return float((self.k - self.p) / self.problem().sums(np.zeros(1), 2).trace_p[0])

    @property
    def i2(self) -> float:
        """``tau2 / (tau2 + s2)`` as a fraction; ``(Q - df) / Q`` for equal effects."""
        if self.k <= self.p:
            return 0.0
        if self.tau2_method == "ee":
            return self.i2_from_q
        return float(self.tau2 / (self.tau2 + self.typical_variance))

    @property
    def i2_from_q(self) -> float:
        """``(Q - df) / Q`` as a fraction, cut at zero."""
        q = self.q
        return max(0.0, (q - self.q_df) / q) if q > 0 else 0.0

    @property
    def h2(self) -> float:
        """``tau2 / s2 + 1``; ``Q / df`` for equal effects."""
        if self.k <= self.p:
            return 1.0
        if self.tau2_method == "ee":
            return self.q / self.q_df
        return float(self.tau2 / self.typical_variance + 1.0)

    @property
    def log_likelihood(self) -> float:
        """Log-likelihood at the estimates."""
        logs = float(self.problem().log_variances(np.array([self.tau2]))[0])
        return -0.5 * (self.k * _LOG_2PI + logs + self.residual)

    @property
    def log_likelihood_restricted(self) -> float:
        """Restricted log-likelihood with the ``X'X`` term of the full form."""
        problem = self.problem()
        logs = float(problem.log_variances(np.array([self.tau2]))[0])
        ones = np.ones((1, self.yi.size)) if problem.counts is None else problem.counts
        gram = problem._gram(ones)[0]
        return (
            -0.5 * ((self.k - self.p) * _LOG_2PI + logs + self.residual)
            + 0.5 * float(np.linalg.slogdet(self.cov_wald)[1])
            + 0.5 * float(np.linalg.slogdet(gram)[1])
        )

    @property
    def study_weights(self) -> FloatArray:
        """Share of each study in the pooled estimate (weights of the rows, with moderators)."""
        w = 1.0 / (self.vi + self.tau2)
        if self.weights is not None:
            w = w * self.weights
        return w / w.sum()

    def rows(self) -> list[dict[str, Any]]:
        """One row a coefficient."""
        return [
            {
                "name": name,
                "estimate": float(b),
                "se": float(s),
                "ci_low": float(low),
                "ci_high": float(high),
                "tau2": self.tau2,
            }
            for name, b, s, low, high in zip(
                self.names, self.beta, self.se, self.ci_low, self.ci_high, strict=True
            )
        ]


@dataclass(frozen=True, slots=True)
class IvFits(Result):
    """Many inverse-variance fits; one entry an analysis. `se` is the Wald standard error."""

    beta: FloatArray
    se: FloatArray
    tau2: FloatArray
    q: FloatArray
    i2: FloatArray
    h2: FloatArray
    k: FloatArray
    converged: np.ndarray
    tau2_method: str
    residual: FloatArray
    cov: FloatArray

    @property
    def mu(self) -> FloatArray:
        """First coefficient of each analysis: the pooled estimate without moderators."""
        return self.beta[:, 0]

    @property
    def boundary(self) -> np.ndarray:
        """Whether tau2 was cut at zero."""
        return self.tau2 == 0.0

    def s2w(self, ci_method: str) -> FloatArray:
        """Knapp-Hartung factor of each analysis for an interval method."""
        if ci_method not in ("knapp-hartung", "knapp-hartung-adhoc"):
            return np.ones(self.tau2.size)
        df = self.k - self.beta.shape[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(self.residual <= _RESIDUAL_FLOOR, 0.0, self.residual) / df
        factor = np.where(df > 0, factor, np.nan)
        return np.maximum(factor, 1.0) if ci_method == "knapp-hartung-adhoc" else factor

    def too_alike(self, ci_method: str) -> np.ndarray:
        """Whether the Knapp-Hartung interval of each analysis takes the safeguard, as in `safeguarded`."""
        df = self.k - self.beta.shape[1]
        if ci_method != "knapp-hartung":
            return np.zeros(df.size, dtype=bool)
        return (df > 0) & (1.0 - chi2_tail(self.residual, np.maximum(df, 1.0)) < _TOO_ALIKE)

    def safe_s2w(self, ci_method: str) -> FloatArray:
        """Return `s2w`, not below one where the analysis takes the safeguard."""
        factor = self.s2w(ci_method)
        return np.where(self.too_alike(ci_method), np.maximum(factor, 1.0), factor)

    def rows(self) -> list[dict[str, Any]]:
        """One row an analysis."""
        return [
            {
                "k": float(self.k[i]),
                "mu": float(self.mu[i]),
                "se": float(self.se[i, 0]),
                "tau2": float(self.tau2[i]),
                "q": float(self.q[i]),
                "i2": float(self.i2[i]),
            }
            for i in range(self.tau2.size)
        ]


def fit_iv(
    yi: FloatArray,
    vi: FloatArray,
    *,
    design: FloatArray | None = None,
    weights: FloatArray | None = None,
    tau2_method: str | None = None,
    ci_method: str = "wald",
    level: float = 0.95,
    names: tuple[str, ...] | None = None,
    tau2: float | None = None,
) -> IvFit:
    """Fit one inverse-variance model.

    Parameters
    ----------
    yi, vi
        Estimates and sampling variances.
    design
        Design matrix (k, p), intercept included if wanted; None for the intercept alone.
    weights
        Multiplicities of the studies (0 leaves out, 2 counts twice).
    tau2_method
        See `analysis.synthesis.tau2.TAU2_METHODS`; ``"reml"`` by default. Not with a fixed `tau2`.
    ci_method
        ``"wald"``, ``"t"``, ``"knapp-hartung"`` or ``"knapp-hartung-adhoc"``.
    level
        Level of the intervals.
    names
        Names of the coefficients.
    tau2
        A fixed between-study variance instead of an estimate.

    Examples
    --------
    >>> fit = fit_iv(np.array([0.0, 1.0, 3.0]), np.array([0.2, 0.3, 0.4]), tau2_method="dl")
    >>> round(float(fit.beta[0]), 6), round(fit.q, 6)
    (1.287617, 15.0)
    """
    level = check_level(level)
    y, v = check_effects(yi, vi)
    check_choice(ci_method, CI_METHODS, "ci_method", "interval method")
    if tau2 is not None:
        check_unused(tau2_method, "tau2_method", "tau2 is given and is not estimated")
        tau2 = check_number(tau2, "tau2", low=0.0)
    tau2_method = tau2_method or "reml"
    check_choice(tau2_method, TAU2_METHODS, "tau2_method", "tau2 method")
    design = None if design is None else check_design(design, y.size)
    if design is None and weights is None:
        t, converged, steps = (
            tau2_one(y, v, tau2_method) if tau2 is None else (float(tau2), True, 0)
        )
        mu, total, residual = pooled_single(y, v, t)
        beta, cov, k = np.array([mu]), np.array([[1.0 / total]]), y.size
        row, p = None, 1
    else:
        counts = None if weights is None else check_weights(weights, y.size)[None, :]
        problem = Problem(y, v, counts, design)
        if tau2 is None:
            found = estimate_tau2(problem, tau2_method)
            t, converged, steps = float(found.tau2[0]), bool(found.converged[0]), found.steps
        else:
            t, converged, steps = float(tau2), True, 0
        s = problem.sums(np.array([t]), 1)
        p = problem.p
        cov = np.linalg.inv(s.cross[0]) if p > 1 else 1.0 / s.cross[0]
        beta, residual, k = s.beta[0], float(s.ypy[0]), round(float(problem.k[0]))
        row = None if counts is None else counts[0]
    if names is not None:
        names = check_names(names, p)
    else:
        names = ("mu",) if design is None else tuple(f"x{j}" for j in range(p))
    return IvFit(
        y,
        v,
        row,
        design,
        names,
        beta,
        cov,
        t,
        residual,
        k,
        tau2_method,
        ci_method,
        level,
        converged,
        steps,
    )


def safeguarded(fit: IvFit) -> tuple[IvFit, str]:
    """Return a fit whose Knapp-Hartung interval has a width, and a note where that took the safeguard.

    The factor of Knapp and Hartung is ``Q / (k - p)``, so that estimates which are equal, or nearly,
    give an interval of no width. It is kept as defined unless Q, at the tau2 of the fit, is below the
    quantile of 1 % of its distribution without heterogeneity; then it is not let below one.

    Examples
    --------
    >>> fit = fit_iv(np.array([0.5, 0.5, 0.5]), np.array([0.2, 0.3, 0.4]), ci_method="knapp-hartung")
    >>> safe, note = safeguarded(fit)
    >>> fit.s2w, safe.s2w, safe.ci_method
    (0.0, 1.0, 'knapp-hartung-adhoc')
    """
    fit = check_fit(fit, IvFit)
    if fit.ci_method != "knapp-hartung" or fit.k == 1 or fit.k <= fit.p:
        return fit, ""
    if 1.0 - float(chi2_tail(fit.residual, fit.k - fit.p)) >= _TOO_ALIKE:
        return fit, ""
    return replace(fit, ci_method="knapp-hartung-adhoc"), SAFEGUARDED


def fit_iv_many(
    yi: FloatArray,
    vi: FloatArray,
    *,
    design: FloatArray | None = None,
    weights: FloatArray | None = None,
    tau2_method: str | None = None,
    tau2: FloatArray | None = None,
) -> IvFits:
    """Fit B inverse-variance models at once.

    Parameters
    ----------
    yi, vi
        (k,) shared by all analyses, or (B, k).
    design
        (k, p) or (B, k, p); None for the intercept alone.
    weights
        Multiplicities (B, k).
    tau2_method
        As for `fit_iv`.
    tau2
        Fixed values (B,) instead of estimates.
    """
    y, v = check_effects(yi, vi, ndim=(1, 2))
    if tau2 is not None:
        check_unused(tau2_method, "tau2_method", "tau2 is given and is not estimated")
        tau2 = check_numbers(tau2, "tau2")
        if (tau2 < 0).any():
            raise ValueError(f"tau2 is {tau2.min()}, expected 0 or more")
    tau2_method = tau2_method or "reml"
    check_choice(tau2_method, TAU2_METHODS, "tau2_method", "tau2 method")
    k = y.shape[-1]
    counts = None if weights is None else np.atleast_2d(check_weights(weights, k, many=True))
    design = None if design is None else check_design(design, k, many=True)
    whole = Problem(y, v, counts, design)
    if tau2 is not None and tau2.size != whole.size:
        raise ValueError(f"tau2 holds {tau2.size} values for {whole.size} analyses")
    size, p = whole.size, whole.p
    chunk = max(1, _CHUNK_CELLS // (y.shape[-1] * p))
    beta, cov = np.empty((size, p)), np.empty((size, p, p))
    tau, q, residual = np.empty(size), np.empty(size), np.empty(size)
    trace, converged = np.empty(size), np.empty(size, dtype=bool)
    for first in range(0, size, chunk):
        rows = np.arange(first, min(first + chunk, size))
        part = whole.take(rows) if size > chunk else whole
        if tau2 is None:
            t, converged[rows], _ = estimate_tau2(part, tau2_method)
        else:
            t, converged[rows] = np.asarray(tau2, dtype=float)[rows], True
        at_zero, s = part.sums(np.zeros(rows.size), 2), part.sums(t, 1)
        tau[rows], beta[rows], residual[rows] = t, s.beta, s.ypy
        cov[rows] = 1.0 / s.cross if p == 1 else np.linalg.inv(s.cross)
        q[rows], trace[rows] = at_zero.ypy, at_zero.trace_p
    df = whole.k - p
    with np.errstate(divide="ignore", invalid="ignore"):
        typical = df / trace
        if tau2_method == "ee":
            i2, h2 = np.where(q > 0, np.maximum(0.0, (q - df) / q), 0.0), q / df
        else:
            i2, h2 = tau / (tau + typical), tau / typical + 1.0
    over = df > 0
    q, i2, h2 = np.where(over, q, 0.0), np.where(over, i2, 0.0), np.where(over, h2, 1.0)
    se = np.sqrt(np.diagonal(cov, axis1=1, axis2=2))
    return IvFits(beta, se, tau, q, i2, h2, whole.k, converged, tau2_method, residual, cov)
