"""``python -m analysis screen``: sheets for two reviewers, their decisions, their agreement."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

__all__ = ["add_parser", "run"]

_ROOT = Path(__file__).resolve().parents[2]


def add_parser(subparsers: Any) -> None:
    """Declare the command and its options."""
    parser = subparsers.add_parser(
        "screen",
        help="export a reviewer's sheet, import the decisions, or show the agreement",
        description="A sheet is a CSV file for one reviewer; it never shows the other's decisions.",
    )
    parser.add_argument("action", choices=["export", "import", "agreement"])
    parser.add_argument("sheet", nargs="?", type=Path, metavar="SHEET.csv")
    parser.add_argument("--reviewer", default="", help="name or initials of the reviewer")
    parser.add_argument("--stage", choices=["screen", "full"], default="screen")
    parser.add_argument(
        "--exports", nargs="*", type=Path, default=[], metavar="FILE", help="export files, for the abstracts"
    )
    parser.add_argument("--data", type=Path, default=_ROOT / "data", metavar="DIR")


def run(args: argparse.Namespace) -> int:
    """Carry out one action; 0 when done, 2 when the call or the sheet cannot be used."""
    from analysis.evidence.faults import EvidenceFaults
    from analysis.living.ledger import load_ledger, write_ledger
    from analysis.living.screening import agreement, read_sheet, sheet_rows, take_sheet, write_sheet

    if args.action != "agreement" and not (args.sheet and args.reviewer):
        sys.stderr.write(f"screen {args.action} needs SHEET.csv and --reviewer\n")
        return 2
    try:
        ledger = load_ledger(args.data)
        if args.action == "agreement":
            found = agreement(ledger, args.stage)
            print(found.to_text())
            for record_id in found.conflicts:
                print(f"conflict: {record_id}")
            return 0
        if args.action == "export":
            rows = sheet_rows(ledger, args.reviewer, args.stage, _abstracts(ledger, args.exports))
            write_sheet(rows, args.sheet)
            print(f"{len(rows)} records to decide, in {args.sheet}")
            return 0
        sheet = read_sheet(args.sheet, args.stage)
        write_ledger(take_sheet(ledger, sheet, args.reviewer, args.stage), args.data / "records.csv")
        print(f"{len(sheet)} decisions of {args.reviewer} taken")
    except (EvidenceFaults, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _abstracts(ledger: Any, files: list[Path]) -> dict[str, str]:
    """Find the abstracts of ledger records in the export files that they came from."""
    if not files:
        return {}
    from analysis.living.records.readers import read_files

    texts = {(item.file, str(item.position)): item.abstract for item in read_files(files).records}
    return {row.record_id: texts.get((row.file, row.position), "") for row in ledger.records if row.file}
