"""Batches of fits: equal to single fits in both engines, and how their work is shared out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.synthesis import _engine, glmm_many, quadrature
from analysis.synthesis._engine import in_threads, kernels, warm_up
from analysis.synthesis.glmm import fit_glmm, fit_glmm_many

X = np.array([3.0, 9, 4, 12, 0, 20, 7])
N = np.array([20.0, 22, 25, 21, 14, 60, 7])


@pytest.fixture(params=["arrays", "compiled"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "arrays":
        for module in (glmm_many, quadrature):
            monkeypatch.setattr(module, "kernels", lambda integrals=0: None)
    elif not warm_up():
        pytest.skip("numba is not installed")
    return request.param


def test_rows_equal_single_fits(engine: str) -> None:
    rng = np.random.default_rng(3)
    weights = np.where(rng.random((40, X.size)) < 0.5, 0.0, rng.choice([0.5, 1, 2], (40, 7)))
    weights[weights.sum(1) == 0] = 1.0
    fits = fit_glmm_many(X, N, weights)
    for i, row in enumerate(weights):
        one = fit_glmm(X, N, weights=row)
        assert fits.converged[i] == one.converged
        assert fits.mu[i] == pytest.approx(one.mu, abs=1e-8, nan_ok=True)
        if one.converged:
            assert fits.se[i] == pytest.approx(one.se[0], rel=1e-7)
            assert fits.tau2[i] == pytest.approx(one.tau2, rel=1e-6, abs=1e-10)
            assert fits.log_likelihood[i] == pytest.approx(one.log_likelihood, rel=1e-11)
            assert fits.boundary[i] == one.boundary


def test_changing_counts_equal_single_fits(engine: str) -> None:
    rng = np.random.default_rng(4)
    counts = rng.binomial(N.astype(int), 0.3, (30, 7)).astype(float)
    fits = fit_glmm_many(counts, N)
    for i, row in enumerate(counts):
        one = fit_glmm(row, N)
        assert fits.mu[i] == pytest.approx(one.mu, abs=1e-8)
        assert fits.tau2[i] == pytest.approx(one.tau2, rel=1e-6, abs=1e-10)


def test_rows_without_a_maximum_are_marked(engine: str) -> None:
    weights = np.zeros((4, 7))
    weights[0, 4] = weights[1, 6] = weights[2, [4, 6]] = 1
    fits = fit_glmm_many(X, N, weights)
    assert fits.mu[:2].tolist() == [-math.inf, math.inf]
    assert not fits.converged.any()
    assert np.isnan(fits.mu[2:]).all()


def test_small_chunks_change_nothing(engine: str) -> None:
    weights = 1 - np.eye(7)
    whole = fit_glmm_many(X, N, weights)
    pieces = fit_glmm_many(X, N, weights, memory_bytes=1)
    np.testing.assert_allclose(whole.mu, pieces.mu, rtol=1e-12)


def test_progress_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    fit_glmm_many(X, N, 1 - np.eye(7), progress=True)
    assert "chunk" in capsys.readouterr().err


def test_rows_and_frame() -> None:
    fits = fit_glmm_many(X, N, 1 - np.eye(7))
    assert fits.size == 7
    assert set(fits.rows()[0]) >= {"mu", "se", "tau2", "converged"}


@pytest.mark.parametrize(
    ("x", "w", "message"),
    [
        pytest.param(np.ones((2, 7)), np.ones((3, 7)), "numbers of rows", id="rows"),
        pytest.param(X, np.ones((2, 6)), "expected", id="studies"),
        pytest.param(X, np.full((2, 7), np.nan), "finite", id="missing"),
    ],
)
def test_faulty_input_is_named(x: np.ndarray, w: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_glmm_many(x, N, w)


def test_numba_is_not_loaded_for_a_single_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_engine, "_loaded", None)
    monkeypatch.setattr(_engine, "_fits", 0)
    assert kernels(8 * 29) is None


def test_numba_is_loaded_after_several_fits_of_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_engine, "_loaded", None)
    monkeypatch.setattr(_engine, "_fits", 0)
    monkeypatch.setattr(_engine.importlib, "import_module", lambda name: name)
    answers = [kernels(8 * 29) for _ in range(_engine.FIRST_FITS + 2)]
    assert answers[: _engine.FIRST_FITS] == [None] * _engine.FIRST_FITS
    assert answers[-2:] == ["analysis.synthesis._kernels"] * 2


def test_missing_numba_leaves_the_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(_engine, "_loaded", None)
    monkeypatch.setattr(_engine.importlib, "import_module", refuse)
    assert not warm_up()


@pytest.mark.parametrize("size", [1, 10, 1000])
def test_threads_cover_every_item_once(size: int) -> None:
    seen = np.zeros(size, int)

    def task(start: int, stop: int) -> None:
        seen[start:stop] += 1

    in_threads(task, size, 10)
    assert (seen == 1).all()
