"""``python -m analysis flow``: the PRISMA boxes, counted from the ledger."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["add_parser", "run"]

_ROOT = Path(__file__).resolve().parents[2]


def add_parser(subparsers: Any) -> None:
    """Declare the command and its options."""
    parser = subparsers.add_parser(
        "flow",
        help="count the PRISMA flow of records from the ledger",
        description="Boxes whose records were never written down say 'not recorded'. Exit code 1 when a sum "
        "does not hold.",
    )
    parser.add_argument("--view", choices=["last", "updates", "all"], default="last")
    parser.add_argument("--evidence-version", metavar="ID", help="up to this version; default: the newest")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--data", type=Path, default=_ROOT / "data", metavar="DIR")


def run(args: argparse.Namespace) -> int:
    """Count and print; 0 when all sums hold, 1 when one does not, 2 when the call cannot be used."""
    from analysis.cli.import_ import read_versions
    from analysis.living.flow import check_flow, count_flow
    from analysis.living.ledger import load_ledger

    ledger = load_ledger(args.data)
    versions = read_versions(args.data)
    if args.evidence_version:
        if args.evidence_version not in versions:
            sys.stderr.write(f"no evidence version {args.evidence_version!r}; known: {', '.join(versions)}\n")
            return 2
        versions = versions[: versions.index(args.evidence_version) + 1]
    flow = count_flow(ledger, versions, args.view)
    print(json.dumps(flow.to_dict(), indent=2) if args.json else flow.to_text())
    wrong = check_flow(flow)
    for text in wrong:
        sys.stderr.write(f"{text}\n")
    return 1 if wrong else 0
