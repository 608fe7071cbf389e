"""Sections of the pooling and subgroup chapters: sentence, forest plot, details, what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from analysis.evidence.short_names import arm_name
from analysis.report.counts_lead import too_few
from analysis.report.notes import note_sentence
from analysis.report.section import Fold, Note, Paragraph, Section
from analysis.report.spread import interval_from_zero
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.report.words import (
    comparison_with_published,
    heterogeneity_sentence,
    in_a_row,
    lower_first,
    model_name,
    no_public_count,
    pooled_sentence,
    prediction_sentence,
    subgroup_sentence,
)
from analysis.review.cells import NO_WIDEST, headline
from analysis.review.provenance import row_href, study_href
from analysis.review.provenance_words import named
from analysis.review.subgroup import subgroup_result

if TYPE_CHECKING:
    from analysis.evidence.select import Counts
    from analysis.evidence.tables import Evidence

__all__ = ["left_out", "pooled_section", "results_section", "subgroup_section"]

_Item = TypeVar("_Item")


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
        return Section((Note(f"{text}."), _left_out_fold(evidence, cell.counts, stem)))
    pooled = cell.pooled
    setting = f"studies of thrombectomy for {lower_first(names.label)}"
    parts: list[object] = [
        Paragraph(pooled_sentence(pooled, setting=setting, outcome=words.happened)),
    ]
    if reach := prediction_sentence(pooled):
        parts.append(Paragraph(reach))
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
            hrefs=_hrefs(cell.counts),
            reference=reference,
        )
    )
    parts.append(Paragraph(heterogeneity_sentence(pooled)))
    if not too_few(pooled):
        parts.append(Note(f"Model: {model_name(pooled.settings)}."))
        parts.extend(Note(interval_from_zero(pooled, note) or note_sentence(note)) for note in pooled.notes)
    parts.append(Fold("Rows pooled, with sources and remarks", _pooled_table(cell.counts, stem, evidence)))
    parts.append(_left_out_fold(evidence, cell.counts, stem))
    return Section(tuple(parts))


def results_section(evidence: Evidence) -> Section:
    """Every main outcome in every population in the newest version, one below the other."""
    return Section(
        tuple(
            pooled_section(evidence, population.key, outcome.key)
            for population in evidence.protocol.populations
            for outcome in evidence.protocol.main_outcomes
        )
    )


def subgroup_section(
    evidence: Evidence,
    variable: str,
    outcome: str,
    population: str | None = None,
    version: str | None = None,
) -> Section:
    """One outcome by the levels of a subgroup variable, with the test between them."""
    from analysis.figures.forest import forest

    chosen = evidence.version(version)
    population = population or evidence.protocol.widest
    if population is None:
        return Section((Note(NO_WIDEST),))
    result = subgroup_result(evidence, population, outcome, variable, chosen.id)
    stem = f"{variable}-{population}-{outcome}-{chosen.alias}"
    if result.test is None:
        text = "Fewer than two levels hold a readable count, so no comparison can be made."
        return Section((Note(text), _left_out_fold(evidence, result.counts, stem)))
    words = evidence.protocol.outcome(outcome)
    caption = (
        f"{words.label} by {lower_first(evidence.protocol.subgroup(variable).label)}; "
        f"{lower_first(evidence.protocol.population(population).label)}; "
        f"evidence {lower_first(chosen.label)}"
    )
    test, groups = result.test, result.groups
    figure = forest(
        test,
        name=f"forest-{stem}",
        title=caption,
        flags=_by_level(result.counts.flags, groups, test.levels),
        hrefs=_by_level(_hrefs(result.counts), groups, test.levels),
    )
    return Section(
        (
            Paragraph(subgroup_sentence(test)),
            figure,
            # How many studies a level holds stands in the sentence already.
            *(Paragraph(note_sentence(note)) for note in test.notes if not note.endswith(": one study")),
            Fold("Rows pooled, with sources and remarks", _pooled_table(result.counts, stem, evidence)),
            _left_out_fold(evidence, result.counts, stem),
        )
    )


def left_out(evidence: Evidence, counts: Counts, name: str) -> Table:
    """The rows that a question left out, each with its reason."""
    columns = [
        Column("study", "Study"),
        Column("arm", "Arm"),
        Column("reason", "Reason"),
    ]
    outcome = counts.question.outcome
    units = {(row.study_id, row.arm_id): row.unit for row in evidence.outcomes if row.outcome == outcome}
    rows = [
        {
            "study": Cell(evidence.study(item.study_id).label, item.study_id, study_href(item.study_id)),
            "arm": Cell(
                arm_name(item.arm_id, units.get((item.study_id, item.arm_id), "patients")), item.arm_id
            ),
            "reason": named(evidence, item.reason),
        }
        for item in counts.left_out
    ]
    return table_from_rows(name, "Rows left out, and why", columns, rows)


def _by_level(items: Sequence[_Item], groups: Sequence[str], levels: Sequence[str]) -> list[list[_Item]]:
    """Split what stands beside the studies of a comparison by its levels."""
    return [[item for item, group in zip(items, groups, strict=True) if group == level] for level in levels]


def _left_out_fold(evidence: Evidence, counts: Counts, stem: str) -> Fold:
    table = left_out(evidence, counts, f"left-out-{stem}")
    return Fold(f"Rows left out, with reasons ({len(counts.left_out)})", table)


def _pooled_table(counts: Counts, stem: str, evidence: Evidence) -> Table:
    """One line for each row of `outcomes.csv` that is pooled, with its source and its page."""
    columns = [
        Column("study", "Study"),
        Column("group", "Level"),
        Column("arm", "Arm"),
        Column("events", "Events", "right"),
        Column("total", "Patients", "right"),
        Column("where", "Where it stands"),
        Column("flags", "Remarks"),
    ]
    if counts.group is None:
        columns.pop(1)
    known = {row.key: row for row in evidence.outcomes}
    rows = [
        {
            "study": Cell(counts.label[place], href=row_href(key)),
            "group": counts.group[place] if counts.group is not None else None,
            "arm": Cell(arm_name(key[1], known[key].unit), key[1]),
            "events": known[key].events,
            "total": known[key].total,
            "where": Cell(known[key].locator or "source", href=known[key].source_url),
            "flags": in_a_row(counts.flags[place]) or "none",
        }
        for place, keys in enumerate(counts.rows_used)
        for key in keys
    ]
    return table_from_rows(
        f"pooled-{stem}",
        "Rows pooled; each name leads to the facts behind the number",
        columns,
        rows,
        footnotes=("Arms of one study are added up before pooling.",),
    )


def _hrefs(counts: Counts) -> tuple[str, ...]:
    """Address of the (first) number of each study."""
    return tuple(row_href(keys[0]) for keys in counts.rows_used)
