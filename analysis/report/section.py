"""A run of paragraphs, figures and tables shown as one output of a notebook cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis.report.html import element, escape, script_json

__all__ = ["Fold", "Note", "Paragraph", "ScriptData", "Section"]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain text; it is escaped when shown."""

    text: str

    def _repr_html_(self) -> str:
        return element("p", escape(self.text))


@dataclass(frozen=True, slots=True)
class Note:
    """A short remark set apart from the text."""

    text: str

    def _repr_html_(self) -> str:
        return element("p", escape(self.text), {"class": "review-note"})


@dataclass(frozen=True, slots=True)
class Fold:
    """A part that opens on request."""

    summary: str
    part: Any

    def _repr_html_(self) -> str:
        inner = element("summary", escape(self.summary)) + self.part._repr_html_()
        return element("details", inner, {"class": "review-fold"})


@dataclass(frozen=True, slots=True)
class ScriptData:
    """Data for a script of the book that lets a reader ask more of a figure; nothing shows without it."""

    script: str
    figure: str
    data: Any

    def _repr_html_(self) -> str:
        values = {"type": "application/json", "class": "review-data", "data-figure": self.figure}
        data = element("script", script_json(self.data), values)
        return data + element("script", "", {"defer": True, "src": self.script})


@dataclass(frozen=True, slots=True)
class Section:
    """Parts in order; each part renders itself with ``_repr_html_``."""

    parts: tuple[Any, ...]

    def _repr_html_(self) -> str:
        return "\n".join(part._repr_html_() for part in self.parts)
