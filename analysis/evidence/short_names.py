"""Short names for studies whose readable text shows no author."""

from __future__ import annotations

from functools import cache
from pathlib import Path

__all__ = ["short_name"]

_FILE = Path(__file__).resolve().parents[2] / "data" / "short_names.yml"


@cache
def _names() -> dict[str, str]:
    import yaml

    # Another review started from this one has no such studies, and so no such file.
    return dict(yaml.safe_load(_FILE.read_text("utf-8")) or {}) if _FILE.is_file() else {}


def short_name(study_id: str) -> str:
    """Return words of the title in square brackets, or the key where none are given.

    Examples
    --------
    >>> short_name("nobody2020")
    '[nobody2020]'
    """
    return f"[{_names().get(study_id, study_id)}]"
