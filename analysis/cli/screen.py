"""``python -m analysis screen``: sheets for two reviewers, their decisions, their agreement."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.living.ledger import Ledger

__all__ = ["add_parser", "run"]

_ROOT = Path(__file__).resolve().parents[2]


def add_parser(subparsers: Any) -> None:
    """Declare the command and its options."""
    parser = subparsers.add_parser(
        "screen",
        help="export a reviewer's sheet, import the decisions, or show the agreement",
        description="A sheet is a CSV file for one reviewer; it never shows the other's decisions. With "
        "--conflicts it holds the records on which the two differ, with both decisions, for a third person, "
        "whose decisions are final.",
    )
    parser.add_argument("action", choices=["export", "import", "agreement"])
    parser.add_argument("sheet", nargs="?", type=Path, metavar="SHEET.csv")
    parser.add_argument("--reviewer", default="", help="name or initials of the reviewer")
    parser.add_argument("--stage", choices=["screen", "full"], default="screen")
    parser.add_argument(
        "--conflicts", action="store_true", help="the records on which two reviewers differ, to be settled"
    )
    parser.add_argument(
        "--exports", nargs="*", type=Path, default=[], metavar="FILE", help="export files, for the abstracts"
    )
    parser.add_argument("--data", type=Path, default=_ROOT / "data", metavar="DIR")


def run(args: argparse.Namespace) -> int:
    """Carry out one action; 0 when done, 2 when the call or the sheet cannot be used."""
    from analysis.living.records.record import one_line

    args.reviewer = one_line(args.reviewer)
    if args.action != "agreement" and not (args.sheet and args.reviewer):
        sys.stderr.write(f"screen {args.action} needs SHEET.csv and --reviewer\n")
        return 2
    try:
        return {"agreement": _agreement, "export": _export, "import": _import}[args.action](args)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def _agreement(args: argparse.Namespace) -> int:
    from analysis.living.ledger import load_ledger
    from analysis.living.screening import agreement

    found = agreement(load_ledger(args.data), args.stage)
    print(found.to_text())
    for record_id in found.conflicts:
        print(f"conflict: {record_id}")
    return 0


def _export(args: argparse.Namespace) -> int:
    from analysis.living.ledger import load_ledger, reasons
    from analysis.living.screening import DECISIONS, conflict_rows, sheet_rows, write_sheet

    ledger = load_ledger(args.data)
    abstracts = _abstracts(ledger, args.exports)
    if args.conflicts:
        rows = conflict_rows(ledger, args.stage, abstracts)
    else:
        rows = sheet_rows(ledger, args.reviewer, args.stage, abstracts)
    write_sheet(rows, args.sheet, conflicts=args.conflicts)
    print(f"{len(rows)} {'record' if len(rows) == 1 else 'records'} to decide, in {args.sheet}")
    if rows:
        final = args.conflicts and args.stage == "screen"
        words = [word for word in DECISIONS[args.stage] if not (final and word == "unsure")]
        print(f"decision: {', '.join(words)}; reason of an exclusion: {', '.join(reasons())}")
    waiting = sum(row.state == "to_retrieve" for row in ledger.records)
    if args.stage == "full" and waiting:
        print(
            f"{waiting} included {'record waits' if waiting == 1 else 'records wait'} for the report: "
            "write yes or no into the column retrieved of records.csv"
        )
    return 0


def _import(args: argparse.Namespace) -> int:
    from analysis.living.ledger import load_ledger, write_ledger
    from analysis.living.lock import locked
    from analysis.living.screening import read_sheet, settle_conflicts, take_sheet

    sheet = read_sheet(args.sheet, args.stage, final=args.conflicts)
    with locked(args.data, "screen import"):
        ledger = load_ledger(args.data)
        take = settle_conflicts if args.conflicts else take_sheet
        write_ledger(take(ledger, sheet.decided, args.reviewer, args.stage), args.data / "records.csv")
    for text in sheet.assumed:
        print(f"{args.sheet.name}: {text}")
    count = len(sheet.decided)
    print(
        f"{count} {'decision' if count == 1 else 'decisions'} of {args.reviewer} taken, "
        f"{sheet.waiting} {'record' if sheet.waiting == 1 else 'records'} of the sheet still open"
    )
    if sheet.noted:
        print(f"notes without a decision were not taken: {', '.join(sheet.noted)}")
    return 0


def _abstracts(ledger: Ledger, files: list[Path]) -> dict[str, str]:
    """Find the abstracts of ledger records in the export files that they came from.

    A file that was saved again under another name is looked up by what identifies its records.
    """
    if not files:
        return {}
    from analysis.living.ledger_import import place_and_marks
    from analysis.living.records.readers import read_files

    read = read_files(files)
    for fault in read.faults:
        sys.stderr.write(f"{fault.text()}\n")
    texts: dict[tuple[str, ...], str] = {}
    for item in read.records:
        for mark in place_and_marks(item):
            texts.setdefault(mark, item.abstract)
    found: dict[str, str] = {}
    for row in ledger.records:
        marks = place_and_marks(row.to_record()) if row.file else []
        found[row.record_id] = next((texts[mark] for mark in marks if texts.get(mark)), "")
    return found
