"""Checks of the trials' tables against each other: grades, dichotomies, deaths, printed intervals."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from analysis.evidence.faults import Finding
from analysis.evidence.rules import Check, Tables, found
from analysis.evidence.tables import MrsDistribution, Outcome, TrialEffect

__all__ = ["CHECKS"]

#: Outcome -> first and last grade of the modified Rankin scale that it counts.
_GRADES = {"mrs01": (0, 1), "mrs02": (0, 2), "mrs03": (0, 3), "mortality90": (6, 6)}

#: Outcomes that contain each other, from the narrowest to the widest, within one arm.
_NESTED = (
    ("mrs01", "mrs02", "mrs03"),
    ("reperfusion_2c3", "reperfusion", "reperfusion_2a3"),
    ("mortality_inhospital", "mortality90"),
)

_RATIOS = frozenset({"RR", "OR", "HR"})
#: Largest difference of the two arms of a ratio's interval, as a share of its length on the log
#: scale. The printed ratios of the trials stay below 0.03; the one limit marked as a misprint
#: gives 0.28.
_SKEW = 0.15


def _dichotomies(tables: Tables) -> Iterator[Finding]:
    counts = {row.key: row for row in tables["outcomes"] if row.has_count}
    for grades in tables["rct_mrs_distribution"]:
        for outcome in _GRADES:
            row = counts.get((grades.study_id, grades.arm_id, outcome))
            if row is not None:
                yield _against_grades(row, grades)


def _against_grades(row: Outcome, grades: MrsDistribution) -> Finding:
    first, last = _GRADES[row.outcome]
    events = sum(grades.grades[first : last + 1])
    columns = ("events", "total", "study_id", "arm_id", "outcome")
    if (row.events, row.total) == (events, grades.n):
        return found("outcomes", row, columns)
    by_grade = f"{events} of {grades.n}"
    same_events = row.events == events and by_grade in row.note
    return found(
        "outcomes",
        row,
        columns,
        message=f"{row.events} of {row.total}, but the grades of {grades.trial} give {by_grade}",
        expected=f"{events}/{grades.n}, or a note that names {by_grade}",
        explained=f"the row says so ({row.note})" if same_events else "",
    )


def _nested(tables: Tables) -> Iterator[Finding]:
    arms: dict[tuple[str, str, str], dict[str, Outcome]] = {}
    for row in tables["outcomes"]:
        if row.has_count:
            arms.setdefault((row.study_id, row.arm_id, row.unit), {})[row.outcome] = row
    for rows in arms.values():
        for chain in _NESTED:
            known = [rows[name] for name in chain if name in rows]
            for inner, outer in pairwise(known):
                if inner.total == outer.total:
                    yield _inside(inner, outer)
        good, dead = rows.get("mrs02"), rows.get("mortality90")
        if good is not None and dead is not None and good.total == dead.total:
            yield _apart(good, dead)


def _inside(inner: Outcome, outer: Outcome) -> Finding:
    over = (inner.events or 0) > (outer.events or 0)
    return found(
        "outcomes",
        inner,
        ("events", "outcome", "arm_id", "study_id"),
        message=(
            f"{inner.events} with {inner.outcome}, but only {outer.events} with {outer.outcome} "
            f"(row {outer.row}), which contains it"
            if over
            else ""
        ),
        expected=f"at most {outer.events}",
    )


def _apart(good: Outcome, dead: Outcome) -> Finding:
    both = (good.events or 0) + (dead.events or 0)
    return found(
        "outcomes",
        dead,
        ("events", "outcome", "arm_id", "study_id"),
        message=(
            f"{good.events} independent and {dead.events} dead exceed the {dead.total} patients"
            if both > (dead.total or 0)
            else ""
        ),
        expected=f"at most {(dead.total or 0) - (good.events or 0)}",
    )


def _ratio_intervals(tables: Tables) -> Iterator[Finding]:
    """Look for ratios whose interval is lopsided on the log scale, as a misprinted limit makes it."""
    for row in tables["rct_effects"]:
        ratio = any(word in _RATIOS for word in row.effect_measure.replace("(", " ").split())
        limits = (row.estimate, row.ci_low, row.ci_high)
        if ratio and all(value is not None and value > 0 for value in limits):
            yield _lopsided(row)


def _lopsided(row: TrialEffect) -> Finding:
    middle, low, high = (math.log(float(value or 0)) for value in (row.estimate, row.ci_low, row.ci_high))
    skew = abs((high - middle) - (middle - low)) / (high - low) if high > low else 0.0
    return found(
        "rct_effects",
        row,
        ("ci_low", "estimate", "ci_high"),
        message=(
            f"{row.estimate:g} ({row.ci_low:g} to {row.ci_high:g}) is lopsided on the log scale"
            if skew > _SKEW
            else ""
        ),
        expected="limits about equally far from the estimate on the log scale, or a remark on the misprint",
        explained=f"the row says so ({row.locator})" if "misprint" in row.locator else "",
    )


CHECKS: tuple[Check, ...] = (
    Check("grades-dichotomies", "Rankin grades agree with the counts of the arm", _dichotomies),
    Check("nested-outcomes", "Outcomes that contain each other do not cross", _nested),
    Check("ratio-intervals", "Intervals of printed ratios are balanced", _ratio_intervals),
)
