"""The benchmarks as the last run left them: times beside the peers, with their agreement."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

from analysis.report.numbers import count, date_text, fixed
from analysis.report.powers import power_of_ten
from analysis.report.section import Note, Paragraph, Section
from analysis.report.tables import Column, Table, table_from_rows
from analysis.review.session import ROOT

__all__ = ["benchmark_section", "growth_section", "read_results"]

FILE = ROOT / "benchmarks" / "results.json"
#: What each timed task does, by its key in the results.
TASKS: dict[str, str] = {
    "glmm_29": "Logistic model, one fit",
    "reml_29": "REML, one fit from counts",
    "dl_29": "DerSimonian-Laird, one fit from counts",
    "glmm_leave_one_out_29": "Logistic model, leave-one-out",
    "gosh_reml_20": "REML over random subsets",
    "gosh_glmm_29": "Logistic model over random subsets",
    "bootstrap_29": "Parametric bootstrap of the logistic model",
    "glmm_10000": "Logistic model, one large fit",
    "glmm_100000": "Logistic model, one very large fit",
    "reml_10000": "REML, one large fit",
}
_ABSENT = "The benchmarks have not been run for this edition; `make bench` writes them."


@cache
def read_results() -> dict[str, Any] | None:
    """Return the last run, or None where there is none."""
    if not FILE.is_file():
        return None
    return dict(json.loads(FILE.read_text("utf-8")))


def benchmark_section(report: dict[str, Any] | None = None) -> Section:
    """Show times, ratios and agreement, or say that there are none."""
    found = report or read_results()
    if found is None:
        return Section((Note(_ABSENT.replace("`", "")),))
    text = (
        f"Run on {date_text(found['date'])} on {found['machine']}. {found['versions']}. Times are processor "
        "seconds, the median of repeated runs after one that is not counted; the peers worked on the same "
        f"synthetic counts in the same run. Peak memory was {found['peak_mib']:.0f} MiB."
    )
    return Section((Paragraph(text), _ratios(found)))


def growth_section(report: dict[str, Any] | None = None) -> Section:
    """Show how time grows with studies and with fits."""
    found = report or read_results()
    if found is None:
        return Section((Note(_ABSENT.replace("`", "")),))
    parts = []
    for key, head in (("studies", "Studies in one logistic fit"), ("subsets", "Subsets fitted in one call")):
        rows = found["growth"][key]
        columns = [Column("size", head, "right"), Column("cpu", "Processor time", "right")]
        if any("wall" in row for row in rows):
            columns.append(Column("wall", "Time on the clock", "right"))
        lines = [
            {"size": count(row["size"]), "cpu": _seconds(row["cpu"]), "wall": _seconds(row.get("wall"))}
            for row in rows
        ]
        parts.append(table_from_rows(f"growth-{key}", head, columns, lines, sortable=False))
    return Section(tuple(parts))


def _ratios(found: dict[str, Any]) -> Table:
    columns = [
        Column("task", "Task"),
        Column("studies", "Studies", "right"),
        Column("ours", "This package", "right"),
        Column("peer", "Peer"),
        Column("theirs", "Peer's time", "right"),
        Column("ratio", "Times faster", "right"),
        Column("agreement", "Largest relative difference", "right"),
    ]
    lines = []
    for key, mine in found["ours"].items():
        rivals = [row for row in found["peers"] if row["key"] == key]
        for row in rivals or [None]:
            line: dict[str, Any] = {
                "task": TASKS.get(key, key),
                "studies": count(int(key.rsplit("_", 1)[1])),
                "ours": _seconds(mine["cpu"]),
                "peer": "not timed with another package",
            }
            if row is not None:
                ratio = row["cpu"] / mine["cpu"]
                line |= {
                    "peer": row["peer"],
                    "theirs": _seconds(row["cpu"]),
                    "ratio": fixed(ratio, 1) if ratio < 10 else count(round(ratio)),
                    "agreement": _agreement(mine, row),
                }
            lines.append(line)
    return table_from_rows(
        "benchmarks",
        "Times beside other packages",
        columns,
        lines,
        sortable=False,
        footnotes=(
            "The difference is the larger of those of the pooled logit and of the variance between studies. "
            "The likelihood fits of metafor and lme4 use few nodes and stop early, which is what their "
            "differences show.",
        ),
    )


def _agreement(mine: dict[str, Any], peer: dict[str, Any]) -> str:
    gaps = [
        abs(mine[name] - peer[name]) / max(abs(peer[name]), 1e-12)
        for name in ("mu", "tau2")
        if mine.get(name) is not None and peer.get(name) is not None and math.isfinite(peer[name])
    ]
    return power_of_ten(max(gaps)) if gaps else "not compared"


def _seconds(value: float | None) -> str | None:
    if value is None:
        return None
    for limit, unit, factor in ((1e-3, "µs", 1e6), (1.0, "ms", 1e3)):
        if value < limit:
            return f"{value * factor:.3g} {unit}"
    if value < 1000:
        return f"{value:.3g} s"
    return f"{value / 3600:.3g} h"
