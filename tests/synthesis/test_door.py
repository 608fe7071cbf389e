"""What every public function of the engine is given is checked: no nan, no error of the insides.

The registry below holds a call that works for each public function. Each argument is then replaced by
what people really pass: a level of 95, a missing value, a list too short, an option of another program.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis.synthesis as package
from analysis.synthesis import checks
from analysis.synthesis.counts import CountsError, check_counts
from analysis.synthesis.glmm import fit_glmm
from analysis.synthesis.interval_censored import fit_interval_censored
from analysis.synthesis.inverse_variance import fit_iv
from analysis.synthesis.pooled import pool
from analysis.synthesis.regression import regress
from analysis.synthesis.subgroups import compare_subgroups
from analysis.synthesis.types import Interval

X, N = [3, 9, 4, 12, 7], [20, 22, 25, 21, 14]
X2, N2 = [5, 8, 6, 10, 3], [19, 24, 23, 20, 15]
Y, V = [0.1, 0.5, 0.3, 0.9, 0.2], [0.1, 0.2, 0.1, 0.3, 0.05]
YEAR = [2001.0, 2003.0, 2004.0, 2010.0, 2012.0]
RATES = {"events": X, "total": N}
ARMS = {"events1": X, "total1": N, "events2": X2, "total2": N2}
EFFECTS = {"yi": Y, "vi": V}
IV = fit_iv(Y, V, ci_method="knapp-hartung")
WITH_YEAR = fit_iv(Y, V, design=np.column_stack([np.ones(5), YEAR]), tau2_method="ml")
GLMM = fit_glmm(X, N)
CENSORED = fit_interval_censored(X, [x + 1 for x in X], N)
BOUNDS = {"events_low": X, "events_high": [x + 1 for x in X], "total": N}

#: Public function -> a call that works, with every argument that is to be tried named.
CALLS: dict[str, dict[str, Any]] = {
    "absolute.absolute_effect": {"estimate": 0.8, "low": 0.7, "high": 0.9, "baseline": 0.2, "measure": "RR"},
    "beta_binomial.fit_beta_binomial": RATES | {"level": 0.95},
    "bias.harbord_test": ARMS,
    "bias.peters_test": ARMS,
    "bias.rank_test": EFFECTS,
    "bias.regression_test": EFFECTS
    | {"predictor": "ninv", "model": "rma", "ni": N, "tau2_method": "ml", "ci_method": "t", "level": 0.9},
    "bias.size_test": RATES | {"weights": "size"},
    "bootstrap.bootstrap": RATES | {"draws": 5, "seed": 1, "level": 0.9},
    "confidence_prediction.confidence_prediction": EFFECTS | {"draws": 200, "seed": 1, "level": 0.9},
    "confidence_prediction.tau2_confidence_distribution": EFFECTS,
    "deviance.common_rate": RATES,
    "doi.doi": EFFECTS,
    "fail_safe.fail_safe_n": EFFECTS | {"method": "orwin", "alpha": 0.05, "target": 0.1},
    "generalised_q.jackson_interval": {"fit": IV, "level": 0.9, "weights": "variance"},
    "glmm.fit_equal_effects": RATES | {"design": YEAR, "weights": [1, 1, 2, 1, 0]},
    "glmm.fit_glmm": RATES | {"design": YEAR, "weights": [1, 1, 2, 1, 0], "nodes": 5},
    "glmm.heterogeneity_tests": {"fit": GLMM},
    "glmm_influence.glmm_cumulative": RATES | {"labels": list("abcde")},
    "glmm_influence.glmm_influence": RATES | {"labels": list("abcde")},
    "glmm_influence.glmm_leave_one_out": RATES,
    "glmm_many.fit_glmm_many": RATES | {"weights": [[1, 1, 2, 1, 0]]},
    "glmm_profile.profile_interval_mu": {"fit": GLMM, "level": 0.9, "coefficient": 0},
    "glmm_profile.profile_interval_tau2": {"fit": GLMM, "level": 0.9},
    "glmm_random_studies.fit_random_studies_glmm": ARMS
    | {"level": 0.9, "ci_method": "t", "integration": "laplace", "equal_effects": True},
    "glmm_two_by_two.fit_two_arm_glmm": ARMS
    | {"level": 0.9, "ci_method": "t", "model": "UM.FS", "equal_effects": True},
    "gosh.gosh": RATES | {"smallest": 2, "subsets": 9, "seed": 1},
    "henmi_copas.henmi_copas": EFFECTS | {"level": 0.9},
    "heterogeneity.heterogeneity_intervals": {"interval": Interval(0.1, 0.3, 0.95, "x"), "typical": 0.2},
    "heterogeneity.heterogeneity_of_fit": {"fit": IV},
    "heterogeneity.test_based_intervals": {"q": 9.0, "df": 4, "level": 0.9},
    "heterogeneity.typical_variance": {"vi": V},
    "influence.baujat": {"fit": IV},
    "influence.blups": {"fit": IV},
    "influence.cumulative": {"fit": IV, "order": YEAR},
    "influence.influence": {"fit": IV},
    "influence.leave_one_out": {"fit": IV},
    "influence.standardised_residuals": {"fit": IV},
    "interval_censored.fit_interval_censored": BOUNDS,
    "interval_censored_profile.interval_censored_log_likelihood": BOUNDS | {"mu": 0.1, "tau": 0.5},
    "interval_censored_profile.profile_interval_censored_mu": {"fit": CENSORED, "level": 0.9},
    "interval_censored_profile.profile_log_likelihood": {"fit": CENSORED, "mu": -0.5},
    "intervals.profile_interval_mu": {"fit": IV, "level": 0.9},
    "intervals.profile_interval_tau2": {"fit": IV, "level": 0.9},
    "intervals.q_profile_interval": {"fit": IV, "level": 0.9},
    "intervals.tau2_interval": {"fit": IV, "level": 0.9, "method": "jackson"},
    "inverse_variance.fit_iv": EFFECTS
    | {"design": YEAR, "weights": [1, 1, 2, 1, 1], "ci_method": "t", "level": 0.9, "names": ["year"]}
    | {"tau2": 0.1},
    "inverse_variance.fit_iv_many": EFFECTS
    | {"design": YEAR, "weights": [[1, 1, 2, 1, 1]], "tau2_method": "dl"},
    "inverse_variance.safeguarded": {"fit": IV},
    "kenward_roger.kenward_roger": {"fit": IV},
    "mantel_haenszel.mantel_haenszel": ARMS
    | {"measure": "RD", "amount": 0.5, "variance": "greenland-robins", "level": 0.9},
    "moderator.moderator": RATES | {"values": YEAR, "level": 0.9},
    "multiverse.fit_multiverse": RATES | {"level": 0.9},
    "ordinal.proportional_odds": {"first": [3, 5, 9], "second": [4, 4, 6], "level": 0.9},
    "penalised_logistic.penalised_odds_ratio": ARMS | {"level": 0.9},
    "permutation.permutation_test": {"fit": WITH_YEAR, "count": 20, "seed": 1},
    "peto.peto_odds_ratio": ARMS | {"level": 0.9},
    "pooled.pool": RATES
    | {"labels": list("abcde"), "model": "iv", "scale": "raw", "tau2_method": "dl", "ci_method": "t"}
    | {"prediction_method": "normal", "level": 0.9, "correction": "all", "amount": 0.1}
    | {"exclude": [False, False, False, False, True]},
    "pooled.settings_for": {"model": "iv", "scale": "raw", "tau2_method": "dl", "ci_method": "t"}
    | {"prediction_method": "normal", "level": 0.9},
    "prediction.prediction_interval": {"mu": 0.1, "se": 0.2, "tau2": 0.1, "k": 5, "method": "normal"}
    | {"level": 0.9},
    "prediction.share_beyond": {"threshold": 0.1, "mu": 0.2, "tau2": 0.1, "se": 0.2},
    "reconstruct.effect_from_report": {"estimate": 0.7, "low": 0.5, "high": 0.9, "level": 0.9},
    "reconstruct.table_from_margins": {"total1": 43, "total2": 47, "events": 33, "odds_ratio": 0.7},
    "regression.r_squared": {"fit": WITH_YEAR},
    "regression.regress": RATES
    | {"moderators": YEAR, "names": ["year"], "model": "iv", "scale": "raw", "tau2_method": "dl"}
    | {"ci_method": "t", "labels": list("abcde"), "level": 0.9},
    "sample_size.pool_by_sample_size": ARMS | {"measure": "RR", "tau2_method": "dl", "level": 0.9},
    "scales.back_transform": {"values": [0.1], "scale": "freeman-tukey", "total": N},
    "scales.effects": RATES | {"scale": "raw", "correction": "all", "amount": 0.1},
    "studies.study_intervals": RATES | {"method": "wilson", "level": 0.9},
    "subgroups.compare_subgroups": RATES
    | {"group": list("aabbb"), "labels": list("abcde"), "tau2": "separate", "model": "iv", "scale": "raw"}
    | {"tau2_method": "dl", "ci_method": "t", "prediction_method": "normal", "level": 0.9},
    "tau2.tau2_many": EFFECTS | {"method": "dl", "weights": [[1, 1, 2, 1, 1]], "design": YEAR},
    "three_level.fit_three_level": RATES
    | {"study": list("aabbc"), "method": "ml", "test": "t", "level": 0.9},
    "three_level.fit_three_level_effects": {"effects": Y, "variances": V, "study": list("aabbc")}
    | {"method": "ml", "test": "t", "level": 0.9},
    "trimfill.trim_and_fill": EFFECTS
    | {"estimator": "R0", "side": "left", "tau2_method": "dl", "trim_method": "dl", "ci_method": "t"}
    | {"level": 0.9},
    "two_arm.pool_effects": EFFECTS | {"measure": "RR", "labels": list("abcde"), "level": 0.9},
    "two_arm.pool_two_arm": ARMS | {"measure": "RR", "labels": list("abcde"), "level": 0.9},
    "two_by_two.two_arm_effects": ARMS | {"measure": "RR", "correction": "all", "amount": 0.1},
}
#: Modules whose functions are given what others have checked, and the checks themselves.
INNER = {"checks", "counts", "quadrature", "roots", "special", "tau2_single", "glmm_fixed_nodes"}
#: Functions that are given sums or parts of a fit, or are tried with the function that calls them.
INNER_FUNCTIONS = {
    "generalised_q.weighted_chi2_tail",
    "gosh.subset_masks",
    "heterogeneity.i2_from_q",
    "regression.predict_mean",
    "regression.wald_test",
    "tau2.estimate_tau2",
    "tau2.solve_q",
    "tau2.tau2_one",
    "tau2.tau2_standard_error",
    "two_by_two.check_tables",
}
_SHORT, _GAP = [1, 2, 1], [1, 2, np.nan, 1, 2]
_LEVELS = [95, 0, 1, -0.5, float("nan"), "high"]
_NUMBER = [float("nan"), float("inf"), "much"]
_OPTION = ["nonsense", 3, ""]
_WHOLE = [-1, 1.5, float("nan"), "many"]


def _each(names: list[str], values: list[Any]) -> dict[str, list[Any]]:
    return {name: values for name in names}


#: What is tried, by the name of the argument.
BAD: dict[str, list[Any]] = {
    **_each(["level", "alpha"], _LEVELS),
    **_each(["yi", "vi", "effects", "variances"], [_SHORT, _GAP, [1, 2, np.inf, 1, 2], list("abcde")]),
    **_each(["events", "total", "events1", "total1", "events2", "total2"], [_SHORT, _GAP, list("abcde")]),
    **_each(["events_low", "events_high"], [_SHORT, _GAP, list("abcde")]),
    **_each(["first", "second"], [[1, np.nan, 2], [1, 2], [1, -1, 3], list("abc")]),
    **_each(["ni", "weights", "design", "moderators", "values"], [_SHORT, _GAP, list("abcde")]),
    **_each(["labels", "study", "group"], [["a"], "abcde"]),
    "names": [["a", "b", "c"], "year"],
    "exclude": [[True], [2, 3, 4, 5, 6], list("abcde")],
    **_each(["mu", "threshold", "target", "estimate"], _NUMBER),
    **_each(["tau2", "se", "amount", "tau"], [-1, *_NUMBER]),
    **_each(["draws", "count", "k", "nodes", "smallest", "subsets", "seed"], _WHOLE),
    **_each(["fit"], [None, 3.0, pool(X, N)]),
    **_each(["model", "scale", "method", "test", "measure", "variance", "integration"], _OPTION),
    **_each(["estimator", "side", "trim_method", "predictor", "correction"], _OPTION[:2]),
    **_each(["tau2_method", "ci_method", "prediction_method"], _OPTION[:2]),
    "baseline": [-0.1, 1.5, float("nan")],
    "q": _NUMBER,
}
#: Arguments of the same name that mean something else.
BAD_HERE: dict[tuple[str, str], list[Any]] = {
    ("subgroups.compare_subgroups", "tau2"): _OPTION,
    ("generalised_q.jackson_interval", "weights"): _OPTION,
    ("bias.size_test", "weights"): _OPTION,
    # Any name of a ratio is taken: hazard ratios and common odds ratios are pooled alike.
    ("two_arm.pool_effects", "measure"): ["", " ", None, 3],
    ("reconstruct.table_from_margins", "events"): _WHOLE,
    ("reconstruct.table_from_margins", "total1"): _WHOLE,
    ("reconstruct.table_from_margins", "total2"): _WHOLE,
    ("absolute.absolute_effect", "estimate"): [float("nan")],
    # A limit that could not be computed stays missing on the way back.
    ("scales.back_transform", "values"): [],
    ("scales.back_transform", "total"): [_GAP, [5, 0], list("abcde")],
    ("heterogeneity.typical_variance", "vi"): [_GAP, [1.0, 0.0]],
}
#: Not tried: what has no wrong value, or is tried with another argument.
_FREE = {"equal_effects", "coefficient", "interval", "typical", "order", "low", "high"} | {
    *("odds_ratio", "values", "df"),
}


def public() -> dict[str, Any]:
    """Return every function that a module of the engine offers, where it is defined."""
    found = {}
    for item in pkgutil.iter_modules(package.__path__):
        if item.name.startswith("_") or item.name in INNER:
            continue
        module = importlib.import_module(f"analysis.synthesis.{item.name}")
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value) and value.__module__ == module.__name__:
                found[f"{item.name}.{name}"] = value
    return found


PUBLIC = public()


def _trials() -> list[Any]:
    trials = []
    for function, call in CALLS.items():
        for argument in call:
            for place, bad in enumerate(BAD_HERE.get((function, argument), BAD.get(argument, []))):
                trials.append(pytest.param(function, argument, bad, id=f"{function}-{argument}-{place}"))
    return trials


def test_every_public_function_is_in_the_registry() -> None:
    assert set(PUBLIC) - INNER_FUNCTIONS == set(CALLS)
    assert set(PUBLIC) >= INNER_FUNCTIONS
    unknown = {argument for call in CALLS.values() for argument in call} - set(BAD) - _FREE
    assert not unknown, "say in BAD what is wrong for these arguments"


def test_every_function_that_takes_a_level_is_tried_with_a_wrong_one() -> None:
    for name, function in PUBLIC.items():
        if "level" in inspect.signature(function).parameters and name not in INNER_FUNCTIONS:
            assert "level" in CALLS[name], name


@pytest.mark.parametrize("function", CALLS)
def test_the_calls_of_the_registry_work(function: str) -> None:
    assert PUBLIC[function](**CALLS[function]) is not None


@pytest.mark.parametrize(("function", "argument", "bad"), _trials())
def test_what_cannot_be_right_is_refused_by_the_name_of_the_argument(function, argument, bad) -> None:
    with pytest.raises((ValueError, TypeError)) as refused:
        PUBLIC[function](**{**CALLS[function], argument: bad})

    said = str(refused.value)
    stem = argument.removesuffix("s").removesuffix("1").removesuffix("2").removesuffix("_method")
    assert stem.split("_")[0].casefold() in said.casefold() or "arm" in said, said
    for inside in ("matmul", "broadcast", "operand", "gufunc", "axis", "could not convert", "NoneType"):
        assert inside not in said


def test_a_level_of_95_is_answered_with_what_is_meant() -> None:
    with pytest.raises(ValueError, match=r"level is 95, not between 0 and 1; did you mean 0\.95\?"):
        fit_iv(Y, V, level=95)


@pytest.mark.parametrize(
    ("value", "choices", "meant"),
    [
        ("REML", ("ml", "reml", "dl"), "reml"),
        ("knha", ("wald", "t", "knapp-hartung"), "knapp-hartung"),
        ("PFT", ("logit", "freeman-tukey"), "freeman-tukey"),
        ("or", ("OR", "RR", "RD"), "OR"),
        ("freeman tukey", ("logit", "freeman-tukey"), "freeman-tukey"),
    ],
)
def test_an_option_of_another_program_is_answered_with_ours(value: str, choices: tuple, meant: str) -> None:
    with pytest.raises(ValueError, match=f"known: {', '.join(choices)}; did you mean '{meant}'"):
        checks.check_choice(value, choices, "option")


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: pool(X, N, correction="all"), id="correction under the glmm"),
        pytest.param(lambda: pool(X, N, amount=0.1), id="amount under the glmm"),
        pytest.param(lambda: fit_iv(Y, V, tau2=0.1, tau2_method="dl"), id="estimator beside a fixed tau2"),
        pytest.param(
            lambda: PUBLIC["bias.regression_test"](Y, V, tau2_method="dl"), id="estimator of least squares"
        ),
        pytest.param(
            lambda: PUBLIC["bias.regression_test"](Y, V, ci_method="t"), id="interval of least squares"
        ),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(call) -> None:
    with pytest.raises(ValueError, match="leave it out"):
        call()


def test_columns_and_tables_of_pandas_are_taken() -> None:
    table = pd.DataFrame({"x": X, "n": N, "y": Y, "v": V, "year": YEAR}, index=list("vwxyz"))
    design = pd.DataFrame({"one": 1.0, "year": YEAR}, index=list("vwxyz"))
    array = design.to_numpy()

    assert fit_iv(table.y, table.v, design=design).tau2 == fit_iv(Y, V, design=array).tau2
    assert fit_glmm(table.x, table.n, design=design).tau2 == fit_glmm(X, N, design=array).tau2
    assert regress(table.x, table.n, table[["year"]]).tau2 == regress(table.x, table.n, YEAR).tau2
    assert pool(table.x, table.n).mu == pool(X, N).mu
    assert fit_iv(Y, V, design=[1.0] * 5).beta[0] == pytest.approx(fit_iv(Y, V).beta[0], rel=1e-12)


def test_a_text_moderator_is_answered_with_what_to_do() -> None:
    with pytest.raises(TypeError, match="compare_subgroups"):
        regress(X, N, ["old", "old", "new", "new", "new"])


@pytest.mark.parametrize("total", [2.0**53, 1e18, 10**400])
def test_totals_that_cannot_be_told_apart_are_refused(total: float) -> None:
    with pytest.raises(CountsError, match="row 2: total") as refused:
        check_counts([1, 1], [3, total])

    assert (refused.value.row, refused.value.column) == (1, "total")
    with pytest.raises(ValueError, match="total"):
        fit_glmm([1, 1], [3, min(total, 1e18)])


def test_a_masked_count_is_missing() -> None:
    with pytest.raises(CountsError, match="row 2: events is nan"):
        check_counts(np.ma.masked_array([1, 2], [False, True]), [5, 5])


@pytest.mark.parametrize("missing", [None, float("nan"), "", " ", "NA", "N.A.", "n/a", "nan", "-", "#N/A"])
@pytest.mark.parametrize("tau2", ["common", "separate"])
def test_a_missing_group_is_no_level(missing: object, tau2: str) -> None:
    made = compare_subgroups(X, N, ["a", "a", missing, "b", "b"], labels=list("vwxyz"), tau2=tau2, model="iv")
    rest = compare_subgroups([3, 9, 12, 7], [20, 22, 21, 14], ["a", "a", "b", "b"], tau2=tau2, model="iv")

    assert made.levels == ("a", "b")
    assert [part.k for part in made.pooled] == [2, 2]
    assert made.overall.k == 5
    assert made.statistic == rest.statistic
    assert "group missing, left out of the groups and of the test: x" in made.notes


@pytest.mark.parametrize(("one", "other"), [("Stent", "stent"), ("A  b", "A b"), ("m-TICI", "m TICI")])
def test_groups_that_differ_by_how_they_are_written_are_asked_about(one: str, other: str) -> None:
    with pytest.raises(CountsError, match="are they one group") as refused:
        compare_subgroups(X, N, [one, one, other, "c", "c"])

    assert (refused.value.row, refused.value.column) == (2, "group")


def test_a_blank_behind_a_group_makes_no_other() -> None:
    assert compare_subgroups(X, N, ["a", "a ", "b", "b", "b"], model="iv").levels == ("a", "b")


@pytest.mark.parametrize(
    ("events", "total"),
    [([5, 5, 5], [50, 50, 50]), ([5, 10, 20], [50, 100, 200]), ([9, 9], [33, 33]), ([0, 0, 0], [24, 24, 24])],
)
@pytest.mark.parametrize("scale", ["logit", "log", "arcsine", "freeman-tukey", "raw"])
def test_equal_rates_have_an_interval_with_a_width(events, total, scale: str) -> None:
    made = pool(events, total, model="iv", scale=scale)
    common = pool(events, total, model="iv", scale=scale, tau2_method="ee", ci_method="wald")

    assert made.ci_mu.low <= common.ci_mu.low < common.ci_mu.high <= made.ci_mu.high
    assert made.ci.low < made.ci.high
    assert any("safeguarded form" in note for note in made.notes)


def test_equal_rates_have_a_width_in_groups_regressions_and_trials() -> None:
    grouped = compare_subgroups([5, 5, 9, 9], [50, 50, 60, 60], list("aabb"), model="iv")
    regression = regress([5, 5, 5, 5], [50, 50, 50, 50], [1, 2, 3, 5], model="iv")
    trials = PUBLIC["two_arm.pool_two_arm"]([4, 4, 4], [40, 40, 40], [8, 8, 8], [40, 40, 40])
    effects = trials.effects

    assert all(part.ci.low < part.ci.high for part in grouped.pooled)
    assert (regression.ci_low < regression.ci_high - 0.01).all()
    assert effects["knapp-hartung"].low < effects["common"].low
    for notes in (grouped.notes, regression.notes, trials.notes):
        assert any("safeguarded form" in note for note in notes)


def test_knapp_hartung_stays_as_defined_where_studies_differ() -> None:
    """A factor below one, of a Q that chance gives, is kept."""
    events, total = [5, 6, 9], [50, 50, 70]
    made = pool(events, total, model="iv")

    assert made.extra["fit"].ci_method == "knapp-hartung"
    assert 0 < made.extra["fit"].s2w < 1
    assert made.ci_mu.method == "knapp-hartung"


@pytest.mark.parametrize(("scale", "noted"), [("raw", True), ("log", True), ("logit", False)])
def test_limits_beyond_0_and_1_are_noted(scale: str, noted: bool) -> None:
    made = pool([1, 0, 3], [4, 3, 4], model="iv", scale=scale)

    assert any("lie outside 0 to 1" in note for note in made.notes) == noted


def test_a_fit_of_a_billion_patients_ends() -> None:
    made = pool([3, 20, 30], [1e9, 40, 50])

    assert made.converged
    assert made.ci.low < made.estimate < made.ci.high
