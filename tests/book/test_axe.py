"""Accessibility of every page by axe-core: no serious or critical fault, on any width, in either mode."""

import pytest

from tests.book.axe import grave, violations
from tests.book.browser import chromium_path, opened
from tests.book.pages import SITE, distinct_pages

pytestmark = [
    pytest.mark.site,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium_path() is None, reason="Chromium is not installed"),
]

PAGES = distinct_pages(1)


@pytest.mark.parametrize(
    "path", PAGES or [SITE / "index.html"], ids=lambda path: path.relative_to(SITE).as_posix()
)
def test_page_has_no_grave_fault(browser, path):
    faults = []
    for width, scheme in (("desktop", "light"), ("phone", "dark")):
        with opened(browser, path, width, scheme) as (page, _):
            faults += [f"{width}, {scheme}: {line}" for line in grave(violations(page))]
            # The mode changes colours only.
            other = "dark" if scheme == "light" else "light"
            page.evaluate(f"document.documentElement.dataset.theme = '{other}'")
            faults += [f"{width}, {other}: {line}" for line in grave(violations(page, "color-contrast"))]

    assert not faults, "\n".join(faults)


def test_a_planted_fault_is_found(browser):
    with opened(browser, SITE / "book" / "index.html") as (page, _):
        page.evaluate("document.querySelector('article').append(document.createElement('textarea'))")

        assert any("label" in line for line in grave(violations(page)))
