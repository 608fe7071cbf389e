"""Evidence that is shown beside the review's own pools: the trials and the other reviews."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from analysis.evidence.compared import compared_arms
from analysis.report.numbers import events_of_total, percent, ratio
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.review.two_arms import trial_name

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence, Outcome, RivalEstimate

__all__ = ["outcome_words", "rivals_table", "short_forms", "trial_counts_table", "trials_table"]

_NO_COUNT = Cell("no public count", "", tone="missing")
#: Short forms in the words of other reviews; those of the outcomes are explained by the glossary.
_SHORT_FORMS = {
    "SR": "stent retriever",
    "ASP": "aspiration",
    "ADAPT": "a direct aspiration first pass technique",
    "EVT": "endovascular treatment",
    "MT": "mechanical thrombectomy",
    "BMT": "best medical treatment",
    "BMM": "best medical management",
    "IA": "intra-arterial",
    "DMVO": "distal or medium vessel occlusion",
    "LVO": "large vessel occlusion",
    "MCA": "middle cerebral artery",
    "ACA": "anterior cerebral artery",
    "PCA": "posterior cerebral artery",
    "OR": "odds ratio",
    "RR": "risk ratio",
}


def short_forms(texts: Iterable[str]) -> tuple[str, ...]:
    """Return a footnote that explains the short forms in some texts; none without any.

    Examples
    --------
    >>> short_forms(["SR+ASP", "M2 only"])
    ('SR stent retriever; ASP aspiration.',)
    """
    found = {word for text in texts for word in re.findall(r"[A-Z]{2,}", text)}
    used = [f"{short} {words}" for short, words in _SHORT_FORMS.items() if short in found]
    return (f"{'; '.join(used)}.",) if used else ()


def outcome_words(evidence: Evidence, text: str) -> str:
    """Return the outcome of a foreign estimate with our keys put into words and signs set right."""
    labels = {each.key: each.short_label for each in evidence.protocol.outcomes}
    words = re.sub(r"[a-z][a-z0-9_]*", lambda match: labels.get(match[0], match[0]), text)
    return re.sub(r"(\d) d\b", r"\1 days", words.replace(">=", "\u2265").replace("<=", "\u2264"))


def trials_table(evidence: Evidence) -> Table:
    """The effects that the randomised trials print, as printed."""
    columns = [
        Column("trial", "Trial"),
        Column("outcome", "Outcome"),
        Column("measure", "Measure"),
        Column("estimate", "Estimate (95% interval)"),
        Column("adjusted", "Adjusted"),
        Column("where", "Where it stands"),
    ]
    rows = [
        {
            "trial": row.trial,
            "outcome": outcome_words(evidence, row.outcome),
            "measure": row.effect_measure,
            "estimate": Cell(ratio(row.estimate, row.ci_low, row.ci_high), row.estimate),
            "adjusted": row.adjusted or None,
            "where": Cell(row.locator, href=row.source_url),
        }
        for row in evidence.rct_effects
    ]
    return table_from_rows("trial-effects", "Effects printed by the randomised trials", columns, rows)


def trial_counts_table(evidence: Evidence) -> Table:
    """Events and patients in both arms of each randomised trial."""
    sides = compared_arms(evidence.protocol)
    trials = [study for study in evidence.studies if study.comparative == "randomised"]
    outcomes = (*evidence.protocol.main_outcomes, evidence.protocol.outcome("mrs01"))
    rows = []
    for study in trials:
        for outcome in outcomes:
            arms = {
                row.arm_id: row
                for row in evidence.outcomes
                if row.study_id == study.study_id and row.outcome == outcome.key
            }
            cells = {
                name: [_count(arms[key]) for key in side.keys if key in arms]
                for name, side in (("treated", sides.treated), ("control", sides.control))
            }
            rows.append(
                {
                    "trial": Cell(trial_name(evidence, study), study.label, study.source_url),
                    "outcome": outcome.short_label,
                    **{name: found[0] if found else _NO_COUNT for name, found in cells.items()},
                }
            )
    columns = [
        Column("trial", "Trial"),
        Column("outcome", "Outcome"),
        Column("treated", sides.treated.head, "right"),
        Column("control", f"{sides.control.head} alone", "right"),
    ]
    return table_from_rows("trial-counts", "Events and patients in the randomised trials", columns, rows)


def rivals_table(evidence: Evidence) -> Table:
    """What other reviews pooled, beside each other and never pooled again."""
    columns = [
        Column("review", "Review"),
        Column("population", "Population"),
        Column("outcome", "Outcome"),
        Column("estimate", "Per cent (95% interval)", "right"),
        Column("k", "Studies", "right"),
        Column("n", "Patients", "right"),
        Column("note", "Remark"),
        Column("where", "Where it stands"),
    ]
    rows: list[dict[str, Any]] = [
        {
            "review": row.review,
            "population": row.population,
            "outcome": outcome_words(evidence, row.outcome),
            "estimate": _rival(row),
            "k": row.n_studies,
            "n": row.n_patients,
            "note": row.note or None,
            "where": Cell(row.source_locator, href=row.source_url),
        }
        for row in evidence.rival_reviews
    ]
    said = [f"{row.review} {row.population} {row.outcome} {row.note}" for row in evidence.rival_reviews]
    return table_from_rows(
        "other-reviews", "Other reviews, as printed", columns, rows, footnotes=short_forms(said)
    )


def _rival(row: RivalEstimate) -> Cell | None:
    if row.estimate_percent is None:
        return None
    bounds = [
        value / 100 if value is not None else None for value in (row.ci_low_percent, row.ci_high_percent)
    ]
    return Cell(percent(row.estimate_percent / 100, *bounds), row.estimate_percent)


def _count(row: Outcome) -> Cell:
    if not row.has_count:
        if row.percent_reported is None:
            return _NO_COUNT
        return Cell(f"{row.percent_reported}%, no count", "", href=row.source_url)
    return Cell(events_of_total(row.events, row.total), row.events, href=row.source_url)
