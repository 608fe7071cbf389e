"""Europe PMC: pages, errors and records in their many shapes. All records are synthetic."""

from __future__ import annotations

import pytest

from tests.living.search.replay import Answer, search


def _row(number="1", **more):
    return {"id": number, "source": "MED", "title": "Synthetic title.", "pubYear": "2026", **more}


def _page(*rows, total=None, after=None, **more):
    found = {
        "version": "6.9",
        "hitCount": len(rows) if total is None else total,
        "resultList": {"result": list(rows)},
    }
    return found | ({} if after is None else {"nextCursorMark": after}) | more


def _search(folder, *pages, **options):
    return search("europepmc", folder, {"/search": list(pages)}, **options)


def _records(folder, changes):
    """Return one record for each change to a row, in their order."""
    rows = [_row(str(number), **more) for number, more in enumerate(changes, start=1)]
    return list(_search(folder, _page(*rows)).records.values())


@pytest.mark.parametrize("after", [None, "", "*", "AoII"])
def test_the_end_of_the_pages_in_each_of_its_shapes(tmp_path, after):
    outcome = _search(
        tmp_path, _page(_row("1"), total=2, after="AoII"), _page(_row("2"), total=2, after=after)
    )
    assert (outcome.run.hits, outcome.run.state) == (2, "done")
    assert len(outcome.asked) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"hitCount": 0},
        {"hitCount": 0, "resultList": None},
        {"hitCount": "0", "resultList": {}, "nextCursorMark": "*"},
    ],
)
def test_no_hit_is_a_finished_search(tmp_path, body):
    outcome = _search(tmp_path, body)
    assert (outcome.run.hits, outcome.run.promised) == (0, 0)


def test_an_empty_shell_is_asked_again_and_then_named(tmp_path):
    outcome = _search(tmp_path, {"version": "6.9"})
    assert "the answer has changed, no field 'resultList'" in str(outcome.error)
    assert len(outcome.asked) == 6
    assert _search(tmp_path, {"version": "6.9"}, {"hitCount": 1}, _page(_row())).run.hits == 1


def test_a_missing_total_is_said(tmp_path):
    first = _page(_row("1"), after="AoII")
    del first["hitCount"]
    last = {"resultList": {"result": []}, "nextCursorMark": "AoII"}
    outcome = _search(tmp_path, first, last)
    assert (outcome.run.hits, outcome.run.promised) == (1, None)
    assert "gave no total" in outcome.run.said


def test_a_total_on_one_page_only_counts(tmp_path):
    first, last = _page(_row("1"), total=2, after="AoII"), _page(_row("2"))
    del last["hitCount"]
    assert _search(tmp_path, first, last).run.state == "done"


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, {"errCode": 404, "errMsg": "Unknown sort order"}, "Europe PMC: Unknown sort order"),
        (200, {"errCode": "400", "errMsg": "Invalid &lt;query&gt;"}, "Invalid <query>"),
        (400, '<?xml version="1.0"?><error><errMsg>Bad query</errMsg></error>', "status 400: Bad query"),
        (403, "Forbidden", "status 403: Forbidden"),
        (404, "", "status 404"),
    ],
)
def test_an_error_is_told_in_the_words_of_the_source(tmp_path, status, body, words):
    outcome = _search(tmp_path, Answer(body, status))
    assert words in str(outcome.error)
    assert not list(tmp_path.glob("*.ris"))


def test_a_passing_error_with_status_200_is_asked_again(tmp_path):
    busy = {"errCode": 503, "errMsg": "Service down"}
    assert _search(tmp_path, busy, {"errCode": 500, "errMsg": "x"}, _page(_row())).run.hits == 1


def test_doubled_rows_are_one_and_the_difference_is_kept(tmp_path):
    pages = [_page(_row("1"), _row("2"), total=4, after="a"), _page(_row("2"), _row("3"), total=4, after="a")]
    outcome = _search(tmp_path, *pages)
    assert (outcome.run.hits, outcome.run.promised) == (3, 4)
    assert "4 records promised, 3 received" in outcome.said


@pytest.mark.parametrize(("total", "rows"), [(1, 0), (2, 0), (5, 2)])
def test_a_search_that_lacks_most_records_is_no_search(tmp_path, total, rows):
    outcome = _search(tmp_path, _page(*[_row(str(number)) for number in range(rows)], total=total))
    assert f"{total} records promised, {rows} received in two passes" in str(outcome.error)
    assert not list(tmp_path.glob("*.ris"))


def test_a_row_without_its_number_is_kept(tmp_path):
    bare = {"title": "Synthetic title without a number", "source": "MED"}
    outcome = _search(tmp_path, _page(_row("1"), bare))
    assert outcome.run.hits == 2


def test_authors(tmp_path):
    cases = [
        (
            {
                "authorList": {
                    "author": [
                        {"fullName": "Alpha A"},
                        {"collectiveName": "Group One"},
                        {"lastName": "Beta", "initials": "B"},
                        {"fullName": None},
                        None,
                    ]
                }
            },
            ("Alpha A", "Group One", "Beta B"),
        ),
        ({"authorList": {"author": {"fullName": "Alpha A"}}}, ("Alpha A",)),
        (
            {"authorList": None, "authorString": "Gamma GH, de Delta D, Group One."},
            ("Gamma GH", "de Delta D", "Group One"),
        ),
        ({"authorString": "Alpha AB, Jr, Beta C, et al."}, ("Alpha AB Jr", "Beta C")),
        ({"authorString": "Alpha &amp; Sons Group."}, ("Alpha & Sons Group",)),
        ({"authorString": None}, ()),
        ({}, ()),
    ]
    found = _records(tmp_path, [more for more, _ in cases])
    assert [record.authors for record in found] == [value for _, value in cases]


def test_years(tmp_path):
    cases = [
        ({"pubYear": "2025", "firstPublicationDate": "2024-12-01"}, 2025),
        ({"journalInfo": {"yearOfPublication": 2025}}, 2025),
        ({"journalInfo": {"yearOfPublication": 0}, "firstPublicationDate": "2026-01-26"}, 2026),
        ({"bookOrReportDetails": {"yearOfPublication": 2023}, "journalInfo": None}, 2023),
        ({"electronicPublicationDate": "2024-05-01"}, 2024),
        ({"journalInfo": {"dateOfPublication": "2024 Winter"}}, 2024),
        ({"journalInfo": {"dateOfPublication": " "}}, None),
    ]
    found = _records(tmp_path, [{"pubYear": None} | more for more, _ in cases])
    assert [record.year for record in found] == [value for _, value in cases]


def test_journals_and_servers(tmp_path):
    cases = [
        ({"journalInfo": {"journal": {"title": "J &amp; K"}}}, "J & K"),
        ({"journalInfo": {"journal": {"medlineAbbreviation": "Synth J"}}}, "Synth J"),
        ({"journalTitle": "Synth J"}, "Synth J"),
        ({"source": "PPR", "bookOrReportDetails": {"publisher": "synthRxiv"}}, "synthRxiv"),
        (
            {"pubTypeList": {"pubType": "Preprint"}, "bookOrReportDetails": {"publisher": "synthRxiv"}},
            "synthRxiv",
        ),
        ({"bookOrReportDetails": {"comprisingTitle": "The book", "publisher": "Press"}}, "The book"),
    ]
    found = _records(tmp_path, [more for more, _ in cases])
    assert [record.journal for record in found] == [value for _, value in cases]


def test_plain_text_everywhere(tmp_path):
    row = _row(
        title="[Synthetic &amp;amp; &lt;b&gt;bold&lt;/b&gt; <i>in vivo</i>].",
        abstractText="<h4>Background</h4>Ten <i>arms</i>.<h4>Results</h4>"
        "<p>P&lt;0.05, n &gt; 5.</p>NCT01234567",
        pageInfo="208-208",
        language="eng",
        pmid="7",
        doi="10.5555/S.1",
        pmcid="PMC7",
    )
    (record,) = _search(tmp_path, _page(row)).records.values()
    assert record.title == "[Synthetic & bold in vivo]."
    assert record.abstract == "Background Ten arms. Results P<0.05, n > 5. NCT01234567"
    assert (record.pages, record.nct, record.doi, record.pmid) == ("208", "NCT01234567", "10.5555/s.1", "7")


def test_what_befell_a_paper_is_in_its_kind(tmp_path):
    cases = [
        (["Journal Article", "Retracted Publication"], [], "Journal Article; Retracted Publication"),
        (["Journal Article"], ["Retraction in"], "Journal Article; Retracted Publication"),
        (["Journal Article"], ["Erratum in", "Comment in"], "Journal Article; Corrected Publication"),
        (["Published Erratum"], ["Erratum for"], "Published Erratum"),
        (None, ["Retraction of"], "Retraction of Publication"),
        ("Review", [], "Review"),
    ]
    rows = [
        {
            "pubTypeList": {"pubType": kinds},
            "commentCorrectionList": {"commentCorrection": [{"type": link, "id": "9"} for link in links]},
        }
        for kinds, links, _ in cases
    ]
    assert [record.kind for record in _records(tmp_path, rows)] == [kind for _, _, kind in cases]
