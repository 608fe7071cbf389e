"""What the Python code says of a view of the Explore page, and how far another answer is from it."""

from __future__ import annotations

import json
import math
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

from analysis.evidence.select import Question, select
from analysis.synthesis.pooled import pool
from analysis.synthesis.subgroups import compare_subgroups

ENGINE = Path(__file__).with_name("engine.cjs")
NODE = shutil.which("node")

#: Largest relative deviation allowed, for proportions and for tau2, and for their intervals alike.
TOLERANCE = 1e-6

#: Sizes below which the deviation is taken as absolute: a value that should be zero has no scale.
FLOORS = {"tau2": 1e-6, "tau2_ci_low": 1e-6, "tau2_ci_high": 1e-6, "i2": 1e-6, "q": 1e-6, "lrt": 1e-6}
FLOOR = 1e-9

NUMBERS = (
    *("estimate", "ci_low", "ci_high", "prediction_low", "prediction_high"),
    *("tau2", "tau2_ci_low", "tau2_ci_high", "i2", "i2_from_q", "h2", "se"),
    *("q", "q_p", "lrt", "lrt_p", "log_likelihood"),
)
FACTS = ("k", "events", "total", "converged", "boundary", "q_df", "q_method", "i2_definition")

#: What goes with each model, as the page offers it.
OFFERED = {
    "glmm": (("ml",), ("profile", "wald", "t")),
    "iv": (("reml", "dl", "pm", "ml"), ("knapp-hartung", "wald", "t")),
}


def run_engine(calls: list[dict[str, Any]]) -> list[Any]:
    """Answer calls of the page's own scripts in node; each has file, name and args."""
    done = subprocess.run(
        [str(NODE), str(ENGINE)],
        input=json.dumps(calls),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return [answer["value"] for answer in json.loads(done.stdout)]


def facts_of(pooled: Any) -> dict[str, Any]:
    """Return a pooled result flat, with real infinities and nan in place of null."""
    flat = pooled.to_dict()
    spread = pooled.heterogeneity
    return flat | {
        "se": pooled.se,
        "prediction_low": pooled.prediction.low,
        "prediction_high": pooled.prediction.high,
        "tau2_ci_low": pooled.ci_tau2.low,
        "tau2_ci_high": pooled.ci_tau2.high,
        "lrt": spread.lrt,
        "lrt_p": spread.lrt_p,
        "weights": pooled.weights.tolist(),
    }


def number(value: Any) -> float:
    """Read a number of the engine: null means nan, and infinities come as text."""
    return math.nan if value is None else float(value)


def deviation(got: dict[str, Any], want: dict[str, Any]) -> tuple[float, str]:
    """Return the largest relative deviation and the name of the number that has it."""
    for name in FACTS:
        assert got[name] == want[name], f"{name}: {got[name]} instead of {want[name]}"
    worst = (0.0, "")
    # Without a finite maximum there is no number to compare but the exact interval.
    names = NUMBERS if want["converged"] else ("estimate",) if want["estimate"] in (0, 1) else ()
    pairs = [(name, number(got[name]), number(want[name])) for name in names]
    if want["converged"]:
        pairs += [
            ("weight", number(a), number(b)) for a, b in zip(got["weights"], want["weights"], strict=True)
        ]
    for name, a, b in pairs:
        if a == b or (math.isnan(a) and math.isnan(b)):
            continue
        off = abs(a - b) / max(abs(b), FLOORS.get(name, FLOOR))
        if not off <= worst[0]:
            worst = (off, f"{name}: {a!r} instead of {b!r}")
    return worst


def random_states(payload: dict[str, Any], count: int, seed: int) -> list[dict[str, Any]]:
    """Draw views: every choice at random, and some studies not ticked; most have studies."""
    rng = random.Random(seed)
    controls = {item["key"]: item["options"] for item in payload["controls"]}
    states = []
    while len(states) < count:
        state: dict[str, Any] = {key: rng.choice(options)["key"] for key, options in controls.items()}
        methods, intervals = OFFERED[state["model"]]
        state["tau2_method"], state["ci_method"] = rng.choice(methods), rng.choice(intervals)
        members = members_of(payload, state)
        if not members and rng.random() < 0.95:
            continue
        keep = rng.choice((1.0, 0.9, 0.6, 0.3))
        state["off"] = sorted(key for key in members if rng.random() > keep)
        states.append(state)
    return states


def members_of(payload: dict[str, Any], state: dict[str, Any]) -> list[str]:
    """Return the keys of the entries of a view, decoded from the payload in the plainest way."""
    place = 0
    for key in payload["order"]:
        options = next(item["options"] for item in payload["controls"] if item["key"] == key)
        place = place * len(options) + [item["key"] for item in options].index(state[key])
    found = [payload["entries"][i] for i in payload["lists"][payload["questions"][place]]]
    return [payload["studies"][entry[0]]["id"] + (f"~{entry[1]}" if entry[1] else "") for entry in found]


def expected(evidence: Any, state: dict[str, Any]) -> dict[str, Any]:
    """Select and pool a view with the Python code alone; `result` is None without studies."""
    split = state["subgroup"] != "none"
    counts = select(
        evidence,
        Question(
            population=state["population"],
            outcome=state["outcome"],
            version=state["version"],
            subgroup=state["subgroup"] if split else None,
            scope=state["scope"],
            units=state["units"],
            overlap=state["overlap"],
            doubtful=state["doubtful"],
            definition=state["definition"],
        ),
    )
    groups = counts.group or ("",) * counts.k
    keys = [
        f"{study}~{group}" if group else study for study, group in zip(counts.study_id, groups, strict=True)
    ]
    on = [i for i, key in enumerate(keys) if key not in state["off"]]
    settings = {
        "model": state["model"],
        "tau2_method": state["tau2_method"],
        "ci_method": state["ci_method"],
        "prediction_method": evidence.protocol.primary.prediction_method,
        "level": evidence.protocol.primary.level,
    }
    answer: dict[str, Any] = {"keys": keys, "result": None, "comparison": None}
    if not on:
        return answer
    events, total = counts.events[on], counts.total[on]
    if not split:
        return answer | {"result": facts_of(pool(events, total, **settings))}
    test = compare_subgroups(events, total, [groups[i] for i in on], tau2="separate", **settings)
    return answer | {
        "result": facts_of(test.overall),
        "comparison": {
            "levels": list(test.levels),
            "pooled": [facts_of(part) for part in test.pooled],
            "statistic": test.statistic,
            "df": test.df,
            "p_value": test.p_value,
        },
    }


def view_deviation(got: dict[str, Any], want: dict[str, Any]) -> tuple[float, str]:
    """Compare a whole view of the page with `expected`."""
    assert [entry["key"] for entry in got["entries"]] == want["keys"]
    if want["result"] is None:
        assert got["result"] is None
        return 0.0, ""
    found = [deviation(got["result"], want["result"])]
    if want["comparison"]:
        mine, theirs = got["comparison"], want["comparison"]
        assert mine["levels"] == theirs["levels"]
        assert mine["df"] == theirs["df"]
        found += [deviation(a, b) for a, b in zip(mine["pooled"], theirs["pooled"], strict=True)]
        for name in ("statistic", "p_value"):
            a, b = number(mine[name]), number(theirs[name])
            if not (math.isnan(a) and math.isnan(b)):
                found.append((abs(a - b) / max(abs(b), 1e-6), name))
    return max(found)
