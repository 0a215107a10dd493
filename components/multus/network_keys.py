"""The keys that plugins read of a configuration, spelled as they spell them. Pure."""

from __future__ import annotations

from typing import Any

# What libcni, Multus and the runtime read of every plugin, and what a plugin may be handed.
OF_ALL = (
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
# containernetworking/cni v1.3.1, libcni/conf.go.
OF_LISTS = ("cniVersions", "disableCheck", "disableGC", "loadOnlyInlinedPlugins")
# By the structures that plugins of v1.10.0 read their configuration into: plugins/main, plugins/meta, plugins/ipam.
OF_PLUGINS: dict[str, tuple[str, ...]] = {
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
OF_IPAM: dict[str, tuple[str, ...]] = {
    "host-local": (
        *("type", "name", "routes", "dataDir", "resolvConf", "ranges"),
        *("subnet", "rangeStart", "rangeEnd", "gateway"),
    ),
    "static": ("type", "name", "routes", "addresses", "dns"),
    "dhcp": ("type", "daemonSocketPath", "provide", "request", "priority"),
}
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
