"""A page for each study: complete, safe, and one step from every number in a chapter."""

import re
from html.parser import HTMLParser

import pytest

from analysis import review
from analysis.evidence.provenance import derivation_words, trace
from analysis.evidence.short_names import arm_name
from analysis.report.html import is_site_link
from analysis.review.provenance import row_anchor, row_href, study_href, study_page
from analysis.review.rows_used import rows_used, why_unused
from tests.evidence.synthetic import outcome


@pytest.fixture(scope="module")
def evidence():
    return review.load()


class _Ids(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a":
            self.links.append(values["href"])

    def handle_data(self, data):
        self.text += data


def test_every_study_has_a_page_with_each_of_its_rows(evidence):
    for study in evidence.studies:
        read = _Ids(study_page(evidence, study.study_id).body)
        rows = [row for row in evidence.outcomes if row.study_id == study.study_id]

        assert len(read.ids) == len(set(read.ids)), study.study_id
        assert study.source_url in read.links
        assert {row_anchor(row.key) for row in rows} <= set(read.ids)
        assert {row.source_url for row in rows} <= set(read.links)


def test_anchors_of_a_study_differ(evidence):
    seen = {(row.study_id, row_anchor(row.key)) for row in evidence.outcomes}

    assert len(seen) == len(evidence.outcomes)


def test_addresses_are_pages_of_the_book(evidence):
    assert all(is_site_link(row_href(row.key)) for row in evidence.outcomes)
    assert all(is_site_link(study_href(study.study_id)) for study in evidence.studies)


def test_a_page_holds_what_the_tables_say(evidence):
    # Rows of studies.csv and outcomes.csv of the DISTAL trial.
    text = _Ids(study_page(evidence, "psychogios2025").body).text

    for words in ("NCT05029414", "38/272", "reader 5: 38/269", "grade 6: 42", "sICH, thrombectomy: "):
        assert words in text, words


def test_data_cannot_bring_markup_into_a_page(evidence):
    from dataclasses import replace

    study = replace(evidence.studies[0], title="<script>alert(1)</script>", source_url="javascript:alert(1)")
    spoilt = replace(evidence, studies=(study, *evidence.studies[1:]))
    body = study_page(spoilt, study.study_id).body

    assert "<script>" not in body
    assert "javascript:" not in body


def test_every_row_that_a_headline_uses_is_known(evidence):
    used = rows_used(evidence)

    assert {key[0] for key in used} <= {study.study_id for study in evidence.studies}
    for cell in review.headlines(evidence, evidence.versions[0].id):
        for keys in cell.counts.rows_used:
            assert all(cell.question in used[key] for key in keys)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({}, "Both numbers are printed.", id="stated"),
        pytest.param({"percent": "50"}, "the printed 50% agrees", id="stated-with-percentage"),
        pytest.param({"events": 17, "total": 21, "percent": "80.9"}, "cuts the decimals off", id="truncated"),
        pytest.param({"events": 36, "total": 42, "percent": "88.7"}, "does not agree", id="conflict"),
        pytest.param({"derivation": "deduced"}, "follows from other printed facts", id="deduced"),
        pytest.param(
            {"derivation": "from_percent", "percent": "50"},
            "prints 50%. Of a total of 10, 5 is the only whole number that fits",
            id="from-percent",
        ),
        pytest.param(
            {"derivation": "approximate", "events": None, "events_low": 4, "events_high": 5},
            "Only a range can be read: 4 to 5 of 10.",
            id="approximate",
        ),
        pytest.param(
            {"derivation": "approximate", "events": None, "events_low": 4, "events_high": 5, "percent": "45"},
            "Several whole numbers fit: 4 to 5 of 10.",
            id="approximate-from-percent",
        ),
        pytest.param({"derivation": "not_available", "events": None}, "No count can be given", id="none"),
    ],
)
def test_derivations_in_words(changes, words):
    from decimal import Decimal

    percent = changes.pop("percent", None)
    row = outcome("a", **changes, percent_reported=Decimal(percent) if percent else None)

    assert words in derivation_words(row)


def test_a_trace_carries_readers_and_doubts(evidence):
    row = next(row for row in evidence.outcomes if row.key == ("psychogios2025", "control", "mortality90"))
    found = trace(evidence, row)

    assert {(item.events, item.total) for item in found.extractions} == {(38, 272), (38, 269)}
    assert found.rows()[0]["source_url"] == row.source_url


def test_arms_and_labels_are_shown_in_words(evidence):
    keys = {row.arm_id for row in evidence.outcomes}
    assert not keys & {arm_name(key) for key in keys} - {"control"}
    labels = {study.label for study in evidence.studies}
    assert {"Salim 2025 ACA", "Salim 2025 PCA", "Haussen 2020 Trevo", "Meyer 2021 isolated PCA"} <= labels


def test_a_count_of_occlusions_is_not_headed_by_all_patients(evidence):
    body = study_page(evidence, "guenego2022").body

    assert "Reperfusion, all occlusions: 16/17" in body
    assert "all patients" not in body


@pytest.mark.parametrize(
    ("changes", "answers", "words"),
    [
        pytest.param({}, [(5, 10)], "one reader", id="one reader"),
        pytest.param({}, [(5, 10), (5, 10)], "two readers or more, with the same counts", id="agreed"),
        pytest.param(
            {"agreement": "resolved"}, [(5, 10), (6, 10)],
            "the readers differed; 5/10 was taken when the row was reconciled", id="differed",
        ),
        pytest.param(
            {"agreement": "resolved"}, [(None, None), (None, None)],
            "two readers or more, all without a count; 5/10 was taken when the row was reconciled",
            id="same answer, row changed",
        ),
    ],
)  # fmt: skip
def test_readers_differ_only_where_their_answers_do(changes, answers, words):
    from analysis.evidence.provenance import agreement_words
    from analysis.evidence.tables import DoubleExtraction

    row = outcome("a", events=5, total=10, **changes)
    raw = [
        DoubleExtraction(number, number, "a", row.arm_id, row.outcome, *answer, "stated")
        for number, answer in enumerate(answers, start=1)
    ]

    assert agreement_words(row, raw) == words


def test_only_an_included_study_with_a_number_in_use_enters(evidence):
    used = {key[0] for key in rows_used(evidence)}
    for study in evidence.studies:
        text = _Ids(study_page(evidence, study.study_id).body).text

        assert ("It enters with evidence version" in text) == (study.study_id in used), study.study_id
        assert ("No count of it enters a pool" in text) == (
            study.eligibility == "include" and study.study_id not in used
        ), study.study_id
        assert ("It enters no pool" in text) == (study.eligibility != "include"), study.study_id


@pytest.mark.parametrize(
    ("derivation", "settled", "words"),
    [
        pytest.param("stated", "stated", " (both numbers printed)", id="as settled"),
        pytest.param("stated", "deduced", " (taken as printed)", id="settled otherwise"),
        pytest.param("from_percent", "stated", " (worked out from the percentage)", id="found in print"),
        pytest.param("not_available", "deduced", "", id="no count"),
    ],
)
def test_a_reader_does_not_contradict_how_a_row_was_read(derivation, settled, words):
    from analysis.review.provenance_words import reader_words

    assert reader_words(derivation, settled) == words


def test_a_number_that_only_older_versions_use_says_why(evidence):
    newest = evidence.versions[-1].id
    older = [key for key, uses in rows_used(evidence).items() if newest not in {use.version for use in uses}]

    assert older
    for key in older:
        assert f"; not in {newest}: " in study_page(evidence, key[0]).body, key


def test_no_page_writes_a_comparison_in_two_signs_or_names_only_a_site(evidence):
    for study in evidence.studies:
        body = study_page(evidence, study.study_id).body
        assert not re.search("&[lg]t;=", body), study.study_id
        assert ">github.com</a>" not in body, study.study_id


def test_no_page_asks_for_a_check_before_pooling_what_is_pooled(evidence):
    for study in evidence.studies:
        body = study_page(evidence, study.study_id).body
        assert "check before pooling" not in body, study.study_id
    body = study_page(evidence, "distalsr2023").body
    assert "a reader asked to check the count: a second reader opened the source again" in body


@pytest.mark.parametrize(
    ("timepoint", "definition", "used", "words"),
    [
        pytest.param("90d", "mRS 0-2", True, "90 days", id="stated"),
        pytest.param(
            "90d_assumed", "mRS 0-2", True,
            "90 days, assumed: the source prints no time beside the count", id="assumed",
        ),
        pytest.param(
            "discharge", "mRS 0-2", False,
            "discharge in the data, where the protocol has 90 days", id="another",
        ),
        pytest.param("not_stated", "mRS 0-2", False, "not stated in the text read", id="not pooled"),
        pytest.param(
            "not_stated", "mRS 0-2", True,
            "not stated in the text read; pooled with the counts at 90 days", id="pooled",
        ),
        pytest.param(
            "not_stated", "death 24 h after the procedure", False,
            "only in the definition", id="in the definition",
        ),
        pytest.param(
            "not_stated", "intraprocedural haemorrhage", False,
            "only in the definition", id="in a word of the definition",
        ),
    ],
)  # fmt: skip
def test_a_time_that_is_not_stated_is_told_with_what_is_known(timepoint, definition, used, words):
    from analysis.review.provenance_words import time_words

    assert time_words(outcome("a", timepoint=timepoint, definition=definition), "90d", used=used) == words


def test_a_number_that_no_headline_uses_says_why(evidence):
    for row in evidence.outcomes:
        if row.key not in rows_used(evidence):
            body = study_page(evidence, row.study_id).body
            assert "<dd>No headline. " in body, row.key
            assert "No population of the protocol" not in body, row.key


def test_a_group_chosen_by_its_result_is_not_told_as_of_another_outcome(evidence):
    chosen = [row for row in evidence.outcomes if row.outcome.startswith(("mrs02_sel", "mortality90_sel"))]

    assert {row.study_id for row in chosen} == {"dmytriw2024", "radu2024"}
    assert {why_unused(evidence, row) for row in chosen} == {
        "The group was chosen by the result of thrombectomy."
    }


def test_a_year_that_is_not_shown_is_told_in_one_word(evidence):
    labels = {study.label for study in evidence.studies if study.year is None}

    assert {"Salsano undated", "[DIVA] undated"} <= labels
    assert all(label.endswith(" undated") for label in labels)


def test_a_notice_stands_on_the_page_of_its_study(evidence):
    from dataclasses import replace
    from datetime import date

    from analysis.evidence.tables import Notice

    study_id, version = evidence.studies[0].study_id, evidence.versions[-1].id
    notice = Notice(
        2, "n1", version, date(2026, 11, 1), "retraction", study_id, "", "", "", "", "", "",
        "withdrawn by its journal", "https://example.org/notice",
    )  # fmt: skip
    read = _Ids(study_page(replace(evidence, notices=(notice,)), study_id).body)

    assert f"retraction of 2026-11-01, heeded since version {version}: withdrawn by its journal" in read.text
    assert "https://example.org/notice" in read.links


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        pytest.param("2020-01 to 2023-08", "January 2020 to August 2023", id="numbers"),
        pytest.param("Jan-Sep 2016", "January to September 2016", id="one year"),
        pytest.param("May 2020-Apr 2023", "May 2020 to April 2023", id="short names"),
        pytest.param("MT 2015-2020; BMT alone 2006-2015", "MT 2015-2020; BMT alone 2006-2015", id="years"),
    ],
)
def test_periods_are_written_in_one_way(printed, words):
    from analysis.review.provenance_words import period_words

    assert period_words(printed) == words


def test_no_page_shows_a_field_of_a_file_or_asks_its_reader_to_check(evidence):
    for study in evidence.studies:
        told = re.sub(r"<code>.*?</code>|<[^>]+>", " ", study_page(evidence, study.study_id).body)
        assert not re.findall(r"\b[a-z]+[A-Z][a-z]+\.[A-Za-z]+\b", told), study.study_id
        assert not re.findall(r"[:,] check (?:against|the)\b", told), study.study_id


@pytest.mark.parametrize(
    ("summary", "parts"),
    [
        pytest.param("median 75 (IQR 65-82); 56.1% male", ("median 75 (IQR 65-82)", "56.1% male"), id="men"),
        pytest.param("mean 71.5 (SD 14.0), 53% female", ("mean 71.5 (SD 14.0)", "53% female"), id="women"),
        pytest.param("mean 68.3 (SD 13.6), range 26-88", ("mean 68.3 (SD 13.6), range 26-88", ""), id="age"),
        pytest.param("", ("", ""), id="nothing"),
    ],
)
def test_sex_is_not_told_as_age(summary, parts):
    from analysis.review.provenance_words import age_and_sex

    assert age_and_sex(summary) == parts


def test_no_page_tells_sex_as_age_or_shortens_a_month(evidence):
    for study in evidence.studies:
        body = study_page(evidence, study.study_id).body
        assert not re.search(r"<dt>Age</dt>\s*<dd>[^<]*male", body), study.study_id
        assert not re.search(r"\b(?:Aug|Sep|Oct|Nov|Dec|Jan|Feb) \d{4}\b", body), study.study_id


def test_a_place_in_a_file_is_told_in_words(evidence):
    from analysis.review.provenance_words import locator_words

    words = locator_words("entry x, safetyFindings.sich; size from primaryEndpoint.result", evidence.protocol)

    assert words == "entry x, safety findings, sICH; size from primary endpoint, result"


def test_pages_name_studies_and_columns_in_words(evidence):
    keys = {study.study_id for study in evidence.studies}
    for study in evidence.studies:
        body = study_page(evidence, study.study_id).body
        told = re.sub(r"<code>.*?</code>|<[^>]+>", " ", body)
        assert not keys & set(re.findall(r"[a-z0-9-]+", told)), study.study_id
        assert not re.findall(r"\b[a-z]+_[a-z_]+\b", told), study.study_id


def test_printed_effects_are_named_as_in_the_chapter_on_trials(evidence):
    body = study_page(evidence, "goyal2025").body

    assert "<dt>MRS" not in body
    assert "mRS 0-1 at 90 days, RR" in body
    assert not re.search(r"at \d+ d,", body)


def test_a_page_without_counts_does_not_deny_that_effects_were_read(evidence):
    counted = {row.study_id for row in evidence.outcomes}
    bare = [study for study in evidence.studies if study.study_id not in counted]

    assert bare
    for study in bare:
        body = study_page(evidence, study.study_id).body
        assert "No count of an outcome was read" in body, study.study_id
        assert "No outcome was read" not in body, study.study_id
