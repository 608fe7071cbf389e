"""Another review from this house: it validates, holds no study, and lists every chapter."""

import csv
import json
from datetime import date

import pytest
import yaml

from analysis.evidence.load import load_evidence
from analysis.site.new_review import copy_house, main

TITLE = 'A synthetic "new" review'


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    target = tmp_path_factory.mktemp("new") / "review"
    copy_house(target, TITLE, date(2026, 1, 31))
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


def test_a_folder_in_use_is_left_alone(house, capsys):
    assert main([str(house)]) == 1
    assert "is not empty" in capsys.readouterr().err
