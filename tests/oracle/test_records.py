"""Every record of the oracle folder agrees, or differs for a stated reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.oracle import compare, register_all
from tests.oracle.loader import ORACLE, files, load

register_all()
FILES = files()


@pytest.mark.skipif(not FILES, reason=f"no record files in {ORACLE}")
@pytest.mark.skipif(
    not os.environ.get("REVIEW_ALL_RECORDS"), reason="takes minutes; `make verify` compares all records"
)
@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".json"))
def test_records_agree_or_are_explained(path: Path) -> None:
    data = load(path)

    wrong = [
        f"{item.kind} {item.id}: {item.reason}"
        for item in (compare.outcome(data, record) for record in data.records)
        if item.status == "differs"
    ]

    assert wrong == []


def test_a_wrong_number_is_noticed() -> None:
    made = compare.checks("tau2", 0.100001, 0.1, compare.OPTIMISED)

    assert made[0].deviation > made[0].tolerance


def test_a_missing_number_is_not_agreement() -> None:
    assert compare.checks("tau2", float("nan"), 0.1, 1e-6)[0].deviation == float("inf")
    assert compare.checks("tau2", [1.0, 2.0], [1.0], 1e-6)[0].deviation == float("inf")
