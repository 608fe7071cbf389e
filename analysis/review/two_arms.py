"""Counts of two arms within a study: what can be compared, and what is missing with the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.evidence.compared import compared_arms
from analysis.evidence.notices import as_known, retractions
from analysis.evidence.overlap import Candidate, one_per_group, specific_territory
from analysis.evidence.select import applying_doubts, doubt_remark
from analysis.results import Result
from analysis.review.provenance_words import named

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence, Outcome, Study

__all__ = ["Contrast", "Contrasts", "Unread", "contrasts", "trial_contrasts", "trial_name"]

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Contrast:
    """Counts of two arms of one study; `flags` says how it departs from the ideal."""

    study_id: str
    label: str
    events1: int
    total1: int
    events2: int
    total2: int
    unit: str
    threshold: str
    flags: tuple[str, ...]
    keys: tuple[Key, Key]


@dataclass(frozen=True, slots=True)
class Unread:
    """A study that belongs here but has no readable count in both arms, with the reason."""

    study_id: str
    label: str
    reason: str


@dataclass(frozen=True)
class Contrasts(Result):
    """All contrasts of one comparison and outcome."""

    outcome: str
    found: tuple[Contrast, ...]
    unread: tuple[Unread, ...]

    @property
    def counts(self) -> tuple[list[int], list[int], list[int], list[int]]:
        """Events and totals of both arms, as the pooling functions take them."""
        return (
            [item.events1 for item in self.found],
            [item.total1 for item in self.found],
            [item.events2 for item in self.found],
            [item.total2 for item in self.found],
        )

    @property
    def labels(self) -> list[str]:
        """Names of the studies."""
        return [item.label for item in self.found]

    @property
    def baseline(self) -> float:
        """Share of the second arms with the outcome, all studies added up."""
        total = sum(item.total2 for item in self.found)
        return sum(item.events2 for item in self.found) / total if total else float("nan")

    def part(self, labels: Collection[str]) -> Contrasts:
        """Return the studies with these names alone, as a pool that could not use all of them."""
        return Contrasts(self.outcome, tuple(item for item in self.found if item.label in labels), ())

    @property
    def patients(self) -> int:
        """Patients of both arms."""
        return sum(item.total1 + item.total2 for item in self.found)

    def rows(self) -> list[dict[str, Any]]:
        """One row a study."""
        return [
            {
                "study_id": item.study_id,
                "label": item.label,
                "events1": item.events1,
                "total1": item.total1,
                "events2": item.events2,
                "total2": item.total2,
                "flags": "; ".join(item.flags),
            }
            for item in self.found
        ]


def contrasts(
    evidence: Evidence,
    outcome: str,
    studies: Callable[[Study], bool],
    first: Callable[[Outcome], bool],
    second: Callable[[Outcome], bool],
    version: str | None = None,
    names: tuple[str, str] = ("treated arm", "control arm"),
) -> Contrasts:
    """Return the contrasts of two arms within the studies asked for.

    Parameters
    ----------
    evidence, outcome, version
        Where to look, for which outcome, as of which version.
    studies
        Which studies belong to the comparison.
    first, second
        Which rows make up each arm; several rows of one study are added up.
    names
        What the arms are called in reasons.
    """
    chosen = evidence.version(version)
    evidence = as_known(evidence, chosen)
    gone = retractions(evidence)
    found: list[Contrast] = []
    unread: list[Unread] = []
    for study in evidence.studies:
        if not evidence.in_version(study, chosen) or not studies(study):
            continue
        own = [row for row in evidence.outcomes if row.study_id == study.study_id]
        sides = [[row for row in own if side(row)] for side in (first, second)]
        asked = [[row for row in side if row.outcome == outcome] for side in sides]
        name = trial_name(evidence, study)
        if study.study_id in gone:
            notice = gone[study.study_id]
            unread.append(Unread(study.study_id, name, f"Retracted on {notice.date}: {notice.reason}."))
        elif study.eligibility == "awaiting":
            reason = named(evidence, study.eligibility_reason)
            unread.append(Unread(study.study_id, name, f"{reason[:1].upper()}{reason[1:]}."))
        elif not all(any(row.has_count for row in side) for side in asked):
            if all(sides):
                unread.append(Unread(study.study_id, name, _why(asked, names)))
        else:
            rows = [[row for row in side if row.has_count] for side in asked]
            found.append(_contrast(evidence, name, rows, chosen.id))
    kept, shared = _once_a_group(evidence, found)
    order = sorted(kept, key=lambda item: (evidence.study(item.study_id).year or 9999, item.study_id))
    return Contrasts(outcome, tuple(order), (*shared, *unread))


def trial_contrasts(evidence: Evidence, outcome: str, version: str | None = None) -> Contrasts:
    """Return the treated against the control arm in the randomised trials."""
    arms = compared_arms(evidence.protocol)
    return contrasts(
        evidence,
        outcome,
        lambda study: study.comparative == "randomised" and study.eligibility != "exclude",
        lambda row: row.arm_id in arms.treated.keys,
        lambda row: row.arm_id in arms.control.keys,
        version,
        (f"{arms.treated.label} arm", f"{arms.control.label} arm"),
    )


def trial_name(evidence: Evidence, study: Study) -> str:
    """Return the short name of a trial, or the study's label for other studies."""
    if study.comparative != "randomised":
        return study.label
    named = [(row.study_id, row.trial) for row in evidence.rct_effects]
    named += [(row.study_id, row.trial) for row in evidence.rct_mrs_distribution]
    for study_id, trial in named:
        if study_id == study.study_id:
            return trial
    # Trials are named in capitals.
    match = re.search(r"\b[A-Z]{5,}(?:-[A-Za-z]+)?\b", study.title)
    return match.group() if match else study.label


def _contrast(evidence: Evidence, name: str, sides: list[list[Outcome]], version: str) -> Contrast:
    rows = [*sides[0], *sides[1]]
    flags: list[str] = []
    for row in rows:
        if row.source_kind == "citing_review":
            flags.append("read in a secondary source")
        if row.unit != "patients":
            flags.append(f"counts {row.unit}, not patients")
        if row.threshold_note:
            flags.append(row.threshold_note)
        if row.timepoint in ("90d_assumed", "not_stated") and row.outcome in ("mrs02", "mortality90"):
            flags.append("time point not printed")
        flags += [
            doubt_remark(item.doubt)
            for item in applying_doubts(evidence, row, version)
            if item.kind != "source"
        ]
    events = [sum(row.events or 0 for row in side) for side in sides]
    totals = [sum(row.total or 0 for row in side) for side in sides]
    notes = sorted({row.threshold_note for row in rows})
    return Contrast(
        rows[0].study_id,
        name,
        events[0],
        totals[0],
        events[1],
        totals[1],
        " and ".join(sorted({row.unit for row in rows})),
        "; ".join(note for note in notes if note),
        tuple(dict.fromkeys(flags)),
        (sides[0][0].key, sides[1][0].key),
    )


def _why(asked: list[list[Outcome]], names: tuple[str, str]) -> str:
    parts = []
    for name, rows in zip(names, asked, strict=True):
        if any(row.has_count for row in rows):
            continue
        percent = next((row for row in rows if row.percent_reported is not None), None)
        if percent is not None:
            parts.append(f"{name}: only a percentage ({percent.percent_reported}%) can be read")
        else:
            parts.append(f"{name}: not in the text that could be read")
    return "; ".join(parts).capitalize() + "."


def _once_a_group(evidence: Evidence, found: list[Contrast]) -> tuple[list[Contrast], list[Unread]]:
    """Keep the largest study of an overlap group, as the pooled rates do."""
    candidates = [
        Candidate(
            evidence.study(item.study_id),
            item.total1 + item.total2,
            specific_territory([evidence.study(item.study_id).territory]),
        )
        for item in found
    ]
    clashes = {clash.study.study_id: clash for clash in one_per_group(candidates)}
    kept = [item for item in found if item.study_id not in clashes]
    shared = [
        Unread(
            item.study_id,
            item.label,
            f"Patients may be shared with {clashes[item.study_id].kept.label}.",
        )
        for item in found
        if item.study_id in clashes
    ]
    return kept, shared
