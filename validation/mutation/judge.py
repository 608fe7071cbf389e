"""Judges mutants: each in a forked process that imports the changed module and runs the tests of its line.

No file is changed: an import hook serves the changed source. The parent loads numpy, scipy, pandas and
pytest once and never the package itself, so each child starts in milliseconds.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import json
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

__all__ = ["Tests", "Verdict", "baseline", "judge", "preload"]

PACKAGE = "analysis.synthesis"
SUITES = ("tests/synthesis", "tests/validation")
#: Seconds of processor time for the start of a child, and times the usual duration of its tests, before it
#: counts as hung; the clock on the wall ends only what sleeps.
START, PATIENCE, ASLEEP = 10.0, 5.0, 20.0
MEMORY = 6 * 1024**3
#: Hypothesis is loaded before pytest could rewrite its assertions, of which pytest warns.
_ALWAYS = ("-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
_QUICK = ("-x", "--no-header", "--tb=no")


class Verdict(NamedTuple):
    """What became of a mutant: `killed`, `timeout` or `survived`, and how many tests judged it."""

    outcome: str
    tests: int


class Tests(NamedTuple):
    """Durations of the tests, and which of them run each line of each module ("" when imported)."""

    seconds: dict[str, float]
    lines: dict[str, dict[str, list[str]]]

    def of(self, module: str, line: int, budget: float) -> list[str]:
        """Return tests that run the line, the shortest first, until `budget` seconds are full.

        A line run by no test itself (a constant, a default) is judged by all tests of the module.
        """
        known = self.lines.get(module, {})
        names = set(known.get(str(line), ())) or {name for found in known.values() for name in found}
        chosen, spent = [], 0.0
        for name in sorted(names & set(self.seconds), key=lambda name: (self.seconds[name], name)):
            spent += self.seconds[name]
            if spent > budget and chosen:
                break
            chosen.append(name)
        return chosen


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Serves one module from a source in memory; without `twin` no compiled engine stands in for it."""

    def __init__(self, name: str, path: Path, source: str, twin: bool) -> None:
        self.name, self.path, self.source, self.twin = name, path, source, twin

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name == f"{PACKAGE}._kernels" and not self.twin:
            raise ImportError(name)
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.source, str(self.path), "exec"), module.__dict__)


def preload() -> None:
    """Load what every child needs and no mutant changes, with steady hypothesis examples."""
    import hypothesis
    import mpmath  # noqa: F401
    import pandas  # noqa: F401
    import scipy.optimize
    import scipy.stats  # noqa: F401

    hypothesis.settings.register_profile(
        "mutation",
        database=None,
        derandomize=True,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    )
    hypothesis.settings.load_profile("mutation")


def _await(child: int, limit: float) -> int | None:
    """Return the exit code of a child, or None when it took too long."""
    stop = time.monotonic() + limit
    while time.monotonic() < stop:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return None if code == -signal.SIGXCPU else code
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _pytest(
    arguments: Sequence[str], plugins: Sequence[object] = (), *, bare: bool = False, limit: float = 3600.0
) -> int | None:
    """Run pytest in a fork, silently, and return its exit code; None when it had to be ended.

    A bare run loads no plugin, which saves most of the start.
    """
    child = os.fork()
    if child:
        return _await(child, ASLEEP * limit)
    code = 99
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(limit), math.ceil(limit) + 2))
        if bare:
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        code = int(pytest.main([*_ALWAYS, *arguments], plugins=[*plugins]))
    finally:
        os._exit(code)


class _Durations:
    """Keeps how long each passed test took."""

    def __init__(self, file: Path) -> None:
        self.file, self.seconds = file, dict[str, float]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.seconds[report.nodeid] = report.duration

    def pytest_sessionfinish(self) -> None:
        self.file.write_text(json.dumps(self.seconds), "utf-8")


def baseline(work: Path, skip: Iterable[str]) -> Tests:
    """Run the tests unchanged, and note durations and which test runs which line."""
    from coverage import CoverageData

    work.mkdir(parents=True, exist_ok=True)
    durations, data = work / "durations.json", work / "coverage"
    if not (durations.exists() and data.exists()):
        os.environ["COVERAGE_FILE"] = str(data)
        cover = [f"--cov={PACKAGE}", "--cov-context=test", "--cov-report="]
        code = _pytest([*SUITES, *cover, *(f"--deselect={name}" for name in skip)], [_Durations(durations)])
        if code != 0:
            raise RuntimeError(f"the tests fail without any mutant (pytest ended with {code})")
    found = CoverageData(str(data))
    found.read()
    lines = {
        Path(file).stem: {
            str(line): [name.partition("|")[0] for name in names if name]
            for line, names in found.contexts_by_lineno(file).items()
        }
        for file in found.measured_files()
    }
    return Tests(json.loads(durations.read_text("utf-8")), lines)


def judge(path: Path, source: str, tests: Sequence[str], usual: float, *, twin: bool = False) -> Verdict:
    """Run the tests against a module with another source; without a test it survives."""
    if not tests:
        return Verdict("survived", 0)
    hook = _Changed(f"{PACKAGE}.{path.stem}", path, source, twin)
    sys.meta_path.insert(0, hook)
    try:
        code = _pytest([*_QUICK, *tests], bare=True, limit=START + PATIENCE * usual)
    finally:
        sys.meta_path.remove(hook)
    outcome = "timeout" if code is None else ("survived" if code == 0 else "killed")
    return Verdict(outcome, len(tests))
