"""The whole update in a copy of the repository, with the book built again and released.

Opt-in, as a build costs minutes: ``REVIEW_REBUILD=FOLDER pytest tests/living/test_update_rebuild.py``.
The copy is made in FOLDER and stays there, so that its pages can be looked at; the minutes of each command
are written beside it. A copy that was released is not made again, only looked at.
"""

import json
import os
import re
import subprocess
import sys
import time
from html import unescape
from pathlib import Path

import pytest

from analysis.evidence.load import DATA
from analysis.living.ledger import load_ledger
from tests.living.update import COMMANDS, PROPOSAL, STUDY, VERSION, assessed, decide, screened, write_exports

ROOT = DATA.parent
FOLDER = os.environ.get("REVIEW_REBUILD", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="a whole build; set REVIEW_REBUILD=FOLDER to run it")

#: Texts of every page that tells of the update, and what it must say.
PAGES = {
    "the first page": (
        "book/index.html",
        (VERSION, "Databases were last searched on 20 February 2027", "1 study became known after"),
    ),
    "what is new": ("book/whats_new.html", (VERSION, "1 study became known: 1 included")),
    "the flow": (
        "book/search.html",
        (
            f"behind version {VERSION} and no other",
            "Records identified (databases and registers) n = 7",
            "duplicates removed before screening (n = 3)",
            "Records screened (databases and registers) n = 4 records excluded (n = 3)",
        ),
    ),
    "the feed of news": ("atom.xml", (f"Version {VERSION}", "1 study became known")),
    "the page of the study": (f"studies/{STUDY}.html", ("synthetic series for the tests", "table 2, row 2")),
    "the references": ("book/references.html", ("synthetic series for the tests", "Journal of Examples")),
}


def _text(path):
    plain = re.sub(r"<(script|style)\b.*?</\1>", " ", path.read_text("utf-8"), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", plain)))


@pytest.fixture(scope="module")
def copy():
    """Run the commands of the update in a fresh clone and build; return the clone."""
    top = Path(FOLDER).resolve()
    clone = top / "clone"
    if (clone / "dist").is_dir():
        return clone
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    (clone / ".venv").symlink_to(ROOT / ".venv")
    for name in ("requirements.txt", "pyproject.toml"):
        os.utime(clone / name, (0, 0))
    who = ["-c", "user.name=synthetic", "-c", "user.email=s@example.org", "-c", "commit.gpgsign=false"]
    words = {"EXPORTS": str(write_exports(top / "exports")), "PROPOSAL": str(PROPOSAL)}
    environment = os.environ | {"PYTHONPATH": str(clone)}
    minutes = {}
    for command in COMMANDS:
        typed = [words.get(word, word) for word in command.split()]
        # The tests of the copy are not run again here; the release needs no paper.
        typed = ["make", "book"] if typed == ["make", "test"] else typed
        typed += ["RELEASE_ARGS=--no-pdf"] if "release" in typed else []
        if typed[0] == "python":
            typed[0] = sys.executable
        if typed[0] == "git":
            typed = ["git", *who, *typed[1:]]
        start = time.perf_counter()
        done = subprocess.run(typed, cwd=clone, env=environment, capture_output=True, text=True, check=False)
        minutes[command] = round((time.perf_counter() - start) / 60, 2)
        assert done.returncode == 0, (command, done.stdout[-3000:], done.stderr[-3000:])
        if " import " in command:
            decide(clone / "data", screened)
        if " propose " in command:
            decide(clone / "data", assessed)
    (top / "minutes.json").write_text(json.dumps(minutes, indent=1) + "\n", "utf-8")
    return clone


@pytest.fixture(scope="module")
def site(copy):
    return copy / "_build" / "html"


@pytest.mark.parametrize("page", PAGES)
def test_every_page_tells_of_the_update(site, page):
    path, wanted = PAGES[page]
    text = _text(site / path)

    assert [words for words in wanted if words not in text] == []


def test_the_pages_show_the_numbers_of_the_feed(site):
    document = json.loads((site / "results.json").read_text("utf-8"))
    (record,) = [each for each in document["results"] if each["id"] == f"primary-mrs02-{VERSION}"]
    shown = f"{100 * record['estimate']:.0f}%"

    assert document["current_version"] == VERSION
    assert STUDY in record["studies"]
    for page in ("book/index.html", "book/whats_new.html", "book/pooling_primary.html"):
        assert shown in _text(site / page), page
    # Seven records beside those before: three of them twice; four screened, three excluded.
    assert document["ledger"]["records"] == len(load_ledger(DATA).records) + 7


def test_the_release_holds_the_new_version(copy):
    (folder,) = (copy / "dist").iterdir()
    provenance = json.loads((folder / "provenance.json").read_text("utf-8"))

    assert folder.name.endswith(VERSION)
    assert provenance["evidence_versions"][-1]["id"] == VERSION
