"""Penalised regression, sample-size weights, reconstruction, Doi plot, NNF: against R and by properties."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.synthesis.confidence_prediction import confidence_prediction, tau2_confidence_distribution
from analysis.synthesis.counts import CountsError, NoStudies
from analysis.synthesis.doi import CAUTION, doi
from analysis.synthesis.penalised_logistic import penalised_odds_ratio
from analysis.synthesis.reconstruct import effect_from_report, table_from_margins
from analysis.synthesis.sample_size import pool_by_sample_size
from analysis.synthesis.two_by_two import two_arm_effects

FILE = Path(__file__).parents[1] / "reference" / "two_arm" / "reference.json"
REFERENCE: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
by_set = pytest.mark.parametrize("name", REFERENCE["sets"])


def _counts(name: str) -> tuple[list[float], ...]:
    rows = REFERENCE["sets"][name]["counts"]
    return tuple([row[key] for row in rows] for key in ("ai", "n1i", "ci", "n2i"))


@by_set
@pytest.mark.parametrize("drop00", [True, False], ids=["informative", "all"])
def test_penalised_regression_equals_brglm2(name: str, drop00: bool) -> None:
    theirs = REFERENCE["sets"][name]["penalised" if drop00 else "penalised_all"]
    ours = penalised_odds_ratio(*_counts(name), drop00=drop00)

    assert ours.converged
    assert ours.estimate == pytest.approx(theirs["estimate"], rel=1e-8)
    assert ours.se == pytest.approx(theirs["se"], rel=1e-8)


@by_set
def test_the_penalised_profile_falls_by_the_cut_at_both_ends(name: str) -> None:
    found = penalised_odds_ratio(*_counts(name))

    assert found.profile.low < found.estimate < found.profile.high
    assert math.isfinite(found.profile.low) and math.isfinite(found.profile.high)


def test_penalised_regression_turns_with_the_arms() -> None:
    a, n1, c, n2 = _counts("zeros")
    there, back = penalised_odds_ratio(a, n1, c, n2), penalised_odds_ratio(c, n2, a, n1)

    assert back.estimate == pytest.approx(-there.estimate, abs=1e-9)
    assert back.profile.low == pytest.approx(-there.profile.high, rel=1e-6)


def test_penalised_regression_needs_information() -> None:
    with pytest.raises(CountsError, match="nothing can be compared"):
        penalised_odds_ratio([0, 0], [10, 12], [0, 0], [11, 9])


@by_set
@pytest.mark.parametrize("way", ["OR ee", "OR reml", "RR dl", "RD reml"])
def test_sample_size_weights_equal_metafor(name: str, way: str) -> None:
    measure, method = way.split(" ")
    theirs = REFERENCE["sets"][name]["weighted"][way]
    ours = pool_by_sample_size(*_counts(name), measure, tau2_method=method)  # type: ignore[arg-type]

    assert ours.estimate == pytest.approx(theirs["estimate"], rel=1e-9)
    assert ours.tau2 == pytest.approx(theirs["tau2"], rel=1e-6, abs=1e-9)
    assert ours.se == pytest.approx(theirs["se"], rel=1e-7)
    assert float(ours.weights.sum()) == pytest.approx(1.0)


def test_sample_size_weights_need_a_study() -> None:
    with pytest.raises(NoStudies):
        pool_by_sample_size([0], [10], [0], [11], drop00=True)


@pytest.mark.parametrize("table", REFERENCE["tables"], ids=lambda t: f"{t['events1']} and {t['events2']}")
@pytest.mark.parametrize("source", ["odds_ratio", "phi", "chi2", "p_value"])
@pytest.mark.parametrize("corrected", [True, False], ids=["Yates", "plain"])
def test_a_table_comes_back_from_its_statistic(table: dict[str, Any], source: str, corrected: bool) -> None:
    test = table["corrected" if corrected else "plain"]
    value = test[source] if source in test else table[source]
    made = table_from_margins(
        table["total1"],
        table["total2"],
        table["events1"] + table["events2"],
        **{source: value},
        corrected=corrected,
        more_in_first=table["odds_ratio"] > 1,
    )

    assert (made.events1, made.events2) == (table["events1"], table["events2"])
    if source != "p_value":
        assert made.exact == pytest.approx(table["events1"], abs=1e-6)


@given(st.integers(2, 200), st.integers(2, 200), st.data())
def test_any_table_comes_back_from_its_odds_ratio(n1: int, n2: int, data: st.DataObject) -> None:
    a, c = data.draw(st.integers(1, n1 - 1)), data.draw(st.integers(1, n2 - 1))
    made = table_from_margins(n1, n2, a + c, odds_ratio=a * (n2 - c) / ((n1 - a) * c))

    assert (made.events1, made.events2) == (a, c)


@pytest.mark.parametrize(
    ("given_values", "error"),
    [
        ({}, ValueError),
        ({"phi": 0.1, "chi2": 2.0}, ValueError),
        ({"odds_ratio": -1.0}, ValueError),
        ({"chi2": 500.0}, CountsError),
        ({"p_value": 0.0}, ValueError),
    ],
    ids=["none", "two", "negative ratio", "chi-square too large", "p of nought"],
)
def test_what_cannot_be_is_refused(given_values: dict[str, float], error: type[Exception]) -> None:
    with pytest.raises(error):
        table_from_margins(20, 30, 12, **given_values)


def test_margins_without_events_are_refused() -> None:
    with pytest.raises(CountsError, match="both events and non-events"):
        table_from_margins(20, 30, 0, odds_ratio=2.0)


def test_interval_and_statistic_give_the_same_variance() -> None:
    se, y = 0.2, math.log(0.6)
    z = 1.959963984540054
    wide = effect_from_report(0.6, low=math.exp(y - z * se), high=math.exp(y + z * se), ratio=True)
    by_z = effect_from_report(0.6, statistic=y / se, ratio=True)
    by_p = effect_from_report(0.6, p_value=math.erfc(abs(y / se) / math.sqrt(2)), ratio=True)

    assert [f.yi for f in (wide, by_z, by_p)] == pytest.approx([y] * 3)
    assert [f.vi for f in (wide, by_z, by_p)] == pytest.approx([se**2] * 3)
    assert wide.skew == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    "words",
    [
        {"estimate": 0.5},
        {"estimate": -0.5, "low": 0.2, "high": 0.9, "ratio": True},
        {"estimate": 0.5, "low": 0.9, "high": 0.2},
        {"estimate": 0.0, "p_value": 0.3},
        {"estimate": 0.5, "p_value": 1.5},
    ],
    ids=["nothing", "negative ratio", "empty interval", "no effect", "p above one"],
)
def test_a_report_that_says_nothing_is_refused(words: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        effect_from_report(**words)


@by_set
def test_lfk_index_equals_its_formula_in_r(name: str) -> None:
    study = two_arm_effects(*_counts(name), "OR")
    found = doi(study.yi, study.vi)

    assert found.lfk == pytest.approx(REFERENCE["sets"][name]["lfk"], rel=1e-10)
    assert found.notes == (CAUTION,)


@pytest.mark.parametrize(
    ("effects", "verdict"),
    [([-6.0, -1.7, 0.0, 0.1, 0.2], "major asymmetry"), ([-1.0, -0.5, 0.0, 0.5, 1.0], "no asymmetry")],
    ids=["one limb", "two equal limbs"],
)
def test_the_verdict_follows_the_limbs(effects: list[float], verdict: str) -> None:
    assert doi(effects, [0.158, 0.076, 0.018, 0.076, 0.158]).verdict == verdict


def test_equal_effects_have_no_limbs() -> None:
    with pytest.raises(ValueError, match="no limbs"):
        doi([1.0, 1.0], [0.1, 0.2])


# Thirteen trials of cisapride (Hartung and Knapp 2001), as the vignette of R package pimeta 1.1.4 has them.
CISAPRIDE = (
    [15, 12, 29, 42, 14, 44, 14, 29, 10, 17, 38, 19, 21],
    [16, 16, 34, 56, 22, 54, 17, 58, 14, 26, 44, 29, 38],
    [9, 1, 18, 31, 6, 17, 7, 23, 3, 6, 12, 22, 19],
    [16, 16, 34, 56, 22, 55, 15, 58, 15, 27, 45, 30, 38],
)


def test_confidence_prediction_equals_pimeta_within_the_noise_of_drawing() -> None:
    study = two_arm_effects(*CISAPRIDE, "OR", correction="all")
    found = confidence_prediction(study.yi, study.vi, draws=100_000, seed=1)

    assert math.exp(found.estimate) == pytest.approx(4.141, abs=5e-4)
    assert found.tau2 == pytest.approx(0.718, abs=5e-4)
    # Its limits come from 25,000 draws: about 0.025 on the log scale at the outer quantiles.
    ends = [math.log(x) for x in (0.533, 33.692)]
    assert [found.prediction.low, found.prediction.high] == pytest.approx(ends, abs=0.08)
    assert [found.ci.low, found.ci.high] == pytest.approx([math.log(2.224), math.log(7.820)], abs=0.03)


def test_the_confidence_distribution_holds_the_q_profile_of_its_tails() -> None:
    study = two_arm_effects(*CISAPRIDE, "OR", correction="all")
    grid, below = tau2_confidence_distribution(study.yi, study.vi)

    assert grid[0] == 0.0
    assert (np.diff(below) >= 0).all()
    assert 0.0 <= below[0] < 0.01
    assert below[-1] > 1 - 1e-5


def test_confidence_prediction_repeats_with_its_seed() -> None:
    y, v = [0.1, 0.5, 0.9], [0.04, 0.05, 0.03]

    assert (
        confidence_prediction(y, v, draws=500).prediction == confidence_prediction(y, v, draws=500).prediction
    )
    with pytest.raises(ValueError, match="two studies"):
        confidence_prediction([0.1], [0.04])
