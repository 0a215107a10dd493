"""What no pod can be given by a network, told from its configuration alone, before a pod meets it. Pure.

Said once, for MultusNetwork and for `doctor`. The words of plugins are those of containernetworking/plugins v1.9.1 and
v1.10.0.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from . import formats, network_addresses
from .network_addresses import Range
from .network_conf import Conf, ipam_of, items, mapping, plugin_confs, type_of, with_every_plugin, without
from .network_keys import OF_ALL, OF_IPAM, OF_LISTS, OF_PLUGINS, ROUTING, TEXT, misshapen

CNI_VERSIONS = ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
"""The versions of configurations that plugins speak, oldest first."""

# plugins/main/macvlan/macvlan.go and plugins/main/ipvlan/ipvlan.go, modeFromString.
MODES = {"macvlan": ("bridge", "private", "vepa", "passthru"), "ipvlan": ("l2", "l3", "l3s")}
LONGEST_INTERFACE = 15
"""How many characters the name of a link may have: IFNAMSIZ of the kernel, less its end."""
LONGEST_ALTERNATIVE = 127
"""How many an alternative name may have, by which plugins find a link too: ALTIFNAMSIZ of the kernel, less its end."""
VLANS = (1, 4094)
"""The least and the greatest VLAN."""
MTUS = (68, 65535)
"""The least MTU with which the kernel has IPv4 on a link, and the greatest."""
# Plugins that stand on a link of the node, and the key that names it: a bridge is made where there is none.
LINKS = {"macvlan": "master", "ipvlan": "master", "vlan": "master", "host-device": "device", "bridge": "bridge"}
_DEVICES = ("device", "hwaddr", "kernelpath", "pciBusID")
NEVER_FIRST = frozenset({"bandwidth", "firewall", "portmap", "sbr", "tuning", "vrf"})
"""Plugins that change what one before them has made: plugins/meta, "must be called as chained plugin"."""
INTERFACE_PLUGINS = frozenset(
    {"bridge", "dummy", "host-device", "ipvlan", "loopback", "macvlan", "ptp", "sriov", "tap", "vlan"}
)
"""Plugins that make the interface: plugins/main, and sriov-cni's."""

# plugins/meta/sbr/main.go, getIPCfgs.
NOTHING_TO_ROUTE_BY = "has sbr, which routes by the pod's address, and nobody who hands out one"

# pkg/ip/ipmasq_linux.go, SetupIPMasqForNetworks.
_BACKENDS = ("iptables", "nftables")
# dev_valid_name of the kernel, net/core/dev.c.
_LINK = re.compile(r"[^\s/:]+")
_SYSCTL = re.compile(r"net[./][A-Za-z0-9_./-]+")


class Mistake(NamedTuple):
    """What cannot work.

    Attributes:
        what: as a sentence without its subject, which is the network.
        fix: what to write instead.
    """

    what: str
    fix: str


def mistakes(conf: Conf, *, has_resource: bool = False) -> Iterator[Mistake]:
    """What its plugins or Multus refuse for every pod, and only its author can mend.

    Args:
        conf: the network's configuration.
        has_resource: whether its definition names a device plugin's resource: Multus then writes the device itself
            (v4.3.0, pkg/types/conf.go, delegateAddDeviceID).
    """
    if "plugins" in conf and not plugin_confs(conf):
        yield Mistake("has no plugin in `plugins`", "name the plugin that makes the interface")
    for each in items(conf.get("plugins")):
        if not isinstance(each, dict):
            yield Mistake(f"has a plugin that is no mapping: {each!r}", "write one with a `type`")
    for index, plugin in enumerate(plugin_confs(conf)):
        name = type_of(plugin)
        if index == 0 and name in NEVER_FIRST:
            what = f"begins with {name}, which only changes what a plugin before it has made"
            yield Mistake(what, "put a plugin that makes an interface first")
        if not name:
            yield Mistake("has a plugin without `type`", without_type(plugin))
        elif name.startswith("multus"):
            yield Mistake(f"calls {name}: Multus would call itself, without end", "name the plugin that is meant")
        if name == "sbr" and index and _gives_no_address(plugin_confs(conf)[0]):
            yield Mistake(NOTHING_TO_ROUTE_BY, "add an `ipam`, or leave sbr out")
        yield from _other_types(plugin, name)
        yield from _of_link(plugin, name, has_resource=has_resource)
        yield from _of_settings(plugin, name)
        yield from _of_addresses(plugin)


def _gives_no_address(first: Conf) -> bool:
    known = type_of(first) in INTERFACE_PLUGINS and not first.get("useInterfaceNetwork")
    return known and not ipam_of(first).get("type")


def weaknesses(conf: Conf) -> Iterator[Mistake]:
    """What some plugins pass over, and nobody means: reason enough to refuse it before it exists, and not after."""
    for plugin in plugin_confs(conf):
        ipam = _judged_ipam(plugin)
        if ipam and not ipam.get("type") and any(ipam.values()):
            yield Mistake("has an `ipam` without `type`", "name the plugin, such as host-local")
        if type_of(ipam) == "host-local":
            # Refused since v1.10.0.
            yield from (mistake for key, mistake in _of_ranges(ipam) if key == "gateway")


def _other_types(plugin: Conf, name: str) -> Iterator[Mistake]:
    """Known keys with a value that Go does not read into their structure."""
    kind = type_of(_judged_ipam(plugin))
    of_ipam = ROUTING if kind == "whereabouts" else OF_IPAM.get(kind, {})
    shapes = {**OF_ALL, **OF_PLUGINS.get(name, {}), "ipam": {"type": TEXT, **of_ipam}}
    for found in misshapen(plugin, shapes):
        what = f"has a value of `{found.path}` that is no {found.wanted}: {found.value!r}"
        yield Mistake(what, f"write a {found.wanted}, or leave it out")


def without_type(plugin: Mapping[str, Any]) -> str:
    """What to do with a plugin that has no `type`: its author may have written it in another way."""
    meant = next((key for key in plugin if key.strip(": ").lower() == "type"), None)
    return "name the plugin" if meant is None else f"write `type` for {meant!r}"


def _of_link(plugin: Conf, name: str, *, has_resource: bool) -> Iterator[Mistake]:
    key = LINKS.get(name, "")
    if _text(plugin, key):
        longest = LONGEST_INTERFACE if key == "bridge" else LONGEST_ALTERNATIVE
        for reason, fix in wrong_link(plugin[key], longest):
            yield Mistake(f"has a `{key}` that {reason}", fix)
    if name == "vlan" and not plugin.get("master"):
        yield Mistake("has a vlan without `master`", "name the link that carries it")
    if name == "host-device":
        yield from _of_device(plugin, has_resource=has_resource)
    for each in ("vlanId", "vlan") if name in ("vlan", "bridge") else ():
        if _number(plugin, each) is not None and not is_vlan(plugin[each], least=0):
            yield Mistake(f"has the `{each}` {plugin[each]!r}, which is no VLAN", "write 1 to 4094")
    for each in items(plugin.get("vlanTrunk")) if name == "bridge" else ():
        if not _is_trunk(mapping(each)):
            yield Mistake(f"has a `vlanTrunk` of {each!r}", "write `id`, or `minID` and `maxID`, of 1 to 4094 each")


def _is_trunk(given: Conf) -> bool:
    """plugins/main/bridge/bridge.go, collectVlanTrunk."""
    if any(given.get(key) is not None and not is_vlan(given[key]) for key in ("minID", "maxID", "id")):
        return False
    least, most = _number(given, "minID"), _number(given, "maxID")
    return least is most if least is None or most is None else least <= most


def _of_device(plugin: Conf, *, has_resource: bool) -> Iterator[Mistake]:
    # Of a device plugin's resource the runtime says which one it is.
    from_runtime = has_resource or mapping(plugin.get("capabilities")).get("deviceID")
    given = [each for each in _DEVICES if plugin.get(each)]
    if not from_runtime and not given:
        yield Mistake("has a host-device without a device", "write `device`, `hwaddr`, `kernelpath` or `pciBusID`")
    # The first counts: plugins/main/host-device/host-device.go, getLink.
    first, text = (given[0], _text(plugin, given[0])) if given else ("", "")
    if first == "hwaddr" and text and not formats.ANY_MAC_ADDRESS.matches(text):
        yield Mistake(f"has the `hwaddr` {text!r}, which is no MAC address", "write one such as '52:54:00:12:34:56'")
    if first == "kernelpath" and text and not text.startswith("/sys/devices/"):
        yield Mistake(f"has the `kernelpath` {text!r}, which is not below /sys/devices", "write the link's device")


def _of_settings(plugin: Conf, name: str) -> Iterator[Mistake]:
    """What the kernel gives no link, and tuning no pod."""
    if name not in OF_PLUGINS:
        return
    mtu = _number(plugin, "mtu")
    if mtu and not MTUS[0] <= mtu <= MTUS[1]:
        yield Mistake(f"has the `mtu` {mtu}, which is none", f"write {MTUS[0]} to {MTUS[1]}, or 0 for the link's")
    mac = _text(plugin, "mac")
    if "mac" in OF_PLUGINS[name] and mac and not is_mac_of_one(mac):
        yield Mistake(f"has the `mac` {mac!r}, which no interface can have", "write one such as '02:00:00:00:00:05'")
    backend = _text(plugin, "ipMasqBackend")
    if plugin.get("ipMasq") is True and "ipMasqBackend" in plugin and backend not in _BACKENDS:
        yield Mistake(f"has the `ipMasqBackend` {backend!r}, which is none", f"write {' or '.join(_BACKENDS)}")
    for setting in mapping(plugin.get("sysctl")) if name == "tuning" else ():
        if not is_sysctl(setting):
            yield Mistake(f"has the sysctl {setting!r}, which is not below `net.`", "leave it out")


def _text(conf: Conf, key: str) -> str:
    """A text, empty where there is none or, which is told by itself, something else."""
    value = conf.get(key)
    return value if isinstance(value, str) else ""


def _number(conf: Conf, key: str) -> int | None:
    value = conf.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def is_mac_of_one(text: str) -> bool:
    """Whether an interface can have a MAC address: one of a group is none, nor is that of zeros."""
    digits = re.sub("[:.-]", "", text)
    return formats.ANY_MAC_ADDRESS.matches(text) and not int(digits[:2], 16) & 1 and int(digits, 16) != 0


def wrong_link(name: Any, longest: int = LONGEST_INTERFACE) -> Iterator[tuple[str, str]]:
    """Why no link can have a name: what it is or does, and what to write instead."""
    text = str(name)
    if ":" in text:
        yield f"is {text!r}: an alias is an address, and no link", f"write {text.partition(':')[0]!r}"
    elif not _LINK.fullmatch(text) or text in (".", "..") or len(text) > longest:
        yield f"is {text!r}, which no link is called", f"write at most {longest} characters, without slash or space"


def is_vlan(value: Any, least: int = VLANS[0]) -> bool:
    """Whether a number is a VLAN's; plugins take 0 for none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= VLANS[1]


def is_sysctl(key: Any) -> bool:
    """Whether the tuning plugin may set it: what belongs to a pod's network."""
    return _SYSCTL.fullmatch(str(key)) is not None and ".." not in str(key)


def _judged_ipam(plugin: Conf) -> Conf:
    """What a plugin says of addresses, where it hands that on as it is: calico and others have words of their own."""
    return ipam_of(plugin) if type_of(plugin) in INTERFACE_PLUGINS else {}


def _of_addresses(plugin: Conf) -> Iterator[Mistake]:
    ipam = _judged_ipam(plugin)
    kind = type_of(ipam)
    if kind in INTERFACE_PLUGINS | NEVER_FIRST:
        yield Mistake(f"has an `ipam` of {kind}, which hands out no address", "name the plugin, such as host-local")
    if kind == "host-local":
        yield from _of_host_local(plugin, ipam)
    if kind == "static":
        for each in items(ipam.get("addresses")):
            given = mapping(each)
            if isinstance(given.get("address", ""), str):
                for wrong in network_addresses.wrong_in_address(given.get("address", "")):
                    yield Mistake(f"has an address that cannot work: {wrong.reason}", wrong.fix)
            if _text(given, "gateway") and network_addresses.address(given["gateway"]) is None:
                yield Mistake(
                    f"has the gateway {given['gateway']!r}, which is no address", "write one, or leave it out"
                )
    for route in items(ipam.get("routes")) if kind in _ROUTING else ():
        given = mapping(route)
        if isinstance(given.get("dst") or "", str):
            for wrong in network_addresses.wrong_in_route(given.get("dst"), _text(given, "gw") or None):
                yield Mistake(f"has a route whose {wrong.key} cannot work: {wrong.reason}", wrong.fix)


def _of_host_local(plugin: Conf, ipam: Conf) -> Iterator[Mistake]:
    ranges = [*_ranges(ipam)]
    sets = ipam.get("ranges") or []
    if not isinstance(sets, list):
        return
    if not ranges and not mapping(plugin.get("capabilities")).get("ipRanges"):
        yield Mistake("has a host-local without a range", 'write "ranges": [[{"subnet": "10.97.0.0/24"}]]')
    elif [] in sets:
        yield Mistake("has an empty set among its `ranges`", "remove it")
    for several in sets:
        known = (network_addresses.network(mapping(each).get("subnet")) for each in items(several))
        if len({each.version for each in known if each is not None}) > 1:
            yield Mistake("has addresses of both families in one set of `ranges`", "write a set for each")
    # A gateway outside is refused since v1.10.0 alone.
    yield from (mistake for key, mistake in _of_ranges(ipam) if key != "gateway")
    for _, wrong in network_addresses.wrong_among_ranges([_bounds(each)[:3] for each in ranges]):
        yield Mistake(f"has two ranges of which {wrong.reason}", wrong.fix)


_ROUTING = frozenset({"host-local", "static", "whereabouts"})
_WRONG_KEYS = ("subnet", "range_start", "range_end", "gateway")
_RANGE_KEYS = ("subnet", "rangeStart", "rangeEnd", "gateway")


def _bounds(given: Conf) -> tuple[Any, Any, Any, Any]:
    """A range's subnet, start, end and gateway; to Go an empty text is none."""
    subnet, start, end, gateway = (_text(given, key) or None for key in _RANGE_KEYS)
    return subnet, start, end, gateway


def _of_ranges(ipam: Conf) -> Iterator[tuple[str, Mistake]]:
    """What is wrong within each range, with the key of a gateway that is an address outside of it, else with none."""
    for given in _ranges(ipam):
        if not isinstance(given.get("subnet") or "", str):
            continue
        for wrong in network_addresses.wrong_in_range(*_bounds(given)):
            key = _RANGE_KEYS[_WRONG_KEYS.index(wrong.key)]
            outside = key == "gateway" and network_addresses.address(given[key]) is not None
            yield key if outside else "", Mistake(f"has a {key} that cannot work: {wrong.reason}", wrong.fix)


def _ranges(ipam: Conf) -> Iterator[Conf]:
    if ipam.get("subnet"):
        yield ipam
    for several in items(ipam.get("ranges")):
        yield from (each for each in items(several) if isinstance(each, dict))


def unknown_keys(conf: Conf) -> Iterator[Mistake]:
    """Keys that none of its plugins reads, where these are known: they are read over in silence."""
    if "plugins" in conf:
        yield from _unknown(conf, (*OF_ALL, *OF_LISTS), "the list")
    for plugin in plugin_confs(conf):
        name, ipam = type_of(plugin), _judged_ipam(plugin)
        if name in OF_PLUGINS:
            yield from _unknown(plugin, (*OF_ALL, *OF_PLUGINS[name]), name)
        kind = type_of(ipam)
        if kind in OF_IPAM:
            yield from _unknown(ipam, (*OF_IPAM[kind],), kind)


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
    return [f"{type_of(each)} mode {each['mode']}" for each in plugin_confs(conf) if _has_wrong_mode(each)]


def _has_wrong_mode(plugin: Conf) -> bool:
    known = MODES.get(type_of(plugin))
    return known is not None and bool(_text(plugin, "mode")) and plugin["mode"] not in known


def with_known_modes(conf: Conf) -> Conf:
    """The same, each plugin with its own default in the place of a mode that it does not know."""
    return with_every_plugin(conf, lambda plugin: without(plugin, "mode") if _has_wrong_mode(plugin) else plugin)


def wide_routes(conf: Conf, cluster_ranges: Sequence[Range]) -> list[str]:
    """Routes that take a pod's default route, or the way to other pods, besides those with a metric of their own.

    Args:
        conf: the network's configuration.
        cluster_ranges: the ranges of the cluster's pods.
    """
    found = []
    for plugin in plugin_confs(conf):
        routes = items(ipam_of(plugin).get("routes"))
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
        if not items(ipam.get("routes")):
            return kept
        routes = [each for each in ipam["routes"] if not _is_wide(each, cluster_ranges)]
        others = without(ipam, "routes")
        return {**kept, "ipam": {**others, "routes": routes} if routes else others}

    return with_every_plugin(conf, narrowed)
