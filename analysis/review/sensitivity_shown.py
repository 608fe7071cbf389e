"""The sensitivity of the headlines as shown: sentence, figure, tables."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from analysis.report.numbers import count, counted, percent, rate_change
from analysis.report.section import Fold, Note, Paragraph, Section
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.report.words import lower_first
from analysis.review.cells import headlines
from analysis.review.sensitivity import FAMILIES, sensitivity_table

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.figures.figure import Figure
    from analysis.review.sensitivity import SensitivityRow, SensitivityTable

__all__ = ["sensitivity_figure", "sensitivity_section", "sensitivity_summary"]

_WORDS = {"same": "no change of studies or counts", "empty": "no study left"}


def sensitivity_figure(evidence: Evidence, table: SensitivityTable) -> Figure:
    """Draw the estimate and interval under every choice, the primary analysis on top."""
    from analysis.figures.ladder import ladder

    names = _names(evidence, table)
    steps = [_step(table.primary, "pooled")]
    steps += [
        replace(_step(row, "study"), heading=row.family)
        for words in FAMILIES.values()
        for row in table.choices
        if row.family == words and row.status == "moved"
    ]
    same = [row.short_label for row in table.choices if row.status == "same"]
    empty = [row.short_label for row in table.choices if row.status == "empty"]
    footer = []
    if same:
        footer.append(f"No study or count changes under: {'; '.join(same)}.")
    if empty:
        footer.append(f"No study is left under: {'; '.join(empty)}.")
    return ladder(
        steps,
        name=f"sensitivity-{table.key}",
        title=f"{names}: every planned choice",
        label_head="Choice",
        note_head="Studies; patients",
        guide=table.primary.estimate,
        footer=footer,
    )


def _step(row: SensitivityRow, kind: Any) -> Any:
    from analysis.figures.ladder import Step

    return Step(
        row.short_label or row.label, row.estimate, row.low, row.high, f"{row.k}; {count(row.n)}", kind=kind
    )


def sensitivity_section(
    evidence: Evidence, population: str, outcome: str, version: str | None = None
) -> Section:
    """One headline under every choice: what moves it most, the figure, and the table."""
    table = sensitivity_table(evidence, population, outcome, version)
    if table is None:
        return Section((Note("No public count, so there is nothing to vary."),))
    return Section(
        (
            Paragraph(_sentence(table)),
            sensitivity_figure(evidence, table),
            Fold("All choices as a table", _as_table(evidence, table)),
        )
    )


def _sentence(table: SensitivityTable) -> str:
    primary = table.primary
    start = f"The primary analysis gives {percent(primary.estimate, primary.low, primary.high)}."
    strongest = table.strongest
    if strongest is None:
        return f"{start} No planned choice moves it."
    low, high = table.span
    text = (
        f"{start} Over all planned choices the estimate lies between {percent(low)} and {percent(high)}. "
        f"It moves most under this choice: {_moved(table, strongest)}."
    )
    steady = table.strongest_of_many
    if steady is not None and steady is not strongest:
        text += f" Among choices that keep half of the patients or more, it is: {_moved(table, steady)}."
    return text


def _moved(table: SensitivityTable, row: SensitivityRow) -> str:
    return f"{lower_first(row.label)} ({_points(table, row)}, {counted(row.k, 'study', 'studies')})"


def _points(table: SensitivityTable, row: SensitivityRow) -> str:
    """Write a shift in the digits that both rates need, as any change of a rate."""
    before, after = (
        None if each.estimate is None else (each.estimate, _limit(each.low), _limit(each.high))
        for each in (table.primary, row)
    )
    return rate_change(before, after).change


def _limit(value: float | None) -> float:
    return math.nan if value is None else value


def _shift(table: SensitivityTable, row: SensitivityRow) -> Cell | None:
    if row.key == "primary":
        return Cell("does not apply", "", tone="missing")
    return None if row.shift is None else Cell(_points(table, row), round(100 * row.shift, 3))


def _as_table(evidence: Evidence, table: SensitivityTable) -> Table:
    rows = [
        {
            "label": row.label,
            "family": row.family or "Primary analysis",
            "estimate": Cell(percent(row.estimate, row.low, row.high), 100 * row.estimate)
            if row.estimate is not None
            else Cell(_WORDS[row.status], "", tone="missing"),
            "k": row.k,
            "n": row.n,
            "shift": _shift(table, row),
            "changed": row.changed,
            "note": row.note or _WORDS.get(row.status, ""),
        }
        for row in (table.primary, *table.choices)
    ]
    columns = [
        Column("label", "Choice"),
        Column("family", "Kind"),
        Column("estimate", "Rate (95% interval)", "right"),
        Column("k", "Studies", "right"),
        Column("n", "Patients", "right"),
        Column("shift", "Shift", "right"),
        Column("changed", "Studies changed", "right"),
        Column("note", "Remark"),
    ]
    return table_from_rows(
        f"sensitivity-table-{table.key}",
        f"{_names(evidence, table)}: the estimate under every planned choice",
        columns,
        rows,
    )


def sensitivity_summary(evidence: Evidence, version: str | None = None) -> Table:
    """One row a headline: how far its choices reach, and which moves it most."""
    chosen = evidence.version(version)
    rows = []
    for cell in headlines(evidence, chosen.id):
        table = sensitivity_table(evidence, cell.question.population, cell.question.outcome, chosen.id)
        row: dict[str, Any] = {
            "outcome": evidence.protocol.outcome(cell.question.outcome).short_label,
            "population": evidence.protocol.population(cell.question.population).short_label,
        }
        if table is None:
            row["estimate"] = Cell("no public count", "", tone="missing")
        else:
            primary, strongest = table.primary, table.strongest
            row["estimate"] = Cell(
                percent(primary.estimate, primary.low, primary.high), 100 * (primary.estimate or 0)
            )
            row["low"], row["high"] = (Cell(percent(each), 100 * each) for each in table.span)
            row["moved"] = len(table.moving)
            if strongest is not None:
                row["strongest"] = strongest.label
                row["shift"] = Cell(_points(table, strongest), 100 * (strongest.shift or 0.0))
                row["k"] = strongest.k
        rows.append(row)
    columns = [
        Column("outcome", "Outcome"),
        Column("population", "Occlusion"),
        Column("estimate", "Primary analysis", "right"),
        Column("low", "Lowest", "right"),
        Column("high", "Highest", "right"),
        Column("moved", "Choices that move it", "right"),
        Column("strongest", "Moves it most"),
        Column("shift", "By", "right"),
        Column("k", "Studies left", "right"),
    ]
    return table_from_rows(
        f"sensitivity-summary-{chosen.alias}",
        f"How far every headline moves under the planned choices; evidence {lower_first(chosen.label)}",
        columns,
        rows,
        footnotes=(
            "Choices that keep few studies can move an estimate far; the number of studies stands "
            "beside each in the tables below.",
        ),
        sortable=False,
    )


def _names(evidence: Evidence, table: SensitivityTable) -> str:
    outcome = evidence.protocol.outcome(table.outcome).label
    population = evidence.protocol.population(table.population).label
    label = evidence.version(table.version).label
    return f"{outcome}; {lower_first(population)}; evidence {lower_first(label)}"
