"""carries: what a network needs is on the node, or every reason why it is not is told before there is a network."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.fake_daemon import listening
from tests.support.scratch_node import BIN_DIR, CONF_DIR, Node, only_dash

SOCKET = "/run/cni/dhcp.sock"
WHEREABOUTS = f"{CONF_DIR}/whereabouts.d/whereabouts.conf"
KUBECONFIG = f"{CONF_DIR}/whereabouts.d/whereabouts.kubeconfig"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@pytest.fixture(autouse=True)
def lan() -> Iterator[None]:
    """Two links of the node's own network, the first with the default route."""
    ip("link", "add", "lan0", "mtu", "1400", "type", "veth", "peer", "name", "lan1", "mtu", "1400")
    try:
        for name in ("lan0", "lan1"):
            ip("link", "set", name, "up")
        ip("address", "add", "192.0.2.1/24", "dev", "lan0")
        ip("route", "add", "default", "via", "192.0.2.2")
        yield
    finally:
        ip("link", "delete", "lan0")


def add_plugins(node: Node, *names: str) -> None:
    for name in names:
        plugin = node.at(BIN_DIR) / name
        plugin.write_text("#!/bin/sh\n", encoding="utf-8")
        plugin.chmod(0o755)


def add_whereabouts(node: Node) -> None:
    file = node.at(WHEREABOUTS)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"datastore": "kubernetes", "kubernetes": {"kubeconfig": KUBECONFIG}}))
    node.at(KUBECONFIG).write_text("apiVersion: v1\n")


def test_a_node_that_has_everything(node: Node) -> None:
    add_plugins(node, "macvlan", "dhcp", "whereabouts")
    add_whereabouts(node)
    node.deliver()
    stands_on = "macvlan.master:lan0:1400 macvlan.master::1400 bridge.bridge:br-none:9000"
    with listening(node.at(SOCKET)):
        before = node.tree()
        result = node.run(
            "carries",
            needs="macvlan dhcp whereabouts",
            stands_on=stands_on,
            dhcp=SOCKET,
            whereabouts=WHEREABOUTS,
        )
        assert node.tree() == before
    assert result.ok, result.err
    assert (result.out, result.err) == ("this node has what the network needs\n", "")


def test_every_problem_at_once_and_nothing_changes(node: Node) -> None:
    add_plugins(node, "macvlan")
    (node.at(BIN_DIR) / "dhcp").write_text("no program")
    node.deliver()
    before = node.tree()
    result = node.run(
        "carries",
        needs="macvlan dhcp whereabouts",
        stands_on="macvlan.master:eth9:0 macvlan.master:lan0:9000",
        dhcp=SOCKET,
        whereabouts=WHEREABOUTS,
    )
    assert result.status == 1
    assert node.tree() == before
    for sentence in (
        f"error: {BIN_DIR}/dhcp: the plugin that a network needs is not there, or not executable; ",
        f"error: {BIN_DIR}/whereabouts: the plugin that a network needs is not there",
        "error: macvlan.master: is eth9, which this node does not have; write a link that it has: ",
        "error: mtu: is 9000, and lan0 has 1400; write 1400 at most, or give lan0 more.",
        f"error: {SOCKET}: there is no socket; start the daemon of the dhcp plugin, or set daemonSocketPath.",
        f"error: {WHEREABOUTS}: whereabouts' configuration is not there; install whereabouts for this node's",
    ):
        assert sentence in result.err
    listed = result.err.partition("that it has: ")[2].partition(".\n")[0].split()
    assert {"lan0", "lan1", "lo"} <= {*listed}
    assert len(listed) == len({*listed})
    assert result.err.count("error: ") == 6


def test_without_a_default_route_no_link_is_chosen(node: Node) -> None:
    ip("route", "delete", "default")
    result = node.run("carries", stands_on="ipvlan.master::0")
    assert result.status == 1
    assert "error: ipvlan.master: is not given, and a default route, whose link it would be, this node" in result.err
    ip("-6", "route", "add", "default", "dev", "lan1")
    assert node.run("carries", stands_on="ipvlan.master::1400").ok
    assert "lan1 has 1400" in node.run("carries", stands_on="ipvlan.master::1401").err


def test_a_bridge_keeps_the_mtu_that_it_was_made_with(node: Node) -> None:
    assert node.run("carries", stands_on="bridge.bridge:lan1:1400").ok
    assert "error: mtu: is 1500, and lan1 has 1400" in node.run("carries", stands_on="bridge.bridge:lan1:1500").err


def test_a_device_that_a_pod_of_the_network_has_is_no_trouble(node: Node) -> None:
    node.add_sandbox("a1", "web", "net1", alive=True)
    asked: Any = {"stands_on": "host_device.device:eth9:0"}
    assert node.run("carries", held="macvlan-conf", **asked).ok
    assert "error: host_device.device: is eth9, which" in node.run("carries", held="default.other", **asked).err


@only_dash
def test_a_link_is_found_by_its_alternative_name(node: Node) -> None:
    ip("link", "property", "add", "dev", "lan1", "altname", "an-alternative-name")
    assert node.run("carries", stands_on="macvlan.master:an-alternative-name:1400").ok
    assert (
        "an-alternative-name has 1400" in node.run("carries", stands_on="macvlan.master:an-alternative-name:1500").err
    )


def test_a_link_whose_mtu_nobody_tells_is_taken(node: Node) -> None:
    devices = node.at("/proc/net/dev")
    devices.parent.mkdir(parents=True)
    devices.write_text("Inter-| Receive\n face |bytes\n    lo: 1 2\neth7:1 2\n")
    assert node.run("carries", stands_on="macvlan.master:eth7:9000").ok


def test_a_socket_whose_daemon_is_gone_is_told_apart(node: Node) -> None:
    with listening(node.at(SOCKET)):
        pass
    assert node.at(SOCKET).is_socket()
    result = node.run("carries", dhcp=SOCKET)
    assert result.status == 1
    assert f"error: {SOCKET}: nobody answers: curl: (7)" in result.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", f"error: {WHEREABOUTS}: is not JSON, or names no kubernetes.kubeconfig; "),
        ('{"kubernetes": {}}', f"error: {WHEREABOUTS}: is not JSON, or names no kubernetes.kubeconfig; "),
        (
            '{"kubernetes": {"kubeconfig": "/etc/x"}}',
            f"error: /etc/x: the kubeconfig that {WHEREABOUTS} names is not there; ",
        ),
    ],
)
def test_whereabouts_without_a_kubeconfig(node: Node, text: str, says: str) -> None:
    add_whereabouts(node)
    node.at(WHEREABOUTS).write_text(text)
    result = node.run("carries", whereabouts=WHEREABOUTS)
    assert result.status == 1
    assert says in result.err
    assert result.err.count("error: ") == 1


def test_whereabouts_finds_its_file_in_the_usual_places_too(node: Node) -> None:
    add_whereabouts(node)
    assert WHEREABOUTS.startswith("/etc/cni/net.d/")
    assert node.run("carries", whereabouts="/nowhere/whereabouts.conf").ok
