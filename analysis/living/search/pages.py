"""Fetching the pages of one search, each on disk before the next is asked for.

A search that was killed goes on from its last page while that is a day old at most and its cursor lives; what
is older is asked anew. A cursor of the server's that has gone stale starts the pages anew once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analysis.files import write_file
from analysis.living.records.record import Record
from analysis.living.search.client import Client, Refused, SearchError
from analysis.living.search.sources.base import Page, Question, Source

__all__ = ["clear", "fetch_pages", "mark_of"]

_OLDEST = 24 * 3600.0
#: The statuses of a cursor that the server does not know any more.
_STALE = (400, 404, 410)
#: Pages in a row without anything new, after which a search goes in a circle.
_MOST_IDLE = 3

Say = Callable[[str], None]


def fetch_pages(client: Client, source: Source, question: Question, work: Path, say: Say) -> list[Page]:
    """Return all pages of a search, those on disk first.

    Pages that came before a cursor went stale are kept beside those that are asked anew: a record that came
    is not given up.

    Raises
    ------
    SearchError
        When the source does not answer as it should. The pages so far are kept.
    """
    pages = _stored(work, source, say)
    before: list[Page] = []
    while not pages or pages[-1].cursor:
        cursor = pages[-1].cursor if pages else ""
        try:
            page = source.page(client, question, cursor)
        except Refused as error:
            if not (cursor and source.keeps_cursor and error.status in _STALE):
                raise
            clear(work)  # the cursor has expired
            if before:
                raise SearchError(f"{error}; the search starts anew next time") from error
            say(f"{source.name}: the cursor is not known any more; the pages start anew")
            before, pages = pages, []
            work.mkdir(parents=True, exist_ok=True)
            continue
        if _goes_in_a_circle(source, pages, page):
            page = page._replace(cursor="")
        write_file(work / f"{len(pages):06d}.json", _page_text(page))
        pages.append(page)
        for note in page.notes:
            say(f"{source.name}: {note}")
        say(f"{source.name}: page {len(pages)}, {sum(len(item.records) for item in pages)} records")
    return [*before, *pages]


def mark_of(record: Record) -> str:
    """Return what tells a record of one source from the others."""
    return record.accession or f"{record.doi}|{record.title}|{record.year}"


def clear(work: Path) -> None:
    """Remove the pages of a search."""
    for path in sorted(work.iterdir()) if work.is_dir() else []:
        path.unlink()
    if work.is_dir():
        work.rmdir()


def _goes_in_a_circle(source: Source, pages: list[Page], page: Page) -> bool:
    """Whether the next cursor was asked before, or pages with records bring nothing new any more."""
    if source.cursor_moves and page.cursor and page.cursor in {item.cursor for item in pages}:
        return True
    known: set[str] = set()
    idle = 0
    for item in [*pages, page]:
        marks = {mark_of(record) for record in item.records}
        idle = idle + 1 if marks and marks <= known else 0
        known |= marks
    whole = page.total is not None and len(known) >= page.total
    return idle >= _MOST_IDLE or bool(idle and whole)


def _stored(work: Path, source: Source, say: Say) -> list[Page]:
    """Return the pages that an earlier run left, up to the first that is missing or unreadable."""
    pages: list[Page] = []
    while True:
        path = work / f"{len(pages):06d}.json"
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            records = tuple(map(_record, data["records"]))
            notes = tuple(data["notes"])
            pages.append(Page(records, data["cursor"], data["total"], notes, data["withdrawn"]))
        except (OSError, ValueError, KeyError, TypeError):
            break
    if not pages:
        return []
    now = time.time()
    oldest, newest = ((work / f"{place:06d}.json").stat().st_mtime for place in (0, len(pages) - 1))
    if now - oldest > _OLDEST or (pages[-1].cursor and now - newest > source.cursor_life):
        clear(work)
        work.mkdir(parents=True)
        say(f"{source.name}: the pages of an earlier call are too old to go on from; they are asked anew")
        return []
    say(f"{source.name}: resumed after page {len(pages)}")
    return pages


def _record(item: dict[str, Any]) -> Record:
    """Return a record from its JSON, which knows lists only."""
    values: dict[str, Any] = dict(item)
    for name, value in item.items():
        values[name] = tuple(value) if isinstance(value, list) else value
    return Record(**values)


def _page_text(page: Page) -> str:
    return json.dumps({**page._asdict(), "records": [asdict(record) for record in page.records]})
