"""Checks of the ledger that look at more than one cell."""

from __future__ import annotations

from collections.abc import Collection

from analysis.evidence.faults import Fault
from analysis.living.ledger import Ledger, LedgerRow

__all__ = ["check_ledger"]

_FILE = "records.csv"


def check_ledger(
    ledger: Ledger,
    *,
    versions: Collection[str] | None = None,
    studies: Collection[str] | None = None,
) -> list[Fault]:
    """Return every fault between rows, between cells of a row, and against the other tables.

    Parameters
    ----------
    ledger : Ledger
        The rows.
    versions, studies : collection of str, optional
        Ids that may be named; None leaves these checks out.
    """
    faults: list[Fault] = []
    rows: dict[str, LedgerRow] = {}
    for row in ledger.records:
        rows.setdefault(row.record_id, row)
    reports: dict[str, LedgerRow] = {}
    for row in ledger.records:
        faults += _duplicates(row, rows)
        faults += _decisions(row)
        if versions is not None and row.version not in versions:
            faults.append(_fault(row, "version", "unknown version", "an id of versions.csv"))
        if studies is not None and row.study_id and row.study_id not in studies:
            faults.append(_fault(row, "study_id", "unknown study", "a key of studies.csv"))
        if row.report_id and not row.duplicate_of:
            other = reports.setdefault(row.report_id, row)
            if other is not row:
                problem = f"the report stands in row {other.row} too"
                faults.append(_fault(row, "report_id", problem, "a duplicate, or another report"))
    return faults


def _fault(row: LedgerRow, column: str, problem: str, expected: str) -> Fault:
    return Fault(_FILE, row.row, column, getattr(row, column), problem, expected)


def _duplicates(row: LedgerRow, rows: dict[str, LedgerRow]) -> list[Fault]:
    if not row.duplicate_of:
        return []
    other = rows.get(row.duplicate_of)
    if other is None:
        return [_fault(row, "duplicate_of", "no such record", "a record_id of this table")]
    if other is row or other.duplicate_of:
        problem = "points to itself" if other is row else "points to a duplicate"
        return [_fault(row, "duplicate_of", problem, "the record that stands for all")]
    return []


def _decisions(row: LedgerRow) -> list[Fault]:
    faults: list[Fault] = []
    aside = bool(row.duplicate_of or row.removed)
    decided = any((row.screen_1, row.screen_2, row.screen_final, row.full_1, row.full_2, row.full_final))
    if row.duplicate_of and row.removed:
        faults.append(_fault(row, "removed", "a duplicate is removed as that", "blank"))
    if aside and decided:
        column = "duplicate_of" if row.duplicate_of else "removed"
        faults.append(_fault(row, column, "a record set aside carries decisions", "one of both"))
    for stage in ("screen_1", "screen_2", "screen_final", "full_1", "full_2", "full_final"):
        if getattr(row, stage) and not getattr(row, f"{stage}_by"):
            faults.append(_fault(row, f"{stage}_by", "the decision has no name", "who decided"))
    for stage in ("screen", "full"):
        first, second = getattr(row, f"{stage}_1_by"), getattr(row, f"{stage}_2_by")
        if first and first == second and first != "not recorded":
            problem = "both reviewers are one person"
            faults.append(_fault(row, f"{stage}_2_by", problem, "another reviewer"))
    faults += _full_text(row)
    return faults


def _full_text(row: LedgerRow) -> list[Fault]:
    faults: list[Fault] = []
    full = row.full_decision
    assessed = any((row.full_1, row.full_2, row.full_final))
    if full == "exclude" and not row.full_reason:
        faults.append(
            _fault(row, "full_final_reason", "exclusion without one reason", "a reason of the list")
        )
    # A report that was included and has no study yet waits for its extraction; that is no fault.
    if full == "include" and row.study_id and not row.report_id:
        faults.append(_fault(row, "report_id", "included without a report", "a key of the report"))
    if row.hits_recorded != "yes":
        return faults
    # Where a search is recorded whole, each step must rest on the one before it.
    if assessed and row.retrieved != "yes":
        faults.append(_fault(row, "retrieved", "assessed but not retrieved", "yes"))
    if row.retrieved and row.screen_decision != "include":
        faults.append(_fault(row, "retrieved", "sought without passing the screen", "blank"))
    return faults
