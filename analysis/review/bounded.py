"""Pool counts of which some are known only within bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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

    Where every pair of bounds coincides this is the plain model.
    """
    from analysis.synthesis.pooled import pool

    total = bounded.counts.total
    if (bounded.low == bounded.high).all():
        plain = pool(bounded.low, total, **settings)
        return BoundedPool(plain.estimate, plain.ci, plain.total)
    mid = (bounded.low + bounded.high) // 2
    plain = pool(mid, total, **settings)
    return BoundedPool(plain.estimate, plain.ci, plain.total)
