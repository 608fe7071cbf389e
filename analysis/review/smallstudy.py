"""Small-study effects and moderators: funnel on patients, tests, trim and fill, regression."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.report.numbers import (
    count,
    counted,
    events_of_total,
    fixed,
    p_value,
    percent,
    ratio,
    statistic,
    tau2,
)
from analysis.report.section import Fold, Note, Paragraph, Section
from analysis.report.tables import Column, Table, table_from_rows
from analysis.report.words import and_list
from analysis.review.cells import NO_WIDEST, widest_headline

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.figures.figure import Figure
    from analysis.synthesis.moderator import Moderator
    from analysis.synthesis.regression import MetaRegression
    from analysis.synthesis.types import FloatArray, Pooled

__all__ = ["moderator_section", "small_study_section", "small_study_tests", "trim_and_fill_table"]

#: Fewest studies for a test of small-study effects, as the Cochrane Handbook asks.
FEWEST = 10
#: Below this p a test is held to have found something; a study that decides that is named.
_ALPHA = 0.05
#: Points of a fitted line.
_GRID = 40


def small_study_section(evidence: Evidence, outcome: str) -> Section:
    """Show for one outcome whether small studies find other rates than large ones."""
    words = evidence.protocol.outcome(outcome)
    if evidence.protocol.widest is None:
        return Section((Note(NO_WIDEST),))
    pooled = _pooled(evidence, outcome)
    if pooled is None:
        return Section((Note(f"{words.label}: no public count."),))
    sentence = _size_sentence(pooled, _cut(evidence))
    parts: list[Any] = [
        Paragraph(sentence),
        _funnel(pooled, outcome, words.label),
    ]
    if pooled.k >= FEWEST:
        parts += [
            Fold(
                "Egger's and Begg's tests, and why not to lean on them", small_study_tests(evidence, outcome)
            ),
            *_doi(pooled, outcome, words.label),
            Fold("Trim and fill: what if the funnel had to be even", trim_and_fill_table(evidence, outcome)),
        ]
    return Section(tuple(parts))


def _pooled(evidence: Evidence, outcome: str) -> Pooled | None:
    cell = widest_headline(evidence, outcome)
    return cell.pooled if cell else None


def _logits(pooled: Pooled) -> tuple[FloatArray, FloatArray]:
    from analysis.synthesis.scales import effects

    study = effects(pooled.events, pooled.total)
    return study.yi, study.vi


def _by_size(pooled: Pooled) -> tuple[Any, Any]:
    """Regress logits on 1 / n, once with the weights of Peters and once with the patients as weights."""
    from analysis.synthesis.bias import size_test

    return (
        size_test(pooled.events, pooled.total, weights="peters"),
        size_test(pooled.events, pooled.total, weights="size"),
    )


def _cut(evidence: Evidence) -> float:
    return float(evidence.protocol.text["certainty"]["cuts"]["small_study_p"])


def _test_words(test: Any, cut: float) -> str:
    if not test.p_value < cut:
        found = "shows no sign that the rate changes with the size of a study"
    else:
        side = "higher" if test.coefficients[1] > 0 else "lower"
        found = f"shows a sign that smaller studies report {side} rates"
    return f"{found} (t {statistic(test.statistic)}, {p_value(test.p_value)})"


def _size_sentence(pooled: Pooled, cut: float) -> str:
    """Say what both regressions on size show, whether they agree, and where the cut of a sign lies."""
    studies = counted(pooled.k, "study", "studies")
    if pooled.k < FEWEST:
        return (
            f"There are {studies}, fewer than the {FEWEST} that a test of small-study effects needs; "
            "none is made."
        )
    peters, size = _by_size(pooled)
    gone = pooled.k - peters.k
    left = "" if not gone else f", without the {count(gone)} in which nobody or everybody had the event"
    signs = [test.p_value < cut for test in (peters, size)]
    both = all(signs) and (peters.coefficients[1] > 0) == (size.coefficients[1] > 0)
    if both or not any(signs):
        verdict = "The two agree."
    else:
        verdict = (
            "The two disagree, so neither can be leaned on: Peters' weights depend on the rate of a study "
            "itself, the patients do not."
        )
    remark = (
        "A sign may mean missing studies, but also other patients or other hospitals."
        if any(signs)
        else "No sign is not proof of none: with so few studies the tests are weak."
    )
    return (
        "Peters' test, on one over the patients with his weights, over "
        f"{counted(peters.k, 'study', 'studies')}{left}, {_test_words(peters, cut)}. The same regression "
        f"with the patients as weights, over {studies}, {_test_words(size, cut)}. {verdict} A sign is a p "
        f"below {fixed(cut, 2)}. {remark}"
    )


def _funnel(pooled: Pooled, outcome: str, label: str) -> Figure:
    from scipy.special import expit

    from analysis.figures.funnel import FunnelLimits, funnel

    n = np.linspace(2.0, math.sqrt(float(pooled.total.max())), 60) ** 2
    rate = pooled.estimate
    half = 1.959963984540054 / np.sqrt(n * rate * (1 - rate))
    limits = FunnelLimits(n, expit(pooled.mu - half), expit(pooled.mu + half))
    return funnel(pooled, name=f"funnel-{outcome}", title=label, limits=limits)


def _doi(pooled: Pooled, outcome: str, label: str) -> list[Any]:
    """Return the Doi plot with what may and may not be read from it; nothing where all rates are equal."""
    from analysis.figures.doi import doi_plot
    from analysis.synthesis.doi import CAUTION, LIMITS, doi

    yi, vi = _logits(pooled)
    if not float(np.ptp(yi)) > 0:
        return []
    found = doi(yi, vi)
    none, minor = LIMITS
    text = (
        f"The LFK index of the Doi plot is {statistic(found.lfk)}, which its authors call {found.verdict}. "
        f"Their limits, {none} and {minor} in size, are conventions, and {CAUTION}. For proportions there is "
        "more to mind: the logit and its standard error come from the same counts, so that the plot leans "
        "without any missing study when rates lie far from half. Read the regressions on size above."
    )
    figure = doi_plot(found, pooled.labels, name=f"doi-{outcome}", title=label)
    return [Paragraph(text), figure]


def small_study_tests(evidence: Evidence, outcome: str) -> Table:
    """Give Peters' test, the regression on size, Egger's and Begg's tests side by side."""
    from analysis.synthesis.bias import rank_test, regression_test

    pooled = _pooled(evidence, outcome)
    if pooled is None:
        raise ValueError(f"no public count of {outcome}")
    yi, vi = _logits(pooled)
    columns = [
        Column("test", "Test"),
        Column("value", "Statistic"),
        Column("p", "p"),
        Column("trust", "How to read it"),
    ]
    tied = (
        "misleading for proportions: a logit and its standard error are tied, so a rate far from half "
        "makes a lopsided funnel by itself"
    )
    rows: list[dict[str, object]] = []
    peters, size = _by_size(pooled)
    rows += [
        {
            "test": "Peters (on one over patients, his weights)",
            "value": f"t {statistic(peters.statistic)}, {peters.df:.0f} df",
            "p": p_value(peters.p_value),
            "trust": (
                "the weights depend on the rate of each study; studies in which nobody or everybody had the "
                "event are left out"
            ),
        },
        {
            "test": "Regression on one over patients, patients as weights",
            "value": f"t {statistic(size.statistic)}, {size.df:.0f} df",
            "p": p_value(size.p_value),
            "trust": "neither size nor weight depends on the rate; every study counts",
        },
    ]
    if float(np.ptp(vi)) > 0:
        egger = regression_test(yi, vi, predictor="sei", model="lm")
        rank = rank_test(yi, vi)
        rows.append(
            {
                "test": "Egger (on the standard error)",
                "value": f"t {statistic(egger.statistic)}, {egger.df:.0f} df",
                "p": p_value(egger.p_value),
                "trust": tied,
            }
        )
        rows.append(
            {
                "test": "Begg (rank correlation)",
                "value": f"Kendall's τ {fixed(rank.tau, 2)}",
                "p": p_value(rank.p_value),
                "trust": tied,
            }
        )
    label = evidence.protocol.outcome(outcome).label
    return table_from_rows(
        f"small-study-tests-{outcome}",
        f"{label}: tests of small-study effects",
        columns,
        rows,
        sortable=False,
    )


def trim_and_fill_table(evidence: Evidence, outcome: str) -> Table:
    """Fill the funnel until it is even, by two estimators, as a what-if."""
    from scipy.special import expit

    from analysis.synthesis.inverse_variance import fit_iv
    from analysis.synthesis.trimfill import trim_and_fill

    pooled = _pooled(evidence, outcome)
    if pooled is None:
        raise ValueError(f"no public count of {outcome}")
    yi, vi = _logits(pooled)
    plain = fit_iv(yi, vi, tau2_method="reml", ci_method="wald")
    fits: list[tuple[str, str, Any]] = [("None filled in", "", plain)]
    for estimator in ("L0", "R0"):
        found = trim_and_fill(yi, vi, estimator=estimator)  # type: ignore[arg-type]
        side = "low" if found.side == "left" else "high"
        filled = f"{counted(found.k0, 'study', 'studies')} with {side} rates" if found.k0 else "no study"
        fits.append((f"Estimator {estimator}", filled, found.fit))
    rows = [
        {
            "what": what,
            "filled": filled or "no study",
            "rate": percent(*(float(v) for v in expit([fit.beta[0], fit.ci_low[0], fit.ci_high[0]]))),
        }
        for what, filled, fit in fits
    ]
    columns = [Column("what", "Estimate"), Column("filled", "Filled in"), Column("rate", "Rate", "right")]
    label = evidence.protocol.outcome(outcome).label
    return table_from_rows(
        f"trim-and-fill-{outcome}",
        f"{label}: trim and fill",
        columns,
        rows,
        sortable=False,
        footnotes=(
            "Inverse variance on logits with REML, as the method has no form for counts. A what-if only: it "
            "takes every asymmetry for missing studies, although rates differ between centres for many other "
            "reasons, and it leans on standard errors that depend on the rate.",
        ),
    )


def moderator_section(evidence: Evidence, outcome: str) -> Section:
    """Regress one outcome on the year of publication and on the size of the study."""
    words = evidence.protocol.outcome(outcome)
    cell = widest_headline(evidence, outcome)
    if cell is None:
        return Section((Note(NO_WIDEST),))
    pooled = cell.pooled
    if pooled is None or pooled.k < FEWEST:
        held = counted(0 if pooled is None else pooled.k, "study", "studies")
        return Section((Note(f"{words.label}: {held}, fewer than the {FEWEST} that a regression needs."),))
    years = [evidence.study(study).year for study in cell.counts.study_id]
    known = np.array([year is not None for year in years])
    parts: list[Any] = []
    if known.sum() >= FEWEST and len({year for year in years if year is not None}) > 1:
        year = np.array([float(value or 0) for value in years])
        parts += _moderator(pooled, known, year, outcome, words.label, "Year of publication", "year")
    size = np.log2(pooled.total)
    if float(np.ptp(size)) > 0:
        all_in = np.ones(pooled.k, bool)
        parts += _moderator(
            pooled, all_in, size, outcome, words.label, "Number of patients, in doublings", "size"
        )
    return Section(tuple(parts))


def _moderator(
    pooled: Pooled, use: Any, values: FloatArray, outcome: str, label: str, head: str, stem: str
) -> list[Any]:
    from analysis.synthesis.moderator import moderator

    x = values[use]
    # Centred, so that the intercept is the rate of a middle study and the fit is well scaled.
    centre = float(x.mean())
    found = moderator(pooled.events[use], pooled.total[use], x - centre, level=pooled.settings.level)
    fit = found.fit
    odds = (math.exp(float(v[1])) for v in (fit.coefficients, fit.ci_low, fit.ci_high))
    by = {"year": "a year later", "size": "twice the patients"}[stem]
    if x.size < pooled.k:
        left = [name for name, keep in zip(pooled.labels, use, strict=True) if not keep]
        gone = f" Left out, without a year: {and_list(left)}."
    else:
        gone = ""
    text = (
        f"{head}: {by} goes with odds multiplied by {ratio(*odds)} ({p_value(found.test.p_value)}, "
        f"likelihood-ratio test; profile interval). {_spread_words(fit)}"
        f"{_carried_words(found, pooled, use)}{gone}"
    )
    return [Paragraph(text), _bubble(pooled, use, x, centre, fit, outcome, label, head, stem)]


def _spread_words(fit: MetaRegression) -> str:
    return (
        f"The variance between studies is {tau2(fit.tau2_without)} without it and {tau2(fit.tau2)} with it."
    )


def _carried_words(found: Moderator, pooled: Pooled, use: Any) -> str:
    """Name the one study on which the test hangs, if there is one."""
    place = found.carried_by(_ALPHA)
    other = None if place is None else found.without[place]
    if place is None or other is None:
        return ""
    rows = np.flatnonzero(use)
    row = int(rows[place])
    name = f"{pooled.labels[row]} ({events_of_total(pooled.events[row], pooled.total[row])})"
    verdict = "One study carries this" if found.test.p_value < _ALPHA else "One study stands against this"
    return (
        f" {verdict}: without {name} the ratio is {ratio(math.exp(other.slope))} ({p_value(other.p_value)})."
    )


def _bubble(
    pooled: Pooled,
    use: Any,
    x: FloatArray,
    centre: float,
    fit: MetaRegression,
    outcome: str,
    label: str,
    head: str,
    stem: str,
) -> Figure:
    from scipy.special import expit

    from analysis.figures.bubble import BubblePoint, FittedLine, bubble
    from analysis.synthesis.special import normal_quantile

    grid = np.linspace(float(x.min()), float(x.max()), _GRID)
    rows = np.column_stack([np.ones(_GRID), grid - centre])
    middle = rows @ fit.coefficients
    half = normal_quantile(fit.level) * np.sqrt(np.einsum("ij,jk,ik->i", rows, fit.cov, rows))
    line = FittedLine(grid, expit(middle), expit(middle - half), expit(middle + half))
    points = [
        BubblePoint(name, float(value), float(events), float(total), float(weight))
        for name, value, events, total, weight in zip(
            np.array(pooled.labels)[use],
            x,
            pooled.events[use],
            pooled.total[use],
            pooled.weights[use],
            strict=True,
        )
    ]
    return bubble(
        points,
        name=f"bubble-{outcome}-{stem}",
        title=label,
        moderator=head,
        line=line,
        doublings=stem == "size",
    )
