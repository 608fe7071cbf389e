"""Prediction intervals for the true effect of a new study, and shares of true rates beyond a cut.

Four named intervals ``mu +- q sqrt(se^2 + tau2)``:

- ``"normal"``: normal quantile (metafor with ``test="z"``, meta's S);
- ``"t-k-1"``: t with k - 1 degrees of freedom (meta's V);
- ``"t-k-2"``: t with k - 2 degrees of freedom (Higgins, Thompson and Spiegelhalter; meta's HTS);
- ``"knapp-hartung"``: t with k - 1 degrees of freedom and the Knapp-Hartung standard error.

With p coefficients, k - 1 becomes k - p and k - 2 becomes k - p - 1.

References
----------
.. [1] Higgins JPT, Thompson SG, Spiegelhalter DJ. A re-evaluation of random-effects meta-analysis.
   J R Stat Soc A 2009.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from analysis.synthesis.checks import check_choice, check_level, check_number, check_whole
from analysis.synthesis.special import t_quantile
from analysis.synthesis.types import Interval

__all__ = ["PREDICTION_METHODS", "prediction_interval", "share_beyond"]

#: Named intervals, with what is taken off k for the degrees of freedom (None: normal).
PREDICTION_METHODS: dict[str, int | None] = {
    "normal": None,
    "t-k-1": 0,
    "t-k-2": 1,
    "knapp-hartung": 0,
}


def prediction_interval(
    mu: float,
    se: float,
    tau2: float,
    k: int,
    *,
    method: str = "t-k-2",
    level: float = 0.95,
    p: int = 1,
) -> Interval:
    """Return the prediction interval on the analysis scale.

    Parameters
    ----------
    mu, se
        Estimate and its standard error: the Knapp-Hartung one for ``"knapp-hartung"``, the Wald one
        for all others.
    tau2
        Between-study variance.
    k
        Number of studies.
    method
        One of `PREDICTION_METHODS`.
    level
        Level of the interval.
    p
        Number of coefficients.

    Examples
    --------
    >>> interval = prediction_interval(0.0, 0.3, 0.16, 10, method="normal")
    >>> round(interval.high, 6)
    0.979982
    """
    level = check_level(level)
    check_choice(method, PREDICTION_METHODS, "method", "prediction method")
    for name, value in (("mu", mu), ("se", se), ("tau2", tau2)):
        check_number(value, name, low=-math.inf if name == "mu" else 0.0)
    check_whole(k, "k", low=1)
    less = PREDICTION_METHODS[method]
    df = math.inf if less is None else float(k - p - less)
    if not df > 0:
        note = f"needs at least {p + (less or 0) + 1} studies"
        return Interval(math.nan, math.nan, level, method, note)
    half = t_quantile(level, df) * math.sqrt(se * se + tau2)
    return Interval(mu - half, mu + half, level, method)


def share_beyond(
    threshold: float, mu: float, tau2: float, *, se: float = 0.0, df: float = math.inf
) -> float:
    """Return the share of true effects above a threshold, all on the analysis scale.

    With ``se = 0`` it is the share under the fitted normal distribution of true effects. With the
    standard error of mu, and degrees of freedom if wanted, it is the predictive probability that the
    true effect of a new study lies above. When nothing varies it is 0, 1, or 0.5 at the threshold.

    Examples
    --------
    >>> round(share_beyond(0.0, 0.5, 0.25), 6)
    0.841345
    """
    check_number(threshold, "threshold"), check_number(mu, "mu")
    tau2, se = check_number(tau2, "tau2", low=0.0), check_number(se, "se", low=0.0)
    if not df > 0:
        raise ValueError(f"df is {df!r}, expected a number above 0")
    spread = math.sqrt(tau2 + se * se)
    distance = mu - threshold
    if spread == 0.0:
        return 0.5 if distance == 0 else float(distance > 0)
    z = distance / spread
    return float(special.ndtr(z)) if np.isinf(df) else float(special.stdtr(df, z))
