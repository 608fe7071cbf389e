"""Published numbers have the same bits whatever was fitted before, with or without a cache of the engine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba")

ROOT = Path(__file__).resolve().parents[2]
FITS = """
import json, sys
from analysis import review
from analysis.review.cells import headline
from analysis.synthesis import warm_up
from analysis.synthesis.pooled import pool
for turn in range(int(sys.argv[1])):
    pool([3, 5, 8], [20, 30 + turn, 40])
if sys.argv[2] == "warm":
    warm_up()
evidence = review.load()
cells = [headline(evidence, "secondary", name, evidence.versions[0].id) for name in ("reperfusion", "mrs02")]
print(json.dumps([cell.pooled.to_dict() for cell in cells], default=str))
"""


def _printed(cache, before, first):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", FITS, str(before), first]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_neither_history_nor_cache_moves_a_bit(tmp_path):
    compiled_now = _printed(tmp_path, 0, "warm")
    taken_from_cache = _printed(tmp_path, 0, "cold")
    after_others = _printed(tmp_path, 3, "cold")

    assert len(compiled_now) > 500
    assert compiled_now == taken_from_cache == after_others
