"""What installs Multus by itself, so that a second install would fight with it: one table for advice and checks."""

from __future__ import annotations

from dataclasses import dataclass

from .snapshot import Snapshot


@dataclass(frozen=True)
class Manager:
    """An operator or a distribution that brings Multus.

    Attributes:
        group: an API group that only its clusters serve.
        name: what people call it.
        instead: how Multus is had from it, as the end of a sentence.
    """

    group: str
    name: str
    instead: str


OPENSHIFT = Manager(
    "config.openshift.io", "OpenShift", "OpenShift manages Multus itself: leave it to its network operator"
)
MANAGERS = (
    OPENSHIFT,
    Manager(
        "networkaddonsoperator.network.kubevirt.io",
        "the cluster network addons operator",
        "set spec.multus of its NetworkAddonsConfig instead",
    ),
    Manager(
        "mellanox.com",
        "NVIDIA's network operator",
        "NVIDIA's network operator installs it: set secondaryNetwork.multus of its NicClusterPolicy instead",
    ),
)


def managers_in(snapshot: Snapshot) -> list[Manager]:
    """Those whose API groups a cluster serves."""
    return [manager for manager in MANAGERS if manager.group in snapshot.groups]
