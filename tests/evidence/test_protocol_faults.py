"""The protocol is checked as a whole: what it accepts, the build can use (all edits are synthetic)."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import get_args

import pytest

import analysis.evidence.protocol as module
from analysis.evidence.contracts import read_schema
from analysis.evidence.load import DATA
from analysis.evidence.protocol import read_protocol
from analysis.evidence.protocol_checks import protocol_faults
from analysis.evidence.shape import KEYWORDS, shape_faults
from analysis.evidence.yaml_text import load_yaml

TEXT = (DATA / "protocol.yml").read_text("utf-8")
SHAPE = json.loads((Path(module.__file__).parent / "protocol.schema.json").read_text("utf-8"))
COLUMNS = {
    name: {item["name"]: item for item in read_schema(DATA / "schemas" / f"{name}.json").fields}
    for name in ("studies", "outcomes", "published")
}


def faults(old: str, new: str):
    assert TEXT.count(old) >= 1
    text = TEXT.replace(old, new, 1)
    line = TEXT[: TEXT.index(old)].count("\n") + 1 + (new.count("\n") if new.startswith("\n") else 0)
    protocol, found = read_protocol(text, columns=COLUMNS)
    assert (protocol is None) == bool(found)
    return line, found


@pytest.mark.parametrize(
    ("old", "new", "path", "hint"),
    [
        ("model: glmm", "model: glm", "analysis.primary.model", "(near: glmm)"),
        ("scale: logit", "scale: logitt", "analysis.primary.scale", "(near: logit)"),
        ("tau2_method: ml", "tau2_method: xx", "analysis.primary.tau2_method", "reml"),
        ("tau2_method: ml", "tau2_method: reml", "analysis.primary.tau2_method", "ml, ee"),
        ("ci_method: profile", "ci_method: prof", "analysis.primary.ci_method", "(near: profile)"),
        ("prediction_method: t-k-2", "prediction_method: xx", "analysis.primary.prediction_method", "t-k-2"),
        ("level: 0.95", "level: 95", "analysis.primary.level", "0.95"),
        ("level: 0.95", "level: 1.5", "analysis.primary.level", "0.95"),
        ("level: 0.95", "level: -1", "analysis.primary.level", "0.95"),
        ("level: 0.95", "level: .nan", "analysis.primary.level", "digits"),
        (
            "analysis: {ci_method: wald}",
            "analysis: {model: []}",
            "analysis.sensitivity[0].analysis.model",
            "text",
        ),
        ("tau2_method: dl", "tau2_method: nonsense", "analysis.sensitivity[3].analysis.tau2_method", "dl"),
        ("alpha: 0.05", "alpha: .inf", "living.sequential.alpha", "digits"),
        ("alpha: 0.05", "alpha: abc", "living.sequential.alpha", "0.05"),
        ("relative_change: 0.25", "relative_change: .nan", "certainty.cuts.relative_change", "digits"),
        ("rate_margin: 0.05", "rate_margin: null", "certainty.cuts.rate_margin", "between 0 and 1"),
        ("stated: Both numbers printed}}", "stated: }}", "multiverse.factors[5].options.stated", "text"),
        ("key: units, label: Unit,", "key: units,", "multiverse.factors[2].label", "text"),
        ("  - key: technique", "  - key: allocation", "subgroups[0].key", "a column that a schema declares"),
        ("{key: SR,", "{key: sr,", "subgroups[0].levels[0].key", "(near: SR)"),
        ("    thresholds:", "    treshold:", "outcomes[0].treshold", "(near: thresholds)"),
        ("timepoint: 90d", "timepoint: 3 months", "outcomes[1].timepoint", "90d"),
        ("unit: patients", "unit: patient", "outcomes[0].unit", "(near: patients)"),
        ("occlusions: [primary]", "occlusions: [primry]", "populations[0].occlusions[0]", "(near: primary)"),
        ("paper_patients_primary", "papr_patients_primary", "populations[0].published_patients", "(near:"),
        ("population: any}", "population: all}", "other_reviews.matches[6].population", "primary"),
        ("level: combined", "level: both", "other_reviews.matches[0].level", "combined"),
        (
            "selection: {scope: direct}",
            "selection: {scop: direct}",
            "analysis.sensitivity[4].selection.scop",
            "scope",
        ),
        ("{all: Any listed segment, direct:", "{direct:", "multiverse.factors[0].options", "all first"),
        (
            "important_per_1000: {mrs01",
            "important_per_1000: {mrs1",
            "certainty.cuts.important_per_1000.mrs1",
            "mrs01",
        ),
        (
            "last_searched: not recorded",
            "last_searched: 2021-02-30",
            "living.sources[0].last_searched",
            "a day",
        ),
        ("question:", "questions:", "questions", "(near: question)"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_is_right(old, new, path, hint):
    line, found = faults(old, new)
    shown = [fault.text() for fault in found if fault.column == path]
    assert len(shown) == 1, [fault.text() for fault in found]
    assert hint in shown[0]
    if "label: Unit" not in old:
        assert shown[0].startswith(f"protocol.yml:{line}:")


@pytest.mark.parametrize("key", ["retirement", "sequential", "triggers", "sources"])
def test_a_missing_part_of_the_living_mode_is_named(key):
    data = load_yaml(TEXT, "p").content
    del data["living"][key]
    _, found = read_protocol(json.dumps(data))
    assert [(fault.column, fault.problem) for fault in found] == [(f"living.{key}", "value is missing")]


def test_all_mistakes_are_named_at_once():
    text = (
        TEXT.replace("model: glmm", "model: glm").replace("alpha: 0.05", "alpha: 5").replace("cuts:", "cut:")
    )
    _, found = read_protocol(text, columns=COLUMNS)
    assert {"analysis.primary.model", "living.sequential.alpha", "certainty.cuts"} <= {
        f.column for f in found
    }


def test_parts_that_not_every_review_has_can_be_left_out():
    data = load_yaml(TEXT, "p").content
    for key in (
        "paper",
        "multiverse",
        "overlap",
        "thresholds_note",
        "constants",
        "subgroups",
        "other_reviews",
    ):
        del data[key]
    for population in data["populations"]:
        population.pop("published_name", None)
        population.pop("published_patients", None)
    protocol, found = read_protocol(json.dumps(data))
    assert not found
    assert protocol.text["paper"] == {}
    assert protocol.widest == "any"


@pytest.mark.parametrize(("widest", "renamed", "right"), [(None, "all", None), ("all", "all", "all")])
def test_the_widest_population_is_named_or_called_any(widest, renamed, right):
    data = load_yaml(TEXT, "p").content
    del data["other_reviews"]
    data["populations"][2]["key"] = renamed
    if widest:
        data["widest"] = widest
    protocol, found = read_protocol(json.dumps(data))
    assert not found
    assert protocol.widest == right


def test_every_analysis_that_is_accepted_is_one_that_the_pool_offers():
    from analysis.synthesis import types
    from analysis.synthesis.pooled import settings_for

    rules = SHAPE["properties"]["analysis"]["properties"]["primary"]["properties"]
    names = ("model", "scale", "tau2_method", "ci_method", "prediction_method")
    literals = (types.Model, types.Scale, types.Tau2Method, types.CiMethod, types.PredictionMethod)
    for name, literal in zip(names, literals, strict=True):
        assert set(rules[name]["enum"]) <= set(get_args(literal))
    accepted = 0
    for values in product(*(rules[name]["enum"] for name in names)):
        primary = dict(zip(names, values, strict=True))
        read = load_yaml(json.dumps({"analysis": {"primary": primary}}), "p")
        try:
            settings_for(*values)
            good = True
        except ValueError:
            good = False
        assert good == (not protocol_faults(read, "p", {})), values
        accepted += good
    assert accepted > 100


def test_the_words_of_every_accepted_analysis_are_known():
    from analysis.report.words import CI_METHODS, MODELS, PREDICTION_METHODS, TAU2_METHODS

    rules = SHAPE["properties"]["analysis"]["properties"]["primary"]["properties"]
    words = {"model": MODELS, "tau2_method": TAU2_METHODS, "ci_method": CI_METHODS}
    for name, known in (words | {"prediction_method": PREDICTION_METHODS}).items():
        assert set(rules[name]["enum"]) <= set(known)


def test_the_shape_uses_only_words_that_are_read_and_agrees_with_the_reference():
    import jsonschema

    def words(rule):
        for key, value in rule.items():
            assert key in KEYWORDS
            if key in ("properties", "$defs"):
                for inner in value.values():
                    words(inner)
            elif isinstance(value, dict):
                words(value)

    words(SHAPE)
    jsonschema.Draft202012Validator.check_schema(SHAPE)
    reference = jsonschema.Draft202012Validator(SHAPE)
    content = load_yaml(TEXT, "p").content
    for path, value in [
        ("title", 3), ("title", ""), ("living", {}), ("populations", []), ("new", 1),
        ("constants", {"a": 1}), ("analysis", {"primary": {"level": 2}}), ("certainty", None),
        ("subgroups", [{"key": "A B"}]), ("title", "x"),
    ]:  # fmt: skip
        changed = {**content, path: value}
        read = load_yaml(json.dumps(changed), "p")
        assert bool(shape_faults(read, "p", SHAPE)) == (not reference.is_valid(changed)), (path, value)
