"""Opening a text file of `data/`: one that is no plain UTF-8 is named for what it is."""

from __future__ import annotations

from pathlib import Path

from analysis.evidence.faults import Fault
from analysis.living.records.decode import wide_encoding

__all__ = ["decode", "read_text"]

_UTF8 = "the file saved as UTF-8"


def read_text(path: Path, expected: str) -> tuple[str | None, tuple[Fault, ...]]:
    """Return the text of a file, and what is wrong with it as a file.

    The text is None when nothing of it can be used.
    """
    if not path.exists():
        return None, (Fault(path.name, 0, "", "", "file is missing", expected),)
    if not path.is_file():
        return None, (Fault(path.name, 0, "", "", "is a folder, not a file", expected),)
    try:
        data = path.read_bytes()
    except OSError as error:
        problem = f"cannot be opened ({error.strerror or error})"
        return None, (Fault(path.name, 0, "", "", problem, "a file that can be read"),)
    text, problem = decode(data)
    if text is None:
        return None, (Fault(path.name, 0, "", "", problem, _UTF8),)
    return text, (Fault(path.name, 1, "", "", problem, _UTF8),) if problem else ()


def decode(data: bytes) -> tuple[str | None, str]:
    r"""Return the text of bytes, and the problem when they are no plain UTF-8.

    Examples
    --------
    >>> decode("a".encode("utf-16"))
    (None, 'file is UTF-16')
    >>> decode(b"a,b\nM\xfcller,1\n")[1]
    'text is not UTF-8 from line 2 on'
    """
    if data.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return None, "file is UTF-32"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or wide_encoding(data):
        return None, "file is UTF-16"
    if data.startswith(b"PK\x03\x04"):
        return None, "file is a workbook or another zipped file, not text"
    problem = ""
    if data.startswith(b"\xef\xbb\xbf"):
        problem = "file starts with a byte order mark"
        data = data[3:]
    try:
        return data.decode("utf-8"), problem
    except UnicodeDecodeError as error:
        # Bytes that are not UTF-8 become a mark that each reader names where it stands.
        line = data[: error.start].count(b"\n") + 1
        return data.decode("utf-8", errors="replace"), f"text is not UTF-8 from line {line} on"
