"""Evidence diff: what a version changed in every headline result, and which studies changed it.

The same comparison serves two versions of one evidence and two states of the tables, as before and
after a proposed study.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from analysis.living.attribution import Toggle, attribute
from analysis.living.refit import refit
from analysis.living.versions import SAME
from analysis.results import Result, difference, to_plain

if TYPE_CHECKING:
    from analysis.evidence.select import Counts
    from analysis.evidence.tables import Evidence, Study, Version
    from analysis.review.cells import Headline
    from analysis.synthesis.types import Pooled

__all__ = [
    "CellDiff",
    "Crossing",
    "Estimate",
    "EvidenceDiff",
    "Left",
    "StudyMove",
    "VersionRef",
    "diff_evidence",
    "diff_versions",
]

Kind = Literal["entered", "replaced", "left", "corrected"]


@dataclass(frozen=True, slots=True)
class VersionRef:
    """One side of a diff."""

    id: str
    label: str
    cut_off: str
    data_hash: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A pooled rate on one side of a diff; nan where there is none."""

    k: int
    events: int
    total: int
    estimate: float
    low: float
    high: float
    prediction_low: float
    prediction_high: float
    tau2: float


@dataclass(frozen=True, slots=True)
class StudyMove:
    """One study whose counts changed, and how far it moved the estimate (as a proportion).

    `sequential` is its step when the changes are made in order of publication, `averaged` the mean of its
    steps over orders with sampling error `averaged_se`; nan where there was no estimate to move.
    """

    study_id: str
    label: str
    kind: Kind
    year: int | None
    before: tuple[int, int] | None
    after: tuple[int, int] | None
    reason: str
    sequential: float
    averaged: float
    averaged_se: float


@dataclass(frozen=True, slots=True)
class Left:
    """One study that no longer stands in the pool, and why."""

    study_id: str
    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class Crossing:
    """A threshold of the protocol that a result lies differently to than before."""

    threshold: float
    meaning: str
    what: Literal["estimate", "confidence interval", "prediction interval"]
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class CellDiff(Result):
    """What changed in one headline result."""

    population: str
    outcome: str
    before: Estimate | None
    after: Estimate | None
    moves: tuple[StudyMove, ...]
    left: tuple[Left, ...]
    crossings: tuple[Crossing, ...]
    orders: int
    exact: bool
    converged: bool

    @property
    def change(self) -> float:
        """After minus before, as a proportion; nan without both."""
        if self.before is None or self.after is None:
            return float("nan")
        return difference(self.after.estimate, self.before.estimate)

    @property
    def same(self) -> bool:
        """Whether nothing about the result changed."""
        return _equal(self.before, self.after) and not self.moves and not self.left

    @property
    def most_moving(self) -> tuple[StudyMove, ...]:
        """The moves by size of their averaged effect, the largest first."""
        known = [move for move in self.moves if np.isfinite(move.averaged)]
        return tuple(sorted(known, key=lambda move: (-abs(move.averaged), move.study_id)))

    def rows(self) -> list[dict[str, Any]]:
        """One row a move."""
        return [asdict(move) for move in self.moves]

    def to_dict(self) -> dict[str, Any]:
        """Return the whole comparison of the cell."""
        return to_plain(asdict(self) | {"change": self.change, "same": self.same})


@dataclass(frozen=True, slots=True)
class EvidenceDiff(Result):
    """What changed between two versions, in the studies and in every headline result."""

    before: VersionRef
    after: VersionRef
    trigger: str
    methods_changes: str
    entered: tuple[str, ...]
    left: tuple[str, ...]
    decisions: dict[str, int]
    cells: tuple[CellDiff, ...]

    def cell(self, population: str, outcome: str) -> CellDiff:
        """Return one headline result's comparison."""
        for cell in self.cells:
            if (cell.population, cell.outcome) == (population, outcome):
                return cell
        raise KeyError(f"no headline result {population!r}, {outcome!r}")

    @property
    def changed(self) -> tuple[CellDiff, ...]:
        """The headline results in which anything changed."""
        return tuple(cell for cell in self.cells if not cell.same)

    def rows(self) -> list[dict[str, Any]]:
        """One row a headline result."""
        return [
            {
                "population": cell.population,
                "outcome": cell.outcome,
                **{
                    f"{name}_{side}": getattr(part, name) if part else None
                    for side, part in (("before", cell.before), ("after", cell.after))
                    for name in ("k", "estimate", "low", "high")
                },
                "change": cell.change,
                "moved_most": ", ".join(move.study_id for move in cell.most_moving[:3]),
                "thresholds_crossed": len(cell.crossings),
            }
            for cell in self.cells
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the whole diff."""
        plain = to_plain(asdict(self) | {"cells": None})
        return plain | {"cells": [cell.to_dict() for cell in self.cells]}


def diff_versions(evidence: Evidence, before: str, after: str) -> EvidenceDiff:
    """Compare two versions of the evidence; equal questions to equal data are answered once.

    Raises
    ------
    ValueError
        When there is no such version.
    """
    from analysis.review.cells import hashed

    return _diff_versions(hashed(evidence), evidence.version(before).id, evidence.version(after).id)


@lru_cache(maxsize=16)
def _diff_versions(key: Any, before: str, after: str) -> EvidenceDiff:
    return diff_evidence(key.evidence, key.evidence, before, after)


def diff_evidence(
    before: Evidence,
    after: Evidence,
    before_version: str | None = None,
    after_version: str | None = None,
) -> EvidenceDiff:
    """Compare two states of the evidence, by default each in its newest version."""
    old, new = before.version(before_version), after.version(after_version)
    sides = _Side(before, old), _Side(after, new)
    names = [{item.study_id for item in side.studies} for side in sides]
    decisions: dict[str, int] = {}
    for study in sides[1].studies:
        if study.study_id not in names[0]:
            decisions[study.eligibility] = decisions.get(study.eligibility, 0) + 1
    return EvidenceDiff(
        before=sides[0].ref,
        after=sides[1].ref,
        trigger=new.trigger,
        methods_changes=new.methods_changes,
        entered=tuple(sorted(names[1] - names[0])),
        left=tuple(sorted(names[0] - names[1])),
        decisions=decisions,
        cells=tuple(
            _cell(*sides, population.key, outcome.key)
            for population in after.protocol.populations
            for outcome in after.protocol.main_outcomes
        ),
    )


class _Side:
    """One side of a diff: the evidence, its version, and the studies of that version."""

    def __init__(self, evidence: Evidence, version: Version) -> None:
        from analysis.evidence.notices import as_known

        self.evidence = evidence
        self.version = version
        known = as_known(evidence, version).studies
        self.studies = tuple(item for item in known if evidence.in_version(item, version))
        self.ref = VersionRef(version.id, version.label, str(version.cut_off), evidence.data_hash)

    def headline(self, population: str, outcome: str) -> Headline:
        from analysis.review.cells import headline

        return headline(self.evidence, population, outcome, self.version.id)

    def study(self, study_id: str) -> Study:
        return self.evidence.study(study_id)


def _cell(old: _Side, new: _Side, population: str, outcome: str) -> CellDiff:
    from analysis.living.changes import change_list

    was, now = old.headline(population, outcome), new.headline(population, outcome)
    changes = change_list(old.evidence, new.evidence, was.counts, now.counts)
    events, total, start, toggles = _pool_of_rows(was.counts, now.counts, [c.study_id for c in changes])
    # A study replaced by another of its group goes out with the step that brings the other in.
    steps = []
    for change, toggle in zip(changes, toggles, strict=True):
        takes_out = [*toggle.takes_out]
        if change.replaces:
            takes_out.append(was.counts.study_id.index(change.replaces))
        steps.append(Toggle(toggle.puts_in, tuple(takes_out)))
    converged = True

    def estimate(weights: np.ndarray) -> np.ndarray:
        nonlocal converged
        fits = refit(events, total, weights, new.evidence.protocol.primary)
        some = weights.sum(axis=1) > 0
        converged = bool(fits.converged[some].all())
        return fits.estimate

    moved = attribute(start, steps, estimate) if changes else None
    moves = tuple(
        StudyMove(
            change.study_id,
            change.label,
            change.kind,
            change.year,
            change.before,
            change.after,
            change.reason,
            *(
                (float(moved.sequential[i]), float(moved.averaged[i]), float(moved.averaged_se[i]))
                if moved
                else (float("nan"),) * 3
            ),
        )
        for i, change in enumerate(changes)
    )
    return CellDiff(
        population,
        outcome,
        _estimate(was.pooled),
        _estimate(now.pooled),
        moves,
        _left(now.counts, was.counts),
        _crossings(new.evidence, outcome, was.pooled, now.pooled),
        moved.orders if moved else 0,
        moved.exact if moved else True,
        converged,
    )


def _pool_of_rows(
    was: Counts, now: Counts, changed: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Toggle]]:
    """Rows of both sides below each other, the weights before, and the toggle of each change."""
    old, new = list(was.study_id), list(now.study_id)
    events = np.concatenate([was.events, now.events])
    total = np.concatenate([was.total, now.total])
    start = np.concatenate([np.ones(was.k), np.zeros(now.k)])
    toggles = [
        Toggle(
            (was.k + new.index(study),) if study in new else (),
            (old.index(study),) if study in old else (),
        )
        for study in changed
    ]
    return events, total, start, toggles


def _estimate(pooled: Pooled | None) -> Estimate | None:
    if pooled is None:
        return None
    return Estimate(
        pooled.k,
        int(pooled.events.sum()),
        int(pooled.total.sum()),
        float(pooled.estimate),
        float(pooled.ci.low),
        float(pooled.ci.high),
        float(pooled.prediction.low),
        float(pooled.prediction.high),
        float(pooled.tau2),
    )


def _equal(one: Estimate | None, other: Estimate | None) -> bool:
    """Compare to the precision of the fits; an interval that exists on neither side is no difference."""
    if one is None or other is None:
        return one is other
    pairs = zip(asdict(one).values(), asdict(other).values(), strict=True)
    return all(abs(a - b) <= SAME or (a != a and b != b) for a, b in pairs)


def _left(now: Counts, was: Counts) -> tuple[Left, ...]:
    gone = [study for study in was.study_id if study not in now.study_id]
    reasons = {item.study_id: item.reason for item in now.left_out}
    return tuple(
        Left(
            study,
            was.label[was.study_id.index(study)],
            reasons.get(study, "No row of the study is about this outcome any more."),
        )
        for study in gone
    )


def _crossings(
    evidence: Evidence, outcome: str, was: Pooled | None, now: Pooled | None
) -> tuple[Crossing, ...]:
    if was is None or now is None:
        return ()
    found = []
    for threshold in evidence.protocol.outcome(outcome).thresholds:
        places = [_places(pooled, threshold.value) for pooled in (was, now)]
        for what in places[0]:
            if places[0][what] != places[1][what]:
                ends = places[0][what], places[1][what]
                found.append(Crossing(threshold.value, threshold.meaning, what, *ends))
    return tuple(found)


def _places(pooled: Pooled, threshold: float) -> dict[Any, str]:
    return {
        "estimate": _side_of(pooled.estimate, pooled.estimate, threshold),
        "confidence interval": _side_of(pooled.ci.low, pooled.ci.high, threshold),
        "prediction interval": _side_of(pooled.prediction.low, pooled.prediction.high, threshold),
    }


def _side_of(low: float, high: float, threshold: float) -> str:
    if np.isnan(low) or np.isnan(high):
        return "not estimable"
    if low > threshold:
        return "above"
    return "below" if high < threshold else "around"
