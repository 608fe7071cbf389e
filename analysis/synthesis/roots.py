"""A bracketed root finder without imports: Chandrupatla's method."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["bracketed_root", "expand_upwards"]


def bracketed_root(
    f: Callable[[float], float], a: float, b: float, *, relative: float = 1e-15, steps: int = 200
) -> float:
    """Return a root of f between a and b, where f changes its sign.

    Parameters
    ----------
    f
        Continuous function.
    a, b
        Ends of the bracket.
    relative
        Width of the final bracket relative to the root.
    steps
        Limit of evaluations.

    References
    ----------
    .. [1] Chandrupatla TR. A new hybrid quadratic/bisection algorithm for finding the zero of a
       nonlinear function without using derivatives. Adv Eng Softw 1997.

    Examples
    --------
    >>> round(bracketed_root(lambda x: x * x - 2.0, 0.0, 2.0), 12)
    1.414213562373
    """
    fa, fb = f(a), f(b)
    if fa == 0.0:
        return a
    if fb == 0.0:
        return b
    if (fa > 0.0) == (fb > 0.0):
        raise ValueError("the function has the same sign at both ends of the bracket")
    share = 0.5
    for _ in range(steps):
        x = a + share * (b - a)
        fx = f(x)
        if (fx > 0.0) == (fa > 0.0):
            c, fc, a, fa = a, fa, x, fx
        else:
            c, fc, b, fb, a, fa = b, fb, a, fa, x, fx
        best, height = (a, fa) if abs(fa) < abs(fb) else (b, fb)
        width = abs(b - a)
        tolerance = relative * abs(best) + 1e-300
        if height == 0.0 or width <= 2.0 * tolerance:
            return best
        limit = tolerance / width
        xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
        if phi * phi < xi and (1.0 - phi) ** 2 < 1.0 - xi:
            share = fa / (fb - fa) * fc / (fb - fc)
            share += (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        else:
            share = 0.5
        share = min(1.0 - limit, max(limit, share))
    return best


def expand_upwards(f: Callable[[float], float], start: float, step: float) -> float | None:
    """Return the first point ``start + step * 2**j`` where f is not positive, or None."""
    for _ in range(200):
        if f(start + step) <= 0.0:
            return start + step
        step *= 2.0
    return None
