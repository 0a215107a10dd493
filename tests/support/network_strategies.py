"""Networks for Hypothesis: such that can be nearly always, and configurations with a mistake or two."""

from __future__ import annotations

import copy
import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from multus.network_keys import OF_ALL, OF_IPAM, OF_PLUGINS

from .plugin_calls import BRIDGE, CARD, MASTER

Path = tuple[str | int, ...]

_LENGTHS = {4: ("10.97.0.0", (24, 28, 29, 30)), 6: ("fd00:97::", (120, 124))}
_ARP_FILTER = "net.ipv4.conf.IFNAME.arp_filter"
_FARTHEST = 12


@st.composite
def _range(draw: st.DrawFn, version: int) -> dict[str, Any]:
    """A range with as many of its bounds as somebody likes to write, and an address besides the gateway."""
    base, lengths = _LENGTHS[version]
    within = ipaddress.ip_network(f"{base}/{draw(st.sampled_from(lengths))}")
    last = min(_FARTHEST, within.num_addresses - 2)
    start, end = sorted(draw(st.lists(st.integers(1, last), min_size=2, max_size=2, unique=True)))
    gateway = draw(st.integers(1, last))
    bounds = {"range_start": start, "range_end": end, "gateway": gateway}
    chosen = draw(st.sets(st.sampled_from(sorted(bounds))))
    return {"subnet": str(within), **{key: str(within[bounds[key]]) for key in bounds if key in chosen}}


# IPv6 waits until no neighbour has the address, so that one of a few networks has it.
_FAMILIES = st.sampled_from([*[[4]] * 10, [4, 6], [6]])


@st.composite
def _host_local(draw: st.DrawFn) -> dict[str, Any]:
    return {"host_local": {"ranges": [draw(_range(version)) for version in draw(_FAMILIES)]}}


@st.composite
def _static(draw: st.DrawFn) -> dict[str, Any]:
    given = []
    for version in draw(_FAMILIES):
        base, lengths = _LENGTHS[version]
        within = ipaddress.ip_network(f"{base}/{lengths[0]}")
        gateway = {"gateway": str(within[1])} if draw(st.booleans()) else {}
        given.append({"address": f"{within[5]}/{within.prefixlen}", **gateway})
    return {"static": {"addresses": given}}


_BRIDGES = st.fixed_dictionaries(
    {"bridge": st.just(BRIDGE)},
    optional=dict.fromkeys(("is_gateway", "force_address", "hairpin_mode", "port_isolation"), st.booleans()),
)
_KINDS = {
    "bridge": _BRIDGES,
    "macvlan": st.fixed_dictionaries(
        {}, optional={"master": st.just(MASTER), "mode": st.sampled_from(["bridge", "private", "vepa"])}
    ),
    "host_device": st.just({"device": CARD}),
    "vlan": st.fixed_dictionaries({"master": st.just(MASTER), "vlan_id": st.integers(1, 4094)}),
    "ipvlan": st.fixed_dictionaries({"master": st.just(MASTER)}, optional={"mode": st.sampled_from(["l2", "l3"])}),
}
_ROUTES = st.lists(
    st.fixed_dictionaries(
        {"dst": st.sampled_from(["10.99.0.0/16", "10.98.7.0/24"])}, optional={"priority": st.sampled_from([7])}
    ),
    max_size=1,
)


@st.composite
def networks(draw: st.DrawFn, kinds: Sequence[str]) -> dict[str, Any]:
    """Arguments that nearly always can be.

    Args:
        kinds: what the kernel makes besides bridges and macvlans.
    """
    kind = draw(st.sampled_from(["bridge", "macvlan", "host_device", *kinds]))
    args: dict[str, Any] = {kind: draw(_KINDS[kind])}
    ipam = draw(st.one_of(_host_local(), _static(), st.none()))
    if ipam is not None:
        args |= {"ipam": ipam, **draw(_with_addresses(kind, ipam))}
    elif kind == "bridge":
        args["bridge"].pop("is_gateway", None)
    more = st.fixed_dictionaries(
        {},
        optional={
            "mtu": st.sampled_from([1280, 1500]),
            "sysctls": st.just({_ARP_FILTER: "1"}),
            "chained": st.just([{"type": "tuning", "allmulti": True}]),
        },
    )
    return {**args, **draw(more)}


@st.composite
def _with_addresses(draw: st.DrawFn, kind: str, ipam: dict[str, Any]) -> dict[str, Any]:
    """What needs an address: routes, what pods may ask for, a chained plugin that routes by the address."""
    more: dict[str, Any] = {}
    [given] = ipam.values()
    parts = [*given.get("ranges", ()), *given.get("addresses", ())]
    is_ipv4 = any("." in each.get("subnet", each.get("address")) for each in parts)
    if is_ipv4 and draw(st.booleans()):
        more["routes"] = draw(_ROUTES)
    if ("ranges" in given or all("gateway" in each for each in parts)) and draw(st.booleans()):
        more["default_route"] = True
    may = ["ips", "mac"] if kind != "ipvlan" else ["ips"]
    if draw(st.booleans()):
        more["allow"] = draw(st.lists(st.sampled_from(may), min_size=1, max_size=2, unique=True))
    return more


# What stands in the place of a value, and the place of a key that nobody wrote.
_JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(None, "", "x", 0, 1, -1, 5, 4095, 70000, 1.5, True, False, [], {}, [None], [{}], ["x"], {"x": 1}),
        *("10.97.0.0/24", "10.97.0.1", "10.97.0.9/24", "10.98.0.1", "fd00:97::1", "fd00:97::/120", "10.97.0.0/31"),
        *(f"{MASTER}:1", "a/b", "l2", "e" * 128, "02:00:00:00:00:05", "01:00:5e:00:00:01", "02-00-00-00-00-05"),
        *("host-local", "static", "tuning", "bridge", "sbr", "2.0.0"),
        *([[]], [[{"subnet": "10.97.0.0/24"}]], ["10.97.0.1"]),
        *([{"dst": "10.99.0.0/16"}], [{"address": "10.97.0.9/24"}], [{"id": 5}], [{"minID": 9, "maxID": 5}]),
    ]
).map(copy.deepcopy)
_ADDED = sorted({key for keys in (OF_ALL, *OF_PLUGINS.values(), *OF_IPAM.values()) for key in keys} - {"plugins"})


@st.composite
def with_mistakes(draw: st.DrawFn, confs: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    """A configuration in which a value or two is something else, has gone, or was never asked for."""
    conf = copy.deepcopy(draw(confs))
    for _ in range(draw(st.integers(1, 2))):
        *way, last = draw(st.sampled_from([*_paths(conf)]))
        parent: Any = conf
        for step in way:
            parent = parent[step]
        done = draw(st.sampled_from(["other", "other", "other", "gone", "added"]))
        if done == "gone":
            del parent[last]
        elif done == "added" and isinstance(parent, dict):
            parent[draw(st.sampled_from(_ADDED))] = draw(_JUNK)
        else:
            parent[last] = draw(_JUNK)
    return conf


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield (*path, key)
        yield from _paths(member, (*path, key))
