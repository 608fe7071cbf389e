"""Comparison with reference records of metafor and meta, and with exact likelihoods."""

from importlib import import_module
from pathlib import Path

_REGISTERED: list[str] = []


def register_all() -> None:
    """Import every module of comparers once."""
    for path in sorted(Path(__file__).parent.glob("kinds_*.py")):
        if path.stem not in _REGISTERED:
            import_module(f"tests.oracle.{path.stem}")
            _REGISTERED.append(path.stem)
