"""Networks of a program beside its install: what the listed nodes lack for one is told before there is a network.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import Any

import pytest
from kubernetes import client

from lab.engine import Stack
from lab.programs import Programs
from tests.support.lab.cells import Cell
from tests.support.lab.changes import failed
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.paths import ROOT

CELL = Cell("k3s")
_NETWORK = """\
import json
from multus import MultusNetwork

for name, given in json.loads(Path("networks.json").read_text()).items():
    MultusNetwork(name, given, pulumi.ResourceOptions(provider=provider), multus=multus)
"""


@dataclass(frozen=True)
class Networked:
    """A cluster, and a program that has networks beside its install."""

    lab: Lab
    stack: Stack

    def write(self, **networks: Any) -> None:
        """The networks that the program has from now on."""
        (self.stack.program / "networks.json").write_text(json.dumps(networks))

    def definitions(self) -> list[str]:
        """The networks of the cluster."""
        objects = client.CustomObjectsApi(self.lab.pods.api)
        found = objects.list_namespaced_custom_object(
            "k8s.cni.cncf.io", "v1", "default", "network-attachment-definitions"
        )
        return [each["metadata"]["name"] for each in found["items"]]


@pytest.fixture(scope="module")
def networked(clusters: Clusters, programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Networked:
    lab = clusters.lab(CELL)
    folder = tmp_path_factory.mktemp("program")
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    for name in ("stacks", ".venv"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "__main__.py").write_text((ROOT / "__main__.py").read_text() + _NETWORK)
    return Networked(lab, Stack(lab.cluster, programs, program=folder))


def on_link(master: str, **ipam: Any) -> dict[str, Any]:
    return {"macvlan": {"master": master}, "ipam": ipam}


def test_a_link_that_is_not_there_stops_the_network_and_nothing_else(networked: Networked) -> None:
    [node] = networked.lab.cluster.nodes
    networked.write(lan=on_link("eth9", dhcp={}), wide={**on_link("eth0"), "mtu": 65000})
    said = failed(
        networked.stack.up(),
        "macvlan.master: is eth9, which this node does not have; write a link that it has:",
        "/data/cni/dhcp: the plugin that a network needs is not there",
        "/run/cni/dhcp.sock: there is no socket",
        "mtu: is 65000, and eth0 has 1500",
    )
    assert "eth0" in said.partition("that it has:")[2].partition("\n")[0].split(".")[0].split()
    assert networked.definitions() == []
    networked.lab.pods.create("plain", node=node.name)
    networked.lab.pods.delete("plain")


def test_with_a_link_that_is_there_pods_have_the_network(networked: Networked) -> None:
    [node] = networked.lab.cluster.nodes
    networked.write(lan=on_link("eth0", host_local={"ranges": [{"subnet": "10.98.0.0/24"}]}))
    succeeded(networked.stack.up())
    assert networked.definitions() == ["lan"]
    networked.lab.pods.create("web", node=node.name, network="lan")
    assert networked.lab.pods.address("web", "net1").startswith("10.98.0.")


def test_a_change_that_does_not_fit_moves_nothing(networked: Networked) -> None:
    networked.write(lan=on_link("eth9", host_local={"ranges": [{"subnet": "10.98.0.0/24"}]}))
    failed(networked.stack.up(), "macvlan.master: is eth9, which this node does not have")
    assert networked.definitions() == ["lan"]
    networked.lab.pods.delete("web")
    succeeded(networked.stack.destroy())
