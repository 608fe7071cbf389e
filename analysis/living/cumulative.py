"""Cumulative evidence: what would have been pooled at the end of each year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from analysis.report.counts_lead import rate_words
from analysis.results import Result

if TYPE_CHECKING:
    from analysis.evidence.select import Counts
    from analysis.evidence.tables import Evidence
    from analysis.synthesis.types import FloatArray, Pooled

__all__ = ["Cumulative", "YearStep", "cumulative_rates", "year_weights"]


@dataclass(frozen=True, slots=True)
class YearStep:
    """The pool at the end of one year: its size, its estimate with the protocol's interval, and who came in.

    `counted` holds the counts in words where they lead, and is empty where the estimate does.
    """

    year: int
    k: int
    events: int
    total: int
    estimate: float
    low: float
    high: float
    counted: str
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
    """Pool the studies of one question as they were published, year by year, by the primary analysis.

    The selection is that of the version as a whole: a report that a larger one of its group replaced
    later does not stand in the earlier years.
    """
    from analysis.evidence.select import Question, select
    from analysis.review.cells import primary_settings

    counts = select(evidence, Question(population, outcome, version=version))
    years = [evidence.study(study).year for study in counts.study_id]
    known, weights = year_weights(years)
    every = np.concatenate([weights, np.ones((1, counts.k))])
    undated = [i for i, year in enumerate(years) if year is None]
    fits = [_fit(counts, inside > 0, primary_settings(evidence)) for inside in every] if counts.k else []
    ends = [*known, known[-1] if known else 0]
    added = [*([i for i, at in enumerate(years) if at == year] for year in known), undated]
    pools = zip(fits, ends, added, strict=True) if fits else ()
    steps = [_step(counts, fit, year, who) for fit, year, who in pools]
    whole = steps.pop() if steps else None
    return Cumulative(
        population,
        outcome,
        counts.version,
        tuple(steps),
        tuple(counts.label[i] for i in undated),
        whole,
        all(fit.converged for fit in fits),
    )


def _fit(counts: Counts, inside: npt.NDArray[np.bool_], settings: dict[str, Any]) -> Pooled:
    from analysis.synthesis.pooled import pool

    labels = [name for name, use in zip(counts.label, inside, strict=True) if use]
    events, total = np.asarray(counts.events)[inside], np.asarray(counts.total)[inside]
    return pool(events, total, labels=labels, **settings)


def _step(counts: Counts, fit: Pooled, year: int, added: list[int]) -> YearStep:
    return YearStep(
        year,
        fit.k,
        int(fit.events.sum()),
        int(fit.total.sum()),
        float(fit.estimate),
        float(fit.ci.low),
        float(fit.ci.high),
        rate_words(fit, ""),
        tuple(counts.label[i] for i in added),
    )
