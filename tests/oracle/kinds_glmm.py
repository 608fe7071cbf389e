"""Binomial-normal records: exact likelihoods, rma.glmm, subgroups, meta-regression, leave-one-out."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from analysis.synthesis.glmm import (
    fit_equal_effects,
    fit_glmm,
    fit_glmm_many,
    heterogeneity_tests,
    profile_interval_mu,
    profile_interval_tau2,
)
from analysis.synthesis.glmm_random_studies import RandomStudiesGlmm, fit_random_studies_glmm
from analysis.synthesis.glmm_two_by_two import TwoArmGlmm, fit_two_arm_glmm
from analysis.synthesis.pooled import pool
from analysis.synthesis.regression import wald_test
from analysis.synthesis.special import chi2_quantile, t_quantile
from analysis.synthesis.two_by_two import check_tables
from tests.oracle.compare import CLOSED, GLMER, OPTIMISED, Check, checks, compares, explains, outcome
from tests.oracle.loader import Dataset, argument, number


def _counts(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    return data.inputs["xi"], data.inputs["ni"]


def few_nodes(x: np.ndarray, n: np.ndarray, nodes: int, design: np.ndarray | None = None) -> Any:
    """Fit with the peer's number of nodes; many records of a data set rest on the same fit."""
    shape = () if design is None else tuple(map(tuple, design.tolist()))
    return _few_nodes(tuple(x.tolist()), tuple(n.tolist()), nodes, shape)


@lru_cache(maxsize=2000)
def _few_nodes(x: tuple[float, ...], n: tuple[float, ...], nodes: int, design: Any) -> Any:
    return fit_glmm(np.array(x), np.array(n), design=np.array(design) if design else None, nodes=nodes)


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
    fit = few_nodes(x, n, int(nodes)) if nodes else fit_glmm(x, n)
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
    group = data.groups[record["group"]]
    levels = out.get("levels") or sorted(set(group))
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
        return _two_arm(data, record)
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
    fit = fit_equal_effects(x, n, design=design) if equal else few_nodes(x, n, int(nodes), design)
    p = fit.beta.size
    df = x.size - p if argument(call, "test") == "t" else math.inf
    q = t_quantile(0.95, df)
    c = checks("beta", fit.beta, out["beta"], GLMER, fit.se)
    c += checks("se", fit.se, out["se"], 10 * GLMER)
    c += checks("ci_lb", fit.beta - q * fit.se, out["ci_lb"], 10 * GLMER, fit.se)
    c += checks("tau2", fit.tau2, out["tau2"], 10 * GLMER, 1e-2)
    tests = heterogeneity_tests(fit)
    c += checks("QE_LRT", tests.lrt, out["QE_LRT"], OPTIMISED, 1e-3)
    # Studies without events have no finite logit: the peer's saturated fit leaves a small remainder.
    c += checks("QE_Wld", tests.wald, out["QE_Wld"], GLMER, 1.0)
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


def _tables(data: Dataset) -> tuple[np.ndarray, ...]:
    x = data.inputs
    return x["ai"], x["n1i"], x["ci"], x["n2i"]


def _two_arm(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    call, out = record["call"], number(record["outputs"])
    model, equal = argument(call, "model"), argument(call, "method") == "EE"
    fit: RandomStudiesGlmm | TwoArmGlmm
    if model == "UM.RS":
        # The peer has Laplace's approximation alone for two random effects.
        fit = _random_studies(data, equal)
    elif model in ("UM.FS", "CM.EL", "CM.AL"):
        fit = fit_two_arm_glmm(*_tables(data), model, equal_effects=equal)  # type: ignore[arg-type]
    else:
        return "this two-arm model is not offered"
    c = checks("beta", fit.estimate, out["beta"], GLMER, fit.se)
    c += checks("se", fit.se, out["se"], 10 * GLMER)
    c += checks("tau2", fit.tau2, out["tau2"], 10 * GLMER, 1e-2)
    if isinstance(fit, RandomStudiesGlmm):
        c += checks("sigma2", fit.sigma2, out["sigma2"], 10 * GLMER, 1e-2)
    if math.isnan(out["QE_LRT"]):
        # The peer could not fit its saturated model, or there is one study alone.
        return c
    return c + checks("QE_LRT", fit.lrt, out["QE_LRT"], GLMER, 1e-2)


def _random_studies(data: Dataset, equal: bool = False) -> RandomStudiesGlmm:
    return fit_random_studies_glmm(*_tables(data), integration="laplace", equal_effects=equal)


def _laplace(tables: tuple[np.ndarray, ...], alpha: float, mu: float, sigma: float, tau: float) -> float:
    """Laplace's log-likelihood of the model with random study levels, independent of the package."""
    total = 0.0
    slopes = np.array([[sigma, tau / 2], [sigma, -tau / 2]])
    base = alpha + np.array([mu / 2, -mu / 2])
    for a, n1, c, n2 in zip(*tables, strict=True):
        x, n, z = np.array([a, c]), np.array([n1, n2]), np.zeros(2)

        def height(z: np.ndarray, x: np.ndarray = x, n: np.ndarray = n) -> float:
            eta = base + slopes @ z
            return float((x * eta - n * np.logaddexp(0, eta)).sum() - z @ z / 2)

        for _ in range(100):
            p = 1 / (1 + np.exp(-(base + slopes @ z)))
            curve = slopes.T @ (slopes * (n * p * (1 - p))[:, None]) + np.eye(2)
            step = np.linalg.solve(curve, slopes.T @ (x - n * p) - z)
            while height(z + step) < height(z) - 1e-12 and np.abs(step).max() > 1e-12:
                step = step / 2
            z = z + step
        choose = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
        total += height(z) + float(choose.sum()) - 0.5 * math.log(np.linalg.det(curve))
    return total


@explains("metafor", "rma.glmm")
def loose_laplace(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    """Laplace's likelihood is higher at our values than at the peer's, with the best intercept for its."""
    if argument(record["call"], "model") != "UM.RS" or max(c.deviation for c in failed) > 2e-2:
        return ""
    out, fit = number(record["outputs"]), _random_studies(data)
    t = check_tables(*_tables(data))
    used = t.take(~t.uninformative)
    tables = (used.a, used.n1, used.c, used.n2)
    ours = _laplace(tables, fit.intercept, fit.estimate, math.sqrt(fit.sigma2), math.sqrt(fit.tau2))
    mu, sigma, tau = out["beta"][0], math.sqrt(out["sigma2"]), math.sqrt(out["tau2"])
    theirs = -minimize_scalar(
        lambda a: -_laplace(tables, a, mu, sigma, tau),
        bounds=(fit.intercept - 0.2, fit.intercept + 0.2),
        method="bounded",
        options={"xatol": 1e-6},
    ).fun
    if ours < theirs - 1e-9:
        return ""
    return "peer's inner search stops early, which moves its Laplace likelihood; ours is the higher by it"


def _counterpart(record: dict[str, Any]) -> str:
    """Id of the exact record beside one of rma.glmm."""
    name = record["id"]
    if name.startswith("OR."):
        return f"OR.glmm.exact.{argument(record['call'], 'model')}"
    if record["kind"] == "rma.glmm":
        return "PLO.glmm.exact"
    if record["kind"] == "glmm.leave1out":
        return "PLO.glmm.exact.leave1out"
    if record["kind"] == "glmm.meta_regression":
        return name.replace("PLO.glmm.", "PLO.glmm.exact.")
    part = "sub" if "separate" in record["kind"] else "cells"
    which = "separate_tau2" if part == "sub" else "common_tau2"
    return f"PLO.glmm.exact.{part}.{record['group']}.{which}"


@explains(
    "metafor",
    "rma.glmm",
    "glmm.leave1out",
    "glmm.meta_regression",
    "glmm.subgroup.common_tau2",
    "glmm.subgroup.cells.common_tau2",
    "glmm.subgroup.separate_tau2",
)
def peer_nodes(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    if any(c.name == "QE_LRT" and c.theirs == 0 and c.ours > 1 for c in failed):
        return "peer's saturated model is rank deficient (QE_LRT 0, QE_Wld beyond 1e10)"
    if any(math.isinf(c.ours) for c in failed):
        return "no finite estimate for a level; the peer stops at a large value"
    if "EE" in record["id"]:
        return ""
    wanted = _counterpart(record)
    for other in data.records:
        if other["id"] == wanted and outcome(data, other).status in ("agree", "explained"):
            return "peer's few nodes and loose optimiser; the exact record agrees with ours"
    return ""


def _brute(x: np.ndarray, n: np.ndarray, mu: float, tau: float) -> float:
    """Log-likelihood by a fine sum over a wide range, independent of the package."""
    u = np.linspace(-14, 14, 20_001)
    theta = mu + tau * u
    logs = x[:, None] * theta - n[:, None] * np.logaddexp(0, theta) - u * u / 2
    top = logs.max(axis=1)
    area = np.exp(logs - top[:, None]).sum(axis=1) * (u[1] - u[0]) / math.sqrt(2 * math.pi)
    choose = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
    return float((choose + top + np.log(area)).sum())


def _best(height: Callable[[float], float], low: float, high: float) -> float:
    """Highest point of a grid, refined round its best cell."""
    for _ in range(4):
        grid = np.linspace(low, high, 41)
        at = int(np.argmax([height(float(point)) for point in grid]))
        low, high = float(grid[max(at - 1, 0)]), float(grid[min(at + 1, 40)])
    return height(0.5 * (low + high))


@explains("metafor", "exact_glmm")
def record_search_failed(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    """The record's profile search missed the inner maximum: checked by brute force."""
    if not all(c.name.startswith("profile") for c in failed):
        return ""
    x, n = _counts(data)
    fit = fit_glmm(x, n)
    cut = fit.log_likelihood - chi2_quantile(0.95, 1) / 2
    middle, span = float(fit.beta[0]), 30.0 * max(1.0, float(fit.tau))
    for c in failed:
        if "beta" in c.name:
            top = _best(lambda t, b=c.ours: _brute(x, n, b, t), 0.0, 6.0 * fit.tau + 2.0)
        else:
            top = _best(lambda b, t=c.ours: _brute(x, n, b, t), middle - span, middle + span)
        if abs(top - cut) > 1e-4:
            return ""
    return "the record's profile search missed its inner maximum (our end checked by brute force)"


@explains("metafor", "exact_glmm")
def record_without_maximum(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    nodes = argument(record["call"], "nq")
    if not nodes:
        return ""
    fit, out = few_nodes(*_counts(data), int(nodes)), number(record["outputs"])
    if not fit.converged:
        return "no finite maximum: the record stops at a large value"
    small = max(c.deviation for c in failed) < 1e-4
    if small and fit.log_likelihood >= out["loglik"] - 1e-9 * abs(out["loglik"]):
        return "the record's optimiser stopped: our log-likelihood is not below its"
    return ""


def mixed_extremes(data: Dataset, beta: float, tau2: float) -> bool:
    """Whether studies at 0 % and 100 % stand together, and the peer's values are not the most likely ones.

    Few nodes then have several maxima. The likelihood is worked out by brute force, at the peer's values and
    at those of the exact fit.
    """
    x, n = _counts(data)
    if not ((x == 0).any() and (x == n).any()) or not math.isfinite(beta + tau2):
        return False
    exact = fit_glmm(x, n)
    ours = _brute(x, n, float(exact.beta[0]), float(exact.tau))
    return ours > _brute(x, n, beta, math.sqrt(tau2))


@explains("metafor", "rma.glmm")
def one_table(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    out = number(record["outputs"])
    if data.name.startswith("edge") and all(math.isnan(c.theirs) for c in failed):
        return "one informative study: the peer gives no test"
    if data.design == "prop" and mixed_extremes(data, np.ravel(out["beta"])[0], out["tau2"]):
        return "0 % beside 100 %: few nodes have several maxima, and the peer's is not the highest"
    return ""


@explains("metafor", "exact_glmm.leave1out")
def record_stopped(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    """Our likelihood, by brute force, is at least that at the record's values."""
    x, n = _counts(data)
    out = number(record["outputs"])
    there = np.flatnonzero(~np.isnan(np.array(out["beta"])))
    fits = fit_glmm_many(x, n, 1.0 - np.eye(x.size))
    for c in failed:
        i = int(there[int(c.name[c.name.index("[") + 1 : -1])])
        rest = np.arange(x.size) != i
        ours = _brute(x[rest], n[rest], float(fits.mu[i]), math.sqrt(float(fits.tau2[i])))
        theirs = _brute(x[rest], n[rest], out["beta"][i], math.sqrt(out["tau2"][i]))
        if ours < theirs - 1e-10:
            return ""
    return "the record's optimiser stopped below our maximum (checked by brute force)"


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
        fit = few_nodes(x[mine], n[mine], 7)
        c += checks(f"beta {level}", fit.beta, out["beta"][j], GLMER, fit.se)
        c += checks(f"se {level}", fit.se, out["se"][j], 10 * GLMER)
        c += checks(f"tau2 {level}", fit.tau2, out["tau2"][j], 10 * GLMER, 1e-2)
    return c or "peer fails: no level fitted"
