"""Headline results: one population, one outcome, one evidence version, pooled by the protocol's model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from analysis.evidence.awaited import awaited
from analysis.evidence.select import Counts, Question, select
from analysis.results import Result
from analysis.synthesis import warm_up
from analysis.synthesis.pooled import pool

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.synthesis.types import Pooled

__all__ = [
    "NO_WIDEST",
    "HashedEvidence",
    "Headline",
    "hashed",
    "headline",
    "headlines",
    "pool_counts",
    "primary_settings",
    "widest_headline",
]

#: Shown in place of what needs the population that holds all others.
NO_WIDEST = "The protocol names no population that holds all others, so this is not shown."


@dataclass(frozen=True, slots=True)
class Headline(Result):
    """One cell of the headline table.

    `pooled` is ``None`` when no public text holds a count; `awaited` then names the studies that may.
    `published` is the paper's own estimate for the cell, compared with and never pooled.
    """

    question: Question
    counts: Counts
    pooled: Pooled | None
    published: Any | None
    awaited: tuple[Any, ...]

    @property
    def key(self) -> str:
        """Stable name of the cell, used in the feed and in file names."""
        q = self.question
        return f"{q.population}-{q.outcome}-{q.version}"

    def rows(self) -> list[dict[str, Any]]:
        """One row: the question, the pooled result and the paper's estimate."""
        base: dict[str, Any] = {
            "population": self.question.population,
            "outcome": self.question.outcome,
            "evidence_version": self.question.version,
        }
        return [base | (self.pooled.to_dict() if self.pooled else {"k": 0})]


def pool_counts(evidence: Evidence, counts: Counts, **changes: Any) -> Pooled | None:
    """Pool selected counts with the protocol's primary model, or return ``None`` when there are none.

    `changes` replaces single settings (``model``, ``tau2_method``, ``ci_method``, ...), for sensitivity
    analyses.
    """
    if len(counts.study_id) == 0:
        return None
    settings = primary_settings(evidence) | changes
    return pool(counts.events, counts.total, labels=counts.label, **settings)


def primary_settings(evidence: Evidence) -> dict[str, Any]:
    """Return the protocol's primary model as keyword arguments of `pool`."""
    choice = evidence.protocol.primary
    return {
        "model": choice.model,
        "scale": choice.scale,
        "tau2_method": choice.tau2_method,
        "ci_method": choice.ci_method,
        "prediction_method": choice.prediction_method,
        "level": choice.level,
    }


def headline(evidence: Evidence, population: str, outcome: str, version: str) -> Headline:
    """Return one headline result; equal questions to the same data are computed once."""
    return _headline(hashed(evidence), Question(population, outcome, version=version))


def widest_headline(evidence: Evidence, outcome: str) -> Headline | None:
    """Return the newest cell of the population that holds all others, or None where there is none."""
    population = evidence.protocol.widest
    return None if population is None else headline(evidence, population, outcome, evidence.version(None).id)


def headlines(evidence: Evidence, version: str | None = None) -> tuple[Headline, ...]:
    """Return every headline cell, by version, population and outcome in the protocol's order."""
    versions = [version] if version else [item.id for item in evidence.versions]
    return tuple(
        headline(evidence, population.key, outcome.key, which)
        for which in versions
        for population in evidence.protocol.populations
        for outcome in evidence.protocol.main_outcomes
    )


class HashedEvidence:
    """Evidence as a cache key: two loads of the same data are the same evidence."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    def __hash__(self) -> int:
        return hash(self.evidence.data_hash)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, HashedEvidence) and self.evidence.data_hash == other.evidence.data_hash
        )


def hashed(evidence: Evidence) -> HashedEvidence:
    """Return `evidence` as a cache key."""
    return HashedEvidence(evidence)


@lru_cache(maxsize=512)
def _headline(key: HashedEvidence, question: Question) -> Headline:
    # What is kept must not depend on what was computed before it.
    warm_up()
    evidence = key.evidence
    counts = select(evidence, question)
    published = evidence.published_for(question.population, question.outcome)
    return Headline(
        question=question,
        counts=counts,
        pooled=pool_counts(evidence, counts),
        published=published,
        awaited=awaited(evidence, question),
    )
