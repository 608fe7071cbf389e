"""Running a search: page by page, each page on disk before the next is asked for.

A search that is killed, at any point, goes on from its last page. The import file appears only when the
last page is in and the number of records is the one that the server promised; it is written beside its
place and renamed, so that no half file is ever seen. Running a finished search again changes nothing.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

from analysis.living.records.record import Record
from analysis.living.records.ris_writer import to_ris
from analysis.living.search.client import Client, Refused, SearchError
from analysis.living.search.sources import Page, Question, Source
from analysis.living.search.strategies import Strategy
from analysis.results import Result

__all__ = ["RUNS", "SearchRun", "SearchRuns", "last_searched", "run_search"]

RUNS = "runs.csv"
_WORK = ".unfinished"


@dataclass(frozen=True, slots=True)
class SearchRun:
    """One source searched: what was asked, what came, and the file that holds it."""

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


@dataclass(frozen=True, slots=True)
class SearchRuns(Result):
    """All sources of one search, finished or failed."""

    runs: tuple[SearchRun, ...]
    failed: tuple[tuple[str, str], ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return one row a source."""
        done = [
            {"source": run.source, "state": "done", "hits": run.hits, "file": run.file} for run in self.runs
        ]
        lost = [{"source": name, "state": reason, "hits": None, "file": ""} for name, reason in self.failed]
        return [*done, *lost]


def last_searched(folder: Path, source: str) -> date | None:
    """Return the last day that a finished search of a source covered, or None when never searched."""
    days = [run.until for run in _read_runs(folder) if run.source == source]
    return date.fromisoformat(max(days)) if days else None


def run_search(
    strategy: Strategy,
    source: Source,
    folder: Path,
    *,
    since: date,
    until: date,
    base: str = "",
    email: str = "",
    api_key: str = "",
    abstracts: bool = True,
    client: Client | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> SearchRun:
    """Search one source and write its import file.

    Parameters
    ----------
    strategy : Strategy
        What to ask.
    source : Source
        Whom to ask.
    folder : path
        Where import files and the list of runs stand.
    since, until : date
        Days between which records were added, both included.
    base : str
        Address to use instead of the source's own.
    abstracts : bool
        Whether the import file carries abstracts.
    client : Client, optional
        By default a polite one at the source's pace.

    Raises
    ------
    SearchError
        When the source does not answer as it should. The pages so far are kept.
    """
    file = f"{source.key}_{since}_{until}.ris"
    done = next((run for run in _read_runs(folder) if run.file == file), None)
    if done and done.query_hash == strategy.digest and (folder / file).is_file():
        say(f"{source.name}: already searched for these days")
        return done
    name = f"{source.key}_{since}_{until}_{strategy.digest}"
    work = folder / _WORK / name
    work.mkdir(parents=True, exist_ok=True)
    question = Question(strategy.one_line, since, until, (base or source.base).rstrip("/"), email, api_key)
    own = client is None
    asked = client or Client(source.name, pause=source.pause)
    try:
        records, total = _fetch(asked, source, question, work, say)
    finally:
        if own:
            asked.__exit__()
    kept = _unique(records)
    if len(kept) != total:
        # Something was added or taken away between two pages; only a new start is sure to be whole.
        _clear(work)
        raise SearchError(
            f"{source.name}: {total} records promised, {len(kept)} received; run the search again"
        )
    text = to_ris(kept, abstracts=abstracts)
    _write(folder / file, text)
    run = SearchRun(
        source.name, source.kind, until.isoformat(), since.isoformat(), until.isoformat(),
        strategy.file, strategy.digest, len(kept), file, hashlib.sha256(text.encode()).hexdigest(),
    )  # fmt: skip
    _add_run(folder, run)
    _clear(work)
    return run


def _fetch(
    client: Client, source: Source, question: Question, work: Path, say: Callable[[str], None]
) -> tuple[list[Record], int]:
    pages = _stored(work)
    if pages:
        say(f"{source.name}: resumed after page {len(pages)}")
    while not pages or pages[-1].cursor:
        cursor = pages[-1].cursor if pages else ""
        try:
            page = source.page(client, question, cursor)
        except Refused as error:
            if cursor and error.status in (400, 404, 410):
                _clear(work)  # the cursor has expired: the next run starts anew
                raise SearchError(f"{error}; the search starts anew next time") from error
            raise
        if page.cursor and page.cursor == cursor:
            raise SearchError(f"{source.name}: the cursor does not move")
        _write(work / f"{len(pages):06d}.json", _page_text(page))
        pages.append(page)
        say(f"{source.name}: page {len(pages)}, {sum(len(item.records) for item in pages)} records")
    return [record for page in pages for record in page.records], pages[-1].total


def _stored(work: Path) -> list[Page]:
    """Return the pages that an earlier run left, up to the first that is missing or unreadable."""
    pages: list[Page] = []
    while True:
        path = work / f"{len(pages):06d}.json"
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            records = tuple(Record(**{**item, "authors": tuple(item["authors"])}) for item in data["records"])
            pages.append(Page(records, data["cursor"], data["total"]))
        except (OSError, ValueError, KeyError, TypeError):
            return pages


def _page_text(page: Page) -> str:
    records = [asdict(record) for record in page.records]
    return json.dumps({"cursor": page.cursor, "total": page.total, "records": records})


def _unique(records: list[Record]) -> list[Record]:
    """Drop records that two pages both held, and number the rest."""
    seen: set[str] = set()
    kept: list[Record] = []
    for record in records:
        mark = record.accession or f"{record.doi}|{record.title}|{record.year}"
        if mark not in seen:
            seen.add(mark)
            kept.append(replace(record, position=len(kept) + 1))
    return kept


def _write(path: Path, text: str) -> None:
    """Write a file beside its place and rename it; after a crash it is there whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    with part.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def _clear(work: Path) -> None:
    for path in sorted(work.iterdir()):
        path.unlink()
    work.rmdir()


def _read_runs(folder: Path) -> list[SearchRun]:
    path = folder / RUNS
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    return [SearchRun(**{**row, "hits": int(row["hits"])}) for row in rows]


def _add_run(folder: Path, run: SearchRun) -> None:
    """Write the list of runs whole, with a run of the same file replaced."""
    runs = [item for item in _read_runs(folder) if item.file != run.file] + [run]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, [item.name for item in fields(SearchRun)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(item) for item in sorted(runs, key=lambda item: (item.until, item.file)))
    _write(folder / RUNS, out.getvalue())
