"""Every page in real Chromium, from the file system, on a desktop and on a phone."""

import pytest

from tests.book.browser import WIDTHS, chromium_path, opened
from tests.book.pages import SITE, distinct_pages

pytestmark = [
    pytest.mark.site,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium_path() is None, reason="Chromium is not installed"),
]

PAGES = distinct_pages(3)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "path", PAGES or [SITE / "index.html"], ids=lambda path: path.relative_to(SITE).as_posix()
)
def test_page_is_quiet_and_fits(browser, path, width):
    with opened(browser, path, width) as (page, log):
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )

        assert log.outside == []
        assert log.complaints == []
        assert overflow <= 0, f"the page is {overflow} px wider than the window"


def test_search_finds_a_word(browser):
    with opened(browser, SITE / "search.html") as (page, log):
        page.goto((SITE / "search.html").as_uri() + "?q=reperfusion")
        page.wait_for_selector("#search-results li", timeout=15_000)

        assert page.locator("#search-results li").count() > 0
        assert log.outside == []


def test_search_finds_a_study_by_its_name(browser):
    study = sorted((SITE / "studies").glob("*.html"))[0].stem
    with opened(browser, SITE / "search.html") as (page, _):
        page.goto((SITE / "search.html").as_uri() + f"?q={study.rstrip('0123456789')}")
        page.wait_for_selector("#search-results li", timeout=15_000)
        links = page.eval_on_selector_all("#search-results li a", "all => all.map(each => each.href)")

        assert any(f"studies/{study}.html" in link for link in links)


def test_dark_mode_changes_the_page(browser):
    colours = []
    for scheme in ("light", "dark"):
        with opened(browser, SITE / "book" / "index.html", scheme=scheme) as (page, _):
            colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert colours[0] != colours[1]


@pytest.mark.parametrize("width", WIDTHS)
def test_a_link_into_a_long_page_lands_at_its_figure(browser, width):
    path = SITE / "book" / "pooling_primary.html"
    with opened(browser, path) as (page, _):
        last = page.evaluate("[...document.querySelectorAll('figure.review-figure')].pop().id")

    with opened(browser, path, width, place=f"#{last}") as (page, _):
        page.wait_for_timeout(300)
        top = page.evaluate("name => document.getElementById(name).getBoundingClientRect().top", last)

        assert 0 <= top <= WIDTHS[width][1] / 3
