"""The copying of reference plugins, as the init container runs it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from multus import objects, resolve
from multus.multus_conf import POD_BIN_DIR
from tests.support.arguments import k3s
from tests.support.planted import LINKS, Lay, Plant


def copy(source: Path, bin_dir: Path, *names: str) -> subprocess.CompletedProcess[str]:
    """Run the script that the plan yields, with the two directories at other places."""
    plan = resolve(k3s(reference_plugins={"names": names, "image": "r.example/plugins:1", "directory": str(source)}))
    (container,) = objects.daemon_set(plan, "h", "1")["spec"]["template"]["spec"]["initContainers"]
    assert container["image"] == "r.example/plugins:1"
    assert POD_BIN_DIR in container["command"]
    command = [str(bin_dir) if word == POD_BIN_DIR else word for word in container["command"]]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def directories(tmp_path: Path) -> tuple[Path, Path]:
    source, bin_dir = tmp_path / "source", tmp_path / "bin"
    source.mkdir()
    bin_dir.mkdir()
    for name in ("macvlan", "dhcp"):
        (source / name).write_text(f"new {name}")
    return source, bin_dir


def test_missing_plugins_are_copied_and_can_be_run(tmp_path: Path) -> None:
    source, bin_dir = directories(tmp_path)
    assert copy(source, bin_dir, "macvlan", "dhcp").returncode == 0
    assert {file.name: file.read_text() for file in bin_dir.iterdir()} == {"macvlan": "new macvlan", "dhcp": "new dhcp"}
    assert all(file.stat().st_mode & 0o777 == 0o755 for file in bin_dir.iterdir())


def test_what_is_there_stays(tmp_path: Path) -> None:
    """k3s' plugins are links that lead nowhere in this pod."""
    source, bin_dir = directories(tmp_path)
    (bin_dir / "macvlan").write_text("the distribution's")
    (bin_dir / "dhcp").symlink_to("/nowhere/dhcp")
    assert copy(source, bin_dir, "macvlan", "dhcp").returncode == 0
    assert (bin_dir / "macvlan").read_text() == "the distribution's"
    assert (bin_dir / "dhcp").is_symlink()


@LINKS
def test_nothing_is_written_into_a_file_that_was_laid_there(tmp_path: Path, lay: Lay) -> None:
    source, bin_dir = directories(tmp_path)
    plant = Plant(tmp_path)
    lay(plant, bin_dir / ".macvlan.multus-install")
    assert copy(source, bin_dir, "macvlan").returncode == 0
    assert plant.is_untouched()
    assert {file.name: file.read_text() for file in bin_dir.iterdir()} == {"macvlan": "new macvlan"}


def test_a_plugin_that_the_image_lacks_fails(tmp_path: Path) -> None:
    source, bin_dir = directories(tmp_path)
    done = copy(source, bin_dir, "sriov")
    assert done.returncode != 0
    assert "sriov" in done.stderr
    assert not list(bin_dir.iterdir())


def test_a_killed_copy_is_repeated(tmp_path: Path) -> None:
    source, bin_dir = directories(tmp_path)
    (bin_dir / ".macvlan.multus-install").write_text("half")
    assert copy(source, bin_dir, "macvlan").returncode == 0
    assert [file.name for file in bin_dir.iterdir()] == ["macvlan"]
