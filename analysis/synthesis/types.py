"""The words of the numeric core: settings, intervals and pooled results, all frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from analysis.results import Result, to_plain

__all__ = [
    "CiMethod",
    "FloatArray",
    "Heterogeneity",
    "Interval",
    "Model",
    "Numbers",
    "Pooled",
    "PredictionMethod",
    "Rows",
    "Scale",
    "Settings",
    "Tau2Method",
]

FloatArray = npt.NDArray[np.float64]
#: What counts and moderators may come as.
Numbers = Sequence[float] | npt.NDArray[Any]
#: Positions of rows.
Rows = npt.NDArray[Any]
Model = Literal["glmm", "iv", "beta-binomial"]
Scale = Literal["logit", "log", "arcsine", "freeman-tukey", "raw"]
Tau2Method = Literal["ml", "reml", "dl", "pm", "he", "hs", "sj", "eb", "pmm", "ee"]
CiMethod = Literal["wald", "t", "knapp-hartung", "knapp-hartung-adhoc", "profile"]
PredictionMethod = Literal["normal", "t-k-1", "t-k-2", "knapp-hartung", "bootstrap"]


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval with its level and the method that made it.

    `low` and `high` are on the scale that the owner states; ``nan`` means that the method gives none,
    and `note` then says why.
    """

    low: float
    high: float
    level: float
    method: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """The choices behind a pooled result."""

    model: str
    scale: str
    tau2_method: str
    ci_method: str
    prediction_method: str
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Tests and sizes of between-study variation.

    `q` is Cochran's Q (inverse variance) or the Wald statistic of the saturated model (GLMM), named in
    `q_method`; `lrt` is the likelihood-ratio statistic of the GLMM. `i2` is a fraction, defined by
    `i2_definition`: ``"tau2/(tau2+s2)"`` (Higgins-Thompson typical variance) or ``"(Q-df)/Q"``;
    `i2_from_q` is always the second.
    """

    q: float
    q_df: int
    q_p: float
    q_method: str
    i2: float
    i2_definition: str
    i2_from_q: float
    h2: float
    lrt: float = float("nan")
    lrt_p: float = float("nan")


@dataclass(frozen=True, slots=True)
class Pooled(Result):
    """One pooled single-arm proportion with everything that made it.

    `mu`, `se`, `tau2`, `ci_mu`, `prediction_mu` and `ci_tau2` are on the analysis scale (`settings.scale`);
    `estimate`, `ci` and `prediction` are proportions. `weights` sums to one: inverse-variance weights, or
    for the GLMM each study's share of the information on mu (`weight_name` says which).
    """

    labels: tuple[str, ...]
    events: FloatArray
    total: FloatArray
    settings: Settings
    mu: float
    se: float
    ci_mu: Interval
    prediction_mu: Interval
    tau2: float
    ci_tau2: Interval
    estimate: float
    ci: Interval
    prediction: Interval
    heterogeneity: Heterogeneity
    weights: FloatArray
    weight_name: str
    log_likelihood: float
    converged: bool
    boundary: bool
    notes: tuple[str, ...]
    version: str
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def k(self) -> int:
        """Number of studies pooled."""
        return int(self.total.size)

    def per(self, number: float) -> dict[str, float]:
        """Return estimate, interval and prediction interval as rates per so many patients.

        Examples
        --------
        >>> from analysis import pool
        >>> pool([8, 12, 7], [10, 20, 14], model="iv", tau2_method="dl").per(1000)["estimate"].__round__(1)
        605.0
        """
        if not number > 0:
            raise ValueError(f"rates are per a positive number, not {number!r}")
        values = {
            "estimate": self.estimate,
            "ci_low": self.ci.low,
            "ci_high": self.ci.high,
            "prediction_low": self.prediction.low,
            "prediction_high": self.prediction.high,
        }
        return {name: number * value for name, value in values.items()}

    def rows(self) -> list[dict[str, Any]]:
        """One row: the pooled result under the names of the command line's JSON."""
        return [self.to_dict()]

    def to_dict(self) -> dict[str, Any]:
        """Return the flat object printed by ``pool --json``."""
        return to_plain(
            {
                "k": self.k,
                "events": round(float(self.events.sum())),
                "total": round(float(self.total.sum())),
                "model": self.settings.model,
                "scale": self.settings.scale,
                "tau2_method": self.settings.tau2_method,
                "ci_method": self.settings.ci_method,
                "prediction_method": self.settings.prediction_method,
                "level": self.settings.level,
                "mu": self.mu,
                "se": self.se,
                "ci_low_mu": self.ci_mu.low,
                "ci_high_mu": self.ci_mu.high,
                "estimate": self.estimate,
                "ci_low": self.ci.low,
                "ci_high": self.ci.high,
                "prediction_low": self.prediction.low,
                "prediction_high": self.prediction.high,
                "tau2": self.tau2,
                "tau2_ci_low": self.ci_tau2.low,
                "tau2_ci_high": self.ci_tau2.high,
                "tau2_ci_method": self.ci_tau2.method,
                "i2": self.heterogeneity.i2,
                "i2_definition": self.heterogeneity.i2_definition,
                "i2_from_q": self.heterogeneity.i2_from_q,
                "h2": self.heterogeneity.h2,
                "q": self.heterogeneity.q,
                "q_df": self.heterogeneity.q_df,
                "q_p": self.heterogeneity.q_p,
                "q_method": self.heterogeneity.q_method,
                "lrt": self.heterogeneity.lrt,
                "lrt_p": self.heterogeneity.lrt_p,
                "log_likelihood": self.log_likelihood,
                "converged": self.converged,
                "boundary": self.boundary,
                "notes": list(self.notes),
                "version": self.version,
            }
        )
