r"""Parametric bootstrap of the random-intercept logistic model.

Data sets are drawn from the fitted model with the studies' own totals and refitted in one batch.  The
prediction interval rests on the pivot

.. math:: T = (\theta_{new} - \hat\mu) / \sqrt{\hat\tau^2 + se^2},

simulated with a new true logit :math:`\theta_{new} \sim N(\mu, \tau^2)` beside each data set; its
quantiles replace those of Student's t, so that the uncertainty of tau enters.  The confidence interval
of mu uses :math:`(\hat\mu - \mu) / se` in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.results import Result
from analysis.synthesis.checks import check_level, check_whole
from analysis.synthesis.glmm import GlmmFit, fit_glmm
from analysis.synthesis.glmm_many import fit_glmm_many
from analysis.synthesis.glmm_results import GlmmFits
from analysis.synthesis.types import FloatArray, Interval

__all__ = ["Bootstrap", "bootstrap"]


@dataclass(frozen=True, slots=True)
class Bootstrap(Result):
    """Bootstrap intervals on the logit scale, with the refits behind them.

    `failed` counts draws without a finite maximum (no events, or events only); they enter the
    quantiles as infinitely far out, so they can widen an interval and never narrow it.
    """

    fit: GlmmFit
    draws: int
    seed: int
    ci_mu: Interval
    prediction_mu: Interval
    ci_tau2: Interval
    failed: int
    fits: GlmmFits

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per interval."""
        named = {"mu": self.ci_mu, "prediction": self.prediction_mu, "tau2": self.ci_tau2}
        return [
            {"interval": name, "low": i.low, "high": i.high, "level": i.level, "note": i.note}
            for name, i in named.items()
        ]


def bootstrap(
    events: npt.ArrayLike,
    total: npt.ArrayLike,
    *,
    draws: int = 10_000,
    seed: int = 0,
    level: float = 0.95,
    progress: bool = False,
) -> Bootstrap:
    """Draw from the fitted model, refit, and return bootstrap intervals.

    The interval of tau2 is the plain percentile one, which inherits the downward bias of maximum
    likelihood; the profile interval is the better choice for it.

    Examples
    --------
    >>> result = bootstrap([3, 9, 4, 12], [20, 22, 25, 21], draws=200, seed=1)
    >>> result.prediction_mu.low < result.ci_mu.low < result.ci_mu.high
    True
    """
    level = check_level(level)
    draws, seed = check_whole(draws, "draws", low=2), check_whole(seed, "seed")
    if draws < 2:
        raise ValueError("draws must be at least 2")
    fit = fit_glmm(events, total)
    if not fit.converged:
        raise ValueError("the model has no finite maximum: " + "; ".join(fit.notes))
    rng = np.random.default_rng(seed)
    theta = fit.mu + fit.tau * rng.standard_normal((draws, fit.total.size))
    counts = rng.binomial(fit.total.astype(int), 1 / (1 + np.exp(-theta))).astype(float)
    new = fit.mu + fit.tau * rng.standard_normal(draws)
    fits = fit_glmm_many(counts, fit.total, progress=progress)
    mu, se, tau2 = fits.mu, fits.se, np.where(np.isnan(fits.tau2), np.inf, fits.tau2)
    lost = ~(np.isfinite(mu) & np.isfinite(se) & np.isfinite(tau2))
    safe = np.where(lost, 1.0, se)
    spread = np.sqrt(np.where(lost, 0.0, tau2) + safe**2)
    # a lost draw counts once on each side: half of them at either end
    ends = np.where(np.cumsum(lost) % 2 == 0, np.inf, -np.inf)
    pivot_new = np.where(lost, ends, (new - np.where(lost, 0.0, mu)) / spread)
    pivot_mu = np.where(lost, ends, (np.where(lost, 0.0, mu) - fit.mu) / safe)
    low_new, high_new = _central(pivot_new, level)
    low_mu, high_mu = _central(pivot_mu, level)
    scale = float(np.hypot(fit.tau, fit.se[0]))
    note = f"{draws} draws, seed {seed}"
    if lost.any():
        note += f"; {int(lost.sum())} without a finite maximum"
    low_t, high_t = _central(tau2, level)
    return Bootstrap(
        fit=fit,
        draws=draws,
        seed=seed,
        ci_mu=Interval(
            fit.mu - high_mu * float(fit.se[0]),
            fit.mu - low_mu * float(fit.se[0]),
            level,
            "bootstrap-t",
            note,
        ),
        prediction_mu=Interval(fit.mu + low_new * scale, fit.mu + high_new * scale, level, "bootstrap", note),
        ci_tau2=Interval(low_t, high_t, level, "bootstrap percentile", note),
        failed=int(lost.sum()),
        fits=fits,
    )


def _central(values: FloatArray, level: float) -> tuple[float, float]:
    """Return the outer order statistics of the central `level`; infinities sort as numbers do."""
    ordered = np.sort(values)
    tail = 0.5 * (1 - level) * (ordered.size - 1)
    low, high = int(np.floor(tail)), ordered.size - 1 - int(np.floor(tail))
    return float(ordered[low]), float(ordered[high])
