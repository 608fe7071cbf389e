"""Evidence versions: what their numbers mean, which comes next, and whether a patch kept its word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from analysis.results import Result

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence

__all__ = [
    "Change",
    "PatchCheck",
    "VersionNumber",
    "broken_patches",
    "next_number",
    "parse_number",
    "step_between",
]

#: What a version does to the one before: new year of search, data changed, no estimate changed.
Change = Literal["year", "minor", "patch"]


class VersionNumber(NamedTuple):
    """``YY.minor.patch``; compares by its parts, so 26.10.0 comes after 26.9.0."""

    year: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return ".".join(map(str, self))


@dataclass(frozen=True, slots=True)
class PatchCheck(Result):
    """One headline result that a patch changed although it must not."""

    version: str
    population: str
    outcome: str
    before: float | None
    after: float | None

    def rows(self) -> list[dict[str, Any]]:
        """One row."""
        return [{name: getattr(self, name) for name in self.__slots__}]


def parse_number(text: str) -> VersionNumber:
    """Read the number of a version.

    Raises
    ------
    ValueError
        When the text is no version number.

    Examples
    --------
    >>> parse_number("26.1.0") > parse_number("26.0.12")
    True
    """
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"{text!r} is no version number; expected year.minor.patch, such as 26.1.0")
    return VersionNumber(*map(int, parts))


def step_between(before: str, after: str) -> Change:
    """Say what kind of step leads from a version to the next.

    Examples
    --------
    >>> step_between("23.0.0", "26.0.0"), step_between("26.0.0", "26.0.1")
    ('year', 'patch')
    """
    old, new = parse_number(before), parse_number(after)
    if new.year != old.year:
        return "year"
    return "minor" if new.minor != old.minor else "patch"


def next_number(evidence: Evidence, cut_off: date, *, estimates_change: bool) -> VersionNumber:
    """Return the number that the next version must carry.

    Parameters
    ----------
    evidence
        The evidence with its versions so far.
    cut_off
        Last day that the next version covers.
    estimates_change
        Whether any headline estimate changes; if none does, it is a patch.
    """
    newest = parse_number(evidence.versions[-1].id)
    if cut_off.year % 100 != newest.year and estimates_change:
        return VersionNumber(cut_off.year % 100, 0, 0)
    if estimates_change:
        return VersionNumber(newest.year, newest.minor + 1, 0)
    return VersionNumber(newest.year, newest.minor, newest.patch + 1)


def broken_patches(evidence: Evidence) -> tuple[PatchCheck, ...]:
    """Return every headline result that a patch changed; a patch that keeps its word changes none.

    The numbers are compared exactly: equal counts give equal estimates to the last bit.
    """
    from analysis.review.cells import headlines

    found = []
    for old, new in zip(evidence.versions, evidence.versions[1:], strict=False):
        if step_between(old.id, new.id) != "patch":
            continue
        pairs = zip(headlines(evidence, old.id), headlines(evidence, new.id), strict=True)
        for was, now in pairs:
            values = [cell.pooled.estimate if cell.pooled else None for cell in (was, now)]
            same = was.counts.study_id == now.counts.study_id and values[0] == values[1]
            same = same and (was.counts.events == now.counts.events).all()
            if not same or not (was.counts.total == now.counts.total).all():
                question = now.question
                found.append(PatchCheck(new.id, question.population, question.outcome, *values))
    return tuple(found)
