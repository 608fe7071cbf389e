"""OpenAlex: keys, pages and works in their many shapes. All records are synthetic."""

from __future__ import annotations

import pytest

from tests.living.search.replay import Answer, search

KEY = {"api_key": "synthetic-key"}


def _work(number=1, **more):
    return {
        "id": f"https://openalex.org/W{number}",
        "title": "Synthetic work",
        "publication_year": 2026,
        **more,
    }


def _page(*works, total=None, after=None):
    return {
        "meta": {"count": len(works) if total is None else total, "next_cursor": after},
        "results": list(works),
    }


def _search(folder, *pages, **options):
    return search("openalex", folder, {"/works": list(pages)}, **options)


def _records(folder, changes):
    """Return one record for each change to a work, in their order."""
    rows = [_work(number, **more) for number, more in enumerate(changes, start=1)]
    return list(_search(folder, _page(*rows), **KEY).records.values())


def test_with_a_key_the_cursor_is_followed(tmp_path):
    outcome = _search(tmp_path, _page(_work(1), total=2, after="Iwn"), _page(_work(2), total=2), **KEY)
    assert (outcome.run.hits, outcome.run.state) == (2, "done")
    assert [query["cursor"] for _, query in outcome.asked] == ["*", "Iwn"]
    assert {query["api_key"] for _, query in outcome.asked} == {"synthetic-key"}


def test_without_a_key_the_pages_are_numbered_and_it_is_said(tmp_path):
    works = [_work(number) for number in range(101)]
    outcome = _search(tmp_path, _page(*works[:100], total=101), _page(works[100], total=101))
    assert (outcome.run.hits, outcome.run.state) == (101, "done")
    assert [query["page"] for _, query in outcome.asked] == ["1", "2"]
    assert all({"cursor", "api_key"}.isdisjoint(query) for _, query in outcome.asked)
    assert "no key in OPENALEX_API_KEY" in outcome.said and "no key in OPENALEX_API_KEY" in outcome.run.said


def test_without_a_key_no_more_than_the_pages_reach(tmp_path):
    assert "more than 10000" in str(_search(tmp_path, _page(_work(1), total=10_001)).error)


@pytest.mark.parametrize("status", [401, 402])
def test_a_call_that_needs_a_key_says_so(tmp_path, status):
    outcome = _search(
        tmp_path, Answer({"error": "Unauthorized", "message": "An API key is required"}, status)
    )
    assert (
        f"status {status}: An API key is required; Unauthorized; get a free key and set OPENALEX_API_KEY"
        in str(outcome.error)
    )
    assert len(outcome.asked) == 1


def test_a_key_that_is_refused_is_not_told(tmp_path):
    outcome = _search(tmp_path, Answer({"error": "Invalid key synthetic-key"}, 401), **KEY)
    assert "Invalid key ***" in str(outcome.error) and "synthetic-key" not in outcome.said


def test_a_passing_400_costs_no_page(tmp_path):
    pages = [_page(_work(1), total=2, after="x"), Answer("Bad request", 400), _page(_work(2), total=2)]
    outcome = _search(tmp_path, *pages, **KEY)
    assert (outcome.run.hits, outcome.run.state) == (2, "done")


def test_403_is_a_limit_of_the_rate(tmp_path):
    slow = Answer({"error": "Rate limit exceeded, slow down"}, 403)
    assert _search(tmp_path, slow, slow, _page(_work()), **KEY).run.hits == 1


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (Answer({"message": "Too many"}, 429, {"Retry-After": "7"}), 7.0),
        (Answer({"message": "Too many", "retryAfter": 9}, 429), 9.0),
        (Answer("", 503, {"Retry-After": "3.5"}), 3.5),
    ],
)
def test_the_wait_that_is_asked_for_is_kept(tmp_path, answer, wait):
    outcome = _search(tmp_path, answer, _page(_work()), **KEY)
    assert outcome.run.hits == 1
    assert outcome.waits == [wait]


def test_a_budget_that_is_used_up_ends_the_call_at_once(tmp_path):
    spent = Answer({"error": "Daily budget exhausted"}, 429, {"Retry-After": "31734"})
    outcome = _search(tmp_path, spent, **KEY)
    assert "Daily budget exhausted; asked to wait 31734 s; try again later" in str(outcome.error)
    assert len(outcome.asked) == 1


def test_each_search_reaches_back_24_months(tmp_path):
    outcome = _search(tmp_path, _page(_work()), **KEY)
    assert "from_publication_date:2024-01-01,to_publication_date:2026-02-01" in outcome.asked[0][1]["filter"]
    assert "from 2024-01-01 on" in outcome.run.said


def test_a_total_that_is_an_estimate_is_said(tmp_path):
    outcome = _search(tmp_path, _page(_work(1), total=2, after="x"), _page(total=3), **KEY)
    assert (outcome.run.hits, outcome.run.promised) == (1, 3)


ABSTRACT = {"One": [0], "two": [1, 7], "NCT01234567": [4]}


def test_fields(tmp_path):
    cases = [
        ({"type": "article", "is_retracted": True}, "kind", "article; Retracted Publication"),
        ({"type": None, "type_crossref": "journal-article"}, "kind", "journal-article"),
        ({"type": "preprint", "is_retracted": False}, "kind", "preprint"),
        ({"authorships": None}, "authors", ()),
        (
            {
                "authorships": [
                    {"author": None, "raw_author_name": "Beta, Bo"},
                    {"author": {"display_name": "A B"}},
                    None,
                    {"author": {"display_name": " "}},
                ]
            },
            "authors",
            ("Beta, Bo", "A B"),
        ),
        ({"primary_location": None}, "journal", ""),
        ({"primary_location": {"source": None, "raw_source_name": "J &amp; K"}}, "journal", "J & K"),
        ({"primary_location": {"source": {"display_name": "S"}, "raw_source_name": "R"}}, "journal", "S"),
        ({"biblio": None}, "pages", ""),
        ({"biblio": {"first_page": "208", "last_page": "208"}}, "pages", "208"),
        ({"biblio": {"first_page": None, "last_page": "9"}}, "pages", "9"),
        ({"biblio": {"first_page": "e7", "last_page": None, "volume": 3, "issue": None}}, "volume", "3"),
        ({"abstract_inverted_index": ABSTRACT}, "abstract", "One two NCT01234567 two"),
        ({"abstract_inverted_index": ABSTRACT}, "nct", "NCT01234567"),
        ({"abstract_inverted_index": {"P&lt;0.05": [0], "<i>x</i>": None}}, "abstract", "P<0.05"),
        ({"title": None, "display_name": "<b>Shown</b> &amp; more"}, "title", "Shown & more"),
        ({"title": None}, "title", ""),
        ({"publication_year": None, "publication_date": "2025-03-01"}, "year", 2025),
        (
            {
                "doi": None,
                "ids": {"doi": "https://doi.org/10.5555/X", "pmid": "https://pubmed.ncbi.nlm.nih.gov/41"},
            },
            "doi",
            "10.5555/x",
        ),
        ({"ids": {"pmid": "https://pubmed.ncbi.nlm.nih.gov/41"}}, "pmid", "41"),
        ({"ids": None, "language": None}, "pmid", ""),
        ({"id": "https://openalex.org/W99/"}, "accession", "W99"),
    ]
    found = _records(tmp_path, [more for more, _, _ in cases])
    for record, (more, field, value) in zip(found, cases, strict=True):
        assert getattr(record, field) == value, (more, field)
