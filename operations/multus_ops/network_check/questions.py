"""Which pod asks which, where, and for how much. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .look import room
from .seen import INTERFACE, PodSeen

MOST_NEIGHBOURS = 10
"""How many pods a pod asks: all pairs of a large cluster would tell no more, and take long."""


class Question(NamedTuple):
    """What a pod is to ask.

    Attributes:
        pod: whom.
        address: where.
        bytes: for how much.
    """

    pod: str
    address: str
    bytes: int


def segment(asker: PodSeen, asked: PodSeen, address: str) -> int:
    """How much one segment from a pod to its asker holds in the longest packet that both their interfaces allow."""
    mtu = min(pod.link.mtu for pod in (asker, asked) if pod.link is not None)
    return room(address, mtu, timestamps=asker.look.timestamps and asked.look.timestamps)


def questions_of(pods: Sequence[PodSeen]) -> dict[str, list[Question]]:
    """What each pod that has the interface asks: others at all their addresses but those that it has itself."""
    known = {pod.pod: pod for pod in pods if pod.link is not None}
    return {
        name: [
            Question(other, address, segment(known[name], known[other], address))
            for other in others
            for address in known[other].look.asked_at(INTERFACE)
            if address not in known[name].look.asked_at(INTERFACE)
        ]
        for name, others in neighbours(list(known))
    }


def neighbours(names: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Which pods each pod asks: the next ones, in a ring, so that every pod is asked as often."""
    for index, name in enumerate(names):
        after = (*names[index + 1 :], *names[:index])
        yield name, after[:MOST_NEIGHBOURS]
