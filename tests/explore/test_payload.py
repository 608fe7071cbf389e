"""The payload holds exactly what the selection rules give, in little room, and safe in a page."""

import json
from html.parser import HTMLParser

import pytest

from analysis.evidence.select import Question, select
from analysis.review.explore import SCRIPTS, ExplorePage, explore_payload
from analysis.review.session import ROOT
from tests.explore.reference import members_of, random_states

SAMPLE = 300
MOST_BYTES = 400_000


class _Form(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.labels, self.selects, self.chosen, self.scripts = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "label":
            self.labels.append(values["for"])
        if tag == "select":
            self.selects.append(values["id"])
        if tag == "option" and "selected" in values:
            self.chosen.append(values["value"])
        if tag == "script" and "src" in values:
            self.scripts.append(values["src"])


@pytest.fixture(scope="module")
def html(payload):
    return ExplorePage(payload)._repr_html_()


def test_every_sampled_question_decodes_to_its_selection(evidence, payload):
    for state in random_states(payload, SAMPLE, 5):
        names = [key for key in payload["order"] if key != "subgroup"]
        split = state["subgroup"] if state["subgroup"] != "none" else None
        counts = select(evidence, Question(subgroup=split, **{key: state[key] for key in names}))
        groups = counts.group or ("",) * counts.k

        assert members_of(payload, state) == [
            f"{study}~{group}" if group else study
            for study, group in zip(counts.study_id, groups, strict=True)
        ]


def test_there_is_an_answer_for_every_combination(payload):
    size = 1
    for control in payload["controls"]:
        if control["key"] in payload["order"]:
            size *= len(control["options"])

    assert len(payload["questions"]) == size
    assert set(payload["questions"]) == set(range(len(payload["lists"])))
    assert len(payload["left_out"]) == len(payload["lists"])


def test_a_study_left_out_has_a_reason_and_no_entry(payload):
    for members, aside in zip(payload["lists"], payload["left_out"], strict=True):
        inside = {payload["entries"][i][0] for i in members}

        assert not inside & {study for study, _ in aside}
        assert all(payload["texts"][text] for _, text in aside)


def test_entries_are_possible_counts_with_a_web_source(payload):
    for study, _, events, total, source, flags in payload["entries"]:
        assert 0 <= events <= total
        assert total >= 1
        assert payload["sources"][source].startswith("http")
        assert payload["studies"][study]["label"]
        assert all(payload["texts"][flag] for flag in flags)


def test_the_same_evidence_gives_the_same_payload(evidence, payload):
    assert json.dumps(explore_payload(evidence)) == json.dumps(payload)


def test_the_payload_is_small(html):
    assert len(html.encode()) < MOST_BYTES


def test_every_choice_has_a_label_and_its_default(payload, html):
    form = _Form(html)
    keys = [control["key"] for control in payload["controls"]]

    assert form.labels == form.selects == [f"explore-{key}" for key in keys]
    assert form.chosen == [payload["defaults"][key] for key in keys]


def test_scripts_stand_where_the_page_looks_for_them(html):
    form = _Form(html)

    assert form.scripts == [f"../_static/explore/{name}.js" for name in SCRIPTS]
    for name in SCRIPTS:
        assert (ROOT / "book" / "_static" / "explore" / f"{name}.js").is_file()


def test_a_hostile_text_cannot_leave_its_script(payload):
    hostile = payload | {"texts": ["</script><script>alert(1)</script>"]}
    text = ExplorePage(hostile)._repr_html_()

    assert "</script><script>alert" not in text
    assert "\\u003c/script>" in text


def test_scripts_never_write_markup():
    for name in SCRIPTS:
        text = (ROOT / "book" / "_static" / "explore" / f"{name}.js").read_text("utf-8")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert word not in text, f"{name}.js uses {word}"
