"""Print by kind how many records are covered and agree: ``python -m tests.oracle.report``.

With ``--csv`` the table is also written to ``validation/agreement.csv``, which the book shows, and the
reasons of what differs or is left out to ``validation/reasons.csv`` beside it.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter, defaultdict
from pathlib import Path

from tests.oracle.compare import ORACLE, Outcome, compare_all

#: The table that the book shows.
AGREEMENT = Path(__file__).resolve().parents[2] / "validation" / "agreement.csv"


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
                "tolerance": max(item.tolerance for item in items),
            }
        )
    return rows


def reasons(outcomes: list[Outcome]) -> list[dict[str, object]]:
    """Count why records differ or are left out, by engine, kind and reason."""
    found = Counter(
        (item.engine, item.kind, item.status, item.reason)
        for item in outcomes
        if item.status in ("explained", "skipped")
    )
    heads = ("engine", "kind", "status", "reason")
    return [dict(zip(heads, key, strict=True)) | {"records": n} for key, n in sorted(found.items())]


def write_csv(path: Path, rows: list[dict[str, object]]) -> None:
    """Write rows as CSV; deviations and tolerances keep one digit after the point."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows[0])
        for row in rows:
            writer.writerow(f"{v:.1e}" if isinstance(v, float) else v for v in row.values())


def main(argv: list[str] | None = None) -> int:
    """Run the comparison; exit code 1 when a difference has no explanation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=ORACLE)
    parser.add_argument("--kinds", nargs="*")
    parser.add_argument("--show", type=int, default=0, help="differences to list for each kind")
    parser.add_argument("--csv", nargs="?", type=Path, const=AGREEMENT, help="also write this file")
    args = parser.parse_args(argv)
    outcomes = list(compare_all(args.directory, args.kinds or None))
    if not outcomes:
        sys.stdout.write(f"no records in {args.directory}\n")
        return 0
    rows = table(outcomes)
    if args.csv:
        write_csv(args.csv, rows)
        write_csv(args.csv.with_name("reasons.csv"), reasons(outcomes))
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
    lines.append("\nreasons (count, engine, kind, status, reason)")
    for item in reasons(outcomes):
        lines.append(
            f"{item['records']:5d}  {item['engine']:8} {item['kind']:34} {item['status']:9} {item['reason']}"
        )
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
