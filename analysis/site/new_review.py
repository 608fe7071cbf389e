"""Another review from this one: the code and the shared pages, with empty tables and a protocol to rewrite.

``python -m analysis.site.new_review DIR --title "..." --cut-off 2026-01-31``
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import shutil
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

__all__ = ["copy_review", "main"]

_ROOT = Path(__file__).resolve().parents[2]

#: Files and folders that every review shares.
_SHARED = (
    *("analysis", "Makefile", "pyproject.toml", "requirements.in", "requirements.txt", "LICENSE"),
    *("LICENSE-DATA", ".gitignore", ".gitattributes", ".pre-commit-config.yaml", "_config.yml", ".ci"),
    *(".github", "book/_static", "book/methods.bib", "data/schemas", "data/glossary.yml", "data/README.md"),
    *("data/checklists", "data/searches/README.md", "book/architecture.md", "book/contributing.md"),
    *("book/new_review.md", "book/updating.md", "book/dictionary.ipynb", "book/glossary.ipynb"),
    *("book/api.ipynb", "book/references.md"),
)
#: Tables that describe tools and not studies; they go along with their rows.
_KEPT_ROWS = frozenset({"appraisal_tools"})
_LEFT = shutil.ignore_patterns("__pycache__", "*.pyc", "*.nbi", "*.nbc", ".ipynb_checkpoints")
_VERSION = {
    "label": "First version",
    "stage": "original_window",
    "searched_on": "not recorded",
    "trigger": "Start of the review.",
    "methods_changes": "First version.",
    "people": "maintainers: selection; extraction; analysis",
}
_CONTENTS = """format: jb-book
root: book/index
parts:
  - caption: The review
    chapters:
      - file: book/question
      - file: book/search
      - file: book/studies
      - file: book/results
      - file: book/whats_new
  - caption: Take part and look up
    chapters:
      - file: book/contributing
      - file: book/updating
      - file: book/new_review
      - file: book/dictionary
      - file: book/glossary
      - file: book/api
      - file: book/architecture
      - file: book/references
"""
_INDEX = """# {title}

**Version {{{{ version }}}}. Evidence public by {{{{ cut_off }}}}.** Known so far: {{{{ n_studies_total }}}}
studies, {{{{ n_included }}}} of them included.

- [Question and protocol](question.ipynb): rewrite `data/protocol.yml` first; everything follows from it.
- [Results](results.ipynb): each outcome in each population, computed when the book is built.
- [What is new](whats_new.ipynb), and [how to add a study](contributing.md).
"""
_TESTS = '''"""The data of this review have no fault, its results can be computed, its pages were built."""

import json
from pathlib import Path

import pytest

from analysis.evidence.load import load_evidence
from analysis.living.whole import load_whole
from analysis.review.cells import headlines

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"


@pytest.fixture(scope="module")
def evidence():
    return load_evidence(ROOT / "data")


def test_the_data_have_no_fault():
    load_whole(ROOT / "data")


def test_every_headline_result_is_computed_or_has_no_count(evidence):
    for version in evidence.versions:
        for cell in headlines(evidence, version.id):
            assert (cell.pooled is None) == (cell.counts.k == 0)


def test_the_site_is_of_these_data(evidence):
    built = json.loads((SITE / "results.json").read_text("utf-8"))

    assert built["data_hash"] == evidence.data_hash


def test_every_chapter_was_built():
    for path in (ROOT / "book").glob("*.*"):
        if path.suffix in (".md", ".ipynb"):
            assert (SITE / "book" / f"{path.stem}.html").is_file(), path.name
'''
_LOAD = "from analysis import review\n\nev = review.load()\n"
_NEXT = """The new review is in {place}. Next, in that folder:
  git init && git add -A && git commit -m "Start of the review"    a release names its commit
  rewrite data/protocol.yml                                        question, populations, outcomes
  write data/searches/pubmed.yml and its like                      before 'python -m analysis search'
  make book                                                        builds _build/html/index.html
  make test                                                        proves it
"""
_README = """# {title}

A living systematic review. `make book` builds it into `_build/html/index.html`, `make test` proves it.
Start with `data/protocol.yml`; then add studies to `data/`.
"""


def copy_review(target: Path, title: str, cut_off: date, root: Path = _ROOT) -> tuple[Path, ...]:
    """Copy what every review shares, and write empty tables, a first version and a first page.

    Parameters
    ----------
    target
        Folder that does not exist yet, or is empty.
    title
        Title of the new review.
    cut_off
        Day to which its first version holds what is public.
    root
        The review to copy.

    Returns
    -------
    tuple of Path
        The files and folders written or copied.

    Raises
    ------
    FileExistsError
        When the folder holds anything.
    """
    if target.exists() and any(target.iterdir()):
        raise FileExistsError(f"{target} is not empty")
    made = []
    for name in _SHARED:
        source, copy = root / name, target / name
        if not source.exists():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=_LEFT)
        else:
            shutil.copyfile(source, copy)
        made.append(copy)
    made += _empty_tables(root, target, cut_off)
    made += _protocol(root, target, title, _version(cut_off))
    made += _book(target, title)
    made += _papers(root, target, title)
    return tuple(made)


def _version(cut_off: date) -> str:
    """Return the number of a first version, which carries the year of its cut-off."""
    return f"{cut_off.year % 100}.0.0"


def _empty_tables(root: Path, target: Path, cut_off: date) -> list[Path]:
    written = []
    for source in sorted((root / "data").glob("*.csv")):
        with source.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.reader(handle))
        head, kept = rows[0], rows[1:] if source.stem in _KEPT_ROWS else []
        if source.stem == "versions":
            day = {"id": _version(cut_off), "alias": f"{cut_off:%Y-%m}", "cut_off": cut_off.isoformat()}
            first = _VERSION | day
            kept = [[first.get(name, "") for name in head]]
        copy = target / "data" / source.name
        with copy.open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle, lineterminator="\n").writerows([head, *kept])
        written.append(copy)
    return written


def _protocol(root: Path, target: Path, title: str, version: str) -> list[Path]:
    """Copy the protocol under the new title; the rest is a pattern to be rewritten part by part."""
    text = (root / "data" / "protocol.yml").read_text("utf-8")
    quoted = json.dumps(title, ensure_ascii=False)
    text = re.sub(r"(?m)^(title|short_title): .*$", lambda match: f"{match[1]}: {quoted}", text)
    head = "# Copied from another review as a pattern: rewrite every part for your own question.\n"
    text = re.sub(r"(?m)^name: .*$", f"name: {_name(title)}", text)
    text = re.sub(r"(?m)^maintainers: .*$", "maintainers: The maintainers of the review", text)
    text = re.sub(r"(?m)^(  version: ).*$", rf"\g<1>{version}", head + text, count=1)
    copy = target / "data" / "protocol.yml"
    copy.write_text(text, "utf-8", newline="")
    return [copy]


def _book(target: Path, title: str) -> list[Path]:
    book = target / "book"
    book.mkdir(exist_ok=True)
    config = target / "_config.yml"
    changed = re.sub(r"(?m)^title: .*$", lambda _: f"title: {json.dumps(title)}", config.read_text("utf-8"))
    changed = re.sub(r"(?m)^author: .*$", "author: The maintainers", changed)
    changed = re.sub(
        r'(?ms)^(      "description lang=en": >-\n)(?:        .*?\n)+',
        lambda match: f"{match[1]}        {title}: every number is computed when the page is built.\n",
        changed,
    )
    config.write_text(changed, "utf-8", newline="")
    results = _notebook(
        ("# Results", None),
        ("", _LOAD + "review.answers(ev)"),
        ("", "review.results_section(ev)"),
    )
    search = _notebook(
        ("# Search and selection\n\n{{ search_record }}", None),
        ("", f'{_LOAD}review.records_flow(ev, "last")'),
        ("", "review.characteristics_table(ev)"),
        ("", "review.left_out_table(ev)"),
    )
    studies = _notebook(("# Studies, one page each", None), ("", _LOAD + "review.studies_table(ev)"))
    whats_new = _notebook(
        ("# What is new", None),
        ("", _LOAD + "review.whats_new_section(ev)"),
        ("", "review.versions_table(ev)"),
        ("", "review.notices_section(ev)"),
        ("", "review.clock_section(ev)"),
    )
    question = _notebook(
        ("# Question and protocol", None),
        ("", f'from analysis.review.protocol import protocol_table\n{_LOAD}protocol_table(ev, "question")'),
        ("", 'protocol_table(ev, "populations")'),
        ("", 'protocol_table(ev, "outcomes")'),
        ("", "review.methods_text(ev)"),
    )
    files = {
        target / "_toc.yml": _CONTENTS,
        target / "README.md": _README.format(title=title),
        book / "index.md": _INDEX.format(title=title),
        book / "references.bib": _cited(),
        book / "results.ipynb": results,
        book / "question.ipynb": question,
        book / "search.ipynb": search,
        book / "studies.ipynb": studies,
        book / "whats_new.ipynb": whats_new,
    }
    for path, text in files.items():
        path.write_text(text, "utf-8", newline="")
    return list(files)


def _papers(root: Path, target: Path, title: str) -> list[Path]:
    """Write what names the review from outside: citation, data package, and tests of its own."""
    citation = "\n".join(
        [
            "cff-version: 1.2.0",
            'message: "If you use this review, please cite it with the evidence version you used."',
            "type: dataset",
            f"title: {json.dumps(title, ensure_ascii=False)}",
            "authors:",
            '  - name: "The maintainers of the review"',
            'version: "0.1.0"',
            "license: [MIT, CC-BY-4.0]",
            "",
        ]
    )
    package = json.loads((root / "data" / "datapackage.json").read_text("utf-8"))
    package |= {"name": _name(title), "title": f"Evidence of the review: {title}"}
    files = {
        target / "CITATION.cff": citation,
        target / "data" / "datapackage.json": json.dumps(package, indent=2, ensure_ascii=False) + "\n",
        target / "tests" / "test_review.py": _TESTS,
    }
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8", newline="")
    return list(files)


def _name(title: str) -> str:
    """Return a title as a name for files and feeds."""
    return re.sub("[^a-z0-9]+", "-", title.lower()).strip("-") or "living-review"


def _cited() -> str:
    """Return the entries of the standards that the generated methods text names."""
    from analysis.report.references import BIBLIOGRAPHY
    from analysis.review.methods import METHOD_REFERENCES

    text = BIBLIOGRAPHY[0].read_text("utf-8")
    entries = re.findall(r"(?ms)^@\w+\{([^,\s]+),.*?^\}\n", text)
    blocks = re.findall(r"(?ms)^@\w+\{[^,\s]+,.*?^\}\n", text)
    wanted = set(METHOD_REFERENCES.values())
    return "\n".join(block for key, block in zip(entries, blocks, strict=True) if key in wanted)


def _notebook(*cells: tuple[str, str | None]) -> str:
    made = []
    for place, (prose, code) in enumerate(cells, start=1):
        text = prose if code is None else code
        cell: dict[str, object] = {
            "cell_type": "markdown" if code is None else "code",
            "id": f"cell-{place:02d}",
            "metadata": {} if code is None else {"tags": ["hide-input"]},
            "source": text.splitlines(keepends=True),
        }
        if code is not None:
            cell |= {"execution_count": None, "outputs": []}
        made.append(cell)
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook = {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Copy the review and say what to do next."""
    parser = argparse.ArgumentParser(prog="python -m analysis.site.new_review", description=__doc__)
    parser.add_argument("directory", type=Path, help="folder for the new review")
    parser.add_argument("--title", default="A new living systematic review")
    parser.add_argument("--cut-off", type=date.fromisoformat, default=date.today(), metavar="DATE")
    chosen = parser.parse_args(arguments)
    try:
        copy_review(chosen.directory, chosen.title, chosen.cut_off)
    except FileExistsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(_NEXT.format(place=chosen.directory))
    return 0


if __name__ == "__main__":
    sys.exit(main())
