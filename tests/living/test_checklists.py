"""Checklists: complete, answered, tested where a test can decide, and linked to places that exist."""

import csv
import dataclasses
import html
import shutil

import pytest

from analysis.evidence.faults import EvidenceFaults
from analysis.evidence.load import DATA
from analysis.living import checklist_checks
from analysis.living.checklist_checks import CHECKS
from analysis.living.checklists import CHECKLISTS, Item, load_checklist
from analysis.living.search.strategies import load_strategies
from analysis.review.checklist import checklist_summary, checklist_table
from analysis.review.strategies_shown import strategies_section
from tests.book.pages import SITE, Page

BOOK = DATA.parent / "book"

#: Numbers of the items, as the checklists are published.
NUMBERS = {
    "prisma_2020": [
        *map(str, range(1, 10)), "10a", "10b", "11", "12", *(f"13{x}" for x in "abcdef"), "14", "15",
        "16a", "16b", "17", "18", "19", *(f"20{x}" for x in "abcd"), "21", "22",
        *(f"23{x}" for x in "abcd"), "24a", "24b", "24c", "25", "26", "27",
    ],
    "prisma_s": [*map(str, range(1, 17))],
    "moose": [*map(str, range(1, 36))],
}  # fmt: skip


@pytest.mark.parametrize("key", NUMBERS)
def test_no_item_is_missing(key):
    assert [item.item for item in load_checklist(key).items] == NUMBERS[key]


def test_the_extension_for_living_reviews_has_its_new_items():
    items = [item.item for item in load_checklist("prisma_lsr").items]

    assert sum(item.startswith("L1") for item in items) == 3
    assert sum(item.startswith("new") for item in items) == 3


@pytest.mark.parametrize("key", CHECKLISTS)
def test_no_item_is_without_an_answer(key):
    for item in load_checklist(key).items:
        assert item.answer.strip(), item.item
        assert item.where.strip(), item.item
        if item.kind == "human":
            assert item.signed_by.strip(), item.item


@pytest.mark.parametrize("key", CHECKLISTS)
def test_what_a_test_can_decide_holds(real, key):
    found = load_checklist(key, real)

    assert found.states["missing"] == 0
    for item in found.items:
        if item.kind == "machine":
            assert item.tested in ("done", "not_done"), item.item
            assert item.fact, item.item


#: Items that ask for what has never been done; the answers say so.
NEVER_DONE = {
    "prisma_2020": {"6", "7", "16a", "18", "24a"},
    "prisma_s": {"1", "3", "5", "6", "8", "13", "14", "15"},
    "moose": {"8", "10", "12", "16", "21"},
}


@pytest.mark.parametrize("key", NEVER_DONE)
def test_what_was_never_done_is_reported_as_not_done(real, key):
    found = {item.item: item for item in load_checklist(key, real).items}
    shown = {row[0].text: row[5].text for row in checklist_table(real, key).cells}

    for name in NEVER_DONE[key]:
        assert found[name].state == "not_done", name
        assert shown[name].startswith("reported as not done"), name


@pytest.mark.parametrize(
    ("tested", "done", "state"),
    [
        pytest.param("done", "", "done", id="test-says-done"),
        pytest.param("done", "no", "not_done", id="answer-says-not-done"),
        pytest.param("not_done", "", "not_done", id="test-says-not-done"),
        pytest.param("not_done", "yes", "not_done", id="never-better-than-the-test"),
        pytest.param("missing", "yes", "missing", id="test-says-missing"),
        pytest.param("", "yes", "done", id="no-test-done"),
        pytest.param("", "no", "not_done", id="no-test-not-done"),
    ],
)
def test_a_verdict_is_never_better_than_test_and_answer(tested, done, state):
    item = Item("1", "Made", "Made", "presence", "index.html", "", "Made.", "", done, tested)

    assert item.state == state


@pytest.fixture
def other_data(tmp_path, monkeypatch):
    """A copy of the data that the tests of items read."""
    shutil.copytree(DATA, tmp_path / "data")
    monkeypatch.setattr(checklist_checks, "DATA", tmp_path / "data")
    return tmp_path / "data"


def test_strategies_that_were_run_are_done_and_a_lost_one_is_missing(real, other_data):
    check = CHECKS["strategies"].__wrapped__
    assert check(real)[0] == "not_done"
    for path in (other_data / "searches").glob("*.yml"):
        path.write_text(path.read_text("utf-8").replace("last_run: never", "last_run: 2026-12-01"), "utf-8")
    assert check(real) == ("done", "7 strategies, 7 of them run")
    (other_data / "searches" / "pubmed.yml").unlink()
    assert check(real)[0] == "missing"
    assert "pubmed" in check(real)[1]


def test_most_questions_open_is_no_appraisal(real):
    check = CHECKS["appraisal"].__wrapped__
    rows = tuple(dataclasses.replace(row, judgement="yes") for row in real.judgements)

    assert check(real)[0] == "not_done"
    assert check(dataclasses.replace(real, judgements=rows))[0] == "done"
    assert check(dataclasses.replace(real, judgements=()))[0] == "missing"


def test_strategies_are_printed_in_full():
    shown = strategies_section()._repr_html_()
    found = load_strategies().strategies

    assert "Seven strategies stand ready for the updates; none has been run." in shown
    for item in found:
        assert f"{item.source}, in full (not run)" in shown
        assert html.escape(item.query) in shown


def test_a_strategy_is_printed_as_text(tmp_path):
    # Synthetic: a query that would be markup.
    text = (
        (DATA / "searches" / "pubmed.yml")
        .read_text("utf-8")
        .replace("query: |\n", "query: |\n  <b>one</b> AND\n")
    )
    (tmp_path / "pubmed.yml").write_text(text.replace("last_run: never", "last_run: 2026-12-01"), "utf-8")
    shown = strategies_section(tmp_path)._repr_html_()

    assert "<b>" not in shown
    assert "1 of them has been run" in shown
    assert "last run on 2026-12-01" in shown


@pytest.mark.parametrize("key", CHECKLISTS)
def test_every_place_is_a_page_of_the_book(key):
    for item in load_checklist(key).items:
        stem = item.where.partition("#")[0].removesuffix(".html")
        assert any((BOOK / f"{stem}{end}").is_file() for end in (".ipynb", ".md")), item.where


@pytest.mark.site
@pytest.mark.parametrize("key", CHECKLISTS)
def test_every_anchor_stands_in_the_built_site(key):
    if not (SITE / "book" / "checklists.html").is_file():
        pytest.skip("the site is not built: run 'make book'")
    ids = {}
    for item in load_checklist(key).items:
        page, _, anchor = item.where.partition("#")
        path = SITE / "book" / page
        assert path.is_file(), item.where
        if anchor:
            ids.setdefault(page, set(Page(path).ids))
            assert anchor in ids[page], item.where


def test_every_test_is_used_by_an_item():
    used = {item.check for key in CHECKLISTS for item in load_checklist(key).items}

    assert set(CHECKS) <= used


def test_nobody_is_said_to_have_signed():
    for key in CHECKLISTS:
        assert {item.signed_by for item in load_checklist(key).items} <= {"", "nobody yet"}


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"answer": ""}, "cell is blank"),
        ({"check": "nosuch"}, "names no test"),
        ({"check": ""}, "names no test"),
        ({"kind": "somehow"}, "not in the vocabulary"),
        ({"where": "somewhere"}, "not in the right form"),
        ({"done": "perhaps"}, "not in the vocabulary"),
        ({"kind": "presence", "check": "", "done": ""}, "no test tells whether it was done"),
    ],
    ids=["no answer", "unknown test", "no test", "kind", "place", "done", "neither test nor answer"],
)
def test_a_planted_fault_is_found(tmp_path, cells, problem):
    folder = tmp_path / "checklists"
    shutil.copytree(DATA / "checklists", folder)
    path = folder / "prisma_2020.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0] |= cells
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)

    with pytest.raises(EvidenceFaults, match=problem):
        load_checklist("prisma_2020", directory=folder)


def test_the_page_counts_what_it_lists(real):
    line, table = checklist_summary(real).parts
    rows = {row[0].text: [cell.raw for cell in row[1:]] for row in table.cells}
    verdicts = [row[5].text for key in CHECKLISTS for row in checklist_table(real, key).cells]
    done, not_done, missing = (
        sum(text.startswith(words) for text in verdicts)
        for words in ("reported and done", "reported as not done", "missing")
    )

    assert (
        f"Of {len(verdicts)} items, {done} are reported and done, {not_done} are reported as not done"
        in line.text
    )
    assert f"and {missing} are missing" in line.text
    assert "Tests that fail" not in [column.head for column in table.columns]

    assert rows["PRISMA 2020"][0] == 42
    for key, (name, _) in CHECKLISTS.items():
        assert rows[name][0] == sum(rows[name][1:4]) == sum(rows[name][4:7])
        assert rows[name][0] == len(checklist_table(real, key).cells)
