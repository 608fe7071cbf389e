"""The last touch on a built page: head, structured data, map, 404 page."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from analysis import review
from analysis.site.extras import not_found, sitemap
from analysis.site.finish import finish_page, finish_site, site_base
from analysis.site.metadata import PageFacts, head_tags

PAGE = (
    '<html lang="en"><head><title>Synthetic — Review</title>'
    '<meta name="description" content="Old"></head><body><article class="bd-article">'
    "<h1>Synthetic</h1><p>Short.</p>"
    "<p>A paragraph on reperfusion that is long enough to describe the page.</p>"
    "</article></body></html>"
)


@pytest.fixture(scope="module")
def evidence():
    return review.load()


def _structured(html):
    return json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', html)[1])


def test_a_page_gets_its_own_description_and_open_graph(evidence):
    html = finish_page(PAGE, Path("book/page.html"), evidence, "https://example.org/")

    assert html.count('name="description"') == 1
    assert 'content="A paragraph on reperfusion that is long enough to describe the page."' in html
    assert '<meta property="og:url" content="https://example.org/book/page.html">' in html
    assert 'href="glossary.html#term-reperfusion"' in html
    assert 'type="application/atom+xml"' in html


def test_the_name_of_the_book_stands_once_in_a_title(evidence):
    page = PAGE.replace("Synthetic — Review", "Review &#8212; Review")
    html = finish_page(page, Path("book/index.html"), evidence)

    assert "<title>Review</title>" in html
    assert '<meta property="og:title" content="Review">' in html


def test_finishing_twice_changes_nothing(evidence):
    once = finish_page(PAGE, Path("book/index.html"), evidence)

    assert finish_page(once, Path("book/index.html"), evidence) == once


def test_the_first_page_describes_data_and_article(evidence):
    data = _structured(finish_page(PAGE, Path("book/index.html"), evidence))
    kinds = {item["@type"]: item for item in data["@graph"]}

    assert set(kinds) == {"Dataset", "MedicalScholarlyArticle"}
    assert kinds["Dataset"]["identifier"] == evidence.data_hash
    assert kinds["Dataset"]["version"] == evidence.versions[-1].id
    assert kinds["MedicalScholarlyArticle"]["description"] == "Old"


def test_a_title_cannot_hold_the_structured_data_open():
    facts = PageFacts("<!--<script>", "Synthetic", "a.html")
    html = head_tags("<head></head>", facts, "", {"headline": "<!--<script>"})

    assert "<!--" not in html
    assert _structured(html) == {"headline": "<!--<script>"}


def test_study_pages_reach_the_glossary(evidence):
    html = finish_page(PAGE, Path("studies/synthetic.html"), evidence)

    assert 'href="../book/glossary.html#term-reperfusion"' in html
    assert 'content="Old"' in html


def test_the_glossary_does_not_explain_itself(evidence):
    assert "review-term" not in finish_page(PAGE, Path("book/glossary.html"), evidence)


def test_site_files_are_written(tmp_path, evidence):
    page = tmp_path / "book" / "index.html"
    page.parent.mkdir()
    page.write_text(PAGE, "utf-8")
    finish_site(tmp_path, evidence, "https://example.org/")

    tree = ElementTree.fromstring((tmp_path / "sitemap.xml").read_text("utf-8"))
    places = [item.text for item in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    assert places == ["https://example.org/book/index.html"]
    assert "noindex" in (tmp_path / "404.html").read_text("utf-8")


def test_addresses_are_escaped():
    assert "a&amp;b" in sitemap([Path("a&b.html")], "", "2026-01-31")
    assert 'href="https://x.org/book/index.html"' in not_found("https://x.org/")


@pytest.mark.parametrize(
    ("variable", "configured", "base"),
    [
        ("", "", ""),
        ("", "https://a.org", "https://a.org/"),
        ("https://b.org/x/", "https://a.org", "https://b.org/x/"),
    ],
)
def test_the_address_comes_from_the_variable_first(monkeypatch, variable, configured, base):
    monkeypatch.setenv("REVIEW_BASE_URL", variable)

    assert site_base(configured) == base


def test_the_sheet_keeps_what_the_last_touch_sets_into_the_pages(evidence, tmp_path):
    (tmp_path / "_static").mkdir()
    sheet = ".review-term{a:b}.review-number{a:b}.gone{a:b}"
    (tmp_path / "_static" / "book.css").write_text(sheet, "utf-8")
    figure = '<figure class="review-figure" id="figure-x"><figcaption>X</figcaption></figure>'
    link = '<link rel="stylesheet" href="../_static/book.css">'
    html = PAGE.replace("</head>", f"{link}</head>").replace("</article>", f"{figure}</article>")
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "page.html").write_text(html, "utf-8")

    for _ in range(2):
        finish_site(tmp_path, evidence, order=["book/page"])
        css = (tmp_path / "_static" / "site.css").read_text("utf-8")

        assert ".review-term" in css and ".review-number" in css
        assert ".gone" not in css
