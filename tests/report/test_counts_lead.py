"""Where the counts lead: below three studies, or where the prediction interval says nothing."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from analysis.figures.forest import forest
from analysis.report import words
from analysis.report.counts_lead import counts_lead, rate_words
from analysis.report.spread import interval_from_zero
from analysis.review import load, overview, sections
from analysis.review.cells import headlines
from analysis.synthesis.deviance import common_rate
from analysis.synthesis.pooled import pool
from analysis.synthesis.types import Interval
from tests.figures.samples import synthetic_limits, synthetic_pooled

TWO = synthetic_pooled(2)
SIX = synthetic_pooled(6)


def _with_reach(low: float, high: float):
    return replace(SIX, prediction=Interval(low, high, 0.95, "t-k-2"))


WIDE, LESS = _with_reach(0.01, 0.99), _with_reach(0.01, 0.90)


@pytest.mark.parametrize(("result", "leads"), [(TWO, True), (SIX, False), (WIDE, True), (LESS, False)])
def test_the_rule(result, leads):
    assert counts_lead(result) is leads


def test_rows_of_one_study_are_one_study():
    rows = synthetic_pooled(3, labels=("Synthetic A", "Synthetic B", "Synthetic A"))
    assert counts_lead(rows)


@pytest.mark.parametrize("result", [TWO, WIDE])
def test_no_sentence_on_a_new_setting_and_the_counts_first(result):
    text = words.pooled_sentence(result, setting="synthetic studies", outcome="recovered")
    people = f"{int(result.events.sum())} of "

    assert words.prediction_sentence(result) == ""
    assert text.startswith(f"In synthetic studies, {people}")
    assert "in 100 patients" not in text


def test_too_few_to_pool_have_no_diamond_in_both_drawings():
    figure = forest(TWO, name="few", title="Synthetic", limits=synthetic_limits(TWO))
    whole = forest(SIX, name="many", title="Synthetic", limits=synthetic_limits(SIX))

    for few, many in ((figure.svg, whole.svg), (figure.svg_narrow, whole.svg_narrow)):
        assert "<polygon" in many
        assert "<polygon" not in few
        assert "too few to pool" in few
    assert "Pooled:" not in figure.alt
    assert "prediction" not in figure.alt


def test_a_prediction_interval_that_says_nothing_is_not_drawn():
    figure = forest(WIDE, name="wide", title="Synthetic", limits=synthetic_limits(WIDE))

    assert "prediction interval</text>" not in figure.svg
    assert "spans more than 90 points" in figure.svg
    assert "prediction interval 1 to" not in figure.alt


def test_no_page_of_the_review_prints_an_interval_from_nothing_to_all():
    evidence = load()
    for version in evidence.versions:
        for population in evidence.protocol.populations:
            for outcome in evidence.protocol.main_outcomes:
                section = sections.pooled_section(evidence, population.key, outcome.key, version.id)
                html = re.sub(r"<svg.*?</svg>", "", section._repr_html_(), flags=re.DOTALL)
                assert "between &lt;1 and &gt;99" not in html


def test_cells_of_tables_follow_the_same_rule():
    for cell in headlines(load()):
        if cell.pooled is None:
            continue
        shown = overview.rate(cell).text
        assert ("%" not in shown) == counts_lead(cell.pooled)
        assert rate_words(cell.pooled, "shown") in (shown, "shown")


#: Synthetic counts: the first has a study in which nobody had the event.
EMPTY = pool([0, 5, 9, 12], [12, 20, 24, 31])
FULL = pool([12, 5, 9, 12], [12, 20, 24, 31])
INSIDE = pool([3, 5, 9, 12], [12, 20, 24, 31])


@pytest.mark.parametrize(("result", "printed"), [(EMPTY, False), (FULL, False), (INSIDE, True)])
def test_wald_q_only_where_every_study_has_a_logit(result, printed):
    assert ("Wald Q" in words.heterogeneity_line(result)) is printed
    assert ("Wald Q" in words.heterogeneity_sentence(result)) is printed
    assert "ikelihood-ratio test gave" in words.heterogeneity_sentence(result)


def test_the_deviance_of_one_common_rate_is_the_likelihood_ratio_of_heterogeneity():
    for result in (EMPTY, FULL, INSIDE):
        assert common_rate(result.events, result.total).deviance.sum() == pytest.approx(
            result.heterogeneity.lrt, abs=1e-9
        )


NOTE = "interval of tau2: the interval includes tau2 = 0"


def test_an_interval_from_zero_beside_a_small_p_has_its_reason_from_the_counts():
    result = pool([30, 0, 20, 22, 19], [31, 5, 40, 41, 40], labels=["A", "B", "C", "D", "E"])
    text = interval_from_zero(result, NOTE)

    assert result.heterogeneity.lrt_p < 0.05
    assert "A (30/31)" in text
    assert "C (20/40)" not in text
    assert "although the likelihood-ratio test finds that they differ" in text


def test_an_interval_from_zero_without_a_difference_says_no_more_than_that():
    assert "no difference between them" in interval_from_zero(INSIDE, NOTE)
    assert interval_from_zero(INSIDE, "another remark") == ""
