"""The content hashes: fingerprints of what was read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from analysis.evidence.rows import columns_of

if TYPE_CHECKING:
    from analysis.evidence.protocol import Protocol

__all__ = ["content_hash", "table_hash"]


def content_hash(
    tables: Mapping[str, Iterable[Any]], protocol: Protocol, classes: Mapping[str, type]
) -> str:
    """Return the SHA-256 of the tables' rows and of the protocol, in canonical order.

    `classes` gives the row class of each table, so that an empty table still counts by its columns.
    """
    digest = hashlib.sha256()
    for name in sorted(tables):
        digest.update(_canonical(name, tables[name], classes[name]))
    digest.update(protocol.canonical.encode())
    return digest.hexdigest()


def table_hash(name: str, rows: Iterable[Any], kind: type) -> str:
    """Return the SHA-256 of one table alone, in the same canonical order."""
    return hashlib.sha256(_canonical(name, rows, kind)).hexdigest()


def _canonical(name: str, rows: Iterable[Any], kind: type) -> bytes:
    """Return rows as bytes that do not depend on their order.

    Where a row stands in its file is left out. A column that only this review declares counts from
    the first row on.
    """
    rows = tuple(rows)
    names = [*columns_of(kind), *sorted({name for row in rows for name, _ in getattr(row, "extra", ())})]
    lines = sorted(
        "\x1f".join("" if (value := getattr(row, item, None)) is None else str(value) for item in names)
        for row in rows
    )
    return "\n".join([name, *names, *lines, ""]).encode()
