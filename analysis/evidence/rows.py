"""What all rows share: columns that only the schema of one review declares."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

__all__ = ["CoreRow", "columns_of", "has_column"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoreRow:
    """A row of a table; `extra` holds name and value of each declared column beyond the core.

    A declared column is read like an attribute: ``study.latitude`` is the value of the column
    `latitude` that the review added to the schema of its studies.
    """

    extra: tuple[tuple[str, Any], ...] = ()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name != "extra" and not name.startswith("__"):
                for column, value in self.extra:
                    if column == name:
                        return value
            raise AttributeError(f"{type(self).__name__!r} has no column {name!r}")


def has_column(row: CoreRow, name: str) -> bool:
    """Tell whether a row has a column, of the core or declared by the review."""
    return name in columns_of(type(row)) or any(name == column for column, _ in row.extra)


def columns_of(kind: type) -> tuple[str, ...]:
    """Return the core columns of a table by the class of its rows.

    Examples
    --------
    >>> from analysis.evidence.tables import OverlapGroup
    >>> columns_of(OverlapGroup)
    ('group', 'kind', 'basis', 'source')
    """
    return tuple(item.name for item in fields(kind) if item.name not in ("row", "extra"))
