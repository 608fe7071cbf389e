"""Readers of export files: every format, every odd encoding, and nothing lost. All data are synthetic."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.living.records.decode import decode, split_lines
from analysis.living.records.readers import read_file, read_files, sniff

TITLE = "Thrombectomy at Århus – a synthetic “first” series"

RIS = """TY  - JOUR
T1  - {title}
AU  - Ødegård, Åse
AU  - Müller, Jürgen
PY  - 2021/03/04/
JO  - Synthetic Stroke
VL  - 12
IS  - 3
SP  - 101
EP  - 109
DO  - https://doi.org/10.5555/SYN.2021.1
AB  - First line of the abstract
      goes on here with NCT01234567.
AN  - 98765
DB  - Embase
ER  -

TY  - CONF
TI  - Second synthetic record
A1  - Nobody, A
Y1  - 2019//
ER  -
"""
NBIB = """
PMID- 11111111
TI  - A synthetic title that is long enough to
      be wrapped over two lines
LID - 10.5555/lid.1 [doi]
LID - S0000-0000(21)00001-1 [pii]
FAU - Müller, Jürgen
AU  - Müller J
DP  - 2021
JT  - Synthetic stroke
VI  - 4
PG  - 12-9
AB  - Text.
SI  - ClinicalTrials.gov/NCT07654321

PMID- 22222222
TI  - Another one
AID - 10.5555/aid.2 [doi]
DP  - 2020 Winter
"""
ENDNOTE = """<?xml version="1.0" encoding="UTF-8"?><xml><records>
<record><ref-type name="Journal Article">17</ref-type>
<contributors><authors><author><style face="normal">Müller, Jürgen</style></author></authors>
</contributors>
<titles><title><style>Split </style><style>title</style></title>
<secondary-title>J Syn</secondary-title></titles>
<dates><year><style>2020</style></year></dates><volume>3</volume><pages>1-9</pages>
<electronic-resource-num>10.5555/end.1</electronic-resource-num></record>
<record><titles><title>Two &amp; more</title></titles></record></records></xml>
"""
BIBTEX = r"""@string{syn = "Synthetic Stroke"}
@article{one, title = {A {Synthetic} na{\"i}ve title}, author = {M{\"u}ller, J{\"u}rgen and Wu, C},
  journal = syn, year = 2020, doi = {10.5555/bib.1}, pages = {1--9}}
@article{one, title = {Same key, other paper}, year = {2021}}
"""
WOS = """FN Clarivate Analytics Web of Science
VR 1.0
PT J
AU Muller, J
   Wu, C
TI A synthetic title
   in two lines
SO SYNTHETIC STROKE
PY 2018
VL 2
BP 11
EP 19
DI 10.5555/wos.1
PM 33333333
UT WOS:000000000000001
ER

PT J
TI Second
ER

EF
"""
COCHRANE = """Record #1 of 2
ID: CN-00000001
AU: Muller J
AU: Wu C
TI: A synthetic trial
SO: Synthetic stroke
YR: 2017
DOI: 10.5555/cn.1
XR: PUBMED 44444444

Record #2 of 2
ID: CN-00000002
TI: Another synthetic trial
"""
SCOPUS = (
    "Authors,Author(s) ID,Title,Year,Source title,Volume,Issue,Art. No.,"
    "Page start,Page end,DOI,EID\n"
    '"Muller, J.; Wu, C.",1;2,"A ""quoted"" title,\nwith a line end",2020,Syn,5,1,,10,19,10.5555/S1,2-s2.0-1\n'  # noqa: E501
    '"Wu, C.",2,Second,2021,Syn,6,,7,,,,2-s2.0-2\n'
)
EMBASE = (
    '"TITLE","A synthetic title"\n"AUTHOR NAMES","Muller J.","Wu C."\n"SOURCE","Syn (2020) 1:2"\n'
    '"PUBLICATION YEAR","2020"\n"DOI","10.5555/emb.1"\n"MEDLINE PMID","55555555"\n\n'
    '"TITLE","Second"\n"PUBLICATION YEAR","2019"\n'
)
WOS_TAB = 'PT\tAU\tTI\tSO\tPY\tBP\tEP\tDI\tUT\nJ\tMuller, J; Wu, C\tAn "open title\tSYN\t2020\t1\t9\t10.5555/T1\tWOS:1\n'  # noqa: E501
REGISTRY = "NCT Number,Study Title,Study Status\nNCT00000001,A synthetic trial,COMPLETED\n"


def _write(folder, name, text, encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding) if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    ("name", "text", "kind", "count"),
    [
        ("a.ris", RIS.format(title=TITLE), "ris", 2),
        ("a.txt", NBIB, "nbib", 2),
        ("a.xml", ENDNOTE, "endnote", 2),
        ("a.bib", BIBTEX, "bibtex", 2),
        ("savedrecs.txt", WOS, "wos", 2),
        ("citation-export.txt", COCHRANE, "cochrane", 2),
        ("scopus.csv", SCOPUS, "delimited", 2),
        ("embase.csv", EMBASE, "delimited", 2),
        ("savedrecs.tsv", WOS_TAB, "delimited", 1),
        ("ctg.csv", REGISTRY, "delimited", 1),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else None,
)
def test_each_format_is_recognised_and_read_whole(tmp_path, name, text, kind, count):
    read = read_file(_write(tmp_path, name, text))
    assert sniff(text, name) == kind
    assert (len(read.records), read.expected, read.faults) == (count, count, ())
    assert [record.position for record in read.records] == list(range(1, count + 1))


def test_ris_fields(tmp_path):
    first, second = read_file(_write(tmp_path, "x.ris", RIS.format(title=TITLE))).records
    assert first.title == TITLE
    assert first.authors == ("Ødegård, Åse", "Müller, Jürgen")
    assert (first.year, first.journal, first.volume, first.issue, first.pages) == (
        2021, "Synthetic Stroke", "12", "3", "101-109",
    )  # fmt: skip
    assert first.doi == "10.5555/syn.2021.1"
    assert first.abstract == "First line of the abstract goes on here with NCT01234567."
    assert (first.nct, first.accession, first.source, first.pmid) == ("NCT01234567", "98765", "Embase", "")
    assert (second.line, second.year, second.authors) == (18, 2019, ("Nobody, A",))


def test_nbib_takes_the_doi_from_either_place_and_invents_no_date(tmp_path):
    first, second = read_file(_write(tmp_path, "x.nbib", NBIB)).records
    assert (first.doi, second.doi) == ("10.5555/lid.1", "10.5555/aid.2")
    assert first.title.endswith("enough to be wrapped over two lines")
    assert (first.year, second.year, first.pages) == (2021, 2020, "12-9")
    assert (first.pmid, first.nct, first.source) == ("11111111", "NCT07654321", "PubMed")
    assert (second.journal, second.volume) == ("", "")


def test_the_other_formats_give_the_same_fields(tmp_path):
    end = read_file(_write(tmp_path, "x.xml", ENDNOTE)).records
    assert (end[0].title, end[0].authors, end[0].year, end[0].doi) == (
        "Split title", ("Müller, Jürgen",), 2020, "10.5555/end.1",
    )  # fmt: skip
    assert end[1].title == "Two & more"
    bib = read_file(_write(tmp_path, "x.bib", BIBTEX)).records
    assert (bib[0].title, bib[0].journal) == ("A Synthetic naïve title", "Synthetic Stroke")
    assert bib[0].authors == ("Müller, Jürgen", "Wu, C")
    wos = read_file(_write(tmp_path, "x.txt", WOS)).records[0]
    assert (wos.title, wos.authors, wos.pmid) == (
        "A synthetic title in two lines", ("Muller, J", "Wu, C"), "33333333",
    )  # fmt: skip
    cochrane = read_file(_write(tmp_path, "y.txt", COCHRANE)).records[0]
    assert (cochrane.pmid, cochrane.accession, cochrane.source) == ("44444444", "CN-00000001", "CENTRAL")
    scopus = read_file(_write(tmp_path, "s.csv", SCOPUS)).records
    assert scopus[0].title == 'A "quoted" title, with a line end'
    assert (scopus[0].pages, scopus[0].source, scopus[1].pages) == ("10-19", "Scopus", "7")
    embase = read_file(_write(tmp_path, "e.csv", EMBASE)).records[0]
    assert (embase.authors, embase.pmid) == (("Muller J.", "Wu C."), "55555555")
    tab = read_file(_write(tmp_path, "t.tsv", WOS_TAB)).records[0]
    assert (tab.title, tab.authors) == ('An "open title', ("Muller, J", "Wu, C"))


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""), ("utf-8-sig", b""), ("utf-16", b""), ("utf-16-le", b""), ("utf-16-be", b""),
        ("utf-32", b""), ("cp1252", b""), ("mac_roman", b""),
    ],
    ids=lambda value: value or "",
)  # fmt: skip
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
def test_odd_encodings_and_line_ends_change_nothing(tmp_path, encoding, mark, ends):
    text = RIS.format(title=TITLE).replace("\n", ends)
    read = read_file(_write(tmp_path, "x.ris", text, encoding))
    assert read.complete
    assert read.records[0].title == TITLE
    assert read.records[0].authors == ("Ødegård, Åse", "Müller, Jürgen")


def test_latin1_and_a_file_joined_from_two_encodings(tmp_path):
    plain = RIS.format(title="Thrombectomy at Århus")
    assert read_file(_write(tmp_path, "a.ris", plain, "latin-1")).records[0].title == "Thrombectomy at Århus"
    joined = plain.encode("utf-8") + plain.encode("cp1252")
    read = read_file(_write(tmp_path, "b.ris", joined))
    assert [record.title for record in read.records[::2]] == ["Thrombectomy at Århus"] * 2
    assert "and" in read.encoding
    assert {note.problem for note in read.notes} == {"the line is not UTF-8 as the rest is"}


def test_a_record_without_end_does_not_swallow_the_next(tmp_path):
    text = "TY  - JOUR\nTI  - One\nTY  - JOUR\nTI  - Two\nER  - \nTI  - Three, without start\nER  - \n"
    read = read_file(_write(tmp_path, "x.ris", text))
    assert [record.title for record in read.records] == ["One", "Two", "Three, without start"]
    assert read.complete
    assert [(note.row, note.column) for note in read.notes] == [(3, "ER"), (6, "TI")]


def test_a_broken_record_costs_only_itself_and_is_named(tmp_path):
    cut = ENDNOTE.replace("</title></titles></record></records></xml>", "</ti")
    read = read_file(_write(tmp_path, "x.xml", cut))
    assert (read.expected, len(read.records)) == (2, 1)
    assert read.faults[0].row == 9
    assert "cut off" in read.faults[0].problem
    bib = "@article{a, title={One}}\n@article{b title\n@article{c, title={Three}, year=\n"
    read = read_file(_write(tmp_path, "x.bib", bib))
    assert [record.title for record in read.records] == ["One", "Three"]
    assert [fault.row for fault in read.faults] == [2]
    assert [note.row for note in read.notes] == [3]


def test_an_open_quotation_mark_is_a_fault_not_a_loss(tmp_path):
    text = 'Title,Year,DOI\nOne,2020,10.5555/a\n"Two,2021,10.5555/b\nThree,2022,10.5555/c\n'
    read = read_file(_write(tmp_path, "x.csv", text))
    assert not read.complete
    assert read.faults[0].row == 3


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.ris", b""),
        ("blank.csv", b" \n\n"),
        ("image.png", b"\x89PNG\r\n\x1a\n\x00\x00"),
        ("notes.txt", b"hello"),
    ],
)
def test_files_that_are_no_exports_give_one_fault(tmp_path, name, data):
    read = read_file(_write(tmp_path, name, data))
    assert (read.records, len(read.faults), read.complete) == ((), 1, False)


def test_missing_file_is_a_fault(tmp_path):
    assert "cannot be read" in read_file(tmp_path / "none.ris").faults[0].problem


def test_xml_entities_are_never_expanded(tmp_path):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><xml><records><record><titles><title>&a;</title></titles></record></records></xml>'  # noqa: E501
    read = read_file(_write(tmp_path, "x.xml", bomb))
    assert (read.records, len(read.faults)) == ((), 1)


def test_many_files_and_folders_at_once(tmp_path):
    _write(tmp_path, "embase.ris", "TY  - JOUR\nTI  - One\nER  - \n")
    _write(tmp_path, "pubmed.nbib", NBIB)
    imported = read_files([tmp_path])
    assert [record.source for record in imported.records] == ["Embase", "PubMed", "PubMed"]
    assert imported.complete
    assert [(row["in_file"], row["read"]) for row in imported.rows()] == [(1, 1), (2, 2)]


_WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), include_characters=" "),
    min_size=1,
    max_size=60,
).map(lambda text: " ".join(text.split()) or "x")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(_WORDS, st.booleans()), min_size=1, max_size=8), st.sampled_from(["\n", "\r\n", "\r"])
)
def test_no_ris_record_is_ever_lost(tmp_path_factory, items, ends):
    lines = []
    for title, ended in items:
        lines += ["TY  - JOUR", f"TI  - {title}"] + (["ER  - "] if ended else [])
    path = tmp_path_factory.mktemp("ris") / "x.ris"
    path.write_bytes(ends.join([*lines, ""]).encode())
    read = read_file(path)
    assert [record.title for record in read.records] == [title for title, _ in items]
    assert read.complete


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_an_answer(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "x.txt"
    path.write_bytes(data)
    read = read_file(path)
    assert read.records or read.faults


@given(st.text(max_size=200))
def test_utf8_is_read_exactly(text):
    assert decode(text.encode("utf-8")).text == re.sub("[\ufeff\x00]", "", text)


def test_lines_are_split_at_line_ends_only():
    assert split_lines("a\x0bb\x85c\u2028d\r\ne\rf\ng") == ["a\x0bb\x85c\u2028d", "e", "f", "g"]
