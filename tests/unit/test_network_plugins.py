"""What is accepted is taken by the plugins themselves; what they refuse when a pod starts has been refused before."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from multus.network_plan import resolve_network
from tests.support.plugin_calls import MASTER, Machine, machine
from tests.support.plugin_properties import (
    show_that_what_is_accepted_works,
    show_that_what_plugins_refuse_is_refused_first,
)


@pytest.fixture(scope="module")
def node() -> Iterator[Machine]:
    if os.geteuid() != 0:
        pytest.skip("plugins make links as root alone")
    with machine() as made:
        yield made


def test_what_is_accepted_works(node: Machine) -> None:
    seen = show_that_what_is_accepted_works(node, examples=40)
    assert seen["accepted"] > 9 * seen["refused"]


def test_what_plugins_refuse_is_refused_first(node: Machine) -> None:
    seen = show_that_what_plugins_refuse_is_refused_first(node, examples=50)
    # And not because everything is refused.
    assert seen["refused, problem"] > 10
    assert seen["taken, none"] > 10


def test_a_default_route_wins_over_that_of_eth0(node: Machine) -> None:
    """The plugin puts it before one of the same metric: what docs/networks.md says of `default_route`."""
    pod = node.pod
    pod.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "peer0")
    pod.run("ip", "address", "add", "10.42.0.5/24", "dev", "eth0")
    for link in ("eth0", "peer0"):
        pod.run("ip", "link", "set", link, "up")
    pod.run("ip", "route", "add", "default", "via", "10.42.0.1")
    args = {
        "macvlan": {"master": MASTER},
        "ipam": {"host_local": {"ranges": [{"subnet": "10.97.0.0/24"}]}},
        "default_route": True,
    }
    with node.attached(resolve_network(args, "n").conf(), {}):
        assert "dev net1" in pod.run("ip", "route", "get", "192.0.2.1")
        assert "dev eth0" in pod.run("ip", "route", "get", "10.42.0.9")
    pod.run("ip", "link", "delete", "eth0")
