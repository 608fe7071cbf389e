"""Numbers are shown to the precision that their interval allows, and never as ``nan``."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.report import numbers
from analysis.report.numbers import MISSING

NAN = float("nan")
INF = float("inf")


@pytest.mark.parametrize(
    ("value", "low", "high", "shown"),
    [
        pytest.param(0.84, 0.76, 0.90, "84% (76 to 90)", id="wide-interval-no-decimal"),
        pytest.param(0.0412, 0.031, 0.0549, "4.1% (3.1 to 5.5)", id="narrow-one-decimal"),
        pytest.param(0.5012, 0.5001, 0.5023, "50.12% (50.01 to 50.23)", id="very-narrow-two"),
        pytest.param(0.004, 0.0, 0.21, "<1% (0 to 21)", id="below-one-but-not-zero"),
        pytest.param(0.0, 0.0, 0.31, "0% (0 to 31)", id="exactly-zero"),
        pytest.param(0.996, 0.8, 0.9999, ">99% (80 to >99)", id="above-99-but-not-100"),
        pytest.param(1.0, 0.69, 1.0, "100% (69 to 100)", id="exactly-all"),
        pytest.param(0.285, 0.1, 0.5, "29% (10 to 50)", id="half-rounds-up-despite-binary-noise"),
        pytest.param(0.5, NAN, 0.9, "50% (interval not available)", id="interval-missing"),
        pytest.param(NAN, 0.1, 0.2, MISSING, id="estimate-missing"),
        pytest.param(None, None, None, MISSING, id="nothing"),
        pytest.param(0.121, None, None, "12%", id="estimate-alone"),
    ],
)
def test_percent(value, low, high, shown):
    assert numbers.percent(value, low, high) == shown


@pytest.mark.parametrize(
    ("low", "high", "decimals"),
    [(0.76, 0.90, 0), (0.10, 0.15, 0), (0.10, 0.1499, 1), (0.10, 0.105, 1), (0.1, 0.1049, 2)],
)
def test_decimals_follow_the_width_of_the_interval(low, high, decimals):
    assert numbers.percent_decimals(low, high) == decimals


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (971, "971"),
        (9999, "9999"),
        (12345, "12\u202f345"),
        (1234567, "1\u202f234\u202f567"),
    ],
)
def test_counts_are_grouped_from_five_digits(value, shown):
    assert numbers.count(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(0.00001, "p<0.001", id="tiny"),
        pytest.param(0.0, "p<0.001", id="zero"),
        pytest.param(0.001, "p=0.001", id="three-decimals-below-one-per-cent"),
        pytest.param(0.0094, "p=0.009", id="still-three"),
        pytest.param(0.01, "p=0.01", id="two-decimals"),
        pytest.param(0.0496, "p=0.050", id="three-near-the-customary-threshold"),
        pytest.param(0.051, "p=0.051", id="three-just-above-it"),
        pytest.param(0.0958, "p=0.096", id="three-just-below-one-in-ten"),
        pytest.param(0.103, "p=0.103", id="three-just-above-one-in-ten"),
        pytest.param(0.5, "p=0.50", id="half"),
        pytest.param(1.0, "p>0.99", id="one"),
        pytest.param(NAN, "p not available", id="missing"),
    ],
)
def test_p_values(value, shown):
    assert numbers.p_value(value) == shown


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        pytest.param((0.0,), "0", id="zero"),
        pytest.param((0.00004,), "<0.001", id="tiny"),
        pytest.param((0.0421,), "0.042", id="small"),
        pytest.param((6.741, 0.0, 1704.23), "6.74 (0 to 1704)", id="few-studies"),
        pytest.param((0.5, 0.0, INF), "0.50 (0 to no upper limit)", id="unbounded"),
        pytest.param((0.5, NAN, NAN), "0.50 (interval not available)", id="no-interval"),
        pytest.param((NAN, 0.1, 0.2), MISSING, id="missing"),
    ],
)
def test_tau2(arguments, shown):
    assert numbers.tau2(*arguments) == shown


@pytest.mark.parametrize(
    ("iso", "shown"),
    [
        ("2023-01-31", "31 January 2023"),
        ("2026-11", "November 2026"),
        ("2026", "2026"),
        ("2026-13", MISSING),
        ("soon", MISSING),
        (None, MISSING),
    ],
)
def test_dates(iso, shown):
    assert numbers.date_text(iso) == shown


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((0.95, 0.79, 1.15), "0.95 (0.79 to 1.15)"),
        ((12.34, 1.5, 150.2), "12.3 (1.50 to 150)"),
        ((0.85, 0.72, 0.9967), "0.85 (0.72 to 0.997)"),
        ((1.2, 1.0, 1.44), "1.20 (1.00 to 1.44)"),
        ((0.95, NAN, 1.1), "0.95 (interval not available)"),
        ((None,), MISSING),
    ],
)
def test_ratios(arguments, shown):
    assert numbers.ratio(*arguments) == shown


@pytest.mark.parametrize(
    ("difference", "shown"),
    [
        (0.031, "+3 points"),
        (-0.014, "\u22121 point"),
        (0.0, "0 points"),
        (-0.004, "0 points"),
        (None, MISSING),
    ],
)
def test_differences_are_signed(difference, shown):
    assert numbers.points(difference) == shown


def test_words_for_small_counts_in_prose():
    assert numbers.counted(9, "study", "studies", words=True) == "nine studies"
    assert numbers.counted(10, "study", "studies", words=True) == "10 studies"
    assert numbers.counted(0, "study", "studies", words=True) == "no studies"


ANY_FLOAT = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))
ONE_VALUE = [
    numbers.fixed,
    numbers.count,
    numbers.share,
    numbers.percent,
    numbers.points,
    numbers.ratio,
    numbers.p_value,
    numbers.tau2,
    numbers.i_squared,
    numbers.statistic,
    numbers.in_hundred,
]


@pytest.mark.parametrize("function", ONE_VALUE, ids=lambda function: function.__name__)
@given(value=ANY_FLOAT)
def test_no_value_shows_a_programmers_word(function, value):
    assert not re.search(r"\b(nan|inf|None|e[+-]?\d)", function(value), re.IGNORECASE)


@given(value=st.floats(0, 1), low=ANY_FLOAT, high=ANY_FLOAT)
def test_no_interval_shows_a_programmers_word(value, low, high):
    for function in (numbers.percent, numbers.tau2, numbers.ratio):
        assert not re.search(r"\b(nan|inf|None)\b", function(value, low, high), re.IGNORECASE)


@given(value=st.floats(0, 1), decimals=st.integers(0, 2))
def test_a_share_never_claims_none_or_all_unless_it_is(value, decimals):
    shown = numbers.share(value, decimals)
    assert (shown == "0") == (value == 0)
    assert (shown == "100") == (value == 1)


@pytest.mark.parametrize(
    ("after", "before", "places", "shown"),
    [
        pytest.param(0.8249, 0.8351, (1, 1), "−1.0 points", id="each-rounded-first"),
        pytest.param(0.036, 0.050, (1, 1), "−1.4 points", id="beside-one-decimal"),
        pytest.param(0.046, 0.06, (1, 0), "−1.4 points", id="as-many-as-the-finer"),
        pytest.param(0.844, 0.836, (0, 0), "0 points", id="the-same-to-a-reader"),
        pytest.param(NAN, 0.836, (0, 0), MISSING, id="missing"),
    ],
)
def test_differences_are_those_a_reader_finds(after, before, places, shown):
    assert numbers.points_between(after, before, *places) == shown


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        pytest.param(
            (0.00457, 0.0025, 0.0071),
            (0.00615, 0.0043, 0.0082),
            ("0.46% (0.25 to 0.71)", "0.62% (0.43 to 0.82)", "+0.16 points"),
            id="rare",
        ),
        pytest.param(
            (0.8351, 0.7, 0.92),
            (0.8249, 0.75, 0.88),
            ("83.5% (70 to 92)", "82.5% (75 to 88)", "−1.0 points"),
            id="one-decimal-at-least",
        ),
        pytest.param(
            (0.0049, 0.001, 0.02),
            (0.00615, 0.0043, 0.0082),
            ("0.49% (0.1 to 2.0)", "0.62% (0.43 to 0.82)", "+0.13 points"),
            id="as-many-as-the-finer",
        ),
        pytest.param(None, (0.5, 0.4, 0.6), (MISSING, "50.0% (40 to 60)", MISSING), id="first-estimate"),
        pytest.param(None, None, (MISSING, MISSING, MISSING), id="none"),
    ],
)
def test_both_rates_and_their_change_share_their_digits(before, after, shown):
    found = numbers.rate_change(before, after)
    assert (found.before, found.after, found.change) == shown


def test_a_part_that_is_the_whole_change_reads_as_the_change():
    found = numbers.rate_change((0.004549, 0.0025, 0.0071), (0.006151, 0.0043, 0.0082))
    # Each rounded as shown: 0.62 less 0.45. Its own value would read +0.16.
    assert found.change == "+0.17 points"
    assert found.moved(0.006151 - 0.004549, 0.006151 - 0.004549) == "+0.17 points"
    assert found.moved(0.0012, 0.001602) == "+0.12 points"


@pytest.mark.parametrize(
    ("value", "rounded"),
    [(39.49, 39), (0.5, 1), (-0.5, -1), (-18.4, -18), (2.5, 3), (-2.5, -3), (0.0, 0)],
)
def test_whole_numbers_are_rounded_once_and_halves_away_from_zero(value, rounded):
    assert numbers.whole(value) == rounded
