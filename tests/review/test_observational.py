"""Observational comparisons: within studies, apart from trials, and without words of effect."""

import dataclasses
import math
import re

import pytest

from analysis import review
from analysis.evidence.compared import compared_arms
from analysis.review.effects_shown import ratio_figure
from analysis.review.observational import between_studies, comparative_studies, comparisons, observational
from analysis.synthesis.two_arm import pool_two_arm

COMPARISONS = ("medical", "sr_asp", "combined_asp", "combined_sr", "kind")
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
    tables = review.confounding_table(evidence), review.confounding_table(evidence, "technique")
    rows = [row for table in tables for row in table.cells]

    assert [row for row in rows if row[1].text == row[2].text or row[2].text == "as the design says"] == []
    assert len(rows) == sum(
        study.comparative == "observational_comparison" and study.eligibility == "include"
        for study in evidence.studies
    )


def test_the_table_of_the_treatment_holds_comparisons_with_the_control_alone(evidence):
    medical = {study.study_id for study in comparative_studies(evidence, medical=True)}
    others = {study.study_id for study in comparative_studies(evidence, medical=False)}

    # Read from the arms in outcomes.csv.
    assert medical == {"dmvo286-nd", "elhorany2022", "radiology2025", "sitsitaly-nd", "swisspca2023"}
    assert others == {"haussen2020trevo", "nguyen2024", "palmisano2024", "perezgarcia2020"}
    shown = review.confounding_table(evidence)
    assert {row[0].text for row in shown.cells} == {evidence.study(item).label for item in medical}


def test_arms_and_their_names_are_read_from_the_protocol(evidence):
    # Synthetic: the keys and the names of the two sides changed together in protocol and table.
    swap = {"evt": "drug", "control": "usual"}
    outcomes = tuple(
        dataclasses.replace(row, arm_id=swap.get(row.arm_id, row.arm_id)) for row in evidence.outcomes
    )
    arms = {
        "treated": {"keys": ["drug"], "label": "the drug"},
        "control": {"keys": ["usual"], "label": "usual care"},
    }
    protocol = dataclasses.replace(evidence.protocol, text={**evidence.protocol.text, "arms": arms})
    other = dataclasses.replace(evidence, outcomes=outcomes, protocol=protocol, data_hash="synthetic: arms")

    before, after = (observational(item, "medical", "mrs02") for item in (evidence, other))
    assert after.contrasts.counts == before.contrasts.counts
    text = review.observational_section(other, "medical", "mrs02").parts[0].text
    assert "with the drug and with usual care" in text
    assert "thrombectomy" not in text
    trials = review.trial_section(other, "mrs02").parts[0].text
    assert "given usual care alone" in trials
    assert "thrombectomy" not in trials


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        pytest.param({"treated": {"keys": "evt", "label": "x"}}, "arms.treated", id="no-list"),
        pytest.param({"treated": {"keys": ["evt"], "label": " "}}, "arms.treated", id="no-label"),
        pytest.param({"control": "control"}, "arms.control", id="no-map"),
        pytest.param({"treated": {"keys": ["control"], "label": "x"}}, "both sides", id="both"),
    ],
)
def test_sides_that_cannot_be_read_are_named(evidence, section, problem):
    protocol = dataclasses.replace(evidence.protocol, text={"arms": section})
    with pytest.raises(ValueError, match=problem):
        compared_arms(protocol)


def test_an_unknown_comparison_is_named(evidence):
    assert set(COMPARISONS) <= set(comparisons(evidence))
    with pytest.raises(ValueError, match="no comparison 'x_y'; known: medical"):
        observational(evidence, "x_y", "mrs02")


def test_a_sentence_tells_studies_counted_from_studies_pooled(evidence):
    text = review.observational_section(evidence, "kind", "reperfusion").parts[0].text

    # Uno 2018 has only successes in both arms; the other counts occlusions.
    assert text.startswith("Four studies counted")
    assert "Two of them are pooled ([ACA series] 2021 and Rikhtegar 2021)" in text
    assert "[Vecta 46] 2024 does not count patients" in text


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
    shown = ratio_figure(pool, "wald", words, "made", "Made", arms=("one", "other"), causal=False).svg
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
