"""The clock of the living mode: when the evidence was last searched for, and when it is due again.

The state is computed for a given day, so that a build can be repeated; pages show dates, and a few lines
of script in the reader's browser say whether a date has passed.
"""

from __future__ import annotations

import csv
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from analysis.results import Result

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence

__all__ = ["Clock", "SourceClock", "State", "read_clock", "reference_day"]

State = Literal["up to date", "not due", "due", "overdue", "retired"]


@dataclass(frozen=True, slots=True)
class SourceClock:
    """One source: how often it is to be searched, when it was, and when it is due."""

    name: str
    interval_days: int
    last_searched: date | None
    next_due: date


@dataclass(frozen=True, slots=True)
class Clock(Result):
    """The state of the living mode on a day.

    A source that was never searched is due one interval after the cut-off of the newest version.
    """

    today: date
    version: str
    cut_off: date
    sources: tuple[SourceClock, ...]
    grace_days: int
    retirement: str
    retired_on: date | None

    @property
    def next_due(self) -> date:
        """The day on which the first source is due."""
        return min(source.next_due for source in self.sources)

    @property
    def last_day(self) -> date:
        """The last day before the review counts as overdue."""
        return self.next_due + timedelta(days=self.grace_days)

    @property
    def searched(self) -> bool:
        """Whether any search of a source is recorded."""
        return any(source.last_searched for source in self.sources)

    @property
    def state(self) -> State:
        """The state on the day; only a review that was searched can be up to date."""
        if self.retired_on is not None and self.today >= self.retired_on:
            return "retired"
        if self.today <= self.next_due:
            return "up to date" if self.searched else "not due"
        return "due" if self.today <= self.last_day else "overdue"

    def rows(self) -> list[dict[str, Any]]:
        """One row a source."""
        return [
            {
                "source": source.name,
                "interval_days": source.interval_days,
                "last_searched": str(source.last_searched) if source.last_searched else "not recorded",
                "next_due": str(source.next_due),
            }
            for source in self.sources
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the state, the dates and the sources."""
        return {
            "today": str(self.today),
            "state": self.state,
            "version": self.version,
            "cut_off": str(self.cut_off),
            "search_recorded": self.searched,
            "next_due": str(self.next_due),
            "overdue_after": str(self.last_day),
            "retired_on": str(self.retired_on) if self.retired_on else None,
            "retirement": self.retirement,
            "sources": self.rows(),
        }

    def to_text(self) -> str:
        """Return the state in plain lines."""
        head = f"{self.state} on {self.today}: version {self.version}, evidence public by {self.cut_off}"
        search = "" if self.searched else "no database search is recorded\n"
        due = f"next search due by {self.next_due}, overdue after {self.last_day}"
        return f"{head}\n{search}{due}\n\n{Result.to_text(self)}\n\n{self.retirement}"


def reference_day() -> date:
    """Return today, or the day of SOURCE_DATE_EPOCH where that is set, so that builds can be repeated."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    # A text that names no second of the calendar is passed over, as other programs do.
    if epoch.isascii() and epoch.isdigit() and len(epoch) <= 12:
        with suppress(ValueError, OverflowError, OSError):
            return datetime.fromtimestamp(int(epoch), UTC).date()
    return datetime.now(UTC).date()


def read_clock(
    evidence: Evidence,
    today: date | None = None,
    records: Path | None = None,
    runs: Path | None = None,
) -> Clock:
    """Return the clock of the living mode.

    Parameters
    ----------
    evidence
        The evidence with its protocol.
    today
        The day to judge; by default `reference_day`.
    records
        The ledger, whose recorded days of search count beside those of the protocol.
    runs
        The list of finished searches that `python -m analysis search` keeps.
    """
    living = evidence.protocol.text["living"]
    newest = evidence.versions[-1]
    found = [*_ledger_days(records), *_run_days(runs)]
    sources = []
    for item in living["sources"]:
        # A search may be filed under the short name of its source, as CENTRAL.
        days = [day for name, day in found if name in item["name"].lower()]
        known = [day for day in (_day(item["last_searched"]), *days) if day is not None]
        interval = int(item.get("interval_days", living["search_interval_days"]))
        last = max(known) if known else None
        start = last or newest.cut_off
        sources.append(SourceClock(item["name"], interval, last, start + timedelta(days=interval)))
    return Clock(
        today or reference_day(),
        newest.id,
        newest.cut_off,
        tuple(sources),
        int(living.get("grace_days", 0)),
        " ".join(str(living["retirement"]).split()),
        _day(living.get("retired_on", "")),
    )


def _day(value: Any) -> date | None:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def _ledger_days(path: Path | None) -> list[tuple[str, date]]:
    """Source and day of search of the rows whose hits were recorded."""
    rows = [row for row in _csv(path) if row.get("hits_recorded") == "yes"]
    return _days(rows, "searched_on")


def _run_days(path: Path | None) -> list[tuple[str, date]]:
    """Source and last day covered by each finished search."""
    return _days(_csv(path), "until")


def _days(rows: list[dict[str, str]], column: str) -> list[tuple[str, date]]:
    found = [(row.get("source", "").lower(), _day(row.get(column, ""))) for row in rows]
    return sorted({(name, day) for name, day in found if name and day is not None})


def _csv(path: Path | None) -> list[dict[str, str]]:
    if path is None or not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
