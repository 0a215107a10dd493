"""A remote construct, as other languages cause it, registers what the local call registers."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from generate.component_schema import provider
from multus import MultusComponent, MultusNetwork
from tests.support.arguments import HOST_KEY, SSH_KEY, k3s, node
from tests.support.recording import run
from tests.support.schema_names import NETWORK_TOKEN, TOKEN

NODE = {"name": "a", "host": "192.0.2.11", "privateKey": SSH_KEY, "hostKey": HOST_KEY}


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
@pytest.mark.parametrize(
    ("remote", "local"),
    [
        pytest.param({"distro": "k3s"}, {"distro": "k3s"}, id="least"),
        pytest.param({"distro": "k3s", "nodes": [NODE]}, k3s(node("a", 11)), id="node"),
        pytest.param(
            {
                "distro": "k3s",
                "nodes": [{**NODE, "port": 22.0, "user": "root", "insecureIgnoreHostKey": False}],
                "timeoutSeconds": 300.0,
            },
            k3s(node("a", 11)),
            id="numbers-are-floats",
        ),
        pytest.param(
            {"distro": "vanilla", "apiServer": "https://192.0.2.1:6443", "image": {"pullPolicy": "Always"}},
            {"distro": "vanilla", "api_server": "https://192.0.2.1:6443", "image": {"pull_policy": "Always"}},
            id="nested-camel-case",
        ),
        pytest.param(
            {"distro": "k3s", "liveAttachments": "proceed", "method": "manifest", "adopt": True},
            {"distro": "k3s", "live_attachments": "proceed", "adopt": True},
            id="enums",
        ),
        pytest.param(
            {"distro": "k3s", "method": "helm", "helm": {"values": {"podAnnotations": {"some_key": "aB"}}}},
            {"distro": "k3s", "method": "helm", "helm": {"values": {"podAnnotations": {"some_key": "aB"}}}},
            id="helm",
        ),
    ],
)
def test_construct_registers_what_the_local_call_registers(remote: Any, local: Any, preview: bool) -> None:
    served = provider()
    constructed = run(
        lambda: served.construct("m", TOKEN, remote, pulumi.ResourceOptions()) and None, preview=preview
    ).graph
    called = run(lambda: MultusComponent("m", local) and None, preview=preview).graph
    assert len(called.all) > 10
    assert constructed.described() == called.described()


def test_construct_leaves_the_keys_of_values_as_they_are() -> None:
    served = provider()
    remote: Any = {"distro": "rke2", "method": "helm", "helm": {"values": {"camelKey": 1.0, "snake_key": {"a_b": 2.0}}}}
    graph = run(lambda: served.construct("m", TOKEN, remote, pulumi.ResourceOptions()) and None).graph
    values = graph["m-release"].inputs["values"]
    assert (values["camelKey"], values["snake_key"]) == (1, {"a_b": 2})


def test_construct_takes_secret_leaves() -> None:
    served = provider()
    remote: Any = {"distro": "k3s", "nodes": [{**NODE, "privateKey": pulumi.Output.secret(SSH_KEY)}]}
    constructed = run(lambda: served.construct("m", TOKEN, remote, pulumi.ResourceOptions()) and None).graph
    assert constructed["m-provision-a"].inputs["connection"]["privateKey"] == SSH_KEY
    assert "connection" in constructed["m-provision-a"].secret_inputs


@pytest.mark.parametrize(
    ("remote", "sentence"),
    [
        ({"distro": "k3s", "nodes": [{**NODE, "port": 99999.0}]}, r"nodes\[0\]\.port: 99999 is not a port"),
        ({"distro": "vanilla"}, "api_server: is missing"),
    ],
    ids=["port", "api-server"],
)
def test_construct_says_our_sentence(remote: Any, sentence: str) -> None:
    served = provider()

    def program() -> None:
        with pytest.raises(Exception, match=sentence):
            served.construct("m", TOKEN, remote, pulumi.ResourceOptions())

    assert run(program).graph.all == []


def test_construct_misses_a_required_input() -> None:
    served = provider()

    def program() -> None:
        with pytest.raises(Exception, match="Missing required input 'distro'"):
            served.construct("m", TOKEN, {}, pulumi.ResourceOptions())

    run(program)


NETWORK = {
    "hostDevice": {"pciBusId": "0000:00:1f.6"},
    "ipam": {"hostLocal": {"ranges": [{"subnet": "10.97.0.0/24", "rangeStart": "10.97.0.9"}]}},
    "allow": ["ips"],
    "mtu": 1400.0,
    "defaultRoute": True,
    "liveAttachments": "proceed",
    "distro": "k3s",
    "sysctls": {"net.ipv4.conf.IFNAME.arp_filter": "1"},
    "chained": [{"type": "vrf", "vrfname": "red", "table": 100.0}],
}


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
def test_construct_registers_the_network_that_the_local_call_registers(preview: bool) -> None:
    local: Any = {
        "host_device": {"pci_bus_id": "0000:00:1f.6"},
        "ipam": {"host_local": {"ranges": [{"subnet": "10.97.0.0/24", "range_start": "10.97.0.9"}]}},
        "allow": ["ips"],
        "mtu": 1400,
        "default_route": True,
        "live_attachments": "proceed",
        "distro": "k3s",
        "sysctls": {"net.ipv4.conf.IFNAME.arp_filter": "1"},
        "chained": [{"type": "vrf", "vrfname": "red", "table": 100}],
    }
    served, remote = provider(), NETWORK
    constructed = run(
        lambda: served.construct("n", NETWORK_TOKEN, remote, pulumi.ResourceOptions()) and None, preview=preview
    ).graph
    called = run(lambda: MultusNetwork("n", local) and None, preview=preview).graph
    assert [each.name for each in called if each.name != "n"] == ["n-definition"]
    assert constructed.described() == called.described()


def test_construct_says_our_sentence_of_a_network() -> None:
    served = provider()

    def program() -> None:
        with pytest.raises(Exception, match="Network 'n' was not planned, 1 argument cannot work"):
            served.construct("n", NETWORK_TOKEN, {"macvlan": {"master": "eth0:1"}}, pulumi.ResourceOptions())

    assert run(program).graph.all == []
