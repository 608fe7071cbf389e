"""The four sources that can be searched by a program: what to ask, and what an answer means.

Each source gives pages. A page has a cursor to the next one, so that a search that was killed goes on where
it stopped, and the total that the server promised, so that a missing record is noticed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from analysis.living.records.nbib import read_nbib
from analysis.living.records.record import Record, clean_doi, clean_nct, clean_pmid, clean_year, one_line
from analysis.living.search.client import Client, SearchError

__all__ = ["SOURCES", "Page", "Question", "Source"]


class Question(NamedTuple):
    """What to ask one source: the query and the days between which records were added."""

    query: str
    since: date
    until: date
    base: str
    email: str = ""
    api_key: str = ""


class Page(NamedTuple):
    """One page: its records, the cursor of the next page ("" at the end), and the promised total."""

    records: tuple[Record, ...]
    cursor: str
    total: int


@dataclass(frozen=True, slots=True)
class Source:
    """A source: its name, its address, its pace in seconds a call, and how to read a page."""

    key: str
    name: str
    kind: str
    base: str
    pause: float
    page: Callable[[Client, Question, str], Page]


#: PubMed gives at most this many numbers for one query.
_PUBMED_MOST = 9999
_PUBMED_BATCH = 200


def _pubmed(client: Client, question: Question, cursor: str) -> Page:
    """Ask for all numbers first, then for the records by number: the list cannot shift meanwhile.

    The cursor is "place:number,number,...", the numbers that are still to be fetched.
    """
    extra = {
        name: value for name, value in (("email", question.email), ("api_key", question.api_key)) if value
    } | {"tool": "dmvo-living-review"}
    if not cursor:
        params = {
            "db": "pubmed", "term": question.query, "retmode": "json", "retmax": _PUBMED_MOST,
            "datetype": "edat", "mindate": f"{question.since:%Y/%m/%d}",
            "maxdate": f"{question.until:%Y/%m/%d}", **extra,
        }  # fmt: skip
        count, numbers = client.json(
            f"{question.base}/esearch.fcgi",
            params,
            lambda body: (
                int(body["esearchresult"]["count"]),
                [str(item) for item in body["esearchresult"]["idlist"]],
            ),
            post=True,
        )
        if count > _PUBMED_MOST:
            raise SearchError(
                f"PubMed: {count} records, more than {_PUBMED_MOST} at once; search a shorter time"
            )
        if len(numbers) != count:
            raise SearchError(f"PubMed: {count} records promised, {len(numbers)} numbers given")
        return Page((), f"{count}:{','.join(numbers)}" if numbers else "", count)
    total, _, rest = cursor.partition(":")
    numbers = rest.split(",")
    batch, later = numbers[:_PUBMED_BATCH], numbers[_PUBMED_BATCH:]
    params = {
        "db": "pubmed", "id": ",".join(batch), "rettype": "medline", "retmode": "text", **extra,
    }  # fmt: skip
    for _ in range(3):
        text = client.text(f"{question.base}/efetch.fcgi", params, post=True)
        records, _, _ = read_nbib(text, "pubmed", "PubMed")
        found = {record.pmid: record for record in records}
        # An answer that ends early can still look whole; only the numbers tell. The last record
        # of such an answer may be half a record.
        if text.endswith("\n") and all(number in found for number in batch):
            kept = tuple(found[number] for number in batch)
            return Page(kept, f"{total}:{','.join(later)}" if later else "", int(total))
    lost = [number for number in batch if number not in found]
    raise SearchError(f"PubMed: {len(lost)} records were not sent, the first is {lost[:1]}")


def _europepmc(client: Client, question: Question, cursor: str) -> Page:
    query = f"({question.query}) AND (FIRST_IDATE:[{question.since} TO {question.until}])"
    params = {
        "query": query, "format": "json", "resultType": "core", "pageSize": 200,
        "cursorMark": cursor or "*",
    }  # fmt: skip
    total, rows, after = client.json(
        f"{question.base}/search",
        params,
        lambda body: (
            int(body["hitCount"]),
            _named(body["resultList"]["result"], "id"),
            body.get("nextCursorMark", ""),
        ),
    )
    records = tuple(_from_europepmc(row) for row in rows)
    ended = not rows or not after or after == cursor
    return Page(records, "" if ended else after, total)


def _from_europepmc(row: dict[str, Any]) -> Record:
    info = row.get("journalInfo") or {}
    people = (row.get("authorList") or {}).get("author") or []
    names = tuple(
        name for person in people if (name := person.get("fullName") or person.get("collectiveName"))
    )
    kinds = (row.get("pubTypeList") or {}).get("pubType") or []
    return Record(
        source="Europe PMC",
        file="europepmc",
        position=0,
        kind="; ".join(kinds) if isinstance(kinds, list) else str(kinds),
        title=one_line(row.get("title")),
        authors=names or tuple(filter(None, [row.get("authorString", "").strip(".")])),
        year=clean_year(str(row.get("pubYear") or "")),
        journal=one_line((info.get("journal") or {}).get("title")),
        volume=str(info.get("volume") or ""),
        issue=str(info.get("issue") or ""),
        pages=str(row.get("pageInfo") or ""),
        abstract=one_line(row.get("abstractText")),
        doi=clean_doi(row.get("doi")),
        pmid=clean_pmid(row.get("pmid")),
        nct=clean_nct(row.get("abstractText")),
        accession=f"{row['source']}:{row['id']}" if row.get("source") and row.get("id") else "",
        language=str(row.get("language") or ""),
    )


def _clinicaltrials(client: Client, question: Question, cursor: str) -> Page:
    days = f"RANGE[{question.since},{question.until}]"
    params = {
        "query.term": question.query, "filter.advanced": f"AREA[LastUpdatePostDate]{days}",
        "pageSize": 100, "countTotal": "true", "format": "json",
    }  # fmt: skip
    if cursor:
        place, _, token = cursor.partition(":")
        params["pageToken"] = token
    total, rows, after = client.json(
        f"{question.base}/studies",
        params,
        lambda body: (
            body.get("totalCount"),
            _named(body["studies"], "protocolSection", "identificationModule", "nctId"),
            body.get("nextPageToken", ""),
        ),
    )
    # Only the first page carries the total; the cursor carries it on.
    promised = int(total) if total is not None else int(place) if cursor else -1
    if promised < 0:
        raise SearchError("ClinicalTrials.gov: the answer has changed, no field 'totalCount'")
    records = tuple(_from_trial(row) for row in rows)
    return Page(records, f"{promised}:{after}" if after else "", promised)


def _from_trial(row: dict[str, Any]) -> Record:
    part = row.get("protocolSection") or {}
    names = part.get("identificationModule") or {}
    status = part.get("statusModule") or {}
    sponsor = (part.get("sponsorCollaboratorsModule") or {}).get("leadSponsor") or {}
    number = clean_nct(names.get("nctId"))
    return Record(
        source="ClinicalTrials.gov",
        file="clinicaltrials",
        position=0,
        kind="trial registration",
        title=one_line(names.get("officialTitle") or names.get("briefTitle")),
        authors=tuple(filter(None, [one_line(sponsor.get("name"))])),
        year=clean_year((status.get("studyFirstPostDateStruct") or {}).get("date")),
        abstract=one_line((part.get("descriptionModule") or {}).get("briefSummary")),
        nct=number,
        accession=number,
    )


def _openalex(client: Client, question: Question, cursor: str) -> Page:
    days = f"from_publication_date:{question.since},to_publication_date:{question.until}"
    params = {
        "filter": f"title_and_abstract.search:{question.query},{days}", "per-page": 100,
        "cursor": cursor or "*",
    }  # fmt: skip
    if question.email:
        params["mailto"] = question.email
    total, rows, after = client.json(
        f"{question.base}/works",
        params,
        lambda body: (int(body["meta"]["count"]), _named(body["results"], "id"), body["meta"]["next_cursor"]),
    )
    records = tuple(_from_openalex(row) for row in rows)
    return Page(records, after or "" if rows else "", total)


def _from_openalex(row: dict[str, Any]) -> Record:
    place = row.get("biblio") or {}
    source = (row.get("primary_location") or {}).get("source") or {}
    people = [item.get("author") or {} for item in row.get("authorships") or []]
    first, last = place.get("first_page") or "", place.get("last_page") or ""
    words = row.get("abstract_inverted_index") or {}
    spread = sorted((spot, word) for word, spots in words.items() for spot in spots)
    abstract = " ".join(word for _, word in spread)
    return Record(
        source="OpenAlex",
        file="openalex",
        position=0,
        kind=str(row.get("type") or ""),
        title=one_line(row.get("title") or row.get("display_name")),
        authors=tuple(name for person in people if (name := one_line(person.get("display_name")))),
        year=clean_year(str(row.get("publication_year") or "")),
        journal=one_line(source.get("display_name")),
        volume=str(place.get("volume") or ""),
        issue=str(place.get("issue") or ""),
        pages=f"{first}-{last}" if first and last else first,
        abstract=abstract,
        doi=clean_doi(row.get("doi")),
        pmid=clean_pmid((row.get("ids") or {}).get("pmid")),
        nct=clean_nct(abstract),
        accession=str(row.get("id") or "").rsplit("/", 1)[-1],
        language=str(row.get("language") or ""),
    )


#: The pace keeps below what each source asks of callers without a key.
SOURCES: dict[str, Source] = {
    item.key: item
    for item in (
        Source(
            "pubmed",
            "PubMed",
            "database",
            "https://eutils.ncbi.nlm.nih.gov/entrez/eutils",
            0.4,
            _pubmed,
        ),
        Source(
            "europepmc",
            "Europe PMC",
            "database",
            "https://www.ebi.ac.uk/europepmc/webservices/rest",
            0.3,
            _europepmc,
        ),
        Source(
            "clinicaltrials",
            "ClinicalTrials.gov",
            "register",
            "https://clinicaltrials.gov/api/v2",
            1.3,
            _clinicaltrials,
        ),
        Source("openalex", "OpenAlex", "database", "https://api.openalex.org", 0.3, _openalex),
    )
}


def _named(rows: list[dict[str, Any]], *path: str) -> list[dict[str, Any]]:
    """Return the rows, each of which must carry its identifier: without it none can be told apart."""
    for row in rows:
        place: Any = row
        for name in path:
            place = place[name]
    return list(rows)
