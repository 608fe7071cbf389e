"""`python -m analysis status`: is the review up to date, due or overdue."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import date
from pathlib import Path

__all__ = ["add_parser", "run"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "status",
        help="say when the next search is due and whether the review is overdue",
        description="Say when the evidence was last searched for and when it is due again. Ends with 0, "
        "or with 1 when --fail-if-overdue is given and the review is overdue.",
    )
    parser.add_argument("--data", type=Path, default=None, metavar="DIR", help="folder of the tables")
    parser.add_argument(
        "--today",
        type=date.fromisoformat,
        default=None,
        metavar="DATE",
        help="day to judge, as year-month-day; by default today, or that of SOURCE_DATE_EPOCH",
    )
    parser.add_argument("--fail-if-overdue", action="store_true", help="end with 1 when overdue")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print the state and return the exit code."""
    from analysis.evidence.faults import EvidenceFaults
    from analysis.evidence.load import DATA, load_evidence
    from analysis.living.clock import read_clock

    folder = args.data or DATA
    try:
        runs = folder.resolve().parent / "imports" / "runs.csv"
        clock = read_clock(load_evidence(folder), args.today, folder / "records.csv", runs)
    except EvidenceFaults as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(clock.to_dict(), indent=1) if args.json else clock.to_text())
    if clock.state in ("due", "overdue"):
        mark = "::warning::" if os.environ.get("GITHUB_ACTIONS") else "warning: "
        print(f"{mark}the search was due by {clock.next_due}", file=sys.stderr)
    return int(args.fail_if_overdue and clock.state == "overdue")
