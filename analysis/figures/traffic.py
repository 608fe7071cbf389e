"""Risk-of-bias pictures: traffic lights study by study, and summary bars.

A judgement is told by symbol as well as by colour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.figures.chart import Place, both_widths
from analysis.figures.figure import Figure, make_figure, message_figure
from analysis.figures.svg import Drawing
from analysis.figures.text import text_width, wrap_text
from analysis.figures.theme import FONT_SIZE, SMALL_SIZE
from analysis.report.numbers import counted, share
from analysis.report.tables import Column, Table, table_from_rows

__all__ = ["JUDGEMENTS", "AppraisalRow", "Judgement", "summary_bars", "traffic_lights"]

_MARGIN = 8.0
_CELL = 30.0
_RADIUS = 10.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """How one value of an appraisal is shown."""

    words: str
    symbol: str
    role: str


#: A light that nobody has set: it stays empty.
_UNKNOWN = Judgement("not judged", "", "grid")
#: Judgements of the common tools; a page may pass its own.
JUDGEMENTS: Mapping[str, Judgement] = {
    "low": Judgement("low risk", "+", "good"),
    "yes": Judgement("yes", "+", "good"),
    "some": Judgement("some concerns", "−", "unsure"),
    "moderate": Judgement("moderate risk", "−", "unsure"),
    "partial": Judgement("partly", "−", "unsure"),
    "serious": Judgement("serious risk", "×", "bad"),
    "high": Judgement("high risk", "×", "bad"),
    "no": Judgement("no", "×", "bad"),
    "critical": Judgement("critical risk", "!", "bad"),
    "unclear": Judgement("unclear", "?", "muted"),
    "no_information": Judgement("no information", "NI", "pale"),
    "not_judged": _UNKNOWN,
    "not_applicable": Judgement("not applicable", "·", "grid"),
}


@dataclass(frozen=True, slots=True)
class AppraisalRow:
    """The judgements on one study, in the order of the domains."""

    label: str
    values: tuple[str, ...]


def traffic_lights(
    rows: Sequence[AppraisalRow],
    domains: Sequence[str],
    *,
    name: str,
    title: str,
    judgements: Mapping[str, Judgement] = JUDGEMENTS,
) -> Figure:
    """Draw one light a study and domain; domains are numbered and written out below."""
    _check(rows, domains)
    table = _data(name, title, rows, domains, judgements)
    if not rows:
        return message_figure(name, f"{title}: no study appraised.", table, f"{title}.")

    def draw(place: Place) -> Drawing:
        drawing = Drawing(place.width, 0)
        room = place.width - 2 * _MARGIN
        step = min(_CELL, (room - (110 if place.narrow else 160)) / len(domains))
        widest = max(text_width(row.label, FONT_SIZE) for row in rows) + 12
        label_width = min(widest, room - step * len(domains))
        left = _MARGIN + label_width
        radius = min(_RADIUS, step / 2 - 1.5)
        for rank in range(len(domains)):
            x = left + step * (rank + 0.5)
            drawing.text(x, 18, str(rank + 1), bold=True, size=SMALL_SIZE, anchor="middle")
        y = 26.0
        for row in rows:
            # A name that is wider than its column takes a second line.
            names = wrap_text(row.label, FONT_SIZE, label_width - 8)
            for turn, words in enumerate(names):
                drawing.text(_MARGIN, y + 16 + 14 * turn, words)
            middle = y + 12 + 7 * (len(names) - 1)
            for judged in _used([row], judgements):
                lights = [
                    # Phones show no tips; the table of data says the same.
                    (
                        left + step * (rank + 0.5),
                        "" if place.narrow else f"{row.label}: {domain}: {judged.words}",
                    )
                    for rank, domain in enumerate(domains)
                    if judgements.get(row.values[rank], _UNKNOWN) == judged
                ]
                _lights(drawing, lights, middle, radius, judged)
            y += 24 + 14 * (len(names) - 1)
            drawing.line(_MARGIN, y, left + step * len(domains), y, stroke="grid")
        y += 12
        used = _used(rows, judgements)
        y = _light_key(drawing, used, y + 6, place.width)
        for rank, domain in enumerate(domains, start=1):
            for line in wrap_text(f"{rank} {domain}", SMALL_SIZE, room):
                drawing.text(_MARGIN, y, line, size=SMALL_SIZE, fill="muted")
                y += 15
        drawing.height = y
        return drawing

    wide, narrow = both_widths(draw)
    alt = f"Traffic lights. {title}: {counted(len(rows), 'study', 'studies')}. "
    alt += _spoken(rows, domains, judgements)
    return make_figure(name, wide, narrow, alt, table, f"{title}.")


def summary_bars(
    rows: Sequence[AppraisalRow],
    domains: Sequence[str],
    *,
    name: str,
    title: str,
    judgements: Mapping[str, Judgement] = JUDGEMENTS,
) -> Figure:
    """Draw the share of studies with each judgement, one bar a domain."""
    _check(rows, domains)
    used = _used(rows, judgements)
    table = _sums(name, title, rows, domains, judgements, used)
    if not rows:
        return message_figure(name, f"{title}: no study appraised.", table, f"{title}.")

    def draw(place: Place) -> Drawing:
        drawing = Drawing(place.width, 0)
        room = place.width - 2 * _MARGIN
        left = _MARGIN if place.narrow else _MARGIN + 240
        right = place.width - _MARGIN
        y = _light_key(drawing, used, 18, place.width)
        for rank, domain in enumerate(domains):
            limit = room if place.narrow else 228.0
            lines = wrap_text(domain, SMALL_SIZE, limit)
            for line_rank, line in enumerate(lines):
                drawing.text(_MARGIN, y + 12 + 15 * line_rank, line, size=SMALL_SIZE)
            top = y + 15 * len(lines) + 2 if place.narrow else y
            x = left
            counts = Counter(judgements.get(row.values[rank], _UNKNOWN) for row in rows)
            for judged in used:
                width = (right - left) * counts[judged] / len(rows)
                if not width:
                    continue
                words = f"{judged.symbol} {counts[judged]}".strip()
                tip = f"{domain}: {judged.words}, {counts[judged]} of {len(rows)} studies"
                drawing.rect(x, top, width, 20, fill=judged.role, stroke="paper", tip=tip)
                if width > text_width(words, SMALL_SIZE) + 4:
                    drawing.text(
                        x + width / 2,
                        top + 14,
                        words,
                        size=SMALL_SIZE,
                        fill=_words_role(judged),
                        anchor="middle",
                    )
                x += width
            y = max(top + 26, y + 15 * len(lines) + 10)
        drawing.height = y + 4
        return drawing

    wide, narrow = both_widths(draw)
    alt = f"Summary bars. {title}: {counted(len(rows), 'study', 'studies')}. "
    alt += _spoken(rows, domains, judgements)
    return make_figure(name, wide, narrow, alt, table, f"{title}: summary.")


def _check(rows: Sequence[AppraisalRow], domains: Sequence[str]) -> None:
    for row in rows:
        if len(row.values) != len(domains):
            raise ValueError(f"{row.label}: {len(row.values)} judgements for {len(domains)} domains")


def _words_role(judged: Judgement) -> str:
    return {"unsure": "dark", "grid": "ink", "pale": "ink"}.get(judged.role, "onmark")


def _lights(
    drawing: Drawing, places: Sequence[tuple[float, str]], y: float, radius: float, judged: Judgement
) -> None:
    """Draw equal lights of a row, each by its place and tip."""
    drawing.circles(places, y, radius, fill=judged.role)
    if judged.symbol:
        size = radius * (1.5 if len(judged.symbol) == 1 else 1.1)
        drawing.texts(
            [x for x, _ in places],
            y + size * 0.36,
            judged.symbol,
            size=size,
            fill=_words_role(judged),
            bold=True,
        )


def _used(rows: Sequence[AppraisalRow], judgements: Mapping[str, Judgement]) -> list[Judgement]:
    found = {judgements.get(value, _UNKNOWN) for row in rows for value in row.values}
    return [judged for judged in dict.fromkeys([*judgements.values(), _UNKNOWN]) if judged in found]


def _light_key(drawing: Drawing, used: Sequence[Judgement], y: float, width: float) -> float:
    x = _MARGIN
    for judged in used:
        room = 22 + text_width(judged.words, SMALL_SIZE)
        if x > _MARGIN and x + room > width - _MARGIN:
            x, y = _MARGIN, y + 22
        _lights(drawing, [(x + 8, judged.words)], y - 4, 8, judged)
        drawing.text(x + 20, y, judged.words, size=SMALL_SIZE)
        x += room + 14
    return y + 24


def _spoken(rows: Sequence[AppraisalRow], domains: Sequence[str], judgements: Mapping[str, Judgement]) -> str:
    parts = []
    for rank, domain in enumerate(domains):
        counts = Counter(judgements.get(row.values[rank], _UNKNOWN).words for row in rows)
        told = ", ".join(
            f"{words} {number} ({share(number / len(rows))}%)" for words, number in counts.most_common()
        )
        parts.append(f"{domain}: {told}")
    return f"{'; '.join(parts)}."


def _data(
    name: str,
    title: str,
    rows: Sequence[AppraisalRow],
    domains: Sequence[str],
    judgements: Mapping[str, Judgement],
) -> Table:
    columns = [Column("label", "Study")]
    columns += [Column(f"d{rank}", domain) for rank, domain in enumerate(domains)]
    lines = [
        {"label": row.label}
        | {f"d{rank}": judgements.get(value, _UNKNOWN).words for rank, value in enumerate(row.values)}
        for row in rows
    ]
    return table_from_rows(name, f"{title}: judgements", columns, lines)


def _sums(
    name: str,
    title: str,
    rows: Sequence[AppraisalRow],
    domains: Sequence[str],
    judgements: Mapping[str, Judgement],
    used: Sequence[Judgement],
) -> Table:
    """Count the studies of each domain and judgement, as the bars show them."""
    columns = [Column("domain", "Domain")]
    columns += [Column(f"j{place}", judged.words, "right") for place, judged in enumerate(used)]
    lines = []
    for rank, domain in enumerate(domains):
        counts = Counter(judgements.get(row.values[rank], _UNKNOWN) for row in rows)
        lines.append({"domain": domain} | {f"j{place}": counts[judged] for place, judged in enumerate(used)})
    return table_from_rows(name, f"{title}: studies by judgement", columns, lines if rows else [])
