"""Sentences carry the numbers, name the methods, and never claim an effect."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import replace

import pytest

from analysis.report import words
from analysis.synthesis.types import Interval
from tests.figures.samples import SyntheticSubgroups, synthetic_pooled

SIX = synthetic_pooled(6, events=(8, 9, 17, 40, 5, 20), total=(10, 10, 20, 50, 6, 24), estimate=0.8412)


def test_a_pooled_rate_in_plain_words():
    text = words.pooled_sentence(
        SIX,
        setting="studies of thrombectomy for synthetic occlusions",
        outcome="had successful reperfusion",
    )
    assert text == (
        "In studies of thrombectomy for synthetic occlusions, about 84 in 100 patients had "
        "successful reperfusion (95% confidence interval 76 to 90 in 100; 120 patients in 6 "
        "studies). This is a rate in treated patients, not an effect of the treatment."
    )


def test_the_prediction_interval_in_plain_words():
    assert words.prediction_sentence(SIX) == (
        "In a new centre like these the rate could lie anywhere between 52 and 96 in 100 "
        "(95% prediction interval; t distribution, k−2 df)."
    )


def test_a_missing_prediction_interval_says_why():
    three = synthetic_pooled(3)
    gone = replace(three, prediction=Interval(math.nan, math.nan, 0.95, "t-k-2", "needs four studies"))
    text = words.prediction_sentence(gone)
    assert "cannot be said: the prediction interval needs four studies." in text


def test_heterogeneity_names_its_definitions():
    text = words.heterogeneity_sentence(SIX)
    assert "τ² was 0.52 on the logit scale (maximum likelihood; 95% interval 0.12 to 2.25)" in text
    assert "I² was 71%, defined as τ²/(τ²+s²)" in text
    assert "Wald Q was 43.2 on 5 degrees of freedom (p<0.001)" in text
    assert "the likelihood-ratio test gave 20.1 (p<0.001)" in text


def test_one_degree_of_freedom_is_singular():
    two = synthetic_pooled(3, labels=("Synthetic A", "Synthetic B", "Synthetic C"))
    found = replace(two.heterogeneity, q_df=1)
    assert " on 1 degree of freedom (" in words.heterogeneity_sentence(replace(two, heterogeneity=found))


def test_a_boundary_estimate_is_told():
    assert "lower limit of zero" in words.heterogeneity_sentence(synthetic_pooled(4, boundary=True))


def test_one_study_has_no_heterogeneity():
    assert "cannot be estimated" in words.heterogeneity_sentence(synthetic_pooled(1))
    assert words.heterogeneity_line(synthetic_pooled(1)).endswith("not defined for one study")


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ((), "No public count yet; no study known that holds one"),
        (("A 2022",), "No public count yet; awaited from A 2022"),
        (("A", "B", "C"), "No public count yet; awaited from A, B and C"),
        (tuple("ABCDEFGH"), "No public count yet; awaited from A, B, C, D, E, F and 2 more"),
    ],
)
def test_cells_without_a_count_name_who_is_awaited(names, text):
    assert words.no_public_count(names) == text


@pytest.mark.parametrize(("published", "verdict"), [(0.84, "within"), (0.60, "outside")])
def test_comparison_with_a_published_estimate(published, verdict):
    text = words.comparison_with_published(SIX, published, published - 0.08, published + 0.06)
    assert f"Ours lies {verdict} the published interval." in text


def test_a_rate_that_rounds_to_a_published_limit_is_shown_with_one_more_decimal():
    text = words.comparison_with_published(SIX, 0.88, 0.844, 0.90)
    assert text.endswith("Ours, 84.1%, lies just outside the published interval.")


def test_subgroups_are_not_read_as_randomised():
    test = SyntheticSubgroups(("Stent", "Aspiration"), (SIX, SIX), SIX)
    text = words.subgroup_sentence(test)
    assert "84% (76 to 90) for stent (6 studies)" in text
    assert "likelihood ratio 4.20 on 1 degree of freedom, p=0.04 (common τ²)" in text
    assert "not randomised" in text


def test_a_missing_subgroup_test_is_told():
    test = SyntheticSubgroups((), (), SIX, statistic=float("nan"))
    assert words.subgroup_sentence(test) == (
        "No subgroup could be pooled. A test of the difference is not available."
    )


def test_model_names_say_every_choice():
    assert words.model_name(SIX.settings) == (
        "random-intercept logistic model (binomial-normal GLMM); τ² by maximum likelihood; "
        "profile likelihood interval"
    )
    other = dataclasses.replace(SIX.settings, model="iv", tau2_method="reml", ci_method="knapp-hartung")
    assert "on the logit scale; τ² by restricted maximum likelihood; Knapp-Hartung" in (
        words.model_name(other)
    )


@pytest.mark.parametrize("word", ["improves", "reduces", "leads to", "causes", "because of"])
def test_no_sentence_claims_an_effect(word):
    text = words.pooled_sentence(SIX, setting="studies", outcome="were independent")
    assert word not in text
