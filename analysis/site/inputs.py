"""What the book is made from, as one hash; its files are found in one order on every machine."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["digest", "files_below"]

#: Everything outside the pages that a number, table or figure of the book can come from.
_INPUTS = (
    "analysis/**/*",
    "data/**/*",
    "validation/**/*",
    "benchmarks/results.json",
    "imports/runs.csv",
    "book/*.bib",
    "CITATION.cff",
    "requirements*.txt",
    "pyproject.toml",
)

#: Leftovers that change without any change of a source.
_NOT_INPUTS = frozenset({"__pycache__", ".ipynb_checkpoints"})
_LEFTOVERS = frozenset({".pyc", ".nbi", ".nbc", ".part", ".lock"})


def digest(root: Path, patterns: tuple[str, ...] = _INPUTS) -> str:
    """Return a short hash of files and of the Python version.

    Parameters
    ----------
    root
        Folder of the review.
    patterns
        Which files, as patterns below the root; by default all that a number can come from.
    """
    seen = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    for pattern in patterns:
        for path in sorted(root.glob(pattern)):
            if path.suffix in _LEFTOVERS or not _NOT_INPUTS.isdisjoint(path.parts) or not path.is_file():
                continue
            seen.update(path.relative_to(root).as_posix().encode() + b"\0")
            seen.update(path.read_bytes() + b"\0")
    return seen.hexdigest()[:16]


def files_below(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder in order."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file())
