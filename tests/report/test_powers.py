"""Powers of ten in print."""

from __future__ import annotations

import pytest

from analysis.report.powers import power_of_ten, printed_powers


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        pytest.param("1e-05", "10⁻⁵", id="one"),
        pytest.param("1.0e-10", "10⁻¹⁰", id="one-with-decimals"),
        pytest.param("4.1e-08", "4.1 × 10⁻⁸", id="two-digits"),
        pytest.param("3e+12", "3 × 10¹²", id="large"),
        pytest.param("0.0e+00", "0", id="nought"),
        pytest.param("0.5", "0.5", id="plain"),
        pytest.param("stops at 1e-4 in τ²", "stops at 10⁻⁴ in τ²", id="in-a-sentence"),
        pytest.param("key e7a1e-05b", "key e7a1e-05b", id="no-number"),
    ],
)
def test_powers_are_printed(written, printed):
    assert printed_powers(written) == printed


def test_a_number_keeps_one_digit():
    assert power_of_ten(0.000123) == "10⁻⁴"


def test_tables_of_the_verification_show_no_notation_of_programs():
    from analysis.review import verification

    shown = verification.pinned_table()._repr_html_() + verification.agreement_section()._repr_html_()
    cells = [text.split("<")[0] for text in shown.split(">")]
    assert not [text for text in cells if "tau2" in text.split() or printed_powers(text) != text]
