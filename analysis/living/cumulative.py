"""Cumulative evidence: what would have been pooled at the end of each year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.living.refit import refit
from analysis.results import Result

if TYPE_CHECKING:
    from analysis.evidence.select import Counts
    from analysis.evidence.tables import Evidence
    from analysis.synthesis.types import FloatArray

__all__ = ["Cumulative", "YearStep", "cumulative_rates", "year_weights"]


@dataclass(frozen=True, slots=True)
class YearStep:
    """The pool at the end of one year: its size, its estimate with a Wald interval, and who came in."""

    year: int
    k: int
    events: int
    total: int
    estimate: float
    low: float
    high: float
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cumulative(Result):
    """Estimates by calendar year, the studies whose year is unknown, and the pool of all."""

    population: str
    outcome: str
    version: str
    steps: tuple[YearStep, ...]
    undated: tuple[str, ...]
    whole: YearStep | None
    converged: bool

    def rows(self) -> list[dict[str, Any]]:
        """One row a year."""
        return [
            {
                "year": step.year,
                "k": step.k,
                "events": step.events,
                "total": step.total,
                "estimate": step.estimate,
                "low": step.low,
                "high": step.high,
                "added": "; ".join(step.added),
            }
            for step in self.steps
        ]


def year_weights(years: list[int | None]) -> tuple[list[int], FloatArray]:
    """Return the known years in order, and for each the weights of the studies public by then.

    Examples
    --------
    >>> year_weights([2021, None, 2019, 2021])
    ([2019, 2021], array([[0., 0., 1., 0.],
           [1., 0., 1., 1.]]))
    """
    known = sorted({year for year in years if year is not None})
    rows = [[float(year is not None and year <= end) for year in years] for end in known]
    return known, np.array(rows).reshape(len(known), len(years))


def cumulative_rates(
    evidence: Evidence, population: str, outcome: str, version: str | None = None
) -> Cumulative:
    """Pool the studies of one question as they were published, year by year, in one batched fit.

    The selection is that of the version as a whole: a report that a larger one of its group replaced
    later does not stand in the earlier years.
    """
    from analysis.evidence.select import Question, select

    counts = select(evidence, Question(population, outcome, version=version))
    years = [evidence.study(study).year for study in counts.study_id]
    known, weights = year_weights(years)
    every = np.concatenate([weights, np.ones((1, counts.k))])
    fits = refit(counts.events, counts.total, every, evidence.protocol.primary)
    steps = [
        _step(counts, fits, place, every[place], year, [i for i, at in enumerate(years) if at == year])
        for place, year in enumerate(known)
    ]
    undated = [i for i, year in enumerate(years) if year is None]
    whole = _step(counts, fits, len(known), every[-1], known[-1] if known else 0, undated)
    return Cumulative(
        population,
        outcome,
        counts.version,
        tuple(steps),
        tuple(counts.label[i] for i in undated),
        whole if counts.k else None,
        bool(fits.converged.all()),
    )


def _step(
    counts: Counts, fits: Any, place: int, weights: FloatArray, year: int, added: list[int]
) -> YearStep:
    inside = weights > 0
    return YearStep(
        year,
        int(inside.sum()),
        int(counts.events[inside].sum()),
        int(counts.total[inside].sum()),
        float(fits.estimate[place]),
        float(fits.low[place]),
        float(fits.high[place]),
        tuple(counts.label[i] for i in added),
    )
