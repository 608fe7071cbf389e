"""Cuts of the certainty rules, read from the protocol and never set in code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.evidence.protocol import Protocol

__all__ = ["Cuts", "read_cuts"]


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where each rule changes its answer.

    Parameters
    ----------
    rate_margin
        Half width, as a proportion, to which a rate should be known: gives the optimal information size.
    relative_change
        Relative change of a risk that a trial should be able to show, with `power`.
    power
        Power of that trial, two-sided at 5 per cent.
    important
        Smallest difference in patients per 1,000 that matters, by outcome.
    important_ratio
        Smallest common odds ratio that matters for the shift over the scale.
    minority_share
        Share of true rates on the other side of the threshold from which rates are inconsistent.
    prediction_width
        Width of the prediction interval, as a proportion, from which rates are inconsistent.
    i2
        Share of variation beyond chance from which trials are inconsistent.
    majority
        Share of weight, or of studies, from which a weakness counts for the body.
    small_study_p
        P-value of the small-study test below which it counts.
    small_study_k
        Number of studies from which the test is made.
    """

    rate_margin: float
    relative_change: float
    power: float
    important: Mapping[str, float]
    important_ratio: float
    minority_share: float
    prediction_width: float
    i2: float
    majority: float
    small_study_p: float
    small_study_k: int


def read_cuts(protocol: Protocol) -> Cuts:
    """Return the cuts of the protocol's section ``certainty``.

    Raises
    ------
    ValueError
        When a cut is missing or is not a positive number.
    """
    section: dict[str, Any] = protocol.text.get("certainty", {}).get("cuts", {})
    names = [name for name in Cuts.__dataclass_fields__ if name != "important"]
    values: dict[str, Any] = {name: section.get(name) for name in names}
    important = section.get("important_per_1000", {})
    for name, value in (*values.items(), *important.items()):
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise ValueError(f"protocol, certainty.cuts.{name}: {value!r} is not a positive number")
    values["small_study_k"] = int(values["small_study_k"])
    return Cuts(important={key: float(value) for key, value in important.items()}, **values)
