"""How far each headline moves under every planned choice, and which choice moves it most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from analysis.evidence.select import Counts, Question, select
from analysis.evidence.uncertain import bounded_counts, follow_up_counts
from analysis.report.numbers import counted
from analysis.results import Result, difference, to_plain
from analysis.review.cells import hashed, headline, primary_settings
from analysis.synthesis import warm_up

if TYPE_CHECKING:
    from analysis.evidence.protocol import Sensitivity
    from analysis.evidence.tables import Evidence
    from analysis.review.bounded import BoundedPool
    from analysis.review.cells import HashedEvidence
    from analysis.synthesis.types import Pooled

__all__ = ["FAMILIES", "SensitivityRow", "SensitivityTable", "sensitivity_table"]

#: Part of a planned departure -> its kind in words.
FAMILIES = {
    "selection": "Which studies and rows",
    "counts": "How uncertain counts are used",
    "analysis": "Which model",
}
#: A shift below this is a matter of the optimiser, not of the choice.
_SAME = 5e-7


@dataclass(frozen=True, slots=True)
class SensitivityRow:
    """The headline under one choice.

    `shift` is the difference to the primary analysis as a proportion. `status` is ``"moved"``,
    ``"same"`` when the choice leaves every count as it was, or ``"empty"`` when no study is left.
    `changed` counts the studies that entered, left or have
    other counts.
    """

    key: str
    label: str
    family: str
    status: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    k: int = 0
    n: int = 0
    shift: float | None = None
    changed: int = 0
    note: str = ""
    short_label: str = ""


@dataclass(frozen=True, slots=True)
class SensitivityTable(Result):
    """One headline with the result of every planned choice beside it."""

    population: str
    outcome: str
    version: str
    primary: SensitivityRow
    choices: tuple[SensitivityRow, ...]

    @property
    def key(self) -> str:
        """Stable name, as the headline's."""
        return f"{self.population}-{self.outcome}-{self.version}"

    @property
    def moving(self) -> tuple[SensitivityRow, ...]:
        """The choices that move the estimate."""
        return tuple(row for row in self.choices if abs(row.shift or 0.0) > _SAME)

    @property
    def strongest(self) -> SensitivityRow | None:
        """The choice that moves the estimate most; ``None`` when none moves it."""
        return max(self.moving, key=lambda row: abs(row.shift or 0.0), default=None)

    @property
    def strongest_of_many(self) -> SensitivityRow | None:
        """The choice that moves the estimate most among those that keep half of the patients or more."""
        kept = [row for row in self.moving if 2 * row.n >= self.primary.n]
        return max(kept, key=lambda row: abs(row.shift or 0.0), default=None)

    @property
    def span(self) -> tuple[float, float]:
        """Lowest and highest estimate over the primary analysis and all choices."""
        known = [row.estimate for row in (self.primary, *self.choices) if row.estimate is not None]
        return min(known), max(known)

    def rows(self) -> list[dict[str, Any]]:
        """Return the primary analysis and one row a choice."""
        names = tuple(SensitivityRow.__dataclass_fields__)
        return [
            to_plain({name: getattr(row, name) for name in names}) for row in (self.primary, *self.choices)
        ]


def sensitivity_table(
    evidence: Evidence, population: str, outcome: str, version: str | None = None
) -> SensitivityTable | None:
    """Return one headline under every choice of the protocol, or ``None`` when it has no count.

    Equal questions to the same data are computed once, and so are choices that leave equal counts.
    """
    chosen = evidence.version(version).id
    return _table(hashed(evidence), Question(population, outcome, version=chosen))


@lru_cache(maxsize=128)
def _table(key: HashedEvidence, question: Question) -> SensitivityTable | None:
    # Each headline is refitted some twenty times.
    warm_up()
    evidence = key.evidence
    cell = headline(evidence, question.population, question.outcome, str(question.version))
    if cell.pooled is None:
        return None
    primary = _row_of(cell.pooled, "primary", "Primary analysis", "", cell.pooled.estimate)
    fits: dict[object, Pooled] = {_fingerprint(cell.counts, {}): cell.pooled}
    choices = tuple(
        replace(
            _choice(evidence, question, cell.counts, cell.pooled, item, fits), short_label=item.short_label
        )
        for item in evidence.protocol.sensitivity
    )
    return SensitivityTable(question.population, question.outcome, str(question.version), primary, choices)


def _choice(
    evidence: Evidence,
    question: Question,
    counts: Counts,
    pooled: Pooled,
    item: Sensitivity,
    fits: dict[object, Pooled],
) -> SensitivityRow:
    from analysis.review.bounded import pool_bounded

    family = next(words for name, words in FAMILIES.items() if getattr(item, name))
    # The contract of the protocol has held both against the choices that there are.
    selection: dict[str, Any] = dict(item.selection)
    how: dict[str, Any] = dict(item.counts)
    asked = replace(question, **selection)
    note = ""
    if "uncertain" in how:
        bounded = bounded_counts(evidence, asked, how["uncertain"])
        changed = len(bounded.added)
        if not changed:
            return _unchanged(item, family, pooled)
        labels = {key: evidence.study(key[0]).label for key, _ in bounded.added}
        note = "; ".join(f"{labels[key]}: {words}" for key, words in bounded.added)
        gone = [evidence.study(each).label for each in counts.study_id if each not in bounded.counts.study_id]
        if gone:
            note += f"; gives way to a larger report of its group: {', '.join(gone)}"
        fit = pool_bounded(bounded, primary_settings(evidence))
        return _row_of(fit, item.key, item.label, family, pooled.estimate, changed, note)
    if "follow_up" in how:
        lost = follow_up_counts(evidence, asked, how["follow_up"])
        changed = int((lost.missing > 0).sum())
        note = _follow_up_note(lost.missing.sum(), changed, len(lost.unknown))
        found = replace(lost.counts, events=lost.events, total=lost.total)
    else:
        found = select(evidence, asked)
        changed = _changed(counts, found)
    if found.k == 0:
        return SensitivityRow(item.key, item.label, family, "empty", changed=changed)
    changes = dict(item.analysis)
    if changed == 0 and not changes:
        return replace(_unchanged(item, family, pooled), note=note)
    mark = _fingerprint(found, changes)
    if mark not in fits:
        fits[mark] = _pool(evidence, found, changes)
    return _row_of(fits[mark], item.key, item.label, family, pooled.estimate, changed, note)


def _pool(evidence: Evidence, counts: Counts, changes: dict[str, str]) -> Pooled:
    from analysis.synthesis.pooled import pool

    settings = primary_settings(evidence) | changes
    return pool(counts.events, counts.total, labels=counts.label, **settings)


def _follow_up_note(missing: int, studies: int, unknown: int) -> str:
    seen = f"{counted(int(missing), 'patient')} put back in {counted(studies, 'study', 'studies')}"
    if not unknown:
        return seen
    blind = counted(unknown, "study", "studies")
    return f"{seen}; not computable in {blind} whose arm size is not given apart from the outcome"


def _fingerprint(counts: Counts, changes: dict[str, str]) -> object:
    numbers = tuple(zip(counts.study_id, counts.events.tolist(), counts.total.tolist(), strict=True))
    return numbers, tuple(sorted(changes.items()))


def _changed(before: Counts, after: Counts) -> int:
    old, new = (
        {study: (int(counts.events[i]), int(counts.total[i])) for i, study in enumerate(counts.study_id)}
        for counts in (before, after)
    )
    return sum(old.get(study) != new.get(study) for study in old.keys() | new.keys())


def _unchanged(item: Sensitivity, family: str, pooled: Pooled) -> SensitivityRow:
    row = _row_of(pooled, item.key, item.label, family, pooled.estimate)
    return replace(row, status="same")


def _row_of(
    pooled: Pooled | BoundedPool,
    key: str,
    label: str,
    family: str,
    reference: float,
    changed: int = 0,
    note: str = "",
) -> SensitivityRow:
    return SensitivityRow(
        key,
        label,
        family,
        "moved",
        pooled.estimate,
        pooled.ci.low,
        pooled.ci.high,
        pooled.k,
        round(float(pooled.total.sum())),
        difference(pooled.estimate, reference),
        changed,
        note,
    )
