"""The audit as shown: checks and their results, explained departures, overlap groups."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from analysis.evidence.audit import Audit
from analysis.evidence.audit import audit as run_audit
from analysis.evidence.select import Question, select
from analysis.report.numbers import count, counted
from analysis.report.section import Note, Paragraph
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.review.cells import NO_WIDEST, hashed
from analysis.review.provenance import row_href, study_href

if TYPE_CHECKING:
    from analysis.evidence.faults import Finding
    from analysis.evidence.tables import Evidence, Study
    from analysis.review.cells import HashedEvidence

__all__ = ["audit_checks", "audit_explained", "audit_sentence", "overlap_table"]


@lru_cache(maxsize=8)
def _audit(key: HashedEvidence) -> Audit:
    return run_audit(key.evidence)


def audit_sentence(evidence: Evidence) -> Paragraph:
    """Say how often the checks ran, passed, and were explained."""
    found = _audit(hashed(evidence))
    faults = counted(len(found.faults), "fault") if found.faults else "none is a fault"
    return Paragraph(
        f"{counted(len(found.checks), 'rule')} were held against the data at {count(found.ran)} places. "
        f"{count(found.passed)} keep the rule, {count(len(found.explained))} depart from it for a reason "
        f"that the data give, and {faults}. The last three rules were tried on "
        f"{count(found.questions)} questions to the data."
    )


def audit_checks(evidence: Evidence) -> Table:
    """Every rule with the places it was held against."""
    columns = [
        Column("check", "Rule"),
        Column("ran", "Places", "right"),
        Column("passed", "Pass", "right"),
        Column("explained", "Explained", "right"),
        Column("faults", "Fault", "right"),
    ]
    return table_from_rows(
        "audit-checks", "Rules held against the data at every load", columns, _audit(hashed(evidence)).rows()
    )


def audit_explained(evidence: Evidence) -> Table:
    """Every departure from a rule, with the reason that the data give."""
    labels = {check.key: check for check in _audit(hashed(evidence)).checks}
    rows = []
    for check in labels.values():
        for finding in check.explained:
            rows.append(
                {
                    "study": _study_cell(evidence, finding),
                    "check": check.label,
                    "place": f"{finding.file}, row {finding.row}",
                    "message": finding.message,
                }
            )
    columns = [
        Column("study", "Study"),
        Column("check", "Rule"),
        Column("place", "Where"),
        Column("message", "What was found, and the reason"),
    ]
    return table_from_rows("audit-explained", "Departures that the data explain", columns, rows)


def _study_cell(evidence: Evidence, finding: Finding) -> Cell:
    study = evidence.study(finding.study_id)
    href = study_href(study.study_id)
    if finding.file == "outcomes.csv":
        row = next(each for each in evidence.outcomes if each.row == finding.row)
        href = row_href(row.key)
    return Cell(study.label, href=href)


def overlap_table(
    evidence: Evidence, population: str | None = None, version: str | None = None
) -> Table | Note:
    """Each overlap group: its studies, and for each main outcome which of them stands and why."""
    chosen = evidence.version(version)
    population = population or evidence.protocol.widest
    if population is None:
        return Note(NO_WIDEST)
    outcomes = evidence.protocol.main_outcomes
    answers = {
        item.key: select(evidence, Question(population, item.key, version=chosen.id)) for item in outcomes
    }
    rows = []
    for group in evidence.overlap:
        members = [each for each in evidence.studies if each.overlap_group == group.group]
        for study in sorted(members, key=lambda each: each.study_id):
            row: dict[str, Any] = {
                "study": Cell(study.label, href=study_href(study.study_id)),
                "group": group.group,
                "kind": group.kind,
                "n": study.n_patients,
            }
            for item in outcomes:
                row[item.key] = _standing(study, answers[item.key])
            rows.append(row)
    columns = [
        Column("study", "Study"),
        Column("group", "Group"),
        Column("kind", "Kind"),
        Column("n", "Patients", "right"),
        *(Column(item.key, item.short_label) for item in outcomes),
    ]
    label = evidence.protocol.population(population).short_label.lower()
    return table_from_rows(
        f"overlap-{population}-{chosen.alias}",
        f"Studies that may share patients, and which of them stands; {label} occlusion",
        columns,
        rows,
        footnotes=(
            "Stands: counted in the pool. Gives way: its count could be read, but a study of the group "
            "with more patients stands. A dash: nothing to count, for another reason.",
        ),
    )


def _standing(study: Study, counts: Any) -> Cell:
    if study.study_id in counts.study_id:
        at = counts.study_id.index(study.study_id)
        return Cell(f"stands ({counts.events[at]}/{counts.total[at]})")
    reasons = [item for item in counts.left_out if item.study_id == study.study_id]
    for item in reasons:
        if item.step == "overlap":
            return Cell("gives way", note=item.reason)
    return Cell("–", "")
