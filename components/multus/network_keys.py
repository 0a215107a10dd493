"""The keys that plugins read of a configuration, spelled as they spell them, and what each holds. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

TEXT, FLAG, NUMBER, COUNT, ANY = "text", "boolean", "whole number", "number of 0 or more", "anything"
Shape = str | list[Any] | dict[str, Any]
"""What a value is: one of the above, a list of one shape, or a mapping: of these members, or of any with `*`."""

# What libcni, Multus and the runtime read of every plugin, and what a plugin may be handed: types.PluginConf of
# containernetworking/cni v1.3.1, pkg/types/types.go.
OF_ALL: dict[str, Shape] = {
    # These are judged by themselves.
    **dict.fromkeys(("type", "cniVersion", "name"), ANY),
    "capabilities": {"*": FLAG},
    "ipam": {"type": TEXT},
    "dns": {"nameservers": [TEXT], "domain": TEXT, "search": [TEXT], "options": [TEXT]},
    "args": {},
    "runtimeConfig": {},
    "prevResult": {},
    "plugins": ANY,
}
# containernetworking/cni v1.3.1, libcni/conf.go.
OF_LISTS = ("cniVersions", "disableCheck", "disableGC", "loadOnlyInlinedPlugins")
# By the structures that plugins of v1.10.0 read their configuration into: plugins/main, plugins/meta, plugins/ipam.
OF_PLUGINS: dict[str, dict[str, Shape]] = {
    "bridge": {
        **dict.fromkeys(("bridge", "ipMasqBackend"), TEXT),
        **dict.fromkeys(("isGateway", "isDefaultGateway", "forceAddress", "ipMasq", "hairpinMode"), FLAG),
        **dict.fromkeys(("promiscMode", "preserveDefaultVlan", "macspoofchk", "enabledad"), FLAG),
        **dict.fromkeys(("disableContainerInterface", "portIsolation"), FLAG),
        **dict.fromkeys(("mtu", "vlan"), NUMBER),
        "vlanTrunk": [dict.fromkeys(("minID", "maxID", "id"), NUMBER)],
    },
    "macvlan": {
        **dict.fromkeys(("master", "mode", "mac"), TEXT),
        "mtu": NUMBER,
        "linkInContainer": FLAG,
        "bcqueuelen": COUNT,
    },
    "ipvlan": {"master": TEXT, "mode": TEXT, "mtu": NUMBER, "linkInContainer": FLAG},
    "vlan": {"master": TEXT, "vlanId": NUMBER, "mtu": NUMBER, "linkInContainer": FLAG},
    "host-device": {
        **dict.fromkeys(("device", "hwaddr", "kernelpath", "pciBusID"), TEXT),
        **dict.fromkeys(("DPDKMode", "useInterfaceNetwork"), FLAG),
    },
    "ptp": {"ipMasq": FLAG, "ipMasqBackend": TEXT, "mtu": NUMBER},
    "tuning": {
        **dict.fromkeys(("dataDir", "mac"), TEXT),
        "sysctl": {"*": TEXT},
        **dict.fromkeys(("promisc", "allmulti"), FLAG),
        **dict.fromkeys(("mtu", "txQLen"), NUMBER),
    },
    "vrf": {"vrfname": TEXT, "table": COUNT},
    "sbr": {"table": NUMBER, "gateways": [TEXT], "addSourceHints": FLAG},
}
_RANGE = dict.fromkeys(("subnet", "rangeStart", "rangeEnd", "gateway"), TEXT)
# pkg/types/types.go of containernetworking/cni v1.3.1, which whereabouts reads routes by too.
_ROUTES: Shape = [
    {
        **dict.fromkeys(("dst", "gw"), TEXT),
        **dict.fromkeys(("mtu", "advmss", "priority", "table", "scope"), NUMBER),
    }
]
OF_IPAM: dict[str, dict[str, Shape]] = {
    "host-local": {
        **dict.fromkeys(("type", "name", "dataDir", "resolvConf"), TEXT),
        "routes": _ROUTES,
        "ranges": [[_RANGE]],
        **_RANGE,
    },
    "static": {
        "type": TEXT,
        "name": TEXT,
        "routes": _ROUTES,
        "addresses": [{"address": TEXT, "gateway": TEXT}],
        "dns": OF_ALL["dns"],
    },
    "dhcp": {"type": TEXT, "daemonSocketPath": TEXT, "provide": [{}], "request": [{}], "priority": NUMBER},
}
ROUTING: dict[str, Shape] = {"routes": _ROUTES}
"""What whereabouts reads as those of the CNI project do."""

# Of whereabouts, and of members.
_OTHERS = ("range", "range_start", "range_end", "ipRanges", "exclude", "address", "dst", "gw")
_SPELLED = {key.lower(): key for keys in (_OTHERS, OF_ALL, *OF_PLUGINS.values(), *OF_IPAM.values()) for key in keys}
# Their members are read into structures too; those of `capabilities`, `sysctl` and `args` are whatever they are.
_NESTED = frozenset({"ipam", "ranges", "ipRanges", "routes", "addresses"})


def spelled(value: Any) -> Any:
    """A plugin's configuration with its known keys as plugins spell them: Go looks at no key's case."""
    if isinstance(value, list):
        return [spelled(each) for each in value]
    if not isinstance(value, dict):
        return value
    named = [(_SPELLED.get(key.lower(), key), member) for key, member in value.items()]
    return {key: spelled(member) if key in _NESTED else member for key, member in named}


class Misshapen(NamedTuple):
    """A value that Go does not read into its structure.

    Attributes:
        path: where it stands.
        value: what stands there.
        wanted: what has to.
    """

    path: str
    value: Any
    wanted: str


def misshapen(value: Any, shape: Shape, path: str = "") -> Iterator[Misshapen]:
    """The values within one that Go does not read; null is as good as nothing, but in a list of more than texts."""
    if value is None or shape == ANY:
        return
    if isinstance(shape, str):
        if not _IS[shape](value):
            yield Misshapen(path, value, shape)
    elif isinstance(shape, list):
        yield from _of_list(value, shape[0], path)
    elif not isinstance(value, dict):
        yield Misshapen(path, value, "mapping")
    else:
        for key, member in value.items():
            of_member: Shape = shape[key] if key in shape else shape.get("*", ANY)
            yield from misshapen(member, of_member, f"{path}.{key}" if path else key)


def _of_list(value: Any, shape: Shape, path: str) -> Iterator[Misshapen]:
    if not isinstance(value, list):
        yield Misshapen(path, value, "list")
        return
    for index, each in enumerate(value):
        if each is None and not isinstance(shape, str):
            yield Misshapen(f"{path}[{index}]", each, "list" if isinstance(shape, list) else "mapping")
        else:
            yield from misshapen(each, shape, f"{path}[{index}]")


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


_IS: dict[str, Callable[[Any], bool]] = {
    TEXT: lambda value: isinstance(value, str),
    FLAG: lambda value: isinstance(value, bool),
    NUMBER: _is_number,
    COUNT: lambda value: _is_number(value) and 0 <= value < 2**32,
}
