"""Trim and fill: how many studies a lopsided funnel would lack, and the estimate with them filled in.

References
----------
.. [1] Duval S, Tweedie R. A nonparametric "trim and fill" method of accounting for publication bias in
   meta-analysis. J Am Stat Assoc 2000.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from analysis.results import Result
from analysis.synthesis.checks import check_choice, check_effects, check_level
from analysis.synthesis.inverse_variance import CI_METHODS, IvFit, fit_iv
from analysis.synthesis.tau2 import TAU2_METHODS
from analysis.synthesis.types import FloatArray

__all__ = ["TrimFill", "trim_and_fill"]

_LIMIT = 100


@dataclass(frozen=True, slots=True)
class TrimFill(Result):
    """Number of studies filled in, on which side, and the fit with them.

    `filled` marks the added studies in ``fit.yi``; `p_k0` is the p-value of no missing study for the
    estimator R0, nan for the others.
    """

    k0: int
    se_k0: float
    p_k0: float
    side: str
    estimator: str
    fit: IvFit
    filled: np.ndarray

    def rows(self) -> list[dict[str, Any]]:
        """One row."""
        return [
            {
                "estimator": self.estimator,
                "side": self.side,
                "k0": self.k0,
                "se_k0": self.se_k0,
                "estimate": float(self.fit.beta[0]),
                "ci_low": float(self.fit.ci_low[0]),
                "ci_high": float(self.fit.ci_high[0]),
                "tau2": self.fit.tau2,
            }
        ]


def trim_and_fill(
    yi: FloatArray,
    vi: FloatArray,
    *,
    estimator: Literal["L0", "R0", "Q0"] = "L0",
    side: Literal["left", "right"] | None = None,
    tau2_method: str = "reml",
    trim_method: str | None = None,
    ci_method: str = "wald",
    level: float = 0.95,
) -> TrimFill:
    """Trim the fuller side of the funnel, find the centre, and mirror what was trimmed.

    Parameters
    ----------
    yi, vi
        Estimates and sampling variances.
    estimator
        Of the number of missing studies.
    side
        Where studies are thought missing; by default the side that a regression on the standard error
        points to (right for a negative slope).
    tau2_method
        Of the last fit, and of those inside unless `trim_method` says otherwise.
    trim_method
        Of the fits that find the centre: None as metafor, ``"ee"`` as meta.
    ci_method, level
        Of the last fit.
    """
    level = check_level(level)
    y0, v0 = check_effects(yi, vi)
    check_choice(estimator, ("L0", "R0", "Q0"), "estimator")
    if side is not None:
        check_choice(side, ("left", "right"), "side")
    check_choice(tau2_method, TAU2_METHODS, "tau2_method", "tau2 method")
    check_choice(trim_method or tau2_method, TAU2_METHODS, "trim_method", "tau2 method")
    check_choice(ci_method, CI_METHODS, "ci_method", "interval method")
    k = y0.size
    if k < 2:
        raise ValueError("trim and fill needs at least two studies")
    inside = trim_method or tau2_method
    where = side or _side(y0, v0, inside)
    sign = -1.0 if where == "right" else 1.0
    order = np.argsort(sign * y0, kind="stable")
    y, v = sign * y0[order], v0[order]
    k0, error, centre = 0, 0.0, 0.0
    for _ in range(_LIMIT):
        before = k0
        if k - k0 < 1:
            raise ValueError("trim and fill would trim every study")
        centre = float(fit_iv(y[: k - k0], v[: k - k0], tau2_method=inside).beta[0])
        centred = y - centre
        # Equal estimates differ from their mean by rounding, which has no side.
        centred[np.abs(centred) < 1e-14 * (1.0 + abs(centre))] = 0.0
        k0, error = _missing(centred, estimator)
        if k0 == before:
            break
    else:
        raise ValueError(f"trim and fill did not settle in {_LIMIT} rounds")
    p = math.nan
    if estimator == "R0":
        p = 1.0 - sum(0.5 ** (m + 2) for m in range(-1, k0))
    if k0:
        y_all = np.concatenate([y0, sign * (2.0 * centre - y[k - k0 :])])
        v_all = np.concatenate([v0, v[k - k0 :]])
    else:
        y_all, v_all = y0, v0
    fit = fit_iv(y_all, v_all, tau2_method=tau2_method, ci_method=ci_method, level=level)
    return TrimFill(k0, error, p, where, estimator, fit, np.arange(k + k0) >= k)


def _side(y: FloatArray, v: FloatArray, tau2_method: str) -> str:
    design = np.column_stack([np.ones(y.size), np.sqrt(v)])
    if np.linalg.matrix_rank(design) < 2:
        # Equal precision points to no side.
        return "left"
    slope = fit_iv(y, v, design=design, tau2_method=tau2_method).beta[1]
    return "right" if slope < 0 else "left"


def _missing(centred: FloatArray, estimator: str) -> tuple[int, float]:
    """Estimate the number of missing studies and its standard error from signed ranks."""
    k = centred.size
    rank = np.empty(k)
    rank[np.argsort(np.abs(centred), kind="stable")] = np.arange(1, k + 1)
    signed = np.sign(centred) * rank
    if estimator == "R0":
        negative = -signed[signed < 0]
        raw = k - float(negative.max(initial=0.0)) - 1.0
        return max(0, round(raw)), math.sqrt(2.0 * max(0.0, raw) + 2.0)
    positive = float(signed[signed > 0].sum())
    if estimator == "L0":
        raw = (4.0 * positive - k * (k + 1)) / (2 * k - 1)
        scale = 4.0 / (2 * k - 1)
    else:
        inner = 2.0 * k * k - 4.0 * positive + 0.25
        if inner < 0:
            raise ValueError("the estimator Q0 has no value for these ranks")
        raw = k - 0.5 - math.sqrt(inner)
        below = (k - 0.5) ** 2 - raw * (2 * k - raw - 1)
        scale = 2.0 / math.sqrt(below) if below > 0 else math.nan
    variance = (
        k * (k + 1) * (2 * k + 1)
        + 10 * raw**3
        + 27 * raw**2
        + 17 * raw
        - 18 * k * raw**2
        - 18 * k * raw
        + 6 * k**2 * raw
    ) / 24.0
    error = scale * math.sqrt(variance) if variance >= 0 else math.nan
    return max(0, round(raw)), error
