"""A proposed study as someone writes it: YAML, or the text of the issue form."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from analysis.evidence.faults import Fault
from analysis.evidence.tables import Outcome, Study

__all__ = ["FORM", "OUTCOME_KEYS", "STUDY_KEYS", "Proposal", "form_labels", "read_proposal"]

#: The issue form; its labels and ids are read from it, so form and reader cannot part.
FORM = Path(__file__).resolve().parents[2] / ".github" / "ISSUE_TEMPLATE" / "propose-study.yml"

#: Columns that the review fills itself.
_OWN = {"row", "evidence_stage", "first_version", "eligibility", "extractors", "agreement", "verified"}
_OWN |= {"extra"}

STUDY_KEYS: tuple[str, ...] = tuple(item.name for item in fields(Study) if item.name not in _OWN)
OUTCOME_KEYS: tuple[str, ...] = tuple(
    item.name for item in fields(Outcome) if item.name not in _OWN | {"study_id"}
)
_TOP = ("study", "outcomes", "read_twice")
#: Cells of a line of the form's outcomes, in order.
_LINE = ("outcome", "arm_id", "occlusion", "events", "total", "timepoint", "locator")
_HEADING = re.compile(r"^#{2,4}[ \t]+(.+?)[ \t]*$", re.MULTILINE)
_BLANK = {"", "_no response_", "no response", "none", "n/a"}


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was proposed, as texts: the study, its outcome rows, and whether two people read it."""

    name: str
    study: dict[str, str]
    outcomes: tuple[dict[str, str], ...]
    read_twice: bool = False


def read_proposal(text: str, name: str = "proposal") -> tuple[Proposal | None, list[Fault]]:
    """Read a proposal from YAML or from the text of an issue made with the form.

    Returns
    -------
    proposal : Proposal or None
        None when the text cannot be read at all.
    faults : list of Fault
        Everything that is wrong with its keys and shape; values are checked against the tables later.
    """
    clean = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if len(_HEADING.findall(clean)) >= 3:
        return _from_form(clean, name)
    return _from_yaml(clean, name)


@cache
def form_labels(path: Path = FORM) -> dict[str, str]:
    """Return label -> id of the fields of the issue form."""
    import yaml

    body = yaml.safe_load(path.read_text("utf-8"))["body"]
    return {
        item["attributes"]["label"].strip().lower(): item["id"] for item in body if item["type"] != "markdown"
    }


def _from_yaml(text: str, name: str) -> tuple[Proposal | None, list[Fault]]:
    import yaml

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = str(getattr(error, "problem", None) or error)
        fault = Fault(name, mark.line + 1 if mark else 0, "", "", f"not readable as YAML ({problem})", "YAML")
        return None, [fault]
    if not isinstance(content, dict):
        expected = "a map with study and outcomes, or the text of the issue form"
        return None, [Fault(name, 0, "", "", "not a map", expected)]
    faults = _unknown(name, "", content, _TOP)
    study = content.get("study")
    rows = content.get("outcomes")
    if not isinstance(study, dict):
        faults.append(Fault(name, 0, "study", "", "is missing", "a map of facts on the study"))
        study = {}
    if not isinstance(rows, list) or not rows or not all(isinstance(item, dict) for item in rows):
        faults.append(Fault(name, 0, "outcomes", "", "is missing", "a list with a map for each count"))
        rows = [item for item in rows if isinstance(item, dict)] if isinstance(rows, list) else []
    faults += _unknown(name, "study.", study, STUDY_KEYS)
    for place, row in enumerate(rows):
        faults += _unknown(name, f"outcomes[{place}].", row, OUTCOME_KEYS)
    twice = content.get("read_twice", False)
    if not isinstance(twice, bool):
        faults.append(Fault(name, 0, "read_twice", str(twice), "not yes or no", "yes or no"))
    texts = [{str(key): _text(value) for key, value in part.items()} for part in (study, *rows)]
    return Proposal(name, texts[0], tuple(texts[1:]), twice is True), faults


def _from_form(text: str, name: str) -> tuple[Proposal | None, list[Fault]]:
    labels = form_labels()
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
        elif key in STUDY_KEYS:
            # A choice of the form may carry an explanation after a colon.
            study[key] = answer.split(":")[0].strip() if key in _CHOICES else " ".join(answer.split())
    rows, more = _lines(lines, name)
    return Proposal(name, study, tuple(rows), twice), faults + more


_CHOICES = frozenset({"occlusion", "territory", "technique", "directness", "comparative", "source_kind"})


def _lines(text: str, name: str) -> tuple[list[dict[str, str]], list[Fault]]:
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
        rows.append({key: value for key, value in zip(_LINE, cells, strict=True) if value})
    if not rows and not faults:
        faults.append(Fault(name, 0, "outcomes", "", "is missing", "a line for each count"))
    return rows, faults


def _unknown(name: str, path: str, found: dict[Any, Any], known: tuple[str, ...]) -> list[Fault]:
    faults = []
    for key in found:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            expected = f"{near[0]}" if near else "one of " + ", ".join(known)
            faults.append(Fault(name, 0, f"{path}{key}", str(key), "unknown key", expected))
    return faults


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip()
