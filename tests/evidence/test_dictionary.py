import csv

from analysis.evidence.dictionary import dictionary_markdown, dictionary_rows
from analysis.evidence.load import DATA
from analysis.evidence.tables import TABLES


def test_every_column_of_every_table_is_in_the_dictionary():
    documented = {(row["file"], row["column"]) for row in dictionary_rows()}
    for name in TABLES:
        with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as handle:
            assert {(f"{name}.csv", column) for column in next(csv.reader(handle))} <= documented


def test_the_readme_holds_the_dictionary_of_the_schemas():
    assert (DATA / "README.md").read_text(encoding="utf-8").endswith(dictionary_markdown())
