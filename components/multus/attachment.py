"""The annotation by which a pod asks for networks, written; refused where it would have no effect. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import pulumi

from . import formats
from .errors import InvalidArgumentsError, Problem
from .late_values import is_opaque
from .network_addresses import Interval, address, handed_out, with_prefix
from .network_plan import NetworkPlan
from .network_rules import wrong_link

NETWORKS = "k8s.v1.cni.cncf.io/networks"
"""The annotation's key. It belongs on the pod's template: on a Deployment itself nobody reads it."""

_TAKEN = ("eth0", "lo")


class _HasPlan(Protocol):
    """A MultusNetwork, which this module need not know."""

    @property
    def plan(self) -> NetworkPlan:
        """What was decided about it."""


@dataclass(frozen=True)
class Attachment:
    """One network that a pod asks for, as `attachment` has checked it.

    Attributes:
        name: the definition's.
        namespace: the definition's, maybe an Output.
        interface: the interface's name in the pod, None for `net1`, `net2` and so on by its place.
        asked: what else the pod asks for, as the annotation spells it.
    """

    name: str
    namespace: Any
    interface: str | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)


def attachment(
    network: _HasPlan | NetworkPlan | str,
    *,
    interface: str | None = None,
    ips: Sequence[str] = (),
    mac: str | None = None,
) -> Attachment:
    """Ask for a network.

    Args:
        network: a MultusNetwork, its plan, or the `namespace/name` of any definition, of which nothing else is known.
        interface: the interface's name in the pod, 15 characters at most.
        ips: addresses with the length of their prefix, `10.97.0.5/24`; the network has to allow `ips`.
        mac: a MAC address; the network has to allow `mac`.

    Raises:
        InvalidArgumentsError: with every problem found, in one go.
    """
    plan = None if isinstance(network, str) else network if isinstance(network, NetworkPlan) else network.plan
    found = [*_interface(interface), *_ips(ips, plan), *_mac(mac, plan)]
    namespace, _, name = (plan.namespace, "/", plan.name) if plan is not None else str(network).partition("/")
    if plan is None and not (formats.DNS_LABEL.matches(namespace) and formats.DNS_SUBDOMAIN.matches(name)):
        found.append(Problem("network", f"{network!r} names no definition", "write 'namespace/name'"))
    if found:
        raise InvalidArgumentsError(found, "The attachment")
    asked: dict[str, Any] = {"ips": list(ips)} if ips else {}
    return Attachment(name, namespace, interface, {**asked, **({"mac": mac} if mac is not None else {})})


def attachments(asked: Sequence[Attachment | _HasPlan | NetworkPlan | str]) -> dict[str, Any]:
    """The annotations of a pod's template that ask for networks, in order.

    The value is a text, or an Output of one where a namespace is known late.

    Raises:
        InvalidArgumentsError: with every problem found, in one go.
    """
    entries = [each if isinstance(each, Attachment) else attachment(each) for each in asked]
    found = [*_collisions(entries)]
    if found:
        raise InvalidArgumentsError(found, "The attachments")
    namespaces = [each.namespace for each in entries]
    if any(map(is_opaque, namespaces)):
        return {NETWORKS: pulumi.Output.all(*namespaces).apply(lambda known: _written(entries, known))}
    return {NETWORKS: _written(entries, namespaces)}


def _written(entries: Sequence[Attachment], namespaces: Sequence[str]) -> str:
    """The long form, which takes every name, and whose `namespace` is a key of its own."""
    return json.dumps(
        [
            {
                "name": each.name,
                "namespace": namespace,
                **({"interface": each.interface} if each.interface is not None else {}),
                **each.asked,
            }
            for each, namespace in zip(entries, namespaces, strict=True)
        ]
    )


def _interface(name: str | None) -> Iterator[Problem]:
    if name is None:
        return
    for reason, fix in wrong_link(name):
        yield Problem("interface", reason, fix)
    if name in _TAKEN:
        yield Problem("interface", f"{name!r} is every pod's own already", "write another name, such as 'storage0'")


def _collisions(entries: Sequence[Attachment]) -> Iterator[Problem]:
    """Multus counts every network, also those before it that have a name of their own."""
    named: dict[str, int] = {}
    for index, each in enumerate(entries):
        name = each.interface or f"net{index + 1}"
        if name in named:
            reason = f"{name!r} is also the interface of attachment {named[name]}"
            yield Problem(f"attachments[{index}].interface", reason, "write another name, or names for both")
        named.setdefault(name, index)


def _ips(ips: Any, plan: NetworkPlan | None) -> Iterator[Problem]:
    if isinstance(ips, str):
        yield Problem("ips", f"{ips!r} is a text, which Multus reads no address from", f"write [{ips!r}]")
        return
    if ips and plan is not None and "ips" not in plan.allow:
        yield Problem("ips", f"has no effect: network {plan.name!r} does not allow it", "set allow: ['ips'] there")
    held = [*_held(plan)]
    for index, text in enumerate(ips):
        found, bare = with_prefix(text), address(text)
        if found is None:
            example = "10.97.0.5/24" if bare is None else f"{bare}/{24 if bare.version == 4 else 64}"
            reason = f"{text!r} is no address with a prefix length"
            yield Problem(f"ips[{index}]", reason, f"write one such as {example!r}")
        elif held and not any(Interval(found.ip, found.ip).meets(each) for each in held):
            reason = f"{str(found.ip)!r} is not among {' and '.join(map(str, held))}, which the network hands out"
            yield Problem(f"ips[{index}]", reason, "write one of these")


def _held(plan: NetworkPlan | None) -> Iterator[Interval]:
    given = plan.arguments.get("ipam", {}).get("host_local", {}) if plan is not None else {}
    for each in given.get("ranges", ()):
        yield from handed_out(*(each.get(key) for key in ("subnet", "range_start", "range_end", "gateway")))


def _mac(mac: str | None, plan: NetworkPlan | None) -> Iterator[Problem]:
    if mac is None:
        return
    if plan is not None and "mac" not in plan.allow:
        yield Problem("mac", f"has no effect: network {plan.name!r} does not allow it", "set allow: ['mac'] there")
    if not formats.MAC_ADDRESS.matches(mac):
        yield Problem("mac", f"{mac!r} is no MAC address", "write one such as '02:00:00:00:00:05'")
    elif int(mac[:2], 16) & 1:
        yield Problem("mac", f"{mac!r} is the address of a group", "write one with an even first byte, such as 02")
