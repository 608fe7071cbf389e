"""Two-arm records of metafor that are not plain inverse variance."""

from __future__ import annotations

from typing import Any

import numpy as np

from analysis.synthesis.glmm_two_by_two import fit_two_arm_glmm
from analysis.synthesis.mantel_haenszel import CommonEffect, mantel_haenszel
from analysis.synthesis.peto import peto_odds_ratio
from tests.oracle.compare import CLOSED, OPTIMISED, Check, checks, compares
from tests.oracle.loader import Dataset, argument, number


def _tables(data: Dataset) -> tuple[np.ndarray, ...]:
    x = data.inputs
    return x["ai"], x["n1i"], x["ci"], x["n2i"]


def _common_checks(ours: CommonEffect, out: dict[str, Any]) -> list[Check]:
    c = checks("beta", ours.estimate, out["beta"], CLOSED, ours.se)
    c += checks("se", ours.se, out["se"], CLOSED)
    c += checks("ci_lb", ours.ci_low, out["ci_lb"], CLOSED, ours.se)
    c += checks("pval", ours.p_value, out["pval"], CLOSED, 1e-3)
    c += checks("QE", ours.q, out["QE"], CLOSED, 1e-3)
    c += checks("QEp", ours.q_p, out["QEp"], CLOSED, 1e-3)
    c += checks("I2", 100 * ours.i2, out["I2"], CLOSED, 1.0)
    pairs = {
        "MH": ours.association,
        "MHp": ours.association_p,
        "BD": ours.breslow_day,
        "BDp": ours.breslow_day_p,
        "TA": ours.tarone,
        "TAp": ours.tarone_p,
    }
    for name, value in pairs.items():
        if name in out:
            c += checks(name, value, out[name], CLOSED, 1e-3)
    return c


@compares("metafor", "rma.mh")
def rma_mh(data: Dataset, record: dict[str, Any]) -> list[Check]:
    call = record["call"]
    ours = mantel_haenszel(
        *_tables(data),
        argument(call, "measure"),
        amount=0.5 if "add=" in call else 0.0,
        continuity="correct=FALSE" not in call,
        drop00="drop00=c(FALSE" not in call,
    )
    return _common_checks(ours, number(record["outputs"]))


@compares("metafor", "rma.peto")
def rma_peto(data: Dataset, record: dict[str, Any]) -> list[Check]:
    return _common_checks(peto_odds_ratio(*_tables(data)), number(record["outputs"]))


def common_leave_one_out(data: Dataset, record: dict[str, Any]) -> list[Check]:
    """Leave one out of a Mantel-Haenszel or Peto fit by refitting."""
    call, out = record["call"], number(record["outputs"])
    tables = _tables(data)
    fits = []
    for i in range(tables[0].size):
        rest = [np.delete(t, i) for t in tables]
        try:
            fits.append(
                mantel_haenszel(*rest, argument(call, "measure"))
                if "rma.mh" in call
                else peto_odds_ratio(*rest)
            )
        except ValueError:
            fits.append(None)
    nan = float("nan")
    se = np.array([f.se if f else nan for f in fits])
    c = checks("estimate", [f.estimate if f else nan for f in fits], out["estimate"], CLOSED, se)
    c += checks("se", se, out["se"], CLOSED)
    q = out.get("Q", out.get("QE"))
    return c + checks("Q", [f.q if f else nan for f in fits], q, CLOSED, 1e-3)


@compares("metafor", "exact_umfs", "exact_cmel")
def exact_two_arm(data: Dataset, record: dict[str, Any]) -> list[Check]:
    out = number(record["outputs"])
    model = "UM.FS" if record["kind"] == "exact_umfs" else "CM.EL"
    fit = fit_two_arm_glmm(*_tables(data), model)
    c = checks("beta", fit.estimate, out["beta"], OPTIMISED, fit.se)
    c += checks("tau2", fit.tau2, out["tau2"], OPTIMISED, 1e-3)
    c += checks("loglik", fit.log_likelihood, out["loglik"], CLOSED, 1.0)
    # The record's standard errors come from numerical second derivatives.
    return c + checks("se", fit.se, out["se_full_hessian"], 10 * OPTIMISED)
