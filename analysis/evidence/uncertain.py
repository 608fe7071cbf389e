"""Uncertain counts: ranges where only a percentage is public, and patients lost to follow-up.

Nothing here enters the primary analysis, which uses exact counts alone. A range or an arm size is
taken only where the tables hold it; where they do not, the result says that nothing can be
computed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from analysis.evidence.checks_counts import fitting_counts
from analysis.evidence.select import Counts, Question, select
from analysis.evidence.tables import Evidence, Outcome
from analysis.results import Result

__all__ = ["BoundedCounts", "FollowUpCounts", "arm_size", "bounded_counts", "follow_up_counts"]

IntArray = npt.NDArray[np.int64]
Key = tuple[str, str, str]


@dataclass(frozen=True)
class BoundedCounts(Result):
    """Counts of one question with a lower and an upper bound on the events of each study.

    `added` holds the rows that only a range or a percentage gives, with the words of its basis.
    """

    counts: Counts
    low: IntArray
    high: IntArray
    added: tuple[tuple[Key, str], ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a study."""
        basis = {key[0]: words for key, words in self.added}
        return [
            {
                "study_id": study,
                "label": self.counts.label[i],
                "events_low": int(self.low[i]),
                "events_high": int(self.high[i]),
                "total": int(self.counts.total[i]),
                "basis": basis.get(study, "exact count"),
            }
            for i, study in enumerate(self.counts.study_id)
        ]


@dataclass(frozen=True)
class FollowUpCounts(Result):
    """Counts of one question with the patients lost to follow-up put back, in one extreme.

    `missing` is the number put back into each study. `unknown` names the studies with an arm whose
    size is given nowhere but in the outcome itself, so that no loss could be seen.
    """

    counts: Counts
    case: Literal["best", "worst"]
    events: IntArray
    total: IntArray
    missing: IntArray
    unknown: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a study."""
        return [
            {
                "study_id": study,
                "label": self.counts.label[i],
                "events": int(self.events[i]),
                "total": int(self.total[i]),
                "missing": int(self.missing[i]),
                "arm_size_known": study not in self.unknown,
            }
            for i, study in enumerate(self.counts.study_id)
        ]


def bounded_counts(
    evidence: Evidence, question: Question, denominator: Literal["printed", "arm"] = "printed"
) -> BoundedCounts:
    """Select the counts of a question together with rows that give a range only.

    Parameters
    ----------
    evidence, question
        As for `select`; all its rules apply to the rows that are added.
    denominator
        With ``"printed"``, only rows with a printed total are added. With ``"arm"``, a percentage
        without a total is taken as a percentage of the arm's size, where another row of the arm
        gives that and some whole number fits.
    """
    ranges: dict[Key, tuple[int, int, str]] = {}
    rows = []
    for row in evidence.outcomes:
        bounds = _bounds(evidence, row, denominator)
        if bounds is None:
            rows.append(row)
            continue
        low, high, total, words = bounds
        ranges[row.key] = (low, high, words)
        # The lower bound stands in, so that the row passes through the selection like any other.
        rows.append(replace(row, events=low, total=total, derivation="from_percent"))
    counts = select(replace(evidence, outcomes=tuple(rows)), question)
    exact = {row.key: row.events or 0 for row in rows}
    lowest = [sum(exact[key] for key in keys) for keys in counts.rows_used]
    most = exact | {key: high for key, (_, high, _) in ranges.items()}
    highest = [sum(most[key] for key in keys) for keys in counts.rows_used]
    added = tuple((key, ranges[key][2]) for keys in counts.rows_used for key in keys if key in ranges)
    return BoundedCounts(counts, _frozen(lowest), _frozen(highest), added)


def _bounds(evidence: Evidence, row: Outcome, denominator: str) -> tuple[int, int, int, str] | None:
    if row.has_count:
        return None
    if row.total is not None and row.events_low is not None and row.events_high is not None:
        words = f"{row.events_low} to {row.events_high} of {row.total}"
        return row.events_low, row.events_high, row.total, words
    if denominator != "arm" or row.percent_reported is None or row.total is not None:
        return None
    size = arm_size(evidence, row)
    fits = fitting_counts(size, row.percent_reported) if size else ()
    if size is None or not fits:
        return None
    return fits[0], fits[-1], size, f"{row.percent_reported}% taken of the {size} patients of the arm"


def arm_size(evidence: Evidence, row: Outcome) -> int | None:
    """Return how many patients an arm had, as far as other rows of the study tell.

    That is the largest total of patients in the other rows of the arm and, for the arm that is the
    study as a whole, the patients of the study. ``None`` when only the row itself tells.
    """
    known = [
        other.total
        for other in evidence.outcomes
        if (other.study_id, other.arm_id) == (row.study_id, row.arm_id)
        and other.unit == "patients"
        and other.total is not None
        and other.key != row.key
        and not other.outcome.endswith("_selected")
    ]
    patients = evidence.study(row.study_id).n_patients
    if row.arm_id == "all" and patients is not None:
        known.append(patients)
    return max(known, default=None)


def follow_up_counts(
    evidence: Evidence, question: Question, case: Literal["best", "worst"]
) -> FollowUpCounts:
    """Put the patients who are missing from an outcome back into the counts of a question.

    In the best case all of them did well, in the worst all did badly; which of the two means an
    event follows from the direction of the outcome in the protocol.
    """
    counts = select(evidence, question)
    better_high = evidence.protocol.outcome(question.outcome).direction == "better-high"
    adds_events = better_high == (case == "best")
    rows = {row.key: row for row in evidence.outcomes}
    missing, unknown = [], []
    for study, keys in zip(counts.study_id, counts.rows_used, strict=True):
        lost = 0
        for key in keys:
            size = arm_size(evidence, rows[key]) if rows[key].unit == "patients" else None
            if size is None:
                unknown.append(study)
            else:
                lost += max(0, size - (rows[key].total or 0))
        missing.append(lost)
    back = _frozen(missing)
    events = counts.events + back if adds_events else counts.events
    return FollowUpCounts(counts, case, events, counts.total + back, back, tuple(dict.fromkeys(unknown)))


def _frozen(values: list[int]) -> IntArray:
    array = np.array(values, dtype=np.int64)
    array.setflags(write=False)
    return array
