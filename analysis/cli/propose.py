"""`python -m analysis propose FILE`: check a proposed study and show what it would move."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.living.propose import Preview

__all__ = ["add_parser", "run"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "propose",
        help="check a proposed study, preview what it would change, and write it",
        description="Read a study with its counts from YAML or from the text of an issue made with the form, "
        "check it with every rule of the data, and show which estimates would move. Ends with 1 when the "
        "proposal has faults, with 2 when it cannot be read.",
    )
    parser.add_argument("file", metavar="FILE", help="the proposal, or - for standard input")
    parser.add_argument("--data", type=Path, default=None, metavar="DIR", help="folder of the tables")
    parser.add_argument(
        "--cut-off",
        type=date.fromisoformat,
        default=None,
        metavar="DATE",
        help="last day that the new version covers; by default today",
    )
    parser.add_argument("--into", metavar="VERSION", help="add to the newest version instead of a new one")
    parser.add_argument("--write", action="store_true", help="change the tables; else nothing is written")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Check, preview and perhaps write; return the exit code."""
    from analysis.evidence.faults import EvidenceFaults
    from analysis.evidence.load import DATA
    from analysis.living.clock import reference_day
    from analysis.living.lock import locked
    from analysis.living.proposal import read_proposal
    from analysis.living.propose import preview, write_change
    from analysis.tables import SheetError, read_text

    folder = args.data or DATA
    name = "proposal" if args.file == "-" else Path(args.file).name
    try:
        raw = sys.stdin.buffer.read() if args.file == "-" else Path(args.file).read_bytes()
        text, assumed = read_text(raw, name, "a proposal in YAML, or the text of the issue form")
    except OSError as error:
        print(f"{args.file}: cannot be read ({error.strerror or error})", file=sys.stderr)
        return 2
    except SheetError as error:
        print(error, file=sys.stderr)
        return 2
    for sentence in assumed:
        print(f"{name}: read as {sentence}", file=sys.stderr)
    proposal, faults = read_proposal(text, name, folder)
    try:
        if faults or proposal is None:
            raise EvidenceFaults(tuple(faults))
        with locked(folder, "propose --write") if args.write else nullcontext():
            change = preview(proposal, args.cut_off or reference_day(), directory=folder, into=args.into)
            written = write_change(change, folder) if args.write else ()
    except EvidenceFaults as error:
        print(str(error).replace("in the data", "in the proposal", 1), file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(change.to_dict() | {"written": [path.name for path in written]}, indent=1))
    else:
        print(_text(change, bool(written)))
    return 0


def _text(change: Preview, written: bool) -> str:
    from analysis.living.words import cell_lines

    lines = [f"{change.study_id}: {change.action}; version {change.version}"]
    lines += ["\n".join(cell_lines(cell)) for cell in change.diff.changed]
    if not change.diff.changed:
        lines.append("No headline estimate would change.")
    files = ", ".join(
        f"{name if '.' in name else name + '.csv'} ({f'{number:+d}' if number else 'changed'})"
        for name, number in sorted(change.added.items())
    )
    if written:
        lines.append(f"Written: {files}. Next: make book, make test, and a pull request.")
    else:
        lines.append(f"Would change: {files}. Nothing was written; add --write to write it.")
    return "\n\n".join(lines)
