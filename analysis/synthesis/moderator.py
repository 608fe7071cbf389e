"""One moderator of rates: its odds ratio, its likelihood-ratio test, and what single studies do to it.

The p-value is that of the likelihood-ratio test, and the interval that of the profile likelihood, so that
the two agree. A Wald test is not given: where the variance between studies is estimated as zero, its
standard error takes the studies for exact repetitions of each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.synthesis.checks import check_numbers
from analysis.synthesis.counts import check_counts
from analysis.synthesis.glmm import fit_glmm
from analysis.synthesis.regression import MetaRegression, regress
from analysis.synthesis.special import chi2_tail
from analysis.synthesis.types import FloatArray, Numbers

__all__ = ["Moderator", "ModeratorTest", "moderator"]


@dataclass(frozen=True, slots=True)
class ModeratorTest:
    """Slope on the logit scale, with the likelihood-ratio statistic on one degree of freedom and its p."""

    slope: float
    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Moderator:
    """A regression on one moderator with its test, and the same test without each study in turn.

    `without` holds None where the moderator does not vary among the other studies.
    """

    fit: MetaRegression
    test: ModeratorTest
    without: tuple[ModeratorTest | None, ...]

    def carried_by(self, alpha: float = 0.05) -> int | None:
        """Return the study without which the test crosses `alpha`; of several, that which moves p most."""
        below = self.test.p_value < alpha
        crossing = [
            (abs(math.log(max(other.p_value, 1e-300) / max(self.test.p_value, 1e-300))), place)
            for place, other in enumerate(self.without)
            if other is not None and (other.p_value < alpha) != below
        ]
        return max(crossing)[1] if crossing else None


def moderator(events: Numbers, total: Numbers, values: Numbers, *, level: float = 0.95) -> Moderator:
    """Regress rates on one moderator by the binomial-normal model.

    Examples
    --------
    >>> found = moderator([3, 8, 9, 18], [20, 22, 19, 24], [-1.5, -0.5, 0.5, 1.5])
    >>> round(found.test.slope, 3), round(found.test.p_value, 4), len(found.without)
    (0.88, 0.0022, 4)
    """
    x, n = check_counts(events, total)
    m = check_numbers(values, "values")
    if m.size != x.size:
        raise ValueError(f"values has {m.size} entries for {x.size} studies")
    fit = regress(x, n, m, ci_method="profile", level=level)
    without = tuple(_test(*(np.delete(part, place) for part in (x, n, m))) for place in range(x.size))
    whole = _test(x, n, m)
    if whole is None:
        raise ValueError("the moderator is constant")
    return Moderator(fit, whole, without)


def _test(x: FloatArray, n: FloatArray, m: FloatArray) -> ModeratorTest | None:
    if x.size < 3 or not float(np.ptp(m)) > 0:
        return None
    full, null = fit_glmm(x, n, design=np.column_stack([np.ones(x.size), m])), fit_glmm(x, n)
    statistic = max(0.0, 2 * (float(full.log_likelihood) - float(null.log_likelihood)))
    return ModeratorTest(float(full.beta[1]), statistic, float(chi2_tail(statistic, 1)))
