"""What no pod can be given by a network, told from its configuration alone."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

import pytest
import yaml
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st

from multus.network_needs import links_of, needs_of
from multus.network_rules import (
    mistakes,
    unknown_keys,
    weaknesses,
    wide_routes,
    with_known_modes,
    without_wide_routes,
    wrong_modes,
)
from tests.support.doc_blocks import blocks_of
from tests.support.paths import DOCS

POD_RANGES = [ipaddress.ip_network("10.42.0.0/24")]


def conf(**changes: Any) -> dict[str, Any]:
    return {"cniVersion": "1.0.0", "name": "n", "type": "macvlan", **changes}


def local(**changes: Any) -> dict[str, Any]:
    return conf(ipam={"type": "host-local", "subnet": "10.97.0.0/24", **changes})


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"cniVersion": "1.0.0", "name": "n"}, "without `type`"),
        ({"cniVersion": "1.0.0", "name": "n", "plugins": []}, "no plugin"),
        ({"name": "n", "plugins": [{"type": "macvlan"}, {"mtu": 1}]}, "without `type`"),
        (conf(type="multus"), "calls multus"),
        (conf(type="portmap"), "begins with portmap"),
        ({"name": "n", "plugins": [{"type": "tuning"}, {"type": "macvlan"}]}, "begins with tuning"),
        (conf(type="multus-shim"), "calls multus-shim"),
        (local(subnet="10.97.0.0/33"), "10.97.0.0/33"),
        (local(subnet="bits of a host"), "bits of a host"),
        (local(subnet="10.97.0.0/31"), "no room"),
        (local(rangeStart="10.98.0.1"), "a rangeStart that cannot work: '10.98.0.1'"),
        (local(rangeEnd="10.97.0"), "a rangeEnd that cannot work: '10.97.0'"),
        (local(rangeStart="10.97.0.9", rangeEnd="10.97.0.5"), "after the range's last address 10.97.0.5"),
        (conf(ipam={"type": "host-local", "ranges": [[{"subnet": "x"}]]}), "a subnet that cannot work: 'x'"),
        (
            conf(ipam={"type": "static", "addresses": [{"address": "10.1.1.5"}]}),
            "'10.1.1.5' is no address with a prefix",
        ),
        (conf(ipam={"type": "host-local"}), "without a range"),
        (local(gateway="router"), "a gateway that cannot work: 'router'"),
        (local(rangeStart="10.97.0.1", rangeEnd="10.97.0.1"), "the only address of the range"),
        (local(subnet="10.97.0.0/255.255.255.0"), "10.97.0.0/255.255.255.0"),
        (local(subnet="10.97.0.0"), "no prefix length"),
        (local(ranges=[[{"subnet": "10.97.0.128/25"}]]), "overlaps '10.97.0.0/24'"),
        (
            conf(
                ipam={
                    "type": "host-local",
                    "ranges": [
                        [{"subnet": "10.97.0.0/24", "rangeEnd": "10.97.0.50"}],
                        [{"subnet": "10.97.0.0/24", "rangeStart": "10.97.0.50"}],
                    ],
                }
            ),
            "both have addresses of 10.97.0.1 to 10.97.0.50",
        ),
        (local(routes=[{"dst": "10.98.0.0"}]), "a route whose dst"),
        (local(routes=[{"dst": "10.98.0.0/16", "gw": "router"}]), "a route whose gw"),
        (local(routes=[{"dst": "10.98.0.0/16", "gw": "fd00::1"}]), "of another family"),
        (conf(master="ens33:1"), "an alias is an address"),
        (conf(type="bridge", bridge="a-very-long-link"), "no link is called"),
        (conf(master="e" * 128), "no link is called"),
        (conf(type=["macvlan"]), "without `type`"),
        (conf(capabilities=["ips"]), "a value of `capabilities` that is no mapping: ['ips']"),
        (conf(capabilities="ips"), "a value of `capabilities` that is no mapping: 'ips'"),
        (
            {"name": "n", "plugins": [conf(), {"type": "tuning", "sysctl": 5}]},
            "a value of `sysctl` that is no mapping: 5",
        ),
        (conf(ipam=5), "a value of `ipam` that is no mapping: 5"),
        (conf(ipam={"type": 5}), "`ipam.type` that is no text: 5"),
        (conf(ipam={"type": "host-local", "ranges": 5}), "a value of `ipam.ranges` that is no list: 5"),
        (local(routes=5), "a value of `ipam.routes` that is no list: 5"),
        (conf(ipam={"type": "static", "addresses": 5}), "a value of `ipam.addresses` that is no list: 5"),
        (conf(ipam={"type": "tuning"}), "an `ipam` of tuning, which hands out no address"),
        (conf(mtu="1400"), "a value of `mtu` that is no whole number: '1400'"),
        (conf(mtu=1400.0), "a value of `mtu` that is no whole number: 1400.0"),
        (conf(mtu=True), "a value of `mtu` that is no whole number: True"),
        (conf(mtu=67), "the `mtu` 67, which is none"),
        (conf(linkInContainer="no"), "a value of `linkInContainer` that is no boolean: 'no'"),
        (conf(bcqueuelen=-1), "a value of `bcqueuelen` that is no number of 0 or more: -1"),
        (conf(mac="01:00:5e:00:00:01"), "the `mac` '01:00:5e:00:00:01', which no interface can have"),
        (conf(capabilities={"ips": "yes"}), "a value of `capabilities.ips` that is no boolean: 'yes'"),
        (conf(type="bridge", ipMasq=True, ipMasqBackend="ipvs"), "the `ipMasqBackend` 'ipvs'"),
        (conf(type="bridge", vlanTrunk=[{"minID": 9, "maxID": 5}]), "a `vlanTrunk` of {'minID': 9"),
        (conf(type="bridge", vlanTrunk=[{"minID": 9}]), "a `vlanTrunk` of {'minID': 9}"),
        (conf(type="host-device", hwaddr="52:54"), "the `hwaddr` '52:54'"),
        (conf(type="host-device", kernelpath="/dev/x"), "the `kernelpath` '/dev/x'"),
        (conf(ipam={"type": "host-local", "ranges": [[{"subnet": "10.97.0.0/24"}], []]}), "an empty set"),
        (
            conf(ipam={"type": "host-local", "ranges": [[{"subnet": "10.97.0.0/24"}, {"subnet": "fd00::/64"}]]}),
            "both families in one set",
        ),
        (local(ranges=[None]), "a value of `ipam.ranges[0]` that is no list: None"),
        (local(routes=[{"dst": "10.98.0.0/16", "priority": "7"}]), "`ipam.routes[0].priority` that is no whole number"),
        (local(routes=[{"dst": "10.98.7.0/16"}]), "a route whose dst cannot work: '10.98.7.0/16' has bits of a host"),
        (conf(ipam={"type": "static", "addresses": [{"address": "10.1.1.5/24", "gateway": "r"}]}), "the gateway 'r'"),
        ({"name": "n", "plugins": [conf(), "tuning"]}, "a plugin that is no mapping: 'tuning'"),
        ({"name": "n", "plugins": [conf(), {"type": "tuning", "sysctl": {"net.x": 1}}]}, "`sysctl.net.x`"),
        (conf(IPAM={"TYPE": "host-local", "Subnet": "10.97.0.0/31"}), "no room"),
        (conf(type="bridge", bridge="br/0"), "a `bridge` that is 'br/0'"),
        (conf(type="bridge", vlan=4095), "`vlan` 4095"),
        (conf(type="vlan", master="eth0", vlanId=-1), "`vlanId` -1"),
        (conf(type="vlan", vlanId=5), "a vlan without `master`"),
        (conf(type="host-device"), "without a device"),
        ({"name": "n", "plugins": [conf(), {"type": "tuning", "sysctl": {"kernel.x": "1"}}]}, "sysctl 'kernel.x'"),
    ],
)
def test_a_mistake_is_named(given: dict[str, Any], says: str) -> None:
    [found] = mistakes(given)
    assert says in found.what
    assert found.fix


@pytest.mark.parametrize(
    "given",
    [
        conf(),
        conf(ipam={}),
        local(rangeStart="10.97.0.5", rangeEnd="10.97.0.9", gateway="10.97.0.1"),
        local(routes=[{"dst": "10.0.0.0/8"}]),
        conf(ipam={"type": "static"}),
        conf(ipam={"type": "dhcp"}),
        conf(ipam={"type": "dhcp", "routes": [{"dst": "of the server"}]}),
        conf(ipam={"type": "whereabouts", "range": "10.97.0.1-10.97.0.9/24"}),
        conf(ipam={"type": "host-local", "ranges": [[{"subnet": "fd00::/64"}], [{"subnet": "10.97.0.0/30"}]]}),
    ],
)
def test_what_works_is_no_mistake(given: dict[str, Any]) -> None:
    assert list(mistakes(given)) == []


PARTS = [
    {"subnet": "10.97.0.0/24", "rangeStart": "10.97.0.10", "rangeEnd": "10.97.0.19"},
    {"subnet": "10.97.0.0/24", "rangeStart": "10.97.0.30", "rangeEnd": "10.97.0.39"},
]


@pytest.mark.parametrize(
    "given",
    [
        conf(ipam={"type": "host-local", "ranges": [PARTS]}),
        conf(ipam={"type": "host-local", "ranges": [[each] for each in PARTS]}),
        local(gateway="10.98.0.1"),
        local(gateway="", rangeStart="", rangeEnd="", routes=[{"dst": "10.98.0.0/16", "gw": ""}]),
        conf(master="enx0123456789abcdef"),
        conf(type="host-device", device="enp193s0f1np1-uplink"),
        conf(type="calico", ipam={"type": "host-local", "subnet": "usePodCidr"}),
        conf(type="flannel", ipam={"type": "host-local", "routes": [{"dst": "x"}]}),
        conf(type="cilium-cni", ipam={"type": "host-local"}),
        conf(ipam={"type": "spiderpool", "routes": {"any": "form"}}),
        conf(ipam={"routes": []}),
        conf(ipam={"subnet": "10.1.0.0/24"}),
        conf(capabilities=None, ipam=None),
        {"Type": "vlan", "Master": "eth0", "VLANID": 5, "IPAM": {"Type": "host-local", "SUBNET": "10.97.0.0/24"}},
        {"cniVersions": ["1.0.0", "1.1.0"], "name": "n", "plugins": [conf()]},
        conf(type="host-device", capabilities={"deviceID": True}),
        conf(type="ovs", bridge="a-bridge-of-open-vswitch"),
    ],
    ids=[
        *("parts-of-one-set", "parts-of-two-sets", "gateway-outside", "empty-texts", "alternative-name"),
        *(
            "alternative-device",
            "calico",
            "flannel",
            "cilium",
            "routes-of-others",
            "no-type-no-route",
        ),
        *("no-type", "nulls", "other-case", "versions", "device-of-the-runtime", "other-plugin"),
    ],
)
def test_what_the_field_writes_is_no_mistake(given: dict[str, Any]) -> None:
    assert [*mistakes(given), *unknown_keys(given), *wrong_modes(given), *wide_routes(given, POD_RANGES)] == []


def test_a_device_that_multus_writes_is_not_missed() -> None:
    assert list(mistakes(conf(type="host-device"), has_resource=True)) == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (conf(ipam={"subnet": "10.1.0.0/24"}), "an `ipam` without `type`"),
        (local(gateway="10.98.0.1"), "a gateway that cannot work: '10.98.0.1'"),
    ],
)
def test_what_some_plugins_pass_over_is_a_weakness(given: dict[str, Any], says: str) -> None:
    [found] = weaknesses(given)
    assert says in found.what


KEYS = ("type", "Type", "plugins", "ipam", "capabilities", "sysctl", "ranges", "addresses", "routes", "subnet", "mode")
WORDS = ("macvlan", "ipvlan", "vlan", "bridge", "host-device", "tuning", "host-local", "static", "10.97.0.0/24", "::/0")
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.sampled_from(WORDS)
_NAMES = st.sampled_from((*KEYS, "dst", "gw", "address", "gateway", "master", "bridge", "vlan", "device")) | st.text()
ANY_JSON = st.recursive(_LEAVES, lambda each: st.lists(each) | st.dictionaries(_NAMES, each), max_leaves=6)
SHAPED = st.fixed_dictionaries(
    {"type": ANY_JSON | st.sampled_from(WORDS)},
    optional=dict.fromkeys(("capabilities", "sysctl", "mode", "master", "bridge", "vlan", "plugins"), ANY_JSON)
    | {
        "ipam": ANY_JSON
        | st.fixed_dictionaries(
            {"type": ANY_JSON | st.sampled_from(WORDS)},
            optional=dict.fromkeys(("ranges", "addresses", "routes", "subnet", "gateway"), ANY_JSON),
        )
    },
)


@settings(max_examples=60, deadline=None)
@given_any(SHAPED | st.dictionaries(_NAMES, ANY_JSON) | st.fixed_dictionaries({"plugins": st.lists(SHAPED)}))
def test_whatever_somebody_has_written_is_read(given: dict[str, Any]) -> None:
    """Doctor reads every definition of a cluster: none may end it, and each reason is told."""
    assert all(each.what and each.fix for rule in (mistakes, weaknesses, unknown_keys) for each in rule(given))
    assert all(isinstance(each, str) for each in [*wrong_modes(given), *needs_of(given).plugins, *links_of(given)])
    assert all(isinstance(each, str) for each in wide_routes(given, POD_RANGES))
    assert wrong_modes(with_known_modes(given)) == []
    assert wide_routes(without_wide_routes(given, POD_RANGES), POD_RANGES) == []


@pytest.mark.parametrize(
    ("given", "key", "fix"),
    [
        (conf(maser="eth0"), "maser", "did you mean `master`?"),
        (local(range_start="10.97.0.9"), "range_start", "did you mean `rangeStart`?"),
        (conf(type="bridge", isgateway=True, wheels=4), "wheels", "remove it"),
        ({"plugins": [conf()], "disableChek": True}, "disableChek", "did you mean `disableCheck`?"),
    ],
)
def test_a_key_that_nobody_reads_is_named(given: dict[str, Any], key: str, fix: str) -> None:
    [found] = unknown_keys(given)
    assert repr(key) in found.what
    assert fix in found.fix


def test_keys_of_plugins_that_are_not_known_are_theirs() -> None:
    assert (
        list(unknown_keys({"plugins": [conf(type="ovs", br="x"), {"type": "other", "ipam": {"type": "y", "z": 1}}]}))
        == []
    )


def test_the_networks_of_the_docs_are_well() -> None:
    """Whoever copies one finds nothing wrong with it."""
    shown = [
        json.loads(each["spec"]["config"])
        for page in DOCS.glob("*.md")
        for block in blocks_of(page)
        if block.language == "yaml" and "kind: NetworkAttachmentDefinition" in block.text
        for each in yaml.safe_load_all(block.text)
        if each["kind"] == "NetworkAttachmentDefinition"
    ]
    assert len(shown) > 8
    for each in shown:
        assert [*mistakes(each), *unknown_keys(each), *wrong_modes(each), *wide_routes(each, POD_RANGES)] == [], each


@pytest.mark.parametrize(
    ("given", "wrong", "fixed"),
    [
        (conf(mode="l2"), ["macvlan mode l2"], conf()),
        (conf(type="ipvlan", mode="bridge"), ["ipvlan mode bridge"], conf(type="ipvlan")),
        (conf(mode="vepa"), [], conf(mode="vepa")),
        (conf(type="bridge", mode="x"), [], conf(type="bridge", mode="x")),
        (
            {"plugins": [{"type": "macvlan", "mode": "l3"}, {"type": "tuning", "mode": "x"}]},
            ["macvlan mode l3"],
            {"plugins": [{"type": "macvlan"}, {"type": "tuning", "mode": "x"}]},
        ),
    ],
)
def test_modes_of_the_other_plugin(given: dict[str, Any], wrong: list[str], fixed: dict[str, Any]) -> None:
    assert wrong_modes(given) == wrong
    assert with_known_modes(given) == fixed
    assert wrong_modes(fixed) == []


@pytest.mark.parametrize(
    ("routes", "wide"),
    [
        ([{"dst": "0.0.0.0/0"}], ["0.0.0.0/0"]),
        ([{"dst": "::/0"}], ["::/0"]),
        ([{"dst": "0.0.0.0/1"}, {"dst": "128.0.0.0/1"}], ["0.0.0.0/1", "128.0.0.0/1"]),
        ([{"dst": "10.0.0.0/8"}, {"dst": "192.168.0.0/16"}], ["10.0.0.0/8"]),
        ([{"dst": "0.0.0.0/0", "priority": 500}], []),
        ([{"dst": "192.168.0.0/16"}, {"dst": "no"}], []),
    ],
)
def test_routes_that_take_too_much(routes: list[dict[str, Any]], wide: list[str]) -> None:
    given = local(routes=routes)
    assert wide_routes(given, POD_RANGES) == wide
    narrowed = without_wide_routes(given, POD_RANGES)
    assert wide_routes(narrowed, POD_RANGES) == []
    kept = [each for each in routes if each["dst"] not in wide]
    assert narrowed["ipam"].get("routes", []) == kept
    assert narrowed["ipam"]["subnet"] == "10.97.0.0/24"


def test_a_bridge_that_is_the_default_gateway() -> None:
    given = {"plugins": [conf(type="bridge", isDefaultGateway=True), {"type": "tuning"}]}
    assert wide_routes(given, []) == ["isDefaultGateway"]
    assert without_wide_routes(given, []) == {"plugins": [conf(type="bridge"), {"type": "tuning"}]}
