"""Checks of the tables against each other and against the protocol."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Literal

from analysis.evidence.cells import near
from analysis.evidence.faults import Finding
from analysis.evidence.rules import MANY, Check, Tables, found

__all__ = ["CHECKS"]

_LISTS = {"awaiting": "awaiting", "excluded": "exclude"}


def _known(name: str, known: set[str], what: str) -> tuple[str, str]:
    if name in known:
        return "", ""
    meant = near(name, known)
    return f"no such {what}", f"a known {what}" + (f" (near: {meant})" if meant else "")


def _studies_known(tables: Tables) -> Iterator[Finding]:
    tables.need("studies")
    known = {study.study_id for study in tables.every("studies")}
    lost = _lost(tables, known)
    if len(lost) > MANY:
        shown = ", ".join(lost[:3])
        message = f"{len(lost)} studies that other tables name are not here ({shown} and others)"
        expected = "a row for each study; were rows of this table lost?"
        yield Finding("", "fault", "studies.csv", 0, "", "", message, expected)
        return
    for table in tables.rows:
        for row in () if table in tables.unread else tables.every(table):
            study_id = getattr(row, "study_id", "")
            if table == "studies" or not study_id:
                continue
            message, expected = _known(study_id, known, "study in studies.csv")
            yield found(table, row, "study_id", message=message, expected=expected)


def _lost(tables: Tables, known: set[str]) -> list[str]:
    """Return the studies that rows of other tables name and studies.csv does not hold."""
    named = {
        getattr(row, "study_id", "")
        for table in tables.rows
        for row in (() if table in tables.unread else tables.every(table))
    }
    return sorted(named - known - {""})


def _outcomes_known(tables: Tables) -> Iterator[Finding]:
    known = {outcome.key for outcome in tables.protocol.outcomes}
    for table in ("outcomes", "double_extraction", "published", "doubts"):
        for row in tables[table]:
            if table == "doubts" and row.outcome == "*":
                continue
            message, expected = _known(row.outcome, known, "outcome in protocol.yml")
            yield found(table, row, "outcome", message=message, expected=expected)


def _groups_known(tables: Tables) -> Iterator[Finding]:
    tables.need("overlap")
    known = {group.group for group in tables.every("overlap")}
    for study in tables["studies"]:
        if study.overlap_group:
            message, expected = _known(study.overlap_group, known, "group in overlap.csv")
            yield found("studies", study, "overlap_group", message=message, expected=expected)


def _first_versions(tables: Tables) -> Iterator[Finding]:
    tables.need("versions", clean=True)
    stages: dict[str, list[str]] = defaultdict(list)
    for version in tables["versions"]:
        stages[version.stage].append(version.id)
    staged = [study for study in tables["studies"] if study.evidence_stage]
    lost = [study for study in staged if study.evidence_stage not in stages]
    if len(lost) > MANY:
        names = " or ".join(sorted({study.evidence_stage for study in lost}))
        message = f"no version has the stage {names}, in which {len(lost)} studies stand"
        expected = "a row for each version; were rows of this table lost?"
        yield Finding("", "fault", "versions.csv", 0, "", "", message, expected)
        return
    columns = ("first_version", "evidence_stage")
    for study in tables["studies"]:
        right = stages[study.evidence_stage]
        shown = " or ".join(right)
        wrong = study.first_version not in right
        message = f"stage {study.evidence_stage} enters with version {shown}" if wrong else ""
        yield found("studies", study, columns, message=message, expected=shown or "a known stage")


def _decision_lists(tables: Tables) -> Iterator[Finding]:
    tables.need("studies", *_LISTS)
    decisions = {study.study_id: study for study in tables["studies"]}
    for table, decision in _LISTS.items():
        listed = {row.study_id for row in tables.every(table)}
        for row in tables[table]:
            if (row.in_studies_csv == "yes") != bool(row.study_id):
                message = "in_studies_csv and study_id disagree"
                expected = "yes with a study_id, no without"
                yield found(table, row, ("in_studies_csv", "study_id"), message=message, expected=expected)
                continue
            study = decisions.get(row.study_id)
            said = decision if study is None else study.eligibility
            message = f"listed here, but studies.csv says {said}" if said != decision else ""
            yield found(table, row, "study_id", message=message, expected=decision)
        for study in tables["studies"]:
            if study.eligibility == decision:
                message = "" if study.study_id in listed else f"not listed in {table}.csv"
                expected = f"a row in {table}.csv"
                yield found(
                    "studies",
                    study,
                    ("eligibility", "study_id"),
                    message=message,
                    expected=expected,
                )


def _same_identity(tables: Tables) -> Iterator[Finding]:
    for name in ("doi", "pmid"):
        seen: dict[str, list[str]] = defaultdict(list)
        for study in tables["studies"]:
            value = getattr(study, name).lower()
            if not value:
                continue
            message = f"same {name} as {seen[value][0]}" if seen[value] else ""
            yield found("studies", study, name, message=message, expected=f"one study a {name}")
            seen[value].append(study.study_id)


def _study_parts(tables: Tables) -> Iterator[Finding]:
    for study in tables["studies"]:
        for name in ("n_female", "ivt_n"):
            value = getattr(study, name)
            if value is None or study.n_patients is None:
                continue
            over = value > study.n_patients
            yield found(
                "studies",
                study,
                (name, "n_patients"),
                message=f"more than the {study.n_patients} patients of the study" if over else "",
                expected=f"at most {study.n_patients}",
            )


def _grades(tables: Tables) -> Iterator[Finding]:
    for row in tables["rct_mrs_distribution"]:
        columns = ("n", *(f"mrs{grade}" for grade in range(7)))
        if any(getattr(row, name) is None for name in columns):
            continue
        total = sum(row.grades)
        message = f"grades add up to {total}" if total != row.n else ""
        yield found("rct_mrs_distribution", row, columns, message=message, expected=str(total))


def _intervals(tables: Tables) -> Iterator[Finding]:
    names = {
        "published": ("estimate_percent", "ci_low_percent", "ci_high_percent"),
        "rival_reviews": ("estimate_percent", "ci_low_percent", "ci_high_percent"),
        "rct_effects": ("estimate", "ci_low", "ci_high"),
    }
    for table, columns in names.items():
        for row in tables[table]:
            middle, low, high = (getattr(row, name) for name in columns)
            if None in (middle, low, high):
                continue
            message = "" if low <= middle <= high else f"estimate outside {low} to {high}"
            yield found(table, row, columns, message=message, expected="an estimate in its interval")


def _sides(tables: Tables) -> Iterator[Finding]:
    """The two sides of the comparative evidence can be read, and no arm stands on both."""
    from analysis.evidence.compared import compared_arms

    message = ""
    try:
        compared_arms(tables.protocol)
    except ValueError as error:
        message = str(error).removeprefix("protocol, ")
    expected = "treated and control, each a map of keys (a list) and label (a text)"
    value = str(tables.protocol.text.get("arms", ""))
    status: Literal["pass", "fault"] = "fault" if message else "pass"
    yield Finding("", status, "protocol.yml", 0, "arms", value, message, expected)


def _judgement_levels(tables: Tables) -> Iterator[Finding]:
    """A tool is never given a level that it does not know; what nobody judged says so."""
    levels: dict[str, set[str]] = defaultdict(set)
    for item in tables["appraisal_tools"]:
        levels[item.tool] |= {*item.levels.split("+")}
    for row in tables["judgements"]:
        known = levels.get(row.tool, set()) | {"not_judged"}
        message = "" if row.judgement in known else f"{row.tool} has no such level"
        expected = "one of " + ", ".join(sorted(known))
        yield found("judgements", row, "judgement", message=message, expected=expected)


CHECKS: tuple[Check, ...] = (
    Check("studies-known", "Every row names a known study", _studies_known),
    Check("outcomes-known", "Every outcome is in the protocol", _outcomes_known),
    Check("groups-known", "Every overlap group is described", _groups_known),
    Check("first-versions", "First version follows from the stage", _first_versions),
    Check("decision-lists", "Decision lists agree with the studies", _decision_lists),
    Check("same-identity", "No two studies share an identifier", _same_identity),
    Check("study-parts", "Parts of a study do not exceed it", _study_parts),
    Check("grades", "Grades of the modified Rankin scale add up", _grades),
    Check("sides", "The two sides of a comparison are named", _sides),
    Check("judgement-levels", "Judgements are levels of their tool", _judgement_levels),
    Check("intervals", "Estimates lie in their intervals", _intervals),
)
