"""Selection: one question at a time, from rows to counts in which no patient stands twice.

Every row about the outcome either stands in the counts or is left out with a reason. The steps run
in a fixed order: study, notice, arm, population, scope, count, derivation, source, unit, doubt, definition,
subgroup level, parts and totals, overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from analysis.evidence.arms import containing_arms
from analysis.evidence.notices import as_known, retractions
from analysis.evidence.overlap import Candidate, one_per_group, specific_territory
from analysis.evidence.rows import has_column
from analysis.evidence.short_names import arm_name
from analysis.evidence.tables import Doubt, Evidence, Outcome, Study
from analysis.results import Result, to_plain

__all__ = ["Counts", "LeftOut", "Question", "applying_doubts", "doubt_remark", "select"]

Key = tuple[str, str, str]
IntArray = npt.NDArray[np.int64]

#: Derivations of an exact count that each choice admits.
_DERIVATIONS = {
    "any": ("stated", "from_percent", "deduced"),
    "printed": ("stated", "from_percent"),
    "stated": ("stated",),
}

#: Time points that are not those of the review and are named in a flag.
_LOOSE_TIMES = {
    "90d_assumed": "time point assumed to be 90 days",
    "not_stated": "time point not stated",
}


@dataclass(frozen=True, slots=True)
class Question:
    """One question to the evidence.

    Parameters
    ----------
    population, outcome : str
        Keys of the protocol.
    version : str, optional
        Evidence version by id or alias; by default the newest.
    subgroup : str, optional
        Split the counts by the levels of this variable; rows without a level are left out.
    scope : {"all", "direct"}
        Whether studies with proximal segments count.
    units : {"patients", "all"}
        Whether rows that count occlusions or procedures, which can hold a patient twice, are taken.
    overlap : {"one_per_group", "earliest", "proven", "all"}
        One report of an overlap group, the largest; one, the earliest; one, but only in groups whose
        shared patients are proven; or every report.
    doubtful : {"keep", "drop"}
        Whether rows named in `doubts.csv` are taken.
    definition : {"any", "strict"}
        Whether rows whose definition or time point departs from that of the review are taken.
    without : str
        Leave out rows whose `threshold_note` holds these words.
    derivation : {"any", "printed", "stated"}
        Any exact count; counts that are printed or follow from a printed percentage; counts of which
        both numbers are printed.
    source : {"any", "own"}
        Whether rows read in a text that cites the study are taken.
    verified : {"any", "yes"}
        Whether rows whose source no second reader opened again are taken.
    stage : {"any", "first", "latest"}
        Whether only studies of the first version, or only those new in this version, are taken.
    """

    population: str
    outcome: str
    version: str | None = None
    subgroup: str | None = None
    scope: Literal["all", "direct"] = "all"
    units: Literal["patients", "all"] = "patients"
    overlap: Literal["one_per_group", "earliest", "proven", "all"] = "one_per_group"
    doubtful: Literal["keep", "drop"] = "keep"
    definition: Literal["any", "strict"] = "any"
    without: str = ""
    derivation: Literal["any", "printed", "stated"] = "any"
    source: Literal["any", "own"] = "any"
    verified: Literal["any", "yes"] = "any"
    stage: Literal["any", "first", "latest"] = "any"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One row (or study) that does not stand in the counts: at which step, and why."""

    study_id: str
    arm_id: str
    step: str
    reason: str


@dataclass(frozen=True)
class Counts(Result):
    """Events and totals of one question, one entry a study (and level, with a subgroup).

    `rows_used` names the rows of `outcomes.csv` behind each entry; `flags` says how an entry
    departs from the ideal; `left_out` names everything else about the outcome and why it is not
    here.
    """

    question: Question
    version: str
    study_id: tuple[str, ...]
    label: tuple[str, ...]
    events: IntArray
    total: IntArray
    group: tuple[str, ...] | None
    rows_used: tuple[tuple[Key, ...], ...]
    flags: tuple[tuple[str, ...], ...]
    left_out: tuple[LeftOut, ...]
    data_hash: str

    @property
    def k(self) -> int:
        """Number of entries."""
        return int(self.total.size)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row an entry."""
        return [
            {
                "study_id": self.study_id[i],
                "label": self.label[i],
                **({} if self.group is None else {"group": self.group[i]}),
                "events": int(self.events[i]),
                "total": int(self.total[i]),
                "arms": ", ".join(key[1] for key in self.rows_used[i]),
                "flags": "; ".join(self.flags[i]),
            }
            for i in range(self.k)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the counts with their question, left-out rows and data hash."""
        from dataclasses import asdict

        return to_plain(
            {
                "question": asdict(self.question),
                "version": self.version,
                "k": self.k,
                "events": int(self.events.sum()),
                "total": int(self.total.sum()),
                "entries": self.rows(),
                "left_out": [asdict(item) for item in self.left_out],
                "data_hash": self.data_hash,
            }
        )


def select(evidence: Evidence, question: Question) -> Counts:
    """Select the counts that answer a question.

    Raises
    ------
    ValueError
        When the question names something that the protocol does not have, or an outcome that is
        never pooled.
    """
    return _Selection(evidence, question).run()


def applying_doubts(evidence: Evidence, row: Outcome, version: str | None) -> tuple[Doubt, ...]:
    """Return the doubts about a row that matter in a version.

    A doubt about the date of first publication matters only where a later version exists: in the
    newest the study counts either way.
    """
    newest = evidence.version(version) == evidence.versions[-1]
    return tuple(
        doubt
        for doubt in evidence.doubts
        if doubt.study_id == row.study_id
        and doubt.outcome in (row.outcome, "*")
        and not (doubt.kind == "stage" and newest)
    )


def doubt_remark(text: str) -> str:
    """Return a doubt as one remark in a list of remarks, which semicolons part.

    Examples
    --------
    >>> doubt_remark("Counts are those of the first version; to be checked")
    'counts are those of the first version (to be checked)'
    """
    first, *more = text.split("; ")
    first = first if first[1:2].isupper() or first[1:2].isdigit() else first[:1].lower() + first[1:]
    return f"{first} ({', '.join(more)})" if more else first


class _Selection:
    """The steps of one selection; each takes rows away and says why."""

    def __init__(self, evidence: Evidence, question: Question) -> None:
        self.question = question
        self.version = evidence.version(question.version)
        self.evidence = evidence = as_known(evidence, self.version)
        self.retracted = retractions(evidence)
        self.population = evidence.protocol.population(question.population)
        self.outcome = evidence.protocol.outcome(question.outcome)
        if self.outcome.role == "not_pooled":
            raise ValueError(f"outcome {question.outcome!r} is never pooled: {self.outcome.definition}")
        self.levels = (
            tuple(level.key for level in evidence.protocol.subgroup(question.subgroup).levels)
            if question.subgroup
            else ()
        )
        self.left_out: list[LeftOut] = []
        self.containing = {
            name: containing_arms(group) for name, group in _by_study(evidence.outcomes).items()
        }
        self.loose = {group.group for group in evidence.overlap if group.kind == "loose"}

    def run(self) -> Counts:
        """Run every step in order."""
        rows = [row for row in self.evidence.outcomes if row.outcome == self.question.outcome]
        steps: tuple[tuple[str, Callable[[Outcome], str]], ...] = (
            ("study", self._study_reason),
            ("notice", self._notice_reason),
            ("arm", self._arm_reason),
            ("population", self._population_reason),
            ("scope", self._scope_reason),
            ("count", _count_reason),
            ("derivation", self._derivation_reason),
            ("source", self._source_reason),
            ("unit", self._unit_reason),
            ("doubt", self._doubt_reason),
            ("definition", self._definition_reason),
            ("level", self._level_reason),
        )
        for step, reason_of in steps:
            rows = self._keep(rows, step, reason_of)
        rows = self._drop_parts(rows)
        rows = self._drop_overlap(rows)
        return self._counts(rows)

    def _keep(self, rows: list[Outcome], step: str, reason_of: Callable[[Outcome], str]) -> list[Outcome]:
        kept = []
        for row in rows:
            reason = reason_of(row)
            if reason:
                self.left_out.append(LeftOut(row.study_id, row.arm_id, step, reason))
            else:
                kept.append(row)
        return kept

    def _study_reason(self, row: Outcome) -> str:
        study = self.evidence.study(row.study_id)
        if not self.evidence.in_version(study, self.version):
            return f"The study enters with version {study.first_version}."
        if study.eligibility == "exclude":
            return f"The study is excluded: {study.eligibility_reason}."
        if study.eligibility == "awaiting":
            return f"The study awaits usable counts: {study.eligibility_reason}."
        stages = {"first": self.evidence.versions[0].id, "latest": self.version.id}
        if study.first_version != stages.get(self.question.stage, study.first_version):
            return f"The study is of another stage: it entered with version {study.first_version}."
        return ""

    def _notice_reason(self, row: Outcome) -> str:
        notice = self.retracted.get(row.study_id)
        return f"The study was retracted on {notice.date}: {notice.reason}." if notice else ""

    def _arm_reason(self, row: Outcome) -> str:
        return "The arm had no thrombectomy." if row.technique == "control" else ""

    def _population_reason(self, row: Outcome) -> str:
        if row.occlusion in self.population.occlusions:
            return ""
        words = {"mixed": "mixed primary and secondary", "not_stated": "not stated"}
        return f"The kind of occlusion is {words.get(row.occlusion, row.occlusion)}."

    def _scope_reason(self, row: Outcome) -> str:
        study = self.evidence.study(row.study_id)
        if self.question.scope == "direct" and study.directness != "direct":
            return "The study allows other than distal segments, or does not name its segments."
        return ""

    def _derivation_reason(self, row: Outcome) -> str:
        if row.derivation in _DERIVATIONS[self.question.derivation]:
            return ""
        return f"The count is not printed as such: {row.derivation.replace('_', ' ')}."

    def _source_reason(self, row: Outcome) -> str:
        if self.question.source == "own" and row.source_kind == "citing_review":
            return "The row was read in a text that cites the study."
        if self.question.verified == "yes" and row.verified != "yes":
            return "The source was not opened again by a second reader."
        return ""

    def _unit_reason(self, row: Outcome) -> str:
        if self.question.units == "patients" and row.unit != "patients":
            return f"The row counts {row.unit}, not patients; a patient can stand in it twice."
        return ""

    def _doubt_reason(self, row: Outcome) -> str:
        if self.question.doubtful == "keep":
            return ""
        doubts = applying_doubts(self.evidence, row, self.version.id)
        return f"The row is doubtful: {doubts[0].doubt}." if doubts else ""

    def _definition_reason(self, row: Outcome) -> str:
        if self.question.without and self.question.without in row.threshold_note:
            return f"The definition is left out by choice: {row.threshold_note}."
        if self.question.definition == "any":
            return ""
        if row.threshold_note:
            return f"The definition departs from that of the review: {row.threshold_note}."
        if self.outcome.timepoint == "90d" and row.timepoint != "90d":
            return "The time point of 90 days is not printed."
        return ""

    def _level(self, row: Outcome) -> str:
        """Level of a row in the subgroup that is asked for: its own, or else that of its study."""
        name = self.question.subgroup
        if not name:
            return ""
        return str(getattr(row if has_column(row, name) else self.evidence.study(row.study_id), name))

    def _level_reason(self, row: Outcome) -> str:
        if not self.question.subgroup:
            return ""
        level = self._level(row)
        return "" if level in self.levels else f"The row has no single level of {self.question.subgroup}."

    def _drop_parts(self, rows: list[Outcome]) -> list[Outcome]:
        arms = {name: {row.arm_id for row in group} for name, group in _by_study(rows).items()}

        def reason_of(row: Outcome) -> str:
            wholes = sorted(self.containing[row.study_id][row.arm_id] & arms[row.study_id])
            own = [whole for whole in wholes if whole != row.arm_id]
            return f"The arm is part of {arm_name(own[0], row.unit)}, counted as a whole." if own else ""

        return self._keep(rows, "part", reason_of)

    def _drop_overlap(self, rows: list[Outcome]) -> list[Outcome]:
        if self.question.overlap == "all":
            return rows
        candidates = [
            Candidate(
                self.evidence.study(study_id),
                sum(row.total or 0 for row in members),
                specific_territory(row.territory for row in members),
            )
            for study_id, members in _by_study(rows).items()
        ]
        if self.question.overlap == "proven":
            candidates = [each for each in candidates if each.study.overlap_group not in self.loose]
        first: Literal["largest", "earliest"] = "largest"
        if self.question.overlap == "earliest":
            first = "earliest"
        clashes = {clash.study.study_id: clash for clash in one_per_group(candidates, first)}

        def reason_of(row: Outcome) -> str:
            clash = clashes.get(row.study_id)
            if clash is None:
                return ""
            return f"Patients may be shared with {clash.kept.label} (group {clash.group})."

        return self._keep(rows, "overlap", reason_of)

    def _counts(self, rows: list[Outcome]) -> Counts:
        entries: dict[tuple[int, str], list[Outcome]] = {}
        for row in rows:
            level = self._level(row)
            place = self.levels.index(level) if level else 0
            entries.setdefault((place, row.study_id), []).append(row)
        # By level, then year and name, so that the order of the file does not matter.
        order = sorted(entries, key=lambda at: (at[0], *_study_order(self.evidence.study(at[1]))))
        members = [entries[at] for at in order]
        events = np.array([sum(row.events or 0 for row in group) for group in members], dtype=np.int64)
        total = np.array([sum(row.total or 0 for row in group) for group in members], dtype=np.int64)
        events.setflags(write=False)
        total.setflags(write=False)
        return Counts(
            question=self.question,
            version=self.version.id,
            study_id=tuple(at[1] for at in order),
            label=tuple(self.evidence.study(at[1]).label for at in order),
            events=events,
            total=total,
            group=tuple(self.levels[at[0]] for at in order) if self.question.subgroup else None,
            rows_used=tuple(tuple(row.key for row in group) for group in members),
            flags=tuple(self._flags(group) for group in members),
            left_out=tuple(self.left_out),
            data_hash=self.evidence.data_hash,
        )

    def _flags(self, rows: list[Outcome]) -> tuple[str, ...]:
        """Say how an entry departs from the ideal, each departure once."""
        study = self.evidence.study(rows[0].study_id)
        flags = []
        if len(rows) > 1:
            flags.append("sum of arms " + " + ".join(arm_name(row.arm_id, row.unit) for row in rows))
        missing = self._arms_without_count(rows)
        if "all" in missing:
            flags.append("part of the study only: no count for the study as a whole")
        elif missing:
            flags.append("part of the study only: no count for " + ", ".join(map(arm_name, missing)))
        for row in rows:
            if row.threshold_note:
                flags.append(row.threshold_note)
            if self.outcome.timepoint == "90d" and row.timepoint in _LOOSE_TIMES:
                flags.append(_LOOSE_TIMES[row.timepoint])
            if row.unit != "patients":
                flags.append(f"counts {row.unit}")
            if row.source_kind == "citing_review":
                flags.append("read in a text that cites the study")
            flags += [
                doubt_remark(doubt.doubt) for doubt in applying_doubts(self.evidence, row, self.version.id)
            ]
        if study.overlap_group in self.loose:
            flags.append(f"shared patients not proven in group {study.overlap_group}")
        return tuple(dict.fromkeys(flags))

    def _arms_without_count(self, rows: list[Outcome]) -> list[str]:
        """Return arms of the study that are in scope but give no patient to this entry."""
        study_id = rows[0].study_id
        used = {row.arm_id for row in rows}
        if "all" in used:
            return []
        above = self.containing[study_id]
        missing = []
        for row in self.evidence.outcomes:
            if row.study_id != study_id or row.arm_id in missing:
                continue
            covered = row.arm_id in used or bool(above[row.arm_id] & used)
            holds_used = any(row.arm_id in above[arm] for arm in used)
            in_scope = row.technique != "control" and not self._population_reason(row)
            at_level = not self.question.subgroup or (
                self._level(row) == self._level(rows[0])
            )
            selected = row.outcome.endswith("_selected")
            if in_scope and at_level and not (covered or holds_used or selected):
                missing.append(row.arm_id)
        return missing


def _count_reason(row: Outcome) -> str:
    if row.has_count:
        return ""
    if row.events_low is not None:
        return f"Only a range of {row.events_low} to {row.events_high} of {row.total} can be read."
    if row.percent_reported is not None:
        return f"Only a percentage ({row.percent_reported}%) can be read, without a count."
    return "No count can be read."


def _by_study(rows: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    groups: dict[str, list[Outcome]] = {}
    for row in rows:
        groups.setdefault(row.study_id, []).append(row)
    return groups


def _study_order(study: Study) -> tuple[int, str]:
    return (study.year if study.year is not None else 9999, study.study_id)
