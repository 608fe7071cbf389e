"""Records of the R package meta: pooling, study estimates, subgroups, small-study tests, series."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from analysis.synthesis import bias, influence, scales, studies
from analysis.synthesis.glmm import fit_equal_effects, heterogeneity_tests
from analysis.synthesis.glmm_two_by_two import fit_two_arm_glmm
from analysis.synthesis.heterogeneity import i2_from_q, test_based_intervals
from analysis.synthesis.intervals import tau2_interval
from analysis.synthesis.inverse_variance import IvFit, fit_iv
from analysis.synthesis.kenward_roger import kenward_roger
from analysis.synthesis.mantel_haenszel import mantel_haenszel
from analysis.synthesis.peto import peto_odds_ratio
from analysis.synthesis.prediction import prediction_interval
from analysis.synthesis.special import chi2_tail, t_quantile
from analysis.synthesis.trimfill import trim_and_fill
from analysis.synthesis.two_by_two import two_arm_effects
from analysis.synthesis.types import Interval
from tests.oracle.compare import CLOSED, GLMER, OPTIMISED, Check, checks, compares
from tests.oracle.kinds_glmm import few_nodes
from tests.oracle.loader import Dataset, argument, number

SCALES = {
    "PRAW": "raw",
    "PLN": "log",
    "PLOGIT": "logit",
    "PAS": "arcsine",
    "PFT": "freeman-tukey",
}
PREDICTION = {"V": "t-k-1", "HTS": "t-k-2", "S": "normal", "HK": "knapp-hartung"}
STUDY_CI = {
    "CP": "clopper-pearson",
    "WS": "wilson",
    "AC": "agresti-coull",
    "SA": "wald",
}
RULES_DIFFER = "continuity rules of the two peers differ here; ours are metafor's"
#: meta ran its iterations to 1e-10 in tau2, an absolute amount.
META_TAU2 = 2e-9


def effects_of(data: Dataset, call: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | str:
    """Return yi, vi and which studies are used, or why they cannot be compared."""
    x = data.inputs
    if data.design == "generic":
        return x["yi"], x["vi"], np.ones(x["yi"].size, bool)
    sm = argument(call, "sm")
    if data.design == "prop":
        extreme = (x["xi"] == 0) | (x["xi"] == x["ni"])
        if extreme.any() and sm in ("PLN", "PRAW"):
            return RULES_DIFFER
        out = scales.effects(x["xi"], x["ni"], SCALES[sm])
        return out.yi, out.vi, np.ones(out.yi.size, bool)
    a, n1, c, n2 = (x[key] for key in ("ai", "n1i", "ci", "n2i"))
    zero = (a == 0) | (c == 0) | (a == n1) | (c == n2)
    if zero.any() and (sm != "OR"):
        return RULES_DIFFER
    out = two_arm_effects(a, n1, c, n2, sm, drop00="allstudies=TRUE" not in call)
    return out.yi, out.vi, out.usable


def _pool_checks(fit: IvFit, call: str, out: dict[str, Any]) -> list[Check] | str:
    ci, predict = argument(call, "method.random.ci", "classic"), argument(call, "method.predict", "V")
    adhoc = argument(call, "adhoc.hakn.ci")
    if adhoc in ("ci", "IQWiG6"):
        return "this ad-hoc rule is not offered"
    tol = OPTIMISED
    scale = fit.typical_variance if fit.k > 1 else 1.0
    floor = max(1e-3 * scale, META_TAU2 / OPTIMISED)
    se = float(np.sqrt(fit.cov_wald[0, 0]))
    # An error of META_TAU2 in tau2 moves everything else by about this share.
    loose = max(tol, META_TAU2 / (scale + fit.tau2) * 10)
    common = fit_iv(fit.yi, fit.vi, tau2_method="ee")
    c = checks("TE.common", common.beta, out["TE.common"], CLOSED, common.se)
    c += checks("seTE.common", common.se, out["seTE.common"], CLOSED)
    c += checks("TE.random", fit.beta, out["TE.random"], loose, se)
    if fit.k > 1:
        adjusted = kenward_roger(fit) if ci == "KR" else None
        c += checks("seTE.random", adjusted.se if adjusted else fit.se, out["seTE.random"], loose, 1e-6 * se)
        if adjusted:
            c += checks("df.random", adjusted.df, out["df.random"], 10 * loose)
        low, high = (adjusted.ci.low, adjusted.ci.high) if adjusted else (fit.ci_low, fit.ci_high)
        c += checks("lower.random", low, out["lower.random"], loose, abs(fit.beta) + se)
        c += checks("upper.random", high, out["upper.random"], loose, abs(fit.beta) + se)
        c += checks("tau2", fit.tau2, out["tau2"], tol, floor)
        c += checks("Q", fit.q, out["Q"], CLOSED, 1e-3)
        c += checks("pval.Q", fit.q_p, out["pval.Q"], CLOSED, 1e-3)
        if not math.isnan(out["I2"]):
            c += checks("I2", fit.i2_from_q, out["I2"], CLOSED, 1e-2)
        h, i2 = test_based_intervals(fit.q, fit.q_df)
        if not math.isnan(out.get("lower.I2", math.nan)):
            c += checks("lower.I2", i2.low, out["lower.I2"], CLOSED, 1e-2)
            c += checks("upper.I2", i2.high, out["upper.I2"], CLOSED, 1e-2)
            c += checks("upper.H", h.high, out["upper.H"], CLOSED, 1.0)
        c += _tau2_interval(fit, out, scale)
    if "lower.predict" in out and (predict in PREDICTION or predict == "KR") and fit.k > 1:
        if math.isnan(out["lower.predict"]):
            return c
        ours = _predicted(fit, predict, se)
        wide = abs(float(fit.beta[0])) + se + math.sqrt(fit.tau2)
        c += checks("lower.predict", ours.low, out["lower.predict"], 10 * loose, wide)
        c += checks("upper.predict", ours.high, out["upper.predict"], 10 * loose, wide)
    return c


def _predicted(fit: IvFit, predict: str, se: float) -> Interval:
    if predict == "KR":
        return kenward_roger(fit).prediction
    error = float(fit.se[0]) if predict == "HK" else se
    return prediction_interval(float(fit.beta[0]), error, fit.tau2, fit.k, method=PREDICTION[predict])


def _tau2_interval(fit: IvFit, out: dict[str, Any], scale: float) -> list[Check]:
    low = out.get("lower.tau2", math.nan)
    if math.isnan(low):
        return []
    method = {"J": "jackson", "BJ": "biggerstaff-jackson", "QP": "q-profile"}[out["method.tau.ci"]]
    ours = tau2_interval(fit, method=method)
    # The peer's root finder stops at an absolute 1e-4 in tau2.
    size = abs(low) + 3e-4 / 1e-3
    upper = out["upper.tau2"]
    c = checks("lower.tau2", ours.low, low, 1e-3, size)
    return c + checks("upper.tau2", ours.high, upper, 1e-3, abs(upper) + 3e-4 / 1e-3)


@compares("meta", "metaprop.pool", "metagen.pool", "metabin.pool")
def pool_records(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    call, out = record["call"], number(record["outputs"])
    if data.design == "2x2":
        return _two_arm(data, record)
    if "GLMM" in call or record["id"] == "GLMM.defaults":
        return _glmm(data, call, out)
    made = effects_of(data, call)
    if isinstance(made, str):
        return made
    return _pool_checks(_random(made, call), call, out)


def _random(made: tuple[np.ndarray, np.ndarray, np.ndarray], call: str) -> IvFit:
    y, v, use = made
    method = argument(call, "method.tau", "REML").lower()
    kh = argument(call, "method.random.ci", "classic") == "HK"
    ci = "knapp-hartung" if kh else "wald"
    fit = fit_iv(y[use], v[use], tau2_method=method, ci_method=ci)
    if argument(call, "adhoc.hakn.ci") == "se" and fit.s2w < 1:
        fit = fit_iv(y[use], v[use], tau2_method=method, ci_method="knapp-hartung-adhoc")
    return fit


def _glmm(data: Dataset, call: str, out: dict[str, Any]) -> list[Check] | str:
    x, n = data.inputs["xi"], data.inputs["ni"]
    if not x.any() or (x == n).all():
        return "no finite maximum"
    # The peer fits by glmer with seven nodes.
    fit, common = few_nodes(x, n, 7), fit_equal_effects(x, n)
    mu, se = float(fit.beta[0]), float(fit.se[0])
    k = x.size
    c = checks("TE.common", common.beta, out["TE.common"], OPTIMISED, common.se)
    c += checks("TE.random", mu, out["TE.random"], GLMER, se)
    c += checks("seTE.random", se, out["seTE.random"], 10 * GLMER)
    if k == 1:
        return c
    hk = argument(call, "method.random.ci", "classic") == "HK"
    half = t_quantile(0.95, k - 1 if hk else math.inf) * se
    c += checks("lower.random", mu - half, out["lower.random"], 10 * GLMER, abs(mu) + se)
    c += checks("tau2", fit.tau2, out["tau2"], 10 * GLMER, 1e-2)
    tests = heterogeneity_tests(fit)
    wald, ratio = out["Q"]
    # Studies without events have no finite logit: the peer's saturated fit leaves a small remainder.
    c += checks("Q Wald", tests.wald, wald, GLMER, 1.0)
    c += checks("Q LRT", tests.lrt, ratio, OPTIMISED, 1e-3)
    if not math.isnan(out["I2"]):
        c += checks("I2", i2_from_q(tests.wald, tests.df), out["I2"], 10 * GLMER, 1e-2)
    predict = argument(call, "method.predict", "V")
    if "lower.predict" in out and not math.isnan(out["lower.predict"]):
        ours = prediction_interval(mu, se, float(fit.tau2), k, method=PREDICTION[predict])
        wide = abs(mu) + se + float(fit.tau)
        c += checks("lower.predict", ours.low, out["lower.predict"], 10 * GLMER, wide)
    return c


def _two_arm(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    call, out = record["call"], number(record["outputs"])
    x = data.inputs
    tables = tuple(x[key] for key in ("ai", "n1i", "ci", "n2i"))
    method, sm = argument(call, "method"), argument(call, "sm")
    if method == "GLMM":
        two = fit_two_arm_glmm(*tables)
        c = checks("TE.random", two.estimate, out["TE.random"], GLMER, two.se)
        c += checks("seTE.random", two.se, out["seTE.random"], 10 * GLMER)
        return c + checks("tau2", two.tau2, out["tau2"], 10 * GLMER, 1e-2)
    if method == "Peto":
        peto = peto_odds_ratio(*tables)
        c = checks("TE.common", peto.estimate, out["TE.common"], CLOSED, peto.se)
        return c + checks("seTE.common", peto.se, out["seTE.common"], CLOSED)
    if method == "MH":
        zero = any((t == 0).any() for t in (*tables[::2], tables[1] - tables[0], tables[3] - tables[2]))
        if zero and "MH.exact=TRUE" not in call:
            return "the peer adds 0.5 in zero cells before Mantel-Haenszel; ours adds nothing"
        ours = mantel_haenszel(*tables, sm, variance="greenland-robins")
        c = checks("TE.common", ours.estimate, out["TE.common"], CLOSED, ours.se)
        return c + checks("seTE.common", ours.se, out["seTE.common"], CLOSED)
    made = effects_of(data, call)
    if isinstance(made, str):
        return made
    if not made[2].any():
        return "no informative study"
    return _pool_checks(_random(made, call), call, out)


@compares("meta", "metagen.tauci")
def tau_ci(data: Dataset, record: dict[str, Any]) -> list[Check]:
    out = number(record["outputs"])
    method = {
        "J": "jackson",
        "BJ": "biggerstaff-jackson",
        "QP": "q-profile",
    }[argument(record["call"], "method.tau.ci")]
    fit = fit_iv(data.inputs["yi"], data.inputs["vi"], tau2_method="dl")
    ours = tau2_interval(fit, method=method)
    size = 3e-4 / 1e-3
    c = checks("lower.tau2", ours.low, out["lower.tau2"], 1e-3, size)
    return c + checks("upper.tau2", ours.high, out["upper.tau2"], 1e-3, size)


@compares("meta", "metaprop.study", "metabin.study")
def study_records(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    call, out = record["call"], number(record["outputs"])
    if record["id"].startswith("study_ci."):
        method = STUDY_CI.get(argument(call, "method.ci"))
        if method is None:
            return "this study interval is not offered"
        ours = studies.study_intervals(data.inputs["xi"], data.inputs["ni"], method)
        low, high = out["lower"], out["upper"]
        c = checks("lower", ours.low, np.clip(low, 0, 1), CLOSED, 1e-6)
        return c + checks("upper", ours.high, np.clip(high, 0, 1), CLOSED, 1e-6)
    made = effects_of(data, call)
    if isinstance(made, str):
        return made
    y, v, use = made
    te, se = np.atleast_1d(out["TE"]), np.atleast_1d(out["seTE"])
    there = use & np.isfinite(te)
    c = checks("TE", y[there], te[there], CLOSED, 1e-3)
    return c + checks("seTE", np.sqrt(v[there]), se[there], CLOSED)


@compares("meta", "metaprop.subgroup", "metabin.subgroup")
def subgroup_records(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    call, out = record["call"], number(record["outputs"])
    group = np.array(data.groups[record["group"]])
    levels = list(out["subgroup.levels"])
    common = argument(call, "tau.common") == "TRUE"
    if 'method="GLMM"' in call:
        return _glmm_subgroups(data, call, out, group, levels, common)
    if 'method="MH"' in call:
        return "random part is that of Inverse, common part mixes in MH"
    made = effects_of(data, call)
    if isinstance(made, str):
        return made
    y, v, use = made
    if argument(call, "method.random.ci", "classic") == "HK" and common:
        return "the peer gives each subgroup its own Knapp-Hartung factor"
    method = argument(call, "method.tau").lower()
    hk = argument(call, "method.random.ci", "classic") == "HK"
    ci = "knapp-hartung" if hk else "wald"
    tau2 = None
    if common:
        x = np.array([[float(g == level) for level in levels] for g in group[use]])
        if (x.sum(axis=0) == 0).any():
            return "a level has no informative study"
        tau2 = fit_iv(y[use], v[use], design=x, tau2_method=method).tau2
    c: list[Check] = []
    beta, se = [], []
    for j, level in enumerate(levels):
        mine = use & (group == level)
        if not mine.any():
            return "a level has no informative study"
        estimator = method if tau2 is None else None
        fit = fit_iv(y[mine], v[mine], tau2_method=estimator, ci_method=ci, tau2=tau2)
        loose = max(OPTIMISED, META_TAU2 / (fit.vi.min() + fit.tau2) * 10)
        if fit.k == 1 and math.isnan(out["seTE.random.w"][j]):
            return "one-study level: the peer gives none"
        beta.append(float(fit.beta[0]))
        se.append(float(fit.se[0]))
        c += checks(f"TE {level}", fit.beta, out["TE.random.w"][j], loose, fit.se)
        c += checks(f"seTE {level}", fit.se, out["seTE.random.w"][j], loose, 1e-9)
        if not (fit.k == 1 and not common):
            size = max(1e-3 * float(fit.vi.min()), META_TAU2 / OPTIMISED)
            c += checks(f"tau2 {level}", fit.tau2, out["tau2.w"][j], OPTIMISED, size)
        c += checks(f"Q {level}", fit.q, out["Q.w"][j], CLOSED, 1e-3)
    w, b = 1 / np.array(se) ** 2, np.array(beta)
    if np.isfinite(w).all():
        q = float(w @ (b - w @ b / w.sum()) ** 2)
        c += checks("Q.b.random", q, out["Q.b.random"], 100 * OPTIMISED, 1e-2)
        p = chi2_tail(q, len(levels) - 1)
        c += checks("pval.Q.b.random", p, out["pval.Q.b.random"], 100 * OPTIMISED, 1e-2)
    return c


def _glmm_subgroups(
    data: Dataset,
    call: str,
    out: dict[str, Any],
    group: np.ndarray,
    levels: list[str],
    common: bool,
) -> list[Check] | str:
    x, n = data.inputs["xi"], data.inputs["ni"]
    c: list[Check] = []
    whole = None
    if common:
        design = np.array([[float(g == level) for level in levels] for g in group])
        whole = few_nodes(x, n, 7, design)
        if not whole.converged:
            return "no finite maximum for a level"
    for j, level in enumerate(levels):
        mine = group == level
        if not x[mine].any() or (x[mine] == n[mine]).all():
            continue
        if whole is not None:
            mu, se, tau2 = float(whole.beta[j]), float(whole.se[j]), float(whole.tau2)
        elif mine.sum() == 1:
            continue
        else:
            fit = few_nodes(x[mine], n[mine], 7)
            mu, se, tau2 = float(fit.beta[0]), float(fit.se[0]), float(fit.tau2)
        c += checks(f"TE {level}", mu, out["TE.random.w"][j], GLMER, se)
        c += checks(f"seTE {level}", se, out["seTE.random.w"][j], 10 * GLMER)
        c += checks(f"tau2 {level}", tau2, out["tau2.w"][j], 10 * GLMER, 1e-2)
    return c or "no level with a finite maximum"


@compares("meta", "metabias")
def metabias(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    call, out = record["call"], number(record["outputs"])
    method = argument(call, "method.bias")
    x = data.inputs
    if method == "Harbord":
        tables = tuple(x[key] for key in ("ai", "n1i", "ci", "n2i"))
        if _same_sizes(data):
            return "all predictors equal"
        ours = bias.harbord_test(*tables)
    elif method == "Peters" and data.design == "2x2":
        if _same_sizes(data):
            return "all predictors equal"
        ours = bias.peters_test(*(x[key] for key in ("ai", "n1i", "ci", "n2i")))
    elif method in ("Egger", "Begg"):
        made = effects_of(data, call)
        if isinstance(made, str):
            return made
        y, v, use = made
        y, v = y[use], v[use]
        if np.ptp(y) < 1e-12:
            return "all estimates equal"
        if method == "Begg":
            rank = bias.rank_test(y, v, exact=False)
            return checks("pval", rank.p_value, out["pval"], CLOSED, 1e-6)
        ours = bias.regression_test(y, v, predictor="sei", model="lm")
    else:
        return "this test is not offered"
    c = checks("statistic", ours.statistic, out["statistic"], CLOSED, 1.0)
    return c + checks("pval", ours.p_value, out["pval"], CLOSED, 1e-3)


def _same_sizes(data: Dataset) -> bool:
    x = data.inputs
    events = x["ai"] + x["ci"]
    return int(((events > 0) & (events < x["n1i"] + x["n2i"])).sum()) < 3


def _refit(x: np.ndarray, n: np.ndarray) -> tuple[float, float, float]:
    if not x.any() or (x == n).all() or x.size == 1:
        return math.nan, math.nan, math.nan
    fit = few_nodes(x, n, 7)
    return float(fit.beta[0]), float(fit.tau2), float(fit.se[0])


@compares("meta", "metainf", "metacum")
def series(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    call, out = record["call"], number(record["outputs"])
    k = data.inputs["xi"].size
    te, tau2 = np.array(out["TE"]), np.array(out["tau2"])
    if te.size < k:
        return "the peer's series is shorter"
    if 'method="GLMM"' in call:
        x, n = data.inputs["xi"], data.inputs["ni"]
        rows = 1.0 - np.eye(k) if record["kind"] == "metainf" else np.tri(k)
        ours = [_refit(x[row > 0], n[row > 0]) for row in rows]
        mu, ours_tau2, se = (np.array(part) for part in zip(*ours, strict=True))
        tol = GLMER
    else:
        made = effects_of(data, call)
        if isinstance(made, str):
            return made
        fit = fit_iv(made[0], made[1], tau2_method="reml")
        refits = influence.leave_one_out(fit)
        mu, ours_tau2, se, tol = refits.estimate, refits.tau2, refits.se, OPTIMISED
        tol = max(tol, META_TAU2 / float(fit.vi.min()) * 10)
    there = np.isfinite(te[:k]) & np.isfinite(tau2[:k]) & np.isfinite(mu)
    if not there.any():
        return "the peer gives none"
    c = checks("TE", mu[there], te[:k][there], tol, se[there])
    return c + checks("tau2", ours_tau2[there], tau2[:k][there], 10 * tol, 1e-2)


@compares("meta", "trimfill")
def trimfill(data: Dataset, record: dict[str, Any]) -> list[Check] | str:
    call, out = record["call"], number(record["outputs"])
    made = effects_of(data, call)
    if isinstance(made, str):
        return made
    y, v, use = made
    if np.ptp(y[use]) == 0:
        return "all estimates equal"
    ours = trim_and_fill(
        y[use],
        v[use],
        estimator=argument(call, "type") + "0",
        tau2_method="reml",
        trim_method="ee",
    )
    c = checks("k0", ours.k0, out["k0"], CLOSED)
    c += checks("TE.random", ours.fit.beta, out["TE.random"], 1e-4, ours.fit.se)
    return c + checks("tau2", ours.fit.tau2, out["tau2"], 1e-4, 1e-2)
