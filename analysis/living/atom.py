"""What a reader can subscribe to: an Atom feed of versions, and every diff as JSON."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from analysis.living.diff import EvidenceDiff, diff_versions
from analysis.living.words import study_sentence, summary_lines
from analysis.results import settled

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence, Version

__all__ = ["atom_feed", "write_living_outputs"]

_ATOM = "http://www.w3.org/2005/Atom"
_PAGE = "book/whats_new.html"


def atom_feed(evidence: Evidence) -> bytes:
    """Return the feed: one entry a version, newest first, with what it changed."""
    ElementTree.register_namespace("", _ATOM)
    feed = ElementTree.Element(f"{{{_ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": "en"})
    _add(feed, "title", evidence.protocol.full_title)
    _add(feed, "id", f"urn:uuid:{_space(evidence)}")
    _add(feed, "updated", _time(evidence.versions[-1]))
    _add(_add(feed, "author"), "name", evidence.protocol.maintainers)
    _add(feed, "link", rel="self", href="atom.xml", type="application/atom+xml")
    _add(feed, "link", rel="alternate", href=_PAGE, type="text/html")
    for place in reversed(range(len(evidence.versions))):
        _entry(feed, evidence, place)
    ElementTree.indent(feed)
    return ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True) + b"\n"


def write_living_outputs(outdir: str | Path) -> list[Path]:
    """Write the Atom feed, the diffs, the versions and the schedule into a built site.

    Returns
    -------
    list of Path
        The files written.
    """
    from analysis.living.clock import read_clock
    from analysis.living.time_machine import time_machine
    from analysis.review.session import ROOT, load

    evidence = load()
    target = Path(outdir)
    folder = target / "living"
    folder.mkdir(parents=True, exist_ok=True)
    files = {target / "atom.xml": atom_feed(evidence)}
    for old, new in zip(evidence.versions, evidence.versions[1:], strict=False):
        diff = diff_versions(evidence, old.id, new.id)
        files[folder / f"diff-{old.id}-{new.id}.json"] = _json(diff.to_dict())
    past = [time_machine(evidence, version.id).to_dict() for version in evidence.versions]
    files[folder / "versions.json"] = _json(past)
    data = ROOT / "data"
    clock = read_clock(
        evidence, evidence.versions[-1].cut_off, data / "records.csv", ROOT / "imports" / "runs.csv"
    )
    # A file that stands for months names dates, not a state that would go wrong.
    dates = {key: value for key, value in clock.to_dict().items() if key not in ("today", "state")}
    files[folder / "schedule.json"] = _json(dates)
    for path, content in files.items():
        path.write_bytes(content)
    return list(files)


def _entry(feed: ElementTree.Element, evidence: Evidence, place: int) -> None:
    version = evidence.versions[place]
    entry = _add(feed, "entry")
    _add(entry, "title", f"Version {version.id}: {version.label}")
    _add(entry, "id", f"urn:uuid:{uuid.uuid5(_space(evidence), version.id)}")
    _add(entry, "updated", _time(version))
    _add(entry, "link", rel="alternate", href=_PAGE, type="text/html")
    lines = [version.trigger]
    if place:
        before = evidence.versions[place - 1]
        diff: EvidenceDiff = diff_versions(evidence, before.id, version.id)
        lines += [study_sentence(diff), *summary_lines(diff)]
        href = f"living/diff-{before.id}-{version.id}.json"
        _add(entry, "link", rel="related", href=href, type="application/json")
    _add(entry, "content", "\n".join(lines), type="text")


def _space(evidence: Evidence) -> uuid.UUID:
    """Return the id of the feed, from which and the version those of its entries are made.

    It is made from the name of the review alone, so that it never changes and no two reviews share one.
    """
    return uuid.uuid5(uuid.NAMESPACE_OID, evidence.protocol.name)


def _time(version: Version) -> str:
    return f"{version.cut_off}T00:00:00Z"


def _add(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    child.text = text or None
    return child


def _json(value: Any) -> bytes:
    return (json.dumps(settled(value), indent=1, allow_nan=False) + "\n").encode()
