"""From what an export says, field by field, to one record: the rules that all formats share.

A reader hands over lists of values under the names of `FIELDS`; which tag or column means what is a
table of the reader. Here identifiers are cleaned, and a value that stands for nothing is none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from analysis.evidence.faults import Fault
from analysis.living.records.normal import fold_title
from analysis.living.records.record import (
    Record,
    clean_doi,
    clean_nct,
    clean_pmid,
    clean_year,
    is_doi,
    one_line,
)

__all__ = ["DATABASES", "FIELDS", "Got", "Place", "Reading", "add", "drop_shared", "split_authors"]

#: The names under which readers hand over values.
FIELDS = (
    "title", "authors", "year", "journal", "volume", "issue", "pages", "first_page", "last_page",
    "article_number", "abstract", "doi", "doi_elsewhere", "pmid", "nct", "accession", "number", "kind",
    "language", "source", "urls", "notes", "citation",
)  # fmt: skip
Got = Mapping[str, Sequence[str]]

#: What programs write where they know nothing.
_NOTHING = {
    "", "0", "-", "--", "–", "—", "n/a", "n.a.", "na", "nan", "none", "null", "nil", "undefined",
    "not available", "not applicable", "unknown", "[]", "()", "0000", "0.0", "no doi", "no pmid",
}  # fmt: skip
_PMID_SAID = re.compile(
    r"\b(\d{1,8})\s*\[pmid\]|\bPMID\s*[:=]?\s*(?:NLM)?(\d{1,8})\b"
    r"|\bPubMed\s*(?:ID|PMID)?['\"]?\s*[:=]?\s*['\"]?(\d{5,8})\b|pubmed[^\d\s]{0,40}/(?:\?term=)?(\d{1,8})\b"
    r"|europepmc\.org/\w+/MED/(\d{1,8})\b",
    re.IGNORECASE,
)
_DOI_SAID = re.compile(
    r"\bdoi['\"]?\s*[:=]?\s*['\"]?(?:https?://\S*?/)?(10\.\d{4,9}/[^\s'\"]+)", re.IGNORECASE
)
_OF_ANOTHER = re.compile(r"errat|comment|correct|retract|update|republish|original|references?:", re.I)
_MONTHS = "jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez"
#: What a spreadsheet program makes of "5-9": a day.
_AS_A_DAY = re.compile(
    rf"\d{{1,2}}[-. /]{{1,2}}(?:{_MONTHS})[a-z]*\.?(?:[-. /]\d{{2,4}})?|(?:{_MONTHS})[a-z]*\.?[-. /]\d{{1,4}}"
    r"|\d{4}-\d\d-\d\d(?:[ T]00:00:00)?|\d{1,2}[/.]\d{1,2}[/.]\d{4}",
    re.IGNORECASE,
)
_OLD_DAY = re.compile(r"(1905)-(\d\d)-(\d\d)|(\d{1,2})[/.-](\d{1,2})[/.-](1905)")
#: Volume, issue and pages in a line of source.
_VOLUME = re.compile(
    r"(?:^|[\s;])(\w+)\s?(?:\(([^()]*)\))?\s?:\s?\(?(?:Article Number: )?([\w.]*\d[\w.]*(?:-\w+)?)"
)
#: Embase: the year in brackets, then "15:1 (307-356)" or "15:1 Article Number: 4063".
_EMBASE_PLACE = re.compile(
    r"\((?:19|20)\d\d\)\s+(\w+)(?::([\w -]+?))?\s*(?:\(([\w -]+)\)|Article Number: (\w+))"
)
#: Numbers that carry the name of their database.
_PREFIXES = (
    (re.compile(r"CN-\d+", re.I), "CENTRAL"),
    (re.compile(r"(?:WOS|BCI|CCC|KJD|MEDLINE|RSCI|SCIELO):\w+", re.I), "Web of Science"),
    (re.compile(r"2-s2\.0-\d+"), "Scopus"),
    (re.compile(r"L\d{8,10}"), "Embase"),
    (re.compile(r"pub\.\d{8,}"), "Dimensions"),
)
#: The same numbers in the addresses of records, as screening tools hand them on.
_IN_ADDRESS = re.compile(
    r"\beid=(2-s2\.0-\d+)|embase\.com/\S*?[?&]id=(L\d{8,10})\b|/central/doi/\S*?/(CN-\d+)\b", re.IGNORECASE
)
#: Sources that name no database.
_NO_SOURCE = {"other", "others", "manual", "import", "imported", "hand search", "unknown source"}
#: What stands in place of authors.
_NO_AUTHOR = re.compile(r"\W*no authors?(?: name)?(?: available| listed| given)\W*", re.IGNORECASE)
#: A longer volume or issue is another text in its place.
_LONGEST_NUMBER = 60
#: Short names under which one host writes its databases.
_SHORT = {
    "aph": "Academic Search Premier", "a9h": "Academic Search Complete", "ccm": "CINAHL",
    "cin20": "CINAHL", "rzh": "CINAHL", "c8h": "CINAHL", "jlh": "CINAHL", "psyh": "PsycINFO",
    "psy": "PsycINFO", "cmedm": "MEDLINE", "mnh": "MEDLINE", "mdc": "MEDLINE", "eric": "ERIC",
    "nlm": "PubMed", "med": "MEDLINE",
}  # fmt: skip
_DATABASE_IN_ADDRESS = re.compile(rf"[?&]db=({'|'.join(_SHORT)})\b", re.IGNORECASE)
#: Names of databases, as catalogues and columns of sources give them.
DATABASES = re.compile(
    r"(?:ovid\s*)?(?:pubmed|medline|embase|scopus|web of science|wos|central|cochrane(?: library)?|cinahl|"
    r"(?:apa )?psycinfo|lilacs|google scholar|clinicaltrials\.gov|europe pmc|openalex|dimensions|nlm|"
    r"ieee(?: xplore)?)\W*",
    re.IGNORECASE,
)
_PUBMED = re.compile(r"pubmed|medline|\bnlm\b", re.IGNORECASE)
_DASHES = re.compile(r"\s*[‐‑‒–—−]\s*")
#: So many different titles under one number, and the number names none of them.
_MANY = 3


class Place(NamedTuple):
    """Where a record stands: its file, its position, its line, and the database that the call names."""

    file: str
    position: int
    line: int
    source: str = ""


@dataclass
class Reading:
    """What a reader found in one text.

    Attributes
    ----------
    records : list of Record
        What was read.
    lost : list of Fault
        One a record that could not be read.
    skipped : list of Fault
        One a record that says nothing, and is therefore none.
    faults : list of Fault
        What is wrong beside single records.
    notes : list of Fault
        What was mended or assumed.
    between : int
        Lines with text that belong to no record.
    unknown : Counter of str
        Tags or columns that are not known, with the number of their lines; their values are left out.
    """

    records: list[Record] = field(default_factory=list)
    lost: list[Fault] = field(default_factory=list)
    skipped: list[Fault] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)
    between: int = 0
    unknown: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """Records of the file: read, skipped and not readable."""
        return len(self.records) + len(self.skipped) + len(self.lost)


def add(reading: Reading, got: Got, file: str, line: int, source: str = "") -> None:
    """Add a record to what was read, or note that it says nothing."""
    place = Place(file, len(reading.records) + 1, line, source)
    record = _build(got, place, reading.notes)
    says = (record.title, record.authors, record.abstract, record.doi, record.pmid, record.nct)
    if any(says) or (record.accession and (record.journal or record.year)):
        reading.records.append(record)
    else:
        problem = "the record has no title, author, abstract or number and was left out"
        reading.skipped.append(Fault(file, line, "", "", problem, "a title"))


def _shown(value: str) -> str:
    """Return a value as one line; what a spreadsheet or a program put around it is taken off."""
    text = one_line(value)
    wrapped = re.fullmatch(r'="?(.*?)"?', text)
    if wrapped and not text.startswith("=="):
        text = wrapped.group(1)
    if text.startswith("'") and text[1:2].isdigit():
        text = text[1:]
    return "" if text.casefold() in _NOTHING else text


def _values(got: Got, *names: str) -> list[str]:
    return [shown for name in names for value in got.get(name, ()) if (shown := _shown(value))]


def _first(got: Got, *names: str) -> str:
    return next(iter(_values(got, *names)), "")


def _build(got: Got, place: Place, notes: list[Fault]) -> Record:
    title = next((one_line(value) for value in got.get("title", ()) if one_line(value)), "")
    said = _values(got, "notes")
    urls = " ".join(_values(got, "urls"))
    citation = _cited(_first(got, "citation"))
    abstract = " ".join(_values(got, "abstract"))
    named = _first(got, "source") or next(iter(_DATABASE_IN_ADDRESS.findall(urls)), "")
    accession = _first(got, "accession") or _numbered(got, named, urls)
    database = place.source or _database(named, accession)
    numbers = {
        name: _number(_first(got, name), name, place, notes) or citation.get(name, "")
        for name in ("volume", "issue")
    }
    return Record(
        source=database,
        file=place.file,
        position=place.position,
        line=place.line,
        kind=_kind(got),
        title=title,
        authors=tuple(split_authors(_values(got, "authors"))),
        year=_year(got) or (int(citation["year"]) if citation.get("year") else None),
        journal=_first(got, "journal") or citation.get("journal", ""),
        volume=numbers["volume"],
        issue=numbers["issue"],
        pages=_pages(got, place, notes) or citation.get("pages", ""),
        abstract=abstract,
        doi=_doi(got, said, urls),
        pmid=_pmid(got, said, urls, accession, database),
        nct=clean_nct(*_values(got, "nct"), accession, *said, urls, title, abstract),
        accession=accession,
        language=_first(got, "language"),
    )


def _kind(got: Got) -> str:
    said = "; ".join(dict.fromkeys(value for value in _values(got, "kind") if not is_doi(value)))
    # A bare "article" of a source names a place of print; of the ledger it is a kind that was decided.
    return "Journal Article" if said == "article" else said


def _numbered(got: Got, named: str, urls: str) -> str:
    """Return a number that carries the name of its database, from a field of ids or an address."""
    found = [value for value in _values(got, "number") if _database("", value)]
    found += ["".join(parts) for parts in _IN_ADDRESS.findall(urls)]
    return next(
        (value for value in found if not named or _database("", value).casefold() in named.casefold()), ""
    )


def _database(named: str, accession: str) -> str:
    named = re.sub(r"\s*<[^<>]*>?\s*$", "", named)
    named = "" if named.casefold() in _NO_SOURCE else named
    named = _SHORT.get(named.casefold(), named)
    if named:
        return named
    return next((name for pattern, name in _PREFIXES if pattern.fullmatch(accession)), "")


def _pmid(got: Got, said: Sequence[str], urls: str, accession: str, database: str) -> str:
    """Return the PubMed number: from its own field, from notes, or the number of a PubMed record."""
    for value in _values(got, "pmid"):
        found = clean_pmid(value) or _pmid_said(value)
        if found:
            return found
    own = re.fullmatch(r"(?:mdl-|MEDLINE:)0*(\d{4,8})", accession, re.IGNORECASE)
    if own:
        return own.group(1)
    if _PUBMED.search(database):
        parts = [clean_pmid(part) for part in re.split(r"[;,]\s*", accession)]
        if number := next((part for part in reversed(parts) if part), ""):
            return number
    return next((found for text in (*said, urls) if (found := _pmid_said(text))), "")


def _pmid_said(text: str) -> str:
    found = _PMID_SAID.search(text)
    number = next((part for part in found.groups() if part), "") if found else ""
    return number.lstrip("0")


def _doi(got: Got, said: Sequence[str], urls: str) -> str:
    elsewhere = filter(is_doi, _values(got, "doi_elsewhere"))
    for value in (*_values(got, "doi"), *elsewhere):
        if found := clean_doi(value):
            return found
    for text in said:
        found_all = {clean_doi(match.group(1)) for match in _DOI_SAID.finditer(text)} - {""}
        if len(found_all) == 1 and not _OF_ANOTHER.search(text):
            return found_all.pop()
    return clean_doi(urls)


def _year(got: Got) -> int | None:
    for value in _values(got, "year"):
        old = _OLD_DAY.match(value)
        year = _year_as_day(old) if old else None
        if year:
            return year
        if found := clean_year(value):
            return found
        # Registers write days as 20240301.
        day = re.search(r"(?<!\d)(\d{4})(?:0[1-9]|1[0-2])[0-3]\d(?!\d)", value)
        if day and (year := clean_year(day.group(1))):
            return year
    return None


def _year_as_day(old: re.Match[str]) -> int | None:
    """Return the year of a cell that a spreadsheet shows as a day: 2024 is 16 July 1905 there."""
    numbers = [int(part) for part in old.groups() if part]
    orders = [tuple(numbers)] if numbers[0] == 1905 else [
        (1905, numbers[1], numbers[0]), (1905, numbers[0], numbers[1])
    ]  # fmt: skip
    for year, month, day in orders:
        if month in (6, 7) and 1 <= day <= 30 + (month == 7):
            return (date(year, month, day) - (date(1899, 12, 30) + timedelta(0))).days
    return None


def _number(value: str, name: str, place: Place, notes: list[Fault]) -> str:
    if _AS_A_DAY.fullmatch(value) and not re.fullmatch(r"[A-Za-z]+\.?[- ]?\d{0,4}", value):
        _note_day(value, name, place, notes)
        return ""
    return "" if len(value) > _LONGEST_NUMBER else re.sub(r"^(\d+)[.,]0$", r"\1", _DASHES.sub("-", value))


def _note_day(value: str, name: str, place: Place, notes: list[Fault]) -> None:
    problem = f"the {name} were turned into a day by a spreadsheet and are left out"
    problem = problem if name == "pages" else problem.replace(" were", " was").replace(" are", " is")
    notes.append(Fault(place.file, place.line, name, value, problem, "a column saved as text"))


def _pages(got: Got, place: Place, notes: list[Fault]) -> str:
    def tidy(value: str) -> str:
        text = re.sub(r"^(?:pp?\.?\s*)(?=\d)", "", _DASHES.sub("-", value), flags=re.IGNORECASE)
        text = re.sub(r"(?<=\d)\.0\b", "", re.sub(r"\s*-{1,3}\s*", "-", text)).strip("-, ")
        return "" if re.fullmatch(r"0+(?:-0+)?", text) else text

    whole = _first(got, "pages")
    first, last = (_first(got, name) for name in ("first_page", "last_page"))
    for value in (whole, first):
        if _AS_A_DAY.fullmatch(value):
            _note_day(value, "pages", place, notes)
    first, last = ("" if _AS_A_DAY.fullmatch(value) else tidy(value) for value in (first, last))
    if first and last and "-" not in first and first != last:
        return f"{first}-{last}"
    whole = "" if _AS_A_DAY.fullmatch(whole) else tidy(whole)
    return first or whole or last or re.sub(r"(\d)\.0$", r"\1", _first(got, "article_number"))


def _cited(text: str) -> dict[str, str]:
    """Return what a line of source says: journal, year, volume, issue and pages.

    Examples
    --------
    >>> _cited("Journal of Examples. 23(4):301-8, 2021 Apr")["pages"]
    '301-8'
    >>> _cited("v3 n1 p11-20 1998")["volume"], _cited("J Ex. 2023 Mar;54(3):e52-e57. doi: 10.5555/x")["issue"]
    ('3', '3')
    """
    found: dict[str, str] = {}
    year = clean_year(text)
    if year:
        found["year"] = str(year)
    eric = re.search(r"\bv(\w+)\s+(?:n([\w-]+)\s+)?p([\w-]+)", text)
    if eric:
        found |= {"volume": eric.group(1), "issue": eric.group(2) or "", "pages": eric.group(3)}
        return found
    embase = _EMBASE_PLACE.search(text)
    if embase:
        volume, issue, pages, number = (part or "" for part in embase.groups())
        return found | {"volume": volume, "issue": issue.strip(), "pages": pages or number}
    place = _VOLUME.search(text)
    if place and clean_year(place.group(1)) is None:
        pages = place.group(3).rstrip(".")
        found |= {"volume": place.group(1), "issue": place.group(2) or "", "pages": pages}
    journal = re.match(r"([^.;(\d][^.;(]{2,120})[.;(]", text)
    if journal and year:
        found["journal"] = journal.group(1).strip()
    return found


def split_authors(values: Iterable[str]) -> list[str]:
    """Return the names in a list of cells; a cell that lists many is split at its strongest separator.

    Examples
    --------
    >>> split_authors(["Yang Z., Jiang B., Xu J."]), split_authors(["Ash, A.", "Beech, B."])
    (['Yang Z.', 'Jiang B.', 'Xu J.'], ['Ash, A.', 'Beech, B.'])
    """
    given = [re.sub(r"\s*\(\d{6,}\)", "", value) for value in values]  # numbers of Scopus after names
    if len(given) == 1:
        given = _split_cell(given[0])
    else:
        given = [part for value in given for part in value.split(";")]
    names = (one_line(name).strip(" ;,") for name in given)
    nobody = {*_NOTHING, "and others", "others"}
    return [
        name for name in names if name and name.casefold() not in nobody and not _NO_AUTHOR.fullmatch(name)
    ]


def _split_cell(text: str) -> list[str]:
    named = re.findall(r"""['"](?:display_)?name['"]\s*:\s*(?:'([^']*)'|"([^"]*)")""", text)
    if named:  # a list of things with names, as programs write it
        return ["".join(parts) for parts in named]
    if text.startswith("[") and text.endswith("]"):
        text = re.sub(r"""['"]\s*,\s*['"]""", ";", text[1:-1]).strip("'\"")
    for mark in (";", "|", "//"):
        if mark in text:
            return text.split(mark)
    if re.search(r"\band\b", text) and re.search(r"\w", text):
        parts = re.split(r",?\s+and\s+", text)
        # "Ash A, Beech B and Clover C" lists with commas before the last.
        return [name for part in parts for name in (_split_commas(part) if _is_list(part) else [part])]
    return _split_commas(text)


def _is_list(text: str) -> bool:
    parts = [part.strip() for part in text.split(",")]
    return len(parts) > 1 and all(" " in part for part in parts)


def _split_commas(text: str) -> list[str]:
    parts = [part for whole in text.split(",") if (part := whole.strip())]
    # "Smith J, Jones A" lists names; "Smith, J." is one.
    if len(parts) > 1 and all(" " in part for part in parts[:2]):
        return parts
    if len(parts) > 2:
        if all(len(re.sub(r"[.\s-]", "", given)) <= 3 for given in parts[1::2]):
            return [", ".join(parts[at : at + 2]) for at in range(0, len(parts), 2)]
        return parts
    return [text] if text else []


def drop_shared(records: Sequence[Record], notes: list[Fault]) -> list[Record]:
    """Return the records without identifiers that many different titles of the file share.

    A PubMed number, a DOI or a number of a database that is the same in many records stands for a
    column filled by default, or for a whole supplement; it names none of the papers.
    """
    found = list(records)
    for name in ("pmid", "doi", "accession"):
        titles: dict[str, set[str]] = {}
        for record in found:
            value = getattr(record, name)
            if value:
                titles.setdefault(value, set()).add(fold_title(record.title))
        shared = {value for value, all_titles in titles.items() if len(all_titles) >= _MANY}
        for value in sorted(shared):
            held = [record for record in found if getattr(record, name) == value]
            problem = f"{len(held)} records with different titles share it, so it names none of them"
            notes.append(Fault(held[0].file, held[0].line, name, value, problem, "one number a record"))
        found = [_without(item, name) if getattr(item, name) in shared else item for item in found]
    return found


def _without(record: Record, name: str) -> Record:
    blank: Any = {name: ""}
    return replace(record, **blank)
