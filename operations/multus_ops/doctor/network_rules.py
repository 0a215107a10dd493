"""What no pod can be given by a network, told from its configuration alone, before a pod meets it. Pure.

The words of plugins are those of containernetworking/plugins v1.9.1 and v1.10.0.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any

from .networks import plugin_confs, with_every_plugin, without

Range = ipaddress.IPv4Network | ipaddress.IPv6Network

# plugins/main/macvlan/macvlan.go and plugins/main/ipvlan/ipvlan.go, modeFromString.
MODES = {"macvlan": ("bridge", "private", "vepa", "passthru"), "ipvlan": ("l2", "l3", "l3s")}
# Plugins that stand on a link of the node, and the key that names it.
_LINKS = {"macvlan": "master", "ipvlan": "master", "vlan": "master", "host-device": "device"}
# Plugins that change what one before them has made: plugins/meta, "must be called as chained plugin".
_NEVER_FIRST = {"bandwidth", "firewall", "portmap", "sbr", "tuning", "vrf"}
_SMALLEST_ROOM = 2


def mistakes(conf: dict[str, Any]) -> Iterator[str]:
    """What its plugins or Multus refuse for every pod and only its author can mend, as sentences without a subject."""
    if "plugins" in conf and not plugin_confs(conf):
        yield "has no plugin in `plugins`"
    for index, plugin in enumerate(plugin_confs(conf)):
        name = plugin.get("type")
        if index == 0 and name in _NEVER_FIRST:
            yield f"begins with {name}, which only changes what a plugin before it has made"
        if not name:
            yield "has a plugin without `type`"
        elif str(name).startswith("multus"):
            yield f"calls {name}: Multus would call itself, without end"
        if isinstance(plugin.get("ipam"), dict):
            yield from _address_mistakes(plugin["ipam"])


def _address_mistakes(ipam: dict[str, Any]) -> Iterator[str]:
    kind = ipam.get("type")
    if not kind:
        if ipam:
            yield "has an `ipam` without `type`"
        return
    if kind == "host-local":
        for each in _ranges(ipam):
            yield from _range_mistakes(each)
    if kind == "static":
        for each in ipam.get("addresses") or ():
            address = str(each.get("address", "")) if isinstance(each, dict) else str(each)
            if "/" not in address or _interface(address) is None:
                yield f"has the address {address!r}, which is none with a prefix length, such as 10.1.1.5/24"


def _ranges(ipam: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if ipam.get("subnet"):
        yield ipam
    for several in ipam.get("ranges") or ():
        yield from (each for each in several if isinstance(each, dict)) if isinstance(several, list) else ()


def _range_mistakes(given: dict[str, Any]) -> Iterator[str]:
    subnet = str(given.get("subnet", ""))
    try:
        within = ipaddress.ip_network(subnet)
    except ValueError:
        yield f"has the subnet {subnet!r}, which is no network such as 10.97.0.0/24"
        return
    if within.max_prefixlen - within.prefixlen < _SMALLEST_ROOM:
        yield f"has the subnet {subnet}, which has no room for addresses"
    for key in ("rangeStart", "rangeEnd"):
        address = given.get(key)
        found = None if address is None else _interface(str(address))
        if address is not None and (found is None or found.ip not in within):
            yield f"has {key} {address!r}, which is not within {subnet}"
    first, last = (_interface(str(given.get(key, ""))) for key in ("rangeStart", "rangeEnd"))
    if first is not None and last is not None and first.version == last.version and first.ip > last.ip:  # type: ignore[operator]
        yield f"has a rangeStart {first.ip} behind its rangeEnd {last.ip}"


def _interface(address: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface | None:
    try:
        return ipaddress.ip_interface(address)
    except ValueError:
        return None


def wrong_modes(conf: dict[str, Any]) -> list[str]:
    """The modes of plugins that they do not know, each with its plugin: `macvlan mode l2`."""
    return [
        f"{plugin['type']} mode {plugin['mode']}"
        for plugin in plugin_confs(conf)
        if plugin.get("type") in MODES and plugin.get("mode") and plugin["mode"] not in MODES[plugin["type"]]
    ]


def with_known_modes(conf: dict[str, Any]) -> dict[str, Any]:
    """The same, each plugin with its own default in the place of a mode that it does not know."""
    return with_every_plugin(conf, lambda plugin: without(plugin, "mode") if wrong_modes(plugin) else plugin)


def links_of(conf: dict[str, Any]) -> list[str]:
    """The links of the node that it stands on; one in the pod (`linkInContainer`) is none of them."""
    named = (
        plugin.get(_LINKS[plugin["type"]])
        for plugin in plugin_confs(conf)
        if plugin.get("type") in _LINKS and not plugin.get("linkInContainer")
    )
    return [str(each) for each in named if each]


def wide_routes(conf: dict[str, Any], pod_ranges: Sequence[Range]) -> list[str]:
    """Routes that take a pod's default route, or the way to other pods, besides those with a metric of their own.

    Args:
        conf: the network's configuration.
        pod_ranges: the ranges of the cluster's pods.
    """
    found = []
    for plugin in plugin_confs(conf):
        ipam = plugin["ipam"] if isinstance(plugin.get("ipam"), dict) else {}
        found += [str(route["dst"]) for route in ipam.get("routes") or () if _is_wide(route, pod_ranges)]
        if plugin.get("isDefaultGateway") is True:
            found.append("isDefaultGateway")
    return found


def _is_wide(route: Any, pod_ranges: Sequence[Range]) -> bool:
    if not isinstance(route, dict) or route.get("priority"):
        return False
    try:
        to = ipaddress.ip_network(str(route.get("dst")), strict=False)
    except ValueError:
        return False
    # Two halves of everything are a default route in another form.
    return to.prefixlen <= 1 or any(
        to.version == each.version and each.subnet_of(to)  # type: ignore[arg-type]
        for each in pod_ranges
    )


def without_wide_routes(conf: dict[str, Any], pod_ranges: Sequence[Range]) -> dict[str, Any]:
    """The same without those routes."""

    def narrowed(plugin: dict[str, Any]) -> dict[str, Any]:
        kept = without(plugin, "isDefaultGateway") if plugin.get("isDefaultGateway") is True else plugin
        ipam = kept.get("ipam")
        if not isinstance(ipam, dict) or not ipam.get("routes"):
            return kept
        routes = [each for each in ipam["routes"] if not _is_wide(each, pod_ranges)]
        others = without(ipam, "routes")
        return {**kept, "ipam": {**others, "routes": routes} if routes else others}

    return with_every_plugin(conf, narrowed)
