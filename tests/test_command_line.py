"""The command line: exit codes, plain errors, and no cost for commands not asked for."""

import json
import os
import shlex
import subprocess
import sys

import pytest

from analysis.__main__ import _COMMANDS, _parser, main
from analysis.cli.examples import EXAMPLES

#: Keys that others read from `pool --json`.
_CONTRACT = {
    *("k", "events", "total", "model", "tau2_method", "ci_method", "mu", "se", "ci_low_mu", "ci_high_mu"),
    *("estimate", "ci_low", "ci_high", "prediction_low", "prediction_high", "tau2", "i2", "q", "q_p"),
    *("converged", "notes"),
}


def run(*words, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "analysis", *words], capture_output=True, text=True, cwd=cwd, timeout=120
    )


def test_pool_prints_the_contracted_keys(tmp_path):
    counts = tmp_path / "counts.csv"
    counts.write_text("study,events,total\nA,5,10\nB,7,12\nC,3,9\n", "utf-8")
    done = run("pool", str(counts), "--json")

    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) >= _CONTRACT


def test_pool_names_row_column_and_value_of_a_fault(tmp_path):
    counts = tmp_path / "counts.csv"
    counts.write_text("study,events,total\nA,5,10\nB,13,12\n", "utf-8")
    done = run("pool", str(counts))

    assert done.returncode == 2
    assert done.stdout == ""
    for word in ("counts.csv", "3", "events", "13"):
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_an_internal_fault_shows_no_trace(monkeypatch, capsys):
    from analysis.cli import validate

    def broken(args):
        raise RuntimeError("planted")

    monkeypatch.setattr(validate, "run", broken)

    assert main(["validate"]) == 70
    assert "planted" in capsys.readouterr().err
    for words in (["--debug", "validate"], ["validate", "--debug"]):
        with pytest.raises(RuntimeError, match="planted"):
            main(words)


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "Stopped."),
        (OSError(28, "No space left on device", "records.csv"), 74, "records.csv: cannot be read or written"),
        (PermissionError(13, "Permission denied", "out.csv"), 74, "out.csv"),
        (BrokenPipeError(), 0, ""),
    ],
    ids=["keyboard", "full disk", "no permission", "reader gone"],
)
def test_what_ends_a_command_from_outside_is_one_sentence(monkeypatch, capsys, raised, code, said):
    from analysis.cli import validate

    def broken(args):
        raise raised

    monkeypatch.setattr(validate, "run", broken)

    assert main(["validate"]) == code
    shown = capsys.readouterr().err
    assert said in shown
    assert "fault of the program" not in shown


def test_a_letter_that_the_terminal_lacks_is_shown_all_the_same(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "analysis", "propose", str(tmp_path / "Übersicht.yml")],
        capture_output=True, timeout=120, env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )  # fmt: skip

    assert done.returncode == 2
    assert rb"\xdcbersicht.yml" in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_behind_the_output_is_not_a_fault_of_the_program(tmp_path):
    counts = tmp_path / "counts.csv"
    counts.write_text("study,events,total\nA,5,10\nB,7,12\n", "utf-8")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "analysis", "pool", str(counts)],
            stdout=full, stderr=subprocess.PIPE, text=True, timeout=120,
        )  # fmt: skip

    assert done.returncode == 74
    assert "cannot be read or written" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_closed_output_ends_nothing(tmp_path):
    counts = tmp_path / "counts.csv"
    counts.write_text("study,events,total\nA,5,10\nB,7,12\n", "utf-8")
    typed = f"{shlex.quote(sys.executable)} -m analysis pool {shlex.quote(str(counts))} >&-"
    done = subprocess.run(typed, shell=True, stderr=subprocess.PIPE, text=True, timeout=120)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("epoch", ["99999999999999999", "999999999999", "abc", "-1", "²"])
def test_a_day_that_is_not_in_the_calendar_is_passed_over(monkeypatch, epoch):
    from datetime import UTC, datetime

    from analysis.living.clock import reference_day

    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)

    assert reference_day() == datetime.now(UTC).date()


def test_importing_the_package_loads_nothing_heavy():
    heavy = "('numpy', 'pandas', 'scipy', 'numba')"
    code = f"import sys, analysis; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", _COMMANDS)
def test_help_shows_examples_that_can_be_typed(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    shown = capsys.readouterr().out

    assert left.value.code == 0
    assert EXAMPLES[command]
    for typed, _ in EXAMPLES[command]:
        assert f"python -m analysis {typed}" in shown
        assert _parser(command).parse_args(shlex.split(typed)).command == command


#: Calls that cannot be carried out: what is typed, exit code, words that teach.
_WRONG = {
    "validate: no folder": ("validate nosuch", 1, "no such folder"),
    "pool: no file": ("pool nosuch.csv", 2, "nosuch.csv"),
    "search: no day": ("search --since yesterday", 2, "year-month-day"),
    "search: no last day": ("search --since last --until soon", 2, "year-month-day"),
    "search: never searched": ("search --since last --out . --source pubmed", 2, "give --since a day"),
    "import: no day": ("import x.ris --searched-on soon", 2, "year-month-day"),
    "import: no version": ("import x.ris --searched-on 2026-12-01 --evidence-version 99.0.0", 2, "99.0.0"),
    "import: no file": ("import nosuch.ris --searched-on 2026-12-01 --dry-run", 1, "nosuch.ris"),
    "dedup: nothing given": ("dedup", 2, "give files"),
    "dedup: no file": ("dedup nosuch.ris", 1, "nosuch.ris"),
    "dedup: no list": ("dedup --settle nosuch.csv --by A", 2, "nosuch.csv"),
    "screen: no reviewer": ("screen export sheet.csv", 2, "--reviewer"),
    "screen: no sheet": ("screen import nosuch.csv --reviewer A", 2, "nosuch.csv"),
    "flow: no version": ("flow --evidence-version 99.0.0", 2, "99.0.0"),
    "flow: no folder": ("flow --data nosuch", 2, "records.csv"),
    "diff: no version": ("diff 23.0.0 99.0.0", 2, "23.0.0, 26.0.0"),
    "versions: no version": ("versions 99.0.0", 2, "23.0.0, 26.0.0"),
    "versions: too early": ("versions --open 2020-01-01", 2, "2026-11-22"),
    "status: no day": ("status --today soon", 2, "soon"),
    "propose: no file": ("propose nosuch.yml", 2, "nosuch.yml"),
    "propose: no day": ("propose x.yml --cut-off soon", 2, "soon"),
    "release: not the newest": ("release 23.0.0", 1, "26.0.0"),
    "no such command": ("serach", 2, "search"),
}


@pytest.mark.parametrize("case", _WRONG)
def test_a_call_that_cannot_be_carried_out_says_what_is_right(case, tmp_path, monkeypatch, capsys):
    typed, code, taught = _WRONG[case]
    monkeypatch.chdir(tmp_path)
    try:
        ended = main(shlex.split(typed))
    except SystemExit as left:
        ended = left.code
    shown = capsys.readouterr()

    assert ended == code, shown.err
    assert taught in shown.err + shown.out
    assert "Traceback" not in shown.err + shown.out
    assert "internal error" not in shown.err
