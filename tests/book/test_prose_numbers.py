"""No result is typed by hand: numerals in prose are dates, citations, sections or declared."""

import pytest

from tests.book.prose import declared_constants, prose_sources, typed_numerals

SOURCES = dict(prose_sources())


def test_prose_is_found():
    assert "README.md" in SOURCES
    assert "book/contributing.md" in SOURCES
    assert any(name.startswith("book/index.ipynb#") for name in SOURCES)


@pytest.mark.parametrize("source", SOURCES)
def test_no_numeral_is_typed_by_hand(source):
    findings = typed_numerals(SOURCES[source], source)
    assert not findings, "\n".join(str(finding) for finding in findings)


@pytest.mark.parametrize(
    ("planted", "numeral"),
    [
        ("Reperfusion was seen in 84.2% of patients.", "84.2%"),
        ("Reperfusion was seen in 84 % of patients.", "84 %"),
        ("We included 27 studies.", "27"),
        ("The pooled rate was 0.84 (0.76 to 0.90).", "0.84"),
        ("The rate was 12\u201318 in a group.", "12"),
        ("- 3 of 10 patients died", "3"),
        ("| Primary | 412 |", "412"),
        ("## Results in 1,262 of 5,000 patients", "5,000"),
        ("There were twenty-seven studies.", "twenty-seven"),
        ("In 2023 patients the artery was open.", "2023"),
        ("*Bold claim*: tau of .8", ".8"),
        ("mRS 0-2 was reached by 64.", "64"),
        ("A share of 91% is not the 95% of the intervals.", "91%"),
    ],
)
def test_a_planted_numeral_is_found(planted, numeral):
    found = [finding.numeral for finding in typed_numerals(f"# Results\n\n{planted}\n")]

    assert numeral in found


def test_a_finding_names_source_and_line():
    (finding,) = typed_numerals("# Results\n\n```\n17\n```\n\nIn all, 17 died.\n", "book/x.md")

    assert str(finding) == "book/x.md:7: '17' is typed by hand"


@pytest.mark.parametrize(
    "text",
    [
        "Searched to January 2023, updated on 22 November 2026.",
        "Public by 2023-01-31 (in 2023).",
        "{cite:t}`rodriguezcalienes2023` pooled {{ paper_studies }} studies.",
        "See section 4.2 and table 3.",
        "1. Do this.\n2. Do that.",
        "## 3.1 Selection",
        "Segments M2 to M5, A2 and P1; tau2 and I2.",
        "Run `make book` with `k = 29`.",
        "```python\nx = 84.2\n```",
        ":::{grid} 1 1 2 2\n:gutter: 3\nText\n:::",
        "[a page](https://example.org/2026/84) and <https://example.org/84>",
        "The text is under CC BY 4.0.",
        "Files are UTF-8; mRS 0-2 is an outcome.",
        "Each interval is a 95% interval.",
    ],
    ids=lambda text: text[:30],
)
def test_dates_citations_sections_names_and_constants_may_stand(text):
    assert typed_numerals(text) == []


def test_constants_come_from_the_protocol():
    assert {"29", "971", "291", "1,262", "95%"} <= declared_constants()
    assert "84%" not in declared_constants()
