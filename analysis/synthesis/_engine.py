"""Choice between the array engine and its compiled twin.

Loading numba takes about two seconds, so a single pooled estimate on the command line runs on arrays.
The compiled twin is loaded when the work ahead would take longer than that, when one process has asked
for several fits, so that more may follow, or by `warm_up`.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from types import ModuleType

__all__ = ["in_threads", "kernels", "warm_up"]

#: Study integrals beyond which loading the compiled engine pays for itself.
WORTHWHILE = 40_000

#: Fits of one process that run on arrays before the compiled engine is loaded for those that follow.
FIRST_FITS = 8

#: Compiled functions that others call.
_ENTRIES = ("study_row", "fit_one", "fit_rows")

#: Calls each entry with the types of array that fits give it.
_COMPILE = """
import numpy as np
from analysis.synthesis import _kernels
x, n, w = np.array([1.0, 2.0]), np.array([9.0, 9.0]), np.ones(2)
real = np.empty((5, _kernels.WINDOW))
_kernels.study_row(x, n, w, w, 0, 2, np.empty((6, 2)))
_kernels.fit_one(x, n, w, w, np.empty(12), real, real.view(np.int64))
_kernels.fit_rows(x[None], n[None], w[None], w, np.empty((1, 12)), 0, 1)
"""

_loaded: ModuleType | None = None
_fits = 0


def kernels(integrals: int = 0) -> ModuleType | None:
    """Return the compiled engine if it is loaded or worth loading, else None.

    `integrals` is the size of a fit, zero when asked from within one. Where numba is missing the array
    engine serves all.
    """
    global _fits, _loaded
    if _loaded is not None:
        return _loaded
    _fits += integrals > 0
    if integrals > WORTHWHILE or _fits > FIRST_FITS:
        try:
            _loaded = importlib.import_module("analysis.synthesis._kernels")
        except ImportError:
            return None
    return _loaded


def warm_up() -> bool:
    """Load the compiled engine now; return whether there is one.

    Worth calling before many small fits, such as a benchmark or an interactive page, and needed before
    numbers are published: code that was just compiled differs in the last bits from the same code taken
    from its cache, and arrays differ from both.  So what is not in the cache is compiled by a process
    of its own, and this one takes it from there.
    """
    compiled = kernels(WORTHWHILE + 1)
    if compiled is not None and not _is_cached(compiled):
        subprocess.run([sys.executable, "-c", _COMPILE], check=False, env=_with_path())
    return compiled is not None


def _is_cached(compiled: ModuleType) -> bool:
    source = Path(str(compiled.__file__))
    for name in _ENTRIES:
        folder = Path(getattr(compiled, name).stats.cache_path)
        newest = max((each.stat().st_mtime for each in folder.glob(f"_kernels.{name}-*.nbi")), default=0.0)
        if newest < source.stat().st_mtime:
            return False
    return True


def _with_path() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{known}" if known else root}


def in_threads(task: Callable[[int, int], None], size: int, smallest: int) -> None:
    """Call ``task(start, stop)`` over `size` items, one slice a core, none below `smallest` items.

    The compiled functions release the interpreter lock, so threads run side by side.
    """
    parts = min(os.cpu_count() or 1, size // smallest) if size >= 2 * smallest else 1
    if parts < 2:
        task(0, size)
        return
    # more slices than cores even out slices of unequal work
    edges = [size * i // (4 * parts) for i in range(4 * parts + 1)]
    with ThreadPoolExecutor(parts) as pool:
        for done in [pool.submit(task, a, b) for a, b in pairwise(edges)]:
            done.result()
