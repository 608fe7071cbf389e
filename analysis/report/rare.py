"""Rates near 0 or 1 that stand without an interval: as many digits as they need.

Beside its interval a rate is written by `analysis.report.numbers.percent`, whose rule is the same.
"""

from __future__ import annotations

import math

from analysis.report.numbers import MISSING, percent_decimals, share

__all__ = ["plain_rate", "rate_share"]


def rate_share(value: float | None, decimals: int = 0) -> str:
    """Write a rate as `share` does; one below 0.1%, or above 99.9%, with the two digits that count.

    Examples
    --------
    >>> rate_share(0.84), rate_share(7 / 20_000), rate_share(0.0), rate_share(0.99965)
    ('84', '0.035', '0', '99.965')
    """
    return share(value, max(decimals, percent_decimals(None, None, value)))


def plain_rate(value: float | None, decimals: int) -> str:
    """Write a rate as a proportion, cut at 0 and 1; none is rounded onto 0 or 1 that is not there.

    Examples
    --------
    >>> plain_rate(0.1, 4), plain_rate(3e-9, 4), plain_rate(0.99999, 4), plain_rate(-0.02, 4)
    ('0.1000', '3e-09', '>0.9999', '0.0000')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    inside = min(max(value, 0.0), 1.0)
    text = f"{inside:.{decimals}f}"
    if 0 < inside < 1 and float(text) in (0.0, 1.0):
        return f">{1 - 10.0**-decimals:.{decimals}f}" if float(text) else f"{inside:.2g}"
    return text
