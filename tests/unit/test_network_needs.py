"""What a node has to have for a network."""

from __future__ import annotations

from typing import Any

import pytest

from multus.network_needs import DHCP_SOCKET, LinkNeed, links_of, needs_of


def conf(**changes: Any) -> dict[str, Any]:
    return {"cniVersion": "1.0.0", "name": "n", "type": "macvlan", **changes}


@pytest.mark.parametrize(
    ("given", "links"),
    [
        (conf(master="eth7"), ["eth7"]),
        (conf(), []),
        (conf(master="eth7", linkInContainer=True), []),
        (conf(type="host-device", device="eth1"), ["eth1"]),
        (conf(type="host-device", pciBusID="0000:00:1f.6"), []),
        (conf(type="bridge", bridge="br0", master="x"), []),
        ({"plugins": [{"type": "vlan", "master": "eth0.5"}, {"type": "tuning"}]}, ["eth0.5"]),
    ],
)
def test_links_that_have_to_be_there(given: dict[str, Any], links: list[str]) -> None:
    assert links_of(given) == links


@pytest.mark.parametrize(
    ("given", "needed"),
    [
        (conf(master="eth7", mtu=9000), [LinkNeed("macvlan.master", "eth7", 9000)]),
        (conf(type="ipvlan"), [LinkNeed("ipvlan.master", "", 0)]),
        (conf(type="vlan"), []),
        (conf(type="bridge"), [LinkNeed("bridge.bridge", "cni0", 0)]),
        (conf(type="host-device", device="eth1", mtu="x"), [LinkNeed("host_device.device", "eth1", 0)]),
        (conf(type="tap", master="eth1"), []),
    ],
)
def test_links_and_what_they_have_to_carry(given: dict[str, Any], needed: list[LinkNeed]) -> None:
    assert [*needs_of(given).links] == needed


def test_plugins_sockets_and_files() -> None:
    chain = [conf(ipam={"type": "dhcp"}), {"type": "tuning"}, {"type": "tuning"}]
    needs = needs_of({"plugins": chain})
    assert (needs.plugins, needs.dhcp_socket, needs.whereabouts) == (("macvlan", "tuning", "dhcp"), DHCP_SOCKET, "")
    assert needs_of(conf(ipam={"type": "dhcp", "daemonSocketPath": "/run/x.sock"})).dhcp_socket == "/run/x.sock"
    assert needs_of(conf(ipam={"type": "whereabouts", "configuration_path": "/etc/x"})).whereabouts == "/etc/x"
    assert needs_of(conf(ipam={"type": "whereabouts"})).whereabouts.endswith("/whereabouts.d/whereabouts.conf")
    assert needs_of(conf(ipam={"type": "static", "daemonSocketPath": "/run/x.sock"})).dhcp_socket == ""
