"""Certainty shown: summary-of-findings tables, plain sentences, reasons, and what to judge again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.evidence.compared import compared_arms
from analysis.judgement.cuts import read_cuts
from analysis.judgement.levels import DOMAINS, LEVELS
from analysis.report.numbers import (
    count,
    counted,
    fixed,
    percent,
    percent_range,
    ratio,
    share,
)
from analysis.report.section import Note, Paragraph, Section
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.report.words import and_list, lower_first
from analysis.review.effects_shown import change_words, stands
from analysis.review.grading import Body, bodies, judge_again, stored_certainty
from analysis.review.trials import trial_evidence, whole_patients

if TYPE_CHECKING:
    from analysis.evidence.tables import Certainty, Evidence

__all__ = [
    "certainty_cuts_table",
    "certainty_reasons_table",
    "effect_findings_table",
    "effect_sentence",
    "judge_again_section",
    "rate_findings_table",
    "rate_sentence",
]

_NAMES = {
    "very_low": "very low",
    "not_rated": "not rated",
    "not_serious": "not serious",
    "very_serious": "very serious",
}
_SHIFT = "Shift over the whole modified Rankin scale"
#: How a sentence opens at each level, for rates.
_RATE_OPENING = {
    "high": "",
    "moderate": "Probably ",
    "low": "Possibly ",
    "very_low": "The evidence is very uncertain: ",
}


def rate_findings_table(evidence: Evidence, population: str) -> Table:
    """Summary of findings: the pooled rates of one population, with certainty and a plain sentence."""
    stored = stored_certainty(evidence)
    flagged = {item.key[:3] for item in judge_again(evidence)}
    rows = []
    for body in bodies(evidence):
        if (body.kind, body.population) != ("rate", population):
            continue
        x: Any = body.inputs
        rows.append(
            {
                "outcome": evidence.protocol.outcome(body.outcome).short_label,
                "k": x.k,
                "n": x.n,
                "rate": Cell(percent(x.estimate, x.low, x.high), x.estimate) if x.k else None,
                "certainty": _certainty_cell(stored, body, flagged),
                "plain": rate_sentence(evidence, body, _level(stored, body)),
            }
        )
    columns = [
        Column("outcome", "Outcome"),
        Column("k", "Studies", "right"),
        Column("n", "Patients", "right"),
        Column("rate", "Rate (95% interval)", "right"),
        Column("certainty", "Certainty"),
        Column("plain", "In plain words"),
    ]
    label = evidence.protocol.population(population).label
    note = "Certainty of a rate says how sure the rate is. It does not say that thrombectomy caused it."
    return table_from_rows(
        f"findings-{population}",
        f"Summary of findings: {lower_first(label)}",
        columns,
        rows,
        footnotes=[note],
    )


#: A shift over a whole scale is no risk of anything.
_NO_RISK = Cell("does not apply", "", tone="missing")


def effect_findings_table(evidence: Evidence) -> Table:
    """Summary of findings: the effects in the trials, with certainty and a plain sentence."""
    arms = compared_arms(evidence.protocol)
    stored = stored_certainty(evidence)
    flagged = {item.key[:3] for item in judge_again(evidence)}
    rows = []
    for body in bodies(evidence):
        if body.kind != "effect":
            continue
        x: Any = body.inputs
        known = None if body.outcome == "mrs_shift" else trial_evidence(evidence, body.outcome)
        shown = whole_patients(known.absolute[known.main]) if known else None
        rows.append(
            {
                "outcome": _short_name(evidence, body.outcome),
                "k": x.k,
                "n": x.n,
                "control": shown.control if shown else _NO_RISK,
                "treated": shown.treated if shown else _NO_RISK,
                "ratio": Cell(ratio(x.ratio, x.ratio_low, x.ratio_high), x.ratio),
                "certainty": _certainty_cell(stored, body, flagged),
                "plain": effect_sentence(evidence, body, _level(stored, body)),
            }
        )
    columns = [
        Column("outcome", "Outcome"),
        Column("k", "Trials", "right"),
        Column("n", "Patients", "right"),
        Column("control", f"{arms.control.head}, per 1000", "right"),
        Column("treated", f"{arms.treated.head}, per 1000", "right"),
        Column(
            "ratio",
            "Risk ratio (95% interval)",
            "right",
            note="For the shift: common odds ratio of a better grade.",
        ),
        Column("certainty", "Certainty"),
        Column("plain", "In plain words"),
    ]
    return table_from_rows(
        "findings-trials",
        f"Summary of findings: {arms.treated.label} against {arms.control.label} in trials",
        columns,
        rows,
        footnotes=(
            "Each ratio is the common effect that the chapter on randomised evidence reads first; the "
            "intervals that let the trials differ stand there.",
        ),
    )


def rate_sentence(evidence: Evidence, body: Body, level: str) -> str:
    """Say a rate and how sure it is in plain words."""
    x: Any = body.inputs
    words = evidence.protocol.outcome(body.outcome)
    if not x.k or level == "not_rated":
        return f"No public count says how often patients {words.happened}."
    opening = _RATE_OPENING[level]
    between = percent_range(x.low, x.high).replace(" to ", " and ")
    text = f"{opening}about {share(x.estimate)} in 100 patients {words.happened} (between {between} in 100)."
    return f"{text[:1].upper()}{text[1:]}"


def effect_sentence(evidence: Evidence, body: Body, level: str) -> str:
    """Say an effect and how sure it is in plain words, after GRADE guidelines 26.

    The verb follows the size of the point estimate against the smallest difference that matters and its
    strength the level. The interval is always told, and whether it includes no difference.
    """
    x: Any = body.inputs
    treatment = compared_arms(evidence.protocol).treated
    if body.outcome == "mrs_shift":
        name, numbers = "disability over the whole scale", _shift_numbers(x)
        verb = "improves" if x.estimate > 0 else "worsens"
    else:
        words = evidence.protocol.outcome(body.outcome)
        name, numbers = lower_first(words.label), _absolute_numbers(evidence, body.outcome)
        rises = (x.estimate > 0) == (words.direction == "better-high")
        verb = "raises the chance of" if rises else "lowers the chance of"
    unclear = stands(x.low, x.high, True) == "unclear"
    told = f"({numbers}; the interval includes no difference)" if unclear else f"({numbers})"
    if level == "very_low":
        return f"The evidence is very uncertain about the effect of {treatment.label} on {name} {told}."
    small = abs(x.estimate) < x.important
    phrase = f"makes little or no difference to {name}" if small else f"{verb} {name}"
    if level == "high":
        return f"{treatment.head} {phrase} {told}."
    plain = phrase.replace("makes", "make", 1) if small else phrase.replace(verb, _bare(verb), 1)
    adverb = "probably " if level == "moderate" else "may "
    return f"{treatment.head} {adverb}{phrase if level == 'moderate' else plain} {told}."


def _bare(verb: str) -> str:
    first, _, rest = verb.partition(" ")
    return f"{first.removesuffix('s')} {rest}".strip()


def _absolute_numbers(evidence: Evidence, outcome: str) -> str:
    known = trial_evidence(evidence, outcome)
    if known is None:
        return "no counts"
    effect = known.absolute[known.main]
    shown = whole_patients(effect)
    return (
        f"{change_words(shown.difference)} per {count(effect.per)}, from {change_words(shown.low)} to "
        f"{change_words(shown.high)}"
    )


def _shift_numbers(x: Any) -> str:
    return f"odds of a better grade times {ratio(x.ratio, x.ratio_low, x.ratio_high)}"


def certainty_reasons_table(evidence: Evidence, kind: str) -> Table:
    """Every stored judgement with its reason, for rates or for effects."""
    flagged = {item.key: item.words for item in judge_again(evidence)}
    rows = [
        {
            "population": _population_name(evidence, row.population),
            "outcome": _outcome_name(evidence, row.outcome),
            "domain": DOMAINS.get(row.domain, "Overall"),
            "judgement": _name(row.judgement),
            "reason": row.reason,
            "state": "judge again: " + flagged[row.key] if row.key in flagged else "stands",
            "status": f"{row.status}, version {row.judged_version}",
        }
        for row in evidence.certainty
        if row.body == kind
    ]
    columns = [
        Column("outcome", "Outcome"),
        Column("population", "Population"),
        Column("domain", "Domain"),
        Column("judgement", "Judgement"),
        Column("reason", "Why"),
        Column("state", "State"),
        Column("status", "Status"),
    ]
    caption = "Judgements on the certainty of " + ("rates" if kind == "rate" else "effects")
    return table_from_rows(f"certainty-{kind}", caption, columns, rows)


def judge_again_section(evidence: Evidence) -> Section:
    """Which judgements must be made again since the data moved."""
    flagged = judge_again(evidence)
    signed = sum(row.status == "signed" for row in evidence.certainty)
    text = (
        f"{counted(len(evidence.certainty), 'judgement')} stand in the data, {signed or 'none'} signed "
        "by a clinician. "
        + (
            f"{counted(len(flagged), 'judgement')} must be made again, as an input crossed a rule since."
            if flagged
            else "None must be made again: no input has crossed a rule since."
        )
    )
    if not flagged:
        return Section((Paragraph(text),))
    rows = [
        {
            "outcome": _outcome_name(evidence, item.key[2]),
            "population": _population_name(evidence, item.key[1]),
            "domain": DOMAINS.get(item.key[3], "Overall"),
            "what": item.words,
        }
        for item in flagged
    ]
    columns = [
        Column("outcome", "Outcome"),
        Column("population", "Population"),
        Column("domain", "Domain"),
        Column("what", "What moved"),
    ]
    return Section((Paragraph(text), table_from_rows("judge-again", "Judge again", columns, rows)))


def certainty_cuts_table(evidence: Evidence) -> Section:
    """The cuts of the rules, as the protocol states them."""
    cuts = read_cuts(evidence.protocol)
    important = [
        f"{evidence.protocol.outcome(key).short_label} {fixed(value)}"
        for key, value in cuts.important.items()
    ]
    rows = [
        {"rule": rule, "cut": cut}
        for rule, cut in (
            ("A rate should be known to within", f"{fixed(100 * cuts.rate_margin)} percentage points"),
            (
                "Trials should be able to show a relative change of",
                f"{share(cuts.relative_change)}%, with a power of {share(cuts.power)}%",
            ),
            ("Smallest difference that matters, per 1000 patients", "; ".join(important)),
            ("Smallest common odds ratio that matters", f"{fixed(cuts.important_ratio, 2)} or its inverse"),
            (
                "Rates are inconsistent from a share of true rates beyond the threshold of",
                f"{share(cuts.minority_share)}%",
            ),
            (
                "Rates are inconsistent from a prediction interval as wide as",
                f"{fixed(100 * cuts.prediction_width)} points",
            ),
            ("Trials are inconsistent from an I² of", f"{share(cuts.i2)}%"),
            ("A weakness counts from a share of the weight, or of studies, of", f"{share(cuts.majority)}%"),
            (
                "A small-study test counts below",
                f"p={fixed(cuts.small_study_p, 2)}, with {count(cuts.small_study_k)} studies or more",
            ),
        )
    ]
    table = table_from_rows(
        "certainty-cuts",
        "Where the rules change their answer",
        [Column("rule", "Rule"), Column("cut", "Cut")],
        rows,
        sortable=False,
    )
    return Section((Note(evidence.protocol.text["certainty"]["reason"]), table))


def _level(stored: dict[Any, Certainty], body: Body) -> str:
    row = stored.get(body.key("overall"))
    return row.judgement if row is not None else "not_rated"


def _certainty_cell(stored: dict[Any, Certainty], body: Body, flagged: set[tuple[str, str, str]]) -> Cell:
    level = _level(stored, body)
    if level not in LEVELS:
        return Cell("not rated", "not rated", tone="missing")
    filled = LEVELS.index(level) + 1
    # Joined, so that no line breaks within the signs.
    signs = "\u2060".join("⊕" * filled + "○" * (len(LEVELS) - filled))
    again = "; judge again" if body.key("")[:3] in flagged else ""
    note = f"Lowered for {_lowered(stored, body)}."
    return Cell(f"{signs} {_name(level)}{again}", _name(level) + again, note=note)


def _lowered(stored: dict[Any, Certainty], body: Body) -> str:
    parts = []
    for domain, name in DOMAINS.items():
        row = stored.get(body.key(domain))
        if row is not None and row.judgement in ("serious", "very_serious"):
            parts.append(f"{lower_first(name)} ({_name(row.judgement)})")
    return and_list(parts) or "nothing"


def _name(key: str) -> str:
    return _NAMES.get(key, key)


def _population_name(evidence: Evidence, key: str) -> str:
    return "Trials" if key == "trials" else evidence.protocol.population(key).short_label


def _short_name(evidence: Evidence, key: str) -> str:
    return "mRS shift" if key == "mrs_shift" else evidence.protocol.outcome(key).short_label


def _outcome_name(evidence: Evidence, key: str) -> str:
    return _SHIFT if key == "mrs_shift" else evidence.protocol.outcome(key).label
