"""Searches that end early say so, and rare paths: spreads without end, weights, several designs, refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from analysis.synthesis import (
    beta_binomial,
    glmm_fixed_nodes,
    glmm_random_studies,
    glmm_two_by_two,
    interval_censored_profile,
    intervals,
    penalised_logistic,
    quadrature,
    three_level,
    trimfill,
)
from analysis.synthesis.beta_binomial import fit_beta_binomial
from analysis.synthesis.confidence_prediction import confidence_prediction
from analysis.synthesis.counts import CountsError
from analysis.synthesis.doi import doi
from analysis.synthesis.glmm import fit_equal_effects, fit_glmm
from analysis.synthesis.glmm_random_studies import fit_random_studies_glmm
from analysis.synthesis.glmm_two_by_two import fit_two_arm_glmm
from analysis.synthesis.interval_censored import fit_interval_censored
from analysis.synthesis.interval_censored_profile import profile_log_likelihood
from analysis.synthesis.inverse_variance import fit_iv, fit_iv_many
from analysis.synthesis.penalised_logistic import penalised_odds_ratio
from analysis.synthesis.pooled import pool
from analysis.synthesis.reconstruct import table_from_margins
from analysis.synthesis.subgroups import compare_subgroups
from analysis.synthesis.tau2 import tau2_standard_error
from analysis.synthesis.three_level import fit_three_level_effects
from analysis.synthesis.two_arm import pool_two_arm
from analysis.synthesis.weighted import Problem

X, N = [3, 9, 4, 12, 7, 20, 2], [20, 22, 25, 21, 14, 60, 31]
ARMS = [4, 2, 9, 11, 3], [20, 15, 30, 12, 22], [8, 1, 5, 10, 6], [20, 17, 31, 13, 25]
Y, V = np.array([0.1, 0.9, -0.4, 1.6, 0.7]), np.array([0.02, 0.4, 0.1, 0.9, 0.3])


def _three_level() -> Any:
    return fit_three_level_effects(Y, V, ["a", "a", "b", "b", "c"])


@pytest.mark.parametrize(
    ("module", "limit", "fit"),
    [
        pytest.param(beta_binomial, "MAX_ITERATIONS", lambda: fit_beta_binomial(X, N), id="beta-binomial"),
        pytest.param(glmm_two_by_two, "_STEPS", lambda: fit_two_arm_glmm(*ARMS), id="two-arm"),
        pytest.param(
            glmm_random_studies, "_STEPS", lambda: fit_random_studies_glmm(*ARMS), id="random-studies"
        ),
        pytest.param(penalised_logistic, "_STEPS", lambda: penalised_odds_ratio(*ARMS), id="penalised"),
        pytest.param(three_level, "MAX_ITERATIONS", _three_level, id="three-level"),
    ],
)
def test_an_ascent_cut_short_has_not_converged(
    module: Any, limit: str, fit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fit().converged
    monkeypatch.setattr(module, limit, 1)

    assert not fit().converged


def test_few_nodes_cut_short_fall_back_to_no_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    equal = fit_equal_effects(X, N)
    monkeypatch.setattr(glmm_fixed_nodes, "MAX_ITERATIONS", 1)
    found = fit_glmm(X, N, nodes=5)

    assert (found.tau, found.boundary) == (0.0, True)
    assert found.beta[0] == pytest.approx(equal.beta[0], rel=1e-12)


def test_a_profile_cut_short_is_the_likelihood_without_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = fit_interval_censored([3, 9, 4], [3, 10, 4], [20, 22, 25])
    monkeypatch.setattr(interval_censored_profile, "_MOST_STEPS", 0)
    flat = interval_censored_profile.interval_censored_log_likelihood(
        fit.events_low, fit.events_high, fit.total, -0.5, 0.0
    )

    assert profile_log_likelihood(fit, -0.5) == pytest.approx(flat, rel=1e-12)


@pytest.mark.parametrize("fit", [fit_two_arm_glmm, fit_random_studies_glmm], ids=["fixed", "random"])
def test_studies_that_pull_both_ways_without_end_have_no_finite_spread(fit: Any) -> None:
    found = fit([0, 10], [10, 10], [10, 0], [10, 10])

    assert not found.converged
    assert "still grows" in found.notes[-1]
    assert found.estimate == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("low", "high", "total"),
    [
        pytest.param([0, 30], [1, 30], [30, 30], id="bounded"),
        pytest.param([0, 30, 0, 30], [0, 30, 0, 30], [30] * 4, id="equal-bounds"),
    ],
)
def test_all_or_none_within_bounds_has_no_finite_maximum(low: list, high: list, total: list) -> None:
    found = fit_interval_censored(low, high, total)

    assert not found.converged
    assert math.isnan(found.mu)
    assert found.notes == ("the ascent found no finite maximum",)


def test_knapp_hartung_of_the_logistic_model_is_explained() -> None:
    named, plain = (pool(X, N, model="glmm", ci_method=name) for name in ("knapp-hartung", "t"))

    assert "no variance factor" in named.notes[0]
    assert (named.ci.low, named.ci.high) == pytest.approx((plain.ci.low, plain.ci.high), rel=1e-12)


def test_an_arm_without_events_leaves_mantel_haenszel_out() -> None:
    with_none = pool_two_arm([4, 2, 9], [20, 15, 30], [0, 0, 0], [20, 17, 31], "OR")

    assert "mantel-haenszel" not in with_none.effects
    assert "peto" in with_none.effects


def test_trim_and_fill_that_does_not_settle_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimfill, "_LIMIT", 1)
    with pytest.raises(ValueError, match="did not settle in 1 rounds"):
        trimfill.trim_and_fill(np.array([0.0, 0.01, 0.02, 0.03, 9.0, 10.0]), np.full(6, 0.1), estimator="R0")


def test_weights_enter_the_shares_of_studies() -> None:
    fit = fit_iv(Y, V, weights=np.array([1.0, 2.0, 0.0, 1.0, 1.0]), tau2=0.5)
    w = np.array([1, 2, 0, 1, 1]) / (V + 0.5)

    assert fit.study_weights == pytest.approx(w / w.sum())


def test_each_analysis_may_have_its_own_design() -> None:
    designs = np.stack([np.column_stack([np.ones(5), column]) for column in (np.arange(5.0), V)])
    many = fit_iv_many(Y, V, design=designs, tau2_method="dl")
    problem = Problem(Y, V, None, designs)

    for row in range(2):
        one = fit_iv(Y, V, design=designs[row], tau2_method="dl")
        assert many.beta[row] == pytest.approx(one.beta, rel=1e-10)
        assert many.tau2[row] == pytest.approx(one.tau2, rel=1e-10)
        assert problem.fitted(many.beta)[row] == pytest.approx(designs[row] @ one.beta)


def test_a_method_without_an_error_of_tau2_gives_none() -> None:
    assert np.isnan(tau2_standard_error(Problem(Y, V), "ee", np.zeros(1))).all()


def test_weights_of_one_row_serve_every_analysis() -> None:
    weights = np.array([1.0, 2.0, 0.0, 1.0, 1.0])
    many = fit_iv_many(np.stack([Y, Y**2]), V, weights=weights, tau2_method="dl")

    for row, y in enumerate((Y, Y**2)):
        one = fit_iv(y, V, weights=weights, tau2_method="dl")
        assert (many.k[row], many.mu[row]) == pytest.approx((5.0, one.beta[0]), rel=1e-12)
        assert many.tau2[row] == pytest.approx(one.tau2, rel=1e-12)


def test_of_two_tops_of_the_likelihood_the_higher_is_taken() -> None:
    # A precise study near the mean wants hardly any spread, a vague one far away wants much.
    residual, v, once = np.array([0.1, 300.0]), np.array([0.001, 100.0]), np.ones(2)
    found = intervals._tau2_known_mean(residual, v, once)

    def height(t: np.ndarray) -> np.ndarray:
        return -0.5 * (np.log(v + t) + residual**2 / (v + t)).sum(axis=1)

    grid = np.geomspace(1e-6, 1e6, 200_001)[:, None]
    heights = height(grid)
    tops = (heights[1:-1] > heights[:-2]) & (heights[1:-1] > heights[2:])
    assert tops.sum() == 2
    assert found == pytest.approx(float(grid[heights.argmax(), 0]), rel=1e-3)
    assert height(np.array([[found]]))[0] >= heights.max()


def test_a_far_point_of_the_integrand_does_not_overflow() -> None:
    x, n, p0, tau, u0, t = (np.array([value]) for value in (2.0, 3.0, 0.25, 100.0, 0.5, 4.0))
    # log(1 + p0 (e^400 - 1)) is 400 + log(p0) to all digits.
    expected = 2 * 400 - 3 * (400 + math.log(0.25)) - 4 * (0.5 + 2)

    assert quadrature._fall(x, n, p0, tau, u0, t)[0] == pytest.approx(expected, rel=1e-14)


def test_equal_effects_within_groups_have_no_spread_and_keep_their_estimates() -> None:
    group = list("aabbabb")
    made = compare_subgroups(X, N, group, model="iv", tau2_method="ee")
    alone = pool([3, 9, 7], [20, 22, 14], model="iv", tau2_method="ee")

    assert {part.tau2 for part in made.pooled} == {0.0}
    assert made.pooled[0].mu == pytest.approx(alone.mu, rel=1e-12)
    assert made.pooled[0].prediction_mu.note == alone.prediction_mu.note


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        pytest.param(
            lambda: confidence_prediction(Y, V, draws=99), ValueError, "at least 100", id="few-draws"
        ),
        pytest.param(lambda: confidence_prediction([0.1], [0.2]), ValueError, "two studies", id="one-study"),
        pytest.param(lambda: doi([1.0], [0.1]), ValueError, "at least two effects", id="doi-one"),
        pytest.param(lambda: doi([1.0, 2.0], [0.1, 0.0]), ValueError, "vi is 0.0", id="doi-variance"),
        pytest.param(
            lambda: table_from_margins(20, 30, 15, chi2=-1.0), ValueError, "is negative", id="chi-square"
        ),
        pytest.param(lambda: pool(7, [20]), CountsError, "0 dimensions", id="no-list"),
    ],
)
def test_what_cannot_be_worked_out_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_a_giant_study_does_not_hide_the_top_behind_a_fall():
    # The likelihood falls from rho = 0 and rises higher later; gradients solved to 40 digits by mpmath.
    fit = fit_beta_binomial([3, 40_000, 7], [25, 90_000, 31])

    assert fit.converged
    assert fit.rho == pytest.approx(0.07589926338169798, rel=1e-7)
    assert fit.estimate == pytest.approx(0.28667807099965488, rel=1e-7)
