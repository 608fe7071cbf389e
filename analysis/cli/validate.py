"""`python -m analysis validate [DIR]`: say every fault in the data, or that there is none."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.living.ledger import Ledger

__all__ = ["add_parser", "run"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "validate",
        help="check the evidence tables, the ledger and the protocol",
        description=(
            "Check every table, its cells, and the tables against each other. Prints every fault "
            "as file:row:column with what would be right, and ends with 1; without a fault "
            "prints one line."
        ),
    )
    parser.add_argument(
        "directory",
        nargs="?",
        default=None,
        metavar="DIR",
        help="folder of the tables (default: data)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check a folder and return the exit code."""
    from analysis.evidence.faults import EvidenceFaults
    from analysis.living.whole import load_whole

    try:
        evidence, ledger = load_whole(args.directory)
    except EvidenceFaults as error:
        print(error)
        return 1
    print(_summary(evidence, ledger))
    return 0


def _summary(evidence: Evidence, ledger: Ledger) -> str:
    passed = sum(check.passed for check in evidence.checks)
    explained = sum(len(check.explained) for check in evidence.checks)
    return (
        f"no faults: {len(evidence.studies)} studies, {len(evidence.outcomes)} outcome rows, "
        f"{len(ledger.records)} records in the ledger, {passed} checks passed, {explained} explained, "
        f"data {evidence.data_hash}"
    )
