"""ClinicalTrials.gov: pages and registrations in their many shapes. All records are synthetic."""

from __future__ import annotations

import pytest

from tests.living.search.replay import Answer, search


def _study(number=1, **modules):
    names = {"nctId": f"NCT{number:08d}", "briefTitle": "Synthetic trial"} | modules.pop("names", {})
    return {"protocolSection": {"identificationModule": names, **modules}}


def _search(folder, *pages):
    return search("clinicaltrials", folder, {"/studies": list(pages)})


def _records(folder, changes):
    """Return one record for each change to a study, in their order."""
    rows = [_study(number, **more) for number, more in enumerate(changes, start=1)]
    return list(_search(folder, {"totalCount": len(rows), "studies": rows}).records.values())


def test_only_what_is_used_is_asked_for(tmp_path):
    ((_, sent),) = _search(tmp_path, {"totalCount": 0, "studies": []}).asked
    assert {"NCTId", "BriefTitle", "OfficialTitle", "BriefSummary"} <= set(sent["fields"].split(","))
    assert sent["filter.advanced"] == "AREA[LastUpdatePostDate]RANGE[2026-01-01,2026-02-01]"


def test_a_total_on_the_first_page_only(tmp_path):
    first = {"totalCount": 3, "studies": [_study(1), _study(2)], "nextPageToken": "t:1"}
    outcome = _search(tmp_path, first, {"studies": [_study(3)]})
    assert (outcome.run.hits, outcome.run.state) == (3, "done")
    assert outcome.asked[1][1]["pageToken"] == "t:1"


def test_without_a_total_nothing_can_be_told_missing(tmp_path):
    outcome = _search(tmp_path, {"studies": [_study(1)], "nextPageToken": "t"}, {"studies": [_study(2)]})
    assert (outcome.run.hits, outcome.run.promised) == (2, None)
    assert "gave no total" in outcome.run.said


@pytest.mark.parametrize("token", [None, ""])
def test_a_blank_token_ends_the_pages(tmp_path, token):
    assert _search(tmp_path, {"totalCount": 1, "studies": [_study()], "nextPageToken": token}).run.hits == 1


def test_a_study_that_came_twice_is_one(tmp_path):
    first = {"totalCount": 3, "studies": [_study(1), _study(2)], "nextPageToken": "t"}
    outcome = _search(tmp_path, first, {"studies": [_study(2)]})
    assert (outcome.run.hits, outcome.run.promised) == (2, 3)


def test_a_refusal_in_bare_text_is_quoted(tmp_path):
    outcome = _search(tmp_path, Answer("`fields` contains unknown field name\n", 400))
    assert "ClinicalTrials.gov: status 400: `fields` contains unknown field name" in str(outcome.error)


def test_fields(tmp_path):
    cases = [
        ({"names": {"officialTitle": r"A \[new\] trial &amp; \*more\*"}}, "title", "A [new] trial & *more*"),
        ({"names": {"officialTitle": None}}, "title", "Synthetic trial"),
        ({"names": {"briefTitle": "", "acronym": "SYNTH"}}, "title", "SYNTH"),
        (
            {"descriptionModule": {"briefSummary": r"at least 2\+ of 5 \(P\<0.01\), \#1\_a, \\n"}},
            "abstract",
            r"at least 2+ of 5 (P<0.01), #1_a, \n",
        ),
        ({"descriptionModule": None}, "abstract", ""),
        ({"statusModule": {"studyFirstPostDateStruct": {"date": "2025-11"}}}, "year", 2025),
        (
            {"statusModule": {"studyFirstPostDateStruct": None, "studyFirstSubmitDate": "2024-03-01"}},
            "year",
            2024,
        ),
        ({"statusModule": {"startDateStruct": {"date": "2023"}}}, "year", 2023),
        ({}, "year", None),
        ({"sponsorCollaboratorsModule": {"leadSponsor": {"name": "A &amp; B"}}}, "authors", ("A & B",)),
        ({"sponsorCollaboratorsModule": {}}, "authors", ()),
        ({}, "kind", "trial registration"),
        ({"names": {"nctId": "NCT00000099"}}, "nct", "NCT00000099"),
    ]
    found = _records(tmp_path, [more for more, _, _ in cases])
    for record, (more, field, value) in zip(found, cases, strict=True):
        assert getattr(record, field) == value, (more, field)
