"""The numeric core: arrays in, frozen results out; no files, no pandas, no plots, no stroke."""

from __future__ import annotations

__all__ = ["warm_up"]


def warm_up() -> bool:
    """Load the compiled engine now, which takes a second or two; return whether there is one.

    Worth calling before many small fits. Single fits do without it and start faster.
    """
    from analysis.synthesis import _engine

    return _engine.warm_up()
