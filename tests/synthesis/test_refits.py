"""Series of refits, residuals and influence with moderators, against metafor 3.8-1 under R 4.2.2.

Values: `leave1out`, `cumul` in order of size, `rstandard`, `influence`, `blup`, `baujat` of ``rma`` with the
DerSimonian-Laird estimator.
"""

from __future__ import annotations

import numpy as np
import pytest

from analysis.synthesis import influence as inf
from analysis.synthesis.inverse_variance import fit_iv, fit_iv_many
from analysis.synthesis.scales import effects

TOTAL = np.array([20, 22, 25, 21, 14, 60, 31])
STUDY = effects([3, 9, 4, 12, 7, 20, 2], TOTAL)
YEAR = np.array([2015.0, 2016, 2018, 2019, 2020, 2021, 2023]) - 2019
DESIGN = np.column_stack([np.ones(7), YEAR])
FITS = {ci: fit_iv(STUDY.yi, STUDY.vi, tau2_method="dl", ci_method=ci) for ci in ("wald", "knapp-hartung")}
WITH_YEAR = fit_iv(STUDY.yi, STUDY.vi, design=DESIGN, tau2_method="dl", ci_method="knapp-hartung")

#: First and last study of `leave1out`.
LEFT_OUT = {
    "wald": {
        "estimate": (-0.738266311567075, -0.631994005118624),
        "se": (0.353148338411833, 0.296046518618093),
        "statistic": (-2.09052749585962, -2.13477938557998),
        "p_value": (0.0365704411030623, 0.0327790349132786),
        "ci_low": (-1.43042433605443, -1.21223451935855),
        "ci_high": (-0.0461082870797203, -0.0517534908786947),
        "q": (17.5082391500367, 12.7591022403761),
        "q_p": (0.00363026551156076, 0.0257439178018304),
        "tau2": (0.509595851634786, 0.306717544193956),
        "i2": (0.714420167719178, 0.608122898790046),
        "h2": (3.50164783000734, 2.55182044807521),
    },
    "knapp-hartung": {
        "estimate": (-0.738266311567075, -0.631994005118624),
        "se": (0.418403419787752, 0.324169626672527),
        "p_value": (0.137924155663566, 0.108728876217072),
        "ci_low": (-1.81380654244159, -1.46529855910803),
        "ci_high": (0.337273919307435, 0.201310548870779),
    },
}
#: Estimate, se, p and upper limit after one, two, three and all studies of `cumul`.
CUMULATED = {
    "wald": (
        [0, -0.836618378418237, -0.41832169977228, -0.86127987386671],
        [0.534522483824849, 0.866757642628088, 0.585559865851706, 0.334349223350381],
        [1, 0.334430837730475, 0.474982266750397, 0.00999538672960731],
        [1.0476448172236, 0.862195384457654, 0.72935454808917, -0.205967437841024],
    ),
    "knapp-hartung": (
        [0, -0.836618378418237, -0.41832169977228, -0.86127987386671],
        [0.534522483824849, 0.866757642628088, 0.617720748624405, 0.382353888778935],
        [1, 0.511263073642677, 0.568109107657567, 0.0652102424230025],
        [1.0476448172236, 10.1765816854584, 2.2395161655194, 0.0743063879178317],
    ),
}


@pytest.mark.parametrize("ci", LEFT_OUT)
def test_leave_one_out_equals_metafor(ci: str) -> None:
    made = inf.leave_one_out(FITS[ci])

    for name, ends in LEFT_OUT[ci].items():
        assert tuple(getattr(made, name)[[0, -1]]) == pytest.approx(ends, rel=1e-10), name
    assert made.position.tolist() == list(range(7))
    assert (made.k == 6).all()
    assert len(made.rows()) == 7
    assert made.rows()[6]["tau2"] == made.tau2[6]


@pytest.mark.parametrize("ci", CUMULATED)
def test_cumulative_series_equals_metafor(ci: str) -> None:
    made = inf.cumulative(FITS[ci], TOTAL)

    ours = [made.estimate, made.se, made.p_value, made.ci_high]
    for column, theirs in zip(ours, CUMULATED[ci], strict=True):
        assert column[[0, 1, 2, 6]].tolist() == pytest.approx(theirs, rel=1e-9, abs=1e-15)
    assert made.position.tolist() == [4, 0, 3, 1, 2, 6, 5]
    assert made.k.tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_cumulative_series_keeps_the_given_order_and_ties() -> None:
    assert inf.cumulative(FITS["wald"]).position.tolist() == list(range(7))
    assert inf.cumulative(FITS["wald"], [1, 0, 1, 0, 1, 0, 1]).position.tolist() == [1, 3, 5, 0, 2, 4, 6]


def test_standardised_residuals_equal_rstandard() -> None:
    plain = inf.standardised_residuals(FITS["wald"])
    moderated = inf.standardised_residuals(WITH_YEAR)

    assert plain.z.tolist() == pytest.approx(
        [
            -0.973298528425024, 0.63665266009059, -0.94542185038953, 1.47424171691566, 1.03040673180467,
            0.240692518110109, -1.86247813275852,
        ],
        rel=1e-10,
    )  # fmt: skip
    assert moderated.z.tolist() == pytest.approx(
        [
            -1.31852653203623, 0.485816987288049, -0.886997955148211, 1.34511214932736, 1.03380719686939,
            0.404703803371502, -1.87197902272256,
        ],
        rel=1e-10,
    )  # fmt: skip
    row = plain.rows()[2]
    assert row["z"] == pytest.approx(row["residual"] / row["se"])


def test_influence_with_a_moderator_equals_metafor() -> None:
    made = inf.influence(WITH_YEAR)
    theirs = {
        "dffits": [-1.04806355429649, 0.293082801303446, -1.76246267700597],
        "cook_d": [1.00382259228311, 0.107550835030447, 1.91285788204995],
        "cov_ratio": [1.42597174700815, 2.26536722254596, 0.538291622968322],
        "hat": [0.427154028132965, 0.356526904738746, 0.426565618819783],
        "weight": [0.126019325463354, 0.154635225400475, 0.111617312016109],
        "q_deleted": [15.5973798524548, 19.6220873941759, 11.941036147677],
    }
    for name, values in theirs.items():
        assert getattr(made, name)[[0, 1, 6]].tolist() == pytest.approx(values, rel=1e-9), name
    assert made.deleted.z[[0, 1, 6]].tolist() == pytest.approx(
        [-1.22245829023829, 0.391960242340265, -2.13976767235121], rel=1e-9
    )
    assert made.dfbetas[[0, 6]].ravel().tolist() == pytest.approx(
        [-0.52709749108369, 0.873015795002303, -1.07704579230517, -1.54459285622961], rel=1e-9
    )
    row = made.rows()[6]
    assert (row["rstudent"], row["cook_d"]) == (made.deleted.z[6], made.cook_d[6])
    assert row["influential"] is True
    # metafor's rule: the last study's DFBETAS are above one, the second's nowhere near
    assert made.influential[[1, 6]].tolist() == [False, True]


def test_predictions_of_the_studies_equal_blup() -> None:
    made = inf.blups(WITH_YEAR)

    assert made.estimate[[0, 3]].tolist() == pytest.approx([-1.3619764854274, 0.0348821647626505], rel=1e-9)
    assert made.se[[0, 3]].tolist() == pytest.approx([0.573067379285346, 0.401081191172187], rel=1e-9)
    assert made.low[[0, 3]].tolist() == pytest.approx([-2.83509308121402, -0.996129859879949], rel=1e-9)
    assert (made.high - made.estimate).tolist() == pytest.approx((made.estimate - made.low).tolist())
    assert made.rows()[3]["estimate"] == made.estimate[3]


def test_baujat_with_a_moderator_equals_metafor() -> None:
    x, y = inf.baujat(WITH_YEAR)

    assert x[[0, 4]].tolist() == pytest.approx([0.995899719795918, 0.886733672800133], rel=1e-9)
    assert y[[0, 4]].tolist() == pytest.approx([0.636509208919085, 0.157786437173929], rel=1e-9)


def test_a_study_that_alone_carries_a_coefficient_has_no_influence() -> None:
    alone = np.column_stack([np.ones(5), [0.0, 0, 0, 0, 1]])
    fit = fit_iv(STUDY.yi[:5], STUDY.vi[:5], design=alone, tau2_method="dl")
    made = inf.influence(fit)

    assert np.isnan(made.dffits).tolist() == [False, False, False, False, True]
    assert np.isnan(made.dfbetas[4]).all()
    assert made.hat[4] == pytest.approx(1.0)
    assert np.isnan(inf.baujat(fit)[1]).tolist() == [False, False, False, False, True]


def test_two_studies_can_be_left_out_in_turn() -> None:
    fit = fit_iv(STUDY.yi[:2], STUDY.vi[:2], tau2_method="dl", ci_method="knapp-hartung")
    made = inf.leave_one_out(fit)

    # What is left is the other study with its own normal interval.
    assert made.estimate.tolist() == pytest.approx(STUDY.yi[[1, 0]].tolist())
    assert made.se.tolist() == pytest.approx(np.sqrt(STUDY.vi[[1, 0]]).tolist())
    assert (made.ci_high - made.estimate).tolist() == pytest.approx((1.959963984540054 * made.se).tolist())
    assert inf.influence(fit).tau2_deleted.tolist() == [0, 0]


def test_batches_name_the_boundary_and_their_rows() -> None:
    made = fit_iv_many(np.array([[0.1, 0.1, 0.1], [0.0, 2.0, 5.0]]), np.full(3, 0.1), tau2_method="dl")

    assert made.boundary.tolist() == [True, False]
    row = made.rows()[1]
    assert (row["mu"], row["k"], row["tau2"]) == (made.mu[1], 3, made.tau2[1])
    assert made.s2w("wald").tolist() == [1, 1]
    # equal estimates leave no residual: the plain factor is zero, the ad-hoc one one
    assert made.s2w("knapp-hartung")[0] == 0
    assert made.s2w("knapp-hartung-adhoc")[0] == 1


def test_fixed_variances_are_kept() -> None:
    many = fit_iv_many(STUDY.yi, STUDY.vi, weights=1 - np.eye(7), tau2=np.full(7, 0.25))
    one = fit_iv(STUDY.yi[1:], STUDY.vi[1:], tau2=0.25)
    w = 1 / (STUDY.vi[1:] + 0.25)

    assert (many.tau2 == 0.25).all() and many.converged.all()
    assert (one.tau2, one.converged, one.steps) == (0.25, True, 0)
    assert many.mu[0] == pytest.approx(w @ STUDY.yi[1:] / w.sum(), rel=1e-12)
    assert one.beta[0] == pytest.approx(many.mu[0], rel=1e-12)
    assert many.h2[0] == pytest.approx(one.h2, rel=1e-12)
    assert many.i2[0] == pytest.approx(one.i2, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda one: inf.leave_one_out(one), "at least two", id="leave one out of one"),
        pytest.param(lambda one: inf.influence(one), "at least two", id="influence of one"),
        pytest.param(lambda _: inf.leave_one_out(WITH_YEAR), "without moderators", id="moderators"),
        pytest.param(
            lambda _: inf.influence(fit_iv(STUDY.yi, STUDY.vi, weights=np.full(7, 2.0))), "multiplicities",
            id="multiplicities",
        ),
        pytest.param(lambda _: fit_iv([0.1], [0.1], ci_method="x"), "interval method 'x'", id="interval"),
        pytest.param(lambda _: fit_iv([0.1, 1], [0.1, 0]), "row 2: vi is 0.0", id="variance of zero"),
        pytest.param(lambda _: fit_iv([0.1], [np.nan]), "row 1: vi is nan", id="missing variance"),
        pytest.param(
            lambda _: fit_iv(STUDY.yi, STUDY.vi, tau2_method="x"), "unknown tau2 method 'x'", id="estimator"
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_refitted_is_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(fit_iv(STUDY.yi[:1], STUDY.vi[:1]))


@pytest.mark.parametrize("ci", ["wald", "t", "knapp-hartung", "knapp-hartung-adhoc"])
def test_one_study_gives_its_normal_interval(ci: str) -> None:
    fit = fit_iv([0.3], [0.04], ci_method=ci)

    assert (fit.ci_low[0], fit.ci_high[0]) == pytest.approx((0.3 - 0.3919927969, 0.3 + 0.3919927969))
    assert (fit.tau2, fit.q, fit.q_df, fit.i2, fit.h2, fit.typical_variance) == (0, 0, 0, 0, 1, 0)
    assert fit.study_weights.tolist() == [1]


def test_as_many_coefficients_as_studies_leave_no_factor() -> None:
    fit = fit_iv(STUDY.yi[:2], STUDY.vi[:2], design=np.eye(2), tau2_method="ee", ci_method="knapp-hartung")

    assert np.isnan(fit.s2w)
    assert (fit.q, fit.i2, fit.h2) == (0, 0, 1)
