"""Versions: their numbers, a patch that keeps its word, and the time machine."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.evidence.faults import EvidenceFaults
from analysis.evidence.load import load_evidence
from analysis.living.time_machine import time_machine
from analysis.living.versions import (
    VersionNumber,
    broken_patches,
    next_number,
    parse_number,
    step_between,
)
from analysis.review.cells import headlines

NUMBERS = st.builds(VersionNumber, *(st.integers(0, 99),) * 3)


@given(NUMBERS)
def test_a_number_reads_back_as_it_was_written(number):
    assert parse_number(str(number)) == number


@pytest.mark.parametrize("text", ["26.0", "26.0.0.0", "26.a.0", "", "26.-1.0", "v26.0.0"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match="no version number"):
        parse_number(text)


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        ("23.0.0", "26.0.0", "year"),
        ("26.0.0", "26.1.0", "minor"),
        ("26.1.0", "26.1.1", "patch"),
    ],
)
def test_a_step_is_named_by_its_first_changed_part(before, after, step):
    assert step_between(before, after) == step


@pytest.mark.parametrize(
    ("cut_off", "changes", "number"),
    [
        (date(2026, 12, 1), True, "26.1.0"),
        (date(2026, 12, 1), False, "26.0.1"),
        (date(2027, 1, 5), True, "27.0.0"),
        (date(2027, 1, 5), False, "26.0.1"),
    ],
    ids=["data in the year", "patch", "new year", "patch after new year"],
)
def test_the_next_number_follows_year_and_change(real, cut_off, changes, number):
    assert str(next_number(real, cut_off, estimates_change=changes)) == number


@pytest.mark.parametrize(
    ("number", "cut_off", "message"),
    [
        ("26.2.0", "2026-12-01", "not the next number"),
        ("27.0.0", "2026-12-01", "not the next number"),
        ("27.1.0", "2027-01-05", "not the next number"),
        ("25.0.0", "2026-12-01", "not the next number"),
        ("26.1.0", "2026-11-22", "not after that of 26.0.0"),
    ],
)
def test_a_number_out_of_order_is_a_fault(copy_of_data, next_version, number, cut_off, message):
    next_version(copy_of_data, number, cut_off, alias=cut_off[:7] + "b")

    with pytest.raises(EvidenceFaults, match=message):
        load_evidence(copy_of_data)


def test_a_patch_leaves_every_estimate_as_it_was(copy_of_data, next_version, append, real):
    row = next(row for row in real.outcomes if row.study_id == "berger2024")
    next_version(copy_of_data, "26.0.1", "2026-11-22", alias="2026-11b")
    append(
        copy_of_data, "notices", notice_id="synthetic-1", version="26.0.1", date="2026-11-30",
        kind="correction", study_id="berger2024", table="outcomes", arm_id=row.arm_id,
        outcome=row.outcome, column="locator", old_value="synthetic place", new_value=row.locator,
        reason="synthetic", source_url="https://example.org/notice",
    )  # fmt: skip

    evidence = load_evidence(copy_of_data)

    assert broken_patches(evidence) == ()
    for was, now in zip(headlines(evidence, "26.0.0"), headlines(evidence, "26.0.1"), strict=True):
        assert (was.pooled is None) == (now.pooled is None)
        if was.pooled:
            assert was.pooled.estimate == pytest.approx(now.pooled.estimate, abs=1e-12)
            assert was.pooled.ci.low == pytest.approx(now.pooled.ci.low, abs=1e-9)


def test_a_patch_that_corrects_a_count_is_a_fault(copy_of_data, next_version, append, real):
    next_version(copy_of_data, "26.0.1", "2026-11-22", alias="2026-11b")
    row = next(row for row in real.outcomes if row.study_id == "berger2024")
    append(
        copy_of_data, "notices", notice_id="synthetic-1", version="26.0.1", date="2026-11-30",
        kind="correction", study_id="berger2024", table="outcomes", arm_id=row.arm_id,
        outcome=row.outcome, column="events", old_value="1", new_value=str(row.events),
        reason="synthetic", source_url="https://example.org/notice",
    )  # fmt: skip

    with pytest.raises(EvidenceFaults, match="a patch cannot hold a correction"):
        load_evidence(copy_of_data)


def test_a_study_cannot_enter_with_a_patch(copy_of_data, next_version):
    next_version(copy_of_data, "26.0.1", "2026-11-22", alias="2026-11b")
    path = copy_of_data / "studies.csv"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    place = next(i for i, line in enumerate(lines) if line.startswith("berger2024,"))
    lines[place] = lines[place].replace(",26.0.0", ",26.0.1")
    path.write_text("".join(lines), "utf-8")

    with pytest.raises(EvidenceFaults, match="a study cannot enter with a patch"):
        load_evidence(copy_of_data)


@pytest.mark.parametrize("version", ["23.0.0", "2023-01", "26.0.0"])
def test_the_time_machine_gives_the_cells_of_the_version(real, version):
    past = time_machine(real, version)
    known = headlines(real, real.version(version).id)

    assert [row["k"] for row in past.rows()] == [cell.counts.k for cell in known]
    assert [row["estimate"] for row in past.rows()] == [
        cell.pooled.estimate if cell.pooled else None for cell in known
    ]


def test_a_cut_of_the_tables_gives_the_same_past(real):
    cut = real.as_of("23.0.0")

    pairs = zip(time_machine(cut, "23.0.0").rows(), time_machine(real, "23.0.0").rows(), strict=True)
    for was, now in pairs:
        assert {name: was[name] for name in ("k", "events", "total")} == {
            name: now[name] for name in ("k", "events", "total")
        }
        if was["k"]:
            assert was["estimate"] == pytest.approx(now["estimate"], abs=1e-12)
    assert cut.data_hash == time_machine(real, "23.0.0").data_hash


def test_a_version_that_is_not_known_is_refused(real):
    with pytest.raises(ValueError, match="no evidence version"):
        time_machine(real, "22.0.0")
