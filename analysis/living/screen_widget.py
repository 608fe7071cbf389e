"""A small screen for JupyterLab: one record at a time, three buttons, saved at once.

    from analysis.living.screen_widget import screen
    screen("sheet-anna.csv")

The sheet is the file that ``python -m analysis screen export`` writes. ipywidgets is imported only here.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from analysis.living.ledger import reasons
from analysis.living.screening import DECISIONS, Stage
from analysis.living.sheets import read_list, write_list

__all__ = ["SheetScreen", "screen"]


class SheetScreen:
    """The state of one reviewer's sheet; every decision is written to the file before the next record."""

    def __init__(self, path: str | Path, stage: Stage = "screen") -> None:
        self.path = Path(path)
        self.stage = stage
        sheet = read_list(self.path, ("record_id", "title", "decision", "reason", "note"))
        self.heads = sheet.heads
        self.rows = [row for _, row in sheet.rows]
        self.place = next((i for i, row in enumerate(self.rows) if not row["decision"]), 0)

    @property
    def done(self) -> int:
        """How many records are decided."""
        return sum(bool(row["decision"]) for row in self.rows)

    def decide(self, decision: str, reason: str = "", note: str = "") -> None:
        """Write a decision on the record that is shown, and go to the next open one."""
        if decision not in DECISIONS[self.stage]:
            raise ValueError(f"{decision!r} is none of {', '.join(DECISIONS[self.stage])}")
        self.rows[self.place] |= {"decision": decision, "reason": reason, "note": note}
        self._save()
        ahead = [i for i, row in enumerate(self.rows) if not row["decision"]]
        self.place = next((i for i in ahead if i > self.place), ahead[0] if ahead else self.place)

    def go(self, step: int) -> None:
        """Go forward or back without deciding."""
        self.place = min(max(self.place + step, 0), max(len(self.rows) - 1, 0))

    def _save(self) -> None:
        write_list(self.rows, self.path, self.heads)

    def html(self) -> str:
        """Return the record that is shown."""
        if not self.rows:
            return "<p>The sheet is empty.</p>"
        row = self.rows[self.place]
        place = ", ".join(row[name] for name in ("first_author", "year", "journal") if row.get(name))
        state = row["decision"] or "open"
        return (
            f"<p>Record {self.place + 1} of {len(self.rows)}; {self.done} decided; this one: "
            f"{escape(state)}</p><h3>{escape(row['title'])}</h3><p>{escape(place)}</p>"
            f"<p>{escape(row.get('abstract') or 'No abstract in the export.')}</p>"
        )


def screen(path: str | Path, stage: Stage = "screen") -> Any:
    """Return the widget for a reviewer's sheet."""
    import ipywidgets as widgets

    state = SheetScreen(path, stage)
    shown = widgets.HTML(state.html())
    reason = widgets.Dropdown(options=["", *reasons()], description="Reason")
    note = widgets.Text(description="Note")

    def update() -> None:
        shown.value = state.html()
        reason.value, note.value = "", ""

    def button(label: str, action: Any, style: str = "") -> Any:
        made = widgets.Button(description=label, button_style=style)

        def pressed(_: Any) -> None:
            action()
            update()

        made.on_click(pressed)
        return made

    def decided(decision: str) -> Any:
        return lambda: state.decide(decision, reason.value, note.value)

    styles = {"include": "success", "exclude": "danger"}
    choices = [button(word, decided(word), styles.get(word, "")) for word in DECISIONS[stage]]
    moves = [button("back", lambda: state.go(-1)), button("next", lambda: state.go(1))]
    return widgets.VBox([shown, widgets.HBox([reason, note]), widgets.HBox([*choices, *moves])])
