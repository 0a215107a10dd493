"""`network check` on networks that are good and on networks that are not, between two nodes.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab.waiting import until
from multus_ops.network_check.check import LABEL
from tests.support.lab.cells import Cell
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.command_line import multus, of_cluster
from tests.support.paths import ROOT

CELL = Cell("k3s", 2)
RESTRICTED = "restricted"


@pytest.fixture(scope="module")
def lab(clusters: Clusters) -> Lab:
    lab = clusters.lab(CELL)
    succeeded(lab.stack.up())
    return lab


def define(lab: Lab, name: str, *, namespace: str = "default", **plugin: Any) -> None:
    """A network of one plugin."""
    lab.pods.define(name, {"name": f"{namespace}.{name}", **plugin}, namespace)


def fixed(lab: Lab, name: str, **more: Any) -> list[str]:
    """A macvlan network whose pods say their address, and the options that give each node's pod one."""
    ipam = {"type": "static", **more}
    define(lab, name, type="macvlan", master="eth0", capabilities={"ips": True}, ipam=ipam)
    return [f"--address={node.name}=10.95.0.{20 + index}/24" for index, node in enumerate(lab.cluster.nodes)]


def checked(lab: Lab, name: str, *options: str, ends: int) -> dict[str, Any]:
    """What the command says in JSON, once it is sure of its exit status and that it has left nothing."""
    result = multus(lab, "network", "check", name, "--json", *options, *of_cluster(lab))
    assert result.returncode == ends, f"{result.stdout}\n{result.stderr}"
    assert not left(lab)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def left(lab: Lab) -> list[str]:
    """The pods of checks that there are."""
    found: list[Any] = lab.pods.core.list_pod_for_all_namespaces(label_selector=LABEL).items
    return [pod.metadata.name for pod in found]


def column(report: dict[str, Any], aspect: str) -> list[str]:
    """What every node's row says of an aspect."""
    return [row[aspect]["said"] for row in report["nodes"]]


def wrong(report: dict[str, Any]) -> dict[str, str]:
    """What is wrong, one sentence an aspect."""
    return {each["aspect"]: each["what"] for each in report["findings"]}


def test_a_good_macvlan_network_is_well_on_both_nodes(lab: Lab) -> None:
    options = fixed(lab, "good")
    report = checked(lab, "good", *options, ends=0)
    assert report["well"] is True
    assert not report["findings"]
    assert column(report, "interface") == ["net1", "net1"]
    assert column(report, "address") == ["10.95.0.20", "10.95.0.21"]
    assert column(report, "neighbours") == ["1 of 1", "1 of 1"]
    assert column(report, "MTU") == ["1500", "1500"]
    assert column(report, "default route") == ["eth0", "eth0"]
    assert column(report, "from the node") == ["macvlan: by design"] * 2
    # The lab has none.
    assert report["unseen"] == ["lab-1, lab-2: the cluster's DNS: it answers pods without the network neither"]


def test_people_get_a_table(lab: Lab) -> None:
    options = ["--address=lab-1=10.95.0.20/24", "--node=lab-1"]
    result = multus(lab, "network", "check", "default/good", *options, *of_cluster(lab))
    assert result.returncode == 3, result.stdout
    for word in ("network: default/good (macvlan)", "neighbours", "lab-1", "10.95.0.20", "too little to call"):
        assert word in result.stdout
    assert "no second pod" in result.stdout


def test_without_addresses_pods_answer_at_those_that_ipv6_makes(lab: Lab) -> None:
    define(lab, "bare", type="macvlan", master="eth0")
    report = checked(lab, "bare", ends=0)
    assert column(report, "address") == ["none", "none"]
    assert column(report, "neighbours") == ["1 of 1", "1 of 1"]
    assert column(report, "MTU") == ["1500", "1500"]


def test_an_address_given_out_twice_is_found(lab: Lab) -> None:
    lab.pods.create_network("twice", "10.98.7.0/24")
    report = checked(lab, "twice", ends=1)
    assert report["well"] is False
    assert "10.98.7.2 of network-check-" in wrong(report)["address"]
    assert "is also that of" in wrong(report)["address"]
    [fix] = {tuple(each["fix"]) for each in report["findings"] if each["aspect"] == "address"}
    assert "whereabouts" in fix[0]


def test_an_address_that_a_pod_of_the_other_node_has_already_is_found(lab: Lab) -> None:
    """The pods of the check have different ones then."""
    lab.pods.create("holder", node="lab-1", network="twice")
    taken = lab.pods.address("holder", "net1")
    report = checked(lab, "twice", ends=1)
    assert len(set(column(report, "address"))) == 2
    assert f"{taken} of" in wrong(report)["address"]
    assert wrong(report)["address"].endswith("is also that of default/holder on lab-1")
    lab.pods.delete("holder")


@contextmanager
def links_of(lab: Lab, mtu: int) -> Iterator[None]:
    """The nodes' links believe in larger packets than their wire."""
    for node in lab.cluster.nodes:
        node.run(["ip", "link", "set", "eth0", "mtu", str(mtu)])
    try:
        yield
    finally:
        for node in lab.cluster.nodes:
            node.run(["ip", "link", "set", "eth0", "mtu", "1500"])


def test_packets_that_the_wire_does_not_carry_are_found_with_the_size_that_it_carries(lab: Lab) -> None:
    options = ["--address=lab-1=10.95.0.20/24", "--address=lab-2=10.95.0.21/24"]
    with links_of(lab, 9000):
        report = checked(lab, "good", *options, ends=1)
    assert column(report, "neighbours") == ["1 of 1", "1 of 1"]
    assert column(report, "MTU") == ["1500 of 9000"] * 2
    assert "those of up to 1500 do" in wrong(report)["MTU"]


def test_nodes_of_different_mtu_are_found(lab: Lab) -> None:
    options = ["--address=lab-1=10.95.0.20/24", "--address=lab-2=10.95.0.21/24"]
    second = lab.cluster.nodes[1]
    second.run(["ip", "link", "set", "eth0", "mtu", "1400"])
    report = checked(lab, "good", *options, ends=1)
    second.run(["ip", "link", "set", "eth0", "mtu", "1500"])
    assert column(report, "MTU") == ["1500", "1400"]
    assert wrong(report) == {"MTU": "net1 has an MTU of 1500, and that of pods on lab-2 is 1400"}


def test_a_network_that_takes_the_default_route_by_design_is_told_and_what_it_loses(lab: Lab) -> None:
    options = fixed(lab, "way-out", routes=[{"dst": "0.0.0.0/0", "gw": "10.95.0.1"}])
    report = checked(lab, "way-out", *options, ends=0)
    assert column(report, "default route") == ["net1: by design"] * 2
    assert column(report, "neighbours") == ["1 of 1", "1 of 1"]
    assert {each["severity"] for each in report["findings"]} == {"warning"}
    assert "the way to 10.43.0.10, 10.43.0.1" in wrong(report)["cluster DNS"]


def test_a_bridge_of_each_node_is_reached_by_its_node_and_by_no_other_nodes_pods(lab: Lab) -> None:
    define(
        lab,
        "lan",
        type="bridge",
        bridge="br-lan",
        isGateway=True,
        ipam={"type": "host-local", "subnet": "10.96.8.0/24"},
    )
    report = checked(lab, "lan", ends=0)
    assert column(report, "neighbours") == ["2 of 2 on the node"] * 2
    assert column(report, "from the node") == ["yes", "yes"]
    assert not report["findings"]


def test_a_pod_that_does_not_start_says_why_in_multus_words(lab: Lab) -> None:
    define(lab, "no-link", type="macvlan", master="nowhere0")
    report = checked(lab, "no-link", "--seconds", "15", ends=1)
    assert "Link not found" in wrong(report)["interface"]
    [fix] = next(each["fix"] for each in report["findings"] if each["node"] == "lab-2")
    assert fix.startswith("multus-ops doctor --smoke --network default/no-link --node lab-2 --kubeconfig ")


def test_a_restricted_namespace_admits_the_pods_but_for_the_kubelets_question(lab: Lab) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    body: Any = {"metadata": {"name": RESTRICTED, "labels": labels}}
    lab.pods.core.create_namespace(body)
    subnet = {"type": "host-local", "subnet": "10.96.9.0/24"}
    define(lab, "lan", namespace=RESTRICTED, type="bridge", bridge="br-other", isGateway=True, ipam=subnet)
    report = checked(lab, f"{RESTRICTED}/lan", ends=0)
    assert column(report, "neighbours") == ["2 of 2 on the node"] * 2
    assert column(report, "from the node") == ["-", "-"]
    [said] = [each for each in report["unseen"] if "PodSecurity" in each]
    assert said.startswith("lab-1, lab-2: whether the node reaches its pods: ")
    assert 'violates PodSecurity "restricted' in said
    lab.pods.core.delete_namespace(RESTRICTED)


def started(lab: Lab) -> subprocess.Popen[bytes]:
    """A check whose pods wait for a link that is nowhere."""
    running = subprocess.Popen(
        [sys.executable, "-m", "multus_ops", "network", "check", "no-link", *of_cluster(lab)],
        cwd=ROOT,
        env={**os.environ, **lab.stack.environment()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until(lambda: len(left(lab)) == 2, "both pods are there", every=0.25)
    return running


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_check_that_is_told_to_end_takes_its_pods_away(lab: Lab, number: signal.Signals) -> None:
    running = started(lab)
    running.send_signal(number)
    assert running.wait(60) == 130
    until(lambda: not left(lab), "both pods are gone")


def test_what_a_killed_check_has_left_ends_by_itself_and_goes_with_the_next(lab: Lab) -> None:
    running = started(lab)
    running.kill()
    running.wait(60)
    names = left(lab)
    assert len(names) == 2
    for name in names:
        # Nobody waits for five minutes here.
        body: Any = {"spec": {"activeDeadlineSeconds": 1}}
        lab.pods.core.patch_namespaced_pod(name, "default", body)
    until(lambda: {lab.pods.phase(name) for name in names} == {"Failed"}, "the kubelets have ended them", every=0.5)
    checked(lab, "bare", ends=0)
