"""Edges of the models on counts: what has no maximum, what is refused, and the rows that results give."""

from __future__ import annotations

import dataclasses
import importlib
import math
import pkgutil

import numpy as np
import pytest
from scipy import stats

import analysis.synthesis
from analysis.synthesis import _engine, glmm_many, quadrature
from analysis.synthesis.beta_binomial import fit_beta_binomial
from analysis.synthesis.glmm import fit_glmm, fit_glmm_many, heterogeneity_tests
from analysis.synthesis.glmm_two_by_two import fit_two_arm_glmm
from analysis.synthesis.gosh import subset_masks
from analysis.synthesis.interval_censored import fit_interval_censored
from analysis.synthesis.interval_censored_profile import profile_interval_censored_mu
from analysis.synthesis.intervals import profile_interval_mu
from analysis.synthesis.inverse_variance import fit_iv, fit_iv_many
from analysis.synthesis.ordinal import proportional_odds
from analysis.synthesis.pooled import pool
from analysis.synthesis.prediction import share_beyond
from analysis.synthesis.subgroups import compare_subgroups
from analysis.synthesis.tau2 import tau2_many, tau2_standard_error
from analysis.synthesis.two_arm import pool_two_arm
from analysis.synthesis.weighted import Problem

X, N = [3, 9, 4, 12, 7, 20, 2], [20, 22, 25, 21, 14, 60, 31]
GROUP = list("aabbabb")


def test_warming_up_is_said() -> None:
    assert analysis.synthesis.warm_up() == (_engine.kernels() is not None)


def test_rows_of_the_logistic_model() -> None:
    fit = fit_glmm(X, N, design=np.column_stack([np.ones(7), np.arange(7.0)]))
    first, second = fit.rows()

    assert (first["coefficient"], second["coefficient"]) == (0, 1)
    assert (second["beta"], second["se"], second["tau2"]) == (fit.beta[1], fit.se[1], fit.tau2)
    assert fit.k == 7
    assert fit_glmm(X, N, weights=[1, 1, 0, 1, 2, 1, 0]).k == 5


def test_rows_of_the_tests_of_heterogeneity() -> None:
    tests = heterogeneity_tests(fit_glmm(X, N))
    wald, ratio, tau = tests.rows()

    assert (wald["statistic"], wald["df"], wald["p"]) == (tests.wald, 6, tests.wald_p)
    assert (ratio["test"], ratio["p"]) == ("likelihood ratio", tests.lrt_p)
    assert (tau["df"], tau["p"]) == (1, tests.p_tau)


def test_equal_rates_leave_no_doubt_of_tau() -> None:
    tests = heterogeneity_tests(fit_glmm([5, 5, 5], [20, 20, 20]))

    assert (tests.lrt_tau, tests.p_tau) == (0.0, 1.0)
    assert tests.wald == pytest.approx(0, abs=1e-12)
    assert tests.wald_p == pytest.approx(1)


def test_one_study_has_no_test_of_heterogeneity() -> None:
    tests = heterogeneity_tests(fit_glmm([5], [20]))

    assert tests.df == 0
    assert math.isnan(tests.wald_p) and math.isnan(tests.lrt_p)


def test_no_study_between_nought_and_all_leaves_no_wald_test() -> None:
    tests = heterogeneity_tests(fit_glmm([0, 5, 7], [6, 5, 7]))

    assert tests.wald == 0
    assert tests.lrt > 5


@pytest.mark.parametrize(
    ("x", "n", "note"),
    [
        pytest.param([0, 6], [6, 6], "every study is at 0 % or 100 %", id="extremes"),
        pytest.param([0, 0], [6, 6], "run", id="no events"),
    ],
)
def test_models_without_a_maximum_say_why(x: list, n: list, note: str) -> None:
    fit = fit_glmm(x, n)

    assert not fit.converged
    assert note in " ".join(fit.notes)


def test_studies_at_extremes_with_a_moderator_are_noted() -> None:
    design = np.column_stack([np.ones(6), [0.0, 1, 0, 1, 0, 1]])
    fit = fit_glmm([0, 0, 6, 5, 0, 7], [6, 6, 6, 5, 5, 7], design=design)

    assert not fit.converged
    assert "no finite maximum" in fit.notes[0]


def test_rows_of_the_beta_binomial_model() -> None:
    fit = fit_beta_binomial(X, N)
    row = fit.rows()[0]

    assert fit.estimate == pytest.approx(1 / (1 + math.exp(-fit.mu)))
    assert fit.aic == pytest.approx(4 - 2 * fit.log_likelihood)
    assert (row["rho"], row["ci_low_mu"], row["estimate"]) == (fit.rho, fit.ci_mu.low, fit.estimate)


@pytest.mark.parametrize(
    ("x", "n"),
    [pytest.param(X, N, id="spread"), pytest.param([5, 5], [10, 10], id="binomial")],
)
def test_the_beta_binomial_fit_holds_plain_numbers(x: list, n: list) -> None:
    fit = fit_beta_binomial(x, n)

    numbers = [fit.mu, fit.se, fit.rho, fit.log_likelihood, fit.ci_mu.low, fit.ci_mu.high]
    assert {type(each) for each in [*numbers, fit.ci_rho.low, fit.ci_rho.high]} == {float}
    assert {type(fit.converged), type(fit.boundary)} == {bool}


def test_limits_of_rho_drop_by_half_a_chi_square() -> None:
    x, n = np.array([0, 4, 0, 5, 1]), np.array([4, 4, 3, 5, 2])
    fit = fit_beta_binomial(x, n)

    def best(rho: float) -> float:
        size = 1 / rho - 1
        rates = np.linspace(0.2, 0.8, 6001)[:, None]
        return float(stats.betabinom.logpmf(x, n, rates * size, (1 - rates) * size).sum(1).max())

    top = best(fit.rho)
    assert top == pytest.approx(fit.log_likelihood, abs=1e-6)
    for limit in (fit.ci_rho.low, fit.ci_rho.high):
        assert top - best(limit) == pytest.approx(3.841458820694124 / 2, abs=1e-5)


def test_error_of_the_beta_binomial_at_the_boundary_is_the_binomial_one() -> None:
    fit = fit_beta_binomial([5, 5, 5], [20, 20, 20])

    assert fit.boundary
    assert fit.se == pytest.approx(1 / math.sqrt(60 * 0.25 * 0.75), rel=1e-7)


def test_range_of_all_counts_says_nothing_and_rows_tell() -> None:
    fit = fit_interval_censored([3, 0, 4], [5, 9, 4], [20, 9, 25])
    bare = fit_interval_censored([3, 4], [5, 4], [20, 25])

    assert fit.mu == pytest.approx(bare.mu, rel=1e-9)
    assert fit.rows()[0]["tau2"] == fit.tau2


@pytest.mark.parametrize(
    ("low", "high", "n", "options", "message"),
    [
        pytest.param([1], [2, 3], [4], {}, "lists of one length", id="lengths"),
        pytest.param([], [], [], {}, "lists of one length", id="nothing"),
        pytest.param([1], [2.5], [4], {}, "events_high must hold whole", id="half"),
        pytest.param([1], [2], [np.nan], {}, "total is nan, not a finite number", id="missing"),
        pytest.param([3], [2], [4], {}, "0 <= events_low <=", id="turned"),
        pytest.param([1], [5], [4], {}, "0 <= events_low <=", id="more than all"),
        pytest.param([-1], [2], [4], {}, "0 <= events_low <=", id="negative"),
        pytest.param([1], [2], [4], {"weights": [0.0]}, "weights must be finite", id="no weight"),
        pytest.param([1], [2], [4], {"weights": [-1.0]}, "weights must be finite", id="negative weight"),
        pytest.param([1], [2], [4], {"weights": [1.0, 1.0]}, "weights must be finite", id="many weights"),
        pytest.param([1], [2], [4], {"weights": [np.inf]}, "weights must be finite", id="endless weight"),
    ],
)
def test_faulty_ranges_are_refused(low: list, high: list, n: list, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_interval_censored(low, high, n, **options)


@pytest.mark.parametrize(("low", "high"), [([0, 0], [3, 2]), ([4, 5], [9, 9])], ids=["none", "all"])
def test_ranges_that_all_reach_an_end_have_no_maximum(low: list, high: list) -> None:
    fit = fit_interval_censored(low, high, [9, 9])

    assert not fit.converged
    assert math.isnan(fit.tau2)
    assert fit.notes


def test_profile_of_ranges_holds_the_estimate() -> None:
    fit = fit_interval_censored([3, 8, 4, 12], [3, 10, 4, 12], [20, 22, 25, 21])
    made = profile_interval_censored_mu(fit)

    assert made.low < fit.mu < made.high
    assert profile_interval_censored_mu(fit, 0.8).low > made.low


def test_the_boundary_is_told_in_every_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = np.array([[5.0, 5, 5, 5], [1, 9, 3, 15]])
    _engine.warm_up()
    compiled = fit_glmm_many(counts, np.full(4, 20.0))
    monkeypatch.setattr(glmm_many, "kernels", lambda integrals=0: None)
    monkeypatch.setattr(quadrature, "kernels", lambda integrals=0: None)
    arrays = fit_glmm_many(counts, np.full(4, 20.0))

    for fits in (compiled, arrays):
        assert fits.boundary.tolist() == [True, False]
        assert fits.converged.all()


def test_a_single_subset_may_be_drawn() -> None:
    masks, complete = subset_masks(6, subsets=1)

    assert masks.shape == (1, 6)
    assert not complete


def test_subsets_keep_their_smallest_size() -> None:
    drawn, complete = subset_masks(5, subsets=20, smallest=4)
    whole, all_of_them = subset_masks(5, smallest=4)

    assert drawn.sum(1).min() == 4
    assert not complete
    # five ways to leave one out, and the whole
    assert (whole.shape, all_of_them) == ((6, 5), True)


def test_arms_without_a_common_grade_have_no_odds_ratio() -> None:
    with pytest.raises(ValueError, match="same grade"):
        proportional_odds([5, 0], [7, 0])
    with pytest.raises(ValueError, match="do not overlap"):
        proportional_odds([5, 0, 0], [0, 3, 4])
    with pytest.raises(ValueError, match="do not overlap"):
        proportional_odds([0, 3, 4], [5, 0, 0])


def test_each_cut_of_the_grades_has_its_odds_ratio() -> None:
    fit = proportional_odds([12, 8, 5, 3], [6, 14, 9, 4])
    arms = (12, 20, 25), (6, 20, 29)

    for cut, a, c in zip(fit.cuts, *arms, strict=True):
        assert cut == pytest.approx(math.log(a / (28 - a)) - math.log(c / (33 - c)), rel=1e-12)


def test_rows_of_the_ordinal_model() -> None:
    fit = proportional_odds([12, 8, 5], [6, 14, 9])
    row = fit.rows()[0]

    assert row["estimate"] == fit.estimate
    assert row["lack_p"] == fit.lack_p
    assert fit.ratio == pytest.approx(math.exp(fit.estimate))


@pytest.mark.parametrize("tau2", ["common", "separate"])
def test_rows_and_object_of_subgroups_agree(tau2: str) -> None:
    made = compare_subgroups(X, N, GROUP, tau2=tau2)
    rows, plain = made.rows(), made.to_dict()

    assert [row["level"] for row in rows] == ["a", "b", "all"]
    assert rows[0]["k"] + rows[1]["k"] == rows[2]["k"] == 7
    assert rows[0]["events"] == 3 + 9 + 7
    assert rows[1]["estimate"] == plain["levels"]["b"]["estimate"] == made.pooled[1].estimate
    assert plain["statistic"] == made.statistic
    assert plain["tau2_mode"] == tau2


def test_a_profile_request_with_a_common_variance_gives_wald_intervals() -> None:
    profile, wald = (
        compare_subgroups(X, N, GROUP, model="iv", tau2_method="ml", ci_method=m) for m in ("profile", "wald")
    )

    assert "the intervals of the levels are Wald intervals" in " ".join(profile.notes)
    assert profile.pooled[0].ci_mu.low == wald.pooled[0].ci_mu.low


def test_a_separated_level_leaves_the_likelihood_ratio_test() -> None:
    made = compare_subgroups([0, 0, 5, 6, 3], [12, 15, 12, 11, 13], list("aabbb"))

    assert made.test_name == "likelihood ratio"
    assert made.df == 1
    assert 0 < made.p_value < 0.01
    apart = compare_subgroups([0, 0, 5, 6, 3], [12, 15, 12, 11, 13], list("aabbb"), tau2="separate")
    assert "left out of the test for want of a finite estimate: a" in apart.notes
    assert math.isnan(apart.p_value)


def test_one_level_is_nothing_to_compare() -> None:
    made = compare_subgroups(X, N, ["a"] * 7)

    assert (made.test_name, made.df) == ("none", 0)
    assert made.pooled[0].estimate == made.overall.estimate


@pytest.mark.parametrize(
    ("group", "options", "message"),
    [
        pytest.param(GROUP, {"tau2": "shared"}, "'shared'; known: common, separate", id="mode"),
        pytest.param(GROUP[:5], {}, "5 group entries for 7 studies", id="length"),
        pytest.param(GROUP, {"level": 1.5}, "level is 1.5", id="level"),
    ],
)
def test_faulty_groups_are_refused(group: list, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare_subgroups(X, N, group, **options)


def test_one_study_falls_back_to_the_normal_interval() -> None:
    made = pool([3], [20], model="iv", ci_method="knapp-hartung")

    assert made.ci_mu.method == "wald"
    assert "needs at least two studies" in made.ci_mu.note
    assert math.isnan(made.prediction.low)


def test_a_prediction_may_take_the_error_of_knapp_and_hartung() -> None:
    plain = pool(X, N, model="iv", ci_method="wald", prediction_method="t-k-1")
    kh = pool(X, N, model="iv", ci_method="wald", prediction_method="knapp-hartung")
    fit = kh.extra["fit"]
    wald_se = float(np.sqrt(fit.cov_wald[0, 0]))
    factor = fit.residual / (fit.k - 1)
    # t with six degrees of freedom for both
    wide = [math.sqrt(fit.tau2 + s * wald_se**2) for s in (factor, 1.0)]

    assert (kh.prediction_mu.high - kh.mu) / (plain.prediction_mu.high - plain.mu) == pytest.approx(
        wide[0] / wide[1], rel=1e-9
    )


def test_equal_effects_have_nothing_to_predict() -> None:
    made = pool(X, N, model="iv", tau2_method="ee")

    assert math.isnan(made.prediction.low)
    assert "equal effects" in made.prediction_mu.note
    assert made.rows()[0]["k"] == made.k == 7


def test_rows_of_two_arm_pooling_name_measure_and_method() -> None:
    made = pool_two_arm(X[:4], N[:4], [5, 8, 6, 10], [21, 20, 25, 22], "OR")
    rows = made.rows()

    assert {row["method"] for row in rows} >= {"mantel-haenszel", "peto", "wald"}
    assert {(row["measure"], row["k"]) for row in rows} == {("OR", 4)}
    assert made.tau2 == made.fit.tau2


def test_trials_with_a_zero_cell_are_counted_in_a_note() -> None:
    full = pool_two_arm(X[:4], N[:4], [5, 8, 6, 10], [21, 20, 25, 22], "OR")
    some = pool_two_arm([0, *X[1:4]], N[:4], [5, 8, 6, 10], [21, 20, 25, 22], "OR")

    assert not any("zero cell" in note for note in full.notes)
    assert "1 of 4 studies with a zero cell had 0.5 added" in some.notes


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_error_of_tau2_with_a_moderator_is_that_of_the_information(method: str) -> None:
    y, v = np.array([0.1, 0.9, -0.4, 1.5, 0.3, 2.0]), np.array([0.2, 0.1, 0.3, 0.25, 0.1, 0.05])
    x = np.column_stack([np.ones(6), np.arange(6.0) ** 2])
    fit = fit_iv(y, v, design=x, tau2_method=method)
    inverse = np.diag(1 / (v + fit.tau2))
    projection = inverse - inverse @ x @ np.linalg.inv(x.T @ inverse @ x) @ x.T @ inverse
    part = projection if method == "reml" else inverse

    assert fit.tau2 > 0.05
    assert fit.se_tau2 == pytest.approx(math.sqrt(2 / np.trace(part @ part)), rel=1e-8)


def _results() -> list[type]:
    modules = [
        importlib.import_module(f"analysis.synthesis.{module.name}")
        for module in pkgutil.iter_modules(analysis.synthesis.__path__)
        if not module.name.startswith("_")
    ]
    found = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    return sorted((c for c in found if dataclasses.is_dataclass(c)), key=lambda c: c.__qualname__)


@pytest.mark.parametrize("result", _results(), ids=lambda c: c.__qualname__)
def test_results_cannot_be_changed(result: type) -> None:
    assert result.__dataclass_params__.frozen


@pytest.mark.parametrize("method", ["hs", "sj", "pmm"])
def test_standard_errors_of_tau2_are_known_for_some_estimators(method: str) -> None:
    y, v = np.array([0.1, 0.9, -0.4, 1.5]), np.array([0.2, 0.1, 0.3, 0.25])
    error = tau2_standard_error(Problem(y, v), method, tau2_many(y, v, method).tau2)

    assert error[0] > 0


def test_the_median_estimator_puts_q_at_the_median() -> None:
    y, v = np.array([0.1, 0.9, -0.4, 1.5]), np.array([0.02, 0.1, 0.03, 0.25])
    tau2 = float(tau2_many(y, v, "pmm").tau2[0])
    w = 1 / (v + tau2)

    # the median of chi-square with three degrees of freedom
    assert w @ (y - w @ y / w.sum()) ** 2 == pytest.approx(2.3659738843753377, rel=1e-10)


def test_a_design_of_its_own_for_each_analysis() -> None:
    y, v = np.array([0.1, 0.9, -0.4, 1.5, 0.3]), np.array([0.2, 0.1, 0.3, 0.25, 0.1])
    x = np.column_stack([np.ones(5), np.arange(5.0)])
    orders = np.array([[0, 1, 2, 3, 4], [4, 1, 0, 2, 3]])
    many = fit_iv_many(y, v, design=x[orders], tau2_method="reml")

    for row, order in enumerate(orders):
        one = fit_iv_many(y, v, design=x[order], tau2_method="reml")
        np.testing.assert_allclose(many.beta[row], one.beta[0], rtol=1e-9)
        np.testing.assert_allclose(many.tau2[row], one.tau2[0], rtol=1e-7, atol=1e-12)


def test_a_limit_at_the_mean_of_one_true_rate_is_half_exceeded() -> None:
    assert share_beyond(0.5, 0.5, 0.0) == 0.5
    assert share_beyond(0.6, 0.5, 0.0) == 0.0


@pytest.mark.parametrize(
    ("design", "message"),
    [
        pytest.param(np.ones((5, 1)), "must have 7 rows", id="rows"),
        pytest.param(np.ones((7, 1, 1)), "3 dimensions", id="dimensions"),
        pytest.param(np.full(7, np.nan), "design is nan, not a finite number", id="missing"),
    ],
)
def test_faulty_designs_are_refused(design: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_glmm(X, N, design=design)


@pytest.mark.parametrize("model", ["UM.FS", "CM.EL"])
def test_a_control_arm_without_events_has_no_finite_odds_ratio(model: str) -> None:
    made = fit_two_arm_glmm([3, 4], [20, 30], [0, 0], [20, 30], model)

    assert made.estimate == math.inf
    assert not made.converged


def test_equal_effects_and_t_intervals_of_two_arms() -> None:
    arms = [4, 1, 12, 7], [40, 25, 80, 33], [9, 2, 17, 6], [41, 24, 78, 35]
    wald, student = (fit_two_arm_glmm(*arms, equal_effects=True, ci_method=ci) for ci in ("wald", "t"))

    assert wald.tau2 == student.tau2 == 0
    # t with three degrees of freedom
    assert student.ci_high - student.estimate == pytest.approx(3.182446305284263 * student.se, rel=1e-9)
    assert wald.ci_high - wald.estimate == pytest.approx(1.959963984540054 * wald.se, rel=1e-9)
    assert wald.rows()[0]["estimate"] == wald.estimate


@pytest.mark.parametrize(
    ("arms", "model", "message"),
    [
        pytest.param(([0], [9], [0], [8]), "UM.FS", "both events and non-events", id="no events"),
        pytest.param(([1], [9], [2], [8]), "XX", "unknown model 'XX'", id="model"),
    ],
)
def test_two_arms_that_cannot_be_fitted_are_refused(arms: tuple, model: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_two_arm_glmm(*arms, model)


def test_profile_of_the_mean_of_equal_estimates_is_that_of_their_sum() -> None:
    made = profile_interval_mu(fit_iv(np.full(4, 0.3), np.full(4, 0.04), tau2_method="ml"))

    # near its centre the likelihood has tau2 = 0, so that the normal interval results
    assert made.high - 0.3 == pytest.approx(1.959963984540054 * 0.1, rel=1e-6)
    assert 0.3 - made.low == pytest.approx(1.959963984540054 * 0.1, rel=1e-6)
