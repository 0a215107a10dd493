"""What two networks of one program cannot have both."""

from __future__ import annotations

from typing import Any

import pytest

from multus import InvalidArgumentsError
from multus.network_plan import resolve_network
from tests.support.network_refusals import across, bridge, local, raw, static

MASTER = {"master": "eth0"}
RANGES = local()["ipam"]


def of_node(name: str) -> Any:
    return {**local(), "ipam": {"host_local": {**RANGES["host_local"], "node": name}}}


def beside(args: Any, other: Any) -> list[tuple[str, str]]:
    others = {"other": resolve_network(other, "other")}
    try:
        resolve_network(args, "n", others=others)
    except InvalidArgumentsError as error:
        return [(problem.path, str(problem)) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("args", "other", "path", "says"),
    [
        ({"ipvlan": MASTER}, {"macvlan": MASTER}, "ipvlan.master", "'eth0', on which 'other' has macvlan"),
        ({"macvlan": {}}, {"ipvlan": {}}, "macvlan.master", "is the default route's link, on which 'other' has ipvlan"),
        (raw(type="ipvlan", master="eth0"), {"macvlan": MASTER}, "config", "'eth0', on which 'other' has macvlan"),
        (local(), local(), "ipam", "10.97.0.2 to 10.97.0.254"),
        (local("10.97.0.128/25"), local(), "ipam", "one address twice"),
        (bridge(), bridge(), "ipam", "one address twice"),
        (static({"address": "10.97.0.9/24"}, macvlan=MASTER), local(), "ipam", "10.97.0.9 to 10.97.0.9"),
        (
            {"vlan": {**MASTER, "vlan_id": 5}, "ipam": RANGES},
            {**local(), "macvlan": {"master": "eth0.5"}},
            "ipam",
            "twice",
        ),
        (
            {"bridge": {"bridge": "a", "is_gateway": True}, "ipam": RANGES},
            {"bridge": {"bridge": "b", "is_gateway": True}, "ipam": RANGES},
            "ipam",
            "one address twice",
        ),
        (
            raw(type="macvlan", master="eth0", ipam={"type": "host-local", "subnet": "10.97.0.0/24"}),
            local(),
            "config",
            "twice",
        ),
        ({**across(), "macvlan": MASTER}, local(), "ipam", "one address twice"),
        (of_node("a"), of_node("a"), "ipam", "one address twice"),
        (of_node("a"), local(), "ipam", "one address twice"),
    ],
    ids=[
        *("ipvlan", "default-link", "raw-kind", "range", "part", "bridge", "static", "vlan", "gateways", "raw"),
        *("whereabouts-and-host-local", "node", "every-node"),
    ],
)
def test_networks_that_cannot_be_both(args: Any, other: Any, path: str, says: str) -> None:
    [(found, text)] = beside(args, other)
    assert found == path
    assert says in text


@pytest.mark.parametrize(
    ("args", "other"),
    [
        ({"macvlan": MASTER}, {"macvlan": MASTER}),
        ({"ipvlan": {"master": "eth1"}}, {"macvlan": MASTER}),
        (
            local({"subnet": "10.97.0.0/24", "range_start": "10.97.0.100"}),
            local({"subnet": "10.97.0.0/24", "range_end": "10.97.0.99"}),
        ),
        ({**local(), "macvlan": {"master": "eth1"}}, local()),
        ({**bridge(), "bridge": {"bridge": "br1"}}, bridge()),
        ({**bridge(), "bridge": {"bridge": "br0", "vlan": 5}}, bridge()),
        (across(), across()),
        (local("fd00::/64"), local()),
        (of_node("a"), of_node("b")),
        (static({"address": "10.97.0.1/24"}, macvlan=MASTER), local()),
        (
            static({"address": "10.97.0.50/24"}, macvlan=MASTER),
            local({"subnet": "10.97.0.0/24", "gateway": "10.97.0.50"}),
        ),
    ],
    ids=[
        "one-kind",
        "two-links",
        "two-parts",
        "links",
        "bridges",
        "vlans",
        "whereabouts",
        "families",
        "nodes",
        "gateway",
        "gateway-within",
    ],
)
def test_networks_that_can_be_both(args: Any, other: Any) -> None:
    assert beside(args, other) == []
