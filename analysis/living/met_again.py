"""Records of a search that stand in the ledger already: the same hit, exported once more.

A search that is saved twice, sorted otherwise, or saved again with one record more brings the same hits
again. They were identified once, so the flow counts them once; a duplicate is another record of the paper.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from analysis.living.records.compare import title_kind
from analysis.living.records.normal import fold_journal, fold_title, page_span, surname, volume_number

if TYPE_CHECKING:
    from analysis.living.ledger import LedgerRow

__all__ = ["NOT_STATED", "find_met_again"]

#: Source of records whose database neither the file nor the user names.
NOT_STATED = "not stated"
#: What a program adds to the name of a file that is saved once more.
_COPY = re.compile(r"(?:[ _-]*\(\d+\)|[ _-]+copy(?:[ _-]*\d+)?|[ _-]+\d{1,2})$", re.IGNORECASE)


def find_met_again(known: Sequence[LedgerRow], fresh: Sequence[LedgerRow]) -> frozenset[int]:
    """Return the places of new rows that a search brought before.

    Parameters
    ----------
    known
        Rows of the ledger.
    fresh
        New rows of one version and one day of search, in the order of their files.

    Notes
    -----
    Only rows of the same source, and of the same version or day of search, are looked at. Each known row is
    met by one row of a file: a database that delivers a record twice in one file delivers two records.
    """
    if not fresh or not fresh[0].searched_on[:1].isdigit():
        return frozenset()
    one = fresh[0]
    pool = _Pool(
        row
        for row in known
        if row.hits_recorded == "yes" and row.file
        if row.version == one.version or row.searched_on == one.searched_on
    )
    files: dict[str, list[int]] = {}
    for place, row in enumerate(fresh):
        files.setdefault(row.file, []).append(place)
    met: set[int] = set()
    for places in files.values():
        found = pool.match([fresh[place] for place in places])
        met.update(places[at] for at in found)
        pool.add(fresh[place] for at, place in enumerate(places) if at not in found)
    return frozenset(met)


class _Pool:
    """Rows that can be met again, found by what identifies them."""

    def __init__(self, rows: Iterable[LedgerRow]) -> None:
        self.rows: list[LedgerRow] = []
        self.by_mark: dict[tuple[str, ...], list[int]] = {}
        self.add(rows)

    def add(self, rows: Iterable[LedgerRow]) -> None:
        for row in rows:
            for mark in filter(None, _marks(row)):
                self.by_mark.setdefault(mark, []).append(len(self.rows))
            self.rows.append(row)

    def match(self, rows: Sequence[LedgerRow]) -> set[int]:
        """Return the places of the rows of one file that are met again."""
        pairs: dict[int, int] = {}
        used: set[int] = set()
        # The strongest marks first, so that a weak one takes nothing from its own partner.
        marks = [_marks(row) for row in rows]
        for level in range(_LEVELS):
            for place, row in enumerate(rows):
                mark = marks[place][level]
                if place in pairs or mark is None:
                    continue
                for at in self.by_mark.get(mark, ()):
                    if at not in used and _same_hit(row, self.rows[at]):
                        pairs[place] = at
                        used.add(at)
                        break
        return self._sure(rows, pairs)

    def _sure(self, rows: Sequence[LedgerRow], pairs: dict[int, int]) -> set[int]:
        """Leave out chance meetings of files whose database is not known: there the whole file must meet."""
        sure: set[int] = set()
        by_file: dict[str, list[int]] = {}
        for place, at in pairs.items():
            if rows[place].source != NOT_STATED:
                sure.add(place)
            else:
                by_file.setdefault(self.rows[at].file, []).append(place)
        for file, places in by_file.items():
            whole = sum(row.file == file for row in self.rows)
            if _stem(file) == _stem(rows[0].file) or 1 < len(places) in (whole, len(rows)):
                sure.update(places)
        return sure


_LEVELS = 5


def _marks(row: LedgerRow) -> tuple[tuple[str, ...] | None, ...]:
    """Return what identifies a hit, from the strongest to the weakest; None where the row says nothing."""
    return (
        ("place", row.source, row.file, row.position, row.title),
        ("accession", row.source, row.accession) if row.accession else None,
        ("pmid", row.source, row.pmid) if row.pmid else None,
        ("doi", row.source, row.doi) if row.doi else None,
        ("title", row.source, fold_title(row.title).replace(" ", ""), row.year),
    )


def _same_hit(new: LedgerRow, old: LedgerRow) -> bool:
    """Whether two rows of one source can be one hit."""
    if (new.file, new.position, new.title) == (old.file, old.position, old.title):
        return True
    for name in ("accession", "pmid", "doi", "nct"):
        one, two = getattr(new, name), getattr(old, name)
        if one and two and one != two:
            return False
    titles = fold_title(new.title), fold_title(old.title)
    if titles[0] != titles[1] and title_kind(*titles, _share(*titles)) not in ("same", "spelling", "longer"):
        return False
    if any(getattr(new, name) and getattr(new, name) == getattr(old, name) for name in ("accession", "pmid")):
        return True
    if new.doi and new.doi == old.doi:
        # A supplement gives one DOI to many abstracts; their pages differ.
        return titles[0] == titles[1] and not (new.pages and old.pages and _pages(new) != _pages(old))
    return _content(new) == _content(old)


def _share(a: str, b: str) -> float:
    from rapidfuzz.fuzz import ratio

    return ratio(a.replace(" ", ""), b.replace(" ", ""))


def _content(row: LedgerRow) -> tuple[object, ...]:
    return (
        surname(row.first_author),
        row.year,
        fold_journal(row.journal) if row.journal else (),
        volume_number(row.volume),
        _pages(row),
    )


def _pages(row: LedgerRow) -> tuple[str, str]:
    return page_span(row.pages) if row.pages else ("", "")


def _stem(file: str) -> str:
    return _COPY.sub("", PurePath(file).stem).casefold()
