"""What was read: studies, completeness, agreement, doubts and the dictionary of the tables."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from analysis.report.numbers import count
from analysis.report.section import Paragraph
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.report.words import lower_first
from analysis.review.provenance_words import named
from analysis.review.session import ROOT

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence, Study
    from analysis.figures.figure import Figure
    from analysis.living.flow import View
    from analysis.living.ledger import Ledger

__all__ = [
    "characteristics_figure",
    "characteristics_table",
    "completeness_table",
    "derivation_table",
    "dictionary",
    "doubts_table",
    "left_out_table",
    "records_flow",
    "studies_flow",
]


def characteristics_table(evidence: Evidence, version: str | None = None) -> Table:
    """Included studies with their design, patients, vessels and technique."""
    studies = _included(evidence, version)
    columns = [
        Column("study", "Study"),
        Column("year", "Year", "right", show=str),
        Column("design", "Design"),
        Column("n", "Patients", "right"),
        Column("occlusion", "Occlusion"),
        Column("territory", "Territory"),
        Column("segments", "Segments as printed"),
        Column("technique", "Technique"),
        Column("scope", "Scope"),
        Column("version", "Counts from version"),
    ]
    rows = [
        {
            "study": Cell(study.label, href=study.source_url),
            "year": study.year,
            "design": study.design,
            "n": study.n_patients,
            "occlusion": _plain(study.occlusion),
            "territory": study.territory,
            "segments": study.segments or None,
            "technique": study.technique,
            "scope": _plain(study.directness),
            "version": study.first_version,
        }
        for study in studies
    ]
    return table_from_rows(
        "characteristics",
        "Studies included, as printed in the sources",
        columns,
        rows,
        footnotes=(
            "SR stent retriever; ASP aspiration; MCA, ACA, PCA middle, anterior and posterior "
            "cerebral artery. Direct: distal segments only; mixed segments: proximal segments are "
            "included or the segments are not reported. [Square brackets]: the text read shows no "
            "author; undated: no year.",
        ),
    )


def characteristics_figure(evidence: Evidence, version: str | None = None) -> Figure:
    """Included studies by year, size, territory and technique."""
    from analysis.figures.characteristics import StudyPoint, characteristics

    words = {
        level.key: lower_first(level.label)
        for subgroup in evidence.protocol.subgroups
        for level in subgroup.levels
        if subgroup.key == "technique"
    }
    points = [
        StudyPoint(
            label=study.label,
            year=study.year,
            patients=study.n_patients,
            territory=study.territory,
            technique=words.get(study.technique, study.technique),
            stage=evidence.version(study.first_version).label,
        )
        for study in _included(evidence, version)
    ]
    return characteristics(points, name="characteristics-map")


def completeness_table(evidence: Evidence, version: str | None = None) -> Table:
    """How many included studies have a readable count, by outcome and occlusion."""
    cut = evidence.as_of(evidence.version(version).id)
    kept = {study.study_id for study in cut.studies if study.eligibility == "include"}
    rows = []
    for outcome in evidence.protocol.main_outcomes:
        found = [
            row
            for row in cut.outcomes
            if row.outcome == outcome.key and row.study_id in kept and row.technique != "control"
        ]
        row: dict[str, Any] = {"outcome": outcome.label}
        for population in evidence.protocol.populations:
            with_count = {
                item.study_id for item in found if item.has_count and item.occlusion in population.occlusions
            }
            row[population.key] = len(with_count)
        counted_studies = {item.study_id for item in found if item.has_count}
        row["percent_only"] = len({item.study_id for item in found} - counted_studies)
        row["silent"] = len(kept - {item.study_id for item in found})
        rows.append(row)
    columns = [
        Column("outcome", "Outcome"),
        *(
            Column(item.key, f"{item.short_label}: studies with a count", "right")
            for item in evidence.protocol.populations
        ),
        Column("percent_only", "Percentage or range only", "right"),
        Column("silent", "Nothing readable", "right"),
    ]
    return table_from_rows(
        "completeness",
        f"How many of the {len(kept)} included studies give a readable count",
        columns,
        rows,
        footnotes=(
            "Public text prints the favourable outcomes first, so what is missing is not missing at random.",
        ),
        sortable=False,
    )


def derivation_table(evidence: Evidence) -> Table:
    """How the counts were obtained, and in which unit."""
    names = {
        "stated": "Both numbers are printed",
        "from_percent": "One whole number fits the printed percentage of a printed total",
        "deduced": "Follows from other printed facts",
        "approximate": "A range of whole numbers fits",
        "not_available": "No count can be given",
    }
    found = Counter(row.derivation for row in evidence.outcomes)
    rows = [{"how": text, "key": key, "rows": found[key]} for key, text in names.items() if found[key]]
    columns = [Column("how", "How the count was read"), Column("key", "Code in the data")]
    columns.append(Column("rows", "Rows", "right"))
    return table_from_rows("derivations", "How the numbers were read", columns, rows)


def doubts_table(evidence: Evidence) -> Table:
    """The doubtful facts, as the sources and extractors left them."""
    columns = [
        Column("study", "Study"),
        Column("outcome", "Outcome"),
        Column("doubt", "Doubt"),
        Column("source", "Noted in"),
    ]
    rows = [
        {
            "study": evidence.study(item.study_id).label,
            "outcome": Cell(
                "all"
                if item.outcome == "*"
                else evidence.protocol.outcome(item.outcome).short_label,
                item.outcome,
            ),
            "doubt": item.doubt,
            "source": Cell(_noted_in(item.source), item.source),
        }
        for item in evidence.doubts
    ]
    return table_from_rows("doubts", "Facts in doubt; the pools are also made without them", columns, rows)


def _noted_in(source: str) -> str:
    """Name what a doubt was taken from, without the numbers of a list that no reader has."""
    found = [
        words
        for part, words in (("trap", "list of known difficulties"), ("note", "notes on the study"))
        if part in source
    ]
    return "; ".join(found) or source


def left_out_table(evidence: Evidence) -> Table:
    """Studies excluded or awaiting a readable count, with the reason."""
    columns = [
        Column("study", "Study"),
        Column("state", "State"),
        Column("reason", "Reason"),
        Column("version", "Evidence"),
    ]
    listed = {study.study_id: study for study in evidence.studies}
    rows = []
    for state, items in (("excluded", evidence.excluded), ("awaiting", evidence.awaiting)):
        for item in items:
            study = listed.get(item.study_id)
            rows.append(
                {
                    "study": Cell(_report_name(item.study), href=item.source_url),
                    "state": state,
                    "reason": named(evidence, item.reason),
                    "version": evidence.version(study.first_version).label if study else None,
                }
            )
    return table_from_rows("left-out", "Studies excluded or awaiting counts", columns, rows)


def _report_name(text: str) -> str:
    """Write authors, year and title of a report as a name, also where its year is not shown."""
    text = text.replace(" year not shown:", ", year not shown:")
    return f"{text[:1].upper()}{text[1:]}"


def studies_flow(evidence: Evidence, version: str | None = None) -> Figure:
    """The flow of studies; steps without recorded numbers say so."""
    from analysis.figures.flow import FlowBox, flow

    chosen = evidence.version(version)
    cut = evidence.as_of(chosen.id)
    states = Counter(study.eligibility for study in cut.studies)
    boxes = [
        FlowBox("Records found in databases", None),
        FlowBox("Records screened", None),
        FlowBox(
            "Studies assessed",
            len(cut.studies),
            aside=(
                ("Excluded, with reasons", states["exclude"]),
                ("Awaiting a readable count", states["awaiting"]),
            ),
        ),
        FlowBox("Studies included", states["include"]),
    ]
    return flow(
        boxes,
        name=f"flow-{chosen.alias}",
        title=f"Flow of studies, evidence {lower_first(chosen.label)}",
        note=(
            "Counts the studies that have a row of their own in the data; a report that was excluded or is "
            "awaited without such a row stands in the flow of records only."
        ),
    )


def records_flow(evidence: Evidence, view: View = "all") -> Figure | Paragraph:
    """Draw the flow of records from the ledger: ``"last"``, ``"updates"`` or ``"all"`` versions.

    A flow of updates that is the flow of the last version is named, not drawn again.
    """
    from analysis.living.flow import count_flow
    from analysis.living.flow_figure import draw_flow
    from analysis.living.ledger import load_ledger

    ledger = load_ledger()
    versions = [item.id for item in evidence.versions]
    counted_flow = count_flow(ledger, versions, view)
    if view == "updates" and counted_flow.boxes == count_flow(ledger, versions, "last").boxes:
        return Paragraph(
            "The last version is the only update so far: the flow of all updates is that of the last version."
        )
    return draw_flow(counted_flow, _beside_studies(evidence, ledger, counted_flow.versions))


def _beside_studies(evidence: Evidence, ledger: Ledger, versions: tuple[str, ...]) -> str:
    """Say how the decisions on reports stand to the studies that the flow of studies counts."""
    known = {study.study_id for study in evidence.studies}
    rows = [row for row in ledger.records if row.version in versions]
    parts = []
    for state, word in (("full_excluded", "excluded"), ("awaiting", "awaiting")):
        decided = [row for row in rows if row.state == state]
        without = sum(row.study_id not in known for row in decided)
        parts.append(
            f"{word} {count(len(decided))} reports: {count(len(decided) - without)} of studies with a row of "
            f"their own in the data and {count(without)} without"
        )
    return (
        f"Counts reports in the ledger of records ({'; '.join(parts)}); the flow of studies counts only "
        "those with a row."
    )


def dictionary(evidence: Evidence, table_name: str) -> Table:
    """The columns of one data table, from its contract."""
    schema = json.loads((ROOT / "data" / "schemas" / f"{table_name}.json").read_text("utf-8"))
    rows = []
    for field in schema["fields"]:
        limits = field.get("constraints", {})
        allowed = ", ".join(str(value) for value in limits.get("enum", ()))
        rows.append(
            {
                "column": field["name"],
                "type": field["type"],
                "required": "yes" if limits.get("required") else "no",
                "allowed": allowed or limits.get("pattern") or Cell("any", ""),
                "meaning": field.get("description", ""),
            }
        )
    columns = [
        Column("column", "Column"),
        Column("type", "Type"),
        Column("required", "Required"),
        Column("allowed", "Allowed values"),
        Column("meaning", "Meaning"),
    ]
    return table_from_rows(
        f"dictionary-{table_name}", f"{table_name}.csv ({_size(evidence, table_name)} rows)", columns, rows
    )


def _size(evidence: Evidence, table_name: str) -> int:
    """Count the rows of a table; the ledger is the one that is no part of the evidence."""
    if table_name == "records":
        from analysis.living.ledger import load_ledger

        return len(load_ledger().records)
    return len(getattr(evidence, table_name))


def _included(evidence: Evidence, version: str | None) -> list[Study]:
    cut = evidence.as_of(evidence.version(version).id)
    kept = [study for study in cut.studies if study.eligibility == "include"]
    return sorted(kept, key=lambda study: (study.year or 9999, study.label))


def _plain(code: str) -> str:
    return code.replace("_", " ")
