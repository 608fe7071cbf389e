"""Which rows the headlines use, and why the others are not used."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from analysis.evidence.select import Question, select
from analysis.review.cells import hashed

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence, Outcome
    from analysis.review.cells import HashedEvidence

__all__ = ["rows_used", "why_unused"]

Key = tuple[str, str, str]


@lru_cache(maxsize=8)
def _used(key: HashedEvidence) -> dict[Key, tuple[Question, ...]]:
    evidence = key.evidence
    found: dict[Key, list[Question]] = {}
    for version in evidence.versions:
        for population in evidence.protocol.populations:
            for outcome in evidence.protocol.main_outcomes:
                question = Question(population.key, outcome.key, version=version.id)
                for keys in select(evidence, question).rows_used:
                    for each in keys:
                        found.setdefault(each, []).append(question)
    return {name: tuple(questions) for name, questions in found.items()}


def rows_used(evidence: Evidence) -> dict[Key, tuple[Question, ...]]:
    """Return every row that a headline uses, with the questions that use it."""
    return _used(hashed(evidence))


def why_unused(evidence: Evidence, row: Outcome) -> str:
    """Say why no headline of the newest version uses a row."""
    if row.outcome.endswith("_selected"):
        # Its outcome may be a main one by name, so that this must be said first.
        return "The group was chosen by the result of thrombectomy."
    if row.outcome not in [outcome.key for outcome in evidence.protocol.main_outcomes]:
        return "The outcome is not one of the main outcomes."
    return _left_out(hashed(evidence)).get(row.key, "No population of the protocol has it.")


@lru_cache(maxsize=8)
def _left_out(key: HashedEvidence) -> dict[Key, str]:
    """Return why the newest version does not use a row, by the population that the row came furthest in."""
    evidence = key.evidence
    found: dict[Key, str] = {}
    for outcome in evidence.protocol.main_outcomes:
        for population in evidence.protocol.populations:
            counts = select(evidence, Question(population.key, outcome.key, version=evidence.versions[-1].id))
            for item in counts.left_out:
                name = (item.study_id, item.arm_id, outcome.key)
                if name not in found or item.step != "population":
                    found[name] = item.reason
    return found
