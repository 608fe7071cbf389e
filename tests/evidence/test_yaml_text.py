"""Reading YAML: each trap of the format is a fault with its line (all texts are synthetic)."""

from __future__ import annotations

import pytest

from analysis.evidence.yaml_text import load_yaml

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: 2021-02-30", 2, "no such day"),
        ("a: 1\nb: 2021-01-02T25:00:00Z", 2, "no such day"),
        ("2: y", 1, "key is not text"),
        ("a:\n  null: 1", 2, "key is not text"),
        ("2021-01-02: y", 1, "key is not text"),
        ("yes: y", 1, "key is not text"),
        ("? [a]\n: 1", 1, "a key is a list or a map"),
        ("a: " + "9" * 5000, 1, "not a plain whole number"),
        ("a: 012", 1, "not a plain whole number"),
        ("a: 1_000", 1, "not a plain whole number"),
        ("a: 1:30", 1, "not a plain whole number"),
        ("a: .inf", 1, "not a plain finite number"),
        ("a: .nan", 1, "not a plain finite number"),
        ("a: 1\nb: 2\na: 3", 3, "key stands twice, in lines 1 and 3"),
        ("[" * 3000, 1, "deep in each other"),
        ("- " * 3000 + "x", 1, "deep in each other"),
        ("a: &y [*y]", 1, "inside its own anchor"),
        (BOMB, 1, "aliases unfold"),
        ("a: !!binary aGk=", 1, "is not read"),
        ("!!python/object:os.x {}", 1, "is not read"),
        ("a: 1\n---\nb: 2", 2, "not readable as YAML"),
        ("a: 'x", 1, "not readable as YAML"),
        ("a: *nope", 1, "not readable as YAML"),
        ("a: 1\nb: x\x00y", 2, "shows nothing (U+0000)"),
        ("a: 1\nb: x\u202ey", 2, "shows nothing (U+202E"),
        ('a: 1\nb: "x\\0y"', 2, "shows nothing (U+0000)"),
    ],
)
def test_a_trap_of_the_format_is_a_fault_with_its_line(text, line, problem):
    faults = load_yaml(text, "x.yml").faults
    assert [fault.row for fault in faults] == [line]
    assert problem in faults[0].problem


def test_anchors_and_merge_keys_are_read():
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\n"
    read = load_yaml(text, "x.yml")
    assert read.content == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 1, "y": 2}}
    assert not read.faults


def test_values_stay_as_they_are_written():
    text = "a: 012\nb: On\nc: 2021-02-30\nd:\ne: [1_000, ~]\nf: 1e3\n3: x"
    read = load_yaml(text, "x.yml", scalars="text")
    assert not read.faults
    assert read.content == {
        "a": "012", "b": "On", "c": "2021-02-30", "d": "", "e": ["1_000", "~"], "f": "1e3", "3": "x",
    }  # fmt: skip


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_comment_after_an_unquoted_value_is_told(end):
    lines = ["a: text, see #3", "b: 'quoted #1' # kept", "c: |", "  all #2", "# own line", "d: x"]
    read = load_yaml(end.join(lines), "x.yml", scalars="text")
    assert read.comments == ((1, "3"),)
    assert read.content["a"] == "text, see"


def test_a_line_is_found_for_every_path():
    read = load_yaml("a:\n  - b: 1\n    c: [x,\n        y]\n", "x.yml")
    assert [read.line(path) for path in ("a", "a[0].b", "a[0].c[1]", "a[0].d", "a[7].e", "z")] == [
        1, 2, 4, 2, 1, 1,
    ]  # fmt: skip
