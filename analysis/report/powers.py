"""Very small and very large numbers in print: a power of ten, not the notation of a program."""

from __future__ import annotations

import re

__all__ = ["power_of_ten", "printed_powers"]

_NUMBER = re.compile(r"(?<![\w.])(?P<digits>\d+(?:\.\d+)?)e(?P<power>[+-]?\d+)(?!\w)")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def printed_powers(text: str) -> str:
    """Return a text with the powers of ten that a program wrote as readers know them.

    Examples
    --------
    >>> printed_powers("a change of 1e-05, at most 4.1e-08")
    'a change of 10⁻⁵, at most 4.1 × 10⁻⁸'
    """
    return _NUMBER.sub(_printed, text)


def power_of_ten(value: float) -> str:
    """Write a number with one digit and a power of ten.

    Examples
    --------
    >>> power_of_ten(0.0000042)
    '4 × 10⁻⁶'
    """
    return printed_powers(f"{value:.0e}")


def _printed(match: re.Match[str]) -> str:
    digits, power = match["digits"], int(match["power"])
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    if float(digits) == 0.0:
        return "0"
    if power == 0:
        return digits
    raised = "10" + str(power).translate(_RAISED)
    return raised if digits == "1" else f"{digits} × {raised}"
