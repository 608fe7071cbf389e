"""``python -m analysis import FILES``: take export files into the ledger, duplicates marked."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

__all__ = ["add_parser", "read_versions", "run", "write_rows"]

_ROOT = Path(__file__).resolve().parents[2]


def add_parser(subparsers: Any) -> None:
    """Declare the command and its options."""
    parser = subparsers.add_parser(
        "import",
        help="take export files of databases into the ledger",
        description="Reads RIS, PubMed, EndNote, RefWorks, Ovid, BibTeX, Web of Science, Cochrane, CSV and "
        "tab files and Excel workbooks, says what became of every record, "
        "finds duplicates among them and against the ledger, and appends every record. Nothing is "
        "excluded. Importing the same files again adds nothing. Exit code 1 when a record could not be "
        "read; the ledger is then left alone unless --partial is given.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files or folders")
    parser.add_argument("--searched-on", required=True, metavar="DATE", help="day of the search")
    parser.add_argument("--evidence-version", metavar="ID", help="default: the newest in versions.csv")
    parser.add_argument("--source", default="", help="database; default: what the files say")
    parser.add_argument(
        "--kind",
        choices=["database", "register", "website", "organisation", "citation", "other"],
        default="database",
        help="branch of the flow; default: database",
    )
    parser.add_argument("--data", type=Path, default=_ROOT / "data", metavar="DIR")
    parser.add_argument(
        "--out", type=Path, default=_ROOT / "imports", metavar="DIR",
        help="where the audit of duplicates and the pairs to check by hand go; default: imports",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, write nothing")
    parser.add_argument("--partial", action="store_true", help="take what could be read, in spite of faults")


def run(args: argparse.Namespace) -> int:
    """Import the files; 0 when all is in, 1 when a record was not readable, 2 when the call is unusable."""
    from analysis.evidence.faults import EvidenceFaults
    from analysis.living.ledger import load_ledger, write_ledger
    from analysis.living.ledger_import import add_records
    from analysis.living.records.readers import read_files
    from analysis.living.versions import note_search

    try:
        date.fromisoformat(args.searched_on)
    except ValueError:
        sys.stderr.write(f"--searched-on {args.searched_on!r} is no day as year-month-day\n")
        return 2
    try:
        ledger = load_ledger(args.data)
        version = args.evidence_version or _newest(args.data)
    except (EvidenceFaults, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if version not in read_versions(args.data):
        sys.stderr.write(f"no evidence version {version!r} in versions.csv\n")
        return 2
    imported = read_files(args.files, source=args.source)
    print(imported.to_text())
    for file in imported.files:
        print(file.account())
        for note in (*file.notes, *file.skipped):
            sys.stderr.write(f"note: {note.text()}\n")
    for fault in imported.faults:
        sys.stderr.write(f"{fault.text()}\n")
    if not imported.complete and not args.partial:
        sys.stderr.write("nothing was imported; mend the files, or use --partial\n")
        return 1
    found = add_records(
        ledger,
        imported.records,
        version=version,
        searched_on=args.searched_on,
        source_kind=args.kind,
    )
    print()
    if found.rows():
        print(found.to_text())
    open_pairs = found.audit(only_open=True)
    print(
        f"{len(found.added)} records added, {found.repeated} stood there already, "
        f"{len(open_pairs)} pairs to check by hand"
    )
    if args.dry_run:
        return 0
    args.out.mkdir(parents=True, exist_ok=True)
    stem = f"{args.searched_on}_{args.files[0].stem}"
    if found.added:
        write_ledger(found.ledger, args.data / "records.csv")
        searched = args.kind in ("database", "register")
        if searched and note_search(args.data / "versions.csv", version, args.searched_on):
            print(f"versions.csv: version {version} was searched for on {args.searched_on}")
        write_rows(found.audit(), args.out / f"{stem}_duplicates.csv")
        if open_pairs:
            write_rows(open_pairs, args.out / f"{stem}_check.csv")
    return 0 if imported.complete else 1


def read_versions(folder: Path) -> list[str]:
    """Return the ids of the evidence versions, oldest first."""
    with (folder / "versions.csv").open(encoding="utf-8-sig", newline="") as file:
        return [row["id"] for row in csv.DictReader(file)]


def _newest(folder: Path) -> str:
    return read_versions(folder)[-1]


def write_rows(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Write rows as CSV; a table without rows is an empty file."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [], lineterminator="\n")
        if rows:
            writer.writeheader()
            writer.writerows(rows)
