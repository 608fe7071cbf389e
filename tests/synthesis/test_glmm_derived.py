"""What is made of refits (influence, subsets, bootstrap) and the rival models."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from analysis.synthesis import beta_binomial
from analysis.synthesis.beta_binomial import fit_beta_binomial
from analysis.synthesis.bootstrap import bootstrap
from analysis.synthesis.glmm import fit_glmm, heterogeneity_tests
from analysis.synthesis.glmm_influence import (
    glmm_cumulative,
    glmm_influence,
    glmm_leave_one_out,
)
from analysis.synthesis.gosh import gosh, subset_masks
from analysis.synthesis.interval_censored import fit_interval_censored
from analysis.synthesis.three_level import fit_three_level, fit_three_level_effects
from tests.synthesis.glmm_helpers import REFERENCE

X = [3, 9, 4, 12, 0, 20, 7]
N = [20, 22, 25, 21, 14, 60, 9]
HALF_CHI2 = 1.9207294103470620


def test_influence_measures_follow_from_refits() -> None:
    whole = fit_glmm(X, N)
    result = glmm_influence(X, N, labels=list("abcdefg"))
    for i in range(len(X)):
        kept = [j for j in range(len(X)) if j != i]
        part = fit_glmm([X[j] for j in kept], [N[j] for j in kept])
        gap = whole.mu - part.mu
        assert result.dffits[i] == pytest.approx(gap / part.se[0], rel=1e-6)
        assert result.cooks_distance[i] == pytest.approx((gap / whole.se[0]) ** 2, rel=1e-6)
        assert result.cov_ratio[i] == pytest.approx((part.se[0] / whole.se[0]) ** 2, rel=1e-6)
        assert result.tau2_deleted[i] == pytest.approx(part.tau2, rel=1e-5, abs=1e-9)
        assert result.q_deleted[i] == pytest.approx(heterogeneity_tests(part).wald, rel=1e-9)
    assert result.weight.sum() == pytest.approx(1)
    assert [row["study"] for row in result.rows()] == list("abcdefg")


def test_deleted_residual_is_a_quantile_of_the_prediction() -> None:
    """Simulated counts of the left-out study: the mid-p share below gives the same quantile."""
    result = glmm_influence(X, N)
    rng = np.random.default_rng(0)
    for i in (1, 4):
        sd = math.hypot(math.sqrt(result.without.tau2[i]), result.without.se[i])
        theta = result.without.mu[i] + sd * rng.standard_normal(400_000)
        draws = rng.binomial(N[i], 1 / (1 + np.exp(-theta)))
        mid = (draws < X[i]).mean() + 0.5 * (draws == X[i]).mean()
        assert result.rstudent[i] == pytest.approx(stats.norm.ppf(mid), abs=0.02)


def test_outlier_is_flagged() -> None:
    result = glmm_influence([10, 11, 9, 10, 39], [40, 40, 40, 40, 40])
    assert result.influential.tolist()[-1]
    assert int(np.argmax(np.abs(result.rstudent))) == 4


@pytest.mark.parametrize(
    ("x", "n", "message"),
    [([3], [9], "two studies"), ([0, 0], [9, 9], "no finite maximum")],
)
def test_influence_refuses(x: list[int], n: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        glmm_influence(x, n)


def test_labels_must_match() -> None:
    with pytest.raises(ValueError, match="labels"):
        glmm_influence(X, N, labels=["a"])


def test_cumulative_ends_at_the_whole() -> None:
    order = [6, 0, 1, 2, 3, 4, 5]
    steps = glmm_cumulative(X, N, order=order)
    first_two = fit_glmm([X[6], X[0]], [N[6], N[0]])
    assert steps.fits.mu[-1] == pytest.approx(fit_glmm(X, N).mu, rel=1e-8)
    assert steps.fits.mu[1] == pytest.approx(first_two.mu, rel=1e-8)
    assert [row["k"] for row in steps.rows()] == list(range(1, 8))
    with pytest.raises(ValueError, match="every study once"):
        glmm_cumulative(X, N, order=[0, 0, 1])


def test_leave_one_out_has_one_fit_a_study() -> None:
    assert glmm_leave_one_out(X, N).size == len(X)


def test_gosh_takes_all_subsets_when_few() -> None:
    result = gosh(X[:4], N[:4])
    assert result.complete
    assert len({tuple(row) for row in result.masks.tolist()}) == 15
    whole = result.masks.all(1)
    assert result.values["estimate"][whole][0] == pytest.approx(fit_glmm(X[:4], N[:4]).mu)
    assert len(result.rows()) == 9


def test_gosh_sample_is_seeded() -> None:
    first, second = (subset_masks(25, subsets=500, seed=s)[0] for s in (7, 7))
    np.testing.assert_array_equal(first, second)
    masks, complete = subset_masks(25, subsets=500, seed=8, smallest=3)
    assert not complete
    assert masks.sum(1).min() >= 3
    assert masks.mean() == pytest.approx(0.5, abs=0.03)


def test_gosh_takes_another_fitter() -> None:
    x, n = np.array(X, float), np.array(N, float)

    def pooled(masks: np.ndarray) -> dict[str, np.ndarray]:
        return {"estimate": masks @ x / (masks @ n), "tau2": np.zeros(masks.shape[0])}

    result = gosh(X, N, fit_many=pooled, smallest=2)
    assert result.size == 2**7 - 1 - 7
    with pytest.raises(ValueError, match="tau2"):
        gosh(X, N, fit_many=lambda masks: {"estimate": np.zeros(masks.shape[0])})


@pytest.mark.parametrize("arguments", [{"smallest": 0}, {"smallest": 9}, {"subsets": 0}])
def test_gosh_refuses(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        subset_masks(7, **arguments)


def test_bootstrap_is_seeded_and_ordered() -> None:
    first, again = (bootstrap(X, N, draws=400, seed=5) for _ in range(2))
    assert first.prediction_mu == again.prediction_mu
    assert first.prediction_mu.low < first.ci_mu.low < first.fit.mu
    assert first.fit.mu < first.ci_mu.high < first.prediction_mu.high
    assert first.ci_tau2.low <= first.fit.tau2 <= first.ci_tau2.high
    assert len(first.rows()) == 3


def test_bootstrap_of_many_studies_is_near_the_normal() -> None:
    """With 150 studies the pivots are nearly normal: z times the spread."""
    rng = np.random.default_rng(9)
    n = np.full(150, 60)
    x = rng.binomial(n, 1 / (1 + np.exp(-(0.3 + 0.6 * rng.standard_normal(150)))))
    result = bootstrap(x, n, draws=4000, seed=2)
    half = 1.96 * math.hypot(result.fit.tau, result.fit.se[0])
    assert result.prediction_mu.high - result.fit.mu == pytest.approx(half, rel=0.08)
    assert result.fit.mu - result.prediction_mu.low == pytest.approx(half, rel=0.08)


def test_bootstrap_counts_draws_without_a_maximum() -> None:
    result = bootstrap([0, 1, 0], [12, 40, 18], draws=300, seed=1)
    assert result.failed > 50
    assert "without a finite maximum" in result.ci_mu.note
    with pytest.raises(ValueError, match="no finite maximum"):
        bootstrap([0, 0], [9, 9])
    with pytest.raises(ValueError, match="draws"):
        bootstrap(X, N, draws=1)


def beta_binomial_value(mu: float, rho: float, x: list[int], n: list[int]) -> float:
    p, size = 1 / (1 + math.exp(-mu)), 1 / rho - 1
    return float(stats.betabinom.logpmf(x, n, p * size, (1 - p) * size).sum())


def test_beta_binomial_equals_scipy() -> None:
    fit = fit_beta_binomial(X, N)
    assert fit.log_likelihood == pytest.approx(beta_binomial_value(fit.mu, fit.rho, X, N), rel=1e-10)
    found = optimize.minimize(
        lambda v: -beta_binomial_value(v[0], 1 / (1 + math.exp(-v[1])), X, N),
        [0.0, -1.0],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-13},
    )
    assert fit.mu == pytest.approx(found.x[0], abs=1e-6)
    assert fit.rho == pytest.approx(1 / (1 + math.exp(-found.x[1])), abs=1e-6)
    assert fit.aic == pytest.approx(4 + 2 * found.fun, rel=1e-9)


def test_beta_binomial_profile_ends_are_at_the_cut() -> None:
    fit = fit_beta_binomial(X, N)
    for end in (fit.ci_mu.low, fit.ci_mu.high):
        top = optimize.minimize_scalar(
            lambda v, end=end: -beta_binomial_value(end, v, X, N), bounds=(1e-6, 0.9),
            method="bounded", options={"xatol": 1e-10},
        )  # fmt: skip
        assert -top.fun == pytest.approx(fit.log_likelihood - HALF_CHI2, abs=1e-6)
    for end in (fit.ci_rho.low, fit.ci_rho.high):
        top = optimize.minimize_scalar(
            lambda v, end=end: -beta_binomial_value(v, end, X, N), bounds=(-6, 4),
            method="bounded", options={"xatol": 1e-10},
        )  # fmt: skip
        assert -top.fun == pytest.approx(fit.log_likelihood - HALF_CHI2, abs=1e-6)


def test_beta_binomial_boundary_is_the_binomial() -> None:
    fit = fit_beta_binomial([2, 4, 6, 8], [10, 20, 30, 40])
    assert fit.boundary
    assert fit.rho == 0
    assert fit.mu == pytest.approx(math.log(0.25))
    assert fit.ci_rho.low == 0


@pytest.mark.parametrize(("x", "n", "mu"), [([0, 0], [4, 9], -math.inf), ([4, 9], [4, 9], math.inf)])
def test_beta_binomial_without_a_maximum(x: list[int], n: list[int], mu: float) -> None:
    fit = fit_beta_binomial(x, n)
    assert fit.mu == mu
    assert not fit.converged
    assert fit.notes


def test_beta_binomial_of_extremes_says_so() -> None:
    fit = fit_beta_binomial([0, 9], [4, 9])
    assert not fit.converged
    assert "rho tends to 1" in fit.notes[0]
    with pytest.raises(ValueError, match="whole numbers"):
        fit_beta_binomial([0.5], [4])


@pytest.mark.parametrize(
    ("x", "n"),
    [
        pytest.param([0, 100_000, 1, 0], [100_000] * 4, id="opposed"),
        pytest.param([3, 9], [20, 90_000], id="one-large"),
    ],
)
def test_beta_binomial_of_large_studies_needs_few_terms(
    x: list[int], n: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    terms = []
    whole = beta_binomial._Likelihood.__call__

    def counted(self: beta_binomial._Likelihood, mu: float, g: float) -> tuple:
        terms.append(self.j.size)
        return whole(self, mu, g)

    monkeypatch.setattr(beta_binomial._Likelihood, "__call__", counted)
    fit = fit_beta_binomial(x, n)

    # one pass over the whole numbers below the largest study, ten times over, would be more
    assert sum(terms) < 10 * max(n)
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(beta_binomial_value(fit.mu, fit.rho, x, n), abs=1e-6)
    for mu, rho in [(fit.mu + 0.02, fit.rho), (fit.mu - 0.02, fit.rho), (fit.mu, fit.rho * 0.98)]:
        assert beta_binomial_value(mu, rho, x, n) < fit.log_likelihood


@pytest.mark.parametrize(
    ("low", "size"), [(0, 9), (16, 16), (64, 50), (2**12, 2**12)], ids=["few", "least", "part", "long"]
)
@pytest.mark.parametrize(("p", "g"), [(1e-9, 1e6), (0.3, 0.1), (0.9, 1e-6)], ids=["steep", "plain", "flat"])
def test_a_long_sum_is_exact_with_few_points(low: int, size: int, p: float, g: float) -> None:
    j, once = beta_binomial._sum_rule(float(low), float(size))

    assert j.size <= beta_binomial.SUM_POINTS
    whole = math.fsum(math.log(p + i * g) for i in range(low, low + size))
    assert once @ np.log(p + j * g) == pytest.approx(whole, rel=1e-14)


def test_a_spread_far_below_the_usual_start_has_its_limit() -> None:
    fit = fit_beta_binomial([119_131, 1], [525_863, 1])

    assert fit.boundary
    assert 0 < fit.ci_rho.high < 1


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 19), st.just(20)), min_size=2, max_size=8))
def test_beta_binomial_mirror(rows: list[tuple[int, int]]) -> None:
    x, n = [r[0] for r in rows], [r[1] for r in rows]
    fit, mirrored = fit_beta_binomial(x, n), fit_beta_binomial([b - a for a, b in rows], n)
    assert mirrored.mu == pytest.approx(-fit.mu, abs=1e-6)
    assert mirrored.rho == pytest.approx(fit.rho, abs=1e-6)


def test_equal_bounds_are_the_plain_model() -> None:
    plain, ranged = fit_glmm(X, N), fit_interval_censored(X, X, N)
    assert ranged.mu == pytest.approx(plain.mu, abs=1e-10)
    assert ranged.se == pytest.approx(plain.se[0], rel=1e-10)
    assert ranged.tau2 == pytest.approx(plain.tau2, rel=1e-9)
    assert ranged.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)


def test_range_likelihood_is_the_sum_of_its_counts() -> None:
    """At the estimate, summing the plain likelihood over the range by hand gives the same."""
    from analysis.synthesis.quadrature import study_terms

    low, high = [3, 8, 2, 12, 0, 20, 7], [3, 10, 6, 12, 1, 20, 7]
    fit = fit_interval_censored(low, high, N)
    by_hand = 0.0
    for a, b, n in zip(low, high, N, strict=True):
        counts = np.arange(a, b + 1.0)
        value = study_terms(counts, np.array(float(n)), np.array(fit.mu), np.array(fit.tau)).value
        by_hand += math.log(np.exp(value).sum())
    assert fit.log_likelihood == pytest.approx(by_hand, rel=1e-11)

    def negative(v: np.ndarray) -> float:
        total = 0.0
        for a, b, n in zip(low, high, N, strict=True):
            counts = np.arange(a, b + 1.0)
            value = study_terms(counts, np.array(float(n)), np.array(v[0]), np.array(v[1])).value
            total -= math.log(np.exp(value).sum())
        return total

    found = optimize.minimize(negative, [0.0, 0.5], method="Nelder-Mead", options={"xatol": 1e-8})
    assert fit.mu == pytest.approx(found.x[0], abs=1e-5)
    assert fit.tau == pytest.approx(abs(found.x[1]), abs=1e-5)


def test_ignorance_adds_nothing() -> None:
    with_blank = fit_interval_censored([*X, 0], [*X, 30], [*N, 30])
    assert with_blank.mu == pytest.approx(fit_glmm(X, N).mu, abs=1e-9)


def test_ranges_down_to_zero_have_no_maximum() -> None:
    fit = fit_interval_censored([0, 0], [2, 1], [10, 12])
    assert not fit.converged
    assert "no finite maximum" in fit.notes[0]


@pytest.mark.parametrize(
    ("low", "high", "n", "message"),
    [
        ([3], [2], [9], "bounds"),
        ([0.5], [2], [9], "whole numbers"),
        ([1, 2], [2], [9], "one length"),
    ],
)
def test_faulty_bounds(low: list, high: list, n: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_interval_censored(low, high, n)


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_three_level_equals_rma_mv(method: str) -> None:
    """rma.mv works on the logarithms of the variances with a tolerance of about 1e-7."""
    entry = REFERENCE["three_level"]
    fit = fit_three_level(entry["events"], entry["total"], entry["study"], method=method)
    expected = entry[method]
    assert fit.converged
    assert fit.mu == pytest.approx(expected["mu"], abs=2e-6)
    assert fit.se == pytest.approx(expected["se"], rel=1e-5)
    assert fit.sigma2_study == pytest.approx(expected["sigma2_study"], rel=2e-5, abs=1e-6)
    assert fit.sigma2_arm == pytest.approx(expected["sigma2_arm"], rel=2e-5, abs=1e-6)
    assert fit.log_likelihood == pytest.approx(expected["loglik"], rel=1e-8)
    assert fit.log_likelihood >= expected["loglik"] - 1e-9


def test_three_level_says_what_it_cannot_tell() -> None:
    alone = fit_three_level_effects([0.1, 0.9, 0.4], [0.02] * 3, ["a", "b", "c"])
    assert alone.sigma2_study == 0
    assert "one arm" in alone.notes[0]
    together = fit_three_level_effects([0.1, 0.9, 0.4], [0.02] * 3, ["a", "a", "a"])
    assert "one study" in together.notes[0]
    wide = fit_three_level_effects([0.1, 0.9, 0.4], [0.02] * 3, ["a", "a", "b"], test="t")
    narrow = fit_three_level_effects([0.1, 0.9, 0.4], [0.02] * 3, ["a", "a", "b"])
    assert wide.ci_mu.low < narrow.ci_mu.low


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "dl"}, "method"),
        ({"test": "f"}, "test"),
        ({"variances": [0.1, 0.0]}, "above zero"),
        ({"study": ["a"]}, "1 study for 2 effects"),
    ],
)
def test_three_level_refuses(arguments: dict, message: str) -> None:
    given_ = {"effects": [0.1, 0.2], "variances": [0.1, 0.1], "study": ["a", "b"], **arguments}
    with pytest.raises(ValueError, match=message):
        fit_three_level_effects(**given_)
