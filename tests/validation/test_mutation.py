"""The committed tables of the mutation run add up and explain what they leave out."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "validation" / "mutation"


def _read(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


MUTANTS, SUMMARY, EQUIVALENT = (_read(name) for name in ("mutants", "summary", "equivalent"))


def _change(row: dict[str, str]) -> tuple[str, str, str]:
    return row["module"], row["before"], row["after"]


@pytest.mark.parametrize("row", SUMMARY, ids=lambda row: row["module"])
def test_outcomes_are_counted(row: dict[str, str]) -> None:
    mine = [mutant for mutant in MUTANTS if row["module"] in (mutant["module"], "all")]
    outcomes = Counter(mutant["outcome"] for mutant in mine)

    assert int(row["sampled"]) == len(mine)
    assert int(row["killed"]) == outcomes["killed"]
    assert int(row["timeout"]) == outcomes["timeout"]
    assert int(row["equivalent"]) + int(row["survived"]) == outcomes["survived"]
    if judged := len(mine) - int(row["equivalent"]):
        assert float(row["share"]) == pytest.approx(
            (int(row["killed"]) + int(row["timeout"])) / judged, abs=6e-4
        )


def test_equivalent_mutants_survived_and_have_a_reason() -> None:
    survivors = {_change(row) for row in MUTANTS if row["outcome"] == "survived"}

    for row in EQUIVALENT:
        assert _change(row) in survivors, row
        assert len(row["reason"]) > 20, row


def test_no_mutant_is_counted_twice() -> None:
    places = [(row["module"], row["operator"], row["occurrence"]) for row in MUTANTS]

    assert len(places) == len(set(places))
