"""How much each change of a set of studies moved a pooled estimate.

A change puts some rows of counts in and takes others out. Its effect depends on which other changes
came before it, so it is given twice: in one stated order (that of publication), and averaged over
orders. With few changes the average runs over all orders (the Shapley value), else over seeded ones,
each taken forwards and backwards, and the error of the sampling is given. All refits are one batch.

References
----------
.. [1] Shapley LS. A value for n-person games. Contributions to the Theory of Games II, 1953.
.. [2] Mitchell R et al. Sampling permutations for Shapley value estimation. J Mach Learn Res 2022.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np
import numpy.typing as npt

from analysis.results import no_finer

__all__ = ["EXACT_UP_TO", "ORDER_PAIRS", "Moves", "Toggle", "attribute"]

FloatArray = npt.NDArray[np.float64]

#: With up to this many changes every subset of them is fitted.
EXACT_UP_TO = 7
#: Else so many seeded orders are drawn, each also taken backwards.
ORDER_PAIRS = 20
_SEED = 20260101


@dataclass(frozen=True, slots=True)
class Toggle:
    """One change: rows that it puts in, rows that it takes out."""

    puts_in: tuple[int, ...] = ()
    takes_out: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Moves:
    """Effect of each change, as a difference of proportions; nan where there was no estimate before.

    `sequential` follows the order given and adds up to the whole change; so does `averaged`.
    `averaged_se` is the sampling error of the average, zero when all orders were taken. `path` holds the
    estimate before the first change and after each.
    """

    sequential: FloatArray
    averaged: FloatArray
    averaged_se: FloatArray
    path: FloatArray
    orders: int
    exact: bool
    fits: int


def attribute(
    start: npt.ArrayLike,
    toggles: Sequence[Toggle],
    estimate: Callable[[FloatArray], FloatArray],
    *,
    pairs: int = ORDER_PAIRS,
    seed: int = _SEED,
) -> Moves:
    """Return how much each change moved the estimate.

    Parameters
    ----------
    start
        Weights of all rows before any change, (r,).
    toggles
        The changes, in the order of the sequential view.
    estimate
        Turns weights (B, r) into estimates (B,).
    pairs, seed
        Number of seeded orders, each taken both ways, and their seed.
    """
    base = np.asarray(start, dtype=float)
    n = len(toggles)
    steps = np.zeros((n, base.size))
    for place, toggle in enumerate(toggles):
        steps[place, list(toggle.puts_in)] = 1.0
        steps[place, list(toggle.takes_out)] = -1.0
    exact = n <= EXACT_UP_TO
    sets = _all_sets(n) if exact else np.zeros((0, n), bool)
    orders = _orders(n, 0 if exact else pairs, seed)
    chains = np.concatenate([_chain(order) for order in (np.arange(n), *orders)])
    wanted, back = np.unique(np.concatenate([sets, chains]), axis=0, return_inverse=True)
    values = np.asarray(estimate(base + wanted.astype(float) @ steps), dtype=float)[back.ravel()]
    path = values[len(sets) : len(sets) + n + 1]
    if exact:
        averaged, error, count = _shapley(sets, values[: len(sets)]), np.zeros(n), factorial(n)
    else:
        averaged, error = _sampled(values[len(sets) + n + 1 :], orders)
        count = len(orders)
    return Moves(
        _without_error(np.diff(path), values),
        _without_error(averaged, values),
        _without_error(error, values),
        path,
        count,
        exact,
        len(wanted),
    )


def _without_error(moves: FloatArray, estimates: FloatArray) -> FloatArray:
    """Make a move exactly zero that is below the published digits of the estimates.

    The others stay as they are: rounded, they would no longer add up to the whole change.
    """
    known = estimates[np.isfinite(estimates)]
    largest = float(np.abs(known).max(initial=0.0))
    nothing = np.array([no_finer(float(move), largest) == 0.0 for move in moves], dtype=bool)
    return np.where(nothing, 0.0, moves)


def _all_sets(n: int) -> npt.NDArray[np.bool_]:
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(bool)


def _orders(n: int, pairs: int, seed: int) -> list[npt.NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    drawn = [random.permutation(n) for _ in range(pairs)]
    return [order for one in drawn for order in (one, one[::-1])]


def _chain(order: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """The sets that an order passes through, from none to all."""
    place = np.argsort(order)
    return place[None, :] < np.arange(order.size + 1)[:, None]


def _shapley(sets: npt.NDArray[np.bool_], values: FloatArray) -> FloatArray:
    n = sets.shape[1]
    sizes = sets.sum(axis=1)
    share = np.array([factorial(s) * factorial(max(n - s - 1, 0)) / factorial(n) for s in range(n + 1)])
    result = np.empty(n)
    for place in range(n):
        without = np.flatnonzero(~sets[:, place])
        gain = values[without + 2**place] - values[without]
        result[place] = float(np.sum(share[sizes[without]] * gain))
    return result


def _sampled(values: FloatArray, orders: Sequence[npt.NDArray[np.int64]]) -> tuple[FloatArray, FloatArray]:
    n = orders[0].size
    gains = np.empty((len(orders), n))
    for place, order in enumerate(orders):
        gains[place, order] = np.diff(values[place * (n + 1) : (place + 1) * (n + 1)])
    # An order and its reverse are one draw; their mean varies less than two free draws.
    draws = gains.reshape(-1, 2, n).mean(axis=1)
    return draws.mean(axis=0), draws.std(axis=0, ddof=1) / np.sqrt(len(draws))
