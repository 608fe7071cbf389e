"""Small tables as spreadsheet programs save them: encodings, separators, blank rows and columns, numbers.

`read_sheet` reads what can be read without a guess that could change a value, and says in `Sheet.assumed`
what it took for granted. Everything else is refused with file, row and column in one sentence.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.living.records.decode import decode

__all__ = ["CellError", "Sheet", "SheetError", "WholeNumbers", "named_kind", "read_sheet", "read_text"]

#: A cell longer than this is refused; a spreadsheet holds 32,767 characters.
LONGEST_CELL = 131_072
#: Digits of the largest count that is read; more are an identifier, not a count.
_MOST_DIGITS = 15
#: Rows in which the head is looked for when its columns are known.
_HEAD_WITHIN = 20

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_SEP_LINE = re.compile(r'\A"?sep=(.)"?[ \t]*(?:\r\n|\r|\n)', re.IGNORECASE)
_ENCODINGS = {"cp1252": "Windows-1252", "mac_roman": "Mac Roman", "iso8859-2": "ISO 8859-2"}

_AS_CSV = "a table saved as CSV UTF-8 or as tab-separated text"
#: First bytes of files that are no text, and what they are.
_BINARY = (
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of the old kind (.xls) or another Office file"),
    (b"%PDF", "a PDF file"),
    (b"\x1f\x8b", "a compressed file (gzip)"),
    (b"7z\xbc\xaf", "a compressed file (7z)"),
    (b"BZh", "a compressed file (bzip2)"),
    (b"\xfd7zXZ", "a compressed file (xz)"),
    (b"Rar!", "a compressed file (RAR)"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"SQLite format 3", "an SQLite database"),
    (b"PAR1", "a Parquet file"),
    (b"$FL2", "an SPSS file"),
    (b"<stata_dta>", "a Stata file"),
    (b"{\\rtf", "a document in RTF"),
)
#: Names inside a zip file, and what it is.
_ZIPPED = (
    (b"xl/", "an Excel workbook (.xlsx)"),
    (b"opendocument.spreadsheet", "an OpenDocument workbook (.ods)"),
    (b"Index/Document.iwa", "a workbook of Numbers"),
    (b"word/", "a Word document (.docx)"),
    (b"opendocument.text", "an OpenDocument text (.odt)"),
    (b"ppt/", "a PowerPoint file (.pptx)"),
)


class SheetError(ValueError):
    """A table that cannot be read; `row` is 0 for the file as a whole, `column` blank for the whole row."""

    def __init__(
        self, name: str, problem: str, expected: str, *, row: int = 0, column: str = "", value: str = ""
    ) -> None:
        self.name, self.problem, self.expected = name, problem, expected
        self.row, self.column, self.value = row, column, value
        place = name + (f", row {row}" if row else "") + (f", column {column}" if column else "")
        shown = f": {value if len(value) <= 60 else value[:57] + '...'!r}" if value else ""
        super().__init__(f"{place}{shown} {problem}; expected {expected}")


class CellError(ValueError):
    """A cell that holds no whole number: what is wrong with it, and what would be right."""

    def __init__(self, problem: str, expected: str) -> None:
        super().__init__(f"{problem}; expected {expected}")
        self.problem, self.expected = problem, expected


@dataclass(frozen=True, slots=True)
class Sheet:
    """A small table: heads, rows with their number in the file, and what was assumed while reading.

    Row 1 is the first row of the file, blank rows count; a cell with line ends is part of one row.
    """

    name: str
    heads: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]], ...]
    head_row: int
    delimiter: str
    encoding: str
    assumed: tuple[str, ...]

    def column(self, head: str) -> list[str]:
        """Return the cells of one column."""
        return [cells[head] for _, cells in self.rows]


def named_kind(data: bytes) -> str:
    """Return what a file is that holds no table of text, or nothing.

    Examples
    --------
    >>> named_kind(b"%PDF-1.7"), named_kind(b"study,events")
    ('a PDF file', '')
    """
    if data.startswith(b"PK\x03\x04"):
        return next((kind for part, kind in _ZIPPED if part in data), "a zip archive")
    for begin, kind in _BINARY:
        if data.startswith(begin):
            return kind
    head = decode(data[:4096]).text.lstrip().lower()
    if head.startswith(("<!doctype html", "<html", "<table", "<head", "<body")):
        return "a web page (HTML), whatever its name ends in"
    if head.startswith("<?xml"):
        book = "urn:schemas-microsoft-com:office:spreadsheet" in head or "<workbook" in head
        return "a workbook in XML" if book else "a file in XML"
    return "a file in JSON" if re.match(r"[\[{]\s*[\"{\[\]}]", head) else ""


def read_sheet(source: str | Path | bytes, *, name: str = "", columns: Sequence[str] = ()) -> Sheet:
    r"""Read a small table.

    Parameters
    ----------
    source
        A path, or the bytes of the file.
    name
        What the file is called in messages; the path by default.
    columns
        Heads that are looked for. They are found whatever their case and under a title of some rows,
        and are named as given here in the result. One that is missing is the caller's matter.

    Raises
    ------
    SheetError
        When the file cannot be read without a guess.

    Examples
    --------
    >>> sheet = read_sheet(b"study;events\r\nA;3\r\n;\r\n", name="counts.csv")
    >>> sheet.rows, sheet.assumed
    (((2, {'study': 'A', 'events': '3'}),), ('separated by semicolons',))
    """
    name = name or (str(source) if isinstance(source, str | Path) else "table")
    data = source if isinstance(source, bytes) else _bytes(Path(source), name)
    kind = named_kind(data)
    if kind:
        raise SheetError(name, f"is {kind}, not a table of text", _AS_CSV)
    text, encoding, assumed = _text(data, name)
    above = 0
    given = _SEP_LINE.match(text)
    if given:
        text, above = text[given.end() :], 1
    else:
        text, ended = _without_ends(text)
        assumed += ended
    mark = given.group(1) if given else _separator(text, columns)
    table = _split(text, mark, name, above)
    table, mark, wrapped = _unwrapped(table, mark, name, above, columns)
    assumed += wrapped
    if mark != ",":
        assumed.append(f"separated by {_SEPARATORS.get(mark, repr(mark))}")
    place = _head_place(table, columns)
    if place is None:
        raise SheetError(name, "has no header", ",".join(columns) or "a row of heads", row=1)
    passed = sum(any(row) for row in table[:place])
    if passed:
        assumed.append(f"{passed} row{'' if passed == 1 else 's'} above the heads passed over")
    kept, heads = _heads(table, place, name, above, columns, assumed)
    rows = _rows(table, place, kept, heads, name, above, assumed)
    return Sheet(name, heads, rows, place + above + 1, mark, encoding, tuple(assumed))


def read_text(data: bytes, name: str, expected: str) -> tuple[str, tuple[str, ...]]:
    r"""Return the text of a file that is no table, and what was assumed about its letters.

    Raises
    ------
    SheetError
        When the file is a document, an archive or a picture, or breaks off inside a letter.

    Examples
    --------
    >>> read_text("title: Müller".encode("utf-16"), "study.yml", "YAML")
    ('title: Müller', ('UTF-16',))
    """
    kind = named_kind(data)
    if kind and not kind.endswith("JSON"):
        raise SheetError(name, f"is {kind}", expected)
    text, _, assumed = _text(data, name)
    return text, tuple(assumed)


def _bytes(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "cannot be read"
        raise SheetError(name, f"cannot be read ({reason})", "a file with a table") from None


def _text(data: bytes, name: str) -> tuple[str, str, list[str]]:
    """Return the text, the name of its encoding, and what was assumed about it."""
    found = decode(data)
    wide = next((size for size in ("utf-16", "utf-32") if found.encoding.startswith(size)), "")
    plain = data.decode(found.encoding, errors="replace") if wide else ""
    width = {"utf-16": 2, "utf-32": 4}.get(wide, 1)
    if wide and len(data) % width:
        raise SheetError(name, f"breaks off inside a letter ({wide.upper()})", "the whole file")
    if "\x00" in plain or (not wide and b"\x00" in data):
        before = plain.split("\x00")[0] if wide else data.split(b"\x00")[0].decode("latin-1")
        row = len(re.findall(r"\r\n|\r|\n", before)) + 1
        raise SheetError(name, "holds a NUL character", "text without NUL characters", row=row)
    assumed: list[str] = []
    if wide:
        assumed.append(wide.upper())
    elif not found.encoding.startswith(("ascii", "utf-8")) or found.odd_lines:
        single = found.encoding.removeprefix("utf-8 and ").removesuffix(" with mark")
        shown = _ENCODINGS.get(single, single)
        rows = ", ".join(map(str, found.odd_lines[:5])) + (", ..." if len(found.odd_lines) > 5 else "")
        part = f"row {rows}" if len(found.odd_lines) == 1 else f"rows {rows}"
        assumed.append(f"{part if found.odd_lines else 'letters'} in {shown} and not in UTF-8")
    return found.text, found.encoding, assumed


def _same(head: str) -> str:
    """Return a head as it is compared."""
    return re.sub(r"[\s_]+", " ", head).strip().casefold()


def _separator(text: str, columns: Sequence[str]) -> str:
    """Return the mark under which the head has most of the wanted columns, then most cells."""
    wanted = {_same(column) for column in columns}

    def score(mark: str) -> tuple[int, int]:
        best = (0, 1)
        lines = csv.reader(io.StringIO(text[:200_000], newline=""), delimiter=mark)
        found = 0
        try:
            for row in lines:
                cells = [cell for cell in row if cell.strip()]
                if not cells:
                    continue
                best = max(best, (len(wanted & {_same(cell) for cell in cells}), len(cells)))
                found += 1
                if not wanted or found >= _HEAD_WITHIN:
                    break
        except csv.Error:
            pass
        return best if wanted and best[0] else (0, best[1])

    # The first of equals wins: a table of one column is taken as separated by commas.
    return max(_SEPARATORS, key=score)


def _without_ends(text: str) -> tuple[str, list[str]]:
    """Take off the separators that a spreadsheet put only at the ends of rows of another separator."""
    lines = re.split(r"(\r\n|\r|\n)", text)
    filled = [line for line in lines if line.strip()]
    for mark, other in ((";", ","), (",", ";"), (";", "\t"), (",", "\t")):
        only = all(line.endswith(mark) and mark not in line.rstrip(mark) for line in filled)
        if filled and only and all(other in line or not line.strip(mark) for line in filled):
            bare = "".join(line.rstrip(mark) if line.strip() else line for line in lines)
            return bare, [f"{_SEPARATORS[mark]} at the ends of all rows left off"]
    return text, []


def _split(text: str, mark: str, name: str, above: int) -> list[list[str]]:
    table: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    while True:
        row = len(table) + above + 1
        try:
            cells = next(reader)
        except StopIteration:
            return table
        except csv.Error as error:
            raise SheetError(name, *_broken(str(error)), row=row) from None
        if any(len(cell) > LONGEST_CELL for cell in cells):
            raise SheetError(name, *_broken("field limit"), row=row)
        table.append([cell.strip() for cell in cells])


def _broken(error: str) -> tuple[str, str]:
    """Say in words of the field what the reader of CSV found."""
    if "field limit" in error:
        return f"has a cell of more than {LONGEST_CELL:,} characters", "shorter cells, quotation marks closed"
    if "end of data" in error:
        return "opens a quotation mark that is never closed (not a CSV table)", "closed quotation marks"
    return f"is not a row of a CSV table ({error})", 'quotation marks inside a cell doubled: ""'


def _unwrapped(
    table: list[list[str]], mark: str, name: str, above: int, columns: Sequence[str]
) -> tuple[list[list[str]], str, list[str]]:
    """Split rows that a spreadsheet saved whole, as one cell each, because it knew another separator."""
    filled = [[cell for cell in row if cell] for row in table]
    if any(len(row) > 1 for row in filled) or not any(filled):
        return table, mark, []
    inner = "\n".join(row[0] if row else "" for row in filled)
    inside = _separator(inner, columns)
    if inner.split("\n", 1)[0].count(inside) == 0 or any("\n" in row[0] for row in filled if row):
        return table, mark, []
    return _split(inner, inside, name, above), inside, ["each row stood in one cell and was split"]


def _head_place(table: list[list[str]], columns: Sequence[str]) -> int | None:
    filled = [place for place, row in enumerate(table) if any(row)]
    wanted = {_same(column) for column in columns}
    for place in filled[:_HEAD_WITHIN] if wanted else ():
        if wanted <= {_same(cell) for cell in table[place]}:
            return place
    return filled[0] if filled else None


def _heads(
    table: list[list[str]], place: int, name: str, above: int, columns: Sequence[str], assumed: list[str]
) -> tuple[list[int], tuple[str, ...]]:
    """Return the places and names of the columns that have a head."""
    asked = {_same(column): column for column in columns}
    cells, below = table[place], table[place + 1 :]
    kept = [at for at, head in enumerate(cells) if head]
    for at, head in enumerate(cells):
        under = [n for n, row in enumerate(below) if at < len(row) and row[at]]
        if head or not under:
            continue
        if at == 0 and all(re.fullmatch(r"\d+", below[n][0]) for n in under):
            assumed.append("the first column has no head and only numbers its rows: left out")
            continue
        row = place + above + under[0] + 2
        value = below[under[0]][at]
        raise SheetError(
            name, f"stands in column {at + 1}, which has no head", "a head", row=row, value=value
        )
    heads = tuple(asked.get(_same(cells[at]), cells[at]) for at in kept)
    for head in heads:
        if heads.count(head) > 1:
            raise SheetError(
                name, "stands twice", "each column once", row=place + above + 1, column=head, value=head
            )
    return kept, heads


def _rows(
    table: list[list[str]],
    place: int,
    kept: list[int],
    heads: tuple[str, ...],
    name: str,
    above: int,
    assumed: list[str],
) -> tuple[tuple[int, dict[str, str]], ...]:
    rows = []
    width, short = len(table[place]), []
    for number, cells in enumerate(table[place + 1 :], start=place + above + 2):
        if not any(cells):
            continue
        if any(cells[width:]):
            problem = f"has {len(cells)} cells, the head {width} (an unquoted comma, perhaps a decimal one?)"
            raise SheetError(name, problem, f"{width} cells as in the head", row=number)
        if len(cells) <= kept[-1]:
            short.append(number)
        padded = cells + [""] * (width - len(cells))
        rows.append((number, {head: padded[at] for at, head in zip(kept, heads, strict=True)}))
    if short:
        shown = ", ".join(map(str, short[:5])) + (", ..." if len(short) > 5 else "")
        plural = "row" if len(short) == 1 else "rows"
        assumed.append(f"cells missing at the end of {plural} {shown} are blank")
    return tuple(rows)


_DIGITS = re.compile(r"\d+")
_BLANK_GROUPS = re.compile(r"\d{1,3}(?:[ \u00a0\u2009\u202f'\u2019]\d{3})+")
_MANY_GROUPS = re.compile(r"\d{1,3}(?:([.,])\d{3})(?:\1\d{3})+")
_ONE_GROUP = re.compile(r"([1-9]\d{0,2})([.,])(\d{3})")
_FRACTION = re.compile(r"(\d+|\d{1,3}(?:[.,  \u00a0\u2009\u202f'\u2019]\d{3})+)([.,])(\d+)")
_SCIENTIFIC = re.compile(r"[-+]?\d+([.,]\d+)?e[-+]?\d+", re.IGNORECASE)


class WholeNumbers:
    """Read whole counts as spreadsheets write them: ``12``, ``1 234``, ``12,0``.

    A mark with three digits behind it, such as ``1.234``, is a group of thousands where the other cells
    show that the other mark is the decimal one, and is refused as ambiguous where they do not.

    Parameters
    ----------
    cells
        All cells that should be counts; they show which mark is the decimal one.
    delimiter
        The separator of the table: a comma leaves the point as the decimal mark.

    Examples
    --------
    >>> counts = WholeNumbers(["5,0", "1.234"], ";")
    >>> counts.read("5,0"), counts.read("1.234"), counts.assumed
    (5, 1234, ['decimal commas', '1.234 is 1234'])
    """

    def __init__(self, cells: Iterable[str], delimiter: str = ",") -> None:
        marks = set()
        for cell in cells:
            found = _FRACTION.fullmatch(cell)
            if found and not _ONE_GROUP.fullmatch(cell) and not _MANY_GROUPS.fullmatch(cell):
                marks.add(found.group(2))
        #: The decimal mark; blank where the cells do not show it.
        self.decimal = marks.pop() if len(marks) == 1 else "." if not marks and delimiter == "," else ""
        #: What was taken for granted, to be printed.
        self.assumed: list[str] = ["decimal commas"] if self.decimal == "," else []

    def read(self, text: str) -> int:
        """Return the count that a cell holds.

        Raises
        ------
        CellError
            When the cell holds no whole number, or could mean two.
        """
        text = text.strip()
        digits = text if _DIGITS.fullmatch(text) and text.isascii() else self._grouped(text)
        digits = digits.lstrip("0") or "0"
        if len(digits) > _MOST_DIGITS:
            raise CellError("is too large", f"a count of at most {_MOST_DIGITS} digits")
        return int(digits)

    def _grouped(self, text: str) -> str:
        """Return the digits of a count that is not written in digits alone."""
        if not text:
            raise CellError("is empty", "a whole number, such as 12")
        if re.fullmatch("[-\u2212\u2013]\\d+([.,]0+)?", text):
            raise CellError("is negative", "a whole number, 0 or more")
        if _SCIENTIFIC.fullmatch(text):
            raise CellError("is shortened by the spreadsheet", "all digits, such as 120000")
        if text.startswith("#"):
            raise CellError("is an error of the spreadsheet", "a whole number, such as 12")
        ascii_only = text if not any(c.isdigit() and not c.isascii() for c in text) else ""
        one = _ONE_GROUP.fullmatch(ascii_only)
        if one:
            return self._one_group(text, *one.groups())
        if _BLANK_GROUPS.fullmatch(ascii_only):
            return re.sub(r"\D", "", text)
        many = _MANY_GROUPS.fullmatch(ascii_only)
        if many and many.group(1) != self.decimal:
            return self._note(text, re.sub(r"\D", "", text))
        fraction = _FRACTION.fullmatch(ascii_only)
        if fraction and not fraction.group(3).strip("0") and fraction.group(2) not in fraction.group(1):
            return re.sub(r"\D", "", fraction.group(1))
        raise CellError("is not a whole number", "digits only, such as 12")

    def _one_group(self, text: str, before: str, mark: str, behind: str) -> str:
        if self.decimal and mark != self.decimal:
            return self._note(text, before + behind)
        if self.decimal and behind != "000":
            raise CellError("is not a whole number", "digits only, such as 12")
        raise CellError(
            f"can be {before}{behind} or {before}.{behind}", f"digits only, such as {before}{behind}"
        )

    def _note(self, text: str, digits: str) -> str:
        said = f"{text} is {digits}"
        if said not in self.assumed:
            self.assumed.append(said)
        return digits
