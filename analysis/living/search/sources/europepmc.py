"""Europe PMC: articles, preprints, books and patents, by the day on which a record was first indexed."""

from __future__ import annotations

import re
from typing import Any

from analysis.living.records.plain import plain
from analysis.living.records.record import Record, clean_doi, clean_nct, clean_pmid, clean_year
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

__all__ = ["EUROPEPMC"]

_SUFFIX = re.compile(r"(?:Jr|Sr|II|III|IV|2nd|3rd|4th)\.?", re.IGNORECASE)
#: What a link to another paper says of this one; the words of Europe PMC in lower case.
_LINKS = {
    "retraction in": RETRACTED,
    "partial retraction in": RETRACTED,
    "erratum in": CORRECTED,
    "corrected and republished in": CORRECTED,
    "expression of concern in": CONCERNED,
    "retraction of": "Retraction of Publication",
    "partial retraction of": "Retraction of Publication",
    "erratum for": "Published Erratum",
    "expression of concern for": "Expression of Concern",
}


def _page(client: Client, question: Question, cursor: str) -> Page:
    query = f"({question.query}) AND (FIRST_IDATE:[{question.since} TO {question.until}])"
    params = {
        "query": query, "format": "json", "resultType": "core", "pageSize": 200,
        "cursorMark": cursor or "*",
    }  # fmt: skip
    total, rows, after = client.json(f"{question.base}/search", params, _take)
    # The last page repeats its cursor, or gives none; an empty page ends the search in any case.
    ended = not rows or not after or after in (cursor, "*")
    return Page(tuple(map(_record, rows)), "" if ended else after, total)


def _take(body: dict[str, Any]) -> tuple[int | None, list[dict[str, Any]], str]:
    total = total_of(body.get("hitCount"))
    if total != 0 and "resultList" not in body:
        raise KeyError("resultList")
    rows = told_apart(part_of(body, "resultList").get("result"), "id")
    if total is None and not rows and not body.get("nextCursorMark"):
        raise KeyError("hitCount")
    return total, rows, plain(body.get("nextCursorMark"))


def _record(row: dict[str, Any]) -> Record:
    info = part_of(row, "journalInfo")
    book = part_of(row, "bookOrReportDetails")
    journal = part_of(info, "journal")
    number, origin = plain(row.get("id")), plain(row.get("source"))
    abstract = plain(row.get("abstractText"))
    links = [
        _LINKS.get(plain(link.get("type")).casefold(), "")
        for link in listed(part_of(row, "commentCorrectionList").get("commentCorrection"))
        if isinstance(link, dict)
    ]
    kinds = listed(part_of(row, "pubTypeList").get("pubType")) or listed(row.get("pubType"))
    preprint = origin == "PPR" or any(plain(kind).casefold() == "preprint" for kind in kinds)
    places = (
        journal.get("title"), row.get("journalTitle"), book.get("comprisingTitle"),
        book.get("publisher") if preprint else "", journal.get("medlineAbbreviation"),
        journal.get("isoabbreviation"),
    )  # fmt: skip
    return Record(
        source="Europe PMC",
        file="europepmc",
        position=0,
        kind=joined([*kinds, *(["Preprint"] if preprint else []), *links]),
        title=plain(row.get("title")),
        authors=_authors(row),
        year=_year(row, info, book),
        journal=next(filter(None, map(plain, places)), ""),
        volume=plain(info.get("volume") or row.get("journalVolume")),
        issue=plain(info.get("issue") or row.get("issue")),
        pages=span(row.get("pageInfo")),
        abstract=abstract,
        doi=clean_doi(plain(row.get("doi"))),
        pmid=clean_pmid(plain(row.get("pmid")) or (number if origin == "MED" else "")),
        nct=clean_nct(abstract, plain(row.get("title"))),
        accession=f"{origin}:{number}" if origin and number else number,
        language=joined(listed(row.get("language"))),
    )


def _authors(row: dict[str, Any]) -> tuple[str, ...]:
    """Return persons and groups in their order; from the one line of names when there is no list."""
    people = listed(part_of(row, "authorList").get("author"))
    names = tuple(filter(None, map(_name, people)))
    if names:
        return names
    text = re.sub(r",?\s*et al\.?$", "", plain(row.get("authorString")))
    found: list[str] = []
    for part in text.removesuffix(".").split(", "):
        if found and _SUFFIX.fullmatch(part.strip()):
            found[-1] = f"{found[-1]} {part.strip()}"
        elif part.strip(" ,;"):
            found.append(part.strip(" ,;"))
    return tuple(found)


def _name(person: Any) -> str:
    if not isinstance(person, dict):
        return plain(person)
    family = plain(person.get("lastName"))
    given = plain(person.get("initials") or person.get("firstName") or person.get("foreName"))
    built = " ".join(filter(None, [family, given, plain(person.get("suffix"))]))
    return plain(person.get("fullName")) or plain(person.get("collectiveName")) or built


def _year(row: dict[str, Any], info: dict[str, Any], book: dict[str, Any]) -> int | None:
    """Return the year of publication; new articles have only the day on which they were first public."""
    values = (
        row.get("pubYear"), info.get("yearOfPublication"), book.get("yearOfPublication"),
        info.get("printPublicationDate"), row.get("firstPublicationDate"),
        row.get("electronicPublicationDate"), info.get("dateOfPublication"),
    )  # fmt: skip
    return next(filter(None, (clean_year(plain(value)) for value in values)), None)


EUROPEPMC = Source(
    "europepmc", "Europe PMC", "database", "https://www.ebi.ac.uk/europepmc/webservices/rest", 0.3, _page
)
