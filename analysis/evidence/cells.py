"""Cells of a table: the value of a text, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from analysis.evidence.characters import character_name, hidden_character

__all__ = ["KINDS", "CellReader", "cell_reader", "near"]

#: Value and problem with what would be right; no problem where the cell is in order.
CellReader = Callable[[str], tuple[Any, tuple[str, str] | None]]

#: Kinds of a column, and the words for them.
KINDS = {
    "integer": "a whole number in digits",
    "number": "a number in digits, with a point for decimals",
    "date": "a day of the calendar as year-month-day, such as 2026-11-22",
    "string": "text",
}

#: Characters that appear when UTF-8 text was read as Latin-1 or Windows-1252 and saved again.
_MOJIBAKE = re.compile("Ã[\u0080-\u00bf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€|\ufffd")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
#: No count of people and no printed estimate has more digits than these.
_MOST_DIGITS = 9
_LONGEST_NUMBER = 30
_LONGEST_TEXT = 20_000


def near(word: str, words: Iterable[str]) -> str:
    """Return the word of a list that is nearly the one given, or an empty text.

    Examples
    --------
    >>> near("EVT", ["control", "evt"]), near("Inclde", ["include"]), near("x", ["include"])
    ('evt', 'include', '')
    """
    plain = {each.strip().casefold(): each for each in words}
    found = get_close_matches(word.strip().casefold(), plain, n=1)
    return plain[found[0]] if found else ""


def cell_reader(kind: str, limits: dict[str, Any]) -> CellReader:
    """Return the reader of one column; equal cells are read once.

    Parameters
    ----------
    kind
        One of `KINDS`.
    limits
        Constraints of the Table Schema: ``required``, ``enum``, ``pattern``, ``minimum``, ``maximum``.
    """
    known: dict[str, tuple[Any, tuple[str, str] | None]] = {}
    pattern = re.compile(limits["pattern"]) if "pattern" in limits else None

    def read(cell: str) -> tuple[Any, tuple[str, str] | None]:
        if cell not in known:
            known[cell] = _read(cell, kind, limits, pattern)
        return known[cell]

    return read


def _read(
    cell: str, kind: str, limits: dict[str, Any], pattern: re.Pattern[str] | None
) -> tuple[Any, tuple[str, str] | None]:
    problem = _text_problem(cell)
    if problem:
        return None, problem
    if not cell:
        return None, ("cell is blank", KINDS[kind]) if limits.get("required") else None
    value = _VALUES[kind](cell)
    if value is None:
        blank = "" if limits.get("required") else " or a blank cell"
        return None, (f"not {KINDS[kind]}", KINDS[kind] + blank)
    return value, _limit_problem(cell, value, limits, pattern)


def _text_problem(cell: str) -> tuple[str, str] | None:
    if _MOJIBAKE.search(cell):
        return "text is not UTF-8, letters are lost or garbled", "the file saved as UTF-8"
    hidden = hidden_character(cell)
    if hidden:
        problem = f"holds a character that shows nothing ({character_name(hidden)})"
        return problem, "the text without it"
    if cell != cell.strip():
        return "blanks before or after the text", repr(cell.strip()[:60])
    if len(cell) > _LONGEST_TEXT:
        return f"text of {len(cell)} characters", f"at most {_LONGEST_TEXT}"
    return None


def _limit_problem(
    cell: str, value: Any, limits: dict[str, Any], pattern: re.Pattern[str] | None
) -> tuple[str, str] | None:
    if "enum" in limits and cell not in limits["enum"]:
        hint = near(cell, limits["enum"])
        expected = "one of " + ", ".join(limits["enum"]) + (f" (near: {hint})" if hint else "")
        return "not in the vocabulary", expected
    if "minimum" in limits and value < limits["minimum"]:
        return "too small", f"at least {limits['minimum']}"
    if "maximum" in limits and value > limits["maximum"]:
        return "too large", f"at most {limits['maximum']}"
    if isinstance(value, int | Decimal) and abs(value) >= 10**_MOST_DIGITS:
        return "too large", f"at most {_MOST_DIGITS} digits"
    if pattern is not None and not pattern.search(cell):
        return "not in the right form", f"the pattern {pattern.pattern}"
    # "$" of a pattern lets a line end pass at the end, which the blanks above have refused.
    return None


def _integer(cell: str) -> int | None:
    return int(cell) if len(cell) <= _LONGEST_NUMBER and _INTEGER.fullmatch(cell) else None


def _number(cell: str) -> Decimal | None:
    return Decimal(cell) if len(cell) <= _LONGEST_NUMBER and _NUMBER.fullmatch(cell) else None


def _day(cell: str) -> date | None:
    try:
        return date.fromisoformat(cell) if _DAY.fullmatch(cell) else None
    except ValueError:
        return None


_VALUES: dict[str, Callable[[str], Any]] = {
    "integer": _integer,
    "number": _number,
    "date": _day,
    "string": str,
}
