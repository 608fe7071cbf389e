"""Exports as databases and programs write them: what each column and tag means. All records are invented."""

from __future__ import annotations

import io
import random
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.living.records.readers import read_file
from analysis.living.records.record import clean_doi, clean_pmid


def _read(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    return read_file(path)


def _ris(*lines):
    return "\n".join(["TY  - JOUR", *lines, "ER  - ", ""])


#: What is written -> what a librarian reads in it.
RIS = {
    "library number of EndNote": (
        _ris("DB  - Medline", "TI  - A study of hats", "ID  - 12"),
        {"pmid": "", "accession": "", "source": "Medline"},
    ),
    "Ovid MEDLINE": (
        "6. \n" + _ris("DB  - Ovid MEDLINE(R) ALL <1946 to 2026>", "ID  - 90000001", "T1  - Hats"),
        {"pmid": "90000001", "accession": "90000001", "source": "Ovid MEDLINE(R) ALL"},
    ),
    "Ovid Embase": (
        _ris("DB  - Embase <1980 to 2026>", "ID  - 2090000001", "T1  - Hats", "M3  - Conference Abstract"),
        {"pmid": "", "accession": "2090000001", "kind": "Conference Abstract"},
    ),
    "Ovid PsycInfo with its references": (
        _ris(
            "DB  - APA PsycInfo <2021>", "ID  - 2021-90000-001", "T1  - Hats", "A2  - Cited, C",
            "A1  - Ash, A", "M1  - Cited https://pubmed.ncbi.nlm.nih.gov/90000009 10.5555/cited",
        ),
        {"pmid": "", "doi": "", "authors": ("Ash, A",), "accession": "2021-90000-001"},
    ),
    "Embase": (
        _ris("T1  - Hats", "U2  - L2090000001", "C5  - 90000002", "DB  - Embase", "AN  - 123"),
        {"pmid": "90000002", "source": "Embase"},
    ),
    "EBSCO": (
        _ris(
            "T1  - Hats", "L3  - 10.5555/hats", "M3  - Article", "DB  - cin20",
            "N1  - Accession Number: 190000001; PMID: NLM90000003. Publication Type: Letter; Other",
        ),
        {
            "doi": "10.5555/hats", "pmid": "90000003", "accession": "190000001", "source": "CINAHL",
            "kind": "Article; Letter",
        },
    ),
    "EndNote from PubMed": (
        _ris(
            "AN  - 90000004", "DP  - NLM", "TI  - Hats", "UR  - https://example.org/1",
            "https://www.ncbi.nlm.nih.gov/pubmed/90000004", "ID  - 7",
        ),
        {"pmid": "90000004", "accession": "90000004"},
    ),
    "Rayyan": (
        _ris(
            "AN  - rayyan-1", "TI  - Hats", "UR  - https://example.org/1     U2  - L2090000005",
            "DO  - 10.5555/hats     LK  - https://example.org/?id=10.5555%2Fother",
        ),
        {"doi": "10.5555/hats", "accession": "L2090000005", "source": "Embase"},
    ),
    "Scopus": (
        _ris(
            "TI  - Hats", "C2  - 90000006", "DB  - Scopus", "M3  - Conference Paper", "C7  - e12",
            "UR  - https://www.scopus.com/inward/record.uri?eid=2-s2.0-900&doi=10.5555%2fhats&partnerID=4",
        ),
        {
            "pmid": "90000006", "doi": "10.5555/hats", "accession": "2-s2.0-900", "pages": "e12",
            "kind": "Conference Paper",
        },
    ),
    "Web of Science": (
        _ris("TI  - Hats", "C3  - University 90000007", "C7  - e13", "AN  - WOS:000900000000001"),
        {"pmid": "", "pages": "e13", "source": "Web of Science"},
    ),
    "Zotero": (
        _ris("TI  - Hats", "DP  - DOI.org (Crossref)", "N1  - PMID: 90000008", "C2  - PMC900"),
        {"pmid": "90000008", "source": ""},
    ),
    "a note on another paper": (
        _ris("TI  - Hats", "N1  - Erratum in: Hats. doi: 10.5555/erratum"),
        {"doi": ""},
    ),
    "PubMed number with a mark": (_ris("TI  - Hats", "U1  - 90000010[pmid]"), {"pmid": "90000010"}),
}  # fmt: skip
TABLES = {
    "Embase saved by Excel": (
        "SEARCH QUERY;hats:ti;;;;\n-----;;;;;\n;;;;;\n"
        "Title;Author Names;Source;Source title;Publication Year;PUI\n"
        "Hats;Ash A., Beech B.;J Hats (2024) 15:1 Article Number: 4063. Date;J Hats;2024;L2090000001\n"
        ";;;;;\n",
        {"authors": ("Ash A.", "Beech B."), "journal": "J Hats", "pages": "4063", "source": "Embase"},
    ),
    "EBSCO": (
        "Article Title,Author,Journal Title,ISSN,Publication Date,Volume,First Page,Accession Number,"
        "Doctype\n"
        '"Hats","Ash, A; Beech, B","J Hats",="19326203",="4/3/2024","19","7","190000001","Article"\n',
        {"year": 2024, "journal": "J Hats", "pages": "7", "accession": "190000001", "kind": "Article"},
    ),
    "CENTRAL": (
        "CENTRAL ID,Author(s),Title,Source,Year,Pages,PubMed ID,CTgov ID,Publication Type\n"
        '"CN-09000001","Ash, A",Hats,J Hats,2024,"12\u201019","PUBMED 90000011","CTGOV NCT90000001",'
        "Trial registry record\n",
        {
            "journal": "J Hats", "pages": "12-19", "pmid": "90000011", "nct": "NCT90000001",
            "source": "CENTRAL", "kind": "Trial registry record",
        },
    ),
    "PubMed": (
        "PMID,Title,Authors,Citation,First Author,Journal/Book,Publication Year,DOI\n"
        '90000012,Hats,"Ash A, Beech B.",J Hats. 2023 Mar;54(3):e52-e57. doi: 10.5555/h,Ash A,J Hats,'
        "2023,10.5555/h\n",
        {"volume": "54", "issue": "3", "pages": "e52-e57", "pmid": "90000012", "journal": "J Hats"},
    ),
    "Lens.org": (
        "Lens ID,Title,Publication Year,Publication Type,Source Title,Publisher,Author/s,Start Page,"
        "End Page,PMID\n"
        "012-3,Hats,2024,preprint,J Hats,Press,A Ash; B Beech,3,4,90000013\n",
        {"authors": ("A Ash", "B Beech"), "journal": "J Hats", "pages": "3-4", "kind": "preprint"},
    ),
    "BVS": (
        "ID,Title,Author(s),Source,Journal,Database,Type,Publication year,Fulltext URL\n"
        'mdl-90000014,Hats,"Ash, A; Beech, B",Rev;1(2): 3-4,Rev Hats,MEDLINE,article,2021,http://example.org\n',
        {"pmid": "90000014", "journal": "Rev Hats", "source": "MEDLINE"},
    ),
    "ICTRP": (
        "TrialID,Public title,Scientific title,Primary sponsor,Date registration,Source Register\n"
        "ACTRN12690000000001,Hats,A trial of hats,Uni,01/02/2020,ANZCTR\n",
        {"title": "Hats", "accession": "ACTRN12690000000001", "kind": "Trial registration", "journal": ""},
    ),
    "ASReview": (
        "record_id,title,abstract,authors,year,asreview_label,asreview_ranking\n"
        "1,Hats,Text,\"['Ash A', 'Beech B']\",2020,1,1\n",
        {"authors": ("Ash A", "Beech B"), "accession": ""},
    ),
    "EndNote": (
        "*Journal Article\nReference Type\tAuthor\tYear\tTitle\tJournal\tRecord Number\n"
        "Journal Article\tAsh, A.//Beech, B.\t2020\tHats\tJ Hats\t12\n",
        {"authors": ("Ash, A.", "Beech, B."), "pmid": "", "accession": ""},
    ),
    "Rayyan": (
        "key,title,year,journal,authors,url,publisher,doi,pubmed_id,pmc_id\n"
        "rayyan-1,Hats,2024,J Hats,\"Ash, A. and Beech, B.\",https://example.org     U2  - L1,Press,"
        "10.5555/h     LK  - https://example.org,,\n",
        {"authors": ("Ash, A.", "Beech, B."), "doi": "10.5555/h", "accession": "", "journal": "J Hats"},
    ),
    "Springer names": (
        "Item Title,Publication Title,Item DOI,Authors,Publication Year,Content Type\n"
        "Hats,J Hats,10.5555/h,André de LacroixIan McLeodÖsten Öberg,2020,Article\n",
        {"authors": ("André de Lacroix", "Ian McLeod", "Östen Öberg"), "journal": "J Hats"},
    ),
    "Web of Science with a quoted word": (
        'PT\tAU\tTI\tSO\tDT\tPY\tBP\tEP\tUT\n'
        'J\tAsh, A; Beech, B\t"Silent" hats\tJ HATS\tMeeting Abstract\t2020\t1\t9\tWOS:1\n',
        {"title": '"Silent" hats', "kind": "Meeting Abstract", "pages": "1-9"},
    ),
    "IEEE Xplore": (
        "Document Title,Authors,Publication Title,Publication Year,Publisher,Document Identifier\n"
        "Hats,A. Ash; B. Beech,Conf Hats,2024,IEEE,IEEE Conferences\n",
        {"title": "Hats", "journal": "Conf Hats", "kind": "Conference"},
    ),
    "Publish or Perish": (
        "Cites,Authors,Title,Year,Source,Publisher,GSRank,Type,StartPage,EndPage\n"
        '3,"A Ash, B Beech",Hats,0,,Press,1,PDF,0,0\n',
        {"authors": ("A Ash", "B Beech"), "year": None, "journal": "", "pages": "", "kind": ""},
    ),
    "Ovid": (
        '"Database(s): Ovid MEDLINE(R)"\n"1","hats.ti.","5"\n\nVN,DB,UI,TI,AU,SO\n'
        'Ovid,Ovid MEDLINE(R),90000015,Hats,Ash A,"J Hats. 23(4):301-8, 2021 Apr"\n',
        {"journal": "J Hats", "volume": "23", "pages": "301-8", "year": 2021, "pmid": "90000015"},
    ),
    "a database in the column of sources": (
        "Title,Author,Year,Source\nHats,Ash A,2020,Embase\n",
        {"journal": "", "source": "Embase"},
    ),
    "Spanish heads": (
        "Título;Autores;Año;Revista\nHats;Ash A;2020;J Hats\n",
        {"title": "Hats", "year": 2020, "journal": "J Hats"},
    ),
}  # fmt: skip


#: Text with tags other than those of RIS -> what stands in its first record; each holds two.
TAGGED = {
    "Web of Science": (
        "FN Clarivate\nVR 1.0\nPT J\nAU Ash, A\n   Beech, B\nTI Silent\n   hats\nDT Meeting Abstract\n"
        "ZZ new\nAR e9\nUT WOS:1\nER\n\nPT J\nTI Two\nER\n\nEF\n",
        {
            "authors": ("Ash, A", "Beech, B"), "title": "Silent hats", "pages": "e9",
            "kind": "Meeting Abstract",
        },
    ),
    "EndNote": (
        "%0 Journal Article\n%A Ash, A.\n%A Beech, B.\n%T Hats\n%J J Hats\n%D 2022\n%P 7-9\n%M 90000021\n"
        "%~ PubMed\n%9 Conference Abstract\n\n%0 Book\n%T Two\n",
        {"authors": ("Ash, A.", "Beech, B."), "pmid": "90000021", "kind": "Conference Abstract"},
    ),
    "RefWorks": (
        "RT Journal Article\nID 3\nA1 Ash,A.\nT1 Hats\nJF J Hats\nYR 2019\nSP 1\nOP 8\n"
        "AB Text that\nOF all sorts\n\nRT Journal Article\nT1 Two\n",
        {"pages": "1-8", "year": 2019, "pmid": "", "accession": "", "abstract": "Text that OF all sorts"},
    ),
    "Ovid": (
        "<1. >\nVN  - Ovid Technologies\nDB  - Ovid MEDLINE(R)\nAU  - Ash A\nFA  - Ash, Art\nTI  - Hats\n"
        "SO  - J Hats. 23(4):301-8, 2021 Apr\nUI  - 90000022\n\n<2. >\nTI  - Two\n",
        {"authors": ("Ash A",), "pmid": "90000022", "journal": "J Hats", "pages": "301-8", "year": 2021},
    ),
    "ERIC": (
        "OWN - ERIC\nTI  - Hats\nAU  - Ash, A.\nOID - EJ900001\nSO  - v3 n1 p11-20 1998\n\n"
        "OWN - ERIC\nTI  - Two\n",
        {"pmid": "", "accession": "EJ900001", "volume": "3", "pages": "11-20", "year": 1998},
    ),
    "CENTRAL as RIS": (
        "Record #1 of 2\nProvider: Press\n\nTY  -  JOUR\nAN  -  CN-09000001\nTI  -  Hats\nJA  -  J Hats\n"
        "C3  -  EMBASE 2090000001,PUBMED 90000023\nDOI -  10.5555/hats\nM3  -  Journal article\nER  -  \n\n"
        "Record #2 of 2\n\nTY  -  JOUR\nTI  -  Two\nER  -  \n",
        {"pmid": "90000023", "doi": "10.5555/hats", "accession": "CN-09000001", "source": "CENTRAL"},
    ),
    "RIS with lines PMID": (
        "TY  - JOUR\nT1  - Hats\nPMID- 90000024\nER  - \n\nTY  - JOUR\nT1  - Two\nER  - \n",
        {"pmid": "90000024"},
    ),
    "ICTRP": (
        "<?xml version='1.0'?>\n<Trials_downloaded_from_ICTRP><Trial><TrialID>NCT90000001\n</TrialID>"
        "<Public_title>Hats & more</Public_title><Date_registration3>20240301</Date_registration3></Trial>\n"
        "<Trial><TrialID>ChiCTR9000000001</TrialID><Public_title>Two</Public_title></Trial>"
        "</Trials_downloaded_from_ICTRP>",
        {"title": "Hats & more", "nct": "NCT90000001", "year": 2024, "kind": "Trial registration"},
    ),
    "BibTeX without keys": (
        "@article{\n  author = {Ash, A.},\n  title = {Hats},\n  type = {Journal Article}\n}\n\n"
        "@article{a (b) c,\n  title = {Two}\n}\n",
        {"authors": ("Ash, A.",), "kind": "Journal Article"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TAGGED, ids=str)
def test_tagged_text_of_many_programs(tmp_path, case):
    text, right = TAGGED[case]
    read = _read(tmp_path, "export.txt", text)
    assert (read.complete, [record.title for record in read.records][1:]) == (True, ["Two"])
    assert {name: getattr(read.records[0], name) for name in right} == right


@pytest.mark.parametrize("case", RIS, ids=str)
def test_a_tag_means_what_the_producer_means(tmp_path, case):
    text, right = RIS[case]
    read = _read(tmp_path, "export.ris", text)
    assert (read.complete, len(read.records)) == (True, 1)
    assert {name: getattr(read.records[0], name) for name in right} == right


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("case", TABLES, ids=str)
def test_a_column_means_what_the_producer_means(tmp_path, case, encoding):
    text, right = TABLES[case]
    read = _read(tmp_path, "export.csv", text.replace("\n", "\r\n"), encoding)
    assert (read.complete, len(read.records)) == (True, 1)
    assert {name: getattr(read.records[0], name) for name in right} == right


def test_what_a_spreadsheet_did_to_numbers(tmp_path):
    text = (
        "Title;Authors;Year;DOI;PMID;Pages\n"
        "One;Ash A;16.07.1905;https://doi.org/10.5555/N.1;90000001.0;05. Sep\n"
        "Two;Ash A;2024.0;doi:10.5555/n.2.;90,000,002;9-May\n"
        "Three;Beech B;2024-01-02 00:00:00;N/A;-;12-19\n;;;;;\n"
    )
    read = _read(tmp_path, "sheet.csv", text, "cp1252")
    assert [record.year for record in read.records] == [2024, 2024, 2024]
    assert [record.pmid for record in read.records] == ["90000001", "90000002", ""]
    assert [record.doi for record in read.records] == ["10.5555/n.1", "10.5555/n.2", ""]
    assert [record.pages for record in read.records] == ["", "", "12-19"]
    assert [note.value for note in read.notes if note.column == "pages"] == ["05. Sep", "9-May"]


@pytest.mark.parametrize("number", ["0", "5"])
def test_a_number_that_all_records_share_is_none(tmp_path, number):
    rows = "".join(f"Study {word},2020,{number},10.5555/supplement\n" for word in ("one", "two", "three"))
    read = _read(tmp_path, "x.csv", f"Title,Year,PMID,DOI\n{rows}")
    assert [(record.pmid, record.doi) for record in read.records] == [("", "")] * 3


def test_what_stands_between_records_is_counted_and_belongs_to_none(tmp_path):
    stray = (
        "\nLink: https://example.org\n\nC1  - Database: Embase\n\nSearch Strategy:\n1 hats.ti. (5)\n\n2.\n"
    )
    text = "1.\n" + _ris("TI  - One", "UK  - London") + stray + _ris("TI  - Two")
    read = _read(tmp_path, "x.ris", text)
    assert [record.title for record in read.records] == ["One", "Two"]
    assert (read.between, read.unknown, read.expected) == (6, {"UK": 1}, 2)
    assert "2 records in the file: 2 read, 0 skipped, 0 not readable" in read.account()
    assert "UK (1)" in read.account()


def test_ty_may_stand_anywhere_and_an_empty_record_is_skipped(tmp_path):
    text = "TI  - One\nTY  - JOUR\nAU  - Ash, A\nER  - \n\n" + _ris() + _ris("TI  - Two")
    read = _read(tmp_path, "x.ris", text)
    assert [(record.title, record.authors) for record in read.records] == [("One", ("Ash, A",)), ("Two", ())]
    assert (read.complete, read.expected, len(read.skipped)) == (True, 3, 1)


def test_a_broken_row_costs_itself_alone(tmp_path):
    text = 'Title,Year,DOI\nOne,2020,10.5555/a\n"Two,2021,10.5555/b\nThree,2022,10.5555/c\n'
    text += '"Four",2023,10.5555/d\n'
    read = _read(tmp_path, "x.csv", text)
    assert [record.title for record in read.records] == ["One", "Three", "Four"]
    assert (read.complete, read.expected, [fault.row for fault in read.lost]) == (False, 4, [3])


def test_prose_and_a_second_head_between_rows_are_no_records(tmp_path):
    text = "id,Title,Year,DOI\n1,One,2020,\nthose that nobody read\nid,Title,Year,DOI\n2,Two,2021,\n"
    read = _read(tmp_path, "x.csv", text)
    assert ([record.title for record in read.records], read.between) == (["One", "Two"], 2)


def _archive(*names):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"%PDF-1.7 x", "PDF"), (b"{\\rtf1 x", "Rich Text"), (_archive("word/document.xml"), "Word document"),
        (_archive("a.ris", "b.ris"), "archive"), (_archive("content.xml"), "OpenDocument"),
        (_archive("xl/workbook.xml"), "Excel workbook"), (_archive("xl/workbook.xml")[:40], "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel workbook"), (b"SQLite format 3\x00", "Zotero"),
        (b"<!DOCTYPE html><html>", "web page"), (b"<table><tr>", "web page"), (b'[{"title": "x"}]', "JSON"),
        (b"<?xml version='1.0'?>\n<PubmedArticleSet>", "PubMed XML"), (b"<?xml version='1.0'?><a>", "XML"),
        (b"90000001\n90000002\n", "list of PubMed numbers"), (b"10.5555/a\n10.5555/b\n", "list of DOIs"),
        (b"1. J Hats. 2023.\n\nHats.\n\nPMID: 9\n", "PubMed's text"),
        (b"<1>\nUnique Identifier\n  9\n", "Ovid"),
        (b"\x00\x01\x02\x03\x04" * 50, "no text"), (b"Foo,Bar,Baz\n1,2,3\n", "no column is known"),
        (b"ty  - JOUR\nti  - x\n", "RIS"), (b"", "empty"),
    ],
)  # fmt: skip
def test_a_file_without_records_is_named_for_what_it_is(tmp_path, data, named):
    read = _read(tmp_path, "x.dat", data)
    assert (read.records, len(read.faults)) == ((), 1)
    assert named in read.faults[0].problem
    assert read.faults[0].expected


def test_a_workbook_is_read(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "About"
    book.active.append(["Exported in 2026"])
    sheet = book.create_sheet("Records")
    for row in (["Query", "hats"], [], ["Title", "PMID", "Year", "Pages"], ["Hats", 90000001.0, 2024, "1-9"]):
        sheet.append(row)
    book.save(tmp_path / "x.xlsx")
    read = read_file(tmp_path / "x.xlsx")
    (record,) = read.records
    assert (record.title, record.pmid, record.year, record.pages) == ("Hats", "90000001", 2024, "1-9")
    assert read.between == 1
    assert ["'About'" in note.problem for note in read.notes] == [True]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("0", ""),
        ("90000001.0", "90000001"),
        ("90 000 001", "90000001"),
        ("PMC9000001", ""),
        ("2090000001", ""),
    ],
)
def test_pubmed_numbers(text, right):
    assert clean_pmid(text) == right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("https://example.org/doi/pdf/10.5555/a.b?download=true", "10.5555/a.b"),
        ("https://example.org/doi/10.5555/a.b/full", "10.5555/a.b"),
        ("10.5555/(SICI)1;2-3", "10.5555/(sici)1;2-3"),
        ("10.5555/a.b).", "10.5555/a.b"),
        ("0", ""),
    ],
)
def test_dois(text, right):
    assert clean_doi(text) == right


_SOURCES = (
    "".join(text for text, _ in RIS.values()),
    *(text for text, _ in TABLES.values()),
    *(text for text, _ in TAGGED.values()),
)
_NOISE = (
    "",
    "\n",
    "ER  - \n",
    "TY  - JOUR\n",
    '"',
    ",",
    ";;;\n",
    "2.\n",
    "%0 Book\n",
    "\x00",
    "PT J\n",
    "\ufeff",
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(_SOURCES), st.integers(0, 2**32), st.integers(1, 6))
def test_the_account_holds_for_mangled_files(tmp_path_factory, text, seed, times):
    """Records of the file are those read, skipped and not readable, whatever was done to it."""
    chance = random.Random(seed)
    for _ in range(times):
        place, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        cut = text[:place] + chance.choice(_NOISE) + text[place if chance.random() < 0.6 else end :]
        text = cut or text
    path = tmp_path_factory.mktemp("mangled") / "x.txt"
    path.write_text(text, encoding="utf-8")
    read = read_file(path)
    assert len(read.records) + len(read.skipped) + len(read.lost) == read.expected
    assert [record.position for record in read.records] == list(range(1, len(read.records) + 1))
    assert read.records or read.skipped or read.faults
    assert set(read.lost) <= set(read.faults)
    assert all(record.pmid != "0" for record in read.records)
    if read.format == "RIS":
        assert read.expected >= text.replace("\ufeff", "").replace("\x00", "").count("\nTY  - ")
