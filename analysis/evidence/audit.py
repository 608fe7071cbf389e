"""The whole audit: every check of the tables, and every selection held to its promises.

The checks of the tables run at each load. Here they are joined by checks of what `select` makes of
the tables, over all questions that the protocol can ask: no patient twice, no row lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from analysis.evidence.arms import containing_arms
from analysis.evidence.faults import CheckResult, Finding
from analysis.evidence.overlap import specific_territory
from analysis.evidence.rules import found
from analysis.evidence.select import Counts, Question, select
from analysis.evidence.tables import Evidence, Outcome
from analysis.results import Result

__all__ = ["Audit", "audit", "selection_checks"]


@dataclass(frozen=True, slots=True)
class Audit(Result):
    """Every check with how often it ran, passed, was explained or found a fault."""

    checks: tuple[CheckResult, ...]
    questions: int
    data_hash: str

    @property
    def passed(self) -> int:
        """Number of places that keep a rule."""
        return sum(check.passed for check in self.checks)

    @property
    def explained(self) -> tuple[Finding, ...]:
        """Places that depart from a rule for a reason that the data give."""
        return tuple(finding for check in self.checks for finding in check.explained)

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Places that break a rule without a reason."""
        return tuple(finding for check in self.checks for finding in check.faults)

    @property
    def ran(self) -> int:
        """Number of places looked at."""
        return self.passed + len(self.explained) + len(self.faults)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a check."""
        return [
            {
                "check": check.label,
                "key": check.key,
                "ran": check.passed + len(check.explained) + len(check.faults),
                "passed": check.passed,
                "explained": len(check.explained),
                "faults": len(check.faults),
            }
            for check in self.checks
        ]


def audit(evidence: Evidence) -> Audit:
    """Audit the evidence: the checks that it was loaded with, and all of its selections."""
    questions, checks = selection_checks(evidence)
    return Audit((*evidence.checks, *checks), questions, evidence.data_hash)


def selection_checks(evidence: Evidence) -> tuple[int, tuple[CheckResult, ...]]:
    """Put every question to the evidence and check what stands together in each answer.

    Returns
    -------
    tuple
        The number of questions, and three check results: rows and questions, parts and totals,
        overlap groups.
    """
    labels = {
        "select-complete": "Every row is used or left out, once",
        "select-parts": "No total is counted with its parts",
        "select-overlap": "No two reports of an overlap group are counted together",
    }
    passed: Counter[str] = Counter()
    faults: dict[str, list[Finding]] = {key: [] for key in labels}
    rows = {row.key: row for row in evidence.outcomes}
    above = _containing(evidence)
    questions = 0
    for question in _questions(evidence):
        counts = select(evidence, question)
        questions += 1
        for key, finding in _findings(evidence, counts, rows, above):
            if finding is None:
                passed[key] += 1
            else:
                faults[key].append(finding)
    return questions, tuple(
        CheckResult(key, label, passed[key], (), tuple(faults[key])) for key, label in labels.items()
    )


def _questions(evidence: Evidence) -> Iterator[Question]:
    """Yield every population, outcome, version and subgroup, with choices that could double patients."""
    protocol = evidence.protocol
    units: tuple[Literal["patients", "all"], ...] = ("patients", "all")
    scopes: tuple[Literal["all", "direct"], ...] = ("all", "direct")
    outcomes = [item for item in protocol.outcomes if item.role != "not_pooled"]
    subgroups = (None, *(item.key for item in protocol.subgroups))
    for population, outcome, version in product(protocol.populations, outcomes, evidence.versions):
        for subgroup, unit, scope in product(subgroups, units, scopes):
            yield Question(population.key, outcome.key, version.id, subgroup, units=unit, scope=scope)


_Key = Literal["select-complete", "select-parts", "select-overlap"]


def _findings(
    evidence: Evidence,
    counts: Counts,
    rows: dict[tuple[str, str, str], Outcome],
    above: dict[str, dict[str, frozenset[str]]],
) -> Iterator[tuple[_Key, Finding | None]]:
    used = [rows[key] for keys in counts.rows_used for key in keys]
    yield "select-complete", _complete(evidence, counts, used)
    # Levels of a subgroup are pooled apart, so a total and its parts could only meet within one.
    for row in used:
        yield "select-parts", _with_its_whole(row, used, above)
    for row in used:
        if evidence.study(row.study_id).overlap_group:
            yield "select-overlap", _with_its_group(evidence, row, used)


def _complete(evidence: Evidence, counts: Counts, used: list[Outcome]) -> Finding | None:
    outcome = counts.question.outcome
    seen = Counter((row.study_id, row.arm_id) for row in used)
    seen.update((item.study_id, item.arm_id) for item in counts.left_out)
    for row in evidence.outcomes:
        if row.outcome == outcome and seen[row.study_id, row.arm_id] != 1:
            times = seen[row.study_id, row.arm_id]
            return found("outcomes", row, "arm_id", message=f"{_asked(counts)}: row stands {times} times")
    return None


def _with_its_whole(
    row: Outcome, used: list[Outcome], above: dict[str, dict[str, frozenset[str]]]
) -> Finding | None:
    for other in used:
        if other.study_id == row.study_id and other.arm_id in above[row.study_id][row.arm_id]:
            message = f"counted together with its whole {other.arm_id} (row {other.row})"
            return found("outcomes", row, "is_partition_of", message=message)
    return None


def _with_its_group(evidence: Evidence, row: Outcome, used: list[Outcome]) -> Finding | None:
    group = evidence.study(row.study_id).overlap_group
    mine = specific_territory(each.territory for each in used if each.study_id == row.study_id)
    for other in used:
        if other.study_id == row.study_id or evidence.study(other.study_id).overlap_group != group:
            continue
        theirs = specific_territory(each.territory for each in used if each.study_id == other.study_id)
        if mine == theirs or "mixed" in (mine, theirs):
            return found("outcomes", row, "study_id", message=f"counted together with {other.study_id}")
    return None


def _asked(counts: Counts) -> str:
    question = counts.question
    return f"{question.population} {question.outcome} in {counts.version}"


def _containing(evidence: Evidence) -> dict[str, dict[str, frozenset[str]]]:
    groups: dict[str, list[Outcome]] = {}
    for row in evidence.outcomes:
        groups.setdefault(row.study_id, []).append(row)
    return {study_id: containing_arms(rows) for study_id, rows in groups.items()}
