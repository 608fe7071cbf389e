"""Run the code of every chapter with another protocol: what `validate` accepts has to build.

``python -m tests.review.chapters_of`` edits values of the protocol one after the other and prints for each
whether it is refused, builds, or which cell fails.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from analysis.cli.validate import check_folder
from analysis.evidence.faults import EvidenceFaults
from analysis.review import session

ROOT = Path(__file__).resolve().parents[2]

#: Chapters that ask the protocol nothing, and take long.
_NOT_OF_THE_PROTOCOL = {"api", "benchmarks", "verified", "dictionary", "glossary"}


def chapters(book: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each chapter with the code of its cells."""
    for path in sorted(book.glob("*.ipynb")):
        if path.stem not in _NOT_OF_THE_PROTOCOL:
            cells = json.loads(path.read_text("utf-8"))["cells"]
            yield path.stem, ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def failures(evidence: Any, book: Path, only: set[str] | None = None) -> list[str]:
    """Execute every cell with this evidence, and return what failed."""
    found = []
    before = session.load
    session.load = lambda: evidence
    try:
        for name, cells in chapters(book):
            if only is None or name in only:
                space: dict[str, Any] = {}
                for code in cells:
                    failed = _run(code, space)
                    if failed:
                        found.append(f"{name}: {code.splitlines()[-1]}: {failed}")
    finally:
        session.load = before
    return found


def _run(code: str, space: dict[str, Any]) -> str:
    lines = code.rstrip().split("\n")
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                shown = compile(lines[-1], "<cell>", "eval")
            except SyntaxError:
                exec(code, space)
                return ""
            exec("\n".join(lines[:-1]), space)
            value = eval(shown, space)
            if hasattr(value, "_repr_html_"):
                value._repr_html_()
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
    return ""


def judged(change: Any, place: Path, only: set[str] | None = None) -> tuple[str, list[str]]:
    """Return "refused" with the faults, or "builds" or "fails" with the failing cells."""
    shutil.copytree(ROOT / "data", place / "data")
    shutil.copytree(ROOT / "book", place / "book", ignore=shutil.ignore_patterns("_static"))
    path = place / "data" / "protocol.yml"
    content = yaml.safe_load(path.read_text("utf-8"))
    change(content, place)
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), "utf-8")
    try:
        evidence = check_folder(place / "data")[0]
    except EvidenceFaults as error:
        return "refused", [str(fault) for fault in error.faults]
    failed = failures(evidence, place / "book", only)
    return ("fails" if failed else "builds"), failed


def _set(path: str, value: Any) -> Any:
    def change(content: Any, _place: Path) -> None:
        *most, last = path.split(".")
        for part in most:
            content = content[int(part) if part.isdigit() else part]
        if value is None:
            del content[int(last) if last.isdigit() else last]
        else:
            content[int(last) if last.isdigit() else last] = value

    return change


def _no_any(content: Any, place: Path) -> None:
    """Remove the population `any` from the protocol, its rows, and the cells that name it."""
    content["populations"] = [item for item in content["populations"] if item["key"] != "any"]
    content["other_reviews"] = {**content.get("other_reviews", {}), "matches": []}
    for path in (place / "book").glob("*.ipynb"):
        book = json.loads(path.read_text("utf-8"))
        for cell in book["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and '"any"' in source:
                keep = [line for line in source.split("\n") if '"any"' not in line]
                cell["source"] = "\n".join(keep) or "None"
        text = json.dumps(book)
        path.write_text(text, "utf-8")
    table = place / "data" / "certainty.csv"
    lines = table.read_text("utf-8").splitlines(keepends=True)
    table.write_text("".join(line for line in lines if ",any," not in line), "utf-8")


PRIMARY = "analysis.primary."
EDITS: dict[str, Any] = {
    "as it is": lambda content, place: None,
    "model iv alone": _set(PRIMARY + "model", "iv"),
    "model iv, reml, knapp-hartung": lambda c, p: c["analysis"]["primary"].update(
        model="iv", tau2_method="reml", ci_method="knapp-hartung"
    ),
    "iv on arcsine": lambda c, p: c["analysis"]["primary"].update(
        model="iv", tau2_method="dl", ci_method="wald", scale="arcsine"
    ),
    "scale pft, iv": lambda c, p: c["analysis"]["primary"].update(
        model="iv", tau2_method="dl", ci_method="wald", scale="pft"
    ),
    "ci wald": _set(PRIMARY + "ci_method", "wald"),
    "ci t": _set(PRIMARY + "ci_method", "t"),
    "tau2 ee": _set(PRIMARY + "tau2_method", "ee"),
    "prediction z": _set(PRIMARY + "prediction_method", "normal"),
    "prediction t-k-1": _set(PRIMARY + "prediction_method", "t-k-1"),
    "prediction knapp-hartung": _set(PRIMARY + "prediction_method", "knapp-hartung"),
    "level 0.9": _set(PRIMARY + "level", 0.9),
    "cut i2 0.75": _set("certainty.cuts.i2", 0.75),
    "no cuts": _set("certainty.cuts", None),
    "first factor removed": _set("multiverse.factors.0", None),
    "multiverse removed": _set("multiverse", None),
    "sequential alpha 0.01": _set("living.sequential.alpha", 0.01),
    "population renamed": _set("populations.2.key", "all"),
    "population removed": _set("populations.1", None),
    "subgroup removed": _set("subgroups.1", None),
    "subgroups removed": _set("subgroups", None),
    "thresholds removed": lambda c, p: [item.pop("thresholds", None) for item in c["outcomes"]],
    "role of sich secondary": _set("outcomes.3.role", "secondary"),
    "role of mrs01 main": _set("outcomes.4.role", "main"),
    "widest any": _set("widest", "any"),
    "widest primary": _set("widest", "primary"),
    "paper removed": _set("paper", None),
    "overlap removed": _set("overlap", None),
    "sensitivity removed": _set("analysis.sensitivity", None),
    "other_reviews removed": _set("other_reviews", None),
    "thresholds_note removed": _set("thresholds_note", None),
    "constants removed": _set("constants", None),
    "living removed": _set("living", None),
    "arms removed": _set("arms", None),
    "no population any": _no_any,
}


def main() -> int:
    """Try each edit and print what came of it."""
    wanted = sys.argv[1:]
    failed = False
    for name, change in EDITS.items():
        if wanted and name not in wanted:
            continue
        with tempfile.TemporaryDirectory() as place:
            answer, lines = judged(change, Path(place))
        failed |= answer == "fails"
        shown = [f"{name}: {answer}", *(f"    {line[:260]}" for line in lines[:8])]
        sys.stdout.write("\n".join(shown) + "\n")
        sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
