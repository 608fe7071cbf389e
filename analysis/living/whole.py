"""The whole folder: the evidence and the ledger, with every fault of both at once.

They are kept apart on purpose. Estimates rest on the evidence alone, so its hash names what they were made
from; the ledger grows with every search and every decision on a record, and none of that moves an
estimate. Each has a hash of its own, and a release carries both.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from analysis.evidence.faults import EvidenceFaults, Fault
from analysis.evidence.load import DATA, load_evidence
from analysis.living.ledger import Ledger, load_ledger

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence

__all__ = ["load_whole"]

#: What the ledger says of a key whose table lost its rows, which is a fault of that table.
_UNKNOWN = {"studies.csv": "unknown study", "versions.csv": "unknown version"}


def load_whole(directory: str | Path | None = None) -> tuple[Evidence, Ledger]:
    """Load and check the evidence and the ledger beside it.

    Parameters
    ----------
    directory : path, optional
        Folder of the tables, by default `data/` of this repository.

    Raises
    ------
    EvidenceFaults
        With every fault of every table, the ledger included.
    """
    folder = DATA if directory is None else Path(directory)
    faults: list[Fault] = []
    evidence: Evidence | None = None
    ledger: Ledger | None = None
    try:
        evidence = load_evidence(folder)
    except EvidenceFaults as error:
        faults += error.faults
    # A folder that is not there is one fault, not two.
    if folder.is_dir():
        try:
            ledger = load_ledger(folder)
        except EvidenceFaults as error:
            lost = {_UNKNOWN.get(fault.file) for fault in faults if fault.row == 0}
            faults += [fault for fault in error.faults if fault.problem not in lost]
    if evidence is not None and ledger is not None:
        faults += _days_of_search(evidence, ledger)
    if faults or evidence is None or ledger is None:
        raise EvidenceFaults(tuple(faults))
    return evidence, ledger


def _days_of_search(evidence: Evidence, ledger: Ledger) -> list[Fault]:
    """Hold the day of search that a version names against the searches that the ledger holds for it."""
    last: dict[str, str] = {}
    for row in ledger.records:
        if row.branch == "databases" and row.hits_recorded == "yes" and row.searched_on[:1].isdigit():
            last[row.version] = max(last.get(row.version, ""), row.searched_on)
    return [
        Fault(
            "versions.csv",
            item.row,
            "searched_on",
            item.searched_on,
            "the ledger holds a search",
            last[item.id],
        )
        for item in evidence.versions
        if item.id in last and item.searched_on != last[item.id]
    ]
