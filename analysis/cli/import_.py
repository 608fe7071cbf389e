"""``python -m analysis import FILES``: take export files into the ledger, duplicates marked."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.evidence.contracts import RawRow
    from analysis.living.ledger_import import LedgerImport
    from analysis.living.records.readers import Imported

__all__ = ["add_parser", "read_versions", "run"]

_ROOT = Path(__file__).resolve().parents[2]


def add_parser(subparsers: Any) -> None:
    """Declare the command and its options."""
    parser = subparsers.add_parser(
        "import",
        help="take export files of databases into the ledger",
        description="Reads RIS, PubMed, EndNote, RefWorks, Ovid, BibTeX, Web of Science, Cochrane, CSV and "
        "tab files and Excel workbooks, says what became of every record, "
        "finds duplicates among them and against the ledger, and appends every record. Nothing is "
        "excluded. What the same search brought before is not added again. Exit code 1 when a record could "
        "not be read; the ledger is then left alone unless --partial is given.",
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
    from analysis.living.clock import reference_day
    from analysis.living.lock import locked
    from analysis.living.records.readers import read_files

    try:
        day = date.fromisoformat(args.searched_on)
    except ValueError:
        sys.stderr.write(f"--searched-on {args.searched_on!r} is no day as year-month-day\n")
        return 2
    rows = _versions(args.data)
    last = max(reference_day(), *(row.values["cut_off"] for row in rows)) + timedelta(days=1)
    if day > last:
        sys.stderr.write(f"--searched-on {day} is in the future; expected a day up to {last}\n")
        return 2
    args.searched_on = day.isoformat()
    versions = [row.text["id"] for row in rows]
    version = args.evidence_version or versions[-1]
    if version not in versions:
        sys.stderr.write(f"no evidence version {version!r} in versions.csv; known: {', '.join(versions)}\n")
        return 2
    imported = read_files(args.files, source=args.source.strip())
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
    with nullcontext() if args.dry_run else locked(args.data, "import"):
        return _take_in(args, imported, version)


def _take_in(args: argparse.Namespace, imported: Imported, version: str) -> int:
    """Compare with the ledger as it stands now, say what is new, and write it."""
    from analysis.living.ledger import load_ledger
    from analysis.living.ledger_import import add_records

    ledger = load_ledger(args.data)
    found = add_records(
        ledger, imported.records, version=version, searched_on=args.searched_on, source_kind=args.kind
    )
    written = _write(args, found, version) if found.added and not args.dry_run else []
    print()
    if found.rows():
        print(found.to_text())
    linked = sum(item.rule == "linked" for item in found.dedup.to_check)
    print(
        f"{_count(len(found.added), 'record')} added, {found.repeated} stood there already, "
        f"{_count(len(found.dedup.to_check), 'pair')} to check by hand"
        + (f" ({linked} of them reports of one study)" if linked else "")
    )
    for text in written:
        print(text)
    return 0 if imported.complete else 1


def _write(args: argparse.Namespace, found: LedgerImport, version: str) -> list[str]:
    """Write the lists of pairs first and the ledger last: a run that breaks off can be run again."""
    said: list[str] = []
    from analysis.files import make_folder, write_file
    from analysis.living.ledger import write_ledger
    from analysis.living.sheets import list_text
    from analysis.living.versions import with_search

    folder = make_folder(args.out)
    lists = {"duplicates": found.audit(), "check": found.audit(only_open=True)}
    texts = {name: list_text(list(rows[0]), rows) if rows else "" for name, rows in lists.items()}
    stem = _free_stem(folder, f"{args.searched_on}_{args.files[0].stem}", texts)
    for name, text in texts.items():
        if text or name == "duplicates":
            path = folder / f"{stem}_{name}.csv"
            write_file(path, text)
            if name == "check":
                said.append(f"pairs to check: {path}")
    if args.kind in ("database", "register"):
        path = args.data / "versions.csv"
        text = with_search(path, version, args.searched_on)
        if text:
            write_file(path, text)
            said.append(f"versions.csv: version {version} was searched for on {args.searched_on}")
    write_ledger(found.ledger, args.data / "records.csv")
    return said


def _free_stem(folder: Path, stem: str, texts: dict[str, str]) -> str:
    """Return a name under which no list of another import stands: pairs that wait are never overwritten."""
    number = 1
    while True:
        name = stem if number == 1 else f"{stem}-{number}"
        there = {key: folder / f"{name}_{key}.csv" for key in texts}
        if all(not path.exists() or path.read_bytes() == texts[key].encode() for key, path in there.items()):
            return name
        number += 1


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def read_versions(folder: Path) -> list[str]:
    """Return the ids of the evidence versions, oldest first.

    Raises
    ------
    EvidenceFaults
        When the table of versions has faults or no row.
    """
    return [row.text["id"] for row in _versions(folder)]


def _versions(folder: Path) -> tuple[RawRow, ...]:
    from analysis.evidence.contracts import read_schema, read_table
    from analysis.evidence.faults import EvidenceFaults, Fault
    from analysis.evidence.load import DATA

    own = folder / "schemas" / "versions.json"
    schema = read_schema(own if own.is_file() else DATA / "schemas" / "versions.json")
    found = read_table(folder / "versions.csv", schema)
    if found.faults:
        raise EvidenceFaults(found.faults)
    if not found.rows:
        raise EvidenceFaults((Fault("versions.csv", 0, "", "", "no version", "a row for each version"),))
    return found.rows
