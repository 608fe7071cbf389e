import shutil
from pathlib import Path

import pytest

from analysis.evidence.load import DATA, load_evidence


@pytest.fixture(scope="session")
def real():
    return load_evidence()


@pytest.fixture
def copy_of_data(tmp_path) -> Path:
    folder = tmp_path / "data"
    shutil.copytree(DATA, folder)
    return folder
