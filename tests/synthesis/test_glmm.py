"""The random-intercept logistic fit against R, its own limits and its invariances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.synthesis.glmm import (
    fit_equal_effects,
    fit_glmm,
    fit_glmm_many,
    heterogeneity_tests,
    profile_interval_mu,
    profile_interval_tau2,
)
from analysis.synthesis.quadrature import study_terms
from tests.synthesis.glmm_helpers import REFERENCE, oracle_sets

SETS = REFERENCE["sets"]
WITH_PEER = [name for name, entry in SETS.items() if entry.get("peer")]
WITH_MODERATOR = [name for name, entry in SETS.items() if "regression" in entry]
ORACLE = {entry["dataset"]: entry for entry in oracle_sets()}
#: Leave-one-out records where the reference's 161-point rule is too coarse (tau above 12); brute-force
#: grids of our likelihood, whose integrals mpmath confirms, give our values.
COARSE = {("edge_extreme_mix", 2), ("edge_extreme_mix", 4)}
needs_oracle = pytest.mark.skipif(not ORACLE, reason="the reference folder is not beside the repo")


def assert_fit(fit: Any, expected: dict[str, Any], rel: float) -> None:
    assert fit.converged
    np.testing.assert_allclose(fit.beta, expected["beta"], rtol=rel, atol=rel)
    np.testing.assert_allclose(fit.se, expected["se"], rtol=rel)
    assert fit.tau2 == pytest.approx(expected["tau2"], rel=rel, abs=1e-12)
    assert fit.log_likelihood == pytest.approx(expected["loglik"], rel=1e-11)


@pytest.mark.parametrize("name", SETS)
def test_fit_equals_exact_maximum_of_r(name: str) -> None:
    entry = SETS[name]
    fit = fit_glmm(entry["events"], entry["total"])
    assert_fit(fit, entry["exact"], 1e-7)
    assert fit.log_likelihood_equal == pytest.approx(entry["exact"]["loglik_equal"], rel=1e-11)
    assert fit.boundary == entry["exact"]["boundary"]


@pytest.mark.parametrize("name", WITH_MODERATOR)
def test_regression_equals_exact_maximum_of_r(name: str) -> None:
    entry = SETS[name]
    design = np.column_stack([np.ones(len(entry["events"])), entry["moderator"]])
    fit = fit_glmm(entry["events"], entry["total"], design=design)
    assert_fit(fit, entry["regression"], 1e-6)


@pytest.mark.parametrize("name", WITH_PEER)
def test_seven_nodes_equal_rma_glmm(name: str) -> None:
    """rma.glmm stops near 1e-5 of the maximum of its own seven-node likelihood."""
    entry = SETS[name]
    fit = fit_glmm(entry["events"], entry["total"], nodes=7)
    assert fit.mu == pytest.approx(entry["peer"]["rma_beta"], rel=2e-4, abs=2e-5)
    assert fit.tau2 == pytest.approx(entry["peer"]["rma_tau2"], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", WITH_PEER)
def test_heterogeneity_equals_rma_glmm(name: str) -> None:
    entry = SETS[name]
    tests = heterogeneity_tests(fit_glmm(entry["events"], entry["total"]))
    assert tests.lrt == pytest.approx(entry["peer"]["QE_LRT"], rel=1e-8)
    assert tests.wald == pytest.approx(entry["peer"]["QE_Wld"], rel=1e-4)
    assert tests.df == len(entry["events"]) - 1
    assert 0 <= tests.lrt_p <= 1
    assert 0 <= tests.p_tau <= 1


@needs_oracle
@pytest.mark.parametrize("name", ORACLE)
def test_exact_records(name: str) -> None:
    """Every exact maximum-likelihood record: whole set, leave-one-out and, where finite, profiles."""
    entry = ORACLE[name]
    x, n = np.array(entry["inputs"]["xi"], float), np.array(entry["inputs"]["ni"], float)
    for record in entry["records"]:
        out = record["outputs"]
        if record["id"] == "PLO.glmm.exact":
            fit = fit_glmm(x, n)
            if out.get("no_finite_mle"):
                assert not fit.converged
                assert fit.notes
                continue
            # the records' own gradients are up to 1e-5 for studies of 100,000
            rel = 1e-6 if out["max_abs_gradient"] > 1e-7 else 1e-7
            expected = {**out, "se": out["se_full_hessian"]}
            assert_fit(fit, expected, rel)
        elif record["kind"] == "exact_glmm.leave1out" and x.size > 1:
            fits = fit_glmm_many(x, n, 1 - np.eye(x.size))
            for i in range(x.size):
                if out["beta"][i] is None or (name, i) in COARSE:
                    continue
                assert fits.mu[i] == pytest.approx(out["beta"][i], rel=2e-6, abs=1e-8)
                assert fits.tau2[i] == pytest.approx(out["tau2"][i], rel=2e-6, abs=1e-9)
                assert fits.log_likelihood[i] == pytest.approx(out["loglik"][i], rel=1e-9)


@pytest.mark.parametrize("weights", [[1.0, 1.0, 1.0, 1.0], [0.5, 2.0, 1.0, 0.0]])
def test_gradient_vanishes_and_hessian_is_that_of_finite_differences(
    weights: list[float],
) -> None:
    x, n = np.array([3.0, 9, 4, 12]), np.array([20.0, 22, 25, 21])
    w = np.array(weights)
    fit = fit_glmm(x, n, weights=w)

    def value(mu: float, tau: float) -> float:
        return float((w * study_terms(x, n, np.array(mu), np.array(tau)).value).sum())

    h = 1e-3
    mu, tau = fit.mu, fit.tau
    assert (value(mu + h, tau) - value(mu - h, tau)) / (2 * h) == pytest.approx(0, abs=1e-5)
    assert (value(mu, tau + h) - value(mu, tau - h)) / (2 * h) == pytest.approx(0, abs=1e-5)
    second = (value(mu + h, tau) - 2 * value(mu, tau) + value(mu - h, tau)) / h**2
    assert second == pytest.approx(fit.hessian[0, 0], rel=1e-5)
    cross = (
        value(mu + h, tau + h) - value(mu + h, tau - h) - value(mu - h, tau + h)
        + value(mu - h, tau - h)
    ) / (4 * h * h)  # fmt: skip
    assert cross == pytest.approx(fit.hessian[0, 1], rel=1e-4)
    assert fit.log_likelihood == pytest.approx(value(mu, tau), rel=1e-12)
    assert fit.cov[0, 0] == pytest.approx(np.linalg.inv(-fit.hessian)[0, 0], rel=1e-9)


counts = st.lists(st.tuples(st.integers(2, 60), st.floats(0.05, 0.95)), min_size=3, max_size=9).map(
    lambda rows: ([max(1, min(n - 1, round(n * p))) for n, p in rows], [n for n, _ in rows])
)


@settings(max_examples=25, deadline=None)
@given(counts, st.randoms(use_true_random=False))
def test_order_mirror_weights_and_empty_studies(data: tuple[list, list], random: Any) -> None:
    x, n = np.array(data[0], float), np.array(data[1], float)
    fit = fit_glmm(x, n)
    assert fit.converged

    order = random.sample(range(x.size), x.size)
    again = fit_glmm(x[order], n[order])
    assert again.mu == pytest.approx(fit.mu, abs=1e-7)
    assert again.tau2 == pytest.approx(fit.tau2, rel=1e-6, abs=1e-8)

    mirrored = fit_glmm(n - x, n)
    assert mirrored.mu == pytest.approx(-fit.mu, abs=1e-7)
    assert mirrored.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-11)

    doubled = fit_glmm(x, n, weights=np.full(x.size, 2.0))
    assert doubled.mu == pytest.approx(fit.mu, abs=1e-7)
    assert doubled.log_likelihood == pytest.approx(2 * fit.log_likelihood, rel=1e-11)
    assert doubled.se[0] == pytest.approx(fit.se[0] / math.sqrt(2), rel=1e-5)

    padded = fit_glmm(np.append(x, 5), np.append(n, 9), weights=np.append(np.ones(x.size), 0))
    assert padded.beta[0] == fit.beta[0]
    assert padded.log_likelihood == fit.log_likelihood
    assert padded.information_share[-1] == 0.0
    assert fit.information_share.sum() == pytest.approx(1.0)
    assert (fit.information_share >= 0).all()


def test_groups_with_one_tau_have_their_own_means() -> None:
    x, n = np.array([3, 9, 4, 12, 30, 41.0]), np.array([20, 22, 25, 21, 40, 50.0])
    group = np.array([0, 0, 0, 1, 1, 1])
    cells = fit_glmm(x, n, design=np.eye(2)[group])
    contrast = fit_glmm(x, n, design=np.column_stack([np.ones(6), group]))
    assert cells.log_likelihood == pytest.approx(contrast.log_likelihood, rel=1e-12)
    assert cells.beta[1] - cells.beta[0] == pytest.approx(contrast.beta[1], rel=1e-7)


@pytest.mark.parametrize(
    ("x", "n", "mu"),
    [
        pytest.param([0, 0], [15, 30], -math.inf, id="no-events"),
        pytest.param([15, 30], [15, 30], math.inf, id="only-events"),
        pytest.param([0], [9], -math.inf, id="one-study-no-events"),
    ],
)
def test_no_finite_maximum_is_said(x: list[int], n: list[int], mu: float) -> None:
    fit = fit_glmm(x, n)
    assert not fit.converged
    assert fit.mu == mu
    assert "no finite maximum" in fit.notes[0]
    assert math.isnan(profile_interval_mu(fit).low)
    assert profile_interval_tau2(fit).note
    many = fit_glmm_many(x, n)
    assert many.mu[0] == mu
    assert not many.converged[0]


def test_extremes_alone_let_tau_run_off() -> None:
    fit = fit_glmm([0, 10, 0], [8, 10, 12])
    assert not fit.converged
    assert "0 % or 100 %" in fit.notes[0]
    assert not fit_glmm_many([0, 10, 0], [8, 10, 12]).converged[0]


def test_one_patient_each_does_not_identify_tau() -> None:
    fit = fit_glmm([0, 1, 1, 0, 1], [1, 1, 1, 1, 1])
    assert fit.tau == 0
    assert "not identified" in fit.notes[0]
    assert fit.mu == pytest.approx(math.log(3 / 2))


def test_one_study_is_its_own_logit() -> None:
    fit = fit_glmm([7], [20])
    assert fit.boundary
    assert fit.mu == pytest.approx(math.log(7 / 13))
    assert fit.se[0] == pytest.approx(math.sqrt(1 / 7 + 1 / 13))
    assert heterogeneity_tests(fit).df == 0


def test_identical_proportions_are_at_the_boundary() -> None:
    fit = fit_glmm([2, 4, 6, 8], [10, 20, 30, 40])
    assert fit.boundary
    assert fit.converged
    assert fit.mu == pytest.approx(math.log(0.25))
    assert profile_interval_tau2(fit).low == 0.0


def test_separated_group_leaves_the_rest_finite() -> None:
    fit = fit_glmm([0, 0, 5, 9], [9, 12, 20, 22], design=np.eye(2)[[0, 0, 1, 1]])
    alone = fit_glmm([5, 9], [20, 22])
    assert not fit.converged
    assert fit.beta[0] == -math.inf
    assert fit.beta[1] == pytest.approx(alone.mu, rel=1e-9)
    assert fit.log_likelihood == pytest.approx(alone.log_likelihood, rel=1e-12)


def test_likelihood_below_the_smallest_double() -> None:
    fit = fit_equal_effects([0, 5000], [5000, 5000])
    assert fit.log_likelihood < -3000
    assert math.isfinite(fit.log_likelihood)


def test_fixed_tau_at_zero_pools_the_counts() -> None:
    fit = fit_equal_effects([1, 2], [10, 10])
    assert fit.mu == pytest.approx(math.log(3 / 17))
    assert fit.se[0] == pytest.approx(math.sqrt(1 / 3 + 1 / 17))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"events": [3], "total": [2]}, "between 0 and total", id="too-many-events"),
        pytest.param({"events": [1, 2], "total": [2]}, "shape", id="shapes"),
        pytest.param({"events": [0], "total": [0]}, "positive", id="empty-study"),
        pytest.param({"events": [], "total": []}, "no studies", id="nothing"),
        pytest.param({"events": [math.nan], "total": [2]}, "finite", id="missing"),
        pytest.param({"events": [1], "total": [2], "weights": [-1]}, "negative", id="weight"),
        pytest.param({"events": [1], "total": [2], "weights": [0]}, "positive weight", id="none"),
        pytest.param({"events": [1], "total": [2], "design": [[1, 2], [3, 4]]}, "rows", id="rows"),
        pytest.param({"events": [1, 1], "total": [2, 2], "design": [[1, 1], [1, 1]]}, "dependent", id="rank"),
        pytest.param({"events": [[1]], "total": [2]}, "one analysis", id="table"),
    ],
)
def test_faulty_input_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_glmm(**arguments)


def test_many_equal_studies_are_merged_without_loss() -> None:
    rng = np.random.default_rng(2)
    n = rng.integers(5, 12, 400).astype(float)
    x = rng.binomial(n.astype(int), 0.3).astype(float)
    pairs, count = np.unique(np.column_stack([x, n]), axis=0, return_counts=True)
    merged = fit_glmm(pairs[:, 0], pairs[:, 1], weights=count)
    whole = fit_glmm(x, n)
    assert whole.mu == pytest.approx(merged.mu, rel=1e-10)
    assert whole.log_likelihood == pytest.approx(merged.log_likelihood, rel=1e-11)
    assert whole.information_share.size == 400
