"""The feed: complete, true to its schema, and refused when it is not."""

import copy
import json
import os
import subprocess
import sys

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
            assert record["estimate"] == pytest.approx(cell.pooled.estimate, rel=1e-11)
            assert record["n"] == int(cell.counts.total.sum())
            assert record["studies"] == list(cell.counts.study_id)


def test_subgroup_levels_name_their_studies_and_never_share_rows(document):
    for record in document["results"]:
        if record["kind"] == "subgroup":
            assert len(record["studies"]) == record["k"] > 0
            assert record["confidence_level"] == 0.95


def test_every_estimated_headline_of_today_has_its_sensitivity(document):
    today = document["current_version"]
    wanted = {
        record["id"]: record
        for record in document["results"]
        if record["kind"] == "headline" and record["evidence_version"] == today and record["k"]
    }
    found = {record["result"]: record for record in document["sensitivity"]}
    planned = [item.key for item in review.load().protocol.sensitivity]

    assert set(found) == set(wanted)
    for key, record in found.items():
        assert record["primary"]["estimate"] == wanted[key]["estimate"]
        assert [choice["key"] for choice in record["choices"]] == planned
        shifts = {c["key"]: abs(c["shift"]) for c in record["choices"] if c["shift"] is not None}
        if record["strongest"]:
            assert shifts[record["strongest"]] == max(shifts.values())


def test_a_shift_is_the_difference_to_the_headline(document):
    for record in document["sensitivity"]:
        for choice in record["choices"]:
            if choice["estimate"] is not None:
                difference = choice["estimate"] - record["primary"]["estimate"]
                assert choice["shift"] == pytest.approx(difference, abs=1e-11)


def test_what_is_equal_differs_by_exactly_nothing(document):
    shifts = [choice["shift"] for record in document["sensitivity"] for choice in record["choices"]]
    differences = [*filter(None, shifts)]

    # The plan holds choices that change the interval alone.
    assert 0.0 in shifts
    assert all(abs(value) > 1e-9 for value in differences)
    assert all(record["q"] == 0 or record["q"] > 1e-9 for record in document["results"] if record["k"])


@pytest.mark.slow
def test_the_feed_says_the_same_in_every_run():
    code = (
        "import json; from analysis import review; from analysis.report.feed import feed; "
        "print(json.dumps(feed(review.load())))"
    )
    # Another seed of the hashes is another order of every set.
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }

    assert len(said) == 1


def test_the_effects_of_the_trials_stand_in_the_feed_apart_from_the_rates(document):
    effects = document["trial_effects"]
    ids = [record["id"] for record in (*document["results"], *effects, *document["sensitivity"])]

    assert len(ids) == len(set(ids))
    assert {record["kind"] for record in document["results"]} == {"headline", "subgroup"}
    # Every outcome of the trials, and the shift over the whole scale.
    assert {"mrs01", "mrs02", "mortality90", "sich", "mrs_shift"} <= {r["outcome"] for r in effects}
    assert {r["measure"] for r in effects} == {"OR", "RR", "RD", "common OR"}
    for record in effects:
        assert record["ci_low"] <= record["estimate"] <= record["ci_high"]


def test_numbers_of_the_feed_carry_the_stated_digits(document):
    from analysis.results import DIGITS

    def floats(value):
        if isinstance(value, dict | list):
            for item in value.values() if isinstance(value, dict) else value:
                yield from floats(item)
        elif isinstance(value, float):
            yield value

    assert all(value == float(f"{value:.{DIGITS}g}") for value in floats(document))
    assert f"{DIGITS} significant digits" in document["note"]


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("sensitivity", {"strongest": 3}),
        ("sensitivity", {"choices": []}),
        ("trial_effects", {"measure": "HR"}),
        ("trial_effects", {"measure": "RR", "estimate": -0.5}),
        ("ledger", {"hash": "abc"}),
    ],
    ids=["choice without a name", "no choices", "unknown measure", "negative ratio", "short hash"],
)
def test_a_broken_part_beside_the_rates_is_named(document, part, change):
    broken = copy.deepcopy(document)
    place = broken[part] if isinstance(broken[part], dict) else broken[part][0]
    place.update(change)

    assert any(line.startswith(part) for line in module.check_feed(broken))


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
