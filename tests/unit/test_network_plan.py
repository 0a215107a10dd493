"""Every refusal of a network names the argument, the reason and the fix; what is accepted becomes one configuration."""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pytest

from multus import InvalidArgumentsError, resolve
from multus.argument_types import fields_of
from multus.network_args import MultusNetworkArgs
from multus.network_config import network_name
from multus.network_plan import NetworkPlan, network_problems_of, plugins_of, resolve_network
from multus.network_rules import mistakes, unknown_keys
from tests.support.arguments import k3s, node
from tests.support.network_refusals import REFUSALS, across, bridge, local, raw, static


def conf(args: Any, name: str = "n", **known: Any) -> dict[str, Any]:
    plan = resolve_network(args, name)
    loaded: dict[str, Any] = json.loads(plan.config(known.get("namespace", "default"), plan.configuration_path))
    return loaded


def plugins(args: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = conf(args)["plugins"]
    return found


@pytest.mark.parametrize(
    ("args", "path", "reason", "fix"), [row[2:] for row in REFUSALS], ids=[f"{row[0]}-{row[1]}" for row in REFUSALS]
)
def test_a_network_is_refused(args: Any, path: str, reason: str, fix: str) -> None:
    with pytest.raises(InvalidArgumentsError) as caught:
        resolve_network(args, "n")
    problem = next(problem for problem in caught.value.problems if problem.path == path)
    assert reason in problem.reason
    assert fix in problem.fix
    assert str(caught.value).startswith("Network 'n' was not planned")
    assert str(problem) in str(caught.value)


def test_one_mistake_is_one_problem() -> None:
    for _, name, args, path, *_ in REFUSALS:
        assert [problem.path for problem in network_problems_of(args, "n")] == [path], name


def test_every_mistake_of_a_definition_has_a_refusal() -> None:
    """2, 6 and 7 need more than a definition: the nodes, and the pod that asks."""
    assert {number for number, *_ in REFUSALS} == {0, 1, 3, 4, 5, 8, 9, 10}


def test_every_argument_has_a_refusal() -> None:
    # A boolean can only be of a wrong type; the distribution and what live pods mean are enumerations.
    without = {"live_attachments", "distro", "host_device", "sriov", "vlan", "default_route", "for_vms"}
    refused = {path.partition(".")[0].partition("[")[0] for *_, path, _, _ in REFUSALS}
    assert set(fields_of(MultusNetworkArgs)) - without <= refused


def test_everything_is_refused_at_once() -> None:
    args = {
        "macvlan": {"master": "a:1", "mode": "l2"},
        "name": "A",
        "mtu": 5,
        "ipam": {"host_local": {"ranges": [{"subnet": "x"}, {"subnet": "10.1.0.1/24"}]}},
        "allow": ["x"],
        "zzz": 1,
    }
    assert {problem.path for problem in network_problems_of(args, "n")} == {
        "zzz",
        "macvlan.master",
        "macvlan.mode",
        "name",
        "mtu",
        "ipam.host_local.ranges[0].subnet",
        "ipam.host_local.ranges[1].subnet",
        "allow[0]",
    }


# Mistake 2.
@pytest.mark.parametrize(
    ("args", "path"),
    [
        (local(), "ipam.host_local.ranges"),
        ({**local(), "ipvlan": {}, "macvlan": None}, None),
    ],
    ids=["macvlan", "skipped"],
)
def test_one_range_on_several_nodes_is_refused(args: Any, path: str | None) -> None:
    args = {key: value for key, value in args.items() if value is not None}
    install = resolve(k3s(node("a", 1), node("b", 2)))
    [problem] = network_problems_of(args, "n", install)
    assert problem.path == (path or "ipam.host_local.ranges")
    assert "each of a, b without asking the others" in problem.reason
    assert network_problems_of(args, "n", resolve(k3s(node("a", 1)))) == []


@pytest.mark.parametrize(
    "args",
    [
        bridge(),
        {**local(), "ipam": {"host_local": {**local()["ipam"]["host_local"], "node": "a"}}},
        across(),
        {"macvlan": {}, "ipam": {"dhcp": {}}},
        {"macvlan": {}},
        raw(type="macvlan", ipam={"type": "host-local", "subnet": "10.97.0.0/24"}),
    ],
    ids=["bridge", "one-node", "whereabouts", "dhcp", "none", "raw"],
)
def test_what_may_be_on_several_nodes(args: Any) -> None:
    assert network_problems_of(args, "n", resolve(k3s(node("a", 1), node("b", 2)))) == []


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({"macvlan": {}}, [{"type": "macvlan"}]),
        (
            {
                "bridge": {"bridge": "br0", "is_gateway": True, "macspoofchk": True},
                "ipam": local()["ipam"],
                "mtu": 1400,
            },
            [
                {
                    "type": "bridge",
                    "bridge": "br0",
                    "isGateway": True,
                    "macspoofchk": True,
                    "mtu": 1400,
                    "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.97.0.0/24"}]]},
                }
            ],
        ),
        (
            {"vlan": {"master": "eth0", "vlan_id": 5}, "allow": ["mac"]},
            [
                {"type": "vlan", "master": "eth0", "vlanId": 5},
                {"type": "tuning", "capabilities": {"mac": True}},
            ],
        ),
        (
            {"host_device": {"pci_bus_id": "0000:00:1f.6"}, "mtu": 1400, "sysctls": {"net.ipv4.conf.IFNAME.a": "1"}},
            [
                {"type": "host-device", "pciBusID": "0000:00:1f.6"},
                {"type": "tuning", "mtu": 1400, "sysctl": {"net.ipv4.conf.IFNAME.a": "1"}},
            ],
        ),
        (
            {"sriov": {"resource_name": "a/b", "link_state": "auto"}, "allow": ["mac"]},
            [{"type": "sriov", "link_state": "auto", "capabilities": {"mac": True}}],
        ),
        (
            static({"address": "10.1.1.5/24", "gateway": "10.1.1.1"}, default_route=True, allow=["ips"]),
            [
                {
                    "type": "macvlan",
                    "capabilities": {"ips": True},
                    "ipam": {
                        "type": "static",
                        "addresses": [{"address": "10.1.1.5/24", "gateway": "10.1.1.1"}],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                }
            ],
        ),
        (
            {
                "ipvlan": {"mode": "l3"},
                "ipam": {"dhcp": {"daemon_socket_path": "/run/a/b"}},
                "chained": [{"type": "sbr", "table": 100.0}],
            },
            [
                {"type": "ipvlan", "mode": "l3", "ipam": {"type": "dhcp", "daemonSocketPath": "/run/a/b"}},
                {"type": "sbr", "table": 100},
            ],
        ),
    ],
    ids=["least", "bridge", "tuned-mac", "tuned-mtu", "sriov", "static", "dhcp"],
)
def test_plugins_of_a_network(args: Any, expected: list[dict[str, Any]]) -> None:
    found = conf(args)
    assert (found["cniVersion"], found["name"]) == ("1.0.0", "default.n")
    assert json.dumps(found["plugins"]) == json.dumps(expected)
    assert [*mistakes(found), *unknown_keys(found)] == []


def test_a_bridge_that_is_the_default_gateway_has_its_route_once() -> None:
    given = {**bridge(is_default_gateway=True), "default_route": True}
    assert "routes" not in plugins(given)[0]["ipam"]


def test_default_routes_are_of_the_families_that_there_are() -> None:
    [plugin] = plugins(local("10.97.0.0/24", "fd00::/64", default_route=True, routes=[{"dst": "10.98.0.0/16"}]))
    assert [each["dst"] for each in plugin["ipam"]["routes"]] == ["0.0.0.0/0", "::/0", "10.98.0.0/16"]


def test_whereabouts_spells_its_ranges_and_leaves_gateways_out() -> None:
    first = {"subnet": "10.97.0.0/24", "range_start": "10.97.0.10", "gateway": "10.97.0.1"}
    [one] = plugins(across(first, exclude=["10.97.0.64/28"]))
    assert one["ipam"] == {
        "type": "whereabouts",
        "range": "10.97.0.0/24",
        "range_start": "10.97.0.10",
        "exclude": ["10.97.0.64/28", "10.97.0.1/32"],
        "gateway": "10.97.0.1",
    }
    [two] = plugins(across(first, "fd00::/64", exclude=["fd00::/120"]))
    assert two["ipam"]["ipRanges"] == [
        {"range": "10.97.0.0/24", "range_start": "10.97.0.10", "exclude": ["10.97.0.1/32"]},
        {"range": "fd00::/64", "exclude": ["fd00::/120"]},
    ]


@pytest.mark.parametrize(
    ("args", "install", "path"),
    [
        (across(), None, None),
        ({**across(), "distro": "vanilla"}, None, "/etc/cni/net.d/whereabouts.d/whereabouts.conf"),
        (across(), k3s(), "/var/lib/rancher/k3s/agent/etc/cni/net.d/whereabouts.d/whereabouts.conf"),
        (across(), k3s(cni_conf_dir="/a/b"), "/a/b/whereabouts.d/whereabouts.conf"),
        (across(configuration_path="/c/d"), k3s(), "/c/d"),
    ],
    ids=["unknown", "distribution", "install", "own-directory", "given"],
)
def test_whereabouts_finds_its_configuration(args: Any, install: Any, path: str | None) -> None:
    plan = resolve_network(args, "n", None if install is None else resolve(install))
    assert plan.configuration_path == path
    assert plan.conf()["plugins"][0]["ipam"].get("configuration_path") == path


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "ptp"}, {"cniVersion": "1.0.0", "name": "default.n", "plugins": [{"type": "ptp"}]}),
        (
            {"cniVersion": "0.4.0", "name": "mine", "type": "ovs", "bridge": "b"},
            {"cniVersion": "0.4.0", "name": "mine", "plugins": [{"type": "ovs", "bridge": "b"}]},
        ),
        (
            {"disableCheck": True, "plugins": [{"type": "ptp"}, {"type": "tuning"}]},
            {
                "cniVersion": "1.0.0",
                "name": "default.n",
                "disableCheck": True,
                "plugins": [{"type": "ptp"}, {"type": "tuning"}],
            },
        ),
    ],
    ids=["plugin", "own-name", "list"],
)
def test_a_raw_configuration_becomes_a_list(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert conf(raw(**given)) == expected


def test_no_other_namespace_has_the_name() -> None:
    assert network_name("a", "b-c") != network_name("a-b", "c")
    assert network_name("a", "b.c") != network_name("a-b", "c")


def test_plugins_are_those_for_addresses_too() -> None:
    assert plugins_of(local(sysctls={"net.a": "1"})) == ["macvlan", "tuning", "host-local"]
    with pytest.raises(InvalidArgumentsError, match="no kind of network"):
        plugins_of({})


def test_a_resource_of_a_device_plugin_is_an_annotation() -> None:
    plan = resolve_network({"sriov": {"resource_name": "intel.com/vf"}}, "n")
    assert plan.annotations == {"k8s.v1.cni.cncf.io/resourceName": "intel.com/vf"}
    assert resolve_network({"macvlan": {}}, "n").annotations == {}


def test_what_a_raw_configuration_allows() -> None:
    given = raw(
        plugins=[
            {"type": "macvlan", "capabilities": {"ips": True, "mac": False}},
            {"type": "tuning", "capabilities": {"mac": True}},
        ]
    )
    assert set(resolve_network(given, "n").allow) == {"ips", "mac"}


@pytest.mark.parametrize(
    "args",
    [
        {**raw(type="bridge", isDefaultGateway=True), "default_route": True},
        {**raw(type="bridge", bridge="br0"), "for_vms": True},
        {**raw(type="ovs", bridge="br0"), "for_vms": True},
        raw(name="my_net.1-a", type="ptp"),
        local(routes=[{"dst": "224.0.0.0/4"}]),
        local("fd00::/64", routes=[{"dst": "ff00::/8"}]),
        local(
            {"subnet": "10.97.0.0/24", "range_end": "10.97.0.50"},
            {"subnet": "10.97.0.0/24", "range_start": "10.97.0.100"},
        ),
        {"macvlan": {"master": "enx0123456789abcdef"}},
    ],
    ids=["consent", "vms", "vms-of-others", "name", "multicast", "multicast-6", "parts", "alternative-name"],
)
def test_what_works_is_not_refused(args: Any) -> None:
    assert network_problems_of(args, "n") == []


def test_a_namespace_may_be_known_late() -> None:
    plan: NetworkPlan = resolve_network({"macvlan": {}, "namespace": pulumi.Output.from_input("late")}, "n")
    assert json.loads(plan.config("late", None))["name"] == "late.n"
