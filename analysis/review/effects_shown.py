"""Tables, figures and sentences of comparisons of two arms, whatever the design."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from analysis.report.numbers import (
    count,
    counted,
    events_of_total,
    fixed,
    i_squared,
    p_value,
    points,
    ratio,
    ratio_limit,
    tau2,
)
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.report.words import and_list, in_a_row, lower_first
from analysis.review.provenance import row_href, study_href
from analysis.review.trials import whole_patients
from analysis.review.two_arms import Contrasts
from analysis.synthesis.special import normal_quantile, t_quantile
from analysis.synthesis.two_arm import Effect, TwoArmPool

if TYPE_CHECKING:
    from analysis.evidence.compared import ComparedArms
    from analysis.evidence.protocol import OutcomeDefinition
    from analysis.figures.figure import Figure
    from analysis.figures.ladder import Step
    from analysis.synthesis.absolute import AbsoluteEffect

__all__ = [
    "EFFECT_METHODS",
    "Stand",
    "absolute_words",
    "change_words",
    "counts_table",
    "effect_cell",
    "effects_table",
    "ratio_figure",
    "signed_cell",
    "stand_words",
    "stands",
    "study_intervals",
    "study_stands",
    "unread_table",
    "unstable_note",
    "wide_ratio",
]

#: What an interval says of a treatment.
Stand = Literal["favours", "against", "unclear"]

EFFECT_METHODS = {
    "knapp-hartung": "Random effects (REML), Knapp-Hartung",
    "wald": "Random effects (REML), Wald",
    "common": "Common effect, inverse variance",
    "mantel-haenszel": "Common effect, Mantel-Haenszel",
    "peto": "Common effect, Peto",
}
#: The same, short enough for a forest plot.
_SHORT_METHODS = {
    "knapp-hartung": "Knapp-Hartung",
    "wald": "Random effects",
    "common": "Common effect",
    "mantel-haenszel": "Mantel-Haenszel",
    "peto": "Peto",
}
#: Fewest studies for which the prediction interval of a ratio is printed.
_PREDICTED_FROM = 5
#: Ratios beyond this, or below its inverse, are not told apart.
_WIDEST = 100
_MEASURES = {
    "OR": "Odds ratio",
    "RR": "Risk ratio",
    "RD": "Risk difference",
    "common OR": "Common odds ratio",
}


def stands(low: float, high: float, better_high: bool) -> Stand:
    """Say what an interval of a log ratio or a difference says of the treatment.

    An interval that includes no difference says neither, whatever side its estimate lies on.

    Examples
    --------
    >>> stands(0.1, 0.4, True), stands(0.1, 0.4, False), stands(-0.1, 0.4, True)
    ('favours', 'against', 'unclear')
    """
    if not (low > 0 or high < 0):
        return "unclear"
    return "favours" if (low > 0) == better_high else "against"


def stand_words(each: Mapping[str, Stand], treatment: str) -> str:
    """Say of each study what its interval says, in one sentence.

    Examples
    --------
    >>> stand_words({"A": "favours", "B": "unclear", "C": "unclear"}, "surgery")
    'A favours surgery; B and C show no clear difference.'
    >>> stand_words({"A": "against"}, "surgery"), stand_words({"A": "unclear"}, "surgery")
    ('A speaks against surgery.', 'A shows no clear difference.')
    """
    one = {"favours": f"favours {treatment}", "against": f"speaks against {treatment}"}
    more = {"favours": f"favour {treatment}", "against": f"speak against {treatment}"}
    parts = []
    for stand in ("favours", "against", "unclear"):
        names = [name for name, found in each.items() if found == stand]
        if names:
            verb = "shows no clear difference" if len(names) == 1 else "show no clear difference"
            parts.append(f"{and_list(names)} {(one if len(names) == 1 else more).get(stand, verb)}")
    return f"{'; '.join(parts)}."


def study_stands(pool: TwoArmPool, better_high: bool) -> dict[str, Stand]:
    """Return what the interval of each pooled study says, by its name."""
    intervals = study_intervals(pool)
    return {name: stands(low, high, better_high) for name, (low, high) in intervals.items()}


def study_intervals(pool: TwoArmPool) -> dict[str, tuple[float, float]]:
    """Return the interval of each pooled study on the scale of the pool, by its name."""
    study = pool.study
    if study is None:
        return {}
    half = normal_quantile(pool.level)
    ends = [
        (float(y) - half * math.sqrt(v), float(y) + half * math.sqrt(v))
        for y, v, usable in zip(study.yi, study.vi, study.usable, strict=True)
        if usable
    ]
    return dict(zip(pool.labels, ends, strict=True))


def change_words(value: int) -> str:
    """Say a difference in whole patients.

    Examples
    --------
    >>> change_words(28), change_words(-19), change_words(0)
    ('28 more', '19 fewer', 'no difference')
    """
    return f"{count(abs(value))} {'more' if value > 0 else 'fewer'}" if value else "no difference"


def absolute_words(effect: AbsoluteEffect, words: OutcomeDefinition, arms: ComparedArms) -> str:
    """Say an absolute effect in patients per 1,000."""
    what = words.happened or f"had the outcome ({words.short_label})"
    shown = whole_patients(effect)
    return (
        f"Of {count(effect.per)} patients given {arms.control.label} alone, {count(shown.control)} {what}; "
        f"with {arms.treated.label} it would be {count(shown.treated)}: {change_words(shown.difference)} "
        f"(from {change_words(shown.low)} to {change_words(shown.high)})."
    )


def unstable_note(pool: TwoArmPool, one: str = "trial", more: str = "trials") -> str:
    """Say why the Knapp-Hartung interval of few trials must be read beside that of the common effect."""
    if pool.k < 2:
        return f"With one {one} there is no variation between {more} to speak of."
    quantile = t_quantile(pool.level, float(pool.k - 1))
    kh, common = pool.effects["knapp-hartung"], pool.effects["common"]
    side = "wider" if kh.high - kh.low > common.high - common.low else "narrower"
    return (
        f"With {counted(pool.k, one, more, words=True)} the Knapp-Hartung interval rests on "
        f"{counted(pool.k - 1, 'degree', words=True)} of freedom: it multiplies its standard error by "
        f"{fixed(quantile, 1)}, and that error depends on how alike so few {more} happen to be. "
        f"Here it is {side} ({_span(kh)}) than the interval of the common effect ({_span(common)}). "
        "Read both."
    )


def _span(effect: Effect) -> str:
    _, low, high = effect.shown()
    return f"{wide_ratio(low)} to {wide_ratio(high)}"


def wide_ratio(value: float) -> str:
    """Write the limit of a ratio, however far too few studies let it reach.

    Examples
    --------
    >>> wide_ratio(1.5), wide_ratio(8.8e9), wide_ratio(0.0002), wide_ratio(0.9967)
    ('1.50', 'above 100', 'below 0.01', '0.997')
    """
    if value > _WIDEST:
        return f"above {_WIDEST}"
    return f"below {1 / _WIDEST}" if value < 1 / _WIDEST else ratio_limit(value)


def ratio_figure(
    pool: TwoArmPool,
    main: str,
    words: OutcomeDefinition,
    stem: str,
    title: str,
    *,
    arms: tuple[str, str],
    causal: bool = True,
) -> Figure:
    """Forest plot of risk ratios: each study, then the pooled effects by the main and the cautious method.

    Without randomisation (`causal` false) the axis says in which group the outcome was seen more often,
    not which treatment is better.
    """
    from analysis.figures.ladder import Step, ratio_forest

    steps, drawn, left_out = [*_study_steps(pool)], [], []
    if pool.k > 1:
        for method in dict.fromkeys((main, "knapp-hartung")):
            estimate, low, high = pool.effects[method].shown()
            if high > _WIDEST or low < 1 / _WIDEST:
                left_out.append(EFFECT_METHODS[method])
                continue
            drawn.append(lower_first(EFFECT_METHODS[method]))
            steps.append(Step(_SHORT_METHODS[method], estimate, low, high, "", kind="pooled"))
    first, second = arms
    if not causal:
        favours = (f"more often with {second}", f"more often with {first}")
    elif words.direction == "better-high":
        favours = (f"{second} better", f"{first} better")
    else:
        favours = (f"{first} better", f"{second} better")
    footer = ["Boxes: the counts of each study."]
    if drawn:
        footer[0] += f" {'Diamond' if len(drawn) == 1 else 'Diamonds'}: {and_list(drawn)}."
    footer += [f"{name}: too wide to draw." for name in left_out]
    prediction = pool.prediction
    if pool.k < _PREDICTED_FROM:
        footer.append(f"No prediction interval: needs {_PREDICTED_FROM} studies.")
    elif prediction.note:
        footer.append(f"No prediction interval: {prediction.note}.")
    else:
        footer.append(
            "Prediction interval of a new study (t distribution, k−2 df): "
            f"{wide_ratio(_exp(prediction.low))} to {wide_ratio(_exp(prediction.high))}."
        )
    return ratio_forest(
        steps,
        name=f"forest-{stem}",
        title=f"{title}: {lower_first(words.label)}",
        measure=_MEASURES[pool.measure],
        label_head="Trial" if causal else "Study",
        note_head="Events",
        favours=favours,
        footer=footer,
    )


def _exp(value: float) -> float:
    return math.exp(min(value, 700.0))


def _study_steps(pool: TwoArmPool) -> list[Step]:
    from analysis.figures.ladder import Step

    study = pool.study
    if study is None:
        return []
    half = normal_quantile(pool.level)
    usable = study.usable
    weights = pool.fit.study_weights
    largest = float(weights.max())
    steps, place = [], 0
    for index in range(study.yi.size):
        if not usable[index]:
            continue
        y, se = float(study.yi[index]), math.sqrt(float(study.vi[index]))
        t = study.tables
        note = f"{count(t.a[index])}/{count(t.n1[index])} vs {count(t.c[index])}/{count(t.n2[index])}"
        low, high = math.exp(y - half * se), math.exp(y + half * se)
        size = float(weights[place]) / largest
        steps.append(Step(pool.labels[place], math.exp(y), low, high, note, size=size))
        place += 1
    return steps


def signed_cell(value: int) -> Cell:
    """Return a difference in whole patients with its sign."""
    return Cell(f"{'+' if value > 0 else ''}{fixed(value)}", value)


def counts_table(found: Contrasts, stem: str, heads: tuple[str, str]) -> Table:
    """Counts of both arms, each linked to its row, with remarks and what is missing."""
    first, second = heads
    columns = [
        Column("study", "Study"),
        Column("first", first, "right"),
        Column("second", second, "right"),
        Column("difference", "Crude difference", "right"),
        Column("remarks", "Remarks"),
    ]
    rows = [
        {
            "study": Cell(item.label, href=study_href(item.study_id)),
            "first": Cell(
                events_of_total(item.events1, item.total1), item.events1, href=row_href(item.keys[0])
            ),
            "second": Cell(
                events_of_total(item.events2, item.total2), item.events2, href=row_href(item.keys[1])
            ),
            "difference": points(item.events1 / item.total1 - item.events2 / item.total2, 1),
            "remarks": in_a_row(item.flags) or "none",
        }
        for item in found.found
    ]
    return table_from_rows(f"counts-{stem}", "Counts of both arms", columns, rows)


def effects_table(pools: dict[str, TwoArmPool], stem: str) -> Table:
    """Every measure by every method."""
    columns = [
        Column("measure", "Measure"),
        Column("method", "Method"),
        Column("k", "Studies", "right"),
        Column("effect", "Effect (95% interval)", "right"),
        Column("p", "p-value", "right"),
        Column("tau2", "τ²", "right"),
        Column("i2", "I²", "right"),
    ]
    rows = [
        {
            "measure": _MEASURES[measure],
            "method": EFFECT_METHODS[effect.method],
            "k": pool.k,
            "effect": effect_cell(effect),
            "p": Cell(p_value(effect.p_value), effect.p_value),
            "tau2": Cell(tau2(pool.tau2), pool.tau2)
            if effect.method in ("knapp-hartung", "wald")
            else Cell("0", 0),
            "i2": Cell(i_squared(pool.fit.i2), pool.fit.i2),
        }
        for measure, pool in pools.items()
        for effect in pool.effects.values()
    ]
    notes = []
    if "RD" in pools:
        notes.append("Differences in percentage points.")
        if any(pool.k < pools["RD"].k for pool in pools.values()):
            notes.append("A trial without events in either arm enters differences only.")
    return table_from_rows(
        f"effects-{stem}",
        "Pooled effects by every method",
        columns,
        rows,
        footnotes=[" ".join(notes)] if notes else (),
    )


def effect_cell(effect: Effect) -> Cell:
    """Return an effect with its interval: a ratio, or percentage points."""
    estimate, low, high = effect.shown()
    if effect.measure == "RD":
        text = f"{points(estimate, 1)} ({fixed(100 * low, 1)} to {fixed(100 * high, 1)})"
        return Cell(text, estimate)
    return Cell(f"{ratio(estimate)} ({wide_ratio(low)} to {wide_ratio(high)})", estimate)


def unread_table(found: Contrasts, name: str, caption: str) -> Table:
    """Studies of a comparison without a readable count in both arms, with the reason."""
    rows = [
        {"study": Cell(item.label, href=study_href(item.study_id)), "reason": item.reason}
        for item in found.unread
    ]
    return table_from_rows(name, caption, [Column("study", "Study"), Column("reason", "Reason")], rows)
