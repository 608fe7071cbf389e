"""`python -m analysis diff A B`: what changed between two versions of the evidence."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.living.diff import EvidenceDiff

__all__ = ["add_parser", "run"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "diff",
        help="compare two versions of the evidence",
        description="Say for every headline result what it was and is, which studies entered or left, and "
        "how far each moved it. A and B are versions by id or alias; without them, the two newest.",
    )
    parser.add_argument("before", nargs="?", metavar="A", help="version before")
    parser.add_argument("after", nargs="?", metavar="B", help="version after")
    parser.add_argument("--data", type=Path, default=None, metavar="DIR", help="folder of the tables")
    parser.add_argument(
        "--before-data", type=Path, default=None, metavar="DIR", help="folder of the tables of A"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print the diff and return the exit code."""
    from analysis.evidence.faults import EvidenceFaults
    from analysis.evidence.load import load_evidence
    from analysis.living.diff import diff_evidence, diff_versions

    try:
        after = load_evidence(args.data)
        before = load_evidence(args.before_data) if args.before_data else after
        first = args.before or (before if args.before_data else after.as_of(_second(after))).versions[-1].id
        last = args.after or after.versions[-1].id
        if args.before_data:
            diff = diff_evidence(before, after, first, last)
        else:
            diff = diff_versions(after, first, last)
    except (EvidenceFaults, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(diff.to_dict(), indent=1, allow_nan=False) if args.json else _text(diff))
    return 0


def _second(evidence: object) -> str:
    versions = evidence.versions  # type: ignore[attr-defined]
    return versions[-2 if len(versions) > 1 else -1].id


def _text(diff: EvidenceDiff) -> str:
    from analysis.living.words import cell_lines, diff_heading

    parts = [diff_heading(diff)]
    parts += ["\n".join(cell_lines(cell)) for cell in diff.changed]
    if not diff.changed:
        parts.append("No headline result changed.")
    return "\n\n".join(parts)
