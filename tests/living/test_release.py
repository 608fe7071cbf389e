"""Releases: equal when repeated, complete, and refused when they would not be what they say."""

import hashlib
import json
import shutil
import subprocess
import tarfile

import pytest

from analysis.evidence.load import DATA
from analysis.living.ledger import load_ledger
from analysis.living.release import (
    ReleaseFault,
    content_swhid,
    deterministic_tar,
    make_release,
)

ROOT = DATA.parent


def _git(root, *arguments):
    done = subprocess.run(
        ["git", "-C", str(root), "-c", "user.name=synthetic", "-c", "user.email=s@example.org",
         "-c", "commit.gpgsign=false", *arguments],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()


def _marks(real):
    return {"data_hash": real.data_hash, "ledger": {"hash": load_ledger().content_hash}}


@pytest.fixture
def repository(tmp_path, real):
    """A small repository with the real data and a synthetic site."""
    root = tmp_path / "repository"
    root.mkdir()
    shutil.copytree(DATA, root / "data")
    for name in ("LICENSE", "LICENSE-DATA", "CITATION.cff", "requirements.txt"):
        shutil.copyfile(ROOT / name, root / name)
    _git(root, "init", "-q")
    _git(root, "add", ".")
    _git(root, "commit", "-q", "-m", "Synthetic", "--date", "2026-12-01T00:00:00+00:00")
    site = tmp_path / "site"
    (site / "book").mkdir(parents=True)
    (site / "book" / "index.html").write_text("<p>Synthetic</p>", "utf-8")
    (site / ".buildinfo").write_text("differs", "utf-8")
    (site / "results.json").write_text(json.dumps(_marks(real)), "utf-8")
    (site / "results.schema.json").write_text("{}", "utf-8")
    return root


def _make(repository, real, dist, **changes):
    options = {"site": repository.parent / "site", "dist": dist} | changes
    version = options.pop("version", "26.0.0")
    return make_release(real, load_ledger(), version, repository, **options)


def test_two_releases_of_a_commit_are_equal(repository, real, tmp_path):
    one = _make(repository, real, tmp_path / "one")
    for path in (tmp_path / "site").rglob("*"):
        path.touch()
    (tmp_path / "site" / ".buildinfo").write_text("differs again", "utf-8")
    other = _make(repository, real, tmp_path / "two")

    assert one.checksums == other.checksums
    assert (one.folder / "SHA256SUMS").read_bytes() == (other.folder / "SHA256SUMS").read_bytes()


def test_a_release_written_again_leaves_nothing_old(repository, real, tmp_path):
    first = _make(repository, real, tmp_path)
    (first.folder / "old.txt").write_text("old", "utf-8")

    assert _make(repository, real, tmp_path).checksums == first.checksums
    assert not (first.folder / "old.txt").exists()


def test_every_file_has_its_checksum(repository, real, tmp_path):
    made = _make(repository, real, tmp_path)
    lines = (made.folder / "SHA256SUMS").read_text("utf-8").splitlines()
    found = {line.split("  ")[1]: line.split("  ")[0] for line in lines}

    assert set(found) == {path.name for path in made.folder.iterdir()} - {"SHA256SUMS"}
    for name, value in found.items():
        assert hashlib.sha256((made.folder / name).read_bytes()).hexdigest() == value


def test_provenance_names_commit_data_and_packages(repository, real, tmp_path):
    made = _make(repository, real, tmp_path)
    found = json.loads((made.folder / "provenance.json").read_text("utf-8"))

    assert found["commit"] == _git(repository, "rev-parse", "HEAD")
    assert found["data_hash"] == real.data_hash
    assert found["ledger"] == {
        "records": len(load_ledger().records),
        "hash": load_ledger().content_hash,
    }
    assert found["packages"]["numpy"]
    assert found["swhids"]["directory"].removeprefix("swh:1:dir:") == _git(
        repository, "rev-parse", "HEAD^{tree}"
    )


def test_the_swhid_of_a_file_is_its_git_hash(repository, real, tmp_path):
    made = _make(repository, real, tmp_path)
    found = json.loads((made.folder / "provenance.json").read_text("utf-8"))["swhids"]
    known = _git(repository, "rev-parse", "HEAD:data/studies.csv")

    assert found["data/studies.csv"] == f"swh:1:cnt:{known}"
    assert content_swhid(b"hello\n") == "swh:1:cnt:ce013625030ba8dba906f756967f9e9ca394464a"


def test_the_crate_names_every_file_and_joins_up(repository, real, tmp_path):
    made = _make(repository, real, tmp_path)
    crate = json.loads((made.folder / "ro-crate-metadata.json").read_text("utf-8"))
    graph = {item["@id"]: item for item in crate["@graph"]}

    assert crate["@context"] == "https://w3id.org/ro/crate/1.1/context"
    assert len(graph) == len(crate["@graph"])
    descriptor = graph["ro-crate-metadata.json"]
    assert descriptor["conformsTo"]["@id"] == "https://w3id.org/ro/crate/1.1"
    root = graph[descriptor["about"]["@id"]]
    assert {"name", "description", "datePublished", "license"} <= set(root)
    parts = {item["@id"] for item in root["hasPart"]}
    files = {path.name for path in made.folder.iterdir()}
    assert parts == files - {"SHA256SUMS", "ro-crate-metadata.json"}

    def references(value):
        if isinstance(value, dict):
            yield from [value["@id"]] if set(value) == {"@id"} else []
            for inner in value.values():
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    outside = {"https://w3id.org/ro/crate/1.1"}
    assert {name for item in crate["@graph"] for name in references(item)} <= set(graph) | outside


def test_the_archive_of_the_data_holds_the_tables(repository, real, tmp_path):
    made = _make(repository, real, tmp_path)
    name = "dmvo-living-review-26.0.0-data"
    with tarfile.open(made.folder / f"{name}.tar.gz") as archive:
        content = archive.extractfile(f"{name}/studies.csv").read()
        times = {member.mtime for member in archive.getmembers()}

    assert content == (DATA / "studies.csv").read_bytes()
    assert times == {int(_git(repository, "log", "-1", "--format=%ct"))}


def test_an_archive_does_not_depend_on_when_and_how_its_files_were_made(tmp_path):
    for place, order in enumerate((["a", "b/c"], ["b/c", "a"])):
        for name in order:
            path = tmp_path / str(place) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name, "utf-8")
            path.chmod(0o600 if place else 0o644)

    packed = [deterministic_tar(tmp_path / str(place), "x", 0) for place in (0, 1)]

    assert packed[0] == packed[1]


def test_a_pdf_that_cannot_be_made_is_skipped_with_its_reason(repository, real, tmp_path):
    made = _make(repository, real, tmp_path, pdf=lambda site, target: "no Chromium is installed")

    assert made.skipped == ("dmvo-living-review-26.0.0.pdf: no Chromium is installed",)


def test_a_pdf_is_part_of_the_release(repository, real, tmp_path):
    def pdf(site, target):
        target.write_bytes(b"%PDF-synthetic")
        return ""

    made = _make(repository, real, tmp_path, pdf=pdf)

    assert made.skipped == ()
    assert "dmvo-living-review-26.0.0.pdf" in made.checksums


@pytest.mark.parametrize("fault", ["version", "no site", "other data", "other ledger", "changes"])
def test_a_release_that_would_not_be_what_it_says_is_refused(repository, real, tmp_path, fault):
    changes, expected = {}, ""
    if fault == "version":
        changes, expected = {"version": "23.0.0"}, "not the newest"
    elif fault == "no site":
        changes, expected = {"site": tmp_path / "nosuch"}, "the site is not built"
    elif fault == "other data":
        (tmp_path / "site" / "results.json").write_text('{"data_hash": "0"}', "utf-8")
        expected = "built from other data"
    elif fault == "other ledger":
        marks = _marks(real) | {"ledger": {"hash": "0"}}
        (tmp_path / "site" / "results.json").write_text(json.dumps(marks), "utf-8")
        expected = "built from other data"
    else:
        (repository / "LICENSE").write_text("changed", "utf-8")
        expected = "changes are not committed"

    with pytest.raises(ReleaseFault, match=expected):
        _make(repository, real, tmp_path / "dist", **changes)

    assert not (tmp_path / "dist").exists()
