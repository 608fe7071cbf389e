"""Crossref: pages, refusals and works in their many shapes. All records are synthetic."""

from __future__ import annotations

import pytest

from analysis.living.search.strategies import load_strategies
from tests.living.search.replay import Answer, search


def _work(number=1, **more):
    start = {"DOI": f"10.5555/S.{number}", "type": "journal-article", "title": ["Synthetic work"]}
    return start | {"issued": {"date-parts": [[2026, 1, 5]]}} | more


def _page(*works, total=None, after="DnF1"):
    message = {"total-results": len(works) if total is None else total, "items": list(works)}
    return {"status": "ok", "message-type": "work-list", "message": message | {"next-cursor": after}}


def _search(folder, *pages, **options):
    return search("crossref", folder, {"/works": list(pages)}, **options)


def _records(folder, changes):
    """Return one record for each change to a work, in their order."""
    rows = [_work(number, **more) for number, more in enumerate(changes, start=1)]
    return list(_search(folder, _page(*rows), _page(total=len(rows))).records.values())


def _day(*parts):
    return {"date-parts": [list(parts)]}


def test_what_is_asked(tmp_path):
    (path, sent), *_ = _search(tmp_path, _page(total=0), email="a@example.org").asked
    assert path == "/works"
    assert sent["query.bibliographic"] == load_strategies().by_api("crossref").one_line
    assert sent["filter"] == "from-created-date:2026-01-01,until-created-date:2026-02-01"
    assert (sent["cursor"], sent["mailto"]) == ("*", "a@example.org")
    assert 1 <= int(sent["rows"]) <= 1000


def test_the_pages_go_on_under_one_cursor_until_an_empty_one(tmp_path):
    pages = [_page(_work(1), total=3), _page(_work(2), total=3), _page(_work(3), total=3), _page(total=3)]
    outcome = _search(tmp_path, *pages)
    assert (outcome.run.hits, outcome.run.state) == (3, "done")
    assert [query["cursor"] for _, query in outcome.asked] == ["*", "DnF1", "DnF1", "DnF1"]


def test_pages_that_repeat_themselves_end(tmp_path):
    outcome = _search(tmp_path, _page(_work(1), total=1))
    assert outcome.run.hits == 1
    assert len(outcome.asked) == 2


@pytest.mark.parametrize("after", [None, ""])
def test_no_cursor_ends_the_pages(tmp_path, after):
    assert _search(tmp_path, _page(_work(1), after=after)).run.hits == 1


FAILED = {
    "status": "failed",
    "message-type": "validation-failure",
    "message": [{"type": "filter-not-available", "value": "x", "message": "Filter x is not known"}],
}


@pytest.mark.parametrize(
    ("answer", "words", "tries"),
    [
        (Answer(FAILED, 400), "status 400: Filter x is not known", 1),
        (Answer(FAILED), "Crossref: Filter x is not known", 1),
        (Answer({"status": "failed", "message": "Internal server error"}), "Internal server error", 6),
        (Answer("Resource not found.", 404), "status 404: Resource not found.", 1),
        (Answer("Service Unavailable", 503), "status 503: Service Unavailable", 6),
        (Answer("<html><body><h1>429 Too Many Requests</h1></body></html>", 429), "429 Too Many Requests", 6),
        (Answer({"status": "ok"}), "no field 'message'", 6),
        (Answer([1, 2]), "the answer has changed", 6),
    ],
)
def test_a_refusal_is_told_in_crossrefs_words(tmp_path, answer, words, tries):
    outcome = _search(tmp_path, answer)
    assert words in str(outcome.error)
    assert len(outcome.asked) == tries
    assert not list(tmp_path.glob("*.ris"))


def test_the_pace_that_crossref_names_is_kept(tmp_path):
    head = {"X-Rate-Limit-Limit": "2", "X-Rate-Limit-Interval": "3s"}
    outcome = _search(tmp_path, Answer(_page(_work(1), total=1), head=head), _page(total=1))
    assert outcome.waits and 1.0 < outcome.waits[0] <= 1.5


def test_titles(tmp_path):
    cases = [
        ({"title": ["A &amp;amp; <i>B</i>"]}, "A & B"),
        ({"title": ["Care"], "subtitle": ["A registry"]}, "Care: A registry"),
        ({"title": ["Does it help?"], "subtitle": ["A trial"]}, "Does it help? A trial"),
        ({"title": ["Care: a registry"], "subtitle": ["A Registry."]}, "Care: a registry"),
        ({"title": ["", "Second"], "subtitle": []}, "Second"),
        ({"title": [], "original-title": ["Titel"]}, "Titel"),
        ({"title": None, "subtitle": None}, ""),
        ({"title": "No list"}, "No list"),
    ]
    found = _records(tmp_path, [more for more, _ in cases])
    assert [record.title for record in found] == [value for _, value in cases]


def test_years_of_dates_in_parts(tmp_path):
    cases = [
        ({"issued": _day(2025, 12)}, 2025),
        ({"issued": _day(None), "published-print": _day(2024)}, 2024),
        ({"issued": _day(), "published-online": _day(2023, 5)}, 2023),
        ({"issued": {"date-parts": []}, "published": _day("2022")}, 2022),
        ({"issued": None, "posted": _day(2021, 1, 2)}, 2021),
        ({"issued": _day(None), "journal-issue": {"published-print": _day(2020)}}, 2020),
        ({"issued": _day(None), "created": _day(2026, 1, 1), "deposited": _day(2026)}, None),
    ]
    found = _records(tmp_path, [days for days, _ in cases])
    assert [record.year for record in found] == [value for _, value in cases]


def test_authors(tmp_path):
    cases = [
        (
            [
                {"family": "Alpha", "given": "Anna", "suffix": "Jr", "sequence": "first"},
                {"name": "Group &amp; One"},
                {"family": "Beta"},
                {"given": "Cher"},
                {},
                None,
            ],
            ("Alpha, Anna Jr", "Group & One", "Beta", "Cher"),
        ),
        ([{"prefix": "Dr", "family": "van Beta", "given": "B."}], ("Dr van Beta, B.",)),
        (None, ()),
    ]
    found = _records(tmp_path, [{"author": people} for people, _ in cases])
    assert [record.authors for record in found] == [value for _, value in cases]


def test_journals_books_and_servers(tmp_path):
    cases = [
        ({"container-title": ["J &amp; K", "J K"]}, "J & K"),
        ({"type": "book-chapter", "container-title": ["The series", "The book"]}, "The book"),
        ({"type": "book-chapter", "container-title": ["The book"]}, "The book"),
        ({"type": "proceedings-article", "container-title": ["Series", "Proceedings"]}, "Proceedings"),
        ({"type": "proceedings-article", "container-title": [], "event": {"name": "Meeting"}}, "Meeting"),
        ({"type": "posted-content", "institution": [{"name": "synthRxiv"}], "group-title": "G"}, "synthRxiv"),
        ({"type": "posted-content", "institution": {"name": "synthRxiv"}}, "synthRxiv"),
        ({"type": "posted-content", "group-title": "Neurology", "publisher": "P"}, "Neurology"),
        ({"type": "posted-content", "publisher": "P"}, "P"),
        ({"container-title": [], "short-container-title": ["J K"], "publisher": "P"}, "J K"),
        ({"container-title": None, "publisher": "P"}, ""),
    ]
    found = _records(tmp_path, [more for more, _ in cases])
    assert [record.journal for record in found] == [value for _, value in cases]


def test_kinds(tmp_path):
    cases = [
        ({}, "journal-article"),
        ({"type": "posted-content", "subtype": "preprint"}, "posted-content; preprint"),
        (
            {"update-to": [{"type": "retraction", "DOI": "10.5555/OLD"}]},
            "journal-article; retraction of 10.5555/old",
        ),
        (
            {"update-to": [{"type": "correction", "DOI": "10.5555/o"}, {"label": "Erratum"}]},
            "journal-article; correction of 10.5555/o; erratum",
        ),
        (
            {"update-to": [{"type": "expression_of_concern", "DOI": "10.5555/o"}]},
            "journal-article; expression of concern of 10.5555/o",
        ),
        (
            {"updated-by": [{"type": "retraction", "DOI": "10.5555/n"}, {"type": "retraction"}]},
            "journal-article; Retracted Publication",
        ),
        ({"updated-by": [{"type": "corrigendum"}]}, "journal-article; Corrected Publication"),
        ({"updated-by": [{"type": "new_version"}]}, "journal-article"),
        (
            {"relation": {"is-preprint-of": [{"id": "10.5555/A", "id-type": "doi"}]}},
            "journal-article; preprint of 10.5555/a",
        ),
        ({"relation": {"has-preprint": [{"id": "10.5555/p"}]}}, "journal-article"),
        ({"relation": None, "update-to": None, "type": None}, "JOUR"),
    ]
    # A record without a kind comes back from the import file as what RIS must name.
    found = _records(tmp_path, [more for more, _ in cases])
    assert [record.kind for record in found] == [value for _, value in cases]


def test_fields(tmp_path):
    cases = [
        ({"page": "11–19"}, "pages", "11-19"),
        ({"page": "7-7", "article-number": "2077"}, "pages", "7"),
        ({"article-number": "2077"}, "pages", "2077"),
        ({"issue": None, "journal-issue": {"issue": "4"}}, "issue", "4"),
        ({"volume": "3"}, "volume", "3"),
        (
            {
                "abstract": "<jats:title>Abstract</jats:title><jats:sec><jats:title>Aim</jats:title>"
                "<jats:p>P&amp;lt;0.05</jats:p></jats:sec>"
            },
            "abstract",
            "Aim P<0.05",
        ),
        ({"clinical-trial-number": [{"clinical-trial-number": "nct01234567"}]}, "nct", "NCT01234567"),
        ({"DOI": "10.5555/D.1"}, "doi", "10.5555/d.1"),
        ({"DOI": "10.5555/D.2"}, "accession", "10.5555/d.2"),
        ({"language": "en"}, "language", "en"),
        ({"title": ["RETRACTED: Care"]}, "title", "RETRACTED: Care"),
    ]
    found = _records(tmp_path, [more for more, _, _ in cases])
    for record, (more, field, value) in zip(found, cases, strict=True):
        assert getattr(record, field) == value, (more, field)
