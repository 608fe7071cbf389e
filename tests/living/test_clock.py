"""The clock: due, overdue, retired, and what the command says."""

import json
from datetime import date, timedelta

import pytest

from analysis.__main__ import main
from analysis.living.clock import read_clock, reference_day

#: Day after the cut-off of the newest version: 2026-11-22, interval 91 days, grace 28 days.
DUE, LAST = date(2027, 2, 21), date(2027, 3, 21)


@pytest.mark.parametrize(
    ("today", "state"),
    [
        (date(2026, 11, 22), "not due"),
        (DUE, "not due"),
        (DUE + timedelta(days=1), "due"),
        (LAST, "due"),
        (LAST + timedelta(days=1), "overdue"),
    ],
)
def test_the_state_follows_the_day(real, today, state):
    clock = read_clock(real, today)

    assert (clock.next_due, clock.last_day) == (DUE, LAST)
    assert clock.state == state
    assert not clock.searched


def test_a_recorded_search_moves_the_day(real, tmp_path):
    runs = tmp_path / "runs.csv"
    lines = ["source,until", *(f"{name},2027-02-01" for name in ("pubmed", "embase", "central"))]
    runs.write_text("\n".join([*lines, "clinicaltrials.gov,2027-01-01"]) + "\n", "utf-8")
    clock = read_clock(real, date(2027, 3, 1), runs=runs)

    assert clock.searched
    assert clock.state == "up to date"
    assert clock.next_due == date(2027, 1, 1) + timedelta(days=91)


def test_rows_whose_hits_were_not_recorded_are_no_search(real, tmp_path):
    ledger = tmp_path / "records.csv"
    ledger.write_text("source,searched_on,hits_recorded\nPubMed,2027-02-01,no\n", "utf-8")

    assert not read_clock(real, DUE, ledger).searched


def test_a_retired_review_is_never_overdue(real):
    from dataclasses import replace

    text = real.protocol.text | {"living": real.protocol.text["living"] | {"retired_on": "2027-01-01"}}
    retired = replace(real, protocol=replace(real.protocol, text=text))

    assert read_clock(retired, date(2030, 1, 1)).state == "retired"


def test_the_day_of_a_build_can_be_fixed(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")

    assert reference_day() == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("today", "flags", "code"),
    [
        ("2026-12-01", ["--fail-if-overdue"], 0),
        ("2027-03-01", ["--fail-if-overdue"], 0),
        ("2027-04-01", ["--fail-if-overdue"], 1),
        ("2027-04-01", [], 0),
    ],
    ids=["not due", "due", "overdue", "overdue, only said"],
)
def test_only_the_asked_command_fails_when_overdue(capsys, today, flags, code):
    assert main(["status", "--today", today, "--json", *flags]) == code
    shown = capsys.readouterr()
    assert json.loads(shown.out)["search_recorded"] is False
    assert ("the search was due by 2027-02-21" in shown.err) == (today > "2027-02-21")
