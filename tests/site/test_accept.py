"""What the check of a chapter prints is stored, and nothing else of the notebook changes."""

import json

from analysis.site.accept import accept


def _notebook(path, source, tags):
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["Text – kept"]},
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "b",
            "metadata": {"tags": tags},
            "outputs": [],
            "source": [source],
        },
    ]
    path.write_text(json.dumps({"cells": cells}, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


def test_the_output_of_a_check_is_stored_once(tmp_path):
    path = _notebook(tmp_path / "a.ipynb", "print('k=3')\nprint('n=9')", ["nbval-check-output"])

    assert accept(path)
    cell = json.loads(path.read_text("utf-8"))["cells"][1]
    assert cell["outputs"] == [{"name": "stdout", "output_type": "stream", "text": ["k=3\n", "n=9\n"]}]
    assert cell["metadata"]["keep_output"] is True
    assert cell["execution_count"] == 1
    assert not accept(path)
    assert [each.name for each in tmp_path.iterdir()] == ["a.ipynb"]


def test_other_cells_are_stripped(tmp_path):
    path = _notebook(tmp_path / "a.ipynb", "1", ["hide-input"])
    document = json.loads(path.read_text("utf-8"))
    document["cells"][1] |= {"outputs": [{"output_type": "stream"}], "execution_count": 7}
    path.write_text(json.dumps(document), "utf-8")

    assert accept(path)
    cell = json.loads(path.read_text("utf-8"))["cells"][1]
    assert (cell["outputs"], cell["execution_count"]) == ([], None)


def test_other_cells_are_not_run(tmp_path):
    path = _notebook(tmp_path / "a.ipynb", "raise SystemExit(9)", ["hide-input"])
    before = path.read_bytes()

    assert not accept(path)
    assert path.read_bytes() == before
