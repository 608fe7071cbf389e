"""Kenward-Roger intervals: equal variances, the general matrix form, units, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.synthesis.inverse_variance import fit_iv
from analysis.synthesis.kenward_roger import kenward_roger
from analysis.synthesis.scales import effects

#: Counts that vary more than chance lets them.
EVENTS, TOTALS = [7, 2, 3, 15, 4, 30], [13, 30, 5, 27, 25, 42]


def fit_of(events: list[int], total: list[int]):
    made = effects(np.array(events, float), np.array(total, float), "logit")
    return fit_iv(made.yi, made.vi, tau2_method="reml")


@pytest.mark.parametrize("k", [2, 3, 9])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_equal_variances_give_the_t_interval(k: int, level: float) -> None:
    y, v = np.linspace(-1.0, 2.0, k) ** 3, np.full(k, 0.3)
    plain = fit_iv(y, v, tau2_method="reml", ci_method="t", level=level)
    found = kenward_roger(plain)

    assert found.df == pytest.approx(k - 1, rel=1e-12)
    assert found.se == pytest.approx(plain.se[0], rel=1e-12)
    assert (found.ci.low, found.ci.high) == pytest.approx((plain.ci_low[0], plain.ci_high[0]), rel=1e-12)
    assert found.p_value == pytest.approx(plain.p_value[0], rel=1e-10)
    assert found.ci.level == level


def test_error_and_degrees_of_freedom_from_matrices() -> None:
    y, v = np.array([0.1, 0.9, -0.4, 1.6, 0.7]), np.array([0.02, 0.4, 0.1, 0.9, 0.3])
    fit = fit_iv(y, v, tau2_method="reml")
    found = kenward_roger(fit)

    # The general matrix form of Kenward and Roger for one variance, V = diag(v) + tau2.
    x, inverse = np.ones((5, 1)), np.diag(1 / (v + fit.tau2))
    phi = np.linalg.inv(x.T @ inverse @ x)
    project = inverse - inverse @ x @ phi @ x.T @ inverse
    information = 0.5 * np.trace(project @ project)
    slope, bend = -x.T @ inverse @ inverse @ x, x.T @ inverse @ inverse @ inverse @ x
    adjusted = phi + 2 / information * phi @ (bend - slope @ phi @ slope) @ phi
    assert found.se == pytest.approx(math.sqrt(adjusted[0, 0]), rel=1e-12)
    assert found.df == pytest.approx(2 * information / (adjusted[0, 0] * slope[0, 0]) ** 2, rel=1e-12)
    assert found.prediction.high - found.estimate == pytest.approx(
        (found.ci.high - found.estimate) / found.se * math.sqrt(found.se**2 + fit.tau2), rel=1e-12
    )


def test_the_interval_is_wider_than_the_normal_one() -> None:
    fit = fit_of(EVENTS, TOTALS)
    found = kenward_roger(fit)

    assert found.se > fit.se[0]
    assert found.ci.low < fit.ci_low[0] < fit.ci_high[0] < found.ci.high
    assert found.prediction.low <= found.ci.low
    assert found.rows()[0]["ci_low"] == found.ci.low


@pytest.mark.parametrize("size", [1e-150, 1e150])
def test_the_unit_of_measurement_does_not_matter(size: float) -> None:
    y, v = np.array([0.1, 0.9, -0.4]), np.array([0.02, 0.4, 0.1])
    one = kenward_roger(fit_iv(y, v, tau2=0.2))
    other = kenward_roger(fit_iv(y * size, v * size**2, tau2=0.2 * size**2))

    assert other.df == pytest.approx(one.df, rel=1e-12)
    assert other.se / size == pytest.approx(one.se, rel=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"tau2_method": "dl"}, "by REML", id="another-estimator"),
        pytest.param({"weights": [1, 1, 2]}, "without moderators", id="weights"),
        pytest.param({"design": np.column_stack([np.ones(3), [0, 1, 2]])}, "without", id="moderator"),
    ],
)
def test_other_fits_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kenward_roger(fit_iv(np.array([0.1, 0.9, -0.4]), np.array([0.2, 0.4, 0.1]), **options))


def test_one_study_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two"):
        kenward_roger(fit_iv(np.array([0.1]), np.array([0.2])))
