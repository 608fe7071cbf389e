"""Checks of dates, of identities across studies, and of the rows against the raw extractions."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from analysis.evidence.cells import near
from analysis.evidence.faults import Finding
from analysis.evidence.provenance import agreement_words
from analysis.evidence.rules import MANY, Check, Tables, found
from analysis.evidence.tables import DoubleExtraction, Outcome, Study

__all__ = ["CHECKS"]

_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")


def _versions(tables: Tables) -> Iterator[Finding]:
    tables.need("versions", clean=True)
    for earlier, later in pairwise(tables["versions"]):
        # A patch brings no study, so it may keep the cut-off of the version that it mends.
        patch = not later.id.endswith(".0")
        wrong = later.cut_off < earlier.cut_off or (not patch and later.cut_off == earlier.cut_off)
        yield found(
            "versions",
            later,
            "cut_off",
            message=f"cut-off is not after that of {earlier.id} ({earlier.cut_off})" if wrong else "",
            expected=f"a date after {earlier.cut_off}",
        )


def _years(tables: Tables) -> Iterator[Finding]:
    """Hold the year of publication against the evidence stage and the end of enrolment."""
    tables.need("versions", clean=True)
    versions = tables["versions"]
    for study in tables["studies"]:
        if study.year is None:
            continue
        stage = [i for i, each in enumerate(versions) if each.stage == study.evidence_stage]
        if stage:
            entered = next((i for i in stage if versions[i].id == study.first_version), stage[0])
            yield _year_in_stage(study, versions, stage[0], entered)
        years = [int(year) for year in _YEAR.findall(study.enrolment)]
        if years:
            late = max(years) > study.year
            yield found(
                "studies",
                study,
                ("year", "enrolment"),
                message=f"enrolled until {max(years)}, published in {study.year}" if late else "",
                expected=f"{max(years)} or later",
            )


def _year_in_stage(study: Study, versions: tuple, place: int, entered: int) -> Finding:
    # A study that every earlier search missed enters with the version in which it was found, so only the
    # first version of a stage holds no study that was public in the stage before.
    last = versions[entered].cut_off.year
    first = versions[place - 1].cut_off.year if place and entered == place else 0
    year = study.year or 0
    message = ""
    if year > last:
        message = f"published in {year}, after the cut-off of stage {study.evidence_stage}"
    elif year < first:
        message = f"published in {year}, so it was public in the stage before {study.evidence_stage}"
    return found(
        "studies",
        study,
        ("year", "evidence_stage"),
        message=message,
        expected=f"{first} to {last}" if first else f"{last} or earlier",
    )


def _same_report(tables: Tables) -> Iterator[Finding]:
    """Look for one report under two keys, by title or registration."""
    for name in ("title", "registration"):
        seen: dict[str, list[str]] = defaultdict(list)
        for study in tables["studies"]:
            plain = _NOT_LETTERS.sub("", getattr(study, name).lower())
            if not plain:
                continue
            message = f"same {name} as {seen[plain][0]}" if seen[plain] else ""
            yield found("studies", study, name, message=message, expected=f"one study a {name}")
            seen[plain].append(study.study_id)


def _raw_rows(tables: Tables) -> dict[tuple[str, str, str], list[DoubleExtraction]]:
    """Return the raw rows by key, without keys of which a cell is known to be wrong."""
    tables.need("double_extraction")
    raw: dict[tuple[str, str, str], list[DoubleExtraction]] = defaultdict(list)
    wrong = set()
    for row in tables.every("double_extraction"):
        key = (row.study_id, row.arm_id, row.outcome)
        raw[key].append(row)
        if tables.faulty("double_extraction", row):
            wrong.add(key)
    return {key: rows for key, rows in raw.items() if key not in wrong}


def _raw_known(tables: Tables) -> set[tuple[str, str, str]]:
    """Return the keys of which any raw row stands in the table, faulty or not."""
    return {(row.study_id, row.arm_id, row.outcome) for row in tables.every("double_extraction")}


def _extractors(tables: Tables) -> Iterator[Finding]:
    raw = _raw_rows(tables)
    present = _raw_known(tables)
    studies = {study.study_id for study in tables.every("studies")}
    outcomes = {item.key for item in tables.protocol.outcomes}
    strange = [
        row for row in tables.every("outcomes") if row.study_id not in studies or row.outcome not in outcomes
    ]
    bare = {row.key for row in tables["outcomes"] if row.key not in present and row not in strange}
    if len(bare) > MANY:
        yield _lost("double_extraction", "outcomes", len(bare))
        return
    for row in tables["outcomes"]:
        if row in strange:  # a mistyped key is named by the checks of the references
            continue
        if row.key in present and row.key not in raw:  # a cell of its raw rows is a fault already
            continue
        known = "+".join(str(number) for number in sorted({item.extractor for item in raw.get(row.key, ())}))
        yield found(
            "outcomes",
            row,
            ("extractors", "study_id", "arm_id", "outcome"),
            message=f"the raw extractions are by {known or 'nobody'}" if known != row.extractors else "",
            expected=known or _near_raw(row, present),
        )
    if strange:  # what looks like a missing row may be the mistyped one
        return
    tables.need("outcomes")
    rows = {row.key for row in tables.every("outcomes")}
    alone = raw.keys() - rows
    if len(alone) > MANY:
        yield _lost("outcomes", "double_extraction", len(alone))
        return
    for key, items in raw.items():
        yield found(
            "double_extraction",
            items[0],
            ("study_id", "arm_id", "outcome"),
            message="" if key in rows else "no row of outcomes.csv reconciles this extraction",
            expected="a row with the same study, arm and outcome",
        )


def _lost(table: str, other: str, number: int) -> Finding:
    message = f"{number} rows that fit a row of {other}.csv are not here"
    expected = "a row with the same study, arm and outcome; were rows of this table lost?"
    return Finding("", "fault", f"{table}.csv", 0, "", "", message, expected)


def _near_raw(row: Outcome, present: set[tuple[str, str, str]]) -> str:
    arms = sorted({arm for study, arm, outcome in present if (study, outcome) == (row.study_id, row.outcome)})
    meant = near(row.arm_id, arms)
    hint = f", or another arm (near: {meant})" if meant else f", or one of its arms {arms}" if arms else ""
    return f"rows in double_extraction.csv with this study, arm and outcome{hint}"


def _agreement(tables: Tables) -> Iterator[Finding]:
    raw = _raw_rows(tables)
    for row in tables["outcomes"]:
        items = raw.get(row.key)
        if items:
            yield _agreement_of(row, items)


def _agreement_of(row: Outcome, items: list[DoubleExtraction]) -> Finding:
    columns = ("agreement", "events", "total", "study_id", "arm_id", "outcome")
    same = {(item.events, item.total) for item in items} == {(row.events, row.total)}
    several = len({item.extractor for item in items}) > 1
    if row.agreement == "resolved":
        return found(
            "outcomes",
            row,
            columns,
            message=agreement_words(row, items),
            expected="a note that says how it was resolved",
            explained=row.note,
        )
    message = expected = ""
    if not same:
        shown = ", ".join(
            f"{_count(item.events)}/{_count(item.total)} (extractor {item.extractor})" for item in items
        )
        message, expected = f"raw extractions differ from the row: {shown}", "resolved, with a note"
    elif several != (row.agreement == "agree"):
        message = f"{len(items)} raw extractions with the same counts"
        expected = "agree" if several else "single"
    return found("outcomes", row, columns, message=message, expected=expected)


def _count(value: int | None) -> str:
    return "blank" if value is None else str(value)


CHECKS: tuple[Check, ...] = (
    Check("version-dates", "Cut-off dates follow each other", _versions),
    Check("study-years", "Years agree with the stage and the enrolment", _years),
    Check("same-report", "No report stands under two keys", _same_report),
    Check("extractors", "Extractors are those of the raw extractions", _extractors),
    Check("agreement", "Agreement follows from the raw extractions", _agreement),
)
