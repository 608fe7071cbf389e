"""Evidence versions: what their numbers mean, which comes next, and whether a patch kept its word."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from analysis.files import csv_text, write_file
from analysis.results import Result

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence

__all__ = [
    "SAME",
    "Change",
    "PatchCheck",
    "VersionNumber",
    "append_version",
    "broken_patches",
    "next_number",
    "parse_number",
    "step_between",
    "version_cells",
    "with_search",
]

#: Two fits of equal counts may differ in the last bits, as different code can have made them; beyond
#: this they are different results.
SAME = 1e-9

#: Not from the calendar of the system, whose language may be another.
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip

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

    The counts are compared exactly, the estimates to the precision that the fits reach.
    """
    from analysis.review.cells import headlines

    found = []
    for old, new in zip(evidence.versions, evidence.versions[1:], strict=False):
        if step_between(old.id, new.id) != "patch":
            continue
        pairs = zip(headlines(evidence, old.id), headlines(evidence, new.id), strict=True)
        for was, now in pairs:
            values = [cell.pooled.estimate if cell.pooled else None for cell in (was, now)]
            counts = [
                (cell.counts.study_id, cell.counts.events.tolist(), cell.counts.total.tolist())
                for cell in (was, now)
            ]
            if counts[0] != counts[1] or not _same(*values):
                question = now.question
                found.append(PatchCheck(new.id, question.population, question.outcome, *values))
    return tuple(found)


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= SAME


def version_cells(
    evidence: Evidence, cut_off: date, trigger: str, searched_on: date | None = None
) -> dict[str, str]:
    """Return the cells of the row that opens the next version.

    Raises
    ------
    ValueError
        When the cut-off is not after that of the newest version.
    """
    newest = evidence.versions[-1]
    if cut_off <= newest.cut_off:
        raise ValueError(
            f"{cut_off} is too early; expected a date after {newest.cut_off}, the cut-off of version "
            f"{newest.id}"
        )
    taken = {item.alias for item in evidence.versions}
    letters = ("", *"bcdefghijklmnopqrstuvwxyz")
    alias = next(name for letter in letters if (name := f"{cut_off:%Y-%m}{letter}") not in taken)
    return {
        "id": str(next_number(evidence, cut_off, estimates_change=True)),
        "alias": alias,
        "label": f"Public by {cut_off.day} {_MONTHS[cut_off.month - 1]} {cut_off.year}",
        "cut_off": str(cut_off),
        "stage": evidence.versions[-1].stage if len(evidence.versions) > 1 else "update",
        "searched_on": str(searched_on) if searched_on else "not recorded",
        "trigger": trigger,
        "methods_changes": f"None since {newest.id}.",
        "people": newest.people,
    }


def append_version(path: Path, cells: dict[str, str]) -> None:
    """Append the row of a new version to the table of versions."""
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
    write_file(path, csv_text(rows[0], [*rows[1:], [cells.get(name, "") for name in rows[0]]]))


def with_search(path: Path, version: str, day: str) -> str:
    """Return the table of versions with the day of a search in the row of its version.

    Parameters
    ----------
    path
        The table of versions.
    version
        Version that the search was made for.
    day
        Day of the search, year-month-day.

    Returns
    -------
    str
        The text of the changed table; nothing when the same or a later day stands there.
    """
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
    place = rows[0].index("searched_on")
    changed = False
    for row in rows[1:]:
        stands = row[place] if row[place][:1].isdigit() else ""
        if row[rows[0].index("id")] == version and stands < day:
            row[place], changed = day, True
    return csv_text(rows[0], rows[1:]) if changed else ""
