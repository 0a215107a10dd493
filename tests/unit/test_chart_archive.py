"""The chart travels with the package, and what the state says of it is the same everywhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from multus import MultusError
from multus.chart_archive import pack
from tests.support.paths import ROOT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_archive_is_the_chart_under_its_own_version(folder: Path) -> None:
    packed = pack()
    with tarfile.open(folder / packed.path) as archive:
        names = archive.getnames()
        file = archive.extractfile("multus/Chart.yaml")
        assert file is not None
        about = file.read().decode()
    assert f"version: {packed.version}\n" in about
    files = {path.relative_to(ROOT / "charts").as_posix() for path in (ROOT / "charts" / "multus").rglob("*")}
    assert set(names) == {name for name in files if (ROOT / "charts" / name).is_file()}


def test_path_and_version_are_the_same_in_two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for name in ("one", "another"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        packed = pack()
        found.append((packed, packed.path.read_bytes()))
    assert found[0] == found[1]
    assert not found[0][0].path.is_absolute()


def test_packing_again_leaves_the_archive_alone(folder: Path) -> None:
    path = folder / pack().path
    before = path.stat()
    assert folder / pack().path == path
    assert path.stat() == before


def test_a_template_edit_is_another_version(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = pack()
    shutil.copytree(ROOT / "charts" / "multus", folder / "chart")
    (folder / "chart" / "templates" / "crd.yaml").write_text("# nothing\n")
    monkeypatch.setattr("multus.chart_archive.resources.files", lambda _: folder)
    after = pack()
    assert after.version != before.version
    assert after.path != before.path


def test_the_programs_folder_stays_clean_for_git(folder: Path) -> None:
    pack()
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    status = subprocess.run(["git", "status", "--porcelain"], cwd=folder, check=True, capture_output=True, text=True)
    assert status.stdout == ""


def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(folder: Path) -> None:
    (folder / ".multus").write_text("in the way")
    with pytest.raises(MultusError, match=r"cannot be packed into \.multus/ .* make it writable"):
        pack()


def test_a_copy_of_the_repository_brings_its_chart(folder: Path) -> None:
    """As Pulumi delivers a git plugin: the whole repository (sdk 3.259, workspace/plugins.go, gitSource.Download)."""
    for name in ("charts", "components"):
        shutil.copytree(ROOT / name, folder / "plugin" / name, ignore=shutil.ignore_patterns("__pycache__", "venv"))
    program = "from multus.chart_archive import pack; packed = pack(); print(packed.path, packed.version)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={"PYTHONPATH": str(folder / "plugin" / "components"), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    packed = pack()
    assert done.stdout.split() == [str(packed.path), packed.version]
