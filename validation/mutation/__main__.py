"""Draw mutants, judge them, and write mutants.csv and summary.csv: ``python -m validation.mutation``."""

from __future__ import annotations

import argparse
import csv
import math
import platform
import random
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from validation.mutation.judge import Tests, baseline, judge, preload
from validation.mutation.mutants import Mutant, change, core, in_function, mutants_of, mutated, sample

__all__ = ["main", "summary"]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SOURCES = ROOT / "analysis" / "synthesis"
MUTANTS, SUMMARY, EQUIVALENT = (HERE / f"{name}.csv" for name in ("mutants", "summary", "equivalent"))
SEED = 20261122
SIZE = 400
#: Seconds of tests: for a module unchanged, for a mutant, and for one that survived those.
CHECK_BUDGET, BUDGET, SECOND_BUDGET = 1.0, 3.0, 40.0
#: Simulations of half a minute, which judge coverage and not single lines.
SLOW = (
    "tests/synthesis/test_interval_censored.py::test_intervals_of_rounded_percentages_cover",
    "tests/synthesis/test_glmm_derived.py::test_bootstrap_of_many_studies_is_near_the_normal",
)


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _row(mutant: Mutant, tests: Tests) -> dict[str, Any] | None:
    """Judge one mutant; one that survives the short tests meets the long ones too.

    The star before keyword-only parameters is no product: its mutants are passed over.
    """
    path = SOURCES / f"{mutant.module}.py"
    before, after = path.read_text("utf-8"), mutated(path, mutant)
    old, new = change(before, after)
    if old == "*," or old.startswith("def "):
        return None
    line = mutant.line if in_function(before, mutant.line) else 0
    for budget in (BUDGET, SECOND_BUDGET):
        chosen = tests.of(mutant.module, line, budget)
        usual = sum(tests.seconds[name] for name in chosen)
        # the compiled engine takes seconds to load, so it comes in only for what the arrays let pass
        verdict = judge(path, after, chosen, usual, twin=budget == SECOND_BUDGET)
        if verdict.outcome != "survived":
            break
    return mutant._asdict() | {
        "before": old,
        "after": new,
        "outcome": verdict.outcome,
        "tests": verdict.tests,
    }


def _check(paths: Sequence[Path], tests: Tests) -> None:
    """Fail unless each module, served unchanged through the import hook, passes its tests."""
    for path in tqdm(paths, desc="unchanged modules", unit="module"):
        chosen = tests.of(path.stem, 0, CHECK_BUDGET)
        verdict = judge(path, path.read_text("utf-8"), chosen, CHECK_BUDGET)
        if verdict.outcome != "survived":
            raise RuntimeError(f"{path.stem} fails its tests without a change")


def _name(row: dict[str, Any]) -> tuple[str, int, str, int]:
    return row["module"], int(row["line"]), row["operator"], int(row["occurrence"])


def _key(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(row[name] for name in ("module", "before", "after"))


def _equivalents() -> set[tuple[str, ...]]:
    return {_key(row) for row in _read(EQUIVALENT)}


def wilson(successes: int, total: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share."""
    z, p = 1.959963984540054, successes / total
    middle = p + z * z / (2 * total)
    half = z * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return (middle - half) / (1 + z * z / total), (middle + half) / (1 + z * z / total)


def summary(rows: Sequence[dict[str, Any]], mutants: dict[str, int]) -> list[dict[str, Any]]:
    """Count outcomes by module and in all; equivalent mutants leave the denominator."""
    equivalent = _equivalents()
    made = []
    for module in [*mutants, "all"]:
        mine = [row for row in rows if module in (row["module"], "all")]
        outcomes = Counter(
            "equivalent" if row["outcome"] == "survived" and _key(row) in equivalent else row["outcome"]
            for row in mine
        )
        judged = len(mine) - outcomes["equivalent"]
        ended = outcomes["killed"] + outcomes["timeout"]
        low, high = wilson(ended, judged) if judged else (math.nan, math.nan)
        made.append({
            "module": module,
            "mutants": sum(mutants.values()) if module == "all" else mutants[module],
            "sampled": len(mine),
            **{name: outcomes[name] for name in ("killed", "timeout", "equivalent", "survived")},
            "share": f"{ended / judged:.3f}" if judged else "",
            "low": f"{low:.3f}",
            "high": f"{high:.3f}",
        })  # fmt: skip
    return made


def main(argv: list[str] | None = None) -> int:
    """Judge a sample, or with --again only the survivors of the last run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--resume", action="store_true", help="leave out what mutants.csv holds already")
    parser.add_argument("--again", action="store_true", help="judge again the survivors in mutants.csv")
    parser.add_argument("--check", action="store_true", help="judge every module unchanged: all must survive")
    parser.add_argument("--count", action="store_true", help="only count again, as after a new equivalent")
    parser.add_argument("--work", type=Path, default=ROOT / "_build" / "mutation")
    args = parser.parse_args(argv)
    paths = core(SOURCES)
    groups = {path.stem: mutants_of(path) for path in paths}
    keep = args.again or args.count or args.resume
    kept: list[dict[str, Any]] = [dict(row) for row in _read(MUTANTS)] if keep else []
    rows = kept
    if not args.count:
        preload()
        tests = baseline(args.work, SLOW)
        if args.check:
            _check(paths, tests)
            return 0
        if args.again:
            known = _equivalents()
            again = [row for row in kept if row["outcome"] == "survived" and _key(row) not in known]
            drawn = [Mutant(r["module"], r["operator"], int(r["occurrence"]), int(r["line"])) for r in again]
        else:
            done = {_name(row) for row in kept}
            drawn = [m for m in sample(groups, args.size, args.seed) if _name(m._asdict()) not in done]
        found = {_name(row): row for row in kept}
        # in random order, so that a run that is stopped leaves a sample of all modules
        random.Random(args.seed).shuffle(drawn)
        for mutant in tqdm(drawn, desc="mutants", unit="mutant"):
            row = _row(mutant, tests)
            if row is None:
                continue
            found[_name(row)] = row
            rows = [found[name] for name in sorted(found)]
            _write(MUTANTS, rows)
    stamp = {
        "seed": args.seed,
        "date": datetime.now(UTC).date().isoformat(),
        "versions": f"Python {platform.python_version()}, cosmic-ray {version('cosmic-ray')}",
    }
    counts = summary(rows, {name: len(found) for name, found in groups.items()})
    _write(SUMMARY, [row | stamp for row in counts])
    total = counts[-1]
    sys.stdout.write(
        f"{total['sampled']} of {total['mutants']} mutants: {total['killed']} killed, {total['timeout']} hung"
        f", {total['equivalent']} equivalent, {total['survived']} survived; "
        f"{total['share']} ended ({total['low']} to {total['high']})\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
