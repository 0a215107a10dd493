"""What pods print, read. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

_IPV4_HEADERS, _IPV6_HEADERS, _TIMESTAMPS = 40, 60, 12


class Link(NamedTuple):
    """A link in a pod: the longest packet in bytes, and the kernel's `operstate`."""

    mtu: int
    state: str


class Answer(NamedTuple):
    """Who answered at an address of another pod.

    Attributes:
        pod: the pod that was asked.
        address: where.
        by: `itself`, `another` or `nobody`.
        bytes: how much of a segment came through, of what was asked for.
        device: by which link the way there goes; empty where nobody knows.
    """

    pod: str
    address: str
    by: str
    bytes: int
    device: str


@dataclass(frozen=True)
class Look:
    """What a pod has.

    Attributes:
        links: by name.
        addresses: by link, with the length of their prefix.
        defaults: the link of the default route, by version of IP.
        ways: by which link nameservers and the API server's Service are reached; empty where they are not.
        timestamps: whether its TCP adds time stamps, which take room in a packet.
    """

    links: Mapping[str, Link] = field(default_factory=dict)
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    defaults: Mapping[int, str] = field(default_factory=dict)
    ways: Mapping[str, str] = field(default_factory=dict)
    timestamps: bool = True

    def on(self, interface: str) -> tuple[str, ...]:
        """The addresses of a link that are good beyond it."""
        return tuple(each for each in self.addresses.get(interface, ()) if not is_link_local(each))

    def asked_at(self, interface: str) -> tuple[str, ...]:
        """Where others on the link reach it, without prefixes: its addresses, else the one that IPv6 makes itself."""
        there = self.on(interface) or self.addresses.get(interface, ())
        return tuple(_host(each) + (f"%{interface}" if is_link_local(each) else "") for each in there)


@dataclass(frozen=True)
class Asked:
    """What came of asking.

    Attributes:
        answers: one for each address.
        resolves: whether the cluster's DNS knows the API server's Service.
    """

    answers: tuple[Answer, ...] = ()
    resolves: bool = False


def is_link_local(text: str) -> bool:
    """Whether an address, maybe with a prefix, is good on its link alone."""
    return ipaddress.ip_address(_host(text)).is_link_local


def _host(text: str) -> str:
    return text.partition("/")[0].partition("%")[0]


def room(address: str, mtu: int, *, timestamps: bool) -> int:
    """How many bytes one segment to an address holds, in a packet of a size."""
    headers = _IPV6_HEADERS if ":" in address else _IPV4_HEADERS
    return mtu - headers - (_TIMESTAMPS if timestamps else 0)


def read_look(text: str) -> Look:
    """What look.sh prints."""
    links: dict[str, Link] = {}
    addresses: dict[str, tuple[str, ...]] = {}
    ways: dict[str, str] = {}
    routes: list[tuple[int, str, int]] = []
    timestamps = True
    for line in text.splitlines():
        match line.split():
            case ["link", name, mtu, state]:
                links[name] = Link(int(mtu), state)
            case ["address", name, "inet" | "inet6", address, *_]:
                name = name.partition("@")[0]
                addresses[name] = (*addresses.get(name, ()), address)
            case ["route", version, "default", *rest] if "dev" in rest[:-1]:
                # It prints no metric where that is 0.
                metric = rest[rest.index("metric") + 1] if "metric" in rest else "0"
                routes.append((int(version), rest[rest.index("dev") + 1], int(metric)))
            case ["way", address, *device]:
                ways[address] = "".join(device)
            case ["timestamps", number]:
                timestamps = number != "0"
    # Of the same metric the kernel takes the first.
    defaults = {
        version: min((each for each in routes if each[0] == version), key=lambda each: each[2])[1]
        for version in sorted({each[0] for each in routes})
    }
    return Look(links, addresses, defaults, ways, timestamps)


def read_asked(text: str) -> Asked:
    """What ask.sh prints."""
    answers, resolves = [], False
    for line in text.splitlines():
        match line.split():
            case ["answer", pod, address, by, size, *device]:
                answers.append(Answer(pod, address, by, int(size), "".join(device)))
            case ["dns", word]:
                resolves = word == "yes"
    return Asked(tuple(answers), resolves)
