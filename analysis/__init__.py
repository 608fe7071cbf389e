"""Living systematic review of thrombectomy for distal medium-vessel occlusion: the analysis package.

Names are loaded on first use, so that ``import analysis`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

#: Public name -> module that defines it.
_PUBLIC: dict[str, str] = {
    "Interval": "analysis.synthesis.types",
    "Pooled": "analysis.synthesis.types",
    "pool": "analysis.synthesis.pooled",
    "compare_subgroups": "analysis.synthesis.subgroups",
    "regress": "analysis.synthesis.regression",
    "study_intervals": "analysis.synthesis.studies",
    "Evidence": "analysis.evidence.tables",
    "load_evidence": "analysis.evidence.load",
    "Question": "analysis.evidence.select",
    "select": "analysis.evidence.select",
}

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'analysis' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
