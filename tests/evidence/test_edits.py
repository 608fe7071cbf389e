"""Edits of single cells, rows and files: harmless, accepted, or refused by name; never an exception."""

from __future__ import annotations

import re

import pytest

from tests.evidence.edits import DATA, Edit, Trial, edits, files


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    return Trial(tmp_path_factory.mktemp("edits"))


def test_every_kind_of_file_can_be_hit():
    names = {str(path.relative_to(DATA)) for path in files(DATA)}
    assert {"outcomes.csv", "records.csv", "protocol.yml", "glossary.yml", "short_names.yml"} <= names
    assert {"checklists/moose.csv", "searches/pubmed.yml"} <= names


def test_no_random_edit_ends_in_an_exception(trial):
    for edit in edits(trial.folder, 30, seed=5):
        outcome, text = trial.outcome(edit)
        assert outcome != "internal error", f"{edit.file}: {edit.what}\n{text}"


def _cell(trial, file, row, column, value):
    lines = (trial.folder / file).read_text("utf-8").split("\n")
    heads = lines[0].split(",")
    cells = re.split(r",(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", lines[row - 1])
    cells[heads.index(column)] = value
    lines[row - 1] = ",".join(cells)
    return Edit(file, f"{column}: {value}", "\n".join(lines).encode())


@pytest.mark.parametrize(
    ("file", "row", "column", "value"),
    [
        ("rct_mrs_distribution.csv", 2, "mrs6", ""),
        ("rct_mrs_distribution.csv", 2, "n", "27l"),
        ("rct_mrs_distribution.csv", 3, "mrs1", "58*"),
        ("double_extraction.csv", 2, "extractor", ""),
        ("versions.csv", 3, "cut_off", "22.11.2026"),
        ("versions.csv", 2, "id", "v23.0.0"),
        ("versions.csv", 2, "searched_on", "2021-02-30"),
        ("versions.csv", 2, "searched_on", "9999-12-31"),
        ("studies.csv", 2, "year", "1e3"),
        ("studies.csv", 2, "n_patients", "1_262"),
        ("studies.csv", 2, "n_patients", "999999999999"),
        ("studies.csv", 2, "n_patients", "9" * 5000),
        ("studies.csv", 2, "first_author", "x\u202ey"),
        ("studies.csv", 2, "title", "x\x00y"),
        ("studies.csv", 2, "journal", "x\u200by"),
        ("outcomes.csv", 2, "arm_id", "ALL"),
        ("outcomes.csv", 2, "total", "00"),
        ("rct_effects.csv", 2, "ci_high", "inf"),
        ("rct_meta_published.csv", 2, "estimate", "abc"),
        ("records.csv", 2, "position", "9" * 5000),
        ("checklists/moose.csv", 2, "kind", "machines"),
    ],
)
def test_a_bad_cell_is_the_only_fault_and_has_its_place(trial, file, row, column, value):
    outcome, text = trial.outcome(_cell(trial, file, row, column, value))
    assert outcome == "refused, with row and column"
    lines = text.split("\n")[1:]
    assert [line.split(": ")[0] for line in lines] == [f"{file.split('/')[-1]}:{row}:{column}"]
    assert "None" not in text


def test_a_mistyped_arm_is_named_with_the_one_that_is_meant(trial):
    data = (trial.folder / "outcomes.csv").read_text("utf-8")
    row = next(i for i, line in enumerate(data.split("\n"), 1) if line.startswith("psychogios2025,evt,"))
    outcome, text = trial.outcome(_cell(trial, "outcomes.csv", row, "arm_id", "evtt"))
    assert outcome == "refused, with row and column"
    assert f"outcomes.csv:{row}:extractors" in text
    assert "(near: evt)" in text


@pytest.mark.parametrize("file", ["studies.csv", "versions.csv", "outcomes.csv", "double_extraction.csv"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data.replace(b",", b";"), "separated by semicolons"),
        (lambda data: data.replace(b",", b"\t"), "separated by tabs"),
        (lambda data: data.decode().encode("utf-16"), "UTF-16"),
        (lambda data: data.decode().encode("utf-16-le"), "UTF-16"),
        (lambda _: b"", "file is empty"),
        (lambda _: b"PK\x03\x04 synthetic", "workbook"),
        (lambda data: data.split(b"\n", 1)[1], "not the header"),
        (lambda data: data.replace(b"\n", b"\n" + b"x" * 140_000, 1), "cell above 131072 characters"),
    ],
)
def test_a_lost_table_is_one_fault_in_one_sentence(trial, file, change, words):
    outcome, text = trial.outcome(Edit(file, words, change((trial.folder / file).read_bytes())))
    assert outcome.startswith("refused")
    assert text.startswith("1 fault in the data")
    assert words in text


def test_many_faults_of_one_file_are_cut_and_counted(trial):
    data = (trial.folder / "appraisal.csv").read_bytes().replace(b",yes,", b",si,")
    _, text = trial.outcome(Edit("appraisal.csv", "another language", data))
    lines = text.split("\n")
    assert len(lines) == 52
    assert re.fullmatch(r"appraisal\.csv: \d+ more faults", lines[-1])


def test_faults_of_files_come_before_those_of_rows(trial):
    path = trial.folder / "appraisal.csv"
    was = path.read_bytes()
    path.write_bytes(was.replace(b",yes,", b",si,", 1))
    try:
        data = (trial.folder / "rival_reviews.csv").read_bytes().replace(b",", b";")
        _, text = trial.outcome(Edit("rival_reviews.csv", "semicolons", data))
    finally:
        path.write_bytes(was)
    assert text.split("\n")[1].startswith("rival_reviews.csv:1")
