"""The two-arm model with random study levels: R, brute force, derivatives, symmetry, edges."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import gammaln

from analysis.synthesis._random_studies_likelihood import RandomStudies
from analysis.synthesis.counts import CountsError
from analysis.synthesis.glmm_random_studies import fit_random_studies_glmm
from analysis.synthesis.glmm_two_by_two import fit_two_arm_glmm
from analysis.synthesis.two_by_two import Tables, check_tables

FILE = Path(__file__).parents[1] / "reference" / "glmm" / "random_studies.json"
REFERENCE: dict[str, Any] = json.loads(FILE.read_text("utf-8"))["sets"]
TWO_ARM: dict[str, Any] = json.loads(FILE.with_name("two_arm.json").read_text("utf-8"))["sets"]
POINTS = [
    (-1.0, 0.3, 0.8, 0.5, 0.0),
    (-3.0, -0.6, 1.5, 0.2, -0.4),
    (0.5, 1.0, 0.3, 1.2, 0.5),
    (-1.0, 0.2, 3.0, 2.0, 1.0),
]
by_set = pytest.mark.parametrize("name", REFERENCE)
by_point = pytest.mark.parametrize("point", POINTS, ids=str)


def _counts(name: str) -> tuple[list[float], ...]:
    rows = REFERENCE[name]["counts"]
    return tuple([row[key] for row in rows] for key in ("ai", "n1i", "ci", "n2i"))


def _tables() -> Tables:
    """Synthetic tables with a zero cell, a full arm, both, and a large study."""
    return check_tables([0, 12, 20, 3, 90], [15, 30, 20, 40, 400], [4, 9, 0, 3, 120], [16, 28, 22, 41, 380])


def _brute(t: Tables, point: tuple[float, ...], coding: float = 0.5) -> np.ndarray:
    """Log integrals by a plain sum over a wide square grid."""
    alpha, mu, s, tau, r = point
    z, h = np.linspace(-11, 11, 1201, retstep=True)
    z1, z2 = z[:, None], z[None]
    level, theta = alpha + s * z1, mu + r * z1 + tau * z2
    out = []
    for a, n1, c, n2 in zip(t.a, t.n1, t.c, t.n2, strict=True):
        one, two = level + coding * theta, level + (coding - 1) * theta
        f = a * one - n1 * np.logaddexp(0, one) + c * two - n2 * np.logaddexp(0, two) - (z1**2 + z2**2) / 2
        choose = sum(gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1) for x, n in ((a, n1), (c, n2)))
        out.append(f.max() + math.log(np.exp(f - f.max()).sum() * h * h / (2 * math.pi)) + choose)
    return np.array(out)


@by_point
@pytest.mark.parametrize("coding", [0.5, 1.0, 0.0], ids=["split", "first", "second"])
def test_integrals_equal_a_plain_sum(point: tuple[float, ...], coding: float) -> None:
    t = _tables()

    made = RandomStudies(t, coding).terms(*point).value

    assert made == pytest.approx(_brute(t, point, coding), rel=1e-10)


@by_point
def test_derivatives_equal_differences(point: tuple[float, ...]) -> None:
    model, at, step = RandomStudies(_tables()), np.array(point), 1e-4
    terms = model.terms(*at)
    for j, move in enumerate(step * np.eye(5)):
        up, down = model.terms(*(at + move)), model.terms(*(at - move))
        assert terms.gradient[:, j] == pytest.approx((up.value - down.value) / (2 * step), abs=1e-4)
        for_hessian = (up.gradient - down.gradient) / (2 * step)
        assert terms.hessian[:, j] == pytest.approx(for_hessian, rel=1e-5, abs=1e-3)


@by_point
def test_the_gradient_of_laplace_equals_differences(point: tuple[float, ...]) -> None:
    model, at, step = RandomStudies(_tables()), np.array(point), 1e-4
    gradient = model.laplace(*at)[1]
    for j, move in enumerate(step * np.eye(5)):
        up, down = model.laplace(*(at + move))[0], model.laplace(*(at - move))[0]
        assert gradient[:, j] == pytest.approx((up - down) / (2 * step), abs=1e-4)


def test_no_spread_of_effects_needs_one_node() -> None:
    t = _tables()

    assert RandomStudies(t).terms(-1.0, 0.4, 0.9, 0.0, 0.0).value == pytest.approx(
        _brute(t, (-1.0, 0.4, 0.9, 0.0, 0.0)), rel=1e-10
    )


@by_set
@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("laplace", {}),
        ("laplace_correlated", {"correlated": True}),
        ("laplace_first", {"coding": 1.0}),
        ("laplace_second", {"coding": 0.0}),
    ],
    ids=["plain", "correlated", "first arm", "second arm"],
)
def test_laplace_equals_rma_glmm_with_glmmtmb(name: str, key: str, words: dict[str, Any]) -> None:
    theirs = REFERENCE[name][key]
    ours = fit_random_studies_glmm(*_counts(name), integration="laplace", **words)

    assert ours.converged
    assert ours.estimate == pytest.approx(theirs["beta"], rel=1e-4, abs=1e-5)
    assert ours.tau2 == pytest.approx(theirs["tau2"], rel=1e-3, abs=1e-4)
    assert ours.sigma2 == pytest.approx(theirs["sigma2"], rel=1e-4)
    if ours.tau2 > 1e-3 and abs(ours.correlation) < 0.999:
        assert ours.se == pytest.approx(theirs["se"], rel=1e-4)


@by_set
@pytest.mark.parametrize("correlated", [False, True], ids=["independent", "correlated"])
def test_the_exact_fit_equals_a_search_in_r(name: str, correlated: bool) -> None:
    theirs = REFERENCE[name]["exact_correlated" if correlated else "exact"]
    ours = fit_random_studies_glmm(*_counts(name), correlated=correlated, drop00=False)

    # R's general search stops a little early, never higher.
    assert ours.log_likelihood >= theirs["loglik"] - 1e-9
    assert ours.log_likelihood == pytest.approx(theirs["loglik"], abs=1e-5)
    assert ours.estimate == pytest.approx(theirs["at"][1], abs=2e-3)


@by_set
@pytest.mark.parametrize("model", ["UM.FS", "CM.AL"])
def test_models_without_random_levels_equal_rma_glmm(name: str, model: Any) -> None:
    theirs = TWO_ARM[name][model]
    ours = fit_two_arm_glmm(*_counts(name), model)

    # glmer's search stops near 1e-5.
    assert ours.estimate == pytest.approx(theirs["beta"], rel=1e-4)
    assert ours.se == pytest.approx(theirs["se"], rel=1e-4)
    assert ours.tau2 == pytest.approx(theirs["tau2"], rel=1e-3, abs=1e-5)
    assert ours.lrt == pytest.approx(theirs["lrt"], rel=1e-8)


@by_set
def test_the_approximate_conditional_model_equals_rma_glmm(name: str) -> None:
    theirs = REFERENCE[name]["approximate"]
    ours = fit_two_arm_glmm(*_counts(name), "CM.AL")

    assert ours.estimate == pytest.approx(theirs["beta"], rel=1e-4)
    assert ours.se == pytest.approx(theirs["se"], rel=1e-4)
    assert ours.tau2 == pytest.approx(theirs["tau2"], rel=1e-3, abs=1e-5)
    assert ours.lrt == pytest.approx(theirs["lrt"], rel=1e-6)


@by_set
def test_swapping_the_arms_turns_the_estimate(name: str) -> None:
    a, n1, c, n2 = _counts(name)
    there, back = fit_random_studies_glmm(a, n1, c, n2), fit_random_studies_glmm(c, n2, a, n1)

    assert back.estimate == pytest.approx(-there.estimate, abs=1e-7)
    assert (back.se, back.tau2, back.sigma2) == pytest.approx((there.se, there.tau2, there.sigma2), abs=1e-7)


def test_correlated_codings_are_one_model() -> None:
    counts = _counts("common")
    found = [fit_random_studies_glmm(*counts, correlated=True, coding=w).log_likelihood for w in (0.5, 1, 0)]

    assert found == pytest.approx([found[0]] * 3, abs=1e-8)


@pytest.mark.parametrize(
    ("a", "c", "end"),
    [([0, 0], [3, 4], -math.inf), ([3, 4], [0, 0], math.inf), ([10, 12], [3, 4], math.inf)],
    ids=["none in the first", "none in the second", "all in the first"],
)
def test_an_empty_arm_has_no_finite_maximum(a: list[int], c: list[int], end: float) -> None:
    found = fit_random_studies_glmm(a, [10, 12], c, [10, 12])

    assert found.estimate == end
    assert not found.converged
    assert any("no finite maximum" in note for note in found.notes)


def test_one_study_gives_its_own_odds_ratio() -> None:
    found = fit_random_studies_glmm([5], [20], [9], [21])

    assert found.estimate == pytest.approx(math.log(5 / 15 / (9 / 12)))
    assert found.se == pytest.approx(math.sqrt(1 / 5 + 1 / 15 + 1 / 9 + 1 / 12))
    assert (found.tau2, found.sigma2) == (0.0, 0.0)


def test_studies_without_events_can_stay() -> None:
    a, n1, c, n2 = ([*column, extra] for column, extra in zip(_counts("common"), (0, 40, 0, 45), strict=True))
    without = fit_random_studies_glmm(a, n1, c, n2)
    kept = fit_random_studies_glmm(a, n1, c, n2, drop00=False)

    assert (without.k_used, kept.k_used) == (len(a) - 1, len(a))
    assert kept.intercept < without.intercept


def test_what_is_not_offered_is_refused() -> None:
    with pytest.raises(ValueError, match="coding"):
        fit_random_studies_glmm([1], [5], [2], [5], coding=0.3)
    with pytest.raises(ValueError, match="integration"):
        fit_random_studies_glmm([1], [5], [2], [5], integration="ghq")  # type: ignore[arg-type]
    with pytest.raises(CountsError, match="nothing can be compared"):
        fit_random_studies_glmm([0], [5], [0], [5])


def test_the_likelihood_ratio_of_free_effects_is_that_of_r() -> None:
    theirs = REFERENCE["common"]["laplace"]["lrt"]
    ours = fit_random_studies_glmm(*_counts("common"), integration="laplace")

    if theirs is not None:
        assert ours.lrt == pytest.approx(theirs, rel=1e-5)
