"""What a definition's `spec.config` says, from arguments that can work. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .network_addresses import address, network
from .network_conf import Conf

CNI_VERSION = "1.0.0"
"""What every plugin since 2022 speaks, and the first whose results name interfaces by index."""

PLUGIN_OF_KIND = {
    "bridge": "bridge",
    "macvlan": "macvlan",
    "ipvlan": "ipvlan",
    "vlan": "vlan",
    "host_device": "host-device",
    "sriov": "sriov",
}
"""The plugin that makes the interface, by the argument that asks for it."""
TAKES_MAC = frozenset({"bridge", "macvlan", "sriov"})
"""Kinds whose plugin takes the MAC address that a pod asks for; for others tuning sets it afterwards."""
TAKES_MTU = frozenset({"bridge", "macvlan", "ipvlan", "vlan"})
"""Kinds whose plugin takes an MTU; for others tuning sets it."""
EVERYTHING = {4: "0.0.0.0/0", 6: "::/0"}

# Names whose spelling does not follow from Python's.
_SPELLED = {"pci_bus_id": "pciBusID", "link_state": "link_state"}
_NOT_OF_THE_PLUGIN = frozenset({"resource_name"})


def network_name(namespace: str, name: str) -> str:
    """The name in the configuration. host-local keeps a book per name, so that no other network may have it.

    A namespace has no dot: what stands before the first is the namespace.
    """
    return f"{namespace}.{name}"


def conf_list(valid: Mapping[str, Any], namespace: str, name: str, configuration_path: str | None) -> Conf:
    """The configuration as a list of plugins.

    Args:
        valid: the arguments, which have no problem.
        namespace: the definition's.
        name: the definition's.
        configuration_path: whereabouts' own, None for where it looks by itself.
    """
    about = {"cniVersion": CNI_VERSION, "name": network_name(namespace, name)}
    if "config" in valid:
        given = json.loads(valid["config"])
        own = {key: given[key] for key in about if given.get(key)}
        rest = {key: value for key, value in given.items() if key not in about}
        return {**about, **own, **(rest if "plugins" in given else {"plugins": [rest]})}
    return {**about, "plugins": [*_plugins(valid, configuration_path)]}


def _plugins(valid: Mapping[str, Any], configuration_path: str | None) -> Iterator[Conf]:
    kind = next(each for each in PLUGIN_OF_KIND if each in valid)
    allowed = set(valid.get("allow", ()))
    own = allowed if kind in TAKES_MAC else allowed - {"mac"}
    mtu = {"mtu": valid["mtu"]} if "mtu" in valid else {}
    main: Conf = {
        "type": PLUGIN_OF_KIND[kind],
        **{_spelled(key): value for key, value in valid[kind].items() if key not in _NOT_OF_THE_PLUGIN},
        **(mtu if kind in TAKES_MTU else {}),
    }
    if own:
        main["capabilities"] = dict.fromkeys(sorted(own), True)
    ipam = _ipam(valid, configuration_path)
    if ipam:
        main["ipam"] = ipam
    yield main
    tuning: Conf = {**({} if kind in TAKES_MTU else mtu)}
    if valid.get("sysctls"):
        tuning["sysctl"] = dict(valid["sysctls"])
    if allowed - own:
        tuning["capabilities"] = {"mac": True}
    if tuning:
        yield {"type": "tuning", **tuning}
    yield from map(whole, valid.get("chained", ()))


def whole(value: Any) -> Any:
    """The same with whole numbers as such: those that crossed Pulumi's wire are floats, which plugins do not read."""
    if isinstance(value, Mapping):
        return {key: whole(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [whole(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _spelled(key: str) -> str:
    """`is_gateway` -> `isGateway`."""
    return _SPELLED.get(key) or re.sub(r"_(.)", lambda match: match[1].upper(), key)


def _ipam(valid: Mapping[str, Any], configuration_path: str | None) -> Conf:
    if not valid.get("ipam"):
        return {}
    [(kind, given)] = valid["ipam"].items()
    routes = [{_spelled(key): value for key, value in each.items()} for each in valid.get("routes", ())]
    if valid.get("default_route") and not valid.get("bridge", {}).get("is_default_gateway"):
        routes = [*({"dst": EVERYTHING[version]} for version in families(given)), *routes]
    return {**_OF_IPAM[kind](given, configuration_path), **({"routes": routes} if routes else {})}


def subnets(ipam: Mapping[str, Any]) -> list[str]:
    """The networks that a way to hand out addresses names."""
    ranges = [each.get("subnet", "") for each in ipam.get("ranges", ())]
    return [*ranges, *(each.get("address", "") for each in ipam.get("addresses", ()))]


def families(ipam: Mapping[str, Any]) -> list[int]:
    """The versions of IP that it hands out, 4 before 6."""
    found = (address(each.partition("/")[0]) for each in subnets(ipam))
    return sorted({each.version for each in found if each is not None})


def _host_local(given: Mapping[str, Any], _: str | None) -> Conf:
    return {"type": "host-local", "ranges": [[{_spelled(key): each[key] for key in each}] for each in given["ranges"]]}


def _static(given: Mapping[str, Any], _: str | None) -> Conf:
    addresses = [dict(each) for each in given.get("addresses", ())]
    return {"type": "static", **({"addresses": addresses} if addresses else {})}


def _dhcp(given: Mapping[str, Any], _: str | None) -> Conf:
    return {"type": "dhcp", **{_spelled(key): value for key, value in given.items()}}


def _whereabouts(given: Mapping[str, Any], configuration_path: str | None) -> Conf:
    ranges = [_whereabouts_range(each, given.get("exclude", ())) for each in given["ranges"]]
    gateways = [each["gateway"] for each in given["ranges"] if "gateway" in each]
    return {
        "type": "whereabouts",
        **(ranges[0] if len(ranges) == 1 else {"ipRanges": ranges}),
        **({"gateway": gateways[0]} if gateways else {}),
        **({"configuration_path": configuration_path} if configuration_path else {}),
    }


def _whereabouts_range(given: Mapping[str, Any], exclude: Sequence[str]) -> Conf:
    """One range: whereabouts spells keys with underscores, and hands a gateway out like every other address."""
    within = network(given["subnet"])
    gateway = address(given.get("gateway"))
    left_out = [str(each) for each in exclude if _is_in(each, within)]
    if gateway is not None:
        left_out.append(f"{gateway}/{gateway.max_prefixlen}")
    bounds = {key: given[key] for key in ("range_start", "range_end") if key in given}
    return {"range": given["subnet"], **bounds, **({"exclude": list(dict.fromkeys(left_out))} if left_out else {})}


def _is_in(text: str, within: Any) -> bool:
    found = address(text.partition("/")[0])
    return found is not None and found in within


_OF_IPAM = {"host_local": _host_local, "static": _static, "dhcp": _dhcp, "whereabouts": _whereabouts}
