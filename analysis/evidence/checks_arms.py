"""Checks of the rows of one study against each other: parts and totals, arms and patients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import combinations

from analysis.evidence.arms import containing_arms
from analysis.evidence.faults import Finding
from analysis.evidence.rules import Check, Tables, found
from analysis.evidence.tables import Outcome

__all__ = ["CHECKS"]

#: Arms tried together when looking for a total that stands beside its parts without saying so.
_MOST_PARTS = 4
_PART_COLUMNS = ("is_partition_of", "arm_id", "events", "total", "outcome", "study_id")


def _by_study(outcomes: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for row in outcomes:
        groups[row.study_id].append(row)
    return groups


def _treated_counts(rows: list[Outcome]) -> dict[tuple[str, str], list[Outcome]]:
    """Group the rows with a count of treated arms by outcome and unit."""
    groups: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for row in rows:
        if row.has_count and row.technique != "control":
            groups[row.outcome, row.unit].append(row)
    return groups


def _parts_named(tables: Tables) -> Iterator[Finding]:
    tables.need("outcomes")
    every = _by_study(tables.every("outcomes"))
    for study_id, rows in _by_study(tables["outcomes"]).items():
        arms = {row.arm_id for row in every[study_id]}
        above = containing_arms(every[study_id])
        for row in rows:
            if not row.is_partition_of:
                continue
            message = expected = ""
            if row.arm_id in above[row.arm_id]:
                message, expected = "an arm is said to be part of itself", "another arm"
            elif row.is_partition_of not in arms:
                message = "no such arm in this study"
                expected = "one of " + ", ".join(sorted(arms - {row.arm_id}))
            yield found(
                "outcomes", row, ("is_partition_of", "arm_id"), message=message, expected=expected
            )


def _part_within_whole(tables: Tables) -> Iterator[Finding]:
    for rows in _by_study(tables["outcomes"]).values():
        for group in _treated_counts(rows).values():
            counts = {row.arm_id: row for row in group}
            parts: dict[str, list[Outcome]] = defaultdict(list)
            for row in group:
                if row.is_partition_of in counts and row.is_partition_of != row.arm_id:
                    parts[row.is_partition_of].append(row)
            for arm, members in parts.items():
                yield from _compare_parts(counts[arm], members)


def _compare_parts(whole: Outcome, members: list[Outcome]) -> Iterator[Finding]:
    last = members[-1]
    for name in ("events", "total"):
        most = getattr(whole, name)
        for part in members:
            value = getattr(part, name)
            over = value > most
            yield found(
                "outcomes",
                part,
                (name, *_PART_COLUMNS),
                message=f"a part exceeds its whole ({whole.arm_id}, row {whole.row})"
                if over
                else "",
                expected=f"at most {most}",
            )
        summed = sum(getattr(part, name) for part in members)
        names = " + ".join(part.arm_id for part in members)
        yield found(
            "outcomes",
            last,
            (name, *_PART_COLUMNS),
            message=(
                f"{names} add up to {summed}, above the whole ({whole.arm_id}, row {whole.row})"
                if summed > most
                else ""
            ),
            expected=f"a sum of at most {most}",
        )


def _total_beside_parts(tables: Tables) -> Iterator[Finding]:
    """Look for a total that could be pooled with its parts, as no row marks them."""
    every = _by_study(tables.every("outcomes"))
    for study_id, rows in _by_study(tables["outcomes"]).items():
        above = containing_arms(every[study_id])
        for group in _treated_counts(rows).values():
            for whole in group:
                yield _beside(whole, group, above)


def _beside(whole: Outcome, group: list[Outcome], above: dict[str, frozenset[str]]) -> Finding:
    others = [
        row
        for row in group
        if row is not whole
        and whole.arm_id not in above[row.arm_id]
        and row.arm_id not in above[whole.arm_id]
    ]
    members = others if whole.arm_id == "all" else _summing(whole, others)
    if not members:
        return found("outcomes", whole, _PART_COLUMNS)
    names = " + ".join(f"{row.arm_id} (row {row.row})" for row in members)
    summed = f"{sum(row.events or 0 for row in members)}/{sum(row.total or 0 for row in members)}"
    return found(
        "outcomes",
        members[0],
        _PART_COLUMNS,
        message=(
            f"total beside its parts: {whole.arm_id} (row {whole.row}) has "
            f"{whole.events}/{whole.total}, {names} {summed}, and no row says which contains which"
        ),
        expected=f"is_partition_of = {whole.arm_id} in the rows of the parts",
    )


def _summing(whole: Outcome, others: list[Outcome]) -> list[Outcome]:
    for size in range(2, min(len(others), _MOST_PARTS) + 1):
        for members in combinations(others, size):
            same_events = sum(row.events or 0 for row in members) == whole.events
            if same_events and sum(row.total or 0 for row in members) == whole.total:
                return list(members)
    return []


def _patients_within_study(tables: Tables) -> Iterator[Finding]:
    sizes = {study.study_id: study.n_patients for study in tables["studies"]}
    for study_id, rows in _by_study(tables["outcomes"]).items():
        size = sizes.get(study_id)
        groups: dict[str, list[Outcome]] = defaultdict(list)
        for row in rows:
            counted = row.has_count and row.unit == "patients"
            if counted and not row.is_partition_of and not row.outcome.endswith("_selected"):
                groups[row.outcome].append(row)
        for members in groups.values():
            if size is None:
                continue
            summed = sum(row.total or 0 for row in members)
            names = " + ".join(row.arm_id for row in members)
            yield found(
                "outcomes",
                members[-1],
                ("total", *_PART_COLUMNS),
                message=f"{names} hold {summed} patients, the study {size}"
                if summed > size
                else "",
                expected=f"at most {size}, or is_partition_of for a part",
            )


def _control_arms(tables: Tables) -> Iterator[Finding]:
    for row in tables["outcomes"]:
        named = row.arm_id == "control"
        message = (
            "" if named == (row.technique == "control") else "arm and technique disagree on control"
        )
        expected = "technique control in the arm control, and nowhere else"
        yield found("outcomes", row, ("technique", "arm_id"), message=message, expected=expected)


CHECKS: tuple[Check, ...] = (
    Check("parts-named", "A part names an arm of its study", _parts_named),
    Check("part-within-whole", "Parts do not exceed their whole", _part_within_whole),
    Check("total-beside-parts", "No total stands beside its parts unmarked", _total_beside_parts),
    Check(
        "patients-within-study", "Arms hold no more patients than the study", _patients_within_study
    ),
    Check("control-arms", "Control arms are marked as such", _control_arms),
)
