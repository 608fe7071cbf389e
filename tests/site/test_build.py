"""A build that ends early leaves the old site; only a whole one passes for whole. All is synthetic."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analysis.site.build import build

ROOT = Path(__file__).resolve().parents[2]
PAGES = 30
#: Writes one page after another, each with the state of the data.
BUILDER = """
import sys, time
from pathlib import Path
data, made = Path("data/counts.csv").read_text(), Path("_build/next/_build/html")
made.mkdir(parents=True)
if data == "broken":
    (made / "reports").mkdir()
    (made / "reports" / "chapter.err.log").write_text("trace")
    sys.exit("a chapter failed")
for number in range({pages}):
    (made / f"page{{number}}.html").write_text(data * 100)
    time.sleep({pause})
(made / "index.html").write_text(data)
"""
DRIVER = (
    "import sys; from pathlib import Path; from analysis.site.build import build; sys.exit(build(Path(), "
)


@pytest.fixture
def review(tmp_path):
    for name, text in {"data/counts.csv": "old", "analysis/code.py": "", "_toc.yml": ""}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


def _command(pause=0.0):
    return [sys.executable, "-c", BUILDER.format(pages=PAGES, pause=pause)]


def _start(review, pause=0.01):
    """Start a build in a process group of its own, as a shell starts `make`."""
    return subprocess.Popen(
        [sys.executable, "-c", f"{DRIVER}{_command(pause)!r}))"],
        cwd=review,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _site(review):
    folder = review / "_build" / "html"
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


def _set(review, text):
    (review / "data" / "counts.csv").write_text(text, "utf-8")


def _until(condition):
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it never came to that")


def _writing(review):
    return (review / "_build" / "next" / "_build" / "html" / "page3.html").is_file()


def test_an_unchanged_site_is_not_built_again(review, capsys):
    assert build(review, _command()) == 0
    assert build(review, [sys.executable, "-c", "raise SystemExit(9)"]) == 0
    assert "Nothing changed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda site: (site / "page7.html").unlink(), id="a-page-lost"),
        pytest.param(lambda site: (site / "page7.html").write_text(""), id="a-page-emptied"),
        pytest.param(lambda site: (site / "page7.html").write_text("odl" * 100), id="as-long-but-other"),
        pytest.param(lambda site: (site / "stale.html").write_text("x"), id="a-page-too-many"),
        pytest.param(lambda site: (site.parent / "html.json").write_text('{"a'), id="the-mark-cut"),
        pytest.param(lambda site: (site.parent / "html.json").unlink(), id="the-mark-lost"),
    ],
)
def test_what_was_lost_is_made_again(review, harm):
    build(review, _command())
    whole = _site(review)
    harm(review / "_build" / "html")

    assert build(review, _command()) == 0
    assert _site(review) == whole


@pytest.mark.parametrize(
    "name", ["data/counts.csv", "analysis/code.py", "_toc.yml", "book/page.md", "CITATION.cff"]
)
def test_a_changed_input_builds_again(review, name):
    build(review, _command())
    path = review / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("other", "utf-8")

    assert build(review, [sys.executable, "-c", "raise SystemExit(9)"]) == 9


def test_a_setting_of_the_shell_builds_again(review, monkeypatch):
    build(review, _command())
    monkeypatch.setenv("REVIEW_BASE_URL", "https://example.org")

    assert build(review, [sys.executable, "-c", "raise SystemExit(9)"]) == 9


def test_a_failed_build_leaves_the_old_site_and_its_reports(review, capfd):
    build(review, _command())
    before = _site(review)
    _set(review, "broken")

    assert build(review, _command()) == 1
    assert _site(review) == before
    assert (review / "_build" / "reports" / "chapter.err.log").read_text() == "trace"
    said = capfd.readouterr().err
    assert "_build/reports" in said and "as it was" in said and "Traceback" not in said
    _set(review, "new")
    assert build(review, _command()) == 0
    assert not (review / "_build" / "reports").exists()


def test_data_that_change_under_a_build_are_no_whole_site(review, capfd):
    change = "from pathlib import Path; Path('data/counts.csv').write_text('newer')"

    assert build(review, [sys.executable, "-c", f"{BUILDER.format(pages=1, pause=0)}\n{change}"]) == 1
    assert _site(review) == {}
    assert "changed while" in capfd.readouterr().err


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_build_leaves_the_old_site_and_the_next_one_is_whole(review, seed):
    build(review, _command())
    before = _site(review)
    _set(review, "new")
    running = _start(review)
    _until(lambda: (review / "_build" / "next").exists())
    time.sleep(random.Random(seed).uniform(0, 0.4))
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    left = _site(review)

    assert left == before or set(left.values()) == {"new", "new" * 100}
    assert build(review, _command()) == 0
    assert len(_site(review)) == PAGES + 1
    assert set(_site(review).values()) == {"new", "new" * 100}
    assert sorted(path.name for path in (review / "_build").iterdir()) == [".lock", "html", "html.json"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to_all", [True, False])
def test_an_interrupted_build_says_one_sentence(review, number, to_all):
    build(review, _command())
    before = _site(review)
    _set(review, "new")
    running = _start(review, pause=1)
    _until(lambda: (review / "_build" / "next").exists())
    (os.killpg if to_all else os.kill)(running.pid, number)
    _, said = running.communicate()

    assert running.returncode == 128 + number
    assert "The site is as it was before." in said
    assert _site(review) == before
    assert not (review / "_build" / "next").exists()


def test_a_second_build_says_who_builds(review):
    first = _start(review, pause=0.05)
    _until(lambda: _writing(review))
    second = _start(review)
    _, said = second.communicate()

    assert second.returncode != 0
    assert said.startswith("Another build is at work in this folder (process ")
    assert first.wait() == 0
    first.stderr.close()
    assert len(_site(review)) == PAGES + 1


def test_a_swap_that_was_broken_off_is_put_back(review):
    build(review, _command())
    before = _site(review)
    (review / "_build" / "html").rename(review / "_build" / "old")

    assert build(review, [sys.executable, "-c", "raise SystemExit(9)"]) == 0
    assert _site(review) == before


def test_the_mark_names_every_file(review):
    build(review, _command())

    mark = json.loads((review / "_build" / "html.json").read_text())
    assert set(mark["files"]) == set(_site(review))
