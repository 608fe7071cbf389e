"""Checks of counts before anything is fitted, with errors that name the row and the value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.synthesis.types import FloatArray, Numbers

__all__ = ["CountsError", "NoStudies", "check_counts", "check_labels"]


#: From here on whole numbers are no longer told apart.
_TOO_LARGE = 2.0**53


class CountsError(ValueError):
    """A count that cannot be right; `row` is the position from zero, `column` its name."""

    def __init__(self, message: str, *, row: int | None = None, column: str | None = None) -> None:
        super().__init__(message)
        self.row = row
        self.column = column


class NoStudies(CountsError):
    """There is nothing to pool."""


def check_counts(events: Numbers, total: Numbers) -> tuple[FloatArray, FloatArray]:
    """Return events and totals as float arrays, or raise `CountsError`.

    Counts must be whole numbers with ``0 <= events <= total`` and ``total >= 1``.

    Examples
    --------
    >>> check_counts([1, 2], [3, 1])
    Traceback (most recent call last):
        ...
    analysis.synthesis.counts.CountsError: row 2: events is 2, more than the total of 1
    """
    x, n = _array(events, "events"), _array(total, "total")
    if x.size != n.size:
        raise CountsError(f"{x.size} events but {n.size} totals")
    if x.size == 0:
        raise NoStudies("no studies: there is nothing to pool")
    for values, name in ((x, "events"), (n, "total")):
        wrong = ~np.isfinite(values) | (values != np.floor(values))
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise CountsError(
                f"row {row + 1}: {name} is {values[row]:g}, not a whole number",
                row=row,
                column=name,
            )
    beyond = n >= _TOO_LARGE
    if beyond.any():
        row = int(np.flatnonzero(beyond)[0])
        raise CountsError(
            f"row {row + 1}: total is {n[row]:.6g}, beyond 2^53: no such number of patients exists, and it "
            "cannot be computed with exactly",
            row=row,
            column="total",
        )
    for wrong, name, why in (
        (n < 1, "total", "below one"),
        (x < 0, "events", "below zero"),
        (x > n, "events", "more than the total of {n:g}"),
    ):
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            value = (n if name == "total" else x)[row]
            reason = why.format(n=n[row])
            raise CountsError(f"row {row + 1}: {name} is {value:g}, {reason}", row=row, column=name)
    return x, n


def _array(values: Numbers, name: str) -> FloatArray:
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(float), np.nan)
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError, OverflowError) as error:
        for row, value in enumerate(values):
            try:
                float(value)
            except (TypeError, ValueError, OverflowError):
                raise CountsError(
                    f"row {row + 1}: {name} is {value!r}, not a number", row=row, column=name
                ) from error
        raise CountsError(f"{name} is not a list of numbers") from error
    if array.ndim != 1:
        raise CountsError(f"{name} has {array.ndim} dimensions, expected one")
    return array


def check_labels(labels: Sequence[str] | None, k: int) -> tuple[str, ...]:
    """Return one label a study, ``"study 1"`` and so on when none are given."""
    if labels is None:
        return tuple(f"study {i + 1}" for i in range(k))
    if isinstance(labels, str):
        raise CountsError(f"labels is the text {labels!r}, expected a list of {k} labels")
    if len(labels) != k:
        raise CountsError(f"{len(labels)} labels for {k} studies")
    return tuple(str(label) for label in labels)
