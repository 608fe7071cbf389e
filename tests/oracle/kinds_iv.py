"""Inverse-variance records of metafor: fits, intervals of tau2, subgroups, meta-regression."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from analysis.synthesis import intervals, scales, studies
from analysis.synthesis.inverse_variance import IvFit, fit_iv, fit_iv_many
from analysis.synthesis.prediction import prediction_interval
from analysis.synthesis.regression import from_iv, predict_mean, wald_test
from analysis.synthesis.special import chi2_tail
from analysis.synthesis.two_by_two import two_arm_effects
from tests.oracle.compare import CLOSED, OPTIMISED, Check, checks, compares, explains
from tests.oracle.loader import Dataset, argument, number

SCALES = {"PR": "raw", "PLN": "log", "PLO": "logit", "PAS": "arcsine", "PFT": "freeman-tukey"}
TESTS = {
    "z": "wald",
    "t": "t",
    "knha": "knapp-hartung",
    "adhoc": "knapp-hartung-adhoc",
    "": "wald",
}
ITERATED = {"ml", "reml", "pm", "eb"}


def study_effects(data: Dataset, call: str) -> tuple[np.ndarray, np.ndarray]:
    """Return yi and vi as the call makes them."""
    x = data.inputs
    if data.design == "generic":
        return x["yi"], x["vi"]
    measure = argument(call, "measure")
    rule = argument(call, "to", "only0")
    if data.design == "prop":
        out = scales.effects(x["xi"], x["ni"], SCALES[measure], correction=rule)
        return out.yi, out.vi
    two = two_arm_effects(
        x["ai"],
        x["n1i"],
        x["ci"],
        x["n2i"],
        measure,
        correction=rule,
        drop00="drop00=TRUE" in call,
    )
    return two.yi, two.vi


def fit_of(data: Dataset, call: str, **options: Any) -> IvFit:
    """Fit what the call fits."""
    y, v = study_effects(data, call)
    method = argument(call, "method").lower()
    test = TESTS[argument(call, "test")]
    return fit_iv(y, v, tau2_method=method, ci_method=test, **options)


def tolerance_of(call: str) -> float:
    """Closed forms are asked for more digits."""
    return OPTIMISED if argument(call, "method").lower() in ITERATED else CLOSED


@compares("metafor", "escalc")
def escalc(data: Dataset, record: dict[str, Any]) -> list[Check]:
    y, v = study_effects(data, record["call"])
    out = record["outputs"]
    y = np.where(np.isfinite(y), y, np.nan)
    v = np.where(np.isfinite(v), v, np.nan)
    return checks("yi", y, out["yi"], CLOSED, 1e-3) + checks("vi", v, out["vi"], CLOSED)


@compares("metafor", "transf")
def transf(data: Dataset, record: dict[str, Any]) -> list[Check]:
    x, n = data.inputs["xi"], data.inputs["ni"]
    y = scales.effects(x, n, "freeman-tukey").yi
    p = [float(scales.back_transform(a, "freeman-tukey", b)) for a, b in zip(y, n, strict=True)]
    return checks("p", p, record["outputs"]["p"], CLOSED, 1.0)


@compares("metafor", "study_ci")
def study_ci(data: Dataset, record: dict[str, Any]) -> list[Check]:
    method = "wilson" if "wilson" in record["id"] else "clopper-pearson"
    ours = studies.study_intervals(data.inputs["xi"], data.inputs["ni"], method)
    out = record["outputs"]
    return checks("lb", ours.low, out["lb"], CLOSED, 1e-8) + checks("ub", ours.high, out["ub"], CLOSED, 1e-8)


def fit_checks(fit: IvFit, out: dict[str, Any], tol: float) -> list[Check]:
    """Everything that metafor prints of a fit."""
    out = number(out)
    se = fit.se
    wide = np.abs(fit.beta) + se
    scale = fit.typical_variance if fit.k > fit.p else 1.0
    c = checks("beta", fit.beta, out["beta"], tol, se)
    c += checks("se", se, out["se"], tol, 1e-9 * math.sqrt(scale))
    # Below 1e-10 of the within-study variance tau2 is zero to every digit that is shown.
    c += checks("tau2", fit.tau2, out["tau2"], tol, 1e-4 * scale if tol > CLOSED else 1e-6 * scale)
    if "stat" in out:
        c += checks("stat", fit.statistic, out["stat"], tol, 1.0)
        c += checks("pval", fit.p_value, out["pval"], 10 * tol, 1e-3)
    if "ci_lb" in out:
        c += checks("ci_lb", fit.ci_low, out["ci_lb"], tol, wide)
        c += checks("ci_ub", fit.ci_high, out["ci_ub"], tol, wide)
    c += checks("I2", 100 * fit.i2, out["I2"], tol, 1.0)
    if "H2" in out:
        c += checks("H2", fit.h2, out["H2"], tol, 1.0)
    c += checks("QE", fit.q, out["QE"], CLOSED, 1e-3)
    c += checks("QEp", fit.q_p, out["QEp"], CLOSED, 1e-3)
    if "se_tau2" in out:
        c += checks("se_tau2", fit.se_tau2, out["se_tau2"], 10 * tol, 1e-3 * scale)
    if "s2w" in out and not math.isnan(out["s2w"]):
        c += checks("s2w", fit.s2w, out["s2w"], tol, 1e-3)
    if "QM" in out and fit.p > 1:
        first = 1 if out["names"][0] == "intrcpt" else 0
        test = wald_test(fit.beta, fit.cov, np.eye(fit.p)[first:], fit.df)
        c += checks("QM", test.statistic, out["QM"], 10 * tol, 1e-3)
        c += checks("QMp", test.p_value, out["QMp"], 10 * tol, 1e-3)
    if "vcov" in out:
        spread = np.sqrt(np.outer(np.diag(fit.cov), np.diag(fit.cov))).ravel()
        c += checks("vcov", fit.cov.ravel(), np.ravel(out["vcov"]), 10 * tol, spread)
    if "R2" in out and not math.isnan(out["R2"]):
        c += checks("R2", 100 * from_iv(fit).r2, out["R2"], 100 * tol, 1.0)
    return c


@compares("metafor", "rma.uni")
def rma_uni(data: Dataset, record: dict[str, Any]) -> list[Check]:
    call, out = record["call"], record["outputs"]
    tol = tolerance_of(call)
    fit = fit_of(data, call)
    c = fit_checks(fit, out, tol)
    out = number(out)
    if "ll_ML" in out:
        c += checks("ll_ML", fit.log_likelihood, out["ll_ML"], tol, 1.0)
        c += checks("ll_REML", fit.log_likelihood_restricted, out["ll_REML"], tol, 1.0)
    if "predict" in out:
        c += predict_checks(data, call, fit, out, tol)
    return c


def predict_checks(data: Dataset, call: str, fit: IvFit, out: dict[str, Any], tol: float) -> list[Check]:
    mu, se = float(fit.beta[0]), float(fit.se[0])
    kind = "normal" if fit.ci_method == "wald" else "knapp-hartung"
    pi = prediction_interval(mu, se, fit.tau2, fit.k, method=kind)
    low, high = pi.low, pi.high
    if fit.tau2_method == "ee":
        low = high = math.nan
    scale = abs(mu) + se + math.sqrt(fit.tau2)
    c = checks("pi_lb", low, out["predict"]["pi_lb"], tol, scale)
    c += checks("pi_ub", high, out["predict"]["pi_ub"], tol, scale)
    if "predict_backtransformed" in out:
        back = out["predict_backtransformed"]
        values = [mu, float(fit.ci_low[0]), float(fit.ci_high[0]), low, high]
        if data.design == "2x2":
            with np.errstate(over="ignore"):
                ours = np.exp(values)
        else:
            ours = scales.back_transform(
                np.array(values), SCALES[argument(call, "measure")], data.inputs["ni"]
            )
        for name, value in zip(("pred", "ci_lb", "ci_ub", "pi_lb", "pi_ub"), ours, strict=True):
            c += checks(f"back {name}", value, back[name], 10 * tol, 1.0)
    return c


@compares("metafor", "rma.uni.default")
def rma_uni_default(data: Dataset, record: dict[str, Any]) -> list[Check]:
    # metafor stops here when tau2 moves by less than 1e-5, an absolute amount.
    call, out = record["call"], record["outputs"]
    fit = fit_of(data, call)
    tol = CLOSED if fit.tau2_method == "dl" else OPTIMISED
    c = checks("beta", fit.beta, out["beta"], tol, fit.se)
    c += checks("se", fit.se, out["se"], tol)
    return c + checks("tau2", fit.tau2, out["tau2"], tol, 1e-4 * fit.typical_variance)


@explains("metafor", "rma.uni.default")
def default_stop(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    tau2 = next((c for c in failed if c.name == "tau2"), None)
    moved = abs(tau2.ours - tau2.theirs) if tau2 else 0.0
    if argument(record["call"], "method") in ("ML", "REML") and moved < 1e-3:
        return "peer's default stops at an absolute change of 1e-5 in tau2"
    return ""


ITERATIVE_KINDS = (
    "rma.uni",
    "rma.uni.default",
    "subgroup.separate_tau2",
    "subgroup.common_tau2",
    "subgroup.cells.common_tau2",
    "meta_regression",
)


@explains("metafor", *ITERATIVE_KINDS)
def short_of_zero(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    for c in failed:
        if c.name.startswith("tau2") and c.ours == 0 and 0 < c.theirs < 1e-11:
            return "tau2 is zero; peer's halved steps stop just above it"
    return ""


@explains("metafor", "subgroup.separate_tau2")
def lower_maximum(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    """The peer ends on a lower maximum: our likelihood is higher at our tau2."""
    y, v = study_effects(data, record["call"])
    _, member = _levels(data, record)
    restricted = argument(record["call"], "method") == "REML"
    for c in failed:
        if c.name.startswith("tau2"):
            mine = member == (int(c.name[5:-1]) if "[" in c.name else 0)
            ours, theirs = (_height(y[mine], v[mine], t, restricted) for t in (c.ours, c.theirs))
            if ours > theirs + 1e-9:
                return "two maxima of the likelihood; the peer ends on the lower one"
    return ""


@explains("metafor", "rma.uni")
def lower_maximum_of_fit(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    method = argument(record["call"], "method")
    tau2 = next((c for c in failed if c.name == "tau2"), None)
    if method not in ("ML", "REML") or tau2 is None:
        return ""
    y, v = study_effects(data, record["call"])
    ours, theirs = (_height(y, v, t, method == "REML") for t in (tau2.ours, tau2.theirs))
    return "two maxima of the likelihood; the peer ends on the lower one" if ours > theirs + 1e-9 else ""


def _height(y: np.ndarray, v: np.ndarray, tau2: float, restricted: bool) -> float:
    """Log-likelihood written out, independent of the package."""
    w = 1 / (v + tau2)
    r = y - w @ y / w.sum()
    value = -0.5 * (np.log(v + tau2).sum() + w @ r**2)
    return float(value - 0.5 * np.log(w.sum()) if restricted else value)


@explains("metafor", "rma.uni")
def prediction_from_one_study(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    """One study cannot say how studies vary: we give no prediction interval, the peer gives one."""
    only_prediction = all(c.name.startswith("pi_") or "pi_" in c.name for c in failed)
    one = record["outputs"].get("k") in (1, [1])
    return "peer predicts from one study; we give no interval there" if one and only_prediction else ""


@explains("metafor", "rma.uni", "subgroup.separate_tau2", "meta_regression")
def fallback_control(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    loose = "threshold=1e-12" not in record["call"]
    return "peer did not converge with tight control" if loose else ""


@compares("metafor", "confint.QP", "confint.PL")
def confint(data: Dataset, record: dict[str, Any]) -> list[Check]:
    fit, out = fit_of(data, record["call"]), number(record["outputs"])
    if record["kind"] == "confint.QP":
        interval = intervals.q_profile_interval(fit)
    else:
        interval = intervals.profile_interval_tau2(fit)
    scale = 1e-4 * fit.typical_variance
    c = checks("lb", interval.low, out["ci_lb"][0], OPTIMISED, scale)
    c += checks("ub", interval.high, out["ci_ub"][0], OPTIMISED, scale)
    from analysis.synthesis.heterogeneity import heterogeneity_intervals

    carried = heterogeneity_intervals(interval, fit.typical_variance)
    c += checks("I2 lb", 100 * carried.i2.low, out["ci_lb"][2], OPTIMISED, 1.0)
    c += checks("I2 ub", 100 * carried.i2.high, out["ci_ub"][2], OPTIMISED, 1.0)
    return c


@explains("metafor", "confint.QP", "confint.PL")
def search_limit(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    out = record["outputs"]
    if out.get("ub_sign") == ">" or out.get("lb_sign") == ">":
        return "peer's search ends at max(100, 10 tau2); the limit lies beyond"
    return ""


def _levels(data: Dataset, record: dict[str, Any]) -> tuple[list[str], np.ndarray]:
    group = data.groups[record["group"]]
    levels = record["outputs"].get("levels") or sorted(set(group))
    return levels, np.array([levels.index(g) for g in group])


@compares("metafor", "subgroup.common_tau2", "subgroup.cells.common_tau2")
def subgroup_common(data: Dataset, record: dict[str, Any]) -> list[Check]:
    call, out = record["call"], record["outputs"]
    group = data.groups[record["group"]]
    names = out["names"]
    cells = "cells" in record["kind"]
    levels = (
        [name[1:] for name in names]
        if cells
        else [next(g for g in out["levels"] if f"g{g}" not in names)] + [n[1:] for n in names[1:]]
    )
    design = np.array([[float(g == level) for level in levels] for g in group])
    if not cells:
        design[:, 0] = 1.0
    fit = fit_of(data, call, design=design)
    return fit_checks(fit, out, tolerance_of(call))


@compares("metafor", "subgroup.separate_tau2")
def subgroup_separate(data: Dataset, record: dict[str, Any]) -> list[Check]:
    call, out = record["call"], number(record["outputs"])
    tol = tolerance_of(call)
    levels, member = _levels(data, record)
    y, v = study_effects(data, call)
    method, test = argument(call, "method").lower(), TESTS[argument(call, "test")]
    fits = [
        fit_iv(y[member == j], v[member == j], tau2_method=method, ci_method=test) for j in range(len(levels))
    ]
    typical = np.array([f.typical_variance or 1.0 for f in fits])
    se = np.array([f.se[0] for f in fits])
    beta = np.array([f.beta[0] for f in fits])
    c = checks("beta", beta, out["beta"], tol, se)
    c += checks("se", se, out["se"], tol, 1e-9)
    c += checks("tau2", [f.tau2 for f in fits], out["tau2"], tol, 1e-3 * typical)
    c += checks("QE", [f.q for f in fits], out["QE"], CLOSED, 1e-3)
    w = 1 / se**2
    q = float(w @ (beta - w @ beta / w.sum()) ** 2)
    c += checks("Q_between", q, out["Q_between"], 10 * tol, 1e-3)
    return c + checks("Q_between_p", chi2_tail(q, len(levels) - 1), out["Q_between_p"], 10 * tol, 1e-3)


@compares("metafor", "meta_regression")
def meta_regression(data: Dataset, record: dict[str, Any]) -> list[Check]:
    call, out = record["call"], number(record["outputs"])
    x = data.moderators[record["moderator"]]
    design = np.column_stack([np.ones(x.size), x])
    fit = fit_of(data, call, design=design)
    tol = tolerance_of(call)
    c = fit_checks(fit, out, tol)
    new = np.column_stack([np.ones(3), out["newmods"]])
    ours = predict_mean(new, fit.beta, fit.cov, fit.tau2, fit.df, 0.95)
    theirs = out["predict"]
    for theirs_name, name in (("pred", "estimate"), ("ci_lb", "ci_low"), ("ci_ub", "ci_high")):
        c += checks(name, [p[name] for p in ours], theirs[theirs_name], 10 * tol, [p["se"] for p in ours])
    if fit.tau2_method != "ee":
        wide = [p["se"] + math.sqrt(fit.tau2) for p in ours]
        c += checks("pi_lb", [p["prediction_low"] for p in ours], theirs["pi_lb"], 10 * tol, wide)
    return c


@compares("metafor", "gosh.all_subsets")
def gosh(data: Dataset, record: dict[str, Any]) -> list[Check]:
    call, out = record["call"], number(record["outputs"])
    y, v = study_effects(data, call)
    include = np.array(out["incl"], dtype=float)
    method = argument(call, "method").lower()
    fits = fit_iv_many(y, v, weights=include, tau2_method=method)
    tol = tolerance_of(call)
    res = out["res"]
    c = checks("estimate", fits.mu, res["estimate"], tol, fits.se[:, 0])
    c += checks("tau2", fits.tau2, res["tau2"], tol, 1e-3 * v.min())
    c += checks("QE", fits.q, res["QE"], CLOSED, 1e-3)
    return c + checks("I2", 100 * fits.i2, res["I2"], tol, 1.0)
