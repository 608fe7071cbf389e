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

__all__ = ["MANY", "Check", "NotKnown", "Tables", "found", "run_checks"]


#: Above so many keys that are not in a table, rows of that table are missing, not keys wrong.
MANY = 5


class NotKnown(Exception):
    """Raised inside a check that cannot look, as a fault of a table is named already."""


@dataclass(frozen=True)
class Tables:
    """Rows of every table, and the cells that already broke their contract."""

    rows: Mapping[str, tuple[Any, ...]]
    protocol: Protocol
    bad: Mapping[tuple[str, int], frozenset[str]]
    unread: frozenset[str] = frozenset()
    partial: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> tuple[Any, ...]:
        """Return the rows of a table that passed the checks of their own cells.

        Raises
        ------
        NotKnown
            When the table could not be read.
        """
        rows = self.every(name)
        return tuple(row for row in rows if not self.faulty(name, row)) if self.bad else rows

    def every(self, name: str) -> tuple[Any, ...]:
        """Return all rows of a table; cells that broke their contract are None or as written.

        Raises
        ------
        NotKnown
            When the table could not be read.
        """
        if name in self.unread:
            raise NotKnown(name)
        return self.rows[name]

    def faulty(self, name: str, row: Row) -> bool:
        """Tell whether a cell of the row broke its contract."""
        return (f"{name}.csv", row.row) in self.bad

    def need(self, *names: str, clean: bool = False) -> None:
        """Go on only when every row of these tables is known, with its key.

        A check that says "there is no such row" has to ask this first. With `clean`, no cell of the
        tables may have broken its contract.

        Raises
        ------
        NotKnown
            When a row of one of them is not known.
        """
        for name in names:
            marred = clean and any(self.faulty(name, row) for row in self.rows[name])
            if name in self.partial or marred:
                raise NotKnown(name)


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


def _findings(check: Check, tables: Tables) -> Iterator[Finding]:
    """Yield what a check finds, until it meets what is known to be wrong."""
    try:
        yield from check.look(tables)
    except NotKnown:
        return
    except Exception:
        if not (tables.bad or tables.partial):
            raise


def run_checks(tables: Tables) -> tuple[CheckResult, ...]:
    """Run every check.

    A finding that rests on a cell that already broke its contract is left out: it would name the
    same mistake twice. For the same reason a check ends where it meets a table that was not read, or
    a value that is none, while faults of cells are known. Without such a fault an exception is a
    mistake of the check, and is raised.
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
        for finding in _findings(check, tables):
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
