"""Read the reference records kept beside the repository; absent in a plain clone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

#: Beside the repository, not in it: a clone alone has the pinned values of tests/reference.
ORACLE = Path(__file__).resolve().parents[2].parent / "shared" / "oracle" / "public"


class Dataset(NamedTuple):
    """One file of records with its inputs."""

    name: str
    engine: str
    design: str
    inputs: dict[str, np.ndarray]
    groups: dict[str, list[str]]
    moderators: dict[str, np.ndarray]
    records: list[dict[str, Any]]


def number(value: Any) -> Any:
    """Turn the files' words for missing and infinite values into floats."""
    if isinstance(value, np.ndarray):
        return value
    if value is None or (isinstance(value, str) and value == "NA"):
        return float("nan")
    if isinstance(value, str) and value.lstrip("-") == "Inf":
        return float("-inf") if value.startswith("-") else float("inf")
    if isinstance(value, list):
        return [number(item) for item in value]
    if isinstance(value, dict):
        return {key: number(item) for key, item in value.items()}
    return value


@cache
def load(path: Path) -> Dataset:
    """Read one file."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    inputs = {
        key: np.asarray(number(values), dtype=float) if key != "study" else values
        for key, values in raw["inputs"].items()
    }
    return Dataset(
        raw["dataset"],
        "meta" if path.name.endswith(".meta.json") else "metafor",
        raw["design"],
        inputs,
        {key: [str(v) for v in values] for key, values in (raw["groups"] or {}).items()},
        {key: np.asarray(number(values), dtype=float) for key, values in (raw["moderators"] or {}).items()},
        raw["records"],
    )


def files(directory: Path = ORACLE) -> list[Path]:
    """Return the record files, none where the folder is absent."""
    return sorted(directory.glob("*.json"))


def argument(call: str, name: str, default: str = "") -> str:
    """Return one named argument of an R call as text, quotes taken off."""
    found = re.search(rf"\b{re.escape(name)}=\"?([A-Za-z0-9_.+-]+)\"?", call)
    return found.group(1) if found else default


def datasets(directory: Path = ORACLE) -> Iterator[Dataset]:
    """Read all files one after the other."""
    for path in files(directory):
        yield load(path)
