"""Rules of certainty: each input on each side of each cut, by hand-made bodies of evidence."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import review
from analysis.judgement.cuts import read_cuts
from analysis.judgement.effects import EffectInputs, disjoint, propose_effect, shift_size, trial_size, zone
from analysis.judgement.levels import DOMAINS, LEVELS, LOWERS, join_state, overall_level, split_state
from analysis.judgement.rates import RateInputs, information_size, interval_side, propose_rate

RATE = RateInputs(
    "primary", "synthetic", 12, 900, 0.85, 0.80, 0.90, 0.70, 0.95, 0.3, 0.70, 0.05, 200, 0.8, 0.2, 0.3, 0.4
)
EFFECT = EffectInputs(
    "mrs02",
    4,
    3000,
    1.2,
    1.12,
    1.3,
    100.0,
    60.0,
    140.0,
    50.0,
    0.1,
    False,
    False,
    1000,
    0.9,
    0.0,
    0.9,
    0.2,
    0.2,
)


@pytest.fixture(scope="module")
def cuts():
    return read_cuts(review.load().protocol)


def _judged(proposals):
    return {name: item.judgement for name, item in proposals.items()}


def test_a_body_without_weakness_is_not_lowered(cuts):
    assert set(_judged(propose_rate(RATE, cuts)).values()) == {"not_serious"}
    assert set(_judged(propose_effect(EFFECT, cuts)).values()) == {"not_serious"}


@pytest.mark.parametrize(
    ("change", "domain", "judgement"),
    [
        ({"guarded": 0.49}, "risk_of_bias", "serious"),
        ({"minority": 0.20}, "inconsistency", "serious"),
        ({"prediction_low": 0.40}, "inconsistency", "serious"),
        ({"minority": 0.30, "prediction_low": 0.30}, "inconsistency", "very_serious"),
        ({"mixed": 0.50}, "indirectness", "serious"),
        ({"low": 0.69}, "imprecision", "serious"),
        ({"n": 199}, "imprecision", "serious"),
        ({"low": 0.69, "n": 199}, "imprecision", "very_serious"),
        ({"unread": 0.5}, "publication_bias", "serious"),
        ({"small_study_p": 0.09}, "publication_bias", "serious"),
        ({"small_study_p": math.nan}, "publication_bias", "not_serious"),
        ({"k": 1}, "inconsistency", "not_serious"),
        ({"low": 0.70}, "imprecision", "not_serious"),
    ],
    ids=lambda value: str(value),
)
def test_each_rule_on_rates(cuts, change, domain, judgement):
    found = propose_rate(dataclasses.replace(RATE, **change), cuts)

    assert found[domain].judgement == judgement
    others = {name: item.judgement for name, item in found.items() if name != domain}
    assert set(others.values()) == {"not_serious"}


@pytest.mark.parametrize(
    ("change", "domain", "judgement"),
    [
        ({"high_risk": 0.5}, "risk_of_bias", "serious"),
        ({"judged": 0.49}, "risk_of_bias", "serious"),
        ({"judged": 0.5}, "risk_of_bias", "not_serious"),
        ({"judged": 0.0, "blinded": 0.0}, "risk_of_bias", "serious"),
        ({"high_risk": 0.5, "blinded": 0.4}, "risk_of_bias", "very_serious"),
        ({"blinded": 0.4}, "risk_of_bias", "serious"),
        ({"i2": 0.6}, "inconsistency", "not_serious"),
        ({"i2": 0.6, "both_sides": True}, "inconsistency", "serious"),
        ({"i2": 0.6, "both_sides": True, "apart": True}, "inconsistency", "very_serious"),
        ({"i2": 0.4, "both_sides": True}, "inconsistency", "not_serious"),
        ({"mixed": 1.0}, "indirectness", "serious"),
        ({"low": 49.0}, "imprecision", "serious"),
        ({"low": -50.0}, "imprecision", "very_serious"),
        ({"low": -10.0, "high": 10.0}, "imprecision", "not_serious"),
        ({"n": 900}, "imprecision", "serious"),
        ({"unread": 0.6}, "publication_bias", "serious"),
    ],
    ids=lambda value: str(value),
)
def test_each_rule_on_effects(cuts, change, domain, judgement):
    found = propose_effect(dataclasses.replace(EFFECT, **change), cuts)

    assert found[domain].judgement == judgement
    others = {name: item.judgement for name, item in found.items() if name != domain}
    assert set(others.values()) == {"not_serious"}


def test_no_public_count_is_not_rated(cuts):
    found = propose_rate(dataclasses.replace(RATE, k=0), cuts)

    assert {item.judgement for item in found.values()} == {"not_rated"}
    assert overall_level(_judged(found).values()) == "not_rated"


@given(st.lists(st.sampled_from(sorted(LOWERS)), min_size=5, max_size=5))
def test_more_weaknesses_never_raise_the_level(judgements):
    level = LEVELS.index(overall_level(judgements))
    for place in range(5):
        worse = [*judgements]
        worse[place] = "very_serious"
        assert LEVELS.index(overall_level(worse)) <= level


@pytest.mark.parametrize(
    ("judgements", "level"),
    [
        (["not_serious"] * 5, "high"),
        (["serious", *["not_serious"] * 4], "moderate"),
        (["very_serious", *["not_serious"] * 4], "low"),
        (["serious"] * 5, "very_low"),
        (["not_rated"] * 5, "not_rated"),
    ],
    ids=["none", "one", "two", "floor", "unrated"],
)
def test_overall_levels(judgements, level):
    assert overall_level(judgements) == level


@given(st.floats(0, 0.5), st.floats(0.5, 1), st.floats(0.01, 0.99))
def test_an_interval_lies_above_below_or_across(low, high, threshold):
    side = interval_side(low, high, threshold)

    assert (side == "crosses") == (low < threshold < high)


def test_states_are_read_back():
    assert split_state(join_state(ci="crosses", size="short")) == {"ci": "crosses", "size": "short"}
    assert split_state("") == {}


def test_information_size_gives_the_margin_it_promises():
    n = information_size(0.8, 0.05)
    half = 1.959963984540054 * math.sqrt(0.8 * 0.2 / n)

    assert half <= 0.05 < 1.959963984540054 * math.sqrt(0.8 * 0.2 / (n - 1))


def test_trial_size_gives_the_power_it_promises():
    n = trial_size(0.4, 0.25, 0.8) / 2
    se = math.sqrt((0.4 * 0.6 + 0.5 * 0.5) / n)

    assert stats.norm.cdf(0.1 / se - stats.norm.ppf(0.975)) == pytest.approx(0.8, abs=0.005)


def test_shift_size_falls_with_larger_effects_and_more_even_grades():
    even, skewed = [1 / 7] * 7, [0.7, *[0.05] * 6]

    assert shift_size(even, 1.5, 0.8) < shift_size(even, 1.25, 0.8)
    assert shift_size(even, 1.5, 0.8) < shift_size(skewed, 1.5, 0.8)


@given(st.floats(-200, 200), st.floats(1, 100))
def test_zones_mirror_each_other(value, important):
    mirror = {"benefit": "harm", "harm": "benefit", "trivial": "trivial"}

    assert zone(-value, important) == mirror[zone(value, important)]


@given(st.lists(st.tuples(st.floats(-5, 0), st.floats(0, 5)), min_size=1, max_size=5))
def test_intervals_that_share_a_value_are_not_disjoint(intervals):
    assert not disjoint(intervals)


def test_a_missing_cut_is_named():
    protocol = review.load().protocol
    text = {**protocol.text, "certainty": {"cuts": {"rate_margin": 0.05}}}
    with pytest.raises(ValueError, match=r"certainty\.cuts\.relative_change"):
        read_cuts(dataclasses.replace(protocol, text=text))


def test_domains_are_those_of_the_schema():
    assert set(DOMAINS) == {
        "risk_of_bias",
        "inconsistency",
        "indirectness",
        "imprecision",
        "publication_bias",
    }
