"""Intervals of heterogeneity and of the pooled estimate, against metafor 3.8-1 under R 4.2.2.

Values: `confint` and `hc` of ``rma`` with the DerSimonian-Laird estimator. Test-based intervals follow
Higgins and Thompson (Stat Med 2002), worked out by hand from their formulas.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.synthesis import heterogeneity as het
from analysis.synthesis.generalised_q import jackson_interval, weighted_chi2_tail
from analysis.synthesis.henmi_copas import henmi_copas
from analysis.synthesis.intervals import (
    profile_interval_mu,
    profile_interval_tau2,
    q_profile_interval,
    tau2_interval,
)
from analysis.synthesis.inverse_variance import fit_iv
from analysis.synthesis.scales import effects
from analysis.synthesis.types import Interval

STUDY = effects([3, 9, 4, 12, 7, 20, 2], [20, 22, 25, 21, 14, 60, 31])
FIT = fit_iv(STUDY.yi, STUDY.vi, tau2_method="dl")


def test_intervals_carried_over_equal_confint() -> None:
    tau2 = q_profile_interval(FIT)
    made = het.heterogeneity_intervals(tau2, FIT.typical_variance)

    assert (tau2.low, tau2.high) == pytest.approx((0.131420265937267, 5.22790451444788), rel=3e-4)
    # confint() finds its roots to 1e-4
    assert (made.tau.low, made.tau.high) == pytest.approx((0.36251933181179, 2.28646113337793), rel=3e-4)
    assert (made.i2.low, made.i2.high) == pytest.approx((0.375829976266797, 0.959924117993673), rel=3e-4)
    assert (made.h2.low, made.h2.high) == pytest.approx((1.60212756456796, 24.9526635456738), rel=3e-4)
    assert (made.h2.level, made.h2.method) == (0.95, "Q-profile")


def test_an_endless_interval_is_carried_over_as_one() -> None:
    made = het.heterogeneity_intervals(Interval(0.0, math.inf, 0.9, "x", "why"), 0.2)

    assert (made.tau.high, made.i2.high, made.h2.high) == (math.inf, 1.0, math.inf)
    assert (made.tau.low, made.i2.low, made.h2.low) == (0, 0, 1)
    assert made.i2.note == "why"


def test_test_based_interval_above_the_expected_q() -> None:
    q, df = 20.0, 6
    h = math.sqrt(q / df)
    spread = 0.5 * (math.log(20) - math.log(6)) / (math.sqrt(40) - math.sqrt(11))
    low, high = (h * math.exp(sign * 1.959963984540054 * spread) for sign in (-1, 1))

    of_h, of_i2 = het.test_based_intervals(q, df)

    assert (of_h.low, of_h.high) == pytest.approx((low, high), rel=1e-12)
    assert (of_i2.low, of_i2.high) == pytest.approx((1 - 1 / low**2, 1 - 1 / high**2), rel=1e-12)
    assert of_h.method == of_i2.method == "test-based"


@pytest.mark.parametrize("q", [2.0, 5.0])
def test_test_based_interval_below_the_expected_q(q: float) -> None:
    # six studies: variance 1 / (2 (k - 2)) (1 - 1 / (3 (k - 2)^2)) about log H, and H is one at least
    spread = math.sqrt(1 / 8 * (1 - 1 / 48))

    of_h, of_i2 = het.test_based_intervals(q, 5, 0.9)

    assert of_h.high == pytest.approx(math.exp(1.6448536269514722 * spread), rel=1e-12)
    assert (of_h.low, of_i2.low) == (1, 0)


def test_two_studies_have_a_test_based_interval_only_above() -> None:
    assert math.isnan(het.test_based_intervals(1.9, 1)[0].high)
    assert het.test_based_intervals(9.0, 1)[0].high > 3


@pytest.mark.parametrize(
    ("q", "df", "share"), [(20.0, 10, 0.5), (5.0, 10, 0.0), (0.0, 3, 0.0), (10.0, 10, 0.0)]
)
def test_share_from_q(q: float, df: int, share: float) -> None:
    assert het.i2_from_q(q, df) == share


def test_typical_variance_of_equal_and_single_variances() -> None:
    assert het.typical_variance(np.full(5, 0.3)) == pytest.approx(0.3)
    assert het.typical_variance(np.array([0.3])) == 0
    # (k - 1) S1 / (S1^2 - S2) with weights 1 and 3
    assert het.typical_variance(np.array([1.0, 1 / 3])) == pytest.approx(4 / (16 - 10))


@pytest.mark.parametrize(
    ("method", "name"), [("ee", het.FROM_Q), ("dl", het.FROM_TAU2), ("reml", het.FROM_TAU2)]
)
def test_the_definition_of_i2_follows_the_estimator(method: str, name: str) -> None:
    fit = fit_iv(STUDY.yi, STUDY.vi, tau2_method=method)
    made = het.heterogeneity_of_fit(fit)

    assert made.i2_definition == name
    assert made.i2_from_q == pytest.approx(0.706246573196498, rel=1e-10)
    assert (made.i2 == pytest.approx(made.i2_from_q)) == (method in ("ee", "dl"))
    assert (made.q, made.q_df) == (pytest.approx(6 * 3.40421560654311, rel=1e-10), 6)


@pytest.mark.parametrize(
    ("level", "limits"),
    [
        (0.95, (-1.64235398824045, 0.233032983266412)),
        (0.9, (-1.4480561236605, 0.038735118686467)),
    ],
)
def test_henmi_copas_interval_equals_hc(level: float, limits: tuple[float, float]) -> None:
    made = henmi_copas(STUDY.yi, STUDY.vi, level=level)

    assert made.estimate == pytest.approx(-0.704660502487017, rel=1e-12)
    assert made.se == pytest.approx(0.376812692613704, rel=1e-12)
    assert made.tau2 == pytest.approx(0.524743713749651, rel=1e-12)
    # hc() leaves its integral and its root at the default tolerances of R
    assert (made.ci_low, made.ci_high) == pytest.approx(limits, abs=1e-5)
    assert made.rows()[0]["ci_low"] == made.ci_low


def test_henmi_copas_interval_without_heterogeneity_is_near_the_normal_one() -> None:
    # With tau2 at zero only the quantile differs, and with many studies hardly.
    y = np.tile([0.3, 0.35, 0.25, 0.3], 30)
    made = henmi_copas(y, np.full(120, 0.04))

    assert made.tau2 == 0
    assert made.se == pytest.approx(math.sqrt(0.04 / 120))
    assert made.ci_high - made.estimate == pytest.approx(1.96 * made.se, rel=0.03)


def test_henmi_copas_needs_two_studies() -> None:
    with pytest.raises(ValueError, match="at least two"):
        henmi_copas(np.array([0.1]), np.array([0.2]))


@pytest.mark.parametrize(
    ("method", "twin"),
    [
        ("auto", q_profile_interval),
        ("q-profile", q_profile_interval),
        ("profile", profile_interval_tau2),
        ("jackson", jackson_interval),
        ("biggerstaff-jackson", lambda fit, level: jackson_interval(fit, level, "variance")),
    ],
)
def test_intervals_of_tau2_go_by_name(method: str, twin: object) -> None:
    fit = fit_iv(STUDY.yi, STUDY.vi, tau2_method="reml")
    made = tau2_interval(fit, 0.9, method)

    assert made == twin(fit, 0.9)
    assert made.level == 0.9
    assert made.low < fit.tau2 < made.high


def test_intervals_of_tau2_differ_by_method() -> None:
    fit = fit_iv(STUDY.yi, STUDY.vi, tau2_method="reml")
    made = {
        m: tau2_interval(fit, method=m).high
        for m in ("q-profile", "profile", "jackson", "biggerstaff-jackson")
    }

    assert len({round(high, 6) for high in made.values()}) == 4


@pytest.mark.parametrize("kind", ["standard-error", "variance"])
def test_limits_of_jackson_solve_their_equation(kind: str) -> None:
    made = jackson_interval(FIT, 0.9, kind)
    a = 1 / (np.sqrt(STUDY.vi) if kind == "standard-error" else STUDY.vi)
    shift = STUDY.yi - a @ STUDY.yi / a.sum()
    draws = np.random.default_rng(11).standard_normal((200_000, 7))
    for limit, tail in ((made.low, 0.05), (made.high, 0.95)):
        y = draws * np.sqrt(STUDY.vi + limit)
        q = ((y - (y @ a / a.sum())[:, None]) ** 2) @ a

        # by simulation: the observed statistic stands at the tail
        assert (q > a @ shift**2).mean() == pytest.approx(tail, abs=0.003)


def test_jackson_of_equal_estimates_is_a_point_with_a_note() -> None:
    made = jackson_interval(fit_iv(np.full(6, 0.2), np.full(6, 0.1), tau2_method="dl"))

    assert (made.low, made.high) == (0, 0)
    assert "below its lower quantile" in made.note


def test_a_weighted_sum_is_above_nothing() -> None:
    assert weighted_chi2_tail(0.0, np.array([1.0, 2.0])) == 1
    assert weighted_chi2_tail(1e4, np.array([1.0, 2.0])) == pytest.approx(0, abs=1e-12)


def test_q_profile_of_equal_estimates_is_a_point_with_a_note() -> None:
    made = q_profile_interval(fit_iv(np.full(6, 0.2), np.full(6, 0.1), tau2_method="dl"))

    assert (made.low, made.high) == (0, 0)
    assert "point zero" in made.note


@pytest.mark.parametrize(
    "interval", [q_profile_interval, profile_interval_tau2, jackson_interval], ids=lambda f: f.__name__
)
def test_one_study_has_no_interval_of_tau2(interval: object) -> None:
    made = interval(fit_iv([0.3], [0.1], tau2_method="ml"))

    assert math.isnan(made.low) and math.isnan(made.high)
    assert "needs" in made.note


def test_one_study_has_the_normal_profile_interval_of_the_mean() -> None:
    made = profile_interval_mu(fit_iv([0.3], [0.04], tau2_method="ml"))

    assert (made.low, made.high) == pytest.approx((0.3 - 0.3919927969, 0.3 + 0.3919927969))


def test_profile_interval_of_the_mean_counts_multiplicities() -> None:
    counts = np.array([2.0, 1, 1, 0, 1, 3, 1])
    rows = np.repeat(np.arange(7), counts.astype(int))
    one = profile_interval_mu(fit_iv(STUDY.yi, STUDY.vi, weights=counts))
    two = profile_interval_mu(fit_iv(STUDY.yi[rows], STUDY.vi[rows]))

    assert (one.low, one.high) == pytest.approx((two.low, two.high), rel=1e-9)
    assert one.note == "from the unrestricted likelihood"
    assert profile_interval_mu(fit_iv(STUDY.yi, STUDY.vi, tau2_method="ml")).note == ""


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: tau2_interval(FIT, method="x"), "unknown interval of tau2 'x'", id="name"),
        pytest.param(lambda: profile_interval_tau2(FIT), "needs a fit by ml or reml", id="estimator"),
        pytest.param(
            lambda: profile_interval_mu(fit_iv(STUDY.yi, STUDY.vi, design=np.ones((7, 1)))),
            "without moderators", id="mean with a design",
        ),
        pytest.param(
            lambda: jackson_interval(fit_iv(STUDY.yi, STUDY.vi, weights=np.ones(7))), "plain fits",
            id="Jackson with multiplicities",
        ),
    ],
)  # fmt: skip
def test_what_has_no_such_interval_is_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
