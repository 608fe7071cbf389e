"""Keys of the protocol that chapters name in their cells: each has to be there.

A chapter that asks for a population or an outcome by name stops the build where the protocol has
none, after a minute. Only the sources are read here; nothing is run.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.evidence.cells import near
from analysis.evidence.faults import Fault

if TYPE_CHECKING:
    from analysis.evidence.protocol import Protocol

__all__ = ["named_keys"]

_REVIEW = Path(__file__).resolve().parents[1] / "review"
_FUNCTION = re.compile(r"^def ([a-z]\w*)\(([^)]*)\)", re.MULTILINE)
_PARAMETER = re.compile(r"(\w+):")
#: Name of a parameter -> the list of the protocol that holds its keys.
_LISTS = {
    "population": "populations",
    "outcome": "outcomes",
    "subgroup": "subgroups",
    "variable": "subgroups",
}


def named_keys(book: Path, protocol: Protocol) -> list[Fault]:
    """Return the keys in cells of the chapters of a folder that the protocol does not have."""
    faults = []
    for path in sorted(book.glob("*.ipynb")):
        for cell, call in _calls(path):
            for name, value in _given(call):
                known = [item.key for item in getattr(protocol, _LISTS[name])]
                if value not in known:
                    meant = near(value, known)
                    hint = f" (near: {meant})" if meant else ""
                    place, problem = f"cell {cell}", f"no such {name} in protocol.yml"
                    faults.append(
                        Fault(path.name, cell, place, value, problem, "one of " + ", ".join(known) + hint)
                    )
    return faults


def _calls(path: Path) -> Iterator[tuple[int, ast.Call]]:
    """Yield the calls in the cells of a chapter, each with the number of its cell."""
    try:
        cells = json.loads(path.read_text("utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for number, cell in enumerate(cells, start=1):
        if cell.get("cell_type") != "code":
            continue
        try:
            tree = ast.parse("".join(cell["source"]))
        except (SyntaxError, ValueError, TypeError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield number, node


def _given(call: ast.Call) -> Iterator[tuple[str, str]]:
    """Yield the parameters that hold a key of the protocol, with the key."""
    function = call.func
    if not isinstance(function, ast.Attribute):
        return
    names = _functions().get(function.attr, ())
    given: list[tuple[str, Any]] = list(zip(names, call.args, strict=False))
    given += [(item.arg or "", item.value) for item in call.keywords if names]
    for name, value in given:
        if name in _LISTS and isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield name, value.value


@cache
def _functions() -> dict[str, tuple[str, ...]]:
    """Return the public functions of `analysis.review` with their parameters, read from the sources."""
    found = {}
    for path in sorted(_REVIEW.glob("*.py")):
        for name, inside in _FUNCTION.findall(path.read_text("utf-8")):
            found[name] = tuple(_PARAMETER.findall(inside))
    return found
