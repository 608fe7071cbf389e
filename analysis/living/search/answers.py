"""What an answer says: its text whatever its coding, its JSON, and the source's own words when it complains.

Sources give their errors in many dresses: with a status of 200, as JSON, XML, HTML or bare text. Here they
become one line in the source's words, and whether it is worth asking again.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from analysis.living.records.plain import plain

__all__ = ["Complaint", "complaint", "decode", "read_json", "said_in"]

#: Words of a fault that passes. All other complaints are about the question, and asking again is no use.
_PASSING = re.compile(
    r"backend|back end|temporar|time[d -]*out|try again|later|overload|unavailable|not reachable|too many|"
    r"rate limit|slow down|exhausted|proxy|bad gateway|internal (?:server )?error|failed to connect|"
    r"connection|server error|maintenance|busy|resource limit",
    re.IGNORECASE,
)
#: Places of a message in the JSON of the sources, in the order in which they say most.
_MESSAGES = ("ERROR", "errMsg", "message", "error", "detail", "description", "title", "msg")
_MARKS = re.compile(r"^\s*(?:<\?xml|<!doctype|<!--|<[a-z])", re.IGNORECASE)
_UNSEEN = re.compile(r"<(style|script|head)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_ANY_TAG = re.compile(r"<[^<>]*>")


class Complaint(NamedTuple):
    """What a source says is wrong, its own status (0 when it names none), and whether it may pass."""

    text: str
    status: int = 0
    passing: bool = False


def decode(body: bytes, charset: str | None) -> str:
    """Return the text of a body: as UTF-8, with or without its mark, else as the head of the answer says."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return body.decode(charset or "cp1252", errors="replace")
    except LookupError:
        return body.decode("utf-8", errors="replace")


def read_json(text: str) -> Any:
    """Return JSON read leniently: bare control signs in a text, blanks and zero bytes around it are let pass.

    Raises
    ------
    json.JSONDecodeError
        When it is not whole JSON.
    """
    return json.loads(text.strip("\x00 \t\r\n\v\f"), strict=False)


def complaint(found: Any) -> Complaint | None:
    """Return what is wrong when JSON of status 200 is an error and no result, else nothing.

    Examples
    --------
    >>> complaint({"esearchresult": {"ERROR": "Search Backend failed: not reachable"}})
    Complaint(text='Search Backend failed: not reachable', status=0, passing=True)
    >>> complaint({"errCode": 400, "errMsg": "Unknown sort order"})
    Complaint(text='Unknown sort order', status=400, passing=False)
    >>> complaint({"hitCount": 0}) is None
    True
    """
    if not isinstance(found, dict):
        return None
    inner = found.get("esearchresult")
    holder = inner if isinstance(inner, dict) and inner.get("ERROR") else found
    failed = str(found.get("status", "")).lower() in ("failed", "error", "fail")
    if not (failed or any(holder.get(name) for name in ("ERROR", "error", "errMsg", "errCode", "errors"))):
        return None
    text = _words(holder) or "an error without a word"
    code = next((found[name] for name in ("errCode", "statusCode", "code", "status") if name in found), 0)
    status = int(code) if str(code).isdigit() else 0
    passing = status == 429 or status >= 500 or bool(_PASSING.search(text))
    return Complaint(text, status, passing)


def said_in(text: str) -> Complaint:
    """Return the words of a body that is an error: JSON, XML, HTML or bare text, in one line.

    Examples
    --------
    >>> said_in("<html><head><title>x</title></head><body><h1>502 Bad Gateway</h1></body></html>").text
    '502 Bad Gateway'
    """
    try:
        words = _words(read_json(text))
    except ValueError:
        error = re.search(r"<ERROR>(.*?)</ERROR>", text, re.IGNORECASE | re.DOTALL)
        shown = error.group(1) if error else text
        if _MARKS.match(shown):
            shown = _UNSEEN.sub(" ", shown) if re.search(r"<body\b", shown, re.IGNORECASE) else shown
            shown = _ANY_TAG.sub(" ", shown)
        words = plain(shown)
    short = words if len(words) <= 300 else f"{words[:297]}..."
    return Complaint(short, 0, bool(_PASSING.search(words)))


def _words(found: Any) -> str:
    """Return the message in a piece of JSON: of its known places, each said once."""
    if isinstance(found, dict):
        said = [_words(found[name]) for name in _MESSAGES if found.get(name)]
        said += [_words(found["errors"])] if found.get("errors") else []
        said += [_words(found["esearchresult"])] if found.get("esearchresult") else []
        kept = [text for place, text in enumerate(said) if text and text not in said[:place]]
        return "; ".join(kept)
    if isinstance(found, list):
        return "; ".join(filter(None, map(_words, found)))
    return plain(found)
