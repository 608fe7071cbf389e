"""Build the book aside and put it in place when it is whole: ``python -m analysis.site.build``.

The site in ``_build/html`` is either the last whole build or the new one, never a mixture. What a site
was made from and what it consists of stand in a mark beside it, and a site is called unchanged only when
its mark fits the inputs and every file on the disk. One build works at a time.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from analysis.site.inputs import digest, files_below

__all__ = ["build", "is_whole", "main"]

#: What a page can come from besides the inputs of its numbers, and settings that change a page.
_PAGES = ("book/**/*", "_config.yml", "_toc.yml", ".github/ISSUE_TEMPLATE/*")
_VARIABLES = ("REVIEW_BASE_URL", "SOURCE_DATE_EPOCH")

_BUSY = 75
_STOPPED = 128


class _Stopped(Exception):
    """A signal asked for the end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> int:
    """Build the book of a folder and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m analysis.site.build", description=main.__doc__)
    parser.add_argument("root", type=Path, nargs="?", default=Path())
    root = parser.parse_args().root.resolve()
    # A build aside has no pages from before, so every page is read and every warning is seen.
    aside = root / "_build" / "next"
    program = [str(Path(sys.executable).with_name("jupyter-book")), "build", "-q", "-W", "--keep-going"]
    return build(root, [*program, "--path-output", str(aside), str(root)])


def build(root: Path, command: Sequence[str]) -> int:
    """Build with a command that writes the site to ``_build/next/_build/html``; return the exit code.

    Parameters
    ----------
    root
        Folder of the review.
    command
        Program and arguments of the builder.
    """
    folder = root / "_build"
    site = folder / "html"
    before = {each: signal.signal(each, _stop) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        folder.mkdir(exist_ok=True)
        with _lock(folder) as held:
            if held is None:
                return _BUSY
            try:
                return _build_locked(root, folder, command, held)
            finally:
                _tidy(folder)
    except _Stopped as stop:
        name = "interrupted" if stop.number == signal.SIGINT else f"ended by signal {stop.number}"
        _say(f"The build was {name}. {_what_stands(site)}")
        return _STOPPED + stop.number
    except OSError as error:
        _say(f"The book was not built: {error}. {_what_stands(site)}")
        return 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _build_locked(root: Path, folder: Path, command: Sequence[str], held: IO[str]) -> int:
    site, mark = folder / "html", folder / "html.json"
    _tidy(folder)
    inputs = _inputs(root)
    if is_whole(site, mark, inputs):
        sys.stdout.write("Nothing changed, and every file of the site is as it was built.\n")
        return 0
    reports = folder / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    made = folder / "next" / "_build" / "html"
    code = _run(command, root, held)
    if code == 0 and not (made / "index.html").is_file():
        _say("The builder wrote no first page.")
        code = 1
    if code:
        if (made / "reports").is_dir():
            (made / "reports").rename(reports)
            _say(f"Traces of failed notebooks: {reports.relative_to(root)}")
        _say(f"The book was not built; the messages above say why. {_what_stands(site)}")
        return code if code > 0 else _STOPPED - code
    if _inputs(root) != inputs:
        _say("Data or code changed while the book was built, so its pages may not agree; build it again.")
        return 1
    files = _contents(made)
    if site.exists():
        site.rename(folder / "old")
    made.rename(site)
    part = mark.with_suffix(".part")
    part.write_text(json.dumps({"inputs": inputs, "files": files}, indent=0) + "\n", "utf-8")
    part.replace(mark)
    return 0


def is_whole(site: Path, mark: Path, inputs: str) -> bool:
    """Tell whether a site was made from these inputs and has all its files, with their contents."""
    try:
        stored = json.loads(mark.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(stored == {"inputs": inputs, "files": _contents(site)})


def _inputs(root: Path) -> str:
    settings = json.dumps({name: os.environ.get(name, "") for name in _VARIABLES})
    return hashlib.sha256((settings + digest(root) + digest(root, _PAGES)).encode()).hexdigest()


def _contents(site: Path) -> dict[str, str]:
    return {
        path.relative_to(site).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files_below(site)
    }


def _run(command: Sequence[str], root: Path, held: IO[str]) -> int:
    # The builder holds the lock too: were this process alone killed, no other build could start beside it.
    # The code of this folder builds it, whichever folder the environment was made for.
    paths = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
    child = subprocess.Popen(
        command, cwd=root, pass_fds=[held.fileno()], env=os.environ | {"PYTHONPATH": paths}
    )
    try:
        _sign(held, child.pid)
        return child.wait()
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()


@contextmanager
def _lock(folder: Path) -> Iterator[IO[str] | None]:
    """Hold the lock of a folder, or say who does; it ends with the processes that hold it."""
    with (folder / ".lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            _say(f"Another build is at work in this folder ({file.read().strip() or 'just started'}).")
            yield None
            return
        _sign(file, os.getpid())
        yield file


def _sign(file: IO[str], process: int) -> None:
    file.truncate(0)
    file.write(f"process {process}, since {time.strftime('%H:%M:%S')}\n")
    file.flush()


def _tidy(folder: Path) -> None:
    """Put the old site back when a build ended between taking it away and setting the new one; clear up."""
    old, site = folder / "old", folder / "html"
    if old.exists() and not site.exists():
        old.rename(site)
    for left in (old, folder / "next"):
        shutil.rmtree(left, ignore_errors=True)


def _what_stands(site: Path) -> str:
    return "The site is as it was before." if site.exists() else "There is no site yet."


def _stop(number: int, frame: object) -> None:
    # A second signal shall not break off the tidying that the first began.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise _Stopped(number)


def _say(sentence: str) -> None:
    with suppress(OSError):
        sys.stderr.write(f"{sentence}\n")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
