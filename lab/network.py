"""The lab's wiring: one bridge in the control plane's network namespace, a cable to each node and to the machine.

The bridge is not the machine's, so no packet filter of the machine decides what nodes may say to each other.
"""

from collections.abc import Iterable

from lab.commands import run
from lab.layout import POD_NETWORK, Layout, pods

_BRIDGE = "br0"


def wire_control_plane(layout: Layout, control_plane: int) -> None:
    """Make the bridge in the namespace of that process and connect the machine."""
    unwire_machine(layout)
    _ip("link", "add", layout.link, "type", "veth", "peer", "name", "machine", "netns", str(control_plane))
    _ip("address", "add", f"{layout.machine}/24", "dev", layout.link)
    _ip("link", "set", layout.link, "up")
    for words in (
        ("link", "set", "lo", "up"),
        ("link", "add", _BRIDGE, "type", "bridge", "forward_delay", "0"),
        ("link", "set", _BRIDGE, "address", layout.mac(0)),
        ("address", "add", f"{layout.api}/24", "dev", _BRIDGE),
        ("link", "set", _BRIDGE, "up"),
        ("link", "set", "machine", "master", _BRIDGE, "up"),
        # Only so that a lookup of any other address has an answer, as on a machine.
        ("route", "add", "default", "via", layout.machine),
    ):
        _ip(*words, inside=control_plane)


def unwire_machine(layout: Layout) -> None:
    """Take the machine's end away, if it is there."""
    # It goes by itself with the namespace of the other end, but only some time later.
    run(["ip", "link", "delete", layout.link], check=False)


def wire_node(layout: Layout, control_plane: int, node: int, number: int, others: Iterable[int]) -> None:
    """Connect the node whose process is `node`, and give it its address and routes."""
    cable = f"lab-{number}"
    # An earlier cable goes by itself with the namespace of its other end, but only some time later.
    run(_inside(control_plane, "link", "delete", cable), check=False)
    _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", str(node), inside=control_plane)
    _ip("link", "set", cable, "master", _BRIDGE, "up", inside=control_plane)
    for words in (
        ("link", "set", "lo", "up"),
        ("link", "set", "eth0", "address", layout.mac(number)),
        ("address", "add", f"{layout.node(number)}/24", "dev", "eth0"),
        ("link", "set", "eth0", "up"),
        ("route", "add", "default", "via", layout.machine),
        *(("route", "add", pods(other), "via", layout.node(other)) for other in others),
    ):
        _ip(*words, inside=node)
    enter = ["nsenter", "-t", str(node), "-m", "-n", "--"]
    run([*enter, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
    # What flannel does: pods keep their address among themselves and take the node's towards anybody else.
    source = ["-s", POD_NETWORK, "!", "-d", POD_NETWORK, "-m", "comment", "--comment", "flanneld masq"]
    run([*enter, "iptables", "-w", "-t", "nat", "-A", "POSTROUTING", *source, "-j", "MASQUERADE"])


def plug(layout: Layout, control_plane: int, number: int, *, connected: bool) -> None:
    """Pull the node's cable, or put it back."""
    _ip("link", "set", f"lab-{number}", "up" if connected else "down", inside=control_plane)
    if not connected:
        # As with a machine that has long been off: packets to it fail at once, and nothing waits for an answer.
        _ip("neighbour", "flush", "to", layout.node(number), "dev", layout.link)


def _ip(*words: str, inside: int | None = None) -> None:
    run(["ip", *words] if inside is None else _inside(inside, *words))


def _inside(pid: int, *words: str) -> list[str]:
    return ["nsenter", "-t", str(pid), "-n", "--", "ip", *words]
