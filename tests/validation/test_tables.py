"""The committed tables of validation/ are what the code gives today, and every method has a reference."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from analysis.synthesis.glmm_two_by_two import fit_two_arm_glmm
from analysis.synthesis.two_by_two import Measure
from analysis.synthesis.types import CiMethod, Scale, Tau2Method
from validation.coverage import CELLS, FILE, Cell, cell_rows, study_sizes
from validation.pinned import FILE as PINNED
from validation.pinned import pinned_table

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "tests" / "reference" / "iv"

#: Methods without a value of R kept here, and what stands in for one.
ELSEWHERE = {
    "pmm": "no estimator of that name in metafor 3.8-1; its estimating equation is tested directly",
    "profile": "metafor offers no profile interval of the mean; brute-force likelihoods are compared",
}


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_pinned_table_is_not_stale() -> None:
    made = {(row["engine"], row["kind"]): row for row in pinned_table()}
    kept = {(row["engine"], row["kind"]): row for row in _read(PINNED)}

    assert list(made) == list(kept)
    for key, row in made.items():
        # The last digits of a deviation depend on the machine; what was compared does not.
        for name in ("numbers", "agree", "tolerance"):
            assert str(row[name]) == kept[key][name], (key, name)


@pytest.mark.parametrize("row", _read(PINNED), ids=lambda row: row["kind"])
def test_every_pinned_number_agrees(row: dict[str, str]) -> None:
    assert row["agree"] == row["numbers"]
    assert float(row["largest_deviation"]) <= float(row["tolerance"])


def test_every_method_has_a_reference() -> None:
    fits = json.loads((REFERENCE / "fits.json").read_text("utf-8"))["fits"]
    missing = {
        word
        for scale in get_args(Scale)
        for method in get_args(Tau2Method)
        for ci in get_args(CiMethod)
        if f"{scale} {method} {ci}" not in fits
        for word in (method, ci)
        if word in ELSEWHERE or not {method, ci} & set(ELSEWHERE)
    }

    assert missing == set(ELSEWHERE)


def test_every_two_arm_measure_has_a_reference() -> None:
    effects = json.loads((REFERENCE / "two_arm.json").read_text("utf-8"))["effects"]

    assert set(effects) == set(get_args(Measure))


def test_every_two_arm_logistic_model_has_a_reference() -> None:
    folder = ROOT / "tests" / "reference" / "glmm"
    sets = json.loads((folder / "two_arm.json").read_text("utf-8"))["sets"]
    random = json.loads((folder / "random_studies.json").read_text("utf-8"))["sets"]
    offered = get_args(get_type_hints(fit_two_arm_glmm)["model"])

    # CM.EL has no quick peer; the exact records of the large collection hold it.
    for name, models in sets.items():
        assert set(models) | {"CM.EL"} == set(offered), name
    assert all({"laplace", "laplace_correlated", "exact"} <= set(made) for made in random.values())


def test_the_table_of_agreement_adds_up() -> None:
    rows = _read(ROOT / "validation" / "agreement.csv")

    assert rows
    for row in rows:
        parts = {name: int(row[name]) for name in ("agree", "explained", "differ", "skipped")}
        assert sum(parts.values()) == int(row["records"]), row["kind"]
        assert int(row["covered"]) == int(row["records"]) - parts["skipped"], row["kind"]


def test_every_reason_is_counted() -> None:
    rows = _read(ROOT / "validation" / "agreement.csv")
    reasons = _read(ROOT / "validation" / "reasons.csv")

    for status in ("explained", "skipped"):
        told = sum(int(row["records"]) for row in reasons if row["status"] == status)
        assert told == sum(int(row[status]) for row in rows)


def test_study_sizes_span_those_of_the_review() -> None:
    assert [study_sizes(k).size for k in (5, 10, 29)] == [5, 10, 29]
    assert study_sizes(29).min() == 6
    assert study_sizes(29).max() < 390


def test_every_setting_was_simulated() -> None:
    rows = _read(FILE)

    found = {(int(row["k"]), float(row["tau"]), float(row["rate"])) for row in rows}
    assert found == {tuple(cell) for cell in CELLS}
    assert {int(row["replications"]) for row in rows} == {1000}


def test_one_setting_made_again_gives_the_file() -> None:
    cell = Cell(5, 0.5, 0.5)
    kept = {
        row["interval"]: row
        for row in _read(FILE)
        if (int(row["k"]), float(row["tau"]), float(row["rate"])) == tuple(cell)
    }

    for row in cell_rows(cell):
        old = kept[row["interval"]]
        # One replication may fall on the other side where a last digit differs between machines.
        assert abs(float(row["coverage"]) - float(old["coverage"])) <= 0.002, row["interval"]


def test_versions_name_every_program_behind_the_reference_values() -> None:
    kept = {row["software"]: row["version"] for row in _read(ROOT / "validation" / "versions.csv")}
    found: dict[str, str] = {}
    for path in sorted((ROOT / "tests" / "reference").glob("*/*.json")):
        found |= json.loads(path.read_text(encoding="utf-8")).get("versions", {})

    assert {"metafor", "glmmTMB", "brglm2", "ordinal"} <= set(found)
    # R prints the Debian revision "3.8-1" as "3.8.1" and puts its own name before its version.
    wrong = [
        name
        for name, version in found.items()
        if kept.get(name, "").replace("-", ".") not in (version, *version.split(" "))
    ]
    assert wrong == []
