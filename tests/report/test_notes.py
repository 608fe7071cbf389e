"""Remarks of the engine reach the reader as plain sentences."""

import pytest

from analysis.report.notes import note_sentence
from analysis.synthesis import _glmm_single, glmm, glmm_profile
from analysis.synthesis.pooled import pool

CONSTANTS = [
    _glmm_single.NOTE_BOUNDARY,
    _glmm_single.NOTE_EXTREMES,
    _glmm_single.NOTE_FAILED,
    _glmm_single.NOTE_SINGLE,
    _glmm_single.NOTE_TAU_RUNS_OFF,
    glmm.NOTE_SEPARATED,
    f"interval of tau2: {glmm_profile.NOTE_ZERO}",
    f"interval of tau2: {glmm_profile.NOTE_OPEN_TAU}",
    f"confidence interval: {glmm_profile.NOTE_OPEN_MU}",
    f"confidence interval: {glmm_profile.NOTE_NO_FIT}",
]
#: Words of the engine that no reader of a result should meet.
_JARGON = ("maximum", "profile does not", "gradient", "ascent", "tau", "quantile", "infinite")


def _plain(sentence):
    return sentence.endswith(".") and not any(word in sentence for word in _JARGON)


@pytest.mark.parametrize("note", CONSTANTS, ids=lambda note: note[:40])
def test_remarks_of_the_engine_have_a_sentence(note):
    assert _plain(note_sentence(note)), note_sentence(note)


@pytest.mark.parametrize(
    ("events", "total", "settings"),
    [
        ([8, 8, 8], [10, 10, 10], {}),
        ([8], [10], {}),
        ([0, 0], [10, 12], {}),
        ([8], [10], {"model": "iv"}),
        ([0, 5, 8], [10, 10, 10], {"model": "iv"}),
        ([8, 8, 8], [10, 10, 10], {"model": "iv", "tau2_method": "ee"}),
        ([3, 8, 5], [10, 10, 10], {"ci_method": "knapp-hartung"}),
    ],
    ids=["even", "one", "none happened", "one iv", "corrected", "equal effects", "t"],
)
def test_whatever_a_synthetic_pool_remarks_is_plain(events, total, settings):
    notes = pool(events, total, **settings).notes

    assert notes
    for note in notes:
        assert _plain(note_sentence(note)), note


def test_an_unknown_remark_is_shown_as_it_came():
    assert note_sentence("something new about tau2") == "Something new about τ²."


@pytest.mark.parametrize(
    ("note", "sentence"),
    [
        (
            "1 of 3 studies with a zero cell had 0.5 added",
            "In 1 of 3 studies nobody, or everybody, in an arm had the event; 0.5 was added to its cells.",
        ),
        (
            "2 of 5 studies with a zero cell had 0.5 added",
            "In 2 of 5 studies nobody, or everybody, in an arm had the event; 0.5 was added to their cells.",
        ),
        (
            "1 of 3 studies without events in either arm say nothing on a ratio and are left out",
            "In 1 of 3 studies nobody, or everybody, in both arms had the event; it says nothing on a "
            "ratio and is left out.",
        ),
    ],
    ids=["one zero cell", "two zero cells", "one without events"],
)
def test_remarks_on_two_arms_agree_in_number(note, sentence):
    assert note_sentence(note) == sentence
