"""Single edits of a folder of data, as hands and spreadsheet programs make them, and what comes of each.

Run from the root of the repository::

    python -m tests.evidence.edits 3000 --seed 20261201

Every edit is made in a copy. Its outcome is one of: the content is equal; it is accepted and every pooled
count is equal; it is accepted and a pooled count changes; it is refused with a place; or an internal error.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import re
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "data"

HIDDEN = "\x00\x07\x1b\u200b\u202e\ufeff\u00ad"
NUMBERS = (
    "0", "00", "1", "7", "999999", "1e3", "1e400", "inf", "-inf", "nan", "0x1f", "9" * 25, "9" * 5000,
    "½", "٣", "1/2",
)  # fmt: skip
WORDS = (
    "NA", "n/a", "None", "null", "TRUE", "yes", "?", "-", "#REF!", "2021-02-30", "2021-13-01", "23.0.0",
    "any",
)  # fmt: skip
#: A text and how it is changed in one cell.
CELLS: dict[str, Callable[[str, random.Random], str]] = {
    "a letter": lambda cell, _: cell.replace("1", "l", 1) if "1" in cell else cell + "l",
    "a footnote mark": lambda cell, rng: cell + rng.choice(["*", "†", "¹", "[1]", " (a)"]),
    "a day of a spreadsheet": lambda _, rng: rng.choice(["22.11.2026", "11/22/2026", "46348", "Nov 26"]),
    "a blank": lambda *_: "",
    "another case": lambda cell, _: cell.swapcase(),
    "an unknown key": lambda cell, rng: (cell[:-1] or "x") + rng.choice(["q", "_2", "zz", "-"]),
    "two letters swapped": lambda cell, _: cell[:1][::-1] + cell[2:3] + cell[1:2] + cell[3:],
    "quotes": lambda cell, rng: rng.choice(['"', "'", "“", '""', '","']) + cell,
    "a hidden character": lambda cell, rng: cell[:1] + rng.choice(HIDDEN) + cell[1:],
    "an odd blank": lambda cell, rng: rng.choice([f" {cell}", f"{cell}\u00a0", f"{cell}\t", f"\n{cell}"]),
    "too long": lambda cell, rng: cell + "x" * rng.choice([500, 30_000, 140_000]),
    "a formula": lambda cell, rng: rng.choice(["=", "+", "-", "@"]) + cell,
    "negative": lambda cell, _: f"-{cell}",
    "a decimal": lambda cell, rng: cell + rng.choice([".5", ",5", ".0"]),
    "thousands": lambda _, rng: rng.choice(["1,262", "1.262", "1 262", "1'262", "1_262"]),
    "another number": lambda _, rng: rng.choice(NUMBERS),
    "another word": lambda _, rng: rng.choice(WORDS),
    "garbled": lambda cell, _: cell + "Ã¶",
}  # fmt: skip

#: Values written in place of a value of YAML.
VALUES = (
    "", "null", "[]", "{}", "x", "0", "-1", "1.5", "95", ".nan", ".inf", "1e400", "2021-02-30", "2021-01-02",
    "'1'", "yes", "012", "1:30", "9" * 5000, "[a, b]", "{a: 1}", "*nope", "&a x", "!!binary aGk=", "!x y",
    "'", '"', "%", "@x", "x # y", "x: y", "\u202ex", "any", "glm", "logitt", "xx", "profile", "iv",
    "1e-9", "0.5",
)  # fmt: skip
LINES = (
    "2: y",
    "null: y",
    "true: y",
    "2021-01-02: y",
    "treshold: 1",
    "- x",
    "\tx: y",
    "<<: 3",
    "? [a]",
    "a: b: c",
    "---",
)


@dataclass(frozen=True)
class Edit:
    """One edit: the file, what was done, and its new bytes."""

    file: str
    what: str
    data: bytes


def files(folder: Path) -> list[Path]:
    """Return every file that an edit can hit."""
    found = [*folder.glob("*.csv"), *folder.glob("checklists/*.csv"), *folder.glob("*.yml")]
    return sorted([*found, *folder.glob("searches/*.yml")])


def edits(folder: Path, number: int, seed: int, only: str = "") -> Iterator[Edit]:
    """Yield edits, drawn evenly over the files."""
    rng = random.Random(seed)
    paths = [path for path in files(folder) if only in path.name]
    for _ in range(number):
        path = rng.choice(paths)
        name = str(path.relative_to(folder))
        what, data = (_table if path.suffix == ".csv" else _yaml)(path.read_bytes(), rng)
        yield Edit(name, what, data)


def _table(data: bytes, rng: random.Random) -> tuple[str, bytes]:
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    kind = rng.random()
    if kind < 0.75 and len(rows) > 1:
        row, column = rng.randrange(1, len(rows)), rng.randrange(len(rows[0]))
        name = rng.choice(list(CELLS))
        was = rows[row][column]
        rows[row][column] = CELLS[name](was, rng)
        return f"row {row + 1}, {rows[0][column]}: {name}", _written(rows)
    if kind < 0.88:
        return _rows(rows, rng)
    return _file(rows, data, rng)


def _rows(rows: list[list[str]], rng: random.Random) -> tuple[str, bytes]:
    at = rng.randrange(len(rows))
    what = rng.choice(["doubled", "lost", "moved", "blank", "short", "long", "cut", "swapped cells"])
    if what == "doubled":
        rows.insert(at, list(rows[at]))
    elif what == "lost":
        del rows[at]
    elif what == "moved":
        rows.append(rows.pop(at))
    elif what == "blank":
        rows.insert(at, [""] * len(rows[0]))
    elif what == "short":
        rows[at] = rows[at][:-1]
    elif what == "long":
        rows[at] = [*rows[at], ""]
    elif what == "cut":
        rows = rows[: max(1, at)]
    else:
        rows[at] = [*rows[at][1:], rows[at][0]]
    return f"row {at + 1} {what}", _written(rows)


def _file(rows: list[list[str]], data: bytes, rng: random.Random) -> tuple[str, bytes]:
    text = data.decode()
    column = rng.randrange(len(rows[0]))
    made: dict[str, Callable[[], bytes]] = {
        "semicolons": lambda: _written(rows, ";"),
        "tabs": lambda: _written(rows, "\t"),
        "cp1252": lambda: text.encode("cp1252", "replace"),
        "UTF-16": lambda: text.encode("utf-16"),
        "UTF-16 without mark": lambda: text.encode("utf-16-le"),
        "byte order mark": lambda: b"\xef\xbb\xbf" + data,
        "CR": lambda: data.replace(b"\n", b"\r"),
        "CRLF": lambda: data.replace(b"\n", b"\r\n"),
        "empty": lambda: b"",
        "header alone": lambda: _written(rows[:1]),
        "header lost": lambda: _written(rows[1:]),
        "header in capitals": lambda: _written([[cell.upper() for cell in rows[0]], *rows[1:]]),
        "column lost": lambda: _written([row[:column] + row[column + 1 :] for row in rows]),
        "column twice": lambda: _written([[*row, row[column]] for row in rows]),
        "columns turned": lambda: _written([row[::-1] for row in rows]),
        "empty columns at the end": lambda: _written([[*row, "", ""] for row in rows]),
        "all quoted": lambda: _written(rows, quoting=csv.QUOTE_ALL),
        "cut in the middle": lambda: data[: len(data) // 2],
        "an open quote": lambda: data.replace(b",", b',"', 1 + column),
        "zeros": lambda: data[:100] + b"\x00" + data[100:],
        "a workbook": lambda: b"PK\x03\x04" + data[:500],
        "Latin bytes": lambda: data[: len(data) // 2] + b"\xfc\xe9" + data[len(data) // 2 :],
    }
    what = rng.choice(list(made))
    return what, made[what]()


def _written(rows: list[list[str]], delimiter: str = ",", quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


_PAIR = re.compile(r"((?:^|[{,]) *(?:- )?(?:- *\{)?)([\w-]+): *([^,{}\n]*)", re.MULTILINE)


def _yaml(data: bytes, rng: random.Random) -> tuple[str, bytes]:
    text = data.decode()
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    kind = rng.random()
    pairs = [match for match in _PAIR.finditer(text)]
    match = rng.choice(pairs)
    line = text.count("\n", 0, match.start(2)) + 1
    if kind < 0.45:
        value = rng.choice(VALUES)
        made = text[: match.start(3)] + value + text[match.end(3) :]
        return f"line {line}, {match[2]}: {value[:20]}", made.encode()
    if kind < 0.6:
        name = rng.choice(["", match[2] + "x", match[2].upper(), match[2][:-1], "2", "null", "yes"])
        made = text[: match.start(2)] + name + text[match.end(2) :]
        return f"line {line}, key {match[2]} to {name}", made.encode()
    if kind < 0.7:
        what = rng.choice(LINES)
        indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        return f"line {at + 1} added: {what}", "\n".join([*lines[:at], indent + what, *lines[at:]]).encode()
    if kind < 0.8:
        return f"line {at + 1} lost", "\n".join([*lines[:at], *lines[at + 1 :]]).encode()
    if kind < 0.88:
        return f"line {at + 1} doubled", "\n".join([*lines[: at + 1], *lines[at:]]).encode()
    made_of: dict[str, Callable[[], bytes]] = {
        "UTF-16": lambda: text.encode("utf-16"),
        "cp1252": lambda: text.encode("cp1252", "replace"),
        "byte order mark": lambda: b"\xef\xbb\xbf" + data,
        "CRLF": lambda: data.replace(b"\n", b"\r\n"),
        "empty": lambda: b"",
        "a list": lambda: b"- a\n- b\n",
        "a word": lambda: b"word",
        "deep": lambda: b"a: " + b"[" * 3000,
        "cut": lambda: data[: len(data) * at // len(lines)],
        "zeros": lambda: data[:100] + b"\x00" + data[100:],
        "Latin bytes": lambda: data[:300] + b"\xfc" + data[300:],
        "shifted": lambda: "\n".join([*lines[:at], " " + lines[at], *lines[at + 1 :]]).encode(),
    }
    what = rng.choice(list(made_of))
    return what, made_of[what]()


class Trial:
    """A copy of the data in which edits are tried one at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "data"
        shutil.copytree(DATA, self.folder)
        self.content, self.counts = self._read()

    def _read(self) -> tuple[object, object]:
        from analysis.cli.validate import check_folder
        from analysis.evidence.select import Question, select

        evidence, ledger, others = check_folder(self.folder)
        protocol = evidence.protocol
        counts = []
        if not hasattr(self, "content") or evidence.data_hash != self.content[0]:  # type: ignore[index]
            for population in protocol.populations:
                for outcome in (item for item in protocol.outcomes if item.role != "not_pooled"):
                    found = select(evidence, Question(population.key, outcome.key))
                    counts.append((found.study_id, found.events.tolist(), found.total.tolist()))
            counts.append(str(protocol.primary))
        else:
            counts = self.counts  # type: ignore[assignment]
        return (evidence.data_hash, ledger.content_hash, others), counts

    def outcome(self, edit: Edit) -> tuple[str, str]:
        """Make an edit, say what comes of it with its text, and put the file back."""
        from analysis.evidence.faults import EvidenceFaults

        path = self.folder / edit.file
        was = path.read_bytes()
        path.write_bytes(edit.data)
        try:
            content, counts = self._read()
        except EvidenceFaults as error:
            return _place(edit, error), str(error)
        except Exception:
            return "internal error", traceback.format_exc()
        finally:
            path.write_bytes(was)
        if content == self.content:
            return "content equal", ""
        return ("accepted, counts equal" if counts == self.counts else "accepted, counts changed"), ""


def _place(edit: Edit, error: Exception) -> str:
    here = [fault for fault in error.faults if fault.file == Path(edit.file).name]  # type: ignore[attr-defined]
    if not here:
        return "refused, in another file"
    if any(fault.row and fault.column for fault in here):
        return "refused, with row and column"
    return "refused, with row" if any(fault.row for fault in here) else "refused, with file"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Try edits and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("number", type=int)
    parser.add_argument("--seed", type=int, default=20261201)
    parser.add_argument("--only", default="", help="part of the name of the files")
    parser.add_argument("--show", action="append", default=[], help="outcomes whose edits are printed")
    args = parser.parse_args()
    seen: Counter[str] = Counter()
    faults = []
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder))
        for edit in edits(trial.folder, args.number, args.seed, args.only):
            start = time.monotonic()
            outcome, text = trial.outcome(edit)
            slowest = max(slowest, time.monotonic() - start)
            seen[outcome] += 1
            if outcome.startswith("refused"):
                faults.append(int(text.split(" ", 1)[0]))
            if outcome == "internal error" or outcome in args.show:
                _say(f"{outcome}: {edit.file}: {edit.what}\n{text[:1500]}")
    for outcome, times in sorted(seen.items()):
        _say(f"{outcome}: {times}")
    faults.sort()
    if faults:
        _say(f"faults of a refusal: median {faults[len(faults) // 2]}, most {faults[-1]}")
    _say(f"slowest: {slowest:.1f} s")


if __name__ == "__main__":
    main()
