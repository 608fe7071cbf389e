r"""Kenward-Roger interval and prediction interval of an inverse-variance fit by REML.

With few studies the variance between them is uncertain, and the standard error is too small by that.
With ``w = 1 / (v + tau2)``, ``s_j = sum(w^j)`` and the expected information of tau2

.. math:: I = \frac{s_2}{2} - \frac{s_3}{s_1} + \frac{s_2^2}{2 s_1^2},

the adjusted variance is ``(1 + 2 (s_3 / s_1 - (s_2 / s_1)^2) / I) / s_1``. The degrees of freedom of the t
interval are ``2 I`` over the square of that variance times ``s_2``, as in the second reference and in meta.
With equal variances within studies the two are the usual ones.

References
----------
.. [1] Kenward MG, Roger JH. Small sample inference for fixed effects from restricted maximum likelihood.
   Biometrics 1997.
.. [2] Partlett C, Riley RD. Random effects meta-analysis: coverage performance of 95% confidence and
   prediction intervals following REML estimation. Stat Med 2017.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.results import Result
from analysis.synthesis.checks import check_fit
from analysis.synthesis.inverse_variance import IvFit
from analysis.synthesis.special import t_quantile, t_two_sided
from analysis.synthesis.types import Interval

__all__ = ["KenwardRoger", "kenward_roger"]


@dataclass(frozen=True, slots=True)
class KenwardRoger(Result):
    """Estimate with the adjusted error, its t interval, and the interval of a new study's true effect."""

    estimate: float
    se: float
    df: float
    statistic: float
    p_value: float
    ci: Interval
    prediction: Interval
    tau2: float
    k: int

    def rows(self) -> list[dict[str, Any]]:
        """One row."""
        kept = ("estimate", "se", "df", "statistic", "p_value", "tau2", "k")
        ends = {"ci_low": self.ci.low, "ci_high": self.ci.high}
        ends |= {"prediction_low": self.prediction.low, "prediction_high": self.prediction.high}
        return [{name: getattr(self, name) for name in kept} | ends]


def kenward_roger(fit: IvFit) -> KenwardRoger:
    """Return the Kenward-Roger intervals of a fit by REML without moderators, at the fit's level.

    Examples
    --------
    >>> from analysis.synthesis.inverse_variance import fit_iv
    >>> found = kenward_roger(fit_iv([0.0, 1.0, 3.0], [0.5, 0.5, 0.5], tau2_method="reml"))
    >>> round(found.df, 9)
    2.0
    """
    fit = check_fit(fit, IvFit)
    if fit.tau2_method != "reml" or fit.design is not None or fit.weights is not None:
        raise ValueError("Kenward-Roger needs a fit by REML without moderators and weights")
    if fit.k < 2:
        raise ValueError("Kenward-Roger needs at least two studies")
    w = 1.0 / (fit.vi + fit.tau2)
    w = w / (scale := float(w.max()))
    one, two, three = (float(np.sum(w**j)) for j in (1, 2, 3))
    information = 0.5 * two - three / one + 0.5 * (two / one) ** 2
    factor = 1.0 + 2.0 * (three / one - (two / one) ** 2) / information
    df = 2.0 * information / (factor * two / one) ** 2
    variance = factor / (one * scale)
    estimate, se = float(fit.beta[0]), math.sqrt(variance)
    q = float(t_quantile(fit.level, df))
    ends, wide = q * se, q * math.sqrt(variance + fit.tau2)
    return KenwardRoger(
        estimate=estimate,
        se=se,
        df=df,
        statistic=estimate / se,
        p_value=float(t_two_sided(estimate / se, df)),
        ci=Interval(estimate - ends, estimate + ends, fit.level, "kenward-roger"),
        prediction=Interval(estimate - wide, estimate + wide, fit.level, "kenward-roger"),
        tau2=fit.tau2,
        k=fit.k,
    )
