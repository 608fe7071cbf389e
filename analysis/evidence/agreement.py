"""Agreement of the double extraction: what two readers of one study wrote, field by field.

Two extractors form a pair for every row that at least one of them wrote about a study that both
covered. A row that only one wrote is an omission: it counts as "no count" when omissions are kept.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from analysis.evidence.tables import DoubleExtraction, Evidence, Outcome
from analysis.results import Result

__all__ = [
    "Agreement",
    "FieldAgreement",
    "Kappa",
    "Pair",
    "Resolution",
    "cohen_kappa",
    "extraction_agreement",
    "pairs_of",
    "resolutions",
]

#: 97.5% point of the standard normal distribution, for 95% intervals.
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Kappa:
    """Cohen's kappa of one field with its large-sample interval.

    `kappa` is ``nan`` when both readers used one and the same category throughout: chance alone then
    explains full agreement.
    """

    n: int
    agreed: int
    kappa: float
    se: float
    low: float
    high: float

    @property
    def observed(self) -> float:
        """Share of pairs that agree."""
        return self.agreed / self.n if self.n else math.nan


@dataclass(frozen=True, slots=True)
class Pair:
    """What two extractors, named by number, wrote about one row; ``None`` where one left it out."""

    key: tuple[str, str, str]
    readers: tuple[int, int]
    first: DoubleExtraction | None
    second: DoubleExtraction | None


@dataclass(frozen=True, slots=True)
class FieldAgreement:
    """Agreement of one field: its name, which pairs it rests on, and the measures."""

    field: str
    basis: str
    measures: Kappa


@dataclass(frozen=True, slots=True)
class Agreement(Result):
    """Agreement over a set of extractors, and the pairs that differ."""

    extractors: tuple[int, ...]
    pairs: int
    studies: int
    fields: tuple[FieldAgreement, ...]
    differing: tuple[Pair, ...]

    def field(self, name: str) -> Kappa:
        """Return the measures of one field."""
        for item in self.fields:
            if item.field == name:
                return item.measures
        raise KeyError(f"no field {name!r}; known: {', '.join(item.field for item in self.fields)}")

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a field."""
        return [
            {
                "field": item.field,
                "basis": item.basis,
                "pairs": item.measures.n,
                "agreed": item.measures.agreed,
                "share": item.measures.observed,
                "kappa": item.measures.kappa,
                "kappa_low": item.measures.low,
                "kappa_high": item.measures.high,
            }
            for item in self.fields
        ]


@dataclass(frozen=True, slots=True)
class Resolution:
    """One row whose extractors differed or that changed when reconciled, and how it ended."""

    row: Outcome
    wrote: tuple[DoubleExtraction, ...]
    left_out_by: tuple[int, ...]
    reason: str


def cohen_kappa(pairs: Iterable[tuple[Hashable, Hashable]]) -> Kappa:
    r"""Return Cohen's kappa with the large-sample interval of Fleiss, Cohen and Everitt (1969).

    With observed agreement :math:`p_o` and agreement by chance :math:`p_e`,
    :math:`\kappa = (p_o - p_e) / (1 - p_e)`. The interval is the estimate plus and minus 1.96
    standard errors, cut at -1 and 1; pairs are taken as independent, which rows of one study are
    not quite.

    Examples
    --------
    >>> result = cohen_kappa([(1, 1)] * 20 + [(1, 0)] * 5 + [(0, 1)] * 10 + [(0, 0)] * 15)
    >>> round(result.observed, 2), round(result.kappa, 2)
    (0.7, 0.4)
    """
    known = list(pairs)
    n = len(known)
    agreed = sum(one == other for one, other in known)
    if n == 0:
        return Kappa(0, 0, math.nan, math.nan, math.nan, math.nan)
    joint = {cell: number / n for cell, number in Counter(known).items()}
    first = _shares([one for one, _ in known])
    second = _shares([other for _, other in known])
    by_chance = sum(share * second.get(category, 0.0) for category, share in first.items())
    if by_chance >= 1.0 - 1e-12:
        return Kappa(n, agreed, math.nan, math.nan, math.nan, math.nan)
    observed = agreed / n
    kappa = (observed - by_chance) / (1.0 - by_chance)
    diagonal = off = 0.0
    for (one, other), share in joint.items():
        if one == other:
            diagonal += share * (1.0 - (first[one] + second[one]) * (1.0 - kappa)) ** 2
        else:
            off += share * (second.get(one, 0.0) + first.get(other, 0.0)) ** 2
    spread = diagonal + (1.0 - kappa) ** 2 * off - (kappa - by_chance * (1.0 - kappa)) ** 2
    se = math.sqrt(max(spread, 0.0) / n) / (1.0 - by_chance)
    return Kappa(n, agreed, kappa, se, max(-1.0, kappa - _Z * se), min(1.0, kappa + _Z * se))


def _shares(values: Sequence[Hashable]) -> dict[Hashable, float]:
    return {value: number / len(values) for value, number in Counter(values).items()}


def pairs_of(
    extractions: Iterable[DoubleExtraction], extractors: Collection[int] | None = None
) -> tuple[Pair, ...]:
    """Return all pairs of readers of one study, row by row, omissions included.

    Parameters
    ----------
    extractions
        Raw rows.
    extractors
        Only these readers; all by default.
    """
    by_key: dict[tuple[str, str, str], dict[int, DoubleExtraction]] = defaultdict(dict)
    covered: dict[str, set[int]] = defaultdict(set)
    for row in extractions:
        if extractors is None or row.extractor in extractors:
            by_key[row.study_id, row.arm_id, row.outcome][row.extractor] = row
            covered[row.study_id].add(row.extractor)
    return tuple(
        Pair(key, (one, other), wrote.get(one), wrote.get(other))
        for key, wrote in by_key.items()
        for one, other in combinations(sorted(covered[key[0]]), 2)
        if one in wrote or other in wrote
    )


def extraction_agreement(evidence: Evidence, extractors: Collection[int] | None = None) -> Agreement:
    """Return agreement on each field over all pairs of some extractors."""
    pairs = pairs_of(evidence.double_extraction, extractors)
    both = [(pair.first, pair.second) for pair in pairs if pair.first and pair.second]
    counts = [(one, other) for one, other in both if _readable(one) and _readable(other)]
    every = [(_readable(pair.first), _readable(pair.second)) for pair in pairs]
    written, counted = "rows that both wrote", "rows with a count by both"
    fields = (
        FieldAgreement(
            "a count can be read", written, cohen_kappa((_readable(a), _readable(b)) for a, b in both)
        ),
        FieldAgreement("a count was written", "all rows, a row left out as no count", cohen_kappa(every)),
        FieldAgreement("events", counted, cohen_kappa((a.events, b.events) for a, b in counts)),
        FieldAgreement("total", counted, cohen_kappa((a.total, b.total) for a, b in counts)),
        FieldAgreement(
            "events and total",
            counted,
            cohen_kappa(((a.events, a.total), (b.events, b.total)) for a, b in counts),
        ),
        FieldAgreement("derivation", counted, cohen_kappa((a.derivation, b.derivation) for a, b in counts)),
    )
    used = {row.extractor for row in evidence.double_extraction}
    return Agreement(
        extractors=tuple(sorted(used if extractors is None else used & set(extractors))),
        pairs=len(pairs),
        studies=len({pair.key[0] for pair in pairs}),
        fields=fields,
        differing=tuple(pair for pair in pairs if _differ(pair)),
    )


def resolutions(evidence: Evidence) -> tuple[Resolution, ...]:
    """Return the rows of which readers gave different accounts, each with how it was resolved.

    The reason is the row's own note; where it has none, the words say what the reconciled row took.
    """
    wrote: dict[tuple[str, str, str], list[DoubleExtraction]] = defaultdict(list)
    covered: dict[str, set[int]] = defaultdict(set)
    for item in evidence.double_extraction:
        wrote[item.study_id, item.arm_id, item.outcome].append(item)
        covered[item.study_id].add(item.extractor)
    found = []
    for row in evidence.outcomes:
        items = tuple(sorted(wrote[row.key], key=lambda item: item.extractor))
        absent = tuple(sorted(covered[row.study_id] - {item.extractor for item in items}))
        differs = len({(item.events, item.total) for item in items}) > 1
        if row.agreement == "resolved" or differs:
            found.append(Resolution(row, items, absent, row.note or _taken(row)))
    return tuple(found)


def _taken(row: Outcome) -> str:
    return f"the row took {row.events}/{row.total}" if row.has_count else "the row was left without a count"


def _readable(row: DoubleExtraction | None) -> bool:
    return row is not None and row.events is not None and row.total is not None


def _differ(pair: Pair) -> bool:
    one, other = pair.first, pair.second
    if one is None or other is None:
        return _readable(one) or _readable(other)
    return (one.events, one.total) != (other.events, other.total)
