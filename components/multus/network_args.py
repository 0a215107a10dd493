"""The public surface of networks: what a user of MultusNetwork may say, and nothing else.

Names are those of the CNI plugins' own documents in Python's spelling: their `isGateway` is `is_gateway` here, and
`isGateway` in every other language.

No `from __future__ import annotations` here: Pulumi's schema analyzer reads these annotations at run time.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi

from .args import Distro, LiveAttachments


class BridgeArgs(TypedDict):
    """A virtual switch on the node: pods of one node reach each other."""

    bridge: str
    """The bridge's name on the node, made where it is not there; 15 characters at most. On flannel's clusters `cni0` is
    the default network's."""

    is_gateway: NotRequired[bool]
    """Give the node an address on the bridge, the gateway's of each range. Defaults to false."""

    is_default_gateway: NotRequired[bool]
    """Make that address the pods' default route too; needs `default_route`. Defaults to false."""

    force_address: NotRequired[bool]
    """Replace another address that the bridge has. Defaults to false."""

    ip_masq: NotRequired[bool]
    """Let pods reach the outside through the node's address. Defaults to false."""

    hairpin_mode: NotRequired[bool]
    """Let a pod reach itself through the bridge. Defaults to false."""

    promisc_mode: NotRequired[bool]
    """Put the bridge into promiscuous mode. Defaults to false."""

    vlan: NotRequired[int]
    """The VLAN of the pods' ports, 1 to 4094; the kernel has to have VLAN filtering. Defaults to none."""

    preserve_default_vlan: NotRequired[bool]
    """Keep the ports in the bridge's own VLAN besides. Defaults to false."""

    macspoofchk: NotRequired[bool]
    """Drop frames whose MAC address is not the interface's; needs nftables. Defaults to false."""

    port_isolation: NotRequired[bool]
    """Keep pods from reaching each other over the bridge. Defaults to false."""


class MacvlanArgs(TypedDict):
    """An interface with a MAC address of its own on the node's link.

    The node itself does not reach it: the kernel passes no frames between a macvlan and its master.
    """

    master: NotRequired[str]
    """The node's link, which has to be there on every node, and which no ipvlan may use. Defaults to the link of the
    node's default route."""

    mode: NotRequired[str]
    """`bridge`, `private`, `vepa` or `passthru`. Defaults to `bridge`."""


class IpvlanArgs(TypedDict):
    """An interface with the link's MAC address and an IP address of its own."""

    master: NotRequired[str]
    """The node's link, which has to be there on every node, and which no macvlan may use. Defaults to the link of the
    node's default route."""

    mode: NotRequired[str]
    """`l2`, `l3` or `l3s`. Defaults to `l2`."""


class VlanArgs(TypedDict):
    """A VLAN of the node's link, as the pod's interface."""

    master: str
    """The node's link, which has to be there on every node."""

    vlan_id: int
    """The VLAN, 1 to 4094."""


class HostDeviceArgs(TypedDict):
    """One of the node's interfaces, moved into the pod. Exactly one key, or none beside `resource_name`."""

    device: NotRequired[str]
    """The interface's name. Defaults to none."""

    hwaddr: NotRequired[str]
    """Its MAC address. Defaults to none."""

    kernelpath: NotRequired[str]
    """Its path below `/sys/devices`. Defaults to none."""

    pci_bus_id: NotRequired[str]
    """Its PCI address, such as `0000:00:1f.6`. Defaults to none."""


class SriovArgs(TypedDict):
    """A virtual function of a network card, which the SR-IOV device plugin hands out.

    Untried: this project's tests have no such card.
    """

    resource_name: str
    """The device plugin's resource, such as `intel.com/sriov`, which becomes the definition's annotation."""

    vlan: NotRequired[int]
    """The VLAN of the virtual function, 0 to 4094. Defaults to none."""

    spoofchk: NotRequired[str]
    """`on` or `off`. Defaults to the driver's."""

    trust: NotRequired[str]
    """`on` or `off`. Defaults to the driver's."""

    link_state: NotRequired[str]
    """`auto`, `enable` or `disable`. Defaults to the driver's."""


class RangeArgs(TypedDict):
    """Addresses to hand out."""

    subnet: str
    """The network, such as `10.97.0.0/24`, with room for addresses: no /31 and no /32."""

    range_start: NotRequired[str]
    """The first address. Defaults to the subnet's first."""

    range_end: NotRequired[str]
    """The last address. Defaults to the subnet's last."""

    gateway: NotRequired[str]
    """The gateway, within the subnet, which no pod gets. Defaults to the subnet's first address with `host_local`, to
    none with `whereabouts`."""


class HostLocalArgs(TypedDict):
    """Addresses from ranges that each node remembers for itself: two nodes hand out the same."""

    ranges: Sequence[RangeArgs]
    """A pod gets an address of each: one of IPv4 and one of IPv6, for instance."""

    node: NotRequired[str]
    """The only node whose pods use this network. On a link that several nodes share, each node needs a network with
    ranges of its own. Defaults to none, which is every node."""


class AddressArgs(TypedDict):
    """An address that every pod of the network gets."""

    address: str
    """With its prefix length: `10.97.0.5/24`."""

    gateway: NotRequired[str]
    """The gateway, within the address's network. Defaults to none."""


class StaticArgs(TypedDict):
    """The addresses that you write, or with `allow: [ips]` those that a pod asks for."""

    addresses: NotRequired[Sequence[AddressArgs]]
    """What a pod gets that asks for none: two pods would get the same. Defaults to none."""


class DhcpArgs(TypedDict):
    """Addresses of a DHCP server on the link. Every node needs the plugin's daemon, and its socket."""

    daemon_socket_path: NotRequired[str]
    """The daemon's socket on the host. Defaults to `/run/cni/dhcp.sock`."""

    priority: NotRequired[int]
    """The metric of the routes that the server names. Defaults to none, with which they win over the default
    network's."""


class WhereaboutsArgs(TypedDict):
    """Addresses that are unique in the cluster, of whereabouts, which `whereabouts` of the component installs."""

    ranges: Sequence[RangeArgs]
    """A pod gets an address of each."""

    exclude: NotRequired[Sequence[str]]
    """Addresses and networks that nobody gets, besides the gateways. Defaults to none."""

    configuration_path: NotRequired[pulumi.Input[str]]
    """whereabouts' configuration on the host. Defaults to `whereabouts.d/whereabouts.conf` in the CNI configuration
    directory of the distribution, and without one to where whereabouts looks by itself."""


class IpamArgs(TypedDict):
    """Who hands out addresses. Exactly one key."""

    host_local: NotRequired[HostLocalArgs]
    """Ranges that each node remembers for itself. Defaults to none."""

    static: NotRequired[StaticArgs]
    """Addresses that you write. Defaults to none."""

    dhcp: NotRequired[DhcpArgs]
    """A DHCP server on the link. Defaults to none."""

    whereabouts: NotRequired[WhereaboutsArgs]
    """Ranges that the cluster remembers. Defaults to none."""


class RouteArgs(TypedDict):
    """A route of the pods through this network."""

    dst: str
    """Where to, such as `10.98.0.0/16`. What takes the cluster's own ranges, or is wider than /8, is refused where it
    has no `priority` of its own."""

    gw: NotRequired[str]
    """Through which address. Defaults to the range's gateway."""

    priority: NotRequired[int]
    """The metric with which the kernel compares it: the default network's routes have 0. Defaults to none."""


class MultusNetworkArgs(TypedDict):
    """One network. Exactly one of `bridge`, `macvlan`, `ipvlan`, `vlan`, `host_device`, `sriov` and `config`."""

    name: NotRequired[str]
    """The definition's name. Defaults to the resource's."""

    namespace: NotRequired[pulumi.Input[str]]
    """The definition's namespace: pods of others have to name it. Defaults to `default`."""

    bridge: NotRequired[BridgeArgs]
    """A virtual switch on the node. Defaults to none."""

    macvlan: NotRequired[MacvlanArgs]
    """Interfaces with MAC addresses of their own on the node's link. Defaults to none."""

    ipvlan: NotRequired[IpvlanArgs]
    """Interfaces with the link's MAC address. Defaults to none."""

    vlan: NotRequired[VlanArgs]
    """A VLAN of the node's link. Defaults to none."""

    host_device: NotRequired[HostDeviceArgs]
    """One of the node's interfaces. Defaults to none."""

    sriov: NotRequired[SriovArgs]
    """A virtual function. Defaults to none."""

    config: NotRequired[str]
    """A CNI configuration as JSON, for every other plugin: checked as far as it can be, and made a list with a
    `cniVersion` and a `name`. Defaults to none."""

    resource_name: NotRequired[str]
    """Beside `host_device` and `config`: the resource of a device plugin, such as `intel.com/nics`, whose device Multus
    hands to the plugin; it becomes the definition's annotation. `sriov` has a key of its own. Defaults to none."""

    ipam: NotRequired[IpamArgs]
    """Who hands out addresses. Defaults to none: the interface has no address."""

    allow: NotRequired[Sequence[str]]
    """What a pod may ask for: `ips`, `mac`. Defaults to none: whatever it asks for has no effect."""

    routes: NotRequired[Sequence[RouteArgs]]
    """Routes of the pods through this network. Defaults to none."""

    default_route: NotRequired[bool]
    """Whether a pod's default route is by this network. Then the way to other pods and to Services, DNS included, is
    too, but for what the default network routes by itself. Beside `config` it makes no route: it says that one which
    the configuration has itself is meant. Defaults to false."""

    mtu: NotRequired[int]
    """The interface's MTU in bytes, the link's at most. Defaults to the link's."""

    sysctls: NotRequired[Mapping[str, str]]
    """Settings of the pod's network below `net.`; `IFNAME` in a key stands for the interface. Defaults to none."""

    chained: NotRequired[Sequence[Mapping[str, Any]]]
    """Plugins that change what the first has made, in order, each as its own documents have it: `{"type": "sbr"}`.
    Defaults to none."""

    for_vms: NotRequired[bool]
    """Whether KubeVirt's machines use it by their bridge binding, which takes a bridge alone. Defaults to false."""

    distro: NotRequired[Distro]
    """The distribution, for the directory of whereabouts' configuration. Defaults to none."""

    cluster_ranges: NotRequired[Sequence[str]]
    """The ranges of pods and Services: a network or a route that takes them is refused. Defaults to those that the
    distribution has by itself on k3s and rke2, elsewhere to none."""

    live_attachments: NotRequired[LiveAttachments]
    """What happens when the network goes or changes while a running pod uses it, in Python with `multus=` and its
    listed nodes: `refuse` stops before anything moved and names the pods, `proceed` goes on, and they keep what they
    have. Defaults to `refuse`."""
