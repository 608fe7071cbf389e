"""The glossary keeps its contract, and words are explained where they first stand."""

import re

import pytest

from analysis.site.glossary import GLOSSARY, Term, abbreviations_table, explain, glossary, read_glossary

LOGIT = Term("Logit", "The log of the odds.", matches=("logit",))
RANKIN = Term("Modified Rankin scale", "Disability in steps.", "mRS", ("mRS", "modified Rankin scale"))


def test_the_stored_glossary_keeps_its_contract():
    terms = read_glossary(GLOSSARY.read_text("utf-8")).terms

    assert {"mTICI", "mRS", "sICH", "GLMM", "τ²"} <= {item.abbreviation for item in terms}
    assert [item.term.casefold() for item in terms] == sorted(item.term.casefold() for item in terms)
    assert len({item.key for item in terms}) == len(terms)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("terms: [{term: A}]", "terms[0].definition: '': value is missing"),
        ("terms: [{term: A, definition: No full stop}]", "the definition is no sentence"),
        ("terms: [{term: A, definition: B., meaning: C}]", "terms[0].meaning: 'meaning': unknown key"),
        (
            "terms: [{term: A, definition: B.}, {term: a, definition: C.}]",
            "terms[1].term: 'a': name stands twice",
        ),
        (
            "terms: [{term: A, definition: B., matches: [x]}, {term: C, definition: D., matches: [x]}]",
            "terms[1].matches[0]: 'x': form stands twice",
        ),
        ("terms: [text]", "terms[0]: 'text': value has the wrong kind"),
    ],
)
def test_faults_are_named(text, fault):
    with pytest.raises(ValueError, match=re.escape(fault)):
        read_glossary(text)


def test_only_the_first_place_is_explained():
    html = explain("<p>A logit. The logit again.</p><p>logit</p>", "g.html", [LOGIT])

    assert html.count("review-term") == 1
    assert 'href="g.html#term-logit"' in html
    assert re.sub(r'<span class="review-tip".*?</span>|<[^>]+>', "", html) == "A logit. The logit again.logit"


@pytest.mark.parametrize(
    "html",
    [
        "<h2>logit</h2>",
        '<p><a href="x">logit</a></p>',
        "<p><code>logit</code></p>",
        "<table><tr><td>logit</td></tr></table>",
        "<p><svg><title>logit</title></svg></p>",
        '<p><span class="math notranslate">logit</span></p>',
        "<div>logit</div>",
        "<p>logits and pre-logit</p>",
    ],
)
def test_links_code_headings_tables_and_parts_of_words_stay(html):
    assert explain(html, "g.html", [LOGIT]) == html


def test_case_matters_for_abbreviations_only_and_lines_may_break():
    explained = explain("<p>Logit; MRS; modified Rankin\nscale</p>", "g.html", [LOGIT, RANKIN])

    assert explained.count("review-term") == 2
    assert ">MRS<" not in explained


def test_captions_are_explained_and_text_is_escaped():
    sharp = Term("Sharp", 'Less "than" <b>.', matches=("sharp",))
    html = explain("<figcaption>sharp</figcaption>", "g.html", [sharp])

    assert "Less &quot;than&quot; &lt;b&gt;." in html


def test_the_page_lists_every_term_and_abbreviation():
    page = glossary()._repr_html_()
    terms = read_glossary(GLOSSARY.read_text("utf-8")).terms

    assert all(f'id="{item.key}"' in page for item in terms)
    assert len(abbreviations_table().cells) == sum(bool(item.abbreviation) for item in terms)
