"""Numbers as readers see them: as precise as their interval allows, and never a bare ``nan``.

Every function returns text. A value that does not exist becomes a plain word, `MISSING`. Halves
round up, as readers expect, and negative numbers carry a true minus sign.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

__all__ = [
    "MISSING",
    "RateChange",
    "count",
    "counted",
    "date_text",
    "events_of_total",
    "fixed",
    "i_squared",
    "in_hundred",
    "interval",
    "is_missing",
    "p_value",
    "percent",
    "percent_decimals",
    "percent_range",
    "points",
    "points_between",
    "rate_change",
    "ratio",
    "ratio_limit",
    "share",
    "statistic",
    "tau2",
    "whole",
]

#: Shown in place of a value that could not be estimated or was not given.
MISSING = "not available"

#: Widths of an interval, in percentage points, below which one more decimal is shown: a decimal
#: says something only when the interval spans few of its units.
_ONE_DECIMAL_BELOW = 5.0
_TWO_DECIMALS_BELOW = 0.5

#: No rate is written with more decimals of a per cent than this.
_MOST_DECIMALS = 8
#: Rates below this, in per cent, and above 100 less this, are written with two digits that count.
_RARE = 0.1
#: Differences of proportions below this are noise of computation.
_SAME = 1e-9

#: Room for every digit of the largest float.
_CONTEXT = Context(prec=400, rounding=ROUND_HALF_UP)
_THIN_SPACE = "\u202f"
_MINUS = "\u2212"
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def is_missing(value: float | None) -> bool:
    """Tell whether a value is absent or not a finite number."""
    return value is None or not math.isfinite(value)


def fixed(value: float | None, decimals: int = 0) -> str:
    """Write a number with a set number of decimals, halves rounded up.

    Examples
    --------
    >>> fixed(12.5), fixed(-0.25, 1), fixed(-0.01, 1), fixed(None)
    ('13', '−0.3', '0.0', 'not available')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    # Rounding to ten places first undoes binary noise: 100 * 0.285 is 28.499999999999996.
    exact = Decimal(repr(round(float(value), 10)))
    rounded = exact.quantize(Decimal(1).scaleb(-decimals), context=_CONTEXT)
    text = f"{abs(rounded):f}"
    return f"{_MINUS}{text}" if rounded < 0 else text


def count(value: float | None) -> str:
    """Write a count; five digits and more are grouped by thin spaces.

    Examples
    --------
    >>> count(971), count(1964), count(12345).replace("\u202f", "_")
    ('971', '1964', '12_345')
    """
    text = fixed(value)
    digits = text.lstrip(_MINUS)
    if not digits.isdigit() or len(digits) < 5:
        return text
    return text[: -len(digits)] + f"{int(digits):,}".replace(",", _THIN_SPACE)


def counted(value: int, singular: str, plural: str | None = None, *, words: bool = False) -> str:
    """Write a count with its noun; `words` spells numbers below ten, for prose.

    Examples
    --------
    >>> counted(1, "study", "studies"), counted(9, "study", "studies", words=True)
    ('1 study', 'nine studies')
    """
    noun = singular if value == 1 else (plural or singular + "s")
    number = _WORDS[value] if words and 0 <= value < len(_WORDS) else count(value)
    return f"{number} {noun}"


def events_of_total(events: float | None, total: float | None) -> str:
    """Write ``"40/48"``.

    Examples
    --------
    >>> events_of_total(40, 48), events_of_total(None, 48)
    ('40/48', 'not available')
    """
    if is_missing(events) or is_missing(total):
        return MISSING
    return f"{count(events)}/{count(total)}"


def percent_decimals(low: float | None, high: float | None, value: float | None = None) -> int:
    """Return how many decimals of a per cent a rate and its interval need; the one rule for all rates.

    As many as the width of the interval deserves: none from five points on, and one more for every
    tenth of it. A rate below 0.1%, or above 99.9%, has two digits that count, whatever the width.

    Examples
    --------
    >>> percent_decimals(0.76, 0.9), percent_decimals(0.031, 0.0549)
    (0, 1)
    >>> percent_decimals(0.00017, 0.00073, 0.00035)
    3
    """
    places = 0
    if low is not None and high is not None and math.isfinite(low) and math.isfinite(high):
        width = round(100 * abs(high - low), 9)
        if width < _ONE_DECIMAL_BELOW:
            places = 1 if width >= _TWO_DECIMALS_BELOW else 2
        while 0 < width < _ONE_DECIMAL_BELOW * 10.0**-places and places < _MOST_DECIMALS:
            places += 1
    if value is not None and 0 < value < 1:
        rest = 100 * min(value, 1 - value)
        if rest < _RARE:
            places = max(places, min(1 - math.floor(math.log10(rest)), _MOST_DECIMALS))
    return places


def share(proportion: float | None, decimals: int = 0) -> str:
    """Write a proportion as a percentage without its sign; what would round to 0 or 100 says so.

    Examples
    --------
    >>> share(0.84), share(0.003), share(0.998), share(0.0), share(1.0), share(0.0004, 1)
    ('84', '<1', '>99', '0', '100', '<0.1')
    """
    if proportion is None or not math.isfinite(proportion):
        return MISSING
    text = fixed(100 * proportion, decimals)
    if text == MISSING:
        return MISSING
    step = Decimal(1).scaleb(-decimals)
    if Decimal(text.replace(_MINUS, "-")) == 0:
        return "0" if proportion == 0 else f"<{step}" if proportion > 0 else text
    if Decimal(text.replace(_MINUS, "-")) == 100:
        return "100" if proportion >= 1 else f">{100 - step}"
    return text


def percent_range(low: float | None, high: float | None, decimals: int | None = None) -> str:
    """Write two proportions as ``"76 to 90"``.

    Examples
    --------
    >>> percent_range(0.76, 0.9), percent_range(float("nan"), 0.9), percent_range(-0.04, 0.5)
    ('76 to 90', 'not available', '0 to 50')
    """
    if is_missing(low) or is_missing(high):
        return MISSING
    places = percent_decimals(low, high) if decimals is None else decimals
    # On the raw and log scales limits can leave 0 to 1; no rate does.
    ends = [min(max(float(end or 0.0), 0.0), 1.0) for end in (low, high)]
    return f"{share(ends[0], places)} to {share(ends[1], places)}"


def percent(
    proportion: float | None, low: float | None = None, high: float | None = None, *, at_least: int = 0
) -> str:
    """Write a proportion with its interval, to the precision that the interval allows.

    The rate itself gets no fewer decimals than `at_least`, as beside a difference that has them.

    Examples
    --------
    >>> percent(0.8412, 0.7604, 0.9011), percent(0.0412, 0.031, 0.0549), percent(0.003)
    ('84% (76 to 90)', '4.1% (3.1 to 5.5)', '<1%')
    >>> percent(0.00035, 0.00017, 0.00073)
    '0.035% (0.017 to 0.073)'
    """
    if is_missing(proportion):
        return MISSING
    if low is None and high is None:
        text = share(proportion)
        return MISSING if text == MISSING else f"{text}%"
    places = percent_decimals(low, high, proportion)
    if is_missing(low) or is_missing(high):
        inside = f"interval {MISSING}"
    else:
        inside = percent_range(low, high, places)
    return f"{share(proportion, max(at_least, places))}% ({inside})"


def points(difference: float | None, decimals: int = 0) -> str:
    """Write a difference of proportions in signed percentage points.

    Examples
    --------
    >>> points(0.031), points(-0.02), points(0.0001)
    ('+3 points', '−2 points', '0 points')
    """
    if difference is None or not math.isfinite(difference):
        return MISSING
    text = fixed(100 * difference, decimals)
    if text == MISSING:
        return MISSING
    sign = "+" if Decimal(text.replace(_MINUS, "-")) > 0 else ""
    noun = "point" if text.lstrip(_MINUS) == "1" else "points"
    return f"{sign}{text} {noun}"


def points_between(
    after: float | None, before: float | None, after_places: int = 0, before_places: int = 0
) -> str:
    """Write the difference of two proportions as a reader finds it who takes one from the other.

    Each is rounded as it is shown, before the difference is taken.

    Examples
    --------
    >>> points_between(0.8249, 0.8351, 1, 1), points_between(0.046, 0.06, 1), points_between(0.844, 0.836)
    ('−1.0 points', '−1.4 points', '0 points')
    """
    if after is None or before is None or is_missing(after) or is_missing(before):
        return MISSING
    shown = _shown(100 * after, after_places) - _shown(100 * before, before_places)
    return points(float(shown) / 100, max(after_places, before_places))


@dataclass(frozen=True, slots=True)
class RateChange:
    """Two rates as shown, with equally many decimals, and their difference as a reader finds it.

    The one way in which a change of a rate is written: on pages, in figures and by commands.
    """

    before: str
    after: str
    change: str
    places: int

    def moved(self, part: float, whole_change: float) -> str:
        """Write a part of the change; a part that is all of it reads as the change does."""
        return self.change if abs(part - whole_change) < _SAME else points(part, self.places)


def rate_change(
    before: tuple[float, float, float] | None, after: tuple[float, float, float] | None, none: str = MISSING
) -> RateChange:
    """Write two rates, each with its interval, and the change from one to the other.

    Both have as many decimals as the one that needs more, and at least one. `none` stands for a rate
    that does not exist.

    Examples
    --------
    >>> found = rate_change((0.00457, 0.0025, 0.0071), (0.00615, 0.0043, 0.0082))
    >>> found.before, found.after, found.change
    ('0.46% (0.25 to 0.71)', '0.62% (0.43 to 0.82)', '+0.16 points')
    """
    known = [triple for triple in (before, after) if triple is not None]
    places = max((_decimals(percent(*triple, at_least=1)) for triple in known), default=1)
    was, now = (none if triple is None else percent(*triple, at_least=places) for triple in (before, after))
    if before is None or after is None:
        return RateChange(was, now, points(None), places)
    return RateChange(was, now, points_between(after[0], before[0], places, places), places)


def _decimals(text: str) -> int:
    """Count the decimals of the first number of a text."""
    found = re.match(r"[<>\u2212]*\d+(?:\.(\d+))?", text)
    return len(found[1] or "") if found else 0


def whole(value: float) -> int:
    """Round a number once to a whole one, halves away from zero as `fixed` shows them.

    A difference is rounded from its own unrounded value, never taken from two rounded ones.

    Examples
    --------
    >>> whole(81.4), whole(-7.3), whole(0.5), whole(-0.5)
    (81, -7, 1, -1)
    """
    return int(_shown(value, 0))


def _shown(value: float, decimals: int) -> Decimal:
    return Decimal(fixed(value, decimals).replace(_MINUS, "-"))


def interval(low: float | None, high: float | None, decimals: int = 2) -> str:
    """Write two numbers as ``"0.79 to 1.15"``; an infinite upper end is called so.

    Examples
    --------
    >>> interval(0.79, 1.15), interval(0.0, float("inf"))
    ('0.79 to 1.15', '0.00 to no upper limit')
    """
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return MISSING
    lower = "no lower limit" if low == -math.inf else fixed(low, decimals)
    upper = "no upper limit" if high == math.inf else fixed(high, decimals)
    return f"{lower} to {upper}"


def ratio(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Write a ratio such as an odds or rate ratio, with its interval if given.

    A limit that two decimals would round onto one, where intervals are read, has three.

    Examples
    --------
    >>> ratio(0.95, 0.79, 1.15), ratio(12.34), ratio(0.85, 0.72, 0.9967)
    ('0.95 (0.79 to 1.15)', '12.3', '0.85 (0.72 to 0.997)')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    text = _ratio_number(value)
    if low is None and high is None:
        return text
    if is_missing(low) or is_missing(high):
        return f"{text} (interval {MISSING})"
    return f"{text} ({ratio_limit(low)} to {ratio_limit(high)})"


def ratio_limit(value: float | None) -> str:
    """Write a limit of a ratio; one that two decimals would round onto one has three.

    Examples
    --------
    >>> ratio_limit(0.9967), ratio_limit(1.15)
    ('0.997', '1.15')
    """
    text = _ratio_number(value)
    return fixed(value, 3) if text == "1.00" and value != 1 else text


def _ratio_number(value: float | None) -> str:
    size = abs(value or 0.0)
    return fixed(value, 2 if size < 10 else 1 if size < 100 else 0)


def p_value(value: float | None) -> str:
    """Write a p-value with its letter; none is shown smaller than 0.001 or larger than 0.99.

    Three decimals below 0.01 and where two would round a value across 0.05 or 0.10, where tests are read.

    Examples
    --------
    >>> p_value(0.0004), p_value(0.0042), p_value(0.031), p_value(0.0496), p_value(0.0958), p_value(0.999)
    ('p<0.001', 'p=0.004', 'p=0.03', 'p=0.050', 'p=0.096', 'p>0.99')
    """
    if value is None or not math.isfinite(value):
        return f"p {MISSING}"
    if value < 0.001:
        return "p<0.001"
    if value > 0.99:
        return "p>0.99"
    close = value < 0.01 or 0.045 <= value < 0.055 or 0.095 <= value < 0.105
    return f"p={fixed(value, 3 if close else 2)}"


def tau2(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Write a between-study variance, with its interval if given.

    Examples
    --------
    >>> tau2(0.5234), tau2(0.0421), tau2(0.0), tau2(0.0002), tau2(0.52, 0.1, 2.25)
    ('0.52', '0.042', '0', '<0.001', '0.52 (0.10 to 2.25)')
    """
    text = _tau2_number(value)
    if text == MISSING or (low is None and high is None):
        return text
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return f"{text} (interval {MISSING})"
    upper = "no upper limit" if math.isinf(high) else _tau2_number(high)
    return f"{text} ({_tau2_number(low)} to {upper})"


def _tau2_number(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    if value < 0.001:
        return "<0.001"
    return fixed(value, 3 if value < 0.1 else 2 if value < 10 else 1 if value < 100 else 0)


def i_squared(value: float | None) -> str:
    """Write I² from a fraction, in whole per cent.

    Examples
    --------
    >>> i_squared(0.714), i_squared(0.0)
    ('71%', '0%')
    """
    text = share(value)
    return MISSING if text == MISSING else f"{text}%"


def statistic(value: float | None) -> str:
    """Write a test statistic: two decimals below ten, one below a hundred, else none.

    Examples
    --------
    >>> statistic(3.14159), statistic(43.21), statistic(321.4)
    ('3.14', '43.2', '321')
    """
    if value is None or not math.isfinite(value):
        return MISSING
    return fixed(value, 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0)


def in_hundred(proportion: float | None) -> str:
    """Write a proportion as people: ``"about 84 in 100"``.

    Examples
    --------
    >>> in_hundred(0.84), in_hundred(0.004), in_hundred(0.999), in_hundred(1.0)
    ('about 84 in 100', 'fewer than 1 in 100', 'more than 99 in 100', '100 in 100')
    """
    text = share(proportion)
    if text == MISSING:
        return MISSING
    if text.startswith("<"):
        return f"fewer than {text[1:]} in 100"
    if text.startswith(">"):
        return f"more than {text[1:]} in 100"
    return f"{text} in 100" if text in ("0", "100") else f"about {text} in 100"


def date_text(iso: str | None) -> str:
    """Write an ISO date, month or year in words.

    Examples
    --------
    >>> date_text("2023-01-31"), date_text("2023-01"), date_text("2023"), date_text("")
    ('31 January 2023', 'January 2023', '2023', 'not available')
    """
    parts = (iso or "").split("-")
    if not all(part.isdigit() for part in parts) or len(parts) > 3:
        return MISSING
    if len(parts) == 1:
        return parts[0]
    month = int(parts[1])
    if not 1 <= month <= 12:
        return MISSING
    words = f"{_MONTHS[month - 1]} {parts[0]}"
    return words if len(parts) == 2 else f"{int(parts[2])} {words}"
