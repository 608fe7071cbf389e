"""Crossref: what publishers register with a DOI, by the day on which the DOI was first registered.

The day of creation is the day of entry and never moves. The day of indexing moves whenever a count of
citations does, so a window by it would bring most known works again each week.

Crossref knows no AND, no OR and no phrases: a work is found by any of the words asked for.
"""

from __future__ import annotations

from typing import Any

from analysis.living.records.plain import plain
from analysis.living.records.record import Record, clean_doi, clean_nct, clean_year
from analysis.living.search.client import Client
from analysis.living.search.sources.base import (
    CONCERNED,
    CORRECTED,
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

__all__ = ["CROSSREF"]

_ROWS = 100
#: Kinds whose second container is the book, the first the series that it stands in.
_IN_BOOKS = {
    "book-chapter",
    "book-section",
    "book-part",
    "book-track",
    "reference-entry",
    "proceedings-article",
}
#: The day of publication: the earliest first, as Crossref itself cites.
_DAYS = ("issued", "published", "published-print", "published-online", "posted", "published-other")
#: What a relation says of this work. A link from an article to its preprint says nothing of its kind.
_RELATIONS = {
    "is-preprint-of": "preprint of", "is-translation-of": "translation of", "is-review-of": "review of",
    "is-comment-on": "comment on", "is-reply-to": "reply to", "is-correction-of": "correction of",
}  # fmt: skip


def _page(client: Client, question: Question, cursor: str) -> Page:
    days = f"from-created-date:{question.since},until-created-date:{question.until}"
    params = {
        "query.bibliographic": question.query, "filter": days, "rows": _ROWS, "cursor": cursor or "*"
    }  # fmt: skip
    params |= {"mailto": question.email} if question.email else {}
    total, rows, after = client.json(f"{question.base}/works", params, _take)
    # The cursor may stay the same from page to page, and comes even with the last works; the search ends at
    # an empty page.
    ended = not rows or not after
    return Page(tuple(map(_record, rows)), "" if ended else after, total)


def _take(body: dict[str, Any]) -> tuple[int | None, list[dict[str, Any]], str]:
    found = body["message"]
    total = total_of(found.get("total-results"))
    if total != 0 and "items" not in found:
        raise KeyError("message.items")
    rows = told_apart(found.get("items"), "DOI")
    return total, rows, plain(found.get("next-cursor"))


def _record(row: dict[str, Any]) -> Record:
    title = _title(row)
    abstract = plain(row.get("abstract"))
    trials = [
        plain(part_of(item).get("clinical-trial-number")) for item in listed(row.get("clinical-trial-number"))
    ]
    doi = clean_doi(plain(row.get("DOI")))
    return Record(
        source="Crossref",
        file="crossref",
        position=0,
        kind=_kind(row),
        title=title,
        authors=tuple(filter(None, map(_name, listed(row.get("author"))))),
        year=next(filter(None, (_year(row.get(name)) for name in _DAYS)), None)
        or _year(part_of(row, "journal-issue").get("published-print"))
        or _year(part_of(row, "journal-issue").get("published-online")),
        journal=_container(row),
        volume=plain(row.get("volume")),
        issue=plain(row.get("issue")) or plain(part_of(row, "journal-issue").get("issue")),
        pages=span(row.get("page")) or plain(row.get("article-number")),
        abstract=abstract,
        doi=doi,
        nct=clean_nct(*trials, abstract, title),
        accession=doi or plain(row.get("DOI")).lower(),
        language=plain(row.get("language")),
    )


def _title(row: dict[str, Any]) -> str:
    """Return the title with its subtitle, unless the title holds it already."""
    names = ("title", "original-title", "short-title")
    title = next(filter(None, (_first(row.get(name)) for name in names)), "")
    under = _first(row.get("subtitle"))
    if not under or under.casefold().strip(" .") in title.casefold():
        return title
    if not title:
        return under
    return f"{title} {under}" if title[-1] in ":?!.–—" else f"{title}: {under}"


def _first(value: Any) -> str:
    """Return the first of a list that says something."""
    return next(filter(None, map(plain, listed(value))), "")


def _name(person: Any) -> str:
    if not isinstance(person, dict):
        return plain(person)
    family = " ".join(filter(None, [plain(person.get("prefix")), plain(person.get("family"))]))
    given = " ".join(filter(None, [plain(person.get("given")), plain(person.get("suffix"))]))
    built = ", ".join(filter(None, [family, given]))
    return built or plain(person.get("name")) or plain(person.get("literal"))


def _year(value: Any) -> int | None:
    """Return the year of a date in parts; null parts are no date.

    Examples
    --------
    >>> _year({"date-parts": [[2026, 1, 5]]}), _year({"date-parts": [[None]]}), _year(None)
    (2026, None, None)
    """
    parts = part_of(value).get("date-parts")
    first = next(iter(listed(parts)), None)
    year = next(iter(first), None) if isinstance(first, list) else first
    return clean_year(plain(year)) or clean_year(plain(part_of(value).get("date-time")))


def _container(row: dict[str, Any]) -> str:
    """Return the journal, the book of a chapter, or the server of a preprint."""
    kind = plain(row.get("type"))
    titles = [text for item in listed(row.get("container-title")) if (text := plain(item))]
    if titles:
        return titles[-1] if kind in _IN_BOOKS else titles[0]
    owners = [plain(part_of(item).get("name")) for item in listed(row.get("institution"))]
    places = [_first(row.get("short-container-title")), plain(part_of(row, "event").get("name")), *owners]
    if kind == "posted-content":
        places += [plain(row.get("group-title")), plain(row.get("publisher"))]
    return next(filter(None, places), "")


def _kind(row: dict[str, Any]) -> str:
    """Return the type with what the work corrects or takes back, and what befell it."""
    subtype = plain(row.get("subtype"))
    said = [plain(row.get("type")), subtype if plain(row.get("type")) == "posted-content" else ""]
    for item in listed(row.get("update-to")):
        what, doi = _update(item), clean_doi(plain(part_of(item).get("DOI")))
        said.append(f"{what} of {doi}" if what and doi else what)
    for item in listed(row.get("updated-by")):
        what = _update(item)
        if any(word in what for word in ("retract", "withdraw", "remov")):
            said.append(RETRACTED)
        elif any(word in what for word in ("correct", "errat", "corrigend")):
            said.append(CORRECTED)
        elif "concern" in what:
            said.append(CONCERNED)
    for name, links in part_of(row, "relation").items():
        for link in listed(links) if name in _RELATIONS else []:
            said.append(f"{_RELATIONS[name]} {plain(part_of(link).get('id')).lower()}".strip())
    return joined(said)


def _update(item: Any) -> str:
    """Return the word of an update, as "expression of concern"."""
    word = plain(part_of(item).get("type")) or plain(part_of(item).get("label"))
    return word.replace("_", " ").replace("-", " ").casefold()


CROSSREF = Source(
    "crossref", "Crossref", "database", "https://api.crossref.org", 1.1, _page,
    cursor_moves=False, cursor_life=300.0,
)  # fmt: skip
