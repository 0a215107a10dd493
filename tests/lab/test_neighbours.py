"""An install beside what was there before it: other pods, another stack, upstream's manifest applied by hand.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from kubernetes import client

from lab.commands import run
from lab.engine import Stack
from lab.images import BUSYBOX
from lab.node import Node
from lab.programs import Programs
from lab.waiting import until
from tests.support.lab.cells import Cell
from tests.support.lab.changes import configure, failed, identities
from tests.support.lab.churn import churn
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.leftovers import of_no_sandbox
from tests.support.lab.pods import NETWORK
from tests.support.lab.upstream import (
    apply_upstream,
    forget_results_under_upstreams_name,
    identities_of_upstream,
)

CELL = Cell("k3s-legacy")


@pytest.fixture(scope="module")
def lab(clusters: Clusters) -> Lab:
    lab = clusters.lab(CELL)
    add_static_pod(lab)
    return lab


def add_static_pod(lab: Lab) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "static", "namespace": "default"},
        "spec": {"containers": [{"name": "shell", "image": BUSYBOX, "command": ["sleep", "infinity"]}]},
    }
    place = "cat > /etc/kubernetes/manifests/.static && mv /etc/kubernetes/manifests/.static $0"
    path = "/etc/kubernetes/manifests/static.json"
    lab.cluster.nodes[0].run(["sh", "-c", place, path], input=json.dumps(body))
    until(lambda: "static-lab-1" in lab.pods.names(), "the static pod is known")
    until(lambda: lab.pods.phase("static-lab-1") == "Running", "the static pod runs")


def containers_of_static_pod(lab: Lab) -> list[tuple[str, int]]:
    pod: Any = lab.pods.core.read_namespaced_pod("static-lab-1", "default")
    return [(status.container_id, status.restart_count) for status in pod.status.container_statuses]


def test_install_and_removal_leave_other_pods_alone(lab: Lab) -> None:
    [node] = lab.cluster.nodes
    static = containers_of_static_pod(lab)
    address = lab.pods.address("static-lab-1", "eth0")
    lab.pods.create("elder", node=node.name)
    succeeded(lab.stack.up())
    lab.pods.create_network()
    with churn(lab.cluster):
        lab.pods.create("server", node=node.name, network=NETWORK, host_port=18080)
        until(lambda: served(node).startswith(b"root:"), "the port on the node answers", every=0.5)
    assert lab.pods.address("server", "net1").startswith("10.98.0.")
    lab.pods.delete("server", "elder")
    succeeded(lab.stack.destroy())
    assert containers_of_static_pod(lab) == static
    assert lab.pods.address("static-lab-1", "eth0") == address
    assert of_no_sandbox(node) == []


def served(node: Node) -> bytes:
    """What the pod with a port on the node answers there; nothing while nobody does."""
    try:
        with urllib.request.urlopen(f"http://{node.address}:18080/group", timeout=10) as answer:
            return bytes(answer.read())
    except OSError:
        return b""


def test_a_removal_may_proceed_over_live_attachments(lab: Lab) -> None:
    [node] = lab.cluster.nodes
    succeeded(lab.stack.up())
    lab.pods.create("kept", node=node.name, network=NETWORK)
    failed(lab.stack.destroy(), "default/kept net1", "liveAttachments")
    configure(lab.stack, liveAttachments="proceed")
    succeeded(lab.stack.up())
    succeeded(lab.stack.destroy())
    lab.pods.create("plain", node=node.name)
    lab.pods.delete("plain")
    lab.pods.await_reply("kept", node.address)
    configure(lab.stack, liveAttachments=None)
    succeeded(lab.stack.up())
    lab.pods.delete("kept")
    until(lambda: of_no_sandbox(node) == [], "every address was given back", every=0.5)


def test_a_second_stack_is_refused(lab: Lab, programs: Programs) -> None:
    before = identities(lab.pods)
    second = Stack(lab.cluster, programs, name="second")
    with churn(lab.cluster):
        failed(second.up(), "belongs to multus/lab/multus")
        configure(second, nodes=[])
        failed(second.up(), "already exists")
        succeeded(second.destroy())
        succeeded(lab.stack.up("--expect-no-changes"))
    assert identities(lab.pods) == before
    succeeded(lab.stack.destroy())


def test_upstreams_manifest_is_taken_over_by_one_up(lab: Lab, programs: Programs) -> None:
    [node] = lab.cluster.nodes
    kubectl = [str(programs.path("kubectl")), "--kubeconfig", str(lab.cluster.kubeconfig)]
    apply_upstream(lab)
    lab.pods.create("kept", node=node.name, network=NETWORK)
    before = identities_of_upstream(lab)
    failed(lab.stack.up(), "adopt")
    configure(lab.stack, adopt=True)
    with churn(lab.cluster):
        succeeded(lab.stack.up())
    assert identities_of_upstream(lab) == before
    configure(lab.stack, adopt=None)
    # Fields that only upstream's manifest names stay in a DaemonSet that is taken over; made anew it is ours alone.
    assert pod_spec(lab).init_containers
    with churn(lab.cluster):
        run([*kubectl, "-n", "kube-system", "delete", "daemonset", "kube-multus-ds", "--cascade=orphan"])
        succeeded(lab.stack.up("--refresh"))
        succeeded(lab.stack.up("--expect-no-changes"))
    assert not pod_spec(lab).init_containers
    assert len(pod_spec(lab).volumes) == len(pod_spec(lab, "kube-multus-ds-fallback").volumes)
    assert lab.pods.is_rolled_out("kube-multus-ds")
    lab.pods.delete("kept")
    succeeded(lab.stack.destroy())
    forget_results_under_upstreams_name(lab)
    assert of_no_sandbox(node) == []
    conf_dir = str(lab.cluster.look.conf_dir)
    assert node.run(["ls", conf_dir]).stdout.split() == ["10-flannel.conflist"]


def pod_spec(lab: Lab, daemon_set: str = "kube-multus-ds") -> Any:
    found: Any = client.AppsV1Api(lab.pods.api).read_namespaced_daemon_set(daemon_set, "kube-system")
    return found.spec.template.spec
