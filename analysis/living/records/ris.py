"""RIS as programs write it: cut into records, each tag read as its producer means it.

A record begins at TY or at the first known tag after ER. Numbers, links, heads and strategies that
stand between records belong to none; they are counted. A tag that no program is known to write is left
out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from analysis.evidence.faults import Fault
from analysis.living.records.decode import iter_lines
from analysis.living.records.fields import DATABASES, Reading, add
from analysis.living.records.kinds import tells_kind
from analysis.living.records.record import is_doi
from analysis.living.records.tags import RIS, RIS_BY_DATABASE, RIS_KNOWN, fields_of

__all__ = ["read_ris"]

_TAG = re.compile(r"^[ \t]{0,2}([A-Z][A-Z0-9])([ \t]{1,2})-(?:[ \t]*(.*)|)$")
_LONG_TAG = re.compile(r"^[ \t]{0,2}(DOI|PMID|PMCID|PMC|NCT)[ \t]{0,2}-[ \t]+(\S.*)$")
#: A tag that a program left inside the value of the tag before it.
_INSIDE = re.compile(r"\s{3,}([A-Z][A-Z0-9])  - ")
#: Lines that count or introduce the next record.
_INTRODUCES = re.compile(
    r"\s*(?:<?\d{1,6}\s*[.)]?\s*>?|Record\s+#?\d+(?:\s+of\s+\d+)?|Provider:.*|Content:.*)\s*$", re.I
)
_TITLES = {"TI", "T1", "CT", "BT"}
#: With one of these a block without TY is a record and no stray line.
_IDENTIFIES = {*_TITLES, "AU", "A1", "DO", "DOI", "AN", "AB", "N2"}
_KINDS_SAID = re.compile(r"\b(?:Document|Publication) Type:\s*([^;.]+)", re.IGNORECASE)
_NUMBER_SAID = re.compile(r"\bAccession Number:\s*([\w-]+)", re.IGNORECASE)
_EMBASE_NUMBER = re.compile(r"L\d{8,10}")


@dataclass
class _Line:
    number: int
    tag: str
    parts: list[str]

    @property
    def value(self) -> str:
        return " ".join(part.strip() for part in self.parts if part.strip())


@dataclass
class _Block:
    """The lines from one end of a record to the next."""

    lines: list[_Line] = field(default_factory=list)
    apart: bool = False  # whether a blank or an introducing line stands before its TY
    typed: int = -1  # where TY stands among the lines

    def has(self, tags: set[str]) -> bool:
        return any(line.tag in tags and line.value for line in self.lines)


def read_ris(text: str, file: str, source: str = "") -> Reading:
    """Read RIS text."""
    reading = Reading()
    cutter = _Cutter(reading, file, source, _gaps(text))
    for number, line in enumerate(iter_lines(text), start=1):
        cutter.take(number, line)
    cutter.end(ended=False)
    return reading


def _gaps(text: str) -> set[str]:
    """Return how the file sets off the mark after a tag: two blanks, or one."""
    found = {gap for gap in re.findall(r"^[ \t]{0,2}(?:TY|ER)([ \t]{1,2})-", text, re.MULTILINE)}
    return found or {"  "}


class _Cutter:
    def __init__(self, reading: Reading, file: str, source: str, gaps: set[str]) -> None:
        self.reading, self.file, self.source, self.gaps = reading, file, source, gaps
        self.block = _Block()
        self.blank = False  # whether the last lines were blank or introduced a record

    def take(self, number: int, line: str) -> None:
        """Take the next line of the file."""
        found = _LONG_TAG.match(line)
        tag, value = (found.group(1), found.group(2)) if found else ("", "")
        short = None if found else _TAG.match(line)
        if short and (short.group(2) in self.gaps or short.group(1) in ("TY", "ER")):
            tag, value = short.group(1), short.group(3) or ""
        if not tag:
            self._untagged(number, line)
        elif tag == "ER":
            self.end(ended=True, number=number, line=line)
        elif tag in RIS_KNOWN:
            self._tagged(number, tag, value)
        else:
            self.reading.unknown[tag] += 1
            if self.block.lines:
                # Lines that follow go with the tag that is not known.
                self.block.lines.append(_Line(number, "", [value]))

    def _untagged(self, number: int, line: str) -> None:
        if not line.strip():
            self.blank = True
            if self.block.lines:
                self.block.lines[-1].parts.append("")
        elif self.block.lines:
            self.block.lines[-1].parts.append(line)
            self.blank = False
        else:
            self.reading.between += 1

    def _tagged(self, number: int, tag: str, value: str) -> None:
        block = self.block
        if tag == "TY" and block.lines:
            introduced = self._drop_introduction()
            if block.typed >= 0:
                self.end(ended=False, number=number)
            elif self.blank or introduced:
                block.apart = True
        if tag == "TY":
            if self.block.apart and self.block.typed < 0 and self.block.has(_TITLES):
                self.end(ended=False, number=number)
            elif self.block.apart and self.block.lines and not self.block.has(_IDENTIFIES):
                self._stray()
            self.block.typed = len(self.block.lines)
        pieces = _INSIDE.split(value)
        self.block.lines.append(_Line(number, tag, [pieces[0]]))
        for inner, text in zip(pieces[1::2], pieces[2::2], strict=True):
            self.block.lines.append(_Line(number, inner, [text]))
        self.blank = False

    def _drop_introduction(self) -> bool:
        """Take lines that introduce the next record off the last value; whether there were any."""
        parts = self.block.lines[-1].parts
        dropped = 0
        while len(parts) > 1 and (not parts[-1].strip() or _INTRODUCES.match(parts[-1])):
            dropped += bool(parts.pop().strip())
        self.reading.between += dropped
        return dropped > 0

    def _stray(self) -> None:
        self.reading.between += sum(
            1 + sum(bool(part.strip()) for part in line.parts[1:]) for line in self.block.lines
        )
        self.block = _Block()

    def end(self, *, ended: bool, number: int = 0, line: str = "") -> None:
        """End a record: at its end mark, at the next TY, or with the file."""
        block, self.block = self.block, _Block()
        self.blank = False
        notes = self.reading.notes
        if not block.lines:
            if ended:
                notes.append(Fault(self.file, number, "ER", line, "an end mark without a record", ""))
            return
        if block.typed < 0 and not block.has(_IDENTIFIES):
            self.block = block
            self._stray()
            return
        begun = block.lines[0]
        if block.typed < 0:
            problem = "the record has no TY line"
            notes.append(Fault(self.file, begun.number, begun.tag, begun.value, problem, "TY"))
        if block.typed > 0 and _two_titles(block):
            # What stands before TY is a record of its own that lacks both of its marks.
            first = _Block(block.lines[: block.typed])
            self._add(first.lines)
            notes.append(Fault(self.file, begun.number, "TY", "", "the record has neither TY nor ER", "TY"))
            block.lines = block.lines[block.typed :]
        if not ended:
            problem = "the record has no end mark and was ended here"
            notes.append(Fault(self.file, number or block.lines[-1].number, "ER", "", problem, "ER"))
        self._add(block.lines)

    def _add(self, lines: Sequence[_Line]) -> None:
        pairs = [(line.tag, line.value) for line in lines if line.tag]
        got = _fields(pairs, self.source)
        add(self.reading, got, self.file, lines[0].number, self.source)


def _two_titles(block: _Block) -> bool:
    before = {line.tag for line in block.lines[: block.typed] if line.tag in _TITLES and line.value}
    after = {line.tag for line in block.lines[block.typed :] if line.tag in _TITLES and line.value}
    return bool(before & after)


def _fields(pairs: Sequence[tuple[str, str]], source: str) -> dict[str, list[str]]:
    """Return the values of a record by field, each tag read as the producer of the file means it."""
    got = fields_of(pairs, RIS)
    held: dict[str, list[str]] = {}
    for tag, value in pairs:
        held.setdefault(tag, []).append(value)
    # A catalogue that is no database says where a program looked, not where the record is from.
    provider = [value for value in held.get("DP", ()) if DATABASES.fullmatch(value.strip())]
    got["source"] = got["source"] or provider
    database = " ".join([source, *got["source"]])
    if any(value.startswith("WOS:") for value in got["accession"]):
        database += " Web of Science"
    if not got["source"] and any(_EMBASE_NUMBER.fullmatch(value.strip()) for value in held.get("U2", ())):
        database = "Embase"
        got["source"] = ["Embase"]
    for pattern, meanings in RIS_BY_DATABASE:
        if pattern.search(database):
            for tag, name in meanings.items():
                # Text of a custom field is no number.
                got[name] += [value for value in held.get(tag, ()) if re.fullmatch(r"\w{4,}", value.strip())]
    notes = " ".join(got["notes"])
    if not got["accession"] or got["accession"][0].startswith("rayyan-"):
        got["accession"] = got["accession"][1:]
        # Ovid puts the number of its database before the title; elsewhere ID counts a library.
        tags = [tag for tag, _ in pairs if tag in ("DB", "ID") or tag in _TITLES]
        if tags[:2] == ["DB", "ID"] and re.search(r"\d.{4}", held["ID"][0]):
            got["accession"] += held["ID"]
        got["accession"] += _NUMBER_SAID.findall(notes)
        if not got["source"]:
            got["accession"] += [v for v in held.get("U2", ()) if _EMBASE_NUMBER.fullmatch(v.strip())]
    got["kind"] = [*got["kind"], *(words.strip() for words in _KINDS_SAID.findall(notes))]
    kind = next(iter(held.get("TY", ())), "")
    got["kind"] = said = [word for word in got["kind"] if not is_doi(word) and tells_kind(word)]
    if kind and (not said or kind not in ("JOUR", "GEN", "JFULL")):
        got["kind"] = [*got["kind"], kind]
    return got
