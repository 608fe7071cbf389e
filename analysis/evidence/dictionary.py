"""The written data dictionary, made from the descriptions in the schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from analysis.evidence.load import DATA
from analysis.evidence.tables import TABLES

__all__ = ["DOCUMENTED", "dictionary_markdown", "dictionary_rows"]

#: Every table with a schema: those of the evidence, and the ledger of records.
DOCUMENTED: tuple[str, ...] = (*TABLES, "records")


def dictionary_rows(directory: Path = DATA) -> list[dict[str, str]]:
    """Return one row a column: file, column, kind, allowed values and meaning."""
    rows = []
    for name in DOCUMENTED:
        schema = _read(directory, name)
        for field in schema["fields"]:
            rows.append(
                {
                    "file": f"{name}.csv",
                    "column": field["name"],
                    "kind": field["type"],
                    "allowed": _allowed(field.get("constraints", {})),
                    "meaning": field["description"],
                }
            )
    return rows


def dictionary_markdown(directory: Path = DATA) -> str:
    """Return the dictionary as Markdown, one section a file."""
    parts = []
    rows = dictionary_rows(directory)
    for name in DOCUMENTED:
        schema = _read(directory, name)
        key = ", ".join(f"`{column}`" for column in schema.get("primaryKey", []))
        lines = [f"### {name}.csv", "", schema["title"] + "."]
        if key:
            lines += ["", f"Key: {key}."]
        lines += ["", "| column | kind | allowed | meaning |", "| --- | --- | --- | --- |"]
        for row in rows:
            if row["file"] == f"{name}.csv":
                cells = (f"`{row['column']}`", row["kind"], row["allowed"], row["meaning"])
                lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _read(directory: Path, name: str) -> dict[str, Any]:
    return json.loads((directory / "schemas" / f"{name}.json").read_text(encoding="utf-8"))


def _allowed(limits: dict[str, Any]) -> str:
    words = ["filled"] if limits.get("required") else []
    if "enum" in limits:
        words.append(", ".join(limits["enum"]))
    if "minimum" in limits and "maximum" in limits:
        words.append(f"{limits['minimum']} to {limits['maximum']}")
    elif "minimum" in limits:
        words.append(f"at least {limits['minimum']}")
    return "; ".join(words)
