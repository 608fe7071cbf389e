"""The page's scripts in node against the Python code: engine, views, numbers, address."""

import json
import math

import numpy as np
import pytest
from scipy import special

from analysis.report import numbers
from analysis.synthesis.pooled import pool
from analysis.synthesis.studies import study_intervals
from tests.explore.reference import (
    NODE,
    OFFERED,
    TOLERANCE,
    deviation,
    facts_of,
    run_engine,
    view_deviation,
)

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")

#: Synthetic counts at the edges of what can be pooled.
EDGES = {
    "one study": ([7], [20]),
    "one study, no events": ([0], [20]),
    "one study, all events": ([20], [20]),
    "two studies": ([3, 9], [20, 22]),
    "two alike": ([5, 5], [20, 20]),
    "three studies": ([3, 9, 14], [20, 22, 25]),
    "no events": ([0, 0, 0], [10, 12, 30]),
    "all events": ([10, 12, 30], [10, 12, 30]),
    "tau2 on the boundary": ([10, 11, 9, 10], [40, 41, 39, 40]),
    "some studies at either end": ([0, 31, 5, 12, 0], [11, 31, 9, 40, 6]),
    "rare events": ([0, 1, 0, 2, 0, 1], [40, 55, 30, 81, 22, 60]),
    "one huge study": ([12, 40210, 3], [40, 100000, 11]),
    "single patients": ([0, 1, 1, 0, 1], [1, 1, 1, 1, 1]),
    "far apart": ([1, 39, 2, 38], [40, 40, 41, 41]),
}
CHOICES = [
    {"model": model, "tau2_method": tau2, "ci_method": interval}
    for model, (variances, intervals) in OFFERED.items()
    for tau2 in variances
    for interval in intervals
]


def _name(choice):
    return "-".join(choice.values())


@pytest.fixture(scope="module")
def edge_answers():
    calls = [
        {"file": "pool", "name": "pool", "args": [*EDGES[name], choice]}
        for name in EDGES
        for choice in CHOICES
    ]
    names = [(name, _name(choice)) for name in EDGES for choice in CHOICES]
    return dict(zip(names, run_engine(calls), strict=True))


@pytest.mark.parametrize("choice", CHOICES, ids=_name)
@pytest.mark.parametrize("name", EDGES)
def test_edge_cases_agree_with_python(edge_answers, name, choice):
    events, total = EDGES[name]
    off, which = deviation(edge_answers[name, _name(choice)], facts_of(pool(events, total, **choice)))

    assert off < TOLERANCE, which


def test_nothing_to_pool_is_null():
    assert run_engine([{"file": "pool", "name": "pool", "args": [[], [], CHOICES[0]]}]) == [None]


def test_random_counts_agree_with_python():
    """Synthetic meta-analyses of 1 to 30 studies, rates from rare to common."""
    rng = np.random.default_rng(71)
    cases = []
    for i in range(60):
        k = int(rng.choice([1, 2, 3, 5, 8, 15, 30]))
        total = rng.integers(1, rng.choice([10, 50, 300]), k)
        rate = special.expit(rng.normal(0, 2) + rng.normal(0, rng.choice([0, 0.3, 1.5]), k))
        events = rng.binomial(total, rate)
        cases.append((events.tolist(), total.tolist(), CHOICES[i % len(CHOICES)]))
    answers = run_engine([{"file": "pool", "name": "pool", "args": list(c)} for c in cases])
    for (events, total, choice), got in zip(cases, answers, strict=True):
        off, which = deviation(got, facts_of(pool(events, total, **choice)))
        assert off < TOLERANCE, f"{which} for {events} of {total} by {choice}"


def test_mirrored_counts_give_the_mirrored_rate():
    events, total = EDGES["some studies at either end"]
    mirrored = [n - x for x, n in zip(events, total, strict=True)]
    one, other = run_engine(
        [{"file": "pool", "name": "pool", "args": [x, total, CHOICES[0]]} for x in (events, mirrored)]
    )

    assert one["estimate"] + other["estimate"] == pytest.approx(1, abs=1e-10)
    assert one["tau2"] == pytest.approx(other["tau2"], rel=1e-9)
    assert one["ci_low"] + other["ci_high"] == pytest.approx(1, abs=1e-9)


@pytest.mark.slow
def test_views_agree_with_python(payload, views, report):
    calls = [{"file": "view", "name": "compute", "args": [payload, s]} for s, _ in views]
    # The payload is long, so a few calls go at a time.
    answers = [got for i in range(0, len(calls), 20) for got in run_engine(calls[i : i + 20])]
    worst = (0.0, "")
    for (state, want), got in zip(views, answers, strict=True):
        off, which = view_deviation(got, want)
        worst = max(worst, (off, f"{which} in {state}"))
    report(f"largest deviation over {len(views)} views in node: {worst[0]:.1e} ({worst[1][:60]})")

    assert worst[0] < TOLERANCE, worst[1]


@pytest.mark.parametrize(
    ("name", "args", "want"),
    [
        ("normalQuantile", [0.95], -special.ndtri(0.025)),
        ("tQuantile", [0.95, 1], -special.stdtrit(1, 0.025)),
        ("tQuantile", [0.95, 2], -special.stdtrit(2, 0.025)),
        ("tQuantile", [0.95, 31], -special.stdtrit(31, 0.025)),
        ("tQuantile", [0.99, 5], -special.stdtrit(5, 0.005)),
        ("chi2Quantile", [0.95, 1], special.chdtri(1, 0.05)),
        ("chi2Quantile", [0.025, 1], 2 * special.gammaincinv(0.5, 0.025)),
        ("chi2Quantile", [0.025, 34], 2 * special.gammaincinv(17, 0.025)),
        ("chi2Quantile", [0.975, 34], special.chdtri(34, 0.025)),
        ("chi2Tail", [3.2, 7], special.chdtrc(7, 3.2)),
        ("chi2Tail", [180.0, 30], special.chdtrc(30, 180.0)),
        ("logGamma", [0.1], special.gammaln(0.1)),
        ("logGamma", [1234.5], special.gammaln(1234.5)),
        ("betaShare", [3, 1200, 0.004], special.betainc(3, 1200, 0.004)),
    ],
    ids=lambda value: str(value)[:20],
)
def test_distributions_agree_with_scipy(name, args, want):
    (got,) = run_engine([{"file": "stats", "name": name, "args": args}])

    assert got == pytest.approx(float(want), rel=1e-11)


def test_exact_intervals_agree_with_python():
    events = np.array([0, 1, 5, 31, 316, 40, 12])
    total = np.array([3, 1, 9, 31, 390, 4000, 12])
    want = study_intervals(events, total, "clopper-pearson")
    got = run_engine(
        [
            {"file": "stats", "name": "exactInterval", "args": [int(x), int(n), 0.95]}
            for x, n in zip(events, total, strict=True)
        ]
    )

    assert [item["low"] for item in got] == pytest.approx(want.low.tolist(), abs=1e-12)
    assert [item["high"] for item in got] == pytest.approx(want.high.tolist(), abs=1e-12)


VALUES = [0.0, 1e-9, 0.0004, 0.00449, 0.005, 0.0126, 0.285, 0.3335, 0.5, 0.8412, 0.9951, 0.99996, 1.0]


@pytest.mark.parametrize(
    ("script", "python", "cases"),
    [
        ("share", numbers.share, [[v, d] for v in VALUES for d in (0, 1, 2)]),
        ("percent", numbers.percent, [[v, v / 2, min(1, 1.2 * v)] for v in VALUES]),
        ("percentRange", numbers.percent_range, [[v / 3, v] for v in VALUES]),
        (
            "pValue",
            numbers.p_value,
            [[v] for v in (*VALUES, 0.0451, 0.0496, 0.0549, 0.056, 0.0949, 0.0958, 0.1049)],
        ),
        ("tau2", numbers.tau2, [[v, v / 2, 3 * v] for v in (*VALUES, 12.34, 150.0)]),
        ("iSquared", numbers.i_squared, [[v] for v in VALUES]),
        ("statistic", numbers.statistic, [[v] for v in (0.0, 3.14159, 9.996, 43.25, 321.5)]),
        ("count", numbers.count, [[v] for v in (0, 971, 1964, 12345, 1234567)]),
        ("fixed", numbers.fixed, [[12.5, 0], [-0.25, 1], [-0.01, 1], [100 * 0.285, 0]]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_numbers_read_the_same_in_both_languages(script, python, cases):
    got = run_engine([{"file": "format", "name": script, "args": args} for args in cases])

    assert got == [python(*args) for args in cases]


@pytest.mark.slow
def test_addresses_hold_the_view(payload, views):
    states = [state for state, _ in views]
    hashes = run_engine([{"file": "view", "name": "toHash", "args": [payload, s]} for s in states[:20]])
    back = run_engine([{"file": "view", "name": "fromHash", "args": [payload, f"#{h}"]} for h in hashes])

    assert back == states[:20]
    assert all("<" not in text and " " not in text for text in hashes)


@pytest.mark.parametrize(
    ("address", "changes"),
    [
        ("#", {}),
        ("#outcome=sich", {"outcome": "sich"}),
        ("#outcome=nonsense&population=any", {"population": "any"}),
        ("#off=%3Cimg%3E,nobody", {}),
        ("#model=iv", {"model": "iv", "tau2_method": "reml", "ci_method": "knapp-hartung"}),
        ("#model=iv&ci_method=profile", {"model": "iv", "tau2_method": "reml", "ci_method": "knapp-hartung"}),
        ("#ci_method=knapp-hartung", {}),
        ("#%E0%A4%A=1&version=23.0.0", {"version": "23.0.0"}),
    ],
)
def test_any_address_gives_a_whole_view(payload, address, changes):
    (got,) = run_engine([{"file": "view", "name": "fromHash", "args": [payload, address]}])

    assert got == payload["defaults"] | {"off": []} | changes


def test_an_anchor_is_no_view(payload):
    assert run_engine(
        [{"file": "view", "name": "fromHash", "args": [payload, "#how-this-page-computes"]}]
    ) == [None]


def test_csv_defuses_formulas_and_quotes(payload):
    changed = json.loads(json.dumps(payload))
    for study in changed["studies"]:
        study["label"] = '=HYPERLINK("x"), "y"'
    view = run_engine(
        [{"file": "view", "name": "compute", "args": [changed, changed["defaults"] | {"off": []}]}]
    )[0]
    (text,) = run_engine([{"file": "view", "name": "csv", "args": [changed, view]}])
    lines = text.split("\r\n")

    assert '"\'=HYPERLINK(""x""), ""y"""' in lines[1]
    assert not any(cell.startswith("=") for line in lines for cell in line.split(","))
    assert math.isclose(float(lines[-2].split(",")[7]), view["result"]["estimate"])
