"""Bytes to text: exports come in many encodings and seldom say which."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Decoded", "decode", "iter_lines", "split_lines", "wide_encoding"]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Encodings of one byte a letter, the likeliest first: a tie goes to the first.
_SINGLE = ("cp1252", "mac_roman", "iso8859-2", "latin-1")
_LINE_END = re.compile(r"\r\n|\r|\n")
_IN_WORD = re.compile(r"(?<=[a-z])[^\W\d_a-zA-Z](?=[a-z]|\b)|\b[^\W\d_a-zA-Z](?=[a-z])")
_MARKS = re.compile(r"(?<=[a-z0-9])[’–](?=[a-z0-9])|(?<=\s)[–—](?=\s)|[“‘]\w|[\w.,]”|[±≥≤°µ®™×§]")
_ODD = re.compile(r"[\x80-\x9f√∫∂∑∏Ω≈¬◊ƒ¸˛ˇ˘˙˝¦¤]|(?<=[a-z])[¿¡«»“”ŽÊÐÕÒÓŒ‚„](?=[a-z])")


class Decoded(NamedTuple):
    """A text, the name of its encoding, and the lines that were not valid in it."""

    text: str
    encoding: str
    odd_lines: tuple[int, ...] = ()


def decode(data: bytes) -> Decoded:
    """Return the text of a file without byte order marks.

    A file that is UTF-8 but for some lines, as happens when exports were joined, is read line by line.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return Decoded(_clean(data.decode(encoding)), encoding.replace("-sig", " with mark"))
            except UnicodeDecodeError:
                if encoding == "utf-8-sig":
                    found = decode(data[len(mark) :])
                    return found._replace(encoding=f"{found.encoding} with mark")
                text = data[: len(data) - len(data) % (4 if "32" in encoding else 2)]
                shown = text.decode(encoding, errors="replace")
                return Decoded(_clean(shown), encoding, (shown.count("\n") + 1,))
    wide = wide_encoding(data)
    if wide:
        return Decoded(_clean(data.decode(wide, errors="replace")), wide)
    try:
        return Decoded(_clean(data.decode("utf-8")), "ascii" if data.isascii() else "utf-8")
    except UnicodeDecodeError:
        return _by_line(data)


def split_lines(text: str) -> list[str]:
    r"""Split at \n, \r\n and \r only: other separators occur inside abstracts."""
    return _LINE_END.split(text)


def iter_lines(text: str) -> Iterator[str]:
    r"""Give the lines of a text that ends its lines with \n, one at a time: a file can be large."""
    start = 0
    while (end := text.find("\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
    yield text[start:]


def _clean(text: str) -> str:
    return text.replace("\ufeff", "").replace("\x00", "")


def wide_encoding(data: bytes) -> str:
    """Name UTF-16 without a mark: every other byte of Latin text is zero."""
    head = data[:4096]
    if len(head) < 4 or b"\x00" not in head:
        return ""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > len(head) * 0.3 and even < odd / 4:
        return "utf-16-le"
    if even > len(head) * 0.3 and odd < even / 4:
        return "utf-16-be"
    return ""


def _by_line(data: bytes) -> Decoded:
    lines = re.split(rb"(\r\n|\r|\n)", data)
    texts: list[str | None] = []
    bad: list[bytes] = []
    wide = 0
    for line in lines:
        try:
            texts.append(line.decode("utf-8"))
            wide += not line.isascii()
        except UnicodeDecodeError:
            texts.append(None)
            bad.append(line)
    single = _best_single(b"\n".join(bad))
    odd = tuple(place // 2 + 1 for place, text in enumerate(texts) if text is None)
    parts = [_one(line, single) if text is None else text for line, text in zip(lines, texts, strict=True)]
    name = f"utf-8 and {single}" if wide else single
    return Decoded(_clean("".join(parts)), name, odd if wide else ())


def _one(line: bytes, single: str) -> str:
    """Decode one line that is not UTF-8; a line that mixes both keeps its UTF-8 letters."""
    try:
        return line.decode(single)
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _best_single(data: bytes) -> str:
    best, best_score = "latin-1", float("-inf")
    score: float
    for encoding in _SINGLE:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        score = len(_IN_WORD.findall(text)) + len(_MARKS.findall(text)) - 2 * len(_ODD.findall(text))
        if encoding == "iso8859-2":
            # Shares most letters with cp1252; taken only when clearly better.
            score = score * 0.9 - 1
        if score > best_score:
            best, best_score = encoding, score
    return best
