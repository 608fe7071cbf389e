"""The report as PDF: one long page of the book, printed by Chromium where it is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["print_report", "settle_dates"]

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
#: Seconds that the book may take on one page, and that printing may take.
_BUILD_LIMIT, _PRINT_LIMIT = 1800, 300


def print_report(root: Path, target: Path, when: int) -> str:
    """Build the book as one page and print it.

    Returns
    -------
    str
        Blank when the file was written, else the reason in plain words.
    """
    browser = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        return "no Chromium is installed"
    with tempfile.TemporaryDirectory(prefix="report-") as name:
        work = Path(name)
        builder = [str(Path(sys.executable).with_name("jupyter-book")), "build", "-q", str(root)]
        command = [*builder, "--builder", "singlehtml", "--path-output", str(work)]
        environment = os.environ | {"SOURCE_DATE_EPOCH": str(when)}
        try:
            subprocess.run(
                command, check=True, capture_output=True, timeout=_BUILD_LIMIT, env=environment
            )
        except (OSError, subprocess.SubprocessError) as error:
            return f"the book could not be built as one page ({type(error).__name__})"
        pages = work / "_build" / "singlehtml"
        source = pages / "book" / "index.html"
        if not source.is_file():
            return "the book as one page has no first page"
        # The page stands one folder too deep for its own links.
        report = pages / "report.html"
        shutil.copyfile(source, report)
        printed = work / "report.pdf"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        options += ["--virtual-time-budget=8000", f"--print-to-pdf={printed}", report.as_uri()]
        try:
            subprocess.run([browser, *options], check=True, capture_output=True, timeout=_PRINT_LIMIT)
        except (OSError, subprocess.SubprocessError) as error:
            return f"Chromium could not print it ({type(error).__name__})"
        if not printed.is_file():
            return "Chromium wrote no file"
        target.write_bytes(settle_dates(printed.read_bytes(), when))
    return ""


def settle_dates(content: bytes, when: int) -> bytes:
    """Put one time in place of the time of printing, so that equal reports are equal files.

    Examples
    --------
    >>> settle_dates(b"/CreationDate (D:20261122101112+00'00')", 0)
    b"/CreationDate (D:19700101000000+00'00')"
    """
    from datetime import UTC, datetime

    stamp = datetime.fromtimestamp(when, UTC).strftime("%Y%m%d%H%M%S").encode()
    return re.sub(rb"(\(D:)\d{14}", rb"\g<1>" + stamp, content)
