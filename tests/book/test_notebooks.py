"""Chapters are thin and stored without outputs: they load, call and show."""

import ast
import io
import json
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

from analysis import review

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(
    path for path in (ROOT / "book").glob("**/*.ipynb") if ".ipynb_checkpoints" not in path.parts
)
MOST_LINES = 10
#: Chapters that rest on counts, each with a check of its numbers.
CHECKED = (
    *("index", "pooling_primary", "pooling_secondary", "pooling_any", "subgroups", "trials", "observational"),
    *("heterogeneity", "smallstudy", "sensitivity", "multiverse", "cumulative", "certainty", "comparison"),
    *("reproduction", "appraisal", "search", "extraction", "studies", "whats_new"),
)


def _cells(path, kind):
    document = json.loads(path.read_text("utf-8"))
    return [cell for cell in document["cells"] if cell["cell_type"] == kind]


def _code(path):
    return [(cell["id"], "".join(cell["source"])) for cell in _cells(path, "code")]


by_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_are_chapters():
    assert NOTEBOOKS


def _is_check(cell):
    return "nbval-check-output" in cell["metadata"].get("tags", [])


@by_notebook
def test_no_output_is_stored_but_that_of_the_check(path):
    for cell in _cells(path, "code"):
        assert bool(cell["outputs"]) == _is_check(cell), cell["id"]
        # Without a count nbval would run the check and compare nothing.
        assert cell["execution_count"] == (1 if _is_check(cell) else None), cell["id"]


@by_notebook
def test_code_opens_only_on_request(path):
    for cell in _cells(path, "code"):
        wanted = "remove-cell" if _is_check(cell) else "hide-input"
        assert wanted in cell["metadata"].get("tags", []), cell["id"]


@pytest.mark.parametrize("name", CHECKED)
def test_a_chapter_of_results_has_one_check_of_plain_lines(name):
    (cell,) = [each for each in _cells(ROOT / "book" / f"{name}.ipynb", "code") if _is_check(each)]
    (output,) = cell["outputs"]

    assert cell["metadata"]["keep_output"] is True
    assert output["output_type"] == "stream" and output["name"] == "stdout"
    assert output["text"] and all(re.fullmatch(r"[-=\w.%:/,; ]+\n", line) for line in output["text"])


def test_checks_survive_the_stripping_of_outputs(tmp_path):
    source = ROOT / "book" / "trials.ipynb"
    copy = tmp_path / source.name
    copy.write_bytes(source.read_bytes())
    strip = [sys.executable, "-m", "nbstripout", "--keep-id", "--keep-count", str(copy)]
    subprocess.run(strip, check=True)

    assert json.loads(copy.read_text("utf-8")) == json.loads(source.read_text("utf-8"))


@by_notebook
def test_every_cell_has_its_own_id(path):
    document = json.loads(path.read_text("utf-8"))
    ids = [cell["id"] for cell in document["cells"]]

    assert len(ids) == len(set(ids))
    assert (document["nbformat"], document["nbformat_minor"]) >= (4, 5)


@by_notebook
def test_cells_are_short_and_free_of_machinery(path):
    for name, code in _code(path):
        assert len(code.splitlines()) <= MOST_LINES, name
        for node in ast.walk(ast.parse(code)):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.While), name
            if isinstance(node, ast.Import | ast.ImportFrom):
                module = getattr(node, "module", None) or node.names[0].name
                assert module.split(".")[0] == "analysis", f"{name} imports {module}"


@by_notebook
def test_no_number_is_typed_in_code(path):
    allowed = {"0", "1"}
    for name, code in _code(path):
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type == tokenize.NUMBER:
                assert token.string in allowed, f"{name}: {token.string}"


def test_every_title_of_the_review_is_that_of_the_protocol():
    title = f"{review.load().protocol.title}: a living systematic review"
    first_cell = _cells(ROOT / "book" / "index.ipynb", "markdown")[0]

    assert "".join(first_cell["source"]).splitlines()[0] == f"# {title}"
    assert (ROOT / "README.md").read_text("utf-8").splitlines()[0] == f"# {title}"
    for name in ("_config.yml", "CITATION.cff"):
        assert f'\ntitle: "{title}"\n' in (ROOT / name).read_text("utf-8"), name
    assert f". {title}. Version " in review.citation_text(review.load())._repr_html_()


def test_contents_list_every_chapter():
    contents = (ROOT / "_toc.yml").read_text("utf-8")
    for path in [*NOTEBOOKS, *(ROOT / "book").glob("*.md")]:
        assert f"book/{path.stem}\n" in contents, f"{path.name} is not in _toc.yml"
