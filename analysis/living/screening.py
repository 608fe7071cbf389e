"""Screening by two reviewers: sheets out, decisions in, agreement between.

A sheet is a CSV file that a spreadsheet opens. Each reviewer fills an own one and sees nothing of the
other's. Nothing is decided here: a record that only one reviewer has decided stays open.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from analysis.evidence.faults import EvidenceFaults, Fault
from analysis.living.ledger import Ledger, LedgerRow, reasons
from analysis.results import Result

__all__ = [
    "SHEET",
    "Screening",
    "Stage",
    "agreement",
    "read_sheet",
    "sheet_rows",
    "take_sheet",
    "write_sheet",
]

Stage = Literal["screen", "full"]
DECISIONS: dict[str, tuple[str, ...]] = {
    "screen": ("include", "exclude", "unsure"),
    "full": ("include", "exclude", "awaiting"),
}
SHEET = (
    "record_id", "title", "first_author", "year", "journal", "doi", "url", "abstract", "decision",
    "reason", "note",
)  # fmt: skip
_OPEN = {
    "screen": ("to_screen", "screen_conflict", "screen_excluded", "to_retrieve"),
    "full": ("to_assess", "full_conflict", "full_excluded", "awaiting", "included"),
}


@dataclass(frozen=True, slots=True)
class Screening(Result):
    """Agreement of the two reviewers on one stage."""

    stage: Stage
    both: int
    agreed: int
    kappa: float
    low: float
    high: float
    open: int
    conflicts: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return the counts as one row."""
        return [
            {
                "stage": self.stage,
                "decided_by_both": self.both,
                "agreed": self.agreed,
                "kappa": self.kappa,
                "ci_low": self.low,
                "ci_high": self.high,
                "not_decided_by_both": self.open,
                "conflicts": len(self.conflicts),
            }
        ]


def _slot(row: LedgerRow, stage: Stage, reviewer: str) -> str:
    """Return the number of the reviewer's column: an own one, or the first free one."""
    names = {slot: getattr(row, f"{stage}_{slot}_by") for slot in "12"}
    for slot, name in names.items():
        if name == reviewer:
            return slot
    return next((slot for slot, name in names.items() if not name), "")


def sheet_rows(
    ledger: Ledger, reviewer: str, stage: Stage = "screen", abstracts: Mapping[str, str] | None = None
) -> list[dict[str, str]]:
    """Return the records that a reviewer still has to decide.

    Records with the reviewer's own decision, and those with two others', are left out. The other's
    decisions are never shown.
    """
    texts = abstracts or {}
    rows = []
    for row in ledger.records:
        slot = _slot(row, stage, reviewer)
        final = getattr(row, f"{stage}_final")
        if row.state not in _OPEN[stage] or final or not slot or getattr(row, f"{stage}_{slot}"):
            continue
        cells = {name: getattr(row, name, "") for name in SHEET}
        cells |= {"abstract": texts.get(row.record_id, ""), "decision": "", "reason": "", "note": ""}
        rows.append(cells)
    return rows


def write_sheet(rows: Iterable[Mapping[str, str]], path: str | Path) -> None:
    """Write a sheet; the mark at its start lets spreadsheets read its accents."""
    with Path(path).open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, SHEET, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_sheet(path: str | Path, stage: Stage = "screen") -> list[dict[str, str]]:
    """Read a filled sheet and check every cell that was filled.

    Raises
    ------
    EvidenceFaults
        With every fault by row and column; nothing of a faulty sheet is taken.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        fault = Fault(path.name, 0, "", "", f"cannot be read ({error})", "a sheet in UTF-8")
        raise EvidenceFaults((fault,)) from None
    first = text.split("\n", 1)[0]
    mark = ";" if first.count(";") > first.count(",") else "\t" if "\t" in first else ","
    table = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=mark))
    faults = [
        Fault(path.name, 1, name, "", "column is missing", f"a column {name!r}")
        for name in ("record_id", "decision", "reason")
        if table and name not in table[0]
    ]
    if faults or not table:
        raise EvidenceFaults(tuple(faults) or (Fault(path.name, 0, "", "", "the sheet is empty", "rows"),))
    kept, seen = [], set()
    for number, raw in enumerate(table, start=2):
        row = {name: (raw.get(name) or "").strip() for name in SHEET}
        faults += _sheet_faults(path.name, number, row, stage)
        if row["record_id"] in seen:
            faults.append(Fault(path.name, number, "record_id", row["record_id"], "stands twice", "once"))
        seen.add(row["record_id"])
        if row["decision"]:
            kept.append({**row, "decision": row["decision"].lower()})
    if faults:
        raise EvidenceFaults(tuple(faults))
    return kept


def _sheet_faults(file: str, number: int, row: dict[str, str], stage: Stage) -> list[Fault]:
    decision, reason = row["decision"].lower(), row["reason"]
    faults = []
    if decision and decision not in DECISIONS[stage]:
        words = "one of " + ", ".join(DECISIONS[stage])
        faults.append(Fault(file, number, "decision", decision, "not a decision", words))
    if reason and reason not in reasons():
        words = "one of " + ", ".join(reasons())
        faults.append(Fault(file, number, "reason", reason, "not in the closed list", words))
    if stage == "full" and decision == "exclude" and not reason:
        faults.append(Fault(file, number, "reason", "", "exclusion without a reason", "a reason"))
    return faults


def take_sheet(
    ledger: Ledger, sheet: Iterable[Mapping[str, str]], reviewer: str, stage: Stage = "screen"
) -> Ledger:
    """Return the ledger with a reviewer's decisions.

    Raises
    ------
    ValueError
        When a record is unknown, is not at this stage, or two others have decided on it.
    """
    rows = {row.record_id: row for row in ledger.records}
    for cells in sheet:
        row = rows.get(cells["record_id"])
        if row is None:
            raise ValueError(f"no record {cells['record_id']!r} in the ledger")
        if row.state not in _OPEN[stage]:
            raise ValueError(f"{row.record_id} is not at this stage (it is at {row.state})")
        slot = _slot(row, stage, reviewer)
        if not slot:
            raise ValueError(f"{row.record_id} has two other reviewers")
        note = " ".join(part for part in (row.note, cells.get("note", "")) if part)
        if cells.get("note") and cells["note"] in row.note:
            note = row.note
        decided: dict[str, Any] = {
            f"{stage}_{slot}_by": reviewer,
            f"{stage}_{slot}": cells["decision"],
            f"{stage}_{slot}_reason": cells.get("reason", ""),
            "note": note,
        }
        rows[row.record_id] = replace(row, **decided)
    return Ledger(tuple(rows[row.record_id] for row in ledger.records))


def agreement(ledger: Ledger, stage: Stage = "screen") -> Screening:
    """Return Cohen's kappa of the two reviewers, before any conflict was resolved."""
    from analysis.evidence.agreement import cohen_kappa

    pairs, conflicts, waiting = [], [], 0
    for row in ledger.records:
        one, two = getattr(row, f"{stage}_1"), getattr(row, f"{stage}_2")
        if one and two:
            pairs.append((one, two))
            if getattr(row, f"{stage}_decision") == "conflict":
                conflicts.append(row.record_id)
        elif row.state in ("to_screen" if stage == "screen" else "to_assess",):
            waiting += 1
    found = cohen_kappa(pairs)
    return Screening(
        stage, found.n, found.agreed, found.kappa, found.low, found.high, waiting, tuple(conflicts)
    )
