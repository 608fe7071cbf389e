"""Graphical display of study heterogeneity: the same analysis in every subset of the studies.

References
----------
Olkin I, Dahabreh IJ, Trikalinos TA (2012), Research Synthesis Methods 3:214-223.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analysis.results import Result
from analysis.synthesis.checks import check_whole
from analysis.synthesis.counts import check_counts
from analysis.synthesis.types import FloatArray, Numbers

__all__ = ["ALL_SUBSETS_LIMIT", "FitMany", "Gosh", "gosh", "subset_masks"]

#: Up to so many subsets all are taken, as in metafor; beyond it a random sample.
ALL_SUBSETS_LIMIT = 1_000_000

#: Takes masks (B, k) and returns named arrays of length B, with ``estimate`` and ``tau2`` among them.
FitMany = Callable[[npt.NDArray[np.bool_]], Mapping[str, npt.ArrayLike]]


@dataclass(frozen=True, slots=True)
class Gosh(Result):
    """Fits in subsets.

    `masks` says which studies each fit used; `values` holds its numbers by name (``estimate`` on the
    analysis scale, ``tau2``, and what the fitting function gives besides).  `complete` is True when
    every subset was fitted; otherwise `seed` made the random choice, each study in with chance one half.
    """

    masks: npt.NDArray[np.bool_]
    values: dict[str, FloatArray]
    complete: bool
    seed: int | None
    smallest: int

    @property
    def size(self) -> int:
        """Number of subsets."""
        return int(self.masks.shape[0])

    def rows(self) -> list[dict[str, Any]]:
        """Return quantiles of each number, with and without each study."""
        out = [self._row("all subsets", np.ones(self.size, bool))]
        for i in range(self.masks.shape[1]):
            out.append(self._row(f"with study {i + 1}", self.masks[:, i]))
            out.append(self._row(f"without study {i + 1}", ~self.masks[:, i]))
        return out

    def _row(self, name: str, use: npt.NDArray[np.bool_]) -> dict[str, Any]:
        row: dict[str, Any] = {"subsets": name, "count": int(use.sum())}
        for key in ("estimate", "tau2"):
            finite = self.values[key][use]
            finite = finite[np.isfinite(finite)]
            for label, q in (("low", 0.025), ("median", 0.5), ("high", 0.975)):
                row[f"{key}_{label}"] = float(np.quantile(finite, q)) if finite.size else float("nan")
        return row


def subset_masks(
    k: int, *, subsets: int | None = None, seed: int = 0, smallest: int = 1
) -> tuple[npt.NDArray[np.bool_], bool]:
    """Return masks of subsets of `k` studies and whether they are all there are.

    Examples
    --------
    >>> masks, complete = subset_masks(3)
    >>> masks.shape, complete
    ((7, 3), True)
    """
    k, smallest = check_whole(k, "k", low=1), check_whole(smallest, "smallest")
    seed = check_whole(seed, "seed")
    if subsets is not None:
        check_whole(subsets, "subsets", low=1)
    if not 1 <= smallest <= k:
        raise ValueError(f"smallest must lie between 1 and {k}")
    limit = ALL_SUBSETS_LIMIT if subsets is None else subsets
    if limit < 1:
        raise ValueError("subsets must be at least 1")
    if 2**k - 1 <= limit:
        codes = np.arange(1, 2**k, dtype=np.int64)
        masks = (codes[:, None] >> np.arange(k) & 1).astype(bool)
        return masks[masks.sum(1) >= smallest], True
    rng = np.random.default_rng(seed)
    masks = rng.random((limit, k)) < 0.5
    while (small := masks.sum(1) < smallest).any():
        masks[small] = rng.random((int(small.sum()), k)) < 0.5
    return masks, False


def gosh(
    events: Numbers,
    total: Numbers,
    *,
    subsets: int | None = None,
    seed: int = 0,
    smallest: int = 1,
    fit_many: FitMany | None = None,
    progress: bool = False,
) -> Gosh:
    """Fit all subsets of the studies, or a seeded random sample of them.

    Parameters
    ----------
    events, total
        Counts of the k studies.
    subsets
        Number of subsets; all when there are no more than that (or than a million by default).
    seed
        Seed of the random choice.
    smallest
        Fewest studies in a subset.
    fit_many
        Fits masks in one call; the random-intercept logistic model by default.
    progress
        Show a progress bar (default model).

    Examples
    --------
    >>> result = gosh([3, 9, 4, 12], [20, 22, 25, 21])
    >>> result.size, result.complete
    (15, True)
    """
    x, n = check_counts(events, total)
    masks, complete = subset_masks(x.size, subsets=subsets, seed=seed, smallest=smallest)
    if fit_many is None:
        from analysis.synthesis.glmm_many import fit_glmm_many

        fits = fit_glmm_many(x, n, masks, progress=progress)
        found: Mapping[str, npt.ArrayLike] = {
            "estimate": fits.mu,
            "se": fits.se,
            "tau2": fits.tau2,
            "log_likelihood": fits.log_likelihood,
            "converged": fits.converged,
        }
    else:
        found = fit_many(masks)
    values = {name: np.asarray(array, float) for name, array in found.items()}
    missing = {"estimate", "tau2"} - set(values)
    if missing:
        raise ValueError(f"fit_many gave no {', '.join(sorted(missing))}")
    return Gosh(masks, values, complete, None if complete else seed, smallest)
