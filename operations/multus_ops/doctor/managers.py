"""What installs Multus by itself, so that a second install would fight with it: one table for advice and checks."""

from __future__ import annotations

from dataclasses import dataclass

from .snapshot import Snapshot


@dataclass(frozen=True)
class Manager:
    """An operator or a distribution that brings Multus.

    Attributes:
        group: an API group that only its clusters serve; empty where none tells.
        name: what people call it.
        instead: how Multus is had from it, as the end of a sentence.
        daemon_sets: names of the DaemonSets that it alone makes.
    """

    group: str
    name: str
    instead: str
    daemon_sets: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The command that shows it."""
        if self.group:
            return f"kubectl api-resources --api-group={self.group}"
        return f"kubectl -n kube-system get daemonset {self.daemon_sets[0]}"


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
    # The second is the name that older charts gave it (rancher/rke2-charts, packages/rke2-multus).
    Manager(
        "",
        "RKE2's own Multus",
        "RKE2 has installed it by its `cni: multus,...`: keep that one, or take `multus` out of `cni` first",
        daemon_sets=("rke2-multus", "rke2-multus-ds"),
    ),
)


def managers_in(snapshot: Snapshot) -> list[Manager]:
    """Those whose API groups a cluster serves, or whose DaemonSets it has."""
    names = {each["metadata"]["name"] for each in snapshot.daemon_sets}
    return [
        manager for manager in MANAGERS if manager.group in snapshot.groups or not names.isdisjoint(manager.daemon_sets)
    ]
