"""Rules that need more than one cell: what passed, what is explained, what is a fault.

A check is a function that yields one `Finding` for each place it looked at. The checks live in
six modules: counts (arithmetic of one row), arms (rows of one study against each other),
references (tables against each other), versions (numbers of versions, notices), records (dates,
identities, raw extractions) and trials (grades, dichotomies, printed intervals).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from analysis.evidence.faults import CheckResult, Finding
from analysis.evidence.protocol import Protocol
from analysis.evidence.tables import Row

__all__ = ["Check", "Tables", "found", "run_checks"]


@dataclass(frozen=True)
class Tables:
    """Rows of every table, and the cells that already broke their contract."""

    rows: Mapping[str, tuple[Any, ...]]
    protocol: Protocol
    bad: Mapping[tuple[str, int], frozenset[str]]

    def __getitem__(self, name: str) -> tuple[Any, ...]:
        """Return the rows of a table."""
        return self.rows[name]


@dataclass(frozen=True, slots=True)
class Check:
    """A check: its key, its name for readers, and the function that looks."""

    key: str
    label: str
    look: Callable[[Tables], Iterator[Finding]]


def found(
    table: str,
    row: Row,
    columns: str | Iterable[str],
    *,
    message: str = "",
    expected: str = "",
    explained: str = "",
) -> Finding:
    """Return a finding: a pass without a message, explained with a reason, else a fault."""
    names = (columns,) if isinstance(columns, str) else tuple(columns)
    value = getattr(row, names[0], None)
    return Finding(
        check="",
        status="pass" if not message else "explained" if explained else "fault",
        file=f"{table}.csv",
        row=row.row,
        column=names[0],
        value="" if value is None else str(value),
        message=f"{message}: {explained}" if explained else message,
        expected=expected,
        study_id=getattr(row, "study_id", ""),
        columns=names,
    )


def run_checks(tables: Tables) -> tuple[CheckResult, ...]:
    """Run every check.

    A finding that rests on a cell that already broke its contract is left out: it would name the
    same mistake twice.
    """
    from analysis.evidence.checks_arms import CHECKS as ARMS
    from analysis.evidence.checks_counts import CHECKS as COUNTS
    from analysis.evidence.checks_records import CHECKS as RECORDS
    from analysis.evidence.checks_references import CHECKS as REFERENCES
    from analysis.evidence.checks_trials import CHECKS as TRIALS
    from analysis.evidence.checks_versions import CHECKS as VERSIONS

    results = []
    for check in (*REFERENCES, *VERSIONS, *RECORDS, *COUNTS, *ARMS, *TRIALS):
        passed, explained, faults = 0, [], []
        for finding in check.look(tables):
            if tables.bad.get((finding.file, finding.row), frozenset()).intersection(finding.columns):
                continue
            if finding.status == "pass":
                passed += 1
            elif finding.status == "explained":
                explained.append(finding)
            else:
                faults.append(finding)
        results.append(CheckResult(check.key, check.label, passed, tuple(explained), tuple(faults)))
    return tuple(results)
