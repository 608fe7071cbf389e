"""What every source has in common: the question, a page of the answer, and the source itself.

Each source gives pages. A page has a cursor to the next one, so that a search that was killed goes on where
it stopped, and the total that the server promised, so that a missing record is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from analysis.living.records.plain import plain
from analysis.living.records.record import Record
from analysis.living.search.client import Client

__all__ = [
    "CONCERNED", "CORRECTED", "RETRACTED", "Page", "Question", "Source", "joined", "listed", "part_of",
    "span", "told_apart", "total_of",
]  # fmt: skip

#: Words of `Record.kind` for what befell a paper, as PubMed has them for retractions. A notice keeps the
#: source's own word ("retraction", "Published Erratum"), so that a corrected paper is not taken for one.
RETRACTED = "Retracted Publication"
CORRECTED = "Corrected Publication"
CONCERNED = "Publication under concern"


class Question(NamedTuple):
    """What to ask one source: the query and the days between which records were added."""

    query: str
    since: date
    until: date
    base: str
    email: str = ""
    api_key: str = ""


class Page(NamedTuple):
    """One page of an answer.

    Attributes
    ----------
    records : tuple of Record
        What it holds.
    cursor : str
        Of the next page, or nothing at the end.
    total : int or None
        How many records the source promised for the whole search; None when it did not say.
    notes : tuple of str
        What the source said of the search, to be kept with the run.
    withdrawn : int
        How many of the promised records the source itself called unavailable.
    """

    records: tuple[Record, ...]
    cursor: str
    total: int | None
    notes: tuple[str, ...] = ()
    withdrawn: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """A source: its name, its address, its pace in seconds a call, and how to read a page.

    Attributes
    ----------
    overlap : int
        Days by which a search "since last" reaches back before the end of the last one, for records that
        were shown days after their day of entry.
    keeps_cursor : bool
        Whether the cursor is the server's and can go stale; one of our own cannot.
    cursor_moves : bool
        Whether each page has a cursor of its own. Where it may stay the same, only the pages tell the end.
    cursor_life : float
        Seconds after which a cursor is not asked again.
    window : callable
        The days as they are asked, for the list of runs.
    key_name : str
        Environment variable that holds a key, or nothing.
    """

    key: str
    name: str
    kind: str
    base: str
    pause: float
    page: Callable[[Client, Question, str], Page]
    overlap: int = 14
    keeps_cursor: bool = True
    cursor_moves: bool = True
    cursor_life: float = 86_400.0
    window: Callable[[Question], str] = lambda asked: f"{asked.since} to {asked.until}"
    key_name: str = ""


def listed(value: Any) -> list[Any]:
    """Return a value of JSON as a list: nothing is empty, and one thing stands alone.

    Examples
    --------
    >>> listed(None), listed("a"), listed(["a", None])
    ([], ['a'], ['a'])
    """
    items = value if isinstance(value, list) else [value]
    return [item for item in items if item is not None and item != ""]


def part_of(value: Any, *path: str) -> dict[str, Any]:
    """Return the map at a path of JSON; an empty one where any part is missing or is no map.

    Examples
    --------
    >>> part_of({"a": {"b": {"c": 1}}}, "a", "b"), part_of({"a": None}, "a", "b")
    ({'c': 1}, {})
    """
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def joined(parts: Iterable[Any]) -> str:
    """Return texts joined by "; ", each said once.

    Examples
    --------
    >>> joined(["Review", "", "Journal Article", "review"])
    'Review; Journal Article'
    """
    kept: dict[str, str] = {}
    for part in parts:
        shown = plain(part)
        if shown:
            kept.setdefault(shown.casefold(), shown)
    return "; ".join(kept.values())


def span(first: Any, last: Any = "") -> str:
    """Return pages from the first to the last; one page alone is written once.

    Examples
    --------
    >>> span("31", "40"), span("8", "8"), span("s3–s9"), span("8-8"), span(None, "7")
    ('31-40', '8', 's3-s9', '8', '7')
    """
    start, end = (plain(item).replace("–", "-").replace("—", "-") for item in (first, last))
    if not end and start.count("-") == 1:
        start, _, end = (part.strip() for part in start.partition("-"))
    return f"{start}-{end}" if start and end and start != end else start or end


def total_of(value: Any) -> int | None:
    """Return a total as a number, or None when the source gave none.

    Raises
    ------
    ValueError
        When it is there and is no count.
    """
    if value is None or value == "":
        return None
    number = int(value)
    if number < 0:
        raise ValueError("a total below 0")
    return number


def told_apart(rows: Any, *path: str) -> list[dict[str, Any]]:
    """Return the rows of a page.

    Raises
    ------
    KeyError
        When rows stand there and none of them carries its identifier: the format has changed.
    """
    kept = [row for row in listed(rows) if isinstance(row, dict)]
    if kept and not any(part_of(row, *path[:-1]).get(path[-1]) for row in kept):
        raise KeyError(".".join(path))
    return kept
