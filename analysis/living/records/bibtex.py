"""BibTeX through pybtex, entry by entry, so that one broken entry does not cost the others."""

from __future__ import annotations

import codecs
import re
from typing import Any

from analysis.evidence.faults import Fault
from analysis.living.records.fields import Reading, add
from analysis.living.records.record import one_line

__all__ = ["BEGINS", "read_bibtex"]

BEGINS = re.compile(
    r"^[ \t]*@[ \t]*(?!(?:comment|string|preamble)\b)\w+[ \t]*[{(]", re.MULTILINE | re.IGNORECASE
)
_ENTRY = re.compile(r"^[ \t]*@[ \t]*(\w+)[ \t]*[{(]", re.MULTILINE)
#: The name of a field with blanks, at which BibTeX would stop.
_SPACED = re.compile(r"(?<=,\n)[ \t]*[A-Za-z]\w*(?: \w+){1,3}(?=[ \t]*=[ \t]*[{\"])")
#: Commands that only set text, and two that are signs.
_SETS = re.compile(
    r"\\(?:text(?:it|bf|rm|sc|sf|tt|sl|up|md|normal|superscript|subscript)|emph|math(?:rm|it|bf))(?![a-zA-Z])\s*"
)
_SIGNS = (("\\textless", "<"), ("\\textgreater", ">"))
_NOT_RECORDS = {"comment", "preamble", "string"}
#: Field -> names of BibTeX and BibLaTeX without marks, in order of preference.
_NAMES = {
    "title": ("title",),
    "year": ("year", "date"),
    "journal": ("journal", "journaltitle", "booktitle", "journaliso"),
    "volume": ("volume",),
    "issue": ("number", "issue"),
    "pages": ("pages",),
    "article_number": ("articlenumber", "artnumber", "articleno", "eid"),
    "abstract": ("abstract",),
    "doi": ("doi",),
    "pmid": ("pmid", "pubmedid"),
    "accession": ("uniqueid", "accession", "accessionnumber", "scopuseid"),
    "number": ("id", "key"),
    "kind": ("documenttype", "type", "entrysubtype"),
    "language": ("language", "langid"),
    "source": ("source", "database"),
    "urls": ("url", "howpublished"),
    "notes": ("note", "annote", "extra", "addendum"),
}


def read_bibtex(text: str, file: str, source: str = "") -> Reading:
    """Read BibTeX text."""
    starts = list(_ENTRY.finditer(text))
    chunks = [
        (found.group(1).lower(), found.start(), _next_start(starts, place, len(text)))
        for place, found in enumerate(starts)
    ]
    macros = "".join(text[begin:end] for kind, begin, end in chunks if kind == "string")
    reading = Reading()
    first = starts[0].start() if starts else len(text)
    reading.between = sum(bool(line.strip()) for line in text[:first].split("\n"))
    line, counted = 1, 0
    for kind, begin, end in chunks:
        line += text.count("\n", counted, begin)
        counted = begin
        if kind in _NOT_RECORDS:
            continue
        whole, after = _cut(text[begin:end])
        reading.between += sum(bool(rest.strip()) for rest in after.split("\n"))
        entry = _parse(_keyed(whole), macros, file, line, reading)
        if entry is not None:
            add(reading, _fields(entry), file, line, source)
    return reading


def _cut(chunk: str) -> tuple[str, str]:
    """Part an entry from the text after its closing brace; an entry that does not close is whole."""
    depth = 0
    for found in re.finditer(r"(?<!\\)[{}]", chunk):
        depth += 1 if found.group() == "{" else -1
        if depth == 0:
            return chunk[: found.end()], chunk[found.end() :]
    return chunk, ""


def _keyed(chunk: str) -> str:
    r"""Give an entry a plain key: EndNote writes none, others write what BibTeX does not allow.

    Examples
    --------
    >>> _keyed("@article{\n  title = {One}}"), _keyed("@misc{a (b) c, title = {One}}")
    ('@article{k,\n  title = {One}}', '@misc{k, title = {One}}')
    """
    found = re.match(r"\s*@\s*\w+\s*[{(]", chunk)
    named = chunk.find("=", found.end()) if found else -1
    if found is None or named < 0:
        return chunk
    comma = chunk.find(",", found.end(), named)
    rest = chunk[comma:] if comma >= 0 else f",{chunk[found.end() :]}"
    rest = _SPACED.sub(lambda name: re.sub(r"\b \b", "_", name.group()), rest)
    return f"{chunk[: found.end()]}k{rest}"


def _next_start(starts: list[re.Match[str]], place: int, length: int) -> int:
    return starts[place + 1].start() if place + 1 < len(starts) else length


def _parse(chunk: str, macros: str, file: str, line: int, reading: Reading) -> Any:
    from pybtex.database.input.bibtex import Parser, UndefinedMacro
    from pybtex.errors import capture
    from pybtex.exceptions import PybtexError

    head = chunk.strip().splitlines()[0]
    try:
        with capture() as problems:
            data = Parser().parse_string(macros + chunk)
    except PybtexError as error:
        reading.lost.append(Fault(file, line, "", head, f"not valid BibTeX ({error})", "a whole entry"))
        return None
    serious = [problem for problem in problems if not isinstance(problem, UndefinedMacro)]
    entry = next(iter(data.entries.values()), None)
    if entry is None or (serious and not entry.fields):
        reason = f"not valid BibTeX ({serious[0]})" if serious else "the entry was not read"
        reading.lost.append(Fault(file, line, "", head, reason, "a whole entry"))
        return None
    if serious:
        problem = f"the entry is broken and was read as far as it goes ({serious[0]})"
        reading.notes.append(Fault(file, line, "", head, problem, "a whole entry"))
    return entry


def _plain(text: str) -> str:
    r"""Return text without TeX: {\"o} is a letter, braces say nothing."""
    if "\\" in text:
        import latexcodec  # noqa: F401  (registers the codec)

        text = _SETS.sub("", text)
        for command, sign in _SIGNS:
            text = re.sub(rf"{re.escape(command)}(?![a-zA-Z])\s*", sign, text)
        decoder: Any = codecs.getdecoder("ulatex")
        try:
            text = decoder(text)[0]
        except (ValueError, UnicodeError):
            text = re.sub(r"\\[a-zA-Z]+\s*|\\", "", text)
    return one_line(re.sub(r"[{}]", "", text))


def _fields(entry: Any) -> dict[str, list[str]]:
    said: dict[str, str] = {}
    for name, value in entry.fields.items():
        said.setdefault(re.sub(r"[-_ ]", "", name.lower()), _plain(value))
    got = {name: [said[key] for key in names if said.get(key)] for name, names in _NAMES.items()}
    got["authors"] = [_plain(str(person)) for person in entry.persons.get("author", [])]
    held = (said.get("eprinttype") or said.get("archiveprefix", "")).lower()
    if held in ("pubmed", "pmid"):
        got["pmid"].append(said.get("eprint", ""))
    if held in ("arxiv", "biorxiv", "medrxiv") and not got["journal"]:
        got["kind"].insert(0, "Preprint")
    if said.get("eid", "").startswith("2-s2.0-"):
        got["accession"].append(said["eid"])
        got["article_number"].remove(said["eid"])
    got["kind"] = got["kind"][:1]
    if not got["kind"] or entry.type not in ("article", "misc"):
        got["kind"].append(entry.type)
    return got
