"""Small-study tests, trim and fill and fail-safe numbers against R.

Values: metafor 3.8-1 under R 4.2.2 (`regtest`, `ranktest`, `trimfill`, `fsn`), and plain `lm` of R for
Harbord's test, as the regression of ``Z / sqrt(V)`` on ``sqrt(V)``, and for Peters' test.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from analysis.synthesis.bias import harbord_test, peters_test, rank_test, regression_test, size_test
from analysis.synthesis.fail_safe import fail_safe_n
from analysis.synthesis.scales import effects
from analysis.synthesis.trimfill import trim_and_fill

EVENTS, TOTAL = [3, 9, 4, 12, 7, 20, 2], np.array([20.0, 22, 25, 21, 14, 60, 31])
LOPSIDED = np.array([0.1, 0.2, 0.25, 0.4, 0.55, 0.9, 1.3, 1.6])
SPREAD = np.array([0.02, 0.03, 0.02, 0.05, 0.08, 0.2, 0.3, 0.4])
TRIALS = (
    [4, 1, 12, 0, 7, 15, 9, 21, 3, 8],
    [40, 25, 80, 30, 33, 40, 50, 60, 44, 52],
    [9, 2, 17, 3, 6, 10, 12, 30, 9, 6],
    [41, 24, 78, 29, 35, 41, 49, 62, 45, 50],
)

#: predictor, model: statistic, p, limit with its interval, degrees of freedom.
REGTEST = {
    ("sei", "lm"): (
        -1.14980979740997, 0.302230244732816, 0.363012200226714, -2.14820081423739, 2.87422521469082, 5,
    ),
    ("sei", "rma"): (
        -1.75660495984788, 0.0789851669932218, 1.28037687211872, -1.20450925885108, 3.76526300308852,
        math.inf,
    ),
    ("vi", "lm"): (
        -1.50681643135676, 0.192213318300663, -0.0373214670662139, -1.38837497212002, 1.31373203798759, 5,
    ),
    ("ninv", "rma"): (
        0.886134167931318, 0.37554523303831, -1.76654874263539, -3.85641279394558, 0.323315308674795,
        math.inf,
    ),
    ("sqrtninv", "lm"): (
        0.511461291075525, 0.630806862285311, -1.36455800944745, -4.78965179376501, 2.06053577487011, 5,
    ),
}  # fmt: skip


@pytest.mark.parametrize("key", REGTEST, ids=" ".join)
def test_limit_of_the_regression_test_equals_regtest(key: tuple[str, str]) -> None:
    study = effects(EVENTS, TOTAL)
    made = regression_test(study.yi, study.vi, predictor=key[0], model=key[1], ni=TOTAL, tau2_method="dl")

    ours = (made.statistic, made.p_value, made.limit, made.limit_low, made.limit_high, made.df)
    assert ours == pytest.approx(REGTEST[key], rel=1e-9)
    assert math.isnan(made.tau2) == (key[1] == "lm")


@pytest.mark.parametrize("predictor", ["ni", "sqrtni"])
def test_predictors_that_grow_have_no_limit(predictor: str) -> None:
    study = effects(EVENTS, TOTAL)
    made = regression_test(study.yi, study.vi, predictor=predictor, ni=TOTAL)

    assert math.isnan(made.limit) and math.isnan(made.limit_low)
    assert made.rows()[0]["slope"] == made.coefficients[1]


def test_equal_estimates_leave_no_regression_test() -> None:
    made = regression_test(np.full(4, 0.7), np.array([0.1, 0.2, 0.3, 0.4]))

    assert math.isnan(made.statistic)
    assert made.limit == 0.7


def test_harbord_equals_the_regression_of_scores() -> None:
    made = harbord_test(*TRIALS)

    assert made.statistic == pytest.approx(-0.861382328340646, rel=1e-10)
    assert made.p_value == pytest.approx(0.41409865395244, rel=1e-10)
    assert made.coefficients.tolist() == pytest.approx([0.174919361217508, -0.996708854544647], rel=1e-10)
    assert made.df == 8


def test_peters_equals_the_weighted_regression_on_size() -> None:
    made = peters_test(*TRIALS)

    assert made.statistic == pytest.approx(0.177624239210249, rel=1e-9)
    assert made.p_value == pytest.approx(0.863433169090431, rel=1e-9)
    assert made.coefficients.tolist() == pytest.approx([-0.47477451217524, 12.1989721974231], rel=1e-9)


def _wls(y: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[float, float]:
    """Return t and p of the slope by statsmodels."""
    import statsmodels.api as sm

    fit = sm.WLS(y, sm.add_constant(x), weights=w).fit()
    return float(fit.tvalues[1]), float(fit.pvalues[1])


@pytest.mark.parametrize("weights", ["peters", "size"])
def test_size_test_equals_weighted_least_squares_of_statsmodels(weights: str) -> None:
    x, n = np.array([*EVENTS, 0, 9]), np.array([*TOTAL, 12.0, 9.0])
    corrected = np.where((x == 0) | (x == n), 0.5, 0.0)
    y = np.log((x + corrected) / (n - x + corrected))
    inner = (x > 0) & (x < n) if weights == "peters" else np.ones(n.size, bool)
    w = x * (n - x) / n if weights == "peters" else n
    made = size_test(x, n, weights=weights)

    assert (made.statistic, made.p_value) == pytest.approx(_wls(y[inner], 1 / n[inner], w[inner]), rel=1e-9)
    assert (made.k, made.df) == (inner.sum(), inner.sum() - 2)


def test_a_study_of_weight_zero_does_not_sharpen_the_test_of_peters() -> None:
    x, n = np.array([*EVENTS, 0, 9]), np.array([*TOTAL, 12.0, 9.0])

    assert size_test(x, n).statistic == size_test(EVENTS, TOTAL).statistic
    assert size_test(x, n).df == size_test(EVENTS, TOTAL).df


def test_unknown_weights_are_refused_with_the_choices() -> None:
    with pytest.raises(ValueError, match="peters, size"):
        size_test(EVENTS, TOTAL, weights="n")


@pytest.mark.parametrize("test", [harbord_test, peters_test])
def test_trials_without_events_or_with_events_only_say_nothing(test: object) -> None:
    padded = tuple(
        [*column, *more] for column, more in zip(TRIALS, ([0, 5], [9, 5], [0, 7], [8, 7]), strict=True)
    )

    assert test(*padded).statistic == test(*TRIALS).statistic
    assert test(*padded).k == 10


def test_rank_test_with_ties_equals_ranktest() -> None:
    made = rank_test(
        np.array([0.1, 0.5, 0.3, 0.3, 0.9, 0.2, 0.7]),
        np.array([0.1, 0.2, 0.1, 0.3, 0.2, 0.05, 0.4]),
    )

    assert made.tau == pytest.approx(0.550688791753935, rel=1e-10)
    assert made.p_value == pytest.approx(0.0909053480246499, rel=1e-10)
    assert not made.exact
    assert made.rows() == [{"tau": made.tau, "p_value": made.p_value, "exact": False, "k": 7}]


@pytest.mark.parametrize("exact", [True, False])
def test_rank_test_equals_kendall_of_scipy(exact: bool) -> None:
    y, v = np.array([0.5, 0.1, 0.9, 0.35, 1.4, -0.2]), np.array([0.2, 0.1, 0.15, 0.3, 0.5, 0.05])
    w = 1 / v
    standard = (y - w @ y / w.sum()) / np.sqrt(v - 1 / w.sum())
    peer = stats.kendalltau(standard, v, method="exact" if exact else "asymptotic")

    made = rank_test(y, v, exact=exact)

    assert (made.tau, made.p_value) == pytest.approx((peer.statistic, peer.pvalue), rel=1e-10)


def test_rank_test_of_equal_variances_or_equal_estimates_has_no_value() -> None:
    assert math.isnan(rank_test(np.array([0.1, 0.5, 0.3]), np.full(3, 0.2)).tau)
    assert math.isnan(rank_test(np.full(3, 0.1), np.array([0.1, 0.2, 0.3])).p_value)


def test_rank_test_of_two_studies() -> None:
    made = rank_test(np.array([0.1, 0.5]), np.array([0.1, 0.2]), exact=False)

    # score 1, variance 2 (1) (9) / 18 = 1
    assert made.tau == 1
    assert made.p_value == pytest.approx(2 * stats.norm.sf(1), rel=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("estimator", "k0", "error", "p", "estimate", "se", "tau2"),
    [
        ("L0", 3, 1.82612289524343, math.nan, 0.264933556958287, 0.135198534452553, 0.0926168117054904),
        ("R0", 4, 3.16227766016838, 0.03125, 0.220325852631094, 0.129377669192307, 0.0946182126656445),
    ],
)
def test_trim_and_fill_of_a_lopsided_funnel_equals_trimfill(
    sign: int, estimator: str, k0: int, error: float, p: float, estimate: float, se: float, tau2: float
) -> None:
    made = trim_and_fill(sign * LOPSIDED, SPREAD, estimator=estimator, tau2_method="dl")

    assert (made.k0, made.side) == (k0, "left" if sign == 1 else "right")
    assert (made.se_k0, made.p_k0) == pytest.approx((error, p), rel=1e-10, nan_ok=True)
    assert (made.fit.beta[0], made.fit.se[0], made.fit.tau2) == pytest.approx((sign * estimate, se, tau2))
    assert made.filled.sum() == k0 and made.filled[-k0:].all()
    assert made.rows()[0]["estimate"] == made.fit.beta[0]


def test_nothing_is_missing_on_the_fuller_side() -> None:
    made = trim_and_fill(LOPSIDED, SPREAD, side="right", tau2_method="dl")

    assert made.k0 == 0
    assert not made.filled.any()
    assert made.fit.beta[0] == pytest.approx(0.380950807276431, rel=1e-10)


@pytest.mark.parametrize(
    ("y", "v", "error", "side"),
    [
        pytest.param(
            np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.5, 2]), np.linspace(0.02, 0.2, 10),
            1.84364274718136, "left", id="ten"
        ),
        pytest.param(
            effects(EVENTS, TOTAL).yi, effects(EVENTS, TOTAL).vi, 1.96794261892528, "right", id="seven"
        ),
    ],
)  # fmt: skip
def test_the_third_estimator_equals_trimfill(y: np.ndarray, v: np.ndarray, error: float, side: str) -> None:
    made = trim_and_fill(y, v, estimator="Q0", tau2_method="dl")

    assert (made.k0, made.side) == (0, side)
    assert made.se_k0 == pytest.approx(error, rel=1e-9)


def test_the_third_estimator_fails_where_metafor_does() -> None:
    with pytest.raises(ValueError, match="Q0 has no value"):
        trim_and_fill(LOPSIDED, SPREAD, estimator="Q0", tau2_method="dl")


def test_equal_precision_points_to_no_side() -> None:
    assert trim_and_fill(LOPSIDED, np.full(8, 0.1), tau2_method="dl").side == "left"


def test_equal_estimates_miss_nothing() -> None:
    assert trim_and_fill(np.full(5, 0.3), np.linspace(0.1, 0.5, 5), tau2_method="dl").k0 == 0


@pytest.mark.parametrize(
    ("sign", "options", "number"),
    [
        pytest.param(1, {}, 68, id="Rosenthal"),
        pytest.param(1, {"alpha": 0.01}, 30, id="Rosenthal at 1 %"),
        pytest.param(1, {"method": "orwin"}, 8, id="Orwin"),
        pytest.param(1, {"method": "orwin", "target": 0.1}, 45, id="Orwin with a target"),
        pytest.param(-1, {"method": "orwin", "target": 0.1}, 45, id="Orwin below zero"),
        pytest.param(
            1, {"method": "orwin", "target": 0.12, "weighted": True}, 12, id="Orwin of the weighted mean"
        ),
        pytest.param(1, {"method": "rosenberg"}, 24, id="Rosenberg"),
        pytest.param(1, {"method": "orwin", "target": 0.0}, math.inf, id="nothing is enough for no effect"),
        pytest.param(0, {}, 0, id="no effect needs none"),
    ],
)
def test_fail_safe_number_of_a_lopsided_funnel_equals_fsn(sign: int, options: dict, number: float) -> None:
    assert fail_safe_n(sign * LOPSIDED, SPREAD, **options) == number


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(
            lambda y, v: regression_test(y, np.full(8, 0.1)), "same in all studies", id="one precision"
        ),
        pytest.param(lambda y, v: regression_test(y[:2], v[:2]), "at least three", id="two studies"),
        pytest.param(lambda y, v: regression_test(y, v, model="glm"), "unknown model 'glm'", id="model"),
        pytest.param(
            lambda y, v: regression_test(y, v, predictor="x"), "unknown predictor 'x'", id="predictor"
        ),
        pytest.param(
            lambda y, v: regression_test(y, v, predictor="ni"), "needs the sample sizes", id="sizes"
        ),
        pytest.param(lambda y, v: rank_test(y[:1], v[:1]), "at least two", id="ranks of one study"),
        pytest.param(lambda y, v: trim_and_fill(y[:1], v[:1]), "at least two", id="filling one study"),
        pytest.param(
            lambda y, v: trim_and_fill(y, v, estimator="X0"), "unknown estimator 'X0'", id="estimator"
        ),
        pytest.param(lambda y, v: fail_safe_n(y, v, "x"), "unknown method 'x'", id="fail-safe method"),
    ],
)
def test_what_cannot_be_tested_is_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(LOPSIDED, SPREAD)
