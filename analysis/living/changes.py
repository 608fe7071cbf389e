"""Which studies changed between two pools: entered, left, replaced one of their group, corrected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from analysis.evidence.select import Counts
    from analysis.evidence.tables import Evidence, Study

__all__ = ["Change", "change_list"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a pool, with the counts of the study before and after."""

    study_id: str
    label: str
    kind: Literal["entered", "replaced", "left", "corrected"]
    year: int | None
    before: tuple[int, int] | None
    after: tuple[int, int] | None
    reason: str
    replaces: str = ""


def change_list(before: Evidence, after: Evidence, was: Counts, now: Counts) -> tuple[Change, ...]:
    """Return the changes in order of publication; studies without a year come last.

    A study that enters while another of its overlap group leaves for it is one change: taken apart, one
    half would count patients twice or not at all.
    """
    old, new = _counts(was), _counts(now)
    reasons = {item.study_id: item.reason for item in now.left_out}
    left = [study for study in old if study not in new]
    changes = []
    for study_id in new:
        if old.get(study_id) == new[study_id]:
            continue
        study = after.study(study_id)
        kind: Literal["entered", "corrected", "replaced"] = "corrected" if study_id in old else "entered"
        if kind == "corrected":
            reason = _correction(after, study_id, was, now)
        else:
            reason = _entry(before, study, was.version)
        replaces = ""
        if kind == "entered" and study.overlap_group:
            rivals = [each for each in left if before.study(each).overlap_group == study.overlap_group]
            if rivals:
                replaces, kind = rivals[0], "replaced"
                left.remove(replaces)
                other = before.study(replaces).label
                reason = f"Takes the place of {other}, with which it may share patients."
        changes.append(
            Change(
                study_id, study.label, kind, study.year, old.get(study_id), new[study_id], reason, replaces
            )
        )
    for study_id in left:
        study = before.study(study_id)
        reason = reasons.get(study_id, "No row of the study is about this outcome any more.")
        changes.append(Change(study_id, study.label, "left", study.year, old[study_id], None, reason))
    return tuple(sorted(changes, key=lambda item: (item.year or 9999, item.study_id)))


def _counts(counts: Counts) -> dict[str, tuple[int, int]]:
    return {study: (int(counts.events[i]), int(counts.total[i])) for i, study in enumerate(counts.study_id)}


def _entry(before: Evidence, study: Study, version: str) -> str:
    """Say whether a study is new, or was known before without a count that could be pooled."""
    known = next((item for item in before.studies if item.study_id == study.study_id), None)
    if known is None or not before.in_version(known, before.version(version)):
        return "New in this version."
    return "Known before; its count could not be pooled then."


def _correction(after: Evidence, study_id: str, was: Counts, now: Counts) -> str:
    notices = [item.reason for item in after.notices if item.study_id == study_id]
    if notices:
        return f"{'; '.join(dict.fromkeys(notices))}."
    rows = [counts.rows_used[counts.study_id.index(study_id)] for counts in (was, now)]
    if rows[0] != rows[1]:
        return "Other arms of the study are counted than before."
    return "The counts of the study were changed."
