"""Weight of pages over the wire: the first page under 300 kB, compressed, without fonts."""

import gzip
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
