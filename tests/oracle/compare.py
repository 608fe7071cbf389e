"""Compare our numbers with reference records, kind by kind.

A comparer takes a data set and a record and returns checks: our value, theirs, the scale that a
difference is measured against, the tolerance. `outcome` sums a record up; differences that the peer
is known to be the cause of carry a reason.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tests.oracle.loader import ORACLE, Dataset, datasets, number

#: Relative tolerances: closed forms, optimised values, and rma.glmm with glmer's optimiser.
CLOSED, OPTIMISED, GLMER = 1e-8, 1e-6, 1e-4


class Check(NamedTuple):
    """One number against another; the difference counts relative to `scale`."""

    name: str
    ours: float
    theirs: float
    scale: float
    tolerance: float

    @property
    def deviation(self) -> float:
        """Relative difference, zero when both are missing or the same infinity."""
        if math.isnan(self.theirs) or math.isnan(self.ours):
            return 0.0 if math.isnan(self.theirs) and math.isnan(self.ours) else math.inf
        if math.isinf(self.theirs) or math.isinf(self.ours):
            return 0.0 if self.theirs == self.ours else math.inf
        size = max(abs(self.theirs), abs(self.scale))
        return abs(self.ours - self.theirs) / size if size > 0 else abs(self.ours - self.theirs)


class Outcome(NamedTuple):
    """What became of one record."""

    dataset: str
    engine: str
    kind: str
    id: str
    status: str  # agree, explained, differs, skipped
    deviation: float
    worst: str
    reason: str
    tolerance: float = 0.0  # the loosest that a number of the record was held to


Comparer = Callable[[Dataset, dict[str, Any]], "list[Check] | str | None"]

COMPARERS: dict[tuple[str, str], Comparer] = {}

#: (engine, kind) -> rules; a rule sees the record and the failed checks and returns a reason or "".
Reason = Callable[[Dataset, dict[str, Any], list[Check]], str]
REASONS: dict[tuple[str, str], list[Reason]] = {}


def compares(engine: str, *kinds: str) -> Callable[[Comparer], Comparer]:
    """Register a comparer for kinds of one engine."""

    def register(function: Comparer) -> Comparer:
        for kind in kinds:
            COMPARERS[engine, kind] = function
        return function

    return register


def explains(engine: str, *kinds: str) -> Callable[[Reason], Reason]:
    """Register a reason for differences of kinds."""

    def register(function: Reason) -> Reason:
        for kind in kinds:
            REASONS.setdefault((engine, kind), []).append(function)
        return function

    return register


def checks(prefix: str, ours: Any, theirs: Any, tolerance: float, scale: Any = 0.0) -> list[Check]:
    """Pair numbers or arrays; a difference in length is a difference."""
    a = np.atleast_1d(np.asarray(ours, dtype=float))
    b = np.atleast_1d(np.asarray(number(theirs), dtype=float))
    if a.size != b.size:
        return [Check(f"{prefix} (length {a.size} and {b.size})", 1.0, math.inf, 1.0, tolerance)]
    s = np.broadcast_to(np.asarray(scale, dtype=float), a.shape)
    return [
        Check(prefix if a.size == 1 else f"{prefix}[{i}]", float(x), float(y), float(z), tolerance)
        for i, (x, y, z) in enumerate(zip(a, b, s, strict=True))
    ]


def outcome(data: Dataset, record: dict[str, Any]) -> Outcome:
    """Compare one record."""
    head = (data.name, data.engine, record["kind"], record["id"])
    comparer = COMPARERS.get((data.engine, record["kind"]))
    if comparer is None:
        return Outcome(*head, "skipped", 0.0, "", "no comparer for this kind")
    if "error" in record["outputs"]:
        return Outcome(*head, "skipped", 0.0, "", f"peer fails: {_brief(record)}")
    if record.get("suspect"):
        return Outcome(*head, "skipped", 0.0, "", "marked suspect")
    found = comparer(data, record)
    if found is None or isinstance(found, str):
        return Outcome(*head, "skipped", 0.0, "", found or "variant not offered")
    worst = max(found, key=lambda c: c.deviation, default=None)
    failed = [c for c in found if not c.deviation <= c.tolerance]
    deviation = worst.deviation if worst else 0.0
    loosest = max((c.tolerance for c in found), default=0.0)
    if not failed:
        return Outcome(*head, "agree", deviation, worst.name if worst else "", "", loosest)
    for rule in REASONS.get((data.engine, record["kind"]), []):
        reason = rule(data, record, failed)
        if reason:
            return Outcome(*head, "explained", deviation, worst.name, reason, loosest)
    names = ", ".join(f"{c.name} {c.ours:.12g} for {c.theirs:.12g}" for c in failed[:3])
    return Outcome(*head, "differs", deviation, worst.name, names, loosest)


def _brief(record: dict[str, Any]) -> str:
    return str(record["outputs"]["error"]).strip().splitlines()[0][:90]


def compare_all(directory: Path = ORACLE, kinds: Iterable[str] | None = None) -> Iterable[Outcome]:
    """Compare every record of a folder."""
    from tests.oracle import register_all

    register_all()
    wanted = set(kinds) if kinds is not None else None
    for data in datasets(directory):
        for record in data.records:
            if wanted is None or record["kind"] in wanted:
                yield outcome(data, record)
