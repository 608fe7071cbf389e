"""Print by kind how many records are covered and agree: ``python -m tests.oracle.report``."""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from pathlib import Path

from tests.oracle.compare import ORACLE, Outcome, compare_all


def table(outcomes: list[Outcome]) -> list[dict[str, object]]:
    """One row an engine and kind."""
    by: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for item in outcomes:
        by[item.engine, item.kind].append(item)
    rows = []
    for (engine, kind), items in sorted(by.items()):
        status = Counter(item.status for item in items)
        agree = [item.deviation for item in items if item.status == "agree"]
        rows.append(
            {
                "engine": engine,
                "kind": kind,
                "records": len(items),
                "covered": len(items) - status["skipped"],
                "agree": status["agree"],
                "explained": status["explained"],
                "differ": status["differs"],
                "skipped": status["skipped"],
                "largest": max(agree, default=0.0),
            }
        )
    return rows


def main(argv: list[str] | None = None) -> int:
    """Run the comparison; exit code 1 when a difference has no explanation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=ORACLE)
    parser.add_argument("--kinds", nargs="*")
    parser.add_argument("--show", type=int, default=0, help="differences to list for each kind")
    args = parser.parse_args(argv)
    outcomes = list(compare_all(args.directory, args.kinds or None))
    if not outcomes:
        sys.stdout.write(f"no records in {args.directory}\n")
        return 0
    rows = table(outcomes)
    form = "{:8} {:40} {:>7} {:>7} {:>7} {:>9} {:>6} {:>7}  {:>8}"
    heads = ("engine", "kind", "records", "covered", "agree", "explained", "differ", "skipped")
    lines = [form.format(*heads, "largest")]
    for row in rows:
        cells = [*(str(row[head]) for head in heads), f"{row['largest']:.1e}"]
        lines.append(form.format(*cells))
    total = Counter(item.status for item in outcomes)
    lines.append(
        f"{len(outcomes)} records: {len(outcomes) - total['skipped']} covered, {total['agree']} "
        f"agree, {total['explained']} explained, {total['differs']} differ, "
        f"{total['skipped']} skipped"
    )
    reasons: Counter[tuple[str, str, str, str]] = Counter(
        (item.engine, item.kind, item.status, item.reason)
        for item in outcomes
        if item.status in ("explained", "skipped")
    )
    lines.append("\nreasons (count, engine, kind, status, reason)")
    for (engine, kind, status, reason), count in sorted(reasons.items()):
        lines.append(f"{count:5d}  {engine:8} {kind:34} {status:9} {reason}")
    shown: Counter[tuple[str, str]] = Counter()
    for item in outcomes:
        if item.status == "differs" and shown[item.engine, item.kind] < args.show:
            shown[item.engine, item.kind] += 1
            lines.append(
                f"DIFFERS {item.engine} {item.kind} {item.dataset} {item.id}: "
                f"{item.deviation:.2e} {item.reason}"
            )
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if total["differs"] else 0


if __name__ == "__main__":
    sys.exit(main())
