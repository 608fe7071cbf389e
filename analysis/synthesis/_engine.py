"""Choice between the array engine and its compiled twin.

Loading numba takes about two seconds, so a single pooled estimate on the command line runs on arrays.
The compiled twin is loaded when the work ahead would take longer than that, when one process has asked
for several fits, so that more may follow, or by `warm_up`.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from types import ModuleType

__all__ = ["in_threads", "kernels", "warm_up"]

#: Study integrals beyond which loading the compiled engine pays for itself.
WORTHWHILE = 40_000

#: Fits of one process that run on arrays before the compiled engine is loaded for those that follow.
FIRST_FITS = 8

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

    Worth calling before many small fits, such as a benchmark or an interactive page.
    """
    return kernels(WORTHWHILE + 1) is not None


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
