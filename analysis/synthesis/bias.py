"""Small-study tests: regression on a measure of precision, and rank correlation.

The regression test fits ``y = b0 + b1 x`` with x the standard error, the variance, the sample size or a
function of it, either as a meta-regression (``model="rma"``) or as weighted least squares with a free
scale (``model="lm"``; with ``"sei"`` this is Egger's test). For a single proportion the estimate and its
standard error are tied, so the sample-size predictors are the ones to use: `size_test` regresses the
logits on one over the patients, with the weights of Peters or with the patients as weights.

References
----------
.. [1] Egger M et al. Bias in meta-analysis detected by a simple, graphical test. BMJ 1997.
.. [2] Begg CB, Mazumdar M. Operating characteristics of a rank correlation test for publication bias.
   Biometrics 1994.
.. [3] Harbord RM et al. A modified test for small-study effects in meta-analyses of controlled trials
   with binary endpoints. Stat Med 2006.
.. [4] Peters JL et al. Comparison of two methods to detect publication bias in meta-analysis. JAMA 2006.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import special

from analysis.results import Result
from analysis.synthesis.counts import check_counts
from analysis.synthesis.inverse_variance import fit_iv
from analysis.synthesis.scales import effects
from analysis.synthesis.special import t_quantile, t_two_sided
from analysis.synthesis.two_by_two import check_tables, two_arm_effects
from analysis.synthesis.types import FloatArray, Numbers

__all__ = [
    "PREDICTORS",
    "SIZE_WEIGHTS",
    "RankTest",
    "RegressionTest",
    "harbord_test",
    "peters_test",
    "rank_test",
    "regression_test",
    "size_test",
]

#: Predictors of the regression test; the first two come from the variances, the rest from the sizes.
PREDICTORS: tuple[str, ...] = ("sei", "vi", "ni", "ninv", "sqrtni", "sqrtninv")

#: Weights of `size_test`: those of Peters, and the patients of a study.
SIZE_WEIGHTS: tuple[str, ...] = ("peters", "size")

#: Predictors that go to zero for an endless study, where the intercept is then the limit.
_WITH_LIMIT = frozenset({"sei", "vi", "ninv", "sqrtninv"})


@dataclass(frozen=True, slots=True)
class RegressionTest(Result):
    """Test of a slope on precision; `df` is infinite for a normal test.

    `limit`, with its interval, is the intercept: the estimate of an endless study; nan for predictors
    that do not go to zero.
    """

    predictor: str
    model: str
    statistic: float
    df: float
    p_value: float
    coefficients: FloatArray
    se: FloatArray
    tau2: float
    limit: float
    limit_low: float
    limit_high: float
    k: int

    def rows(self) -> list[dict[str, Any]]:
        """One row."""
        return [
            {
                "predictor": self.predictor,
                "model": self.model,
                "statistic": self.statistic,
                "df": self.df,
                "p_value": self.p_value,
                "slope": float(self.coefficients[1]),
                "limit": self.limit,
                "k": self.k,
            }
        ]


@dataclass(frozen=True, slots=True)
class RankTest(Result):
    """Kendall's rank correlation between standardised estimates and variances."""

    tau: float
    p_value: float
    exact: bool
    k: int

    def rows(self) -> list[dict[str, Any]]:
        """One row."""
        return [{"tau": self.tau, "p_value": self.p_value, "exact": self.exact, "k": self.k}]


def regression_test(
    yi: FloatArray,
    vi: FloatArray,
    *,
    predictor: str = "sei",
    model: Literal["rma", "lm"] = "lm",
    ni: FloatArray | None = None,
    tau2_method: str = "reml",
    ci_method: str = "wald",
    level: float = 0.95,
) -> RegressionTest:
    """Test whether estimates depend on precision.

    Parameters
    ----------
    yi, vi
        Estimates and sampling variances.
    predictor
        One of `PREDICTORS`.
    model
        ``"lm"`` or ``"rma"``.
    ni
        Sample sizes, for the predictors made of them.
    tau2_method, ci_method, level
        Of the meta-regression.
    """
    y, v = np.asarray(yi, dtype=float), np.asarray(vi, dtype=float)
    x = _predictor(predictor, v, ni)
    design = np.column_stack([np.ones(y.size), x])
    if np.linalg.matrix_rank(design) < 2:
        raise ValueError(f"the predictor {predictor!r} is the same in all studies")
    if model == "rma":
        fit = fit_iv(
            y, v, design=design, tau2_method=tau2_method, ci_method=ci_method, level=level
        )
        beta, se, tau2, df = fit.beta, fit.se, fit.tau2, fit.df
    elif model == "lm":
        if y.size < 3:
            raise ValueError("the regression test needs at least three studies")
        fit = fit_iv(y, v, design=design, tau2_method="ee", ci_method="wald", level=level)
        df, tau2 = float(y.size - 2), math.nan
        beta = fit.beta
        se = np.sqrt(fit.residual / df * np.diagonal(fit.cov_wald))
        if np.ptp(y) == 0:
            # Equal estimates lie on the line: what is left is rounding, and no test.
            beta, se = np.array([y[0], 0.0]), np.zeros(2)
    else:
        raise ValueError(f"unknown model {model!r}; known: rma, lm")
    statistic = float(beta[1] / se[1]) if se[1] > 0 else math.nan
    limit = low = high = math.nan
    if predictor in _WITH_LIMIT:
        half = t_quantile(level, df) * float(se[0])
        limit = float(beta[0])
        low, high = limit - half, limit + half
    p = float(t_two_sided(statistic, df))
    return RegressionTest(
        predictor, model, statistic, df, p, beta, se, tau2, limit, low, high, int(y.size)
    )


def harbord_test(
    events1: Numbers,
    total1: Numbers,
    events2: Numbers,
    total2: Numbers,
) -> RegressionTest:
    """Harbord's test for two-arm counts: Egger's regression on the score of the log odds ratio.

    With Z the score and V its variance, ``Z / V`` is regressed on ``1 / sqrt(V)`` with weights V.
    """
    t = check_tables(events1, total1, events2, total2)
    n, events = t.n1 + t.n2, t.a + t.c
    score = t.a - events * t.n1 / n
    v = t.n1 * t.n2 * events * (n - events) / (n * n * (n - 1.0))
    use = v > 0
    return regression_test(score[use] / v[use], 1.0 / v[use], predictor="sei", model="lm")


def peters_test(
    events1: Numbers,
    total1: Numbers,
    events2: Numbers,
    total2: Numbers,
) -> RegressionTest:
    """Peters' test for two-arm counts: log odds ratios on 1 / n.

    The weights ``1 / (1 / events + 1 / non-events)`` of both arms together do not depend on the effect.
    Studies without events, or with events only, in both arms are left out.
    """
    study = two_arm_effects(events1, total1, events2, total2, "OR", drop00=True)
    t = study.tables
    events, n = t.a + t.c, t.n1 + t.n2
    use = study.usable & (events > 0) & (events < n)
    v = 1.0 / events[use] + 1.0 / (n - events)[use]
    return regression_test(study.yi[use], v, predictor="ninv", model="lm", ni=n[use])


def size_test(
    events: Numbers, total: Numbers, *, weights: Literal["peters", "size"] = "peters"
) -> RegressionTest:
    """Regress the logits of single proportions on 1 / n.

    Parameters
    ----------
    events, total
        Counts of each study.
    weights
        ``"peters"``: Peters' weights ``events * non-events / n``. A study without events, or with events
        only, has the weight zero: it is left out, of the degrees of freedom too. ``"size"``: the number
        of patients, which does not depend on the study's own rate; 0.5 is added to events and non-events
        of a study without events, or with events only, and every study counts.

    Examples
    --------
    >>> counts = [3, 9, 4, 12, 7], [20, 22, 25, 21, 7]
    >>> size_test(*counts).k, size_test(*counts, weights="size").k
    (4, 5)
    """
    x, n = check_counts(events, total)
    if weights not in SIZE_WEIGHTS:
        raise ValueError(f"unknown weights {weights!r}; known: {', '.join(SIZE_WEIGHTS)}")
    y, v = effects(x, n).yi, 1.0 / n
    if weights == "peters":
        use = (x > 0) & (x < n)
        x, n, y = x[use], n[use], y[use]
        v = n / (x * (n - x))
    if y.size < 3:
        raise ValueError(f"the test with the weights {weights!r} needs three studies, not {y.size}")
    return regression_test(y, v, predictor="ninv", model="lm", ni=n)


def _predictor(name: str, v: FloatArray, ni: FloatArray | None) -> FloatArray:
    if name not in PREDICTORS:
        raise ValueError(f"unknown predictor {name!r}; known: {', '.join(PREDICTORS)}")
    if name in ("sei", "vi"):
        return np.sqrt(v) if name == "sei" else v
    if ni is None:
        raise ValueError(f"the predictor {name!r} needs the sample sizes")
    n = np.asarray(ni, dtype=float)
    return {"ni": n, "ninv": 1.0 / n, "sqrtni": np.sqrt(n), "sqrtninv": 1.0 / np.sqrt(n)}[name]


def rank_test(yi: FloatArray, vi: FloatArray, *, exact: bool = True) -> RankTest:
    """Begg and Mazumdar's test: Kendall's tau of standardised estimates against variances.

    Parameters
    ----------
    yi, vi
        Estimates and sampling variances.
    exact
        Exact distribution where there are no ties; otherwise, or with ties, the normal one with the
        correction for ties.
    """
    y, v = np.asarray(yi, dtype=float), np.asarray(vi, dtype=float)
    if y.size < 2:
        raise ValueError("the rank test needs at least two studies")
    w = 1.0 / v
    # Taken from the first estimate, equal estimates give residuals of exactly zero.
    shift = y - y[0]
    standard = (shift - w @ shift / w.sum()) / np.sqrt(v - 1.0 / w.sum())
    return _kendall(standard, v, exact)


def _kendall(x: FloatArray, y: FloatArray, exact: bool) -> RankTest:
    n = x.size
    upper = np.triu_indices(n, 1)
    sign_x = np.sign(x[:, None] - x[None, :])[upper]
    sign_y = np.sign(y[:, None] - y[None, :])[upper]
    score = float(sign_x @ sign_y)
    pairs = n * (n - 1) / 2
    ties_x = np.unique(x, return_counts=True)[1].astype(float)
    ties_y = np.unique(y, return_counts=True)[1].astype(float)
    lost_x, lost_y = ((t * (t - 1)).sum() / 2 for t in (ties_x, ties_y))
    base = math.sqrt((pairs - lost_x) * (pairs - lost_y))
    if base == 0:
        return RankTest(math.nan, math.nan, False, n)
    tau = score / base
    if exact and lost_x == 0 and lost_y == 0:
        return RankTest(tau, _kendall_exact(score, n), True, n)
    spread = (
        n * (n - 1) * (2 * n + 5)
        - (ties_x * (ties_x - 1) * (2 * ties_x + 5)).sum()
        - (ties_y * (ties_y - 1) * (2 * ties_y + 5)).sum()
    ) / 18.0
    spread += (ties_x * (ties_x - 1)).sum() * (ties_y * (ties_y - 1)).sum() / (2 * n * (n - 1))
    if n > 2:
        triple = (ties_x * (ties_x - 1) * (ties_x - 2)).sum()
        triple *= (ties_y * (ties_y - 1) * (ties_y - 2)).sum()
        spread += triple / (9 * n * (n - 1) * (n - 2))
    p = 2.0 * float(special.ndtr(-abs(score) / math.sqrt(spread)))
    return RankTest(tau, min(1.0, p), False, n)


def _kendall_exact(score: float, n: int) -> float:
    """Two-sided p from the number of permutations with a given number of inversions."""
    shares = np.ones(1)
    for j in range(2, n + 1):
        shares = np.convolve(shares, np.full(j, 1.0 / j))
    concordant = round((score + n * (n - 1) / 2) / 2)
    lower, upper = shares[: concordant + 1].sum(), shares[concordant:].sum()
    return min(1.0, 2.0 * float(min(lower, upper)))
