"""Observational comparisons: within studies, apart from trials, and without words of effect."""

import math
import re

import pytest

from analysis import review
from analysis.review.effects_shown import ratio_figure
from analysis.review.observational import COMPARISONS, between_studies, observational
from analysis.synthesis.two_arm import pool_two_arm

OUTCOMES = ("reperfusion", "mrs02", "mrs01", "mortality90", "sich", "first_pass")


@pytest.fixture(scope="module")
def evidence():
    return review.load()


@pytest.mark.parametrize("kind", COMPARISONS)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_no_trial_enters_and_every_study_is_included(evidence, kind, outcome):
    found = observational(evidence, kind, outcome).contrasts
    for item in (*found.found, *found.unread):
        study = evidence.study(item.study_id)
        assert study.comparative != "randomised"
        assert study.eligibility == "include"


def test_functional_independence_against_medical_treatment_counts_the_printed_arms(evidence):
    known = observational(evidence, "medical", "mrs02")
    counts = {
        item.study_id: (item.events1, item.total1, item.events2, item.total2)
        for item in known.contrasts.found
    }

    # Read from outcomes.csv.
    assert counts["dmvo286-nd"] == (78, 151, 62, 124)
    assert counts["radiology2025"] == (322, 529, 292, 546)
    assert known.pool.k == len(counts) == 5


def test_occlusions_are_shown_but_never_pooled_with_patients(evidence):
    known = observational(evidence, "kind", "reperfusion")
    units = {item.label: item.unit for item in known.contrasts.found}

    assert "occlusions" in units.values()
    assert set(known.apart) == {label for label, unit in units.items() if unit != "patients"}
    assert not set(known.apart) & set(known.pool.labels)


def test_different_meanings_of_an_outcome_are_not_pooled(evidence):
    known = observational(evidence, "sr_asp", "first_pass")

    assert len(known.contrasts.found) == 2
    assert known.pool is None
    assert "do not mean the same" in known.why_not


def test_between_studies_names_those_on_both_sides(evidence):
    across = between_studies(evidence, "mrs02")

    assert across.fit.k == across.primary + across.secondary
    assert "Uno 2018" in across.both
    ratio, low, high = across.odds_ratio
    assert low < ratio < high


def test_between_studies_says_when_there_are_too_few(evidence):
    across = between_studies(evidence, "sich")

    assert across.fit is None
    assert "two studies or more" in across.why_not
    assert math.isnan(across.odds_ratio[0])


@pytest.mark.parametrize("kind", COMPARISONS)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_no_section_claims_an_effect(evidence, kind, outcome):
    html = review.observational_section(evidence, kind, outcome)._repr_html_()
    text = re.sub(r"<svg.*?</svg>", " ", html, flags=re.DOTALL)

    assert not re.search(r"\b(reduces?|increases?|improves?|benefits?|favours?|better)\b", text)
    assert ">nan<" not in html
    assert not re.search(r"\d{6,}\.\d", text)


def test_confounding_is_said_for_every_comparison(evidence):
    table = review.confounding_table(evidence)

    assert [row for row in table.cells if row[1].text == row[2].text] == []

    assert len(table.cells) == sum(
        study.comparative == "observational_comparison" and study.eligibility == "include"
        for study in evidence.studies
    )


@pytest.mark.parametrize(
    ("counts", "key"),
    [
        pytest.param(([18, 2], [83, 19], [1, 2], [119, 17]), "", id="none-fits"),
        # With one degree of freedom the Knapp-Hartung interval runs far beyond the other.
        pytest.param(
            ([30, 10], [100, 100], [10, 30], [100, 100]),
            "Diamond: random effects (REML), Wald.",
            id="one-fits",
        ),
        pytest.param(
            ([43, 322], [68, 529], [49, 292], [68, 546]),
            "Diamonds: random effects (REML), Wald and random effects (REML), Knapp-Hartung.",
            id="both-fit",
        ),
    ],
)
def test_the_key_of_a_figure_names_only_the_diamonds_that_are_drawn(evidence, counts, key):
    pool = pool_two_arm(*counts, labels=["one", "other"])
    words = evidence.protocol.outcome("mortality90")
    shown = ratio_figure(pool, "wald", words, "made", "Made", causal=False).svg
    text = " ".join(re.sub(r"<[^>]*>", " ", shown).split())

    assert key in text
    assert ("Diamond" in text) == bool(key)


@pytest.mark.parametrize("kind", COMPARISONS)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_sentence_and_table_write_the_pooled_ratio_alike(evidence, kind, outcome):
    if observational(evidence, kind, outcome).pool is None:
        return
    shown = re.sub(r"<[^>]+>", "", review.observational_section(evidence, kind, outcome)._repr_html_())
    told = re.search(r"pooled risk ratio was (\S+ \([^)]+\))", shown)

    if told:
        assert shown.count(told[1]) >= 2
