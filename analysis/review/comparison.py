"""Our pools beside those of the published review and the others: what each pooled, and what it found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analysis.evidence.select import Question, select
from analysis.report.numbers import count, percent, percent_decimals, points_between
from analysis.report.readable import plain_note
from analysis.report.section import Section
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.report.words import lower_first
from analysis.results import Result, to_plain
from analysis.review.cells import headline, pool_counts
from analysis.review.others import outcome_words, short_forms
from analysis.review.subgroup import subgroup_result

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence, RivalEstimate
    from analysis.synthesis.types import Pooled

__all__ = [
    "Comparison",
    "Estimate",
    "compare_reviews",
    "comparison_figures",
    "comparison_left_out",
    "comparison_table",
]


_KEY = (
    "Diamonds: this review. Squares: estimates as printed elsewhere; without an interval where none is "
    "printed. A question mark: a number that is not printed. The reviews share studies, so their "
    "agreement is no independent support."
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """One pooled rate: whose, of whom, and how many studies and patients it rests on.

    `ours` is the estimate of this review for the nearest population, for estimates of others.
    """

    kind: str
    review: str
    population: str
    outcome: str
    match: str
    estimate: float
    low: float | None
    high: float | None
    k: int | None
    n: int | None
    note: str = ""
    source_url: str = ""
    ours: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison(Result):
    """Every rate side by side, and the rows of other reviews that give no percentage."""

    estimates: tuple[Estimate, ...]
    left_out: tuple[RivalEstimate, ...]
    version: str

    def rows(self) -> list[dict[str, Any]]:
        """Return one row an estimate."""
        names = tuple(Estimate.__dataclass_fields__)
        return [to_plain({name: getattr(item, name) for name in names}) for item in self.estimates]


def compare_reviews(evidence: Evidence, version: str | None = None) -> Comparison:
    """Set the pools of a version beside those of the published review and of the others.

    An estimate of another review stands beside the pool of this review that is nearest by the
    matches of the protocol. Values that are no percentages are left out and listed.
    """
    chosen = evidence.version(version)
    rivals = [row for row in evidence.rival_reviews if row.estimate_percent is not None]
    known = {item.key for item in evidence.protocol.outcomes if item.role != "not_pooled"}
    asked = {row.outcome for row in rivals} & known
    main = [item.key for item in evidence.protocol.main_outcomes]
    outcomes = main + [item.key for item in evidence.protocol.outcomes if item.key in asked - set(main)]
    estimates = [item for outcome in outcomes for item in _of_outcome(evidence, outcome, rivals, chosen.id)]
    shown = {row.row for row in rivals if row.outcome in known}
    left = tuple(row for row in evidence.rival_reviews if row.row not in shown)
    return Comparison(tuple(estimates), left, chosen.id)


def _of_outcome(
    evidence: Evidence, outcome: str, rivals: list[RivalEstimate], version: str
) -> Iterator[Estimate]:
    populations = evidence.protocol.populations if _is_main(evidence, outcome) else ()
    source = evidence.protocol.text["paper"]
    placed: dict[str, list[Estimate]] = {}
    for population in populations:
        cell = headline(evidence, population.key, outcome, version)
        name = population.label
        if cell.pooled is not None:
            placed.setdefault(name, []).append(_own(cell.pooled, name, outcome))
        paper = cell.published
        if paper is not None:
            placed.setdefault(name, []).append(
                _other(
                    "paper",
                    source.get("label", "The published review"),
                    paper,
                    (name, outcome),
                    cell.pooled,
                    paper.source_locator,
                    f"https://doi.org/{source['doi']}" if "doi" in source else "",
                )
            )
    for row in rivals:
        if row.outcome == outcome:
            name, pooled = _nearest(evidence, row, version)
            group = placed.setdefault(name, [])
            if not group and pooled is not None:
                group.append(_own(pooled, name, outcome))
            group.append(_other("other", row.review, row, (name, outcome), pooled, row.note, row.source_url))
    for name in sorted(placed, key=_places(evidence).__getitem__):
        yield from placed[name]


def _places(evidence: Evidence) -> defaultdict[str, int]:
    """Place of each group in a figure: as in the protocol, and what stands in none of its lists last."""
    names = [each.label for each in evidence.protocol.populations]
    for variable in evidence.protocol.subgroups:
        names += [_level_name(variable.label, level.label) for level in variable.levels]
    return defaultdict(lambda: len(names), {name: place for place, name in enumerate(names)})


def _level_name(variable: str, level: str) -> str:
    return f"{variable}: {lower_first(level)}"


def _is_main(evidence: Evidence, outcome: str) -> bool:
    return evidence.protocol.outcome(outcome).role == "main"


def _nearest(evidence: Evidence, row: RivalEstimate, version: str) -> tuple[str, Pooled | None]:
    """Return the name and the pool of this review that is nearest to a row's population."""
    for match in evidence.protocol.text["other_reviews"].get("matches", []):
        fits = row.population == match["is"] if "is" in match else match["holds"] in row.population
        if not fits:
            continue
        if "context" in match:
            return match["context"], None
        if "subgroup" not in match:
            population = evidence.protocol.population(match["population"])
            cell = headline(evidence, population.key, row.outcome, version)
            return population.label, cell.pooled
        variable = evidence.protocol.subgroup(match["subgroup"])
        label = next(level.label for level in variable.levels if level.key == match["level"])
        own = _level(evidence, row.outcome, variable.key, label, version)
        return _level_name(variable.label, label), own
    return "No match in the protocol", None


def _level(evidence: Evidence, outcome: str, variable: str, label: str, version: str) -> Pooled | None:
    """Pool one level of a subgroup, as the chapter on subgroups does where it has two levels."""
    population = evidence.protocol.widest
    if population is None:
        return None
    result = subgroup_result(evidence, population, outcome, variable, version)
    if result.test is not None and label in result.test.levels:
        return result.test.pooled[result.test.levels.index(label)]
    question = Question(population, outcome, version=version, subgroup=variable)
    counts = select(evidence, question)
    if counts.k == 0 or label not in result.groups:
        return None
    return pool_counts(evidence, counts) if set(result.groups) == {label} else None


def _own(pooled: Pooled, population: str, outcome: str) -> Estimate:
    return Estimate(
        "ours",
        "This review",
        population,
        outcome,
        population,
        pooled.estimate,
        pooled.ci.low,
        pooled.ci.high,
        pooled.k,
        round(float(pooled.total.sum())),
    )


def _other(
    kind: str, review: str, row: Any, place: tuple[str, str], pooled: Pooled | None, note: str, url: str
) -> Estimate:
    match, outcome = place
    limits = (row.ci_low_percent, row.ci_high_percent)
    low, high = (None if value is None else value / 100 for value in limits)
    return Estimate(
        kind,
        review,
        row.population,
        outcome,
        match,
        row.estimate_percent / 100,
        low,
        high,
        row.n_studies,
        row.n_patients,
        note,
        url,
        pooled.estimate if pooled is not None else None,
    )


def comparison_figures(evidence: Evidence, version: str | None = None) -> Section:
    """Draw all rates, one figure an outcome, each grouped by the nearest population."""
    from analysis.figures.ladder import Step, ladder

    chosen = evidence.version(version)
    found = compare_reviews(evidence, version)
    figures = []
    for key in dict.fromkeys(item.outcome for item in found.estimates):
        steps = [
            Step(
                _short(item.review),
                item.estimate,
                item.low,
                item.high,
                _size(item),
                kind="pooled" if item.kind == "ours" else "study",
                heading=item.match,
            )
            for item in found.estimates
            if item.outcome == key
        ]
        label = evidence.protocol.outcome(key).label
        figures.append(
            ladder(
                steps,
                name=f"other-reviews-{key}-{chosen.alias}",
                title=(
                    f"{label}: rates here, in the paper and in other reviews; "
                    f"evidence {lower_first(chosen.label)}"
                ),
                label_head="Review",
                note_head="Studies; patients",
                footer=(_KEY,),
            )
        )
    return Section(tuple(figures))


def _short(review: str) -> str:
    """Leave out what stands in brackets and the second half of a title; the table has it whole."""
    return review.split(" (")[0].split(": ")[0]


def _size(item: Estimate) -> str:
    shown = ["?" if value is None else count(value) for value in (item.k, item.n)]
    return "; ".join(shown)


def comparison_table(evidence: Evidence, version: str | None = None) -> Table:
    """Each estimate of others beside the nearest of this review."""
    chosen = evidence.version(version)
    estimates = [item for item in compare_reviews(evidence, version).estimates if item.kind != "ours"]
    rows = [
        {
            "review": Cell(item.review, href=item.source_url),
            "outcome": evidence.protocol.outcome(item.outcome).short_label,
            "population": item.population,
            "theirs": Cell(percent(item.estimate, item.low, item.high), 100 * item.estimate),
            "k": item.k,
            "n": item.n,
            "match": item.match,
            "ours": None if item.ours is None else Cell(percent(item.ours), 100 * item.ours),
            "difference": None
            if item.ours is None
            else Cell(_difference(item), round(100 * (item.ours - item.estimate), 2)),
            "note": Cell(plain_note(item.note), item.note) if item.note else None,
        }
        for item in estimates
    ]
    columns = [
        Column("review", "Review"),
        Column("outcome", "Outcome"),
        Column("population", "Its population"),
        Column("theirs", "Its rate (95% interval)", "right"),
        Column("k", "Studies", "right"),
        Column("n", "Patients", "right"),
        Column("match", "Nearest pool of this review"),
        Column("ours", "Rate here", "right"),
        Column("difference", "Difference", "right"),
        Column("note", "What it pooled"),
    ]
    return table_from_rows(
        f"beside-others-{chosen.alias}",
        "Every printed rate beside the nearest of this review",
        columns,
        rows,
        footnotes=short_forms(f"{item.review} {item.population} {item.note}" for item in estimates),
    )


def _difference(item: Estimate) -> str:
    return points_between(item.ours, item.estimate, 0, percent_decimals(item.low, item.high))


def comparison_left_out(evidence: Evidence) -> Table:
    """Rows of other reviews that give a ratio or no number: compared nowhere, listed here."""
    left_out = compare_reviews(evidence).left_out
    rows = [
        {
            "review": Cell(row.review, href=row.source_url),
            "population": row.population,
            "outcome": outcome_words(evidence, row.outcome),
            "k": row.n_studies,
            "n": row.n_patients,
            "reason": Cell(plain_note(row.note) or "no percentage is printed", row.note or None),
        }
        for row in left_out
    ]
    columns = [
        Column("review", "Review"),
        Column("population", "Population"),
        Column("outcome", "Outcome"),
        Column("k", "Studies", "right"),
        Column("n", "Patients", "right"),
        Column("reason", "Why it is not compared"),
    ]
    return table_from_rows(
        "others-without-percentage",
        "Estimates of other reviews that are no percentages",
        columns,
        rows,
        footnotes=short_forms(f"{row.review} {row.population} {row.outcome} {row.note}" for row in left_out),
    )
