"""Overlap: which studies of a group that may share patients may stand in one pool."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from analysis.evidence.tables import Study

__all__ = ["Candidate", "Clash", "one_per_group", "specific_territory"]

_SPECIFIC = ("MCA", "ACA", "PCA")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A study that could enter a pool: its patients and the territory of its rows."""

    study: Study
    total: int
    territory: str


@dataclass(frozen=True, slots=True)
class Clash:
    """A study left out because another of its group stands in the pool."""

    study: Study
    group: str
    kept: Study


def specific_territory(territories: Iterable[str]) -> str:
    """Return the one named territory, or ``"mixed"``."""
    found = set(territories)
    return found.pop() if len(found) == 1 and found <= set(_SPECIFIC) else "mixed"


def one_per_group(
    candidates: Iterable[Candidate], first: Literal["largest", "earliest"] = "largest"
) -> tuple[Clash, ...]:
    """Return the studies that must stay out so that no group can count a patient twice.

    Within a group the larger total goes first, then the earlier year, then the study key; with
    `first` "earliest", year goes before total. A later study stays in only when its territory and
    that of every kept study of the group are named and differ.
    """
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        if candidate.study.overlap_group:
            groups.setdefault(candidate.study.overlap_group, []).append(candidate)
    clashes = []
    for group, members in groups.items():
        kept: list[Candidate] = []
        for candidate in sorted(members, key=_PRECEDENCE[first]):
            rival = next((other for other in kept if _may_share(candidate, other)), None)
            if rival is None:
                kept.append(candidate)
            else:
                clashes.append(Clash(candidate.study, group, rival.study))
    return tuple(clashes)


def _largest(candidate: Candidate) -> tuple[int, int, str]:
    return (-candidate.total, _year(candidate), candidate.study.study_id)


def _earliest(candidate: Candidate) -> tuple[int, int, str]:
    return (_year(candidate), -candidate.total, candidate.study.study_id)


def _year(candidate: Candidate) -> int:
    return candidate.study.year if candidate.study.year is not None else 9999


_PRECEDENCE = {"largest": _largest, "earliest": _earliest}


def _may_share(one: Candidate, other: Candidate) -> bool:
    both_named = one.territory in _SPECIFIC and other.territory in _SPECIFIC
    return not (both_named and one.territory != other.territory)
