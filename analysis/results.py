"""Shared behaviour of every result: rows, a data frame, plain text and HTML.

A result is a frozen dataclass that carries its data and settings. It lists its rows once, as plain
dictionaries, and every view is made from those rows. pandas is imported only when a frame is asked for,
so the numeric core stays free of it.
"""

from __future__ import annotations

from dataclasses import fields
from html import escape
from math import floor, isfinite, log10
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DIGITS", "Result", "difference", "no_finer", "settled", "to_plain"]

#: Significant digits in files that are published.
DIGITS = 12


def to_plain(value: Any) -> Any:
    """Turn numpy scalars, arrays, tuples and nested results into plain Python for JSON.

    Non-finite floats become ``None``, as JSON has no word for them.

    Examples
    --------
    >>> import numpy as np
    >>> to_plain({"k": np.int64(3), "tau2": float("nan"), "x": np.array([1.0, 2.0])})
    {'k': 3, 'tau2': None, 'x': [1.0, 2.0]}
    """
    if isinstance(value, Result):
        return value.to_dict()
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return to_plain(value.tolist())
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def settled(value: Any, digits: int = DIGITS) -> Any:
    """Keep so many significant digits of every float in plain values.

    The last bits of a fit may differ between two builds, and a published file must not.

    Examples
    --------
    >>> settled({"estimate": 0.1 + 0.2, "k": 3})
    {'estimate': 0.3, 'k': 3}
    """
    if isinstance(value, dict):
        return {key: settled(item, digits) for key, item in value.items()}
    if isinstance(value, list):
        return [settled(item, digits) for item in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def no_finer(value: float, *terms: float) -> float:
    """Round what was derived from terms to the last place that the largest of them is published to.

    A difference of two numbers has no more decimals than they have; what lies below is rounding error
    of the fits, and would differ between two builds.

    Examples
    --------
    >>> no_finer(2.2e-15, 0.803679154733), no_finer(-0.03395209972144219, 0.803679154733)
    (0.0, -0.033952099721)
    """
    largest = max((abs(term) for term in terms if isfinite(term)), default=0.0)
    if not isfinite(value) or largest == 0.0:
        return value
    # Adding zero turns a minus zero into zero.
    return round(value, DIGITS - 1 - floor(log10(largest))) + 0.0


def difference(after: float, before: float) -> float:
    """Return after minus before, exactly zero when they are equal to the published digits.

    Examples
    --------
    >>> difference(0.1 + 0.2, 0.3), difference(0.75, 0.5)
    (0.0, 0.25)
    """
    return no_finer(after - before, after, before)


class Result:
    """Base of all frozen results, which are dataclasses.

    `rows` lists the facts as dictionaries with the same keys. A subclass of plain values needs none of its
    own; `to_dict` may be overridden when a result has one object rather than a list to say.
    """

    __slots__ = ()

    def rows(self) -> list[dict[str, Any]]:
        """Return the result as rows of plain values, in display order: here all fields but the notes."""
        names = [field.name for field in fields(cast(Any, self)) if field.name != "notes"]
        return [{name: getattr(self, name) for name in names}]

    def to_dict(self) -> dict[str, Any]:
        """Return the result as one JSON-ready object."""
        return {"rows": to_plain(self.rows())}

    def to_frame(self) -> pd.DataFrame:
        """Return the rows as a data frame."""
        import pandas as pd

        return pd.DataFrame(self.rows())

    def to_text(self) -> str:
        """Return the rows as an aligned plain-text table."""
        rows = self.rows()
        if not rows:
            return "(no rows)"
        heads = list(rows[0])
        cells = [heads] + [[_text(row.get(head)) for head in heads] for row in rows]
        widths = [max(len(line[i]) for line in cells) for i in range(len(heads))]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in cells
        )

    def _repr_html_(self) -> str:
        rows = self.rows()
        heads = list(rows[0]) if rows else []
        head = "".join(f"<th scope='col'>{escape(name)}</th>" for name in heads)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(_text(row.get(name)))}</td>" for name in heads) + "</tr>"
            for row in rows
        )
        return f"<table class='result'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if value != value else f"{value:.6g}"
    return str(value)
