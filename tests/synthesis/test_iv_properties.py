"""Invariants and independent checks of the inverse-variance side, on synthetic numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.synthesis.absolute import absolute_effect
from analysis.synthesis.generalised_q import jackson_interval, weighted_chi2_tail
from analysis.synthesis.glmm_two_by_two import fit_two_arm_glmm
from analysis.synthesis.heterogeneity import test_based_intervals as from_test
from analysis.synthesis.influence import cumulative, influence, leave_one_out
from analysis.synthesis.intervals import profile_interval_mu, q_profile_interval
from analysis.synthesis.inverse_variance import fit_iv, fit_iv_many
from analysis.synthesis.permutation import permutation_test
from analysis.synthesis.prediction import prediction_interval, share_beyond
from analysis.synthesis.scales import back_transform, effects
from analysis.synthesis.special import chi2_tail
from analysis.synthesis.tau2 import TAU2_METHODS, tau2_many
from analysis.synthesis.weighted import Problem

FINITE = st.integers(-3000, 3000).map(lambda i: i / 1000)
STUDIES = st.lists(st.tuples(FINITE, st.floats(0.01, 2.0)), min_size=3, max_size=9)
ITERATED = [m for m in TAU2_METHODS if m != "ee"]


def _split(rows: list) -> tuple[np.ndarray, np.ndarray]:
    y, v = np.array(rows, dtype=float).T
    return y, v


def _restricted(y: np.ndarray, v: np.ndarray, tau2: float) -> float:
    """Restricted log-likelihood written out from its definition with matrices."""
    total = np.diag(v + tau2)
    ones = np.ones((y.size, 1))
    inverse = np.linalg.inv(total)
    cross = ones.T @ inverse @ ones
    p = inverse - inverse @ ones @ np.linalg.inv(cross) @ ones.T @ inverse
    return float(-0.5 * (np.linalg.slogdet(total)[1] + np.linalg.slogdet(cross)[1] + y @ p @ y))


@settings(max_examples=60, deadline=None)
@given(STUDIES)
def test_reml_is_the_highest_point_of_its_likelihood(rows: list) -> None:
    y, v = _split(rows)
    best = float(tau2_many(y, v, "reml").tau2[0])
    top = _restricted(y, v, best)

    grid = np.concatenate([[0.0], np.geomspace(1e-5, 40.0, 60)])

    assert max(_restricted(y, v, t) for t in grid) <= top + 1e-9


@settings(max_examples=60, deadline=None)
@given(STUDIES, st.sampled_from(ITERATED), st.floats(0.1, 10.0), FINITE)
def test_scaling_and_shifting_estimates(rows: list, method: str, scale: float, shift: float) -> None:
    y, v = _split(rows)
    one = fit_iv(y, v, tau2_method=method)
    two = fit_iv(scale * y + shift, scale**2 * v, tau2_method=method)
    size = one.typical_variance

    assert two.tau2 / scale**2 == pytest.approx(one.tau2, rel=1e-6, abs=1e-7 * size)
    assert (two.beta[0] - shift) / scale == pytest.approx(one.beta[0], rel=1e-6, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(STUDIES, st.sampled_from(TAU2_METHODS))
def test_a_study_counted_twice_equals_its_copy(rows: list, method: str) -> None:
    y, v = _split(rows)
    counts = np.ones(y.size)
    counts[0] = 2.0
    weighted = fit_iv_many(y, v, weights=counts[None, :], tau2_method=method)
    copied = fit_iv(np.append(y, y[0]), np.append(v, v[0]), tau2_method=method)

    assert weighted.tau2[0] == pytest.approx(copied.tau2, rel=1e-7, abs=1e-9)
    assert weighted.mu[0] == pytest.approx(copied.beta[0], rel=1e-9, abs=1e-9)
    assert weighted.q[0] == pytest.approx(copied.q, rel=1e-9, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(STUDIES, st.sampled_from(TAU2_METHODS))
def test_an_intercept_design_equals_no_design(rows: list, method: str) -> None:
    y, v = _split(rows)
    plain = fit_iv(y, v, tau2_method=method)
    matrix = fit_iv(y, v, tau2_method=method, design=np.ones((y.size, 1)))

    assert matrix.tau2 == pytest.approx(plain.tau2, rel=1e-8, abs=1e-10)
    assert matrix.se[0] == pytest.approx(plain.se[0], rel=1e-8)


def test_two_maxima_give_the_higher() -> None:
    # Synthetic: a tight cluster of precise studies and two far imprecise groups.
    y = np.array([0.0, 0.01, -0.01, 2.0, -2.2, 2.4])
    v = np.array([1e-5, 1e-5, 1e-5, 0.4, 0.5, 0.6])
    best = float(tau2_many(y, v, "reml").tau2[0])
    grid = np.concatenate([[0.0], np.geomspace(1e-7, 20, 4000)])

    assert _restricted(y, v, best) >= max(_restricted(y, v, t) for t in grid) - 1e-9


def test_paule_mandel_of_many_studies_near_the_edge() -> None:
    # k = 10,000, simulated: a fixed-point iteration is known to stop at zero here.
    random = np.random.default_rng(5)
    v = random.uniform(0.05, 0.6, 10_000)
    y = random.normal(1.9, np.sqrt(v + 0.31))
    tau2 = float(tau2_many(y, v, "pm").tau2[0])
    w = 1 / (v + tau2)

    assert w @ (y - w @ y / w.sum()) ** 2 == pytest.approx(9_999, rel=1e-11)
    assert 0.25 < tau2 < 0.37


def test_scores_are_derivatives_of_the_likelihood() -> None:
    y, v = np.array([0.1, 0.9, -0.4, 1.5]), np.array([0.2, 0.1, 0.3, 0.25])
    s = Problem(y, v).sums(np.array([0.3]), 3)
    h = 1e-5
    up, at, down = (_restricted(y, v, 0.3 + d) for d in (h, 0.0, -h))

    assert 0.5 * (s.yppy - s.trace_p)[0] == pytest.approx((up - down) / (2 * h), rel=1e-8)
    assert 0.5 * (s.trace_pp - 2 * s.ypppy)[0] == pytest.approx(
        (up - 2 * at + down) / h**2, rel=1e-3
    )


def test_limits_of_q_profile_solve_their_equation() -> None:
    y, v = np.array([0.1, 0.9, -0.4, 1.5, 2.0]), np.array([0.2, 0.1, 0.3, 0.25, 0.05])
    made = q_profile_interval(fit_iv(y, v))
    for limit, tail in ((made.low, 0.025), (made.high, 0.975)):
        w = 1 / (v + limit)
        q = w @ (y - w @ y / w.sum()) ** 2

        assert chi2_tail(q, 4) == pytest.approx(tail, rel=1e-9)


def test_profile_interval_of_mu_drops_by_half_a_chi_square() -> None:
    y, v = np.array([0.1, 0.9, -0.4, 1.5, 2.0]), np.array([0.2, 0.1, 0.3, 0.25, 0.05])
    fit = fit_iv(y, v, tau2_method="ml")
    made = profile_interval_mu(fit)

    def height(mu: float, t: float) -> float:
        return -0.5 * float(np.log(v + t).sum() + ((y - mu) ** 2 / (v + t)).sum())

    top = height(float(fit.beta[0]), fit.tau2)
    for limit in (made.low, made.high):
        best = max(height(limit, t) for t in np.linspace(0, 10, 40_001))

        assert top - best == pytest.approx(3.841458820694124 / 2, abs=1e-6)


@pytest.mark.parametrize("df", [1, 2, 5, 40])
@pytest.mark.parametrize("x", [0.01, 1.0, 6.0, 60.0])
def test_equal_weights_give_the_chi_square_tail(df: int, x: float) -> None:
    assert weighted_chi2_tail(3 * x, np.full(df, 3.0)) == pytest.approx(
        float(chi2_tail(x, df)), rel=1e-10, abs=1e-13
    )


def test_unequal_weights_agree_with_simulation() -> None:
    weights = np.array([3.0, 1.0, 0.2, 0.1])
    draws = np.random.default_rng(3).chisquare(1, (200_000, 4)) @ weights

    assert weighted_chi2_tail(6.0, weights) == pytest.approx((draws > 6.0).mean(), abs=0.004)


def test_jackson_interval_holds_the_moment_estimate() -> None:
    y, v = np.array([0.1, 0.9, -0.4, 1.5, 2.0]), np.array([0.2, 0.1, 0.3, 0.25, 0.05])
    fit = fit_iv(y, v, tau2_method="dl")

    for weights in ("variance", "standard-error"):
        made = jackson_interval(fit, weights=weights)

        assert made.low < fit.tau2 < made.high


def test_leave_one_out_is_the_deleted_series_of_influence() -> None:
    y, v = np.array([0.1, 0.9, -0.4, 1.5, 2.0]), np.array([0.2, 0.1, 0.3, 0.25, 0.05])
    fit = fit_iv(y, v)

    np.testing.assert_allclose(leave_one_out(fit).tau2, influence(fit).tau2_deleted)


def test_cumulative_ends_with_all_studies() -> None:
    y, v = np.array([0.1, 0.9, -0.4, 1.5]), np.array([0.2, 0.1, 0.3, 0.25])
    fit = fit_iv(y, v)
    made = cumulative(fit, order=[4, 3, 2, 1])

    assert made.position.tolist() == [3, 2, 1, 0]
    assert made.estimate[0] == pytest.approx(1.5)
    assert made.estimate[-1] == pytest.approx(fit.beta[0])


def test_permutation_test_of_three_studies_counts_all_orders() -> None:
    y, v = np.array([0.0, 1.0, 3.0, 4.1]), np.full(4, 0.1)
    x = np.array([0.0, 1.0, 2.0, 3.0])
    fit = fit_iv(y, v, design=np.column_stack([np.ones(4), x]), tau2_method="ee")
    made = permutation_test(fit)

    # Only the order itself and its reverse are as extreme among the 24.
    assert made.exact
    assert made.p_value[0] == pytest.approx(2 / 24)


def test_test_based_interval_has_no_value_for_two_equal_studies() -> None:
    assert math.isnan(from_test(0.5, 1)[1].low)


def test_prediction_needs_degrees_of_freedom() -> None:
    assert math.isnan(prediction_interval(0.0, 0.1, 0.2, 2).low)
    with pytest.raises(ValueError, match="unknown prediction"):
        prediction_interval(0.0, 0.1, 0.2, 5, method="guess")


def test_share_beyond_is_one_half_at_the_mean() -> None:
    assert share_beyond(0.4, 0.4, 0.3, se=0.2, df=7) == pytest.approx(0.5)
    assert share_beyond(0.4, 0.5, 0.0) == 1.0


@pytest.mark.parametrize("scale", ["logit", "log", "arcsine", "raw"])
def test_scales_come_back(scale: str) -> None:
    made = effects([3, 5, 9], [10, 20, 12], scale)

    np.testing.assert_allclose(back_transform(made.yi, scale), [0.3, 0.25, 0.75])


def test_freeman_tukey_comes_back_for_its_own_size() -> None:
    for x, n in ((0, 7), (3, 10), (10, 10)):
        y = effects([x], [n], "freeman-tukey").yi

        assert float(back_transform(y, "freeman-tukey", [n])[0]) == pytest.approx(x / n, abs=1e-12)


@pytest.mark.parametrize(
    ("correction", "changed"), [("only0", 1), ("if0all", 3), ("all", 3), ("none", 0)]
)
def test_continuity_rules(correction: str, changed: int) -> None:
    made = effects([0, 5, 9], [10, 20, 12], "logit", correction=correction)

    assert made.corrected.sum() == changed


def test_absolute_effect_of_an_odds_ratio() -> None:
    # Odds 1/4 times 2 are 1/2: a risk of one third.
    made = absolute_effect(2.0, 1.5, 3.0, 0.2, "OR")

    assert made.risk == pytest.approx(1 / 3)
    assert made.difference == pytest.approx(1000 * (1 / 3 - 0.2))
    assert made.nnt == pytest.approx(1 / (1 / 3 - 0.2))


def test_absolute_effect_that_includes_none_has_no_limits_of_nnt() -> None:
    assert math.isnan(absolute_effect(0.9, 0.7, 1.1, 0.2).nnt_low)


@pytest.mark.parametrize("model", ["UM.FS", "CM.EL"])
def test_exchanging_arms_turns_the_odds_ratio_round(model: str) -> None:
    arms = ([4, 1, 12, 7], [40, 25, 80, 61]), ([9, 2, 17, 6], [41, 24, 78, 60])
    one = fit_two_arm_glmm(*arms[0], *arms[1], model)
    two = fit_two_arm_glmm(*arms[1], *arms[0], model)

    assert two.estimate == pytest.approx(-one.estimate, abs=1e-7)
    assert two.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-9)


@pytest.mark.parametrize("model", ["UM.FS", "CM.EL"])
def test_an_empty_study_adds_nothing(model: str) -> None:
    full = fit_two_arm_glmm([4, 1, 12, 0], [40, 25, 80, 9], [9, 2, 17, 0], [41, 24, 78, 8], model)
    rest = fit_two_arm_glmm([4, 1, 12], [40, 25, 80], [9, 2, 17], [41, 24, 78], model)

    assert full.estimate == rest.estimate
    assert "left out" in full.notes[0]


def test_an_arm_without_events_has_no_maximum() -> None:
    made = fit_two_arm_glmm([0, 0], [20, 30], [3, 4], [20, 30])

    assert not made.converged
    assert made.estimate == -math.inf
