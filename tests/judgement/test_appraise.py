"""Appraisal by rules: nothing better than its worst domain, nothing without a fact, signatures respected."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import review
from analysis.judgement.appraise import (
    NO_INFORMATION,
    NOT_JUDGED,
    OPEN,
    appraised_studies,
    departures,
    derive,
    overall,
    safeguards,
    tool_domains,
)

ORDER = ["low", "some", "moderate", "high", "serious", "critical"]


@pytest.fixture(scope="module")
def evidence():
    return review.load()


@pytest.fixture(scope="module")
def derived(evidence):
    return {item.key: item for item in derive(evidence)}


def test_stored_judgements_follow_the_rules(evidence):
    assert departures(evidence) == ()


def test_every_appraised_study_is_complete_in_every_tool(evidence, derived):
    for study in appraised_studies(evidence):
        for tool in {item.tool for item in evidence.appraisal_tools}:
            asked = [
                item.domain
                for item in tool_domains(evidence, tool)
                if study.comparative in item.applies_to.split("+")
            ]
            assert [key[2] for key in derived if key[:2] == (study.study_id, tool)] == asked


@pytest.mark.parametrize(
    ("comparative", "tool", "number"),
    [
        ("single_arm", "jbi_case_series", 10),
        ("single_arm", "minors", 8),
        ("observational_comparison", "minors", 12),
        ("observational_comparison", "robins_i", 8),
        ("randomised", "rob2", 6),
        ("randomised", "minors", 0),
        ("single_arm", "rob2", 0),
    ],
)
def test_tools_have_the_items_that_fit_the_design(evidence, comparative, tool, number):
    # ROBINS-I and RoB 2 have seven and five domains, and the overall judgement.
    fits = [item for item in tool_domains(evidence, tool) if comparative in item.applies_to.split("+")]

    assert len(fits) == number


def test_a_domain_that_no_fact_settles_is_without_information(evidence, derived):
    silent = {(item.tool, item.domain) for item in evidence.appraisal_tools if not item.fact}

    assert silent
    found = {(item.tool, item.judgement) for item in derived.values() if item.key[1:] in silent}
    assert found == {
        ("jbi_case_series", NO_INFORMATION),
        ("minors", NO_INFORMATION),
        ("robins_i", NO_INFORMATION),
        ("rob2", NOT_JUDGED),
    }


def test_not_reported_is_never_read_as_yes_or_no(evidence, derived):
    facts = {(row.study_id, row.item): row.value for row in evidence.appraisal}
    for item in evidence.appraisal_tools:
        name = item.fact.removeprefix("appraisal:")
        if name == item.fact:
            continue
        for key, found in derived.items():
            if key[1:] == (item.tool, item.domain) and facts.get((key[0], name)) == "not_reported":
                assert found.judgement in OPEN


@pytest.mark.parametrize(
    ("key", "judgement"),
    [
        # Read from appraisal.csv and studies.csv.
        (("baig2022", "jbi_case_series", "consecutive"), "yes"),
        (("altenbernd2018", "minors", "unbiased"), "yes"),
        (("altenbernd2018", "minors", "prospective"), "no"),
        (("altenbernd2018", "minors", "loss"), "yes"),
        (("diva-nd", "minors", "loss"), "unclear"),
        (("dmvo286-nd", "robins_i", "confounding"), "moderate"),
        (("goyal2025", "rob2", "measurement"), "low"),
        (("goyal2025", "rob2", "missing"), "some"),
        (("distals2026", "rob2", "measurement"), "not_judged"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_known_facts_give_known_judgements(derived, key, judgement):
    assert derived[key].judgement == judgement


def test_rob_2_has_its_own_three_levels_and_no_other(evidence):
    # Sterne 2019: low, some concerns, high; "no information" answers a signalling question alone.
    levels = {row.judgement for row in evidence.judgements if row.tool == "rob2"}

    assert levels <= {"low", "some", "high", NOT_JUDGED}
    assert {item.levels for item in tool_domains(evidence, "rob2")} == {"low+some+high"}


def test_overall_is_not_judged_while_a_domain_is_not():
    assert overall(["low", NOT_JUDGED, "some"], NOT_JUDGED) == NOT_JUDGED
    assert overall(["high", NOT_JUDGED], NOT_JUDGED) == "high"
    assert overall(["low", "some"], NOT_JUDGED) == "some"


@given(st.lists(st.sampled_from([*ORDER, NO_INFORMATION]), min_size=1, max_size=8))
def test_overall_is_never_better_than_the_worst_domain(values):
    found = overall(values)
    known = [ORDER.index(value) for value in values if value in ORDER]
    if found == NO_INFORMATION:
        assert NO_INFORMATION in values
        assert max(known, default=0) < ORDER.index("high")
    else:
        assert ORDER.index(found) == max(known)


def test_a_changed_provisional_row_is_found(evidence):
    first = evidence.judgements[0]
    changed = dataclasses.replace(first, judgement="yes")
    found = departures(dataclasses.replace(evidence, judgements=(changed, *evidence.judgements[1:])))

    assert len(found) == 1
    assert first.study_id in found[0]


def test_a_signed_row_may_differ(evidence):
    first = evidence.judgements[0]
    signed = dataclasses.replace(first, judgement="yes", reason="synthetic", status="signed")

    assert departures(dataclasses.replace(evidence, judgements=(signed, *evidence.judgements[1:]))) == ()


def test_a_missing_row_and_a_foreign_row_are_found(evidence):
    first = evidence.judgements[0]
    foreign = dataclasses.replace(first, tool="rob2", domain="missing")
    found = departures(dataclasses.replace(evidence, judgements=(foreign, *evidence.judgements[1:])))

    assert any("no judgement is stored" in text for text in found)
    assert any("not used on this study" in text for text in found)


def test_safeguards_count_known_facts_only(evidence):
    known = safeguards(evidence)

    assert known["altenbernd2018"] == 2  # core laboratory, nobody lost
    assert known["acaseries2021"] == 0
    assert max(known.values()) <= 4


def test_an_unknown_tool_is_named(evidence):
    with pytest.raises(ValueError, match="no appraisal tool 'amstar'"):
        tool_domains(evidence, "amstar")


def test_every_row_carries_a_reason_and_a_source(evidence):
    for row in evidence.judgements:
        assert row.reason
        assert row.source.startswith("http")
        assert row.status == "provisional"
