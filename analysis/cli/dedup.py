"""``python -m analysis dedup FILES``: find duplicates in export files, or settle pairs by hand."""

from __future__ import annotations

import argparse
import csv
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
    from analysis.cli.import_ import write_rows
    from analysis.living.records.dedup import deduplicate
    from analysis.living.records.readers import read_files
    from analysis.living.records.ris_writer import to_ris

    imported = read_files(args.files)
    print(imported.to_text())
    for fault in imported.faults:
        sys.stderr.write(f"{fault.text()}\n")
    found = deduplicate(imported.records)
    counts = found.to_dict()
    print(
        f"\n{counts['records']} records, {counts['unique']} unique, {counts['duplicates']} duplicates, "
        f"{counts['to_check']} pairs to check by hand"
    )
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        rows = found.rows()
        write_rows(rows, args.out / "duplicates.csv")
        write_rows([row for row in rows if row["verdict"] == "check"], args.out / "check.csv")
        unique = to_ris(found.records[index] for index in found.unique)
        (args.out / "unique.ris").write_text(unique, encoding="utf-8")
    return 0 if imported.complete else 1


def _settle(args: argparse.Namespace) -> int:
    from analysis.evidence.faults import EvidenceFaults
    from analysis.living.ledger import load_ledger, write_ledger
    from analysis.living.ledger_import import settle_pairs

    if not args.by:
        sys.stderr.write("--settle needs --by: who checked the pairs\n")
        return 2
    try:
        with args.settle.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        known = {"same", "different", ""}
        wrong = [
            f"{args.settle.name}:{number}: {row['decision']!r}; expected same or different"
            for number, row in enumerate(rows, start=2)
            if row["decision"].strip().lower() not in known
        ]
        if wrong:
            raise ValueError("\n".join(wrong))
        pairs = [
            (row["record_a"], row["record_b"]) for row in rows if row["decision"].strip().lower() == "same"
        ]
        ledger = settle_pairs(load_ledger(args.data), pairs, args.by)
    except (OSError, KeyError, ValueError, EvidenceFaults) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    write_ledger(ledger, args.data / "records.csv")
    waiting = sum(not row["decision"].strip() for row in rows)
    print(f"{len(pairs)} pairs are the same, {len(rows) - len(pairs) - waiting} differ, {waiting} are open")
    return 0
