"""Words for keys that are no words: studies without an author, endings of labels, arms."""

from __future__ import annotations

from functools import cache
from pathlib import Path

__all__ = ["arm_name", "label_ending", "short_name"]

_FILE = Path(__file__).resolve().parents[2] / "data" / "short_names.yml"
#: Arms that many studies have, in any review of thrombectomy.
_ARMS = {
    "evt": "thrombectomy",
    "control": "control",
    "primary": "primary occlusions",
    "secondary": "secondary occlusions",
    "distal": "distal occlusions",
    "aca": "ACA occlusions",
    "mca": "MCA occlusions",
    "pca": "PCA occlusions",
    "m2": "M2 occlusions",
    "m3": "M3 occlusions",
    "sr": "stent retriever",
    "asp": "aspiration",
    "combined": "stent retriever with aspiration",
}


@cache
def _names(kind: str) -> dict[str, str]:
    import yaml

    # Another review started from this one has no such studies, and so no such file.
    found = yaml.safe_load(_FILE.read_text("utf-8")) if _FILE.is_file() else None
    return dict((found or {}).get(kind) or {})


def short_name(study_id: str) -> str:
    """Return words of the title in square brackets, or the key where none are given.

    Examples
    --------
    >>> short_name("nobody2020")
    '[nobody2020]'
    """
    return f"[{_names('studies').get(study_id, study_id)}]"


def label_ending(word: str) -> str:
    """Return what a label shows for the word after the year of a key.

    Examples
    --------
    >>> label_ending("technique")
    'technique'
    """
    return _names("endings").get(word, word)


def arm_name(arm_id: str, unit: str = "patients") -> str:
    """Name an arm in words; one that has none goes by its key, without underscores.

    Parameters
    ----------
    arm_id
        Key of the arm.
    unit
        What the row counts: a count of occlusions is not told as one of all patients.

    Examples
    --------
    >>> arm_name("evt"), arm_name("late_window")
    ('thrombectomy', 'late window')
    >>> arm_name("all"), arm_name("all", "occlusions")
    ('all patients', 'all occlusions')
    """
    named = _names("arms").get(arm_id) or _ARMS.get(arm_id)
    return named or (f"all {unit}" if arm_id == "all" else arm_id.replace("_", " "))
