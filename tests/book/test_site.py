"""The built site: links resolve, nothing comes from outside, figures speak, the feed is valid."""

import csv
import json
import re
from collections import Counter

import pytest
from jsonschema import Draft202012Validator

from tests.book.pages import is_external, target_of

pytestmark = pytest.mark.site


def _content_pages(pages, site):
    """Pages made from chapters, without the search page and the index of the theme."""
    return {path: page for path, page in pages.items() if path.parent == site / "book"}


def test_every_internal_link_and_anchor_resolves(pages):
    ids = {path.resolve(): set(page.ids) for path, page in pages.items()}
    broken = []
    for path, page in pages.items():
        for address in page.links:
            if is_external(address) or address.startswith(("javascript:", "data:")):
                continue
            target, anchor = target_of(path, address)
            if not target.exists():
                broken.append(f"{path.name}: {address} (no such file)")
            elif anchor and target in ids and anchor not in ids[target]:
                broken.append(f"{path.name}: {address} (no such anchor)")

    assert not broken, "\n".join(broken)


def test_nothing_is_loaded_from_outside(pages):
    outside = [
        f"{path.name}: {address}"
        for path, page in pages.items()
        for address in page.resources
        if is_external(address)
    ]

    assert not outside, "\n".join(outside)


def test_every_loaded_file_exists(pages):
    missing = []
    for path, page in pages.items():
        for address in page.resources:
            if not is_external(address) and not address.startswith("data:"):
                target, _ = target_of(path, address)
                if not target.is_file():
                    missing.append(f"{path.name}: {address}")

    assert not missing, "\n".join(missing)


def test_every_figure_has_a_text_alternative(pages):
    silent = [f"{path.name}: {what}" for path, page in pages.items() for what in page.unnamed]

    assert not silent, "\n".join(silent)


def test_no_id_stands_twice_on_a_page(pages, site):
    double = [
        f"{path.name}: {name}"
        for path, page in _content_pages(pages, site).items()
        for name, times in Counter(page.ids).items()
        if times > 1
    ]

    assert not double, "\n".join(double)


def test_pages_say_language_title_and_description(pages, site):
    for path, page in _content_pages(pages, site).items():
        assert page.language.startswith("en"), path.name
        assert page.title.strip(), path.name
        assert page.description, path.name


def test_no_substitution_is_left_unfilled(pages, site):
    for path in _content_pages(pages, site):
        text = path.read_text("utf-8")
        assert "{{" not in text, path.name
        # The function reference shows examples that end in an error on purpose.
        assert path.name == "api.html" or "Traceback" not in text, path.name


def test_feed_keeps_its_schema(site):
    document = json.loads((site / "results.json").read_text("utf-8"))
    schema = json.loads((site / "results.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)

    assert list(Draft202012Validator(schema).iter_errors(document)) == []
    assert document["results"]


def test_every_table_of_evidence_can_be_downloaded_whole(site):
    sources = sorted((site.parents[1] / "data").glob("*.csv"))

    assert sources
    for source in sources:
        copy = site / "data" / source.name
        assert copy.read_bytes() == source.read_bytes(), source.name
        with copy.open(encoding="utf-8", newline="") as handle:
            assert len(next(csv.reader(handle))) > 1, source.name


def test_no_page_names_a_code_host_of_the_theme(pages):
    for path, page in pages.items():
        for address in page.links:
            assert "github.com/executablebooks" not in address, f"{path.name}: {address}"


def test_the_search_holds_every_study(site):
    text = (site / "searchindex.js").read_text("utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    titles = dict(zip(index["docnames"], index["titles"], strict=True))
    studies = {path.stem for path in (site / "studies").glob("*.html")}

    assert studies
    assert {f"studies/{name}" for name in studies} <= set(titles)
    # The script of the search sets titles as HTML.
    for title in (*index["titles"], *index["alltitles"]):
        assert not re.search(r"<(?!/?(?:em|strong|code|span|sub|sup)\b)", title), title
