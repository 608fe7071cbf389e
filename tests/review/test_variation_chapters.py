"""Sections on variation, small studies, verification and benchmarks."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from analysis.report.tables import Table
from analysis.review import benchmark, heterogeneity, load, smallstudy, verification
from analysis.review.cells import headline


@pytest.fixture(scope="module")
def evidence() -> Any:
    return load()


def test_leaving_a_study_out_equals_pooling_the_others(evidence: Any) -> None:
    from analysis.synthesis.pooled import pool

    pooled = headline(evidence, "any", "sich", evidence.version(None).id).pooled
    influence = heterogeneity.influence_of(evidence, "sich")

    rest = pool(pooled.events[1:], pooled.total[1:], ci_method="wald")
    assert influence.without.mu[0] == pytest.approx(rest.mu, rel=1e-8)


def test_studies_in_bold_are_named_in_the_sentence(evidence: Any) -> None:
    pooled = headline(evidence, "any", "reperfusion", evidence.version(None).id).pooled
    influence = heterogeneity.influence_of(evidence, "reperfusion")

    sentence = heterogeneity._influence_sentence(influence, pooled)
    panel = heterogeneity._panel(influence, pooled, "reperfusion", "Reperfusion")
    keys = [column.key for column in panel.data_table.columns]
    bold = [row[0].text for row in panel.data_table.cells if row[keys.index("out")].text != "nothing"]

    assert bold
    assert [name for name in bold if name not in sentence] == []
    assert "in bold" in panel.caption


def test_the_interval_of_the_book_is_marked_among_the_prediction_intervals(evidence: Any) -> None:
    table = heterogeneity.prediction_table(evidence, "mortality90")

    marked = [row for row in table.cells if "used in this book" in row[0].text]
    assert len(table.cells) == 5
    assert len(marked) == 1


def test_shares_beyond_thresholds_are_shares(evidence: Any) -> None:
    table = heterogeneity.share_table(evidence)

    assert len(table.cells) == sum(len(item.thresholds) for item in evidence.protocol.main_outcomes)


def test_the_fitted_logit_halves_the_true_rates() -> None:
    from types import SimpleNamespace

    pooled = SimpleNamespace(mu=math.log(0.7 / 0.3), tau2=0.5)

    assert heterogeneity._threshold_share(pooled, 0.7) == pytest.approx(0.5)


def test_few_studies_are_not_tested(evidence: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smallstudy, "FEWEST", 1000)

    section = smallstudy.small_study_section(evidence, "reperfusion")

    assert "none is made" in section._repr_html_()
    assert "Egger" not in section._repr_html_()
    assert "fewer than" in smallstudy.moderator_section(evidence, "reperfusion")._repr_html_()


def test_misleading_tests_say_so(evidence: Any) -> None:
    table = smallstudy.small_study_tests(evidence, "sich")

    assert [row[0].text.split(" ")[0] for row in table.cells] == ["Peters", "Regression", "Egger", "Begg"]
    assert all("misleading" in row[-1].text for row in table.cells[2:])


def test_both_regressions_on_size_are_said_and_their_disagreement(evidence: Any) -> None:
    text = smallstudy.small_study_section(evidence, "reperfusion").parts[0].text

    assert "his weights, over 23 studies" in text
    assert "as weights, over 26 studies" in text
    assert "The two disagree" in text
    assert "A sign is a p below 0.10." in text


def test_regressions_that_agree_say_so(evidence: Any) -> None:
    assert "The two agree." in smallstudy.small_study_section(evidence, "mrs02").parts[0].text


@pytest.mark.parametrize("outcome", ["reperfusion", "mrs02", "mortality90", "sich"])
def test_a_moderator_has_one_p_value_beside_its_odds(evidence: Any, outcome: str) -> None:
    for part in smallstudy.moderator_section(evidence, outcome).parts[::2]:
        before = part.text.split("One study")[0]
        assert len(re.findall(r"p[=<>]", before)) == 1
        assert "likelihood-ratio test" in before


def test_the_study_that_carries_a_moderator_is_named(evidence: Any) -> None:
    """By lme4 the likelihood-ratio p is 0.021, and the ratio without the largest study 1.24."""
    text = smallstudy.moderator_section(evidence, "sich").parts[2].text

    assert "1.50 (1.08 to 1.76) (p=0.02" in text
    assert "without [Radiology] 2025 (61/529) the ratio is 1.24" in text


def test_studies_left_out_keep_the_interval_of_the_headline(evidence: Any) -> None:
    from analysis.synthesis.pooled import pool

    pooled = headline(evidence, "any", "sich", evidence.version(None).id).pooled
    influence = heterogeneity.influence_of(evidence, "sich")
    rest = pool(pooled.events[1:], pooled.total[1:], ci_method=pooled.settings.ci_method)
    row = heterogeneity._ladder(influence, pooled, "sich", "sICH").data_table.cells[0]

    assert [cell.raw for cell in row[-2:]] == pytest.approx([rest.ci.low, rest.ci.high])


def test_the_recommendation_follows_the_file(evidence: Any) -> None:
    scores = verification.interval_scores()
    best = min(scores, key=lambda name: scores[name][:2])

    html = verification.coverage_section(evidence)._repr_html_()

    assert f"is: {verification.INTERVALS[best][0]} " in html
    (summary,) = (part for part in verification.coverage_section(evidence).parts if isinstance(part, Table))
    assert all(row[-1].tone != "missing" for row in summary.cells), "each interval has its shortfall"


def test_an_interval_without_ends_says_so(evidence: Any) -> None:
    html = verification.coverage_section(evidence)._repr_html_()
    every = html[html.index("Coverage in every setting") :]

    assert "not sought" in every
    assert "its ends are not sought" in every
    assert "not available" not in every


def test_per_cent_stands_close_to_its_number() -> None:
    assert not re.search(r"\d %", verification.differences_section()._repr_html_())


def test_absent_files_are_said(monkeypatch: pytest.MonkeyPatch, evidence: Any) -> None:
    monkeypatch.setattr(verification, "_read", lambda name: ())
    monkeypatch.setattr(benchmark, "read_results", lambda: None)

    assert "not been" in verification.agreement_section()._repr_html_()
    assert "not been run" in verification.coverage_section(evidence)._repr_html_()
    assert "not been run" in benchmark.benchmark_section()._repr_html_()
    assert "not been run" in benchmark.growth_section()._repr_html_()


def test_ratio_and_agreement_stand_beside_each_other() -> None:
    synthetic = {
        "date": "2026-01-02", "machine": "synthetic", "versions": "none", "peak_mib": 1.0,
        "ours": {"glmm_29": {"cpu": 0.001, "mu": 1.0, "tau2": 0.5}},
        "peers": [{"key": "glmm_29", "peer": "Peer", "cpu": 0.1, "mu": 1.0, "tau2": 0.50005}],
    }  # fmt: skip

    table = benchmark.benchmark_section(synthetic).parts[1]

    assert [cell.text for cell in table.cells[0]][2:] == ["1 ms", "Peer", "100 ms", "100", "10⁻⁴"]


@pytest.mark.parametrize("outcome", ["reperfusion", "mrs02", "mortality90", "sich"])
def test_statistics_below_zero_have_a_minus_sign(evidence: Any, outcome: str) -> None:
    shown = [cell.text for row in smallstudy.small_study_tests(evidence, outcome).cells for cell in row]

    assert [text for text in shown if re.search(r"(?<![\w.])-\d", text)] == []
