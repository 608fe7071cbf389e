"""What deduplication compares of a record: its folded title, names, pages and identifiers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analysis.living.records.kinds import kind_of
from analysis.living.records.normal import (
    digits_of,
    ending_number,
    fold_journal,
    fold_title,
    name_words,
    page_span,
    surname,
    title_notice,
    volume_number,
)
from analysis.living.records.record import Record

__all__ = ["Key", "key_of"]

#: Preprint servers that give each version a DOI of its own.
_SERVERS = tuple(f"10.{code}/" for code in (1101, 64898, 21203, 20944, 26434, 22541, 36227, 48550))
_VERSION = re.compile(r"[/.-]?v\d{1,2}$")
_NOBODY = {"", "unknown", "anonymous", "anon", "notstated", "noauthor", "noauthorslisted"}


@dataclass(frozen=True, slots=True)
class Key:
    """The plain forms of one record; blank where the record says nothing."""

    title: str
    solid: str
    notice: str
    digits: str
    ending: str
    names: tuple[str, ...]
    first_words: frozenset[str]
    year: int | None
    journal: tuple[str, ...]
    volume: str
    issue: str
    first_page: str
    last_page: str
    doi: str
    pmid: str
    nct: str
    accession: str
    #: One of `KINDS`, blank where nothing tells it.
    kind: str = ""


def key_of(record: Record) -> Key:
    """Return the plain forms of a record."""
    title = fold_title(record.title)
    first, last = page_span(record.pages) if record.pages else ("", "")
    names = tuple(
        name
        for author in record.authors
        if (name := surname(author)) not in _NOBODY and not name.startswith("etal")
    )
    return Key(
        title=title,
        solid=title.replace(" ", ""),
        notice=title_notice(record.title),
        digits=digits_of(title),
        ending=ending_number(record.title),
        names=names,
        first_words=name_words(record.authors[0]) if names else frozenset(),
        year=record.year,
        journal=fold_journal(record.journal) if record.journal else (),
        volume=volume_number(record.volume) if record.volume else "",
        issue=volume_number(record.issue) if record.issue else "",
        first_page=first,
        last_page=last,
        doi=_VERSION.sub("", record.doi) if record.doi.startswith(_SERVERS) else record.doi,
        pmid=record.pmid,
        nct=record.nct,
        accession=f"{record.source}:{record.accession}" if record.accession and record.source else "",
        kind=kind_of(record),
    )
