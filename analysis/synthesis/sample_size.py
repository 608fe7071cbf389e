"""Pooling with weights from the effective sample sizes of two arms (``method="SSW"`` elsewhere).

Inverse-variance weights depend on the estimates that they weight, which biases the mean where events are
rare. Weights ``n1 n2 / (n1 + n2)`` know nothing of the counts. The mean is ``sum w y / sum w`` and its
variance ``sum w^2 (v + tau2) / (sum w)^2``, with tau2 from any estimator.

References
----------
.. [1] Bakbergenuly I, Hoaglin DC, Kulinskaya E. Methods for estimating between-study variance and overall
   effect in meta-analysis of odds ratios. Res Synth Methods 2020.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from analysis.results import Result
from analysis.synthesis._two_arm_common import wald
from analysis.synthesis.checks import check_choice, check_level
from analysis.synthesis.counts import NoStudies
from analysis.synthesis.inverse_variance import fit_iv
from analysis.synthesis.tau2 import TAU2_METHODS
from analysis.synthesis.two_by_two import Measure, two_arm_effects
from analysis.synthesis.types import FloatArray, Numbers, Tau2Method

__all__ = ["SampleSizePool", "pool_by_sample_size"]


@dataclass(frozen=True, slots=True)
class SampleSizePool(Result):
    """A mean with sample-size weights, on the scale of the measure; `weights` sum to one."""

    measure: str
    estimate: float
    se: float
    ci_low: float
    ci_high: float
    p_value: float
    tau2: float
    tau2_method: str
    weights: FloatArray
    k: int
    level: float

    def rows(self) -> list[dict[str, Any]]:
        """One row."""
        return [{name: getattr(self, name) for name in self.__slots__ if name != "weights"}]


def pool_by_sample_size(
    events1: Numbers,
    total1: Numbers,
    events2: Numbers,
    total2: Numbers,
    measure: Measure = "OR",
    *,
    tau2_method: Tau2Method = "reml",
    drop00: bool = False,
    level: float = 0.95,
) -> SampleSizePool:
    """Pool two-arm counts with weights from the arms' sizes.

    Parameters
    ----------
    events1, total1, events2, total2, measure, drop00
        As in `analysis.synthesis.two_by_two.two_arm_effects`.
    tau2_method
        Estimator of the variance between studies; ``"ee"`` for a common effect.
    level
        Level of the interval.

    Examples
    --------
    >>> found = pool_by_sample_size([4, 3], [20, 15], [8, 5], [20, 15], "RD", tau2_method="ee")
    >>> round(found.estimate, 6)
    -0.171429
    """
    level = check_level(level)
    check_choice(tau2_method, TAU2_METHODS, "tau2_method", "tau2 method")
    study = two_arm_effects(events1, total1, events2, total2, measure, drop00=drop00)
    use = study.usable
    if not use.any():
        raise NoStudies("no study has an estimate with a variance: nothing to pool")
    y, v, t = study.yi[use], study.vi[use], study.tables.take(use)
    size = t.n1 * t.n2 / (t.n1 + t.n2)
    weights = size / size.sum()
    tau2 = 0.0 if y.size == 1 else fit_iv(y, v, tau2_method=tau2_method).tau2
    estimate = float(weights @ y)
    se = math.sqrt(float(weights**2 @ (v + tau2)))
    made = wald(estimate, se, level)
    return SampleSizePool(
        measure, estimate, se, made.low, made.high, made.p_value, tau2, tau2_method, weights,
        int(y.size), level,
    )  # fmt: skip
