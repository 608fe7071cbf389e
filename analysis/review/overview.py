"""Tables that sum the review up: headlines, reproduction of the paper, evidence versions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis.report.counts_lead import counts_lead, rate_words
from analysis.report.numbers import (
    count,
    events_of_total,
    percent,
    percent_decimals,
    points_between,
    share,
)
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.review.cells import Headline, headline, headlines

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence, Published
    from analysis.synthesis.types import Pooled

__all__ = ["headline_table", "paper_share", "reproduction_studies", "reproduction_table", "versions_table"]

_NO_COUNT = "no public count"


def headline_table(evidence: Evidence) -> Table:
    """Every population and outcome: today, in the paper's window, and the paper itself."""
    window, today = evidence.versions[0].id, evidence.versions[-1].id
    rows = []
    for cell in headlines(evidence, today):
        question = cell.question
        before = headline(evidence, question.population, question.outcome, window)
        rows.append(
            {
                "outcome": evidence.protocol.outcome(question.outcome).short_label,
                "population": evidence.protocol.population(question.population).short_label,
                "today": rate(cell),
                "today_n": _size(cell),
                "window": rate(before),
                "window_n": _size(before),
                "paper": published_rate(cell),
            }
        )
    labels = {item.id: item.label for item in evidence.versions}
    columns = [
        Column("outcome", "Outcome"),
        Column("population", "Occlusion"),
        Column("today", labels[today], "right"),
        Column("today_n", "Studies; patients", "right"),
        Column("window", labels[window], "right"),
        Column("window_n", "Studies; patients", "right"),
        Column("paper", "The paper, 2023", "right"),
    ]
    order = [item.short_label for item in evidence.protocol.main_outcomes]
    rows.sort(key=lambda row: order.index(str(row["outcome"])))
    level = _level(evidence)
    return table_from_rows(
        "headline",
        f"Pooled rates after thrombectomy ({level}% confidence interval)",
        columns,
        rows,
        footnotes=(
            "Each rate describes patients who had thrombectomy. It is not an effect of treatment.",
            "“Any” also holds series that mix primary and secondary occlusions or do not say "
            "which they treated; the paper has no such row.",
        ),
        sortable=False,
    )


def reproduction_table(evidence: Evidence) -> Table:
    """Value by value: ours in the paper's window, theirs, the difference, and how much was readable."""
    window = evidence.versions[0].id
    rows = []
    for cell in headlines(evidence, window):
        if cell.published is None:
            continue
        pooled, published = cell.pooled, cell.published
        ours = pooled.estimate if pooled else None
        theirs = published.estimate_percent / 100
        rows.append(
            {
                "population": evidence.protocol.population(cell.question.population).short_label,
                "outcome": evidence.protocol.outcome(cell.question.outcome).short_label,
                "ours": rate(cell),
                "events": events_of_total(pooled.events.sum(), pooled.total.sum())
                if pooled
                else Cell(_NO_COUNT, "", tone="missing"),
                "k": cell.counts.k,
                "paper": published_rate(cell),
                "difference": None
                if pooled is None
                else Cell("cannot be judged", "", tone="missing")
                if counts_lead(pooled)
                else Cell(_beside(pooled, published), round(100 * (ours - theirs), 2)),
                "share": Cell(f"{share(paper_share(cell))}%", round(100 * paper_share(cell), 2)),
            }
        )
    columns = [
        Column("population", "Occlusion"),
        Column("outcome", "Outcome"),
        Column("ours", "This review", "right"),
        Column("events", "Events/patients", "right"),
        Column("k", "Studies", "right"),
        Column("paper", "The paper", "right"),
        Column("difference", "Difference", "right"),
        Column("share", "Patients reached", "right"),
    ]
    return table_from_rows(
        "reproduction",
        "The paper's estimates beside those of this review",
        columns,
        rows,
        footnotes=(
            "Patients reached: patients pooled here as a share of the paper's patients with that "
            "kind of occlusion. The studies need not be the same, as the paper's list is not public.",
        ),
        sortable=False,
    )


def reproduction_studies(evidence: Evidence) -> Table:
    """Which studies stand behind each cell of the reproduction, and which are awaited."""
    rows = [
        {
            "population": evidence.protocol.population(cell.question.population).short_label,
            "outcome": evidence.protocol.outcome(cell.question.outcome).short_label,
            "read": "; ".join(cell.counts.label) or _NO_COUNT,
            "awaited": "; ".join(item.label for item in cell.awaited) or "none known",
        }
        for cell in headlines(evidence, evidence.versions[0].id)
        if cell.published is not None
    ]
    columns = [
        Column("population", "Occlusion"),
        Column("outcome", "Outcome"),
        Column("read", "Studies read"),
        Column("awaited", "Studies whose count is awaited"),
    ]
    return table_from_rows("reproduction-studies", "Studies behind each value", columns, rows, sortable=False)


def versions_table(evidence: Evidence) -> Table:
    """The evidence versions with their cut-off dates and triggers."""
    rows = [
        {
            "id": item.id,
            "label": item.label,
            "cut_off": str(item.cut_off),
            "searched": item.searched_on,
            "trigger": item.trigger,
            "changes": item.methods_changes,
            "studies": sum(study.eligibility == "include" for study in evidence.as_of(item.id).studies),
        }
        for item in evidence.versions
    ]
    columns = [
        Column("id", "Version"),
        Column("label", "Holds"),
        Column("cut_off", "Cut-off"),
        Column("studies", "Studies included", "right"),
        Column("searched", "Searched on"),
        Column("trigger", "Why it was made"),
        Column("changes", "Changes of method"),
    ]
    return table_from_rows("versions", "Evidence versions", columns, rows, sortable=False)


def _beside(pooled: Pooled, published: Published) -> str:
    """Say how far our rate lies from the printed one, in the digits that both are shown with."""
    limits = (published.ci_low_percent / 100, published.ci_high_percent / 100)
    return points_between(
        pooled.estimate,
        published.estimate_percent / 100,
        percent_decimals(pooled.ci.low, pooled.ci.high, pooled.estimate),
        percent_decimals(*limits),
    )


def rate(cell: Headline) -> Cell:
    """The pooled rate with its interval, its counts where they lead, or that no count is public."""
    pooled = cell.pooled
    if pooled is None:
        return Cell(_NO_COUNT, "", note=awaited_note(cell), tone="missing")
    shown = percent(pooled.estimate, pooled.ci.low, pooled.ci.high)
    return Cell(rate_words(pooled, shown), "" if counts_lead(pooled) else 100 * pooled.estimate)


def published_rate(cell: Headline) -> Cell | None:
    """The paper's own rate with its interval."""
    row = cell.published
    if row is None:
        return Cell("not in the paper", "", tone="missing")
    text = percent(row.estimate_percent / 100, row.ci_low_percent / 100, row.ci_high_percent / 100)
    return Cell(text, row.estimate_percent)


def awaited_note(cell: Headline, most: int = 6) -> str:
    """Name the studies whose count is awaited for a cell, the first few in full."""
    names = [item.label for item in cell.awaited]
    if not names:
        return "No study of this population is known to await its count."
    shown = ", ".join(names[:most])
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return f"Counts are awaited from {shown}{rest}."


def paper_share(cell: Headline) -> float:
    """Patients pooled here over the paper's with that kind of occlusion; not a number if it has none."""
    if cell.published is None:
        return math.nan
    reached = float(cell.pooled.total.sum()) if cell.pooled else 0.0
    return reached / float(cell.published.n_patients)


def _size(cell: Headline) -> Cell:
    if cell.pooled is None:
        return Cell("0", 0)
    patients = int(cell.pooled.total.sum())
    return Cell(f"{cell.counts.k}; {count(patients)}", patients)


def _level(evidence: Evidence) -> int:
    return round(100 * evidence.protocol.primary.level)
