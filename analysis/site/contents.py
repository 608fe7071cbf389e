"""The chapters of the book in the order of its table of contents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["book_order"]


def book_order(root: Path) -> tuple[str, ...]:
    """Return the names of all chapters in order, as they stand in ``_toc.yml``."""
    import yaml

    contents: dict[str, Any] = yaml.safe_load((root / "_toc.yml").read_text("utf-8"))
    names = [contents["root"]]
    return (*names, *(item["file"] for part in contents["parts"] for item in part["chapters"]))
