"""How far counts depart from one common rate, study by study."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.synthesis.counts import check_counts
from analysis.synthesis.types import FloatArray, Numbers

__all__ = ["CommonRate", "common_rate"]


@dataclass(frozen=True, slots=True)
class CommonRate:
    """The model in which all studies share one rate.

    Attributes
    ----------
    rate : float
        Its estimate: all events over all participants.
    log_likelihood : float
        With the binomial constants.
    deviance : ndarray
        Twice what each study's own rate adds to the log-likelihood; the sum is the likelihood-ratio
        statistic of heterogeneity.
    """

    rate: float
    log_likelihood: float
    deviance: FloatArray


def common_rate(events: Numbers, total: Numbers) -> CommonRate:
    """Fit one rate to all studies.

    Examples
    --------
    >>> found = common_rate([5, 0], [10, 10])
    >>> found.rate, [round(float(value), 4) for value in found.deviance]
    (0.25, [2.8768, 5.7536])
    """
    x, n = check_counts(events, total)
    rate = float(x.sum() / n.sum())
    own = x / n
    with np.errstate(divide="ignore"):
        gain = special.xlogy(x, own) + special.xlogy(n - x, 1 - own)
        gain = gain - special.xlogy(x, rate) - special.xlogy(n - x, 1 - rate)
    constant = special.gammaln(n + 1) - special.gammaln(x + 1) - special.gammaln(n - x + 1)
    height = float((constant + special.xlogy(x, rate) + special.xlogy(n - x, 1 - rate)).sum())
    return CommonRate(rate, height, 2 * gain)
