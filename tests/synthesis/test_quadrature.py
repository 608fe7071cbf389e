"""The study integral against brute force, finite differences, limits and its compiled twin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.synthesis import quadrature
from analysis.synthesis._engine import warm_up
from analysis.synthesis.quadrature import (
    StudyTerms,
    hermite_rule,
    saturated_log_likelihood,
    study_terms,
)
from tests.synthesis.glmm_helpers import REFERENCE, exact_terms

NAMES = ("value", "e", "t", "ee", "et", "tt")
CASES = [
    pytest.param(3, 4, 0.0, 0.5, id="small"),
    pytest.param(0, 40, 1.5, 8.47, id="none-with-large-tau"),
    pytest.param(50, 50, 1.5, 8.47, id="all-with-large-tau"),
    pytest.param(0, 2000, 5.0, 0.1, id="none-against-high-rate"),
    pytest.param(1, 20000, 2.7, 0.05, id="one-against-high-rate"),
    pytest.param(520000, 1000000, 0.05, 0.05, id="a-million"),
    pytest.param(7, 20, -0.6, 1e-3, id="tau-near-zero"),
    pytest.param(1, 1, 0.3, 1.0, id="one-patient"),
    pytest.param(999, 1000, 0.0, 0.01, id="value-of-minus-674"),
]


@pytest.fixture(params=["arrays", "compiled"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with each engine."""
    if request.param == "arrays":
        monkeypatch.setattr(quadrature, "kernels", lambda integrals=0: None)
    elif not warm_up():
        pytest.skip("numba is not installed")
    return request.param


def one(x: float, n: float, eta: float, tau: float) -> StudyTerms:
    return study_terms(*(np.array([float(v)]) for v in (x, n, eta, tau)))


@pytest.mark.parametrize(("x", "n", "eta", "tau"), CASES)
def test_terms_equal_forty_digit_integrals(engine: str, x: float, n: float, eta: float, tau: float) -> None:
    got = one(x, n, eta, tau)
    expected = exact_terms(x, n, eta, tau)
    scale = math.sqrt(abs(expected[3]))
    for name, value in zip(NAMES, expected, strict=True):
        size = abs(value) + {"e": scale, "t": scale, "et": abs(expected[3])}.get(name, 0.0)
        assert abs(float(getattr(got, name)[0]) - value) <= 2e-9 * size, name


def test_values_equal_those_of_integrate_in_r(engine: str) -> None:
    rows = REFERENCE["studies"]
    columns = (np.array([row[key] for row in rows], float) for key in ("x", "n", "eta", "tau"))
    expected = [row["loglik"] for row in rows]

    np.testing.assert_allclose(study_terms(*columns).value, expected, rtol=1e-11)


@pytest.mark.parametrize(("x", "n", "eta", "tau"), [(3, 20, -1.0, 0.7), (0, 12, -2.0, 3.0)])
def test_derivatives_equal_finite_differences(
    engine: str, x: float, n: float, eta: float, tau: float
) -> None:
    h = 1e-4

    def difference(name: str, by_tau: bool) -> float:
        up = one(x, n, eta + h * (not by_tau), tau + h * by_tau)
        down = one(x, n, eta - h * (not by_tau), tau - h * by_tau)
        return float((getattr(up, name) - getattr(down, name))[0] / (2 * h))

    at = one(x, n, eta, tau)
    pairs = [
        ("value", False, "e"), ("value", True, "t"), ("e", False, "ee"), ("e", True, "et"),
        ("t", False, "et"), ("t", True, "tt"),
    ]  # fmt: skip
    for source, by_tau, target in pairs:
        expected = float(getattr(at, target)[0])
        assert difference(source, by_tau) == pytest.approx(expected, rel=1e-6, abs=1e-7)


def test_tau_zero_is_the_binomial(engine: str) -> None:
    got = one(3, 10, 0.2, 0.0)
    p = 1 / (1 + math.exp(-0.2))
    expected = math.log(120) + 3 * math.log(p) + 7 * math.log(1 - p)

    assert float(got.value[0]) == pytest.approx(expected, rel=1e-13)
    assert float(got.t[0]) == 0.0


def test_probabilities_of_all_counts_sum_to_one(engine: str) -> None:
    x = np.arange(41.0)
    for eta, tau in ((-1.0, 0.4), (2.0, 2.5), (0.0, 12.0)):
        value = study_terms(x, np.full(41, 40.0), np.full(41, eta), np.full(41, tau)).value
        assert float(np.exp(value).sum()) == pytest.approx(1.0, abs=1e-11)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 300), st.floats(0, 1), st.floats(-6, 6), st.floats(0.01, 8), st.booleans())
def test_mirror_and_even_in_tau(n: int, share: float, eta: float, tau: float, negative: bool) -> None:
    x = round(share * n)
    a, b = one(x, n, eta, tau), one(n - x, n, -eta, -tau if negative else tau)
    sign = -1.0 if negative else 1.0
    scale = abs(float(a.ee[0])) + abs(float(a.e[0])) + 1e-12
    for name, factor in (
        ("value", 1.0), ("e", -1.0), ("t", sign), ("ee", 1.0), ("et", -sign), ("tt", 1.0),
    ):  # fmt: skip
        left, right = float(getattr(a, name)[0]), factor * float(getattr(b, name)[0])
        assert left == pytest.approx(right, rel=1e-8, abs=1e-8 * scale)


def test_engines_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    if not warm_up():
        pytest.skip("numba is not installed")
    rng = np.random.default_rng(5)
    size = 4000
    n = np.ceil(10 ** rng.uniform(0, 5, size))
    eta, tau = rng.normal(0, 3, size), 10 ** rng.uniform(-3, 1.2, size)
    x = rng.binomial(n.astype(int), 1 / (1 + np.exp(-(eta + tau * rng.normal(size=size)))))
    compiled = study_terms(x, n, eta, tau)
    monkeypatch.setattr(quadrature, "kernels", lambda integrals=0: None)
    arrays = study_terms(x, n, eta, tau)
    np.testing.assert_allclose(compiled.value, arrays.value, rtol=1e-10)
    np.testing.assert_allclose(compiled.ee, arrays.ee, rtol=1e-7)
    root = np.sqrt(np.abs(arrays.ee))
    for name in ("e", "t"):
        gap = np.abs(getattr(compiled, name) - getattr(arrays, name))
        assert (gap / (np.abs(getattr(arrays, name)) + root)).max() < 1e-8


def test_safety_net_doubles_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """With far too wide steps the check of even against odd nodes still gives the integral."""
    monkeypatch.setattr(quadrature, "kernels", lambda integrals=0: None)
    expected = float(one(3, 20, -1.0, 0.7).value[0])
    monkeypatch.setattr(quadrature, "STEP_SD", 3.0)
    monkeypatch.setattr(quadrature, "STEP_SD_FEW", 3.0)
    monkeypatch.setattr(quadrature, "STEP_TAU_FEW", 9.0)

    assert float(one(3, 20, -1.0, 0.7).value[0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("nodes", [1, 2, 7, 15])
def test_hermite_rule_is_exact_for_polynomials(nodes: int) -> None:
    z, w = hermite_rule(nodes)
    moments = [math.prod(range(1, order, 2)) for order in range(0, 2 * nodes, 2)]
    for half, expected in enumerate(moments):
        assert float((w * z ** (2 * half)).sum()) == pytest.approx(expected, rel=1e-10)


def test_hermite_rule_refuses_no_nodes() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        hermite_rule(0)


def test_saturated_likelihood_of_large_and_broken_counts() -> None:
    """Stirling's series keeps 1e-13 where log-gamma of a million loses nine digits."""
    x, n = np.array([3.0, 0.0, 5.0, 5e5, 2.5]), np.array([7.0, 4.0, 5.0, 1e6, 6.0])
    from mpmath import loggamma, mp

    with mp.workdps(40):
        expected = [
            float(
                loggamma(b + 1) - loggamma(a + 1) - loggamma(b - a + 1)
                + (a * mp.log(mp.mpf(a) / b) if a else 0)
                + ((b - a) * mp.log(mp.mpf(b - a) / b) if b > a else 0)
            )
            for a, b in zip(map(mp.mpf, x), map(mp.mpf, n), strict=True)
        ]  # fmt: skip
    np.testing.assert_allclose(saturated_log_likelihood(x, n), expected, rtol=1e-13, atol=1e-15)
