"""Arms of one study: which arm contains which.

An arm is a set of patients, so what one row says about it holds for every outcome of the study.
"""

from __future__ import annotations

from collections.abc import Iterable

from analysis.evidence.tables import Outcome

__all__ = ["containing_arms"]


def containing_arms(rows: Iterable[Outcome]) -> dict[str, frozenset[str]]:
    """Return for each arm of a study every arm that contains it, directly or through another.

    Examples
    --------
    Early is part of stroke, and stroke is part of all: early is contained in both.
    """
    direct: dict[str, set[str]] = {}
    for row in rows:
        direct.setdefault(row.arm_id, set())
        if row.is_partition_of:
            direct[row.arm_id].add(row.is_partition_of)
    return {arm: frozenset(_climb(arm, direct)) for arm in direct}


def _climb(arm: str, direct: dict[str, set[str]]) -> set[str]:
    above: set[str] = set()
    waiting = list(direct.get(arm, ()))
    while waiting:
        whole = waiting.pop()
        if whole not in above:
            above.add(whole)
            waiting += direct.get(whole, ())
    return above
