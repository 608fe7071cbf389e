"""The list of finished searches (`runs.csv`): what was asked, what the source said, and what came.

One row a run, with the items that PRISMA-S asks for: the query as sent with its days, the number of records,
and every difference between what was promised and what was received. Keys and addresses are not in it.
"""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

from analysis.files import csv_text, write_file
from analysis.living.lock import locked
from analysis.results import Result

__all__ = [
    "RUNS",
    "SearchRun",
    "SearchRuns",
    "add_run",
    "last_run",
    "last_searched",
    "read_runs",
]

RUNS = "runs.csv"
#: A cell stays below what readers of CSV take; a translated query can be long.
_LONGEST_CELL = 30_000


@dataclass(frozen=True, slots=True)
class SearchRun:
    """One source searched: what was asked, what came, and the file that holds it.

    `promised` is the number of records that the source named (None when it named none); `asked` is the query
    with its days; `said` holds what the source said of it, and what was noticed, one note a part.
    """

    source: str
    kind: str
    searched_on: str
    since: str
    until: str
    strategy: str
    query_hash: str
    hits: int
    file: str
    sha256: str
    promised: int | None = None
    asked: str = ""
    said: str = ""

    @property
    def state(self) -> str:
        """Whether all that was promised came."""
        if self.promised is None:
            return "done, no total was given"
        if self.promised != self.hits:
            return f"done, {self.promised} promised and {self.hits} received"
        return "done"


@dataclass(frozen=True, slots=True)
class SearchRuns(Result):
    """All sources of one search, finished or failed."""

    runs: tuple[SearchRun, ...]
    failed: tuple[tuple[str, str], ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a source."""
        done = [
            {"source": run.source, "state": run.state, "hits": run.hits, "file": run.file}
            for run in self.runs
        ]
        lost = [{"source": name, "state": reason, "hits": None, "file": ""} for name, reason in self.failed]
        return [*done, *lost]


def read_runs(folder: Path) -> list[SearchRun]:
    """Return the finished runs of a folder; none where there is no list.

    Raises
    ------
    ValueError
        When the list is there and cannot be used, with its place.
    """
    path = folder / RUNS
    if not path.is_file():
        return []
    known = {item.name for item in fields(SearchRun)}
    needed = known - {"promised", "asked", "said"}
    runs: list[SearchRun] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = sorted(needed - set(reader.fieldnames or ()))
            if missing:
                raise ValueError(f"{path}: row 1: the column {missing[0]!r} is missing")
            for row in reader:
                try:
                    values: dict[str, Any] = {name: row.get(name) or "" for name in known}
                    date.fromisoformat(values["since"]), date.fromisoformat(values["until"])
                    promised = int(values["promised"]) if values["promised"] else None
                    runs.append(SearchRun(**{**values, "hits": int(values["hits"]), "promised": promised}))
                except ValueError as error:
                    raise ValueError(f"{path}: row {reader.line_num}: {error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: not readable as CSV in UTF-8 ({error})") from error
    return runs


def last_run(folder: Path, source: str) -> SearchRun | None:
    """Return the finished search of a source that covers the latest day, or None when never searched."""
    runs = [run for run in read_runs(folder) if run.source == source]
    return max(runs, key=lambda run: run.until) if runs else None


def last_searched(folder: Path, source: str) -> date | None:
    """Return the last day that a finished search of a source covered, or None when never searched."""
    run = last_run(folder, source)
    return date.fromisoformat(run.until) if run else None


def add_run(folder: Path, run: SearchRun) -> None:
    """Write the list of runs whole, with a run of the same file replaced."""
    with locked(folder, "search"):
        runs = [item for item in read_runs(folder) if item.file != run.file] + [run]
        heads = [item.name for item in fields(SearchRun)]
        rows = []
        for item in sorted(runs, key=lambda item: (item.until, item.file)):
            row = asdict(item)
            for name in ("asked", "said"):
                if len(row[name]) > _LONGEST_CELL:
                    row[name] = f"{row[name][:_LONGEST_CELL]} ... (cut)"
            rows.append([row[name] for name in heads])
        write_file(folder / RUNS, csv_text(heads, rows))
