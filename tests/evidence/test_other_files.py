"""Checklists, searches, short names and chapters: a bad file is a named fault (synthetic texts)."""

from __future__ import annotations

import json
import shutil

import pytest

from analysis.evidence.faults import EvidenceFaults
from analysis.evidence.load import DATA
from analysis.evidence.protocol import read_protocol
from analysis.evidence.short_names import read_short_names
from analysis.living.checklists import load_checklist
from analysis.living.search.strategies import load_strategies
from analysis.site.glossary import read_glossary
from analysis.site.named_keys import named_keys


@pytest.mark.parametrize(
    ("old", "new", "row", "column", "words"),
    [
        ("source: PubMed", "source: 2021-02-30", 2, "source", "no such day"),
        ("kind: database", "kind: databse", 4, "kind", "(near: database)"),
        ("api: pubmed", "api: pubmd", 5, "api", "(near: pubmed)"),
        ("last_run: never", "last_run: soon", 6, "last_run", "or: never"),
        ("platform:", "platfrm:", 3, "platfrm", "(near: platform)"),
        ("  10 search filters: None", "  10: None", 26, "prisma_s", "key is not text"),
    ],
)
def test_a_bad_strategy_has_its_line(tmp_path, old, new, row, column, words):
    text = (DATA / "searches" / "pubmed.yml").read_text("utf-8")
    assert old in text
    (tmp_path / "pubmed.yml").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(EvidenceFaults) as caught:
        load_strategies(tmp_path)
    found = [fault for fault in caught.value.faults if fault.column == column]
    assert [(fault.file, fault.row) for fault in found] == [("pubmed.yml", row)]
    assert words in found[0].text()


def test_a_query_that_is_a_number_is_no_query(tmp_path):
    text = "source: A\nplatform: B\nkind: database\nlast_run: never\nquery: -1\nprisma_s: {a: b}\n"
    (tmp_path / "a.yml").write_text(text, "utf-8")
    with pytest.raises(EvidenceFaults, match=r"a\.yml:5:query: '-1': value has the wrong kind"):
        load_strategies(tmp_path)


def test_a_folder_of_searches_that_is_not_there_is_a_fault(tmp_path):
    with pytest.raises(EvidenceFaults, match="no such folder"):
        load_strategies(tmp_path / "missing")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace(",", ";"), "separated by semicolons"),
        (lambda text: text.replace("item,", "", 1), "column is missing"),
        (lambda text: text.replace(",presence,", ",presense,", 1), "(near: presence)"),
        (lambda text: text.replace("outcomes_defined", "outcomes_defned", 1), "names no test"),
    ],
)
def test_a_bad_checklist_is_named(tmp_path, change, words):
    folder = shutil.copytree(DATA / "checklists", tmp_path / "checklists")
    path = folder / "moose.csv"
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    with pytest.raises(EvidenceFaults) as caught:
        load_checklist("moose", directory=folder)
    assert {fault.file for fault in caught.value.faults} == {"moose.csv"}
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("studies: {a: 1}", "short_names.yml:1:studies.a: '1': value has the wrong kind"),
        ("study: {a: b}", "(near: studies)"),
        ("- a", "value has the wrong kind"),
        (
            "studies:\n  a: b\n  a: c\n",
            "short_names.yml:3:studies.a: 'a': key stands twice, in lines 2 and 3",
        ),
    ],
)
def test_bad_short_names_are_named(tmp_path, text, words):
    path = tmp_path / "short_names.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(EvidenceFaults) as caught:
        read_short_names(path)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "studies:\n"])
def test_a_review_without_short_names_has_none(tmp_path, text):
    path = tmp_path / "short_names.yml"
    path.write_text(text, "utf-8")
    assert not any(read_short_names(path).values())
    assert read_short_names(tmp_path / "missing.yml") == {}


@pytest.mark.parametrize(
    "text", ["[1, 2]", "word", "terms: 3", "terms: [{term: 2021-02-30, definition: A.}]"]
)
def test_a_glossary_of_another_form_is_a_fault(text):
    with pytest.raises(EvidenceFaults, match=r"glossary\.yml:1"):
        read_glossary(text)


def test_a_key_that_a_chapter_names_and_the_protocol_lacks_is_a_fault(tmp_path):
    protocol, _ = read_protocol((DATA / "protocol.yml").read_text("utf-8"))
    calls = [
        'review.pooled_section(ev, "primary", "mrs02", now)',
        'review.pooled_section(ev, "primry", "mrs02", now)',
        'review.trial_section(ev, outcome="mrs2")',
        "%matplotlib inline",
    ]
    cells = [{"cell_type": "code", "source": [call]} for call in calls]
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": cells}), "utf-8")
    found = named_keys(tmp_path, protocol)
    assert [(fault.file, fault.row, fault.value) for fault in found] == [
        ("a.ipynb", 2, "primry"),
        ("a.ipynb", 3, "mrs2"),
    ]
    assert "(near: primary)" in found[0].text()
    assert named_keys(DATA.parent / "book", protocol) == []
