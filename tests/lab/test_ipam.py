"""What gives addresses to networks on real nodes: the daemon of the plugin `dhcp`, with a DHCP server on their link.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lab import prepare
from lab.images import BUSYBOX
from lab.node import Node
from lab.waiting import until
from multus import dhcp_daemon
from multus.network_needs import DHCP_SOCKET
from tests.support.lab.breakages import WITH_DHCP, tried
from tests.support.lab.cells import Cell
from tests.support.lab.changes import configure, failed, identities
from tests.support.lab.churn import churn
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.dhcp_server import DhcpServer, dhcp_server
from tests.support.lab.leftovers import Trees
from tests.support.lab.node_images import load, with_shell
from tests.support.lab.patient import Patient
from tests.support.lab.pods import as_json

CELL = Cell("k3s", 2)
PODS = {"leased-1": "lab-1", "leased-2": "lab-2"}
# Its own command line says it with a backslash.
KILL = r"""for each in /proc/[0-9]*; do
    case $(tr '\0' ' ' <"$each/cmdline") in */dhcp\ daemon*) kill -9 "${each##*/}" ;; esac
done"""


@dataclass(frozen=True)
class Served:
    """A cluster on whose link a DHCP server answers.

    Attributes:
        lab: the cluster, whose nodes have an image with the plugin.
        server: the DHCP server.
        image: the image.
        before: every node's files before the install.
    """

    lab: Lab
    server: DhcpServer
    image: str
    before: Trees

    @property
    def addresses(self) -> dict[str, str]:
        """What each pod has on its second interface."""
        return {name: self.lab.pods.address(name, "net1") for name in PODS}

    def daemons(self) -> dict[str, tuple[str, int]]:
        """The pod of the daemon on each node, with how often its container was started anew."""
        found = as_json(
            self.lab.pods.core.list_namespaced_pod, "kube-system", label_selector=f"name={dhcp_daemon.NAME}"
        )["items"]
        return {
            pod["spec"]["nodeName"]: (pod["metadata"]["name"], status["restartCount"])
            for pod in found
            for status in pod["status"].get("containerStatuses", ())
        }

    def await_daemons(self) -> None:
        until(lambda: self.lab.pods.is_rolled_out(dhcp_daemon.NAME), "the daemon runs on every node", every=0.5)


@pytest.fixture(scope="module")
def served(clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    lab = clusters.lab(CELL)
    lab.exercise_plain_pods()
    plugin = {"/opt/cni/bin/dhcp": prepare.program("dhcp")}
    tools = ("sh", "cp", "chmod", "ln", "rm", "sed", "awk", "base64", "grep", "tr", "timeout", "sleep")
    image = load(with_shell("example.org/cni-dhcp:1", lab.cluster, plugin, *tools), lab.cluster.nodes)
    before = lab.trees()
    with dhcp_server(lab.cluster, tmp_path_factory.mktemp("udhcpd")) as server:
        yield Served(lab, server, image, before)


def has_socket(node: Node) -> bool:
    return node.run(["test", "-S", DHCP_SOCKET], check=False).returncode == 0


def test_a_node_without_the_plugin_is_refused_before_anything_changes(served: Served) -> None:
    configure(served.lab.stack, dhcpDaemon={"image": BUSYBOX})
    failed(served.lab.stack.up(), "data/cni/dhcp", "add dhcp to referencePlugins")
    assert not served.lab.pods.of_multus()
    assert not served.daemons()


def test_a_missing_daemon_is_named_and_comes_by_what_is_printed(
    served: Served, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lab = served.lab
    configure(lab.stack, dhcpDaemon=None, referencePlugins={"names": ["dhcp"], "image": served.image})
    succeeded(lab.stack.up())
    lab.pods.create_network()
    patient = Patient(lab, tmp_path_factory.mktemp("bin"))
    for breakage in WITH_DHCP:
        tried(patient, breakage)
    served.await_daemons()
    assert set(served.daemons()) == {node.name for node in lab.cluster.nodes}


def test_pods_of_two_nodes_get_leases_that_are_renewed(served: Served) -> None:
    for name, node in PODS.items():
        served.lab.pods.create(name, node=node, network="office")
        served.lab.pods.await_reply(name, served.server.address, "-I", "net1")
    addresses = served.addresses
    assert len(set(addresses.values())) == len(PODS)
    until(lambda: set(addresses.values()) <= set(served.server.leases()), "the server has written both down")
    served.server.await_renewed(*addresses.values())
    assert served.addresses == addresses


def test_a_daemon_that_is_killed_comes_back_and_renews(served: Served) -> None:
    """The socket that it leaves is no obstacle, and what it knew is found on the node."""
    addresses, first = served.addresses, served.lab.cluster.nodes[0]
    _, restarts = served.daemons()[first.name]
    first.run(["sh", "-c", KILL])
    until(lambda: served.daemons()[first.name][1] == restarts + 1, "the container is started anew", every=0.25)
    served.server.await_renewed(*addresses.values())
    assert served.addresses == addresses


def test_a_daemon_that_is_replaced_renews(served: Served) -> None:
    addresses, second = served.addresses, served.lab.cluster.nodes[1]
    name, _ = served.daemons()[second.name]
    served.lab.pods.core.delete_namespaced_pod(name, "kube-system")
    until(lambda: served.daemons().get(second.name, (name, 0))[0] != name, "another pod is there", every=0.25)
    served.await_daemons()
    served.server.await_renewed(*addresses.values())
    assert served.addresses == addresses


def test_a_lease_is_given_back_when_its_pod_ends(served: Served) -> None:
    """Also by a daemon that did not get it: half of its time at least is left after every renewal."""
    addresses = served.addresses
    served.lab.pods.delete(*PODS)

    until(lambda: not set(addresses.values()) & served.server.held(), "both addresses are free", 5, every=0.25)


def test_nothing_changes_by_itself(served: Served) -> None:
    made = identities(served.lab.pods)
    with churn(served.lab.cluster, ["lab-1"]):
        succeeded(served.lab.stack.up("--expect-no-changes"))
    assert identities(served.lab.pods) == made


def test_without_the_argument_it_goes_and_takes_its_socket_along(served: Served) -> None:
    assert all(has_socket(node) for node in served.lab.cluster.nodes)
    configure(served.lab.stack, dhcpDaemon=None)
    succeeded(served.lab.stack.up())
    until(lambda: not served.daemons(), "no pod of it is left", every=0.25)
    assert not any(has_socket(node) for node in served.lab.cluster.nodes)


def test_a_destroy_leaves_nothing(served: Served) -> None:
    lab = served.lab
    configure(lab.stack, dhcpDaemon={})
    succeeded(lab.stack.up())
    succeeded(lab.stack.destroy())
    lab.assert_files_are(served.before)
    for node in lab.cluster.nodes:
        assert node.run(["ls", "/run/cni"], check=False).returncode != 0
