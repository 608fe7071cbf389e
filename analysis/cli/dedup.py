"""``python -m analysis dedup FILES``: find duplicates in export files, or settle pairs by hand."""

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
        "dedup",
        help="find duplicates in export files, with the reason of each decision",
        description="Without --settle: reads export files, and writes duplicates.csv (every decision "
        "with its rule), check.csv (pairs to look at) and unique.ris to a folder. With --settle: takes a "
        "list of checked pairs, whose column decision says same or different, into the ledger.",
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="files or folders")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the tables; default: none written")
    parser.add_argument("--settle", type=Path, metavar="CHECK.csv", help="checked pairs of an import")
    parser.add_argument("--by", default="", help="who checked the pairs")
    parser.add_argument("--data", type=Path, default=_ROOT / "data", metavar="DIR")


def run(args: argparse.Namespace) -> int:
    """Find or settle duplicates; 0 when done, 1 when a record was not readable, 2 when unusable."""
    if args.settle:
        return _settle(args)
    if not args.files:
        sys.stderr.write("give files, or --settle and a list of checked pairs\n")
        return 2
    from analysis.files import make_folder, write_file
    from analysis.living.records.dedup import deduplicate
    from analysis.living.records.readers import read_files
    from analysis.living.records.ris_writer import to_ris
    from analysis.living.sheets import write_list

    folder = make_folder(args.out) if args.out else None
    imported = read_files(args.files)
    print(imported.to_text())
    for fault in imported.faults:
        sys.stderr.write(f"{fault.text()}\n")
    found = deduplicate(imported.records)
    counts = found.to_dict()
    print(
        f"\n{counts['records']} records, {counts['unique']} unique, {counts['duplicates']} duplicates, "
        f"{counts['to_check']} {'pair' if counts['to_check'] == 1 else 'pairs'} to check by hand"
    )
    if folder:
        rows = found.rows()
        write_list(rows, folder / "duplicates.csv")
        write_list([row for row in rows if row["verdict"] == "check"], folder / "check.csv")
        write_file(folder / "unique.ris", to_ris(found.records[index] for index in found.unique))
    return 0 if imported.complete else 1


def _settle(args: argparse.Namespace) -> int:
    from analysis.evidence.faults import EvidenceFaults, Fault
    from analysis.living.ledger import load_ledger, write_ledger
    from analysis.living.ledger_import import settle_pairs
    from analysis.living.lock import locked
    from analysis.living.records.record import one_line
    from analysis.living.sheets import read_list

    by = one_line(args.by)
    if not by:
        sys.stderr.write("--settle needs --by: who checked the pairs\n")
        return 2
    sheet = read_list(args.settle, ("record_a", "record_b", "decision"))
    said = [(number, row, row["decision"].lower()) for number, row in sheet.rows]
    wrong = [
        Fault(sheet.name, number, "decision", row["decision"], "not a decision", "same, different or blank")
        for number, row, word in said
        if word not in ("same", "different", "")
    ]
    if wrong:
        raise EvidenceFaults(tuple(wrong))
    pairs = [(row["record_a"], row["record_b"]) for _, row, word in said if word == "same"]
    try:
        with locked(args.data, "dedup --settle"):
            before = load_ledger(args.data)
            ledger = settle_pairs(before, pairs, by)
            write_ledger(ledger, args.data / "records.csv")
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for old, new in zip(before.records, ledger.records, strict=True):
        if old.duplicate_of != new.duplicate_of:
            print(f"{new.duplicate_of} stands for {new.record_id}")
    differ = sum(word == "different" for _, _, word in said)
    waiting = sum(not word for _, _, word in said)
    print(
        f"{len(pairs)} {'pair is' if len(pairs) == 1 else 'pairs are'} the same, {differ} differ, "
        f"{waiting} {'is' if waiting == 1 else 'are'} open"
    )
    return 0
