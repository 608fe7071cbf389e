"""Time the engine beside its peers and write benchmarks/README.md: ``python benchmarks/run.py``.

Every figure is CPU time of one process, median of several runs after a warm-up; peers run on the same
counts in the same call. R is used when `Rscript` with metafor and lme4 is there, PyMARE when it can be
imported; what is missing is said and left out.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import numpy as np  # noqa: E402

from analysis.synthesis import warm_up  # noqa: E402
from benchmarks.cases import CASES, GROWTH, counts, masks  # noqa: E402


def clock(call: Callable[[], Any], repeats: int) -> tuple[float, float, Any]:
    """Return the median CPU and wall seconds of a call; repeated calls follow one that is not counted."""
    answer = call() if repeats > 1 else None
    cpu, wall = [], []
    for _ in range(repeats):
        began, began_wall = time.process_time(), time.perf_counter()
        answer = call()
        cpu.append(time.process_time() - began)
        wall.append(time.perf_counter() - began_wall)
    return statistics.median(cpu), statistics.median(wall), answer


def ours() -> dict[str, dict[str, float]]:
    """Time every case of this package."""
    from tqdm import tqdm

    found = {}
    warm_up()
    for case in tqdm(CASES, desc="this package", unit="case"):
        x, n = counts(case.studies)
        cpu, wall, answer = clock(lambda x=x, n=n, case=case: case.run(x, n), case.repeats)
        found[case.key] = {"cpu": cpu, "wall": wall, **case.read(answer)}
    return found


def python_peers() -> dict[tuple[str, str], dict[str, float]]:
    """Time statsmodels and, when it is installed, PyMARE."""
    from statsmodels.stats.meta_analysis import combine_effects

    from analysis.synthesis.scales import effects

    x, n = counts(29)
    found = effects(x, n)
    rows: dict[tuple[str, str], dict[str, float]] = {}
    cpu, _, got = clock(lambda: combine_effects(found.yi, found.vi, method_re="dl"), 1000)
    rows["dl_29", "statsmodels combine_effects"] = {
        "cpu": cpu,
        "mu": float(got.mean_effect_re),
        "tau2": float(got.tau2),
    }
    try:
        from pymare import Dataset
        from pymare.estimators import DerSimonianLaird, VarianceBasedLikelihoodEstimator
    except ImportError:
        print("PyMARE is not installed: left out.")
        return rows
    data = Dataset(found.yi, found.vi)
    for key, estimator in (
        ("dl_29", DerSimonianLaird()),
        ("reml_29", VarianceBasedLikelihoodEstimator("reml")),
    ):
        cpu, _, got = clock(lambda estimator=estimator: estimator.fit_dataset(data), 100)
        summary = got.summary()
        rows[key, "PyMARE"] = {
            "cpu": cpu,
            "mu": float(summary.fe_params[0, 0]),
            "tau2": float(np.ravel(summary.tau2)[0]),
        }
    return rows


def r_peers() -> tuple[dict[tuple[str, str], dict[str, float]], str]:
    """Time metafor and lme4 through Rscript."""
    if shutil.which("Rscript") is None:
        print("Rscript is not installed: metafor and lme4 are left out.")
        return {}, "R not installed"
    rows: dict[tuple[str, str], dict[str, float]] = {}
    versions = ""
    with tempfile.TemporaryDirectory() as folder:
        for studies in (20, 29, 10_000):
            x, n = counts(studies)
            with (Path(folder) / f"counts_{studies}.csv").open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["study", "xi", "ni"])
                writer.writerows((i, int(a), int(b)) for i, (a, b) in enumerate(zip(x, n, strict=True)))
        print("Timing metafor and lme4 (some minutes) ...", flush=True)
        done = subprocess.run(
            ["Rscript", str(HERE / "peers.R"), folder], capture_output=True, text=True, check=False
        )
    if done.returncode:
        print(f"The R peers failed and are left out:\n{done.stderr[-800:]}")
        return {}, "R peers failed"
    for line in done.stdout.splitlines():
        key, peer, *numbers = line.split("\t")
        if key == "versions":
            versions = peer
            continue
        cpu, mu, tau2 = (float(text) if text != "NA" else float("nan") for text in numbers)
        rows[key, peer] = {"cpu": cpu, "mu": mu, "tau2": tau2}
    return rows, versions


def growth() -> dict[str, list[dict[str, float]]]:
    """Time one fit over growing numbers of studies, and one call over growing numbers of subsets."""
    from analysis.synthesis.glmm import fit_glmm
    from analysis.synthesis.glmm_many import fit_glmm_many

    found: dict[str, list[dict[str, float]]] = {"studies": [], "subsets": []}
    for size in GROWTH["studies"]:
        x, n = counts(size)
        cpu, _, _ = clock(lambda x=x, n=n: fit_glmm(x, n), 1 if size > 10_000 else 5)
        found["studies"].append({"size": size, "cpu": cpu})
    x, n = counts(29)
    for size in GROWTH["subsets"]:
        chosen = masks(size, 29)
        cpu, wall, _ = clock(lambda chosen=chosen: fit_glmm_many(x, n, chosen), 1 if size > 10_000 else 5)
        found["subsets"].append({"size": size, "cpu": cpu, "wall": wall})
    return found


def _seconds(value: float) -> str:
    for limit, unit, factor in ((1e-3, "µs", 1e6), (1.0, "ms", 1e3)):
        if value < limit:
            return f"{value * factor:.3g} {unit}"
    return f"{value:.3g} s"


def _agreement(mine: dict[str, float], peer: dict[str, float]) -> str:
    gaps = [
        abs(mine[name] - peer[name]) / max(abs(peer[name]), 1e-12)
        for name in ("mu", "tau2")
        if name in mine and np.isfinite(peer.get(name, np.nan))
    ]
    return f"{max(gaps):.0e}" if gaps else "not compared"


def document(report: dict[str, Any]) -> str:
    """Write the report as Markdown."""
    lines = [
        "# Benchmarks",
        "",
        f"Made {report['date']} by `make bench` on {report['machine']}. {report['versions']}.",
        "CPU seconds, median of repeated runs; the peers ran on the same synthetic counts in the same call.",
        "“Agreement” is the largest relative difference of the pooled logit and tau² between the two.",
        "The likelihood fits of metafor and lme4 stop near 1e-5 and use seven nodes; "
        "this engine goes on to 1e-9.",
        "",
        "| Task | This package | Wall | Peer | Peer's time | Times faster | Agreement |",
        "|---|---|---|---|---|---|---|",
    ]
    for case in CASES:
        mine = report["ours"][case.key]
        rivals = [row for row in report["peers"] if row["key"] == case.key]
        for row in rivals or [None]:
            if row is None:
                tail = "none | | | |"
            else:
                ratio = row["cpu"] / mine["cpu"]
                tail = f"{row['peer']} | {_seconds(row['cpu'])} | {ratio:,.3g} | {_agreement(mine, row)} |"
            lines.append(f"| {case.label} | {_seconds(mine['cpu'])} | {_seconds(mine['wall'])} | {tail}")
    lines += ["", f"Peak memory of the whole run: {report['peak_mib']:.0f} MiB.", ""]
    lines += ["## Growth", "", "| Studies in one GLMM fit | CPU |", "|---|---|"]
    lines += [f"| {row['size']:,} | {_seconds(row['cpu'])} |" for row in report["growth"]["studies"]]
    lines += ["", "| Subsets of 29 studies in one call | CPU | Wall |", "|---|---|---|"]
    lines += [
        f"| {row['size']:,} | {_seconds(row['cpu'])} | {_seconds(row['wall'])} |"
        for row in report["growth"]["subsets"]
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Time everything, then write README.md and results.json beside this file."""
    found = ours()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    peers = python_peers()
    from_r, r_versions = r_peers()
    peers |= from_r
    packages = ["numpy", "scipy", "statsmodels"] + (["PyMARE"] if ("dl_29", "PyMARE") in peers else [])
    python = ", ".join(f"{name} {version(name)}" for name in packages)
    report = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "versions": f"Python {platform.python_version()}, {python}, {r_versions}",
        "ours": found,
        "peers": [{"key": key, "peer": peer, **values} for (key, peer), values in peers.items()],
        "peak_mib": peak,
        "growth": growth(),
    }
    (HERE / "README.md").write_text(document(report), "utf-8")
    text = json.dumps(report, indent=1, default=float).replace("NaN", "null")
    (HERE / "results.json").write_text(text + "\n", "utf-8")
    print(document(report))
    print(f"Written: {HERE / 'README.md'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
