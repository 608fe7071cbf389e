"""Awaited counts: studies in the scope of a question whose count cannot be read, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from analysis.evidence.notices import as_known
from analysis.evidence.select import Question, select
from analysis.evidence.tables import Evidence, Outcome, Study

__all__ = ["Awaited", "awaited"]

Kind = Literal["study", "percentage", "range", "unit", "not_split", "not_reported"]


@dataclass(frozen=True, slots=True)
class Awaited:
    """One study whose count is awaited.

    `kind` says what is missing: the `study` as a whole awaits its counts, only a `percentage` or a
    `range` is public, the count is of another `unit` than patients, the count is `not_split` by
    kind of occlusion, or the outcome is `not_reported` in the text that could be read.
    """

    study_id: str
    label: str
    kind: Kind
    reason: str
    n_patients: int | None
    source_url: str


def awaited(evidence: Evidence, question: Question) -> tuple[Awaited, ...]:
    """Return the studies that belong to a question by version and population but give it no count.

    A study that mixes primary and secondary occlusions belongs to both, since its patients are
    there even where its numbers are not split. A series that does not say which it treated belongs
    to "any" alone. Studies left out by a rule although their count can be read (notice, overlap,
    doubt, definition) do not wait.
    """
    version = evidence.version(question.version)
    occlusions = set(evidence.protocol.population(question.population).occlusions)
    evidence = as_known(evidence, version)
    counts = select(evidence, question)
    rules = ("notice", "doubt", "definition", "overlap")
    ruled_out = {item.study_id for item in counts.left_out if item.step in rules}
    found = []
    for study in evidence.studies:
        in_scope = evidence.in_version(study, version) and study.eligibility != "exclude"
        if question.scope == "direct":
            in_scope = in_scope and study.directness == "direct"
        if not in_scope or study.study_id in counts.study_id or study.study_id in ruled_out:
            continue
        rows = [
            row for row in evidence.outcomes if row.study_id == study.study_id and row.technique != "control"
        ]
        arms = {row.occlusion for row in rows}
        if not _holds(study, arms, occlusions):
            continue
        asked = [row for row in rows if row.outcome == question.outcome]
        found.append(_describe(study, asked, occlusions))
    return tuple(sorted(found, key=lambda item: (item.kind != "study", item.study_id)))


def _holds(study: Study, arms: set[str], occlusions: set[str]) -> bool:
    """Return whether a study has patients of a population, as far as can be read."""
    if study.occlusion in occlusions or arms & occlusions:
        return True
    return study.occlusion == "mixed" and bool(occlusions & {"primary", "secondary"})


def _describe(study: Study, asked: list[Outcome], occlusions: set[str]) -> Awaited:
    kind, reason = _why(study, asked, occlusions)
    return Awaited(study.study_id, study.label, kind, reason, study.n_patients, study.source_url)


def _why(study: Study, asked: list[Outcome], occlusions: set[str]) -> tuple[Kind, str]:
    if study.eligibility == "awaiting":
        return "study", f"The study awaits usable counts: {study.eligibility_reason}."
    matching = [row for row in asked if row.occlusion in occlusions]
    for row in matching:
        if row.has_count:
            return "unit", f"Only a count of {row.unit} can be read, not of patients."
    for row in matching:
        if row.events_low is not None:
            bounds = f"{row.events_low} to {row.events_high} of {row.total}"
            return "range", f"Only a range of {bounds} can be read."
        if row.percent_reported is not None:
            return "percentage", f"Only a percentage ({row.percent_reported}%) can be read."
    if asked:
        return (
            "not_split",
            "The outcome is not split by kind of occlusion in the text that was read.",
        )
    return "not_reported", "The text that could be read does not report the outcome."
