"""More producers of exports, and pairs of reports that are one or are not. All records are invented."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analysis.living.records.dedup import deduplicate
from analysis.living.records.kinds import kind_of
from analysis.living.records.readers import read_file
from analysis.living.records.record import Record


def _ris(*lines, kind="JOUR"):
    return "\n".join([f"TY  - {kind}", *lines, "ER  - ", ""])


#: What is written -> what a librarian reads in its first record; "report" is the kind of report.
EXPORTS = {
    "numbers of a collection beside no database": (
        "1.\n" + _ris("DB  - other", "ID  - 1", "TI  - Hats",
            "UR  - https://pubmed.ncbi.nlm.nih.gov/90000001"),
        {"accession": "", "source": "", "pmid": "90000001"},
    ),
    "Embase number in the address that a screening tool kept": (
        _ris("T1  - Hats", "UR  - https://www.embase.com/search/results?x=y&id=L690000001&from=export"),
        {"accession": "L690000001", "source": "Embase"},
    ),
    "an address of Embase in a record of another database": (
        _ris("T1  - Hats", "DB  - CINAHL", "UR  - https://www.embase.com/search/results?x=y&id=L690000001"),
        {"accession": "", "source": "CINAHL"},
    ),
    "affiliations in the place of the issue": (
        _ris("T1  - Hats", "VL  - 3",
            "IS  - (Ash A.) University of Hats, United States(Beech B.) Museum of Hats"),
        {"volume": "3", "issue": ""},
    ),
    "a day in words and digits": (_ris("TI  - Hats", "PY  - Start date: 20170812"), {"year": 2017}),
    "M3 that names no kind": (_ris("TI  - Hats", "M3  - Web"), {"report": "article"}),
    "M3 with a code of PsycInfo": (_ris("TI  - Hats", "M3  - Hat Therapy [3311]"), {"report": "article"}),
    "M3 that names another kind": (_ris("TI  - Hats", "M3  - Letter"), {"report": "other"}),
    "PubMed number in an address of Europe PMC": (
        _ris("TI  - Hats", "L2  - http://europepmc.org/article/MED/90000002"), {"pmid": "90000002"},
    ),
    "Web of Science without its name": (
        _ris("TI  - Hats", "AN  - WOS:000900000000001", "C2  - 90000003"),
        {"pmid": "90000003", "source": "Web of Science"},
    ),
    "a notice with the DOI of its paper": (
        _ris("TI  - Hats", "M3  - journal-article; retraction of 10.5555/old"),
        {"report": "correction", "doi": ""},
    ),
    "no author, in words": (
        "Authors,Title,Source title,EID\n[No author name available],Hats,J Hats,2-s2.0-9\n", {"authors": ()},
    ),
    "Europe PMC": (
        "SOURCE,EXTERNAL_ID,TITLE,AUTHORS,JOURNAL_TITLE,PAGE_INFO\n"
        "MED,90000004,Hats,\"Ash A, Beech B.\",J Hats,1-9\n",
        {"pmid": "90000004", "source": "Europe PMC", "journal": "J Hats", "pages": "1-9"},
    ),
    "Europe PMC, a preprint": (
        "SOURCE,EXTERNAL_ID,TITLE,AUTHORS,JOURNAL_TITLE\nPPR,PPR900001,Hats,Ash A,\n",
        {"pmid": "", "accession": "PPR900001"},
    ),
    "EPPI-Reviewer": (
        "ItemId,Title,Authors,ParentTitle,TypeName\n9,Hats,Ash A; Beech B;,J Hats,\"Journal, Article\"\n",
        {"accession": "", "journal": "J Hats", "authors": ("Ash A", "Beech B"), "report": "article"},
    ),
    "colandr": (
        "study_id,citation_title,citation_authors,citation_journal_name,citation_pub_year,citation_doi\n"
        "1,Hats,\"Ash, A; Beech, B\",J Hats,2024,10.5555/hats\n",
        {"title": "Hats", "journal": "J Hats", "year": 2024, "doi": "10.5555/hats"},
    ),
    "Semantic Scholar": (
        "paperId,externalIds,title,venue,year,authors\n"
        "ab,\"{'DOI': '10.5555/hats', 'PubMed': '90000005'}\",Hats,"
        "J Hats,2024,\"[{'authorId': '1', 'name': 'A Ash'}, {'authorId': '2', 'name': 'B Beech'}]\"\n",
        {"authors": ("A Ash", "B Beech"), "pmid": "90000005", "doi": "10.5555/hats"},
    ),
    "Crossref": ("DOI,title,container-title,issued\n10.5555/hats,Hats,J Hats,2024-05-01\n", {"year": 2024}),
    "German heads and decimal commas": (
        "Titel;Autoren;Jahr;Zeitschrift;Band;Heft;Seiten\nHats;Ash, A;2024,0;J Hats;12,0;3;34-56\n",
        {"year": 2024, "volume": "12", "issue": "3", "pages": "34-56"},
    ),
    "a line a name": ("Title,Authors\nHats,\"Ash, A\nBeech, B\"\n", {"authors": ("Ash, A", "Beech, B")}),
    "a CENTRAL number under ID": ("Title,ID,Year\nHats,CN-09000001,2024\n",
                                  {"accession": "CN-09000001", "source": "CENTRAL"}),
    "Scopus as BibTeX": (
        "Scopus\nEXPORT DATE: 1\n"
        "@ARTICLE{A, title={Hats}, url={https://www.scopus.com/x.uri?eid=2-s2.0-9&d=1}}\n",
        {"accession": "2-s2.0-9", "source": "Scopus"},
    ),
    "Web of Science as BibTeX": (
        "@article{ WOS:1,\nTitle = {Hats},\nArticle-Number = {e9},\n"
        "Pubmed-ID = {90000006},\nUnique-ID = {WOS:1}}\n",
        {"pmid": "90000006", "pages": "e9", "accession": "WOS:1"},
    ),
    "BibLaTeX": ("@article{k, title = {Hats}, eprint = {90000007}, eprinttype = {pmid}}\n",
                  {"pmid": "90000007"}),
    "arXiv as BibTeX": ("@misc{k, title={Hats}, eprint={2401.1}, archivePrefix={arXiv}}\n",
                  {"report": "preprint"}),
    "an @article of a preprint server": ("@article{k, title={Hats}, journal={medRxiv}}\n",
                  {"report": "preprint"}),
    "an @article that is a notice": ("@article{k, title={Correction to: Hats}}\n", {"report": "correction"}),
    "names of fields with blanks": (
        "@article{k,\n  title = {Hats},\n  Accession Number = {90000008},\n  year = {2024}\n}\n",
        {"year": 2024},
    ),
    "TeX that sets text": (
        "@article{k, title = {Hats {\\textit{in vivo}} \\textless{}5\\%}}\n", {"title": "Hats in vivo <5%"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", EXPORTS)
def test_what_stands_in_an_export_is_read_as_meant(tmp_path, case):
    text, right = EXPORTS[case]
    (tmp_path / "export.txt").write_text(text, "utf-8")
    read = read_file(tmp_path / "export.txt")
    (record,) = read.records
    assert (read.expected, read.faults) == (1, ())
    shown = {name: kind_of(record) if name == "report" else getattr(record, name) for name in right}
    assert shown == right


PAPER = Record(
    source="PubMed", file="a", position=1, kind="Journal Article",
    title="Outcomes of synthetic hats in distal "
    "and medium heads", authors=("Ash, Ann", "Birch, Bob"), year=2024, journal="Journal of Synthetic Hats",
    volume="16", issue="4", pages="345-352", doi="10.5555/hats.1",
)  # fmt: skip
_PREPRINT = {"kind": "Preprint", "journal": "medRxiv", "volume": "", "issue": "", "pages": ""}
PAIRS = {
    "a retracted paper": ({"title": f"RETRACTED: {PAPER.title}", "doi": ""}, {}, "duplicate"),
    "its retraction": (
        {"title": f"Retraction: {PAPER.title}", "doi": "", "pages": "e7", "volume": "17", "year": 2025}, {},
        "check",
    ),
    "versions of a preprint": (
        {**_PREPRINT, "doi": "10.1101/2024.01.01.24300001v1"},
        {**_PREPRINT, "doi": "10.1101/2024.01.01.24300001v2"},
        "duplicate",
    ),
    "a preprint and its article": ({**_PREPRINT, "doi": "10.21203/rs.3.rs-1/v1"}, {}, "check"),
    "an abstract of two pages that is called a journal article": (
        {"kind": "JOUR", "doi": "", "issue": "Suppl 1", "pages": "A45-A46", "volume": "15", "year": 2023},
        {},
        "check",
    ),
    "a chapter": (
        {"kind": "CHAP", "doi": "", "journal": "Textbook of hats", "volume": "", "issue": "",
         "pages": "1-20"},
        {},
        "check",
    ),
}  # fmt: skip


@pytest.mark.parametrize("turned", [False, True], ids=["first", "second"])
@pytest.mark.parametrize("case", PAIRS)
def test_two_reports_are_one_or_are_shown(case, turned):
    one, two, right = PAIRS[case]
    pair = [replace(PAPER, source="B", **one), replace(PAPER, **two)]
    found = deduplicate(pair[::-1] if turned else pair).decisions
    assert (found[0].verdict if found else "different") == right
