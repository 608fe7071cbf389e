"""Meta-regression, its tests and permutations against metafor 3.8-1 under R 4.2.2.

Values: ``rma(yi, vi, mods = ~ year + large)``, `predict`, `permutest` with all orders, ``rma.glmm`` with
thirty nodes, and the adjusted R2 of ``lm`` with weights.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.synthesis.counts import CountsError
from analysis.synthesis.inverse_variance import fit_iv
from analysis.synthesis.permutation import permutation_test
from analysis.synthesis.regression import r_squared, regress, wald_test
from analysis.synthesis.scales import effects

EVENTS, TOTAL = [3, 9, 4, 12, 7, 20, 2], np.array([20, 22, 25, 21, 14, 60, 31])
YEAR = np.array([2015.0, 2016, 2018, 2019, 2020, 2021, 2023]) - 2019
BOTH = np.column_stack([YEAR, TOTAL > 21]).astype(float)
STUDY = effects(EVENTS, TOTAL)

#: method, interval: coefficients, se, lower limits, p-values, (QM, p); estimate, prediction limits at (1, 0).
RMA = {
    ("dl", "wald"): (
        [-0.434243777903867, -0.0141557864123584, -0.78762043978352],
        [0.619238386084516, 0.161889608833097, 0.816159232567334],
        [-1.64792871247423, -0.331453589196505, -2.38726314126535],
        [0.48314412977662, 0.930320994986247, 0.33452837708604],
        [1.04231461492772, 0.593832902887755],
        [-0.448399564316225, -2.64878146837596, 1.75198233974351],
    ),
    ("dl", "t"): (
        [-0.434243777903867, -0.0141557864123584, -0.78762043978352],
        [0.619238386084516, 0.161889608833097, 0.816159232567334],
        [-2.1535251638988, -0.463633398439395, -3.05364174610708],
        [0.52179564374651, 0.934523517706009, 0.389176902349593],
        [0.521157307463858, 0.629303435597448],
        [-0.448399564316225, -3.56541580302335, 2.6686166743909],
    ),
    ("ml", "knapp-hartung"): (
        [-0.390348145969086, -0.00731917235528745, -0.762353866545716],
        [0.671940466023799, 0.177266132703856, 0.877285791678903],
        [-2.25595396384519, -0.49948885881825, -3.19808970871218],
        [0.592448927208145, 0.969044112290775, 0.433885269533652],
        [0.407328477497721, 0.690222773711635],
        [-0.397667318324374, -3.04925341552821, 2.25391877887946],
    ),
}


@pytest.mark.parametrize("key", RMA, ids=" ".join)
def test_regression_by_inverse_variance_equals_rma(key: tuple[str, str]) -> None:
    method, ci = key
    beta, se, low, p, together, point = RMA[key]
    tolerance = 1e-9 if method == "dl" else 1e-6

    made = regress(EVENTS, TOTAL, BOTH, model="iv", tau2_method=method, ci_method=ci, names=["year", "large"])

    assert made.coefficients.tolist() == pytest.approx(beta, rel=tolerance)
    assert made.se.tolist() == pytest.approx(se, rel=tolerance)
    assert made.ci_low.tolist() == pytest.approx(low, rel=tolerance)
    assert made.p_value.tolist() == pytest.approx(p, rel=tolerance)
    assert [made.qm, made.qm_p] == pytest.approx(together, rel=10 * tolerance)
    assert (made.qe, made.qe_p) == pytest.approx((17.1840068738028, 0.00178012149592992), rel=1e-10)
    new = made.predict([[1.0, 0.0], [-2.0, 1.0]])
    assert [new[0][name] for name in ("estimate", "prediction_low", "prediction_high")] == pytest.approx(
        point, rel=tolerance
    )
    # with the others at zero the line at year one is the sum of two coefficients
    spread = made.cov[0, 0] + 2 * made.cov[0, 1] + made.cov[1, 1]
    reach = (made.ci_high[0] - made.coefficients[0]) / made.se[0]
    assert new[0]["se"] == pytest.approx(math.sqrt(spread), rel=1e-10)
    assert new[0]["ci_high"] - new[0]["estimate"] == pytest.approx(reach * math.sqrt(spread), rel=1e-9)
    assert new[0]["estimate"] - new[0]["ci_low"] == pytest.approx(reach * math.sqrt(spread), rel=1e-9)
    assert [row["name"] for row in made.rows()] == ["intercept", "year", "large"]
    assert made.rows()[1]["ci_low"] == made.ci_low[1]


def test_shares_explained_equal_metafor() -> None:
    none = regress(EVENTS, TOTAL, BOTH, model="iv", tau2_method="reml")
    some = regress(EVENTS, TOTAL, BOTH, model="iv", tau2_method="ml")

    assert none.r2 == 0
    assert none.i2 == pytest.approx(0.800781742153671, rel=1e-6)
    assert some.r2 == pytest.approx(0.289611184348211, rel=1e-5)
    assert some.tau2 == pytest.approx(0.378244359957992, rel=1e-6)
    assert some.tau2_without > some.tau2


def test_share_explained_with_equal_effects_is_the_adjusted_one() -> None:
    steep = effects([2, 4, 9, 12], [20, 21, 22, 23])
    x = np.arange(4.0)
    fit = fit_iv(steep.yi, steep.vi, design=np.column_stack([np.ones(4), x]), tau2_method="ee")
    w = 1 / steep.vi
    mean = w @ steep.yi / w.sum()
    line = np.polynomial.polynomial.polyfit(x, steep.yi, 1, w=np.sqrt(w))
    rest = w @ (steep.yi - line[0] - line[1] * x) ** 2
    adjusted = 1 - (rest / 2) / (w @ (steep.yi - mean) ** 2 / 3)

    assert r_squared(fit) == pytest.approx(adjusted, rel=1e-10)
    # lm() of R gives -0.1956 here, which is cut at zero
    flat = fit_iv(STUDY.yi, STUDY.vi, design=np.column_stack([np.ones(7), YEAR]), tau2_method="ee")
    assert r_squared(flat) == 0


@pytest.mark.parametrize("method", ["ee", "dl"])
def test_nothing_to_explain_gives_a_share_of_zero(method: str) -> None:
    design = np.column_stack([np.ones(4), np.arange(4.0)])
    fit = fit_iv(np.full(4, 0.3), np.full(4, 0.1), design=design, tau2_method=method)

    assert r_squared(fit) == 0
    assert math.isnan(r_squared(fit_iv(STUDY.yi, STUDY.vi)))


def test_a_saturated_design_explains_nothing() -> None:
    fit = fit_iv(STUDY.yi[:2], STUDY.vi[:2], design=np.array([[1.0, 0], [1, 1]]), tau2_method="ee")

    assert r_squared(fit) == 0


def test_regression_by_the_logistic_model_equals_rma_glmm() -> None:
    made = regress(EVENTS, TOTAL, YEAR)

    # rma.glmm with thirty nodes; its optimiser stops near 1e-5
    assert made.coefficients.tolist() == pytest.approx([-0.946383283705647, -0.0594005696015872], rel=2e-4)
    assert made.qe == pytest.approx(20.3507121007273, rel=1e-8)
    assert made.qe_df == 5
    assert made.tau2 == pytest.approx(0.653218625594425, rel=2e-4)
    assert made.names == ("intercept", "x1")


def test_equal_effects_regression_by_the_logistic_model_equals_rma_glmm() -> None:
    made = regress(EVENTS, TOTAL, YEAR, tau2_method="ee")

    # glm() of R stops its iteration at 1e-8 of the deviance
    assert made.coefficients.tolist() == pytest.approx([-0.849676388411814, -0.0521351150718654], rel=1e-5)
    assert made.se.tolist() == pytest.approx([0.159264298814497, 0.0615890915469775], rel=1e-5)
    assert made.qm == pytest.approx(0.716560850206565, rel=1e-5)
    assert made.log_likelihood == pytest.approx(-24.3192949145227, rel=1e-9)
    assert (made.tau2, made.r2) == (0, 0)
    assert made.i2 == pytest.approx((20.3507121007273 - 5) / 20.3507121007273, rel=1e-8)


def test_intervals_of_the_logistic_regression() -> None:
    wald, student, profile = (regress(EVENTS, TOTAL, YEAR, ci_method=m) for m in ("wald", "t", "profile"))

    half = wald.ci_high - wald.coefficients
    assert half.tolist() == pytest.approx((1.959963984540054 * wald.se).tolist())
    # t with 7 - 2 degrees of freedom, F for the moderators together
    assert (student.ci_high - student.coefficients).tolist() == pytest.approx(
        (2.5705818356363 * student.se).tolist()
    )
    assert (student.qm, student.qm_df2) == (pytest.approx(wald.qm), 5)
    assert math.isnan(wald.qm_df2)
    assert (profile.ci_low < profile.coefficients).all() and (profile.coefficients < profile.ci_high).all()
    assert profile.ci_high[1] != pytest.approx(wald.ci_high[1], rel=1e-3)


def test_corrected_studies_are_counted_in_a_note() -> None:
    made = regress([0, 3, 5, 9], [10, 12, 11, 13], [1.0, 2, 4, 3], model="iv")

    assert made.notes == ("1 of 4 studies had 0.5 added",)
    assert regress([1, 3, 5, 9], [10, 12, 11, 13], [1.0, 2, 4, 3], model="iv").notes == ()


@pytest.mark.parametrize(
    ("ci", "expected"),
    [
        ("wald", [0.386111111111111, 0.448611111111111, 0.55, 1.37882604686022]),
        ("knapp-hartung", [0.390277777777778, 0.443055555555556, 0.533333333333333, 0.669646829392884 * 2]),
    ],
)
def test_all_orders_equal_permutest(ci: str, expected: list[float]) -> None:
    design = np.column_stack([np.ones(6), BOTH[:6]])
    fit = fit_iv(
        STUDY.yi[:6], STUDY.vi[:6], design=design, tau2_method="dl", ci_method=ci, names=("a", "b", "c")
    )
    made = permutation_test(fit)

    assert [*made.p_value, made.qm_p, made.qm] == pytest.approx(expected, rel=1e-9)
    assert (made.count, made.exact, made.seed) == (720, True, None)
    assert made.rows()[0] == {"name": "b", "statistic": fit.statistic[1], "p_value": made.p_value[0]}


def test_a_sample_of_orders_is_near_all_of_them_and_repeats() -> None:
    design = np.column_stack([np.ones(6), BOTH[:6, 0]])
    fit = fit_iv(STUDY.yi[:6], STUDY.vi[:6], design=design, tau2_method="dl")
    whole = permutation_test(fit)
    drawn, again, other = (permutation_test(fit, count=2000, seed=seed, exact=False) for seed in (1, 1, 2))

    assert drawn.p_value[0] == again.p_value[0] != other.p_value[0]
    assert (drawn.count, drawn.exact, drawn.seed) == (2000, False, 1)
    # three standard errors of a share of 2,000
    assert drawn.p_value[0] == pytest.approx(whole.p_value[0], abs=3 * math.sqrt(0.25 / 2000))


def test_the_observed_order_is_among_those_drawn() -> None:
    design = np.column_stack([np.ones(6), BOTH[:6, 0]])
    fit = fit_iv(np.arange(6.0), np.full(6, 0.01), design=np.column_stack([np.ones(6), np.arange(6.0)]))
    assert design.shape == (6, 2)

    assert permutation_test(fit, count=50, exact=False).p_value[0] >= 1 / 50


def test_wald_tests_without_contrast_or_without_covariance_have_no_value() -> None:
    beta, cov = np.array([1.0, 2.0]), np.eye(2)

    assert math.isnan(wald_test(beta, cov, np.empty((0, 2)), math.inf).p_value)
    assert math.isnan(wald_test(np.array([1.0, np.inf]), cov, np.eye(2), math.inf).statistic)
    assert math.isnan(wald_test(beta, np.zeros((2, 2)), np.eye(2), 5.0).statistic)
    test = wald_test(beta, cov, np.eye(2), 6.0)
    # 5 / 2 on 2 and 6 degrees of freedom: (1 + 2 F / 6)^-3
    assert (test.statistic, test.p_value) == pytest.approx((2.5, (1 + 5 / 6) ** -3))


@pytest.mark.parametrize(
    ("moderators", "options", "error", "message"),
    [
        pytest.param(YEAR[:5], {}, CountsError, "5 rows for 7 studies", id="rows"),
        pytest.param(np.where(YEAR > 3, np.nan, YEAR), {}, CountsError, "row 7: moderator 1", id="missing"),
        pytest.param(
            np.where(BOTH > 3, np.inf, BOTH), {"labels": list("abcdefg")}, CountsError,
            r"row 7 \(g\): moderator 1 is inf", id="infinite, with a label",
        ),
        pytest.param(BOTH, {"names": ["year"]}, ValueError, "1 names for 2 moderators", id="names"),
        pytest.param(np.ones(7), {}, ValueError, "linearly dependent, or constant", id="constant"),
        pytest.param(
            np.vander(np.arange(7.0), 7)[:, :6], {}, ValueError, "7 studies are too few for 6", id="too many"
        ),
        pytest.param(YEAR, {"model": "lm"}, ValueError, "unknown model 'lm'", id="model"),
        pytest.param(YEAR, {"scale": "raw"}, ValueError, "logit scale", id="scale of the model"),
        pytest.param(YEAR, {"tau2_method": "dl"}, ValueError, "fitted by ml", id="estimator of the model"),
    ],
)  # fmt: skip
def test_faulty_moderators_are_named(
    moderators: np.ndarray, options: dict, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        regress(EVENTS, TOTAL, moderators, **options)


def test_new_values_must_fit_the_names() -> None:
    with pytest.raises(ValueError, match="1 moderator values for 2 names"):
        regress(EVENTS, TOTAL, BOTH, model="iv").predict([[1.0]])


@pytest.mark.parametrize(
    ("design", "options", "message"),
    [
        pytest.param(None, {}, "at least one moderator", id="no design"),
        pytest.param(np.ones((12, 1)), {}, "at least one moderator", id="intercept alone"),
        pytest.param(
            np.column_stack([np.ones(12), np.arange(12.0)]), {"exact": True}, "479001600 orders are too many",
            id="too many orders",
        ),
    ],
)  # fmt: skip
def test_permutations_need_a_moderator_and_a_limit(design: object, options: dict, message: str) -> None:
    fit = fit_iv(np.arange(12.0), np.full(12, 0.5), design=design, tau2_method="dl")
    with pytest.raises(ValueError, match=message):
        permutation_test(fit, **options)


@pytest.mark.parametrize("ci", ["wald", "t", "profile"])
def test_separation_leaves_no_test_and_says_why(ci: str) -> None:
    made = regress([0, 0, 0, 5, 6, 7], [10, 10, 9, 12, 12, 13], [0.0, 0, 0, 1, 1, 1], ci_method=ci)

    assert made.coefficients[0] == -math.inf
    assert math.isnan(made.qm) and math.isnan(made.qm_p)
    assert not made.converged
    assert "run to infinity" in made.notes[0]
