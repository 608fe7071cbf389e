"""Inverse-variance results against pinned values of metafor (tests/reference/iv/make.R)."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from analysis.synthesis import bias, influence, scales
from analysis.synthesis.fail_safe import fail_safe_n
from analysis.synthesis.intervals import profile_interval_tau2, q_profile_interval
from analysis.synthesis.inverse_variance import CI_METHODS, fit_iv, fit_iv_many
from analysis.synthesis.mantel_haenszel import mantel_haenszel
from analysis.synthesis.peto import peto_odds_ratio
from analysis.synthesis.regression import from_iv, wald_test
from analysis.synthesis.tau2 import TAU2_METHODS
from analysis.synthesis.trimfill import trim_and_fill
from analysis.synthesis.two_by_two import two_arm_effects

FOLDER = Path(__file__).resolve().parents[1] / "reference" / "iv"


def _read(name: str) -> dict:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


FITS, INTERVALS, DESIGN = _read("fits"), _read("intervals"), _read("design")
INFLUENCE, TWO_ARM, BIAS = _read("influence"), _read("two_arm"), _read("bias")
#: Closed forms to 1e-10; iterated estimators as far as the peer's own stopping rule goes.
CLOSED, ITERATED = 1e-10, 2e-8


def _tolerance(method: str) -> float:
    return ITERATED if method in ("ml", "reml", "pm", "eb") else CLOSED


def _effects(scale: str) -> tuple[np.ndarray, np.ndarray]:
    made = scales.effects(FITS["events"], FITS["total"], scale)
    return made.yi, made.vi


def _same(ours: object, theirs: object, tolerance: float, scale: float = 1.0) -> None:
    expected = np.asarray(
        [np.nan if v is None else v for v in np.atleast_1d(np.asarray(theirs, dtype=object))],
        dtype=float,
    )
    np.testing.assert_allclose(
        np.atleast_1d(np.asarray(ours, dtype=float)), expected, rtol=tolerance,
        atol=tolerance * scale,
    )  # fmt: skip


@pytest.mark.parametrize("scale", sorted(FITS["effects"]))
def test_effects_equal_escalc(scale: str) -> None:
    yi, vi = _effects(scale)

    _same(yi, FITS["effects"][scale]["yi"], 1e-13)
    _same(vi, FITS["effects"][scale]["vi"], 1e-13)


@pytest.mark.parametrize("key", sorted(FITS["fits"]))
def test_fit_equals_rma(key: str) -> None:
    scale, method, ci_method = key.split(" ")
    theirs, tolerance = FITS["fits"][key], _tolerance(method)
    yi, vi = _effects(scale)

    fit = fit_iv(yi, vi, tau2_method=method, ci_method=ci_method)

    _same(fit.beta, theirs["beta"], tolerance)
    _same(fit.se, theirs["se"], tolerance)
    _same(fit.ci_low, theirs["ci_low"], tolerance)
    _same(fit.ci_high, theirs["ci_high"], tolerance)
    _same(fit.p_value, theirs["p_value"], 10 * tolerance)
    _same(fit.tau2, theirs["tau2"], tolerance, fit.typical_variance)
    _same(fit.i2, theirs["i2"], tolerance)
    _same(fit.h2, theirs["h2"], tolerance)
    _same(fit.q, theirs["q"], CLOSED)
    _same(fit.q_p, theirs["q_p"], CLOSED)
    _same(fit.log_likelihood, theirs["log_likelihood"], tolerance)
    _same(fit.log_likelihood_restricted, theirs["restricted"], tolerance)
    if method != "ee":
        _same(fit.se_tau2, theirs["se_tau2"], 10 * tolerance, fit.typical_variance)


def test_every_method_has_a_reference() -> None:
    missing = [
        f"logit {method} {ci}"
        for method in TAU2_METHODS
        for ci in CI_METHODS
        if f"logit {method} {ci}" not in FITS["fits"] and method != "pmm"
    ]

    assert missing == []


@pytest.mark.parametrize("key", sorted(INTERVALS["intervals"]))
def test_interval_of_tau2_equals_confint(key: str) -> None:
    method, kind = key.split(" ")
    fit = fit_iv(*_effects("logit"), tau2_method=method)

    made = q_profile_interval(fit) if kind == "q-profile" else profile_interval_tau2(fit)

    _same(made.low, INTERVALS["intervals"][key]["low"], 1e-8, 1e-4)
    _same(made.high, INTERVALS["intervals"][key]["high"], 1e-8)


@pytest.mark.parametrize("key", sorted(DESIGN["fits"]))
def test_design_equals_rma(key: str) -> None:
    kind, method, ci_method = key.split(" ")
    theirs, tolerance = DESIGN["fits"][key], _tolerance(method)
    region = np.array(DESIGN["region"])
    cells = (region[:, None] == np.array(["a", "b", "c"])).astype(float)
    ones = np.ones((region.size, 1))
    design = {
        "year": np.column_stack([ones, DESIGN["year"]]),
        "cells": cells,
        "groups": np.hstack([ones, cells[:, 1:]]),
    }[kind]

    fit = fit_iv(*_effects("logit"), design=design, tau2_method=method, ci_method=ci_method)

    _same(fit.beta, theirs["beta"], tolerance)
    _same(fit.se, theirs["se"], tolerance)
    _same(fit.tau2, theirs["tau2"], tolerance, fit.typical_variance)
    _same(fit.q, theirs["q"], CLOSED)
    if kind != "cells":
        test = wald_test(fit.beta, fit.cov, np.eye(fit.p)[1:], fit.df)
        _same(test.statistic, theirs["qm"], 10 * tolerance)
        _same(test.p_value, theirs["qm_p"], 10 * tolerance)
    if kind == "year":
        _same(from_iv(fit).r2, theirs["r2"], 100 * tolerance)


@pytest.mark.parametrize("key", sorted(INFLUENCE["fits"]))
def test_influence_equals_metafor(key: str) -> None:
    method, ci_method = key.split(" ")
    theirs, tolerance = INFLUENCE["fits"][key], 10 * _tolerance(method)
    fit = fit_iv(*_effects("logit"), tau2_method=method, ci_method=ci_method)

    ours = influence.influence(fit)
    x, y = influence.baujat(fit)
    shrunken = influence.blups(fit)

    _same(ours.deleted.z, theirs["rstudent"], tolerance)
    for name in ("dffits", "cook_d", "cov_ratio", "tau2_deleted", "q_deleted", "hat"):
        _same(getattr(ours, name), theirs[name], tolerance)
    _same(100 * ours.weight, theirs["weight"], tolerance)
    _same(ours.dfbetas[:, 0], theirs["dfbetas"], tolerance)
    assert ours.influential.tolist() == theirs["influential"]
    _same(x, theirs["baujat_x"], tolerance)
    _same(y, theirs["baujat_y"], tolerance)
    _same(shrunken.estimate, theirs["blup"], tolerance)
    _same(shrunken.se, theirs["blup_se"], tolerance)


TABLES = tuple(TWO_ARM[name] for name in ("events1", "total1", "events2", "total2"))


@pytest.mark.parametrize("measure", sorted(TWO_ARM["effects"]))
def test_two_arm_effects_equal_escalc(measure: str) -> None:
    ours = two_arm_effects(*TABLES, measure)

    _same(ours.yi, TWO_ARM["effects"][measure]["yi"], 1e-12)
    _same(ours.vi, TWO_ARM["effects"][measure]["vi"], 1e-12)


@pytest.mark.parametrize("measure", sorted(TWO_ARM["common"]))
def test_common_effect_equals_metafor(measure: str) -> None:
    theirs = TWO_ARM["common"][measure]

    ours = peto_odds_ratio(*TABLES) if measure == "PETO" else mantel_haenszel(*TABLES, measure)

    for name, value in theirs.items():
        if name != "association":
            _same(getattr(ours, name), value, CLOSED)
    if measure == "OR":
        _same(ours.association, theirs["association"], CLOSED)


@pytest.mark.parametrize("key", sorted(BIAS["regression"]))
def test_regression_test_equals_regtest(key: str) -> None:
    predictor, model = key.split(" ")

    ours = bias.regression_test(*_effects("logit"), predictor=predictor, model=model, ni=FITS["total"])

    _same(ours.statistic, BIAS["regression"][key]["statistic"], 1e-6)
    _same(ours.p_value, BIAS["regression"][key]["p_value"], 1e-6)


def test_rank_test_equals_ranktest() -> None:
    yi, vi = _effects("logit")

    _same(bias.rank_test(yi, vi).tau, BIAS["rank"]["tau"], CLOSED)
    _same(bias.rank_test(yi, vi).p_value, BIAS["rank"]["exact"], CLOSED)
    _same(bias.rank_test(yi, vi, exact=False).p_value, BIAS["rank"]["normal"], CLOSED)


@pytest.mark.parametrize("estimator", sorted(BIAS["trim"]))
def test_trim_and_fill_equals_trimfill(estimator: str) -> None:
    theirs = BIAS["trim"][estimator]

    ours = trim_and_fill(*_effects("logit"), estimator=estimator, tau2_method="dl")

    assert (ours.k0, ours.side) == (theirs["k0"], theirs["side"])
    _same(ours.fit.beta, theirs["beta"], CLOSED)
    _same(ours.fit.tau2, theirs["tau2"], CLOSED)
    _same(ours.se_k0, theirs["se_k0"], CLOSED)


@pytest.mark.parametrize("method", sorted(BIAS["fail_safe"]))
def test_fail_safe_number_equals_fsn(method: str) -> None:
    assert fail_safe_n(*_effects("logit"), method) == BIAS["fail_safe"][method]


@pytest.mark.parametrize("method", [m for m in TAU2_METHODS if m != "pmm"])
def test_batch_equals_single_fits(method: str) -> None:
    yi, vi = _effects("logit")
    included = 1.0 - np.eye(yi.size)

    many = fit_iv_many(yi, vi, weights=included, tau2_method=method)

    for i in range(yi.size):
        one = fit_iv(np.delete(yi, i), np.delete(vi, i), tau2_method=method)
        assert math.isclose(many.tau2[i], one.tau2, rel_tol=1e-11, abs_tol=1e-13)
        assert math.isclose(many.mu[i], one.beta[0], rel_tol=1e-12)
