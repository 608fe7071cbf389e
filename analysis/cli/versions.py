"""`python -m analysis versions [VERSION]`: the versions, the estimates of one, or a new one opened."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence

__all__ = ["add_parser", "run"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "versions",
        help="list the versions of the evidence, or the estimates of one",
        description="List the versions of the evidence and whether each patch left all estimates as they "
        "were; with a version, print its headline estimates. Ends with 1 when a patch changed one.",
    )
    parser.add_argument("version", nargs="?", metavar="VERSION", help="version by id or alias")
    parser.add_argument("--data", type=Path, default=None, metavar="DIR", help="folder of the tables")
    parser.add_argument(
        "--open",
        type=date.fromisoformat,
        default=None,
        metavar="DATE",
        help="append the next version, with this last day for a study to become public",
    )
    parser.add_argument(
        "--trigger", default="Scheduled search.", metavar="TEXT", help="what caused the new version"
    )
    parser.add_argument(
        "--searched-on", type=date.fromisoformat, default=None, metavar="DATE", help="day of its search"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print the versions or the estimates and return the exit code."""
    from analysis.evidence.load import DATA, load_evidence
    from analysis.living.lock import locked
    from analysis.living.time_machine import time_machine
    from analysis.living.versions import broken_patches, step_between

    try:
        if args.open:
            folder = args.data or DATA
            with locked(folder, "versions --open"):
                print(_open(load_evidence(folder), folder, args.open, args.trigger, args.searched_on))
            return 0
        evidence = load_evidence(args.data)
        if args.version:
            past = time_machine(evidence, args.version)
            print(json.dumps(past.to_dict(), indent=1) if args.json else past.to_text())
            return 0
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    rows = []
    before = ""
    for version in evidence.versions:
        step = step_between(before, version.id) if before else "first"
        rows.append({"id": version.id, "step": step, "cut_off": str(version.cut_off), "label": version.label})
        before = version.id
    print(json.dumps(rows, indent=1) if args.json else "\n".join("  ".join(row.values()) for row in rows))
    broken = broken_patches(evidence)
    for item in broken:
        print(f"patch {item.version} changed {item.population}, {item.outcome}", file=sys.stderr)
    return int(bool(broken))


def _open(evidence: Evidence, folder: Path, cut_off: date, trigger: str, searched_on: date | None) -> str:
    """Append the row of the next version and say so."""
    from analysis.living.versions import append_version, version_cells

    cells = version_cells(evidence, cut_off, trigger, searched_on)
    append_version(folder / "versions.csv", cells)
    return f"opened version {cells['id']}: {cells['label']}"
