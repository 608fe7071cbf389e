"""Words for keys that are no words: studies without an author, endings of labels, arms."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from analysis.evidence.faults import EvidenceFaults
from analysis.evidence.shape import shape_faults
from analysis.evidence.yaml_text import read_yaml

__all__ = ["arm_name", "label_ending", "read_short_names", "short_name"]

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


_WORDS = {"type": ["object", "null"], "additionalProperties": {"type": "string", "minLength": 1}}
_SHAPE: dict[str, Any] = {
    "type": "object",
    "properties": {"studies": _WORDS, "endings": _WORDS, "arms": _WORDS},
    "additionalProperties": False,
}


def read_short_names(path: Path = _FILE) -> dict[str, dict[str, str]]:
    """Return the words of a file by kind; a review that needs none has no such file.

    Raises
    ------
    EvidenceFaults
        With every fault of the file.
    """
    if not path.exists():
        return {}
    read = read_yaml(path)
    faults = read.faults
    if not faults and read.content is not None:
        faults = tuple(shape_faults(read, path.name, _SHAPE))
    if faults:
        raise EvidenceFaults(faults)
    return {kind: words or {} for kind, words in (read.content or {}).items()}


@cache
def _names(kind: str) -> dict[str, str]:
    return read_short_names().get(kind, {})


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
