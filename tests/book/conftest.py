"""Fixtures over the built site."""

import os

import pytest

from tests.book.browser import launched
from tests.book.pages import SITE, Page, site_pages


@pytest.fixture(scope="session")
def site():
    """Return the built site; without it tests are skipped, or fail where it had to be built."""
    if not (SITE / "index.html").is_file():
        message = "the site is not built: run 'make book'"
        if os.environ.get("REVIEW_SITE_REQUIRED"):
            pytest.fail(message)
        pytest.skip(message)
    return SITE


@pytest.fixture(scope="session")
def pages(site):
    """Every page of the site, read once."""
    return {path: Page(path) for path in site_pages(site)}


@pytest.fixture(scope="module")
def browser(site):
    """Headless Chromium for the tests of one file."""
    with launched() as running:
        yield running
