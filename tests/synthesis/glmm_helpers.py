"""Shared by the tests of the random-intercept logistic model: reference files and exact integrals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mpmath as mp

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = json.loads((ROOT / "tests/reference/glmm/reference.json").read_text())
#: Reference values of the peers, present only beside a development checkout.
ORACLE = ROOT.parent / "shared" / "oracle" / "public"


def oracle_sets() -> list[dict[str, Any]]:
    """Return the proportion data sets of the reference folder, or none."""
    found = [json.loads(path.read_text()) for path in sorted(ORACLE.glob("*.metafor.json"))]
    return [entry for entry in found if entry["design"] == "prop"]


def exact_terms(x: float, n: float, eta: float, tau: float) -> list[float]:
    """Return value, e, t, ee, et, tt of one study with 40 digits, by Louis' formula.

    mpmath's own tanh-sinh rule does the integrals, so neither rule nor formula is shared.
    """
    with mp.workdps(40):
        x, n, eta, tau = (mp.mpf(v) for v in (x, n, eta, tau))

        def log_f(u: mp.mpf) -> mp.mpf:
            theta = eta + tau * u
            return x * theta - n * mp.log1p(mp.exp(theta)) - u * u / 2

        mode = mp.mpf(0)
        low, high = mp.mpf(-200), mp.mpf(200)
        for _ in range(200):
            mode = (low + high) / 2
            p = 1 / (1 + mp.exp(-(eta + tau * mode)))
            low, high = (mode, high) if tau * (x - n * p) > mode else (low, mode)
        p = 1 / (1 + mp.exp(-(eta + tau * mode)))
        sd = 1 / mp.sqrt(1 + tau**2 * n * p * (1 - p))
        top = log_f(mode)
        cuts = [mode + c for c in (-13, -6 * sd, -2 * sd, 0, 2 * sd, 6 * sd, 13)]

        def mean(g: Any) -> mp.mpf:
            return mp.quad(lambda u: mp.exp(log_f(u) - top) * g(u), sorted(cuts))

        def score(u: mp.mpf) -> mp.mpf:
            return x - n / (1 + mp.exp(-(eta + tau * u)))

        def bend(u: mp.mpf) -> mp.mpf:
            q = 1 / (1 + mp.exp(-(eta + tau * u)))
            return -n * q * (1 - q) + score(u) ** 2

        total = mean(lambda u: mp.mpf(1))
        choose = mp.loggamma(n + 1) - mp.loggamma(x + 1) - mp.loggamma(n - x + 1)
        value = top + mp.log(total) - mp.log(2 * mp.pi) / 2 + choose
        e, t = mean(score) / total, mean(lambda u: score(u) * u) / total
        ee = mean(bend) / total - e * e
        et = mean(lambda u: bend(u) * u) / total - e * t
        tt = mean(lambda u: bend(u) * u * u) / total - t * t
        return [float(v) for v in (value, e, t, ee, et, tt)]
