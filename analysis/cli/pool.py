"""``python -m analysis pool COUNTS.csv``: pool a table of counts as the book does.

The table has the columns study, events and total, and group if subgroups are wanted. Every fault is
reported with file, row, column, value and what was expected, before anything is printed.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["add_parser", "run"]

_REQUIRED = ("study", "events", "total")


class _Fault(NamedTuple):
    row: int | None
    column: str
    value: str
    problem: str
    expected: str


class _Counts(NamedTuple):
    study: list[str]
    events: list[int]
    total: list[int]
    group: list[str] | None


def add_parser(subparsers: Any) -> None:
    """Declare the command and its options."""
    parser = subparsers.add_parser(
        "pool",
        help="pool a CSV of counts and print what the book would print",
        description="Pool proportions from a CSV with columns study, events, total and, for "
        "subgroups, group. Exit code 2 when the table cannot be used.",
    )
    parser.add_argument("counts", metavar="COUNTS.csv", type=Path, help="table of counts")
    parser.add_argument("--model", choices=["glmm", "iv"], default="glmm", help="default: glmm")
    parser.add_argument(
        "--tau2",
        choices=["ml", "reml", "dl", "pm", "pmm", "he", "hs", "sj", "eb", "ee"],
        help="between-study variance; default: ml for the glmm, reml for iv",
    )
    parser.add_argument(
        "--ci",
        choices=["wald", "t", "knapp-hartung", "knapp-hartung-adhoc", "profile"],
        help="confidence interval; default: profile for the glmm, knapp-hartung for iv",
    )
    parser.add_argument(
        "--prediction",
        choices=["normal", "t-k-1", "t-k-2", "knapp-hartung"],
        default="t-k-2",
        help="prediction interval; default: t-k-2",
    )
    parser.add_argument(
        "--scale",
        choices=["logit", "log", "arcsine", "freeman-tukey", "raw"],
        default="logit",
        help="scale of inverse variance; default: logit",
    )
    parser.add_argument("--level", type=float, default=0.95, help="level of intervals; 0.95")
    parser.add_argument(
        "--subgroups",
        choices=["common", "separate"],
        default="common",
        help="tau2 of the groups, when the table has a group column; default: common",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Read the table, pool it and print; 0 when done, 2 when the input cannot be used."""
    counts, faults = _read(args.counts)
    if faults or counts is None:
        for fault in faults:
            where = f"{args.counts}"
            if fault.row is not None:
                where += f", row {fault.row}"
            if fault.column:
                where += f", column {fault.column}"
            shown = f": {fault.value!r}" if fault.value else ""
            sys.stderr.write(f"{where}{shown} {fault.problem}; expected {fault.expected}\n")
        return 2
    try:
        text = _pooled(args, counts)
    except ValueError as error:
        sys.stderr.write(f"{args.counts}: {error}\n")
        return 2
    sys.stdout.write(text + "\n")
    return 0


def _pooled(args: argparse.Namespace, counts: _Counts) -> str:
    from analysis.synthesis.pooled import pool

    options = {
        "model": args.model,
        "scale": args.scale,
        "tau2_method": args.tau2,
        "ci_method": args.ci,
        "prediction_method": args.prediction,
        "level": args.level,
    }
    if counts.group is None:
        result = pool(counts.events, counts.total, labels=counts.study, **options)
        return json.dumps(result.to_dict(), allow_nan=False) if args.json else _text(result)
    from analysis.synthesis.subgroups import compare_subgroups

    test = compare_subgroups(
        counts.events,
        counts.total,
        counts.group,
        labels=counts.study,
        tau2=args.subgroups,
        **options,
    )
    if args.json:
        whole = test.to_dict()
        overall = whole.pop("overall")
        return json.dumps({**overall, "groups": whole.pop("levels"), "subgroup_test": whole},
                          allow_nan=False)  # fmt: skip
    parts = [f"{name}\n{_text(part)}" for name, part in zip(test.levels, test.pooled, strict=True)]
    second = "" if test.df2 != test.df2 else f" and {test.df2:g}"
    end = (
        f"difference between groups ({test.test_name}, {test.tau2_mode} tau2): "
        f"{test.statistic:.4g} on {test.df}{second} df, p = {test.p_value:.4g}"
    )
    lines = [*parts, f"all studies\n{_text(test.overall)}", end, *map(_note, test.notes)]
    return "\n\n".join(lines)


def _note(text: str) -> str:
    return f"note: {text}"


def _ends(interval: Any) -> str:
    if interval.low != interval.low:
        return "does not exist"
    return f"{interval.low:.4f} to {interval.high:.4f}"


def _text(result: Any) -> str:
    """Plain lines of one pooled result."""
    percent = f"{100 * result.settings.level:g} %"
    het = result.heterogeneity
    lines = [
        f"studies {result.k}, events {int(result.events.sum())} of {int(result.total.sum())}",
        f"model {result.settings.model}, scale {result.settings.scale}, "
        f"tau2 by {result.settings.tau2_method}, interval {result.settings.ci_method}",
        f"estimate {result.estimate:.4f} ({percent} {_ends(result.ci)})",
        f"prediction interval ({result.prediction.method}) {_ends(result.prediction)}",
        f"tau2 {result.tau2:.4f} ({percent} {_ends(result.ci_tau2)}, {result.ci_tau2.method})",
        f"I2 {100 * het.i2:.1f} % by {het.i2_definition}; {100 * het.i2_from_q:.1f} % by (Q-df)/Q",
        f"Q ({het.q_method}) {het.q:.3f} on {het.q_df} df, p = {het.q_p:.4g}",
        *map(_note, result.notes),
    ]
    return "\n".join(lines)


def _read(path: Path) -> tuple[_Counts | None, list[_Fault]]:
    """Return the counts, or every fault of the table."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "cannot be read"
        return None, [_Fault(None, "", "", reason, "a CSV file")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n") + 1
        return None, [_Fault(row, "", repr(raw[error.start]), "is not UTF-8", "UTF-8 text")]
    try:
        table = list(csv.reader(text.splitlines(keepends=True), strict=True))
    except csv.Error as error:
        return None, [_Fault(None, "", "", f"is not a CSV table ({error})", "a CSV file")]
    if not table or not any(cell.strip() for cell in table[0]):
        return None, [_Fault(1, "", "", "has no header", "study,events,total[,group]")]
    head = [cell.strip() for cell in table[0]]
    missing = [name for name in _REQUIRED if name not in head]
    if missing:
        return None, [
            _Fault(1, name, ",".join(head), "is missing", f"a column {name!r}") for name in missing
        ]
    twice = sorted({name for name in head if head.count(name) > 1})
    if twice:
        return None, [_Fault(1, name, name, "stands twice", "each column once") for name in twice]
    return _rows(head, table[1:])


def _rows(head: list[str], table: list[list[str]]) -> tuple[_Counts | None, list[_Fault]]:
    faults: list[_Fault] = []
    study: list[str] = []
    numbers: dict[str, list[int]] = {"events": [], "total": []}
    group: list[str] | None = [] if "group" in head else None
    for line, cells in enumerate(table, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(head):
            faults.append(
                _Fault(line, "", "", f"has {len(cells)} cells", f"{len(head)} cells as in row 1")
            )
            continue
        row = dict(zip(head, (cell.strip() for cell in cells), strict=True))
        if not row["study"]:
            faults.append(_Fault(line, "study", "", "is empty", "a name"))
        elif row["study"] in study:
            faults.append(_Fault(line, "study", row["study"], "stands twice", "each study once"))
        study.append(row["study"])
        values = {name: _whole(line, name, row[name], faults) for name in ("events", "total")}
        events, total = values["events"], values["total"]
        if total is not None and total < 1:
            faults.append(_Fault(line, "total", row["total"], "is below one", "at least 1"))
        elif events is not None and total is not None and events > total:
            faults.append(
                _Fault(line, "events", row["events"], "is above the total", f"0 to {total}")
            )
        for name in numbers:
            numbers[name].append(values[name] or 0)
        if group is not None:
            if not row["group"]:
                faults.append(_Fault(line, "group", "", "is empty", "a group name"))
            group.append(row["group"])
    if not study and not faults:
        faults.append(_Fault(None, "", "", "has no studies", "at least one row below the header"))
    return (None if faults else _Counts(study, numbers["events"], numbers["total"], group)), faults


def _whole(line: int, column: str, text: str, faults: list[_Fault]) -> int | None:
    # int() alone would take "1_000" and other digits than 0 to 9.
    if text.isascii() and text.lstrip("-").isdigit() and text.count("-") <= 1:
        value = int(text)
        if value >= 0:
            return value
        faults.append(_Fault(line, column, text, "is negative", "a whole number, 0 or more"))
        return None
    faults.append(_Fault(line, column, text, "is not a whole number", "digits only, such as 12"))
    return None
