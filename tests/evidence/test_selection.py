"""Each rule of selection on synthetic evidence; no patient ever stands twice."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.evidence.awaited import awaited
from analysis.evidence.select import Counts, Question, select
from tests.evidence.synthetic import doubt, evidence, outcome, study


def ask(found, population="primary", outcome_key="mrs02", **choices) -> Counts:
    return select(found, Question(population, outcome_key, **choices))


def pairs(counts: Counts) -> dict[str, tuple[int, int]]:
    return {
        name: (int(events), int(total))
        for name, events, total in zip(counts.study_id, counts.events, counts.total, strict=True)
    }


def step_of(counts: Counts, study_id: str) -> set[str]:
    return {item.step for item in counts.left_out if item.study_id == study_id}


@pytest.mark.parametrize(
    ("changes", "row", "step"),
    [
        ({"eligibility": "exclude"}, {}, "study"),
        ({"eligibility": "awaiting"}, {}, "study"),
        ({"first_version": "26.0.0"}, {}, "study"),
        ({}, {"technique": "control", "arm_id": "control"}, "arm"),
        ({}, {"occlusion": "mixed"}, "population"),
        ({}, {"occlusion": "not_stated"}, "population"),
        ({}, {"events": None, "percent_reported": 45}, "count"),
        ({}, {"events": None, "events_low": 4, "events_high": 5}, "count"),
        ({}, {"unit": "occlusions"}, "unit"),
        ({}, {"unit": "procedures"}, "unit"),
    ],
    ids=[
        "excluded", "awaiting", "later-version", "control", "mixed", "not-stated", "percentage",
        "range", "occlusions", "procedures",
    ],
)  # fmt: skip
def test_a_row_is_left_out_with_a_reason(changes, row, step):
    found = evidence([study("a2020", **changes)], [outcome("a2020", **row)])

    counts = ask(found, version="23.0.0")

    assert counts.k == 0
    assert [item.step for item in counts.left_out] == [step]
    assert counts.left_out[0].reason.endswith(".")


def test_any_takes_every_kind_of_occlusion():
    kinds = ("primary", "secondary", "mixed", "not_stated", "iatrogenic")
    names = [f"a{2000 + i}" for i in range(5)]
    rows = [outcome(name, occlusion=kind) for name, kind in zip(names, kinds, strict=True)]
    found = evidence([study(name) for name in names], rows)

    assert ask(found, "any").k == 5
    assert ask(found, "primary").study_id == ("a2000",)
    assert ask(found, "secondary").study_id == ("a2001",)


def test_the_total_stands_and_its_parts_go():
    rows = [
        outcome("a2020", "all", 6, 20, occlusion="mixed"),
        outcome("a2020", "primary", 4, 12, is_partition_of="all"),
        outcome("a2020", "secondary", 2, 8, occlusion="secondary", is_partition_of="all"),
    ]
    found = evidence([study("a2020")], rows)

    assert pairs(ask(found, "any")) == {"a2020": (6, 20)}
    assert pairs(ask(found, "primary")) == {"a2020": (4, 12)}
    assert {item.step for item in ask(found, "any").left_out} == {"part"}


def test_a_part_of_a_part_goes_with_the_total():
    rows = [
        outcome("a2020", "all", 6, 20),
        outcome("a2020", "stroke", 5, 15, is_partition_of="all"),
        outcome("a2020", "early", 3, 9, is_partition_of="stroke"),
    ]

    assert pairs(ask(evidence([study("a2020")], rows))) == {"a2020": (6, 20)}


def test_arms_without_a_total_are_added_up():
    rows = [outcome("a2020", "sr", 3, 10), outcome("a2020", "asp", 4, 12)]

    counts = ask(evidence([study("a2020")], rows))

    assert pairs(counts) == {"a2020": (7, 22)}
    assert counts.flags == (("sum of arms stent retriever + aspiration",),)
    assert counts.rows_used == ((("a2020", "sr", "mrs02"), ("a2020", "asp", "mrs02")),)


def test_a_missing_sibling_arm_is_flagged():
    rows = [outcome("a2020", "sr", 3, 10), outcome("a2020", "asp", None, None)]

    counts = ask(evidence([study("a2020")], rows))

    assert pairs(counts) == {"a2020": (3, 10)}
    assert counts.flags == (("part of the study only: no count for aspiration",),)


@pytest.mark.parametrize(
    ("one", "other", "kept"),
    [
        ({"total": 20}, {"total": 30}, {"b2020"}),
        ({"total": 30}, {"total": 30}, {"a2020"}),
        ({"territory": "PCA"}, {"territory": "ACA"}, {"a2020", "b2020"}),
        ({"territory": "PCA"}, {"territory": "PCA"}, {"a2020"}),
        ({"territory": "PCA"}, {"territory": "mixed"}, {"a2020"}),
    ],
    ids=["larger", "tie-by-key", "other-territory", "same-territory", "mixed-territory"],
)
def test_one_study_of_an_overlap_group(one, other, kept):
    studies = [study(name, overlap_group="G") for name in ("a2020", "b2020")]
    rows = [outcome("a2020", **one), outcome("b2020", **other)]
    found = evidence(studies, rows, groups=[("G", "registry")])

    counts = ask(found)

    assert set(counts.study_id) == kept
    assert {item.step for item in counts.left_out} <= {"overlap"}
    assert set(ask(found, overlap="all").study_id) == {"a2020", "b2020"}


def test_the_earlier_of_two_equal_reports_goes_first():
    studies = [
        study("a2021", overlap_group="G", year=2021),
        study("b2019", overlap_group="G", year=2019),
    ]
    found = evidence(studies, [outcome("a2021"), outcome("b2019")], groups=[("G", "series")])

    assert ask(found).study_id == ("b2019",)


def test_a_loose_group_is_flagged():
    found = evidence(
        [study("a2020", overlap_group="G")], [outcome("a2020")], groups=[("G", "loose")]
    )

    assert ask(found).flags == (("shared patients not proven in group G",),)


def test_direct_scope_keeps_direct_studies():
    studies = [study("a2020", directness="direct"), study("b2020")]
    found = evidence(studies, [outcome("a2020"), outcome("b2020")])

    counts = ask(found, scope="direct")

    assert counts.study_id == ("a2020",)
    assert step_of(counts, "b2020") == {"scope"}


@pytest.mark.parametrize(
    ("noted", "version", "kept"),
    [
        (doubt("a2020", "mrs02"), None, False),
        (doubt("a2020", "*"), None, False),
        (doubt("a2020", "sich"), None, True),
        (doubt("a2020", kind="stage"), "23.0.0", False),
        (doubt("a2020", kind="stage"), "26.0.0", True),
    ],
    ids=["this-outcome", "every-outcome", "other-outcome", "stage-then", "stage-today"],
)
def test_doubtful_rows_can_be_dropped(noted, version, kept):
    found = evidence([study("a2020")], [outcome("a2020")], doubts=[noted])

    assert ask(found, version=version).k == 1
    assert ask(found, version=version, doubtful="drop").k == int(kept)


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        ({}, True),
        ({"threshold_note": "range not printed"}, False),
        ({"timepoint": "90d_assumed"}, False),
        ({"timepoint": "not_stated"}, False),
    ],
    ids=["exact", "threshold", "assumed", "not-stated"],
)
def test_strict_definition(row, kept):
    found = evidence([study("a2020")], [outcome("a2020", **row)])

    assert ask(found).k == 1
    assert bool(ask(found).flags[0]) != kept
    assert ask(found, definition="strict").k == int(kept)


def test_units_can_be_widened():
    found = evidence([study("a2020")], [outcome("a2020", unit="occlusions")])

    counts = ask(found, units="all")

    assert counts.flags == (("counts occlusions",),)


def test_a_subgroup_takes_rows_with_a_level():
    rows = [
        outcome("a2020", "all", 9, 30, technique="mixed"),
        outcome("a2020", "sr", 5, 16, technique="SR", is_partition_of="all"),
        outcome("a2020", "asp", 4, 14, technique="ASP", is_partition_of="all"),
        outcome("b2021", "all", 2, 8, technique="SR"),
        outcome("c2022", "all", 2, 8, technique="mixed"),
    ]
    found = evidence([study("a2020"), study("b2021", year=2021), study("c2022")], rows)

    counts = ask(found, subgroup="technique")

    assert counts.group == ("SR", "SR", "ASP")
    assert counts.study_id == ("a2020", "b2021", "a2020")
    assert counts.total.tolist() == [16, 8, 14]
    assert step_of(counts, "c2022") == {"level"}


def test_a_part_never_stands_in_another_level_than_its_whole():
    rows = [
        outcome("a2020", "sr", 5, 16, technique="SR"),
        outcome("a2020", "rescue", 2, 6, technique="ASP", is_partition_of="sr"),
    ]

    counts = ask(evidence([study("a2020")], rows), subgroup="technique")

    assert counts.group == ("SR",)
    assert counts.total.tolist() == [16]


@pytest.mark.parametrize("name", ["mrs02_selected", "reperfusion_perfusion"])
def test_some_outcomes_are_never_pooled(name):
    with pytest.raises(ValueError, match="never pooled"):
        ask(evidence([], []), outcome_key=name)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"population": "tertiary"}, "no population 'tertiary'.*primary"),
        ({"outcome_key": "mrs2"}, "no outcome 'mrs2'"),
        ({"version": "1999"}, "no evidence version '1999'.*23.0.0"),
        ({"subgroup": "moon"}, "no subgroup 'moon'"),
    ],
)
def test_an_unknown_word_is_an_error_that_names_the_known_ones(choices, words):
    with pytest.raises(ValueError, match=words):
        ask(evidence([], []), **choices)


def test_an_empty_question_gives_empty_counts():
    counts = ask(evidence([], []))

    assert (counts.k, counts.rows(), counts.to_dict()["total"]) == (0, [], 0)
    assert counts.to_text() == "(no rows)"


def test_a_version_is_a_cut_of_the_same_tables():
    studies = [study("a2020"), study("b2024", first_version="26.0.0")]
    found = evidence(studies, [outcome("a2020"), outcome("b2024")])

    then = found.as_of("2023-01")

    assert [item.study_id for item in then.studies] == ["a2020"]
    assert [item.id for item in then.versions] == ["23.0.0"]
    assert pairs(ask(then)) == pairs(ask(found, version="23.0.0"))
    assert then.data_hash != found.data_hash
    assert found.as_of("26.0.0").data_hash == found.data_hash


@pytest.mark.parametrize(
    ("changes", "row", "kind"),
    [
        ({"eligibility": "awaiting"}, None, "study"),
        ({}, None, "not_reported"),
        ({}, {"events": None, "percent_reported": 45}, "percentage"),
        ({}, {"events": None, "events_low": 4, "events_high": 5}, "range"),
        ({}, {"unit": "occlusions"}, "unit"),
        ({"occlusion": "mixed"}, {"occlusion": "mixed"}, "not_split"),
    ],
    ids=["study", "not-reported", "percentage", "range", "unit", "not-split"],
)
def test_what_is_awaited_and_why(changes, row, kind):
    rows = [] if row is None else [outcome("a2020", **row)]
    found = evidence([study("a2020", **changes)], rows)

    assert [item.kind for item in awaited(found, Question("primary", "mrs02"))] == [kind]


@pytest.mark.parametrize(
    "changes",
    [{"eligibility": "exclude"}, {"first_version": "26.0.0"}, {"occlusion": "not_stated"}],
    ids=["excluded", "later", "kind-unknown"],
)
def test_what_is_not_awaited(changes):
    found = evidence([study("a2020", **changes)], [])

    assert awaited(found, Question("primary", "mrs02", "23.0.0")) == ()


OCCLUSIONS = ("primary", "secondary", "mixed", "not_stated")


@st.composite
def synthetic_evidence(draw):
    """Random studies with nested arms, techniques, territories and overlap groups."""
    studies, rows = [], []
    for number in range(draw(st.integers(1, 6))):
        name = f"s{2000 + number}"
        group = draw(st.sampled_from(["", "G", "H"]))
        studies.append(study(name, overlap_group=group, year=2000 + number))
        arms = draw(
            st.lists(
                st.sampled_from(["all", "sr", "asp", "early", "late"]), unique=True, min_size=1
            )
        )
        for place, arm in enumerate(arms):
            total = draw(st.integers(1, 40))
            rows.append(
                outcome(
                    name, arm, draw(st.integers(0, total)), total,
                    occlusion=draw(st.sampled_from(OCCLUSIONS)),
                    technique=draw(st.sampled_from(["SR", "ASP", "combined", "mixed", "control"])),
                    territory=draw(st.sampled_from(["MCA", "ACA", "PCA", "mixed"])),
                    unit=draw(st.sampled_from(["patients", "patients", "occlusions"])),
                    is_partition_of=draw(st.sampled_from(["", *arms[:place]])),
                )
            )  # fmt: skip
    return evidence(studies, rows, groups=[("G", "registry"), ("H", "loose")])


@settings(max_examples=150, deadline=None)
@given(
    found=synthetic_evidence(),
    population=st.sampled_from(["primary", "secondary", "any"]),
    subgroup=st.sampled_from([None, "technique", "territory"]),
    units=st.sampled_from(["patients", "all"]),
)
def test_no_patient_stands_twice(found, population, subgroup, units):
    counts = ask(found, population, subgroup=subgroup, units=units)
    used = [key for keys in counts.rows_used for key in keys]
    above = {row.key: row.is_partition_of for row in found.outcomes}

    # No row twice, no row both used and left out, and none forgotten.
    assert len(used) == len(set(used))
    left = [(item.study_id, item.arm_id) for item in counts.left_out]
    assert len(left) == len(set(left))
    assert sorted(left + [key[:2] for key in used]) == sorted(row.key[:2] for row in found.outcomes)
    # No part with any of its wholes.
    for study_id, arm, name in used:
        whole = above[study_id, arm, name]
        while whole:
            assert (study_id, whole, name) not in used
            whole = above[study_id, whole, name]
    # A study once in each level, and never two studies of a group with one or an unnamed territory.
    entries = list(zip(counts.study_id, counts.group or [""] * counts.k, strict=True))
    assert len(entries) == len(set(entries))
    territories = {}
    for study_id, arm, name in used:
        row = next(item for item in found.outcomes if item.key == (study_id, arm, name))
        territories.setdefault(study_id, set()).add(row.territory)
    for group in ("G", "H"):
        members = [name for name in territories if found.study(name).overlap_group == group]
        if len(members) > 1:
            named = [territories[name] for name in members]
            assert all(len(item) == 1 and item != {"mixed"} for item in named)
            assert len({next(iter(item)) for item in named}) == len(named)
    # Sums are those of the rows.
    assert counts.total.sum() == sum(row.total for row in found.outcomes if row.key in set(used))


@settings(max_examples=50, deadline=None)
@given(found=synthetic_evidence(), order=st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(found, order):
    shuffled = list(found.outcomes)
    order.shuffle(shuffled)
    other = evidence(found.studies, shuffled, groups=[("G", "registry"), ("H", "loose")])

    assert pairs(ask(found, "any")) == pairs(ask(other, "any"))
    assert found.data_hash == other.data_hash
