"""The Explore page: every selection of the evidence as one small payload, and the form around it.

The browser holds an engine of its own and needs only counts. They are selected here, by the same
rules as everywhere, for every combination of the choices that decide which rows are taken. Few of
those combinations differ, so the payload lists each entry once, each list of entries once, and for
each combination the number of its list.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from analysis import __version__
from analysis.evidence.awaited import awaited
from analysis.evidence.select import Question, select
from analysis.report.html import attributes, element, escape, is_web_link, script_json
from analysis.report.words import CI_METHODS, MODELS, TAU2_METHODS
from analysis.review.provenance_words import named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from analysis.evidence.select import Counts
    from analysis.evidence.tables import Evidence

__all__ = ["SCRIPTS", "ExplorePage", "explore", "explore_payload"]

#: Files of the page below ``_static/explore``, in the order in which they need each other.
SCRIPTS = ("stats", "quadrature", "glmm", "iv", "pool", "format", "view", "forest", "app")

#: No subgroup, in the words of the page.
NO_SUBGROUP = "none"

#: Choices that decide which rows are taken, beside those that the protocol names:
#: key, label, options, and whether they stand among the rules for rows.
_RULES: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "scope",
        "Vessel segments",
        (("all", "All, proximal segments mixed in"), ("direct", "Distal segments only")),
    ),
    (
        "units",
        "Counting unit",
        (("patients", "Patients"), ("all", "Patients, occlusions and procedures")),
    ),
    (
        "overlap",
        "Reports that may share patients",
        (("one_per_group", "One of each group"), ("all", "All of them")),
    ),
    ("doubtful", "Doubtful rows", (("keep", "Keep"), ("drop", "Leave out"))),
    (
        "definition",
        "Definition of the outcome",
        (("any", "As each study has it"), ("strict", "Exactly that of the review")),
    ),
)

#: Model choices in the order offered; the script knows which of them go together.
_MODELS = ("glmm", "iv")
_TAU2 = ("ml", "reml", "dl", "pm")
_INTERVALS = ("profile", "knapp-hartung", "wald", "t")


@dataclass(frozen=True, slots=True)
class ExplorePage:
    """The payload with its form; shows itself as HTML in a chapter."""

    payload: dict[str, Any]

    def _repr_html_(self) -> str:
        scripts = "".join(
            element("script", "", {"src": f"../_static/explore/{name}.js", "defer": True}) for name in SCRIPTS
        )
        return (
            '<link rel="stylesheet" href="../_static/explore/explore.css">'
            f"{_NOSCRIPT}{_form(self.payload)}"
            f'<script type="application/json" id="explore-data">{script_json(self.payload)}</script>'
            f"{scripts}"
        )


def explore(evidence: Evidence) -> ExplorePage:
    """Return the Explore page of the evidence."""
    return ExplorePage(explore_payload(evidence))


def explore_payload(evidence: Evidence) -> dict[str, Any]:
    """Return what the browser needs, as plain values.

    ``order`` names the choices in the order of their digits: the number of a combination is read
    like a number whose digits are the places of the options, the last choice changing fastest.
    """
    controls = _controls(evidence)
    order = [control["key"] for control in controls if control["key"] not in _OF_MODEL]
    keys = {control["key"]: [option["key"] for option in control["options"]] for control in controls}
    register = _Register(evidence)
    questions = [
        register.list_of(select(evidence, _question(dict(zip(order, choice, strict=True)))))
        for choice in product(*(keys[key] for key in order))
    ]
    primary = evidence.protocol.primary
    defaults = {control["key"]: control["options"][0]["key"] for control in controls}
    defaults |= {
        "version": evidence.versions[-1].id,
        "model": primary.model,
        "tau2_method": primary.tau2_method,
        "ci_method": primary.ci_method,
    }
    waiting = {
        f"{outcome}/{population}/{version}": [
            register.study(item.study_id)
            for item in awaited(evidence, Question(population, outcome, version=version))
        ]
        for outcome, population, version in product(keys["outcome"], keys["population"], keys["version"])
    }
    return {
        "data_hash": evidence.data_hash,
        "software": __version__,
        "model": {"level": primary.level, "prediction_method": primary.prediction_method},
        "controls": controls,
        "order": order,
        "defaults": defaults,
        "happened": {item.key: item.happened for item in evidence.protocol.outcomes if item.happened},
        "awaited": waiting,
        "studies": register.studies,
        "sources": register.sources,
        "texts": [named(evidence, text) for text in register.texts],
        "entries": register.entries,
        "lists": register.lists,
        "left_out": register.left_out,
        "questions": questions,
    }


_OF_MODEL = ("model", "tau2_method", "ci_method")


def _controls(evidence: Evidence) -> list[dict[str, Any]]:
    protocol = evidence.protocol
    named: list[tuple[str, str, Sequence[tuple[str, str]]]] = [
        (
            "outcome",
            "Outcome",
            [(item.key, item.label) for item in protocol.outcomes if item.role != "not_pooled"],
        ),
        ("population", "Occlusion", [(item.key, item.label) for item in protocol.populations]),
        ("version", "Evidence", [(item.id, item.label) for item in evidence.versions]),
        (
            "subgroup",
            "Split by",
            [(NO_SUBGROUP, "Not split"), *((item.key, item.label) for item in protocol.subgroups)],
        ),
        *_RULES,
        ("model", "Model", _options(MODELS, _MODELS)),
        ("tau2_method", "Between-study variance τ²", _options(TAU2_METHODS, _TAU2)),
        ("ci_method", "Interval", _options(CI_METHODS, _INTERVALS)),
    ]
    levels = {level.key: level.label for variable in protocol.subgroups for level in variable.levels}
    controls: list[dict[str, Any]] = [
        {
            "key": key,
            "label": label,
            "options": [{"key": value, "label": text} for value, text in options],
        }
        for key, label, options in named
    ]
    next(item for item in controls if item["key"] == "subgroup")["levels"] = levels
    return controls


def _options(words: Mapping[str, str], keys: Sequence[str]) -> list[tuple[str, str]]:
    return [(key, words[key]) for key in keys]


def _question(choice: dict[str, str]) -> Question:
    subgroup = choice.pop("subgroup")
    return Question(subgroup=None if subgroup == NO_SUBGROUP else subgroup, **choice)  # type: ignore[arg-type]


class _Register:
    """Numbers for everything that recurs."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.rows = {row.key: row for row in evidence.outcomes}
        self.studies: list[dict[str, Any]] = []
        self.sources: list[str] = []
        self.texts: list[str] = []
        self.entries: list[list[Any]] = []
        self.lists: list[list[int]] = []
        self.left_out: list[list[list[int]]] = []
        self._places: dict[tuple[str, Any], int] = {}

    def list_of(self, counts: Counts) -> int:
        """Return the number of a list of entries together with what was left out of it."""
        members = [self._entry(counts, index) for index in range(counts.k)]
        kept = set(counts.study_id)
        reasons = {
            item.study_id: item.reason for item in reversed(counts.left_out) if item.study_id not in kept
        }
        aside = [
            [self.study(study_id), self._place("text", reason, self.texts, reason)]
            for study_id, reason in sorted(reasons.items())
        ]
        key = (tuple(members), tuple(map(tuple, aside)))
        before = len(self.lists)
        place = self._place("list", key, self.lists, members)
        if place == before:
            self.left_out.append(aside)
        return place

    def _entry(self, counts: Counts, index: int) -> int:
        study_id = counts.study_id[index]
        url = self.rows[counts.rows_used[index][0]].source_url
        url = url or self.evidence.study(study_id).source_url
        url = url if is_web_link(url) else ""
        entry = [
            self.study(study_id),
            counts.group[index] if counts.group else "",
            int(counts.events[index]),
            int(counts.total[index]),
            self._place("source", url, self.sources, url),
            [self._place("text", flag, self.texts, flag) for flag in counts.flags[index]],
        ]
        return self._place("entry", json.dumps(entry), self.entries, entry)

    def study(self, study_id: str) -> int:
        """Return the number of a study."""
        record = {"id": study_id, "label": self.evidence.study(study_id).label}
        return self._place("study", study_id, self.studies, record)

    def _place(self, kind: str, key: object, table: list[Any], value: object) -> int:
        place = self._places.setdefault((kind, key), len(table))
        if place == len(table):
            table.append(value)
        return place


_NOSCRIPT = (
    '<noscript><div class="admonition note"><p class="admonition-title">This page computes in your '
    "browser</p><p>It needs JavaScript, which is switched off here. Without it, the same evidence is "
    'pooled on the pages for <a href="pooling_primary.html">primary</a>, '
    '<a href="pooling_secondary.html">secondary</a> and <a href="pooling_any.html">any</a> occlusions '
    'and in the <a href="subgroups.html">subgroups</a>; every estimate is in '
    '<a href="../results.json">results.json</a>, and <code>python -m analysis pool</code> answers any '
    "other question.</p></div></noscript>"
)

#: Groups of choices: legend, keys, and whether the group can be folded away.
_GROUPS: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("Question", ("outcome", "population", "version", "subgroup"), False),
    ("Which rows count", tuple(rule[0] for rule in _RULES), True),
    ("Model", _OF_MODEL, True),
)


def _form(payload: dict[str, Any]) -> str:
    controls = {control["key"]: control for control in payload["controls"]}
    groups = []
    for legend, keys, folds in _GROUPS:
        fields = "".join(_field(controls[key], payload["defaults"][key]) for key in keys)
        body = element("div", fields, {"class": "explore-fields"})
        if folds:
            summary = f"<summary>{escape(legend)} <span></span></summary>"
            groups.append(element("details", summary + body))
        else:
            groups.append(element("fieldset", f"<legend>{escape(legend)}</legend>{body}"))
    buttons = "".join(
        element("button", escape(text), {"type": "button", "id": f"explore-{name}"})
        for name, text in (
            ("reset", "Start again"),
            ("csv", "Download CSV"),
            ("svg", "Download SVG"),
            ("link", "Copy link to this view"),
        )
    )
    return (
        # Seen from the first moment where scripts run, so that nothing below it jumps.
        '<div id="explore" class="explore" hidden>'
        "<script>document.currentScript.parentNode.hidden = false;</script>"
        f'<form id="explore-form" autocomplete="off">{"".join(groups)}</form>'
        '<p id="explore-rate" class="explore-rate"></p>'
        '<p id="explore-status" role="status" aria-live="polite" aria-atomic="true"></p>'
        '<figure class="review-figure explore-forest"><div id="explore-plot"></div>'
        '<figcaption id="explore-caption"></figcaption></figure>'
        f'<div class="explore-buttons">{buttons}<span id="explore-done" role="status"></span></div>'
        '<section aria-labelledby="explore-numbers-title">'
        '<h2 id="explore-numbers-title">The result in numbers</h2>'
        '<div id="explore-numbers"></div></section>'
        '<section aria-labelledby="explore-studies-title">'
        '<h2 id="explore-studies-title">Studies in this view</h2>'
        '<div class="explore-buttons"><button type="button" id="explore-all">Tick all</button>'
        '<button type="button" id="explore-none">Untick all</button></div>'
        '<div id="explore-studies"></div></section>'
        '<details id="explore-aside"><summary>Studies with rows on this outcome that are not in this '
        'view, and why</summary><ul id="explore-left-out"></ul></details>'
        "</div>"
    )


def _field(control: dict[str, Any], chosen: str) -> str:
    name = f"explore-{control['key']}"
    options = "".join(
        element(
            "option",
            escape(item["label"][:1].upper() + item["label"][1:]),
            {"value": item["key"], "selected": item["key"] == chosen},
        )
        for item in control["options"]
    )
    return (
        f"<div><label{attributes({'for': name})}>{escape(control['label'])}</label>"
        f"<select{attributes({'id': name, 'name': control['key']})}>{options}</select></div>"
    )
