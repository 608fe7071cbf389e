"""Chromium over the file system, with everything that a page asks for or complains about noted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WIDTHS = {"desktop": (1280, 900), "phone": (390, 844)}

_ALL_LAID_OUT = (
    "document.head.append(Object.assign(document.createElement('style'), "
    "{ textContent: '*, ::before, ::after { content-visibility: visible !important; }' }));"
)


@dataclass
class Log:
    """What a page did while it was open."""

    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def outside(self) -> list[str]:
        """Requests that did not stay on the file system."""
        return [url for url in self.requests if not url.startswith(("file:", "data:", "blob:"))]


def chromium_path() -> str | None:
    """Return the system's Chromium, or nothing."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return None


@contextmanager
def launched() -> Iterator[Any]:
    """Run headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Any, path: Path, width: str = "desktop", scheme: str = "light", place: str = ""
) -> Iterator[tuple[Any, Log]]:
    """Open one page from the file system in a fresh context: all of it, or at a place such as ``#search``."""
    wide, high = WIDTHS[width]
    context = browser.new_context(
        viewport={"width": wide, "height": high}, color_scheme=scheme, reduced_motion="reduce"
    )
    # The theme remembers its mode in the browser, not in the system setting.
    context.add_init_script(
        f"try {{ localStorage.setItem('mode', '{scheme}'); "
        f"localStorage.setItem('theme', '{scheme}'); }} catch (error) {{}}"
    )
    if not place:
        # What lies far below is laid out only near the screen; pictures and checks want it all.
        context.add_init_script(f"addEventListener('DOMContentLoaded', () => {{ {_ALL_LAID_OUT} }})")
    log = Log()
    page = context.new_page()
    page.on("request", lambda request: log.requests.append(request.url))
    page.on("requestfailed", lambda request: log.complaints.append(f"failed: {request.url}"))
    page.on("pageerror", lambda error: log.complaints.append(f"error: {error}"))
    page.on(
        "console",
        lambda message: (
            log.complaints.append(f"{message.type}: {message.text}")
            if message.type in {"error", "warning"}
            else None
        ),
    )
    try:
        page.goto(path.resolve().as_uri() + place, wait_until="load")
        page.wait_for_timeout(150)
        yield page, log
    finally:
        context.close()
