"""Weight of pages over the wire: the first page under 300 kB, compressed, without fonts."""

import gzip
import re
from urllib.parse import urlsplit

import pytest

from tests.book.pages import Page, target_of

pytestmark = pytest.mark.site

_FONTS = (".woff", ".woff2", ".ttf")


def wire_weight(path):
    """Return the bytes of a page with everything that it loads, each file compressed."""
    page = Page(path)
    files = {path}
    for address in page.resources:
        if not address.startswith("data:") and not urlsplit(address).path.endswith(_FONTS):
            files.add(target_of(path, address)[0])
    return sum(len(gzip.compress(file.read_bytes())) for file in files)


@pytest.mark.parametrize(("name", "most"), [("index", 300_000), ("explore", 500_000)])
def test_page_is_light(site, name, most):
    weight = wire_weight(site / "book" / f"{name}.html")

    assert weight < most, f"{name}.html weighs {weight / 1000:.0f} kB"


@pytest.mark.parametrize("name", ["index", "explore", "pooling_primary"])
def test_nothing_but_one_sheet_holds_up_the_first_sight(site, name):
    html = (site / "book" / f"{name}.html").read_text("utf-8")
    scripts = re.findall(r"<script\b[^>]*\bsrc=[^>]*>", html.partition("</head>")[0])

    assert len(re.findall(r'<link\b[^>]*rel="stylesheet"', html)) == 1
    assert scripts
    assert all(" defer" in script for script in scripts)


def test_no_page_shows_an_icon_by_its_font(site):
    sheet = (site / "_static" / "site.css").read_text("utf-8")

    assert "fontawesome/webfonts" not in sheet
    for path in (site / "book").glob("*.html"):
        assert not re.search(r'<(?:i|span)\b[^>]*class="[^"]*\bfa-[^>]*>\s*</', path.read_text("utf-8")), (
            path.name
        )


def test_the_joined_sheet_knows_the_colours_of_code_in_both_modes(site):
    sheet = (site / "_static" / "site.css").read_text("utf-8")

    assert 'html[data-theme="dark"] .highlight .nb' in sheet
    assert 'html[data-theme="light"] .highlight .nb' in sheet
