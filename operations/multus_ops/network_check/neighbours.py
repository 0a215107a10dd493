"""Whether pods answer each other over a network, and packets of what size come through. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .look import Answer
from .network import Network
from .questions import segment
from .seen import INTERFACE, NodeSeen, PodSeen, Seen
from .verdict import NOTHING, Result, Verdict, edit, unknown


class _Exchange(NamedTuple):
    """Who was to be answered by whom, and what came."""

    asker: PodSeen
    target: PodSeen
    answer: Answer

    @property
    def goes_over_it(self) -> bool:
        """Whether the way goes by the interface; an address that is good on one link alone is named with that."""
        return "%" in self.answer.address or self.answer.device == INTERFACE

    @property
    def is_answered(self) -> bool:
        """Whether the pod that was asked has answered, over the interface."""
        return self.answer.by == "itself" and self.goes_over_it

    @property
    def missing(self) -> int:
        """How much a packet may have less than the MTU."""
        return max(0, segment(self.asker, self.target, self.answer.address) - self.answer.bytes)

    def __str__(self) -> str:
        who = f"{self.target.pod} on {self.target.node} ({self.answer.address})"
        if not self.goes_over_it:
            device = self.answer.device or "no link"
            return f"the way of {self.asker.pod} to {who} goes by {device}, not by {INTERFACE}"
        if self.answer.by == "another":
            return f"{self.asker.pod} asks {who}, and somebody else answers"
        return f"{self.asker.pod} gets no answer from {who}"


def _exchanges(seen: Seen, node: NodeSeen) -> Iterator[_Exchange]:
    """What a node's pods have asked where an answer is to be expected."""
    pods = {pod.pod: pod for pod in seen.attached}
    for pod in node.attached:
        for answer in pod.asked.answers if pod.asked else ():
            if seen.spans_nodes or pods[answer.pod].node == node.name:
                yield _Exchange(pod, pods[answer.pod], answer)


def neighbours_of(seen: Seen, node: NodeSeen) -> Verdict:
    """Whether a node's pods are answered over the interface by whom they ask."""
    if seen.network.has_no_neighbours:
        return Verdict(Result.BY_DESIGN, f"{seen.network.plugin}: by design")
    if not node.attached:
        return unknown()
    exchanges = [*_exchanges(seen, node)]
    wrong = [each for each in exchanges if not each.is_answered]
    cell = f"{len(exchanges) - len(wrong)} of {len(exchanges)}"
    if wrong:
        why = f"Pods that talk over {INTERFACE} wait for an answer that never comes."
        return Verdict(Result.ERROR, cell, "; ".join(map(str, wrong)), why, _wire(seen.network))
    if not exchanges:
        return Verdict(Result.UNSEEN, NOTHING, f"whether neighbours answer: {_nobody(seen, node)}", decides=True)
    if not seen.spans_nodes:
        return Verdict(Result.OK, f"{cell} on the node")
    if all(each.target.node == node.name for each in exchanges):
        what = "whether pods of other nodes answer: no pod of another node was there to be asked"
        return Verdict(Result.UNSEEN, f"{cell} on the node", what, decides=True)
    return Verdict(Result.OK, cell)


def _nobody(seen: Seen, node: NodeSeen) -> str:
    """Why there was nobody to ask."""
    if not any(pod.look.asked_at(INTERFACE) for pod in node.attached):
        return "its pods have no address to be asked at"
    others = [pod for pod in seen.attached if pod.node == node.name or seen.spans_nodes]
    return "all others have the same address" if len(others) > 1 else "there is no second pod on its wire to ask"


def _wire(network: Network) -> str:
    if network.plugin == "macvlan":
        return (
            "# let the hypervisor or the switch pass frames of MAC addresses that it does not know (forged transmits, "
            "promiscuous mode),\n# and those of the network's VLAN; else take ipvlan (docs/networks.md)"
        )
    remark = "# see whether the nodes' links of the network are on one wire, with routes between its ranges"
    return f"{remark}\n{edit(network)}"


def packet_size(seen: Seen, node: NodeSeen) -> Verdict:
    """Whether packets as long as the MTU come through to a node's pods, and else how long they may be."""
    mtus = {pod.link.mtu for pod in node.attached if pod.link}
    if not mtus:
        return unknown()
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
    answered = [each for each in _exchanges(seen, node) if each.is_answered]
    if not answered:
        return Verdict(Result.UNSEEN, f"{mtu} untried")
    short = [each for each in answered if each.missing]
    if any(each.answer.bytes == 0 for each in short):
        what = "how large a packet may be: the image's httpd sends no part of a file that has a given length"
        return Verdict(Result.UNSEEN, f"{mtu} untried", what, decides=True)
    if short:
        passing = mtu - max(each.missing for each in short)
        whose = ", ".join(f"{each.target.pod} on {each.target.node}" for each in short)
        what = f"packets of {mtu} bytes, the MTU, do not come through from {whose}; those of up to {passing} do"
        return Verdict(Result.ERROR, f"{passing} of {mtu}", what, _HANGING, _smaller(seen.network, passing))
    return Verdict(Result.OK, str(mtu))


_HANGING = "Connections begin, and hang as soon as there is much to say."


def _smaller(network: Network, mtu: int) -> str:
    return f'# write "mtu": {mtu} into the plugin that makes the interface, or mend the wire\n{edit(network)}'
