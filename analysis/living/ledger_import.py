"""New records into the ledger: compared with all that is known, appended, never decided upon."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from analysis.evidence.characters import shows_nothing
from analysis.living.ledger import Ledger, LedgerRow
from analysis.living.met_again import NOT_STATED, find_met_again
from analysis.living.records.dedup import Decision, Dedup, deduplicate
from analysis.living.records.keys import key_of
from analysis.living.records.kinds import kind_of
from analysis.living.records.record import Record, one_line
from analysis.living.records.rules import RULES
from analysis.results import Result

__all__ = ["LedgerImport", "add_records", "place_and_marks", "settle_pairs"]


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
        Records left out because the same search brought them before.
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

    What the same search brought before, in whatever file and order, is not added again.

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
    records = tuple(records)
    rows = [_to_row(record, version, searched_on, source_kind) for record in records]
    met = find_met_again(ledger.records, rows)
    fresh = [pair for place, pair in enumerate(zip(rows, records, strict=True)) if place not in met]
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


def _to_row(record: Record, version: str, searched_on: str, source_kind: str) -> LedgerRow:
    return LedgerRow(
        record_id="",
        version=version,
        source=_cell(record.source) or NOT_STATED,
        source_kind=source_kind,
        searched_on=searched_on,
        file=_cell(record.file),
        position=str(max(record.position, 1)),
        kind=kind_of(record),
        title=_cell(record.title),
        first_author=_cell(record.authors[0]) if record.authors else "",
        year=str(record.year) if record.year and _YEARS[0] <= record.year <= _YEARS[1] else "",
        journal=_cell(record.journal),
        volume=_cell(record.volume),
        pages=_cell(record.pages),
        doi=_cell(record.doi),
        pmid=record.pmid if record.pmid.isascii() and record.pmid.isdigit() else "",
        nct=record.nct,
        accession=_cell(record.accession),
    )


def place_and_marks(record: Record) -> list[tuple[str, ...]]:
    """Return what a record is looked up by: its place in its file, its identifiers, its title and year."""
    key = key_of(record)
    marks: list[tuple[str, ...]] = [("place", _cell(record.file), str(record.position), key.solid)]
    marks += [(name, getattr(key, name)) for name in ("accession", "pmid", "doi") if getattr(key, name)]
    return [*marks, ("title", key.solid, str(key.year))]


#: Years that the contract of the table takes.
_YEARS = (1500, 2100)
#: A longer cell is a broken export; no spreadsheet holds it.
_LONGEST = 32_000
#: UTF-8 that was once read as Windows-1252, which the tables refuse.
_GARBLED = re.compile("[ÃâÂ][\u0080-\u00ff€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]{1,2}")


def _cell(text: str) -> str:
    """Return strangers' text as the tables take it: one line, no invisible letters, none garbled.

    Examples
    --------
    >>> _cell("Stroke\u00a0care\u200b in MÃ¼nchen\ufffd")
    'Stroke care in München?'
    """
    seen, before = one_line(text).replace("\ufffd", "?"), ""
    # A letter that is taken out can leave a garbled one behind.
    while seen != before:
        before = seen
        plain = _GARBLED.sub(_mended, seen)
        seen = one_line("".join(x for x in plain if not shows_nothing(x)))
    return seen if len(seen) <= _LONGEST else f"{seen[:_LONGEST]}..."


def _mended(found: re.Match[str]) -> str:
    # Windows-1252 leaves five bytes without a letter; programs keep them as they are.
    parts = (letter.encode("cp1252" if ord(letter) > 255 else "latin-1") for letter in found.group())
    try:
        return b"".join(parts).decode("utf-8")
    except UnicodeError:
        return found.group().replace("â€", "?").replace("Ã", "A")


def settle_pairs(ledger: Ledger, pairs: Iterable[tuple[str, str]], by: str) -> Ledger:
    """Mark pairs that a person called the same record; the better record of each stands for both.

    A record on which somebody has decided is kept before one that waits, an article before its abstract or
    preprint, a fuller record before a poorer one, and the earlier of two equal ones.

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
        With every pair that names an unknown record, or two records that both carry decisions.
    """
    rows = {row.record_id: row for row in ledger.records}
    members: dict[str, list[str]] = {}
    for row in ledger.records:
        if row.duplicate_of:
            members.setdefault(row.duplicate_of, []).append(row.record_id)
    wrong: list[str] = []
    for pair in pairs:
        unknown = [record_id for record_id in pair if record_id not in rows]
        if unknown:
            wrong.append(f"no record {unknown[0]!r} in the ledger")
            continue
        one, two = (rows[rows[item].duplicate_of or item] for item in pair)
        if one is two:
            continue
        kept, aside = sorted((one, two), key=_worth)
        if aside.state != "to_screen" or _decided(aside):
            wrong.append(f"{kept.record_id} and {aside.record_id} both have decisions; settle these first")
            continue
        group = [aside.record_id, *members.pop(aside.record_id, [])]
        members.setdefault(kept.record_id, []).extend(group)
        for record_id in group:
            rows[record_id] = replace(
                rows[record_id], duplicate_of=kept.record_id, duplicate_rule=f"by hand: {by}"
            )
    if wrong:
        raise ValueError("\n".join(wrong))
    return Ledger(tuple(rows[row.record_id] for row in ledger.records))


#: The better kind stands for the others.
_KIND_ORDER = (
    "article", "other", "", "protocol", "preprint", "conference_abstract", "registration", "correction",
)  # fmt: skip


def _decided(row: LedgerRow) -> bool:
    return any((row.screen_1, row.screen_2, row.screen_final, row.removed, row.report_id, row.study_id))


def _worth(row: LedgerRow) -> tuple[bool, int, int, str]:
    """Return what sorts the better of two records first."""
    waits = row.state == "to_screen" and not _decided(row)
    said = (row.title, row.first_author, row.year, row.journal, row.volume, row.pages, row.doi, row.pmid)
    return waits, _KIND_ORDER.index(row.kind), -sum(map(bool, said)), row.record_id
