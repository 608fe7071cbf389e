"""Plain sentences made from results.

A pooled single-arm rate says how often something happened in treated patients; it is never worded
as an effect of the treatment. Methods and definitions are named wherever a number depends on them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from analysis.report.counts_lead import counts_lead, counts_of, lead_people, lead_reason, rate_words, too_few
from analysis.report.numbers import (
    MISSING,
    counted,
    i_squared,
    in_hundred,
    is_missing,
    p_value,
    percent,
    percent_decimals,
    percent_range,
    points_between,
    share,
    statistic,
    tau2,
)
from analysis.report.rare import rate_share
from analysis.synthesis.types import Interval, Pooled, Settings

__all__ = [
    "CI_METHODS",
    "MODELS",
    "PREDICTION_METHODS",
    "TAU2_METHODS",
    "and_list",
    "comparison_with_published",
    "counted_studies",
    "heterogeneity_line",
    "heterogeneity_sentence",
    "in_a_row",
    "interval_name",
    "lower_first",
    "model_name",
    "no_public_count",
    "pooled_sentence",
    "prediction_sentence",
    "subgroup_line",
    "subgroup_sentence",
    "wald_q_misleads",
]

MODELS = {
    "glmm": "random-intercept logistic model (binomial-normal GLMM)",
    "iv": "inverse-variance random-effects model",
    "beta-binomial": "beta-binomial model",
}
TAU2_METHODS = {
    "ml": "maximum likelihood",
    "reml": "restricted maximum likelihood",
    "dl": "DerSimonian-Laird",
    "pm": "Paule-Mandel",
    "he": "Hedges",
    "hs": "Hunter-Schmidt",
    "sj": "Sidik-Jonkman",
    "eb": "empirical Bayes",
    "pmm": "median-unbiased Paule-Mandel",
    "ee": "equal effects (τ² set to 0)",
}
CI_METHODS = {
    "wald": "Wald",
    "t": "t distribution",
    "knapp-hartung": "Knapp-Hartung",
    "knapp-hartung-adhoc": "Knapp-Hartung, never narrower than Wald",
    "profile": "profile likelihood",
}
PREDICTION_METHODS = {
    "normal": "normal distribution",
    "t-k-1": "t distribution, k−1 df",
    "t-k-2": "t distribution, k−2 df",
    "knapp-hartung": "Knapp-Hartung standard error",
    "bootstrap": "parametric bootstrap",
}
_Q_NAMES = {"Wald": "Wald Q", "Cochran": "Cochran Q"}


class SubgroupLike(Protocol):
    """What the sentences need to know of a subgroup test."""

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of the groups."""

    @property
    def pooled(self) -> tuple[Pooled, ...]:
        """One pooled result a group."""

    @property
    def overall(self) -> Pooled:
        """All groups together."""

    @property
    def statistic(self) -> float:
        """Statistic of the test."""

    @property
    def df(self) -> int:
        """Its degrees of freedom."""

    @property
    def p_value(self) -> float:
        """Its p-value."""

    @property
    def test_name(self) -> str:
        """Name of the test."""

    @property
    def tau2_mode(self) -> str:
        """Whether the groups share one τ²."""


def and_list(items: Sequence[str]) -> str:
    """Join names as prose.

    Examples
    --------
    >>> and_list(["A"]), and_list(["A", "B"]), and_list(["A", "B", "C"])
    ('A', 'A and B', 'A, B and C')
    """
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def lower_first(text: str) -> str:
    """Lower the first letter for use within a sentence, unless the word is an abbreviation.

    Examples
    --------
    >>> lower_first("Death within 90 days"), lower_first("SR first"), lower_first("M2 trunk alone")
    ('death within 90 days', 'SR first', 'M2 trunk alone')
    """
    return text if text[1:2].isupper() or text[1:2].isdigit() else text[:1].lower() + text[1:]


def in_a_row(parts: Sequence[str]) -> str:
    """Join remarks by semicolons; only the first keeps its capital.

    Examples
    --------
    >>> in_a_row(["time point not printed", "Counts come from a digest", "TICI not given"])
    'time point not printed; counts come from a digest; TICI not given'
    """
    return "; ".join([*parts[:1], *map(lower_first, parts[1:])])


def interval_name(interval: Interval) -> str:
    """Name the level of an interval.

    Examples
    --------
    >>> interval_name(Interval(0.1, 0.2, 0.95, "profile"))
    '95%'
    """
    return f"{share(interval.level, 0 if float(100 * interval.level).is_integer() else 1)}%"


def model_name(settings: Settings) -> str:
    """Say which model, variance estimator and interval made a result."""
    model = MODELS.get(settings.model, settings.model)
    scale = "" if settings.model == "glmm" else f" on the {settings.scale} scale"
    variance = TAU2_METHODS.get(settings.tau2_method, settings.tau2_method)
    interval = CI_METHODS.get(settings.ci_method, settings.ci_method)
    return f"{model}{scale}; τ² by {variance}; {interval} interval"


def counted_studies(result: Pooled) -> str:
    """Count the studies of a result; a study that stands in it with several rows counts once.

    Arms of one study in different levels of a comparison are rows of one study, told by their name.
    """
    studies = len(set(result.labels))
    text = counted(studies, "study", "studies")
    return text if studies == result.k else f"{text} in {counted(result.k, 'row')}"


def pooled_sentence(result: Pooled, *, setting: str, outcome: str, direction: str | None = None) -> str:
    """Say a pooled single-arm rate in plain words.

    Parameters
    ----------
    result
        The pooled rate.
    setting
        Who was studied, to follow "In", as in ``"studies of thrombectomy for primary DMVO"``.
    outcome
        What happened to them, to follow "about 84 in 100 patients", as in ``"had successful
        reperfusion"``.
    direction
        An optional closing clause such as ``"lower is better"``.
    """
    inside = percent_range(result.ci.low, result.ci.high)
    level = f"{interval_name(result.ci)} confidence interval"
    bounds = f"{level} {MISSING}" if inside == MISSING else f"{level} {inside} in 100"
    people = counted(int(result.total.sum()), "patient")
    base = f"{people} in {counted_studies(result)}"
    clause = f"; {direction}" if direction else ""
    if counts_lead(result):
        rate = percent(result.estimate, result.ci.low, result.ci.high)
        return (
            f"In {setting}, {lead_people(result, counted_studies(result))} {outcome}. "
            f"{lead_reason(result, rate)} Rates in treated patients are not an effect of the treatment."
        )
    return (
        f"In {setting}, {in_hundred(result.estimate)} patients {outcome} "
        f"({bounds}; {base}{clause}). This is a rate in treated patients, not an effect of the "
        "treatment."
    )


def _whole(reason: str) -> str:
    """Give the remark of a missing prediction interval its subject."""
    text = reason.rstrip(".")
    return f"the prediction interval {text}" if text.startswith("needs ") else text


def prediction_sentence(result: Pooled) -> str:
    """Say where the rate of a new centre could lie, or why that cannot be said; empty where counts lead."""
    interval = result.prediction
    if counts_lead(result):
        return ""
    if is_missing(interval.low) or is_missing(interval.high):
        reason = interval.note or f"too few studies ({result.k})"
        return f"Where the rate of a new centre could lie cannot be said: {_whole(reason)}."
    name = PREDICTION_METHODS.get(interval.method, interval.method)
    decimals = percent_decimals(interval.low, interval.high)
    low, high = share(interval.low, decimals), share(interval.high, decimals)
    return (
        f"In a new centre like these the rate could lie anywhere between {low} and {high} in 100 "
        f"({interval_name(interval)} prediction interval; {name})."
    )


def wald_q_misleads(result: Pooled) -> bool:
    """Tell whether Wald's Q of a result rests on logits that do not exist.

    A study in which nobody, or everybody, had the event has no logit; Wald's Q gives it no weight, or one
    that a correction made. The likelihood-ratio test takes its counts as they are.
    """
    if result.heterogeneity.q_method != "Wald":
        return False
    return bool(((result.events <= 0) | (result.events >= result.total)).any())


def heterogeneity_line(result: Pooled) -> str:
    """Say the variation between studies in one line, each quantity by its definition."""
    if result.k < 2:
        return "Heterogeneity: not defined for one study"
    if too_few(result):
        return f"Heterogeneity: not told from {counted_studies(result)}"
    found = result.heterogeneity
    parts = [f"τ² {tau2(result.tau2, result.ci_tau2.low, result.ci_tau2.high)}"]
    parts.append(f"I² {i_squared(found.i2)} [{_definition(found.i2_definition)}]")
    if not is_missing(found.q) and not wald_q_misleads(result):
        parts.append(
            f"{_Q_NAMES.get(found.q_method, found.q_method)} {statistic(found.q)}, "
            f"{found.q_df} df, {p_value(found.q_p)}"
        )
    if not is_missing(found.lrt):
        parts.append(f"likelihood ratio {statistic(found.lrt)}, {p_value(found.lrt_p)}")
    return "Heterogeneity: " + "; ".join(parts)


def heterogeneity_sentence(result: Pooled) -> str:
    """Say the variation between studies in full sentences."""
    if result.k < 2:
        return "With one study, variation between studies cannot be estimated."
    if too_few(result):
        return f"With {counted_studies(result)}, variation between studies can hardly be estimated."
    found = result.heterogeneity
    low, high = result.ci_tau2.low, result.ci_tau2.high
    level = interval_name(result.ci_tau2)
    method = TAU2_METHODS.get(result.settings.tau2_method, result.settings.tau2_method)
    text = (
        f"The between-study variance τ² was {tau2(result.tau2)} on the {result.settings.scale} "
        f"scale ({method}; "
    )
    if is_missing(low) or math.isnan(high):
        text += "no interval available)."
    else:
        upper = "no upper limit" if math.isinf(high) else tau2(high)
        text += f"{level} interval {tau2(low)} to {upper})."
    text += (
        f" I² was {i_squared(found.i2)}, defined as {_definition(found.i2_definition)}: "
        "the share of the variation that is not chance."
    )
    tests = []
    if not is_missing(found.q) and not wald_q_misleads(result):
        name = _Q_NAMES.get(found.q_method, found.q_method)
        tests.append(
            f"{name} was {statistic(found.q)} on {counted(found.q_df, 'degree')} of freedom "
            f"({p_value(found.q_p)})"
        )
    if not is_missing(found.lrt):
        tests.append(f"the likelihood-ratio test gave {statistic(found.lrt)} ({p_value(found.lrt_p)})")
    if tests:
        said = "; ".join(tests)
        text += f" {said[:1].upper()}{said[1:]}."
    if result.boundary:
        text += " The estimate of τ² lies at its lower limit of zero."
    return text


def subgroup_line(test: SubgroupLike) -> str:
    """Say a subgroup test in one line for figures."""
    if is_missing(test.statistic):
        return f"Test for subgroup differences: {MISSING}"
    return (
        f"Test for subgroup differences ({test.test_name}, {test.tau2_mode} τ²): "
        f"{statistic(test.statistic)}, {test.df} df, {p_value(test.p_value)}"
    )


def subgroup_sentence(test: SubgroupLike) -> str:
    """Say what the subgroups showed, and that they were not randomised."""
    rates = [
        f"{rate_words(item, percent(item.estimate, item.ci.low, item.ci.high))} for {lower_first(level)} "
        f"({counted_studies(item)})"
        for level, item in zip(test.levels, test.pooled, strict=True)
    ]
    listed = "; ".join(rates) if any(map(counts_lead, test.pooled)) else and_list(rates)
    text = f"The pooled rate was {listed}." if rates else "No subgroup could be pooled."
    if is_missing(test.statistic):
        return f"{text} A test of the difference is {MISSING}."
    return (
        f"{text} Test for subgroup differences: {test.test_name} {statistic(test.statistic)} on "
        f"{test.df} {'degree' if test.df == 1 else 'degrees'} of freedom, {p_value(test.p_value)} "
        f"({test.tau2_mode} τ²). The groups were not randomised, so a difference between them "
        "need not come from what defines them."
    )


def no_public_count(awaited: Sequence[str], *, longest: int = 6) -> str:
    """Say that no readable count is public, and which studies could bring one.

    Examples
    --------
    >>> no_public_count(["Alawieh 2022", "Berger 2025"])
    'No public count yet; awaited from Alawieh 2022 and Berger 2025'
    >>> no_public_count([])
    'No public count yet; no study known that holds one'
    """
    if not awaited:
        return "No public count yet; no study known that holds one"
    names = list(awaited[:longest])
    if len(awaited) > longest:
        names.append(f"{len(awaited) - longest} more")
    return f"No public count yet; awaited from {and_list(names)}"


def comparison_with_published(
    result: Pooled, published: float, low: float | None = None, high: float | None = None
) -> str:
    """Say how a pooled rate stands to a published one."""
    inside = "" if low is None or high is None else f" ({percent_range(low, high)})"
    if counts_lead(result):
        why = "too few studies" if too_few(result) else "too far apart"
        return (
            f"The published estimate is {rate_share(published)}%{inside}; ours are {counts_of(result)} "
            f"patients in {counted_studies(result)}, {why} to be held against it."
        )
    places = percent_decimals(result.ci.low, result.ci.high, result.estimate)
    text = (
        f"The published estimate is {rate_share(published)}%{inside}; ours is "
        f"{percent(result.estimate, result.ci.low, result.ci.high)}, "
        f"a difference of {points_between(result.estimate, published, places)}."
    )
    if low is None or high is None or is_missing(result.estimate):
        return text
    if low <= result.estimate <= high:
        return f"{text} Ours lies within the published interval."
    # A rate that rounds to a limit of the interval would seem to lie within it.
    if round(100 * low, places) <= round(100 * result.estimate, places) <= round(100 * high, places):
        exact = share(result.estimate, places + 1)
        return f"{text} Ours, {exact}%, lies just outside the published interval."
    return f"{text} Ours lies outside the published interval."


def _definition(text: str) -> str:
    return text.replace("tau2", "τ²").replace("s2", "s²")
