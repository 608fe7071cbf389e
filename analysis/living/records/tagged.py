"""Tagged text other than RIS: Web of Science, EndNote, RefWorks, Ovid, ERIC and the Cochrane Library.

One reader; a format is a row of `TAGGED`: what begins a record, what a tagged line looks like, and which
tag holds what.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from analysis.living.records.decode import iter_lines
from analysis.living.records.fields import Reading, add
from analysis.living.records.tags import (
    COCHRANE,
    ENDNOTE_TAGGED,
    ERIC,
    OVID,
    REFWORKS,
    REFWORKS_KNOWN,
    WOS,
    WOS_KNOWN,
    TagTable,
    fields_of,
)

__all__ = ["TAGGED", "Tagged", "read_tagged"]


@dataclass(frozen=True)
class Tagged:
    """How a tagged format is written.

    Attributes
    ----------
    name : str
        As it is printed.
    begins : pattern
        The first line of a record.
    tag : pattern
        A tagged line: the tag, then the value.
    table : mapping
        Field -> tags.
    database : str
        Where all records of such a file come from.
    ends : pattern, optional
        A line after which text belongs to no record until the next one begins.
    counts : bool
        Whether the first line of a record only counts it and holds no value.
    by_line : set of str
        Tags whose value goes on as one more value a line, as lists of authors do.
    known : set of str
        All tags of the format, where the list is known; others are counted.
    """

    name: str
    begins: re.Pattern[str]
    tag: re.Pattern[str]
    table: TagTable
    database: str = ""
    ends: re.Pattern[str] | None = None
    counts: bool = False
    by_line: frozenset[str] = field(default_factory=frozenset)
    known: frozenset[str] = field(default_factory=frozenset)


TAGGED = {
    "wos": Tagged(
        name="Web of Science text",
        begins=re.compile(r"^PT(?: |$)", re.MULTILINE),
        tag=re.compile(r"^([A-Z][A-Z0-9])(?: (.*)|)$"),
        table=WOS,
        database="Web of Science",
        ends=re.compile(r"^E[RF]\s*$"),
        by_line=frozenset(("AU", "AF", "BA", "CA")),
        known=WOS_KNOWN,
    ),
    "endnote_tagged": Tagged(
        name="EndNote tagged text",
        begins=re.compile(r"^%0 ", re.MULTILINE),
        tag=re.compile(r"^%([0-9A-Z!@#$&(*+=>?~^_\[\]<\\])(?: (.*)|)$"),
        table=ENDNOTE_TAGGED,
    ),
    "refworks": Tagged(
        name="RefWorks tagged text",
        begins=re.compile(r"^RT ", re.MULTILINE),
        tag=re.compile(rf"^({'|'.join(sorted(REFWORKS_KNOWN))})(?: (.*)|)$"),
        table=REFWORKS,
        known=REFWORKS_KNOWN,
    ),
    "ovid": Tagged(
        name="Ovid tagged text",
        begins=re.compile(r"^\s*<\s*\d+\s*\.?\s*>\s*$", re.MULTILINE),
        tag=re.compile(r"^([A-Z][A-Z0-9]) {1,2}-(?: (.*)|)$"),
        table=OVID,
        counts=True,
    ),
    "eric": Tagged(
        name="ERIC (nbib)",
        begins=re.compile(r"^OWN {0,2}- ?ERIC", re.MULTILINE),
        tag=re.compile(r"^([A-Z]{2,4}) {0,3}-(?: (.*)|)$"),
        table=ERIC,
        database="ERIC",
    ),
    "cochrane": Tagged(
        name="Cochrane text",
        begins=re.compile(r"^\s*Record #\d+ of \d+", re.MULTILINE),
        tag=re.compile(r"^([A-Z][A-Z0-9]{1,3}): ?(.*)$"),
        table=COCHRANE,
        database="CENTRAL",
        counts=True,
    ),
}
#: Tags that frame a file and say nothing of a record.
_FRAME = {"FN", "VR", "EF"}


def read_tagged(text: str, file: str, source: str, kind: str) -> Reading:
    """Read tagged text of one of the formats of `TAGGED`."""
    form = TAGGED[kind]
    reading = Reading()
    blocks: list[tuple[int, list[tuple[str, list[str]]]]] = []
    inside = False
    for number, line in enumerate(iter_lines(text), start=1):
        found = form.tag.match(line)
        if form.begins.match(line):
            blocks.append((number, []))
            inside = True
            if not form.counts and found:
                blocks[-1][1].append((found.group(1), [found.group(2) or ""]))
        elif form.ends and form.ends.match(line):
            inside = False
        elif found and found.group(1) in _FRAME and not inside:
            continue
        elif found and inside:
            blocks[-1][1].append((found.group(1), [found.group(2) or ""]))
        elif not line.strip():
            continue
        elif inside and blocks[-1][1]:
            blocks[-1][1][-1][1].append(line.strip())
        else:
            reading.between += 1
    for number, lines in blocks:
        pairs: list[tuple[str, str]] = []
        for tag, parts in lines:
            if form.known and tag not in form.known:
                reading.unknown[tag] += 1
            values = parts if tag in form.by_line else [" ".join(parts)]
            pairs += [(tag, value) for value in values]
        add(reading, fields_of(pairs, form.table), file, number, source or form.database)
    return reading
