"""What addresses, ranges and routes of a network cannot be. Pure: said once, for the component and for `doctor`.

The rules are those of containernetworking/plugins v1.10.0, plugins/ipam/host-local/backend/allocator/range.go and
plugins/ipam/static/main.go. Plugins meet them when a pod starts.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

Range = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_SMALLEST_ROOM = 2
WIDEST_PREFIX = 8
"""The shortest prefix of a route that is meant for what lies behind a network."""


class Wrong(NamedTuple):
    """One thing that cannot be.

    Attributes:
        key: of args.py: `subnet`, `range_start`, `range_end`, `gateway`, `address`, `dst`, `gw`.
        reason: what was given and why it cannot work.
        fix: what to write instead.
    """

    key: str
    reason: str
    fix: str


class Interval(NamedTuple):
    """The addresses that may be handed out, from the first to the last."""

    first: Address
    last: Address

    def meets(self, other: Interval) -> bool:
        """Whether both have an address."""
        same = self.first.version == other.first.version
        return same and int(self.first) <= int(other.last) and int(other.first) <= int(self.last)

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


def address(text: Any) -> Address | None:
    """A text as an address, None where plugins read none."""
    try:
        return None if "%" in str(text) else ipaddress.ip_address(str(text))
    except ValueError:
        return None


def with_prefix(text: Any) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface | None:
    """A text as an address with the length of its prefix, None where plugins read none: a netmask is none."""
    host, _, length = str(text).rpartition("/")
    return ipaddress.ip_interface(str(text)) if address(host) is not None and _is_length(host, length) else None


def _is_length(host: str, length: str) -> bool:
    found = address(host)
    return found is not None and length.isascii() and length.isdigit() and int(length) <= found.max_prefixlen


def network(text: Any) -> Range | None:
    """A text as a network without bits of a host, None where plugins read none."""
    found = with_prefix(text)
    return found.network if found is not None and found.ip == found.network.network_address else None


def wrong_in_range(
    subnet: Any, start: Any = None, end: Any = None, gateway: Any = None, *, first_is_gateway: bool = True
) -> Iterator[Wrong]:
    """Why a range has nothing to hand out; what is None was not given.

    Args:
        subnet: the network.
        start: the first address.
        end: the last address.
        gateway: the address that no pod gets.
        first_is_gateway: whether the subnet's first address is the gateway where none was given, as with host-local.
    """
    within = network(subnet)
    if within is None:
        yield _no_network(subnet)
        return
    if within.num_addresses <= _SMALLEST_ROOM:
        yield Wrong("subnet", f"{subnet!r} has no room for addresses", f"write /{within.max_prefixlen - 2} or larger")
        return
    for key, given in (("range_start", start), ("range_end", end), ("gateway", gateway)):
        found = address(given)
        if given is not None and (found is None or found not in within):
            yield Wrong(key, f"{given!r} is not an address within {subnet}", f"write one such as '{within[2]}'")
    held = interval(subnet, start, end)
    if held is None or held.first not in within or held.last not in within:
        return
    way = address(gateway) if gateway is not None else within[1] if first_is_gateway else None
    if int(held.first) > int(held.last):
        yield Wrong("range_start", f"'{held.first}' is after the range's last address {held.last}", "exchange the two")
    elif held.first == held.last == way:
        yield Wrong("range_start", f"'{way}' is the only address of the range, and the gateway's", "write a longer one")


def _no_network(subnet: Any) -> Wrong:
    if address(subnet) is not None:
        return Wrong("subnet", f"{subnet!r} has no prefix length", f"write one such as '{subnet}/24'")
    found = with_prefix(subnet)
    if found is None:
        return Wrong("subnet", f"{subnet!r} is no network", "write one such as '10.97.0.0/24'")
    return Wrong("subnet", f"{subnet!r} has bits of a host", f"write '{found.network}'")


def interval(subnet: Any, start: Any = None, end: Any = None) -> Interval | None:
    """What a range hands out, None where that cannot be told."""
    within = network(subnet)
    if within is None or within.num_addresses <= _SMALLEST_ROOM:
        return None
    # host-local keeps IPv4's broadcast address for itself, and no address of IPv6.
    last = within[-2] if within.version == 4 else within[-1]
    first = within[1] if start is None else address(start)
    last_given = last if end is None else address(end)
    if first is None or last_given is None or {first.version, last_given.version} != {within.version}:
        return None
    return Interval(first, last_given)


def handed_out(
    subnet: Any, start: Any = None, end: Any = None, gateway: Any = None, *, first_is_gateway: bool = True
) -> Iterator[Interval]:
    """What pods may get of a range: all of it but the gateway."""
    held, within = interval(subnet, start, end), network(subnet)
    if held is None or within is None:
        return
    way = address(gateway) if gateway is not None else within[1] if first_is_gateway else None
    if way is None or not Interval(way, way).meets(held):
        yield held
        return
    if way != held.first:
        yield Interval(held.first, way - 1)
    if way != held.last:
        yield Interval(way + 1, held.last)


def wrong_among_ranges(ranges: Sequence[tuple[Any, Any, Any]]) -> Iterator[tuple[int, Wrong]]:
    """Why ranges cannot stand beside each other, with the index of the later one; each is subnet, start and end.

    Parts of one subnet can, in one set and in several: host-local compares the addresses alone (Range.Overlaps).
    """
    known = [interval(*each) for each in ranges]
    for later, held in enumerate(known):
        for earlier, other in enumerate(known[:later]):
            if held is not None and other is not None and held.meets(other):
                reason = f"{ranges[later][0]!r} overlaps {ranges[earlier][0]!r}: both have addresses of {other}"
                yield later, Wrong("subnet", reason, "keep one of the two")
                break


def wrong_in_address(given: Any, gateway: Any = None) -> Iterator[Wrong]:
    """Why no pod can have an address."""
    found = with_prefix(given)
    if found is None:
        bare = address(given)
        meant = "10.1.1.5/24" if bare is None else f"{bare}/{24 if bare.version == 4 else 64}"
        yield Wrong("address", f"{given!r} is no address with a prefix length", f"write one such as {meant!r}")
    elif gateway is not None:
        way = address(gateway)
        if way is None or way not in found.network:
            yield Wrong("gateway", f"{gateway!r} is not an address within {found.network}", "write one that is")
        elif way == found.ip:
            yield Wrong("gateway", f"{gateway!r} is the pod's own address", "write that of the router")


def wrong_in_route(dst: Any, gw: Any = None) -> Iterator[Wrong]:
    """Why a plugin cannot read a route."""
    to, way = with_prefix(dst), address(gw)
    if to is None:
        yield Wrong("dst", f"{dst!r} is no network", "write one such as '10.98.0.0/16'")
    elif to.version == 4 and to.ip != to.network.network_address:
        # The kernel's fib_table_insert; of IPv6 it reads the network alone.
        yield Wrong("dst", f"{dst!r} has bits of a host", f"write '{to.network}'")
    if gw is not None and way is None:
        yield Wrong("gw", f"{gw!r} is no address", "write one such as '10.97.0.1'")
    elif to is not None and way is not None and way.version != to.version:
        yield Wrong("gw", f"{gw!r} is of another family than {dst}", f"write an address of IPv{to.version}")


def taken_by(dst: Any, ranges: Sequence[Range]) -> str | None:
    """What a route takes that is not behind it, as words; None where it takes no such thing.

    Args:
        dst: where the route goes.
        ranges: of the cluster's pods and Services.
    """
    to = with_prefix(dst)
    if to is None:
        return None
    # Two halves of everything are a default route in another form.
    if to.network.prefixlen <= 1:
        return "everything that has no other way"
    inside = [each for each in ranges if _is_within(each, to.network)]
    return f"the cluster's own {', '.join(map(str, inside))}" if inside else None


def _is_within(one: Range, other: Range) -> bool:
    return one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type]  # of one family


def overlaps(one: Range, other: Range) -> bool:
    """Whether two networks have an address in common."""
    return one.version == other.version and one.overlaps(other)
