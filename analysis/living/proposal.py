"""A proposed study as someone writes it: YAML, or the text of the issue form."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from analysis.evidence.faults import Fault
from analysis.evidence.load import DATA
from analysis.evidence.yaml_text import YamlText, load_yaml

__all__ = ["FORM", "Columns", "Proposal", "columns", "form_labels", "read_proposal"]

#: The issue form; its labels and ids are read from it, so form and reader cannot part.
FORM = Path(__file__).resolve().parents[2] / ".github" / "ISSUE_TEMPLATE" / "propose-study.yml"

#: Columns that the review fills itself.
_OWN = {"evidence_stage", "first_version", "eligibility", "extractors", "agreement", "verified"}

_TOP = ("study", "outcomes", "read_twice")
#: Cells of a line of the form's outcomes, in order.
_LINE = ("outcome", "arm_id", "occlusion", "events", "total", "timepoint", "locator")
_HEADING = re.compile(r"^#{2,4}[ \t]+(.+?)[ \t]*$", re.MULTILINE)
_BLANK = {"", "_no response_", "no response", "none", "n/a"}
#: What YAML writes for a value that is left out.
_NULL = {"~", "null", "Null", "NULL"}
_ANSWERS = dict.fromkeys(("yes", "true", "on", "y"), True) | dict.fromkeys(("no", "false", "off", "n"), False)
_LEADING_ZEROS = re.compile(r"^0+(?=[0-9]+$)")


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of a table that a proposal may fill: all, those of running text, of counts, of choices."""

    all: tuple[str, ...]
    text: frozenset[str]
    counts: frozenset[str]
    choices: frozenset[str]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was proposed, as texts: the study, its outcome rows, and whether two people read it."""

    name: str
    study: dict[str, str]
    outcomes: tuple[dict[str, str], ...]
    read_twice: bool = False


def read_proposal(
    text: str, name: str = "proposal", directory: Path = DATA
) -> tuple[Proposal | None, list[Fault]]:
    """Read a proposal from YAML or from the text of an issue made with the form.

    Parameters
    ----------
    text
        The text of the file or of the issue.
    name
        Name of the file in the faults.
    directory
        Folder of the tables, whose schemas say which columns there are.

    Returns
    -------
    proposal : Proposal or None
        None when the text cannot be read at all.
    faults : list of Fault
        Everything that is wrong with its keys and shape; values are checked against the tables later.
    """
    clean = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if len(_HEADING.findall(clean)) >= 3:
        return _from_form(clean, name, directory)
    return _from_yaml(clean, name, directory)


@cache
def columns(table: str, directory: Path = DATA) -> Columns:
    """Return the columns of ``studies`` or ``outcomes`` that a proposal may fill, from its schema."""
    fields = json.loads((directory / "schemas" / f"{table}.json").read_text("utf-8"))["fields"]
    own = _OWN | ({"study_id"} if table == "outcomes" else set())
    mine = [item for item in fields if item["name"] not in own]
    limits = {item["name"]: item.get("constraints", {}) for item in mine}
    choices = frozenset(name for name, rules in limits.items() if "enum" in rules)
    strings = {item["name"] for item in mine if item["type"] == "string"}
    return Columns(
        all=tuple(limits),
        text=frozenset(name for name in strings - choices if "pattern" not in limits[name]),
        counts=frozenset(item["name"] for item in mine if item["type"] == "integer"),
        choices=choices,
    )


@cache
def form_labels(path: Path = FORM) -> dict[str, str]:
    """Return label -> id of the fields of the issue form."""
    import yaml

    body = yaml.safe_load(path.read_text("utf-8"))["body"]
    return {
        item["attributes"]["label"].strip().lower(): item["id"] for item in body if item["type"] != "markdown"
    }


def _from_yaml(text: str, name: str, directory: Path) -> tuple[Proposal | None, list[Fault]]:
    read = load_yaml(text, name, scalars="text")
    if read.content is None or not isinstance(read.content, dict):
        expected = "a map with study and outcomes, or the text of the issue form"
        return None, [*read.faults] or [Fault(name, 0, "", "", "not a map", expected)]
    of_study, of_row = columns("studies", directory), columns("outcomes", directory)
    content, faults = read.content, [*read.faults, *_cut_texts(read, name, of_study.text | of_row.text)]
    faults += _unknown(name, "", content, _TOP, read)
    study = content.get("study")
    rows = content.get("outcomes")
    if not isinstance(study, dict):
        faults.append(
            Fault(name, read.line("study"), "study", "", "is missing", "a map of facts on the study")
        )
        study = {}
    if not isinstance(rows, list) or not rows or not all(isinstance(item, dict) for item in rows):
        expected = "a list with a map for each count"
        faults.append(Fault(name, read.line("outcomes"), "outcomes", "", "is missing", expected))
        rows = [item for item in rows if isinstance(item, dict)] if isinstance(rows, list) else []
    parts = [("study", study, of_study)]
    parts += [(f"outcomes[{place}]", row, of_row) for place, row in enumerate(rows)]
    texts: list[dict[str, str]] = []
    for path, part, known in parts:
        faults += _unknown(name, f"{path}.", part, known.all, read)
        texts.append({})
        for key, value in part.items():
            if isinstance(value, str):
                texts[-1][key] = _cell(value, key in known.counts)
            else:
                place = f"{path}.{key}"
                problem = f"is a {'list' if isinstance(value, list) else 'map'}"
                faults.append(Fault(name, read.line(place), place, "", problem, "one text, in quotes"))
    answer = str(content.get("read_twice") or "no").strip()
    if answer.lower() not in _ANSWERS:
        faults.append(
            Fault(name, read.line("read_twice"), "read_twice", answer, "not yes or no", "yes or no")
        )
    return Proposal(name, texts[0], tuple(texts[1:]), _ANSWERS.get(answer.lower(), False)), faults


def _cut_texts(read: YamlText, name: str, texts: frozenset[str]) -> list[Fault]:
    """Name each free text that a comment follows: its end may have been taken for the comment."""
    faults = []
    for line, comment in read.comments:
        place = max(
            (path for path, at in read.lines.items() if at <= line), key=lambda path: read.lines[path]
        )
        key = place.rsplit(".", 1)[-1]
        if key in texts:
            problem = "what follows the # is read as a comment"
            expected = "the text in quotes, or the comment on a line of its own"
            faults.append(Fault(name, line, place, f"# {comment}", problem, expected))
    return faults


def _from_form(text: str, name: str, directory: Path) -> tuple[Proposal | None, list[Fault]]:
    labels = form_labels()
    known = columns("studies", directory)
    parts = _HEADING.split(text)
    faults: list[Fault] = []
    study: dict[str, str] = {}
    lines, twice = "", False
    for label, value in zip(parts[1::2], parts[2::2], strict=False):
        key = labels.get(label.strip().lower())
        answer = "" if value.strip().lower() in _BLANK else value.strip()
        if key is None:
            near = get_close_matches(label.strip().lower(), labels, n=1)
            expected = "a heading of the form" + (f" (near: {near[0]})" if near else "")
            faults.append(Fault(name, 0, label.strip(), "", "unknown heading", expected))
        elif key == "outcomes":
            lines = answer
        elif key == "read_twice":
            twice = answer.lower().startswith("yes")
        elif key in known.all:
            # A choice of the form may carry an explanation after a colon.
            choice = answer.split(":")[0].strip()
            study[key] = choice if key in known.choices else _cell(answer, key in known.counts)
    rows, more = _lines(lines, name, columns("outcomes", directory).counts)
    return Proposal(name, study, tuple(rows), twice), faults + more


def _lines(text: str, name: str, counts: frozenset[str]) -> tuple[list[dict[str, str]], list[Fault]]:
    rows, faults = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        cells = [cell.strip() for cell in line.strip().strip("`").split("|")]
        if cells == [""] or cells[0].lower() in ("outcome", "```"):
            continue
        if len(cells) != len(_LINE):
            problem = f"line {number} has {len(cells)} parts"
            expected = " | ".join(_LINE)
            faults.append(Fault(name, 0, "outcomes", line.strip(), problem, expected))
            continue
        rows.append(
            {key: _cell(value, key in counts) for key, value in zip(_LINE, cells, strict=True) if value}
        )
    if not rows and not faults:
        faults.append(Fault(name, 0, "outcomes", "", "is missing", "a line for each count"))
    return rows, faults


def _unknown(
    name: str, path: str, found: dict[str, Any], known: tuple[str, ...], read: YamlText
) -> list[Fault]:
    faults = []
    for key in found:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            expected = f"{near[0]}" if near else "one of " + ", ".join(known)
            place = f"{path}{key}"
            faults.append(Fault(name, read.line(place), place, key, "unknown key", expected))
    return faults


def _cell(value: str, whole: bool) -> str:
    """Return a value as the cell of a table: on one line, and a whole number without leading zeros."""
    text = " ".join(value.split())
    if text in _NULL:
        return ""
    return _LEADING_ZEROS.sub("", text) if whole else text
