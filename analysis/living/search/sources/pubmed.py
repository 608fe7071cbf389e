"""PubMed through the E-utilities: by the day on which a record was created there.

The day of entry (EDAT) is set back to the day of publication when a record comes more than twelve months
late, so a window by it never holds such papers. The day of creation (CRDT) is not.
"""

from __future__ import annotations

import re
from typing import Any

from analysis.living.records.nbib import read_nbib
from analysis.living.records.plain import plain
from analysis.living.records.record import Record
from analysis.living.search.answers import complaint, read_json, said_in
from analysis.living.search.client import Busy, Client, Refused, SearchError
from analysis.living.search.sources.base import Page, Question, Source, listed, part_of, total_of

__all__ = ["PUBMED"]

#: PubMed gives at most this many numbers for one query.
_MOST = 9999
_BATCH = 200
_TRIES = 3
_GONE = re.compile(
    r"(?:PMID|UID|id) (?:is )?not (?:available|found)\s*:?\s*(\d{1,8})"
    r"|^\s*id: (\d{1,8})\s+Error occurred"
    r"|(?:PMID|UID)\W{0,3}(\d{1,8})\W{0,3} (?:is )?not (?:available|found)",
    re.IGNORECASE | re.MULTILINE,
)
#: What PubMed says when it knows none of the numbers that it was asked for.
_NONE = re.compile(r"id list is empty|no correct ids", re.IGNORECASE)
#: What the lists of an answer say of the query.
_SAID = {
    "phrasesnotfound": "searched without a phrase that was not found",
    "quotedphrasesnotfound": "a quoted phrase is not in the index of phrases",
    "phrasesignored": "a phrase was passed over",
    "outputmessages": "warning",
}
_EMPTY = "no items found"


def _page(client: Client, question: Question, cursor: str) -> Page:
    """Ask for all numbers first, then for the records by number: the list cannot shift meanwhile.

    The cursor is "total:number,number,...", the numbers that are still to be fetched.
    """
    known = {"email": question.email, "api_key": question.api_key}
    extra = {name: value for name, value in known.items() if value} | {"tool": "living-systematic-review"}
    if not cursor:
        return _numbers(client, question, extra)
    total, _, rest = cursor.partition(":")
    numbers = rest.split(",")
    batch, later = numbers[:_BATCH], numbers[_BATCH:]
    records, gone = _fetch(client, f"{question.base}/efetch.fcgi", batch, extra)
    notes = tuple(
        f"number {number} was found and is not available any more; it is left out of the total"
        for number in gone
    )
    return Page(records, f"{total}:{','.join(later)}" if later else "", int(total), notes, len(gone))


def _window(question: Question) -> str:
    return f'"{question.since:%Y/%m/%d}"[crdt] : "{question.until:%Y/%m/%d}"[crdt]'


def _numbers(client: Client, question: Question, extra: dict[str, str]) -> Page:
    params = {
        "db": "pubmed", "term": f"({question.query}) AND ({_window(question)})", "retmode": "json",
        "retmax": _MOST, **extra,
    }  # fmt: skip
    found = client.json(f"{question.base}/esearch.fcgi", params, _take, post=True)
    count, numbers = found["count"], found["numbers"]
    if count is not None and count > _MOST:
        raise SearchError(f"PubMed: {count} records, more than {_MOST} at once; search a shorter time")
    total = len(numbers) if count is None else count
    return Page((), f"{total}:{','.join(numbers)}" if numbers else "", count, _notes(found["said"]))


def _take(body: dict[str, Any]) -> dict[str, Any]:
    found = body["esearchresult"]
    count = total_of(found.get("count"))
    if count != 0 and "idlist" not in found:
        raise KeyError("idlist")
    numbers = dict.fromkeys(plain(item) for item in listed(found.get("idlist")))
    return {"count": count, "numbers": [item for item in numbers if item.isdigit()], "said": found}


def _notes(found: dict[str, Any]) -> tuple[str, ...]:
    """Return what PubMed made of the query: its translation, what it left out, and its warnings.

    Raises
    ------
    Refused
        When a field of the query is not known: then another question was answered.
    """
    errors, warnings = part_of(found, "errorlist"), part_of(found, "warninglist")
    unknown = _texts(errors, "fieldsnotfound")
    if unknown:
        raise Refused(f"PubMed: the query names fields that PubMed does not know: {', '.join(unknown)}", 0)
    notes = [
        f"{_SAID.get(name, name)}: {text}"
        for holder in (errors, warnings)
        for name in holder
        for text in _texts(holder, name)
        if _EMPTY not in text.casefold()
    ]
    translated = plain(found.get("querytranslation"))
    return (*notes, *([f"query as translated: {translated}"] if translated else []))


def _texts(holder: dict[str, Any], name: str) -> list[str]:
    return [text for item in listed(holder.get(name)) if (text := plain(item))]


def _fetch(
    client: Client, url: str, batch: list[str], extra: dict[str, str]
) -> tuple[tuple[Record, ...], list[str]]:
    """Return the records of the numbers, and the numbers that PubMed calls unavailable.

    An answer that ends early can still look whole; only the numbers and the last line end tell. When a few
    numbers stay out without a word, they are asked alone; those that are still not sent count as gone.
    """
    found: dict[str, Record] = {}
    gone: set[str] = set()
    before = None
    for _ in range(_TRIES):
        sent, text = _read(client, url, batch, extra)
        read = {record.pmid: record for record in sent}
        whole = text.rstrip(" \t\r\x00").endswith("\n") or text == before
        before = text
        gone |= {next(filter(None, item)) for item in _GONE.findall(text)} & set(batch) - set(read)
        if not whole and read:
            # The last record of an answer that was cut may be half a record.
            read.popitem()
        found |= {number: read[number] for number in batch if number in read}
        if all(number in found or number in gone for number in batch):
            break
    lost = [number for number in batch if number not in found and number not in gone]
    if lost and len(batch) > 1 and len(lost) <= max(1, len(batch) // 10):
        for number in lost:
            read = {record.pmid: record for record in _read(client, url, [number], extra)[0]}
            found |= {number: read[number]} if number in read else {}
        gone |= {number for number in lost if number not in found}
    elif lost:
        raise SearchError(f"PubMed: {len(lost)} records were not sent, the first is {lost[0]}")
    kept = tuple(found[number] for number in batch if number in found)
    return kept, [number for number in batch if number in gone and number not in found]


def _read(client: Client, url: str, batch: list[str], extra: dict[str, str]) -> tuple[list[Record], str]:
    params = {"db": "pubmed", "id": ",".join(batch), "rettype": "medline", "retmode": "text", **extra}
    try:
        text = str(client.text(url, params, _checked, post=True))
    except Refused as error:
        if not _NONE.search(str(error)):
            raise
        text = "".join(f"id: {number} Error occurred\n" for number in batch)
    return read_nbib(text, "pubmed", "PubMed")[0], text


def _checked(text: str) -> str:
    """Return MEDLINE text; an error that comes instead of it is told in PubMed's words.

    Raises
    ------
    Busy
        When the answer is JSON, XML, HTML or a bare error: it is asked for again.
    """
    if re.search(r"^PMID\s{0,3}-", text, re.MULTILINE) or _GONE.search(text) or not text.strip():
        return text
    if _NONE.search(text):
        raise Refused(said_in(text).text, 0)
    said = said_in(text)
    if text.lstrip()[:1] in "{[":
        try:
            found = complaint(read_json(text))
        except ValueError:
            found = None
        said = found or said
    raise Busy(f"no records but: {said.text}" if said.text else "no records and no word")


PUBMED = Source(
    "pubmed", "PubMed", "database", "https://eutils.ncbi.nlm.nih.gov/entrez/eutils", 0.4, _page,
    keeps_cursor=False, window=_window, key_name="NCBI_API_KEY",
)  # fmt: skip
