r"""Three-level model: arms within studies, on the logit scale by inverse variance.

.. math:: y_{ij} = \mu + a_i + b_{ij} + e_{ij}, \quad a_i \sim N(0, \sigma^2_{study}),\;
          b_{ij} \sim N(0, \sigma^2_{arm}),\; e_{ij} \sim N(0, v_{ij}).

This is the model of metafor's ``rma.mv(yi, vi, random = ~ 1 | study/arm)``.  It works on empirical
logits with normal errors, not on the counts, so with sparse arms it shares the flaws of the two-step
method (0.5 is added where an arm has no events or no non-events); it answers whether arms of one study
resemble each other, not what the rate is when events are rare.

References
----------
Konstantopoulos S (2011), Research Synthesis Methods 2:61-76.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.results import Result
from analysis.synthesis._glmm_input import check_counts
from analysis.synthesis.checks import check_choice, check_effects, check_level, check_names
from analysis.synthesis.special import normal_quantile, t_quantile
from analysis.synthesis.types import FloatArray, Interval

__all__ = ["ThreeLevelFit", "fit_three_level", "fit_three_level_effects"]

MAX_ITERATIONS = 500
#: Relative size of a Fisher step at which the iteration ends.
TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True)
class ThreeLevelFit(Result):
    """Fit of the three-level model; `mu`, `se` and `ci_mu` are on the scale of the effects.

    `correlation` is that of true effects of two arms of one study, ``sigma2_study / (sigma2_study +
    sigma2_arm)``; it is ``nan`` where both variances are zero.  The interval is Wald's, with Student's t
    on (number of arms - 1) degrees of freedom when `test` is ``"t"``.
    """

    effects: FloatArray
    variances: FloatArray
    study: tuple[str, ...]
    method: str
    mu: float
    se: float
    ci_mu: Interval
    sigma2_study: float
    sigma2_arm: float
    correlation: float
    log_likelihood: float
    converged: bool
    notes: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return the fit as one row."""
        names = ("mu", "se", "sigma2_study", "sigma2_arm", "correlation", "log_likelihood")
        row = {name: getattr(self, name) for name in names}
        return [{**row, "arms": len(self.study), "studies": len(set(self.study))}]


def fit_three_level(
    events: npt.ArrayLike,
    total: npt.ArrayLike,
    study: Sequence[object],
    *,
    method: str = "reml",
    test: str = "z",
    level: float = 0.95,
) -> ThreeLevelFit:
    """Fit the three-level model to the empirical logits of arms.

    Parameters
    ----------
    events, total
        Counts of every arm.
    study
        Study of every arm.
    method
        ``"reml"`` or ``"ml"``.
    test
        ``"z"`` or ``"t"``.
    level
        Confidence level.

    Examples
    --------
    >>> fit = fit_three_level([3, 9, 4, 12], [20, 22, 25, 21], ["a", "a", "b", "c"])
    >>> fit.sigma2_study >= 0
    True
    """
    level = check_level(level)
    x, n = check_counts(events, total)
    add = np.where((x == 0) | (x == n), 0.5, 0.0)
    a, b = x + add, n - x + add
    return fit_three_level_effects(np.log(a / b), 1 / a + 1 / b, study, method=method, test=test, level=level)


def fit_three_level_effects(
    effects: npt.ArrayLike,
    variances: npt.ArrayLike,
    study: Sequence[object],
    *,
    method: str = "reml",
    test: str = "z",
    level: float = 0.95,
) -> ThreeLevelFit:
    """Fit the three-level model to given effects and sampling variances.

    Examples
    --------
    >>> fit = fit_three_level_effects([0.1, 0.4, 0.2], [0.02, 0.03, 0.02], ["a", "a", "b"])
    >>> fit.converged
    True
    """
    level = check_level(level)
    y, v = check_effects(effects, variances, names=("effects", "variances"))
    names = check_names(study, y.size, "study", "effects")
    if y.size < 2:
        raise ValueError("effects, variances and study need two entries at least")
    check_choice(method, ("reml", "ml"), "method")
    check_choice(test, ("z", "t"), "test")
    if method not in ("reml", "ml"):
        raise ValueError(f"method must be 'reml' or 'ml', not {method!r}")
    if test not in ("z", "t"):
        raise ValueError(f"test must be 'z' or 't', not {test!r}")
    notes = []
    group = np.unique(names, return_inverse=True)[1]
    same = (group[:, None] == group[None, :]).astype(float)
    if (same.sum(1) == 1).all():
        notes.append("every study has one arm, so the two variances cannot be told apart")
    elif same.all():
        notes.append("all arms are of one study, so its variance cannot be estimated")
    model = _Model(y, v, same, method == "reml")
    sigma2, converged = model.maximise(identified=not notes)
    value, mu, spread, _, _ = model.at(sigma2)
    se = float(np.sqrt(spread))
    factor = normal_quantile(level) if test == "z" else t_quantile(level, y.size - 1)
    both = float(sigma2.sum())
    return ThreeLevelFit(
        effects=y,
        variances=v,
        study=names,
        method=method,
        mu=mu,
        se=se,
        ci_mu=Interval(mu - factor * se, mu + factor * se, level, f"wald-{test}"),
        sigma2_study=float(sigma2[0]),
        sigma2_arm=float(sigma2[1]),
        correlation=float(sigma2[0]) / both if both > 0 and not notes else float("nan"),
        log_likelihood=value,
        converged=converged,
        notes=tuple(notes),
    )


class _Model:
    """Likelihood of the two variances, with score and Fisher information."""

    def __init__(self, y: FloatArray, v: FloatArray, same: FloatArray, restricted: bool) -> None:
        self.y, self.v, self.restricted = y, v, restricted
        self.parts = (same, np.eye(y.size))

    def at(self, sigma2: FloatArray) -> tuple[float, float, float, FloatArray, FloatArray]:
        """Return log-likelihood, mu, its variance, score and information."""
        cov = np.diag(self.v) + sigma2[0] * self.parts[0] + sigma2[1] * self.parts[1]
        inverse = np.linalg.inv(cov)
        ones = inverse.sum(0)
        information_mu = float(ones.sum())
        mu = float(ones @ self.y) / information_mu
        project = inverse - np.outer(ones, ones) / information_mu
        py = project @ self.y
        k = self.y.size - (1 if self.restricted else 0)
        value = -0.5 * (k * np.log(2 * np.pi) + np.linalg.slogdet(cov)[1] + float(self.y @ py))
        left = inverse
        if self.restricted:
            left = project
            # the constant that metafor includes: log of the number of arms
            value += 0.5 * (np.log(self.y.size) - np.log(information_mu))
        products = [left @ z for z in self.parts]
        score = np.array(
            [
                0.5 * (float(py @ z @ py) - float(np.trace(m)))
                for z, m in zip(self.parts, products, strict=True)
            ]
        )
        information = 0.5 * np.array([[(a * b.T).sum() for b in products] for a in products])
        return float(value), mu, 1 / information_mu, score, information

    def maximise(self, *, identified: bool) -> tuple[FloatArray, bool]:
        """Climb by Fisher scoring with variances held at zero where the score points below it."""
        spread = max(float(np.var(self.y)) - float(self.v.mean()), 0.1 * float(self.v.mean()))
        best, best_value, done = np.zeros(2), -np.inf, False
        starts = ((0.5, 0.5), (0.9, 0.1), (0.1, 0.9)) if identified else ((0.0, 1.0),)
        for share in starts:
            sigma2, converged = self._climb(spread * np.array(share), identified)
            value = self.at(sigma2)[0]
            if value > best_value + 1e-12:
                best, best_value, done = sigma2, value, converged
        return best, done

    def _climb(self, sigma2: FloatArray, identified: bool) -> tuple[FloatArray, bool]:
        for _ in range(MAX_ITERATIONS):
            value, _, _, score, information = self.at(sigma2)
            free = (sigma2 > 0) | (score > 0)
            free &= np.array([identified, True])
            step = np.zeros(2)
            for _ in range(2):
                if free.any():
                    step = np.zeros(2)
                    step[free] = np.linalg.solve(information[np.ix_(free, free)], score[free])
                # a step out of the corner: hold that variance and solve for the other alone
                stuck = free & (sigma2 == 0) & (step < 0)
                if not stuck.any():
                    break
                free &= ~stuck
            scale = sigma2.sum() + float(self.v.mean())
            if not free.any() or np.abs(step[free]).max() < TOLERANCE * scale:
                return sigma2, True
            for _ in range(60):
                trial = np.maximum(sigma2 + step, 0.0)
                if self.at(trial)[0] >= value - 1e-14 * (1 + abs(value)):
                    break
                step = 0.5 * step
            if np.array_equal(trial, sigma2):
                return sigma2, True
            sigma2 = trial
        return sigma2, False
