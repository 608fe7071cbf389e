"""A search that is exported again brings the same hits, not new ones. All records are synthetic."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.living.flow import count_flow
from analysis.living.ledger import Ledger, read_ledger, write_ledger
from analysis.living.ledger_import import add_records
from analysis.living.records.record import Record

HITS = tuple(
    Record("Embase", "export.ris", place, title=f"Synthetic study of {word} vessels in stroke care",
           year=2024, authors=("Name, A",), journal="Syn", volume="1", pages=f"{place}0-{place}9", **more)
    for place, (word, more) in enumerate(
        [("distal", {"accession": "L1"}), ("proximal", {"doi": "10.5555/2"}), ("cervical", {"pmid": "3"}),
         ("spinal", {})], start=1,
    )
)  # fmt: skip


def _add(ledger, records, day="2026-11-01", version="26.0.0"):
    return add_records(ledger, records, version=version, searched_on=day)


def _again(records, file="export (1).ris"):
    return [replace(item, file=file, position=place) for place, item in enumerate(records, start=1)]


FIRST = _add(Ledger(()), HITS).ledger


@pytest.mark.parametrize(
    "records",
    [
        _again(HITS),
        _again(HITS[::-1]),
        _again(HITS, "embase-all.ris"),
        _again(HITS[1:]),
        _again(HITS, "export.ris"),
        _again(replace(item, title=item.title.upper() + ".") for item in HITS),
    ],
    ids=["copy", "resorted", "renamed", "fewer", "same name", "written otherwise"],
)
@pytest.mark.parametrize("day", ["2026-11-01", "2026-11-08"], ids=["same day", "a week later"])
def test_the_same_hits_are_not_identified_twice(records, day):
    found = _add(FIRST, records, day)
    assert (len(found.added), found.repeated, found.ledger) == (0, len(records), FIRST)


def test_one_record_more_is_one_record_more():
    new = replace(HITS[0], title="Another synthetic series of retinal vessels", accession="L9", pages="77")
    found = _add(FIRST, _again([new, *HITS]))
    assert [row.title for row in found.added] == [new.title]
    assert count_flow(found.ledger, ["26.0.0"], "all").count("databases.identified") == 5


def test_two_copies_of_one_export_in_one_call_are_one_search():
    found = _add(Ledger(()), [*HITS, *_again(HITS)])
    assert (len(found.added), found.repeated) == (4, 4)


def test_a_copy_from_another_database_is_a_duplicate():
    found = _add(FIRST, [replace(item, source="Scopus", accession="") for item in _again(HITS)])
    assert len(found.added) == 4
    assert all(row.duplicate_of for row in found.added)


def test_the_search_of_another_version_identifies_anew():
    found = _add(FIRST, _again(HITS), day="2027-05-01", version="27.0.0")
    assert (len(found.added), {bool(row.duplicate_of) for row in found.added}) == (4, {True})


def test_a_database_that_delivers_a_record_twice_delivers_two():
    twice = [HITS[3], replace(HITS[3], position=2)]
    found = _add(Ledger(()), twice)
    assert len(found.added) == 2
    assert len(_add(found.ledger, _again(twice)).added) == 0
    assert len(_add(found.ledger, _again([*twice, replace(HITS[3], position=3)])).added) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"accession": "L77"},
        {"title": "Synthetic study of distal vessels in stroke care: part 2", "accession": ""},
        {"pages": "300-309", "accession": "", "doi": ""},
    ],
    ids=["other number of the database", "other part", "other pages"],
)
def test_another_record_of_the_same_source_is_new(change):
    assert len(_add(FIRST, [replace(HITS[0], file="b.ris", **change)]).added) == 1


def test_abstracts_that_share_a_title_and_the_doi_of_a_supplement_are_two():
    one = replace(HITS[1], kind="Conference Abstract", pages="S44", doi="10.5555/suppl")
    first = _add(Ledger(()), [one]).ledger
    assert len(_add(first, [replace(one, file="b.ris", pages="S99")]).added) == 1


@pytest.mark.parametrize(
    ("file", "new"), [("export (1).ris", 0), ("export copy.ris", 0), ("export-2.ris", 0), ("other.ris", 1)]
)
def test_a_lone_record_of_no_named_database_is_the_same_only_under_a_copy_of_its_file(file, new):
    one = replace(HITS[3], source="")
    first = _add(Ledger(()), [one]).ledger
    assert len(_add(first, _again([one], file)).added) == new


def test_a_whole_file_of_no_named_database_is_known_by_its_records():
    first = _add(Ledger(()), [replace(item, source="") for item in HITS]).ledger
    assert len(_add(first, _again((replace(item, source="") for item in HITS), "other.ris")).added) == 0


_TEXT = st.text(max_size=30)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            Record, source=_TEXT, file=_TEXT, position=st.integers(-1, 10), kind=_TEXT, title=_TEXT,
            authors=st.lists(_TEXT, max_size=2).map(tuple), year=st.none() | st.integers(-5, 3000),
            journal=_TEXT, volume=_TEXT, pages=_TEXT, doi=_TEXT, pmid=_TEXT, accession=_TEXT,
        ),
        max_size=4,
    )
)  # fmt: skip
def test_whatever_was_taken_in_can_be_read_back(tmp_path, records):
    ledger = _add(Ledger(()), records).ledger
    write_ledger(ledger, tmp_path / "records.csv")
    again, faults = read_ledger(tmp_path / "records.csv")
    assert faults == []
    assert again == ledger


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        ("Stroke\u00a0care \u200bin\u00ad side", "Stroke care in side"),
        ("Outcomes in MÃ¼nchen", "Outcomes in München"),
        ("a â€œquotedâ€\u009d title", "a “quoted” title"),
        ("lost \ufffd letter", "lost ? letter"),
    ],
)
def test_odd_letters_of_an_export_do_not_spoil_the_ledger(tmp_path, given_text, kept):
    ledger = _add(Ledger(()), [replace(HITS[0], title=given_text)]).ledger
    write_ledger(ledger, tmp_path / "records.csv")
    assert read_ledger(tmp_path / "records.csv")[1] == []
    assert ledger.records[0].title == kept
