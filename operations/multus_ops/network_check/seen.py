"""What was seen of a network on the nodes of a cluster, before anybody judges it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from multus.metadata import Object

from ..doctor.annotations import interfaces_of
from ..doctor.snapshot import is_finished, name_of
from .look import Asked, Link, Look
from .network import Network

INTERFACE = "net1"


@dataclass(frozen=True)
class PodSeen:
    """What one pod showed.

    Attributes:
        pod: its name.
        node: its node.
        trouble: why nobody could look into it; empty where somebody could.
        look: what it has.
        asked: what came of asking others; None where it was not asked to.
    """

    pod: str
    node: str
    trouble: str = ""
    look: Look = field(default_factory=Look)
    asked: Asked | None = None

    @property
    def link(self) -> Link | None:
        """Its interface of the network; None where it has none."""
        return self.look.links.get(INTERFACE)

    @property
    def runs(self) -> bool:
        """Whether it could be looked into."""
        return not self.trouble


@dataclass(frozen=True)
class Holder:
    """A pod of the cluster that has an address of the network already."""

    pod: str
    node: str
    address: str


@dataclass(frozen=True)
class NodeSeen:
    """What was seen on a node.

    Attributes:
        name: the node.
        pods: those with the network.
        plain: the one without; None where none was started.
        reached: whether the node has reached its first pod; None where that is not known.
        said: what its kubelet, or the API server, said instead.
    """

    name: str
    pods: tuple[PodSeen, ...]
    plain: PodSeen | None = None
    reached: bool | None = None
    said: str = ""

    @property
    def attached(self) -> tuple[PodSeen, ...]:
        """Its pods that have the interface."""
        return tuple(pod for pod in self.pods if pod.link is not None)


@dataclass(frozen=True)
class Seen:
    """All of it.

    Attributes:
        network: what was looked at.
        nodes: where.
        holders: other pods that have addresses of it; None where nobody may list them.
        options: the options that name the cluster to `multus-ops`, as they are typed.
    """

    network: Network
    nodes: tuple[NodeSeen, ...]
    holders: tuple[Holder, ...] | None = ()
    options: str = ""

    @property
    def attached(self) -> Iterator[PodSeen]:
        """Every pod that has the interface."""
        for node in self.nodes:
            yield from node.attached

    @property
    def spans_nodes(self) -> bool:
        """Whether pods of different nodes are neighbours: by its plugin, or since some of them have answered."""
        if not self.network.stays_on_the_node:
            return True
        node_of = {pod.pod: node.name for node in self.nodes for pod in node.pods}
        answers = [(pod.node, answer) for pod in self.attached for answer in (pod.asked.answers if pod.asked else ())]
        return any(answer.by == "itself" and node_of[answer.pod] != node for node, answer in answers)


def holders_of(pods: Sequence[Object], network: Network, ours: Sequence[str]) -> Iterator[Holder]:
    """The addresses of a network that pods have, by what Multus has written on them.

    Args:
        pods: the cluster's.
        network: which.
        ours: the names of the pods of this run, in the network's own namespace.
    """
    own = {f"{network.name.namespace}/{name}" for name in ours}
    for pod in pods:
        if name_of(pod) in own or is_finished(pod):
            continue
        for entry in interfaces_of(pod):
            if entry.get("name") == str(network.name):
                for address in entry.get("ips") or ():
                    yield Holder(name_of(pod), pod["spec"].get("nodeName", ""), str(address))
