"""The five sources that can be searched by a program: what to ask, and what an answer means."""

from __future__ import annotations

from analysis.living.search.sources.base import Page, Question, Source
from analysis.living.search.sources.clinicaltrials import CLINICALTRIALS
from analysis.living.search.sources.crossref import CROSSREF
from analysis.living.search.sources.europepmc import EUROPEPMC
from analysis.living.search.sources.openalex import OPENALEX
from analysis.living.search.sources.pubmed import PUBMED

__all__ = ["SOURCES", "Page", "Question", "Source"]

#: The pace keeps below what each source asks of callers without a key.
SOURCES: dict[str, Source] = {
    item.key: item for item in (PUBMED, EUROPEPMC, CLINICALTRIALS, OPENALEX, CROSSREF)
}
