"""The trials as sections of a chapter: sentences, forest plots and tables, all from results."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis.evidence.compared import compared_arms
from analysis.judgement.effects import disjoint
from analysis.report.notes import note_sentence
from analysis.report.numbers import (
    counted,
    events_of_total,
    i_squared,
    p_value,
    ratio,
    tau2,
)
from analysis.report.section import Fold, Note, Paragraph, Section
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.report.words import and_list, lower_first
from analysis.review.effects_shown import (
    EFFECT_METHODS,
    absolute_words,
    counts_table,
    effect_cell,
    effects_table,
    ratio_figure,
    signed_cell,
    stand_words,
    stands,
    study_intervals,
    study_stands,
    unstable_note,
)
from analysis.review.provenance import study_href
from analysis.review.trials import (
    TRIAL_OUTCOMES,
    TrialEvidence,
    trial_evidence,
    trial_shift,
    what_if,
    whole_patients,
)
from analysis.review.two_arms import trial_name
from analysis.synthesis.two_arm import TwoArmPool

if TYPE_CHECKING:
    from analysis.evidence.compared import ComparedArms
    from analysis.evidence.protocol import OutcomeDefinition
    from analysis.evidence.tables import Evidence
    from analysis.figures.figure import Figure

__all__ = ["missing_trials_table", "shift_section", "trial_section"]


def trial_section(evidence: Evidence, outcome: str) -> Section:
    """One outcome in the randomised trials, from the conflict between them to one trial more."""
    words = evidence.protocol.outcome(outcome)
    known = trial_evidence(evidence, outcome)
    if known is None:
        return Section((Note("No trial has a readable count in both arms."),))
    pool, stem = known.ratio, f"trials-{outcome}"
    arms = compared_arms(evidence.protocol)
    heads = (arms.treated.head, arms.control.head)
    title = f"{heads[0]} against {arms.control.label} in trials"
    sides = (arms.treated.label, arms.control.label)
    parts: list[object] = [
        Paragraph(_answer(known, words, arms)),
        ratio_figure(pool, known.main, words, stem, title, arms=sides),
        Paragraph(_conflict(known, words, arms)),
        Note(unstable_note(pool)),
    ]
    parts += [Note(note_sentence(note)) for note in pool.notes]
    parts += [
        _absolute_table(known, words, stem, heads),
        *_secondary(known),
        Fold("Counts behind it", counts_table(known.contrasts, stem, heads)),
        Fold("Odds ratio, risk ratio and risk difference by every method", effects_table(known.pools, stem)),
    ]
    if known.left_out:
        parts.append(Fold("One trial left out at a time", _left_out_figure(known, words, stem)))
    parts.append(
        Fold("What one more trial of the same size would do", _what_if(evidence, outcome, words, stem))
    )
    return Section(tuple(parts))


def _answer(known: TrialEvidence, words: OutcomeDefinition, arms: ComparedArms) -> str:
    pool = known.ratio
    effect = known.effect
    number = counted(pool.k, "trial", words=True)
    people = counted(known.pooled.patients, "patient")
    text = (
        f"In {number} with {people}, the risk ratio was {effect_cell(effect).text} "
        f"({lower_first(EFFECT_METHODS[known.main])}). "
        f"{absolute_words(known.absolute[known.main], words, arms)} "
    )
    treatment = arms.treated.label
    stand = stands(effect.low, effect.high, words.direction == "better-high")
    if stand == "unclear":
        return (
            f"{text}No clear difference: the interval includes none, and the trials do not settle whether "
            f"{treatment} changes this."
        )
    what = words.happened or f"had the outcome ({words.short_label})"
    more = "More" if effect.low > 0 else "Fewer"
    side = "in favour of" if stand == "favours" else "against"
    return f"{text}{more} patients {what} after {treatment}, a difference {side} {treatment}."


def _secondary(known: TrialEvidence) -> list[Note]:
    """Name the trials whose counts were not read in a text of the trial itself."""
    names = [item.label for item in known.contrasts.found if "read in a secondary source" in item.flags]
    return [Note(f"Read in a secondary source: counts of {and_list(names)}.")] if names else []


def _conflict(known: TrialEvidence, words: OutcomeDefinition, arms: ComparedArms) -> str:
    pool = known.ratio
    if pool.study is None or pool.k < 2:
        return "One trial cannot be set against another."
    each = study_stands(pool, words.direction == "better-high")
    told = stand_words(each, arms.treated.label)
    variation = (
        f"I² was {i_squared(pool.fit.i2)}, τ² {tau2(pool.tau2)} on the log scale "
        f"({p_value(pool.fit.q_p)} for Cochran's Q)."
    )
    if disjoint([*study_intervals(pool).values()]) or {"favours", "against"} <= {*each.values()}:
        return (
            f"By their {pool.level:.0%} intervals, {told} The trials conflict: not all of these intervals "
            f"overlap. {variation} A pooled value between them describes none of them; what differed between "
            "the trials matters more."
        )
    return f"By their {pool.level:.0%} intervals, {told} The intervals overlap. {variation}"


def _left_out_figure(known: TrialEvidence, words: OutcomeDefinition, stem: str) -> Figure:
    from analysis.figures.ladder import Step, ratio_forest

    main = known.main
    steps = [Step("All trials", *known.effect.shown(), kind="pooled")]
    for name, pool in known.left_out.items():
        if main in pool.effects:
            note = counted(pool.k, "trial")
            steps.append(Step(f"Without {name}", *pool.effects[main].shown(), note))
    return ratio_forest(
        steps,
        name=f"left-out-{stem}",
        title=f"{words.short_label}: one trial left out at a time",
        note_head="Left",
        footer=[f"{EFFECT_METHODS[main]}."],
    )


def _absolute_table(
    known: TrialEvidence, words: OutcomeDefinition, stem: str, heads: tuple[str, str]
) -> Table:
    columns = [
        Column("method", "Risk ratio by"),
        Column("control", f"{heads[1]}, per 1000", "right"),
        Column("treated", f"{heads[0]}, per 1000", "right"),
        Column("difference", "Difference, per 1000", "right"),
        Column("low", "From", "right"),
        Column("high", "To", "right"),
    ]
    rows = []
    for method, effect in known.absolute.items():
        shown = whole_patients(effect)
        rows.append(
            {
                "method": EFFECT_METHODS[method],
                "control": shown.control,
                "treated": shown.treated,
                "difference": signed_cell(shown.difference),
                "low": signed_cell(shown.low),
                "high": signed_cell(shown.high),
            }
        )
    part = known.pooled
    events = sum(item.events2 for item in part.found)
    total = sum(item.total2 for item in part.found)
    base = (
        "Baseline: the control arms of the trials in the pool, added up "
        f"({events_of_total(events, total)}). The interval carries the uncertainty of the ratio alone. Each "
        "number is rounded once, on its own, so that a difference can depart by one from that of the "
        "rounded risks."
    )
    left = [item.label for item in known.contrasts.found if item.label not in part.labels]
    if left:
        base += f" Not in the pool, and so not in the baseline: {and_list(left)}."
    caption = f"{words.short_label}: absolute effects in the trials"
    return table_from_rows(f"absolute-{stem}", caption, columns, rows, footnotes=[base], sortable=False)


def _what_if(evidence: Evidence, outcome: str, words: OutcomeDefinition, stem: str) -> Section:
    cases = what_if(evidence, outcome)
    known = trial_evidence(evidence, outcome)
    columns = [
        Column("case", "Case"),
        Column("counts", "Counts made up", "right"),
        Column("common", "Common effect", "right"),
        Column("cautious", "Knapp-Hartung", "right"),
    ]
    rows: list[dict[str, object]] = []
    for label, made, pool in [
        *([("The trials as they are", None, known.ratio)] if known else []),
        *((case.label, case.counts, case.pool) for case in cases),
    ]:
        rows.append(
            {
                "case": label,
                "counts": "none"
                if made is None
                else f"{events_of_total(*made[:2])} against {events_of_total(*made[2:])}",
                "common": effect_cell(pool.effects["common"]),
                "cautious": effect_cell(pool.effects["knapp-hartung"]),
            }
        )
    table = table_from_rows(
        f"what-if-{stem}",
        f"{words.short_label}: risk ratio with one more trial",
        columns,
        rows,
        sortable=False,
    )
    note = (
        "A what-if, not evidence. The made-up trial has the mean size of the trials and their pooled risk "
        "in the control arm; it shows no difference, or the best risk ratio of a trial so far."
    )
    return Section((Note(note), table))


def shift_section(evidence: Evidence) -> Section:
    """The shift over the whole modified Rankin scale: bars, each trial, the pools."""
    from analysis.figures.grotta import RankinArm, grotta

    shift = trial_shift(evidence)
    if shift is None:
        return Section((Note("No trial has a public distribution over the scale."),))
    sides = compared_arms(evidence.protocol)
    names = {key: side.head for side in (sides.treated, sides.control) for key in side.keys}
    arms = [
        RankinArm(row.trial, names.get(row.arm_id, row.arm_id), row.grades)
        for row in evidence.rct_mrs_distribution
    ]
    columns = [
        Column("trial", "Trial"),
        Column("ratio", "Common odds ratio of a better grade", "right"),
        *(
            Column(f"c{cut}", f"Odds ratio of mRS {'0' if cut == 0 else f'0-{cut}'}", "right")
            for cut in range(6)
        ),
        Column(
            "fit", "Lack of fit", "right", note="Whether one odds ratio serves all cuts (likelihood ratio)."
        ),
    ]
    rows: list[dict[str, object]] = [
        {
            "trial": name,
            "ratio": Cell(ratio(fit.ratio, math.exp(fit.ci_low), math.exp(fit.ci_high)), fit.ratio),
            **{
                f"c{cut}": Cell(ratio(math.exp(value)), math.exp(value)) for cut, value in enumerate(fit.cuts)
            },
            "fit": Cell(p_value(fit.lack_p), fit.lack_p),
        }
        for name, fit in shift.trials.items()
    ]
    pools = {"common OR": shift.pool}
    parts: list[object] = [
        grotta(arms, name="grotta-trials", title="Modified Rankin scale at 90 days in the trials"),
        Paragraph(_shift_words(shift.pool, "crude distributions", sides)),
        table_from_rows(
            "shift-trials", "Shift over the scale, trial by trial", columns, rows, sortable=False
        ),
        Note(unstable_note(shift.pool)),
        Fold("Pooled shift by every method", effects_table(pools, "shift")),
    ]
    if shift.printed:
        each = [f"{row.trial} {ratio(row.estimate, row.ci_low, row.ci_high)}" for row in shift.printed]
        text = f"Adjusted common odds ratio as printed, never mixed with the crude ones: {and_list(each)}."
        if shift.published is None:
            text += " One trial prints one, so there is nothing to pool."
        else:
            text += f" Pooled: {ratio(*shift.published.effects['common'].shown())} (common effect)."
        parts.append(Paragraph(text))
    unread = [trial_name(evidence, evidence.study(study_id)) for study_id in shift.unread]
    parts.append(Note(f"No public distribution: {and_list(unread)}."))
    return Section(tuple(parts))


def _shift_words(pool: TwoArmPool, basis: str, arms: ComparedArms) -> str:
    effect = pool.effects["common"]
    text = (
        f"From the {basis} of {and_list(pool.labels)}, the odds of a better grade after {arms.treated.label} "
        f"were {effect_cell(effect).text} times those after {arms.control.label} (common effect). "
    )
    stand = stands(effect.low, effect.high, True)
    if stand == "unclear":
        return f"{text}No clear difference: the interval includes no shift."
    return f"{text}The shift {'favours' if stand == 'favours' else 'speaks against'} {arms.treated.label}."


def missing_trials_table(evidence: Evidence) -> Table:
    """Trials and outcomes without a readable count in both arms, each with its reason."""
    rows = []
    for outcome in TRIAL_OUTCOMES:
        known = trial_evidence(evidence, outcome)
        short = evidence.protocol.outcome(outcome).short_label
        for item in known.contrasts.unread if known else ():
            rows.append(
                {
                    "trial": Cell(item.label, href=study_href(item.study_id)),
                    "outcome": short,
                    "reason": item.reason,
                }
            )
    columns = [Column("trial", "Trial"), Column("outcome", "Outcome"), Column("reason", "Why it is missing")]
    return table_from_rows(
        "trials-missing", "Missing evidence: trials without readable counts", columns, rows
    )
