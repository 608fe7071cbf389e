"""Quantiles, tails and roots against scipy.stats and against functions with known roots."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.synthesis import special
from analysis.synthesis.roots import bracketed_root, expand_upwards

LEVELS = [0.5, 0.9, 0.95, 0.999]


@pytest.mark.parametrize("level", LEVELS)
def test_multipliers_equal_scipy_stats(level: float) -> None:
    upper = (1 + level) / 2

    assert special.normal_quantile(level) == pytest.approx(stats.norm.ppf(upper), rel=1e-12)
    assert special.t_quantile(level, math.inf) == pytest.approx(stats.norm.ppf(upper), rel=1e-12)
    for df in (0.5, 1, 4, 60):
        assert special.t_quantile(level, df) == pytest.approx(stats.t.ppf(upper, df), rel=1e-9)


@pytest.mark.parametrize("df", [0.5, 1.0, 3.0, 200.0])
@pytest.mark.parametrize("probability", [1e-4, 0.3, 0.5, 0.500001, 0.975])
def test_chi_square_quantiles_equal_scipy_stats(df: float, probability: float) -> None:
    assert special.chi2_quantile(probability, df) == pytest.approx(stats.chi2.ppf(probability, df), rel=1e-9)


def test_tails_equal_scipy_stats() -> None:
    z = np.array([-3.0, 0.0, 1.2, 40.0])

    np.testing.assert_allclose(special.normal_two_sided(z), 2 * stats.norm.sf(abs(z)), rtol=1e-12)
    np.testing.assert_allclose(special.t_two_sided(z, 4), 2 * stats.t.sf(abs(z), 4), rtol=1e-12)
    np.testing.assert_allclose(special.t_two_sided(z, np.inf), 2 * stats.norm.sf(abs(z)), rtol=1e-12)
    np.testing.assert_allclose(special.chi2_tail([0.5, 9.0], [1, 4]), stats.chi2.sf([0.5, 9.0], [1, 4]))
    assert special.f_tail(2.5, 3, 7) == pytest.approx(stats.f.sf(2.5, 3, 7), rel=1e-12)


def test_a_tail_of_many_degrees_keeps_its_digits() -> None:
    assert special.t_quantile(1 - 1e-12, 5) == pytest.approx(-stats.t.ppf(5e-13, 5), rel=1e-4)


@pytest.mark.parametrize("df", [0, -1])
def test_no_degrees_of_freedom_give_no_value(df: int) -> None:
    assert math.isnan(special.t_quantile(0.95, df))
    assert math.isnan(special.chi2_quantile(0.9, df))
    assert np.isnan(special.t_two_sided([1.0, 2.0], df)).all()
    assert math.isnan(special.f_tail(1.0, df, 3))
    assert math.isnan(special.f_tail(1.0, 3, df))


def test_chi_square_tail_without_degrees_is_one_and_missing_stays_missing() -> None:
    tail = special.chi2_tail([3.0, np.nan, -1.0], [0, 2, 2])

    assert tail[0] == 1
    assert np.isnan(tail[1])
    assert tail[2] == 1


@settings(deadline=None)
@given(st.floats(-50, 50), st.floats(0.01, 30), st.floats(0.01, 30))
def test_root_of_a_cubic_is_found(root: float, below: float, above: float) -> None:
    found = bracketed_root(lambda x: (x - root) * (1 + (x - root) ** 2), root - below, root + above)

    assert found == pytest.approx(root, rel=1e-13, abs=1e-13)


@pytest.mark.parametrize(
    ("f", "low", "high", "root"),
    [
        pytest.param(lambda x: x - 1, 1.0, 3.0, 1.0, id="at the lower end"),
        pytest.param(lambda x: x - 3, 1.0, 3.0, 3.0, id="at the upper end"),
        pytest.param(lambda x: 2 - x, 0.0, 5.0, 2.0, id="falling"),
        pytest.param(lambda x: math.copysign(1, x - 0.3), 0.0, 1.0, 0.3, id="a step"),
        pytest.param(lambda x: (x - 0.25) ** 9, 0.0, 1.0, 0.25, id="flat"),
        pytest.param(lambda x: math.exp(x) - 1e6, 0.0, 50.0, math.log(1e6), id="steep"),
        pytest.param(lambda x: math.atan(x - 7), -1e6, 1e6, 7.0, id="far ends"),
    ],
)
def test_hard_roots_are_found(f: object, low: float, high: float, root: float) -> None:
    assert bracketed_root(f, low, high) == pytest.approx(root, abs=1e-4 if root == 0.25 else 1e-12)


def test_smooth_roots_take_few_evaluations() -> None:
    calls = []

    def f(x: float) -> float:
        calls.append(x)
        return math.exp(x) - 5

    assert bracketed_root(f, 0.0, 10.0) == pytest.approx(math.log(5), rel=1e-15)
    # Bisection would take more than fifty.
    assert len(calls) < 20


def test_the_bracket_is_never_left() -> None:
    seen = []

    def f(x: float) -> float:
        seen.append(x)
        return math.log(x) ** 3 - 1

    assert bracketed_root(f, 0.5, 40.0) == pytest.approx(math.e, rel=1e-14)
    assert min(seen) == 0.5
    assert max(seen) == 40.0
    # it begins in the middle
    assert seen[2] == 20.25


def test_a_coarse_bracket_ends_early() -> None:
    assert bracketed_root(lambda x: x**3 - 2, 0.0, 3.0, relative=1e-3) == pytest.approx(
        2 ** (1 / 3), rel=2e-3
    )


def test_equal_signs_have_no_bracket() -> None:
    with pytest.raises(ValueError, match="same sign"):
        bracketed_root(lambda x: x * x + 1, -1.0, 1.0)


def test_expansion_doubles_until_the_sign_turns() -> None:
    assert expand_upwards(lambda x: 10 - x, 1.0, 1.0) == 17.0
    assert expand_upwards(lambda x: 2 - x, 1.0, 1.0) == 2.0
    assert expand_upwards(lambda x: 1.0, 0.0, 1.0) is None
