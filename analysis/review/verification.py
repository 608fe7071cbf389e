"""What the numeric core was checked against: tables made by the tests' own comparison, and coverage."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.report.numbers import count, date_text, share
from analysis.report.powers import printed_powers
from analysis.report.section import Fold, Note, Paragraph, Section
from analysis.report.tables import Cell, Column, Table, table_from_rows
from analysis.review.session import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.evidence.tables import Evidence

__all__ = [
    "agreement_section",
    "coverage_section",
    "differences_section",
    "interval_scores",
    "pinned_table",
    "versions_table",
]

FOLDER = ROOT / "validation"
#: Intervals of the pooled rate in the simulation, and how the protocol names them.
INTERVALS: dict[str, tuple[str, str]] = {
    "glmm-wald": ("Logistic model, Wald", "wald"),
    "glmm-t": ("Logistic model, t", "t"),
    "glmm-profile": ("Logistic model, profile likelihood", "profile"),
    "iv-reml-knapp-hartung": ("Inverse variance, REML, Knapp-Hartung", ""),
    "iv-dl-wald": ("Inverse variance, DerSimonian-Laird, Wald", ""),
}
PREDICTIONS = {
    "prediction-t-k-1": "Prediction, t with one degree less than studies",
    "prediction-t-k-2": "Prediction, t with two degrees less than studies",
}
LEVEL = 0.95
_NO_WIDTH = (
    "Whether a profile interval holds the truth is told by the likelihood ratio there; its ends are not "
    "sought."
)
#: Parts of the names of kinds of records, in words; what is missing is a function of the peer.
_PARTS = {
    "PL": "profile likelihood",
    "QP": "Q-profile",
    "all_subsets": "all subsets",
    "blup": "predicted rates of the studies",
    "cells": "group means",
    "common_tau2": "one tau² for all groups",
    "cumul": "cumulative",
    "default": "default settings",
    "exact_cmel": "CM.EL, exact likelihood",
    "exact_glmm": "rma.glmm, exact likelihood",
    "exact_umfs": "UM.FS, exact likelihood",
    "glmm": "rma.glmm",
    "henmi_copas": "Henmi and Copas",
    "leave1out": "leave-one-out",
    "meta_regression": "moderators",
    "separate_tau2": "a tau² for each group",
    "study": "study by study",
    "study_ci": "intervals of studies",
    "subgroup": "subgroups",
    "tauci": "interval of tau²",
    "transf": "transformations",
}


@cache
def _read(name: str) -> tuple[dict[str, str], ...]:
    path = Path(FOLDER / name)
    if not path.is_file():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def _power(written: str) -> Cell | None:
    """Show a small number as a power of ten, and sort it as the number."""
    return Cell(printed_powers(written), float(written)) if written else None


def _in_print(reason: str) -> str:
    """Return words of the comparison without the notation of programs."""
    return printed_powers(re.sub(r"(\d) %", r"\1%", re.sub(r"\btau2\b", "τ²", reason)))


def versions_table() -> Table:
    """List the software that made the reference values."""
    columns = [Column("software", "Software"), Column("version", "Version"), Column("used_for", "Used for")]
    return table_from_rows(
        "reference-versions",
        "Software behind the reference values",
        columns,
        _read("versions.csv"),
        sortable=False,
    )


def pinned_table() -> Table:
    """Show the comparison with the reference values that are kept in the repository."""
    columns = [
        Column("engine", "Compared with"),
        Column("kind", "What"),
        Column("numbers", "Numbers", "right"),
        Column("agree", "Agree", "right"),
        Column("largest_deviation", "Largest deviation", "right"),
        Column("tolerance", "Tolerance", "right"),
    ]
    rows = [
        row
        | {name: int(row[name]) for name in ("numbers", "agree")}
        | {"kind": _in_print(row["kind"])}
        | {name: _power(row[name]) for name in ("largest_deviation", "tolerance")}
        for row in _read("pinned.csv")
    ]
    return table_from_rows("verified-pinned", "Reference values kept in the repository", columns, rows)


def _kind(name: str) -> str:
    """Write the name of a kind of records as a function of the peer and what was asked of it."""
    parts = name.replace("rma.", "rma ").split(".")
    return ", ".join(_PARTS.get(part, part) for part in parts).replace("rma ", "rma.")


def agreement_section() -> Section:
    """Say how many records of the large collection agree, and list them by kind."""
    rows = _read("agreement.csv")
    if not rows:
        return Section(
            (Note("The comparison with the large collection of records has not been written yet."),)
        )
    names = ("records", "covered", "agree", "explained", "differ", "skipped")
    total = {name: sum(int(row[name]) for row in rows) for name in names}
    open_ones = f"{count(total['differ'])} differ without a reason found so far. " if total["differ"] else ""
    text = (
        f"Of {count(total['records'])} records, {count(total['covered'])} are covered: "
        f"{count(total['agree'])} agree within their tolerance, {count(total['explained'])} differ for a "
        f"reason that the comparison checks and states. {open_ones}"
        f"{count(total['skipped'])} are left out, each with its reason."
    )
    heads = ("Records", "Covered", "Agree", "Explained", "Differ", "Left out")
    columns = [Column("engine", "Package"), Column("kind", "What")]
    columns += [Column(name, head, "right") for name, head in zip(names, heads, strict=True)]
    columns += [
        Column("largest", "Largest deviation", "right", note="Relative, among the records that agree."),
        Column("tolerance", "Tolerance", "right", note="The loosest that a number of this kind is held to."),
    ]
    shown: list[dict[str, Any]] = [
        {
            **row,
            **{name: int(row[name]) for name in names},
            **{name: _power(row[name]) for name in ("largest", "tolerance")},
            "kind": _kind(row["kind"]),
        }
        for row in rows
    ]
    table = table_from_rows(
        "verified-agreement", "Agreement with metafor and meta by kind of result", columns, shown
    )
    return Section((Paragraph(text), Fold("All kinds of results", table)))


def differences_section() -> Section:
    """List why records differ or are left out, in the words of the comparison."""
    rows = _read("reasons.csv")
    if not rows:
        return Section((Note("No list of reasons has been written yet."),))
    parts: list[object] = []
    for status, head in (("explained", "Differ for a stated reason"), ("skipped", "Not compared")):
        grouped: dict[tuple[str, str], int] = defaultdict(int)
        for row in rows:
            if row["status"] == status:
                grouped[row["engine"], _in_print(row["reason"])] += int(row["records"])
        columns = [Column("engine", "Package"), Column("reason", "Reason"), Column("n", "Records", "right")]
        lines = [
            {"engine": engine, "reason": reason, "n": n}
            for (engine, reason), n in sorted(grouped.items(), key=lambda item: -item[1])
        ]
        parts.append(table_from_rows(f"verified-{status}", head, columns, lines))
    return Section(tuple(parts))


def interval_scores() -> dict[str, tuple[float, float, float]]:
    """Return for each interval of the pooled rate: mean distance from nominal, mean shortfall, lowest.

    Distances are between the coverage and the nominal level, averaged over all settings; a shortfall
    counts only what is below it.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for row in _read("coverage.csv"):
        if row["interval"] in INTERVALS:
            found[row["interval"]].append(float(row["coverage"]))
    return {
        name: (
            sum(abs(v - LEVEL) for v in values) / len(values),
            _shortfall(values),
            min(values),
        )
        for name, values in found.items()
    }


def _shortfall(coverage: Sequence[float]) -> float:
    return sum(max(LEVEL - value, 0.0) for value in coverage) / len(coverage)


def coverage_section(evidence: Evidence) -> Section:
    """Show the simulated coverage and say which interval it speaks for."""
    rows = _read("coverage.csv")
    if not rows:
        return Section((Note("The simulation has not been run yet."),))
    return Section(
        (
            Paragraph(_simulation_sentence(rows)),
            _summary_table(),
            Paragraph(_recommendation(evidence)),
            _prediction_sentence(),
            Fold("Every setting", _coverage_table(rows)),
        )
    )


def _simulation_sentence(rows: tuple[dict[str, str], ...]) -> str:
    error = max(float(row["mc_error"]) for row in rows)
    settings = len({(row["k"], row["tau"], row["rate"]) for row in rows})
    return (
        f"{count(settings)} settings with {count(int(rows[0]['replications']))} sets of counts "
        "each were drawn "
        f"from the random-intercept logistic model on {date_text(rows[0]['date'])} (seed "
        f"{rows[0]['seed']}; "
        f"{rows[0]['versions']}), with study sizes like those of this review. The Monte Carlo "
        "standard error of "
        f"a coverage is at most {100 * error:.1f} percentage points. The logistic model is the "
        "truth here, which favours it "
        "over inverse variance."
    )


def _summary_table() -> Table:
    by: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in _read("coverage.csv"):
        by[row["interval"]][row["k"]].append(float(row["coverage"]))
    sizes = sorted({int(k) for values in by.values() for k in values})
    columns = [Column("interval", "Interval")]
    columns += [Column(f"k{k}", f"{k} studies: mean (lowest)", "right") for k in sizes]
    columns.append(Column("short", "Mean shortfall, points", "right"))
    lines = []
    for name, label in {**{key: v[0] for key, v in INTERVALS.items()}, **PREDICTIONS}.items():
        line: dict[str, object] = {"interval": label}
        for k in sizes:
            values = by[name][str(k)]
            line[f"k{k}"] = f"{share(sum(values) / len(values), 1)}% ({share(min(values), 1)}%)"
        line["short"] = f"{100 * _shortfall([v for values in by[name].values() for v in values]):.1f}"
        lines.append(line)
    return table_from_rows(
        "coverage-summary",
        f"Coverage of {share(LEVEL)}% intervals over the settings",
        columns,
        lines,
        sortable=False,
        footnotes=("Shortfall: how far coverage lies below the nominal level, averaged over all settings.",),
    )


def _recommendation(evidence: Evidence) -> str:
    scores = interval_scores()
    best = min(scores, key=lambda name: scores[name][:2])
    used = evidence.protocol.primary.ci_method
    chosen = next((name for name, (_, method) in INTERVALS.items() if method == used), None)
    label = INTERVALS[best][0]
    text = (
        f"Nearest to its nominal level over all settings is: {label} (on average "
        f"{100 * scores[best][0]:.1f} "
        f"points away, {100 * scores[best][1]:.1f} points short; lowest coverage "
        f"{share(scores[best][2], 1)}%). "
    )
    if chosen is None:
        return text + "The interval that the protocol names is not in the simulation."
    if chosen == best:
        return text + "It is the interval that the protocol names, and the simulation supports that choice."
    own = scores[chosen]
    return (
        f"{text}The protocol names another: {INTERVALS[chosen][0]} ({100 * own[0]:.1f} points "
        "away, "
        f"{100 * own[1]:.1f} points short; lowest coverage {share(own[2], 1)}%). "
        f"{_many_studies(best, chosen)} By this simulation we recommend the first as the primary "
        "interval; "
        "the protocol is changed only by its own procedure, so until then the book keeps the "
        "second and shows the "
        "other among the sensitivity analyses."
    )


def _many_studies(best: str, chosen: str) -> str:
    rows = _read("coverage.csv")
    most = max(int(row["k"]) for row in rows)
    mean = {}
    for name in (best, chosen):
        values = [float(r["coverage"]) for r in rows if r["interval"] == name and int(r["k"]) == most]
        mean[name] = sum(values) / len(values)
    return (
        f"With {most} studies, about as many as the main results pool, the two cover "
        f"{share(mean[best], 1)}% and {share(mean[chosen], 1)}% on average: the choice matters "
        "for small sets, "
        "such as subgroups."
    )


def _prediction_sentence() -> Paragraph:
    rows = [r for r in _read("coverage.csv") if r["interval"] in PREDICTIONS and float(r["tau"]) > 0]
    fewest, most = min(int(r["k"]) for r in rows), max(int(r["k"]) for r in rows)

    def mean(k: int) -> str:
        values = [float(r["coverage"]) for r in rows if int(r["k"]) == k and r["interval"].endswith("k-2")]
        return share(sum(values) / len(values), 1)

    return Paragraph(
        "Prediction intervals hold less than they promise, as maximum likelihood makes the "
        "variation between "
        "studies too small and often nought: where rates do vary, those with two degrees less "
        "than studies hold "
        f"{mean(fewest)}% of true rates with {fewest} studies and {mean(most)}% with {most}. The "
        "bootstrap "
        "interval shown with each outcome is made to allow for that."
    )


def _coverage_table(rows: tuple[dict[str, str], ...]) -> Table:
    labels = {**{key: value[0] for key, value in INTERVALS.items()}, **PREDICTIONS}
    columns = [
        Column("k", "Studies", "right"),
        Column("tau", "τ of logits", "right"),
        Column("rate", "Rate", "right"),
        Column("interval", "Interval"),
        Column("coverage", "Coverage", "right"),
        Column("error", "Monte Carlo error", "right"),
        Column("width", "Median width (logits)", "right", note=_NO_WIDTH),
    ]
    lines = [
        {
            "k": int(row["k"]),
            "tau": row["tau"],
            "rate": f"{share(float(row['rate']))}%",
            "interval": labels[row["interval"]],
            "coverage": f"{share(float(row['coverage']), 1)}%",
            "error": f"{100 * float(row['mc_error']):.1f} points",
            "width": row["median_width_logit"] or Cell("not sought", "", tone="missing"),
        }
        for row in rows
    ]
    return table_from_rows("coverage-all", "Coverage in every setting", columns, lines)
