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
        ("study,events,total\na,,5\n", "row 2, column events is not a whole number"),
        ("study,events,total\na,1,5\na,2,5\n", "row 3, column study: 'a' stands twice"),
        ("study,events,total\na,1\n", "row 2 has 2 cells"),
        ("study,events\na,1\n", "row 1, column total: 'study,events' is missing"),
        ("study,events,events,total\n", "column events: 'events' stands twice"),
        ("study,events,total,group\na,1,5,\n", "row 2, column group is empty"),
        ("", "row 1 has no header"),
        ("study,events,total\n", "has no studies"),
        (b"study,events,total\n\xff,1,5\n", "row 2: '255' is not UTF-8"),
        ('study,events,total\n"a,1,5\n', "is not a CSV table"),
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
