"""``python -m analysis pool COUNTS.csv``: pool a table of counts as the book does.

The table has the columns study, events and total, and group if subgroups are wanted. It is read as a
spreadsheet program saves it, and what was assumed is said. Every fault is reported with file, row, column,
value and what was expected, before anything is printed.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from analysis.report.numbers import percent_decimals
from analysis.report.rare import plain_rate

if TYPE_CHECKING:
    from analysis.tables import Sheet, WholeNumbers

__all__ = ["add_parser", "run"]

_REQUIRED = ("study", "events", "total")
#: No study has more patients; a larger total is an identifier, or two cells run together.
_MOST_PATIENTS = 1_000_000_000
#: Decimals of a proportion that are printed even where its interval is wide.
_FEWEST_DECIMALS = 4
#: Names of a last row that sums up those above it.
_SUMS = frozenset(
    {"total", "totals", "sum", "all", "all studies", "overall", "pooled", "combined", "summe", "gesamt"}
)


class _Fault(NamedTuple):
    row: int
    column: str
    value: str
    problem: str
    expected: str


class _Counts(NamedTuple):
    study: list[str]
    events: list[int]
    total: list[int]
    group: list[str] | None
    assumed: tuple[str, ...]


def add_parser(subparsers: Any) -> None:
    """Declare the command and its options."""
    parser = subparsers.add_parser(
        "pool",
        help="pool a CSV of counts and print what the book would print",
        description="Pool proportions from a CSV with columns study, events, total and, for "
        "subgroups, group. Exit code 2 when the table cannot be used.",
    )
    parser.add_argument("counts", metavar="COUNTS.csv", help="table of counts; - is standard input")
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
    from analysis.tables import SheetError, read_sheet

    name = "standard input" if args.counts == "-" else args.counts
    try:
        source = args.counts
        if args.counts == "-":
            source = sys.stdin.buffer.read() if sys.stdin is not None else b""
        sheet = read_sheet(source, name=name, columns=_REQUIRED)
        counts, faults = _counts(sheet)
        if counts is None:
            for fault in faults:
                where = name + (f", row {fault.row}" if fault.row else "")
                where += f", column {fault.column}" if fault.column else ""
                shown = f": {_short(fault.value)!r}" if fault.value else ""
                sys.stderr.write(f"{where}{shown} {fault.problem}; expected {fault.expected}\n")
            return 2
        text = _pooled(args, counts)
    except SheetError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except ValueError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 2
    print(text)
    return 0


def _short(value: str) -> str:
    return value if len(value) <= 60 else value[:57] + "..."


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
    read = [f"the table was read as: {'; '.join(counts.assumed)}"] if counts.assumed else []
    if counts.group is None:
        result = pool(counts.events, counts.total, labels=counts.study, **options)
        if args.json:
            whole = result.to_dict()
            return json.dumps({**whole, "notes": [*whole["notes"], *read]}, allow_nan=False)
        return "\n".join([_text(result), *map(_note, read)])
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
        overall["notes"] = [*overall["notes"], *read]
        return json.dumps({**overall, "groups": whole.pop("levels"), "subgroup_test": whole},
                          allow_nan=False)  # fmt: skip
    parts = [f"{name}\n{_text(part)}" for name, part in zip(test.levels, test.pooled, strict=True)]
    second = "" if test.df2 != test.df2 else f" and {test.df2:g}"
    end = (
        f"difference between groups ({test.test_name}, {test.tau2_mode} tau2): "
        f"{test.statistic:.4g} on {test.df}{second} df, p = {test.p_value:.4g}"
    )
    if test.df < 1 or test.p_value != test.p_value:
        end = "difference between groups: no test"
    lines = [*parts, f"all studies\n{_text(test.overall)}", end, *map(_note, (*test.notes, *read))]
    return "\n\n".join(lines)


def _note(text: str) -> str:
    return f"note: {text}"


def _ends(interval: Any, decimals: int) -> str:
    if interval.low != interval.low:
        return "does not exist"
    return f"{plain_rate(interval.low, decimals)} to {plain_rate(interval.high, decimals)}"


def _variance(value: float) -> str:
    """Write tau2 with four decimals, and a small one with the digits that it has."""
    if value == float("inf"):
        return "no upper limit"
    return f"{value:.4f}" if value == 0 or value >= 0.0005 else f"{value:.2g}"


def _text(result: Any) -> str:
    """Plain lines of one pooled result."""
    percent = f"{100 * result.settings.level:g} %"
    het = result.heterogeneity
    # Two decimals of a per cent are four of a proportion.
    places = max(_FEWEST_DECIMALS, 2 + percent_decimals(result.ci.low, result.ci.high, result.estimate))
    spread = result.ci_tau2
    tau2_ends = "does not exist"
    if spread.low == spread.low:
        tau2_ends = f"{_variance(spread.low)} to {_variance(spread.high)}"
    lines = [
        f"studies {result.k}, events {int(result.events.sum())} of {int(result.total.sum())}",
        f"model {result.settings.model}, scale {result.settings.scale}, "
        f"tau2 by {result.settings.tau2_method}, interval {result.settings.ci_method}",
        f"estimate {plain_rate(result.estimate, places)} ({percent} {_ends(result.ci, places)})",
        f"prediction interval ({result.prediction.method}) {_ends(result.prediction, places)}",
        f"tau2 {_variance(result.tau2)} ({percent} {tau2_ends}, {spread.method})",
        f"I2 {100 * het.i2:.1f} % by {het.i2_definition}; {100 * het.i2_from_q:.1f} % by (Q-df)/Q",
        f"Q ({het.q_method}) {het.q:.3f} on {het.q_df} df, p = {het.q_p:.4g}",
        *map(_note, result.notes),
    ]
    return "\n".join(lines)


def _counts(sheet: Sheet) -> tuple[_Counts | None, list[_Fault]]:
    """Return the counts of a table, or every fault of it."""
    from analysis.tables import WholeNumbers

    shown = ",".join(sheet.heads)
    missing = [name for name in _REQUIRED if name not in sheet.heads]
    if missing:
        wanted = "separated by commas, semicolons or tabs"
        return None, [
            _Fault(sheet.head_row, name, shown, "is missing", f"a column {name!r}, {wanted}")
            for name in missing
        ]
    grouped = next((head for head in sheet.heads if head.casefold() == "group"), None)
    numbers = WholeNumbers([*sheet.column("events"), *sheet.column("total")], sheet.delimiter)
    faults: list[_Fault] = []
    study: list[str] = []
    events: list[int] = []
    total: list[int] = []
    group: list[str] | None = None if grouped is None else []
    for row, cells in sheet.rows:
        name = cells["study"]
        if not name:
            faults.append(_Fault(row, "study", "", "is empty", "a name"))
        elif name in study:
            faults.append(_Fault(row, "study", name, "stands twice", "each study once"))
        x, n = (_whole(row, column, cells[column], numbers, faults) for column in ("events", "total"))
        if n is not None and n < 1:
            faults.append(_Fault(row, "total", cells["total"], "is below one", "at least 1"))
        elif n is not None and n > _MOST_PATIENTS:
            most = f"at most {_MOST_PATIENTS} patients"
            faults.append(_Fault(row, "total", cells["total"], "is too large for a study", most))
        elif x is not None and n is not None and x > n:
            faults.append(_Fault(row, "events", cells["events"], "is above the total", f"0 to {n}"))
        if len(study) > 1 and name.casefold().strip(":") in _SUMS and (x, n) == (sum(events), sum(total)):
            faults.append(_Fault(row, "study", name, "is the sum of the rows above", "studies only"))
        study.append(name)
        events.append(x or 0)
        total.append(n or 0)
        if group is not None and grouped is not None:
            group.append(cells[grouped])
    if not study and not faults:
        faults.append(_Fault(0, "", "", "has no studies", "at least one row below the header"))
    if faults:
        return None, faults
    return _Counts(study, events, total, group, (*sheet.assumed, *numbers.assumed)), []


def _whole(row: int, column: str, text: str, numbers: WholeNumbers, faults: list[_Fault]) -> int | None:
    from analysis.tables import CellError

    try:
        return numbers.read(text)
    except CellError as error:
        faults.append(_Fault(row, column, text, error.problem, error.expected))
        return None
