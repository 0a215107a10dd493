"""Networks that cannot work, one mistake in each."""

from __future__ import annotations

import json
from typing import Any


def local(*ranges: Any, **changes: Any) -> Any:
    """A macvlan whose nodes hand out addresses."""
    given = [each if isinstance(each, dict) else {"subnet": each} for each in ranges or ("10.97.0.0/24",)]
    return {"macvlan": {"master": "eth0"}, "ipam": {"host_local": {"ranges": given}}, **changes}


def bridge(**changes: Any) -> Any:
    """A bridge whose pods have addresses."""
    return {"bridge": {"bridge": "br0", **changes}, "ipam": local()["ipam"]}


def static(*addresses: dict[str, str], **changes: Any) -> Any:
    """A macvlan with addresses that somebody wrote."""
    return {"macvlan": {}, "ipam": {"static": {"addresses": list(addresses)}}, **changes}


def across(*ranges: Any, **changes: Any) -> Any:
    """A macvlan with addresses that the cluster remembers."""
    given = [each if isinstance(each, dict) else {"subnet": each} for each in ranges or ("10.97.0.0/24",)]
    return {"macvlan": {}, "ipam": {"whereabouts": {"ranges": given, **changes}}}


def raw(**conf: Any) -> Any:
    """A configuration as text."""
    return {"config": json.dumps(conf)}


def raw_static(**changes: Any) -> Any:
    """A configuration as text, with an address that somebody wrote."""
    return raw(type="macvlan", ipam={"type": "static", "addresses": [{"address": "10.97.0.5/24", **changes}]})


_FIRST = "ipam.host_local.ranges[0]"

# The number of the mistake that people make (docs/networks.md), 0 for none of the ten; a name; the arguments; the path
# of the problem; a part of its reason and of its fix.
REFUSALS: list[tuple[int, str, Any, str, str, str]] = [
    # 1: a route or a gateway takes the pods' way out.
    (1, "everything", local(routes=[{"dst": "0.0.0.0/0"}]), "routes[0].dst", "Services and DNS", "default_route: true"),
    (1, "everything-6", local("fd00::/64", routes=[{"dst": "::/0"}]), "routes[0].dst", "Services and DNS", "priority"),
    (1, "halves", local(routes=[{"dst": "128.0.0.0/1"}]), "routes[0].dst", "no other way", "what lies behind"),
    (1, "wide", local(routes=[{"dst": "192.0.0.0/7"}]), "routes[0].dst", "is wider than /8", "a priority"),
    (
        1,
        "route-over-pods",
        local(routes=[{"dst": "10.0.0.0/8"}], distro="k3s"),
        "routes[0].dst",
        "takes the cluster's own 10.42.0.0/16, 10.43.0.0/16",
        "what lies behind",
    ),
    (
        1,
        "route-over-services",
        local(routes=[{"dst": "172.16.0.0/12"}], cluster_ranges=["172.20.0.0/16"]),
        "routes[0].dst",
        "the cluster's own 172.20.0.0/16",
        "what lies behind",
    ),
    (
        1,
        "network-over-pods",
        local("10.42.7.0/24", distro="rke2"),
        f"{_FIRST}.subnet",
        "overlaps the cluster's own 10.42.0.0/16",
        "another network",
    ),
    (
        1,
        "bridge-as-default",
        bridge(is_default_gateway=True),
        "bridge.is_default_gateway",
        "the way to Services and DNS",
        "set default_route",
    ),
    (
        1,
        "raw-default",
        raw(type="bridge", isDefaultGateway=True),
        "config",
        "way out by isDefaultGateway",
        "a priority",
    ),
    # 2 is told with the nodes: test_network_plan.py.
    # 3: no such link.
    (3, "alias", {"macvlan": {"master": "ens33:1"}}, "macvlan.master", "an alias is an address", "write 'ens33'"),
    (3, "long", {"ipvlan": {"master": "e" * 128}}, "ipvlan.master", "no link is called", "at most 127"),
    (3, "slash", {"vlan": {"master": "a/b", "vlan_id": 5}}, "vlan.master", "'a/b'", "slash"),
    (3, "space", {"host_device": {"device": "eth 1"}}, "host_device.device", "'eth 1'", "or space"),
    (3, "long-bridge", {"bridge": {"bridge": "br-of-the-office"}}, "bridge.bridge", "no link is called", "at most 15"),
    (3, "no-master", {"vlan": {"vlan_id": 5}}, "vlan.master", "is missing", "set `vlan.master`"),
    # 4: no JSON, or a mistyped key.
    (4, "comma", {"config": '{"type": "macvlan",}'}, "config", "is no JSON in line 1, column 20", "no comma before"),
    (4, "comment", {"config": '{"type": "macvlan"}\n// mine'}, "config", "line 2, column 1", "no comments"),
    (4, "list", {"config": "[]"}, "config", "is JSON, and no object", "`plugins`"),
    (4, "colon-key", raw(**{"type:": "macvlan"}), "config", "without `type`", "`type` for 'type:'"),
    (4, "mistyped", raw(type="macvlan", maser="eth0"), "config", "'maser' that macvlan does", "did you mean `master`?"),
    (4, "twice", {"config": '{"type": "vlan", "type": "vlan"}'}, "config", "the key 'type' twice", "keep one"),
    (4, "unknown", {"macvlan": {"maser": "eth0"}}, "macvlan.maser", "is not an argument", "did you mean `master`?"),
    (
        4,
        "five-parts",
        static({"address": "10.1.1.1.5/24"}),
        "ipam.static.addresses[0].address",
        "'10.1.1.1.5/24' is no address",
        "'10.1.1.5/24'",
    ),
    # 5: what a pod asks for has no effect; the rest is in test_attachment.py.
    (5, "mac-of-ipvlan", {"ipvlan": {}, "allow": ["mac"]}, "allow[0]", "its link's MAC", "take macvlan"),
    (5, "ips-of-whereabouts", {**across(), "allow": ["ips"]}, "allow[0]", "whereabouts gives no address", "static"),
    (5, "ips-of-none", {"macvlan": {}, "allow": ["ips"]}, "allow[0]", "without ipam", "host_local or static"),
    (5, "allow", local(allow=["ip"]), "allow[0]", "'ip' is nothing that a pod may ask for", "one of ips, mac"),
    (5, "no-prefix", static({"address": "10.1.1.5"}), "ipam.static.addresses[0].address", "prefix", "'10.1.1.5/24'"),
    (5, "nobodys-address", static(), "ipam.static.addresses", "no pod may ask", "allow: ['ips']"),
    # 6 and 7 are the annotation's: test_attachment.py.
    # 8: chaining.
    (8, "no-head", raw(plugins=[{"type": "tuning"}, {"type": "macvlan"}]), "config", "begins with tuning", "first"),
    (8, "meta-alone", raw(type="portmap"), "config", "begins with portmap", "first"),
    (8, "no-type", raw(plugins=[{"type": "macvlan"}, {"mtu": 1}]), "config", "without `type`", "name the plugin"),
    (8, "no-plugins", raw(plugins=[]), "config", "no plugin in `plugins`", "name the plugin"),
    (8, "sbr-alone", {"macvlan": {}, "chained": [{"type": "sbr"}]}, "chained[0]", "routes by the pod's", "set ipam"),
    (8, "raw-sbr", raw(plugins=[{"type": "macvlan"}, {"type": "sbr"}]), "config", "routes by the pod's", "`ipam`"),
    (8, "chained-type", local(chained=[{"type:": "sbr"}]), "chained[0].type", "is missing", "`type` for 'type:'"),
    (8, "chained-head", local(chained=[{"type": "bridge"}]), "chained[0].type", "of its own", "a network of its own"),
    (8, "chained-key", local(chained=[{"type": "vrf", "vrf": "a"}]), "chained[0]", "'vrf' that vrf", "`vrfname`"),
    (
        8,
        "chained-sysctl",
        local(chained=[{"type": "tuning", "sysctl": {"kernel.x": "1"}}]),
        "chained[0]",
        "not below `net.`",
        "leave it out",
    ),
    (8, "version", raw(cniVersion="2.0.0", type="macvlan"), "config", "version '2.0.0', which no plugin", "'1.0.0'"),
    (8, "libcni-name", raw(name="a b", type="ptp"), "config", "the name 'a b', which libcni refuses", "a digit first"),
    (8, "libcni-star", raw(name="*", type="ptp"), "config", "the name '*', which libcni refuses", "a digit first"),
    (8, "libcni-type", raw(name=5, type="ptp"), "config", "the name 5, which libcni refuses", "a digit first"),
    (8, "itself", raw(type="multus"), "config", "call itself", "the plugin that is meant"),
    # 9: ranges.
    (9, "host-bits", local("10.97.0.1/24"), f"{_FIRST}.subnet", "bits of a host", "write '10.97.0.0/24'"),
    (9, "no-prefix-length", local("10.97.0.0"), f"{_FIRST}.subnet", "no prefix length", "'10.97.0.0/24'"),
    (9, "netmask", local("10.97.0.0/255.255.255.0"), f"{_FIRST}.subnet", "is no network", "'10.97.0.0/24'"),
    (9, "31", local("10.97.0.0/31"), f"{_FIRST}.subnet", "no room for addresses", "/30 or larger"),
    (9, "32", local("10.97.0.0/32"), f"{_FIRST}.subnet", "no room for addresses", "/30 or larger"),
    (
        9,
        "gateway-outside",
        local({"subnet": "10.97.0.0/24", "gateway": "10.98.0.1"}),
        f"{_FIRST}.gateway",
        "'10.98.0.1' is not an address within 10.97.0.0/24",
        "'10.97.0.2'",
    ),
    (
        9,
        "start-outside",
        local({"subnet": "10.97.0.0/24", "range_start": "10.98.0.1"}),
        f"{_FIRST}.range_start",
        "is not an address within",
        "'10.97.0.2'",
    ),
    (
        9,
        "start-after-end",
        local({"subnet": "10.97.0.0/24", "range_start": "10.97.0.9", "range_end": "10.97.0.5"}),
        f"{_FIRST}.range_start",
        "after the range's last address 10.97.0.5",
        "exchange",
    ),
    (
        9,
        "gateway-alone",
        local({"subnet": "10.97.0.0/24", "range_start": "10.97.0.1", "range_end": "10.97.0.1"}),
        f"{_FIRST}.range_start",
        "the only address of the range",
        "a longer one",
    ),
    (
        9,
        "one-subnet-twice",
        local("10.97.0.0/24", "10.97.0.0/25"),
        "ipam.host_local.ranges[1].subnet",
        "overlaps '10.97.0.0/24'",
        "keep one",
    ),
    (
        9,
        "spelling",
        local({"subnet": "10.97.0.0/24", "rangeStart": "10.97.0.9"}),
        f"{_FIRST}.rangeStart",
        "is not an argument",
        "did you mean `range_start`?",
    ),
    (9, "no-range", {"macvlan": {}, "ipam": {"host_local": {"ranges": []}}}, "ipam.host_local.ranges", "empty", "such"),
    (
        9,
        "raw-range",
        raw(type="macvlan", ipam={"type": "host-local", "subnet": "10.1.0.0/31"}),
        "config",
        "room",
        "/30",
    ),
    (
        9,
        "exclude",
        across(exclude=["10.98.0.0/28"]),
        "ipam.whereabouts.exclude[0]",
        "in none of the ranges",
        "remove it",
    ),
    (9, "exclude-text", across(exclude=["10.97.0.9"]), "ipam.whereabouts.exclude[0]", "is no network", "/32"),
    (
        9,
        "static-gateway",
        static({"address": "10.1.1.5/24", "gateway": "10.1.2.1"}),
        "ipam.static.addresses[0].gateway",
        "not an address within 10.1.1.0/24",
        "write one",
    ),
    (
        9,
        "static-gateway-own",
        static({"address": "10.1.1.5/24", "gateway": "10.1.1.5"}),
        "ipam.static.addresses[0].gateway",
        "the pod's own",
        "the router",
    ),
    # 10: what a driver does not do; macvlan and ipvlan on one master are told across networks.
    (10, "vms", {"macvlan": {}, "for_vms": True}, "macvlan", "KubeVirt's bridge binding", "write a bridge"),
    (10, "raw-vms", {**raw(type="macvlan"), "for_vms": True}, "config", "KubeVirt's bridge binding", "write a bridge"),
    (10, "mode", {"macvlan": {"mode": "l2"}}, "macvlan.mode", "'l2' is no mode of macvlan", "bridge, private"),
    (10, "mode-of-ipvlan", {"ipvlan": {"mode": "bridge"}}, "ipvlan.mode", "no mode of ipvlan", "l2, l3, l3s"),
    (9, "raw-gateway", raw_static(gateway="router"), "config", "the gateway 'router'", "leave it out"),
    (9, "route-bits", local(routes=[{"dst": "10.98.7.0/16"}]), "routes[0].dst", "bits of a host", "'10.98.0.0/16'"),
    (10, "raw-mode", raw(type="ipvlan", mode="bridge"), "config", "ipvlan mode bridge", "l2, l3"),
    # What plugins refuse or read over besides.
    (0, "kind", {}, "arguments", "name no kind of network", "bridge, macvlan, ipvlan, vlan, host_device, sriov"),
    (0, "kinds", {"macvlan": {}, "ipvlan": {}}, "ipvlan", "is given although macvlan is", "two networks"),
    (0, "kind-type", {"macvlan": "eth0"}, "macvlan", "is not a set of keys", "a mapping"),
    (0, "name", {"macvlan": {}, "name": "My"}, "name", "'My' is not a name in Kubernetes", "lower-case"),
    (0, "namespace", {"macvlan": {}, "namespace": "a.b"}, "namespace", "is not a namespace name", "lower-case"),
    (0, "ipam", {"macvlan": {}, "ipam": {}}, "ipam", "names nobody", "leave ipam out"),
    (0, "ipams", {"macvlan": {}, "ipam": {"static": {}, "dhcp": {}}}, "ipam", "static and dhcp", "write one of"),
    (
        0,
        "node",
        {**local(), "ipam": {"host_local": {**local()["ipam"]["host_local"], "node": "A"}}},
        "ipam.host_local.node",
        "not a node's",
        "kubectl",
    ),
    (0, "cluster-ranges", local(cluster_ranges=["x"]), "cluster_ranges[0]", "'x' is no network", "10.42.0.0/16"),
    (0, "bridge-vlan", bridge(vlan=4095), "bridge.vlan", "4095 is no VLAN", "1 to 4094"),
    (0, "vlan", {"vlan": {"master": "eth0", "vlan_id": 0}}, "vlan.vlan_id", "0 is no VLAN", "1 to 4094"),
    (0, "hairpin", bridge(hairpin_mode=True, promisc_mode=True), "bridge.promisc_mode", "hairpin_mode is", "keep one"),
    (0, "default-vlan", bridge(preserve_default_vlan=True), "bridge.preserve_default_vlan", "without a VLAN", "set"),
    (0, "gateway-of-nobody", {"bridge": {"bridge": "br0", "is_gateway": True}}, "bridge.is_gateway", "nobody", "ipam"),
    (0, "devices", {"host_device": {"device": "eth1", "hwaddr": "02:00:00:00:00:05"}}, "host_device", "and", "one of"),
    (0, "device", {"host_device": {}}, "host_device", "names no interface", "one of device"),
    (0, "hwaddr", {"host_device": {"hwaddr": "02-00"}}, "host_device.hwaddr", "'02-00' is none", "52:54"),
    (0, "pci", {"host_device": {"pci_bus_id": "1f.6"}}, "host_device.pci_bus_id", "'1f.6' is none", "0000:00"),
    (0, "kernelpath", {"host_device": {"kernelpath": "/dev/x"}}, "host_device.kernelpath", "not below", "readlink"),
    (0, "resource", {"sriov": {"resource_name": "vf"}}, "sriov.resource_name", "no resource", "intel.com/sriov"),
    (0, "resource-missing", {"sriov": {}}, "sriov.resource_name", "is missing", "set"),
    (0, "resource-nobody", {"macvlan": {}, "resource_name": "a/b"}, "resource_name", "takes no device", "host_device"),
    (
        0,
        "resource-sriov",
        {"sriov": {"resource_name": "a/b"}, "resource_name": "a/b"},
        "resource_name",
        "sriov",
        "into",
    ),
    (0, "resource-form", {"host_device": {}, "resource_name": "nic"}, "resource_name", "no resource", "intel.com"),
    (
        0,
        "resource-device",
        {"host_device": {"device": "eth1"}, "resource_name": "a/b"},
        "host_device",
        "although resource_name says",
        "host_device: {}",
    ),
    (0, "sriov-vlan", {"sriov": {"resource_name": "a/b", "vlan": 4095}}, "sriov.vlan", "no VLAN", "0 to 4094"),
    (0, "trust", {"sriov": {"resource_name": "a/b", "trust": "yes"}}, "sriov.trust", "'yes' is not one", "on or off"),
    (0, "mtu", local(mtu=67), "mtu", "67 is no MTU", "68 to 65535"),
    (0, "mtu-6", local("fd00::/64", mtu=1000), "mtu", "too small for IPv6", "1280 or more"),
    (0, "sysctl", local(sysctls={"kernel.shmmax": "1"}), "sysctls['kernel.shmmax']", "below `net.`", "securityContext"),
    (0, "sysctl-up", local(sysctls={"net/../kernel": "1"}), "sysctls['net/../kernel']", "below `net.`", "security"),
    (
        0,
        "dhcp-routes",
        {"macvlan": {}, "ipam": {"dhcp": {}}, "routes": [{"dst": "10.1.0.0/16"}]},
        "routes",
        "the server",
        "remove",
    ),
    (
        0,
        "dhcp-default",
        {"macvlan": {}, "ipam": {"dhcp": {}}, "default_route": True},
        "default_route",
        "the server",
        "remove",
    ),
    (
        0,
        "dhcp-socket",
        {"macvlan": {}, "ipam": {"dhcp": {"daemon_socket_path": "x"}}},
        "ipam.dhcp.daemon_socket_path",
        "absolute",
        "/etc",
    ),
    (
        0,
        "no-gateway",
        static({"address": "10.1.1.5/24"}, default_route=True),
        "default_route",
        "addresses[0]",
        "gateway",
    ),
    (0, "no-gateway-across", {**across(), "default_route": True}, "default_route", "ranges[0]", "gateway"),
    (0, "no-address", static(allow=["ips"], default_route=True), "default_route", "pods bring their", "with a gateway"),
    (0, "route", local(routes=[{"dst": "10.98.0.0"}]), "routes[0].dst", "is no network", "'10.98.0.0/16'"),
    (0, "route-gw", local(routes=[{"dst": "10.98.0.0/16", "gw": "r"}]), "routes[0].gw", "'r' is no address", "10.97"),
    (0, "route-far", local(routes=[{"dst": "10.98.0.0/16", "gw": "10.99.0.1"}]), "routes[0].gw", "cannot be", "write"),
    (0, "route-family", local(routes=[{"dst": "fd00::/64"}]), "routes[0].dst", "no address of IPv6", "add a range"),
    (
        0,
        "metric",
        local(routes=[{"dst": "10.98.0.0/16", "priority": 0}]),
        "routes[0].priority",
        "no metric",
        "1 or more",
    ),
    (0, "where", across(configuration_path="x"), "ipam.whereabouts.configuration_path", "absolute", "whereabouts.conf"),
    (0, "beside-config", {**raw(type="macvlan"), "mtu": 1400}, "mtu", "no effect beside config", "write it there"),
]
