"""Pooling, subgroups and regression: small cases, errors and invariants on synthetic counts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.synthesis.pooled import CountsError, NoStudies, pool
from analysis.synthesis.regression import regress
from analysis.synthesis.studies import STUDY_METHODS, study_intervals
from analysis.synthesis.subgroups import compare_subgroups

EVENTS, TOTAL = [8, 12, 7, 15, 3], [10, 20, 14, 16, 9]
CONTRACT = {
    "k", "events", "total", "model", "tau2_method", "ci_method", "mu", "se", "ci_low_mu",
    "ci_high_mu", "estimate", "ci_low", "ci_high", "prediction_low", "prediction_high", "tau2",
    "i2", "q", "q_p", "converged", "notes",
}  # fmt: skip


@pytest.mark.parametrize("model", ["glmm", "iv"])
def test_result_has_the_keys_of_the_command_line(model: str) -> None:
    assert set(pool(EVENTS, TOTAL, model=model).to_dict()) >= CONTRACT


def test_no_studies_is_a_named_error() -> None:
    with pytest.raises(NoStudies):
        pool([], [])


@pytest.mark.parametrize(
    ("events", "total", "said"),
    [
        ([1, 5], [3, 4], "row 2: events is 5"),
        ([-1], [3], "row 1: events is -1"),
        ([0], [0], "row 1: total is 0"),
        ([1.5], [3], "row 1: events is 1.5"),
        ([1, math.nan], [3, 4], "row 2: events is nan"),
        (["x"], [3], "row 1: events is 'x'"),
        ([1], [3, 4], "1 events but 2 totals"),
    ],
)
def test_wrong_counts_name_row_and_value(events: list, total: list, said: str) -> None:
    with pytest.raises(CountsError, match=said):
        pool(events, total)


@pytest.mark.parametrize(
    "options",
    [
        {"model": "bayes"},
        {"model": "glmm", "tau2_method": "dl"},
        {"model": "glmm", "scale": "raw"},
        {"ci_method": "exact"},
        {"prediction_method": "t"},
        {"level": 95},
    ],
    ids=str,
)
def test_unknown_choices_are_refused(options: dict) -> None:
    with pytest.raises(ValueError, match=r"unknown|glmm|level"):
        pool(EVENTS, TOTAL, **options)


@pytest.mark.parametrize("model", ["glmm", "iv"])
@pytest.mark.parametrize("ci_method", ["wald", "t", "knapp-hartung", "profile"])
def test_one_study_has_an_interval_and_no_prediction(model: str, ci_method: str) -> None:
    result = pool([7], [20], model=model, ci_method=ci_method)

    assert result.estimate == pytest.approx(0.35, abs=1e-12)
    assert result.tau2 == 0.0
    assert result.ci.low < 0.35 < result.ci.high
    assert math.isnan(result.prediction.low)
    assert any("one study" in note for note in result.notes)


@pytest.mark.parametrize("model", ["glmm", "iv"])
def test_two_studies_have_no_prediction_with_k_minus_2(model: str) -> None:
    result = pool([3, 9], [20, 22], model=model)

    assert math.isnan(result.prediction.low)
    assert "at least 3 studies" in result.prediction.note
    assert result.ci.low < result.estimate < result.ci.high


def test_three_studies_give_everything() -> None:
    result = pool([3, 9, 5], [20, 22, 15])

    assert math.isfinite(result.prediction.low)
    assert result.converged


@pytest.mark.parametrize(("full", "estimate"), [(False, 0.0), (True, 1.0)])
def test_one_sided_counts_are_said_and_have_an_exact_interval(full: bool, estimate: float) -> None:
    total = [10, 20, 30]
    result = pool(total if full else [0, 0, 0], total)
    bound = 0.025 ** (1 / 60)

    assert result.estimate == estimate
    assert not result.converged
    assert (result.ci.low, result.ci.high) == pytest.approx(
        (bound, 1.0) if full else (0.0, 1.0 - bound), abs=1e-12
    )
    assert "edge" in result.notes[0]


def test_corrected_studies_are_counted_in_a_note() -> None:
    assert "1 of 3 studies had 0.5 added" in pool([0, 3, 4], [9, 9, 9], model="iv").notes[0]


def test_weights_add_to_one() -> None:
    for model in ("glmm", "iv"):
        assert pool(EVENTS, TOTAL, model=model).weights.sum() == pytest.approx(1.0)


COUNTS = st.lists(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    min_size=3,
    max_size=7,
)


@settings(max_examples=25, deadline=None)
@given(COUNTS, st.sampled_from(["dl", "reml", "ml", "pm", "he", "hs", "sj"]), st.randoms())
def test_order_of_studies_changes_nothing(counts: list, method: str, random: object) -> None:
    shuffled = list(counts)
    random.shuffle(shuffled)
    one = pool(*zip(*counts, strict=True), model="iv", tau2_method=method)
    two = pool(*zip(*shuffled, strict=True), model="iv", tau2_method=method)

    assert two.mu == pytest.approx(one.mu, rel=1e-9, abs=1e-9)
    assert two.tau2 == pytest.approx(one.tau2, rel=1e-8, abs=1e-10)


@settings(max_examples=25, deadline=None)
@given(COUNTS, st.sampled_from(["dl", "reml", "ml", "pm", "he", "hs", "sj"]))
def test_non_events_mirror_events_on_the_logit(counts: list, method: str) -> None:
    events, total = (np.array(v) for v in zip(*counts, strict=True))
    one = pool(events, total, model="iv", tau2_method=method)
    two = pool(total - events, total, model="iv", tau2_method=method)

    assert two.mu == pytest.approx(-one.mu, rel=1e-9, abs=1e-9)
    assert two.tau2 == pytest.approx(one.tau2, rel=1e-8, abs=1e-10)
    assert two.ci_mu.low == pytest.approx(-one.ci_mu.high, rel=1e-8, abs=1e-8)


GROUP = ["a", "a", "b", "b", "b"]


@pytest.mark.parametrize("model", ["glmm", "iv"])
@pytest.mark.parametrize("tau2", ["common", "separate"])
def test_names_of_levels_do_not_matter(model: str, tau2: str) -> None:
    one = compare_subgroups(EVENTS, TOTAL, GROUP, model=model, tau2=tau2)
    two = compare_subgroups(EVENTS, TOTAL, [g + "!" for g in GROUP], model=model, tau2=tau2)

    assert one.levels == ("a", "b")
    assert two.statistic == pytest.approx(one.statistic, rel=1e-8)
    assert 0.0 <= one.p_value <= 1.0


def test_two_levels_give_the_test_of_the_regression() -> None:
    test = compare_subgroups(EVENTS, TOTAL, GROUP)
    slope = regress(EVENTS, TOTAL, np.array([0, 0, 1, 1, 1.0]))

    assert test.statistic == pytest.approx(slope.qm, rel=1e-6)
    assert test.pooled[0].mu == pytest.approx(slope.coefficients[0], abs=1e-7)


@pytest.mark.parametrize("model", ["glmm", "iv"])
def test_a_level_of_one_study_is_pooled_and_said(model: str) -> None:
    result = compare_subgroups(EVENTS, TOTAL, ["a", "b", "b", "b", "b"], model=model)

    assert "a: one study" in result.notes
    assert result.pooled[0].k == 1


@pytest.mark.parametrize("tau2", ["common", "separate"])
def test_a_level_with_events_only_is_said(tau2: str) -> None:
    result = compare_subgroups([10, 20, 7, 15, 3], TOTAL, ["a", "a", "b", "b", "b"], tau2=tau2)

    assert result.pooled[0].estimate == 1.0
    text = " ".join(result.notes)
    assert ("likelihood-ratio" in text) if tau2 == "common" else ("left out" in text)


def test_one_level_has_nothing_to_compare() -> None:
    result = compare_subgroups(EVENTS, TOTAL, ["a"] * 5)

    assert math.isnan(result.p_value)
    assert "nothing to compare" in result.notes[-1]


def test_constant_moderator_is_refused() -> None:
    with pytest.raises(ValueError, match="dependent"):
        regress(EVENTS, TOTAL, np.ones(5))


def test_missing_moderator_names_the_row() -> None:
    with pytest.raises(CountsError, match="row 2"):
        regress(EVENTS, TOTAL, np.array([1.0, math.nan, 2, 3, 4]))


# Clopper-Pearson and Wilson values as R 4.2.2 binom.test(5, 20) and prop.test(5, 20, correct=FALSE).
@pytest.mark.parametrize(
    ("method", "low", "high"),
    [
        ("clopper-pearson", 0.08657146910143461, 0.49104587170795744),
        ("wilson", 0.11186170140766569, 0.46870087761874396),
    ],
)
def test_study_interval_equals_r(method: str, low: float, high: float) -> None:
    made = study_intervals([5], [20], method)

    assert (made.low[0], made.high[0]) == pytest.approx((low, high), rel=1e-9)


@pytest.mark.parametrize("method", sorted(STUDY_METHODS))
def test_study_interval_mirrors_and_stays_inside(method: str) -> None:
    events, total = np.array([0, 1, 5, 19, 20]), np.full(5, 20)
    one, two = (study_intervals(x, total, method) for x in (events, total - events))

    np.testing.assert_allclose(two.low, 1 - one.high, atol=1e-12)
    assert ((one.low >= 0) & (one.high <= 1)).all()
    assert one.low[0] == 0.0
    assert one.high[-1] == 1.0


def test_mid_p_puts_the_tail_where_it_should() -> None:
    from scipy.special import bdtr

    made = study_intervals([5], [20], "mid-p")
    p = float(made.high[0])

    assert bdtr(4, 20, p) + 0.5 * (bdtr(5, 20, p) - bdtr(4, 20, p)) == pytest.approx(0.025)
