"""OpenAlex: works of every kind, by the day of publication.

The day of entry can be asked for only with a paid plan. A window by the day of publication loses what is
added later than its week, and works of which only the year is known stand on 1 January. So each search
reaches back 24 months, and the deduplication drops what is known.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from analysis.living.records.plain import plain
from analysis.living.records.record import Record, clean_doi, clean_nct, clean_pmid, clean_year
from analysis.living.search.client import Client, Refused, SearchError
from analysis.living.search.sources.base import (
    RETRACTED,
    Page,
    Question,
    Source,
    joined,
    listed,
    part_of,
    span,
    told_apart,
    total_of,
)

__all__ = ["KEY_NAME", "OPENALEX"]

KEY_NAME = "OPENALEX_API_KEY"
_SIZE = 100
#: Without a key the pages are numbered, and the numbers end here.
_MOST_WITHOUT_KEY = 10_000
_NO_KEY = (
    f"no key in {KEY_NAME}; a key is free, and without one only a few searches a day are "
    "answered, page by page up to 10,000 works"
)


def _first_day(since: date) -> date:
    """Return the day 24 months before another; the first of March for a leap day."""
    try:
        return since.replace(year=since.year - 2)
    except ValueError:
        return date(since.year - 2, 3, 1)


def _window(question: Question) -> str:
    return f"published {_first_day(question.since)} to {question.until}"


def _page(client: Client, question: Question, cursor: str) -> Page:
    first = _first_day(question.since)
    days = f"from_publication_date:{first},to_publication_date:{question.until}"
    params: dict[str, Any] = {
        "filter": f"title_and_abstract.search:{question.query},{days}", "per-page": _SIZE
    }  # fmt: skip
    params |= {"mailto": question.email} if question.email else {}
    number = int(cursor.removeprefix("page:")) if cursor.startswith("page:") else 1
    by_cursor = bool(question.api_key) and not cursor.startswith("page:")
    params |= {"cursor": cursor or "*", "api_key": question.api_key} if by_cursor else {"page": number}
    notes = [] if question.api_key else [_NO_KEY]
    notes.append(f"asked by day of publication from {first} on, as the day of entry needs a paid plan")
    try:
        total, rows, after = client.json(
            f"{question.base}/works", params, lambda body: _take(body, by_cursor)
        )
    except Refused as error:
        if error.status in (401, 402) and not question.api_key:
            raise Refused(f"{error}; get a free key and set {KEY_NAME}", error.status) from error
        raise
    if not by_cursor:
        if total is not None and total > _MOST_WITHOUT_KEY:
            raise SearchError(f"OpenAlex: {total} works, more than {_MOST_WITHOUT_KEY} without {KEY_NAME}")
        more = bool(after) or (total is not None and number * _SIZE < total)
        after = f"page:{number + 1}" if more else ""
    ended = not rows or not after or after in (cursor, "*")
    return Page(tuple(map(_record, rows)), "" if ended else after, total, () if cursor else tuple(notes))


def _take(body: dict[str, Any], by_cursor: bool) -> tuple[int | None, list[dict[str, Any]], str]:
    if "results" not in body:
        raise KeyError("results")
    meta = part_of(body, "meta")
    if by_cursor and "next_cursor" not in meta:
        raise KeyError("meta.next_cursor")
    total = total_of(meta.get("count"))
    return total, told_apart(body["results"], "id"), plain(meta.get("next_cursor"))


def _record(row: dict[str, Any]) -> Record:
    place = part_of(row, "biblio")
    location = part_of(row, "primary_location")
    journal = part_of(location, "source").get("display_name") or part_of(row, "host_venue").get(
        "display_name"
    )
    abstract = _abstract(row.get("abstract_inverted_index")) or plain(row.get("abstract"))
    title = plain(row.get("title")) or plain(row.get("display_name"))
    ids = part_of(row, "ids")
    flags = [RETRACTED] if row.get("is_retracted") is True else []
    return Record(
        source="OpenAlex",
        file="openalex",
        position=0,
        kind=joined([row.get("type") or row.get("type_crossref"), *flags]),
        title=title,
        authors=tuple(filter(None, map(_name, listed(row.get("authorships"))))),
        year=clean_year(plain(row.get("publication_year"))) or clean_year(plain(row.get("publication_date"))),
        journal=plain(journal) or plain(location.get("raw_source_name")),
        volume=plain(place.get("volume")),
        issue=plain(place.get("issue")),
        pages=span(place.get("first_page"), place.get("last_page")),
        abstract=abstract,
        doi=clean_doi(plain(row.get("doi"))) or clean_doi(plain(ids.get("doi"))),
        pmid=clean_pmid(plain(ids.get("pmid"))),
        nct=clean_nct(abstract, title),
        accession=plain(row.get("id")).rstrip("/").rsplit("/", 1)[-1],
        language=plain(row.get("language")),
    )


def _name(item: Any) -> str:
    """Return the name of an author as OpenAlex knows it, or as the paper has it."""
    known = plain(part_of(item, "author").get("display_name"))
    return known or (plain(item.get("raw_author_name")) if isinstance(item, dict) else "")


def _abstract(index: Any) -> str:
    """Return the text of an inverted index: word -> places; a gap in the places is no word.

    Examples
    --------
    >>> _abstract({"two": [1, 3], "One": [0], "three": [5]})
    'One two two three'
    """
    if not isinstance(index, dict):
        return ""
    spread = sorted(
        (spot, word) for word, spots in index.items() for spot in listed(spots) if isinstance(spot, int)
    )
    return plain(" ".join(word for _, word in spread))


OPENALEX = Source(
    "openalex", "OpenAlex", "database", "https://api.openalex.org", 0.3, _page,
    overlap=0, window=_window, key_name=KEY_NAME,
)  # fmt: skip
