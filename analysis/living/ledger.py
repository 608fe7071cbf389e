"""The ledger: a row per record that any search ever found, with every decision on it.

The table is `data/records.csv`, its contract `data/schemas/records.json`. The ledger is never pruned: a
duplicate, an excluded record and a retracted study all keep their rows, so that the flow of records can
be drawn again for any version.
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from analysis.evidence.content import table_hash
from analysis.evidence.contracts import Schema, read_schema, read_table
from analysis.evidence.faults import EvidenceFaults, Fault
from analysis.files import csv_text, write_file
from analysis.living.records.record import Record
from analysis.results import Result

__all__ = [
    "COLUMNS",
    "NOT_RECORDED",
    "Ledger",
    "LedgerRow",
    "State",
    "ledger_text",
    "load_ledger",
    "read_ledger",
    "reasons",
    "write_ledger",
]

NOT_RECORDED = "not recorded"
_DATA = Path(__file__).resolve().parents[2] / "data"

State = Literal[
    "duplicate", "removed_automation", "removed_other", "to_screen", "screen_conflict",
    "screen_excluded", "to_retrieve", "not_retrieved", "to_assess", "full_conflict",
    "full_excluded", "awaiting", "to_extract", "included",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One record of the ledger; every cell is text, blank when nothing is recorded.

    `row` is the row that a spreadsheet shows.
    """

    record_id: str
    version: str
    source: str
    source_kind: str
    hits_recorded: str = "yes"
    searched_on: str = NOT_RECORDED
    file: str = ""
    position: str = ""
    kind: str = ""
    title: str = ""
    first_author: str = ""
    year: str = ""
    journal: str = ""
    volume: str = ""
    pages: str = ""
    doi: str = ""
    pmid: str = ""
    nct: str = ""
    accession: str = ""
    url: str = ""
    duplicate_of: str = ""
    duplicate_rule: str = ""
    removed: str = ""
    screen_1_by: str = ""
    screen_1: str = ""
    screen_1_reason: str = ""
    screen_2_by: str = ""
    screen_2: str = ""
    screen_2_reason: str = ""
    screen_final: str = ""
    screen_final_by: str = ""
    retrieved: str = ""
    full_1_by: str = ""
    full_1: str = ""
    full_1_reason: str = ""
    full_2_by: str = ""
    full_2: str = ""
    full_2_reason: str = ""
    full_final: str = ""
    full_final_reason: str = ""
    full_final_by: str = ""
    report_id: str = ""
    study_id: str = ""
    note: str = ""
    row: int = field(default=0, compare=False)

    @property
    def branch(self) -> Literal["databases", "other"]:
        """Branch of the flow: databases and registers, or other methods."""
        return "databases" if self.source_kind in ("database", "register") else "other"

    @property
    def screen_decision(self) -> str:
        """What was decided on title and abstract: include, exclude, conflict, or blank when open."""
        if self.screen_final or not (self.screen_1 and self.screen_2):
            return self.screen_final
        kept = {decision != "exclude" for decision in (self.screen_1, self.screen_2)}
        if len(kept) == 2:
            return "conflict"
        # Doubt is no reason to exclude: a record that someone is unsure of goes on to its report.
        return "include" if kept == {True} else "exclude"

    @property
    def full_decision(self) -> str:
        """What was decided on the report: include, exclude, awaiting, conflict, or blank."""
        if self.full_final or not (self.full_1 and self.full_2):
            return self.full_final
        return self.full_1 if self.full_1 == self.full_2 else "conflict"

    @property
    def full_reason(self) -> str:
        """The reason of the decision on the report; two reasons that differ need a final one."""
        if self.full_final:
            return self.full_final_reason
        return self.full_1_reason if self.full_1_reason == self.full_2_reason else ""

    @property
    def state(self) -> State:
        """How far the record has come."""
        if self.duplicate_of:
            return "duplicate"
        if self.removed:
            return "removed_automation" if self.removed == "automation" else "removed_other"
        full = self.full_decision
        if full == "include" and not self.study_id:
            return "to_extract"
        if full in ("include", "exclude", "awaiting"):
            return {"include": "included", "exclude": "full_excluded"}.get(full, "awaiting")  # type: ignore[return-value]
        if full == "conflict":
            return "full_conflict"
        screen = self.screen_decision
        if screen == "exclude":
            return "screen_excluded"
        if screen != "include":
            return "screen_conflict" if screen == "conflict" else "to_screen"
        if self.retrieved == "yes":
            return "to_assess"
        return "not_retrieved" if self.retrieved == "no" else "to_retrieve"

    def to_record(self) -> Record:
        """Return the row as a record, so that new records can be compared with it."""
        return Record(
            source=self.source,
            file=self.file or "ledger",
            position=int(self.position) if self.position else self.row,
            kind=self.kind,
            title=self.title,
            authors=(self.first_author,) if self.first_author else (),
            year=int(self.year) if self.year else None,
            journal=self.journal,
            volume=self.volume,
            pages=self.pages,
            doi=self.doi,
            pmid=self.pmid,
            nct=self.nct,
            accession=self.accession,
        )


COLUMNS = tuple(item.name for item in fields(LedgerRow) if item.name != "row")


@dataclass(frozen=True)
class Ledger(Result):
    """All rows of the ledger in their order."""

    records: tuple[LedgerRow, ...]

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the content, whatever the order of rows; it is no part of the hash of the evidence."""
        return table_hash("records", self.records, LedgerRow)

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a record with its state."""
        return [
            {**{name: getattr(item, name) for name in COLUMNS}, "state": item.state} for item in self.records
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return how many records stand at each state."""
        counts: dict[str, int] = {}
        for item in self.records:
            counts[item.state] = counts.get(item.state, 0) + 1
        return {"records": len(self.records), "states": dict(sorted(counts.items()))}

    def upto(self, versions: Sequence[str]) -> Ledger:
        """Return the records of the given versions."""
        wanted = set(versions)
        return Ledger(tuple(item for item in self.records if item.version in wanted))


@cache
def _schema() -> Schema:
    return read_schema(_DATA / "schemas" / "records.json")


def reasons() -> tuple[str, ...]:
    """Return the closed list of reasons to exclude, from the contract of the table."""
    field = next(item for item in _schema().fields if item["name"] == "full_final_reason")
    return tuple(field["constraints"]["enum"])


def load_ledger(
    directory: str | Path | None = None,
    *,
    versions: Iterable[str] | None = None,
    studies: Iterable[str] | None = None,
) -> Ledger:
    """Load and check `records.csv`.

    Parameters
    ----------
    directory : path, optional
        Folder of the tables, by default `data/` of this repository.
    versions, studies : iterable of str, optional
        Ids that the ledger may name; by default those of the tables beside it.

    Raises
    ------
    EvidenceFaults
        With every fault by row and column.
    """
    folder = _DATA if directory is None else Path(directory)
    known = _ids(folder / "versions.csv", "id") if versions is None else set(versions)
    listed = _ids(folder / "studies.csv", "study_id") if studies is None else set(studies)
    ledger, faults = read_ledger(folder / "records.csv")
    from analysis.living.ledger_checks import check_ledger

    faults = [*faults, *check_ledger(ledger, versions=known, studies=listed)]
    if faults:
        raise EvidenceFaults(tuple(faults))
    return ledger


def _ids(path: Path, column: str) -> set[str] | None:
    """Return the keys of a table beside the ledger; None when it cannot be read, which is its own fault."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        table = csv.DictReader(io.StringIO(text, newline=""))
        if column not in (table.fieldnames or ()):
            return None
        return {row[column] for row in table if row.get(column)}
    except (OSError, csv.Error):
        return None


def read_ledger(path: str | Path) -> tuple[Ledger, list[Fault]]:
    """Read a ledger file as every other table is read; return it with the faults of its cells."""
    found = read_table(Path(path), _schema())
    rows = []
    for row in found.rows:
        # Sources, files and decisions repeat in every row; one copy of each is kept.
        cells = {name: sys.intern(row.text[name]) for name in COLUMNS if name in row.text}
        rows.append(LedgerRow(**{**_BLANK, **cells}, row=row.number))
    return Ledger(tuple(rows)), list(found.faults)


_BLANK = dict.fromkeys(COLUMNS, "")


def ledger_text(ledger: Ledger) -> str:
    """Return the ledger as the text of its file."""
    return csv_text(COLUMNS, ([getattr(item, name) for name in COLUMNS] for item in ledger.records))


def write_ledger(ledger: Ledger, path: str | Path) -> None:
    """Write the ledger whole, so that no half table is ever seen."""
    write_file(path, ledger_text(ledger))
