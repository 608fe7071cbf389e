"""The command line: exit codes, plain errors, and no cost for commands not asked for."""

import json
import subprocess
import sys

import pytest

from analysis.__main__ import main

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
    with pytest.raises(RuntimeError, match="planted"):
        main(["--debug", "validate"])


def test_importing_the_package_loads_nothing_heavy():
    heavy = "('numpy', 'pandas', 'scipy', 'numba')"
    code = f"import sys, analysis; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.stdout.strip() == "[]"
