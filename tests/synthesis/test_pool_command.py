"""The pool command: what it prints, and what it says about a table it cannot use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.__main__ import main
from analysis.synthesis.pooled import pool

GOOD = "study,events,total\nalpha,8,10\nbeta,12,20\ngamma,7,14\n"
GROUPED = "study,events,total,group\nalpha,8,10,x\nbeta,12,20,x\ngamma,7,14,y\ndelta,3,9,y\n"


@pytest.fixture
def table(tmp_path: Path):
    def write(text: str | bytes) -> str:
        path = tmp_path / "counts.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


@pytest.mark.parametrize("model", ["glmm", "iv"])
def test_json_is_the_result_of_pool(table, capsys, model: str) -> None:
    assert main(["pool", table(GOOD), "--model", model, "--json"]) == 0

    printed = json.loads(capsys.readouterr().out)
    assert printed == pool([8, 12, 7], [10, 20, 14], labels=["alpha", "beta", "gamma"], model=model).to_dict()


def test_groups_are_printed_beside_the_whole(table, capsys) -> None:
    assert main(["pool", table(GROUPED), "--model", "iv", "--json"]) == 0

    printed = json.loads(capsys.readouterr().out)
    assert list(printed["groups"]) == ["x", "y"]
    assert printed["k"] == 4
    assert printed["groups"]["x"]["k"] == 2
    assert 0 <= printed["subgroup_test"]["p_value"] <= 1


def test_text_names_model_and_estimate(table, capsys) -> None:
    assert main(["pool", table(GOOD), "--model", "iv", "--tau2", "dl", "--ci", "wald"]) == 0

    out = capsys.readouterr().out
    assert "model iv, scale logit, tau2 by dl, interval wald" in out
    assert "estimate 0." in out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("study,events,total\na,8,5\n", "row 2, column events: '8' is above the total"),
        ("study,events,total\na,x,5\n", "row 2, column events: 'x' is not a whole number"),
        ("study,events,total\na,1.5,5\n", "row 2, column events: '1.5' is not a whole number"),
        ("study,events,total\na,-1,5\n", "row 2, column events: '-1' is negative"),
        ("study,events,total\na,1,0\n", "row 2, column total: '0' is below one"),
        ("study,events,total\na,,5\n", "row 2, column events is empty"),
        ("study,events,total\na,1,5\na,2,5\n", "row 3, column study: 'a' stands twice"),
        ("study,events,total\na,1\n", "row 2, column total is empty"),
        ("study,events,total\na,1,5,7\n", "row 2 has 4 cells"),
        ("study,events,total\na,1,1000000001\n", "row 2, column total: '1000000001' is too large"),
        (f"study,events,total\na,1,{'9' * 5000}\n", "row 2, column total: '999"),
        ("study,events,total\na,1,5\nb,2,6\nTotal,3,11\n", "row 4, column study: 'Total' is the sum"),
        ("study;events;total\na;1;1.000\n", "row 2, column total: '1.000' can be 1000 or 1.000"),
        ("study,events,total,group\na,1,5,X\nb,2,6,x\n", "are they one group"),
        (b"study,events,total\na,1,5\x00\n", "row 2 holds a NUL character"),
        (b"PK\x03\x04 xl/workbook.xml", "is an Excel workbook"),
        ("study,events\na,1\n", "row 1, column total: 'study,events' is missing"),
        ("study,events,events,total\n", "column events: 'events' stands twice"),
        ("study,events,total,group\na,1,5,\n", "group is missing for every study"),
        ("", "row 1 has no header"),
        ("study,events,total\n", "has no studies"),
        ('study,events,total\n"a,1,5\n', "row 2 opens a quotation mark that is never closed"),
    ],
)
def test_fault_is_named_and_nothing_printed(table, capsys, text, said: str) -> None:
    assert main(["pool", table(text)]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in printed.err
    assert "Traceback" not in printed.err


def test_all_faults_are_reported_together(table, capsys) -> None:
    main(["pool", table("study,events,total\na,8,5\nb,x,5\n")])

    assert len(capsys.readouterr().err.splitlines()) == 2


def test_missing_file_is_said(capsys) -> None:
    assert main(["pool", "no/such.csv"]) == 2

    assert "No such file" in capsys.readouterr().err


def test_choice_that_a_model_does_not_offer_is_said(table, capsys) -> None:
    assert main(["pool", table(GOOD), "--tau2", "dl"]) == 2

    assert "fitted by ml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (GOOD.replace(",", ";").encode(), "separated by semicolons"),
        (GOOD.replace(",", ";").replace("10", "10,0").encode(), "decimal commas"),
        (GOOD.replace(",", "\t").encode("utf-16"), "UTF-16; separated by tabs"),
        (GOOD.replace("alpha", "Ångström").encode("cp1252"), "letters in Windows-1252"),
        (("sep=;\r\n" + GOOD.replace(",", ";")).encode("utf-8-sig"), "separated by semicolons"),
        (GOOD.replace("study,events,total", "Study,Events,TOTAL").encode(), None),
        (b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode() + b",,\r\n,,\r\n", None),
    ],
)
def test_a_table_as_a_spreadsheet_saves_it_is_read_and_said(table, capsys, data: bytes, said) -> None:
    assert main(["pool", table(data)]) == 0
    shown = capsys.readouterr().out
    assert main(["pool", table(GOOD)]) == 0

    notes = [line for line in shown.splitlines() if line.startswith("note: the table was read as: ")]
    assert bool(notes) == bool(said)
    assert said is None or said in notes[0]
    assert shown.replace("\n".join(["", *notes]), "") == capsys.readouterr().out


def test_a_study_without_a_group_is_named_and_is_no_level(table, capsys) -> None:
    assert main(["pool", table(GROUPED + "epsilon,4,9,NA\n")]) == 0

    shown = capsys.readouterr().out
    assert "note: group missing, left out of the groups and of the test: epsilon" in shown
    assert "NA" not in shown.splitlines()
    assert "studies 5, events 34 of 62" in shown


@pytest.mark.parametrize(
    ("text", "estimate"),
    [
        ("A,3,9000\nB,2,6000\nC,2,5000\n", "estimate 0.00035 (95 % 0.0001"),
        ("A,8997,9000\nB,5998,6000\nC,4998,5000\n", "estimate 0.99965 (95 % 0.999"),
        ("A,5,50\nB,5,50\nC,5,50\n", "estimate 0.1000 (95 % 0.0579 to"),
    ],
)
def test_a_rate_has_the_digits_that_it_needs(table, capsys, text: str, estimate: str) -> None:
    assert main(["pool", table("study,events,total\n" + text)]) == 0

    assert estimate in capsys.readouterr().out


@pytest.mark.parametrize("scale", ["raw", "log"])
def test_limits_beyond_0_and_1_are_cut_in_print_and_noted(table, capsys, scale: str) -> None:
    counts = "A,1,4\nB,0,3\nC,3,4\n"
    assert main(["pool", table("study,events,total\n" + counts), "--model", "iv", "--scale", scale]) == 0

    shown = capsys.readouterr().out
    assert "lie outside 0 to 1" in shown
    line = next(line for line in shown.splitlines() if line.startswith("prediction interval ("))
    low, high = (float(end.lstrip("<>")) for end in line.split(") ")[1].split(" to "))
    assert 0 <= low < high <= 1


def test_standard_input_is_read(monkeypatch, capsys) -> None:
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))

    assert main(["pool", "-"]) == 0
    assert "studies 3, events 27 of 44" in capsys.readouterr().out


def test_a_closed_output_is_no_internal_error(table, monkeypatch) -> None:
    import sys

    monkeypatch.setattr(sys, "stdout", None)

    assert main(["pool", table(GOOD)]) == 0
    sys.stdout.close()


@pytest.mark.parametrize("epoch", ["99999999999999999", "abc", "-1"])
def test_an_impossible_epoch_is_passed_over(table, monkeypatch, capsys, epoch: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)

    assert main(["pool", table(GOOD)]) == 0
    import os

    assert "SOURCE_DATE_EPOCH" not in os.environ


def test_a_level_of_95_is_refused_with_what_is_meant(table, capsys) -> None:
    assert main(["pool", table(GOOD), "--level", "95"]) == 2

    assert "did you mean 0.95" in capsys.readouterr().err
