"""Three-level model against `rma.mv` of metafor 3.8-1 and against its likelihood written out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.synthesis.inverse_variance import fit_iv
from analysis.synthesis.scales import effects
from analysis.synthesis.three_level import fit_three_level, fit_three_level_effects

EVENTS, TOTAL = [3, 9, 4, 12, 7, 20, 2], [20, 22, 25, 21, 14, 60, 31]
STUDY = ["a", "a", "b", "b", "c", "d", "d"]
#: Arms of one study resemble each other here (synthetic).
Y = np.array([0.1, 0.2, 1.4, 1.5, -0.9, -0.7, 0.4, 0.3])
V = np.array([0.05, 0.04, 0.06, 0.05, 0.04, 0.07, 0.05, 0.05])
ALIKE = list("aabbccdd")


def _height(y: np.ndarray, v: np.ndarray, study: list, sigma2: tuple[float, float], reml: bool) -> float:
    same = np.array(study)[:, None] == np.array(study)[None, :]
    cov = np.diag(v + sigma2[1]) + sigma2[0] * same
    inverse, one = np.linalg.inv(cov), np.ones(y.size)
    mu = one @ inverse @ y / (one @ inverse @ one)
    value = -0.5 * (np.linalg.slogdet(cov)[1] + (y - mu) @ inverse @ (y - mu))
    return value - 0.5 * math.log(one @ inverse @ one) if reml else value


@pytest.mark.parametrize(
    ("method", "test", "mu", "se", "low", "sigma2", "value"),
    [
        (
            "reml",
            "z",
            -0.880094704795891,
            0.370990694248218,
            -1.60722310412191,
            0.701471686404034,
            -8.69841353888718,
        ),
        (
            "reml",
            "t",
            -0.880094704795891,
            0.370990694248218,
            -1.78787623121636,
            0.701471686404034,
            -8.69841353888718,
        ),
        (
            "ml",
            "z",
            -0.862251978995669,
            0.336037998875303,
            -1.52087435422817,
            0.53244695216126,
            -9.5485284225585,
        ),
    ],
)
def test_model_of_logits_equals_rma_mv(
    method: str, test: str, mu: float, se: float, low: float, sigma2: float, value: float
) -> None:
    made = fit_three_level(EVENTS, TOTAL, STUDY, method=method, test=test)

    assert (made.mu, made.se, made.ci_mu.low) == pytest.approx((mu, se, low), rel=1e-5)
    assert made.sigma2_arm == pytest.approx(sigma2, rel=1e-5)
    assert made.sigma2_study == pytest.approx(0, abs=1e-8)
    assert made.log_likelihood == pytest.approx(value, rel=1e-9)
    assert made.correlation == pytest.approx(0, abs=1e-8)
    row = made.rows()[0]
    assert (row["arms"], row["studies"], row["mu"]) == (7, 4, made.mu)


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_no_neighbour_is_higher(method: str) -> None:
    made = fit_three_level_effects(Y, V, ALIKE, method=method)
    at = (made.sigma2_study, made.sigma2_arm)
    top = _height(Y, V, ALIKE, at, method == "reml")
    grid = [0.0, 0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 1.0, 1.5, 3.0]

    assert made.converged
    assert max(_height(Y, V, ALIKE, (a, b), method == "reml") for a in grid for b in grid) <= top
    for step in (-1e-3, 1e-3):
        assert _height(Y, V, ALIKE, (at[0] + step, at[1]), method == "reml") <= top
    assert made.correlation == pytest.approx(at[0] / sum(at))
    assert made.correlation > 0.9


def test_arms_of_their_own_make_a_model_of_two_levels() -> None:
    made = fit_three_level_effects(Y, V, list("abcdefgh"))
    plain = fit_iv(Y, V, tau2_method="reml")

    assert "one arm" in made.notes[0]
    assert made.sigma2_study == 0
    assert made.sigma2_arm == pytest.approx(plain.tau2, rel=1e-8)
    assert (made.mu, made.se) == pytest.approx((plain.beta[0], plain.se[0]), rel=1e-8)
    assert math.isnan(made.correlation)


def test_one_study_of_many_arms_has_no_variance_of_its_own() -> None:
    made = fit_three_level_effects(Y, V, ["a"] * 8)

    assert "one study" in made.notes[0]
    assert (made.sigma2_study, math.isnan(made.correlation)) == (0, True)
    assert made.sigma2_arm == pytest.approx(fit_iv(Y, V, tau2_method="reml").tau2, rel=1e-8)


def test_equal_arms_have_no_variance_at_all() -> None:
    made = fit_three_level_effects(np.full(6, 0.4), np.full(6, 0.1), list("aabbcc"))

    assert made.converged
    assert (made.sigma2_study, made.sigma2_arm) == (0, 0)
    assert math.isnan(made.correlation)
    assert made.se == pytest.approx(math.sqrt(0.1 / 6))


def test_empty_arms_are_corrected() -> None:
    made = fit_three_level([0, 3, 5, 9], [10, 12, 11, 9], ["a", "a", "b", "b"])
    study = effects([0, 3, 5, 9], [10, 12, 11, 9])

    np.testing.assert_allclose(made.effects, study.yi)
    np.testing.assert_allclose(made.variances, study.vi)


def test_order_and_names_do_not_matter() -> None:
    turn = np.array([3, 0, 7, 2, 5, 1, 6, 4])
    one = fit_three_level_effects(Y, V, ALIKE)
    two = fit_three_level_effects(Y[turn], V[turn], [f"study {ALIKE[i]}" for i in turn])

    assert (two.mu, two.sigma2_study) == pytest.approx((one.mu, one.sigma2_study), rel=1e-8)


@pytest.mark.parametrize(
    ("y", "v", "study", "options", "message"),
    [
        pytest.param([0.1], [0.1], ["a"], {}, "two entries at least", id="one arm"),
        pytest.param([0.1, 0.2], [0.1, 0.2], ["a"], {}, "1 study for 2 effects", id="names"),
        pytest.param([0.1, 0.2], [0.1], ["a", "b"], {}, "2 values, variances 1", id="variances"),
        pytest.param([[0.1, 0.2]], [[0.1, 0.2]], ["a", "b"], {}, "effects has 2 dimensions", id="table"),
        pytest.param([0.1, np.nan], [0.1, 0.2], ["a", "b"], {}, "finite", id="missing effect"),
        pytest.param([0.1, 0.2], [0.1, np.inf], ["a", "b"], {}, "finite", id="endless variance"),
        pytest.param([0.1, 0.2], [0.1, 0.0], ["a", "b"], {}, "above zero", id="variance of zero"),
        pytest.param([0.1, 0.2], [0.1, 0.2], ["a", "b"], {"method": "dl"}, "known: reml, ml", id="method"),
        pytest.param([0.1, 0.2], [0.1, 0.2], ["a", "b"], {"test": "f"}, "known: z, t", id="test"),
    ],
)
def test_faulty_arms_are_refused(y: list, v: list, study: list, options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_three_level_effects(y, v, study, **options)
