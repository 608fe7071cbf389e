"""Notices on copies of the data: retracted, corrected, added later."""

import pytest

from analysis.evidence.faults import EvidenceFaults
from analysis.evidence.load import load_evidence
from analysis.evidence.select import Question, select
from analysis.living.diff import diff_versions
from analysis.review.cells import headline, headlines
from analysis.review.living import notices_section
from analysis.review.two_arms import trial_contrasts


def _notice(append, folder, **cells):
    append(
        folder,
        "notices",
        **{
            "notice_id": "synthetic-1",
            "version": "26.1.0",
            "date": "2026-12-01",
            "reason": "synthetic fault",
            "source_url": "https://example.org/notice",
        }
        | cells,
    )


@pytest.fixture
def retracted(copy_of_data, append, next_version):
    next_version(copy_of_data, "26.1.0", "2026-12-15")
    _notice(append, copy_of_data, kind="retraction", study_id="goyal2025")
    return load_evidence(copy_of_data)


def test_a_retracted_study_stays_in_the_tables_and_leaves_every_pool(retracted):
    assert retracted.study("goyal2025")
    assert any(row.study_id == "goyal2025" for row in retracted.outcomes)
    for cell in headlines(retracted, "26.1.0"):
        assert "goyal2025" not in cell.counts.study_id
        assert "goyal2025" not in [item.study_id for item in cell.awaited]
    reasons = {item.study_id: item for item in select(retracted, Question("any", "mrs02")).left_out}
    assert reasons["goyal2025"].step == "notice"
    assert "retracted on 2026-12-01: synthetic fault" in reasons["goyal2025"].reason


def test_a_retracted_trial_leaves_the_pools_of_trials(retracted):
    now, before = (trial_contrasts(retracted, "mrs02", version) for version in ("26.1.0", "26.0.0"))

    assert "goyal2025" not in [item.study_id for item in now.found]
    assert "goyal2025" in [item.study_id for item in now.unread]
    assert "goyal2025" in [item.study_id for item in before.found]


def test_versions_before_the_retraction_keep_what_was_known(retracted, real):
    for was, now in zip(headlines(real, "26.0.0"), headlines(retracted, "26.0.0"), strict=True):
        assert was.counts.study_id == now.counts.study_id
        if was.pooled:
            assert was.pooled.estimate == pytest.approx(now.pooled.estimate, abs=1e-12)


def test_the_diff_says_that_the_study_left_and_why(retracted):
    cell = diff_versions(retracted, "26.0.0", "26.1.0").cell("any", "mrs02")

    assert [item.study_id for item in cell.left] == ["goyal2025"]
    assert "retracted" in cell.left[0].reason
    (move,) = cell.moves
    assert move.kind == "left"
    assert move.sequential == pytest.approx(cell.change, abs=1e-12)


def test_the_page_shows_what_the_retraction_changed(retracted):
    html = notices_section(retracted)._repr_html_()

    assert "What the retractions changed" in html
    assert "retraction" in html


def test_a_correction_is_heeded_from_its_version_on(copy_of_data, append, next_version, real):
    row = next(
        row for row in real.outcomes if row.study_id == "goyal2025" and row.outcome == "mrs02"
        and row.arm_id == "evt"
    )  # fmt: skip
    # Pretend that an earlier version had read one event fewer.
    next_version(copy_of_data, "26.1.0", "2026-12-15")
    _notice(
        append, copy_of_data, kind="correction", study_id="goyal2025", table="outcomes",
        arm_id="evt", outcome="mrs02", column="events", old_value=str(row.events - 1),
        new_value=str(row.events),
    )  # fmt: skip
    evidence = load_evidence(copy_of_data)
    events = [
        dict(zip(cell.counts.study_id, cell.counts.events, strict=True))["goyal2025"]
        for cell in (headline(evidence, "any", "mrs02", version) for version in ("26.0.0", "26.1.0"))
    ]

    assert events == [row.events - 1, row.events]
    assert evidence.as_of("26.0.0").notices == ()
    cell = diff_versions(evidence, "26.0.0", "26.1.0").cell("any", "mrs02")
    (move,) = cell.moves
    assert (move.kind, move.reason) == ("corrected", "synthetic fault.")


def test_of_two_corrections_of_a_cell_the_first_version_gets_the_oldest_value(
    copy_of_data, append, next_version, real
):
    next_version(copy_of_data, "26.1.0", "2026-12-10")
    next_version(copy_of_data, "26.2.0", "2026-12-20", alias="2026-12b")
    title = real.study("goyal2025").title
    for place, (version, old, new) in enumerate([("26.1.0", "oldest", "older"), ("26.2.0", "older", title)]):
        _notice(
            append, copy_of_data, notice_id=f"synthetic-{place}", version=version,
            kind="correction", study_id="goyal2025", table="studies", column="title",
            old_value=old, new_value=new,
        )  # fmt: skip
    evidence = load_evidence(copy_of_data)

    titles = [evidence.as_of(item.id).study("goyal2025").title for item in evidence.versions[1:]]

    assert titles == ["oldest", "older", title]


def test_a_row_added_later_is_not_known_before(copy_of_data, append, next_version):
    next_version(copy_of_data, "26.1.0", "2026-12-15")
    _notice(
        append, copy_of_data, kind="addition", study_id="goyal2025", table="outcomes",
        arm_id="evt", outcome="mrs02",
    )  # fmt: skip
    evidence = load_evidence(copy_of_data)
    pooled = [
        "goyal2025" in headline(evidence, "any", "mrs02", version).counts.study_id
        for version in ("26.0.0", "26.1.0")
    ]

    assert pooled == [False, True]


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"kind": "retraction", "study_id": "nosuch2020"}, "no such study"),
        ({"kind": "retraction", "study_id": "goyal2025", "version": "99.0.0"}, "no such version"),
        (
            {"kind": "correction", "study_id": "goyal2025", "table": "outcomes", "arm_id": "evt",
             "outcome": "nosuch", "column": "events", "old_value": "1", "new_value": "2"},
            "no such row",
        ),
        (
            {"kind": "correction", "study_id": "goyal2025", "table": "studies", "column": "nosuch",
             "old_value": "1", "new_value": "2"},
            "no column 'nosuch'",
        ),
        (
            {"kind": "correction", "study_id": "goyal2025", "table": "studies", "column": "year",
             "old_value": "x", "new_value": "2025"},
            "not a change of a cell",
        ),
        (
            {"kind": "correction", "study_id": "goyal2025", "table": "studies", "column": "year",
             "old_value": "2025", "new_value": "2025"},
            "old and new value are the same",
        ),
        (
            {"kind": "correction", "study_id": "goyal2025", "table": "studies", "column": "year",
             "old_value": "2023", "new_value": "2024"},
            "studies.csv holds 2025",
        ),
        ({"kind": "addition", "study_id": "goyal2025", "table": "studies"}, "names no table"),
        ({"kind": "vanished", "study_id": "goyal2025"}, "not in the vocabulary"),
    ],
    ids=["study", "version", "row", "column", "value", "no change", "not what stands", "table", "kind"],
)  # fmt: skip
def test_a_notice_that_fits_nothing_is_a_fault(copy_of_data, append, next_version, cells, problem):
    next_version(copy_of_data, "26.1.0", "2026-12-15")
    _notice(append, copy_of_data, **cells)

    with pytest.raises(EvidenceFaults, match=problem):
        load_evidence(copy_of_data)


def test_today_no_notice_is_recorded_and_the_page_says_so(real):
    assert real.notices == ()
    assert "There is no notice" in notices_section(real)._repr_html_()
