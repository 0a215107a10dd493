"""What the definition of a network lets one expect of its pods. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from typing import Any

from multus.metadata import Object
from multus.network_conf import ipam_of, items, mapping, plugin_confs, type_of
from multus.network_plan import RESOURCE
from multus.network_rules import wide_routes

from ..doctor.annotations import NetworkName, annotation_of
from ..doctor.networks import conf_of

# plugins/main of containernetworking/plugins v1.10.0: what these make ends on the node, unless somebody leads it on.
_ON_THE_NODE = frozenset({"bridge", "ptp"})
_ALONE = frozenset({"dummy", "loopback"})
# The kernel passes nothing between such an interface and its master: Documentation/networking/ipvlan.rst, and
# macvlan_handle_frame in drivers/net/macvlan.c.
_APART_FROM_THE_NODE = frozenset({"macvlan", "ipvlan"})


class FromNode(Enum):
    """Whether a node reaches the pods that it runs."""

    NEVER = auto()
    ALWAYS = auto()
    PERHAPS = auto()


@dataclass(frozen=True)
class Network:
    """A definition, as what is to be expected of its pods.

    Attributes:
        name: the definition's.
        conf: its CNI configuration; empty where it stands for a file on the nodes.
        resource: the resource of a device plugin that its pods need; empty where there is none.
    """

    name: NetworkName
    conf: dict[str, Any] = field(default_factory=dict)
    resource: str = ""

    @classmethod
    def of(cls, definition: Object) -> Network:
        """A definition as the API has it."""
        about = definition["metadata"]
        resource = annotation_of(definition, RESOURCE)
        return cls(NetworkName(about["namespace"], about["name"]), conf_of(definition), resource)

    @cached_property
    def _first(self) -> dict[str, Any]:
        return next(iter(plugin_confs(self.conf)), {}) if self.conf else {}

    @property
    def plugin(self) -> str:
        """The plugin that makes the interface; empty where only the nodes know."""
        return type_of(self._first)

    @property
    def stays_on_the_node(self) -> bool:
        """Whether pods of other nodes are not behind the interface, as far as the configuration goes."""
        return self.plugin in _ON_THE_NODE

    @property
    def has_no_neighbours(self) -> bool:
        """Whether nothing at all is behind the interface."""
        return self.plugin in _ALONE

    @property
    def from_node(self) -> FromNode:
        """Whether the node itself has a way into it."""
        if self.plugin in _APART_FROM_THE_NODE | _ALONE:
            return FromNode.NEVER
        has_gateway = self._first.get("isGateway") is True or self._first.get("isDefaultGateway") is True
        return FromNode.ALWAYS if self.plugin == "ptp" or has_gateway else FromNode.PERHAPS

    @property
    def takes_default_route(self) -> bool:
        """Whether it says itself that it is its pods' way out."""
        return bool(self.conf) and bool(wide_routes(self.conf, ()))

    @property
    def gives_addresses(self) -> bool | None:
        """Whether its pods get addresses; None where only the nodes know."""
        return bool(type_of(ipam_of(self._first))) if self.plugin else None

    @property
    def takes_addresses(self) -> bool:
        """Whether a pod may say which address it wants."""
        return any(mapping(each.get("capabilities")).get("ips") is True for each in self._plugins)

    @property
    def leaves_addresses_to_pods(self) -> bool:
        """Whether a pod has to say it: `static` without an address of its own."""
        ipam = ipam_of(self._first)
        return type_of(ipam) == "static" and not items(ipam.get("addresses"))

    @property
    def _has_one_address(self) -> bool:
        ipam = ipam_of(self._first)
        return type_of(ipam) == "static" and bool(items(ipam.get("addresses")))

    @property
    def takes_several_pods(self) -> bool:
        """Whether two pods of one node can have it and reach each other by it, as far as can be known."""
        if self.resource or self._has_one_address or self.leaves_addresses_to_pods:
            return False
        if self.plugin == "macvlan":
            return self._first.get("mode") in (None, "", "bridge")
        return self.plugin in _ON_THE_NODE | {"ipvlan"}

    @property
    def _plugins(self) -> list[dict[str, Any]]:
        return plugin_confs(self.conf) if self.conf else []
