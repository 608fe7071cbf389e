"""Checks of what functions are given, one for each kind of argument; every message names the argument.

Counts have checks of their own in `analysis.synthesis.counts`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, TypeVar

import numpy as np

from analysis.synthesis.types import FloatArray

__all__ = [
    "check_choice",
    "check_design",
    "check_effects",
    "check_fit",
    "check_level",
    "check_names",
    "check_number",
    "check_numbers",
    "check_unused",
    "check_weights",
    "check_whole",
]

_Fit = TypeVar("_Fit")

#: What other programs call an option, where no spelling of ours is near it.
_ELSEWHERE = {
    "knha": "knapp-hartung",
    "hk": "knapp-hartung",
    "hksj": "knapp-hartung",
    "adhoc": "knapp-hartung-adhoc",
    "z": "wald",
    "fe": "ee",
    "plo": "logit",
    "plogit": "logit",
    "pln": "log",
    "pas": "arcsine",
    "pft": "freeman-tukey",
    "pr": "raw",
    "praw": "raw",
    "hts": "t-k-2",
}


def check_level(level: float, name: str = "level") -> float:
    """Return a level between 0 and 1.

    Examples
    --------
    >>> check_level(95)
    Traceback (most recent call last):
        ...
    ValueError: level is 95, not between 0 and 1; did you mean 0.95?
    """
    try:
        value = float(level)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {level!r}, not a number between 0 and 1 such as 0.95") from None
    if not 0.0 < value < 1.0:
        hint = f"; did you mean {value / 100:g}?" if 1.0 < value < 100.0 else ""
        raise ValueError(f"{name} is {level!r}, not between 0 and 1{hint}")
    return value


def check_choice(value: Any, choices: Iterable[str], name: str, what: str = "") -> str:
    """Return an option that is among the choices, or list them and name the nearest.

    Examples
    --------
    >>> check_choice("REML", ["ml", "reml"], "tau2_method", "tau2 method")
    Traceback (most recent call last):
        ...
    ValueError: unknown tau2 method 'REML' (tau2_method); known: ml, reml; did you mean 'reml'?
    """
    known = tuple(choices)
    if isinstance(value, str) and value in known:
        return value
    typed = str(value).strip().lower()
    lower = {choice.lower(): choice for choice in known}
    elsewhere = _ELSEWHERE.get(typed, "")
    near = get_close_matches(typed, lower, n=1)
    meant = elsewhere if elsewhere in known else lower[near[0]] if near else ""
    hint = f"; did you mean {meant!r}?" if meant and value is not None else ""
    said = f"unknown {what} {value!r} ({name})" if what else f"unknown {name} {value!r}"
    raise ValueError(f"{said}; known: {', '.join(known)}{hint}")


def check_unused(value: Any, name: str, why: str) -> None:
    """Refuse an option that would change nothing."""
    if value is not None:
        raise ValueError(f"{name} is {value!r}, but {why}; leave it out")


def check_number(
    value: Any, name: str, *, low: float = -math.inf, high: float = math.inf, open_low: bool = False
) -> float:
    """Return a finite number within its limits; `open_low` leaves out the lower one."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r}, not a number") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} is {number}, not a finite number")
    if number < low or number > high or (open_low and number == low):
        least = f"above {low:g}" if open_low else f"{low:g} or more"
        most = "" if high == math.inf else f" and at most {high:g}"
        raise ValueError(f"{name} is {value!r}, expected {least}{most}")
    return number


def check_whole(value: Any, name: str, *, low: int = 0) -> int:
    """Return a whole number that is not below `low`."""
    number = check_number(value, name)
    if number != math.floor(number) or number < low:
        raise ValueError(f"{name} is {value!r}, expected a whole number: {name} must be at least {low}")
    return int(number)


def check_numbers(values: Any, name: str, *, ndim: tuple[int, ...] = (1,)) -> FloatArray:
    """Return finite numbers as an array; columns and tables of pandas are taken as well."""
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(float), math.nan)
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        wrong = next((v for v in np.ravel(np.asarray(values, dtype=object)) if not _is_number(v)), values)
        raise TypeError(f"{name} holds {wrong!r}, not a number") from None
    if array.ndim == 2 and 2 not in ndim and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in ndim:
        wanted = " or ".join(map(str, ndim))
        raise ValueError(f"{name} has {array.ndim} dimensions, expected {wanted}")
    if not np.isfinite(array).all():
        place = np.argwhere(~np.isfinite(array))[0]
        if array.ndim == 0:
            raise ValueError(f"{name} is {array}, not a finite number")
        row = int(place[-1] if 3 not in ndim or array.ndim == 1 else place[-2])
        raise ValueError(f"row {row + 1}: {name} is {array[tuple(place)]}, not a finite number")
    return array


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def check_effects(
    yi: Any, vi: Any, *, ndim: tuple[int, ...] = (1,), names: tuple[str, str] = ("yi", "vi")
) -> tuple[FloatArray, FloatArray]:
    """Return estimates and sampling variances: finite, as many of each, no variance zero or below.

    Examples
    --------
    >>> check_effects([0.1, 0.2], [0.3, 0.0])
    Traceback (most recent call last):
        ...
    ValueError: row 2: vi is 0.0, a sampling variance must be above zero
    """
    y, v = check_numbers(yi, names[0], ndim=ndim), check_numbers(vi, names[1], ndim=ndim)
    if y.shape[-1:] != v.shape[-1:]:
        raise ValueError(f"{names[0]} holds {y.shape[-1]} values, {names[1]} {v.shape[-1]}")
    if not y.size:
        raise ValueError(f"{names[0]} is empty: there is nothing to pool")
    if not (v > 0).all():
        place = np.argwhere(v <= 0)[0]
        value = v[tuple(place)]
        raise ValueError(
            f"row {int(place[-1]) + 1}: {names[1]} is {value}, a sampling variance must be above zero"
        )
    return y, v


def check_design(design: Any, k: int, name: str = "design", *, many: bool = False) -> FloatArray:
    """Return a design as (k, p); one column may come as a list, `many` allows (B, k, p)."""
    try:
        x = check_numbers(design, name, ndim=(1, 2, 3) if many else (1, 2))
    except TypeError as error:
        raise TypeError(f"{error}; code it in numbers, or use compare_subgroups for groups") from None
    x = x[:, None] if x.ndim == 1 else x
    if x.shape[-2] != k or x.shape[-1] < 1:
        raise ValueError(f"{name} must have {k} rows, one a study, and a column; its shape is {x.shape}")
    return x


def check_weights(weights: Any, k: int, name: str = "weights", *, many: bool = False) -> FloatArray:
    """Return multiplicities: finite, none below zero, one a study, not all zero."""
    w = check_numbers(weights, name, ndim=(1, 2) if many else (1,))
    if w.shape[-1] != k:
        raise ValueError(f"{name} holds {w.shape[-1]} values for {k} studies")
    # Of many analyses at once one may hold no study: its results are then nan.
    if (w < 0).any() or not (many or (w > 0).any()):
        raise ValueError(f"{name} must not be negative, nor all zero")
    return w


def check_names(names: Any, size: int, name: str = "names", what: str = "columns") -> tuple[str, ...]:
    """Return one name for each of `size` things; a single text is no list of names."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(f"{name} is {names!r}, expected a list of {size} names")
    found = tuple(str(one) for one in names)
    if len(found) != size:
        raise ValueError(f"{len(found)} {name} for {size} {what}")
    return found


def check_fit(fit: Any, kind: type[_Fit], name: str = "fit") -> _Fit:
    """Return a fit of the kind that a function needs, or say what was given instead."""
    if not isinstance(fit, kind):
        inner = getattr(fit, "extra", {})
        held = isinstance(inner, dict) and isinstance(inner.get("fit"), kind)
        hint = "; give its extra['fit']" if held else ""
        given = "None" if fit is None else f"a {type(fit).__name__}"
        raise TypeError(f"{name} is {given}, expected a {kind.__name__}{hint}")
    return fit
