"""Sphinx extension that keeps the book in step with the code and the data.

jupyter-cache looks only at the text of a notebook, so a changed count in ``data/`` would leave old
numbers standing. This extension gives each state of code and data a cache of its own, hands the facts
used in prose to the pages, writes the machine-readable feed beside them, and mends what the theme does
wrong for assistive technology.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.site.caches import kept_json, mend_notebooks
from analysis.site.inputs import digest
from analysis.synthesis import warm_up

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

__all__ = ["mend_markup", "setup"]

_ROOT = Path(__file__).resolve().parents[1]

#: Caches of earlier inputs kept, so that going back to them runs nothing again.
_CACHES_KEPT = 4

#: Notebook kernels inherit these. One thread a kernel keeps sums in the same order; the fixed clock
#: (2026-01-01, any would do) keeps the time of the build out of SVG files.
_KERNEL_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "SOURCE_DATE_EPOCH": "1767225600",
}

#: Faults of theme and docutils that axe-core reports, as (pattern, replacement).
_MENDS: tuple[tuple[str, str], ...] = (
    # The visible label of the search button differs from its accessible name.
    (r'(<button class="[^"]*search-button-field[^>]*?) aria-label="Search"', r"\1"),
    # A list role whose children are no list items.
    (r'<div role="list" class="citation-list">', '<div class="citation-list">'),
    (r' role="doc-biblioentry"', ""),
    # The home link stands outside any landmark.
    (
        r'<div class="sidebar-primary-item">(\s*<a class="navbar-brand logo")',
        r'<div class="sidebar-primary-item" role="navigation" aria-label="Home">\1',
    ),
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    # An empty header cell names nothing.
    (r"<th></th>", "<td></td>"),
)


def _point_cache_at_inputs(app: Sphinx, config: Config) -> None:
    """Give each state of the inputs its own cache of executed notebooks, and mend it if it was cut."""
    caches = _kept(app) / ".jupyter_cache"
    current = caches / digest(_ROOT)
    config.nb_execution_cache_path = str(current)
    if caches.is_dir():
        old = [path for path in caches.iterdir() if path.is_dir() and path != current]
        for path in sorted(old, key=lambda each: each.stat().st_mtime)[: 1 - _CACHES_KEPT]:
            shutil.rmtree(path)
            path.with_suffix(".facts.json").unlink(missing_ok=True)
    mend_notebooks(current)
    if current.is_dir():
        os.utime(current)


def _kept(app: Sphinx) -> Path:
    """Return the folder that outlives a build, whichever folder the pages are written to."""
    return Path(app.srcdir) / "_build"


def _isolate_kernels(app: Sphinx, config: Config) -> None:
    """Run notebooks without the reader's own IPython start-up files, and with a quiet log."""
    folder = _kept(app) / ".ipython"
    profile = folder / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    settings = profile / "ipython_kernel_config.py"
    settings.write_text("c = get_config()\nc.IPKernelApp.log_level = 'ERROR'\n", "utf-8")
    os.environ["IPYTHONDIR"] = str(folder)
    for name, value in _KERNEL_ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def _hand_facts_to_pages(app: Sphinx, config: Config) -> None:
    """Offer every computed fact to the prose as ``{{ key }}``; an unknown key stops the build.

    The engine is made ready before anything is computed, here and for the kernels that follow, so
    that no number depends on what was computed before it.
    """
    warm_up()
    # The path of the cache carries the digest of all inputs, so the facts can be kept beside it.
    kept = Path(config.nb_execution_cache_path).with_suffix(".facts.json")
    facts = kept_json(kept, _facts)
    config.myst_substitutions = {**config.myst_substitutions, **facts}
    config.release = config.version = facts["version"]


def _facts() -> dict[str, Any]:
    from analysis import review

    return review.facts(review.load())


def _drop_thebe(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Leave out the live-code scripts, which are declared twice and call a server."""

    def is_thebe(script: object) -> bool:
        text = f"{getattr(script, 'filename', script)}{getattr(script, 'attributes', '')}"
        return "thebe" in text.lower()

    context["script_files"] = [each for each in context["script_files"] if not is_thebe(each)]


def mend_markup(html: str) -> str:
    """Mend the accessibility faults that the theme and docutils leave in a page.

    Examples
    --------
    >>> mend_markup("<tr><th></th><th>Study</th></tr>")
    '<tr><td></td><th>Study</th></tr>'
    """
    for pattern, replacement in _MENDS:
        html = re.sub(pattern, replacement, html)
    return html


def _mend_pages(outdir: Path) -> None:
    for path in outdir.rglob("*.html"):
        if "_static" in path.parts:
            continue
        before = path.read_text("utf-8")
        after = mend_markup(before)
        if after != before:
            path.write_text(after, "utf-8")


def _finish(app: Sphinx, exception: Exception | None) -> None:
    """Write the feed and the downloads and mend the pages; a failure here fails the build."""
    if exception is not None or app.builder.name != "html":
        return
    from analysis import review
    from analysis.report import downloads, feed
    from analysis.site.contents import book_order
    from analysis.site.finish import finish_site, site_base

    outdir = Path(app.outdir)
    feed.write_site_outputs(outdir)
    downloads.harvest(outdir)
    _mend_pages(outdir)
    base = site_base(app.config.html_baseurl)
    finish_site(outdir, review.load(), base, book_order(_ROOT))


def _print_addresses_in_full(app: Sphinx) -> None:
    """Keep the theme from printing the name of a repository for the address of one of its files."""
    from pydata_sphinx_theme.short_link import ShortenLinkTransform

    ShortenLinkTransform.supported_platform = {}


def _reference(kind: str) -> Callable[..., tuple[list[Any], list[Any]]]:
    """Make the role that names a figure or a table; its number is set when all pages stand."""

    def role(
        name: str, rawtext: str, text: str, *rest: object, **more: object
    ) -> tuple[list[Any], list[Any]]:
        from docutils import nodes

        from analysis.site.numbering import reference_mark

        return [nodes.raw(rawtext, reference_mark(f"{kind}-{text}"), format="html")], []

    return role


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the hooks with Sphinx."""
    from analysis import book_pages, sphinxbib

    sphinxbib.register()
    book_pages.connect(app)
    app.add_role("fig", _reference("figure"))
    app.add_role("tab", _reference("table"))
    app.connect("config-inited", _point_cache_at_inputs)
    app.connect("config-inited", _isolate_kernels)
    app.connect("config-inited", _hand_facts_to_pages)
    app.connect("builder-inited", _print_addresses_in_full)
    app.connect("html-page-context", _drop_thebe, priority=900)
    # Last of all, as the theme writes its colours of code at the end as well.
    app.connect("build-finished", _finish, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
