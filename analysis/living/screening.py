"""Screening by two reviewers: sheets out, decisions in, agreement between.

A sheet is a CSV file that a spreadsheet opens. Each reviewer fills an own one and sees nothing of the
other's. Nothing is decided here: a record that only one reviewer has decided stays open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from analysis.evidence.faults import EvidenceFaults, Fault
from analysis.living.ledger import Ledger, LedgerRow, reasons
from analysis.living.sheets import read_list, write_list
from analysis.results import Result

__all__ = [
    "SHEET",
    "FilledSheet",
    "Screening",
    "Stage",
    "agreement",
    "conflict_rows",
    "read_sheet",
    "settle_conflicts",
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
#: What the sheet of the third person shows beside.
_BOTH = ("first_decision", "first_reason", "second_decision", "second_reason")
_OPEN = {
    "screen": ("to_screen", "screen_conflict", "screen_excluded", "to_retrieve"),
    "full": ("to_assess", "full_conflict", "full_excluded", "awaiting", "to_extract", "included"),
}


@dataclass(frozen=True, slots=True)
class FilledSheet:
    """A filled sheet: the rows that were decided, how many were not, and what was assumed.

    `noted` names the records with a note and no decision; such a note is not taken.
    """

    decided: tuple[dict[str, str], ...]
    waiting: int
    noted: tuple[str, ...]
    assumed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Screening(Result):
    """Agreement of the two reviewers on one stage.

    `in_doubt` counts pairs of which one is unsure and the other includes, so that the record goes on;
    `settled` counts conflicts that have a final decision, `conflicts` names those that have none.
    """

    stage: Stage
    both: int
    agreed: int
    in_doubt: int
    settled: int
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
                "go_on_in_doubt": self.in_doubt,
                "conflicts_settled": self.settled,
                "kappa": self.kappa,
                "ci_low": self.low,
                "ci_high": self.high,
                "not_decided_by_both": self.open,
                "conflicts_open": len(self.conflicts),
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


def conflict_rows(
    ledger: Ledger, stage: Stage = "screen", abstracts: Mapping[str, str] | None = None
) -> list[dict[str, str]]:
    """Return the records on which two reviewers differ, with both decisions, for a third person."""
    texts = abstracts or {}
    return [
        {name: getattr(row, name, "") for name in SHEET}
        | {"abstract": texts.get(row.record_id, ""), "decision": "", "reason": "", "note": row.note}
        | dict(
            zip(
                _BOTH,
                (getattr(row, f"{stage}_{part}") for part in ("1", "1_reason", "2", "2_reason")),
                strict=True,
            )
        )
        for row in ledger.records
        if row.state == f"{stage}_conflict"
    ]


def write_sheet(rows: Iterable[Mapping[str, str]], path: str | Path, *, conflicts: bool = False) -> None:
    """Write a sheet that a spreadsheet can open, with formulas in strangers' titles guarded."""
    place = SHEET.index("decision")
    heads = (*SHEET[:place], *_BOTH, *SHEET[place:]) if conflicts else SHEET
    write_list(list(rows), path, heads)


def read_sheet(path: str | Path, stage: Stage = "screen", *, final: bool = False) -> FilledSheet:
    """Read a filled sheet as a spreadsheet saved it, and check every cell that was filled.

    Parameters
    ----------
    path
        The sheet.
    stage
        The stage of its decisions.
    final
        Whether a third person settles conflicts; then nobody can be unsure on title and abstract.

    Raises
    ------
    EvidenceFaults
        With every fault by row and column; nothing of a faulty sheet is taken.
    """
    sheet = read_list(path, ("record_id", "decision", "reason"))
    if not sheet.rows:
        raise EvidenceFaults((Fault(sheet.name, 0, "", "", "the sheet is empty", "a row for each record"),))
    faults: list[Fault] = []
    kept: list[dict[str, str]] = []
    noted: list[str] = []
    seen: set[str] = set()
    for number, raw in sheet.rows:
        row = {name: raw.get(name, "").strip() for name in SHEET}
        row["decision"] = row["decision"].lower()
        row["reason"] = row["reason"].lower().replace(" ", "_")
        faults += _sheet_faults(sheet.name, number, row, stage, final)
        if row["record_id"] in seen:
            faults.append(Fault(sheet.name, number, "record_id", row["record_id"], "stands twice", "once"))
        seen.add(row["record_id"])
        if row["decision"]:
            kept.append(row)
        elif row["note"] and not final:
            noted.append(row["record_id"])
    if faults:
        raise EvidenceFaults(tuple(faults))
    return FilledSheet(tuple(kept), len(sheet.rows) - len(kept), tuple(noted), sheet.assumed)


def _sheet_faults(file: str, number: int, row: dict[str, str], stage: Stage, final: bool) -> list[Fault]:
    decision, reason = row["decision"], row["reason"]
    known = tuple(word for word in DECISIONS[stage] if not (final and word == "unsure"))
    faults = []
    if not row["record_id"]:
        faults.append(Fault(file, number, "record_id", "", "cell is blank", "the record_id of the sheet"))
    if decision and decision not in known:
        words = "one of " + ", ".join(known)
        faults.append(Fault(file, number, "decision", decision, "not a decision", words))
    if reason and reason not in reasons():
        words = "one of " + ", ".join(reasons())
        faults.append(Fault(file, number, "reason", reason, "not in the closed list", words))
    if reason and decision == "include":
        problem = "a reason of exclusion beside an inclusion"
        faults.append(Fault(file, number, "reason", reason, problem, "a blank cell, or another decision"))
    if reason and not decision:
        words = "one of " + ", ".join(known)
        faults.append(Fault(file, number, "decision", "", "a reason without a decision", words))
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
        With every record that is unknown, is not at this stage, or has two other reviewers.
    """
    rows = {row.record_id: row for row in ledger.records}
    wrong: list[str] = []
    for cells in sheet:
        row = rows.get(cells["record_id"])
        if row is None:
            wrong.append(f"no record {cells['record_id']!r} in the ledger")
        elif row.state not in _OPEN[stage]:
            more = "; write yes into its column retrieved first" if row.state == "to_retrieve" else ""
            wrong.append(f"{row.record_id} is not at this stage (it is at {row.state}){more}")
        elif not (slot := _slot(row, stage, reviewer)):
            wrong.append(f"{row.record_id} has two other reviewers")
        else:
            decided: dict[str, Any] = {
                f"{stage}_{slot}_by": reviewer,
                f"{stage}_{slot}": cells["decision"],
                f"{stage}_{slot}_reason": cells.get("reason", ""),
                "note": _noted(row, cells),
            }
            rows[row.record_id] = replace(row, **decided)
    if wrong:
        raise ValueError("\n".join(wrong))
    return Ledger(tuple(rows[row.record_id] for row in ledger.records))


def settle_conflicts(
    ledger: Ledger, sheet: Iterable[Mapping[str, str]], reviewer: str, stage: Stage = "screen"
) -> Ledger:
    """Return the ledger with the final decisions of a third person, or of both after they spoke.

    Raises
    ------
    ValueError
        With every record that is unknown, or on which two reviewers do not differ.
    """
    rows = {row.record_id: row for row in ledger.records}
    wrong: list[str] = []
    for cells in sheet:
        row = rows.get(cells["record_id"])
        if row is None:
            wrong.append(f"no record {cells['record_id']!r} in the ledger")
        elif row.state != f"{stage}_conflict":
            wrong.append(f"{row.record_id} has no conflict (it is at {row.state})")
        else:
            final: dict[str, Any] = {
                f"{stage}_final": cells["decision"],
                f"{stage}_final_by": reviewer,
                "note": _noted(row, cells),
            }
            if stage == "full":
                final["full_final_reason"] = cells.get("reason", "")
            rows[row.record_id] = replace(row, **final)
    if wrong:
        raise ValueError("\n".join(wrong))
    return Ledger(tuple(rows[row.record_id] for row in ledger.records))


def _noted(row: LedgerRow, cells: Mapping[str, str]) -> str:
    """Return the note of a row with that of the sheet, once."""
    note = cells.get("note", "")
    return row.note if note in row.note else " ".join(part for part in (row.note, note) if part)


def agreement(ledger: Ledger, stage: Stage = "screen") -> Screening:
    """Return Cohen's kappa of the two reviewers, before any conflict was resolved."""
    from analysis.evidence.agreement import cohen_kappa

    pairs: list[tuple[str, str]] = []
    conflicts: list[str] = []
    settled = in_doubt = waiting = 0
    for row in ledger.records:
        one, two = getattr(row, f"{stage}_1"), getattr(row, f"{stage}_2")
        if one and two:
            pairs.append((one, two))
            if getattr(row, f"{stage}_decision") == "conflict":
                conflicts.append(row.record_id)
            elif one != two and {one, two} == {"include", "unsure"}:
                in_doubt += 1
            elif one != two:
                settled += 1
        elif row.state == ("to_screen" if stage == "screen" else "to_assess"):
            waiting += 1
    found = cohen_kappa(pairs)
    return Screening(
        stage, found.n, found.agreed, in_doubt, settled, found.kappa, found.low, found.high, waiting,
        tuple(conflicts),
    )  # fmt: skip
