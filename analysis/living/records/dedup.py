"""Finding duplicates among records: explainable rules, each decision kept with its reason.

Nothing is removed here. A duplicate points to the record that stands for it, and a doubtful pair goes to
a list to check by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from analysis.living.records.blocks import candidate_pairs
from analysis.living.records.compare import compare, contradictions
from analysis.living.records.keys import Key, key_of
from analysis.living.records.kinds import kind_of
from analysis.living.records.record import Record
from analysis.living.records.rules import RULES, Verdict, judge
from analysis.results import Result

__all__ = ["Decision", "Dedup", "deduplicate"]

#: Pairs whose titles are compared at a time; bounds the memory whatever the number of records.
_CHUNK = 50_000
#: Below this share of equal letters a pair is dropped unless an identifier, a place or a subtitle binds it.
_LEAST_RATIO = 85.0
#: Rules from strongest to weakest: the order in which groups grow.
_STRENGTH = {rule: place for place, rule in enumerate(RULES)}


class Decision(NamedTuple):
    """What was decided on one pair (indices into the records), by which rule, and why."""

    first: int
    second: int
    verdict: Verdict
    rule: str
    detail: str
    title_ratio: float


@dataclass(frozen=True, slots=True)
class Dedup(Result):
    """Records with their duplicates and every decision.

    Attributes
    ----------
    records : tuple of Record
        Known records first, then the new ones, in their order.
    known : int
        How many of the records were known before.
    duplicate_of : tuple of int or None
        For each record the index of the record that stands for it; None when it stands for itself.
    decisions : tuple of Decision
        Every pair judged a duplicate or to be checked by hand.
    compared : int
        How many pairs were compared.
    """

    records: tuple[Record, ...]
    known: int
    duplicate_of: tuple[int | None, ...]
    decisions: tuple[Decision, ...]
    compared: int

    @property
    def unique(self) -> tuple[int, ...]:
        """Indices of the records that stand for themselves."""
        return tuple(i for i, other in enumerate(self.duplicate_of) if other is None)

    @property
    def to_check(self) -> tuple[Decision, ...]:
        """Decisions that wait for a person."""
        return tuple(item for item in self.decisions if item.verdict == "check")

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """Groups of two or more records that are one paper; the first stands for the others."""
        members: dict[int, list[int]] = {}
        for index, other in enumerate(self.duplicate_of):
            if other is not None:
                members.setdefault(other, [other]).append(index)
        return tuple(tuple(group) for _, group in sorted(members.items()))

    def rows(self) -> list[dict[str, Any]]:
        """Return the audit table: one decision a row, with both records beside each other."""
        return [
            {
                "verdict": item.verdict,
                "rule": item.rule,
                "reason": RULES[item.rule],
                "detail": item.detail,
                "title_ratio": round(item.title_ratio, 1),
                **_side("a", self.records[item.first]),
                **_side("b", self.records[item.second]),
            }
            for item in self.decisions
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the counts."""
        return {
            "records": len(self.records),
            "known": self.known,
            "unique": len(self.unique),
            "duplicates": len(self.records) - len(self.unique),
            "to_check": len(self.to_check),
            "compared": self.compared,
        }


def _side(name: str, record: Record) -> dict[str, Any]:
    place = " ".join(part for part in (record.journal, record.volume, record.pages) if part)
    return {
        f"{name}_file": record.file,
        f"{name}_position": record.position,
        f"{name}_kind": kind_of(record),
        f"{name}_title": record.title,
        f"{name}_first_author": record.authors[0] if record.authors else "",
        f"{name}_year": record.year,
        f"{name}_place": place,
        f"{name}_doi": record.doi,
        f"{name}_pmid": record.pmid,
    }


def deduplicate(records: Sequence[Record], *, known: Sequence[Record] = ()) -> Dedup:
    """Find the duplicates among new records, and between them and known ones.

    Parameters
    ----------
    records : sequence of Record
        New records, in the order of the files.
    known : sequence of Record
        Records of earlier searches. A known record always stands for its new duplicates, and known
        records are not compared with each other again.

    Returns
    -------
    Dedup
        The records with their duplicates, and the audit of every decision.
    """
    everything = (*known, *records)
    keys = [key_of(record) for record in everything]
    pairs = candidate_pairs(keys, len(known))
    decisions = _judge_pairs(pairs, keys)
    decisions, parent = _grow_groups(decisions, keys)
    return Dedup(
        records=everything,
        known=len(known),
        duplicate_of=_representatives(parent, everything, len(known)),
        decisions=tuple(sorted(decisions)),
        compared=len(pairs),
    )


def _judge_pairs(pairs: list[tuple[int, int]], keys: list[Key]) -> list[Decision]:
    from rapidfuzz.fuzz import ratio
    from rapidfuzz.process import cpdist

    found: list[Decision] = []
    for start in range(0, len(pairs), _CHUNK):
        chunk = pairs[start : start + _CHUNK]
        shares = cpdist([keys[a].solid for a, _ in chunk], [keys[b].solid for _, b in chunk], scorer=ratio)
        for (a, b), share in zip(chunk, shares.tolist(), strict=True):
            one, two = keys[a], keys[b]
            if share < _LEAST_RATIO and not _bound(one, two):
                continue
            judgement = judge(one, two, compare(one, two, share))
            if judgement.verdict != "different":
                found.append(Decision(a, b, *judgement, share))
    return found


def _bound(a: Key, b: Key) -> bool:
    """Whether an identifier, a place or a subtitle binds two records whose titles look unlike."""
    if (a.doi and a.doi == b.doi) or (a.pmid and a.pmid == b.pmid):
        return True
    if a.accession and a.accession == b.accession:
        return True
    place = (a.volume, a.first_page, a.names)
    if all(place) and place == (b.volume, b.first_page, b.names):
        return True
    short, long = sorted((a.solid, b.solid), key=len)
    return bool(short) and (long.startswith(short) or long.endswith(short))


def _grow_groups(decisions: list[Decision], keys: list[Key]) -> tuple[list[Decision], list[int]]:
    """Join duplicates into groups, strongest rule first, and never join two that contradict.

    A record with few details may match two papers that are not one; the join that would chain them is
    handed to a person instead.
    """
    parent = list(range(len(keys)))
    members: dict[int, list[int]] = {}
    kept: list[Decision] = []
    for item in sorted(decisions, key=lambda d: (_STRENGTH[d.rule], d.first, d.second)):
        if item.verdict != "duplicate":
            kept.append(item)
            continue
        one, two = parent[item.first], parent[item.second]
        if one == two:
            kept.append(item)
            continue
        left, right = members.get(one, [one]), members.get(two, [two])
        clash = _clash(left, right, keys)
        if clash:
            kept.append(item._replace(verdict="check", rule="chained", detail=clash))
            continue
        members[one] = left + right
        members.pop(two, None)
        for index in right:
            parent[index] = one
        kept.append(item)
    return kept, parent


def _clash(left: list[int], right: list[int], keys: list[Key]) -> str:
    for a in left:
        for b in right:
            found = compare(keys[a], keys[b])
            apart = ("the two are reports of two kinds",) if found.kinds == "differ" else ()
            against = (*contradictions(found), *apart)
            if against and judge(keys[a], keys[b], found).verdict != "duplicate":
                return "; ".join(against)
    return ""


def _representatives(parent: list[int], records: Sequence[Record], known: int) -> tuple[int | None, ...]:
    members: dict[int, list[int]] = {}
    for index, root in enumerate(parent):
        members.setdefault(root, []).append(index)
    result: list[int | None] = [None] * len(records)
    for group in members.values():
        if len(group) > 1:
            best = min(group, key=lambda i: (i >= known, -_filled(records[i]), i))
            for index in group:
                if index != best:
                    result[index] = best
    return tuple(result)


def _filled(record: Record) -> int:
    """How much a record says: the fullest record of a group stands for it."""
    return sum(
        bool(value)
        for value in (
            record.doi, record.pmid, record.abstract, record.authors, record.year,
            record.journal, record.volume, record.issue, record.pages, record.nct,
        )
    )  # fmt: skip
