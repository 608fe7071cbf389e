"""Which pairs are worth a comparison: records that share one of several coarse keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations

from analysis.living.records.keys import Key

__all__ = ["candidate_pairs"]

#: Blocks up to this size are compared in full. A larger one holds titles such as "Editorial"; it is
#: sorted by author and place, and each record meets only its neighbours.
_LARGEST_BLOCK = 60
_NEIGHBOURS = 30

_LEAD = 24
_WORDS = 4


def _title_start(key: Key) -> str:
    return key.solid[:_LEAD]


def _title_end(key: Key) -> str:
    return key.solid[-_LEAD:] if len(key.solid) > _LEAD else ""


def _long_words(key: Key) -> str:
    words = sorted(set(key.title.split()), key=lambda word: (-len(word), word))[:_WORDS]
    return " ".join(words) if len(words) == _WORDS else ""


def _place(key: Key) -> str:
    if not (key.volume and key.first_page):
        return ""
    return f"{key.volume}/{key.first_page}/{key.journal[0][:1] if key.journal else ''}"


def _author_page(key: Key) -> str:
    return f"{key.names[0]}/{key.first_page}" if key.names and key.first_page else ""


#: Five ways to meet, beside the identifiers: one misprint cannot spoil them all.
_BLOCKINGS: tuple[Callable[[Key], str], ...] = (
    lambda key: key.doi,
    lambda key: key.pmid,
    lambda key: key.accession,
    _title_start,
    _title_end,
    _long_words,
    _place,
    _author_page,
)


def candidate_pairs(keys: Sequence[Key], known: int = 0) -> list[tuple[int, int]]:
    """Return the pairs of records that share a block, sorted, each once.

    Parameters
    ----------
    keys : sequence of Key
        All records, the known ones first.
    known : int
        How many of the first records are known; two known records are not compared again.
    """
    count = len(keys)
    found: set[int] = set()
    for blocking in _BLOCKINGS:
        blocks: dict[str, list[int]] = {}
        for index, key in enumerate(keys):
            mark = blocking(key)
            if mark:
                blocks.setdefault(mark, []).append(index)
        for members in blocks.values():
            if len(members) > 1:
                found.update(
                    a * count + b if a < b else b * count + a
                    for a, b in _pairs_of(members, keys)
                    if a >= known or b >= known
                )
    return [divmod(code, count) for code in sorted(found)]


def _pairs_of(members: list[int], keys: Sequence[Key]) -> Iterable[tuple[int, int]]:
    if len(members) <= _LARGEST_BLOCK:
        return combinations(members, 2)
    return _neighbours(members, keys)


def _neighbours(members: list[int], keys: Sequence[Key]) -> Iterator[tuple[int, int]]:
    orders: tuple[Callable[[int], tuple[str, ...]], ...] = (
        lambda i: (keys[i].solid, keys[i].names[0] if keys[i].names else "", str(keys[i].year)),
        lambda i: (keys[i].volume, keys[i].first_page, keys[i].solid),
    )
    for order in orders:
        line = sorted(members, key=order)
        for place, a in enumerate(line):
            for b in line[place + 1 : place + 1 + _NEIGHBOURS]:
                yield a, b
