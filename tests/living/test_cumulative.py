"""Cumulative evidence, and sequential limits against values of other programs and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.living.cumulative import cumulative_rates, year_weights
from analysis.living.sequential import (
    diversity,
    iterated_logarithm,
    obrien_fleming,
    required_patients,
)
from analysis.living.trial_series import trial_arms, trial_series
from analysis.review.cells import headline
from tests.evidence.synthetic import evidence, outcome, study


@pytest.mark.parametrize("population", ["primary", "secondary", "any"])
@pytest.mark.parametrize("key", ["reperfusion", "mrs02", "mortality90"])
def test_all_years_together_are_the_headline(real, population, key):
    found = cumulative_rates(real, population, key)
    cell = headline(real, population, key, "26.0.0")

    assert found.whole.k == cell.counts.k
    assert found.whole.estimate == pytest.approx(cell.pooled.estimate, abs=1e-7)
    assert found.steps[-1].k + len(found.undated) == cell.counts.k


def test_a_step_pools_what_was_public_by_then():
    made = evidence(
        [study("a", year=2018), study("b", year=2020), study("c", year=None), study("d", year=2020)],
        [outcome(name, events=x, total=20) for name, x in (("a", 4), ("b", 8), ("c", 12), ("d", 9))],
    )
    found = cumulative_rates(made, "primary", "mrs02")

    assert [(step.year, step.k, step.events) for step in found.steps] == [(2018, 1, 4), (2020, 3, 21)]
    assert found.steps[0].estimate == pytest.approx(4 / 20, abs=1e-9)
    assert len(found.undated) == 1
    assert found.whole.k == 4


def test_a_question_without_counts_has_no_steps(real):
    found = cumulative_rates(real, "secondary", "sich")

    assert found.steps == ()
    assert found.whole is None


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(2000, 2030)), max_size=12))
def test_weights_only_grow_with_the_years(years):
    known, weights = year_weights(years)

    assert known == sorted({year for year in years if year is not None})
    if len(known):
        assert (np.diff(weights, axis=0) >= 0).all()
        assert weights[-1].sum() == sum(year is not None for year in years)


#: Two-sided 5 %, looks at equal information: published tables of Lan-DeMets spending of the
#: O'Brien-Fleming type (R package ldbounds, ldbounds(t, iuse=c(1,1), alpha=c(.025,.025))).
LDBOUNDS = {
    2: [2.9626, 1.9686],
    5: [4.8769, 3.3569, 2.6803, 2.2898, 2.0310],
}


@pytest.mark.parametrize("looks", LDBOUNDS, ids=lambda looks: f"{looks} looks")
def test_boundaries_are_those_of_ldbounds(looks):
    fractions = [(i + 1) / looks for i in range(looks)]

    assert obrien_fleming(fractions) == pytest.approx(LDBOUNDS[looks], abs=2e-4)


def test_one_look_at_all_the_information_is_the_usual_limit():
    assert obrien_fleming([1.0]) == pytest.approx([1.959964], abs=1e-5)


def test_simulated_trials_without_effect_cross_as_often_as_allowed():
    rng = np.random.default_rng(11)
    fractions = np.array([0.3, 0.55, 0.8, 1.0])
    bounds = obrien_fleming(fractions, alpha=0.10)
    steps = rng.standard_normal((200_000, 4)) * np.sqrt(np.diff(fractions, prepend=0))
    z = steps.cumsum(axis=1) / np.sqrt(fractions)
    share = (np.abs(z) > bounds).any(axis=1).mean()

    assert share == pytest.approx(0.10, abs=4 * math.sqrt(0.1 * 0.9 / 200_000))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.1, 1.0), min_size=1, max_size=4, unique=True))
def test_boundaries_lie_above_the_usual_limit(fractions):
    fractions = sorted(fractions)
    bounds = obrien_fleming(fractions)

    assert (bounds >= 1.9599).all()


def test_looks_beyond_all_the_information_spend_nothing_more():
    bounds = obrien_fleming([0.5, 1.2, 1.5])

    assert bounds[1] == pytest.approx(obrien_fleming([0.5, 1.0])[1])
    assert np.isinf(bounds[2])


@pytest.mark.parametrize("fractions", [[], [0.0, 1.0], [0.5, 0.4]])
def test_looks_that_do_not_rise_are_refused(fractions):
    with pytest.raises(ValueError, match="must"):
        obrien_fleming(fractions)


def test_the_law_of_the_iterated_logarithm_by_hand():
    # ln ln 100 = 1.527180; 3 / sqrt(2 * 1.527180) = 1.716569.
    assert iterated_logarithm([3.0], [100.0], 2.0) == pytest.approx([1.716569], abs=1e-6)
    assert np.isnan(iterated_logarithm([3.0], [2.0], 2.0)).all()


def test_required_patients_by_hand():
    # 4 * (1.959964 + 1.281552)^2 * 0.55 * 0.45 / 0.1^2 = 1040.2
    assert required_patients(0.5, 0.6) == pytest.approx(1040.23, abs=0.01)


@pytest.mark.parametrize("rates", [(0.5, 0.5), (0.0, 0.1), (0.9, 1.08)])
def test_rates_that_cannot_be_compared_are_refused(rates):
    with pytest.raises(ValueError, match="two different proportions"):
        required_patients(*rates)


def test_diversity_is_the_share_of_variance_between_trials():
    assert diversity(0.1, 0.2) == pytest.approx(0.75)
    assert diversity(0.1, 0.1) == 0


def test_the_last_look_at_the_trials_is_their_pool(real):
    from analysis.review.two_arms import trial_contrasts
    from analysis.synthesis.inverse_variance import fit_iv
    from analysis.synthesis.two_by_two import two_arm_effects

    effects = two_arm_effects(*trial_contrasts(real, "mrs02").counts, "RR")
    fit = fit_iv(effects.yi, effects.vi, tau2_method="reml")
    look = trial_series(real, "mrs02").looks[-1]

    assert look.trials == 3
    assert look.z == pytest.approx(float(fit.beta[0] / fit.se[0]), abs=1e-9)


@pytest.mark.parametrize("key", ["mrs01", "mrs02", "mortality90", "sich"])
def test_the_last_look_has_the_interval_of_the_chapter_on_trials(real, key):
    from analysis.review.trials import trial_evidence

    look = trial_series(real, key).looks[-1]

    assert (look.ratio, look.low, look.high) == pytest.approx(trial_evidence(real, key).effect.shown())


@pytest.mark.parametrize("population", ["primary", "secondary", "any"])
def test_all_years_together_have_the_interval_of_the_headline(real, population):
    found = cumulative_rates(real, population, "mrs02").whole
    pooled = headline(real, population, "mrs02", "26.0.0").pooled

    assert (found.low, found.high) == pytest.approx((pooled.ci.low, pooled.ci.high), abs=1e-9)


def test_years_with_too_few_studies_are_counted(real):
    from analysis.review.cumulative import cumulative_section

    first = cumulative_rates(real, "any", "mrs02").steps[0]
    text, figure = cumulative_section(real, "any", "mrs02").parts[:2]

    assert first.k < 3
    assert first.counted == f"{first.events}/{first.total}, too few to pool"
    assert first.counted in text.text
    assert f"{first.year}: {first.counted}" in figure.alt


def test_an_outcome_that_no_trial_counts_has_no_series(real):
    assert trial_series(real, "mortality_inhospital") is None


def test_a_trial_without_an_event_says_nothing_on_a_ratio(real):
    silent = {item.label for item in trial_arms(real, "sich") if item.events1 + item.events2 == 0}
    pooled = {label for look in trial_series(real, "sich").looks for label in look.added}

    assert silent and pooled
    assert not silent & pooled
