"""Another review from this house: it validates, holds no study, and lists every chapter."""

import ast
import csv
import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from analysis.evidence.load import load_evidence
from analysis.living.atom import atom_feed
from analysis.site.new_review import copy_review, main

ROOT = Path(__file__).resolve().parents[2]
ATOM = "{http://www.w3.org/2005/Atom}"
TITLE = 'A synthetic "new" review'


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    target = tmp_path_factory.mktemp("new") / "review"
    copy_review(target, TITLE, date(2026, 1, 31))
    return target


def test_its_data_keep_their_contracts(house):
    evidence = load_evidence(house / "data")

    assert evidence.studies == ()
    assert evidence.outcomes == ()
    assert evidence.protocol.title == TITLE
    assert [str(item.cut_off) for item in evidence.versions] == ["2026-01-31"]


def test_every_table_has_its_header(house):
    for path in (house / "data").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.reader(handle))
        fields = json.loads((house / "data" / "schemas" / f"{path.stem}.json").read_text("utf-8"))["fields"]
        assert rows[0] == [field["name"] for field in fields], path.name


def test_every_chapter_of_its_contents_exists(house):
    contents = yaml.safe_load((house / "_toc.yml").read_text("utf-8"))
    names = [contents["root"]] + [item["file"] for part in contents["parts"] for item in part["chapters"]]

    for name in names:
        assert any((house / f"{name}{end}").is_file() for end in (".md", ".ipynb")), name


def test_nothing_of_this_review_is_left_in_its_settings(house):
    settings = yaml.safe_load((house / "_config.yml").read_text("utf-8"))

    assert settings["title"] == TITLE
    assert "distal" not in json.dumps(settings).lower()


def test_the_names_that_others_see_are_its_own(house):
    evidence = load_evidence(house / "data")
    name = "a-synthetic-new-review"
    package = json.loads((house / "data" / "datapackage.json").read_text("utf-8"))
    citation = yaml.safe_load((house / "CITATION.cff").read_text("utf-8"))

    assert (evidence.protocol.name, package["name"], citation["title"]) == (name, name, TITLE)
    assert b"The maintainers of the review" in atom_feed(evidence)
    mine = ElementTree.fromstring(atom_feed(evidence)).find(f"{ATOM}id").text
    assert mine != ElementTree.fromstring(atom_feed(load_evidence())).find(f"{ATOM}id").text


#: What the page on new reviews says of parts of the code.
_TOPIC = re.compile(r"stroke|dmvo|thrombect|occlusion|\bmTICI|\bmRS\b|arter(?:y|ies)\b", re.IGNORECASE)
_FREE = ("synthesis", "living/search", "living/records")


@pytest.mark.parametrize("room", _FREE)
def test_what_is_said_to_name_no_disease_names_none(room):
    words = {
        f"{path.name}: {found}"
        for path in (ROOT / "analysis" / room).rglob("*.py")
        for text in _spoken(ast.parse(path.read_text("utf-8")))
        for found in _TOPIC.findall(text)
    }

    assert words == set()


def _spoken(tree):
    """Yield names and texts of code; examples in docstrings may be about anything."""
    examples = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in examples:
            yield node.value
        yield from (
            value for name, value in ast.iter_fields(node) if name in ("id", "name", "arg", "attr") and value
        )


def _run(house, *command, code=0):
    """Run a command in the new review, with its own code."""
    done = subprocess.run(
        command, cwd=house, capture_output=True, text=True, timeout=900,
        env={**os.environ, "PYTHONPATH": str(house), "NO_COLOR": "1"},
    )  # fmt: skip
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


@pytest.mark.slow
def test_untouched_it_builds_passes_its_tests_and_answers_every_command(house, tmp_path):
    python = (sys.executable, "-m")
    command = (*python, "analysis")
    assert "no faults" in _run(house, *command, "validate")
    assert "not recorded" in _run(house, *command, "flow")
    assert "No new study" in _run(house, *command, "diff")
    assert "no database search" in _run(house, *command, "status")
    assert "data/searches" in _run(house, *command, "search", "--since", "2026-01-01", code=2)
    proposal = ROOT / "tests" / "living" / "samples" / "proposal.yml"
    assert "a new study" in _run(house, *command, "propose", str(proposal), "--cut-off", "2027-03-01")
    assert "run 'make book'" in _run(house, *command, "release", "26.0.0", code=1)

    _run(house, str(Path(sys.executable).with_name("jupyter-book")), "build", "-q", "-W", "--keep-going", ".")
    _run(house, *python, "pytest", "-q", "--nbval-lax", "--nbval-current-env", "tests", "book")

    assert "git init" in _run(house, *command, "release", "26.0.0", "--no-pdf", code=1)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "Start of the review"]):
        who = ("-c", "user.name=Synthetic", "-c", "user.email=synthetic@example.org")
        _run(house, "git", *who, *words)
    assert "The release is in" in _run(house, *command, "release", "26.0.0", "--no-pdf")
    assert not list((house / "dist").glob(".*"))


def test_a_folder_in_use_is_left_alone(house, capsys):
    assert main([str(house)]) == 1
    assert "is not empty" in capsys.readouterr().err
