"""Many random-intercept logistic fits at once: subsets, weights, resampled counts."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

import numpy as np
import numpy.typing as npt

from analysis.synthesis._engine import in_threads, kernels
from analysis.synthesis._glmm_input import check_counts, check_weights
from analysis.synthesis._glmm_newton import Problem
from analysis.synthesis._glmm_solve import EXTRA_STARTS, solve
from analysis.synthesis.glmm_results import GlmmFits
from analysis.synthesis.quadrature import saturated_log_likelihood
from analysis.synthesis.types import FloatArray

__all__ = ["fit_glmm_many"]

#: Working memory of one chunk of the array engine.
MEMORY_BYTES = 256_000_000
#: Bytes the array engine needs per fit and study: about 30 nodes in ten arrays of doubles.
BYTES_PER_CELL = 2500
#: Most fits in one chunk, so that a progress bar moves.
MOST_ROWS = 50_000
#: Fits below which one thread is enough.
SERIAL_BELOW = 64
#: Evaluations of every study that a fit takes, about.
EVALUATIONS = 8


def fit_glmm_many(
    events: npt.ArrayLike,
    total: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    progress: bool = False,
    memory_bytes: int = MEMORY_BYTES,
) -> GlmmFits:
    """Fit an intercept-only model to every row of counts or weights.

    Parameters
    ----------
    events
        Events, (k,) for all fits or (B, k).
    total
        Totals, (k,) or (B, k).
    weights
        Study weights, (B, k) or (k,); zero leaves a study out.
    progress
        Show a progress bar.
    memory_bytes
        Bound on the working memory of one chunk.

    Examples
    --------
    >>> import numpy as np
    >>> left_out = 1 - np.eye(4)
    >>> fits = fit_glmm_many([3, 9, 4, 12], [20, 22, 25, 21], left_out)
    >>> fits.mu.round(4).tolist()
    [-0.5601, -1.019, -0.5496, -1.2039]
    """
    x, n = check_counts(events, total)
    k = x.shape[-1]
    w = check_weights(weights, x.shape)
    x, n, w = (np.atleast_2d(a) for a in (x, n, w))
    sizes = {a.shape[0] for a in (x, n, w)} - {1}
    if len(sizes) > 1:
        raise ValueError(f"events, total and weights have different numbers of rows: {sizes}")
    rows = sizes.pop() if sizes else 1
    nan = [np.full(rows, np.nan) for _ in range(4)]
    out = GlmmFits(nan[0], nan[1], nan[2], nan[3], np.zeros(rows, bool), np.zeros(rows, bool))
    compiled = kernels(rows * k * EVALUATIONS)
    cell = 8 * 3 if compiled is not None else BYTES_PER_CELL
    chunk = max(1, min(int(memory_bytes / (cell * k)), MOST_ROWS))
    for start in _steps(rows, chunk, progress):
        part = slice(start, min(rows, start + chunk))
        x_part, n_part, w_part = (a if a.shape[0] == 1 else a[part] for a in (x, n, w))
        if compiled is not None:
            _fit_compiled(compiled, x_part, n_part, w_part, out, part)
        else:
            _fit_chunk(x_part, n_part, w_part, out, np.arange(part.start, part.stop))
    return out


def _fit_compiled(
    compiled: ModuleType, x: FloatArray, n: FloatArray, w: FloatArray, out: GlmmFits, part: slice
) -> None:
    got = np.empty((part.stop - part.start, 12))
    constant = saturated_log_likelihood(x, n)
    x, n, w = (np.ascontiguousarray(a, dtype=float) for a in (x, n, w))
    starts = np.array(EXTRA_STARTS)

    def task(start: int, stop: int) -> None:
        compiled.fit_rows(x, n, w, starts, got, start, stop)

    in_threads(task, got.shape[0], SERIAL_BELOW)
    code = got[:, 5]
    constants = w @ constant[0] if constant.shape[0] == 1 else (w * constant).sum(1)
    out.mu[part] = np.where(code == -1, -np.inf, np.where(code == -2, np.inf, got[:, 0]))
    out.se[part] = np.where((code == -1) | (code == -2), np.inf, got[:, 3])
    out.tau2[part] = got[:, 1] ** 2
    out.log_likelihood[part] = np.where((code == -1) | (code == -2), 0.0, got[:, 2] + constants)
    out.converged[part] = (code == 1) | (code == 2)
    out.boundary[part] = code == 2


def _steps(rows: int, chunk: int, progress: bool) -> Iterable[int]:
    starts = range(0, rows, chunk)
    if not progress:
        return starts
    from tqdm.auto import tqdm

    return tqdm(starts, unit="chunk")


def _fit_chunk(x: FloatArray, n: FloatArray, w: FloatArray, out: GlmmFits, at: npt.NDArray[np.int64]) -> None:
    shape = (at.size, x.shape[1])
    x, n, w = (np.broadcast_to(a, shape) for a in (x, n, w))
    events, total = (w * x).sum(1), (w * n).sum(1)
    none, all_ = events <= 0, (w * (n - x)).sum(1) <= 0
    empty = total <= 0
    out.mu[at[none]], out.mu[at[all_]], out.mu[at[empty]] = -np.inf, np.inf, np.nan
    out.log_likelihood[at[(none | all_) & ~empty]] = 0.0
    out.se[at[(none | all_) & ~empty]] = np.inf
    single = (np.where(w > 0, n, 0) <= 1).all(1)
    mixed = ((x > 0) & (x < n) & (w > 0)).any(1)
    good = ~(none | all_) & (single | mixed)
    for rows, starts in ((good & ~single, EXTRA_STARTS), (good & single, ())):
        if not rows.any():
            continue
        problem = Problem(x[rows], n[rows], np.ones((shape[1], 1)), w[rows], np.zeros((1, shape[1])))
        s = solve(problem, starts)
        i = at[rows]
        out.mu[i], out.tau2[i] = s.beta[:, 0], s.tau**2
        out.log_likelihood[i] = s.value
        out.converged[i] = s.converged & ~s.runs_off
        out.boundary[i] = s.boundary
        h = -s.hessian
        cross = np.where(s.boundary, 0.0, h[:, 0, 1] ** 2 / np.where(s.boundary, 1, h[:, 1, 1]))
        with np.errstate(invalid="ignore"):
            out.se[i] = 1 / np.sqrt(h[:, 0, 0] - cross)
