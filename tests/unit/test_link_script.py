"""How thick's daemon comes to the default network's file alone."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from multus import objects, resolve
from multus.multus_conf import DEFAULT_NETWORK_DIR
from tests.support.arguments import k3s


def link(tmp_path: Path, *files: str, **conf: Any) -> tuple[int, list[str]]:
    """Run the script that the plan yields over a directory with these files; what is linked afterwards."""
    conf_dir, links = tmp_path / "net.d", tmp_path / "default"
    for directory in (conf_dir, links):
        directory.mkdir()
    for file in files:
        (conf_dir / file).touch()
    (links / "05-stale.conf").symlink_to("/nowhere")
    plan = resolve(k3s(plugin="thick", cni_conf_dir=str(conf_dir), conf=conf))
    containers = objects.daemon_set(plan, "h", "1")["spec"]["template"]["spec"]["initContainers"]
    (command,) = [each["command"] for each in containers if each["name"] == "link-default-network"]
    assert command[-1] == DEFAULT_NETWORK_DIR
    done = subprocess.run([*command[:-1], str(links)], check=False)
    return done.returncode, [Path(each.readlink()).name for each in links.iterdir()]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (("00-multus.conf", "10-flannel.conflist", "20-other.conf"), "10-flannel.conflist"),
        (("00-multus.conflist", "05-readme.txt", "10-calico.conflist"), "10-calico.conflist"),
        (("B.conf", "a.conf"), "B.conf"),
    ],
    ids=["first", "not-a-conf", "order-of-bytes"],
)
def test_the_first_file_that_is_not_multus_own_is_linked(tmp_path: Path, files: tuple[str, ...], expected: str) -> None:
    assert link(tmp_path, *files) == (0, [expected])


def test_a_named_file_is_linked(tmp_path: Path) -> None:
    found = link(tmp_path, "05-cilium.conflist", "10-flannel.conflist", master_conf="10-flannel.conflist")
    assert found == (0, ["10-flannel.conflist"])


@pytest.mark.parametrize("conf", [{}, {"master_conf": "10-flannel.conflist"}], ids=["any", "named"])
def test_without_a_default_network_the_pod_waits(tmp_path: Path, conf: dict[str, str]) -> None:
    assert link(tmp_path, "00-multus.conf", **conf) == (1, [])
