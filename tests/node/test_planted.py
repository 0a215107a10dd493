"""What another user has laid at a path that root writes: no link is followed, and a directory of his is refused."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from multus.node_program import STATE_DIR, program_text, taking
from tests.support.planted import ANOTHER, DIRECTORIES, LINKS, Lay, Plant
from tests.support.scratch_node import BIN_DIR, Node

Make = Callable[[Path], None]


@pytest.fixture
def plant(node: Node, tmp_path: Path) -> Plant:
    """A plant, and CNI directories that belong to another user, as kubespray's do."""
    for directory in (node.conf, node.at(BIN_DIR)):
        os.chown(directory, ANOTHER, ANOTHER)
    return Plant(tmp_path)


@LINKS
@pytest.mark.parametrize("name", ["multus.kubeconfig", "multus.kubeconfig.new", ".multus-install.tmp"])
def test_the_kubeconfig_is_written_into_no_file_that_was_laid_there(
    node: Node, plant: Plant, lay: Lay, name: str
) -> None:
    node.kubeconfig.parent.mkdir(mode=0o700)
    lay(plant, node.kubeconfig.with_name(name))
    result = node.provision()
    assert result.ok, result.err
    assert plant.is_untouched()
    assert node.kubeconfig.read_text(encoding="utf-8") == node.content
    assert node.tree()["etc/cni/net.d/multus.d/multus.kubeconfig"][:2] == ("-rw-------", 0)
    assert [each.name for each in node.kubeconfig.parent.iterdir()] == ["multus.kubeconfig"]


@DIRECTORIES
def test_the_kubeconfig_goes_into_no_directory_of_another(node: Node, make: Make) -> None:
    make(node.kubeconfig.parent)
    before = node.tree()
    result = node.provision()
    assert not result.ok
    where = node.kubeconfig.parent
    assert (
        f"error: {where}: is a link, or others than root may write there; look at who made it, and remove" in result.err
    )
    state = STATE_DIR.removeprefix("/")
    assert {path: each for path, each in node.tree().items() if not path.startswith(state)} == before
    assert not (node.state / "marker").exists()


def test_a_kubeconfig_that_was_opened_to_everybody_is_closed(node: Node, tmp_path: Path) -> None:
    """Who has had a link to the old one has no link to the new one."""
    assert node.provision().ok
    node.kubeconfig.chmod(0o644)
    kept = tmp_path / "kept"
    kept.hardlink_to(node.kubeconfig)
    node.api.token += "x"
    assert node.provision().ok
    assert node.tree()["etc/cni/net.d/multus.d/multus.kubeconfig"][:2] == ("-rw-------", 0)
    assert node.api.token not in kept.read_text(encoding="utf-8")


@DIRECTORIES
def test_the_program_goes_into_no_directory_of_another(node: Node, make: Make) -> None:
    make(node.state)
    before = node.tree()
    text = taking(f"frget --root {node.root}").replace(STATE_DIR, str(node.state))
    done = subprocess.run(
        [*node.shell, "-c", text],
        input=program_text(),
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": node.path},
    )
    assert done.returncode == 1
    assert done.stderr.endswith(f"error: {node.state}: is not root's alone; look at who made it, and remove it\n")
    assert node.tree() == before


@DIRECTORIES
def test_disable_writes_into_no_directory_of_another(node: Node, make: Make) -> None:
    node.pod_installs()
    make(node.state)
    before = node.tree()
    result = node.people("disable")
    assert not result.ok
    assert node.tree() == before


@LINKS
def test_a_configuration_that_comes_back_is_written_into_no_file_that_was_laid_there(
    installed: Node, plant: Plant, lay: Lay
) -> None:
    written = installed.conf / "00-multus.conflist"
    written.unlink()
    lay(plant, installed.conf / ".multus-install.tmp")
    result = installed.verify()
    assert result.ok, result.err
    assert plant.is_untouched()
    assert not written.is_symlink()
    assert written.stat().st_mode & 0o777 == 0o600
    assert written.read_bytes() == (installed.state / "conf" / written.name).read_bytes()


@LINKS
def test_the_standby_is_written_into_no_file_that_was_laid_there(node: Node, plant: Plant, lay: Lay) -> None:
    node.thick_pod_installs()
    lay(plant, node.conf / ".multus-install.tmp")
    result = node.provision(plugin="thick", standby='"confDir":"/etc"')
    assert result.ok, result.err
    assert plant.is_untouched()
    assert not (node.conf / "00-multus.conflist").is_symlink()


@LINKS
@pytest.mark.parametrize("name", ["00-multus.conflist", "00-multus.conf", "00-multus.conf.new"])
def test_a_removal_takes_what_was_laid_there_and_not_what_it_leads_to(
    installed: Node, plant: Plant, lay: Lay, name: str
) -> None:
    (installed.conf / name).unlink(missing_ok=True)
    lay(plant, installed.conf / name)
    installed.api.marker_is_there = False
    assert installed.disarm().ok
    assert installed.clean().ok
    assert plant.is_untouched()
    assert sorted(each.name for each in installed.conf.iterdir()) == ["10-flannel.conflist"]
