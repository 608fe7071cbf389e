"""The first page in ten seconds: what is known, how sure, what changed, when last searched."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.report.counts_lead import rate_words
from analysis.report.html import element, escape
from analysis.report.numbers import count, counted, date_text, percent, rate_change
from analysis.report.words import and_list, lower_first
from analysis.review.cells import headline, headlines

if TYPE_CHECKING:
    from analysis.evidence.tables import Certainty, Evidence
    from analysis.figures.figure import Figure
    from analysis.figures.ladder import Step
    from analysis.review.cells import Headline

__all__ = ["Answers", "answers", "overview_figure"]

#: Levels of certainty from highest to lowest, as readers know them.
_LEVELS = {"high": "high", "moderate": "moderate", "low": "low", "very_low": "very low"}


@dataclass(frozen=True, slots=True)
class Answers:
    """Questions that a reader brings, each with a few plain sentences."""

    items: tuple[tuple[str, tuple[str, ...]], ...]

    def _repr_html_(self) -> str:
        blocks = [
            element("div", element("dt", escape(head)) + _definition(lines)) for head, lines in self.items
        ]
        return element("dl", "".join(blocks), {"class": "review-answers"})


def _definition(lines: tuple[str, ...]) -> str:
    return "".join(element("dd", escape(line)) for line in lines)


def answers(evidence: Evidence) -> Answers:
    """Say what is known of any distal occlusion today, how sure that is, and how fresh."""
    return Answers(
        (
            ("What is known", _known(evidence)),
            ("How sure", _sure(evidence)),
            ("What changed", _changed(evidence)),
            ("When last searched", _searched(evidence)),
        )
    )


def overview_figure(evidence: Evidence) -> Figure:
    """Every outcome in every population today, on one axis."""
    from analysis.figures.ladder import Step, ladder

    protocol = evidence.protocol
    today = evidence.versions[-1]
    steps: list[Step] = []
    for outcome in protocol.main_outcomes:
        for population in protocol.populations:
            cell = headline(evidence, population.key, outcome.key, today.id)
            steps.append(_step(Step, cell, population.short_label, outcome.short_label))
    return ladder(
        steps,
        name="overview",
        title=f"Pooled rates after thrombectomy, by kind of occlusion; {lower_first(today.label)}",
        label_head="Occlusion",
        note_head="Studies; patients",
        footer=("Rates in treated patients, not effects of the treatment.",),
        level=f"{protocol.primary.level:.0%}",
    )


def _step(make: type[Step], cell: Headline, label: str, heading: str) -> Step:
    pooled = cell.pooled
    if pooled is None:
        return make(label, None, None, None, "no public count", heading=heading)
    size = f"{pooled.k}; {count(pooled.total.sum())}"
    if lead := rate_words(pooled, ""):
        return make(label, None, None, None, size, heading=heading, words=lead)
    return make(label, pooled.estimate, pooled.ci.low, pooled.ci.high, size, heading=heading)


def _widest(evidence: Evidence) -> str:
    """Key of the population that holds all the others, or else the last of the protocol."""
    return evidence.protocol.widest or evidence.protocol.populations[-1].key


def _known(evidence: Evidence) -> tuple[str, ...]:
    today = evidence.versions[-1].id
    population = _widest(evidence)
    parts, most = [], 0
    for outcome in evidence.protocol.main_outcomes:
        pooled = headline(evidence, population, outcome.key, today).pooled
        if pooled is not None:
            rate = rate_words(pooled, percent(pooled.estimate, pooled.ci.low, pooled.ci.high))
            parts.append(f"{rate} {outcome.happened}")
            most = max(most, pooled.k)
    label = lower_first(evidence.protocol.population(population).label)
    if not parts:
        return (f"No public count of thrombectomy for {label} is known.",)
    return (
        f"Of patients who had thrombectomy for {label}, {and_list(parts)} (up to "
        f"{counted(most, 'study', 'studies')} an outcome; {evidence.protocol.primary.level:.0%} confidence "
        "intervals).",
        "These are rates in treated patients, not effects: whether thrombectomy helps is a question for the "
        "randomised trials.",
    )


def _sure(evidence: Evidence) -> tuple[str, ...]:
    overall = [row for row in evidence.certainty if row.domain == "overall"]
    lines = []
    for body, name in (("effect", "effects in the randomised trials"), ("rate", "pooled rates")):
        rows = [row for row in overall if row.body == body and row.judgement in _LEVELS]
        if body == "rate":
            rows = [row for row in rows if row.population == _widest(evidence)]
        if rows:
            lines.append(f"Certainty of the {name}: {_by_level(evidence, rows)}.")
    if not lines:
        return (
            "Certainty has not been judged yet. The intervals show the play of chance only, not bias or "
            "missing studies.",
        )
    if any(row.status == "provisional" for row in overall):
        lines.append("These judgements are provisional until a clinician has signed them.")
    return tuple(lines)


def _by_level(evidence: Evidence, rows: list[Certainty]) -> str:
    parts = []
    for level, words in _LEVELS.items():
        names = [_outcome_name(evidence, row.outcome) for row in rows if row.judgement == level]
        if names:
            parts.append(f"{words} for {and_list(names)}")
    return "; ".join(parts)


def _outcome_name(evidence: Evidence, key: str) -> str:
    known = {item.key: item.short_label for item in evidence.protocol.outcomes}
    return lower_first(known.get(key, "the shift over the whole scale" if key == "mrs_shift" else key))


def _changed(evidence: Evidence) -> tuple[str, ...]:
    if len(evidence.versions) == 1:
        return ("This is the first version of the evidence.",)
    # The same step as on the page on what is new.
    before, today = evidence.versions[-2:]
    old = {study.study_id for study in evidence.as_of(before.id).studies}
    fresh = Counter(study.eligibility for study in evidence.studies if study.study_id not in old)
    lines = [
        f"{counted(sum(fresh.values()), 'study', 'studies')} became known after "
        f"{date_text(str(before.cut_off))}, {count(fresh['include'])} of them included."
    ]
    moves = []
    for cell in headlines(evidence, today.id):
        question = cell.question
        past = headline(evidence, question.population, question.outcome, before.id).pooled
        if question.population == _widest(evidence) and cell.pooled and past:
            was, now = ((each.estimate, each.ci.low, each.ci.high) for each in (past, cell.pooled))
            moved = rate_change(was, now).change
            moves.append(f"{lower_first(evidence.protocol.outcome(question.outcome).short_label)} {moved}")
    if moves:
        lines.append(f"The rates moved since then: {and_list(moves)}.")
    return tuple(lines)


def _searched(evidence: Evidence) -> tuple[str, ...]:
    newest = evidence.versions[-1]
    held = f"The evidence holds what was found to be public by {date_text(str(newest.cut_off))}."
    day = str(newest.searched_on or "not recorded")
    if not day[:1].isdigit():
        return ("No database search with recorded hits stands behind this version.", held)
    return (f"Databases were last searched on {date_text(day)}.", held)
