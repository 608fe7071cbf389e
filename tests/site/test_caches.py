"""Caches that were cut: removed, made anew, and said."""

import json
import sqlite3

import pytest

from analysis.site.caches import kept_json, mend_notebooks


@pytest.mark.parametrize("cut", ['{"a', "", "[1]", "null"])
def test_facts_that_cannot_be_read_are_made_anew(tmp_path, capsys, cut):
    path = tmp_path / "facts.json"
    path.write_text(cut, "utf-8")

    assert kept_json(path, lambda: {"a": 1}) == {"a": 1}
    assert kept_json(path, lambda: {"a": 2}) == {"a": 1}
    assert "made anew" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["facts.json"]


@pytest.fixture
def cache(tmp_path):
    """A cache of three synthetic notebooks, as jupyter-cache lays it out."""
    with sqlite3.connect(tmp_path / "global.db") as records:
        records.execute("CREATE TABLE nbcache (hashkey TEXT)")
        for key in "abc":
            records.execute("INSERT INTO nbcache VALUES (?)", (key,))
            folder = tmp_path / "executed" / key
            folder.mkdir(parents=True)
            (folder / "base.ipynb").write_text(json.dumps({"cells": []}), "utf-8")
    records.close()
    return tmp_path


def _kept(cache):
    records = sqlite3.connect(cache / "global.db")
    keys = sorted(key for (key,) in records.execute("SELECT hashkey FROM nbcache"))
    records.close()
    return keys, sorted(path.name for path in (cache / "executed").iterdir())


def test_a_whole_cache_is_left_alone(cache, capsys):
    mend_notebooks(cache)

    assert _kept(cache) == (["a", "b", "c"], ["a", "b", "c"])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("cut", ['{"cells": [', "", "{}"])
def test_a_cut_notebook_runs_again(cache, capsys, cut):
    (cache / "executed" / "b" / "base.ipynb").write_text(cut, "utf-8")
    mend_notebooks(cache)

    assert _kept(cache) == (["a", "c"], ["a", "c"])
    assert capsys.readouterr().err.startswith("1 executed notebook(s)")


def test_a_record_without_notebook_and_a_notebook_without_record_are_removed(cache):
    (cache / "executed" / "b" / "base.ipynb").unlink()
    (cache / "executed" / "d").mkdir()
    (cache / "executed" / "d" / "base.ipynb").write_text('{"cells": []}', "utf-8")
    mend_notebooks(cache)

    assert _kept(cache) == (["a", "c"], ["a", "c"])


@pytest.mark.parametrize("content", [b"SQLite format 3\0 cut", b"", b"other"])
def test_a_list_that_cannot_be_read_ends_the_cache(cache, capsys, content):
    (cache / "global.db").write_bytes(content)
    mend_notebooks(cache)

    assert not cache.exists()
    assert "all run again" in capsys.readouterr().err
