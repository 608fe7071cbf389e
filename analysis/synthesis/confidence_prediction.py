r"""Prediction interval from the confidence distribution of tau2 (Nagashima, Noma and Furukawa).

Usual prediction intervals take tau2 as known, which is too narrow with few studies. Here tau2 is drawn
from its confidence distribution, in which the probability of values below ``t`` is the chance that
Cochran's Q is beyond the observed one when tau2 is ``t``; Q is a weighted sum of chi-square variates, and
that chance is exact. With each draw goes a mean with Hartung's standard error:

.. math:: \theta = \hat\mu(\tau^2) + z\,\tau + t_{k-1}\, se_H(\tau^2),

and the interval runs between quantiles of the draws; so does the interval of the mean, without ``z tau``.

References
----------
.. [1] Nagashima K, Noma H, Furukawa TA. Prediction intervals for random-effects meta-analysis: a confidence
   distribution approach. Stat Methods Med Res 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.results import Result
from analysis.synthesis.checks import check_effects, check_level, check_whole
from analysis.synthesis.generalised_q import weighted_chi2_tail
from analysis.synthesis.inverse_variance import fit_iv
from analysis.synthesis.types import FloatArray, Interval, Numbers

__all__ = ["ConfidencePrediction", "confidence_prediction", "tau2_confidence_distribution"]

#: Points at which the confidence distribution is worked out; between them it is interpolated.
_POINTS = 240


@dataclass(frozen=True, slots=True)
class ConfidencePrediction(Result):
    """Bootstrap intervals on the analysis scale, and the draws of tau2 behind them."""

    estimate: float
    tau2: float
    ci: Interval
    prediction: Interval
    draws: int
    seed: int
    tau2_draws: FloatArray

    def rows(self) -> list[dict[str, Any]]:
        """One row an interval."""
        return [
            {"interval": name, "low": i.low, "high": i.high, "level": i.level, "note": i.note}
            for name, i in (("mu", self.ci), ("prediction", self.prediction))
        ]


def confidence_prediction(
    yi: Numbers, vi: Numbers, *, draws: int = 25_000, seed: int = 0, level: float = 0.95
) -> ConfidencePrediction:
    """Return the prediction interval from the confidence distribution of tau2.

    Parameters
    ----------
    yi, vi
        Estimates and sampling variances of at least two studies.
    draws, seed
        Number of draws and seed of the random stream.
    level
        Level of the intervals.

    Examples
    --------
    >>> found = confidence_prediction([0.1, 0.5, 0.9, 0.2], [0.04, 0.05, 0.03, 0.06], draws=1000)
    >>> found.prediction.low < found.ci.low < found.estimate < found.ci.high < found.prediction.high
    True
    """
    level = check_level(level)
    draws, seed = check_whole(draws, "draws", low=100), check_whole(seed, "seed")
    if draws < 100:
        raise ValueError("draws must be at least 100")
    y, v = check_effects(yi, vi)
    fit = fit_iv(y, v, tau2_method="dl")
    if fit.k < 2:
        raise ValueError("a prediction interval needs at least two studies")
    rng = np.random.default_rng(seed)
    grid, below = tau2_confidence_distribution(y, v)
    share = rng.random(draws)
    tau2 = np.where(share <= below[0], 0.0, np.interp(share, below, grid))
    weight = 1.0 / (v + tau2[:, None])
    total = weight.sum(axis=1)
    mean = weight @ y / total
    spread = (weight * (y - mean[:, None]) ** 2).sum(axis=1) / ((y.size - 1) * total)
    middle = mean + rng.standard_t(y.size - 1, draws) * np.sqrt(spread)
    new = middle + rng.standard_normal(draws) * np.sqrt(tau2)
    note = f"{draws} draws, seed {seed}"

    def central(values: FloatArray, method: str) -> Interval:
        low, high = np.quantile(values, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
        return Interval(float(low), float(high), level, method, note)

    return ConfidencePrediction(
        estimate=float(fit.beta[0]),
        tau2=fit.tau2,
        ci=central(middle, "confidence distribution"),
        prediction=central(new, "confidence distribution (NNF)"),
        draws=draws,
        seed=seed,
        tau2_draws=tau2,
    )


def tau2_confidence_distribution(yi: Numbers, vi: Numbers) -> tuple[FloatArray, FloatArray]:
    """Return values of tau2 from zero upwards and the confidence that tau2 is not above each.

    The first share may be above zero: that much confidence sits at tau2 = 0.
    """
    y, v = check_effects(yi, vi)
    w = 1.0 / v
    projection = np.diag(w) - np.outer(w, w) / w.sum()
    q = float(w @ (y - w @ y / w.sum()) ** 2)

    def tail(tau2: float) -> float:
        root = np.sqrt(v + tau2)
        values = np.linalg.eigvalsh(root[:, None] * projection * root[None, :])
        # One eigenvalue is zero by construction: the mean is estimated.
        return weighted_chi2_tail(q, np.sort(values)[1:])

    step = float(np.median(v))
    top = step
    while tail(top) < 1.0 - 1e-6 and top < 1e8 * step:
        top *= 2.0
    grid = np.append(0.0, np.geomspace(1e-4 * step, top, _POINTS))
    return grid, np.maximum.accumulate([tail(float(value)) for value in grid])
