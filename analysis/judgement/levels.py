"""Levels of certainty: domains, how far each judgement lowers, and the overall level that follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = [
    "DOMAINS",
    "LEVELS",
    "LOWERS",
    "Proposal",
    "clamp",
    "join_state",
    "overall_level",
    "split_state",
]

#: Reasons to lower certainty, with their names for readers.
DOMAINS: Mapping[str, str] = {
    "risk_of_bias": "Risk of bias",
    "inconsistency": "Inconsistency",
    "indirectness": "Indirectness",
    "imprecision": "Imprecision",
    "publication_bias": "Missing results",
}
#: Levels from lowest to highest.
LEVELS = ("very_low", "low", "moderate", "high")
#: Levels that each judgement takes away.
LOWERS: Mapping[str, int] = {"not_serious": 0, "serious": 1, "very_serious": 2}
_BY_LEVELS = ("not_serious", "serious", "very_serious")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the rules say on one domain: where the inputs stand, and what that suggests.

    It is a proposal: the judgement is the one in `certainty.csv`.
    """

    judgement: str
    reason: str
    state: str


def clamp(levels: int) -> str:
    """Return the judgement that takes away so many levels, two at most."""
    return _BY_LEVELS[max(0, min(levels, 2))]


def overall_level(judgements: Iterable[str], start: str = "high") -> str:
    """Return the level that is left after every domain has lowered it.

    Both rates read as prognosis and randomised effects start high. A domain that is not rated leaves
    the whole not rated.

    Examples
    --------
    >>> overall_level(["not_serious", "serious"]), overall_level(["very_serious"] * 3)
    ('moderate', 'very_low')
    """
    values = list(judgements)
    if "not_rated" in values or not values:
        return "not_rated"
    place = LEVELS.index(start) - sum(LOWERS[value] for value in values)
    return LEVELS[max(0, place)]


def join_state(**tokens: str) -> str:
    """Write where the inputs stand as text.

    Examples
    --------
    >>> join_state(ci="crosses", size="enough")
    'ci=crosses; size=enough'
    """
    return "; ".join(f"{name}={value}" for name, value in tokens.items())


def split_state(state: str) -> dict[str, str]:
    """Read what `join_state` wrote."""
    return dict(part.split("=", 1) for part in state.split("; ") if "=" in part)
