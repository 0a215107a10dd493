"""What was seen of a network, judged: one verdict a node and aspect. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from .neighbours import neighbours_of, packet_size
from .network import FromNode
from .seen import INTERFACE, NodeSeen, PodSeen, Seen
from .verdict import NOTHING, Aspect, Result, Verdict, edit, unknown

UP = ("up", "unknown")
"""What the kernel says of a link that works: many drivers keep no `operstate`."""


def judge(seen: Seen) -> dict[str, dict[Aspect, Verdict]]:
    """The verdicts, by node and aspect."""
    return {node.name: {aspect: rule(seen, node) for aspect, rule in _RULES.items()} for node in seen.nodes}


def _interface(seen: Seen, node: NodeSeen) -> Verdict:
    silent = [pod for pod in node.pods if not pod.runs]
    if silent:
        what = "; ".join(dict.fromkeys(pod.trouble for pod in silent))
        why = "So it goes with every pod of this node that asks for this network."
        names = f"--network {seen.network.name} --node {node.name}"
        return Verdict(Result.ERROR, "no pod", what, why, _command(f"doctor --smoke {names}", seen))
    bare = [pod for pod in node.pods if pod.link is None]
    if bare:
        what = f"{bare[0].pod} asked for {INTERFACE}, and has {', '.join(bare[0].look.links)}"
        return Verdict(Result.ERROR, f"no {INTERFACE}", what, "Multus serves no pod here.", _command("doctor", seen))
    down = [pod for pod in node.attached if pod.link and pod.link.state not in UP]
    if down and down[0].link:
        what = f"{INTERFACE} of {down[0].pod} is {down[0].link.state}"
        fix = f"# on {node.name}: see with `ip link` whether the network's link is up and has a carrier"
        return Verdict(Result.ERROR, down[0].link.state, what, "Nothing comes or goes by it.", fix)
    return Verdict(Result.OK, INTERFACE)


def _address(seen: Seen, node: NodeSeen) -> Verdict:
    if not node.attached:
        return unknown()
    own = [(pod, each.partition("/")[0]) for pod in node.attached for each in pod.look.on(INTERFACE)]
    cell = ", ".join(dict.fromkeys(address for _, address in own)) or "none"
    without = [pod.pod for pod in node.attached if not pod.look.on(INTERFACE)]
    if without and seen.network.gives_addresses:
        what = f"{', '.join(without)} got no address"
        return Verdict(Result.ERROR, cell, what, "Nobody can reach it.", edit(seen.network))
    shared = [
        f"{address} of {pod.pod} is also that of {who}" for pod, address in own for who in _others(seen, pod, address)
    ]
    if shared:
        why = "Now one of them gets the other's packets, now the other."
        fix = (
            "# let every address be given once: a range of its own for each node, or whereabouts (docs/networks.md)\n"
            f"{edit(seen.network)}"
        )
        return Verdict(Result.ERROR, cell, "; ".join(shared), why, fix)
    return Verdict(Result.OK, cell)


def _others(seen: Seen, own: PodSeen, address: str) -> Iterator[str]:
    """Who else has an address of a pod, where both are on one wire."""
    for pod in seen.attached:
        if pod.pod != own.pod and (pod.node == own.node or seen.spans_nodes):
            yield from (f"{pod.pod} on {pod.node}" for each in pod.look.on(INTERFACE) if each.startswith(f"{address}/"))
    for holder in seen.holders or ():
        if holder.address == address and (holder.node == own.node or seen.spans_nodes):
            yield f"{holder.pod} on {holder.node}"


def _default_route(seen: Seen, node: NodeSeen) -> Verdict:
    if not node.attached:
        return unknown()
    taken = _versions(node.attached, lambda pod, version: pod.look.defaults.get(version) == INTERFACE)
    plain = node.plain.look.defaults if node.plain and node.plain.runs else {}
    lost = _versions(node.attached, lambda pod, version: version in plain and version not in pod.look.defaults)
    devices = {device for pod in node.attached for device in pod.look.defaults.values()}
    cell = ", ".join(sorted(devices)) or "none"
    if taken and seen.network.takes_default_route:
        return Verdict(Result.BY_DESIGN, f"{cell}: by design")
    if taken or lost:
        what = (
            f"the default route of {' and '.join(taken)} goes by {INTERFACE}, and the definition does not say so"
            if taken
            else f"there is no default route of {' and '.join(lost)}, and pods without the network have one"
        )
        why = "Pods lose the way to Services, to DNS and to everything beyond the cluster."
        fix = (
            "# look for who gives it: a DHCP server's router option, a router's advertisement for IPv6, a file on the "
            f"node\n{edit(seen.network)}"
        )
        return Verdict(Result.ERROR, cell, what, why, fix)
    if seen.network.takes_default_route:
        what = f"the network is to take the default route, and that goes by {cell}"
        return Verdict(Result.WARNING, cell, what, "What is to leave by it does not.", edit(seen.network))
    return Verdict(Result.OK, cell)


def _versions(pods: Sequence[PodSeen], holds: Callable[[PodSeen, int], bool]) -> list[str]:
    return [f"IPv{version}" for version in (4, 6) if any(holds(pod, version) for pod in pods)]


def _dns(seen: Seen, node: NodeSeen) -> Verdict:
    asked = [pod for pod in node.attached if pod.asked is not None]
    if not asked:
        return unknown()
    if all(pod.asked and pod.asked.resolves for pod in asked):
        return Verdict(Result.OK, "answers")
    taken = dict.fromkeys(address for pod in asked for address, device in pod.look.ways.items() if device == INTERFACE)
    plain = node.plain.asked if node.plain and node.plain.asked else None
    if taken:
        what = (
            f"the way to {', '.join(taken)}, where Services and DNS are, goes by {INTERFACE}, and nobody answers there"
        )
        result = Result.WARNING if seen.network.takes_default_route else Result.ERROR
        fix = (
            f"# add a route of the cluster's ranges by eth0, or give the network's own route a \"priority\"\n"
            f"{edit(seen.network)}"
        )
        return Verdict(result, "lost", what, "Pods with this network find no Service by its name.", fix)
    if plain is None:
        return Verdict(Result.UNSEEN, NOTHING, "whether DNS is as before: no pod without the network was there")
    if not plain.resolves:
        return Verdict(Result.UNSEEN, NOTHING, "the cluster's DNS: it answers pods without the network neither")
    what = "the cluster's DNS answers a pod without the network, and none with it"
    return Verdict(
        Result.ERROR, "lost", what, "Pods with this network find no Service by its name.", edit(seen.network)
    )


def _from_node(seen: Seen, node: NodeSeen) -> Verdict:
    if seen.network.from_node is FromNode.NEVER:
        return Verdict(Result.BY_DESIGN, f"{seen.network.plugin}: by design")
    if not node.attached:
        return unknown()
    if node.reached:
        return Verdict(Result.OK, "yes")
    if node.reached is None:
        reason = node.said or "its kubelet did not say"
        return Verdict(Result.UNSEEN, NOTHING, f"whether the node reaches its pods: {reason}")
    if seen.network.from_node is FromNode.PERHAPS:
        return Verdict(Result.BY_DESIGN, "no: the node is not in it")
    what = f"the node does not reach {node.attached[0].pod}: {node.said}"
    why = "The network gives the node an address of its own, so that it is to."
    fix = f"# on {node.name}: see by `ip addr` whether that address is there, and whether a firewall is in the way"
    return Verdict(Result.ERROR, "no", what, why, fix)


def _command(words: str, seen: Seen) -> str:
    return f"multus-ops {words} {seen.options}".rstrip()


_RULES: Mapping[Aspect, Callable[[Seen, NodeSeen], Verdict]] = {
    Aspect.INTERFACE: _interface,
    Aspect.ADDRESS: _address,
    Aspect.NEIGHBOURS: neighbours_of,
    Aspect.PACKET: packet_size,
    Aspect.DEFAULT_ROUTE: _default_route,
    Aspect.DNS: _dns,
    Aspect.NODE: _from_node,
}
