"""Checks of the numbers of versions and of the notices."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from analysis.evidence.faults import Finding
from analysis.evidence.notices import cell_value, same_place
from analysis.evidence.rules import Check, Tables, found
from analysis.evidence.tables import Notice, Outcome, Study

__all__ = ["CHECKS"]

#: Columns that no estimate is computed from, so that a patch may mend them.
_DESCRIPTIVE = frozenset(
    {
        "first_author", "title", "journal", "doi", "pmid", "registration", "country", "n_centres",
        "design", "enrolment", "segments", "device", "n_female", "age_summary", "nihss_summary",
        "ivt_n", "eligibility_reason", "source_url", "locator", "note", "definition",
    }
)  # fmt: skip

_KINDS = {"outcomes": Outcome, "studies": Study}


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _version_numbers(tables: Tables) -> Iterator[Finding]:
    """The first number is the year of the cut-off; the others count up from there."""
    tables.need("versions", clean=True)
    versions = tables["versions"]
    for place, version in enumerate(versions):
        if version.cut_off is None or version.id.count(".") != 2:
            continue
        year = version.cut_off.year % 100
        right = {f"{year}.0.0"}
        if place:
            before = _numbers(versions[place - 1].id)
            if before[0] == year:
                right = {f"{year}.{before[1] + 1}.0", f"{year}.{before[1]}.{before[2] + 1}"}
        wrong = version.id not in right
        yield found(
            "versions",
            version,
            ("id", "cut_off"),
            message=f"not the next number for a cut-off on {version.cut_off}" if wrong else "",
            expected=" or ".join(sorted(right)),
        )
        alias = str(version.cut_off)[:7]
        yield found(
            "versions",
            version,
            ("alias", "cut_off"),
            message="" if version.alias.startswith(alias) else "alias is not that of the cut-off",
            expected=alias,
        )


def _search_days(tables: Tables) -> Iterator[Finding]:
    """A day of search is a day of the calendar that has come."""
    # A day later is let pass: it has come somewhere.
    last = date.today() + timedelta(days=1)
    for version in tables["versions"]:
        message = ""
        try:
            if version.searched_on[:1].isdigit() and date.fromisoformat(version.searched_on) > last:
                message = "day of search has not come"
        except ValueError:
            message = "no such day"
        expected = "a day of the calendar up to today, or: not recorded"
        yield found("versions", version, "searched_on", message=message, expected=expected)


def _patches(tables: Tables) -> Iterator[Finding]:
    """A patch changes no estimate, so no study enters with it and no count changes."""
    tables.need("versions")
    patches = {item.id for item in tables.every("versions") if not item.id.endswith(".0")}
    for study in tables["studies"]:
        wrong = study.first_version in patches
        message = "a study cannot enter with a patch" if wrong else ""
        yield found("studies", study, "first_version", message=message, expected="a minor version")
    for notice in tables["notices"]:
        harmless = notice.kind == "concern" or notice.column in _DESCRIPTIVE
        wrong = notice.version in patches and not harmless
        message = f"a patch cannot hold a {notice.kind} that can change an estimate" if wrong else ""
        yield found("notices", notice, "version", message=message, expected="a minor version")


def _notices(tables: Tables) -> Iterator[Finding]:
    tables.need("versions", "studies", "outcomes")
    known = {item.id for item in tables.every("versions")}
    retracted = [item.study_id for item in tables["notices"] if item.kind == "retraction"]
    for study in tables["studies"]:
        wrong = retracted.count(study.study_id) > 1
        message = "retracted more than once" if wrong else ""
        yield found("studies", study, "study_id", message=message, expected="one retraction a study")
    for notice in tables["notices"]:
        message = "" if notice.version in known else "no such version"
        yield found("notices", notice, "version", message=message, expected="a row in versions.csv")
        if notice.kind in ("correction", "addition"):
            yield _changed_row(tables, notice)


def _changed_row(tables: Tables, notice: Notice) -> Finding:
    """Hold a correction or an addition against the row that it is about."""
    if notice.table not in _KINDS or (notice.kind == "addition" and notice.table != "outcomes"):
        message = f"a {notice.kind} names no table that can be changed"
        return found("notices", notice, "table", message=message, expected="outcomes or studies")
    rows = [row for row in tables.every(notice.table) if same_place(row, notice)]
    if not rows:
        columns = ("study_id", "arm_id", "outcome")
        message = f"no such row in {notice.table}.csv"
        return found("notices", notice, columns, message=message, expected="the key of a row")
    if notice.kind == "addition" or tables.faulty(notice.table, rows[0]):
        return found("notices", notice, "study_id")
    kind = _KINDS[notice.table]
    try:
        cell_value(kind, notice.column, notice.old_value)
        new = cell_value(kind, notice.column, notice.new_value)
    except ValueError as error:
        message = f"not a change of a cell of {notice.table}.csv: {error}"
        return found("notices", notice, "column", message=message, expected="a column and its values")
    if notice.old_value == notice.new_value:
        message = "old and new value are the same"
        return found("notices", notice, "new_value", message=message, expected="two values")
    stands = getattr(rows[0], notice.column)
    if new != stands and not _corrected_again(tables, notice):
        message = f"{notice.table}.csv holds {'a blank' if stands is None else stands}"
        return found("notices", notice, "new_value", message=message, expected="the value that stands")
    return found("notices", notice, "new_value")


def _corrected_again(tables: Tables, notice: Notice) -> bool:
    place = ("table", "study_id", "arm_id", "outcome", "column")
    return any(
        other.row > notice.row
        and other.kind == "correction"
        and all(getattr(other, name) == getattr(notice, name) for name in place)
        for other in tables["notices"]
    )


CHECKS: tuple[Check, ...] = (
    Check("version-numbers", "Versions are numbered by year, data and patch", _version_numbers),
    Check("search-days", "Days of search are days that have come", _search_days),
    Check("patches", "A patch changes nothing that is pooled", _patches),
    Check("notices", "Notices fit the rows that they are about", _notices),
)
