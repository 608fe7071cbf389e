"""Profile intervals: where they end, by direct search over the other parameter."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.synthesis.glmm import (
    fit_glmm,
    profile_interval_mu,
    profile_interval_tau2,
)
from analysis.synthesis.quadrature import study_terms
from tests.synthesis.glmm_helpers import oracle_sets

HALF_CHI2 = 1.9207294103470620
DATA = {
    "ordinary": ([3, 9, 4, 12], [20, 22, 25, 21]),
    "one-study": ([7], [20]),
    "boundary": ([2, 4, 6, 8], [10, 20, 30, 40]),
    "large-tau": ([0, 50, 1, 60, 25], [40, 50, 30, 60, 50]),
}
#: Records whose search stopped at its own bounds (tau up to 8, beta within 6 max(1, tau)); at our ends
#: the profile equals the cut, at theirs it does not.
SEARCH_BOUNDS = {
    ("edge_extreme_mix", "beta_lb"), ("edge_extreme_mix", "beta_ub"),
    ("edge_extreme_mix", "tau_ub"), ("vanhowe1999_circ", "beta_lb"),
    ("axfors2021_control", "beta_ub"), ("axfors2021_control", "tau_ub"),
    ("axfors2021_treated", "tau_ub"),
}  # fmt: skip
ORACLE = {entry["dataset"]: entry for entry in oracle_sets()}


def height(x: list[int], n: list[int], mu: np.ndarray, tau: np.ndarray) -> float:
    shape = (mu.size, tau.size, len(x))
    value = study_terms(
        *(np.broadcast_to(np.asarray(a, float), shape) for a in (x, n)),
        np.broadcast_to(mu[:, None, None], shape),
        np.broadcast_to(tau[None, :, None], shape),
    ).value
    return float(value.sum(-1).max())


def refine(low: float, high: float, function: object) -> float:
    """Maximise over one parameter by golden section."""
    ratio = (math.sqrt(5) - 1) / 2
    for _ in range(80):
        a, b = high - ratio * (high - low), low + ratio * (high - low)
        if function(a) < function(b):  # type: ignore[operator]
            low = a
        else:
            high = b
    return function((low + high) / 2)  # type: ignore[operator]


@pytest.mark.parametrize("name", DATA)
@pytest.mark.parametrize("level", [0.95, 0.8])
def test_profile_equals_cut_at_the_ends(name: str, level: float) -> None:
    x, n = DATA[name]
    fit = fit_glmm(x, n)
    cut = {0.95: HALF_CHI2, 0.8: 0.8211872075749083}[level]
    interval = profile_interval_mu(fit, level)
    assert interval.low < fit.mu < interval.high
    for end in (interval.low, interval.high):

        def over_tau(tau: float, end: float = end) -> float:
            return height(x, n, np.array([end]), np.array([abs(tau)]))

        grid = [over_tau(t) for t in np.linspace(0, 40, 81)]
        best = int(np.argmax(grid)) * 0.5
        top = max(grid[0], refine(max(best - 0.5, 0), best + 0.5, over_tau))
        assert top == pytest.approx(fit.log_likelihood - cut, abs=1e-7)


@pytest.mark.parametrize("name", DATA)
def test_profile_of_tau2_equals_cut_at_the_ends(name: str) -> None:
    x, n = DATA[name]
    fit = fit_glmm(x, n)
    interval = profile_interval_tau2(fit)
    for end in (interval.low, interval.high):

        def over_mu(mu: float, end: float = end) -> float:
            return height(x, n, np.array([mu]), np.array([math.sqrt(end)]))

        top = refine(-60.0, 60.0, over_mu)
        if end == 0.0:
            assert top >= fit.log_likelihood - HALF_CHI2
            assert "includes tau2 = 0" in interval.note
        else:
            assert top == pytest.approx(fit.log_likelihood - HALF_CHI2, abs=1e-7)


def test_regression_coefficients_have_profiles() -> None:
    x, n = [3, 9, 4, 12, 30, 41], [20, 22, 25, 21, 40, 50]
    group = np.array([0, 0, 0, 1, 1, 1])
    cells = fit_glmm(x, n, design=np.eye(2)[group])
    second = profile_interval_mu(cells, coefficient=1)
    swapped = fit_glmm(x, n, design=np.eye(2)[1 - group])
    assert second.low == pytest.approx(profile_interval_mu(swapped).low, rel=1e-6)
    assert second.low < cells.beta[1] < second.high


def test_wider_level_gives_wider_interval() -> None:
    fit = fit_glmm(*DATA["ordinary"])
    inner, outer = profile_interval_mu(fit, 0.9), profile_interval_mu(fit, 0.99)
    assert outer.low < inner.low < inner.high < outer.high


def test_profile_without_a_fall_is_open() -> None:
    """With one participant a study tau is free, so no upper end exists."""
    interval = profile_interval_tau2(fit_glmm([0, 1, 1, 0], [1, 1, 1, 1]))
    assert math.isinf(interval.high)
    assert "infinite" in interval.note


@pytest.mark.skipif(not ORACLE, reason="the reference folder is not beside the repo")
@pytest.mark.parametrize("name", ORACLE)
def test_exact_profile_records(name: str) -> None:
    entry = ORACLE[name]
    for record in entry["records"]:
        ends = record["outputs"].get("profile_ci") if record["id"] == "PLO.glmm.exact" else None
        if not ends:
            continue
        fit = fit_glmm(entry["inputs"]["xi"], entry["inputs"]["ni"])
        mu, tau2 = profile_interval_mu(fit), profile_interval_tau2(fit)
        ours = {
            "beta_lb": mu.low, "beta_ub": mu.high, "tau_lb": math.sqrt(tau2.low),
            "tau_ub": math.sqrt(tau2.high),
        }  # fmt: skip
        for key, value in ours.items():
            if ends[key] is not None and (name, key) not in SEARCH_BOUNDS:
                assert value == pytest.approx(ends[key], rel=1e-7, abs=1e-9), key
