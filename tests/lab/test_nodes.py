"""What happens to the nodes of a running install: they join, leave, reboot, are replaced and unplugged, under pods.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

from typing import Any

import pytest

from lab.node import Node
from lab.waiting import until
from tests.support.lab.cells import Cell
from tests.support.lab.changes import IMPATIENT, configure, failed, listed, unplugged
from tests.support.lab.churn import churn
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.leftovers import has_conf
from tests.support.lab.pods import NETWORK

STATE_DIR = "/var/lib/multus-install"

CELL = Cell("k3s", 2)


@pytest.fixture(scope="module")
def lab(clusters: Clusters) -> Lab:
    lab = clusters.lab(CELL)
    configure(lab.stack, ssh=IMPATIENT)
    return lab


def test_an_install_to_begin_with(lab: Lab) -> None:
    succeeded(lab.stack.up())
    lab.pods.create_network()
    lab.pods.create("kept-1", node="lab-1", network=NETWORK)
    lab.pods.create("kept-2", node="lab-2", network=NETWORK)


def test_a_node_that_leaves_the_list_keeps_multus(lab: Lab) -> None:
    configure(lab.stack, nodes=listed(lab.cluster)[:1])
    with churn(lab.cluster):
        succeeded(lab.stack.up())
    assert_served_by_pod_alone(lab, lab.cluster.nodes[1])
    with churn(lab.cluster, ["lab-2"]):
        succeeded(lab.stack.up("--expect-no-changes"))


def test_a_node_that_joins_the_list_keeps_multus(lab: Lab) -> None:
    configure(lab.stack, nodes=listed(lab.cluster))
    with churn(lab.cluster):
        succeeded(lab.stack.up())
    assert_provisioned(lab, lab.cluster.nodes[1])


def test_one_nodes_steps_are_no_target_of_a_destroy(lab: Lab) -> None:
    """The engine stops before anything: whatever is in the cluster depends on the checks of all nodes."""
    with churn(lab.cluster, ["lab-2"]):
        failed(lab.stack.destroy("--target", "**::multus-*-lab-2"), "multus-service-account", "--target-dependents")
        assert_provisioned(lab, lab.cluster.nodes[1])
        succeeded(lab.stack.up("--refresh", "--expect-no-changes"))


def test_a_node_renamed_in_the_list_keeps_multus(lab: Lab) -> None:
    """The same live host under two names: its new steps come first, and its old ones must not take anything away."""
    renamed = listed(lab.cluster)
    renamed[1]["name"] = "edge-2"
    configure(lab.stack, nodes=renamed)
    with churn(lab.cluster):
        succeeded(lab.stack.up())
    configure(lab.stack, nodes=listed(lab.cluster))
    with churn(lab.cluster):
        succeeded(lab.stack.up())
    assert_provisioned(lab, lab.cluster.nodes[1])
    # The label of a node that is not there has made one, which is nobody's.
    lab.pods.core.delete_node("edge-2")


def assert_served_by_pod_alone(lab: Lab, node: Node) -> None:
    lab.pods.await_served_by("kube-multus-ds-fallback", node.name)
    assert node.run(["ls", STATE_DIR], check=False).returncode != 0


def assert_provisioned(lab: Lab, node: Node) -> None:
    lab.pods.await_served_by("kube-multus-ds", node.name)
    assert f"node={node.name}" in node.run(["cat", f"{STATE_DIR}/marker"]).stdout


def test_a_rebooted_node_brings_its_pods_back_whole(lab: Lab) -> None:
    node = lab.cluster.nodes[1]
    before = restarts(lab, "kept-2")
    node.reboot()
    lab.cluster.await_ready()
    until(lambda: restarts(lab, "kept-2") > before, "the pod runs again", every=0.5)
    assert lab.pods.address("kept-2", "net1").startswith("10.98.0.")
    until(lambda: lab.pods.is_rolled_out("kube-multus-ds"), "Multus is back", every=0.5)
    with churn(lab.cluster, [node.name]):
        succeeded(lab.stack.up("--expect-no-changes"))


def restarts(lab: Lab, name: str) -> int:
    """How often the pod's container was started again; -1 while it does not run."""
    pod: Any = lab.pods.core.read_namespaced_pod(name, "default")
    [status] = pod.status.container_statuses or [None]
    return int(status.restart_count) if status and status.state.running else -1


def test_a_machine_replaced_under_the_same_name_is_provisioned_again(lab: Lab) -> None:
    node = lab.cluster.nodes[1]
    lab.pods.delete("kept-2")
    node.wipe()
    node.identify(lab.cluster.control_plane.authority)
    node.start()
    lab.cluster.await_ready()
    # The DaemonSet's own word is still about the machine that was.
    until(lambda: has_conf(node), "the new machine's pod has provisioned it", every=0.5)
    configure(lab.stack, nodes=listed(lab.cluster))
    with churn(lab.cluster):
        succeeded(lab.stack.up())
    assert_provisioned(lab, node)
    lab.pods.create("kept-2", node=node.name, network=NETWORK)


def test_an_unreachable_node_stops_a_destroy_that_can_be_repeated(lab: Lab) -> None:
    first, second = lab.cluster.nodes
    lab.pods.delete("kept-1", "kept-2")
    with unplugged(lab.cluster, second):
        failed(lab.stack.destroy(), "-lab-2", second.address)
        lab.pods.create("plain", node=first.name)
        lab.pods.delete("plain")
    with churn(lab.cluster, ["lab-2"]):
        succeeded(lab.stack.up())
    with churn(lab.cluster):
        succeeded(lab.stack.up("--expect-no-changes"))


def test_a_node_whose_program_was_lost_is_not_left_behind(lab: Lab) -> None:
    second = lab.cluster.nodes[1]
    second.run(["rm", "-rf", STATE_DIR])
    failed(lab.stack.destroy(), "-lab-2", "rotation")
    with churn(lab.cluster, ["lab-2"]):
        configure(lab.stack, rotation="2")
        succeeded(lab.stack.up())


def test_destroy_then_ends_well(lab: Lab) -> None:
    succeeded(lab.stack.destroy())
    for node in lab.cluster.nodes:
        lab.pods.create(f"plain-{node.name}", node=node.name)
        conf_dir = str(lab.cluster.look.conf_dir)
        assert node.run(["ls", conf_dir]).stdout.split() == ["10-flannel.conflist"]
        assert node.run(["ls", STATE_DIR], check=False).returncode != 0
    lab.pods.delete(*(f"plain-{node.name}" for node in lab.cluster.nodes))
    lab.pods.await_no_multus()
