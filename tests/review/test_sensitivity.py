"""Every planned choice is made, measured against the primary analysis, and told in words."""

import pytest

from analysis.report.numbers import rate_change
from analysis.review.cells import headline
from analysis.review.sensitivity import sensitivity_table
from analysis.review.sensitivity_shown import sensitivity_section
from analysis.synthesis.interval_censored import fit_interval_censored
from tests.evidence.synthetic import doubt, evidence, outcome, study


@pytest.fixture(scope="module")
def small():
    """Synthetic: three plain studies, one with a range, one direct, one doubtful with a loss."""
    studies = [
        study("a", first_author="A"), study("b", directness="direct"), study("c", n_patients=30),
        study("d"), study("e", first_version="26.0.0", evidence_stage="update"),
    ]  # fmt: skip
    rows = [
        outcome("a", events=14, total=20),
        outcome("b", events=9, total=18),
        outcome("c", events=20, total=26, derivation="deduced"),
        outcome("d", events=None, total=200, events_low=118, events_high=122, derivation="approximate"),
        outcome("e", events=11, total=25, threshold_note="looser"),
    ]
    return evidence(studies, rows, doubts=[doubt("c")])


@pytest.fixture(scope="module")
def table(small):
    return sensitivity_table(small, "primary", "mrs02")


@pytest.fixture(scope="module")
def rows(table):
    return {row.key: row for row in table.choices}


def test_the_primary_row_is_the_headline(small, table):
    pooled = headline(small, "primary", "mrs02", "26.0.0").pooled

    assert (table.primary.estimate, table.primary.k) == (pooled.estimate, 4)


def test_every_choice_of_the_protocol_has_a_row(small, table):
    assert [row.key for row in table.choices] == [item.key for item in small.protocol.sensitivity]


def test_a_shift_is_the_difference_to_the_primary_analysis(table):
    for row in table.choices:
        if row.estimate is not None:
            assert row.shift == pytest.approx(row.estimate - table.primary.estimate, abs=1e-12)


def test_the_strongest_choice_has_the_largest_shift(table):
    assert abs(table.strongest.shift) == max(abs(row.shift or 0.0) for row in table.choices)


def test_span_holds_every_estimate(table):
    low, high = table.span

    assert all(low <= row.estimate <= high for row in table.choices if row.estimate is not None)


@pytest.mark.parametrize(
    ("key", "k", "n"),
    [
        pytest.param("direct", 1, 18, id="direct"),
        pytest.param("no-doubt", 3, 63, id="doubt"),
        pytest.param("strict", 3, 64, id="strict"),
        pytest.param("printed", 3, 63, id="derivation"),
        pytest.param("latest-stage", 1, 25, id="stage"),
        pytest.param("ranges", 5, 289, id="ranges"),
        pytest.param("follow-up-worst", 4, 93, id="follow-up"),
    ],
)
def test_a_choice_keeps_what_it_should(rows, key, k, n):
    assert (rows[key].k, rows[key].n) == (k, n)


def test_a_choice_that_changes_nothing_says_so(rows):
    assert rows["all-overlap"].status == "same"
    assert rows["all-overlap"].shift == 0.0


def test_only_the_interval_moves_with_the_interval(rows, table):
    assert rows["glmm-wald"].shift == 0.0
    assert rows["glmm-wald"].low != table.primary.low


def test_ranges_are_fitted_by_the_sum_over_counts(rows):
    # In order of study: a, b, c, d, e.
    fit = fit_interval_censored([14, 9, 20, 118, 11], [14, 9, 20, 122, 11], [20, 18, 26, 200, 25])

    from scipy.special import expit

    assert rows["ranges"].estimate == pytest.approx(float(expit(fit.mu)), abs=1e-9)
    assert "118 to 122 of 200" in rows["ranges"].note


def test_lost_patients_move_the_estimate_both_ways(rows, table):
    assert rows["follow-up-worst"].estimate < table.primary.estimate < rows["follow-up-best"].estimate
    assert "4 patients put back in 1 study" in rows["follow-up-best"].note
    assert "not computable in 3 studies" in rows["follow-up-best"].note


def test_no_count_gives_no_table(small):
    assert sensitivity_table(small, "secondary", "mrs02") is None
    assert "nothing to vary" in sensitivity_section(small, "secondary", "mrs02")._repr_html_()


def test_the_section_names_what_moves_it_most(small, table):
    html = sensitivity_section(small, "primary", "mrs02")._repr_html_()

    assert table.strongest.label[1:] in html
    assert html.count("<svg") == 2


def test_a_shift_is_written_in_the_digits_of_the_rates():
    # Synthetic: large series with few events; without the doubtful one the rate is lower.
    studies = [study(name) for name in "abcd"]
    rows = [
        outcome(name, outcome="mortality90", events=events, total=2000)
        for name, events in zip("abcd", (9, 8, 10, 17), strict=True)
    ]
    table = sensitivity_table(evidence(studies, rows, doubts=[doubt("d")]), "primary", "mortality90")
    row = next(item for item in table.choices if item.key == "no-doubt")
    told = rate_change(*((each.estimate, each.low, each.high) for each in (table.primary, row)))
    html = sensitivity_section(
        evidence(studies, rows, doubts=[doubt("d")]), "primary", "mortality90"
    )._repr_html_()

    assert told.places >= 2
    assert abs(row.shift) > 0.0001
    assert told.change in html
