"""The Explore page in real Chromium, from the file system, against the Python code."""

import csv
import gzip
import io
import json
import os
import xml.etree.ElementTree as ET
from urllib.parse import unquote, urlsplit

import pytest

from tests.book.browser import chromium_path, launched, opened
from tests.book.pages import SITE
from tests.explore.reference import TOLERANCE, view_deviation

pytestmark = [
    pytest.mark.site,
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(chromium_path() is None, reason="Chromium is not installed"),
]

PAGE = SITE / "book" / "explore.html"
#: Aim of the page in milliseconds, and what a busy machine that runs other tests is allowed.
AIM_MS, ALLOWED_MS = 50, 500
#: Bytes over the wire, compressed, without fonts.
MOST_BYTES = 500_000
#: The theme's icons come as a script that is a font in all but name.
FONTS = (".woff", ".woff2", ".ttf", ".otf", "/fontawesome.js")

#: Answers of one view with the time that it took until the page was laid out again.
SET = """state => {
  const app = ReviewExplore.app;
  const started = performance.now();
  app.set(state);
  document.body.getBoundingClientRect();
  const ms = performance.now() - started;
  const view = app.shown();
  return { ms, entries: view.entries, result: view.result, comparison: view.comparison };
}"""


@pytest.fixture(scope="module")
def browser():
    if not PAGE.is_file():
        if os.environ.get("REVIEW_SITE_REQUIRED"):
            pytest.fail("the site has no Explore page")
        pytest.skip("the site is not built: run 'make book'")
    with launched() as running:
        yield running


@pytest.fixture
def page(browser):
    with opened(browser, PAGE) as (found, log):
        yield found
        assert log.outside == []
        assert log.complaints == []


def _rate(page):
    return page.locator("#explore-rate").inner_text()


def test_views_agree_with_python(page, evidence, views, report):
    assert page.evaluate("ReviewExplore.app.data.data_hash") == evidence.data_hash
    worst, times = (0.0, ""), []
    for state, want in views:
        got = page.evaluate(SET, state)
        times.append(got["ms"])
        off, which = view_deviation(got, want)
        worst = max(worst, (off, f"{which} in {state}"))
        if want["result"] is None:
            assert _rate(page) in ("No public count", "No study ticked")
    times.sort()
    p95 = times[int(0.95 * len(times))]
    report(
        f"largest deviation over {len(views)} views in Chromium: {worst[0]:.1e}; "
        f"update: median {times[len(times) // 2]:.0f} ms, p95 {p95:.0f} ms (aim {AIM_MS})"
    )

    assert worst[0] < TOLERANCE, worst[1]
    assert p95 < ALLOWED_MS


def test_the_page_opens_with_the_analysis_of_the_protocol(page, evidence):
    primary = evidence.protocol.primary
    state = page.evaluate("ReviewExplore.app.state()")

    assert (state["model"], state["ci_method"]) == (primary.model, primary.ci_method)
    assert state["off"] == []
    assert "not an effect of treatment" in page.locator("#explore-status").inner_text()


def test_every_control_changes_the_view(page):
    for fold in page.locator("#explore-form details summary").all():
        fold.click()
    for select in page.locator("#explore-form select").all():
        key = select.get_attribute("name")
        before = page.evaluate("ReviewExplore.app.state()")
        values = select.evaluate(
            "node => [...node.options].filter(o => !o.disabled && !o.selected).map(o => o.value)"
        )
        if not values:
            assert key == "tau2_method" and before["model"] == "glmm"
            continue
        select.select_option(values[0])
        after = page.evaluate("ReviewExplore.app.state()")
        assert after[key] == values[0]
        assert f"{key}=" in page.evaluate("location.hash")
    page.locator("#explore-reset").click()

    assert page.evaluate("location.hash") == ""


def test_a_change_of_model_brings_what_goes_with_it(page):
    page.locator("#explore-form details summary").nth(1).click()
    page.locator("#explore-model").select_option("iv")
    state = page.evaluate("ReviewExplore.app.state()")
    hidden = page.locator("#explore-ci_method option[value=profile]").evaluate("o => o.disabled")

    assert (state["tau2_method"], state["ci_method"]) == ("reml", "knapp-hartung")
    assert hidden


def test_ticks_change_rate_plot_and_address(page):
    before = _rate(page)
    boxes = page.locator("#explore-studies input")
    boxes.nth(0).uncheck()
    key = boxes.nth(0).get_attribute("data-key")

    assert _rate(page) != before
    assert key in unquote(page.evaluate("location.hash"))
    assert page.locator("#explore-plot circle").count() == 1
    page.locator("#explore-plot .explore-hit").nth(0).click()
    assert boxes.nth(0).is_checked()
    assert _rate(page) == before
    page.locator("#explore-none").click()
    assert _rate(page) == "No study ticked"
    page.locator("#explore-all").click()
    assert _rate(page) == before


def test_keyboard_walk_through_the_page(page, report):
    """Every control is reached by Tab alone, in reading order, and works by keys."""
    page.locator("#explore-outcome").focus()
    name = """() => {
      const node = document.activeElement;
      if (!document.getElementById('explore').contains(node)) return null;
      const box = node.getBoundingClientRect();
      const bar = document.getElementById('explore-rate').getBoundingClientRect();
      const covered = node.closest('form') === null && box.top < bar.bottom - 1 && box.bottom > bar.top + 1;
      const label = node.labels && node.labels[0] ? node.labels[0].textContent : node.textContent;
      return { id: node.id, tag: node.tagName, label: label.trim(), covered,
               seen: box.bottom > 0 && box.top < innerHeight };
    }"""
    walk = []
    while (stop := page.evaluate(name)) is not None and len(walk) < 200:
        walk.append(stop)
        if stop["tag"] == "SUMMARY":
            page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.wait_for_timeout(10)
    report("Tab: " + " > ".join(stop["label"][:24] for stop in walk))
    ids = [stop["id"] for stop in walk]
    controls = [item["key"] for item in page.evaluate("ReviewExplore.app.data.controls")]

    assert [i for i in ids if i.removeprefix("explore-") in controls] == [
        f"explore-{key}" for key in controls
    ]
    assert ids.index("explore-csv") < ids.index("explore-tick-0")
    assert all(stop["label"] for stop in walk)
    assert all(stop["seen"] and not stop["covered"] for stop in walk), walk


def test_space_unticks_a_study_and_the_result_is_announced(page):
    live = page.locator("#explore-status")
    before = live.inner_text()
    page.locator("#explore-tick-1").focus()
    page.keyboard.press("Space")

    assert live.get_attribute("aria-live") == "polite"
    assert live.inner_text() != before
    assert page.evaluate("document.activeElement.id") == "explore-tick-1"
    page.locator("#explore-outcome").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("ReviewExplore.app.state().outcome") != "reperfusion"


def test_an_address_brings_the_view_back(browser, page, views):
    state = next(s for s, want in views if s["off"] and want["result"])
    page.evaluate("state => ReviewExplore.app.set(state)", state)
    address, rate = page.url, _rate(page)
    assert urlsplit(address).fragment
    other = browser.new_page()
    try:
        other.goto(address)
        assert other.evaluate("ReviewExplore.app.state()") == page.evaluate("ReviewExplore.app.state()")
        assert other.locator("#explore-rate").inner_text() == rate
        other.evaluate("location.hash = 'population=any'")
        other.wait_for_function("ReviewExplore.app.state().off.length === 0")
        assert other.evaluate("ReviewExplore.app.state().population") == "any"
    finally:
        other.close()


def test_the_view_can_be_taken_away(page):
    page.locator("#explore-tick-0").uncheck()
    files = {}
    for kind in ("csv", "svg"):
        with page.expect_download() as caught:
            page.locator(f"#explore-{kind}").click()
        assert caught.value.suggested_filename.endswith(f".{kind}")
        files[kind] = caught.value.path().read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(files["csv"].removeprefix("\ufeff"))))
    shown = page.evaluate("ReviewExplore.app.shown().result")
    drawing = ET.fromstring(files["svg"])
    texts = [node.text for node in drawing.iter("{http://www.w3.org/2000/svg}text")]

    assert [row["ticked"] for row in rows].count("no") == 1
    assert float(rows[-1]["estimate"]) == shown["estimate"]
    assert rows[-1]["data_hash"] == page.evaluate("ReviewExplore.app.data.data_hash")
    assert any("not an effect of treatment" in text for text in texts)
    assert "%" in drawing.get("aria-label")


def test_the_plot_speaks_its_numbers(page):
    label = page.locator("#explore-plot svg").get_attribute("aria-label")

    assert page.locator("#explore-plot svg").get_attribute("role") == "img"
    assert _rate(page).split("%")[0] in label
    assert "Pooled rate" in label


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["desktop", "phone"])
@pytest.mark.parametrize(
    "state",
    [{}, {"population": "any", "subgroup": "technique"}, {"population": "secondary", "outcome": "sich"}],
    ids=["primary", "split", "empty"],
)
def test_the_page_fits_and_can_be_read(browser, width, scheme, state):
    with opened(browser, PAGE, width, scheme) as (page, log):
        page.evaluate(SET, state)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        small = page.evaluate(
            """() => [...document.querySelectorAll('#explore button, #explore select, #explore input')]
              .filter(node => node.offsetParent).map(node => node.getBoundingClientRect())
              .filter(box => Math.min(box.width, box.height) < 20).length"""
        )
        colours = page.evaluate(
            """() => ['#explore-status', '#explore-caption', '#explore label']
              .map(name => getComputedStyle(document.querySelector(name)).color)"""
        )

        assert wide <= 0
        assert small == 0
        assert len(set(colours)) == 1
        assert log.complaints == []


def test_text_from_the_data_never_becomes_markup(browser, tmp_path):
    """A hostile label is shown as it is written."""
    hostile = "<img src=x onerror=window.harmed=1>"
    html = PAGE.read_text("utf-8")
    start = html.index('id="explore-data">') + len('id="explore-data">')
    end = html.index("</script>", start)
    payload = json.loads(html[start:end])
    for study in payload["studies"]:
        study["label"] = hostile
    payload["texts"] = [hostile for _ in payload["texts"]]
    text = json.dumps(payload).replace("<", "\\u003c")
    (tmp_path / "book").mkdir()
    (tmp_path / "_static").symlink_to(SITE / "_static")
    changed = tmp_path / "book" / "explore.html"
    changed.write_text(html[:start] + text + html[end:], "utf-8")
    with opened(browser, changed) as (page, _):
        page.locator("#explore-tick-0").uncheck()

        assert page.locator("#explore img").count() == 0
        assert page.evaluate("window.harmed") is None
        assert hostile in page.locator("#explore-studies").inner_text()


def test_without_scripts_the_page_says_where_to_go(browser):
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(PAGE.as_uri())

        assert page.locator("#explore").is_hidden()
        assert page.locator("noscript .admonition").is_visible()
        assert page.locator("noscript a[href='../results.json']").count() == 1
    finally:
        context.close()


def test_the_page_is_light(browser, report):
    with opened(browser, PAGE) as (_, log):
        files = {unquote(urlsplit(url).path) for url in log.requests if url.startswith("file:")}
    sizes = {}
    for name in files:
        if not name.endswith(FONTS):
            with open(name, "rb") as handle:
                sizes[name] = len(gzip.compress(handle.read()))
    total = sum(sizes.values())
    own = sum(size for name, size in sizes.items() if "explore" in name)
    report(f"Explore: {total / 1000:.0f} kB compressed without fonts, {own / 1000:.0f} kB its own")

    assert total < MOST_BYTES, sorted(sizes.items(), key=lambda item: -item[1])[:5]


def test_other_pages_do_not_load_the_engine():
    others = [path for path in (SITE / "book").glob("*.html") if path != PAGE]

    assert others
    assert not [path.name for path in others if "_static/explore/" in path.read_text("utf-8")]
