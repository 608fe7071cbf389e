"""The report as PDF for a release: printed from the built pages, with the time of the commit in it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["print_report", "settle_dates"]


def print_report(site: Path, target: Path, root: Path, when: int) -> str:
    """Print the built review.

    Returns
    -------
    str
        Blank when the file was written, else the reason in plain words.
    """
    from analysis.site.pdf import chapters, print_pdf

    reason = print_pdf(site, target, chapters(root))
    if not reason:
        target.write_bytes(settle_dates(target.read_bytes(), when))
    return reason


def settle_dates(content: bytes, when: int) -> bytes:
    """Put one time in place of the time of printing, so that equal reports are equal files.

    The new time is as long as the old one, so the table of places inside the file stays true.

    Examples
    --------
    >>> settle_dates(b"/CreationDate (D:20261122101112+00'00')", 0)
    b"/CreationDate (D:19700101000000+00'00')"
    """
    stamp = datetime.fromtimestamp(when, UTC).strftime("%Y%m%d%H%M%S").encode()
    return re.sub(rb"(\(D:)\d{14}", rb"\g<1>" + stamp, content)
