"""The Sphinx extension: pages depend on code and data, and the theme's faults are mended."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from analysis import sphinxext
from analysis.site.inputs import digest
from analysis.sphinxext import mend_markup, setup

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path):
    """A small project with code, data and a lock."""
    for name, text in {
        "analysis/pool.py": "RATE = 1\n",
        "analysis/report/schema.json": "{}\n",
        "data/outcomes.csv": "study,events\na,1\n",
        "requirements.txt": "numpy==1\n",
        "validation/table.csv": "model,difference\n",
        "benchmarks/results.json": "{}\n",
        "imports/runs.csv": "run\n",
        "pyproject.toml": "[project]\n",
        "book/page.md": "# Page\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "analysis/pool.py",
        "analysis/report/schema.json",
        "data/outcomes.csv",
        "requirements.txt",
        "validation/table.csv",
        "benchmarks/results.json",
        "imports/runs.csv",
    ],
)
def test_a_changed_input_changes_the_digest(project, name):
    before = digest(project)
    path = project / name
    old = path.read_text("utf-8")
    path.write_text(old + "\n", "utf-8")
    changed = digest(project)
    path.write_text(old, "utf-8")

    assert changed != before
    assert digest(project) == before


def test_a_renamed_input_changes_the_digest(project):
    before = digest(project)
    (project / "data" / "outcomes.csv").rename(project / "data" / "other.csv")

    assert digest(project) != before


@pytest.mark.parametrize("name", ["book/page.md", "analysis/__pycache__/pool.pyc", "analysis/pool.nbi"])
def test_other_files_do_not_change_the_digest(project, name):
    before = digest(project)
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("something else", "utf-8")

    assert digest(project) == before


def test_old_caches_are_dropped_oldest_first(tmp_path):
    caches = tmp_path / "_build" / ".jupyter_cache"
    for age in range(8):
        folder = caches / f"inputs-{age}"
        folder.mkdir(parents=True)
        os.utime(folder, (1_000_000 - age, 1_000_000 - age))
    app = SimpleNamespace(srcdir=str(tmp_path))
    config = SimpleNamespace()

    sphinxext._point_cache_at_inputs(app, config)

    kept = sorted(path.name for path in caches.iterdir())
    assert kept == ["inputs-0", "inputs-1", "inputs-2"]
    assert Path(config.nb_execution_cache_path) == caches / digest(ROOT)


@pytest.mark.parametrize(
    ("fault", "mended"),
    [
        ("<tr><th></th></tr>", "<tr><td></td></tr>"),
        ('<li role="doc-biblioentry">', "<li>"),
        ('<summary aria-label="Toggle hidden content">', "<summary>"),
        (
            '<button class="btn search-button-field" aria-label="Search">',
            '<button class="btn search-button-field">',
        ),
    ],
)
def test_faults_of_the_theme_are_mended(fault, mended):
    assert mend_markup(fault) == mended
    assert mend_markup(mended) == mended


def test_live_code_scripts_are_left_out():
    scripts = [
        SimpleNamespace(filename="_static/tables.js", attributes={}),
        SimpleNamespace(filename=None, attributes={"body": "const THEBE_JS_URL = 'x'"}),
    ]
    context = {"script_files": scripts}

    sphinxext._drop_thebe(SimpleNamespace(), "page", "page.html", context, None)

    assert context["script_files"] == scripts[:1]


def test_setup_connects_every_hook():
    connected = []
    roles = []
    app = SimpleNamespace(
        connect=lambda event, hook, priority=500: connected.append(event),
        add_role=lambda name, role: roles.append(name),
    )

    assert setup(app)["parallel_read_safe"]
    assert {"config-inited", "html-page-context", "build-finished"} <= set(connected)
    assert roles == ["fig", "tab"]


def test_style_of_the_bibliography_bears_missing_fields():
    from pybtex.database import parse_string
    from pybtex.plugin import find_plugin

    from analysis.sphinxbib import register

    register()
    data = parse_string(
        "@misc{zeta2020, title={Zeta TRIAL}, year={2020}}"
        "@article{alpha2021, author={Alpha, A. and Beta, B.}, title={Title}, journal={J}}",
        "bibtex",
    )
    style = find_plugin("pybtex.style.formatting", "review")()
    plain = find_plugin("pybtex.backends", "plaintext")()
    lines = {item.label: item.text.render(plain) for item in style.format_bibliography(data)}

    assert list(lines) == ["alpha2021", "zeta2020"]
    assert lines["zeta2020"] == "Zeta TRIAL. 2020."
    assert lines["alpha2021"].endswith("Title. J.")


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        pytest.param("journal={J S 2024;16:93}, year={2024}", "Title. J S 2024;16:93.", id="in-journal"),
        pytest.param("journal={J Synth}, year={2024}", "Title. J Synth, 2024.", id="apart"),
        pytest.param("year={2024}, note={of 2023}", "Title. 2024. Of 2023.", id="no-journal"),
        pytest.param("note={undated}", "Title. Undated.", id="no-year"),
    ],
)
def test_a_year_stands_once_in_an_entry(entry, line):
    assert _formatted("@misc{a, title={Title}, " + entry + "}") == [line]


def test_comparisons_in_a_title_have_one_sign():
    assert _formatted("@misc{a, title={NIHSS scores >= 6 and <=6, P->Q}}") == [
        "NIHSS scores ≥ 6 and ≤6, P->Q."
    ]


def test_names_sort_by_letters_without_their_marks():
    names = ("Xing", "Özdemir", "{\\v S}oric", "Ono")
    entries = "".join(f"@misc{{k{at}, author={{{name}, A.}}, title={{T}}}}" for at, name in enumerate(names))

    assert [line.split()[1] for line in _formatted(entries)] == ["Ono.", "Özdemir.", "Šoric.", "Xing."]


def _formatted(text):
    from pybtex.database import parse_string
    from pybtex.plugin import find_plugin

    from analysis.sphinxbib import ReviewStyle

    plain = find_plugin("pybtex.backends", "plaintext")()
    found = ReviewStyle().format_bibliography(parse_string(text, "bibtex"))
    return [item.text.render(plain) for item in found]


@pytest.mark.parametrize(
    ("authors", "line", "cited"),
    [
        pytest.param("Alpha and others", "Alpha et al. Title.", "Alpha et al., 2024", id="one-named"),
        pytest.param(
            "A. Alpha and B. Beta", "A. Alpha and B. Beta. Title.", "Alpha and Beta, 2024", id="two"
        ),
        pytest.param(
            "A. Alpha and B. Beta and others",
            "A. Alpha, B. Beta, et al. Title.",
            "Alpha et al., 2024",
            id="two-named",
        ),
        pytest.param("A. Brothers", "A. Brothers. Title.", "Brothers, 2024", id="a-name-like-it"),
    ],
)
def test_authors_that_are_not_named_are_et_al(authors, line, cited):
    from pybtex.database import parse_string
    from pybtex.plugin import find_plugin
    from sphinxcontrib.bibtex.plugin import find_plugin as find_citation_plugin

    from analysis.sphinxbib import ReviewStyle, register

    register()
    data = parse_string(f"@article{{key, author={{{authors}}}, title={{Title}}, year={{2024}}}}", "bibtex")
    plain = find_plugin("pybtex.backends", "plaintext")()
    (shown,) = ReviewStyle().format_bibliography(data)
    assert shown.text.render(plain).startswith(line)

    style = find_citation_plugin("sphinxcontrib.bibtex.style.referencing", "review")()
    found = style.person.author_or_editor_or_title(full=False).format_data(
        {"entry": data.entries["key"], "style": style}
    )
    assert f"{found.render(plain)}, 2024" == cited


def test_facts_are_kept_beside_the_cache_of_the_same_inputs(tmp_path, monkeypatch):
    calls = []
    from analysis import review

    monkeypatch.setattr(review, "load", lambda: "evidence", raising=False)
    monkeypatch.setattr(
        review, "facts", lambda evidence: calls.append(evidence) or {"version": "1"}, raising=False
    )
    for cache, expected in (("one", 1), ("one", 1), ("two", 2)):
        config = SimpleNamespace(
            nb_execution_cache_path=str(tmp_path / cache), myst_substitutions={"own": "text"}
        )

        sphinxext._hand_facts_to_pages(SimpleNamespace(), config)

        assert config.myst_substitutions == {"own": "text", "version": "1"}
        assert config.release == "1"
        assert len(calls) == expected
