"""The specification curve in real Chromium: filters over all specifications, details by key and pointer."""

import json
import re

import pytest

from tests.book.browser import chromium_path, opened
from tests.book.pages import SITE

pytestmark = [
    pytest.mark.site,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium_path() is None, reason="Chromium is not installed"),
]

PAGE = SITE / "book" / "multiverse.html"


@pytest.fixture
def page(browser):
    with opened(browser, PAGE) as (found, log):
        yield found
        assert log.outside == []
        assert log.complaints == []


def _data(page):
    return json.loads(page.locator("script.review-data").first.inner_text())


def _numbers(text):
    return [float(each) for each in re.findall(r"\d+(?:\.\d+)?", text.replace(" of ", " "))]


def test_a_choice_filters_all_specifications_not_only_those_drawn(page):
    data = _data(page)
    panel = page.locator(".review-ask").first
    label, options = data["choices"][0]
    panel.locator("select").first.select_option(label=options[0])
    state = panel.locator("[role=status]").inner_text()
    kept = [
        value / 1000
        for place, selection in enumerate(data["selections"])
        if selection[0] == 0
        for value in data["estimates"][data["sets"][place]]
        if value >= 0
    ]

    assert len(options) > 1, label
    count, _, low, high, *_ = _numbers(state)
    assert count == len(kept)
    assert (low, high) == pytest.approx((100 * min(kept), 100 * max(kept)), abs=0.051)
    assert page.locator(".review-veil rect").count() > 0


def test_starting_again_brings_everything_back(page):
    panel = page.locator(".review-ask").first
    before = panel.locator("[role=status]").inner_text()
    panel.locator("select").first.select_option(index=1)
    panel.get_by_role("button", name="Start again").click()

    assert panel.locator("[role=status]").inner_text() == before
    assert page.locator("figure").first.locator(".review-veil rect").count() == 0


def test_keys_walk_through_the_specifications(page):
    slider = page.locator(".review-ask input[type=range]").first
    slider.focus()
    page.keyboard.press("ArrowRight")
    first = page.locator(".review-ask-detail").first.inner_text()
    page.keyboard.press("ArrowRight")

    assert first.endswith(".") and "%" in first
    assert page.locator(".review-ask-detail").first.inner_text() != first
    assert slider.get_attribute("aria-valuetext").startswith("3 of ")


def test_a_pointer_reads_the_specification_below_it(page):
    mark = page.locator(".figure-wide [data-mark]").first
    mark.scroll_into_view_if_needed()
    mark.hover(force=True)

    assert page.locator(".review-ask-detail").first.inner_text()
    assert page.locator(".review-cursor line").count() > 0


def test_without_scripts_the_curve_is_a_still_with_its_table(browser):
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(PAGE.resolve().as_uri())

        assert page.locator(".review-ask").count() == 0
        assert page.locator(".figure-wide svg").first.is_visible()
        assert page.locator("figure.review-figure details").first.is_visible()
    finally:
        context.close()
