"""Why the arguments of a network cannot work together, though they are well typed. Pure: problems only, none raised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import formats, network_addresses, network_rules
from .args import Distro
from .argument_types import is_json
from .errors import Problem, no_host_path
from .late_values import is_opaque
from .network_addresses import Range, Wrong
from .network_conf import plugins_called
from .network_config import EVERYTHING, PLUGIN_OF_KIND, families, subnets, whole
from .network_document import parsed

KINDS = (*PLUGIN_OF_KIND, "config")
"""The arguments of which a network has exactly one."""
ADDRESSES = ("host_local", "static", "dhcp", "whereabouts")
ALLOWED = ("ips", "mac")
LEAST_MTU_OF_IPV6 = 1280
SHARED_LINKS = frozenset({"macvlan", "ipvlan", "vlan"})
"""Kinds whose pods meet those of other nodes."""
# By --cluster-cidr and --service-cidr: k3s-io/k3s pkg/cli/cmds/server.go, which rke2 takes over.
OWN_RANGES: dict[Distro, Sequence[str]] = dict.fromkeys((Distro.K3S, Distro.RKE2), ("10.42.0.0/16", "10.43.0.0/16"))

# Beside `config`, which says all of it itself.
_NOT_WITH_CONFIG = ("ipam", "allow", "routes", "mtu", "sysctls", "chained")


def contradictions(valid: Mapping[str, Any], listed_nodes: Sequence[str] = ()) -> Iterator[Problem]:
    """Everything that is well typed and cannot work.

    Args:
        valid: the arguments that fit their types.
        listed_nodes: the nodes that the install lists, where it is known.
    """
    yield from _names(valid)
    yield from _resource(valid)
    yield from _ranges_of_the_cluster(valid)
    given = [kind for kind in KINDS if kind in valid]
    if not given:
        yield Problem("arguments", "name no kind of network", f"write one of {', '.join(KINDS)}")
        return
    for kind in given[1:]:
        yield Problem(kind, f"is given although {given[0]} is", "make two networks, or keep one")
    kind = given[0]
    if kind == "config":
        yield from _config(valid)
        return
    if valid.get("for_vms") and kind != "bridge":
        yield _not_for_vms(kind)
    for each in given:
        if each in _OF_KIND:
            yield from _OF_KIND[each](valid[each], valid)
    yield from _ipam(valid, kind, listed_nodes)
    yield from _allow(valid, kind)
    yield from _routes(valid)
    yield from _mtu(valid)
    yield from _tuned(valid)


def _not_for_vms(path: str) -> Problem:
    reason = "passes no frames of a machine's own MAC address, as KubeVirt's bridge binding sends them"
    return Problem(path, reason, "write a bridge, or leave for_vms out")


def cluster_ranges(valid: Mapping[str, Any]) -> list[Range]:
    """The ranges of the cluster's pods and Services, as far as somebody says them."""
    given = valid.get("cluster_ranges", OWN_RANGES.get(valid["distro"], ()) if "distro" in valid else ())
    return [each for each in map(network_addresses.network, given) if each is not None]


def _names(valid: Mapping[str, Any]) -> Iterator[Problem]:
    name, namespace = valid.get("name"), valid.get("namespace")
    if name is not None and not formats.DNS_SUBDOMAIN.matches(name):
        yield Problem("name", f"{name!r} is not a name in Kubernetes", "write lower-case letters, digits and dashes")
    if namespace is not None and not is_opaque(namespace):
        yield from namespace_problems("namespace", namespace)


def _resource(valid: Mapping[str, Any]) -> Iterator[Problem]:
    name = valid.get("resource_name")
    if name is None:
        return
    if "sriov" in valid:
        yield Problem("resource_name", "has no effect beside sriov", "write it into sriov")
    elif not {"host_device", "config"} & valid.keys():
        yield Problem("resource_name", "has no effect: the plugin takes no device", "take host_device, or remove it")
    yield from _resource_form("resource_name", name)


def _resource_form(path: str, name: str) -> Iterator[Problem]:
    if "/" not in name or not formats.LABEL_NAME.matches(name):
        reason = f"{name!r} is no resource of a device plugin"
        yield Problem(path, reason, "write one such as 'intel.com/sriov', as the node's allocatable has it")


def namespace_problems(path: str, text: str) -> Iterator[Problem]:
    """Why a namespace cannot be one."""
    if not formats.DNS_LABEL.matches(text):
        yield Problem(path, f"{text!r} is not a namespace name", "write lower-case letters, digits and dashes")


def path_problems(path: str, text: str) -> Iterator[Problem]:
    """Why a path on the host cannot be one."""
    if not formats.HOST_FILE.matches(text):
        yield no_host_path(path, text, "/etc/cni/net.d/whereabouts.d/whereabouts.conf")


def _ranges_of_the_cluster(valid: Mapping[str, Any]) -> Iterator[Problem]:
    for index, text in enumerate(valid.get("cluster_ranges", ())):
        if text is not None and network_addresses.network(text) is None:
            yield Problem(f"cluster_ranges[{index}]", f"{text!r} is no network", "write one such as '10.42.0.0/16'")


def _link(path: str, name: Any, longest: int = network_rules.LONGEST_ALTERNATIVE) -> Iterator[Problem]:
    if name is not None:
        for reason, fix in network_rules.wrong_link(name, longest):
            yield Problem(path, reason, fix)


def _mode(kind: str, given: Mapping[str, Any]) -> Iterator[Problem]:
    known = network_rules.MODES[kind]
    if given.get("mode", known[0]) not in known:
        yield Problem(f"{kind}.mode", f"{given['mode']!r} is no mode of {kind}", f"write one of {', '.join(known)}")


def _bridge(given: Mapping[str, Any], valid: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _link("bridge.bridge", given.get("bridge"), network_rules.LONGEST_INTERFACE)
    if "vlan" in given and not network_rules.is_vlan(given["vlan"]):
        yield _no_vlan("bridge.vlan", given["vlan"])
    if given.get("hairpin_mode") and given.get("promisc_mode"):
        yield Problem("bridge.promisc_mode", "is true although bridge.hairpin_mode is", "keep one of the two")
    if given.get("preserve_default_vlan") and "vlan" not in given:
        yield Problem("bridge.preserve_default_vlan", "means nothing without a VLAN", "set bridge.vlan, or remove it")
    if "ipam" not in valid:
        for key in ("is_gateway", "is_default_gateway", "ip_masq"):
            if given.get(key):
                yield Problem(f"bridge.{key}", "means nothing where nobody has an address", "set ipam, or remove it")
    if given.get("is_default_gateway") and not valid.get("default_route"):
        reason = "takes the pods' default route, and with it the way to Services and DNS"
        yield Problem("bridge.is_default_gateway", reason, "set default_route where that is meant, or write is_gateway")


def _macvlan(given: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _link("macvlan.master", given.get("master"))
    yield from _mode("macvlan", given)


def _ipvlan(given: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _link("ipvlan.master", given.get("master"))
    yield from _mode("ipvlan", given)


def _vlan(given: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _link("vlan.master", given.get("master"))
    if "vlan_id" in given and not network_rules.is_vlan(given["vlan_id"]):
        yield _no_vlan("vlan.vlan_id", given["vlan_id"])


def _no_vlan(path: str, value: Any) -> Problem:
    return Problem(path, f"{value} is no VLAN", "write 1 to 4094")


def _host_device(given: Mapping[str, Any], valid: Mapping[str, Any]) -> Iterator[Problem]:
    if given and "resource_name" in valid:
        reason = f"names {' and '.join(given)} although resource_name says which device it is"
        yield Problem("host_device", reason, "write host_device: {}, or remove resource_name")
    elif len(given) != 1 and "resource_name" not in valid:
        reason = f"names {' and '.join(given) or 'no interface'}"
        yield Problem("host_device", reason, "write one of device, hwaddr, kernelpath, pci_bus_id")
    yield from _link("host_device.device", given.get("device"))
    forms = (
        ("hwaddr", formats.MAC_ADDRESS, "52:54:00:12:34:56"),
        ("pci_bus_id", formats.PCI_ADDRESS, "0000:00:1f.6"),
    )
    for key, form, example in forms:
        if key in given and not form.matches(given[key]):
            yield Problem(f"host_device.{key}", f"{given[key]!r} is none", f"write one such as {example!r}")
    if "kernelpath" in given and not given["kernelpath"].startswith("/sys/devices/"):
        reason = f"{given['kernelpath']!r} is not below /sys/devices"
        yield Problem("host_device.kernelpath", reason, "write the link's device, as `readlink -f` shows it")


def _sriov(given: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _resource_form("sriov.resource_name", given.get("resource_name", "a/b"))
    if "vlan" in given and not network_rules.is_vlan(given["vlan"], least=0):
        yield Problem("sriov.vlan", f"{given['vlan']} is no VLAN", "write 0 to 4094")
    switches = {"spoofchk": ("on", "off"), "trust": ("on", "off"), "link_state": ("auto", "enable", "disable")}
    for key, values in switches.items():
        if key in given and given[key] not in values:
            yield Problem(f"sriov.{key}", f"{given[key]!r} is not one of its values", f"write {' or '.join(values)}")


_OF_KIND = {
    "bridge": _bridge,
    "macvlan": _macvlan,
    "ipvlan": _ipvlan,
    "vlan": _vlan,
    "host_device": _host_device,
    "sriov": _sriov,
}


def _ipam(valid: Mapping[str, Any], kind: str, listed_nodes: Sequence[str]) -> Iterator[Problem]:
    if "ipam" not in valid:
        return
    ipam = valid["ipam"]
    if len(ipam) != 1:
        reason = f"names {' and '.join(ipam)}" if ipam else "names nobody who hands out addresses"
        yield Problem("ipam", reason, f"write one of {', '.join(ADDRESSES)}, or leave ipam out for none")
        return
    [(way, given)] = ipam.items()
    path = f"ipam.{way}"
    yield from _OF_WAY[way](path, given, valid)
    within = [(f"{path}.{key}", each) for key, each in _placed_subnets(given)]
    for place, text in within:
        found = network_addresses.with_prefix(text)
        for taken in cluster_ranges(valid):
            if found is not None and network_addresses.overlaps(found.network, taken):
                yield Problem(place, f"{text!r} overlaps the cluster's own {taken}", "write another network")
    if way == "host_local" and kind in SHARED_LINKS and len(listed_nodes) > 1 and "node" not in given:
        yield _same_on_every_node(f"{path}.ranges", listed_nodes)


def _same_on_every_node(path: str, listed_nodes: Sequence[str]) -> Problem:
    reason = f"are handed out by each of {', '.join(listed_nodes)} without asking the others: one address twice"
    fix = "take whereabouts or static, or make one network for each node, with ranges of its own and host_local.node"
    return Problem(path, reason, fix)


def _placed_subnets(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for index, each in enumerate(given.get("ranges", ())):
        yield f"ranges[{index}].subnet", each.get("subnet", "")
    for index, each in enumerate(given.get("addresses", ())):
        yield f"addresses[{index}].address", each.get("address", "")


def _host_local(path: str, given: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _ranges(path, given, first_is_gateway=True)
    if "node" in given and not formats.DNS_SUBDOMAIN.matches(given["node"]):
        yield Problem(f"{path}.node", f"{given['node']!r} is not a node's name", "write it as `kubectl get nodes` does")


def _ranges(path: str, given: Mapping[str, Any], *, first_is_gateway: bool) -> Iterator[Problem]:
    if "ranges" not in given:
        return
    if not given["ranges"]:
        yield Problem(f"{path}.ranges", "is empty", "write one such as {'subnet': '10.97.0.0/24'}")
    for index, each in enumerate(given["ranges"]):
        if "subnet" in each:
            bounds = (each.get(key) for key in ("subnet", "range_start", "range_end", "gateway"))
            found = network_addresses.wrong_in_range(*bounds, first_is_gateway=first_is_gateway)
            yield from _placed(f"{path}.ranges[{index}]", found)
    parts = [(each.get("subnet"), each.get("range_start"), each.get("range_end")) for each in given["ranges"]]
    for index, wrong in network_addresses.wrong_among_ranges(parts):
        yield from _placed(f"{path}.ranges[{index}]", [wrong])


def _placed(path: str, found: Any) -> Iterator[Problem]:
    wrong: Wrong
    for wrong in found:
        yield Problem(f"{path}.{wrong.key}", wrong.reason, wrong.fix)


def _static(path: str, given: Mapping[str, Any], valid: Mapping[str, Any]) -> Iterator[Problem]:
    addresses = given.get("addresses", ())
    if not addresses and "ips" not in valid.get("allow", ()):
        reason = "is empty, and no pod may ask for an address"
        yield Problem(f"{path}.addresses", reason, "write addresses, or allow: ['ips']")
    for index, each in enumerate(addresses):
        if "address" in each:
            found = network_addresses.wrong_in_address(each["address"], each.get("gateway"))
            yield from _placed(f"{path}.addresses[{index}]", found)


def _dhcp(path: str, given: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[Problem]:
    if "daemon_socket_path" in given:
        yield from path_problems(f"{path}.daemon_socket_path", given["daemon_socket_path"])


def _whereabouts(path: str, given: Mapping[str, Any], _: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _ranges(path, given, first_is_gateway=False)
    known = [network_addresses.network(each) for each in subnets(given)]
    for index, text in enumerate(given.get("exclude", ())):
        found = network_addresses.address(str(text).partition("/")[0])
        if text is not None and network_addresses.network(text) is None:
            reason, fix = f"{text!r} is no network", "write one such as '10.97.0.0/28', an address with /32 or /128"
            yield Problem(f"{path}.exclude[{index}]", reason, fix)
        elif found is not None and all(known) and not any(found in each for each in known if each is not None):
            yield Problem(f"{path}.exclude[{index}]", f"{text!r} is in none of the ranges", "remove it")
    where = given.get("configuration_path")
    if where is not None and not is_opaque(where):
        yield from path_problems(f"{path}.configuration_path", where)


_OF_WAY = {"host_local": _host_local, "static": _static, "dhcp": _dhcp, "whereabouts": _whereabouts}


def _allow(valid: Mapping[str, Any], kind: str) -> Iterator[Problem]:
    way = next(iter(valid.get("ipam", {})), None)
    for index, each in enumerate(valid.get("allow", ())):
        path = f"allow[{index}]"
        if each is not None and each not in ALLOWED:
            yield Problem(path, f"{each!r} is nothing that a pod may ask for", f"write one of {', '.join(ALLOWED)}")
        elif each == "ips" and way not in ("host_local", "static"):
            reason = f"{way or 'a network without ipam'} gives no address that a pod asks for"
            yield Problem(path, f"'ips' has no effect: {reason}", "take host_local or static")
        elif each == "mac" and kind == "ipvlan":
            yield Problem(path, "'mac' has no effect: every ipvlan has its link's MAC address", "take macvlan")


def _routes(valid: Mapping[str, Any]) -> Iterator[Problem]:
    routes, default = valid.get("routes", ()), valid.get("default_route", False)
    way, given = next(iter(valid.get("ipam", {}).items()), (None, {}))
    if way in (None, "dhcp"):
        why = "the server names its own" if way else "without ipam nobody hands them out"
        for key, asked in (("routes", routes), ("default_route", default)):
            if asked:
                yield Problem(key, f"has no effect: {why}", "take another ipam, or remove it")
        return
    known = families(given)
    near = [found.network for found in map(network_addresses.with_prefix, subnets(given)) if found is not None]
    if default and not known:
        yield Problem(
            "default_route", "has no gateway where pods bring their addresses", "write addresses with a gateway"
        )
    for place in _without_gateway(way, given) if default else ():
        yield Problem("default_route", f"has no gateway in ipam.{way}.{place}", f"set ipam.{way}.{place}.gateway")
    for index, each in enumerate(routes):
        yield from _route(f"routes[{index}]", each, valid, known, near)


def _without_gateway(way: str, given: Mapping[str, Any]) -> Iterator[str]:
    # host-local takes the first address where none is given.
    key = {"static": "addresses", "whereabouts": "ranges"}.get(way)
    for index, each in enumerate(given.get(key, ()) if key else ()):
        if "gateway" not in each:
            yield f"{key}[{index}]"


def _route(
    path: str, route: Mapping[str, Any], valid: Mapping[str, Any], known: Sequence[int], near: Sequence[Range]
) -> Iterator[Problem]:
    dst, gw, priority = route.get("dst"), route.get("gw"), route.get("priority")
    if dst is None:
        return
    wrongs = [*network_addresses.wrong_in_route(dst, gw)]
    yield from _placed(path, wrongs)
    if priority is not None and priority < 1:
        yield Problem(f"{path}.priority", f"{priority} is no metric of its own", "write 1 or more, or remove it")
    to, way = network_addresses.with_prefix(dst), network_addresses.address(gw)
    if wrongs or to is None:
        return
    if known and to.version not in known:
        yield Problem(f"{path}.dst", f"{dst!r} has no address of IPv{to.version} to leave from", "add a range of it")
    elif way is not None and near and not any(way in each for each in near):
        yield Problem(
            f"{path}.gw", f"{gw!r} is in none of the network's ranges, and cannot be reached", "write one that is"
        )
    if priority is None:
        yield from _too_wide(f"{path}.dst", dst, to, cluster_ranges(valid))


def _too_wide(path: str, dst: str, to: Any, ranges: Sequence[Range]) -> Iterator[Problem]:
    taken = network_addresses.taken_by(dst, ranges)
    if str(to.network) in EVERYTHING.values():
        fix = "write default_route: true where that is meant, or a priority"
        yield Problem(path, f"{dst!r} takes the pods' default route, and with it Services and DNS", fix)
    elif taken is not None:
        yield Problem(path, f"{dst!r} takes {taken}", "route what lies behind the network, or write a priority")
    elif to.network.prefixlen < network_addresses.WIDEST_PREFIX and not to.network.is_multicast:
        reason = f"{dst!r} is wider than /{network_addresses.WIDEST_PREFIX}"
        yield Problem(path, reason, "route what lies behind the network, or write a priority")


def _mtu(valid: Mapping[str, Any]) -> Iterator[Problem]:
    mtu = valid.get("mtu")
    if mtu is None:
        return
    if not network_rules.MTUS[0] <= mtu <= network_rules.MTUS[1]:
        yield Problem(
            "mtu", f"{mtu} is no MTU", f"write {network_rules.MTUS[0]} to {network_rules.MTUS[1]}, the link's at most"
        )
    elif mtu < LEAST_MTU_OF_IPV6 and any(6 in families(each) for each in valid.get("ipam", {}).values()):
        yield Problem("mtu", f"{mtu} is too small for IPv6", f"write {LEAST_MTU_OF_IPV6} or more")


def _tuned(valid: Mapping[str, Any]) -> Iterator[Problem]:
    for key in valid.get("sysctls", {}):
        if not network_rules.is_sysctl(key):
            reason = "is not below `net.`, and tuning sets nothing else"
            yield Problem(f"sysctls[{key!r}]", reason, "set it in the pod's securityContext")
    for index, each in enumerate(valid.get("chained", ())):
        if each is not None:
            yield from _link_of_chain(f"chained[{index}]", each)
            if each.get("type") == "sbr" and "ipam" not in valid:
                yield Problem(f"chained[{index}]", network_rules.NOTHING_TO_ROUTE_BY, "set ipam, or leave sbr out")


def _link_of_chain(path: str, plugin: Mapping[str, Any]) -> Iterator[Problem]:
    name = plugin.get("type")
    if not is_json(plugin):
        yield Problem(path, "is not made of what JSON has", "write it as its plugin's documents do")
    elif not isinstance(name, str) or not formats.PROGRAM.matches(name):
        reason = "is missing" if name is None else f"{name!r} is not a plugin's name"
        yield Problem(f"{path}.type", reason, "write one such as 'sbr'" if name else network_rules.without_type(plugin))
    elif name in network_rules.INTERFACE_PLUGINS or name.startswith("multus"):
        yield Problem(f"{path}.type", f"{name!r} makes an interface of its own", "make it a network of its own")
    else:
        # As it is handed to the plugin.
        handed = whole(plugin)
        yield from (Problem(path, each.what, each.fix) for each in network_rules.unknown_keys({"plugins": [handed]}))
        for each in network_rules.mistakes({"plugins": [{"type": "-"}, handed]}):
            yield Problem(path, each.what, each.fix)


def _config(valid: Mapping[str, Any]) -> Iterator[Problem]:
    for key in _NOT_WITH_CONFIG:
        if valid.get(key) not in (None, False):
            yield Problem(key, "has no effect beside config, which says it itself", "write it there")
    conf, found = parsed(valid["config"])
    yield from found
    if conf is None:
        return
    version = conf.get("cniVersion")
    if version and version not in network_rules.CNI_VERSIONS:
        yield Problem("config", f"asks for CNI version {version!r}, which no plugin speaks", "write '1.0.0'")
    name = conf.get("name")
    if name and not (isinstance(name, str) and formats.CNI_NETWORK_NAME.matches(name)):
        reason = f"has the name {name!r}, which libcni refuses"
        yield Problem("config", reason, "write letters, digits, `_`, `.` and `-`, a letter or a digit first")
    found_in = [*network_rules.mistakes(conf, has_resource="resource_name" in valid)]
    for each in (*found_in, *network_rules.weaknesses(conf), *network_rules.unknown_keys(conf)):
        yield Problem("config", each.what, each.fix)
    for wrong in network_rules.wrong_modes(conf):
        known = network_rules.MODES[wrong.partition(" ")[0]]
        yield Problem("config", f"asks for {wrong}", f"write one of {', '.join(known)}")
    for route in () if valid.get("default_route") else network_rules.wide_routes(conf, cluster_ranges(valid)):
        fix = "route what lies behind it, write a priority, or set default_route where that is meant"
        yield Problem("config", f"takes the pods' way out by {route}", fix)
    made = next(iter(plugins_called(conf)), "")
    if valid.get("for_vms") and made in network_rules.INTERFACE_PLUGINS - {"bridge"}:
        yield _not_for_vms("config")
