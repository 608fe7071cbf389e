"""Small-study effects and moderators: funnel on patients, tests, trim and fill, regression."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.report.numbers import count, counted, fixed, p_value, percent, ratio, share, statistic
from analysis.report.section import Fold, Note, Paragraph, Section
from analysis.report.tables import Column, Table, table_from_rows
from analysis.report.words import and_list
from analysis.review.cells import headline

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.figures.figure import Figure
    from analysis.synthesis.regression import MetaRegression
    from analysis.synthesis.types import FloatArray, Pooled

__all__ = ["moderator_section", "small_study_section", "small_study_tests", "trim_and_fill_table"]

#: Fewest studies for a test of small-study effects, as the Cochrane Handbook asks.
FEWEST = 10
#: Orders drawn for the permutation test, and the seed of the draw.
ORDERS, SEED = 1000, 20261122
#: Points of a fitted line.
_GRID = 40


def small_study_section(evidence: Evidence, outcome: str) -> Section:
    """Show for one outcome whether small studies find other rates than large ones."""
    words = evidence.protocol.outcome(outcome)
    pooled = _pooled(evidence, outcome)
    if pooled is None:
        return Section((Note(f"{words.label}: no public count."),))
    parts: list[Any] = [Paragraph(_peters_sentence(pooled)), _funnel(pooled, outcome, words.label)]
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
    return headline(evidence, "any", outcome, evidence.version(None).id).pooled


def _logits(pooled: Pooled) -> tuple[FloatArray, FloatArray]:
    from analysis.synthesis.scales import effects

    study = effects(pooled.events, pooled.total)
    return study.yi, study.vi


def _peters(pooled: Pooled) -> Any:
    """Regress logits on 1 / n, weighted by the information of the pooled rate, not by each study's own.

    With weights from the study's own rate the weight would depend on the outcome, which is what Peters'
    weights avoid.
    """
    from analysis.synthesis.bias import regression_test

    rate = float(pooled.events.sum() / pooled.total.sum())
    v = 1.0 / (pooled.total * rate * (1.0 - rate))
    return regression_test(_logits(pooled)[0], v, predictor="ninv", model="lm", ni=pooled.total)


def _peters_sentence(pooled: Pooled) -> str:
    studies = counted(pooled.k, "study", "studies")
    if pooled.k < FEWEST:
        return (
            f"There are {studies}, fewer than the {FEWEST} that a test of small-study effects needs; "
            "none is made."
        )
    test = _peters(pooled)
    slope = float(test.coefficients[1])
    if not test.p_value < 0.1:
        found = "no sign that the rate changes with the size of a study"
        remark = "No sign is not proof of none: with so few studies the test is weak."
    else:
        found = f"a sign that smaller studies report {'higher' if slope > 0 else 'lower'} rates"
        remark = "That may be missing studies, but also other patients or other centres."
    numbers = f"t {statistic(test.statistic)}, {p_value(test.p_value)}"
    return f"Peters' test over {studies} shows {found} ({numbers}). {remark}"


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
        "without any missing study when rates lie far from half. Peters' test above is the one to read."
    )
    figure = doi_plot(found, pooled.labels, name=f"doi-{outcome}", title=label)
    return [Paragraph(text), figure]


def small_study_tests(evidence: Evidence, outcome: str) -> Table:
    """Give Peters', Egger's and Begg's tests side by side."""
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
    peters = _peters(pooled)
    rows.append(
        {
            "test": "Peters (on one over patients)",
            "value": f"t {statistic(peters.statistic)}, {peters.df:.0f} df",
            "p": p_value(peters.p_value),
            "trust": "size does not depend on the rate: the one to use here",
        }
    )
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
    cell = headline(evidence, "any", outcome, evidence.version(None).id)
    pooled = cell.pooled
    if pooled is None or pooled.k < FEWEST:
        held = counted(0 if pooled is None else pooled.k, "study", "studies")
        return Section((Note(f"{words.label}: {held}, fewer than the {FEWEST} that a regression needs."),))
    years = [evidence.study(study).year for study in cell.counts.study_id]
    known = np.array([year is not None for year in years])
    parts: list[Any] = []
    if known.sum() >= FEWEST and len({year for year in years if year is not None}) > 1:
        year = np.array([float(value or 0) for value in years])
        parts += _moderator(pooled, known, year, outcome, words.label, "Year of publication", "year", 1.0)
    size = np.log2(pooled.total)
    if float(np.ptp(size)) > 0:
        all_in = np.ones(pooled.k, bool)
        parts += _moderator(
            pooled, all_in, size, outcome, words.label, "Number of patients, in doublings", "size", 1.0
        )
    return Section(tuple(parts))


def _moderator(
    pooled: Pooled,
    use: Any,
    values: FloatArray,
    outcome: str,
    label: str,
    head: str,
    stem: str,
    step: float,
) -> list[Any]:
    from analysis.synthesis.inverse_variance import fit_iv
    from analysis.synthesis.permutation import permutation_test
    from analysis.synthesis.regression import regress

    x = values[use]
    # Centred, so that the intercept is the rate of a middle study and the fit is well scaled.
    centre = float(x.mean())
    fit = regress(pooled.events[use], pooled.total[use], x - centre, names=(stem,), ci_method="t")
    yi, vi = _logits(pooled)
    design = np.column_stack([np.ones(x.size), x - centre])
    rival = fit_iv(yi[use], vi[use], design=design, tau2_method="reml", ci_method="knapp-hartung")
    chance = permutation_test(rival, count=ORDERS, seed=SEED)
    odds = (math.exp(step * float(v[1])) for v in (fit.coefficients, fit.ci_low, fit.ci_high))
    by = {"year": "a year later", "size": "twice the patients"}[stem]
    if x.size < pooled.k:
        left = [name for name, keep in zip(pooled.labels, use, strict=True) if not keep]
        gone = f" Left out, without a year: {and_list(left)}."
    else:
        gone = ""
    text = (
        f"{head}: {by} goes with odds multiplied by {ratio(*odds)} ({p_value(float(fit.p_value[1]))} by the "
        f"logistic model, {p_value(float(chance.p_value[0]))} by permuting the studies "
        f"{count(chance.count)} times); it accounts for {_explained(fit)} of the variation between "
        f"studies.{gone}"
    )
    return [Paragraph(text), _bubble(pooled, use, x, centre, fit, outcome, label, head, stem)]


def _explained(fit: MetaRegression) -> str:
    return "an unknown share" if math.isnan(fit.r2) else f"{share(fit.r2)}%"


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
    from analysis.synthesis.special import t_quantile

    grid = np.linspace(float(x.min()), float(x.max()), _GRID)
    rows = np.column_stack([np.ones(_GRID), grid - centre])
    middle = rows @ fit.coefficients
    half = t_quantile(fit.level, float(fit.k - 2)) * np.sqrt(np.einsum("ij,jk,ik->i", rows, fit.cov, rows))
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
