"""Signs and words for what sources and tables write in plain characters or in names of columns."""

from __future__ import annotations

import re

__all__ = ["plain_note", "signs"]

#: Not the look-behind of a regular expression, which is written "(?<=".
_SIGN = re.compile(r"(?<!\?)(<=|&lt;=|>=|&gt;=)")
_COLUMNS = {
    "n_patients": "the number of patients",
    "n_studies": "the number of studies",
    "n_female": "the number of women",
    "study_id": "the key of the study",
    "I2": "I²",
}
_COLUMN = re.compile(rf"\b({'|'.join(_COLUMNS)})\b")
#: An address typed without its scheme, in brackets of its own: no reader can follow it.
_BARE_ADDRESS = re.compile(r" ?\((?:[a-z0-9-]+\.)+[a-z]{2,}/[^\s()]*\)")


def signs(text: str) -> str:
    """Write comparisons with one sign, in text and in HTML.

    Examples
    --------
    >>> signs("NIHSS <=6, eTICI >=2b"), signs("(?<=a)b")
    ('NIHSS ≤6, eTICI ≥2b', '(?<=a)b')
    """
    return _SIGN.sub(lambda found: "≤" if found[1] in ("<=", "&lt;=") else "≥", text)


def plain_note(text: str) -> str:
    """Return a note of the data with words for columns and without bare addresses.

    Examples
    --------
    >>> plain_note("sentence 2 (a.org/x); n_patients and I2 not printed")
    'sentence 2; the number of patients and I² not printed'
    """
    return signs(_COLUMN.sub(lambda found: _COLUMNS[found[1]], _BARE_ADDRESS.sub("", text)))
