"""The time machine: the headline estimates of any version, as they were published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.results import Result, to_plain

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.review.cells import Headline

__all__ = ["PastVersion", "time_machine"]


@dataclass(frozen=True, slots=True)
class PastVersion(Result):
    """A version with its headline results; `data_hash` is that of the tables cut to the version."""

    version: str
    label: str
    cut_off: str
    data_hash: str
    cells: tuple[Headline, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One row a headline result."""
        return [
            {
                "population": cell.question.population,
                "outcome": cell.question.outcome,
                "k": cell.counts.k,
                "events": int(cell.counts.events.sum()),
                "total": int(cell.counts.total.sum()),
                "estimate": cell.pooled.estimate if cell.pooled else None,
                "low": cell.pooled.ci.low if cell.pooled else None,
                "high": cell.pooled.ci.high if cell.pooled else None,
            }
            for cell in self.cells
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the version and its results."""
        return to_plain(
            {
                "version": self.version,
                "label": self.label,
                "cut_off": self.cut_off,
                "data_hash": self.data_hash,
                "results": self.rows(),
            }
        )


def time_machine(evidence: Evidence, version: str) -> PastVersion:
    """Return the headline estimates of a version, whatever became known later.

    Raises
    ------
    ValueError
        When there is no such version.
    """
    from analysis.review.cells import headlines

    chosen = evidence.version(version)
    cut = evidence.as_of(chosen.id)
    cells = headlines(evidence, chosen.id)
    return PastVersion(chosen.id, chosen.label, str(chosen.cut_off), cut.data_hash, cells)
