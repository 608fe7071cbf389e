"""The words for what is wrong in the data: fault, finding, and the error that carries all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from analysis.results import Result

__all__ = ["CheckResult", "EvidenceFaults", "Fault", "Finding", "Status"]

Status = Literal["pass", "explained", "fault"]

#: Faults of one file that are printed; the others are counted.
_PRINTED = 50


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong, where it stands, and what would be right.

    `row` is the row number that a spreadsheet shows: the header is row 1, and 0 stands for the file
    as a whole.
    """

    file: str
    row: int
    column: str
    value: str
    problem: str
    expected: str

    def text(self) -> str:
        """Return the fault as one line."""
        place = f"{self.file}:{self.row}" + (f":{self.column}" if self.column else "")
        shown = self.value if len(self.value) <= 60 else self.value[:57] + "..."
        return f"{place}: {shown!r}: {self.problem}; expected {self.expected}"


class EvidenceFaults(ValueError):
    """Raised when the data cannot be used; carries every fault, not only the first.

    Attributes
    ----------
    faults : tuple of Fault
        All faults: those of whole files first, then by file and row.
    """

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = tuple(sorted(faults, key=_order))
        super().__init__(self.text())

    def text(self) -> str:
        """Return one line per fault, after a line that counts them.

        Of a file with very many faults the first are printed and the others counted.
        """
        count = len(self.faults)
        lines = [f"{count} fault{'' if count == 1 else 's'} in the data"]
        seen: Counter[str] = Counter()
        for fault in self.faults:
            seen[fault.file] += 1
            if seen[fault.file] <= _PRINTED:
                lines.append(fault.text())
        more = {file: times - _PRINTED for file, times in seen.items() if times > _PRINTED}
        return "\n".join(lines + [f"{file}: {times} more faults" for file, times in more.items()])


def _order(fault: Fault) -> tuple[bool, Fault]:
    """Put what is wrong with a file as a whole, or with its header, before what is wrong in its rows."""
    head = fault.row == 0 or (fault.row == 1 and fault.file.endswith(".csv"))
    return not head, fault


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found in one place.

    A finding that is `explained` departs from the rule, but the data say why; it does not stop a
    build.
    """

    check: str
    status: Status
    file: str
    row: int
    column: str
    value: str
    message: str
    expected: str = ""
    study_id: str = ""
    columns: tuple[str, ...] = ()

    def to_fault(self) -> Fault:
        """Return the finding as a fault."""
        return Fault(self.file, self.row, self.column, self.value, self.message, self.expected)


@dataclass(frozen=True, slots=True)
class CheckResult(Result):
    """All that one check found: how often it passed, and each explained departure or fault."""

    key: str
    label: str
    passed: int
    explained: tuple[Finding, ...] = field(default=())
    faults: tuple[Finding, ...] = field(default=())

    def rows(self) -> list[dict[str, Any]]:
        """Return the explained findings and the faults, one a row."""
        return [
            {
                "check": self.label,
                "status": finding.status,
                "file": finding.file,
                "row": finding.row,
                "column": finding.column,
                "study_id": finding.study_id,
                "value": finding.value,
                "message": finding.message,
            }
            for finding in (*self.faults, *self.explained)
        ]
