"""Networks of a program beside its install, on nodes that lack their plugins.

What a node lacks is told before there is a network, and an archive brings the plugins.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

import hashlib
import platform
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.engine import Stack
from lab.node import SUDOER
from lab.programs import Programs
from tests.support.lab.cells import Cell
from tests.support.lab.changes import configure, failed, listed
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.leftovers import Trees
from tests.support.paths import WITH_NETWORKS

CELL = Cell("k3s", 2, reference_plugins=False)
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Networked:
    """A cluster, and a program that has networks beside its install.

    Attributes:
        lab: the cluster.
        stack: the program's.
        archive: plugins, packed as their project packs them.
        before: every node's files before the install.
    """

    lab: Lab
    stack: Stack
    archive: Path
    before: Trees

    def write(self, **networks: Any) -> None:
        """The networks that the program has from now on."""
        configure(self.stack, of="networks", all=networks)

    def bring(self, *names: str) -> None:
        """Have the stack bring plugins from the archive."""
        sha256 = hashlib.sha256(self.archive.read_bytes()).hexdigest()
        archives = {ARCHITECTURE[platform.machine()]: {"path": str(self.archive), "sha256": sha256}}
        configure(self.stack, referencePlugins={"names": list(names), "archives": archives})


@pytest.fixture(scope="module")
def networked(clusters: Clusters, programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Networked:
    lab = clusters.lab(CELL)
    lab.exercise_plain_pods()
    archive = tmp_path_factory.mktemp("archive") / "plugins.tgz"
    with tarfile.open(archive, "w:gz") as packed:
        for name in ("macvlan", "static", "portmap"):
            packed.add(programs.path(name), f"./{name}")
    made = Networked(lab, Stack(lab.cluster, programs, program=WITH_NETWORKS), archive, lab.trees())
    # A login that is not root's: SFTP writes what it may write.
    configure(made.stack, nodes=[{**each, "user": SUDOER} for each in listed(lab.cluster)])
    return made


def on_link(master: str, **ipam: Any) -> dict[str, Any]:
    return {"macvlan": {"master": master}, "ipam": ipam}


def addresses(node: str) -> dict[str, Any]:
    return {"ranges": [{"subnet": "10.98.0.0/24"}], "node": node}


def test_what_a_node_lacks_stops_the_network_and_nothing_else(networked: Networked) -> None:
    [first, second] = networked.lab.cluster.nodes
    networked.write(
        lan=on_link("eth9", host_local=addresses(first.name)), wide={**on_link("eth0", dhcp={}), "mtu": 65000}
    )
    said = failed(
        networked.stack.up(),
        "macvlan.master: is eth9, which this node does not have; write a link that it has:",
        "/data/cni/macvlan: the plugin that a network needs is not there",
        "/run/cni/dhcp.sock: there is no socket",
        "mtu: is 65000, and eth0 has 1500",
        f"wide-preflight-{second.name}",
    )
    assert f"lan-preflight-{second.name}" not in said
    assert "eth0" in said.partition("that it has:")[2].partition(".\n")[0].split()
    assert networked.lab.pods.networks() == {}
    networked.lab.pods.create("plain", node=first.name)
    networked.lab.pods.delete("plain")


def test_an_archive_that_lacks_a_plugin_places_none(networked: Networked) -> None:
    networked.bring("macvlan", "dhcp")
    failed(networked.stack.up(), "error: dhcp: is no file in the archive for")
    for node in networked.lab.cluster.nodes:
        assert "macvlan" not in plugins_of(networked, node)


def test_plugins_come_from_the_archive_and_pods_have_the_network(networked: Networked) -> None:
    lab = networked.lab
    links = [link_of_portmap(networked, node) for node in lab.cluster.nodes]
    networked.bring("macvlan", "static", "portmap")
    networked.write(lan=on_link("eth0", host_local=addresses(lab.cluster.nodes[0].name)))
    succeeded(networked.stack.up())
    assert [*networked.lab.pods.networks()] == ["lan"]
    for node in lab.cluster.nodes:
        assert {"macvlan", "static"} <= plugins_of(networked, node)
        assert node.run(["ls", f"/var/lib/{SUDOER}"]).stdout == ""
    # What the distribution ships stays the distribution's.
    assert [link_of_portmap(networked, node) for node in lab.cluster.nodes] == links
    packed = networked.archive.read_bytes()
    assert hashlib.sha256(packed).hexdigest() in networked.stack.export()
    assert len(networked.stack.export()) < len(packed)
    lab.pods.create("web", node=lab.cluster.nodes[0].name, network="lan")
    assert lab.pods.address("web", "net1").startswith("10.98.0.")


def plugins_of(networked: Networked, node: Any) -> set[str]:
    return set(node.run(["ls", networked.lab.cluster.look.bin_dir]).stdout.split())


def link_of_portmap(networked: Networked, node: Any) -> str:
    return str(node.run(["readlink", networked.lab.cluster.look.bin_dir / "portmap"]).stdout)


def test_a_change_that_does_not_fit_moves_nothing(networked: Networked) -> None:
    networked.write(lan=on_link("eth9", host_local=addresses(networked.lab.cluster.nodes[0].name)))
    failed(networked.stack.up(), "macvlan.master: is eth9, which this node does not have")
    assert [*networked.lab.pods.networks()] == ["lan"]


def test_the_removal_takes_what_was_placed(networked: Networked) -> None:
    networked.lab.pods.delete("web")
    succeeded(networked.stack.destroy())
    networked.lab.assert_files_are(networked.before)
