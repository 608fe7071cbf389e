"""Find numerals typed by hand in the prose of the book.

A numeral is allowed when it is part of a date, a citation, a section, a name or a constant that
`data/protocol.yml` declares. Everything that is not prose (code, roles, addresses, substitutions)
is blanked out first; blanks keep the length, so that line numbers stay true.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]

#: Names that carry a number; they count nothing.
NAMES = (
    "CC BY 4.0",
    "Apache License 2.0",
    "PRISMA 2020",
    "RoB 2",
    "Python 3.11",
    "Keep a Changelog 1.1",
)

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"

#: Not prose: blanked before numerals are looked for.
_NOT_PROSE = tuple(
    re.compile(pattern, re.MULTILINE | re.DOTALL)
    for pattern in (
        r"\A---\n.*?\n---\n",  # front matter
        r"^(?P<fence>`{3,}|~{3,})[^\n]*\n.*?^\s*(?P=fence)",  # fenced code
        r"^[ ]+(?P<inner>`{3,})[^\n]*\n.*?^\s*(?P=inner)",  # fenced code inside a list
        r"<!--.*?-->",  # comments
        r"^\s*:{3,}[^\n]*",  # directive fences, such as ":::{grid} 1 1 2 2"
        r"^\s*:[a-z-]+:[^\n]*",  # directive options
        r"\{\{.*?\}\}",  # substitutions
        r"\{[a-z:]+\}`[^`]*`",  # roles: citations, references
        r"`+[^`\n]+`+",  # code spans
        r"\]\([^)\s]*\)",  # link targets
        r"^\([\w-]+\)=",  # anchors
        r"<[^>\n]+>",  # HTML tags and autolinks
        r"https?://\S+",
        r"\bdoi:?\s*10\.\d{4,}/\S+",
    )
)

_YEAR = r"(?:19|20)\d\d"
_ALLOWED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b{_YEAR}-\d\d(?:-\d\d)?\b",  # ISO dates
        rf"\b(?:\d{{1,2}} )?(?:{_MONTHS}) {_YEAR}\b",
        rf"\bet al\.,?\s[^()\d]*{_YEAR}\b",  # a citation in words
        rf"\b(?:in|by|since|until|before|after|of|from|to|©|\(c\)|paper,) {_YEAR}\b"
        r"(?! (?:patients|studies|events|occlusions|trials|deaths))",
        r"\b(?i:section|chapter|item|table|figure|step|equation)s? \d+(?:\.\d+)*",
        r"(?m)^\s*\d+\.(?= )",  # markers of ordered lists
        r"(?m)^#+ \d+(?:\.\d+)*\.? ",  # numbers of headings
        *(re.escape(name) for name in NAMES),
    )
)

#: Digits that do not belong to a word such as "M2" or "UTF-8".
_NUMERAL = re.compile(r"(?<!\w)(?<![A-Za-z]-)(?:[-+])?(?:\d+(?:[.,]\d+)*|\.\d+)(?:\s?%)?")
_WORDS = re.compile(
    r"\b(?:eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty(?:-[a-z]+)?|hundreds?|thousands?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Finding:
    """A numeral typed by hand."""

    source: str
    line: int
    numeral: str

    def __str__(self) -> str:
        return f"{self.source}:{self.line}: {self.numeral!r} is typed by hand"


@cache
def _protocol() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "data" / "protocol.yml").read_text("utf-8"))


@cache
def declared_constants() -> frozenset[str]:
    """Return the numerals that the protocol lets prose carry, as they may be typed."""
    found = set()
    for constant in _protocol()["constants"]:
        number = str(constant["value"])
        found |= {number, f"{constant['value']:,}"}
        if constant["key"].endswith("_percent"):
            found |= {f"{number}%", f"{number} %"}
    return frozenset(found)


@cache
def declared_names() -> tuple[str, ...]:
    """Return the outcome names of the protocol, which prose may quote whole, longest first."""
    names = {outcome[key] for outcome in _protocol()["outcomes"] for key in ("label", "short_label")}
    return tuple(sorted((name for name in names if re.search(r"\d", name)), key=len)[::-1])


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match.group())


def typed_numerals(text: str, source: str = "text") -> list[Finding]:
    """List the numerals of one Markdown text that nothing allows."""
    for pattern in (*_NOT_PROSE, *_ALLOWED):
        text = pattern.sub(_blank, text)
    for name in declared_names():
        text = text.replace(name, " " * len(name))
    findings = []
    for pattern in (_NUMERAL, _WORDS):
        for match in pattern.finditer(text):
            numeral = match.group().strip()
            if numeral.lstrip("+-") not in declared_constants():
                findings.append(Finding(source, text.count("\n", 0, match.start()) + 1, numeral))
    return findings


def prose_sources(root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Yield every prose text of the repository with its name."""
    for path in [root / "README.md", *sorted((root / "book").glob("**/*.md"))]:
        yield path.relative_to(root).as_posix(), path.read_text("utf-8")
    for path in sorted((root / "book").glob("**/*.ipynb")):
        if ".ipynb_checkpoints" in path.parts:
            continue
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                yield f"{path.relative_to(root).as_posix()}#{cell['id']}", "".join(cell["source"])
