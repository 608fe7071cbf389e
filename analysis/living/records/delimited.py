"""Tables of records: CSV, tab and semicolon files, and the sheets of workbooks.

The head is the first row that names a title and something else that is known; what stands before it is
counted. Which column holds what says `heads`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from analysis.evidence.faults import Fault
from analysis.living.records.fields import DATABASES, Reading, add
from analysis.living.records.heads import (
    COLUMNS,
    Producer,
    bare,
    columns_of,
    is_head,
    producer_of,
)
from analysis.living.records.record import one_line

__all__ = ["is_delimited", "read_delimited", "read_rows"]

_DELIMITERS = (",", "\t", ";", "|")
#: A row with more lines than this was left open by a stray quotation mark.
_MOST_LINES = 400
#: The head stands among the first lines; a preamble holds a query and perhaps its lines.
_PREAMBLE = 120
_LONGEST_HEAD = 100_000
_ONE_HEAD = {"authors", "abstract"}
#: What programs that hold tables write for a title that is blank; in tagged text it would be a title.
_NO_TITLE = {"n/a", "nan", "null", "none", "undefined", "not available", "[no title]", "no title"}
_FOOTER = re.compile(
    r"(?:copyright|©|\(c\)|exported|export date|source:|total|search|query|page \d|end of)",
    re.I,
)
#: A capital after one of these goes on with the name: "McLeod", "DeLuca".
_GOES_ON = re.compile(r"\b(?:Ma?c|D[eiu]|L[aeo]|Van|Von|Fitz)$")
_Row = tuple[int, list[str]]


def _head(text: str) -> tuple[str, int, int]:
    """Return the delimiter, the line of the head, and where it begins in the text; nothing when none."""
    start = 0
    for number in range(1, _PREAMBLE + 1):
        end = text.find("\n", start)
        line = text[start : end if end >= 0 else len(text)]
        if len(line) <= _LONGEST_HEAD:
            best, most = "", 0
            for mark in _DELIMITERS:
                if mark in line:
                    known = is_head(next(csv.reader([line], delimiter=mark), []))
                    if known > most:
                        best, most = mark, known
            if best:
                return best, number, start
        if end < 0:
            break
        start = end + 1
    return "", 0, 0


def is_delimited(text: str) -> bool:
    """Whether a text looks like a table with a column of titles, or an Embase list of fields."""
    return bool(_head(text)[0]) or _is_vertical(text)


def _is_vertical(text: str) -> bool:
    heads = re.findall(r'^"?([A-Z][A-Z ./()-]+)"?,"', text[:8000], re.MULTILINE)
    return "TITLE" in heads and len(set(heads)) > 2


def read_delimited(text: str, file: str, source: str = "") -> Reading:
    """Read a delimited text."""
    reading = Reading()
    mark, number, start = _head(text)
    if not mark:
        if _is_vertical(text):
            _read_vertical(text, file, source, reading)
        else:
            fault = Fault(file, 1, "", text.strip()[:60], "no column of titles", "a head with Title")
            reading.faults.append(fault)
        return reading
    reading.between += sum(bool(line.strip(' ,;\t"')) for line in text[:start].split("\n"))
    body = text[start:]
    rows = _tab_rows(body, number) if mark == "\t" else None
    read_rows(rows or _rows(body, number, mark, file, reading), file, source, reading)
    return reading


def _tab_rows(text: str, first: int) -> list[_Row] | None:
    """Return the rows of a tab table whose quotation marks are text; None when they quote line ends."""
    rows: list[_Row] = []
    width = 0
    for number, line in enumerate(text.split("\n"), start=first):
        cells = line.split("\t")
        if not line.strip():
            continue
        width = width or len(cells)
        if len(cells) < width - 1 and line.count('"') % 2:
            return None
        rows.append((number, [_unquoted(cell) for cell in cells]))
    return rows


def _unquoted(cell: str) -> str:
    if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in cell[1:-1].replace('""', ""):
        return cell[1:-1].replace('""', '"')
    return cell


def _rows(text: str, first: int, mark: str, file: str, reading: Reading) -> Iterator[_Row]:
    """Give the rows of a table; a broken row costs itself and not those after it."""
    lines = text.split("\n")
    at = 0
    csv.field_size_limit(10_000_000)
    while at < len(lines):
        chunk = (line + "\n" for line in islice(lines, at, at + _MOST_LINES))
        reader = csv.reader(chunk, delimiter=mark, strict=True)
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            problem = f"a quotation mark is not closed or stands inside a cell ({error})"
            shown = one_line(lines[at])
            reading.lost.append(Fault(file, first + at, "", shown, problem, "quotation marks doubled"))
            at += 1
            continue
        yield first + at, cells
        at += max(1, reader.line_num)


def read_rows(rows: Iterable[_Row], file: str, source: str, reading: Reading) -> None:
    """Read rows, the first of which is the head, and add their records to a reading."""
    heads: list[str] = []
    columns: dict[str, tuple[str, ...]] = {}
    producer: Producer | None = None
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if not heads:
            heads = [bare(cell) for cell in cells]
            producer = producer_of(heads)
            columns = columns_of(heads, producer)
            used = {head for names in columns.values() for head in names}
            reading.unknown.update(
                one_line(cell)
                for cell, head in zip(cells, heads, strict=True)
                if head and not _known(head, used)
            )
            continue
        if [bare(cell) for cell in cells[: len(heads)]] == heads[: len(cells)]:
            reading.between += 1  # the head again, where two files were joined
            continue
        if _prose(cells, heads, columns):
            reading.between += 1
            continue
        _check_width(cells, heads, file, number, reading)
        row: dict[str, str] = {}
        for head, cell in zip(heads, cells, strict=False):
            if not row.get(head, "").strip():
                row[head] = cell
        add(reading, _got(row, columns, producer), file, number, source)


def _known(head: str, used: set[str]) -> bool:
    return head in used or any(head in names for names in COLUMNS.values())


def _prose(cells: Sequence[str], heads: Sequence[str], columns: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a row is a line of text between the records: one cell filled, and not that of a title."""
    filled = [place for place, cell in enumerate(cells) if cell.strip()]
    if len(filled) != 1 or len(heads) < 3:
        return False
    head = heads[filled[0]] if filled[0] < len(heads) else ""
    text = cells[filled[0]].strip()
    if head in columns["title"]:
        return len(cells) == 1 and bool(_FOOTER.match(text))
    return " " in text or head not in {
        *columns["doi"],
        *columns["pmid"],
        *columns["nct"],
        *columns["accession"],
    }


def _check_width(
    cells: Sequence[str], heads: Sequence[str], file: str, number: int, reading: Reading
) -> None:
    if any(cell.strip() for cell in cells[len(heads) :]):
        problem = f"row has {len(cells)} cells, the head {len(heads)}"
        reading.faults.append(Fault(file, number, "", cells[0], problem, f"{len(heads)} cells"))
    elif len(cells) < len(heads):
        problem = f"row has {len(cells)} cells, the head {len(heads)}; the rest is taken as blank"
        reading.notes.append(Fault(file, number, "", cells[0], problem, f"{len(heads)} cells"))


def _got(
    row: Mapping[str, str], columns: Mapping[str, tuple[str, ...]], producer: Producer | None
) -> dict[str, list[str]]:
    got: dict[str, list[str]] = {}
    for name, heads in columns.items():
        values = [value for head in heads if (value := row.get(head, "").strip())]
        got[name] = values[:1] if name in _ONE_HEAD else values
    # A line a name; elsewhere a line end within a cell is a blank.
    got["authors"] = [
        value if re.search(r"[;|]", value) else re.sub(r"\s*\n\s*", "; ", value) for value in got["authors"]
    ]
    got["title"] = [value for value in got["title"] if value.casefold() not in _NO_TITLE]
    for name in ("doi", "urls"):
        # A screening tool leaves the next tag of the RIS that it read inside the cell.
        got[name] = [re.split(r"\s{3,}[A-Z][A-Z0-9]  - ", value)[0] for value in got[name]]
    if got["journal"][:1] == [row.get("source", "").strip()] and DATABASES.fullmatch(got["journal"][0]):
        got["source"] = [*got["source"], got["journal"].pop(0)]
    if producer:
        if producer.name == "SpringerLink":
            got["authors"] = [_apart(value) for value in got["authors"]]
        elif producer.name == "IEEE Xplore":
            got["kind"] = [re.sub(r"^IEEE (\w+?)s?$", r"\1", value) for value in got["kind"]]
        elif producer.name == "Europe PMC" and row.get("source", "").strip() == "MED":
            got["pmid"] += got["accession"]
        elif producer.name == "Zotero":
            got["source"] = [value for value in got["source"] if DATABASES.fullmatch(value)]
        if producer.database:
            got["source"] = [producer.database]
        if producer.kind:
            got["kind"] = [producer.kind, *got["kind"]]
        elif got["kind"]:
            got["kind"] = got["kind"][:1]
    return got


def _apart(text: str) -> str:
    """Set names apart that SpringerLink writes without anything between them.

    Examples
    --------
    >>> _apart("Tessa ThymeUlf McUmbel")
    'Tessa Thyme; Ulf McUmbel'
    """
    if ";" in text:
        return text
    names = [""]
    for before, letter in zip(f" {text}", text, strict=False):
        if before.islower() and letter.isupper() and not _GOES_ON.search(names[-1]):
            names.append("")
        names[-1] += letter
    return "; ".join(names)


def _read_vertical(text: str, file: str, source: str, reading: Reading) -> None:
    """Read Embase's list of fields: a row a field, values side by side, a new record at TITLE."""
    current: dict[str, list[str]] = {}
    columns = columns_of((bare(head) for heads in COLUMNS.values() for head in heads), None)
    begun = 1

    def close() -> None:
        if current:
            row = {head: "; ".join(cells) for head, cells in current.items()}
            row["journal"] = row.get("sourcetitle", row.get("journaltitle", ""))
            row["citation"] = row.pop("source", "")
            add(reading, _got(row, columns, None) | {"source": ["Embase"]}, file, begun, source)
            current.clear()

    reader = csv.reader(io.StringIO(text, newline=""))
    titled = False
    while True:
        line = reader.line_num + 1
        cells = next(reader, None)
        if cells is None:
            break
        if not cells or not any(cells):
            continue
        head = bare(cells[0])
        if head == "title":
            close()
            begun, titled = line, True
        if titled:
            current.setdefault(head, []).extend(cell for cell in cells[1:] if cell.strip())
        else:
            reading.between += 1
    close()
