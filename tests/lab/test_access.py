"""Ways to a node, and to a cluster that is not everybody's: sudo, a jump host, a forwarded port, taints, no plugins.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from threading import Event
from typing import Any

import pytest
from kubernetes import client

from lab.images import REFERENCE_PLUGINS
from lab.node import SUDOER, Node
from lab.standins.command.connections import Connections
from lab.standins.command.ssh import Job
from lab.waiting import until
from tests.support.lab.cells import Cell
from tests.support.lab.changes import IMPATIENT, configure, failed, listed
from tests.support.lab.churn import churn
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.command_line import multus, of_stack
from tests.support.lab.leftovers import Trees, reservations_and_files
from tests.support.lab.pods import NETWORK

CELL = Cell("k3s", 2, reference_plugins=False)
TAINT = {"key": "dedicated", "value": "lab", "effect": "NoSchedule"}
POOL = {"lab.example/pool": "edge"}
STATE_DIR = "/var/lib/multus-install"
FORWARDED = "2202"
ENDS = "/run/other-session-ends"
NAT = ["iptables", "-w", "--table", "nat", "--insert"]


@dataclass(frozen=True)
class Guarded:
    """A cluster whose second node can only be reached through its first one.

    Attributes:
        lab: the cluster, with the stack configured for it.
        before: every node's files before the install.
    """

    lab: Lab
    before: Trees


@pytest.fixture(scope="module")
def guarded(clusters: Clusters) -> Guarded:
    lab = clusters.lab(CELL)
    lab.exercise_plain_pods()
    before = lab.trees()
    _, second = lab.cluster.nodes
    deny = ["--protocol", "tcp", "--dport", "22", "--source", lab.cluster.layout.machine, "--jump", "REJECT"]
    second.run(["iptables", "-w", "--insert", "INPUT", *deny])
    configure(lab.stack, nodes=nodes_by_jump(lab), ssh=IMPATIENT)
    return Guarded(lab, before)


def nodes_by_jump(lab: Lab) -> list[dict[str, Any]]:
    """The first node by a login with sudo, the second by a jump over the first."""
    first, second = listed(lab.cluster)
    first = {**first, "user": SUDOER}
    jump = {"host": first["host"], "hostKey": first["hostKey"], "user": SUDOER}
    return [first, {**second, "proxy": jump}]


def taint(lab: Lab, node: str, *taints: dict[str, str]) -> None:
    lab.pods.core.patch_node(node, {"spec": {"taints": list(taints)}})


def test_a_node_behind_a_wall_is_named(guarded: Guarded) -> None:
    configure(guarded.lab.stack, nodes=listed(guarded.lab.cluster))
    failed(guarded.lab.stack.up(), "multus-program-lab-2", guarded.lab.cluster.nodes[1].address)
    configure(guarded.lab.stack, nodes=nodes_by_jump(guarded.lab))


def test_a_plugin_that_is_not_there_is_missed_before_anything_changes(guarded: Guarded) -> None:
    configure(guarded.lab.stack, requiredPlugins=["macvlan"])
    failed(guarded.lab.stack.up(), "data/cni/macvlan", "add macvlan to referencePlugins")
    configure(guarded.lab.stack, requiredPlugins=None)
    assert not guarded.lab.pods.of_multus()


def test_plugins_come_along_with_the_pods(guarded: Guarded) -> None:
    lab = guarded.lab
    portmaps = [portmap(lab, number) for number in (0, 1)]
    plugins = {"names": ["macvlan", "static", "portmap"], "image": REFERENCE_PLUGINS}
    tolerated = {"key": TAINT["key"], "operator": "Equal", "value": TAINT["value"], "effect": TAINT["effect"]}
    scheduling = {"nodeSelector": POOL, "tolerations": [tolerated], "labels": {"lab.example/team": "net"}}
    for node in lab.cluster.nodes:
        lab.pods.core.patch_node(node.name, {"metadata": {"labels": POOL}})
        taint(lab, node.name, TAINT)
    configure(lab.stack, referencePlugins=plugins, scheduling=scheduling)
    succeeded(lab.stack.up())
    assert len(lab.pods.of_multus()) == len(lab.cluster.nodes)
    # What the distribution ships stays the distribution's.
    assert [portmap(lab, number) for number in (0, 1)] == portmaps
    lab.pods.create_network()
    for number, node in enumerate(lab.cluster.nodes):
        lab.pods.create(f"kept-{number}", node=node.name, network=NETWORK)
        assert lab.pods.address(f"kept-{number}", "net1").startswith("10.98.0.")
    path = lab.cluster.look.conf_dir / "multus.d" / "multus.kubeconfig"
    for node in lab.cluster.nodes:
        assert node.run(["stat", "-c", "%a %U", path]).stdout.split() == ["600", "root"]


def test_no_connection_is_left_on_a_node(guarded: Guarded) -> None:
    lab = guarded.lab
    first, second = lab.cluster.nodes
    commands = verifying(lab)
    by_sudo, by_jump = ({**each, "user": each.get("user", "root")} for each in nodes_by_jump(lab))
    with closing(Connections()) as others, closing(Connections()) as plugin, ThreadPoolExecutor() as threads:
        other = threads.submit(over, lab, others, by_sudo, f"until [ -e {ENDS} ]; do sleep 0.1; done; echo still here")
        until(lambda: connections_to(first) == 1, "the other session is there")
        for number in range(3):
            said = over(lab, plugin, by_sudo, commands[first.name])
            assert said == over(lab, plugin, by_jump, commands[second.name]), number
        # A plugin that lives keeps its way through the jump host, and nothing on the nodes.
        until(lambda: (connections_to(first), connections_to(second)) == (1 + 3, 0), "no step is connected")
        first.run(["touch", ENDS])
        assert other.result() == "still here"


def verifying(lab: Lab) -> dict[str, str]:
    """What verifies each node, as the state has it."""
    resources = json.loads(lab.stack.export())["deployment"]["resources"]
    found = {each["urn"].rpartition("::")[2]: each["inputs"] for each in resources if "inputs" in each}
    return {node.name: found[f"multus-verify-{node.name}"]["update"] for node in lab.cluster.nodes}


def over(lab: Lab, connections: Connections, login: dict[str, Any], command: str) -> str:
    """Run a command as the plugin does, which keeps the connection."""
    key = {"privateKey": lab.cluster.ssh_key.read_text()}
    connection = {**login, **key, **({"proxy": {**login["proxy"], **key}} if "proxy" in login else {})}
    job = Job(command, "", {}, log_stdout=False, log_stderr=False)
    return connections.run(connection, job, lambda _: None, Event()).stdout


def connections_to(node: Node) -> int:
    """How many connections to its sshd are open, as the node sees it."""
    ends = ["ss", "--no-header", "--tcp", "--numeric", "state", "established", "sport", "=", ":22"]
    return len(node.run(ends).stdout.splitlines())


def portmap(lab: Lab, number: int) -> str:
    return lab.cluster.nodes[number].run(["readlink", str(lab.cluster.look.bin_dir / "portmap")]).stdout


def test_labels_and_tolerations_are_the_plans(guarded: Guarded) -> None:
    lab = guarded.lab
    labelled: list[Any] = lab.pods.core.list_namespaced_pod(
        "kube-system", label_selector="lab.example/team=net,app=multus"
    ).items
    assert {pod.spec.node_name for pod in labelled} == {node.name for node in lab.cluster.nodes}
    _, second = lab.cluster.nodes
    # A taint that nobody tolerates: no pod of Multus comes, and thin does without.
    taint(lab, second.name, TAINT, {"key": "broken", "effect": "NoSchedule"})
    [daemon] = lab.pods.of_multus(second.name)
    lab.pods.core.delete_namespaced_pod(daemon, "kube-system")
    until(lambda: not lab.pods.of_multus(second.name), "no pod of Multus is there", every=0.5)
    until(lambda: desired(lab) == 1, "no pod of Multus is to come", every=0.5)
    with churn(lab.cluster, [second.name]):
        pass
    taint(lab, second.name, TAINT)
    until(lambda: bool(lab.pods.of_multus(second.name)), "Multus' pod comes back", every=0.5)
    until(lambda: lab.pods.is_rolled_out("kube-multus-ds"), "Multus is back", every=0.5)


def desired(lab: Lab) -> int:
    found: Any = client.AppsV1Api(lab.pods.api).read_namespaced_daemon_set("kube-multus-ds", "kube-system")
    return int(found.status.desired_number_scheduled)


def test_a_forwarded_port_of_one_node_is_another_node(guarded: Guarded) -> None:
    lab = guarded.lab
    first, second = lab.cluster.nodes
    to_second = ["--protocol", "tcp", "--destination", first.address, "--dport", FORWARDED]
    first.run([*NAT, "PREROUTING", *to_second, "--jump", "DNAT", "--to-destination", f"{second.address}:22"])
    # The wall lets in who comes from the first node.
    first.run([*NAT, "POSTROUTING", "--destination", second.address, "--jump", "MASQUERADE"])
    kubeconfig = lab.cluster.look.conf_dir / "multus.d" / "multus.kubeconfig"
    second.run(["rm", kubeconfig])
    nodes = nodes_by_jump(lab)
    del nodes[1]["proxy"]
    configure(lab.stack, nodes=[nodes[0], {**nodes[1], "host": first.address, "port": int(FORWARDED)}])
    succeeded(lab.stack.up())
    second.run(["test", "-s", kubeconfig])
    lab.pods.create("forwarded", node=second.name, network=NETWORK)
    assert lab.pods.address("forwarded", "net1").startswith("10.98.0.")
    lab.pods.delete("forwarded")
    # The command line dials both as the steps do, each with its own host key.
    report = json.loads(multus(lab, "doctor", "--json", *of_stack(lab)).stdout)
    assert {line["check"]: line["result"] for line in report["checks"]}["00-multus.conf on the hosts"] == "ok"


def test_a_machine_that_is_gone_for_good_is_forgotten_without_a_dial(guarded: Guarded) -> None:
    lab = guarded.lab
    _, second = lab.cluster.nodes
    lab.pods.delete("kept-1")
    second.stop()
    nodes = nodes_by_jump(lab)
    configure(lab.stack, nodes=[nodes[0], {**nodes[1], "gone": True}])
    succeeded(lab.stack.up())
    configure(lab.stack, nodes=nodes[:1])
    with churn(lab.cluster, ["lab-1"]):
        succeeded(lab.stack.up())
    assert "lab-2" not in lab.stack.export()
    lab.pods.core.delete_node(second.name)
    with churn(lab.cluster, ["lab-1"]):
        succeeded(lab.stack.up("--expect-no-changes"))


def test_without_clean_up_a_destroy_leaves_files_and_no_configuration(guarded: Guarded) -> None:
    lab = guarded.lab
    first, _ = lab.cluster.nodes
    lab.pods.delete("kept-0")
    configure(lab.stack, nodeCleanup=False)
    succeeded(lab.stack.up())
    succeeded(lab.stack.destroy())
    look = lab.cluster.look
    assert first.run(["ls", str(look.conf_dir)]).stdout.split() == ["10-flannel.conflist", "multus.d"]
    for kept in (look.conf_dir / "multus.d" / "multus.kubeconfig", look.bin_dir / "multus", f"{STATE_DIR}/marker"):
        first.run(["test", "-s", str(kept)])
    lab.pods.create("plain", node=first.name)
    lab.pods.delete("plain")


def test_the_same_stack_goes_on_from_there_and_cleans(guarded: Guarded) -> None:
    lab = guarded.lab
    first, _ = lab.cluster.nodes
    configure(lab.stack, nodeCleanup=None)
    succeeded(lab.stack.up())
    with churn(lab.cluster, [first.name]):
        succeeded(lab.stack.up("--expect-no-changes"))
    succeeded(lab.stack.destroy())
    after = reservations_and_files(first.tree())
    assert after == reservations_and_files(guarded.before[first.name])
