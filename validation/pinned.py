"""Compare with the reference values in tests/reference: ``python -m validation.pinned`` writes a table.

The values were made in R by the scripts beside them. Each line of the table is one kind of result: how many
numbers were compared, the largest relative deviation, and the tolerance.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analysis.synthesis import bias, influence
from analysis.synthesis.glmm import fit_glmm
from analysis.synthesis.intervals import profile_interval_tau2, q_profile_interval
from analysis.synthesis.inverse_variance import fit_iv
from analysis.synthesis.mantel_haenszel import mantel_haenszel
from analysis.synthesis.peto import peto_odds_ratio
from analysis.synthesis.scales import effects
from analysis.synthesis.trimfill import trim_and_fill
from analysis.synthesis.two_by_two import two_arm_effects

__all__ = ["FILE", "Line", "lines", "main", "pinned_table"]

FILE = Path(__file__).with_name("pinned.csv")
FOLDER = Path(__file__).resolve().parents[1] / "tests" / "reference"
#: Closed forms; iterated estimators as far as the peer's stopping rule goes; likelihoods by quadrature.
CLOSED, ITERATED, LIKELIHOOD = 1e-10, 1e-6, 1e-7
_CLOSED_METHODS = frozenset({"ee", "dl", "he", "hs", "sj"})


class Line(NamedTuple):
    """One number of ours against the pinned one; small numbers are measured against `scale`."""

    engine: str
    kind: str
    name: str
    ours: float
    theirs: float
    tolerance: float
    scale: float = 1e-3

    @property
    def deviation(self) -> float:
        """Relative difference; both missing is agreement."""
        if math.isnan(self.ours) or math.isnan(self.theirs):
            return 0.0 if math.isnan(self.ours) and math.isnan(self.theirs) else math.inf
        return abs(self.ours - self.theirs) / max(abs(self.theirs), self.scale)


def _read(name: str) -> dict[str, Any]:
    return dict(json.loads((FOLDER / name).read_text("utf-8")))


def _pairs(
    kind: str, name: str, ours: Any, theirs: Any, tolerance: float, engine: str = "metafor"
) -> Iterator[Line]:
    mine = np.atleast_1d(np.asarray(ours, dtype=float))
    given = np.atleast_1d(np.asarray(theirs, dtype=object))
    for a, b in zip(mine, given, strict=True):
        yield Line(engine, kind, name, float(a), math.nan if b is None else float(b), tolerance)


def lines() -> Iterator[Line]:
    """Yield every comparison."""
    fits = _read("iv/fits.json")
    yield from _effects_and_fits(fits)
    yield from _around_a_fit(fits)
    yield from _two_arms()
    yield from _logistic()


def _effects_and_fits(fits: dict[str, Any]) -> Iterator[Line]:
    made = {scale: effects(fits["events"], fits["total"], scale) for scale in fits["effects"]}  # type: ignore[arg-type]
    for scale, theirs in fits["effects"].items():
        yield from _pairs("effect sizes", f"{scale} yi", made[scale].yi, theirs["yi"], CLOSED)
        yield from _pairs("effect sizes", f"{scale} vi", made[scale].vi, theirs["vi"], CLOSED)
    for key, theirs in fits["fits"].items():
        scale, method, ci = key.split(" ")
        fit = fit_iv(made[scale].yi, made[scale].vi, tau2_method=method, ci_method=ci)
        closed = method in _CLOSED_METHODS
        kind = f"inverse variance, {'closed' if closed else 'iterated'} estimators of tau2"
        for name in ("beta", "se", "ci_low", "ci_high", "tau2", "i2", "h2", "q"):
            yield from _pairs(
                kind, f"{key} {name}", getattr(fit, name), theirs[name], CLOSED if closed else ITERATED
            )


def _around_a_fit(fits: dict[str, Any]) -> Iterator[Line]:
    study = effects(fits["events"], fits["total"])
    for key, theirs in _read("iv/intervals.json")["intervals"].items():
        method, which = key.split(" ")
        fit = fit_iv(study.yi, study.vi, tau2_method=method)
        made = q_profile_interval(fit) if which == "q-profile" else profile_interval_tau2(fit)
        yield from _pairs("intervals of tau2", key, made.low, theirs["low"], ITERATED)
        yield from _pairs("intervals of tau2", key, made.high, theirs["high"], ITERATED)
    for key, theirs in _read("iv/influence.json")["fits"].items():
        method, ci = key.split(" ")
        found = influence.influence(fit_iv(study.yi, study.vi, tau2_method=method, ci_method=ci))
        yield from _pairs("influence", f"{key} rstudent", found.deleted.z, theirs["rstudent"], ITERATED)
        for name in ("dffits", "cook_d", "cov_ratio", "tau2_deleted", "q_deleted", "hat"):
            yield from _pairs("influence", f"{key} {name}", getattr(found, name), theirs[name], ITERATED)
    small = _read("iv/bias.json")
    for key, theirs in small["regression"].items():
        predictor, model = key.split(" ")
        test = bias.regression_test(
            study.yi, study.vi, predictor=predictor, model=model, ni=fits["total"]  # type: ignore[arg-type]
        )  # fmt: skip
        yield from _pairs("regression test of asymmetry", key, test.statistic, theirs["statistic"], ITERATED)
    for key, theirs in small["trim"].items():
        filled = trim_and_fill(study.yi, study.vi, estimator=key, tau2_method="dl")
        yield from _pairs("trim and fill", key, filled.k0, theirs["k0"], CLOSED)
        yield from _pairs("trim and fill", key, filled.fit.beta, theirs["beta"], CLOSED)


def _two_arms() -> Iterator[Line]:
    data = _read("iv/two_arm.json")
    tables = tuple(data[name] for name in ("events1", "total1", "events2", "total2"))
    for measure, theirs in data["effects"].items():
        study = two_arm_effects(*tables, measure)
        yield from _pairs("effect sizes of two arms", measure, study.yi, theirs["yi"], CLOSED)
        yield from _pairs("effect sizes of two arms", measure, study.vi, theirs["vi"], CLOSED)
    for measure, theirs in data["common"].items():
        peto = measure == "PETO"
        ours = peto_odds_ratio(*tables) if peto else mantel_haenszel(*tables, measure)
        for name in ("estimate", "se", "q"):
            yield from _pairs(
                "Mantel-Haenszel and Peto", f"{measure} {name}", getattr(ours, name), theirs[name], CLOSED
            )


def _logistic() -> Iterator[Line]:
    for key, entry in _read("glmm/reference.json")["sets"].items():
        fit = fit_glmm(entry["events"], entry["total"])
        exact, engine = entry["exact"], "exact likelihood in R"
        for name, ours in (
            ("beta", fit.beta),
            ("se", fit.se),
            ("tau2", fit.tau2),
            ("loglik", fit.log_likelihood),
            ("loglik_equal", fit.log_likelihood_equal),
        ):
            yield from _pairs("logistic model", f"{key} {name}", ours, exact[name], LIKELIHOOD, engine)


def pinned_table() -> list[dict[str, Any]]:
    """Return one row an engine and kind."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in lines():
        groups.setdefault((line.engine, line.kind), []).append(line)
    return [
        {
            "engine": engine,
            "kind": kind,
            "numbers": len(found),
            "agree": sum(line.deviation <= line.tolerance for line in found),
            "largest_deviation": f"{max(line.deviation for line in found):.0e}",
            "tolerance": f"{max(line.tolerance for line in found):.0e}",
        }
        for (engine, kind), found in groups.items()
    ]


def main() -> int:
    """Write the table; exit code 1 when a number is off."""
    rows = pinned_table()
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for line in lines():
        if line.deviation > line.tolerance:
            sys.stdout.write(f"{line.kind}, {line.name}: {line.ours!r} for {line.theirs!r}\n")
    return int(any(row["agree"] != row["numbers"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
