"""Variation between studies: populations side by side, influence, subsets, rival model, prediction."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.report.counts_lead import too_few
from analysis.report.numbers import count, counted, fixed, p_value, percent, percent_range, share
from analysis.report.section import Fold, Note, Paragraph, Section
from analysis.report.tables import Column, Table, table_from_rows
from analysis.report.words import CI_METHODS, and_list, heterogeneity_sentence, lower_first
from analysis.review.cells import NO_WIDEST, hashed, headline, widest_headline
from analysis.synthesis.prediction import PREDICTION_METHODS, prediction_interval, share_beyond
from analysis.synthesis.types import Pooled

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.figures.figure import Figure
    from analysis.review.cells import HashedEvidence
    from analysis.synthesis.glmm_influence import GlmmInfluence

__all__ = ["heterogeneity_section", "influence_of", "prediction_table", "rival_table", "share_table"]

#: Random subsets of the studies, and the seed that chooses them.
SUBSETS, SEED = 2000, 20261122
#: Fewer studies than this say nothing about single ones.
FEWEST = 4
#: Draws of the bootstrap prediction interval.
DRAWS = 1000

#: Beyond this size one residual in twenty is expected by chance.
_NORMAL = 1.959963984540054
_PREDICTION_NAMES = {
    "normal": "Normal quantile",
    "t-k-1": "Student's t, one degree of freedom less than studies",
    "t-k-2": "Student's t, two degrees of freedom less than studies",
    "knapp-hartung": "Knapp-Hartung, from inverse variance with REML",
    "bootstrap": "Parametric bootstrap",
}


def heterogeneity_section(evidence: Evidence, outcome: str) -> Section:
    """Show for one outcome how the studies vary, and what that rests on."""
    words = evidence.protocol.outcome(outcome)
    cell = widest_headline(evidence, outcome)
    if cell is None:
        return Section((Note(NO_WIDEST),))
    pooled = cell.pooled
    if pooled is None or pooled.k < FEWEST:
        held = counted(0 if pooled is None else pooled.k, "study", "studies")
        return Section((Note(f"{words.label}: {held} with a public count, too few to look at one by one."),))
    parts: list[Any] = [
        Paragraph(heterogeneity_sentence(pooled)),
        Paragraph(_threshold_sentence(evidence, outcome, pooled)),
        _orchard(evidence, outcome),
    ]
    influence = influence_of(evidence, outcome)
    parts += [
        Paragraph(_influence_sentence(influence, pooled)),
        _ladder(influence, pooled, outcome, words.label),
        Fold(
            "Influence of each study on the logistic model", _panel(influence, pooled, outcome, words.label)
        ),
        Fold("Baujat plot, from inverse variance", _baujat(pooled, outcome, words.label)),
        _gosh(pooled, influence, outcome, words.label),
        rival_table(evidence, outcome),
        prediction_table(evidence, outcome),
    ]
    return Section(tuple(parts))


def influence_of(evidence: Evidence, outcome: str) -> GlmmInfluence:
    """Return the influence of each study on one headline, computed once."""
    return _influence(hashed(evidence), outcome)


@lru_cache(maxsize=16)
def _influence(key: HashedEvidence, outcome: str) -> GlmmInfluence:
    from analysis.synthesis.glmm_influence import glmm_influence

    pooled = _pooled(key.evidence, outcome)
    return glmm_influence(pooled.events, pooled.total, labels=pooled.labels)


def _pooled(evidence: Evidence, outcome: str) -> Pooled:
    cell = widest_headline(evidence, outcome)
    if cell is None or cell.pooled is None:
        raise ValueError(f"no public count of {outcome}")
    return cell.pooled


def _logistic(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))


def _threshold_share(pooled: Pooled, threshold: float) -> float:
    return share_beyond(math.log(threshold / (1 - threshold)), pooled.mu, pooled.tau2)


def _threshold_sentence(evidence: Evidence, outcome: str, pooled: Pooled) -> str:
    words = evidence.protocol.outcome(outcome)
    texts = []
    for item in words.thresholds:
        above = _threshold_share(pooled, item.value)
        texts.append(
            f"Under the fitted model, the true rate of {share(above)}% of centres lies above "
            f"{share(item.value)}%, the protocol's threshold ({lower_first(item.meaning)})."
        )
    return " ".join(texts) or "The protocol names no threshold for this outcome."


def _orchard(evidence: Evidence, outcome: str) -> Figure:
    from analysis.figures.orchard import orchard

    words = evidence.protocol.outcome(outcome)
    version = evidence.version(None).id
    cells = [
        (item.label, headline(evidence, item.key, outcome, version).pooled)
        for item in evidence.protocol.populations
    ]
    cells = [(label, None if pooled is None or too_few(pooled) else pooled) for label, pooled in cells]
    groups = [(label, pooled) for label, pooled in cells if pooled is not None]
    # A population keeps its colour in the figures of outcomes that another has no count of.
    ranks = [place for place, (_, pooled) in enumerate(cells) if pooled is not None]
    title = f"{words.label} by population"
    return orchard(groups, name=f"orchard-{outcome}", title=title, ranks=ranks)


def _influence_sentence(influence: GlmmInfluence, pooled: Pooled) -> str:
    rates = 1.0 / (1.0 + np.exp(-influence.without.mu))
    text = (
        "Leaving out one study at a time, the pooled rate runs from "
        f"{percent_range(float(rates.min()), float(rates.max()), 1)}%, against "
        f"{share(pooled.estimate, 1)}% with all."
    )
    named = [label for label, out in zip(influence.labels, influence.influential, strict=True) if out]
    verb = "stand" if len(named) > 1 else "stands"
    text += f" By the usual cuts, {and_list(named) or 'no study'} {verb} out as influential."
    far = [
        label
        for label, residual in zip(influence.labels, influence.rstudent, strict=True)
        if abs(residual) > _NORMAL and label not in named
    ]
    if far:
        verb = "lies" if len(far) == 1 else "lie"
        text += (
            f" {and_list(far)} {verb} beyond the limits of the deleted residual: far from the others, but "
            "without that pull on the pooled rate."
        )
    return text


def _ladder(influence: GlmmInfluence, pooled: Pooled, outcome: str, label: str) -> Figure:
    from analysis.figures.ladder import Step, ladder
    from analysis.synthesis.pooled import pool

    chosen = pooled.settings
    names = ("model", "scale", "tau2_method", "ci_method", "level")
    options: dict[str, Any] = {name: getattr(chosen, name) for name in names}
    steps = []
    for place, name in enumerate(influence.labels):
        rest = pool(np.delete(pooled.events, place), np.delete(pooled.total, place), **options)
        steps.append(Step(f"Without {name}", rest.estimate, rest.ci.low, rest.ci.high))
    ends = pooled.ci
    steps.append(Step("All studies", pooled.estimate, ends.low, ends.high, kind="pooled"))
    return ladder(
        steps,
        name=f"leave-one-out-{outcome}",
        title=f"{label}: without each study in turn",
        label_head="Left out",
        guide=pooled.estimate,
        footer=(f"Every line has the {CI_METHODS[chosen.ci_method]} interval of the primary analysis.",),
    )


def _panel(influence: GlmmInfluence, pooled: Pooled, outcome: str, label: str) -> Figure:
    from analysis.figures.influence import Diagnostic, influence_panel
    from analysis.synthesis.glmm_influence import COOK_CUT

    k = pooled.k
    cut = 3.0 / math.sqrt(k - 1)
    measures = (
        Diagnostic("Deleted residual", _finite(influence.rstudent), (-_NORMAL, _NORMAL), 0.0),
        Diagnostic("DFFITS", _finite(influence.dffits), (-cut, cut), 0.0),
        Diagnostic("Cook's distance", _finite(influence.cooks_distance), (None, COOK_CUT), 0.0),
        Diagnostic("Covariance ratio", _finite(influence.cov_ratio), (None, None), 1.0),
        Diagnostic("τ² without it", _finite(influence.tau2_deleted), (None, None), pooled.tau2),
        Diagnostic("Weight", _finite(influence.weight), (None, min(3.0 / k, 1.0)), None, proportion=True),
    )
    return influence_panel(influence.labels, measures, name=f"influence-{outcome}", title=label)


def _finite(values: Any) -> tuple[float, ...]:
    return tuple(float(value) if math.isfinite(value) else math.nan for value in values)


def _baujat(pooled: Pooled, outcome: str, label: str) -> Figure:
    from analysis.figures.baujat import BaujatPoint
    from analysis.figures.baujat import baujat as draw
    from analysis.synthesis.influence import baujat
    from analysis.synthesis.inverse_variance import fit_iv
    from analysis.synthesis.scales import effects

    study = effects(pooled.events, pooled.total)
    across, up = baujat(fit_iv(study.yi, study.vi, tau2_method="reml"))
    points = [
        BaujatPoint(name, float(x), float(y)) for name, x, y in zip(pooled.labels, across, up, strict=True)
    ]
    return draw(points, name=f"baujat-{outcome}", title=label)


def _gosh(pooled: Pooled, influence: GlmmInfluence, outcome: str, label: str) -> Section:
    from analysis.figures.gosh import gosh as draw
    from analysis.synthesis.gosh import gosh

    found = gosh(pooled.events, pooled.total, subsets=SUBSETS, seed=SEED, smallest=2)
    fine = found.values["converged"] > 0
    mu, tau = found.values["estimate"][fine], np.sqrt(found.values["tau2"][fine])
    rates = 1.0 / (1.0 + np.exp(-mu))
    most = int(np.nanargmax(influence.cooks_distance))
    figure = draw(
        rates,
        tau,
        name=f"gosh-{outcome}",
        title=label,
        heterogeneity_name="τ",
        heterogeneity_is_share=False,
        marked=found.masks[fine, most],
        marked_name=f"Subsets with {pooled.labels[most]}",
        full=(pooled.estimate, math.sqrt(pooled.tau2)),
    )
    low, high = (float(v) for v in np.quantile(rates, (0.025, 0.975)))
    how = "all" if found.complete else f"a random choice (seed {SEED}) of"
    text = (
        f"The model was fitted to {how} {count(found.size)} subsets of the studies; "
        f"{count(int(fine.sum()))} fits have a finite maximum. The middle 95% of their pooled rates run "
        f"from {percent_range(low, high, 1)}%. Two clouds apart would speak of two kinds of studies."
    )
    return Section((Paragraph(text), figure))


def rival_table(evidence: Evidence, outcome: str) -> Table:
    """Set the beta-binomial model beside the binomial-normal one."""
    from analysis.synthesis.beta_binomial import fit_beta_binomial

    pooled = _pooled(evidence, outcome)
    rival = fit_beta_binomial(pooled.events, pooled.total)
    row = rival.rows()[0]
    ends = tuple(_logistic(value) for value in (rival.ci_mu.low, rival.ci_mu.high))
    columns = [
        Column("model", "Model"),
        Column("rate", "Rate", "right"),
        Column("spread", "Variation between studies"),
        Column("height", "Log-likelihood", "right"),
    ]
    rows = [
        {
            "model": "Binomial-normal (primary)",
            "rate": percent(pooled.estimate, pooled.ci.low, pooled.ci.high),
            "spread": f"τ {math.sqrt(pooled.tau2):.2f} of logits",
            "height": fixed(pooled.log_likelihood, 2),
        },
        {
            "model": "Beta-binomial",
            "rate": percent(float(row["estimate"]), *ends),
            "spread": f"correlation within studies {fixed(rival.rho, 3)}",
            "height": fixed(rival.log_likelihood, 2),
        },
    ]
    label = evidence.protocol.outcome(outcome).label
    return table_from_rows(
        f"rival-model-{outcome}",
        f"{label}: two models of the variation",
        columns,
        rows,
        sortable=False,
        footnotes=(
            "The binomial-normal model pools the rate of a middle centre, the beta-binomial the mean of all "
            "centres; when rates vary the two are not the same number. Both have two parameters, so the "
            "log-likelihoods can be compared: the higher fits better.",
        ),
    )


def prediction_table(evidence: Evidence, outcome: str) -> Table:
    """List every prediction interval by its name."""
    pooled = _pooled(evidence, outcome)
    columns = [Column("name", "Prediction interval"), Column("range", "Per cent of patients", "right")]
    rows = []
    for name in (*PREDICTION_METHODS, "bootstrap"):
        low, high = (_logistic(value) for value in _prediction(pooled, name))
        used = " (used in this book)" if name == pooled.settings.prediction_method else ""
        rows.append({"name": _PREDICTION_NAMES[name] + used, "range": percent_range(low, high)})
    label = evidence.protocol.outcome(outcome).label
    return table_from_rows(
        f"prediction-{outcome}",
        f"{label}: where the true rate of a new centre could lie",
        columns,
        rows,
        sortable=False,
        footnotes=(f"Bootstrap: {count(DRAWS)} draws, seed {SEED}.",),
    )


def _prediction(pooled: Pooled, name: str) -> tuple[float, float]:
    level = pooled.settings.level
    if name == "bootstrap":
        from analysis.synthesis.bootstrap import bootstrap

        ends = bootstrap(pooled.events, pooled.total, draws=DRAWS, seed=SEED, level=level).prediction_mu
    elif name == "knapp-hartung":
        from analysis.synthesis.pooled import pool

        ends = pool(
            pooled.events, pooled.total, model="iv", prediction_method="knapp-hartung", level=level
        ).prediction_mu
    else:
        ends = prediction_interval(pooled.mu, pooled.se, pooled.tau2, pooled.k, method=name, level=level)
    return ends.low, ends.high


def share_table(evidence: Evidence) -> Table | Note:
    """Give for each outcome the share of true rates beyond the protocol's threshold."""
    if evidence.protocol.widest is None:
        return Note(NO_WIDEST)
    columns = [
        Column("outcome", "Outcome"),
        Column("threshold", "Threshold", "right"),
        Column("above", "True rates above it", "right"),
        Column("i2_p", "Test of no variation"),
        Column("meaning", "What it means"),
    ]
    rows = []
    for item in evidence.protocol.main_outcomes:
        cell = widest_headline(evidence, item.key)
        pooled = cell.pooled if cell else None
        if pooled is None:
            continue
        for cut in item.thresholds:
            rows.append(
                {
                    "outcome": item.label,
                    "threshold": f"{share(cut.value)}%",
                    "above": f"{share(_threshold_share(pooled, cut.value))}%",
                    "i2_p": p_value(pooled.heterogeneity.lrt_p),
                    "meaning": cut.meaning,
                }
            )
    return table_from_rows(
        "true-rates-beyond",
        "Share of centres whose true rate lies beyond the protocol's threshold, any population",
        columns,
        rows,
        sortable=False,
        footnotes=("Under the fitted normal distribution of true logits; likelihood-ratio test.",),
    )
