"""The content hash: one fingerprint of everything that was read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.evidence.protocol import Protocol

__all__ = ["content_hash"]


def content_hash(
    tables: Mapping[str, Iterable[Any]], protocol: Protocol, classes: Mapping[str, type]
) -> str:
    """Return the SHA-256 of the tables' rows and of the protocol, in canonical order.

    `classes` gives the row class of each table, so that an empty table still counts by its columns.
    """
    digest = hashlib.sha256()
    for name in sorted(tables):
        names = [item.name for item in fields(classes[name]) if item.name != "row"]
        lines = sorted(
            "\x1f".join("" if (value := getattr(row, item)) is None else str(value) for item in names)
            for row in tables[name]
        )
        digest.update("\n".join([name, *names, *lines, ""]).encode())
    digest.update(protocol.canonical.encode())
    return digest.hexdigest()
