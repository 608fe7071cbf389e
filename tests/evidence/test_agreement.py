"""Agreement of the double extraction: kappa by hand, the real figures, and what was resolved."""

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.evidence.agreement import cohen_kappa, extraction_agreement, pairs_of, resolutions
from analysis.evidence.tables import DoubleExtraction
from tests.evidence.synthetic import evidence, outcome, study


def raw(extractor, study_id, arm, events, total, derivation="stated"):
    return DoubleExtraction(0, extractor, study_id, arm, "mrs02", events, total, derivation)


def with_raw(rows):
    """Synthetic evidence around raw extractions."""
    keys = {(row.study_id, row.arm_id) for row in rows}
    base = evidence([study(name) for name in {key[0] for key in keys}], [outcome(*key) for key in keys])
    return replace(base, double_extraction=tuple(rows))


def test_kappa_by_hand():
    # Ten pairs: both yes 5, both no 2, yes/no 2, no/yes 1.
    # Observed 7/10. The first reader says yes to 7, the second to 6 of 10:
    # by chance 7/10 * 6/10 + 3/10 * 4/10 = 54/100; kappa = (70 - 54) / (100 - 54) = 16/46.
    pairs = [(1, 1)] * 5 + [(0, 0)] * 2 + [(1, 0)] * 2 + [(0, 1)]

    found = cohen_kappa(pairs)

    assert (found.n, found.agreed) == (10, 7)
    assert found.kappa == pytest.approx(float(Fraction(16, 46)), abs=1e-14)


def test_standard_error_by_hand():
    # The same ten pairs, in fractions, by the formula of Fleiss, Cohen and Everitt (1969):
    # var = [A + B - C] / (n (1 - pe)^2), 1 - kappa = 30/46.
    rest = Fraction(30, 46)
    kappa, by_chance = 1 - rest, Fraction(54, 100)
    a = Fraction(5, 10) * (1 - Fraction(13, 10) * rest) ** 2
    a += Fraction(2, 10) * (1 - Fraction(7, 10) * rest) ** 2
    # first yes/second no: second's share of yes + first's share of no = 6/10 + 3/10
    # first no/second yes: second's share of no + first's share of yes = 4/10 + 7/10
    b = rest**2 * (Fraction(2, 10) * Fraction(9, 10) ** 2 + Fraction(1, 10) * Fraction(11, 10) ** 2)
    c = (kappa - by_chance * rest) ** 2
    se = math.sqrt(float((a + b - c) / (10 * (1 - by_chance) ** 2)))

    found = cohen_kappa([(1, 1)] * 5 + [(0, 0)] * 2 + [(1, 0)] * 2 + [(0, 1)])

    assert found.se == pytest.approx(se, rel=1e-12)
    assert found.high - found.kappa == pytest.approx(1.959963984540054 * se, rel=1e-12)


def test_standard_error_of_the_published_example():
    # Fleiss, Cohen, Everitt 1969, table 1: 200 cases by two raters; kappa 0.429, variance 0.002885.
    table = [[106, 10, 4], [22, 28, 10], [2, 12, 6]]
    pairs = [(i, j) for i in range(3) for j in range(3) for _ in range(table[i][j])]

    found = cohen_kappa(pairs)

    assert found.kappa == pytest.approx(0.429, abs=5e-4)
    assert found.se**2 == pytest.approx(0.002885, abs=5e-7)


def test_one_category_gives_no_kappa():
    found = cohen_kappa([(1, 1)] * 4)

    assert found.observed == 1.0
    assert math.isnan(found.kappa)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_kappa_is_symmetric_and_bounded(pairs):
    one, other = cohen_kappa(pairs), cohen_kappa([(b, a) for a, b in pairs])

    assert one.observed == other.observed
    if math.isnan(one.kappa):
        assert math.isnan(other.kappa)
    else:
        assert one.kappa == pytest.approx(other.kappa, abs=1e-12)
        assert one.se == pytest.approx(other.se, abs=1e-9)
        assert -1.0 <= one.low <= one.kappa + 1e-12 <= one.high + 2e-12 <= 1.0 + 2e-12


def test_pairs_of_a_small_case():
    # Study a: readers 1 and 2; both wrote arm x, only 1 wrote arm y. Study b: reader 3 alone.
    rows = [raw(1, "a", "x", 3, 9), raw(2, "a", "x", 3, 9), raw(1, "a", "y", 1, 4), raw(3, "b", "x", 2, 5)]

    pairs = pairs_of(rows)

    assert [(*pair.key[:2], pair.second is None) for pair in pairs] == [("a", "x", False), ("a", "y", True)]


def test_fields_of_a_small_case():
    rows = [
        raw(1, "a", "x", 3, 9), raw(2, "a", "x", 3, 9),
        raw(1, "a", "y", 1, 4), raw(2, "a", "y", 2, 4),
        raw(1, "a", "z", None, None, "not_available"), raw(2, "a", "z", 7, 8, "from_percent"),
        raw(1, "a", "w", 5, 6),
    ]  # fmt: skip

    found = extraction_agreement(with_raw(rows))

    assert found.pairs == 4
    assert (found.field("a count can be read").agreed, found.field("a count can be read").n) == (2, 3)
    assert (found.field("a count was written").agreed, found.field("a count was written").n) == (2, 4)
    assert (found.field("events").agreed, found.field("total").agreed) == (1, 2)
    assert {pair.key[1] for pair in found.differing} == {"y", "z", "w"}
    assert {pair.readers for pair in found.differing} == {(1, 2)}


@pytest.mark.parametrize(
    ("extractors", "written", "all_rows", "identical"),
    [
        # Figures printed in the README of the evidence pack, which were computed elsewhere.
        pytest.param(None, (179, 98, 0.93), (219, 84, 0.59), (139, 141), id="all"),
        pytest.param({1, 2, 3, 4}, (118, 98, 0.96), (127, 94, 0.87), (86, 86), id="apart"),
    ],
)
def test_the_figures_of_the_pack(real, extractors, written, all_rows, identical):
    found = extraction_agreement(real, extractors)

    for field, (n, percent, kappa) in (("a count can be read", written), ("a count was written", all_rows)):
        measures = found.field(field)
        assert measures.n == n
        assert round(100 * measures.observed) == percent
        assert round(measures.kappa, 2) == kappa
    assert (found.field("events and total").agreed, found.field("events and total").n) == identical


def test_every_resolved_row_says_how(real):
    found = resolutions(real)

    assert {item.row.key for item in found} >= {
        row.key for row in real.outcomes if row.agreement == "resolved"
    }
    assert all(item.reason and item.wrote for item in found)


def test_the_one_row_with_two_counts_is_listed(real):
    # README of the pack: deaths in the control arm of DISTAL, 272 assigned or 269 followed up.
    row = ("psychogios2025", "control", "mortality90")
    (item,) = [item for item in resolutions(real) if item.row.key == row]

    assert {(row.events, row.total) for row in item.wrote} == {(38, 272), (38, 269)}
