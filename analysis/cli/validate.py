"""`python -m analysis validate [DIR]`: say every fault in the data, or that there is none."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analysis.evidence.faults import Fault
    from analysis.evidence.tables import Evidence
    from analysis.living.ledger import Ledger

__all__ = ["add_parser", "check_folder", "run"]


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "validate",
        help="check every file of data/: tables, ledger, protocol, checklists, searches, words",
        description=(
            "Check every table, its cells, and the tables against each other; the protocol, the "
            "checklists, the searches, the glossary and the short names; and the keys that chapters "
            "beside the folder name. Prints every fault as file:row:column with what would be right, "
            "and ends with 1; without a fault prints what was read and the rows of each table."
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
    from analysis.evidence.load import DATA

    folder = DATA if args.directory is None else Path(args.directory)
    try:
        evidence, ledger, others = check_folder(folder)
    except EvidenceFaults as error:
        print(error)
        return 1
    print(_summary(evidence, ledger))
    print(_rows(evidence, ledger, others))
    return 0


def check_folder(folder: Path) -> tuple[Evidence, Ledger, dict[str, int]]:
    """Read every file of a folder of data.

    Returns
    -------
    evidence : Evidence
    ledger : Ledger
    others : dict
        Name and number of entries of everything else.

    Raises
    ------
    EvidenceFaults
        With every fault of every file.
    """
    from analysis.evidence.faults import EvidenceFaults
    from analysis.living.whole import load_whole
    from analysis.site.named_keys import named_keys

    faults: list[Fault] = []
    whole: tuple[Evidence, Ledger] | None = None
    others: dict[str, int] = {}
    try:
        whole = load_whole(folder)
    except EvidenceFaults as error:
        faults += error.faults
    if folder.is_dir():
        for read in (_checklists, _searches, _glossary, _short_names):
            try:
                others |= read(folder)
            except EvidenceFaults as error:
                faults += error.faults
    if whole is not None:
        faults += named_keys(folder.resolve().parent / "book", whole[0].protocol)
    if faults or whole is None:
        raise EvidenceFaults(tuple(faults))
    return *whole, others


def _checklists(folder: Path) -> dict[str, int]:
    """Read the checklists of the folder; another review may have none."""
    from analysis.evidence.faults import EvidenceFaults
    from analysis.living.checklists import CHECKLISTS, load_checklist

    place = folder / "checklists"
    faults: list[Fault] = []
    found = {}
    for key in CHECKLISTS if place.is_dir() else ():
        try:
            found[key] = len(load_checklist(key, directory=place).items)
        except EvidenceFaults as error:
            faults += error.faults
    if faults:
        raise EvidenceFaults(tuple(dict.fromkeys(faults)))
    return found


def _searches(folder: Path) -> dict[str, int]:
    """Read the strategies of the folder; another review may have none."""
    from analysis.living.search.strategies import load_strategies

    place = folder / "searches"
    return {"searches": len(load_strategies(place).strategies)} if place.is_dir() else {}


def _glossary(folder: Path) -> dict[str, int]:
    from analysis.evidence.faults import EvidenceFaults
    from analysis.evidence.text_files import read_text
    from analysis.site.glossary import read_glossary

    path = folder / "glossary.yml"
    if not path.exists():
        return {}
    text, faults = read_text(path, "the glossary as YAML")
    if text is None or faults:
        raise EvidenceFaults(faults)
    return {"glossary": len(read_glossary(text).terms)}


def _short_names(folder: Path) -> dict[str, int]:
    from analysis.evidence.short_names import read_short_names

    words = read_short_names(folder / "short_names.yml")
    return {"short_names": sum(len(each) for each in words.values())} if words else {}


def _rows(evidence: Evidence, ledger: Ledger, others: dict[str, int]) -> str:
    """Say how many rows each file holds: a table that lost some is no fault, but can be seen here."""
    from analysis.evidence.tables import TABLES

    counts = {name: len(getattr(evidence, name)) for name in TABLES} | {"records": len(ledger.records)}
    return "rows: " + ", ".join(f"{name} {count}" for name, count in (counts | others).items())


def _summary(evidence: Evidence, ledger: Ledger) -> str:
    passed = sum(check.passed for check in evidence.checks)
    explained = sum(len(check.explained) for check in evidence.checks)
    return (
        f"no faults: {len(evidence.studies)} studies, {len(evidence.outcomes)} outcome rows, "
        f"{len(ledger.records)} records in the ledger, {passed} checks passed, {explained} explained, "
        f"data {evidence.data_hash}"
    )
