"""What may be said of one thing on one node. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .network import Network

NOTHING = "-"
"""A cell about which nothing is known."""


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


def unknown() -> Verdict:
    """Of a node whose pods do not have the interface, which is an error already."""
    return Verdict(Result.UNSEEN, NOTHING)


def edit(network: Network) -> str:
    """The command that lets a person change the definition."""
    return f"kubectl -n {network.name.namespace} edit network-attachment-definitions {network.name.name}"
