"""Checklists: complete, answered, tested where a test can decide, and linked to places that exist."""

import csv
import shutil

import pytest

from analysis.evidence.faults import EvidenceFaults
from analysis.evidence.load import DATA
from analysis.living.checklist_checks import CHECKS
from analysis.living.checklists import CHECKLISTS, load_checklist
from analysis.review.checklist import checklist_summary, checklist_table
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

    assert found.failed == ()
    for item in found.items:
        if item.kind == "machine":
            assert item.passed is True, item.item
            assert item.fact, item.item


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
    ],
    ids=["no answer", "unknown test", "no test", "kind", "place"],
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
    table = checklist_summary(real)
    rows = {row[0].text: [cell.raw for cell in row[1:]] for row in table.cells}

    assert rows["PRISMA 2020"][0] == 42
    for key, (name, _) in CHECKLISTS.items():
        assert rows[name][0] == sum(rows[name][1:4]) == len(checklist_table(real, key).cells)
        assert rows[name][4] == 0
