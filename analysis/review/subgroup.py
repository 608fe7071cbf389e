"""Subgroup results: technique and territory, each level pooled and the levels compared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from analysis.evidence.select import Counts, Question, select
from analysis.results import Result
from analysis.review.cells import hashed, primary_settings
from analysis.synthesis.subgroups import SubgroupTest, compare_subgroups

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.review.cells import HashedEvidence

__all__ = ["SubgroupResult", "subgroup_result", "subgroup_results"]


@dataclass(frozen=True, slots=True)
class SubgroupResult(Result):
    """One subgroup question with its counts, the pooled levels and the test between them.

    `groups` gives the level's label for each study; `test` is ``None`` when fewer than two levels hold one.
    """

    question: Question
    counts: Counts
    groups: tuple[str, ...]
    test: SubgroupTest | None

    @property
    def key(self) -> str:
        """Stable name, used in the feed and in file names."""
        q = self.question
        return f"{q.population}-{q.outcome}-{q.subgroup}-{q.version}"

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the test, or none."""
        return self.test.rows() if self.test else []


def subgroup_result(
    evidence: Evidence, population: str, outcome: str, variable: str, version: str
) -> SubgroupResult:
    """Return one subgroup comparison; equal questions to the same data are computed once."""
    question = Question(population, outcome, version=version, subgroup=variable)
    return _subgroup(hashed(evidence), question)


def subgroup_results(evidence: Evidence) -> tuple[SubgroupResult, ...]:
    """Return the subgroup comparisons that the book shows, those with two levels or more.

    They are made in the population that holds all others: within the parts the levels hold too few
    studies to compare. A protocol without such a population has none.
    """
    population = evidence.protocol.widest
    if population is None:
        return ()
    found = (
        subgroup_result(evidence, population, outcome.key, variable.key, version.id)
        for version in evidence.versions
        for variable in evidence.protocol.subgroups
        for outcome in evidence.protocol.main_outcomes
    )
    return tuple(result for result in found if result.test is not None)


@lru_cache(maxsize=256)
def _subgroup(key: HashedEvidence, question: Question) -> SubgroupResult:
    evidence = key.evidence
    counts = select(evidence, question)
    labels = {
        level.key: level.label for level in evidence.protocol.subgroup(question.subgroup or "").levels
    }
    groups = tuple(labels[key] for key in counts.group or ())
    if len(set(groups)) < 2:
        return SubgroupResult(question, counts, groups, None)
    settings = primary_settings(evidence)
    test = compare_subgroups(
        counts.events, counts.total, groups, labels=counts.label, tau2="separate", **settings
    )
    return SubgroupResult(question, counts, groups, test)
