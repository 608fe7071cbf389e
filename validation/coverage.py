"""Coverage of the intervals by simulation: ``python -m validation.coverage`` writes coverage.csv.

Counts are drawn from the random-intercept logistic model with study sizes like those of this review, so
the logistic model is right here and inverse variance is not; every cell has a random stream of its own,
so that one cell can be made again alone. How each interval is judged:

* an interval of the pooled logit covers when it holds the true mean logit;
* the profile interval covers exactly when twice the fall of the log-likelihood from its maximum to its
  profile at the true mean stays below the chi-square quantile, so no end has to be searched for;
* a prediction interval covers the share of true logits that it holds, known exactly from the truth;
* where all counts are nought or all are full, the logistic model has no finite maximum; the package then
  gives the Clopper-Pearson interval of the summed counts and no prediction interval, and so does this.

Study sizes are evenly spread quantiles of the sizes of the studies that this review pools.
"""

from __future__ import annotations

import argparse
import csv
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from analysis.synthesis._glmm_newton import Problem, ascend, likelihood, start_values
from analysis.synthesis.glmm_many import fit_glmm_many
from analysis.synthesis.glmm_results import GlmmFits
from analysis.synthesis.inverse_variance import IvFits, fit_iv_many
from analysis.synthesis.scales import effects
from analysis.synthesis.special import chi2_quantile, t_quantile
from analysis.synthesis.studies import study_intervals
from analysis.synthesis.types import FloatArray

__all__ = ["CELLS", "FILE", "Cell", "cell_rows", "main", "study_sizes"]

FILE = Path(__file__).with_name("coverage.csv")
SEED = 20261122
LEVEL = 0.95
REPLICATIONS = 1000
#: Replications fitted in one call.
CHUNK = 250
#: Patients in the studies pooled for reperfusion, evidence of November 2026.
SIZES = (
    6, 6, 9, 9, 9, 11, 20, 21, 31, 36, 41, 41, 42, 43, 43, 43, 48, 69, 70, 80, 98, 115, 147, 171, 338, 390,
)  # fmt: skip


class Cell(NamedTuple):
    """One setting: studies, standard deviation of true logits, rate at the mean logit."""

    k: int
    tau: float
    rate: float


CELLS: tuple[Cell, ...] = tuple(
    Cell(*values) for values in product((5, 10, 29), (0.0, 0.5, 1.0), (0.03, 0.1, 0.5, 0.85))
)


def study_sizes(k: int) -> FloatArray:
    """Return `k` study sizes spread evenly over those of the review.

    Examples
    --------
    >>> study_sizes(5).tolist()
    [9.0, 26.0, 42.0, 70.0, 159.0]
    """
    return np.round(np.quantile(np.array(SIZES, float), (np.arange(k) + 0.5) / k))


def _draws(cell: Cell, count: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    n = study_sizes(cell.k)
    mu = np.log(cell.rate / (1 - cell.rate))
    theta = mu + cell.tau * rng.standard_normal((count, cell.k))
    return rng.binomial(n.astype(int), 1 / (1 + np.exp(-theta))).astype(float), n


def _profile_covers(x: FloatArray, n: FloatArray, mu: float, fits: GlmmFits) -> np.ndarray:
    """Tell for each row whether the likelihood-ratio statistic at the true mean stays below the cut."""
    drop = chi2_quantile(LEVEL, 1) / 2
    flat = np.zeros((1, x.shape[1]))
    design = np.ones((x.shape[1], 1))
    here, top = np.full((x.shape[0], 1), mu), fits.log_likelihood
    heights = likelihood(Problem(x, n[None], design, np.ones_like(flat), flat), here, np.sqrt(fits.tau2))[0]
    # The profile is at least the height at the fitted tau: only the rows still below need a search.
    covers = top - heights <= drop
    open_rows = np.flatnonzero(~covers)
    if open_rows.size:
        held = Problem(x[open_rows], n[None], design[:, :0], np.ones_like(flat), flat + mu)
        covers[open_rows] = top[open_rows] - _best_over_tau(held) <= drop
    return covers


def _best_over_tau(held: Problem) -> FloatArray:
    """Return the highest likelihood over tau with the mean held, from three starts and tau = 0."""
    rows = held.rows
    typical = start_values(held)[2]
    none = np.zeros((rows, 0))
    best = likelihood(held, none, np.zeros(rows))[0]
    for start in (0.2, 0.7, 2.0):
        best = np.maximum(best, ascend(held, none, np.full(rows, start), typical=typical).value)
    return best


def _one_sided_covers(x: FloatArray, n: FloatArray, rate: float) -> np.ndarray:
    summed = study_intervals(x.sum(1), np.full(x.shape[0], n.sum()), "clopper-pearson", LEVEL)
    return (summed.low <= rate) & (rate <= summed.high)


def _within(centre: FloatArray, half: FloatArray, truth: float) -> np.ndarray:
    return np.abs(centre - truth) <= half


def _held_share(centre: FloatArray, half: FloatArray, mu: float, tau: float) -> FloatArray:
    """Return the share of true logits within an interval."""
    from scipy.special import ndtr

    if tau == 0:
        return _within(centre, half, mu).astype(float)
    return ndtr((centre + half - mu) / tau) - ndtr((centre - half - mu) / tau)


def _chunk(cell: Cell, count: int, rng: np.random.Generator) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return for each interval whether it covers (or what it holds) and its width, row by row."""
    x, n = _draws(cell, count, rng)
    mu = float(np.log(cell.rate / (1 - cell.rate)))
    k, normal = cell.k, t_quantile(LEVEL, np.inf)
    student, fewer = t_quantile(LEVEL, k - 1.0), t_quantile(LEVEL, k - 2.0)
    fits = fit_glmm_many(x, n)
    fine = fits.converged
    se, spread = np.where(fine, fits.se, np.nan), np.sqrt(np.where(fine, fits.se**2 + fits.tau2, np.nan))
    edge = _one_sided_covers(x, n, cell.rate)
    out: dict[str, tuple[FloatArray, FloatArray]] = {}
    for name, q in (("glmm-wald", normal), ("glmm-t", student)):
        out[name] = (np.where(fine, _within(fits.mu, q * se, mu), edge).astype(float), 2 * q * se)
    profile = edge.copy()
    part = GlmmFits(*(getattr(fits, name)[fine] for name in GlmmFits.__slots__))
    if fine.any():
        profile[fine] = _profile_covers(x[fine], n, mu, part)
    out["glmm-profile"] = (profile.astype(float), np.full(count, np.nan))
    for name, q in (("prediction-t-k-1", student), ("prediction-t-k-2", fewer)):
        held = np.full(count, np.nan)
        held[fine] = _held_share(fits.mu[fine], q * spread[fine], mu, cell.tau)
        out[name] = (held, 2 * q * spread)
    study = effects(x.ravel(), np.tile(n, count))
    yi, vi = study.yi.reshape(x.shape), study.vi.reshape(x.shape)
    for name, method, ci, q in (
        ("iv-reml-knapp-hartung", "reml", "knapp-hartung", student),
        ("iv-dl-wald", "dl", "wald", normal),
    ):
        half = _half_width(fit_iv_many(yi, vi, tau2_method=method), ci, q)
        out[name] = (_within(half[0], half[1], mu).astype(float), 2 * half[1])
    return out


def _half_width(fits: IvFits, ci_method: str, q: float) -> tuple[FloatArray, FloatArray]:
    return fits.mu, q * fits.se[:, 0] * np.sqrt(fits.s2w(ci_method))


def cell_rows(cell: Cell, replications: int = REPLICATIONS) -> Iterator[dict[str, Any]]:
    """Simulate one cell and yield one row an interval."""
    rng = np.random.default_rng([SEED, CELLS.index(cell)])
    parts = [_chunk(cell, min(CHUNK, replications - start), rng) for start in range(0, replications, CHUNK)]
    for name in parts[0]:
        held = np.concatenate([part[name][0] for part in parts])
        width = np.concatenate([part[name][1] for part in parts])
        known = held[~np.isnan(held)]
        widths = width[np.isfinite(width)]
        mean = float(known.mean())
        # An interval either covers or not; a share held varies less, and its own spread counts.
        spread = known.std(ddof=1) if name.startswith("prediction") else np.sqrt(mean * (1 - mean))
        yield {
            "k": cell.k,
            "tau": cell.tau,
            "rate": cell.rate,
            "interval": name,
            "coverage": f"{mean:.4f}",
            "mc_error": f"{spread / np.sqrt(known.size):.4f}",
            "median_width_logit": f"{np.median(widths):.4f}" if widths.size else "",
            "without_interval": replications - known.size,
            "replications": replications,
        }


def main(argv: list[str] | None = None) -> int:
    """Simulate every cell and write the file."""
    import scipy
    from tqdm import tqdm

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=FILE)
    parser.add_argument("--replications", type=int, default=REPLICATIONS)
    args = parser.parse_args(argv)
    stamp = {
        "seed": SEED,
        "date": datetime.now(UTC).date().isoformat(),
        "versions": f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}",
    }
    rows = [
        row | stamp
        for cell in tqdm(CELLS, desc="coverage", unit="cell")
        for row in cell_rows(cell, args.replications)
    ]
    with args.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    sys.stdout.write(f"{len(rows)} rows written to {args.output}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
