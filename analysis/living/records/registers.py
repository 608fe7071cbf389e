"""The XML that the register portal of the WHO (ICTRP) writes, entry by entry."""

from __future__ import annotations

import re

from analysis.evidence.faults import Fault
from analysis.living.records.fields import Reading, add

__all__ = ["BEGINS", "read_ictrp"]

BEGINS = re.compile(r"<Trial(?:\s[^>]*)?>", re.IGNORECASE)
_END = re.compile(r"</Trial>", re.IGNORECASE)
_COLUMNS = {
    "title": ("public_title", "scientific_title"),
    "year": ("date_registration3", "date_registration"),
    "nct": ("trialid", "secondary_id", "secondary_ids"),
    "accession": ("trialid",),
    "urls": ("web_address", "url"),
}


def read_ictrp(text: str, file: str, source: str = "") -> Reading:
    """Read the XML of the WHO ICTRP."""
    from defusedxml.ElementTree import ParseError, fromstring

    reading = Reading()
    starts = list(BEGINS.finditer(text))
    line, counted = 1, 0
    for place, begin in enumerate(starts):
        line += text.count("\n", counted, begin.start())
        counted = begin.start()
        limit = starts[place + 1].start() if place + 1 < len(starts) else len(text)
        end = _END.search(text, begin.end(), limit)
        if end is None:
            reading.lost.append(Fault(file, line, "Trial", "", "the entry is cut off", "</Trial>"))
            continue
        try:
            # A bare ampersand is the commonest fault of this file.
            whole = re.sub(r"&(?!#?\w+;)", "&amp;", text[begin.start() : end.end()])
            node = fromstring(whole)
        except ParseError as error:
            reading.lost.append(Fault(file, line, "Trial", "", f"not valid XML ({error})", "valid XML"))
            continue
        said = {item.tag.lower(): "".join(item.itertext()) for item in node}
        got = {
            name: [said[tag] for tag in tags if said.get(tag, "").strip()] for name, tags in _COLUMNS.items()
        }
        got |= {"kind": ["Trial registration"], "source": ["WHO ICTRP"]}
        add(reading, got, file, line, source)
    return reading
