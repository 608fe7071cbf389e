"""The real selections, against lists written by hand from the rows of `data/outcomes.csv`.

The lists were made by reading the table: rows of included studies in the version, treated arms,
patients as units, exact counts, one report of an overlap group. They are counts of the sources and
no results.
"""

import pytest

from analysis.evidence.awaited import awaited
from analysis.evidence.select import Question, select

BY_HAND = {
    ("primary", "reperfusion", "23.0.0"): {
        "altenbernd2018": (31, 31), "uno2018": (5, 5), "acaseries2021": (3, 3),
        "meyer2021ipcao": (37, 43), "rikhtegar2021": (24, 34), "baig2022": (17, 21),
        "pca2022": (33, 48), "brouwer2023": (13, 20),
    },
    ("primary", "mrs02", "23.0.0"): {
        "altenbernd2018": (30, 31), "uno2018": (0, 5), "memon2020": (9, 15),
        "elhorany2022": (15, 28), "dmvo286-nd": (78, 151),
    },
    ("primary", "mortality90", "23.0.0"): {
        "memon2020": (1, 15), "elhorany2022": (2, 28), "brouwer2023": (7, 20),
    },
    ("primary", "sich", "23.0.0"): {
        "altenbernd2018": (0, 31), "memon2020": (1, 15), "meyer2021ipcao": (3, 43),
        "elhorany2022": (1, 28), "brouwer2023": (0, 20),
    },
    ("secondary", "reperfusion", "23.0.0"): {
        "kurre2013": (5, 6), "uno2018": (4, 4), "acaseries2021": (4, 6), "rikhtegar2021": (52, 71),
    },
    ("secondary", "mrs02", "23.0.0"): {
        "uno2018": (0, 4), "onal2020": (5, 9), "acaseries2021": (0, 6),
    },
    ("secondary", "mortality90", "23.0.0"): {},
    ("secondary", "sich", "23.0.0"): {},
    ("secondary", "mortality90", "26.0.0"): {
        "primaryrescue2025": (18, 83), "tigertriever13-nd": (2, 19),
    },
    ("secondary", "mrs02", "26.0.0"): {
        "uno2018": (0, 4), "onal2020": (5, 9), "acaseries2021": (0, 6), "ahn2024": (16, 24),
        "qcatheter2024": (10, 32),
    },
}  # fmt: skip


@pytest.mark.parametrize("cell", BY_HAND, ids="-".join)
def test_the_cell_holds_the_studies_read_by_hand(real, cell):
    counts = select(real, Question(*cell))
    found = {
        name: (int(events), int(total))
        for name, events, total in zip(counts.study_id, counts.events, counts.total, strict=True)
    }

    assert found == BY_HAND[cell]


def test_totals_win_over_parts_in_any(real):
    counts = select(real, Question("any", "reperfusion"))
    total = dict(zip(counts.study_id, counts.total.tolist(), strict=True))

    assert (total["rikhtegar2021"], total["uno2018"], total["acaseries2021"]) == (115, 9, 9)


def test_one_registry_may_give_two_territories(real):
    today = select(real, Question("primary", "mortality90"))

    assert {"brouwer2023", "vos2024"} <= set(today.study_id)


@pytest.mark.parametrize(
    ("kept", "dropped", "outcome"),
    [
        ("meyer2021ipcao", "miszczuk2021", "reperfusion"),
        ("swisspca2023", "memon2020", "mrs02"),
    ],
)
def test_the_smaller_report_of_a_group_is_left_out(real, kept, dropped, outcome):
    counts = select(real, Question("any", outcome))

    assert kept in counts.study_id
    assert dropped not in counts.study_id
    assert ("overlap", dropped) in {(item.step, item.study_id) for item in counts.left_out}


def test_empty_cells_name_the_studies_awaited(real):
    for outcome in ("mortality90", "sich"):
        names = {item.study_id for item in awaited(real, Question("secondary", outcome, "2023-01"))}

        assert {"meyer2022secondary", "kurre2013", "onal2020", "rikhtegar2021"} <= names


def test_doubtful_counts_leave_when_asked(real):
    kept = select(real, Question("primary", "sich")).study_id
    without = select(real, Question("primary", "sich", doubtful="drop")).study_id

    assert set(kept) - set(without) == {
        "radiology2025", "elhorany2022", "swisspca2023", "distals2026",
    }  # fmt: skip


def test_direct_scope_in_the_first_window(real):
    counts = select(real, Question("any", "reperfusion", "23.0.0", scope="direct"))

    assert set(counts.study_id) == {"distalaca2022", "miszczuk2021"}


@pytest.mark.parametrize("subgroup", ["technique", "territory"])
@pytest.mark.parametrize("population", ["primary", "secondary", "any"])
@pytest.mark.parametrize("outcome", ["reperfusion", "mrs02", "mortality90", "sich"])
def test_every_row_of_the_outcome_is_used_or_left_out(real, population, outcome, subgroup):
    for level in (None, subgroup):
        counts = select(real, Question(population, outcome, subgroup=level))
        used = [key[:2] for keys in counts.rows_used for key in keys]
        left = [(item.study_id, item.arm_id) for item in counts.left_out]
        rows = [row.key[:2] for row in real.outcomes if row.outcome == outcome]

        assert sorted(used + left) == sorted(rows)
