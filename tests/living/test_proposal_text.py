"""A proposal in YAML is read as it is written, and what YAML would change is refused."""

from pathlib import Path

import pytest

from analysis.living.proposal import read_proposal

YAML_TEXT = (Path(__file__).with_name("samples") / "proposal.yml").read_text("utf-8")


@pytest.mark.parametrize(
    ("was", "written", "kept"),
    [
        ("n_patients: 60", "n_patients: 012", {"n_patients": "12"}),
        ("n_patients: 60", "n_patients: 1:30", {"n_patients": "1:30"}),
        ("n_patients: 60", "n_patients: 0x1F", {"n_patients": "0x1F"}),
        ("design: synthetic", "design: On", {"design": "On"}),
        ("design: synthetic", "design: Yes", {"design": "Yes"}),
        ("design: synthetic", "design: 2021-02-30", {"design": "2021-02-30"}),
        ("design: synthetic", "design: 1.50", {"design": "1.50"}),
        ("design: synthetic", "design: ~", {"design": ""}),
        ("design: synthetic", "design:", {"design": ""}),
        ("design: synthetic", "design: |\n    two\n    lines", {"design": "two lines"}),
        ("technique: SR", "technique: SR  # stent retriever", {"technique": "SR"}),
        ("design: synthetic", 'design: "see #3"', {"design": "see #3"}),
        ("design: synthetic", "design: arm#3", {"design": "arm#3"}),
    ],
    ids=[
        "leading zero", "sixties", "hexadecimal", "On", "Yes", "no such day", "decimal", "null",
        "blank", "block", "comment on a choice", "quoted hash", "hash in a word",
    ],
)  # fmt: skip
def test_a_value_stays_as_it_is_written(was, written, kept):
    assert was in YAML_TEXT
    proposal, faults = read_proposal(YAML_TEXT.replace(was, written, 1))

    assert faults == []
    assert {key: proposal.study[key] for key in kept} == kept


@pytest.mark.parametrize(
    ("was", "written", "line", "named"),
    [
        ("design: synthetic", "design: adults, see appendix #2 for all", 8, "is read as a comment"),
        ("  title: A synthetic series for the tests", "  title: A series # 4", 6, "is read as a comment"),
        ("design: synthetic", "design: synthetic\n  design: other", 9, "lines 8 and 9"),
        ("  design: synthetic", "  design: [synthetic]", 8, "is a list"),
        ("  design: synthetic", "  design: {a: b}", 8, "is a map"),
        ("  design: synthetic", "  design: Part one: all", 8, "not readable as YAML"),
        ("  design: synthetic", "  2: synthetic", 8, "unknown key"),
        ("read_twice: true", "read_twice: maybe", 24, "not yes or no"),
    ],
    ids=["cut note", "cut title", "key twice", "list", "map", "colon", "number as key", "not yes or no"],
)
def test_what_yaml_would_change_is_refused_with_its_line(was, written, line, named):
    assert was in YAML_TEXT
    _, faults = read_proposal(YAML_TEXT.replace(was, written, 1))

    assert [(fault.row, named in fault.problem) for fault in faults] == [(line, True)]
