"""Deduplication: each rule and each guard on hand-made pairs. All records are synthetic."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.living.records.dedup import deduplicate
from analysis.living.records.record import Record
from analysis.living.records.ris_writer import to_ris
from analysis.living.records.rules import RULES

BASE = Record(
    source="A",
    file="a.ris",
    position=1,
    title="Thrombectomy of distal vessels in forty synthetic patients",
    authors=("Müller, Jürgen", "Wu, Ching-yi", "Le Blanc, A"),
    year=2020,
    journal="Journal of Synthetic Stroke Research",
    volume="12",
    issue="3",
    pages="101-109",
    doi="10.5555/syn.1",
)
BARE = replace(BASE, doi="")


def _verdict(one, two):
    found = deduplicate([replace(one, position=1), replace(two, file="b.ris", position=2)])
    if found.groups:
        return "duplicate"
    return "check" if found.to_check else "different"


@pytest.mark.parametrize(
    ("one", "change"),
    [
        (BASE, {}),
        (BASE, {"title": BASE.title.upper() + "."}),
        (BASE, {"title": f"[{BASE.title}]. [German]", "doi": ""}),
        (BASE, {"title": "Thrombectomy of distal vesels in forty synthetic patients", "doi": ""}),
        (BASE, {"doi": "", "journal": "J Synth Stroke Res"}),
        (BASE, {"doi": "", "journal": "Journal of synthetic stroke research (Oslo)"}),
        (BASE, {"doi": "", "authors": ("Muller J", "Wu C", "Le Blanc A")}),
        (BASE, {"doi": "", "authors": ("Jürgen Müller", "Ching-yi Wu")}),
        (BASE, {"doi": "", "authors": ("Jürgen, Müller", "Ching-yi, Wu")}),
        (BASE, {"doi": "", "pages": "101-9"}),
        (BASE, {"doi": "", "pages": ""}),
        (BASE, {"doi": "", "year": 2021}),
        (BASE, {"doi": "", "title": BASE.title + ": a two-centre series"}),
        (BASE, {"doi": "", "title": BASE.title + ". [Review] [88 refs]"}),
        (BASE, {"doi": "", "title": BASE.title + ".[Erratum appears in J Syn. 2021;13(1):9]"}),
        (BASE, {"volume": "", "issue": "", "pages": "", "journal": "", "year": None}),
        (BARE, {"title": "Thrombektomie peripherer Gefäße bei vierzig synthetischen Patienten"}),
        (replace(BARE, pmid="7"), {"pmid": "7", "pages": "", "journal": ""}),
    ],
    ids=[
        "same", "capitals", "translated-brackets", "misprint", "abbreviated-journal", "journal-place",
        "initials", "given-name-first", "names-swapped", "short-pages", "no-pages", "year-of-print",
        "subtitle", "notes-of-database", "erratum-note", "doi-and-title-only", "title-in-two-languages",
        "same-pmid",
    ],
)  # fmt: skip
def test_one_paper_written_in_two_ways(one, change):
    assert _verdict(one, replace(one, **change)) == "duplicate"


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Erratum: " + BASE.title, "pages": "300"},
        {"title": BASE.title + " (vol 12, pg 101, 2020)", "pages": "300", "issue": "4"},
        {"title": BASE.title + ": reply", "pages": "110"},
        {"title": BASE.title.replace("forty", "fifty"), "pages": "55-60", "volume": "13"},
        {"title": BASE.title.replace("distal", "proximal"), "pages": "110-119"},
        {"journal": "Meeting of the Synthetic Society", "volume": "3", "issue": "1", "pages": "S12",
         "year": 2018},
        {"volume": "14", "issue": "1", "pages": "1200-1210", "year": 2023},
        {"authors": ("Other, B", "Person, C"), "pages": "501-509", "volume": "9"},
    ],
    ids=[
        "erratum", "correction-of-wos", "reply", "other-number", "other-word", "meeting-abstract",
        "same-title-years-later", "other-authors",
    ],
)  # fmt: skip
def test_two_papers_are_never_merged(change):
    assert _verdict(BARE, replace(BARE, **change)) != "duplicate"


@pytest.mark.parametrize(
    "change",
    [{"title": "A wholly different abstract on carotid stenting in rabbits", "pages": "S13"},
     {"title": BASE.title.replace("forty", "ten"), "pages": "S14"}],
    ids=["other-title", "near-title"],
)  # fmt: skip
def test_a_doi_shared_by_a_supplement_is_checked_by_hand(change):
    one = replace(BASE, pages="S12")
    assert _verdict(one, replace(one, **change)) == "check"


#: Words that one letter turns into another word.
_PAIRS = (
    ("symptomatic", "asymptomatic"), ("typical", "atypical"), ("febrile", "afebrile"),
    ("afferent", "efferent"), ("ruptured", "unruptured"), ("microvascular", "macrovascular"),
    ("hypotensive", "hypertensive"), ("left", "right"), ("M2", "M3"), ("first", "second"),
)  # fmt: skip


@pytest.mark.parametrize(("word", "other"), _PAIRS, ids=["/".join(pair) for pair in _PAIRS])
@pytest.mark.parametrize(
    "change",
    [{"pages": "", "volume": "", "issue": ""}, {"pages": ""}, {"pages": "300-309"}],
    ids=["thin", "no pages", "other pages"],
)
def test_companion_papers_that_differ_in_one_word_are_kept_apart(word, other, change):
    one = replace(BARE, title=f"Thrombectomy of {word} occlusions in synthetic patients")
    two = replace(one, title=f"Thrombectomy of {other} occlusions in synthetic patients", **change)
    assert _verdict(one, two) != "duplicate"


@pytest.mark.parametrize(
    ("word", "other"),
    [("ischaemic", "ischemic"), ("oesophageal", "esophageal"), ("aetiological", "etiological")],
)
def test_british_and_american_spelling_are_one_paper(word, other):
    one = replace(BARE, title=f"Thrombectomy of {word} occlusions in synthetic patients")
    assert _verdict(one, replace(one, title=one.title.replace(word, other), pages="")) == "duplicate"


@pytest.mark.parametrize(
    "before",
    ["Erratum: ", "Corrigendum to ", "Retraction notice to: ", "Expression of concern: ", "Reply to ",
     "Response by Person to letter regarding article, ", "Invited commentary: ", "Abstract TP12: ",
     "Protocol for "],
)  # fmt: skip
def test_a_notice_about_a_paper_is_not_the_paper_even_when_little_is_known(before):
    note = replace(BARE, title=before + BARE.title, pages="", volume="", issue="")
    assert _verdict(BARE, note) != "duplicate"


@pytest.mark.parametrize(
    "after",
    [": study protocol", ": statistical analysis plan", ": interim results", ": three-year follow-up",
     ", part 2", ". Reply", " - authors' reply"],
)  # fmt: skip
def test_reports_of_one_trial_are_kept_apart(after):
    first = replace(BARE, nct="NCT00000001")
    for change in ({"pages": "", "volume": "", "issue": ""}, {"pages": "300-309"}):
        assert _verdict(first, replace(first, title=first.title + after, **change)) != "duplicate"


def test_an_entry_of_a_register_is_not_the_article():
    entry = replace(BARE, journal="", volume="", issue="", pages="", nct="NCT00000001")
    assert _verdict(replace(BARE, nct="NCT00000001"), entry) == "check"


def test_an_abstract_of_a_meeting_in_the_same_journal_is_checked_by_hand():
    article = replace(BARE, kind="Journal Article")
    meeting = replace(BARE, kind="Conference Abstract", pages="", volume="", issue="")
    assert _verdict(article, meeting) == "check"
    assert _verdict(meeting, replace(meeting, source="B")) == "duplicate"


def test_two_versions_of_one_numbered_review_are_checked_by_hand():
    first = replace(BARE, journal="Synthetic Database of Reviews", volume="", issue="1", pages="CD001234")
    assert _verdict(first, replace(first, issue="8")) == "check"
    assert _verdict(first, replace(first, issue="")) == "duplicate"


def test_abstracts_that_share_the_doi_of_a_supplement_and_say_no_more_are_checked():
    one = replace(BASE, title="Outcome of left synthetic occlusions after treatment", authors=(), pages="")
    assert _verdict(one, replace(one, title=one.title.replace("left", "right"))) == "check"


def test_parts_of_a_series_are_kept_apart():
    one = replace(
        BARE, title="Synthetic thrombectomy guideline update part II", pages="", volume="", issue=""
    )
    two = replace(one, title="Synthetic thrombectomy guideline update part III")
    assert _verdict(one, two) != "duplicate"


def test_two_dois_are_never_merged():
    assert _verdict(BASE, replace(BASE, doi="10.5555/syn.2")) == "check"


def test_a_poor_record_does_not_chain_two_papers():
    article = replace(BARE, position=1)
    abstract = replace(BARE, position=2, pages="S44", issue="1S")
    poor = replace(BARE, position=3, pages="", issue="")
    found = deduplicate([article, abstract, poor])
    assert all(not {0, 1} <= set(group) for group in found.groups)
    assert any(item.rule in ("chained", "linked") for item in found.to_check)


def test_every_decision_carries_a_known_rule_and_both_places():
    found = deduplicate([BASE, replace(BASE, file="b.ris"), replace(BARE, position=3, year=2021)])
    rows = found.rows()
    assert rows
    assert {row["rule"] for row in rows} <= set(RULES)
    assert all(row["reason"] and row["a_file"] and row["b_file"] for row in rows)


def test_known_records_stand_for_new_ones():
    full = replace(BASE, position=2, abstract="text", pmid="9")
    found = deduplicate([full], known=[BARE])
    assert (found.duplicate_of, found.known) == ((None, 0), 1)


_SOME = [
    replace(
        BASE, position=i, title=f"Synthetic report on topic {word} and its treatment", doi="", pages=str(i)
    )
    for i, word in enumerate(["alpha", "beta", "gamma", "delta", "carotid", "basilar"], start=1)
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(_SOME), max_size=12), st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_order_and_lose_no_record(records, chance):
    numbered = [replace(item, position=place) for place, item in enumerate(records, start=1)]
    turned = numbered[:]
    chance.shuffle(turned)
    one, two = deduplicate(numbered), deduplicate(turned)

    def groups(found):
        return {frozenset(found.records[i].position for i in group) for group in found.groups}

    assert groups(one) == groups(two)
    assert len(one.records) == len(numbered)
    assert len(one.unique) == len({item.title for item in records})


def test_a_large_block_of_like_titles_is_not_quadratic():
    chance = random.Random(1)
    records = [
        Record("A", "a.ris", i, title="Editorial", authors=(f"Name{chance.randrange(500)}, A",),
               year=2000 + i % 20, journal="Syn", volume=str(i), pages=str(i))
        for i in range(1, 3001)
    ]  # fmt: skip
    found = deduplicate(records)
    assert found.groups == ()
    assert found.compared < 300_000


@pytest.mark.parametrize("record", [BASE, BARE, replace(BASE, nct="NCT00000001", pmid="5", language="eng")])
def test_records_written_as_ris_are_read_back(tmp_path, record):
    from analysis.living.records.readers import read_file

    path = tmp_path / "x.ris"
    path.write_text(to_ris([record]), encoding="utf-8")
    (read,) = read_file(path).records
    assert replace(read, file=record.file, line=0, kind="", accession="") == replace(
        record, kind="", accession=""
    )
