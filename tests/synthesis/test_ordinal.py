"""The proportional-odds model: reference values of R and statsmodels, and what must hold for any counts."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.synthesis.counts import CountsError
from analysis.synthesis.ordinal import proportional_odds

#: From R with ordinal::clm and MASS::polr; `make.R` beside the file says how.
REFERENCE = json.loads(
    (Path(__file__).parents[1] / "reference" / "trials" / "reference.json").read_text("utf-8")
)["ordinal"]

by_trial = pytest.mark.parametrize("trial", REFERENCE)
grades = st.lists(st.integers(1, 60), min_size=3, max_size=7)


@by_trial
def test_log_odds_and_error_equal_clm(trial):
    case = REFERENCE[trial]
    fit = proportional_odds(case["evt"], case["control"])

    assert fit.estimate == pytest.approx(case["clm"]["log_odds"], abs=1e-8)
    assert fit.se == pytest.approx(case["clm"]["se"], rel=1e-7)
    assert fit.log_likelihood == pytest.approx(case["clm"]["log_likelihood"], rel=1e-12)
    np.testing.assert_allclose(fit.thresholds, case["clm"]["thresholds"], atol=1e-8)


@by_trial
def test_log_odds_and_error_equal_polr(trial):
    case = REFERENCE[trial]
    fit = proportional_odds(case["evt"], case["control"])

    assert fit.estimate == pytest.approx(case["polr"]["log_odds"], abs=1e-6)
    assert fit.se == pytest.approx(case["polr"]["se"], abs=1e-6)


@by_trial
def test_lack_of_fit_equals_the_nominal_model_of_clm(trial):
    case = REFERENCE[trial]
    fit = proportional_odds(case["evt"], case["control"])
    gain = 2 * (case["nominal_log_likelihood"] - case["clm"]["log_likelihood"])

    assert fit.lack_of_fit == pytest.approx(gain, abs=1e-6)
    assert fit.lack_df == 5


@by_trial
def test_log_odds_equal_ordered_model_of_statsmodels(trial):
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    case = REFERENCE[trial]
    evt, control = np.array(case["evt"]), np.array(case["control"])
    y = np.concatenate([np.repeat(np.arange(7), evt), np.repeat(np.arange(7), control)])
    x = np.concatenate([np.ones(evt.sum()), np.zeros(control.sum())])[:, None]
    found = OrderedModel(y, x, distr="logit").fit(method="bfgs", disp=False, gtol=1e-7)
    ours = proportional_odds(evt, control)

    # statsmodels' effect is that of a worse grade.
    assert ours.estimate == pytest.approx(-found.params[0], abs=1e-5)
    assert ours.se == pytest.approx(found.bse[0], abs=1e-5)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_two_grades_give_the_odds_ratio_of_the_table(a, b, c, d):
    fit = proportional_odds([a, b], [c, d])

    assert fit.estimate == pytest.approx(math.log(a * d / (b * c)), abs=1e-9)
    assert fit.se == pytest.approx(math.sqrt(1 / a + 1 / b + 1 / c + 1 / d), rel=1e-6)
    assert fit.lack_df == 0


@given(grades, st.data())
@settings(max_examples=40, deadline=None)
def test_swapping_the_arms_or_turning_the_scale_turns_the_sign(first, data):
    second = data.draw(st.lists(st.integers(1, 60), min_size=len(first), max_size=len(first)))
    fit = proportional_odds(first, second)

    assert proportional_odds(second, first).estimate == pytest.approx(-fit.estimate, abs=1e-8)
    assert proportional_odds(first[::-1], second[::-1]).estimate == pytest.approx(-fit.estimate, abs=1e-8)


@given(grades)
@settings(max_examples=30, deadline=None)
def test_equal_arms_show_no_shift(arm):
    fit = proportional_odds(arm, arm)

    assert fit.estimate == pytest.approx(0.0, abs=1e-9)
    assert fit.lack_of_fit == pytest.approx(0.0, abs=1e-9)


@given(grades, st.data(), st.integers(0, 6))
@settings(max_examples=30, deadline=None)
def test_a_grade_that_nobody_has_changes_nothing(first, data, place):
    second = data.draw(st.lists(st.integers(1, 60), min_size=len(first), max_size=len(first)))
    assume(place <= len(first))
    fit = proportional_odds(first, second)
    wider = proportional_odds([*first[:place], 0, *first[place:]], [*second[:place], 0, *second[place:]])

    assert wider.estimate == pytest.approx(fit.estimate, abs=1e-9)
    assert wider.se == pytest.approx(fit.se, rel=1e-9)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ([1, 2], [1, 2, 3], "same grades"),
        ([1, -2], [1, 2], "negative"),
        ([1, float("nan")], [1, 2], "not a number"),
        ([0, 0], [1, 2], "no patients"),
        ([5, 0], [3, 0], "same grade"),
        ([5, 0], [0, 3], "do not overlap"),
        ([0, 4, 2], [5, 3, 0], "do not overlap"),
    ],
    ids=["lengths", "negative", "nan", "empty", "one-grade", "separated", "touching"],
)
def test_counts_that_cannot_be_compared_are_refused(first, second, words):
    with pytest.raises(CountsError, match=words):
        proportional_odds(first, second)
