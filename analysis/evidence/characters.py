"""Characters that nobody can see: two names that look the same would be two."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

__all__ = ["character_name", "hidden_character", "shows_nothing"]

#: Letters and marks by category that show nothing: fillers, joiners, variation selectors.
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}
_PLAIN = re.compile(r"[\t\n\r -~]*")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def hidden_character(text: str) -> str:
    r"""Return the first character of a text that shows nothing, or an empty text.

    Control characters other than tab and line end, marks of direction, joiners, soft hyphens and
    characters without a public meaning are such.

    Examples
    --------
    >>> hidden_character("Müller"), hidden_character("Mu" + chr(0x200B) + "ller")
    ('', '\u200b')
    """
    if _PLAIN.fullmatch(text):
        return ""
    return next((mark for mark in text if shows_nothing(mark)), "")


def character_name(mark: str) -> str:
    """Return the number and the name of a character.

    Examples
    --------
    >>> character_name(chr(0x200B)), character_name(chr(0))
    ('U+200B ZERO WIDTH SPACE', 'U+0000')
    """
    return f"U+{ord(mark):04X} {unicodedata.name(mark, '')}".rstrip()


@cache
def shows_nothing(mark: str) -> bool:
    """Whether a character other than a tab or a line end shows nothing."""
    if mark in "\t\n\r":
        return False
    return mark in _FILLERS or unicodedata.category(mark) in _HIDDEN
