"""Pages on what is new and on evidence over time, and the commands beside them."""

import json
import re

import pytest

from analysis import review
from analysis.__main__ import main
from analysis.report.tables import Table


def _text(part):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", part._repr_html_()))


def test_what_is_new_names_versions_studies_and_the_largest_change(real):
    text = _text(review.whats_new_section(real))

    assert "Version 26.0.0 holds what was public by November 2026" in text
    assert "50 studies became known: 26 included" in text
    assert "The largest change is that of mRS 0-2, secondary" in text
    assert "There is a first estimate of mortality, secondary." in text


@pytest.mark.parametrize("population", ["primary", "secondary", "any"])
def test_each_population_shows_its_moves(real, real_diff, population):
    html = review.diff_section(real, population)._repr_html_()
    moved = [cell for cell in real_diff.cells if cell.population == population and cell.moves]

    assert html.count("Studies that moved it") == len(moved)


def test_a_new_study_was_not_pooled_before(real):
    rates = _text(review.diff_section(real, "any"))
    results = _text(review.whats_new_section(real))

    assert "not pooled 34/42" in rates
    assert "not available" not in rates
    assert "4 to 4 87 to 87 no study" in results


def test_page_and_command_tell_the_same_numbers(real, real_diff, capsys):
    assert main(["diff", "23.0.0", "26.0.0", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert told["cells"] == json.loads(json.dumps(real_diff.to_dict()))["cells"]


def test_without_names_the_two_newest_versions_are_compared(capsys):
    assert main(["diff"]) == 0
    assert capsys.readouterr().out.startswith("Version 23.0.0 to 26.0.0")


@pytest.mark.parametrize("command", [["diff", "1.0.0"], ["versions", "1.0.0"]])
def test_an_unknown_version_ends_with_two(capsys, command):
    assert main(command) == 2
    assert "no evidence version" in capsys.readouterr().err


def test_the_versions_are_listed_with_their_steps(capsys):
    assert main(["versions"]) == 0
    assert [line.split()[:2] for line in capsys.readouterr().out.splitlines()] == [
        ["23.0.0", "first"],
        ["26.0.0", "year"],
    ]


def test_the_clock_names_dates_and_no_day_of_the_build(real):
    html = review.clock_section(real)._repr_html_()

    assert 'data-due="2027-02-21"' in html
    assert "No database search is recorded" in html
    assert "The living mode ends when" in html


def test_the_time_machine_has_a_column_for_each_version(real):
    heads = [column.head for column in review.time_machine_table(real).columns]

    assert [head for head in heads if head.startswith("Version")] == ["Version 23.0.0", "Version 26.0.0"]


def test_years_not_shown_stand_apart(real):
    text = _text(review.cumulative_section(real, "any", "mrs02"))

    assert "The year of [Primary anterior] undated" in text
    assert "Wald" not in text


def test_a_rate_without_counts_says_so(real):
    assert "No public count" in _text(review.cumulative_section(real, "secondary", "sich"))


def test_sequential_limits_are_secondary_and_say_so(real):
    text = _text(review.sequential_section(real))

    assert "This view is secondary. Cochrane advises against sequential methods" in text
    assert "cannot be called prespecified" in text


@pytest.mark.parametrize(
    ("value", "limit", "reading"),
    [
        pytest.param("z", "O'Brien-Fleming limit", "O'Brien-Fleming limit is", id="O'Brien-Fleming"),
        pytest.param("z by iterated logarithm", "1.96", "Usual limit of 1.96 is", id="usual"),
    ],
)
def test_each_z_is_read_against_its_own_limit(real, value, limit, reading):
    (table,) = (part for part in review.sequential_section(real).parts if isinstance(part, Table))
    heads = [column.head for column in table.columns]

    for row in table.cells:
        shown = dict(zip(heads, (cell.text for cell in row), strict=True))
        bound = float("inf") if shown.get(limit) == "beyond reach" else float(shown.get(limit, limit))
        beyond = abs(float(shown[value].replace("−", "-"))) >= bound
        assert shown[reading] == ("crossed" if beyond else "not crossed"), shown


def test_trials_over_time_draw_every_outcome(real):
    figure = review.trials_over_time(real)

    columns = [column.head for column in figure.data_table.columns]
    place = columns.index("Block")
    assert {"mRS 0-2", "Mortality", "sICH"} <= {row[place].text for row in figure.data_table.cells}
