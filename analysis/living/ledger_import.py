"""New records into the ledger: compared with all that is known, appended, never decided upon."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from analysis.living.ledger import Ledger, LedgerRow
from analysis.living.records.dedup import Decision, Dedup, deduplicate
from analysis.living.records.record import Record
from analysis.living.records.rules import RULES
from analysis.results import Result

__all__ = ["LedgerImport", "add_records", "settle_pairs"]


@dataclass(frozen=True, slots=True)
class LedgerImport(Result):
    """What an import did.

    Attributes
    ----------
    ledger : Ledger
        The ledger with the new rows.
    added : tuple of LedgerRow
        The new rows.
    repeated : int
        Records left out because the same record of the same file and search stood there already.
    dedup : Dedup
        Every decision on duplicates.
    ids : tuple of str
        The record_id of each record of `dedup`.
    """

    ledger: Ledger
    added: tuple[LedgerRow, ...]
    repeated: int
    dedup: Dedup
    ids: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a source: records added, duplicates among them, new for screening."""
        found: dict[str, list[LedgerRow]] = {}
        for row in self.added:
            found.setdefault(row.source, []).append(row)
        return [
            {
                "source": source,
                "added": len(rows),
                "duplicates": sum(bool(row.duplicate_of) for row in rows),
                "to_screen": sum(row.state == "to_screen" for row in rows),
            }
            for source, rows in sorted(found.items())
        ]

    def audit(self, *, only_open: bool = False) -> list[dict[str, Any]]:
        """Return the table of decisions with record ids; `only_open` keeps the pairs to check by hand.

        The open pairs carry an empty column `decision`, to be filled with "same" or "different".
        """
        table = []
        for item, shown in zip(self.dedup.decisions, self.dedup.rows(), strict=True):
            if only_open and item.verdict != "check":
                continue
            ids = {"record_a": self.ids[item.first], "record_b": self.ids[item.second]}
            table.append({**({"decision": ""} if only_open else {}), **ids, **shown})
        return table


def add_records(
    ledger: Ledger,
    records: Iterable[Record],
    *,
    version: str,
    searched_on: str,
    source_kind: str = "database",
) -> LedgerImport:
    """Append new records to a ledger and mark the duplicates among them.

    Importing the same file of the same search again adds nothing.

    Parameters
    ----------
    ledger : Ledger
        What is known.
    records : iterable of Record
        What the files hold.
    version : str
        Evidence version for which the search was made.
    searched_on : str
        Day of the search, year-month-day.
    source_kind : str
        Branch of the flow; see the contract of the table.
    """
    before = {_mark(row) for row in ledger.records}
    rows = [_to_row(record, version, searched_on, source_kind) for record in records]
    fresh = [(row, record) for row, record in zip(rows, records, strict=True) if _mark(row) not in before]
    known = [row.to_record() for row in ledger.records]
    found = deduplicate([record for _, record in fresh], known=known)
    start = max((int(row.record_id[1:]) for row in ledger.records), default=0)
    ids = (
        *(row.record_id for row in ledger.records),
        *(f"r{start + place:06d}" for place in range(1, len(fresh) + 1)),
    )
    rules = _rule_of(found)
    added = []
    for place, (row, _) in enumerate(fresh, start=len(known)):
        other = found.duplicate_of[place]
        target = "" if other is None else _target(ledger, other, ids)
        added.append(
            replace(
                row,
                record_id=ids[place],
                duplicate_of=target,
                duplicate_rule=rules.get(place, "") if target else "",
                row=place + 2,
            )
        )
    return LedgerImport(Ledger((*ledger.records, *added)), tuple(added), len(rows) - len(fresh), found, ids)


def _target(ledger: Ledger, other: int, ids: tuple[str, ...]) -> str:
    """Return the record that stands for all: a known duplicate points further."""
    if other < len(ledger.records) and ledger.records[other].duplicate_of:
        return ledger.records[other].duplicate_of
    return ids[other]


def _rule_of(found: Dedup) -> dict[int, str]:
    """Return for each record the strongest rule that bound it to another."""
    order = {rule: place for place, rule in enumerate(RULES)}
    best: dict[int, Decision] = {}
    for item in found.decisions:
        if item.verdict == "duplicate":
            for index in (item.first, item.second):
                if index not in best or order[item.rule] < order[best[index].rule]:
                    best[index] = item
    return {index: item.rule for index, item in best.items()}


def _mark(row: LedgerRow) -> tuple[str, ...]:
    if row.file:
        return (row.source, row.searched_on, row.file, row.position, row.title)
    return (row.record_id,)


def _to_row(record: Record, version: str, searched_on: str, source_kind: str) -> LedgerRow:
    return LedgerRow(
        record_id="",
        version=version,
        source=record.source or "not stated",
        source_kind=source_kind,
        searched_on=searched_on,
        file=record.file,
        position=str(record.position),
        title=record.title,
        first_author=record.authors[0] if record.authors else "",
        year="" if record.year is None else str(record.year),
        journal=record.journal,
        volume=record.volume,
        pages=record.pages,
        doi=record.doi,
        pmid=record.pmid,
        nct=record.nct,
        accession=record.accession,
    )


def settle_pairs(ledger: Ledger, pairs: Iterable[tuple[str, str]], by: str) -> Ledger:
    """Mark pairs that a person called the same record; the earlier record of each stands for both.

    Parameters
    ----------
    ledger : Ledger
        The ledger.
    pairs : iterable of (str, str)
        Ids of two records that are one.
    by : str
        Who decided; written beside each as the rule.

    Raises
    ------
    ValueError
        When an id is unknown, or a record to be set aside carries decisions of its own.
    """
    rows = {row.record_id: row for row in ledger.records}
    for pair in pairs:
        for record_id in pair:
            if record_id not in rows:
                raise ValueError(f"no record {record_id!r} in the ledger")
        first, second = sorted(rows[item].duplicate_of or item for item in pair)
        if first == second:
            continue
        loser = rows[second]
        if loser.state != "to_screen":
            raise ValueError(f"{second} has decisions of its own; settle these first")
        for row in list(rows.values()):
            if second in (row.record_id, row.duplicate_of):
                rows[row.record_id] = replace(row, duplicate_of=first, duplicate_rule=f"by hand: {by}")
    return Ledger(tuple(rows[row.record_id] for row in ledger.records))
