"""Causes of differences from the R package meta, each checked on the record itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from analysis.synthesis.glmm_two_by_two import fit_two_arm_glmm
from tests.oracle.compare import GLMER, Check, checks, explains, outcome
from tests.oracle.kinds_glmm import mixed_extremes
from tests.oracle.kinds_meta import effects_of
from tests.oracle.loader import ORACLE, Dataset, argument, load, number


@explains(
    "meta",
    "metaprop.pool",
    "metabin.pool",
    "metagen.pool",
    "metaprop.subgroup",
    "metabin.subgroup",
    "metainf",
    "trimfill",
)
def stopped_early(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    call = record["call"]
    if "GLMM" in record["id"] or any(c.name == "k0" for c in failed):
        return ""
    moved = [abs(c.ours - c.theirs) for c in failed if c.name.startswith("tau2")]
    most = max(moved, default=0.0)
    if argument(call, "method.tau") == "PM" and most < 3e-4:
        return "peer's root of Paule-Mandel is found to an absolute 1e-4 in tau2"
    if "threshold" in call:
        return "peer stops at an absolute change of 1e-10 in tau2" if most < 1e-8 else ""
    return "peer's default stops at an absolute change of 1e-5 in tau2" if most < 1e-4 else ""


@explains("meta", "metagen.pool", "metagen.tauci", "metaprop.pool", "metabin.pool")
def search_limit(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    if all(c.name in ("upper.tau2", "lower.tau2") and c.ours > 100 for c in failed):
        return "peer's search ends at max(100, 10 tau2); the limit lies beyond"
    return ""


@explains("meta", "trimfill")
def trim_ties(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    made = effects_of(data, record["call"])
    y = made[0][made[2]]
    if np.diff(np.sort(y)).min() < 1e-12:
        return "ties among the estimates, which rounding breaks one way or the other"
    return ""


@explains("meta", "metaprop.pool", "metaprop.subgroup", "metainf", "metacum")
def glmm_edges(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    if "GLMM" not in record["id"]:
        return ""
    k = data.inputs["xi"].size
    if k == 2 and all(c.name == "lower.predict" for c in failed):
        return "the peer uses one degree of freedom for two studies; ours has no such interval"
    if data.name == "edge_identical" and all(c.name == "lower.random" for c in failed):
        return "the peer falls back to the normal interval of the common effect where tau2 is zero"
    out = number(record["outputs"])
    if record["kind"] == "metaprop.pool":
        mixed = mixed_extremes(data, out["TE.random"], out["tau2"])
    else:
        # A series or subgroups of such a set: the whole of it has studies at both ends.
        x, n = data.inputs["xi"], data.inputs["ni"]
        mixed = bool((x == 0).any() and (x == n).any())
    if mixed:
        return "0 % beside 100 %: seven nodes have several maxima, and the peers' is not the highest"
    return ""


@explains("meta", "metaprop.subgroup")
def level_optimiser(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    """A level of few events: the exact record of the same levels agrees with our exact fits."""
    if "GLMM" not in record["id"] or "tau_common.FALSE" not in record["id"]:
        return ""
    other = load(ORACLE / f"{data.name}.metafor.json")
    wanted = f"PLO.glmm.exact.sub.{record['group']}.separate_tau2"
    for exact in other.records:
        if exact["id"] == wanted and outcome(other, exact).status == "agree":
            return "peer's few nodes and loose optimiser; the exact record agrees with ours"
    return ""


@explains("meta", "metabin.pool")
def fell_back(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    """The peer warns that it gives the common effect instead: it equals our fit without spread."""
    warned = record.get("warnings") or []
    warned = [warned] if isinstance(warned, str) else warned
    if not any("common effect model as fallback" in text for text in warned):
        return ""
    out, x = number(record["outputs"]), data.inputs
    equal = fit_two_arm_glmm(x["ai"], x["n1i"], x["ci"], x["n2i"], equal_effects=True)
    c = checks("TE", equal.estimate, out["TE.random"], GLMER, equal.se)
    c += checks("seTE", equal.se, out["seTE.random"], 10 * GLMER)
    if out["tau2"] == 0 and all(check.deviation <= check.tolerance for check in c):
        return "the peer could not fit the random effects and falls back to the common effect"
    return ""


@explains("meta", "metabin.pool")
def two_arm_optimiser(data: Dataset, record: dict[str, Any], failed: list[Check]) -> str:
    """The exact record of the same data agrees with ours."""
    if "GLMM" not in record["id"]:
        return ""
    if math.isnan(number(record["outputs"])["tau2"]):
        return "one informative study: the peer gives no tau2, ours is zero"
    other = load(ORACLE / f"{data.name}.metafor.json")
    for exact in other.records:
        if exact["kind"] == "exact_umfs" and outcome(other, exact).status == "agree":
            return "peer's few nodes and loose optimiser; the exact record agrees with ours"
    return ""
