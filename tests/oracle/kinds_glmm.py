"""Binomial-normal records: exact likelihoods, rma.glmm, subgroups, meta-regression, leave-one-out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from analysis.synthesis.glmm import (
    fit_equal_effects,
    fit_glmm,
    fit_glmm_many,
    heterogeneity_tests,
    profile_interval_mu,
    profile_interval_tau2,
)
from analysis.synthesis.pooled import pool
from analysis.synthesis.regression import wald_test
from analysis.synthesis.special import t_quantile
from tests.oracle.compare import CLOSED, GLMER, OPTIMISED, Check, checks, compares, explains
from tests.oracle.loader import Dataset, argument, number

EXACT_KINDS = (
    "exact_glmm",
    "exact_glmm.subgroup.common_tau2",
    "exact_glmm.meta_regression",
    "exact_glmm.subgroup.separate_tau2",
    "exact_glmm.leave1out",
)


def _counts(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    return data.inputs["xi"], data.inputs["ni"]


def _tau2_scale(fit: Any) -> float:
    # Below this tau2 changes no digit of the log-likelihood that the record carries.
    return 1e-4 * float(np.min(fit.se)) ** 2 + 1e-6


def _exact_checks(fit: Any, out: dict[str, Any]) -> list[Check]:
    tol = OPTIMISED
    c = checks("beta", fit.beta, out["beta"], tol, fit.se)
    c += checks("tau2", fit.tau2, out["tau2"], tol, 1e-4)
    c += checks("loglik", fit.log_likelihood, out["loglik"], CLOSED, 1.0)
    # The records' standard errors come from numerical second derivatives.
    c += checks("se", fit.se, out["se_full_hessian"], 10 * tol)
    if "loglik_saturated" in out:
        c += checks("saturated", fit.log_likelihood_saturated, out["loglik_saturated"], CLOSED, 1.0)
        c += checks("loglik_tau0", fit.log_likelihood_equal, out["loglik_tau0"], CLOSED, 1.0)
    return c


@compares("metafor", "exact_glmm")
def exact_glmm(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    out = number(record["outputs"])
    nodes = argument(record["call"], "nq")
    if out.get("no_finite_mle"):
        fit = pool(*_counts(data))
        return checks("converged", float(fit.converged), 0.0, CLOSED)
    x, n = _counts(data)
    fit = fit_glmm(x, n, nodes=int(nodes)) if nodes else fit_glmm(x, n)
    c = _exact_checks(fit, out)
    if "profile_ci" in out:
        ends = out["profile_ci"]
        mu, tau2 = profile_interval_mu(fit), profile_interval_tau2(fit)
        c += checks("profile beta_lb", mu.low, ends["beta_lb"], OPTIMISED, float(fit.se[0]))
        c += checks("profile beta_ub", mu.high, ends["beta_ub"], OPTIMISED, float(fit.se[0]))
        c += checks("profile tau_lb", math.sqrt(tau2.low), ends["tau_lb"], OPTIMISED, 1e-2)
        c += checks("profile tau_ub", math.sqrt(tau2.high), ends["tau_ub"], OPTIMISED, 1e-2)
    return c


@compares("metafor", "exact_glmm.subgroup.common_tau2")
def exact_common(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    out = number(record["outputs"])
    levels, group = out["levels"], data.groups[record["group"]]
    design = np.array([[float(g == level) for level in levels] for g in group])
    x, n = _counts(data)
    fit = fit_glmm(x, n, design=design)
    if out.get("no_finite_mle"):
        return checks("converged", float(fit.converged), 0.0, CLOSED)
    c = _exact_checks(fit, out)
    p = len(levels)
    contrasts = np.hstack([-np.ones((p - 1, 1)), np.eye(p - 1)])
    if "Wald_QM" in out:
        test = wald_test(fit.beta, fit.cov, contrasts, np.inf)
        c += checks("QM", test.statistic, out["Wald_QM"], 10 * OPTIMISED, 1e-2)
    ratio = 2 * (fit.log_likelihood - fit_glmm(x, n).log_likelihood)
    return c + checks("LRT", ratio, out["LRT_vs_intercept_only"], OPTIMISED, 1e-2)


@compares("metafor", "exact_glmm.subgroup.separate_tau2")
def exact_separate(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    out = number(record["outputs"])
    x, n = _counts(data)
    group = np.array(data.groups[record["group"]])
    c: list[Check] = []
    for j, level in enumerate(out["levels"]):
        mine = group == level
        if math.isnan(out["beta"][j]):
            continue
        fit = fit_glmm(x[mine], n[mine])
        c += checks(f"beta {level}", fit.beta, out["beta"][j], OPTIMISED, fit.se)
        c += checks(f"se {level}", fit.se, out["se"][j], 10 * OPTIMISED)
        c += checks(f"tau2 {level}", fit.tau2, out["tau2"][j], OPTIMISED, 1e-4)
        c += checks(f"loglik {level}", fit.log_likelihood, out["loglik"][j], CLOSED, 1.0)
    return c


@compares("metafor", "exact_glmm.meta_regression")
def exact_regression(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    v = data.moderators[record["moderator"]]
    design = np.column_stack([np.ones(v.size), (v - v.mean()) / v.std(ddof=1)])
    return _exact_checks(fit_glmm(*_counts(data), design=design), number(record["outputs"]))


@compares("metafor", "exact_glmm.leave1out", "glmm.leave1out")
def leave_one_out(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    out = number(record["outputs"])
    x, n = _counts(data)
    exact = record["kind"].startswith("exact")
    tol = OPTIMISED if exact else GLMER
    fits = fit_glmm_many(x, n, 1.0 - np.eye(x.size))
    # A record is missing where the rest has no finite maximum.
    there = ~np.isnan(np.array(out["beta"]))
    if not there.any():
        return "peer fails: no refit converged"
    se = out["se_full_hessian"] if exact else out["se"]
    c = checks("beta", fits.mu[there], np.array(out["beta"])[there], tol, fits.se[there])
    c += checks("se", fits.se[there], np.array(se)[there], 10 * tol)
    c += checks("tau2", fits.tau2[there], np.array(out["tau2"])[there], 10 * tol, 1e-2)
    if exact:
        c += checks("loglik", fits.log_likelihood[there], np.array(out["loglik"])[there], CLOSED, 1.0)
    return c


@compares(
    "metafor",
    "rma.glmm",
    "glmm.subgroup.common_tau2",
    "glmm.subgroup.cells.common_tau2",
    "glmm.meta_regression",
)
def rma_glmm(data: Dataset, record: dict[str, Any]) -> list[Check] | str | None:
    if data.design != "prop":
        return None
    call, out = record["call"], number(record["outputs"])
    x, n = _counts(data)
    design = None
    if record["kind"] == "glmm.meta_regression":
        design = np.column_stack([np.ones(x.size), data.moderators[record["moderator"]]])
    elif record["kind"] != "rma.glmm":
        group = data.groups[record["group"]]
        levels = sorted(set(group))
        if "cells" in record["kind"]:
            levels = [name[1:] for name in out["names"]]
        else:
            rest = [name[1:] for name in out["names"][1:]]
            levels = [next(g for g in levels if g not in rest), *rest]
        design = np.array([[float(g == level) for level in levels] for g in group])
        if "cells" not in record["kind"]:
            design[:, 0] = 1.0
    equal = argument(call, "method") == "EE"
    nodes = argument(call, "nAGQ", "7")
    if equal:
        fit = fit_equal_effects(x, n, design=design)
    else:
        fit = fit_glmm(x, n, design=design, nodes=int(nodes))
    p = fit.beta.size
    df = x.size - p if argument(call, "test") == "t" else math.inf
    q = t_quantile(0.95, df)
    c = checks("beta", fit.beta, out["beta"], GLMER, fit.se)
    c += checks("se", fit.se, out["se"], 10 * GLMER)
    c += checks("ci_lb", fit.beta - q * fit.se, out["ci_lb"], 10 * GLMER, fit.se)
    c += checks("tau2", fit.tau2, out["tau2"], 10 * GLMER, 1e-2)
    tests = heterogeneity_tests(fit)
    c += checks("QE_LRT", tests.lrt, out["QE_LRT"], OPTIMISED, 1e-3)
    c += checks("QE_Wld", tests.wald, out["QE_Wld"], GLMER, 1e-3)
    if p == 1 and not equal and nodes == "7":
        method = "knapp-hartung" if argument(call, "test") == "t" else "wald"
        both = pool(x, n, ci_method=method, prediction_method="normal")
        c += checks("I2", 100 * both.heterogeneity.i2, out["I2"], 100 * GLMER, 10.0)
        if math.isinf(df) and x.size > 1:
            c += checks("pi_lb", both.prediction_mu.low, out["predict"]["pi_lb"], 100 * GLMER, 1.0)
    if "QM" in out and p > 1 and "cells" not in record["kind"]:
        test = wald_test(fit.beta, fit.cov, np.eye(p)[1:], df)
        c += checks("QM", test.statistic, out["QM"], 100 * GLMER, 1e-2)
    return c


@compares("metafor", "glmm.subgroup.separate_tau2")
def glmm_separate(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    out = number(record["outputs"])
    x, n = _counts(data)
    group = np.array(data.groups[record["group"]])
    c: list[Check] = []
    for j, level in enumerate(out["levels"]):
        if math.isnan(out["beta"][j]):
            continue
        mine = group == level
        fit = fit_glmm(x[mine], n[mine], nodes=7)
        c += checks(f"beta {level}", fit.beta, out["beta"][j], GLMER, fit.se)
        c += checks(f"se {level}", fit.se, out["se"][j], 10 * GLMER)
        c += checks(f"tau2 {level}", fit.tau2, out["tau2"][j], 10 * GLMER, 1e-2)
    return c or "peer fails: no level fitted"
