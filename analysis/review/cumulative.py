"""Cumulative evidence laid out for the page: rates by year, trials by year, and sequential limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.living.cumulative import Cumulative, YearStep, cumulative_rates
from analysis.living.trial_series import TrialSeries, trial_series
from analysis.report.numbers import count, counted, percent, ratio, share, statistic
from analysis.report.section import Note, Paragraph, Section
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.report.words import and_list, lower_first
from analysis.synthesis.special import normal_quantile

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.figures.figure import Figure

__all__ = ["cumulative_section", "sequential_section", "trial_outcomes", "trials_over_time"]


def cumulative_section(evidence: Evidence, population: str, outcome: str) -> Section:
    """One rate as it would have been pooled at the end of each year."""
    found = cumulative_rates(evidence, population, outcome)
    if not found.steps:
        return Section((Note("No public count of a study with a known year."),))
    parts: list[Any] = [Paragraph(_sentence(found)), _figure(evidence, found)]
    if found.undated and found.whole:
        whole = _rate(found.whole)
        parts.append(
            Note(
                f"The year of {and_list(list(found.undated))} is not shown in the text read; with "
                f"{'it' if len(found.undated) == 1 else 'them'} the rate is {whole}."
            )
        )
    return Section(tuple(parts))


def _sentence(found: Cumulative) -> str:
    first, last = found.steps[0], found.steps[-1]
    start = (
        f"At the end of {first.year} the pool held {counted(first.k, 'study', 'studies')} and the rate was "
        f"{_rate(first)}"
    )
    if first == last:
        return f"{start}."
    text = f"{start}; at the end of {last.year} it held {last.k} and the rate was {_rate(last)}."
    known = [step.estimate for step in found.steps if not step.counted]
    if len(known) > 1:
        text += f" Where it could be pooled it lay between {share(min(known))}% and {share(max(known))}%."
    return text


def _rate(step: YearStep) -> str:
    return step.counted or percent(step.estimate, step.low, step.high)


def _figure(evidence: Evidence, found: Cumulative) -> Figure:
    from analysis.figures.ladder import Step, ladder

    outcome = evidence.protocol.outcome(found.outcome)
    population = evidence.protocol.population(found.population)
    steps = [
        Step(
            str(step.year),
            None if step.counted else step.estimate,
            None if step.counted else step.low,
            None if step.counted else step.high,
            f"{step.k}; {count(step.total)}",
            words=step.counted,
        )
        for step in found.steps
    ]
    return ladder(
        steps,
        name=f"cumulative-{found.population}-{found.outcome}",
        title=f"{outcome.label} by year; {lower_first(population.label)}",
        label_head="Public by the end of",
        note_head="Studies; patients",
        guide=found.whole.estimate if found.whole and not found.whole.counted else None,
        footer=(_guide_words(found),) if found.whole and not found.whole.counted else (),
    )


def _guide_words(found: Cumulative) -> str:
    more = (
        f", with {'the one' if len(found.undated) == 1 else 'those'} of unknown year" if found.undated else ""
    )
    return f"Dashed line: all studies of today{more}."


def trial_outcomes(evidence: Evidence) -> tuple[str, ...]:
    """Return the outcomes for which a trial has a readable count in both arms."""
    return tuple(
        item.key
        for item in evidence.protocol.outcomes
        if item.role != "not_pooled" and trial_series(evidence, item.key) is not None
    )


def trials_over_time(evidence: Evidence) -> Figure:
    """The pooled risk ratio of every outcome of the trials, at the end of each year."""
    from analysis.figures.ladder import Step, ratio_forest

    steps = []
    for key in trial_outcomes(evidence):
        found = trial_series(evidence, key)
        for look in found.looks if found else ():
            note = f"{counted(look.trials, 'trial')}; {count(look.patients)}"
            heading = evidence.protocol.outcome(key).short_label
            steps.append(Step(str(look.year), look.ratio, look.low, look.high, note, heading=heading))
    return ratio_forest(
        steps,
        name="cumulative-trials",
        title="Randomised trials by year: risk ratio of thrombectomy against medical treatment",
        label_head="By the end of",
        note_head="Trials; patients",
        footer=(
            "By the main method of each outcome, as in the chapter on the trials: common effect, for rare "
            "outcomes by Mantel-Haenszel. A trial without an event in either arm says nothing on a ratio "
            "and is left out.",
        ),
    )


def sequential_section(evidence: Evidence) -> Section:
    """Sequential limits of the trials: a secondary view, with its parameters and a caution."""
    chosen = evidence.protocol.text["living"]["sequential"]
    usual = normal_quantile(1 - float(chosen["alpha"]))
    found = [series for key in trial_outcomes(evidence) if (series := trial_series(evidence, key))]
    caution = (
        "This view is secondary. Cochrane advises against sequential methods for the main analyses and "
        "conclusions of a review: nobody stops or starts trials by this review, and the limits depend on "
        "parameters that are a matter of choice."
    )
    chosen_text = (
        f"Two-sided error {chosen['alpha']}, power {chosen['power']}, a relative change of "
        f"{share(chosen['relative_change'])}%, penalty {chosen['penalty']} in the law of the iterated "
        f"logarithm; the patients required are raised for the spread between trials. {chosen['note']}"
    )
    return Section((Note(caution), Paragraph(" ".join(chosen_text.split())), _limits(evidence, found, usual)))


def _limits(evidence: Evidence, found: list[TrialSeries], usual: float) -> Table:
    rows = [
        {
            "outcome": evidence.protocol.outcome(series.outcome).short_label,
            "year": str(look.year),
            "ratio": Cell(ratio(look.ratio, look.low, look.high), look.ratio),
            "patients": look.patients,
            "required": round(series.required),
            "share": Cell(f"{share(look.information)}%", round(100 * look.information, 2)),
            "z": Cell(statistic(look.z), look.z),
            "limit": _limit(look.boundary),
            "penalised": Cell(statistic(look.penalised), look.penalised)
            if look.penalised == look.penalised
            else None,
            "reads": _reading(look.z, look.boundary),
            "usual": _reading(look.penalised, usual) if look.penalised == look.penalised else None,
        }
        for series in found
        for look in series.looks
    ]
    columns = [
        Column("outcome", "Outcome"),
        Column("year", "By the end of"),
        Column("ratio", "Risk ratio (95% interval)", "right"),
        Column("patients", "Patients", "right"),
        Column("required", "Patients required", "right"),
        Column("share", "Share of them", "right"),
        Column("z", "z", "right", note="Of the random-effects model by restricted maximum likelihood."),
        Column("limit", "O'Brien-Fleming limit", "right"),
        Column("reads", "O'Brien-Fleming limit is"),
        Column("penalised", "z by iterated logarithm", "right"),
        Column(
            "usual",
            f"Usual limit of {usual:.2f} is",
            note="Held against z by the law of the iterated logarithm.",
        ),
    ]
    return table_from_rows("sequential", "Sequential limits of the trials", columns, rows, sortable=False)


def _limit(value: float) -> Cell:
    return Cell("beyond reach", "") if value == float("inf") else Cell(statistic(value), value)


def _reading(z: float, boundary: float) -> str:
    return "crossed" if abs(z) >= boundary else "not crossed"
