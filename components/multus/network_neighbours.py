"""What two networks cannot have both. Pure: told from their configurations alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .network_addresses import Interval, handed_out, with_prefix
from .network_conf import Conf, ipam_of, items, plugin_confs, type_of

_EXCLUSIVE = ("macvlan", "ipvlan")


class Conflict(NamedTuple):
    """What a network has that another one has too.

    Attributes:
        of_addresses: whether it is about addresses, else about the link.
        what: as half a sentence.
        fix: what to write instead.
    """

    of_addresses: bool
    what: str
    fix: str


def conflicts(conf: Conf, others: Mapping[str, Conf]) -> Iterator[Conflict]:
    """What a network cannot have, each once for every other network, by whose name it is told."""
    for name, other in others.items():
        yield from _of_links(conf, name, other)
        yield from _of_addresses(conf, name, other)


def _of_links(conf: Conf, name: str, other: Conf) -> Iterator[Conflict]:
    """The kernel makes either kind on a link: `device or resource busy` (multus-cni#1339, cni#7)."""
    kinds = [_kinds_by_master(each) for each in (conf, other)]
    for master, kind in kinds[0].items():
        if kinds[1].get(master, kind) != kind:
            where = repr(master) if master else "the default route's link"
            what = f"is {where}, on which {name!r} has {kinds[1][master]}: no link is the master of both"
            yield Conflict(of_addresses=False, what=what, fix="take one kind, or another link")


def _kinds_by_master(conf: Conf) -> dict[str, str]:
    """Which of the two stands on which link, whose name is empty for the default route's."""
    return {
        str(each.get("master", "")): type_of(each)
        for each in plugin_confs(conf)
        if type_of(each) in _EXCLUSIVE and not each.get("linkInContainer")
    }


def _of_addresses(conf: Conf, name: str, other: Conf) -> Iterator[Conflict]:
    if not _wires(conf) & _wires(other) or {_ways(conf), _ways(other)} == {("whereabouts",)}:
        # whereabouts keeps one book for all of its networks.
        return
    for one in _held(conf):
        met = next((each for each in _held(other) if one.meets(each)), None)
        if met is not None:
            what = f"has {one}, of which {name!r} hands out {met} on the same link: one address twice"
            yield Conflict(of_addresses=True, what=what, fix="give each network a range of its own")


def _ways(conf: Conf) -> tuple[str, ...]:
    return tuple(str(ipam_of(each)["type"]) for each in plugin_confs(conf) if "type" in ipam_of(each))


def _wires(conf: Conf) -> set[tuple[Any, ...]]:
    """Where its pods meet others: two networks without a common one may have the same addresses."""
    found: set[tuple[Any, ...]] = set()
    for each in plugin_confs(conf):
        kind, master = type_of(each), str(each.get("master", ""))
        if kind == "bridge":
            found.add(("bridge", str(each.get("bridge", "cni0")), str(each.get("vlan", 0))))
            if each.get("isGateway") or each.get("isDefaultGateway"):
                # The node has a route to each, and takes the first.
                found.add(("node",))
        elif kind in _EXCLUSIVE:
            found.add(("link", master))
        elif kind == "vlan":
            found.add(("link", f"{master}.{each.get('vlanId')}"))
    return found


def _held(conf: Conf) -> Iterator[Interval]:
    """The addresses that its pods may get."""
    for plugin in plugin_confs(conf):
        ipam = ipam_of(plugin)
        for given in _ranges(ipam):
            # whereabouts takes no gateway for granted, and hands out what it is not told to leave out.
            is_ours = type_of(ipam) == "host-local"
            gateway = (given.get("gateway") or None) if is_ours else None
            yield from handed_out(
                given.get("subnet") or given.get("range"), *_bounds(given), gateway, first_is_gateway=is_ours
            )
        for each in items(ipam.get("addresses")):
            own = with_prefix(each.get("address")) if isinstance(each, dict) else None
            if own is not None:
                yield Interval(own.ip, own.ip)


def _bounds(given: Conf) -> tuple[Any, Any]:
    start, end = given.get("rangeStart") or given.get("range_start"), given.get("rangeEnd") or given.get("range_end")
    return start or None, end or None


def _ranges(ipam: Conf) -> Iterator[Conf]:
    if ipam.get("subnet") or ipam.get("range"):
        yield ipam
    for each in (*items(ipam.get("ranges")), *items(ipam.get("ipRanges"))):
        yield from (given for given in (each if isinstance(each, list) else [each]) if isinstance(given, dict))
