"""Every kind of MultusNetwork on real nodes: pods that ping over it, what guards it, and its end.

The tests run in this order on one cluster, each from the state that the one before has left. What this machine's kernel
lacks is told by trying.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from lab import prepare
from lab.engine import Stack
from lab.node import Node
from lab.waiting import until
from multus import attachment, attachments, resolve_network
from multus.attachment import NETWORKS, Attachment
from tests.support.lab.cells import Cell
from tests.support.lab.changes import configure, failed
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.leftovers import Trees, of_no_sandbox
from tests.support.paths import WITH_NETWORKS

CELL = Cell("k3s", 2)
# What k3s does not ship and no node of the lab has by itself.
PLUGINS = ("host-device", "ipvlan", "tuning", "vlan")
BRIDGES = ("br-switch", "br-out")
CARD_MAC, SWITCH_MAC = "02:00:00:00:87:02", "02:00:00:00:81:02"


def of_node(node: str, start: str, end: str) -> dict[str, Any]:
    """A part of one subnet on the link that all nodes share."""
    ranges = [{"subnet": "10.83.0.0/24", "range_start": start, "range_end": end}]
    return {"macvlan": {"master": "eth0"}, "ipam": {"host_local": {"ranges": ranges, "node": node}}}


DECLARED: dict[str, dict[str, Any]] = {
    "switch": {
        "bridge": {"bridge": "br-switch"},
        "ipam": {"host_local": {"ranges": [{"subnet": "10.81.0.0/24"}]}},
        "allow": ["mac"],
        "routes": [{"dst": "10.91.0.0/16"}],
        "mtu": 1400,
        "sysctls": {"net.ipv4.conf.IFNAME.arp_filter": "1"},
        "chained": [{"type": "bandwidth", "ingressRate": 8000000, "ingressBurst": 8000000}],
    },
    "out": {
        "bridge": {"bridge": "br-out", "is_gateway": True, "is_default_gateway": True},
        "ipam": {"host_local": {"ranges": [{"subnet": "10.82.0.0/24"}]}},
        "default_route": True,
    },
    "left": of_node("lab-1", "10.83.0.10", "10.83.0.19"),
    "right": of_node("lab-2", "10.83.0.20", "10.83.0.29"),
    "fixed": {"macvlan": {"master": "eth0"}, "ipam": {"static": {}}, "allow": ["ips"]},
    "bare": {"macvlan": {"master": "eth0"}},
    "raw": {
        "config": json.dumps(
            {"type": "macvlan", "master": "eth0", "capabilities": {"ips": True}, "ipam": {"type": "static"}}
        )
    },
    "card": {
        "host_device": {"device": "card0"},
        "ipam": {"static": {"addresses": [{"address": "10.87.0.2/24"}]}},
        "allow": ["mac"],
        "mtu": 1300,
    },
    "tagged": {"vlan": {"master": "eth0", "vlan_id": 7}, "ipam": {"static": {}}, "allow": ["ips"]},
    "shared": {"ipvlan": {"master": "spare0"}, "ipam": {"static": {}}, "allow": ["ips"]},
}


def asks_for(*names: str | Attachment) -> str:
    """A pod's annotation; each interface has its network's name."""
    asked = [each if isinstance(each, Attachment) else of(each) for each in names]
    return str(attachments(asked)[NETWORKS])


def of(name: str, **asked: Any) -> Attachment:
    return attachment(resolve_network(DECLARED[name], name), interface=name, **asked)


@pytest.fixture(scope="module")
def lab(clusters: Clusters) -> Iterator[Lab]:
    made = clusters.lab(CELL)
    lab = replace(made, stack=Stack(made.cluster, made.cluster.programs, program=WITH_NETWORKS))
    for node in lab.cluster.nodes:
        for plugin in PLUGINS:
            target = lab.cluster.look.bin_dir / plugin
            node.run(["sh", "-c", f"cat > {target} && chmod 755 {target}"], input=prepare.program(plugin).read_bytes())
        # A link that pods of one node share, and one that a pod takes; the end that stays answers it.
        script = (
            "ip link add spare0 type veth peer name spare1; ip link set spare0 up; ip link set spare1 up;"
            "ip link add card0 type veth peer name card1; ip address add 10.87.0.1/24 dev card1; ip link set card1 up"
        )
        node.run(["sh", "-ec", script])
    yield lab
    for node in lab.cluster.nodes:
        for link in (*BRIDGES, "spare0", "card1"):
            node.run(["ip", "link", "delete", link], check=False)


@pytest.fixture(scope="module", autouse=True)
def before(lab: Lab) -> Trees:
    """The nodes' files before Multus came."""
    lab.exercise_plain_pods()
    return lab.trees()


def can_make(node: Node, kind: str) -> bool:
    """Whether the kernel has links of a kind."""
    of_kind = {"vlan": "vlan id 7", "ipvlan": "ipvlan mode l2"}[kind]
    script = f"ip link add up0 type veth peer name up1; ip link add link up0 name made0 type {of_kind}"
    return node.run(["unshare", "--net", "sh", "-ec", script], check=False).returncode == 0


def declare(lab: Lab, networks: dict[str, dict[str, Any]]) -> None:
    configure(lab.stack, of="networks", all=networks)


def link(lab: Lab, pod: str, interface: str) -> str:
    return lab.pods.run(pod, "ip", "link", "show", "dev", interface)


def test_every_kind_is_registered(lab: Lab) -> None:
    declare(lab, DECLARED)
    succeeded(lab.stack.up())
    assert lab.stack.outputs()["references"] == {name: f"default/{name}" for name in DECLARED}
    assert {name: conf["name"] for name, conf in lab.pods.networks().items()} == {
        name: f"default.{name}" for name in DECLARED
    }
    succeeded(lab.stack.up("--expect-no-changes"))


def test_pods_of_both_nodes_start_with_all_of_them_at_once(lab: Lab) -> None:
    pods = lab.pods
    pods.ask(
        "one",
        node="lab-1",
        network=asks_for("switch", "left", of("fixed", ips=["10.84.0.1/24"]), "bare", of("card", mac=CARD_MAC)),
    )
    pods.ask("two", node="lab-1", network=asks_for(of("switch", mac=SWITCH_MAC), "out"))
    pods.ask("far", node="lab-2", network=asks_for("right", of("fixed", ips=["10.84.0.2/24"]), "bare"))
    # Nobody knows what a configuration of their own allows but the network itself, which says `ips`.
    pods.ask("raw-one", node="lab-1", network=asks_for(of("raw", ips=["10.86.0.1/24"])))
    pods.ask("raw-far", node="lab-2", network=asks_for(of("raw", ips=["10.86.0.2/24"])))
    pods.await_running("one", "two", "far", "raw-one", "raw-far")


def test_pods_of_one_node_meet_on_a_bridge_as_it_was_declared(lab: Lab) -> None:
    pods = lab.pods
    target = pods.address("two", "switch")
    assert target.startswith("10.81.0.")
    pods.await_reply("one", target, "-I", "switch")
    assert "mtu 1400" in link(lab, "one", "switch")
    assert SWITCH_MAC in link(lab, "two", "switch")
    assert pods.run("one", "cat", "/proc/sys/net/ipv4/conf/switch/arp_filter") == "1\n"
    assert "10.91.0.0/16 via 10.81.0.1 dev switch" in pods.run("one", "ip", "route")


def test_a_default_route_is_by_the_network_that_says_so(lab: Lab) -> None:
    """And what the default network routes by itself stays there."""
    pods = lab.pods
    assert "dev out" in pods.run("two", "ip", "route", "get", "192.0.2.1")
    assert "dev eth0" in pods.run("one", "ip", "route", "get", "192.0.2.1")
    assert "dev eth0" in pods.run("two", "ip", "route", "get", pods.address("one", "eth0"))
    pods.await_reply("two", "10.82.0.1", "-I", "out")


def test_pods_of_two_nodes_meet_on_a_macvlan(lab: Lab) -> None:
    """Each node with a part of the range, with the addresses that pods ask for, and by a configuration as text."""
    pods = lab.pods
    near, far = pods.address("one", "left"), pods.address("far", "right")
    assert (near.startswith("10.83.0.1"), far.startswith("10.83.0.2")) == (True, True)
    pods.await_reply("one", far, "-I", "left")
    pods.await_reply("one", "10.84.0.2", "-I", "fixed")
    pods.await_reply("raw-one", "10.86.0.2", "-I", "raw")


def test_without_ipam_a_pod_has_a_link_and_no_address(lab: Lab) -> None:
    assert "inet " not in lab.pods.run("one", "ip", "address", "show", "dev", "bare")
    assert "LOWER_UP" in link(lab, "far", "bare")


def test_a_device_of_the_node_is_the_pods(lab: Lab) -> None:
    lab.pods.await_reply("one", "10.87.0.1", "-I", "card")
    assert CARD_MAC in link(lab, "one", "card")
    assert "mtu 1300" in link(lab, "one", "card")
    assert lab.cluster.nodes[0].run(["ip", "link", "show", "dev", "card0"], check=False).returncode != 0


@pytest.mark.parametrize(
    ("network", "kind", "node"), [("tagged", "vlan", "lab-2"), ("shared", "ipvlan", "lab-1")], ids=["vlan", "ipvlan"]
)
def test_pods_meet_where_the_kernel_has_the_kind_and_else_are_told(
    lab: Lab, network: str, kind: str, node: str
) -> None:
    """A vlan's pods on two nodes, an ipvlan's on the link of one. Untried on a kernel without them."""
    pods = lab.pods
    pods.ask("this", node="lab-1", network=asks_for(of(network, ips=["10.88.0.1/24"])))
    pods.ask("that", node=node, network=asks_for(of(network, ips=["10.88.0.2/24"])))
    if can_make(lab.cluster.nodes[0], kind):
        pods.await_running("this", "that")
        pods.await_reply("this", "10.88.0.2", "-I", network)
    else:
        said = f"failed to create {kind}: operation not supported"
        until(lambda: said in events(lab, "this"), f"the pod says that the kernel makes no {kind}")
    pods.delete("this", "that")


def events(lab: Lab, pod: str) -> str:
    found: list[Any] = lab.pods.core.list_namespaced_event("default").items
    return "\n".join(each.message or "" for each in found if each.involved_object.name == pod)


def test_a_change_under_running_pods_is_refused_by_their_names(lab: Lab) -> None:
    known = lab.pods.networks()
    declare(lab, {**DECLARED, "switch": {**DECLARED["switch"], "mtu": 1350}})
    failed(lab.stack.up(), "of default.switch", "default/one switch", "default/two switch", "liveAttachments")
    assert lab.pods.networks() == known


def test_told_to_proceed_it_changes_and_running_pods_keep_what_they_have(lab: Lab) -> None:
    told = {**DECLARED, "switch": {**DECLARED["switch"], "live_attachments": "proceed"}}
    declare(lab, told)
    succeeded(lab.stack.up())
    declare(lab, {**told, "switch": {**told["switch"], "mtu": 1350}})
    succeeded(lab.stack.up())
    lab.pods.create("late", node="lab-1", network=asks_for("switch"))
    assert "mtu 1350" in link(lab, "late", "switch")
    assert "mtu 1400" in link(lab, "one", "switch")
    lab.pods.delete("late")


def test_an_end_under_running_pods_is_refused_unless_told_to_proceed(lab: Lab) -> None:
    """What was told to proceed warns, and its pods are given back afterwards."""
    kept = {name: each for name, each in DECLARED.items() if name not in ("switch", "fixed")}
    told = {**DECLARED["switch"], "live_attachments": "proceed", "mtu": 1350}
    declare(lab, {**kept, "switch": told})
    failed(lab.stack.up(), "of default.fixed", "default/one fixed")
    declare(lab, {**kept, "fixed": DECLARED["fixed"]})
    assert "default/one switch" in succeeded(lab.stack.up()).stdout
    assert "switch" not in lab.pods.networks()


def test_pods_give_everything_back(lab: Lab) -> None:
    lab.pods.delete("one", "two", "far", "raw-one", "raw-far")
    node = lab.cluster.nodes[0]
    card = node.run(["ip", "link", "show", "dev", "card0"]).stdout
    assert CARD_MAC not in card
    assert "mtu 1500" in card
    until(lambda: not any(map(of_no_sandbox, lab.cluster.nodes)), "everything belongs to a running pod", every=0.5)


def test_destroy_leaves_nothing(lab: Lab, before: Trees) -> None:
    succeeded(lab.stack.destroy())
    assert lab.pods.networks() == {}
    lab.exercise_plain_pods()
    lab.assert_files_are(before)
    lab.pods.await_no_multus()
