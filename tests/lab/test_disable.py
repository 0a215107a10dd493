"""`disable` and `enable` on two nodes, of which SSH steps know one and its pod alone serves the other.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from lab.node import Node
from lab.waiting import until
from multus.pods import PROGRAMS
from tests.support.lab.cells import Cell
from tests.support.lab.changes import answer, configure, failed, listed
from tests.support.lab.churn import churn
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.command_line import answered, multus, of_cluster, of_stack
from tests.support.lab.pods import NETWORK

CELL = Cell("k3s", 2)
NAMESPACE = "kube-system"
# Less would say something about this machine.
SECONDS = 90


@pytest.fixture(scope="module")
def lab(clusters: Clusters) -> Lab:
    lab = clusters.lab(CELL)
    configure(lab.stack, nodes=listed(lab.cluster)[:1])
    succeeded(lab.stack.up())
    lab.pods.create_network()
    for node in lab.cluster.nodes:
        lab.pods.ask(f"kept-{node.name}", node=node.name, network=NETWORK)
    lab.pods.await_running(*(f"kept-{node.name}" for node in lab.cluster.nodes))
    return lab


def pods_start(lab: Lab, *, with_net1: bool) -> dict[str, float]:
    """Pods that ask for a second interface start on every node; how long the slowest took there, in seconds."""
    took = {}
    for node in lab.cluster.nodes:
        began = time.monotonic()
        lab.pods.create(f"try-{node.name}", node=node.name, network=NETWORK)
        took[node.name] = round(time.monotonic() - began, 1)
        assert ("net1" in lab.pods.run(f"try-{node.name}", "ip", "-o", "link")) is with_net1
    lab.pods.delete(*(f"try-{node.name}" for node in lab.cluster.nodes))
    return took


def confs(node: Node) -> list[str]:
    return [name for name in node.run(["ls", str(node.look.conf_dir)]).stdout.split() if name != "multus.d"]


def assert_disabled(lab: Lab) -> None:
    assert [confs(node) for node in lab.cluster.nodes] == [["10-flannel.conflist"]] * 2
    lab.pods.await_no_multus()


def show(what: str, said: dict[str, Any], took: dict[str, float]) -> None:
    each = ", ".join(f"{node['name']} by {node['by']} {node['seconds']} s" for node in said["nodes"])
    measured(f"{what}: {said['seconds']} s ({each}); pods started within {took}")


def measured(sentence: str) -> None:
    print(sentence)  # noqa: T201 # `pytest -s` shows it


def test_disable_while_pods_start(lab: Lab) -> None:
    with churn(lab.cluster, interfaces=["eth0"], at_least=12):
        said = answered(lab, "disable", *of_stack(lab))
    assert {(node["name"], node["by"]) for node in said["nodes"]} == {("lab-1", "ssh"), ("lab-2", "api")}
    assert said["seconds"] < SECONDS
    assert_disabled(lab)
    show("disable", said, pods_start(lab, with_net1=False))
    for node in lab.cluster.nodes:
        assert lab.pods.address(f"kept-{node.name}", "net1").startswith("10.98.0.")
    # While the runtime does not know Multus nobody gives net1 back.
    address = lab.pods.address("kept-lab-1", "net1")
    lab.pods.delete("kept-lab-1")
    assert address in reserved(lab)


def reserved(lab: Lab) -> list[str]:
    """The addresses of the second network that are taken on the first node."""
    names = lab.cluster.nodes[0].run(["ls", f"/var/lib/cni/networks/{NETWORK}"]).stdout.split()
    return [name for name in names if name.startswith("10.")]


def test_it_stays_disabled_whatever_restarts(lab: Lab) -> None:
    again = {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}}}
    undone = {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": None}}}}}
    apps = client.AppsV1Api(lab.pods.api)
    for patch in (again, undone):
        for name in ("kube-multus-ds", "kube-multus-ds-fallback"):
            apps.patch_namespaced_daemon_set(name, NAMESPACE, patch)
    lab.cluster.nodes[0].reboot()
    lab.cluster.await_ready()
    pods_start(lab, with_net1=False)
    assert_disabled(lab)


def test_pulumi_leaves_it_disabled(lab: Lab) -> None:
    succeeded(lab.stack.preview("--expect-no-changes"))
    succeeded(lab.stack.up("--expect-no-changes"))
    succeeded(lab.stack.up("--refresh", "--expect-no-changes"))
    assert_disabled(lab)
    configure(lab.stack, log={"level": "debug"})
    failed(lab.stack.up(), "Multus is disabled", "multus-ops enable", "multus-preflight-lab-1")
    configure(lab.stack, log=None)
    succeeded(lab.stack.up("--expect-no-changes"))
    assert_disabled(lab)


def test_disable_again_changes_nothing(lab: Lab) -> None:
    before, trees, pods = daemon_sets(lab), lab.trees(), lab.pods.names()
    answered(lab, "disable", *of_stack(lab))
    answered(lab, "disable", *of_cluster(lab))
    assert (daemon_sets(lab), lab.trees(), lab.pods.names()) == (before, trees, pods)
    assert_disabled(lab)


def test_enable_while_pods_start(lab: Lab) -> None:
    assert reserved(lab)
    with churn(lab.cluster, interfaces=["eth0"], at_least=12):
        said = answered(lab, "enable", *of_stack(lab))
    assert {(node["name"], node["by"]) for node in said["nodes"]} == {("lab-1", "ssh"), ("lab-2", "api")}
    with churn(lab.cluster):
        show("enable", said, pods_start(lab, with_net1=True))
    until(lambda: not reserved(lab), "the first node holds no address of pods that are gone")
    succeeded(lab.stack.up("--refresh", "--expect-no-changes"))
    answered(lab, "enable", *of_stack(lab))


def test_without_ssh_the_pods_clean_up(lab: Lab) -> None:
    before = daemon_sets(lab)
    with churn(lab.cluster, interfaces=["eth0"]):
        said = answered(lab, "disable", *of_cluster(lab))
    assert {(node["name"], node["by"]) for node in said["nodes"]} == {("lab-1", "api"), ("lab-2", "api")}
    assert_disabled(lab)
    show("disable without SSH", said, pods_start(lab, with_net1=False))
    said = answered(lab, "enable", *of_cluster(lab))
    with churn(lab.cluster):
        show("enable without SSH", said, pods_start(lab, with_net1=True))
    assert daemon_sets(lab) == before
    assert "multus-disable" not in owners(lab), "Helm 4 would stop at its fields"
    succeeded(lab.stack.up("--refresh", "--expect-no-changes"))


def owners(lab: Lab) -> set[str]:
    """Who has set fields of the DaemonSets."""
    found: list[Any] = client.AppsV1Api(lab.pods.api).list_namespaced_daemon_set(NAMESPACE).items
    return {entry.manager for each in found for entry in each.metadata.managed_fields}


def of_nodes_file(lab: Lab, folder: Path) -> list[str]:
    """The options of somebody who has no stack: a kubeconfig, and how the first node is logged in to."""
    [node, _] = lab.cluster.nodes
    key, file = folder / "key", folder / "nodes.json"
    key.write_text(Path(lab.cluster.ssh_key).read_text())
    key.chmod(0o600)
    listed = {"name": node.name, "host": node.address, "hostKey": node.host_key, "privateKeyFile": "key"}
    file.write_text(json.dumps([listed]))
    return [*of_cluster(lab), "--nodes", str(file)]


def test_nodes_of_a_file_are_reached_over_ssh(lab: Lab, tmp_path: Path) -> None:
    options = of_nodes_file(lab, tmp_path)
    report = json.loads(multus(lab, "doctor", "--json", *options).stdout)
    assert report["about"]["installed by"].startswith("Pulumi stack ")
    assert {line["check"]: line["result"] for line in report["checks"]}["00-multus.conf on the hosts"] == "ok"
    with churn(lab.cluster, interfaces=["eth0"]):
        said = answered(lab, "disable", *options)
    assert {(node["name"], node["by"]) for node in said["nodes"]} == {("lab-1", "ssh"), ("lab-2", "api")}
    assert_disabled(lab)
    said = answered(lab, "enable", *options)
    assert {(node["name"], node["by"]) for node in said["nodes"]} == {("lab-1", "ssh"), ("lab-2", "api")}
    with churn(lab.cluster):
        pods_start(lab, with_net1=True)
    succeeded(lab.stack.up("--refresh", "--expect-no-changes"))


def daemon_sets(lab: Lab) -> list[Any]:
    """What the DaemonSets say, and what is written on them and on the nodes."""
    apps = client.AppsV1Api(lab.pods.api)
    found: list[Any] = apps.list_namespaced_daemon_set(NAMESPACE, label_selector="app=multus").items
    spec = [each.spec.to_dict() for each in found]
    ours = [{key for key in each.metadata.annotations or {} if "multus-install" in key} for each in found]
    labels = [{key for key in each if "while-disabled" in key} for each in lab.pods.node_labels()]
    return [spec, ours, labels]


def revoke_the_token(lab: Lab) -> None:
    with revoked(lab):
        lab.pods.core.delete_namespaced_secret("multus-token-1", NAMESPACE)


def delete_the_account(lab: Lab) -> None:
    with revoked(lab):
        lab.pods.core.delete_namespaced_service_account("multus", NAMESPACE)


@contextmanager
def revoked(lab: Lab) -> Iterator[None]:
    """Returns when the API server, which remembers tokens for a while, refuses Multus' own."""
    secret: Any = lab.pods.core.read_namespaced_secret("multus-token-1", NAMESPACE)
    token = base64.b64decode(secret.data["token"]).decode()
    yield
    until(lambda: answer(lab.cluster, token) == 401, "the token is void", every=0.5)


def remove_the_binary(lab: Lab) -> None:
    for node in lab.cluster.nodes[:1]:
        node.run(["rm", str(node.look.bin_dir / "multus")])


def crash_the_pods(lab: Lab) -> None:
    # Another program: what somebody adds to the end of a list is no drift to the Kubernetes provider.
    container = {"name": "kube-multus", "command": [f"{PROGRAMS}/multus"]}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    client.AppsV1Api(lab.pods.api).patch_namespaced_daemon_set("kube-multus-ds", NAMESPACE, patch)
    until(lambda: crashing(lab), "the pod crashes")
    [node, _] = lab.cluster.nodes
    node.run(["rm", str(node.look.conf_dir / "multus.d" / "multus.kubeconfig")])


def crashing(lab: Lab) -> bool:
    found: list[Any] = lab.pods.core.list_namespaced_pod(NAMESPACE, label_selector="name=multus").items
    return any(status.restart_count for pod in found for status in pod.status.container_statuses or ())


@pytest.mark.parametrize(
    ("break_multus", "steps_run"),
    [(revoke_the_token, False), (remove_the_binary, False), (crash_the_pods, False), (delete_the_account, True)],
    ids=["revoke_the_token", "remove_the_binary", "crash_the_pods", "delete_the_account"],
)
def test_a_broken_multus_is_taken_out_of_the_way(lab: Lab, break_multus: Any, steps_run: bool) -> None:
    """On the node that SSH reaches nothing of Multus has to work. `pulumi up` and `enable` then bring it back.

    What is broken on the cluster `up` mends at once; a node's steps, where they have to run for it, wait for `enable`.
    """
    break_multus(lab)
    lab.pods.ask("stuck", node="lab-1", network=NETWORK)
    until(lambda: sandbox_failed(lab, "stuck"), "a pod cannot start", every=0.25)
    began = time.monotonic()
    result = multus(lab, "disable", *of_stack(lab), "--json", "--timeout", "60")
    said = json.loads(result.stdout)
    [node] = [node for node in said["nodes"] if node["name"] == "lab-1"]
    assert (node["by"], node["done"]) == ("ssh", True), result.stderr
    lab.pods.create("plain", node="lab-1")
    passed = time.monotonic() - began
    measured(f"{break_multus.__name__}: disabled after {node['seconds']} s, a pod ran {passed:.1f} s after the start")
    until(lambda: lab.pods.phase("stuck") == "Running", "the pod that was stuck runs")
    lab.pods.delete("plain", "stuck")
    up = lab.stack.up("--refresh")
    failed(up, "Multus is disabled") if steps_run else succeeded(up)
    answered(lab, "enable", *of_stack(lab))
    succeeded(lab.stack.up("--refresh"))
    succeeded(lab.stack.up("--refresh", "--expect-no-changes"))
    with churn(lab.cluster):
        pods_start(lab, with_net1=True)


def sandbox_failed(lab: Lab, pod: str) -> bool:
    events: list[Any] = lab.pods.core.list_namespaced_event(
        "default", field_selector=f"reason=FailedCreatePodSandBox,involvedObject.name={pod}"
    ).items
    return bool(events)


def test_destroy_while_disabled_leaves_nothing(lab: Lab) -> None:
    answered(lab, "disable", *of_stack(lab))
    succeeded(lab.stack.destroy())
    [node, _] = lab.cluster.nodes
    assert confs(node) == ["10-flannel.conflist"]
    assert node.run(["ls", "/var/lib/multus-install"], check=False).returncode != 0
    lab.pods.create("plain", node="lab-1")
