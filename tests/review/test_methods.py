"""The methods text says what the protocol says, and nothing of parts that it leaves out."""

from dataclasses import replace

import pytest

from analysis import review
from analysis.review.methods import methods_text


@pytest.mark.parametrize("part", ["overlap", "thresholds_note", "paper", "multiverse"])
def test_a_part_that_the_protocol_leaves_out_is_not_needed(part):
    evidence = review.load()
    text = {**evidence.protocol.text, part: {}}
    bare = replace(evidence, protocol=replace(evidence.protocol, text=text), data_hash=f"synthetic-{part}")

    shown, whole = (str(methods_text(item)) for item in (bare, evidence))
    assert "Counts are of patients" in shown
    assert ("order of precedence" in shown) == (part != "overlap")
    assert "order of precedence" in whole
