"""EndNote XML, record by record, so that one broken record does not cost the others."""

from __future__ import annotations

import re
from typing import Any

from analysis.evidence.faults import Fault
from analysis.living.records.fields import Reading, add
from analysis.living.records.record import one_line

__all__ = ["BEGINS", "read_endnote"]

BEGINS = re.compile(r"<record(?:\s[^>]*)?>")
_END = "</record>"
#: Field -> where it stands in a record.
_PATHS = {
    "title": ("titles/title", "titles/translated-title", "titles/short-title"),
    "year": ("dates/year", "dates/pub-dates/date"),
    "journal": (
        "titles/secondary-title", "periodical/full-title", "titles/alt-title", "alt-periodical/full-title",
        "periodical/abbr-1",
    ),
    "volume": ("volume",),
    "issue": ("number", "issue"),
    "pages": ("pages",),
    "article_number": ("electronic-resource-article-number", "custom7"),
    "abstract": ("abstract",),
    "doi": ("electronic-resource-num",),
    "accession": ("accession-num",),
    "kind": ("work-type",),
    "language": ("language",),
    "source": ("remote-database-name", "remote-database-provider"),
    "notes": ("notes", "custom2", "research-notes", "label"),
}  # fmt: skip


def read_endnote(text: str, file: str, source: str = "") -> Reading:
    """Read EndNote XML text."""
    from defusedxml.ElementTree import ParseError, fromstring

    reading = Reading()
    starts = list(BEGINS.finditer(text))
    line, counted = 1, 0
    for place, begin in enumerate(starts):
        line += text.count("\n", counted, begin.start())
        counted = begin.start()
        limit = starts[place + 1].start() if place + 1 < len(starts) else len(text)
        end = text.find(_END, begin.start(), limit)
        if end < 0:
            reading.lost.append(Fault(file, line, "record", "", "the record is cut off", _END))
            continue
        try:
            node = fromstring(_without_controls(text[begin.start() : end + len(_END)]))
        except ParseError as error:
            reading.lost.append(Fault(file, line, "record", "", f"not valid XML ({error})", "valid XML"))
            continue
        add(reading, _fields(node), file, line, source)
    return reading


def _without_controls(text: str) -> str:
    """Drop control characters, which XML forbids and exports hold all the same."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:x?0?[0-8BCEFbcef]|1[0-9]|2[0-9]|3[01]);", "", text)


def _fields(node: Any) -> dict[str, list[str]]:
    got = {
        name: [shown for path in paths for item in node.findall(path) if (shown := _text(item))]
        for name, paths in _PATHS.items()
    }
    got["authors"] = [_text(item) for item in node.findall("contributors/authors/author")]
    got["urls"] = [_text(item) for item in node.iter("url")]
    kind = node.find("ref-type")
    named = kind.get("name", "") if kind is not None else ""
    # "Journal Article" adds nothing to a kind that the database itself names.
    if named and (not got["kind"] or named not in ("Journal Article", "Generic")):
        got["kind"].append(named)
    return got


def _text(node: Any) -> str:
    return one_line("".join(node.itertext()))
