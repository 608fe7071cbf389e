"""PubMed: answers of the E-utilities in their many shapes. All records are synthetic."""

from __future__ import annotations

import gzip

import pytest

from tests.living.search.replay import Answer, search

RECORD = """PMID- {number}
OWN - NLM
STAT- MEDLINE
{more}
EDAT- 2024/03/10 06:00
CRDT- 2026/01/10 05:00
SO  - Synth J. {number}.
"""


def _found(*numbers, count=None, **more):
    found = {"count": str(len(numbers) if count is None else count), "idlist": list(numbers), **more}
    return {"header": {"type": "esearch"}, "esearchresult": found}


def _medline(number="41", more="TI  - Synthetic title.\nDP  - 2025"):
    return RECORD.format(number=number, more=more)


def _search(folder, found=None, *fetched, **options):
    answers = {"/esearch.fcgi": [found or _found("41")], "/efetch.fcgi": list(fetched) or ["\n" + _medline()]}
    return search("pubmed", folder, answers, **options)


def _records(folder, texts):
    """Return one record for the lines of each text, in their order."""
    numbers = [str(41 + place) for place in range(len(texts))]
    sent = "\n".join(_medline(number, more) for number, more in zip(numbers, texts, strict=True))
    found = _search(folder, _found(*numbers), f"\n{sent}").records
    return [found[number] for number in numbers]


def test_the_day_of_creation_is_asked_for(tmp_path):
    (path, sent), *_ = _search(tmp_path, email="a@example.org", api_key="synthetic").asked
    assert path == "/esearch.fcgi"
    assert sent["term"].endswith(' AND ("2026/01/01"[crdt] : "2026/02/01"[crdt])')
    assert not {"datetype", "mindate", "maxdate"} & set(sent)
    assert (sent["email"], sent["api_key"]) == ("a@example.org", "synthetic")


@pytest.mark.parametrize(
    ("body", "words", "tries"),
    [
        (
            {"esearchresult": {"ERROR": "Search Backend failed: synthetic"}},
            "Search Backend failed: synthetic",
            6,
        ),
        ('{"esearchresult":{"ERROR":"Search Backend failed:\nline two"}}', "failed: line two", 6),
        ({"esearchresult": {"ERROR": ["Empty term", "nothing to do"]}}, "Empty term; nothing to do", 1),
        ({"esearchresult": {"count": "0", "ERROR": "Unknown database"}}, "Unknown database", 1),
        ({"error": "API rate limit exceeded", "api-key": "k", "limit": "3"}, "API rate limit exceeded", 6),
        ("<eSearchResult><ERROR>Backend &amp; more</ERROR></eSearchResult>", "Backend & more", 6),
        ("<html><head><title>t</title></head><body><h1>Sorry</h1></body></html>", "Sorry", 6),
        ("", "the answer is empty", 6),
    ],
)
def test_an_error_with_status_200_is_told_in_pubmeds_words(tmp_path, body, words, tries):
    outcome = _search(tmp_path, Answer(body))
    assert words in str(outcome.error)
    assert "the answer has changed" not in outcome.said
    assert len(outcome.asked) == tries
    assert not list(tmp_path.glob("*.ris"))


def test_json_is_read_in_spite_of_marks_and_bare_control_signs(tmp_path):
    body = (
        b'\xef\xbb\xbf {"esearchresult":{"count":"1","idlist":["41"],"querytranslation":"a\tb\x01"}} \r\n\x00'
    )
    assert _search(tmp_path, Answer(body)).run.hits == 1


def test_an_answer_in_another_coding_is_read_as_its_head_says(tmp_path):
    body = ("\n" + _medline(more="TI  - Überblick.\nFAU - Müller, Ö")).encode("latin-1")
    head = {"Content-Type": "text/plain; charset=ISO-8859-1"}
    record = _search(tmp_path, None, Answer(body, head=head)).records["41"]
    assert (record.title, record.authors) == ("Überblick.", ("Müller, Ö",))


def test_packed_answers_are_read_and_broken_ones_asked_again(tmp_path):
    packed = gzip.compress(("\n" + _medline()).encode())
    head = {"Content-Encoding": "gzip"}
    outcome = _search(tmp_path, None, Answer(b"no gzip", head=head), Answer(packed, head=head))
    assert outcome.run.hits == 1


def test_what_pubmed_left_out_is_said_and_kept(tmp_path):
    found = _found(
        "41",
        querytranslation='"synthetic"[Title/Abstract]',
        errorlist={"phrasesnotfound": ['"lost phrase*"[tiab]'], "fieldsnotfound": []},
        warninglist={
            "phrasesignored": ["of"],
            "quotedphrasesnotfound": '"X3/X4"[tiab]',
            "outputmessages": [
                "No items found.",
                "Wildcard search for 'a*' used only the first 600 variations",
            ],
        },
    )
    outcome = _search(tmp_path, found)
    for words in ('"lost phrase*"[tiab]', '"X3/X4"[tiab]', "passed over: of", "first 600 variations",
                  'query as translated: "synthetic"[Title/Abstract]'):  # fmt: skip
        assert words in outcome.said and words in outcome.run.said
    assert "No items found" not in outcome.said


def test_an_unknown_field_stops_the_search(tmp_path):
    outcome = _search(tmp_path, _found("41", errorlist={"fieldsnotfound": ["tiabb"]}))
    assert "does not know: tiabb" in str(outcome.error)
    assert not list(tmp_path.glob("*.ris"))


def test_no_hit_is_a_finished_search(tmp_path):
    empty = _found(warninglist={"outputmessages": ["No items found."]}, errorlist=None)
    del empty["esearchresult"]["idlist"]
    outcome = _search(tmp_path, empty)
    assert (outcome.run.hits, outcome.run.promised, outcome.run.state) == (0, 0, "done")
    assert len(outcome.asked) == 1


def test_a_number_twice_is_one_and_the_difference_is_kept(tmp_path):
    outcome = _search(tmp_path, _found("41", "41"))
    assert (outcome.run.hits, outcome.run.promised) == (1, 2)
    assert "2 promised, 1 received" in outcome.run.said


GONE = "id: 43 Error occurred: The following PMID is not available: 43\n"


def test_a_withdrawn_number_is_named_and_left_out(tmp_path):
    outcome = _search(tmp_path, _found("41", "43"), "\n" + _medline() + "\n" + GONE)
    assert (outcome.run.hits, outcome.run.promised, outcome.run.state) == (1, 1, "done")
    assert "number 43" in outcome.run.said and "number 43" in outcome.said
    assert len(outcome.asked) == 2


NONE = "<eFetchResult><ERROR>ID list is empty! Possibly it has no correct IDs.</ERROR></eFetchResult>"


@pytest.mark.parametrize("answer", [Answer(GONE), Answer(NONE, 400), Answer(NONE)])
def test_a_search_whose_numbers_are_all_withdrawn_ends_empty(tmp_path, answer):
    outcome = _search(tmp_path, _found("43"), answer)
    assert (outcome.run.hits, outcome.run.promised) == (0, 0)
    assert "number 43" in outcome.run.said


def test_a_number_that_is_not_sent_is_asked_alone_and_then_named(tmp_path):
    outcome = _search(tmp_path, _found("41", "43"), *["\n" + _medline()] * 3, "\n")
    assert outcome.run.hits == 1
    assert "number 43" in outcome.run.said
    assert outcome.asked[-1][1]["id"] == "43"


def test_an_answer_without_any_record_is_no_end(tmp_path):
    outcome = _search(tmp_path, _found("41", "43"), "\n")
    assert "2 records were not sent, the first is 41" in str(outcome.error)


@pytest.mark.parametrize(
    "busy",
    [
        Answer("<eFetchResult><ERROR>proxy_stream(): Failed to connect: 502</ERROR></eFetchResult>", 400),
        Answer("<eFetchResult><ERROR>Failed to connect</ERROR></eFetchResult>"),
        Answer('{"error":"API rate limit exceeded","count":"4"}', 429, {"Retry-After": "2"}),
        Answer('{"error":"API rate limit exceeded","count":"4"}'),
        Answer("<html><body><h1>500 Server Error</h1></body></html>", 500),
        Answer("Error: too many requests"),
    ],
)
def test_a_passing_error_of_efetch_is_asked_again(tmp_path, busy):
    outcome = _search(tmp_path, None, busy, busy, "\n" + _medline())
    assert outcome.run.hits == 1
    assert [path for path, _ in outcome.asked] == ["/esearch.fcgi", *["/efetch.fcgi"] * 3]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "<eFetchResult><ERROR>Cannot process &quot;ID list&quot;</ERROR></eFetchResult>",
            'process "ID list"',
        ),
        (
            "<!DOCTYPE html><html><head><title>t</title></head><body>Be back soon</body></html>",
            "Be back soon",
        ),
        ('{"error":"Invalid db name"}', "Invalid db name"),
        ("Supplied id parameter is empty.", "Supplied id parameter is empty."),
    ],
)
def test_an_error_of_efetch_with_status_200_is_quoted(tmp_path, body, words):
    outcome = _search(tmp_path, None, body)
    assert words in str(outcome.error)
    assert not list(tmp_path.glob("*.ris"))


def test_a_stubborn_error_of_efetch_is_quoted_and_pages_are_kept(tmp_path):
    outcome = _search(tmp_path, None, Answer("<html><body>Down for <b>repair</b></body></html>", 500))
    assert "status 500: Down for repair" in str(outcome.error)
    assert len(list((tmp_path / ".unfinished").rglob("*.json"))) == 1


def test_a_key_is_not_told(tmp_path):
    refused = Answer({"error": "API key invalid: secret-key-1", "api-key": "secret-key-1"}, 400)
    outcome = _search(tmp_path, refused, api_key="secret-key-1")
    assert "API key invalid: ***" in str(outcome.error)
    assert "secret-key-1" not in outcome.said


def test_too_many_records_are_refused(tmp_path):
    assert "more than 9999" in str(_search(tmp_path, _found("41", count=10_000)).error)


def test_persons_and_groups_stand_in_their_order(tmp_path):
    cases = [
        (
            "FAU - Alpha, Anna\nAU  - Alpha A\nCN  - Group One\n"
            "FAU - Beta, Bo Jr\nAU  - Beta B Jr\nCN  - Group Two",
            ("Alpha, Anna", "Group One", "Beta, Bo Jr", "Group Two"),
        ),
        ("AU  - Alpha A\nCN  - Group One\nAU  - Beta B", ("Alpha A", "Group One", "Beta B")),
        ("CN  - Group One", ("Group One",)),
        ("FAU - Alpha, Anna\nAU  - Alpha A\nAU  - Beta B", ("Alpha, Anna", "Beta B")),
        ("FAU - Alpha, Anna\nFAU - Beta, Bo\nAU  - Alpha A\nAU  - Beta B", ("Alpha, Anna", "Beta, Bo")),
        ("FAU - Alpha, Anna\nAU  - Alpha A\nFED - Editor, Eva\nFIR - Site, Sam", ("Alpha, Anna",)),
        ("CN  - A group with a name that\n      goes on", ("A group with a name that goes on",)),
    ]
    found = _records(tmp_path, [f"TI  - Synthetic.\n{lines}" for lines, _ in cases])
    assert [record.authors for record in found] == [value for _, value in cases]


def test_an_article_number_stands_for_pages(tmp_path):
    cases = [
        ("LID - 2077 [pii]\nLID - 10.5555/s.1 [doi]", "2077"),
        ("LID - e12345 [pii]", "e12345"),
        ("AID - ehab123 [pii]", "ehab123"),
        ("PG  - 11-9\nLID - 2077 [pii]", "11-9"),
        ("LID - S0000-1111(26)00012-3 [pii]", ""),
        ("LID - synth-2026-012345 [pii]", ""),
        ("LID - 10.5555/2077 [doi]", ""),
    ]
    found = _records(tmp_path, [f"TI  - Synthetic.\n{lines}" for lines, _ in cases])
    assert [record.pages for record in found] == [value for _, value in cases]


def test_the_year_of_a_record(tmp_path):
    cases = [
        ("DP  - 2024 Winter", 2024),
        ("DP  - 2023 Dec-2024 Jan", 2023),
        ("DP  - Spring 2025", 2025),
        ("DP  - 2026 Jan 5\nDEP - 20251120", 2026),
        ("DEP - 20251120", 2025),
        ("DA  - 20240101", None),
    ]
    found = _records(tmp_path, [f"TI  - Synthetic.\n{lines}" for lines, _ in cases])
    assert [record.year for record in found] == [value for _, value in cases]


def test_titles_and_books(tmp_path):
    cases = [
        ("TI  - A chapter\nBTI - The book", "A chapter", "The book"),
        ("BTI - The book\nCTI - The series", "The book", "The series"),
        (
            "TI  - [A translated title].\nTT  - Ein Titel\nJT  - Zeitschrift",
            "[A translated title].",
            "Zeitschrift",
        ),
        ("TI  - [Not Available].\nTT  - Ein Titel", "Ein Titel", ""),
        ("TT  - Ein Titel\nTA  - Zschr", "Ein Titel", "Zschr"),
        (
            "TI  - Care &amp;lt;i&amp;gt;in vitro&amp;lt;/i&amp;gt; &amp; P&lt;0.05.\nJT  - J &amp; K",
            "Care in vitro & P<0.05.",
            "J & K",
        ),
        ("TI  - B<sub>12</sub> and 10<sup>5</sup> \x07cells", "B12 and 10^5 cells", ""),
    ]
    found = _records(tmp_path, [lines for lines, _, _ in cases])
    assert [(record.title, record.journal) for record in found] == [case[1:] for case in cases]


def test_what_befell_a_paper_is_in_its_kind(tmp_path):
    cases = [
        (
            "PT  - Journal Article\nPT  - Retracted Publication\nRIN - Synth J. 2026",
            "Journal Article; Retracted Publication",
        ),
        ("PT  - Journal Article\nRIN - Synth J. 2026", "Journal Article; Retracted Publication"),
        ("PT  - Journal Article\nEIN - Synth J. 2026", "Journal Article; Corrected Publication"),
        ("PT  - Published Erratum\nEFR - Synth J. 2025", "Published Erratum"),
        ("PT  - Retraction Notice\nROF - Synth J. 2025", "Retraction Notice"),
        ("PT  - Journal Article\nECI - Synth J. 2026", "Journal Article; Publication under concern"),
    ]
    found = _records(tmp_path, [f"TI  - Synthetic.\n{lines}" for lines, _ in cases])
    assert [record.kind for record in found] == [value for _, value in cases]
