"""Running a search: fetched page by page, fetched twice when the number is not the promised one.

The import file appears only when the last page is in; it is written beside its place and renamed, so that no
half file is ever seen. Running a finished search again changes nothing. Every difference between what the
source promised and what it sent is said and stands in the list of runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

from analysis.files import write_file
from analysis.living.records.record import Record
from analysis.living.records.ris_writer import to_ris
from analysis.living.search.client import Client, SearchError
from analysis.living.search.pages import clear, fetch_pages, mark_of
from analysis.living.search.runs import (
    RUNS,
    SearchRun,
    SearchRuns,
    add_run,
    last_run,
    last_searched,
    read_runs,
)
from analysis.living.search.sources.base import Page, Question, Source
from analysis.living.search.strategies import Strategy

__all__ = ["RUNS", "SearchRun", "SearchRuns", "last_run", "last_searched", "run_search"]

_WORK = ".unfinished"
#: A search that lacks more than this share of what was promised, and more than this number, is no search; nor
#: is one without any record of those promised.
_MOST_MISSING = 0.1
_FEW = 2

Say = Callable[[str], None]


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
    say: Say = lambda text: None,
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
    email, api_key : str
        Sent to the source, and neither stored nor said.
    abstracts : bool
        Whether the import file carries abstracts.
    client : Client, optional
        By default a polite one at the source's pace.
    say : callable
        Takes each line of what happens and what the source says.

    Raises
    ------
    SearchError
        When the source does not answer as it should. The pages so far are kept.
    """
    if until < since:
        raise SearchError(f"{source.name}: the search would end on {until}, before it begins on {since}")
    file = f"{source.key}_{since}_{until}.ris"
    done = next((run for run in read_runs(folder) if run.file == file), None)
    if done and done.query_hash == strategy.digest and (folder / file).is_file():
        say(f"{source.name}: already searched for these days")
        return done
    work = folder / _WORK / f"{source.key}_{since}_{until}_{strategy.digest}"
    question = Question(strategy.one_line, since, until, (base or source.base).rstrip("/"), email, api_key)
    own = client is None
    asked = client or Client(source.name, pause=source.pause)
    try:
        records, promised, notes = _fetch(asked, source, question, work, say)
    finally:
        if own:
            asked.__exit__()
    text = to_ris(records, abstracts=abstracts)
    write_file(folder / file, text)
    run = SearchRun(
        source.name, source.kind, date.today().isoformat(), since.isoformat(), until.isoformat(),
        strategy.file, strategy.digest, len(records), file, hashlib.sha256(text.encode()).hexdigest(),
        promised, f"{question.query} [days: {source.window(question)}]", " | ".join(notes),
    )  # fmt: skip
    add_run(folder, run)
    clear(work)
    clear(_second(work))
    return run


def _fetch(
    client: Client, source: Source, question: Question, work: Path, say: Say
) -> tuple[list[Record], int | None, list[str]]:
    """Return the records, how many were promised, and the notes; a second pass when the numbers differ."""
    work.mkdir(parents=True, exist_ok=True)
    pages = fetch_pages(client, source, question, work, say)
    records, promised = _unique(pages), _promised(pages)
    notes = [note for page in pages for note in page.notes]
    if promised is None:
        notes.append("the source gave no total, so none of its records can be told missing")
        say(f"{source.name}: {notes[-1]}")
    elif len(records) != promised:
        # Something was added or taken away between two pages, or a row came twice in place of another.
        say(f"{source.name}: {promised} records promised, {len(records)} received; all are asked again")
        again = _second(work)
        again.mkdir(parents=True, exist_ok=True)
        more = fetch_pages(client, source, question, again, say)
        notes += [note for page in more for note in page.notes if note not in notes]
        first, told, promised = len(records), promised, _promised(more)
        promised = told if promised is None else promised
        records = _unique([*pages, *more])
        short = promised - len(records)
        if short > max(_FEW, _MOST_MISSING * promised) or (promised and not records):
            clear(work)
            clear(again)
            raise SearchError(
                f"{source.name}: {promised} records promised, {len(records)} received in two passes; "
                "run the search again"
            )
        notes.append(
            f"first pass: {told} promised, {first} received; second pass: {promised} promised, "
            f"{len(_unique(more))} received; all {len(records)} of both are kept"
        )
        say(f"{source.name}: {notes[-1]}")
    return records, promised, list(dict.fromkeys(notes))


def _second(work: Path) -> Path:
    """Return where the pages of the second pass stand."""
    return work.with_name(f"{work.name}_again")


def _promised(pages: list[Page]) -> int | None:
    """Return the last total that a source gave, less what it called unavailable itself."""
    totals = [page.total for page in pages if page.total is not None]
    return totals[-1] - sum(page.withdrawn for page in pages) if totals else None


def _unique(pages: list[Page]) -> list[Record]:
    """Drop records that two pages both held, and number the rest."""
    kept: dict[str, Record] = {}
    for page in pages:
        for record in page.records:
            kept.setdefault(mark_of(record), record)
    return [replace(record, position=place) for place, record in enumerate(kept.values(), start=1)]
