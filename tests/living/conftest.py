import csv
import shutil
from pathlib import Path

import pytest

from analysis.evidence.load import DATA
from analysis.living.diff import diff_versions
from analysis.review.session import load


@pytest.fixture(scope="session")
def real():
    return load()


@pytest.fixture(scope="session")
def real_diff(real):
    return diff_versions(real, "23.0.0", "26.0.0")


@pytest.fixture
def copy_of_data(tmp_path) -> Path:
    folder = tmp_path / "data"
    shutil.copytree(DATA, folder)
    return folder


@pytest.fixture
def append():
    """Append a row to a table of a copy; columns not named stay blank."""

    def add(folder: Path, table: str, /, **cells: str) -> None:
        path = folder / f"{table}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            head = next(csv.reader(file))
        assert set(cells) <= set(head)
        with path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow([cells.get(name, "") for name in head])

    return add


@pytest.fixture
def next_version(append):
    """Append a synthetic version to a copy."""

    def add(folder: Path, number: str, cut_off: str, alias: str = "") -> None:
        append(
            folder,
            "versions",
            id=number,
            alias=alias or cut_off[:7],
            label="Synthetic",
            cut_off=cut_off,
            stage="update",
            searched_on="not recorded",
            trigger="Synthetic.",
            methods_changes="None.",
            people="synthetic",
        )

    return add
