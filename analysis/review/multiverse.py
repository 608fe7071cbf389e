"""The multiverse of a headline: every defensible selection under every model, and what they agree on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.evidence.select import Counts, Question, select
from analysis.report.numbers import count, percent_range, share
from analysis.report.section import Note, Paragraph, ScriptData, Section
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.report.words import CI_METHODS, TAU2_METHODS, lower_first
from analysis.results import Result
from analysis.review.cells import hashed
from analysis.synthesis.multiverse import Multiverse, fit_multiverse

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.figures.forest_rows import Reference
    from analysis.figures.specification import Specification
    from analysis.review.cells import HashedEvidence

__all__ = ["ReviewMultiverse", "multiverse_overview", "multiverse_result", "multiverse_section"]

#: Specifications drawn in one curve; more would only blacken it. The rest stand in the summary.
_DRAWN = 80
_MODEL_FACTORS = {
    "model": "Model and scale",
    "tau2_method": "Between-study variance",
    "ci_method": "Interval",
}
_MODELS = {
    ("glmm", "logit"): "Binomial-normal",
    ("iv", "logit"): "Inverse variance, logit",
    ("iv", "arcsine"): "Inverse variance, arcsine",
    ("iv", "freeman-tukey"): "Inverse variance, Freeman-Tukey",
}


@dataclass(frozen=True, slots=True)
class ReviewMultiverse(Result):
    """All specifications of one headline.

    `choices` holds, for each specification, factor key -> option label. `same_question` marks the
    specifications that keep every not-equivalent choice of the primary analysis.
    """

    question: Question
    factors: tuple[tuple[str, str, str], ...]
    choices: tuple[dict[str, str], ...]
    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    converged: np.ndarray
    same_question: np.ndarray
    primary: int
    selections: int
    distinct: int

    @property
    def size(self) -> int:
        """Number of specifications."""
        return int(self.estimate.size)

    def share_inside(self, low: float, high: float, *, all_questions: bool = False) -> float:
        """Share of the specifications whose estimate lies between two proportions."""
        values = self.estimate[self._kept(all_questions)]
        return float(np.mean((values >= low) & (values <= high)))

    def weight_of(self, factor: str) -> float:
        """Share of the spread of the estimates that goes with one factor (eta squared)."""
        kept = self._kept(True)
        values = self.estimate[kept]
        spread = float(((values - values.mean()) ** 2).sum())
        if spread == 0.0:
            return 0.0
        labels = np.array([choice[factor] for choice in self.choices])[kept]
        between = sum(
            (labels == label).sum() * (values[labels == label].mean() - values.mean()) ** 2
            for label in np.unique(labels)
        )
        return float(between) / spread

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a specification."""
        return [
            choice | {"estimate": self.estimate[i], "low": self.low[i], "high": self.high[i]}
            for i, choice in enumerate(self.choices)
        ]

    def _kept(self, all_questions: bool) -> np.ndarray:
        return self.converged if all_questions else self.converged & self.same_question


def multiverse_result(
    evidence: Evidence, population: str, outcome: str, version: str | None = None
) -> ReviewMultiverse | None:
    """Return the multiverse of one headline, or ``None`` when it has no public count."""
    question = Question(population, outcome, version=evidence.version(version).id)
    return _result(hashed(evidence), question)


@lru_cache(maxsize=64)
def _result(key: HashedEvidence, question: Question) -> ReviewMultiverse | None:
    evidence = key.evidence
    factors = evidence.protocol.text["multiverse"].get("factors", [])
    if not factors:
        return None
    combinations = list(product(*(factor["options"] for factor in factors)))
    names = [factor["key"] for factor in factors]
    found = [
        select(evidence, replace(question, **dict(zip(names, options, strict=True))))
        for options in combinations
    ]
    if found[0].k == 0:
        return None
    kept = [place for place, counts in enumerate(found) if counts.k > 0]
    sets, place_of = _distinct([found[place] for place in kept])
    many = fit_multiverse(*_padded(sets), level=evidence.protocol.primary.level)
    return _assemble(evidence, question, factors, [combinations[p] for p in kept], place_of, many)


def _distinct(found: list[Counts]) -> tuple[list[tuple[tuple[int, int], ...]], list[int]]:
    """Selections that leave equal counts are fitted once."""
    known: dict[tuple[tuple[int, int], ...], int] = {}
    place_of = []
    for counts in found:
        key = tuple(sorted((int(x), int(n)) for x, n in zip(counts.events, counts.total, strict=True)))
        place_of.append(known.setdefault(key, len(known)))
    return list(known), place_of


def _padded(sets: list[tuple[tuple[int, int], ...]]) -> tuple[np.ndarray, np.ndarray]:
    widest = max(len(item) for item in sets)
    events, total = np.zeros((len(sets), widest)), np.zeros((len(sets), widest))
    for place, item in enumerate(sets):
        events[place, : len(item)] = [x for x, _ in item]
        total[place, : len(item)] = [n for _, n in item]
    return events, total


def _assemble(
    evidence: Evidence,
    question: Question,
    factors: list[dict[str, Any]],
    combinations: list[tuple[str, ...]],
    place_of: list[int],
    many: Multiverse,
) -> ReviewMultiverse:
    by_set: dict[int, list[int]] = {}
    for index, row in enumerate(many.row):
        by_set.setdefault(int(row), []).append(index)
    choices: list[dict[str, str]] = []
    indices: list[int] = []
    same: list[bool] = []
    first = combinations[0]
    split = [place for place, factor in enumerate(factors) if factor["tag"] == "not-equivalent"]
    primary = 0
    choice = evidence.protocol.primary
    for options, place in zip(combinations, place_of, strict=True):
        selected = {
            factor["label"]: factor["options"][option]
            for factor, option in zip(factors, options, strict=True)
        }
        for index in by_set[place]:
            model = {
                _MODEL_FACTORS["model"]: _MODELS[many.model[index], many.scale[index]],
                _MODEL_FACTORS["tau2_method"]: _capital(TAU2_METHODS[many.tau2_method[index]]),
                _MODEL_FACTORS["ci_method"]: _capital(CI_METHODS[many.ci_method[index]]),
            }
            asked = (many.model[index], many.ci_method[index])
            if options == first and asked == (choice.model, choice.ci_method):
                primary = len(choices)
            choices.append(selected | model)
            indices.append(index)
            same.append(all(options[at] == first[at] for at in split))
    tags = [(factor["label"], factor["tag"], factor["reason"]) for factor in factors]
    tags += [(label, "uncertain", "A choice of method") for label in _MODEL_FACTORS.values()]
    return ReviewMultiverse(
        question=question,
        factors=tuple(tags),
        choices=tuple(choices),
        estimate=many.estimate[indices],
        low=many.low[indices],
        high=many.high[indices],
        converged=many.converged[indices],
        same_question=np.array(same),
        primary=primary,
        selections=len(combinations),
        distinct=len(by_set),
    )


def multiverse_section(
    evidence: Evidence, population: str, outcome: str, version: str | None = None
) -> Section:
    """Say what all specifications show, draw their curve, and weigh the choices."""
    from analysis.figures.specification import specification_curve

    chosen = evidence.version(version)
    result = multiverse_result(evidence, population, outcome, chosen.id)
    stem = f"{population}-{outcome}-{chosen.alias}"
    names = evidence.protocol.population(population)
    words = evidence.protocol.outcome(outcome)
    if result is None:
        planned = evidence.protocol.text["multiverse"].get("factors")
        said = "No public count, so there is nothing" if planned else "The protocol names no choices"
        return Section((Note(f"{said} to vary."),))
    drawn, primary = _drawn(result)
    figure = specification_curve(
        drawn,
        name=f"multiverse-{stem}",
        title=f"{words.label}; {lower_first(names.label)}",
        primary=primary,
        reference=_reference(evidence, population, outcome),
        of=int(result.converged.sum()),
    )
    return Section(
        (
            Paragraph(_sentence(evidence, result)),
            figure,
            ScriptData("../_static/multiverse.js", f"figure-{figure.name}", script_data(evidence, result)),
            _weights(result, stem),
        )
    )


def script_data(evidence: Evidence, result: ReviewMultiverse) -> dict[str, Any]:
    """Return all specifications in few bytes, so that a page can filter every one of them.

    Each selection is given by the places of its options, each model likewise; selections with equal
    estimates share them. Estimates are in thousandths, and -1 where there is none.
    """
    models = result.size // result.selections
    labels = list(result.choices[0])
    split = len(labels) - len(_MODEL_FACTORS)
    options = {label: list(dict.fromkeys(choice[label] for choice in result.choices)) for label in labels}

    def places(choice: dict[str, str], names: list[str]) -> list[int]:
        return [options[name].index(choice[name]) for name in names]

    thousandths = np.where(result.converged, np.round(1000 * result.estimate), -1).astype(int)
    rows = thousandths.reshape(result.selections, models).tolist()
    known: dict[tuple[int, ...], int] = {}
    sets = [known.setdefault(tuple(row), len(known)) for row in rows]
    paper = evidence.published_for(result.question.population, result.question.outcome)
    return {
        "choices": [[label, options[label]] for label in labels],
        "split": split,
        "selections": [places(choice, labels[:split]) for choice in result.choices[::models]],
        "models": [places(choice, labels[split:]) for choice in result.choices[:models]],
        "sets": sets,
        "estimates": [list(row) for row in known],
        "same": result.same_question[::models].astype(int).tolist(),
        "thresholds": [item.value for item in evidence.protocol.outcome(result.question.outcome).thresholds],
        "paper": None if paper is None else [paper.ci_low_percent / 100, paper.ci_high_percent / 100],
    }


def multiverse_overview(evidence: Evidence, version: str | None = None) -> Table:
    """Return one row a headline: how many specifications, and what they agree on."""
    rows = []
    for population in evidence.protocol.populations:
        for outcome in evidence.protocol.main_outcomes:
            result = multiverse_result(evidence, population.key, outcome.key, version)
            if result is None:
                continue
            kept = result.converged & result.same_question
            paper = evidence.published_for(population.key, outcome.key)
            factor = max(result.factors, key=lambda item: result.weight_of(item[0]))
            inside = None
            if paper is not None:
                value = result.share_inside(paper.ci_low_percent / 100, paper.ci_high_percent / 100)
                inside = Cell(f"{share(value)}%", round(100 * value, 1))
            rows.append(
                {
                    "population": population.short_label,
                    "outcome": outcome.short_label,
                    "size": result.size,
                    "distinct": result.distinct,
                    "range": percent_range(
                        float(result.estimate[kept].min()), float(result.estimate[kept].max())
                    ),
                    "inside": inside,
                    "matters": factor[0],
                }
            )
    columns = [
        Column("population", "Occlusion"),
        Column("outcome", "Outcome"),
        Column("size", "Specifications", "right"),
        Column("distinct", "Distinct sets of counts", "right"),
        Column("range", "Estimates, same question, %", "right"),
        Column("inside", "Inside the paper's interval", "right"),
        Column("matters", "Choice that matters most"),
    ]
    return table_from_rows("multiverse-overview", "All specifications of all headlines", columns, rows)


def _capital(text: str) -> str:
    """Begin with a capital, save where the first letter is a symbol, as in "t distribution"."""
    return text if text[1:2] == " " else text[:1].upper() + text[1:]


def _drawn(result: ReviewMultiverse) -> tuple[list[Specification], int]:
    """Take evenly spaced specifications in the order of their estimate, the primary one among them."""
    from analysis.figures.specification import Specification

    known = np.flatnonzero(result.converged)
    order = known[np.argsort(result.estimate[known], kind="stable")]
    # A whole step can fall in with the order of ties and show one kind of interval alone.
    ranks = np.linspace(0, order.size - 1, min(order.size, _DRAWN)).round().astype(int)
    chosen = sorted({*order[ranks].tolist(), result.primary})
    items = [
        Specification(
            result.choices[index],
            float(result.estimate[index]),
            float(result.low[index]),
            float(result.high[index]),
            "same question" if result.same_question[index] else "narrower question",
        )
        for index in chosen
    ]
    return items, chosen.index(result.primary)


def _reference(evidence: Evidence, population: str, outcome: str) -> Reference | None:
    from analysis.figures.forest_rows import Reference

    row = evidence.published_for(population, outcome)
    if row is None:
        return None
    values = (row.estimate_percent, row.ci_low_percent, row.ci_high_percent)
    return Reference("The paper, 2023", *(value / 100 for value in values))


def _sentence(evidence: Evidence, result: ReviewMultiverse) -> str:
    kept = result.converged & result.same_question
    values = result.estimate[kept]
    text = (
        f"{count(result.selections)} selections under every model give {count(result.size)} "
        f"specifications ({count(result.distinct)} distinct sets of counts). Those that ask the same "
        f"question as the primary analysis put the rate between "
        f"{percent_range(float(values.min()), float(values.max())).replace(' to ', ' and ')} in 100."
    )
    question = result.question
    for threshold in evidence.protocol.outcome(question.outcome).thresholds:
        above = float(np.mean(values > threshold.value))
        text += f" {share(above)}% of them lie above {share(threshold.value)}%."
    paper = evidence.published_for(question.population, question.outcome)
    if paper is not None:
        inside = result.share_inside(paper.ci_low_percent / 100, paper.ci_high_percent / 100)
        text += f" {share(inside)}% lie inside the paper's interval."
    failed = int((~result.converged).sum())
    if failed:
        text += f" {count(failed)} specifications have no finite interval and are left out."
    return text


def _weights(result: ReviewMultiverse, stem: str) -> Table:
    rows = [
        {
            "factor": label,
            "tag": tag.replace("-", " "),
            "reason": reason,
            "weight": Cell(f"{share(result.weight_of(label))}%", round(100 * result.weight_of(label), 2)),
        }
        for label, tag, reason in result.factors
    ]
    rows.sort(key=lambda row: -result.weight_of(str(row["factor"])))
    columns = [
        Column("factor", "Choice"),
        Column("tag", "Options are"),
        Column("reason", "Why"),
        Column("weight", "Share of the spread", "right"),
    ]
    return table_from_rows(
        f"multiverse-weights-{stem}",
        "Which choice matters: share of the spread of the estimates",
        columns,
        rows,
        footnotes=(
            "Each share is taken alone (eta squared). Where some options leave no study to pool, not every "
            "combination exists, choices go together, and the shares can add up to more than 100%.",
        ),
        sortable=False,
    )
