"""Evidence diff: two versions of the real evidence, and planted changes."""

import json
import re
from decimal import Decimal

import numpy as np
import pytest

from analysis import review
from analysis.living.diff import diff_evidence, diff_versions
from analysis.living.words import cell_lines, study_sentence
from tests.evidence.synthetic import evidence, outcome, study


def test_what_studies_moved_adds_up_to_the_change(real_diff):
    for cell in real_diff.cells:
        if cell.before and cell.after and cell.moves:
            for view in ("sequential", "averaged"):
                total = sum(getattr(move, view) for move in cell.moves)
                assert total == pytest.approx(cell.change, abs=1e-6), (cell.population, cell.outcome)


def test_every_study_that_came_or_went_is_named(real, real_diff):
    from analysis.review.cells import headline

    for cell in real_diff.cells:
        sides = [
            set(headline(real, cell.population, cell.outcome, version).counts.study_id)
            for version in ("23.0.0", "26.0.0")
        ]
        assert {item.study_id for item in cell.left} == sides[0] - sides[1]
        named = {move.study_id for move in cell.moves if move.before is None}
        assert named == sides[1] - sides[0]


def test_a_report_that_takes_the_place_of_another_is_one_change(real_diff):
    # memon2020 and swisspca2023 share the group PLATO; the later report is the larger.
    cell = real_diff.cell("any", "mrs02")

    assert [item.study_id for item in cell.left] == ["memon2020"]
    assert "group PLATO" in cell.left[0].reason
    (move,) = [move for move in cell.moves if move.kind == "replaced"]
    assert move.study_id == "swisspca2023"
    assert "memon2020" not in [item.study_id for item in cell.moves]


def test_a_result_without_new_studies_is_the_same(real_diff):
    cell = real_diff.cell("secondary", "reperfusion")

    assert cell.same
    assert cell.change == 0
    assert cell.moves == ()


def test_a_first_estimate_has_no_move(real_diff):
    cell = real_diff.cell("secondary", "mortality90")

    assert cell.before is None
    assert np.isnan(cell.change)
    assert not cell.most_moving
    assert cell.after.k == len(cell.moves)


def test_differences_carry_no_rounding_error(real_diff):
    values = [cell.change for cell in real_diff.cells]
    for cell in real_diff.cells:
        for move in cell.moves:
            values += [move.sequential, move.averaged, move.averaged_se]

    assert [value for value in values if 0 < abs(value) < 1e-9] == []


def test_a_version_beside_itself_is_the_same(real):
    diff = diff_versions(real, "26.0.0", "26.0.0")

    assert diff.changed == ()
    assert diff.entered == diff.left == ()
    assert study_sentence(diff) == "No new study became known."


def test_backwards_each_step_has_the_other_sign(real, real_diff):
    back = diff_versions(real, "26.0.0", "23.0.0")
    for there, here in zip(real_diff.cells, back.cells, strict=True):
        if there.before and there.after:
            assert here.change == pytest.approx(-there.change, abs=1e-12)
            assert {item.study_id for item in here.left} == {
                move.study_id for move in there.moves if move.kind in ("entered", "replaced")
            }
    assert back.left == real_diff.entered


def test_the_diff_is_plain_json(real_diff):
    text = json.dumps(real_diff.to_dict(), allow_nan=False)

    assert len(json.loads(text)["cells"]) == 12


def test_decisions_count_the_studies_that_became_known(real_diff):
    assert sum(real_diff.decisions.values()) == len(real_diff.entered)


def _two(extra=(), changes=None):
    studies = [study("a"), study("b"), *(study(name, **(changes or {})) for name, *_ in extra)]
    rows = [outcome("a", events=12, total=20), outcome("b", events=11, total=20)]
    rows += [outcome(name, events=events, total=total) for name, events, total in extra]
    return evidence(studies, rows)


def test_a_threshold_that_is_crossed_is_named():
    # Half of the patients is the threshold of mRS 0-2: 23 of 40 lies above, 25 of 140 more below.
    diff = diff_evidence(_two(), _two([("c", 15, 100)]))
    (crossing,) = [item for item in diff.cell("primary", "mrs02").crossings if item.what == "estimate"]

    assert (crossing.threshold, crossing.before, crossing.after) == (0.5, "above", "below")


def test_a_corrected_study_moves_the_estimate_by_the_whole_change():
    before, after = _two([("c", 15, 100)]), _two([("c", 55, 100)])
    cell = diff_evidence(before, after).cell("primary", "mrs02")
    (move,) = cell.moves

    assert (move.kind, move.before, move.after) == ("corrected", (15, 100), (55, 100))
    assert move.sequential == pytest.approx(cell.change, abs=1e-9)
    assert move.averaged == pytest.approx(cell.change, abs=1e-9)


def test_a_study_known_before_without_a_count_is_told_from_a_new_one():
    before = evidence([study("a"), study("c")], [outcome("a")])
    after = evidence([study("a"), study("c")], [outcome("a"), outcome("c")])
    (move,) = diff_evidence(before, after).cell("primary", "mrs02").moves

    assert move.reason == "Known before; its count could not be pooled then."


def test_lines_name_result_studies_and_thresholds(real_diff):
    text = "\n".join(cell_lines(real_diff.cell("any", "mrs02")))

    assert "any, mrs02:" in text
    assert "left: Memon 2020" in text
    assert "The estimate was below 50% and is now above it." in text


@pytest.mark.parametrize("pair", [("23.0.0", "99.0.0"), ("", "26.0.0")])
def test_an_unknown_version_is_refused(real, pair):
    with pytest.raises(ValueError, match="no evidence version"):
        diff_versions(real, *pair)


def test_a_change_is_written_once_for_lines_page_figure_and_first_page(real, real_diff):
    rows = _table_of(review.whats_new_section(real), "whats-new-results")
    drawn = next(
        part for part in review.whats_new_section(real).parts if hasattr(part, "data_table")
    ).data_table
    figure = {row[0].text: row[-1].text for row in drawn.cells}
    (first_page,) = [
        line for head, lines in review.answers(real).items if head == "What changed" for line in lines[1:]
    ]
    for cell in real_diff.cells:
        if cell.before and cell.after:
            outcome, population = (
                real.protocol.outcome(cell.outcome),
                real.protocol.population(cell.population),
            )
            name = f"{outcome.short_label}, {population.short_label.lower()}"
            head = cell_lines(cell)[0]
            before, after, change = (rows[name][key] for key in ("before", "after", "change"))
            assert f": {before} -> {after}, {change}; " in head
            assert figure[name] == change
            # What a reader finds who takes one shown rate from the other.
            ends = [Decimal(text.split("%")[0].lstrip("<>")) for text in (before, after)]
            told = Decimal(change.split(" ")[0].replace("−", "-"))
            if "<" not in before + after and ">" not in before + after:
                assert told == ends[1] - ends[0], name
            if cell.population == "any":
                assert change in first_page


def _table_of(section, name):
    (table,) = [part for part in section.parts if getattr(part, "name", "") == name]
    keys = [column.key for column in table.columns]
    return {row[0].text: dict(zip(keys, (item.text for item in row), strict=True)) for row in table.cells}


def test_a_change_of_a_rare_rate_has_the_digits_of_the_rates():
    # Synthetic: three large series with few deaths, and a fourth that raises the rate.
    few = [("a", 9, 2000), ("b", 8, 1900), ("c", 11, 2200)]

    def made(rows):
        studies = [study(name) for name, *_ in rows]
        counts = [
            outcome(name, outcome="mortality90", events=events, total=total) for name, events, total in rows
        ]
        return evidence(studies, counts)

    cell = diff_evidence(made(few), made([*few, ("d", 40, 4000)])).cell("primary", "mortality90")
    head, moved, *_ = cell_lines(cell)
    before, after, change = re.search(r": (\S+)% .* -> (\S+)% .*, (\S+) points; ", head).groups()

    assert len(before.partition(".")[2]) == len(after.partition(".")[2]) == len(change.partition(".")[2]) >= 2
    assert Decimal(change) == Decimal(after) - Decimal(before)
    # The one new study moved the rate by the whole change, and is said to have moved it by as much.
    assert moved.count(f"{change} points") == 2
