"""Influence, bias and trim-and-fill records of metafor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from analysis.synthesis import bias, influence
from analysis.synthesis.fail_safe import fail_safe_n
from analysis.synthesis.henmi_copas import henmi_copas
from analysis.synthesis.trimfill import trim_and_fill
from analysis.synthesis.two_by_two import two_arm_effects
from tests.oracle.compare import CLOSED, Check, checks, compares, explains
from tests.oracle.kinds_iv import fit_of, study_effects, tolerance_of
from tests.oracle.loader import Dataset, argument, number


def _sizes(data: Dataset) -> np.ndarray | None:
    x = data.inputs
    if data.design == "prop":
        return x["ni"]
    if data.design == "2x2":
        return x["n1i"] + x["n2i"]
    return x.get("ni")


@compares("metafor", "leave1out", "cumul")
def series(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    call, out = record["call"], number(record["outputs"])
    if "rma.mh" in call or "rma.peto" in call:
        from tests.oracle.kinds_two_arm import common_leave_one_out

        return common_leave_one_out(data, record)
    fit = fit_of(data, call)
    if record["kind"] == "leave1out":
        ours = influence.leave_one_out(fit)
    else:
        ours = influence.cumulative(fit, data.inputs["year"] if "order=year" in call else None)
    tol = tolerance_of(call)
    typical = float(fit.vi.min())
    c = checks("estimate", ours.estimate, out["estimate"], tol, ours.se)
    c += checks("se", ours.se, out["se"], tol)
    if "ci.lb" in out:
        c += checks("ci.lb", ours.ci_low, out["ci.lb"], tol, np.abs(ours.estimate) + ours.se)
    if "pval" in out:
        c += checks("pval", ours.p_value, out["pval"], 10 * tol, 1e-3)
    q = out.get("Q", out.get("QE"))
    c += checks("Q", ours.q, q, CLOSED, 1e-3)
    if "tau2" in out:
        c += checks("tau2", ours.tau2, out["tau2"], tol, 1e-3 * typical)
    c += checks("I2", 100 * ours.i2, out["I2"], tol, 1.0)
    return c + checks("H2", ours.h2, out["H2"], tol, 1.0)


@compares("metafor", "influence", "rstudent")
def influence_set(data: Dataset, record: dict[str, Any]) -> list[Check]:
    call, out = record["call"], number(record["outputs"])
    fit = fit_of(data, call)
    ours = influence.influence(fit)
    tol = 10 * tolerance_of(call)
    if record["kind"] == "rstudent":
        c = checks("resid", ours.deleted.residual, out["resid"], tol, fit.se[0])
        c += checks("se", ours.deleted.se, out["se"], tol)
        return c + checks("z", ours.deleted.z, out["z"], tol, 1e-3)
    typical = float(fit.vi.min())
    pairs = {
        "rstudent": (ours.deleted.z, 1e-2),
        "dffits": (ours.dffits, 1e-2),
        "cook.d": (ours.cook_d, 1e-2),
        "cov.r": (ours.cov_ratio, 1e-2),
        "tau2.del": (ours.tau2_deleted, 1e-3 * typical),
        "QE.del": (ours.q_deleted, 1e-3),
        "hat": (ours.hat, 1e-3),
        "weight": (100 * ours.weight, 1e-2),
        "dfbs": (ours.dfbetas.ravel(), 1e-2),
    }
    c: list[Check] = []
    for name, (value, scale) in pairs.items():
        if name in out:
            c += checks(name, value, out[name], tol, scale)
    flags = [bool(flag) for flag in record["outputs"]["influential"]]
    return c + checks("influential", ours.influential.astype(float), flags, CLOSED, 1.0)


@compares("metafor", "rstandard")
def rstandard(data: Dataset, record: dict[str, Any]) -> list[Check]:
    out = number(record["outputs"])
    fit = fit_of(data, record["call"])
    ours = influence.standardised_residuals(fit)
    tol = 10 * tolerance_of(record["call"])
    c = checks("resid", ours.residual, out["resid"], tol, fit.se[0])
    c += checks("se", ours.se, out["se"], tol, 1e-6 * np.sqrt(fit.vi))
    return c + checks("z", ours.z, out["z"], tol, 1e-2)


@compares("metafor", "blup")
def blup(data: Dataset, record: dict[str, Any]) -> list[Check]:
    out = number(record["outputs"])
    fit = fit_of(data, record["call"])
    ours = influence.blups(fit)
    tol = tolerance_of(record["call"])
    c = checks("pred", ours.estimate, out["pred"], tol, fit.se[0])
    c += checks("se", ours.se, out["se"], tol)
    return c + checks("pi.lb", ours.low, out["pi.lb"], tol, np.abs(ours.estimate) + ours.se)


@compares("metafor", "regtest")
def regtest(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    call, out = record["call"], number(record["outputs"])
    y, v = study_effects(data, call)
    estimated = argument(call, "model") == "rma"
    try:
        ours = bias.regression_test(
            y,
            v,
            predictor=argument(call, "predictor"),
            model=argument(call, "model"),
            ni=_sizes(data),
            tau2_method=argument(call, "method").lower() if estimated else None,
        )
    except ValueError as error:
        return [] if math.isnan(out["stat"]) else str(error)
    tol = 10 * tolerance_of(call)
    c = checks("stat", ours.statistic, out["stat"], tol, 1.0)
    c += checks("pval", ours.p_value, out["pval"], tol, 1e-3)
    c += checks("coef", ours.coefficients, out["coef"], tol, ours.se)
    c += checks("coef_se", ours.se, out["coef_se"], tol)
    if "limit_est" in out and not math.isnan(out["limit_est"]):
        c += checks("limit", ours.limit, out["limit_est"], tol, ours.se[0])
        c += checks("limit low", ours.limit_low, out["limit_ci_lb"], tol, ours.se[0])
    return c


@compares("metafor", "ranktest")
def ranktest(data: Dataset, record: dict[str, Any]) -> list[Check]:
    call, out = record["call"], number(record["outputs"])
    y, v = study_effects(data, call)
    ours = bias.rank_test(y, v, exact="exact=FALSE" not in call)
    c = checks("tau", ours.tau, out["tau"], CLOSED, 1e-3)
    return c + checks("pval", ours.p_value, out["pval"], CLOSED, 1e-6)


@compares("metafor", "trimfill")
def trimfill(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    call, out = record["call"], number(record["outputs"])
    y, v = study_effects(data, call)
    method = argument(call, "method").lower()
    try:
        ours = trim_and_fill(y, v, estimator=argument(call, "estimator"), tau2_method=method)
    except ValueError as error:
        return str(error)
    # 3.8-1 refits with its default stopping rule for the iterated estimators.
    tol = CLOSED if method != "reml" else 1e-3
    c = checks("k0", ours.k0, out["k0"], CLOSED)
    c += checks("side", float(ours.side == "right"), float(out["side"] == "right"), CLOSED)
    if not math.isnan(out["se_k0"]):
        c += checks("se_k0", ours.se_k0, out["se_k0"], CLOSED, 1e-3)
    if "p_k0" in out and not math.isnan(out["p_k0"]):
        c += checks("p_k0", ours.p_k0, out["p_k0"], CLOSED, 1e-3)
    fit = ours.fit
    c += checks("beta", fit.beta, out["beta"], tol, fit.se)
    c += checks("se", fit.se, out["se"], tol)
    c += checks("QE", fit.q, out["QE"], tol, 1e-2)
    return c + checks("yi", np.sort(fit.yi), np.sort(out["yi"]), tol, float(np.ptp(fit.yi)))


@explains("metafor", "trimfill")
def trim_default(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    reml = argument(record["call"], "method") == "REML"
    if reml and not any(c.name in ("k0", "side") for c in failed):
        return "peer's inner fits stop at an absolute change of 1e-5 in tau2"
    return ""


@explains("metafor", "trimfill")
def trim_ties(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    y, _ = study_effects(data, record["call"])
    if np.ptp(y) < 1e-12:
        return "all estimates equal: the peer ranks rounding errors"
    fit = fit_of(data, record["call"])
    gaps = np.diff(np.sort(np.abs(y - fit.beta[0])))
    gaps_y = np.diff(np.sort(y))
    if gaps.min() < 1e-12 or gaps_y.min() < 1e-12:
        return "ties among the estimates, which rounding breaks one way or the other"
    return ""


@explains("metafor", "cumul", "leave1out")
def refit_failed(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    gone = all(math.isnan(c.theirs) for c in failed)
    return "one of the peer's refits did not converge" if gone else ""


@explains("metafor", "regtest", "ranktest")
def flat(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    y, _v = study_effects(data, record["call"])
    if np.ptp(y) < 1e-12:
        return "all estimates equal: nothing but rounding to regress"
    return ""


@compares("metafor", "fsn")
def fsn(data: Dataset, record: dict[str, Any]) -> list[Check]:
    out, x = number(record["outputs"]), data.inputs
    if data.design == "2x2":
        two = two_arm_effects(x["ai"], x["n1i"], x["ci"], x["n2i"], "OR")
        y, v = two.yi, two.vi
    else:
        y, v = x["yi"], x["vi"]
    ours = fail_safe_n(y, v, argument(record["call"], "type").lower())
    return checks("fsnum", ours, out["fsnum"], CLOSED, 1.0)


@compares("metafor", "henmi_copas")
def hc(data: Dataset, record: dict[str, Any]) -> list[Check]:
    out = number(record["outputs"])
    ours = henmi_copas(data.inputs["yi"], data.inputs["vi"])
    # The peer's root is found to 1e-4 (uniroot's default).
    c = checks("beta", ours.estimate, out["beta"], CLOSED, ours.se)
    c += checks("se", ours.se, out["se"], CLOSED)
    c += checks("tau2", ours.tau2, out["tau2"], CLOSED)
    return c + checks("ci_lb", ours.ci_low, out["ci_lb"], 3e-4, ours.se)
