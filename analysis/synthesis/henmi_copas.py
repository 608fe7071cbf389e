"""Henmi and Copas' interval: centred on the equal-effects estimate, with random-effects uncertainty.

It is less moved by small-study effects than the usual random-effects interval, as the weights do not
shift towards the small studies.

References
----------
.. [1] Henmi M, Copas JB. Confidence intervals for random effects meta-analysis and robustness to
   publication bias. Stat Med 2010.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.results import Result
from analysis.synthesis.checks import check_effects, check_level
from analysis.synthesis.roots import bracketed_root
from analysis.synthesis.types import FloatArray

__all__ = ["HenmiCopas", "henmi_copas"]

#: Nodes of the integral over the normal variate; the integrand is smooth where it counts.
_NODES = 400

#: Beyond this many standard deviations the normal density leaves nothing to integrate.
_REACH = 9.0


@dataclass(frozen=True, slots=True)
class HenmiCopas(Result):
    """Estimate, standard error and interval, with the moment estimate of tau2 inside."""

    estimate: float
    se: float
    ci_low: float
    ci_high: float
    tau2: float
    level: float


def henmi_copas(yi: FloatArray, vi: FloatArray, *, level: float = 0.95) -> HenmiCopas:
    """Return Henmi and Copas' interval of the pooled estimate.

    Given the standardised error R of the estimate, Q is taken as gamma distributed with matched mean
    and variance; the interval solves for the quantile of the ratio of the two.

    Parameters
    ----------
    yi, vi
        Estimates and sampling variances of at least two studies.
    level
        Level of the interval.
    """
    level = check_level(level)
    y, v = check_effects(yi, vi)
    k, w = y.size, 1.0 / v
    if k < 2:
        raise ValueError("the Henmi-Copas interval needs at least two studies")
    w1 = float(w.sum())
    w2, w3, w4 = (float((w**j).sum()) / w1 for j in (2, 3, 4))
    estimate = float(w @ y) / w1
    q = float(w @ (y - estimate) ** 2)
    tau2 = max(0.0, (q - (k - 1)) / (w1 - w2))
    inflation = 1.0 + tau2 * w2
    se = math.sqrt(inflation / w1)
    spread = math.sqrt(inflation)

    def moments(r: FloatArray) -> tuple[FloatArray, FloatArray]:
        shift = r * r / inflation**2 - 1.0 / inflation
        mean = (k - 1) + tau2 * (w1 - w2) + tau2**2 * shift * (w3 - w2**2)
        variance = (
            2.0 * (k - 1)
            + 4.0 * tau2 * (w1 - w2)
            + 2.0 * tau2**2 * (w1 * w2 - 2.0 * w3 + w2**2)
            + 4.0 * tau2**2 * shift * (w3 - w2**2)
            + 4.0 * tau2**3 * shift * (w4 - 2.0 * w2 * w3 + w2**3)
            + 2.0
            * tau2**4
            * (1.0 / inflation**2 - 2.0 * r * r / inflation**3)
            * (w3 - w2**2) ** 2
        )
        return mean, variance

    node, weight = np.polynomial.legendre.leggauss(_NODES)

    def excess(x: float) -> float:
        half = 0.5 * (_REACH - x)
        r = x + half * (node + 1.0)
        mean, variance = moments(spread * r)
        cut = (w1 / w2 - 1.0) * ((r / x) ** 2 - 1.0) + (k - 1)
        below = special.gammainc(mean**2 / variance, cut * mean / variance)
        density = np.exp(-0.5 * r * r) / math.sqrt(2.0 * math.pi)
        return half * float(weight @ (below * density)) - (1.0 - level) / 2.0

    root = bracketed_root(excess, 1e-6, 2.0 if excess(2.0) < 0 else _REACH - 1.0, relative=1e-14)
    half = spread * root * se
    return HenmiCopas(estimate, se, estimate - half, estimate + half, tau2, level)
