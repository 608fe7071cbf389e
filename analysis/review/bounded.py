"""Pool counts of which some are known only within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.synthesis.types import FloatArray, Interval

if TYPE_CHECKING:
    from analysis.evidence.uncertain import BoundedCounts

__all__ = ["BoundedPool", "pool_bounded"]


@dataclass(frozen=True, slots=True)
class BoundedPool:
    """A pooled rate from counts with bounds: estimate, interval, and the totals behind them."""

    estimate: float
    ci: Interval
    total: FloatArray

    @property
    def k(self) -> int:
        """Number of studies."""
        return int(self.total.size)


def pool_bounded(bounded: BoundedCounts, settings: dict[str, Any]) -> BoundedPool:
    """Pool with the protocol's model, summing each study's likelihood over the counts in its bounds.

    Where every pair of bounds coincides this is the plain model of the settings. The sum over counts
    is a binomial likelihood whatever those settings say, as no other model takes bounds.
    """
    from analysis.synthesis.interval_censored import fit_interval_censored
    from analysis.synthesis.interval_censored_profile import profile_interval_censored_mu
    from analysis.synthesis.pooled import pool
    from analysis.synthesis.scales import back_transform

    total = bounded.counts.total.astype(float)
    low, high = bounded.low.astype(float), bounded.high.astype(float)
    if (low == high).all():
        plain = pool(low.tolist(), total.tolist(), **settings)
        return BoundedPool(plain.estimate, plain.ci, total)
    fit = fit_interval_censored(low, high, total)
    ends = profile_interval_censored_mu(fit, settings["level"])
    estimate, least, most = back_transform(np.array([fit.mu, ends.low, ends.high]), "logit", total)
    interval = Interval(float(least), float(most), ends.level, ends.method, ends.note)
    return BoundedPool(float(estimate), interval, total)
