"""Thick Multus, and the change from thin to thick and back, while pods come and go.

No pod may notice any of it: thin carries the nodes through the time in which no daemon serves them.

The tests of one cluster run in this order; the last one destroys.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lab.images import BUSYBOX
from lab.node import Node
from lab.programs import Programs
from lab.waiting import until

from .changes import configure, listed
from .churn import churn
from .conftest import Cell, Lab, boot, succeeded
from .leftovers import of_no_sandbox
from .pods import NAMESPACE, NETWORK
from .test_install import Trees, exercise_plain_pods, reservations_and_files, summary

CELLS = [Cell("k3s", 2), Cell("vanilla", 1)]
PORT = 18080
STATIC = "/etc/kubernetes/manifests/static.json"


@dataclass(frozen=True)
class Changing:
    """A cluster with thin Multus and a pod of its time."""

    lab: Lab
    before: Trees

    @property
    def node(self) -> Any:
        return self.lab.cluster.nodes[0]

    def plugin(self, plugin: str) -> None:
        """Change the plugin, unnoticed."""
        configure(self.lab.stack, plugin=plugin)
        with churn(self.lab.cluster):
            succeeded(self.lab.stack.up())

    def start_static_pod(self) -> None:
        """A pod that the kubelet runs by itself."""
        self.node.run(["tee", STATIC], input=json.dumps(pod_of("static", {"command": ["sleep", "infinity"]})))
        until(lambda: "static-lab-1" in self.lab.pods.names(), "the static pod is known", seconds=60, every=0.5)
        until(lambda: bool(self.static_container()), "the static pod runs", seconds=60, every=0.5)

    def static_container(self) -> str:
        """The container of the static pod, which is another one as soon as it was restarted."""
        pod: Any = self.lab.pods.core.read_namespaced_pod("static-lab-1", NAMESPACE)
        states = pod.status.container_statuses or []
        return str(states[0].container_id) if states and states[0].state.running else ""

    def confs(self) -> set[tuple[str, ...]]:
        """The names of Multus' configurations on each node; one item where all nodes agree."""
        folder = str(self.lab.cluster.look.conf_dir)
        names = [node.run(["ls", folder]).stdout.split() for node in self.lab.cluster.nodes]
        return {tuple(name for name in each if name.startswith("00-multus")) for each in names}

    def leaked(self) -> list[str]:
        """What is kept on any node for a sandbox that is no more."""
        return [file for node in self.lab.cluster.nodes for file in of_no_sandbox(node)]


@pytest.fixture(autouse=True)
def nothing_leaks(changing: Changing) -> Iterator[None]:
    """Whatever a test does, afterwards nothing is reserved or remembered for a pod that is gone."""
    yield
    until(lambda: not changing.leaked(), "everything belongs to a running pod", seconds=15, every=0.5)


@pytest.fixture(scope="module", params=CELLS, ids=str)
def changing(request: pytest.FixtureRequest, programs: Programs) -> Iterator[Changing]:
    for lab in boot(request.param, programs):
        exercise_plain_pods(lab)
        before = lab.trees()
        succeeded(lab.stack.up())
        lab.pods.create_network()
        lab.pods.create("of-thin", node=lab.cluster.nodes[0].name, network=NETWORK)
        changing = Changing(lab, before)
        changing.start_static_pod()
        yield changing


def pod_of(name: str, container: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A pod of one container."""
    about = {"name": name, "image": BUSYBOX, "imagePullPolicy": "IfNotPresent", **container}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [about], **spec},
    }


def test_pods_keep_their_networks_when_thick_comes(changing: Changing) -> None:
    pods = changing.lab.pods
    address, static = pods.address("of-thin", "net1"), changing.static_container()
    changing.plugin("thick")
    assert pods.address("of-thin", "net1") == address
    assert changing.static_container() == static
    assert changing.confs() == {("00-multus.conf", "00-multus.conflist")}


def test_a_pod_gets_its_second_interface_from_the_daemon(changing: Changing) -> None:
    pods = changing.lab.pods
    pods.create("of-thick", node=changing.node.name, network=NETWORK)
    assert pods.address("of-thick", "net1").startswith("10.98.0.")
    assert pods.address("of-thick", "eth0").startswith("10.42.")
    target = pods.address("of-thin", "net1")
    assert ", 0% packet loss" in pods.run("of-thick", "ping", "-c", "3", "-W", "2", "-I", "net1", target)


def test_a_pod_of_thin_is_given_back_by_the_daemon(changing: Changing) -> None:
    pods = changing.lab.pods
    address = pods.address("of-thin", "net1")
    pods.delete("of-thin")
    listed = changing.node.run(["ls", f"/var/lib/cni/networks/{NETWORK}"]).stdout.split()
    assert address not in listed


def test_a_host_port_answers(changing: Changing) -> None:
    """It dies where Multus' configuration loses the default network's capabilities."""
    container = {
        "command": ["sh", "-c", "echo here > /tmp/index.html; exec httpd -f -p 80 -h /tmp"],
        "ports": [{"containerPort": 80, "hostPort": PORT}],
    }
    body: Any = pod_of("port", container, nodeName=changing.node.name)
    pods = changing.lab.pods
    pods.core.create_namespaced_pod(NAMESPACE, body)
    until(lambda: pods.phase("port") == "Running", "the pod with a host port runs", seconds=60, every=0.25)

    def answers() -> bool:
        fetched = changing.node.run(["curl", "-sS", f"http://{changing.node.address}:{PORT}/"], check=False)
        return str(fetched.stdout) == "here\n"

    until(answers, "the host port answers", seconds=20, every=0.5)
    pods.delete("port")


def test_up_again_changes_nothing(changing: Changing) -> None:
    again = succeeded(changing.lab.stack.up("--expect-no-changes"))
    assert set(summary(again)) == {"unchanged"}


def test_another_daemon_configuration_rolls_the_daemon(changing: Changing) -> None:
    configure(changing.lab.stack, log={"level": "error", "file": "/var/log/multus.log"})
    with churn(changing.lab.cluster):
        succeeded(changing.lab.stack.up())
    path = changing.lab.cluster.look.conf_dir / "00-multus.conf"
    assert json.loads(changing.node.run(["cat", str(path)]).stdout)["logLevel"] == "error"
    found: Any = changing.lab.pods.core.list_namespaced_config_map("kube-system").items
    assert len([each for each in found if each.metadata.name.startswith("multus-conf-")]) == 1
    configure(changing.lab.stack, log=None)


def test_daemons_that_start_anew_are_not_missed(changing: Changing) -> None:
    lab = changing.lab
    with churn(lab.cluster):
        for node in lab.cluster.nodes:
            restart_daemon(lab, node)


def restart_daemon(lab: Lab, node: Node) -> None:
    [before] = lab.pods.of_multus(node.name)

    def is_another() -> bool:
        return before not in lab.pods.of_multus(node.name) and lab.pods.is_rolled_out("kube-multus-ds")

    lab.pods.core.delete_namespaced_pod(before, "kube-system")
    until(is_another, f"another daemon serves {node.name}", seconds=120, every=0.5)


def test_a_node_that_leaves_the_list_and_comes_back_keeps_multus(changing: Changing) -> None:
    lab = changing.lab
    node = lab.cluster.nodes[-1]
    configure(lab.stack, nodes=listed(lab.cluster)[:-1])
    with churn(lab.cluster, [node.name]):
        succeeded(lab.stack.up())
        until(lambda: lab.pods.is_rolled_out("kube-multus-ds-fallback"), "the fallback serves", seconds=120, every=0.5)
    assert [name.startswith("kube-multus-ds-fallback") for name in lab.pods.of_multus(node.name)] == [True]
    folder = str(lab.cluster.look.conf_dir)
    assert "00-multus.conflist" not in node.run(["ls", folder]).stdout.split()
    configure(lab.stack, nodes=listed(lab.cluster))
    with churn(lab.cluster, [node.name]):
        succeeded(lab.stack.up())
    assert changing.confs() == {("00-multus.conf", "00-multus.conflist")}


def test_pods_keep_their_networks_when_thin_comes_back(changing: Changing) -> None:
    pods = changing.lab.pods
    address, static = pods.address("of-thick", "net1"), changing.static_container()
    changing.plugin("thin")
    assert pods.address("of-thick", "net1") == address
    assert changing.static_container() == static
    assert changing.confs() == {("00-multus.conflist",)}
    pods.create("thin-again", node=changing.node.name, network=NETWORK)
    assert pods.address("thin-again", "net1").startswith("10.98.0.")


def test_thick_is_destroyed_without_a_trace(changing: Changing) -> None:
    lab = changing.lab
    changing.plugin("thick")
    changing.node.run(["rm", STATIC])
    until(lambda: "static-lab-1" not in lab.pods.names(), "the static pod is gone", seconds=60, every=0.5)
    lab.pods.delete("of-thick", "thin-again")
    succeeded(lab.stack.destroy())
    exercise_plain_pods(lab)
    after = lab.trees()
    for node, tree in changing.before.items():
        assert reservations_and_files(after[node]) == reservations_and_files(tree)
    assert not lab.pods.of_multus()
