"""The reference of functions names everything public, once, with its docstring."""

import inspect
import re
from collections import Counter

import analysis
from analysis.site.api import api_reference, public_names, synthesis_reference


def test_every_public_name_of_the_package_stands_in_it():
    page = api_reference()._repr_html_()

    for name in analysis.__all__:
        if not name.startswith("__"):
            assert f'id="api-analysis-{name}"' in page


def test_every_public_thing_of_the_core_has_a_docstring():
    things = list(public_names("analysis.synthesis"))

    assert len(things) > 50
    assert [name for name, thing in things if not (inspect.getdoc(thing) or "").strip()] == []


def test_the_page_is_the_same_in_each_build_and_names_nothing_twice():
    page = synthesis_reference()._repr_html_()
    ids = Counter(re.findall(r'id="([^"]+)"', page))

    assert " at 0x" not in page
    assert [name for name, times in ids.items() if times > 1] == []


def test_a_docstring_is_laid_out_by_its_sections():
    page = api_reference()._repr_html_()

    assert "<strong>Parameters</strong>" in page
    assert "----" not in page


def test_readers_see_types_and_references_not_their_markup():
    page = synthesis_reference()._repr_html_()

    assert "ForwardRef" not in page
    assert not re.search(r"(?:: |-&gt; )(?:&quot;|&#x27;|['\"])", page)
    assert "analysis.<wbr>synthesis.<wbr>pooled.<wbr>settings_<wbr>for</code>" in page
    assert ".. [" not in page
    assert not re.search(r"<strong>\w+</strong></p>(?:</section>|<(?:pre|dl|ol)[^>]*></)", page)


def test_sentences_between_examples_are_text_and_not_code():
    page = synthesis_reference()._repr_html_()
    blocks = re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)

    assert blocks
    assert [block for block in blocks if not block.startswith(("&gt;&gt;&gt;", "    "))] == []
