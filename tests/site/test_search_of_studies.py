"""Study pages stand in the search index, their titles as the script of the search may set them."""

from types import SimpleNamespace

import pytest
from sphinx.search import IndexBuilder

from analysis import book_pages, review
from analysis.review import provenance

TITLE = "<img src=x onerror=alert(1)> O'Neil & Sons 2024"


@pytest.fixture
def indexer(monkeypatch):
    """The index after Sphinx struck all that is no document of its own; the study is synthetic."""
    page = SimpleNamespace(
        name="studies/a1", title=TITLE, body="<p>Aspiration &amp; more</p>", description=""
    )
    monkeypatch.setattr(
        review, "load", lambda: SimpleNamespace(studies=[SimpleNamespace(study_id="a1")]), raising=False
    )
    monkeypatch.setattr(provenance, "study_page", lambda evidence, name: page)
    kept = (
        "titles",
        "filenames",
        "mapping",
        "title_mapping",
        "all_titles",
        "index_entries",
        "objtypes",
        "objnames",
    )
    env = SimpleNamespace(all_docs={"book/index": 1}, **{f"_search_index_{name}": {} for name in kept})
    made = IndexBuilder(env, "en", {}, "")
    app = SimpleNamespace(builder=SimpleNamespace(indexer=made))
    list(book_pages.collect_pages(app))
    made.prune(env.all_docs)
    return made


def test_the_study_is_found_by_name_and_by_text(indexer):
    assert list(indexer._titles) == ["studies/a1"]
    assert indexer._mapping["aspir"] == {"studies/a1"}
    assert "studies/a1" in indexer._title_mapping["neil"]


def test_the_title_is_text_and_no_markup(indexer):
    titles = [indexer._titles["studies/a1"], *(text for text, _ in indexer._all_titles["studies/a1"])]

    assert titles == ["&lt;img src=x onerror=alert(1)&gt; O'Neil &amp; Sons 2024"] * 2
