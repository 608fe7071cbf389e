"""Checks of the arithmetic inside one row."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from analysis.evidence.faults import Finding
from analysis.evidence.rules import Check, Tables, found
from analysis.evidence.tables import Outcome

__all__ = ["CHECKS", "fitting_counts", "percent_agreement"]

_EXACT = ("stated", "from_percent", "deduced")


def percent_agreement(events: int, total: int, percent: Decimal) -> str:
    """Say how a printed percentage agrees with a count.

    Returns
    -------
    str
        ``"rounded"`` when the count rounds to the print (a half may go either way), ``"truncated"``
        when the decimals were cut off, ``"conflict"`` otherwise.

    Examples
    --------
    >>> percent_agreement(2, 3, Decimal("67")), percent_agreement(11, 30, Decimal("36.6"))
    ('rounded', 'truncated')
    >>> percent_agreement(36, 42, Decimal("88.7"))
    'conflict'
    """
    exact = Decimal(100 * events) / Decimal(total)
    unit = Decimal(1).scaleb(int(percent.as_tuple().exponent))
    if abs(exact - percent) <= unit / 2:
        return "rounded"
    return "truncated" if percent <= exact < percent + unit else "conflict"


def fitting_counts(total: int, percent: Decimal) -> tuple[int, ...]:
    """Return every count out of a total that rounds to a printed percentage."""
    near = int(percent * total / 100)
    candidates = range(max(0, near - 2), min(total, near + 3) + 1)
    fits = [count for count in candidates if percent_agreement(count, total, percent) == "rounded"]
    # A coarse print of a large total can fit many counts on either side.
    if fits and (fits[0] == candidates[0] or fits[-1] == candidates[-1]):
        fits = [c for c in range(total + 1) if percent_agreement(c, total, percent) == "rounded"]
    return tuple(fits)


def _explanation(row: Outcome) -> str:
    """Return why a count may differ from its printed percentage, or an empty text.

    Only a note that names both the percentage and the count explains a conflict; a changed count is
    then no longer explained.
    """
    named = (str(row.percent_reported), f"{row.events}/{row.total}")
    if all(word in row.threshold_note for word in named):
        return f"the row says so ({row.threshold_note})"
    return ""


def _within_total(tables: Tables) -> Iterator[Finding]:
    for row in tables["outcomes"]:
        if row.events is None or row.total is None:
            continue
        message = f"{row.events} events in a total of {row.total}" if row.events > row.total else ""
        yield found(
            "outcomes", row, ("events", "total"), message=message, expected=f"at most {row.total}"
        )


def _extraction_within_total(tables: Tables) -> Iterator[Finding]:
    for row in tables["double_extraction"]:
        if row.events is None or row.total is None:
            continue
        message = f"{row.events} events in a total of {row.total}" if row.events > row.total else ""
        yield found(
            "double_extraction",
            row,
            ("events", "total"),
            message=message,
            expected=f"at most {row.total}",
        )


def _bounds(tables: Tables) -> Iterator[Finding]:
    columns = ("events_low", "events", "events_high", "total", "derivation")
    for row in tables["outcomes"]:
        low, high = row.events_low, row.events_high
        message = expected = ""
        if (low is None) != (high is None):
            message, expected = "one bound without the other", "both bounds or none"
        elif low is not None and high is not None:
            if low > high:
                message, expected = (
                    f"lower bound {low} above upper bound {high}",
                    "low at most high",
                )
            elif row.total is not None and high > row.total:
                message, expected = f"bound {high} above the total", f"at most {row.total}"
            elif row.events is not None and not low == row.events == high:
                message = f"bounds {low} and {high} differ from the exact count {row.events}"
                expected = f"{row.events} in both"
        yield found("outcomes", row, columns, message=message, expected=expected)


def _derivation(tables: Tables) -> Iterator[Finding]:
    columns = ("derivation", "events", "total", "events_low", "events_high", "percent_reported")
    for row in tables["outcomes"]:
        message = expected = ""
        if row.derivation in _EXACT and not row.has_count:
            message, expected = "an exact derivation without a count", "events and total"
        elif row.derivation == "approximate" and (row.events is not None or row.events_low is None):
            message, expected = "an approximate row needs bounds and no count", "bounds alone"
        elif row.derivation == "not_available" and row.events is not None:
            message, expected = "a count in a row said to have none", "blank events"
        elif row.derivation == "from_percent" and row.percent_reported is None:
            message, expected = "a count from a percentage that is not there", "the percentage"
        yield found("outcomes", row, columns, message=message, expected=expected)


def _percent(tables: Tables) -> Iterator[Finding]:
    columns = ("percent_reported", "events", "total")
    for row in tables["outcomes"]:
        percent = row.percent_reported
        if percent is None or not row.has_count or row.events > row.total:
            continue
        agreement = percent_agreement(row.events, row.total, percent)
        exact = 100 * row.events / row.total
        count = f"{row.events}/{row.total} = {exact:.2f}%"
        if agreement == "rounded":
            yield found("outcomes", row, columns)
        elif agreement == "truncated":
            yield found(
                "outcomes",
                row,
                columns,
                message=f"printed {percent}, {count}",
                explained="the print cuts decimals off instead of rounding",
            )
        else:
            places = max(0, -int(percent.as_tuple().exponent))
            yield found(
                "outcomes",
                row,
                columns,
                message=f"percentage contradicts its count: printed {percent}, {count}",
                expected=f"{exact:.{places}f}",
                explained=_explanation(row),
            )


def _only_fit(tables: Tables) -> Iterator[Finding]:
    columns = ("events", "percent_reported", "total", "derivation")
    for row in tables["outcomes"]:
        if row.derivation != "from_percent" or row.percent_reported is None or not row.has_count:
            continue
        fits = fitting_counts(row.total, row.percent_reported)
        if len(fits) <= 1:  # none is for the check of the percentage itself
            yield found("outcomes", row, columns)
            continue
        shown = ", ".join(str(count) for count in fits)
        yield found(
            "outcomes",
            row,
            columns,
            message=f"{row.percent_reported}% of {row.total} fits {shown}",
            expected="a count that is the only fit, or derivation approximate with bounds",
        )


def _bounds_fit(tables: Tables) -> Iterator[Finding]:
    """Hold the bounds of an approximate row against the counts that fit its percentage."""
    columns = ("events_low", "events_high", "percent_reported", "total")
    for row in tables["outcomes"]:
        if row.derivation != "approximate" or row.events_low is None or row.total is None:
            continue
        bounds = (row.events_low, row.events_high)
        if row.percent_reported is None:
            yield found(
                "outcomes",
                row,
                columns,
                message=f"a range of {bounds[0]} to {bounds[1]} that rests on no percentage",
                expected="a percentage, or a note with the reason for the range",
                explained=row.note,
            )
            continue
        fits = fitting_counts(row.total, row.percent_reported)
        ends = (fits[0], fits[-1]) if fits else None
        fitting = f"{ends[0]} and {ends[1]}" if ends else "another percentage or total"
        yield found(
            "outcomes",
            row,
            columns,
            message=""
            if bounds == ends
            else f"{row.percent_reported}% of {row.total} fits {ends or 'no count'}",
            expected=fitting,
        )


CHECKS: tuple[Check, ...] = (
    Check("events-within-total", "Events do not exceed the total", _within_total),
    Check(
        "extraction-within-total", "Raw extractions: events within total", _extraction_within_total
    ),
    Check("bounds", "Bounds enclose the count", _bounds),
    Check("derivation", "Derivation fits what the row holds", _derivation),
    Check("percent", "Printed percentage agrees with the count", _percent),
    Check("bounds-fit", "A range holds the counts that fit the percentage", _bounds_fit),
    Check("only-fit", "A count from a percentage is the only fit", _only_fit),
)
