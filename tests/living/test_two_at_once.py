"""Two commands at once, writes that fail, and the order of files. All records are synthetic."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from analysis.__main__ import main
from analysis.files import WriteError, write_file, write_files
from analysis.living.ledger import load_ledger
from analysis.living.lock import LOCK, Locked, locked

RIS = (
    "TY  - JOUR\nTI  - Synthetic series {n} of team {team}\nAU  - Name{n}, A\nPY  - 2026\nDB  - {team}\n"
    "ER  - \n"
)


@pytest.fixture
def review(tmp_path):
    """Return a copy of the review's data, so that the commands may write."""
    shutil.copytree("data", tmp_path / "data")
    return tmp_path


def _import(review, team):
    return ["import", str(review / f"{team}.ris"), "--searched-on", "2026-11-20", "--data",
            str(review / "data"), "--out", str(review / "out")]  # fmt: skip


def test_imports_at_once_lose_no_record(review):
    teams = ("alpha", "beta", "gamma")
    for team in teams:
        text = "".join(RIS.format(n=n, team=team) for n in range(20))
        (review / f"{team}.ris").write_text(text, encoding="utf-8")
    before = len(load_ledger(review / "data").records)
    with ThreadPoolExecutor(len(teams)) as pool:
        assert list(pool.map(lambda team: main(_import(review, team)), teams)) == [0, 0, 0]
    added = load_ledger(review / "data").records[before:]
    assert len(added) == 60
    assert {row.source for row in added} == set(teams)
    assert not (review / "data" / LOCK).exists()


def test_the_one_that_waits_names_the_holder_and_gives_up_in_a_sentence(tmp_path):
    told = []
    with (
        locked(tmp_path, "import"),
        pytest.raises(Locked, match=rf"import \(process {os.getpid()}.*nothing was written"),
        locked(tmp_path, "screen import", patience=0.1, say=told.append),
    ):
        pass
    assert [text.split(" (")[0] for text in told] == ["waiting for import"]
    with locked(tmp_path, "dedup --settle", patience=0.0):
        pass


def test_a_lock_of_a_dead_process_holds_nobody_up(tmp_path):
    code = (
        "import os, sys; from analysis.living.lock import locked\n"
        "with locked(sys.argv[1], 'import'): os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert (tmp_path / LOCK).is_file()
    with locked(tmp_path, "import", patience=0.0):
        pass


def _full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_leaves_the_old_table_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "records.csv"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(WriteError, match=r"cannot write .*records.csv: no space left") as caught:
        write_file(path, "new")
    assert caught.value.code == 74
    assert [item.read_text() for item in tmp_path.iterdir()] == ["old"]


def test_files_written_together_are_all_old_when_one_cannot_be_renamed(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in "abc"]
    paths[0].write_text("old")
    swap = os.replace

    def failing(part, place):
        if str(place).endswith("c"):
            _full()
        swap(part, place)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(WriteError):
        write_files(dict.fromkeys(paths, "new"))
    assert {item.name: item.read_text() for item in tmp_path.iterdir()} == {"a": "old"}


def test_a_link_and_the_rights_of_a_file_are_kept(tmp_path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "real.csv").chmod(0o600)
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    write_file(tmp_path / "link.csv", "new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"
    assert (tmp_path / "real.csv").stat().st_mode & 0o777 == 0o600


def test_the_lists_of_pairs_are_there_before_the_ledger_changes(review, monkeypatch, capsys):
    text = "".join(RIS.format(n=1, team=team) for team in ("alpha", "alpha"))
    (review / "alpha.ris").write_text(text, encoding="utf-8")
    data = {path: path.read_bytes() for path in (review / "data").iterdir() if path.is_file()}
    (review / "out").write_text("a file where the folder should be")
    assert main(_import(review, "alpha")) == 2
    assert "cannot write" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in (review / "data").iterdir() if path.is_file()} == data
    (review / "out").unlink()
    assert main(_import(review, "alpha")) == 0
    assert sorted(path.name for path in (review / "out").iterdir())


def test_a_second_list_of_the_same_day_does_not_overwrite_the_first(review):
    folders = [review / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        text = "".join(RIS.format(n=folder.name, team="alpha") for _ in range(2))
        (folder / "export.ris").write_text(text, encoding="utf-8")
        call = _import(review, "alpha")
        call[1] = str(folder / "export.ris")
        assert main(call) == 0
    names = sorted(path.name for path in (review / "out").glob("*_check.csv"))
    assert names == ["2026-11-20_export-2_check.csv", "2026-11-20_export_check.csv"]


@pytest.mark.parametrize(
    "call",
    [
        ["import", "none.ris", "--searched-on", "9999-12-31"],
        ["dedup", "README.md", "--out", "README.md"],
        ["screen", "export", "missing/x.csv", "--reviewer", "AA"],
        ["screen", "export", "tests", "--reviewer", "AA"],
        ["screen", "import", "tests", "--reviewer", "AA"],
        ["flow", "--data", "missing"],
        ["dedup", "--settle", "tests", "--by", "AA"],
    ],
    ids=lambda call: " ".join(call[:3]),
)
def test_a_path_that_cannot_be_used_ends_with_two_and_a_sentence(call, capsys):
    assert main(call) == 2
    told = capsys.readouterr().err
    assert told
    assert "internal error" not in told
