"""The first page answers from the data, and says plainly what is not known."""

import re
from dataclasses import replace

import pytest

from analysis import review
from analysis.report.references import author_year, full_reference
from analysis.review.methods import METHOD_REFERENCES, citation_text, methods_text


@pytest.fixture(scope="module")
def evidence():
    return review.load()


@pytest.fixture(scope="module")
def said(evidence):
    return dict(review.answers(evidence).items)


def test_four_questions_are_answered(said):
    assert list(said) == ["What is known", "How sure", "What changed", "When last searched"]
    assert all(lines for lines in said.values())


def test_rates_are_those_of_the_headlines_and_not_called_effects(said, evidence):
    facts = review.facts(evidence)
    text = " ".join(said["What is known"])

    for outcome in ("reperfusion", "mrs02", "mortality90", "sich"):
        assert facts[f"rate_any_{outcome}_today"] in text
    assert "not effects" in text


def test_no_search_is_claimed_that_was_not_recorded(said, evidence):
    assert not str(evidence.versions[-1].searched_on or "").startswith("20")
    assert "No database search with recorded hits stands behind this version." in said["When last searched"]


def test_without_judgements_certainty_is_not_made_up(evidence):
    bare = replace(evidence, certainty=())

    assert dict(review.answers(bare).items)["How sure"][0].startswith("Certainty has not been judged yet")


def test_the_figure_shows_every_outcome_in_every_population(evidence):
    figure = review.overview_figure(evidence)
    cells = len(evidence.protocol.main_outcomes) * len(evidence.protocol.populations)

    assert len(figure.data_table.cells) == cells
    assert "Reperfusion, Primary" in figure.alt


def test_every_setting_of_the_protocol_has_its_reference(evidence):
    choice = evidence.protocol.primary
    for setting in (choice.model, choice.ci_method, choice.prediction_method):
        assert setting in METHOD_REFERENCES
    assert full_reference(METHOD_REFERENCES.values())


def test_methods_text_cites_what_it_lists(evidence):
    paragraphs = methods_text(evidence).paragraphs
    place = paragraphs.index("References")
    cited = set(re.findall(r"#cite-([\w-]+)", " ".join(paragraphs[:place])))

    assert len(cited) == len(paragraphs) - place - 1
    assert evidence.data_hash[:12] in paragraphs[0]


@pytest.mark.parametrize(
    ("key", "called"),
    [
        ("hardy1996", "Hardy and Thompson 1996"),
        ("higgins2009", "Higgins et al. 2009"),
        ("akl2024", "Akl et al. 2024"),
        ("page2021", "Page et al. 2021"),
        ("prisma2020", "The PRISMA 2020 statement"),
    ],
)
def test_authors_are_called_as_in_a_sentence(key, called):
    assert author_year(key) == called


def test_the_citation_names_version_and_data(evidence):
    (text,) = citation_text(evidence).paragraphs

    assert evidence.versions[-1].id in text
    assert evidence.data_hash[:12] in text
