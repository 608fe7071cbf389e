"""A release: site, data, results, where they came from, and a checksum of each file, the same each time.

Nothing here asks a service: identifiers of the source are the hashes that git keeps, written as SWHIDs.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.results import Result

if TYPE_CHECKING:
    from analysis.evidence.tables import Evidence
    from analysis.living.ledger import Ledger

__all__ = ["Release", "ReleaseFault", "commit_time", "content_swhid", "deterministic_tar", "make_release"]

#: Left out of the archive of the site: not pages, and different in each build.
_NOT_SITE = (".buildinfo", ".doctrees")
#: Files of the repository that go along.
_BESIDE = ("LICENSE", "LICENSE-DATA", "CITATION.cff")
_SUMS = "SHA256SUMS"


class ReleaseFault(ValueError):
    """Raised when a release cannot be made; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Release(Result):
    """The files of a release with their checksums, and what was skipped and why."""

    version: str
    folder: Path
    checksums: dict[str, str]
    skipped: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One row a file."""
        return [{"file": name, "sha256": value} for name, value in self.checksums.items()]


def make_release(
    evidence: Evidence,
    ledger: Ledger,
    version: str,
    root: Path,
    *,
    site: Path,
    dist: Path,
    pdf: Callable[[Path, Path], str] | None = None,
) -> Release:
    """Write a release of the newest version into its own folder.

    Parameters
    ----------
    evidence, ledger
        The evidence, and the records behind it.
    version
        The version to release, which must be the newest.
    root
        The repository.
    site
        The built site.
    dist
        Folder that receives the folder of the release.
    pdf
        Writes the report as PDF; returns blank, or a plain reason why it did not.

    Raises
    ------
    ReleaseFault
        When the version is not the newest, the site is missing or of other data, or the repository has
        changes that no commit holds.
    """
    _check(evidence, ledger, version, root, site)
    name = f"{evidence.protocol.name}-{version}"
    when = commit_time(root)
    folder = dist / f".{name}.part"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        skipped = _fill(folder, name, evidence, ledger, version, root, site, when, pdf)
        whole = dist / name
        shutil.rmtree(whole, ignore_errors=True)
        folder.rename(whole)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sums = {path.name: _sha256(path.read_bytes()) for path in sorted(whole.iterdir())}
    sums.pop(_SUMS)
    return Release(version, whole, sums, tuple(skipped))


def _fill(
    folder: Path,
    name: str,
    evidence: Evidence,
    ledger: Ledger,
    version: str,
    root: Path,
    site: Path,
    when: int,
    pdf: Callable[[Path, Path], str] | None,
) -> list[str]:
    """Write every file of a release and return what was skipped, with its reason."""
    parts = {
        f"{name}-html.tar.gz": deterministic_tar(site, f"{name}-html", when, skip=_NOT_SITE),
        f"{name}-data.tar.gz": deterministic_tar(root / "data", f"{name}-data", when),
        "results.json": (site / "results.json").read_bytes(),
        "results.schema.json": (site / "results.schema.json").read_bytes(),
    }
    parts |= {file: (root / file).read_bytes() for file in _BESIDE}
    for file, content in parts.items():
        (folder / file).write_bytes(content)
    skipped = []
    reason = pdf(site, folder / f"{name}.pdf") if pdf else "No program for PDF was asked."
    if reason:
        skipped.append(f"{name}.pdf: {reason}")
    _write_json(folder / "provenance.json", _provenance(evidence, ledger, version, root, when))
    _write_json(folder / "ro-crate-metadata.json", _crate(evidence, version, folder, when))
    sums = {path.name: _sha256(path.read_bytes()) for path in sorted(folder.iterdir())}
    text = "".join(f"{value}  {file}\n" for file, value in sums.items())
    (folder / _SUMS).write_text(text, "utf-8")
    return skipped


def commit_time(root: Path) -> int:
    """Return the time of the commit in seconds, which stands for the time of the release."""
    return int(_git(root, "log", "-1", "--format=%ct"))


def deterministic_tar(source: Path, name: str, when: int, skip: Iterable[str] = ()) -> bytes:
    """Pack a folder so that equal files give equal bytes: sorted, one time, one owner, no name of a file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(source.rglob("*"), key=lambda item: item.relative_to(source).as_posix()):
            inside = path.relative_to(source)
            if not path.is_file() or any(part in skip for part in inside.parts):
                continue
            content = path.read_bytes()
            entry = tarfile.TarInfo(f"{name}/{inside.as_posix()}")
            entry.size, entry.mtime, entry.mode = len(content), when, 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(out.getvalue(), compresslevel=6, mtime=0)


def content_swhid(content: bytes) -> str:
    """Return the SWHID of a file's content, which is its git object hash.

    Examples
    --------
    >>> content_swhid(b"")
    'swh:1:cnt:e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    header = f"blob {len(content)}\0".encode()
    return f"swh:1:cnt:{hashlib.sha1(header + content, usedforsecurity=False).hexdigest()}"


def _check(evidence: Evidence, ledger: Ledger, version: str, root: Path, site: Path) -> None:
    newest = evidence.versions[-1].id
    if version != newest:
        raise ReleaseFault(f"version {version!r} is not the newest; data/versions.csv ends with {newest}")
    feed = site / "results.json"
    if not feed.is_file():
        raise ReleaseFault(f"the site is not built: there is no {feed}; run 'make book'")
    built = json.loads(feed.read_text("utf-8"))
    marks = built.get("data_hash"), built.get("ledger", {}).get("hash")
    if marks != (evidence.data_hash, ledger.content_hash):
        raise ReleaseFault("the site was built from other data; run 'make book'")
    for file in (*_BESIDE, "requirements.txt"):
        if not (root / file).is_file():
            raise ReleaseFault(f"there is no {root / file}; a release carries it")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    if changed:
        raise ReleaseFault(f"changes are not committed:\n{changed}")


def _provenance(evidence: Evidence, ledger: Ledger, version: str, root: Path, when: int) -> dict[str, Any]:
    lock = (root / "requirements.txt").read_bytes()
    commit, tree = _git(root, "rev-parse", "HEAD"), _git(root, "rev-parse", "HEAD^{tree}")
    return {
        "version": version,
        "made": _iso(when),
        "commit": commit,
        "source_date_epoch": when,
        "data_hash": evidence.data_hash,
        "ledger": {"records": len(ledger.records), "hash": ledger.content_hash},
        "lock_sha256": _sha256(lock),
        "packages": dict(
            sorted(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", lock.decode("utf-8"), re.MULTILINE))
        ),
        "swhids": {
            "revision": f"swh:1:rev:{commit}",
            "directory": f"swh:1:dir:{tree}",
            "data": f"swh:1:dir:{_git(root, 'rev-parse', 'HEAD:data')}",
            **{
                f"data/{path.name}": content_swhid(path.read_bytes())
                for path in sorted((root / "data").glob("*.csv"))
            },
        },
        "evidence_versions": [
            {"id": item.id, "cut_off": str(item.cut_off), "trigger": item.trigger}
            for item in evidence.versions
        ],
    }


def _crate(evidence: Evidence, version: str, folder: Path, when: int) -> dict[str, Any]:
    """RO-Crate 1.1: the folder, its files with size and kind, licences and the software behind them."""
    files = sorted(path for path in folder.iterdir() if path.name != "ro-crate-metadata.json")
    licences = {
        "https://spdx.org/licenses/MIT": "MIT licence",
        "https://creativecommons.org/licenses/by/4.0/": "Creative Commons Attribution 4.0",
    }
    graph: list[dict[str, Any]] = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            "about": {"@id": "./"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": f"{evidence.protocol.full_title}, version {version}",
            "description": (
                "Site, study-level data and pooled results of a living systematic review. Pooled single-arm "
                "rates describe treated patients; they are not effects of treatment."
            ),
            "version": version,
            "datePublished": _iso(when)[:10],
            "license": {"@id": "https://creativecommons.org/licenses/by/4.0/"},
            "author": {"@id": "#maintainers"},
            "hasPart": [{"@id": path.name} for path in files],
            "mentions": {"@id": "#build"},
        },
        {"@id": "#maintainers", "@type": "Organization", "name": evidence.protocol.maintainers},
        {
            "@id": "#software",
            "@type": "SoftwareSourceCode",
            "name": "analysis",
            "programmingLanguage": "Python",
            "license": {"@id": "https://spdx.org/licenses/MIT"},
        },
        {
            "@id": "#build",
            "@type": "CreateAction",
            "name": "Build of the release from the data",
            "endTime": _iso(when),
            "instrument": {"@id": "#software"},
            "object": [{"@id": path.name} for path in files if path.name.endswith("-data.tar.gz")],
            "result": [{"@id": path.name} for path in files if not path.name.endswith("-data.tar.gz")],
        },
        *({"@id": address, "@type": "CreativeWork", "name": text} for address, text in licences.items()),
        *(
            {
                "@id": path.name,
                "@type": "File",
                "name": _FILE_NAMES.get(_kind(path.name, version), path.name),
                "contentSize": str(path.stat().st_size),
                "encodingFormat": _FORMATS.get(path.name.rsplit(".", 1)[-1], "text/plain"),
                "sha256": _sha256(path.read_bytes()),
            }
            for path in files
        ),
    ]
    return {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}


_FORMATS = {"gz": "application/gzip", "json": "application/json", "pdf": "application/pdf"}
_FILE_NAMES = {
    "html.tar.gz": "The site",
    "data.tar.gz": "The evidence tables and the protocol",
    "results.json": "Every estimate",
    "results.schema.json": "Schema of the estimates",
    "provenance.json": "Where the release came from",
    "pdf": "The report",
}


def _kind(name: str, version: str) -> str:
    return name.split(f"{version}-")[-1] if version in name else name


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _iso(when: int) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise ReleaseFault("git is not installed; a release names its commit") from error
    except subprocess.CalledProcessError as error:
        if "not a git repository" in error.stderr:
            expected = "a release names its commit: run 'git init', 'git add -A' and 'git commit' first"
            raise ReleaseFault(f"{root} is not under git; {expected}") from error
        if "does not have any commits" in error.stderr or "unknown revision" in error.stderr:
            raise ReleaseFault("nothing is committed yet; a release names its commit") from error
        raise ReleaseFault(f"git {arguments[0]} failed: {error.stderr.strip()}") from error
    return done.stdout.strip()
