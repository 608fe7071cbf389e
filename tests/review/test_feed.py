"""The feed: complete, true to its schema, and refused when it is not."""

import copy
import json

import pytest

from analysis import review
from analysis.report import feed as module
from analysis.review.cells import headlines


@pytest.fixture(scope="module")
def document():
    return module.feed(review.load())


def test_the_feed_keeps_its_schema(document):
    assert module.check_feed(document) == []
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_every_headline_cell_stands_in_the_feed_with_the_pooled_numbers(document):
    by_id = {record["id"]: record for record in document["results"]}
    for cell in headlines(review.load()):
        record = by_id[cell.key]
        if cell.pooled is None:
            assert record["status"] == "no_public_count"
            assert record["estimate"] is None
            assert record["awaited"]
        else:
            assert record["estimate"] == pytest.approx(cell.pooled.estimate, rel=1e-12)
            assert record["n"] == int(cell.counts.total.sum())
            assert record["studies"] == list(cell.counts.study_id)


def test_subgroup_levels_name_their_studies_and_never_share_rows(document):
    for record in document["results"]:
        if record["kind"] == "subgroup":
            assert len(record["studies"]) == record["k"] > 0
            assert record["confidence_level"] == 0.95


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"estimate": 1.2}, "estimate"),
        ({"k": 0}, "k"),
        ({"status": "guessed"}, "status"),
        ({"data_hash": "abc"}, "data_hash"),
    ],
    ids=["rate-above-one", "no-studies", "unknown-status", "short-hash"],
)
def test_a_broken_record_is_named(document, change, named):
    broken = copy.deepcopy(document)
    broken["results"][0].update(change)

    assert any(named in line for line in module.check_feed(broken))


def test_nothing_is_written_when_the_feed_is_broken(monkeypatch, tmp_path, document):
    broken = copy.deepcopy(document)
    broken["results"][0]["estimate"] = -1
    monkeypatch.setattr(module, "feed", lambda evidence: broken)

    with pytest.raises(ValueError, match="breaks its schema"):
        module.write_site_outputs(tmp_path)
    assert list(tmp_path.iterdir()) == []
