"""What a node has to have for a network, told from its configuration alone. Pure.

Said once, for the preflight of MultusNetwork and for `doctor`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from .network_conf import Conf, ipam_of, plugin_confs, plugins_called, type_of
from .network_rules import LINKS

DHCP_SOCKET = "/run/cni/dhcp.sock"
"""Where the dhcp plugin asks its daemon: plugins v1.10.0, plugins/ipam/dhcp/main.go, defaultSocketPath."""
# whereabouts v0.9.2, pkg/config/config.go, GetFlatIPAM: the first of two.
_WHEREABOUTS = "/etc/kubernetes/cni/net.d/whereabouts.d/whereabouts.conf"
_USUAL_BRIDGE = "cni0"
CHOOSES_A_LINK = frozenset({"macvlan", "ipvlan"})
"""Plugins that take the link of the default route where none is named."""


class LinkNeed(NamedTuple):
    """A link of the node that a network stands on.

    Attributes:
        key: the plugin and its key, such as `macvlan.master`.
        link: its name, empty for the link of the node's default route.
        mtu: what the network's interfaces have, 0 for what the link has.
    """

    key: str
    link: str
    mtu: int = 0

    @property
    def may_be_made(self) -> bool:
        """Whether the plugin makes it where it is not there."""
        return self.key == "bridge.bridge"


@dataclass(frozen=True)
class Needs:
    """What every node of a network has to have.

    Attributes:
        plugins: the plugins that it calls, those for addresses too.
        links: the links that it stands on.
        dhcp_socket: where its dhcp plugin asks the daemon, empty without one.
        whereabouts: where its whereabouts looks for its configuration first, empty without one.
    """

    plugins: tuple[str, ...]
    links: tuple[LinkNeed, ...]
    dhcp_socket: str
    whereabouts: str


def needs_of(conf: Conf) -> Needs:
    """What a network's configuration needs of a node."""
    return Needs(
        tuple(dict.fromkeys(plugins_called(conf))),
        tuple(_links(conf)),
        _path(conf, "dhcp", "daemonSocketPath", DHCP_SOCKET),
        _path(conf, "whereabouts", "configuration_path", _WHEREABOUTS),
    )


def _path(conf: Conf, plugin: str, key: str, usual: str) -> str:
    """What the plugin for addresses is told under a key; empty where there is no such plugin."""
    given = (ipam_of(each).get(key) or usual for each in plugin_confs(conf) if type_of(ipam_of(each)) == plugin)
    return str(next(given, ""))


def _links(conf: Conf) -> Iterator[LinkNeed]:
    """One in the pod (`linkInContainer`) is none of the node's."""
    for plugin in plugin_confs(conf):
        kind, mtu = type_of(plugin), plugin.get("mtu")
        key = LINKS.get(kind)
        if key is None or plugin.get("linkInContainer"):
            continue
        link = str(plugin.get(key) or (_USUAL_BRIDGE if kind == "bridge" else ""))
        if link or kind in CHOOSES_A_LINK:
            yield LinkNeed(f"{kind.replace('-', '_')}.{key}", link, mtu if isinstance(mtu, int) else 0)


def links_of(conf: Conf) -> list[str]:
    """The links that have to be on the node, by the names that it gives."""
    return [each.link for each in _links(conf) if each.link and not each.may_be_made]
