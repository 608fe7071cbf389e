"""Kinds of records: read from the sources' words, and what they keep apart. All records are synthetic."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from analysis.living.records.dedup import deduplicate
from analysis.living.records.kinds import KINDS, kind_of
from analysis.living.records.record import Record

TITLE = "Thrombectomy of a synthetic distal artery in a network of care"
PAPER = Record(
    source="A",
    file="a.ris",
    position=1,
    kind="JOUR",
    title=TITLE,
    authors=("Alder, A.", "Birch, B."),
    year=2024,
    journal="Journal of Synthetic Stroke",
    volume="55",
    issue="4",
    pages="812-820",
    doi="10.5555/syn.812",
)

#: Words of PubMed, Europe PMC, OpenAlex, Crossref, RIS, BibTeX, Web of Science, Embase, CENTRAL, Zotero.
WORDS = {
    "article": (
        "JOUR", "Journal Article", "article", "journal-article", "journalArticle", "Article", "J",
        "Article; Early Access", "Article; Proceedings Paper", "Journal: Article", "Conference Paper",
        "Journal Article; Randomized Controlled Trial", "English Abstract; Journal Article",
        "research-article; Journal Article", "Retracted Publication; Journal Article", "Article in Press",
        "Review", "Journal Article; Research Support, N.I.H., Extramural",
    ),
    "conference_abstract": (
        "Conference Abstract", "Journal: Conference Abstract", "JOUR; Conference Abstract", "ABST",
        "Meeting Abstract", "CONF; Conference Abstract", "conference-abstract", "Congress Abstract", "CONF",
        "Journal article; Conference proceeding", "Poster",
    ),
    "preprint": ("Journal Article; Preprint", "Preprint", "posted-content", "preprint"),
    "protocol": ("Clinical Trial Protocol; Journal Article", "Clinical trial protocol", "Study Protocol"),
    "correction": ("Published Erratum", "Erratum", "Correction", "erratum", "Retraction of Publication",
                   "Published Erratum; Journal Article", "Corrigendum"),
    "registration": ("trial registration", "Clinical trial registry", "Trial registry record"),
    "other": ("Letter", "Editorial Material", "BOOK", "Note", "dataset"),
    "": ("", "misc", "GEN"),
}  # fmt: skip
_SAID = [(kind, words) for kind, all_words in WORDS.items() for words in all_words]


@pytest.mark.parametrize(("kind", "words"), _SAID, ids=[f"{kind}: {words}" for kind, words in _SAID])
def test_the_words_of_the_sources_are_read(kind, words):
    read = kind_of(Record("A", "a", 1, kind=words, title=TITLE))
    assert read == kind
    # What the ledger keeps is read back as itself.
    assert kind_of(Record("A", "a", 1, kind=read, title=TITLE)) == kind


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ({"title": f"Correction to: {TITLE}"}, "correction"),
        ({"title": f"Erratum: {TITLE}"}, "correction"),
        ({"title": f"Retraction notice: {TITLE}"}, "correction"),
        ({"title": f"RETRACTED: {TITLE}"}, "article"),
        ({"title": f"{TITLE}: study protocol for a randomised trial"}, "protocol"),
        ({"title": f"{TITLE}: protocol for a systematic review"}, "protocol"),
        ({"title": f"{TITLE}: rationale and design"}, "protocol"),
        ({"title": "Deviations from the study protocol in synthetic trials"}, "article"),
        ({"title": f"{TITLE}: a prehospital triage protocol"}, "article"),
        ({"title": "A treatment protocol for synthetic strokes"}, "article"),
        ({"title": f"Abstract TP123: {TITLE}"}, "conference_abstract"),
        ({"journal": "medRxiv"}, "preprint"),
        ({"journal": "Research Square", "pages": ""}, "preprint"),
        ({"journal": "", "doi": "10.1101/2024.01.02.24300001", "pages": ""}, "preprint"),
        ({"journal": "https://clinicaltrials.gov/show/NCT00000001", "pages": ""}, "registration"),
        ({"pages": "S123"}, "conference_abstract"),
        ({"pages": "A47.2", "issue": "Suppl 1"}, "conference_abstract"),
        ({"pages": "S12-S19"}, "article"),
        ({"pages": "S5", "journal": "BMC Synthetic Medicine", "issue": "Suppl 2"}, "article"),
        ({"kind": "Article", "pages": "S123"}, "article"),
        ({"kind": "CONF"}, "article"),
        ({"kind": "inproceedings", "pages": "44"}, "conference_abstract"),
    ],
    ids=lambda value: value if isinstance(value, str) else "; ".join(value.values()),
)
def test_title_journal_and_pages_tell_a_kind_where_they_are_certain(cells, kind):
    assert kind_of(replace(PAPER, **cells)) == kind


BESIDE = {
    "abstract": {"kind": "Conference Abstract", "pages": "", "issue": "", "doi": ""},
    "abstract with a page": {"kind": "Conference Abstract", "pages": "S44", "issue": "Suppl 1", "doi": ""},
    "abstract with its own DOI": {"kind": "Meeting Abstract", "pages": "", "doi": "10.5555/suppl.44"},
    "abstract with the DOI of the paper": {"kind": "Conference Abstract", "pages": ""},
    "abstract of the year before": {"kind": "Conference Abstract", "pages": "A9", "year": 2022,
                                    "volume": "53", "issue": "S", "doi": ""},
    "proceedings": {"kind": "CONF", "pages": "", "issue": "", "doi": ""},
    "preprint": {"kind": "Preprint", "journal": "medRxiv", "volume": "", "issue": "", "pages": "",
                 "doi": "10.1101/2023.01.02.23300001", "year": 2023},
    "preprint without a place": {"kind": "preprint", "journal": "", "volume": "", "issue": "", "pages": "",
                                 "doi": ""},
    "protocol": {"kind": "Clinical Trial Protocol; Journal Article", "volume": "", "issue": "", "pages": "",
                 "doi": ""},
    "protocol by its title": {"title": f"{TITLE}: study protocol", "pages": "", "doi": "", "issue": ""},
    "correction": {"title": f"Correction to: {TITLE}", "pages": "", "doi": ""},
    "correction of the same title": {"kind": "Published Erratum", "pages": "900"},
    "registration": {"kind": "trial registration", "journal": "", "volume": "", "issue": "", "pages": "",
                     "doi": "", "authors": ("A University",), "source": "ClinicalTrials.gov"},
}  # fmt: skip


@pytest.mark.parametrize("beside", BESIDE.values(), ids=BESIDE)
@pytest.mark.parametrize("first", [0, 1], ids=["paper last", "paper first"])
@pytest.mark.parametrize("known", [False, True], ids=["together", "later"])
def test_a_report_beside_the_paper_stands_for_itself_and_is_shown(beside, first, known):
    other = replace(PAPER, **{"source": "B", **beside}, file="b.ris")
    pair = (PAPER, other) if first else (other, PAPER)
    found = deduplicate(pair[1:], known=pair[:1]) if known else deduplicate(pair)
    assert found.groups == ()
    assert {item.rule for item in found.to_check} == {"linked"}


@pytest.mark.parametrize(
    ("one", "two"),
    [("JOUR", ""), ("Journal Article", "Article"), ("Article", "Letter"), ("article", "Review"), ("", "")],
)
@pytest.mark.parametrize("change", [{}, {"pages": ""}, {"doi": ""}, {"doi": "", "pages": "", "issue": ""}])
def test_copies_of_one_article_are_one_whatever_the_sources_call_it(one, two, change):
    first = replace(PAPER, kind=one)
    assert deduplicate([first, replace(first, kind=two, file="b.ris", source="B", **change)]).groups


@pytest.mark.parametrize(
    ("one", "two"), [("Conference Abstract", "Meeting Abstract"), ("Conference Abstract", "CONF")]
)
def test_copies_of_one_abstract_are_one(one, two):
    first = replace(PAPER, kind=one, pages="S44", issue="Suppl 1", doi="")
    assert deduplicate([first, replace(first, kind=two, source="B")]).groups
    # Where the other source calls it an article of that very page, or tells no kind, the place decides.
    assert deduplicate([first, replace(first, kind="JOUR", source="B")]).groups
    assert deduplicate([first, replace(first, kind="", source="B")]).groups


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_a_record_of_unknown_kind_does_not_chain_the_abstract_to_its_paper(order):
    abstract = replace(PAPER, kind="Conference Abstract", pages="S44", issue="Suppl 1", doi="")
    unknown = replace(PAPER, kind="", pages="", issue="", doi="", source="B")
    trio = [PAPER, abstract, unknown]
    found = deduplicate([replace(trio[at], position=place) for place, at in enumerate(order, start=1)])
    paper, meeting = order.index(0), order.index(1)
    assert not any({paper, meeting} <= set(group) for group in found.groups)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("{}: part 1", "{}: part 2"),
        ("{}: Part I", "{}: Part II"),
        ("{}. Part one", "{}. Part two"),
        ("{}: part A", "{}: part B"),
        ("{} I", "{} II"),
        ("{}: first report", "{}: second report"),
        ("{} (1)", "{} (2)"),
        ("{}: annual report 2021", "{}: annual report 2022"),
        ("{} (2021)", "{} (2022)"),
        ("{}", "{}: part 2"),
    ],
)
@pytest.mark.parametrize(
    "cells", [{"pages": ""}, {"pages": "", "volume": "", "issue": ""}, {}], ids=["no pages", "thin", "whole"]
)
def test_parts_of_a_series_are_two_papers(one, two, cells):
    first = replace(PAPER, title=one.format(TITLE), doi="", **cells)
    second = replace(first, title=two.format(TITLE), file="b.ris", **({} if cells else {"pages": "821-830"}))
    assert deduplicate([first, second]).groups == ()


def test_the_kinds_are_those_of_the_schema():
    import json
    from pathlib import Path

    schema = json.loads(Path("data/schemas/records.json").read_text(encoding="utf-8"))
    (field,) = [item for item in schema["fields"] if item["name"] == "kind"]
    assert field["constraints"]["enum"] == list(KINDS)
