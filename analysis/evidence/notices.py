"""Notices: what became known later about a study or a row, and what was known before.

The tables hold what is known today. A notice names the version from which on a change counts, so an
earlier version can be had as it was published: a corrected cell gets its old value back, a row added
later goes, and a retraction is not yet known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from analysis.evidence.rows import columns_of
from analysis.evidence.tables import Notice, Outcome, Study

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence, Version

__all__ = ["as_known", "cell_value", "retractions", "same_place"]

Row = TypeVar("Row", Study, Outcome)

_READ: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int | None": lambda text: int(text) if text else None,
    "Decimal | None": lambda text: Decimal(text) if text else None,
}


def as_known(evidence: Evidence, version: Version) -> Evidence:
    """Return the evidence with its notices as they stood in a version.

    The data hash stays that of the evidence given: it names the files that were read.
    """
    order = {item.id: place for place, item in enumerate(evidence.versions)}
    later = [item for item in evidence.notices if order[item.version] > order[version.id]]
    if not later:
        return evidence
    outcomes, studies = evidence.outcomes, evidence.studies
    # The newest goes first, so that of two corrections of one cell the oldest value remains.
    for notice in sorted(later, key=lambda item: (order[item.version], item.row), reverse=True):
        if notice.kind == "addition":
            outcomes = tuple(row for row in outcomes if not same_place(row, notice))
        elif notice.kind == "correction" and notice.table == "outcomes":
            outcomes = tuple(_put_back(outcomes, notice))
        elif notice.kind == "correction":
            studies = tuple(_put_back(studies, notice))
    kept = tuple(item for item in evidence.notices if item not in later)
    return replace(evidence, outcomes=outcomes, studies=studies, notices=kept)


def retractions(evidence: Evidence) -> dict[str, Notice]:
    """Return the notice of each retracted study."""
    return {item.study_id: item for item in evidence.notices if item.kind == "retraction"}


def same_place(row: Study | Outcome, notice: Notice) -> bool:
    """Tell whether a notice is about a row."""
    if row.study_id != notice.study_id:
        return False
    if isinstance(row, Study):
        return True
    return (row.arm_id, row.outcome) == (notice.arm_id, notice.outcome)


def cell_value(kind: type, column: str, text: str) -> Any:
    """Return the typed value of a cell as the tables hold it.

    Raises
    ------
    ValueError
        When the table has no such column, or the text is no value of its type.
    """
    types = {item.name: str(item.type) for item in fields(kind) if item.name in columns_of(kind)}
    if column not in types:
        raise ValueError(f"no column {column!r}")
    try:
        return _READ[types[column]](text)
    except ArithmeticError as error:
        raise ValueError(f"{text!r} is no number") from error


def _put_back(rows: Iterable[Row], notice: Notice) -> Iterable[Row]:
    for row in rows:
        if same_place(row, notice):
            value = cell_value(type(row), notice.column, notice.old_value)
            yield replace(row, **{notice.column: value})
        else:
            yield row
