"""The Atom feed and the files for readers of data."""

import json
from xml.etree import ElementTree

import pytest

from analysis.living.atom import atom_feed, write_living_outputs

ATOM = "{http://www.w3.org/2005/Atom}"


def test_each_version_is_an_entry_newest_first(real):
    feed = ElementTree.fromstring(atom_feed(real))
    entries = feed.findall(f"{ATOM}entry")

    assert feed.tag == f"{ATOM}feed"
    assert [entry.find(f"{ATOM}title").text.split(":")[0] for entry in entries] == [
        "Version 26.0.0",
        "Version 23.0.0",
    ]
    for part in (feed, *entries):
        for name in ("id", "title", "updated"):
            assert part.find(f"{ATOM}{name}").text
    assert len({part.find(f"{ATOM}id").text for part in (feed, *entries)}) == 3


def test_an_entry_says_what_changed(real, real_diff):
    feed = ElementTree.fromstring(atom_feed(real))
    text = feed.find(f"{ATOM}entry/{ATOM}content").text

    assert "50 studies became known" in text
    assert text.count(" -> ") >= len(real_diff.changed)


def test_the_feed_is_the_same_each_time(real):
    assert atom_feed(real) == atom_feed(real)


def test_the_site_gets_feed_diffs_versions_and_schedule(tmp_path, real, real_diff):
    written = write_living_outputs(tmp_path)

    assert {path.relative_to(tmp_path).as_posix() for path in written} == {
        "atom.xml",
        "living/diff-23.0.0-26.0.0.json",
        "living/versions.json",
        "living/schedule.json",
    }
    stored = json.loads((tmp_path / "living" / "diff-23.0.0-26.0.0.json").read_text("utf-8"))
    cells = zip(stored["cells"], real_diff.to_dict()["cells"], strict=True)
    for written_cell, cell in cells:
        wanted = cell["change"]
        assert written_cell["change"] == (None if wanted is None else pytest.approx(wanted, rel=1e-9))
        assert [move["study_id"] for move in written_cell["moves"]] == [
            move["study_id"] for move in cell["moves"]
        ]
    past = json.loads((tmp_path / "living" / "versions.json").read_text("utf-8"))
    assert [item["version"] for item in past] == ["23.0.0", "26.0.0"]
    schedule = json.loads((tmp_path / "living" / "schedule.json").read_text("utf-8"))
    assert not {"today", "state"} & set(schedule)
