"""What of a table as it was delivered is not carried over, and is not recorded as changed either.

A delivered row must stand in the table cell by cell. A change is recorded by a notice that names the old
and the new value, or, for the counts of an outcome, by a later reader's row in `double_extraction.csv` to
which the row was resolved. A new row must belong to a later version, or to an addition that a notice names.
"""

import csv
import re
from collections import Counter, defaultdict
from pathlib import Path

__all__ = ["KEYS", "lost_entries", "not_carried_over", "read"]

#: Columns that name a row; None where the whole row is its name.
KEYS = {
    "studies": ("study_id",),
    "outcomes": ("study_id", "arm_id", "outcome"),
    "double_extraction": ("extractor", "study_id", "arm_id", "outcome"),
    "excluded": ("study",),
    "awaiting": ("study",),
    "appraisal": ("study_id", "item"),
    "rct_mrs_distribution": ("study_id", "arm_id"),
    "published": ("population", "outcome"),
}
#: Columns of a row that follow from a change of its counts.
FOLLOWS = frozenset(
    (
        "events", "total", "events_low", "events_high", "percent_reported", "derivation", "extractors",
        "agreement", "verified", "note",
    )
)  # fmt: skip
#: Lists that a study leaves when its state changes.
LISTS = ("excluded", "awaiting")


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table, each cell as it is written."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def not_carried_over(delivered: list[dict[str, str]], name: str, data: Path) -> list[str]:
    """Return one line a fault of the table `name` in the folder `data`."""
    ours = read(data / f"{name}.csv")
    records = _Records(data)
    columns = list(delivered[0])
    if ours and list(ours[0])[: len(columns)] != columns:
        return [f"{name}: the columns are not those delivered"]
    keys = KEYS.get(name, tuple(columns))
    groups: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for row in ours:
        groups[tuple(row[column] for column in keys)].append(row)
    faults = []
    wanted = Counter(tuple(row[column] for column in keys) for row in delivered)
    for row in delivered:
        key = tuple(row[column] for column in keys)
        if not groups[key]:
            if not (name in LISTS and records.moved(row["study_id"])):
                faults.append(f"{name} {'/'.join(key)[:80]}: the row is gone")
            continue
        now = groups[key][0]
        changed = [column for column in columns if row[column] != now[column]]
        faults += [
            f"{name} {'/'.join(key)[:80]}: {column} was {row[column]!r} and is {now[column]!r}"
            for column in changed
            if not records.explain(name, row, now, column)
        ]
    for key, rows in groups.items():
        if len(rows) > wanted[key] and not records.allow(name, rows[-1]):
            faults.append(f"{name} {'/'.join(key)[:80]}: a new row of no later version")
    return faults


def lost_entries(delivered: str, ours: str, studies: frozenset[str]) -> list[str]:
    """Return the keys of delivered references that ours lack or change; `studies` may have changed."""
    here = set(_entries(ours))
    return [
        key
        for entry in _entries(delivered)
        if entry not in here and (key := entry[entry.index("{") + 1 : entry.index(",")]) not in studies
    ]


def _entries(text: str) -> list[str]:
    # A note is a remark to the reader: its words may be mended, but it must not be lost.
    text = re.sub(r"(?m)^( *note = )\{.+\}", r"\1{}", text)
    return [entry.strip() for entry in re.split(r"(?m)^(?=@)", text) if entry.startswith("@")]


class _Records:
    """What a folder of data records about its own changes."""

    def __init__(self, data: Path) -> None:
        self.notices = read(data / "notices.csv")
        self.readers = read(data / "double_extraction.csv")
        self.studies = {row["study_id"]: row for row in read(data / "studies.csv")}
        self.outcomes = {tuple(row[c] for c in KEYS["outcomes"]) for row in read(data / "outcomes.csv")}
        # The evidence was delivered with the first two versions.
        self.later = frozenset(row["id"] for row in read(data / "versions.csv")[2:])

    def explain(self, name: str, was: dict[str, str], now: dict[str, str], column: str) -> bool:
        """Tell whether the change of a cell is recorded."""
        steps = [
            (item["old_value"], item["new_value"])
            for item in self.notices
            if item["kind"] == "correction"
            and (item["table"], item["study_id"], item["column"]) == (name, was.get("study_id"), column)
            and all(item[part] == was.get(part, "") for part in ("arm_id", "outcome") if name == "outcomes")
        ]
        if steps:
            links = [was[column], *(new for _, new in steps)]
            return links[-1] == now[column] and all(
                old == link for (old, _), link in zip(steps, links, strict=False)
            )
        return name == "outcomes" and column in FOLLOWS and self._resolved(was, now)

    def _resolved(self, was: dict[str, str], now: dict[str, str]) -> bool:
        """Tell whether a reader who came later wrote the counts that a resolved row has now."""
        before = set(was["extractors"].split("+"))
        return (
            now["agreement"] == "resolved"
            and bool(now["note"])
            and any(
                row["extractor"] not in before
                and (row["events"], row["total"]) == (now["events"], now["total"])
                for row in self.readers
                if all(row[part] == now[part] for part in KEYS["outcomes"])
            )
        )

    def moved(self, study_id: str) -> bool:
        """Tell whether a study of a list entered later, or a notice corrects its state."""
        study = self.studies.get(study_id)
        return (study is not None and study["first_version"] in self.later) or any(
            (item["study_id"], item["column"]) == (study_id, "eligibility") for item in self.notices
        )

    def allow(self, name: str, row: dict[str, str]) -> bool:
        """Tell whether a row may have come after the delivery."""
        study_id = row.get("study_id", "")
        if not study_id or study_id not in self.studies:
            return bool(self.later)
        if self.studies[study_id]["first_version"] in self.later or self.moved(study_id):
            return True
        if name == "double_extraction":
            return tuple(row[part] for part in KEYS["outcomes"]) in self.outcomes
        place = tuple(row.get(part, "") for part in KEYS["outcomes"])
        return any(
            item["kind"] == "addition" and tuple(item[part] for part in KEYS["outcomes"]) == place
            for item in self.notices
        )
