"""On which nodes a network is looked at, with how many pods each, and which pods ask which. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from multus.errors import MultusError
from multus.metadata import Object
from multus.network_addresses import with_prefix

from .network import Network


class NotCheckableError(MultusError):
    """There is nothing to start, and nothing was started."""


@dataclass(frozen=True)
class Choice:
    """The nodes to look at.

    Attributes:
        nodes: their names.
        elsewhere: nodes that the network cannot be on, each with why.
        missed: nodes that it could be on and that cannot be looked at now, each with why.
    """

    nodes: tuple[str, ...]
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    missed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """A pod with the network.

    Attributes:
        end: the end of its name.
        node: its node.
        ips: the addresses that it asks for; none where the network gives them.
    """

    end: str
    node: str
    ips: tuple[str, ...] = ()


def choose(nodes: Sequence[Object], named: Sequence[str], network: Network) -> Choice:
    """The nodes that were named, or all, as far as pods can be started there.

    Raises:
        NotCheckableError: a name is no node's, or there is no node to look at.
    """
    known = {node["metadata"]["name"]: node for node in nodes}
    for name in named:
        if name not in known:
            raise NotCheckableError(f"There is no node {name}: there are {', '.join(known) or 'none at all'}.")
    chosen, elsewhere, missed = [], {}, {}
    for name in dict.fromkeys(named or known):
        if reason := _why_not_on(known[name], network):
            elsewhere[name] = reason
        elif not _is_ready(known[name]):
            missed[name] = "it is not Ready, and starts no pods"
        else:
            chosen.append(name)
    if not chosen:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in (elsewhere | missed).items())
        raise NotCheckableError(f"There is no node to look at. {reasons or 'The cluster has none'}.")
    return Choice(tuple(chosen), elsewhere, missed)


def _why_not_on(node: Object, network: Network) -> str:
    system = node["metadata"].get("labels", {}).get("kubernetes.io/os", "linux")
    if system != "linux":
        return f"it runs {system}, and Multus is for Linux"
    there = str(node.get("status", {}).get("allocatable", {}).get(network.resource, "0"))
    if network.resource and there == "0":
        return f"it has no {network.resource}"
    return ""


def _is_ready(node: Object) -> bool:
    conditions = node.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def addresses_of(words: Sequence[str], network: Network, nodes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The addresses that pods ask for, by node, from words `NODE=ADDRESS/LENGTH`.

    Raises:
        NotCheckableError: a word cannot work, or the network and the words do not go together.
    """
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        node, _, text = word.partition("=")
        if with_prefix(text) is None:
            raise NotCheckableError(f"--address {word}: write NODE=ADDRESS/LENGTH, such as {node}=10.97.0.5/24.")
        if node not in nodes:
            raise NotCheckableError(f"--address {word}: no pod is started on {node}, but on {', '.join(nodes)}.")
        found[node] = (*found.get(node, ()), text)
    if words and not network.takes_addresses:
        raise NotCheckableError(
            f"--address has no effect: network {network.name} lacks the capability `ips`, so that no pod may say it."
        )
    without = [node for node in nodes if node not in found]
    if network.leaves_addresses_to_pods and without:
        raise NotCheckableError(
            f"Network {network.name} leaves it to pods to say their address: name a free one for each of "
            f"{', '.join(without)} by --address NODE=ADDRESS/LENGTH."
        )
    return found


def pods_on(nodes: Sequence[str], network: Network, addresses: Mapping[str, tuple[str, ...]]) -> tuple[Wanted, ...]:
    """The pods to start: a second one on each node where only pods of one node are neighbours, or there is one node."""
    is_local = len(nodes) == 1 or network.stays_on_the_node
    letters = "ab" if is_local and network.takes_several_pods and not addresses else "a"
    return tuple(
        Wanted(f"{index}{letter}", node, addresses.get(node, ()))
        for index, node in enumerate(nodes)
        for letter in letters
    )
