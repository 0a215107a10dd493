"""What no pod can be given by a network, told from its configuration alone, before a pod meets it. Pure.

Said once, for MultusNetwork and for `doctor`. The words of plugins are those of containernetworking/plugins v1.9.1 and
v1.10.0.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from . import network_addresses
from .network_addresses import Range
from .network_conf import Conf, ipam_of, plugin_confs, with_every_plugin, without

CNI_VERSIONS = ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
"""The versions of configurations that plugins speak, oldest first."""

# plugins/main/macvlan/macvlan.go and plugins/main/ipvlan/ipvlan.go, modeFromString.
MODES = {"macvlan": ("bridge", "private", "vepa", "passthru"), "ipvlan": ("l2", "l3", "l3s")}
LONGEST_INTERFACE = 15
"""How many characters the name of a link may have: IFNAMSIZ of the kernel, less its end."""
VLANS = (1, 4094)
"""The least and the greatest VLAN."""
# Plugins that stand on a link of the node, and the key that names it.
_LINKS = {"macvlan": "master", "ipvlan": "master", "vlan": "master", "host-device": "device"}
_DEVICES = ("device", "hwaddr", "kernelpath", "pciBusID")
NEVER_FIRST = frozenset({"bandwidth", "firewall", "portmap", "sbr", "tuning", "vrf"})
"""Plugins that change what one before them has made: plugins/meta, "must be called as chained plugin"."""
INTERFACE_PLUGINS = frozenset(
    {"bridge", "dummy", "host-device", "ipvlan", "loopback", "macvlan", "ptp", "sriov", "tap", "vlan"}
)
"""Plugins that make the interface: plugins/main, and sriov-cni's."""

# What libcni, Multus and the runtime read of every plugin, and what a plugin may be handed.
_OF_ALL = (
    "type",
    "cniVersion",
    "name",
    "capabilities",
    "ipam",
    "dns",
    "args",
    "runtimeConfig",
    "prevResult",
    "plugins",
)
_OF_LISTS = ("disableCheck", "disableGC", "loadOnlyInlinedPlugins")
# By the structures that plugins of v1.10.0 read their configuration into: plugins/main, plugins/meta, plugins/ipam.
_KEYS: dict[str, tuple[str, ...]] = {
    "bridge": (
        *("bridge", "isGateway", "isDefaultGateway", "forceAddress", "ipMasq", "ipMasqBackend", "mtu", "hairpinMode"),
        *("promiscMode", "vlan", "vlanTrunk", "preserveDefaultVlan", "macspoofchk", "enabledad"),
        *("disableContainerInterface", "portIsolation"),
    ),
    "macvlan": ("master", "mode", "mtu", "mac", "linkInContainer", "bcqueuelen"),
    "ipvlan": ("master", "mode", "mtu", "linkInContainer"),
    "vlan": ("master", "vlanId", "mtu", "linkInContainer"),
    "host-device": ("device", "hwaddr", "DPDKMode", "kernelpath", "pciBusID", "useInterfaceNetwork"),
    "ptp": ("ipMasq", "ipMasqBackend", "mtu"),
    "tuning": ("dataDir", "sysctl", "mac", "promisc", "mtu", "txQLen", "allmulti"),
    "vrf": ("vrfname", "table"),
    "sbr": ("table", "gateways", "addSourceHints"),
}
_IPAM_KEYS: dict[str, tuple[str, ...]] = {
    "host-local": (
        *("type", "name", "routes", "dataDir", "resolvConf", "ranges"),
        *("subnet", "rangeStart", "rangeEnd", "gateway"),
    ),
    "static": ("type", "name", "routes", "addresses", "dns"),
    "dhcp": ("type", "daemonSocketPath", "provide", "request", "priority"),
}
# dev_valid_name of the kernel, net/core/dev.c.
_LINK = re.compile(rf"[^\s/:]{{1,{LONGEST_INTERFACE}}}")
_SYSCTL = re.compile(r"net[./][A-Za-z0-9_./-]+")


class Mistake(NamedTuple):
    """What cannot work.

    Attributes:
        what: as a sentence without its subject, which is the network.
        fix: what to write instead.
    """

    what: str
    fix: str


def mistakes(conf: Conf) -> Iterator[Mistake]:
    """What its plugins or Multus refuse for every pod, and only its author can mend."""
    if "plugins" in conf and not plugin_confs(conf):
        yield Mistake("has no plugin in `plugins`", "name the plugin that makes the interface")
    for index, plugin in enumerate(plugin_confs(conf)):
        name = plugin.get("type")
        if index == 0 and name in NEVER_FIRST:
            what = f"begins with {name}, which only changes what a plugin before it has made"
            yield Mistake(what, "put a plugin that makes an interface first")
        if not name:
            yield Mistake("has a plugin without `type`", without_type(plugin))
        elif str(name).startswith("multus"):
            yield Mistake(f"calls {name}: Multus would call itself, without end", "name the plugin that is meant")
        yield from _of_link(plugin)
        yield from _of_addresses(plugin)


def without_type(plugin: Mapping[str, Any]) -> str:
    """What to do with a plugin that has no `type`: its author may have written it in another way."""
    meant = next((key for key in plugin if key.strip(": ").lower() == "type"), None)
    return "name the plugin" if meant is None else f"write `type` for {meant!r}"


def _of_link(plugin: Conf) -> Iterator[Mistake]:
    name = plugin.get("type")
    key = _LINKS.get(str(name), "bridge" if name == "bridge" else "")
    if plugin.get(key):
        for reason, fix in wrong_link(plugin[key]):
            yield Mistake(f"has a `{key}` that {reason}", fix)
    if name == "vlan" and not plugin.get("master"):
        yield Mistake("has a vlan without `master`", "name the link that carries it")
    # Of a device plugin's resource the runtime says which one it is.
    from_runtime = (plugin.get("capabilities") or {}).get("deviceID")
    if name == "host-device" and not from_runtime and not any(plugin.get(each) for each in _DEVICES):
        yield Mistake("has a host-device without a device", "write `device`, `hwaddr`, `kernelpath` or `pciBusID`")
    for each, given in (("vlanId", plugin.get("vlanId")), ("vlan", plugin.get("vlan"))):
        if name in ("vlan", "bridge") and given is not None and not is_vlan(given, least=0):
            yield Mistake(f"has the `{each}` {given!r}, which is no VLAN", "write 1 to 4094")
    for setting in plugin.get("sysctl") or () if name == "tuning" else ():
        if not is_sysctl(setting):
            yield Mistake(f"has the sysctl {setting!r}, which is not below `net.`", "leave it out")


def wrong_link(name: Any) -> Iterator[tuple[str, str]]:
    """Why no link can have a name: what it is or does, and what to write instead."""
    text = str(name)
    if ":" in text:
        yield f"is {text!r}: an alias is an address, and no link", f"write {text.partition(':')[0]!r}"
    elif not _LINK.fullmatch(text) or text in (".", ".."):
        yield f"is {text!r}, which no link is called", "write at most 15 characters, without slash or space"


def is_vlan(value: Any, least: int = VLANS[0]) -> bool:
    """Whether a number is a VLAN's; plugins take 0 for none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= VLANS[1]


def is_sysctl(key: Any) -> bool:
    """Whether the tuning plugin may set it: what belongs to a pod's network."""
    return _SYSCTL.fullmatch(str(key)) is not None and ".." not in str(key)


def _of_addresses(plugin: Conf) -> Iterator[Mistake]:
    ipam = ipam_of(plugin)
    kind = ipam.get("type")
    if not kind:
        if ipam:
            yield Mistake("has an `ipam` without `type`", "name the plugin, such as host-local")
        return
    if kind == "host-local":
        ranges = [*_ranges(ipam)]
        if not ranges and not (plugin.get("capabilities") or {}).get("ipRanges"):
            yield Mistake("has a host-local without a range", 'write "ranges": [[{"subnet": "10.97.0.0/24"}]]')
        for given in ranges:
            for wrong in network_addresses.wrong_in_range(*(given.get(key) for key in _RANGE_KEYS)):
                key = _RANGE_KEYS[_WRONG_KEYS.index(wrong.key)]
                yield Mistake(f"has a {key} that cannot work: {wrong.reason}", wrong.fix)
        for _, wrong in network_addresses.wrong_among_ranges([each.get("subnet") for each in ranges]):
            yield Mistake(f"has two ranges of which {wrong.reason}", wrong.fix)
    if kind == "static":
        for each in ipam.get("addresses") or ():
            found = each if isinstance(each, dict) else {"address": each}
            for wrong in network_addresses.wrong_in_address(found.get("address", "")):
                yield Mistake(f"has an address that cannot work: {wrong.reason}", wrong.fix)
    for route in ipam.get("routes") or ():
        for wrong in network_addresses.wrong_in_route(*_route_parts(route)):
            yield Mistake(f"has a route whose {wrong.key} cannot work: {wrong.reason}", wrong.fix)


_WRONG_KEYS = ("subnet", "range_start", "range_end", "gateway")
_RANGE_KEYS = ("subnet", "rangeStart", "rangeEnd", "gateway")


def _route_parts(route: Any) -> tuple[Any, Any]:
    found = route if isinstance(route, dict) else {}
    return found.get("dst"), found.get("gw")


def _ranges(ipam: Conf) -> Iterator[Conf]:
    if ipam.get("subnet"):
        yield ipam
    for several in ipam.get("ranges") or ():
        yield from (each for each in several if isinstance(each, dict)) if isinstance(several, list) else ()


def unknown_keys(conf: Conf) -> Iterator[Mistake]:
    """Keys that none of its plugins reads, where these are known: they are read over in silence."""
    in_list = "plugins" in conf
    if in_list:
        yield from _unknown(conf, (*_OF_ALL, *_OF_LISTS), "the list")
    for plugin in plugin_confs(conf):
        name, ipam = str(plugin.get("type")), ipam_of(plugin)
        if name in _KEYS:
            yield from _unknown(plugin, (*_OF_ALL, *_KEYS[name]), name)
        kind = str(ipam.get("type"))
        if kind in _IPAM_KEYS:
            yield from _unknown(ipam, _IPAM_KEYS[kind], kind)


def _unknown(conf: Conf, known: Sequence[str], who: str) -> Iterator[Mistake]:
    # Go reads keys without looking at their case.
    lower = {each.lower(): each for each in known}
    for key in conf:
        if key.lower() not in lower:
            close = difflib.get_close_matches(key.lower().replace("_", ""), lower, n=1)
            fix = f"did you mean `{lower[close[0]]}`? Otherwise remove it" if close else "remove it"
            yield Mistake(f"has a key {key!r} that {who} does not read", fix)


def wrong_modes(conf: Conf) -> list[str]:
    """The modes of plugins that they do not know, each with its plugin: `macvlan mode l2`."""
    return [
        f"{plugin['type']} mode {plugin['mode']}"
        for plugin in plugin_confs(conf)
        if plugin.get("type") in MODES and plugin.get("mode") and plugin["mode"] not in MODES[plugin["type"]]
    ]


def with_known_modes(conf: Conf) -> Conf:
    """The same, each plugin with its own default in the place of a mode that it does not know."""
    return with_every_plugin(conf, lambda plugin: without(plugin, "mode") if wrong_modes(plugin) else plugin)


def links_of(conf: Conf) -> list[str]:
    """The links of the node that it stands on; one in the pod (`linkInContainer`) is none of them."""
    named = (
        plugin.get(_LINKS[plugin["type"]])
        for plugin in plugin_confs(conf)
        if plugin.get("type") in _LINKS and not plugin.get("linkInContainer")
    )
    return [str(each) for each in named if each]


def shares_ranges(conf: Conf) -> bool:
    """Whether nodes hand out the same addresses on one link, each for itself."""
    return any(
        plugin.get("type") in ("macvlan", "ipvlan", "vlan") and ipam_of(plugin).get("type") == "host-local"
        for plugin in plugin_confs(conf)
    )


def wide_routes(conf: Conf, cluster_ranges: Sequence[Range]) -> list[str]:
    """Routes that take a pod's default route, or the way to other pods, besides those with a metric of their own.

    Args:
        conf: the network's configuration.
        cluster_ranges: the ranges of the cluster's pods.
    """
    found = []
    for plugin in plugin_confs(conf):
        routes = ipam_of(plugin).get("routes") or ()
        found += [str(route["dst"]) for route in routes if _is_wide(route, cluster_ranges)]
        if plugin.get("isDefaultGateway") is True:
            found.append("isDefaultGateway")
    return found


def _is_wide(route: Any, cluster_ranges: Sequence[Range]) -> bool:
    if not isinstance(route, dict) or route.get("priority"):
        return False
    return network_addresses.taken_by(route.get("dst"), cluster_ranges) is not None


def without_wide_routes(conf: Conf, cluster_ranges: Sequence[Range]) -> Conf:
    """The same without those routes."""

    def narrowed(plugin: Conf) -> Conf:
        kept = without(plugin, "isDefaultGateway") if plugin.get("isDefaultGateway") is True else plugin
        ipam = ipam_of(kept)
        if not ipam.get("routes"):
            return kept
        routes = [each for each in ipam["routes"] if not _is_wide(each, cluster_ranges)]
        others = without(ipam, "routes")
        return {**kept, "ipam": {**others, "routes": routes} if routes else others}

    return with_every_plugin(conf, narrowed)
