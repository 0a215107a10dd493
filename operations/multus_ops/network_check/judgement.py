"""What was seen of a network, judged: one verdict a node and aspect. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .look import Answer, room
from .network import FromNode, Network
from .seen import INTERFACE, NodeSeen, PodSeen, Seen

UP = ("up", "unknown")
"""What the kernel says of a link that works: many drivers keep no `operstate`."""
_NOTHING = "-"


class Aspect(StrEnum):
    """What is looked at on each node, in the order of the table."""

    INTERFACE = "interface"
    ADDRESS = "address"
    NEIGHBOURS = "neighbours"
    PACKET = "MTU"
    DEFAULT_ROUTE = "default route"
    DNS = "cluster DNS"
    NODE = "from the node"


class Result(StrEnum):
    """How it is."""

    OK = "ok"
    BY_DESIGN = "by design"
    WARNING = "warning"
    ERROR = "error"
    UNSEEN = "not seen"


@dataclass(frozen=True)
class Verdict:
    """How one thing is on one node.

    Attributes:
        result: how it is.
        cell: the same in a few words.
        what: what is wrong, or could not be looked at.
        why: why that matters.
        fix: what mends it, one command or remark a line.
        decides: whether nobody can call the network well who has not seen this.
    """

    result: Result
    cell: str
    what: str = ""
    why: str = ""
    fix: str = ""
    decides: bool = False


def judge(seen: Seen) -> dict[str, dict[Aspect, Verdict]]:
    """The verdicts, by node and aspect."""
    return {node.name: {aspect: rule(seen, node) for aspect, rule in _RULES.items()} for node in seen.nodes}


def segment(asker: PodSeen, asked: PodSeen, address: str) -> int:
    """How much one segment from a pod to its asker holds in the longest packet that both their interfaces allow."""
    mtu = min(pod.link.mtu for pod in (asker, asked) if pod.link is not None)
    return room(address, mtu, timestamps=asker.look.timestamps and asked.look.timestamps)


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
        return _unknown()
    own = [(pod, each.partition("/")[0]) for pod in node.attached for each in pod.look.on(INTERFACE)]
    cell = ", ".join(dict.fromkeys(address for _, address in own)) or "none"
    without = [pod.pod for pod in node.attached if not pod.look.on(INTERFACE)]
    if without and seen.network.gives_addresses:
        what = f"{', '.join(without)} got no address"
        return Verdict(Result.ERROR, cell, what, "Nobody can reach it.", _edit(seen.network))
    shared = [
        f"{address} of {pod.pod} is also that of {who}" for pod, address in own for who in _others(seen, pod, address)
    ]
    if shared:
        why = "Now one of them gets the other's packets, now the other."
        fix = (
            "# let every address be given once: a range of its own for each node, or whereabouts (docs/networks.md)\n"
            f"{_edit(seen.network)}"
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


def _neighbours(seen: Seen, node: NodeSeen) -> Verdict:
    if seen.network.has_no_neighbours:
        return Verdict(Result.BY_DESIGN, f"{seen.network.plugin}: by design")
    if not node.attached:
        return _unknown()
    asked = [*_expected(seen, node)]
    wrong = [each for each in asked if not _is_answered(*each[1:])]
    cell = f"{len(asked) - len(wrong)} of {len(asked)}"
    if wrong:
        what = "; ".join(_unanswered(*each) for each in wrong)
        why = f"Pods that talk over {INTERFACE} wait for an answer that never comes."
        return Verdict(Result.ERROR, cell, what, why, _wire(seen.network))
    if not asked:
        alone = "there is no second pod on its wire to ask"
        reason = alone if node.attached[0].look.asked_at(INTERFACE) else "its pods have no address to be asked at"
        return Verdict(Result.UNSEEN, _NOTHING, f"whether neighbours answer: {reason}", decides=True)
    if seen.network.stays_on_the_node and not seen.spans_nodes:
        return Verdict(Result.OK, f"{cell} on the node")
    if all(target.node == node.name for _, target, _ in asked):
        what = "whether pods of other nodes answer: no pod of another node was there to be asked"
        return Verdict(Result.UNSEEN, f"{cell} on the node", what, decides=True)
    return Verdict(Result.OK, cell)


def _expected(seen: Seen, node: NodeSeen) -> Iterator[tuple[PodSeen, PodSeen, Answer]]:
    """Who of a node's pods was to be answered by whom, and what came."""
    pods = {pod.pod: pod for pod in seen.attached}
    for pod in node.attached:
        for answer in pod.asked.answers if pod.asked else ():
            target = pods[answer.pod]
            if seen.spans_nodes or target.node == node.name:
                yield pod, target, answer


def _is_answered(_target: PodSeen, answer: Answer) -> bool:
    return answer.by == "itself" and _goes_over_it(answer)


def _goes_over_it(answer: Answer) -> bool:
    # The way to an address that is good on one link alone is named with it.
    return "%" in answer.address or answer.device == INTERFACE


def _unanswered(pod: PodSeen, target: PodSeen, answer: Answer) -> str:
    who = f"{target.pod} on {target.node} ({answer.address})"
    if not _goes_over_it(answer):
        return f"the way of {pod.pod} to {who} goes by {answer.device or 'no link'}, not by {INTERFACE}"
    if answer.by == "another":
        return f"{pod.pod} asks {who}, and somebody else answers"
    return f"{pod.pod} gets no answer from {who}"


def _wire(network: Network) -> str:
    if network.plugin == "macvlan":
        return (
            "# let the hypervisor or the switch pass frames of MAC addresses that it does not know (forged transmits, "
            "promiscuous mode),\n# and those of the network's VLAN; else take ipvlan (docs/networks.md)"
        )
    remark = "# see whether the nodes' links of the network are on one wire, with routes between its ranges"
    return f"{remark}\n{_edit(network)}"


def _packet(seen: Seen, node: NodeSeen) -> Verdict:
    mtus = {pod.link.mtu for pod in node.attached if pod.link}
    if not mtus:
        return _unknown()
    mtu = max(mtus)
    smaller = sorted(
        {
            (pod.link.mtu, pod.node)
            for pod in seen.attached
            if pod.link and pod.link.mtu < mtu and (pod.node == node.name or seen.spans_nodes)
        }
    )
    if smaller:
        least, where = smaller[0]
        what = f"{INTERFACE} has an MTU of {mtu}, and that of pods on {where} is {least}"
        return Verdict(Result.ERROR, str(mtu), what, _HANGING, _smaller(seen.network, least))
    answered = [each for each in _expected(seen, node) if _is_answered(*each[1:])]
    if not answered:
        return Verdict(Result.UNSEEN, f"{mtu} untried")
    short = [
        (target, answer, segment(pod, target, answer.address) - answer.bytes)
        for pod, target, answer in answered
        if answer.bytes < segment(pod, target, answer.address)
    ]
    if any(answer.bytes == 0 for _, answer, _ in short):
        what = "how large a packet may be: the image's httpd sends no part of a file that has a given length"
        return Verdict(Result.UNSEEN, f"{mtu} untried", what, decides=True)
    if short:
        passing = min(mtu - missing for _, _, missing in short)
        whose = ", ".join(f"{target.pod} on {target.node}" for target, _, _ in short)
        what = f"packets of {mtu} bytes, the MTU, do not come through from {whose}; those of up to {passing} do"
        return Verdict(Result.ERROR, f"{passing} of {mtu}", what, _HANGING, _smaller(seen.network, passing))
    return Verdict(Result.OK, str(mtu))


_HANGING = "Connections begin, and hang as soon as there is much to say."


def _smaller(network: Network, mtu: int) -> str:
    return f'# write "mtu": {mtu} into the plugin that makes the interface, or mend the wire\n{_edit(network)}'


def _default_route(seen: Seen, node: NodeSeen) -> Verdict:
    if not node.attached:
        return _unknown()
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
            f"node\n{_edit(seen.network)}"
        )
        return Verdict(Result.ERROR, cell, what, why, fix)
    if seen.network.takes_default_route:
        what = f"the network is to take the default route, and that goes by {cell}"
        return Verdict(Result.WARNING, cell, what, "What is to leave by it does not.", _edit(seen.network))
    return Verdict(Result.OK, cell)


def _versions(pods: Sequence[PodSeen], holds: Callable[[PodSeen, int], bool]) -> list[str]:
    return [f"IPv{version}" for version in (4, 6) if any(holds(pod, version) for pod in pods)]


def _dns(seen: Seen, node: NodeSeen) -> Verdict:
    asked = [pod for pod in node.attached if pod.asked is not None]
    if not asked:
        return _unknown()
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
            f"{_edit(seen.network)}"
        )
        return Verdict(result, "lost", what, "Pods with this network find no Service by its name.", fix)
    if plain is None:
        return Verdict(Result.UNSEEN, _NOTHING, "whether DNS is as before: no pod without the network was there")
    if not plain.resolves:
        return Verdict(Result.UNSEEN, _NOTHING, "the cluster's DNS: it answers pods without the network neither")
    what = "the cluster's DNS answers a pod without the network, and none with it"
    return Verdict(
        Result.ERROR, "lost", what, "Pods with this network find no Service by its name.", _edit(seen.network)
    )


def _from_node(seen: Seen, node: NodeSeen) -> Verdict:
    if seen.network.from_node is FromNode.NEVER:
        return Verdict(Result.BY_DESIGN, f"{seen.network.plugin}: by design")
    if not node.attached:
        return _unknown()
    if node.reached:
        return Verdict(Result.OK, "yes")
    if node.reached is None:
        reason = node.said or "its kubelet did not say"
        return Verdict(Result.UNSEEN, _NOTHING, f"whether the node reaches its pods: {reason}")
    if seen.network.from_node is FromNode.PERHAPS:
        return Verdict(Result.BY_DESIGN, "no: the node is not in it")
    what = f"the node does not reach {node.attached[0].pod}: {node.said}"
    why = "The network gives the node an address of its own, so that it is to."
    fix = f"# on {node.name}: see by `ip addr` whether that address is there, and whether a firewall is in the way"
    return Verdict(Result.ERROR, "no", what, why, fix)


def _unknown() -> Verdict:
    """Of a node whose pods do not have the interface, which is an error already."""
    return Verdict(Result.UNSEEN, _NOTHING)


def _command(words: str, seen: Seen) -> str:
    return f"multus-ops {words} {seen.options}".rstrip()


def _edit(network: Network) -> str:
    return f"kubectl -n {network.name.namespace} edit network-attachment-definitions {network.name.name}"


_RULES: Mapping[Aspect, Callable[[Seen, NodeSeen], Verdict]] = {
    Aspect.INTERFACE: _interface,
    Aspect.ADDRESS: _address,
    Aspect.NEIGHBOURS: _neighbours,
    Aspect.PACKET: _packet,
    Aspect.DEFAULT_ROUTE: _default_route,
    Aspect.DNS: _dns,
    Aspect.NODE: _from_node,
}
