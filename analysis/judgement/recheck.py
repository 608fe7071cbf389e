"""Judge again: stored judgements held against where their inputs stand now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.judgement.levels import DOMAINS, overall_level, split_state

if TYPE_CHECKING:
    from analysis.evidence.tables import Certainty
    from analysis.judgement.levels import Proposal

__all__ = ["Recheck", "faults_of_certainty", "recheck"]

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Recheck:
    """One stored judgement whose inputs crossed a rule since it was made, or that is missing."""

    key: Key
    before: str
    now: str
    words: str


def recheck(stored: Mapping[Key, Certainty], proposals: Mapping[Key, Proposal]) -> tuple[Recheck, ...]:
    """Return the judgements to make again, domain by domain.

    A row is flagged when an input stands on another side of a rule than when it was judged, when it
    was never judged, and when nothing asks for it any more. Numbers that move without crossing a rule
    do not flag it.
    """
    found = []
    for key, proposal in proposals.items():
        row = stored.get(key)
        if row is None:
            found.append(Recheck(key, "", proposal.state, "never judged"))
        elif split_state(row.state) != split_state(proposal.state):
            words = _crossed(split_state(row.state), split_state(proposal.state))
            found.append(Recheck(key, row.state, proposal.state, words))
    for key, row in stored.items():
        if row.domain in DOMAINS and key not in proposals:
            found.append(Recheck(key, row.state, "", "no body of evidence asks for it any more"))
    return tuple(found)


def faults_of_certainty(stored: Mapping[Key, Certainty]) -> tuple[str, ...]:
    """Return what does not hold together in the stored judgements, one sentence each.

    The overall level must follow from the domains, every row needs a reason, and every body needs all
    domains.
    """
    found = []
    bodies = dict.fromkeys(key[:3] for key in stored)
    for body in bodies:
        rows = {key[3]: row for key, row in stored.items() if key[:3] == body}
        name = " ".join(body)
        missing = [domain for domain in (*DOMAINS, "overall") if domain not in rows]
        if missing:
            found.append(f"{name}: no judgement on {', '.join(missing)}")
            continue
        right = overall_level(rows[domain].judgement for domain in DOMAINS)
        if rows["overall"].judgement != right:
            found.append(f"{name}: overall is {rows['overall'].judgement}, the domains give {right}")
        found += [f"{name} {row.domain}: no reason" for row in rows.values() if not row.reason.strip()]
    return tuple(found)


def _crossed(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return "; ".join(
        f"{name.replace('_', ' ')}: {before.get(name, 'absent')} when judged, {now.get(name, 'absent')} now"
        for name in names
    )
