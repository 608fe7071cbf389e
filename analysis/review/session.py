"""The evidence of this repository, loaded once a process."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.evidence.load import load_evidence

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence

__all__ = ["ROOT", "load"]

#: The repository: the folder that holds `analysis/` and `data/`.
ROOT = Path(__file__).resolve().parents[2]


@cache
def load() -> Evidence:
    """Return the repository's evidence, whatever the working directory.

    Raises
    ------
    EvidenceFaults
        When a table breaks its contract; the message names every fault.
    """
    return load_evidence(ROOT / "data")
