"""Sections of the pooling and subgroup chapters: sentence, forest plot, details, what was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.report.section import Fold, Note, Paragraph, Section
from analysis.report.tables import Column, Table, table_from_rows
from analysis.report.words import (
    comparison_with_published,
    heterogeneity_sentence,
    lower_first,
    model_name,
    no_public_count,
    pooled_sentence,
    prediction_sentence,
    subgroup_sentence,
)
from analysis.review.cells import headline
from analysis.review.subgroup import subgroup_result

if TYPE_CHECKING:
    from analysis.evidence.select import Counts
    from analysis.evidence.tables import Evidence

__all__ = ["left_out", "pooled_section", "subgroup_section"]

def pooled_section(
    evidence: Evidence, population: str, outcome: str, version: str | None = None
) -> Section:
    """One outcome in one population: what was found, the forest plot, and what was left out and why."""
    from analysis.figures.forest import Reference, forest

    chosen = evidence.version(version)
    cell = headline(evidence, population, outcome, chosen.id)
    names = evidence.protocol.population(population)
    words = evidence.protocol.outcome(outcome)
    stem = f"{population}-{outcome}-{chosen.alias}"
    caption = f"{words.label}; {lower_first(names.label)}; evidence {lower_first(chosen.label)}"
    if cell.pooled is None:
        text = no_public_count([item.label for item in cell.awaited])
        return Section((Note(f"{text}."), _left_out_fold(cell.counts, stem)))
    pooled = cell.pooled
    setting = f"studies of thrombectomy for {lower_first(names.label)}"
    parts: list[object] = [
        Paragraph(pooled_sentence(pooled, setting=setting, outcome=words.happened)),
        Paragraph(prediction_sentence(pooled)),
    ]
    paper = cell.published
    reference = None
    if paper is not None and chosen == evidence.versions[0]:
        values = [
            percent / 100
            for percent in (paper.estimate_percent, paper.ci_low_percent, paper.ci_high_percent)
        ]
        reference = Reference("The paper, 2023", *values)
        parts.append(Paragraph(comparison_with_published(pooled, *values)))
    parts.append(
        forest(
            pooled,
            name=f"forest-{stem}",
            title=caption,
            flags=cell.counts.flags,
            reference=reference,
        )
    )
    parts.append(Paragraph(heterogeneity_sentence(pooled)))
    parts.append(Note(f"Model: {model_name(pooled.settings)}."))
    parts.extend(Note(note) for note in pooled.notes)
    parts.append(Fold("Studies pooled and remarks", _pooled_table(cell.counts, stem, evidence)))
    parts.append(_left_out_fold(cell.counts, stem))
    return Section(tuple(parts))


def subgroup_section(
    evidence: Evidence,
    variable: str,
    outcome: str,
    population: str = "any",
    version: str | None = None,
) -> Section:
    """One outcome by the levels of a subgroup variable, with the test between them."""
    from analysis.figures.forest import forest

    chosen = evidence.version(version)
    result = subgroup_result(evidence, population, outcome, variable, chosen.id)
    stem = f"{variable}-{population}-{outcome}-{chosen.alias}"
    if result.test is None:
        text = "Fewer than two levels hold a readable count, so no comparison can be made."
        return Section((Note(text), _left_out_fold(result.counts, stem)))
    words = evidence.protocol.outcome(outcome)
    caption = (
        f"{words.label} by {lower_first(evidence.protocol.subgroup(variable).label)}; "
        f"{lower_first(evidence.protocol.population(population).label)}; "
        f"evidence {lower_first(chosen.label)}"
    )
    flags = [
        [
            remarks
            for remarks, group in zip(result.counts.flags, result.groups, strict=True)
            if group == level
        ]
        for level in result.test.levels
    ]
    figure = forest(result.test, name=f"forest-{stem}", title=caption, flags=flags)
    return Section(
        (
            Paragraph(subgroup_sentence(result.test)),
            figure,
            Fold("Studies pooled and remarks", _pooled_table(result.counts, stem, evidence)),
            _left_out_fold(result.counts, stem),
        )
    )


def left_out(counts: Counts, name: str) -> Table:
    """The rows that a question left out, each with its reason."""
    columns = [
        Column("study", "Study"),
        Column("arm", "Arm"),
        Column("reason", "Reason"),
    ]
    rows = [
        {"study": item.study_id, "arm": item.arm_id, "reason": item.reason}
        for item in counts.left_out
    ]
    return table_from_rows(name, "Rows left out, and why", columns, rows)


def _left_out_fold(counts: Counts, stem: str) -> Fold:
    table = left_out(counts, f"left-out-{stem}")
    return Fold(f"Rows left out, with reasons ({len(counts.left_out)})", table)


def _pooled_table(counts: Counts, stem: str, evidence: Evidence) -> Table:
    columns = [
        Column("study", "Study"),
        Column("group", "Level"),
        Column("events", "Events", "right"),
        Column("total", "Patients", "right"),
        Column("arms", "Arms"),
        Column("flags", "Remarks"),
        Column("where", "Where it stands"),
    ]
    if counts.group is None:
        columns.pop(1)
    rows = []
    for place, study in enumerate(counts.study_id):
        keys = counts.rows_used[place]
        sources = [row for row in evidence.outcomes if row.key in keys]
        rows.append(
            {
                "study": counts.label[place],
                "group": counts.group[place] if counts.group is not None else None,
                "events": int(counts.events[place]),
                "total": int(counts.total[place]),
                "arms": ", ".join(key[1] for key in keys),
                "flags": "; ".join(counts.flags[place]) or "none",
                "where": _source(sources, evidence.study(study).source_url),
            }
        )
    return table_from_rows(f"pooled-{stem}", "Studies pooled", columns, rows)


def _source(rows: list, fallback: str) -> object:
    from analysis.report.tables import Cell

    locator = "; ".join(dict.fromkeys(row.locator for row in rows)) or "source"
    return Cell(locator, href=rows[0].source_url if rows else fallback)
