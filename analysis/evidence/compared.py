"""The two arms of a comparison: which arms of a study are the treated and the control, and their names.

Both are read from the protocol's section ``arms``; nothing else in the code knows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.evidence.protocol import Protocol

__all__ = ["ComparedArms", "Side", "compared_arms"]

#: What a protocol without the section is taken to mean.
_DEFAULTS: dict[str, Any] = {
    "treated": {"keys": ["treated"], "label": "treatment"},
    "control": {"keys": ["control"], "label": "control"},
}


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the comparison: the keys of its arms, and its name in running text."""

    keys: tuple[str, ...]
    label: str

    @property
    def head(self) -> str:
        """The name as the head of a column."""
        return f"{self.label[:1].upper()}{self.label[1:]}"


@dataclass(frozen=True, slots=True)
class ComparedArms:
    """The treated side and the control side."""

    treated: Side
    control: Side


def compared_arms(protocol: Protocol) -> ComparedArms:
    """Return the two sides of the protocol.

    Raises
    ------
    ValueError
        When a side is not a list of keys with a label, or an arm stands on both sides.
    """
    section: dict[str, Any] = protocol.text.get("arms") or {}
    sides = {}
    for name, default in _DEFAULTS.items():
        found = section.get(name, default)
        part: dict[str, Any] = found if isinstance(found, dict) else {}
        keys, label = part.get("keys") or [], part.get("label") or ""
        good = isinstance(keys, list) and keys and all(isinstance(key, str) and key for key in keys)
        if not good or not isinstance(label, str) or not label.strip():
            raise ValueError(
                f"protocol, arms.{name}: {found!r} is not a map of keys (a list) and label (a text)"
            )
        sides[name] = Side(tuple(keys), label.strip())
    both = set(sides["treated"].keys) & set(sides["control"].keys)
    if both:
        raise ValueError(f"protocol, arms: {', '.join(sorted(both))} stands on both sides")
    return ComparedArms(**sides)
