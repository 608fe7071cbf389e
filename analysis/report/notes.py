"""Remarks of the engine, put into the plain words of a methods section.

The engine speaks of maxima, profiles and gradients. A reader needs to know what that means for the
number above. Each remark known here has its sentence; an unknown one is shown as it came, with its
Greek letters set right.
"""

from __future__ import annotations

import re

__all__ = ["note_sentence"]

_FEW = "With so few or so even results this is common and does not prove that the studies agree."

#: Pattern of a remark -> sentence; groups of the pattern may be quoted.
_SENTENCES: tuple[tuple[str, str], ...] = (
    (
        r"the maximum is at tau = 0",
        "The results vary no more than chance alone would make them, so the variance between studies "
        f"was estimated as zero. {_FEW}",
    ),
    (
        r"interval of tau2: the interval includes tau2 = 0",
        "The interval of the variance between studies includes zero.",
    ),
    (
        r"interval of tau2: the profile does not fall to the limit as tau grows: the upper end is infinite",
        "The data set no upper limit to the variation between studies.",
    ),
    (
        r"confidence interval: the profile does not fall to the limit: the end is infinite",
        "The data leave one end of the confidence interval open.",
    ),
    (
        r"(?:confidence interval: |interval of tau2: )?no finite maximum, so no profile interval",
        "The model has no finite estimate here, so it gives no interval.",
    ),
    (
        r"no finite maximum: every study is at 0 % or 100 %.*",
        "In every study the outcome happened to nobody or to everybody, so the model has no finite estimate.",
    ),
    (
        r"no finite maximum: some coefficients run to infinity.*",
        "In one group of studies the outcome happened to nobody or to everybody, so the model has no "
        "finite estimate for it.",
    ),
    (
        r"no finite maximum was met up to tau = (?P<limit>\S+)",
        "The estimate of the variation between studies grew without limit, so the model gives no estimate.",
    ),
    (
        r"the ascent (?:stopped before the gradient vanished|did not end at a maximum)",
        "The computation did not reach a stable estimate; do not use this number.",
    ),
    (
        r"tau is not identified: every study has one participant; tau = 0 is reported",
        "Every study has one participant, so variation between studies cannot be told; it was set to zero.",
    ),
    (
        r"one study: the variation between studies cannot be estimated",
        "With one study, variation between studies cannot be estimated.",
    ),
    (
        r"prediction interval: needs at least (?P<least>.+?) studies",
        "A prediction interval needs at least {least} studies.",
    ),
    (
        r"interval of tau2: needs at least (?P<least>.+?) studies",
        "An interval of the variance between studies needs at least {least} studies.",
    ),
    (
        r"confidence interval: (?P<method>.+?) needs at least two studies; the normal interval is given",
        "The confidence interval rests on the normal approximation, as the usual one needs at least two "
        "studies.",
    ),
    (
        r"interval of tau2: Q is below its lower quantile even at zero.*",
        "The results vary less than chance would make them, so the interval of the variance between "
        "studies shrinks to zero.",
    ),
    (
        r"interval of tau2: from the unrestricted likelihood",
        "The interval of the variance between studies comes from the unrestricted likelihood.",
    ),
    (
        r"interval of tau2: equal effects: tau2 is zero",
        "The model takes all studies to share one rate, so no variance between studies was estimated.",
    ),
    (
        r"prediction interval: equal effects: nothing to predict",
        "The model takes all studies to share one rate, so there is no prediction interval.",
    ),
    (
        r"(?P<few>\d+) of (?P<all>\d+) studies had (?P<amount>\S+) added to events and non-events.*",
        "In {few} of {all} studies {amount} was added to the events and to the non-events, so that rates "
        "of 0% or 100% could enter the model.",
    ),
    (
        r"1 of (?P<all>\d+) studies with a zero cell had (?P<amount>\S+) added",
        "In 1 of {all} studies nobody, or everybody, in an arm had the event; {amount} was added to its "
        "cells.",
    ),
    (
        r"(?P<few>\d+) of (?P<all>\d+) studies with a zero cell had (?P<amount>\S+) added",
        "In {few} of {all} studies nobody, or everybody, in an arm had the event; {amount} was added to "
        "their cells.",
    ),
    (
        r"1 of (?P<all>\d+) studies without events in either arm say nothing on a ratio and are left out",
        "In 1 of {all} studies nobody, or everybody, in both arms had the event; it says nothing on a "
        "ratio and is left out.",
    ),
    (
        r"(?P<few>\d+) of (?P<all>\d+) studies without events in either arm say nothing on a ratio and "
        r"are left out",
        "In {few} of {all} studies nobody, or everybody, in both arms had the event; they say nothing on a "
        "ratio and are left out.",
    ),
    (
        r"(?P<what>.+): the estimate is at the edge and the model has no finite maximum",
        "In every study the outcome happened to nobody or to everybody; the rate is shown with a "
        "one-sided interval.",
    ),
    (
        r"for the binomial model Knapp-Hartung means t quantiles with k - 1 degrees of freedom.*",
        "The confidence interval uses the t distribution with one degree of freedom less than there are "
        "studies.",
    ),
    (
        r"prediction interval: no finite maximum of the likelihood",
        "The model has no finite estimate here, so there is no prediction interval.",
    ),
    (
        r"interval of tau2: no finite maximum of the likelihood",
        "The model has no finite estimate here, so the variance between studies has no interval.",
    ),
    (
        r"tau2 is common to all levels",
        "One variance between studies was estimated for all groups together.",
    ),
    (
        r"left out of the test for want of a finite estimate: (?P<left>.+)",
        "Not part of the test, as no finite estimate exists: {left}.",
    ),
    (
        r"(?:with a common tau2 )?the intervals of the levels are Wald intervals",
        "The intervals of the groups rest on the normal approximation.",
    ),
    (
        r"a level has no finite estimate: the test is the likelihood-ratio test",
        "One group has no finite estimate, so the groups were compared by the likelihood-ratio test.",
    ),
)
_KNOWN = tuple((re.compile(pattern), sentence) for pattern, sentence in _SENTENCES)
_GREEK = ((re.compile(r"\btau2\b"), "τ²"), (re.compile(r"\btau\b"), "τ"))


def note_sentence(note: str) -> str:
    """Return a remark of the engine as a plain sentence.

    Examples
    --------
    >>> note_sentence("prediction interval: needs at least two studies")
    'A prediction interval needs at least two studies.'
    >>> note_sentence("interval of tau2: widened")
    'Interval of τ²: widened.'
    """
    text = note.strip()
    for pattern, sentence in _KNOWN:
        if match := pattern.fullmatch(text):
            return sentence.format(**match.groupdict())
    for pattern, letter in _GREEK:
        text = pattern.sub(letter, text)
    if not text:
        return ""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
