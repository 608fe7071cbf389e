"""Text that is made to be taken along: plain without a script, with a copy button beside it with one."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.report.html import element, escape, slug

__all__ = ["Copyable"]


@dataclass(frozen=True, slots=True)
class Copyable:
    """Paragraphs of HTML that are copied as their text.

    `paragraphs` hold escaped HTML. `label` says what is copied, for the button that the script of the
    tables adds.
    """

    name: str
    label: str
    paragraphs: tuple[str, ...]

    @classmethod
    def of_text(cls, name: str, label: str, *texts: str) -> Copyable:
        """Make one from plain texts."""
        return cls(name, label, tuple(escape(text) for text in texts))

    def _repr_html_(self) -> str:
        values = {"class": "review-copyable", "id": f"copy-{slug(self.name)}", "data-copy": self.label}
        return element("div", "".join(element("p", text) for text in self.paragraphs), values)
