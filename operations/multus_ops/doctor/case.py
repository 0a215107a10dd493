"""What doctor judges: a snapshot of a cluster, the plan that it should follow, and how commands are written for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from multus.distros import PROFILES
from multus.metadata import Object
from multus.objects import DAEMON_SET, FALLBACK_DAEMON_SET
from multus.plan import InstallPlan, NodePlan

from ..pulumi_cli import PulumiCli
from .node_report import Facts, NodeReport
from .snapshot import Snapshot, host_paths


@dataclass(frozen=True)
class Case:
    """A snapshot in its light.

    Attributes:
        snapshot: what there is.
        plan: what there should be; None without a stack.
        pulumi: how Pulumi is called for the stack.
    """

    snapshot: Snapshot
    plan: InstallPlan | None = field(default=None, repr=False)
    pulumi: PulumiCli = field(default_factory=lambda: PulumiCli("STACK"))

    @property
    def namespace(self) -> str:
        """Where Multus is, or will be."""
        return self.plan.namespace if self.plan else self.snapshot.namespace

    @cached_property
    def our_sets(self) -> list[Object]:
        """The DaemonSets of the names that this project gives them, in the plan's namespace."""
        names = (DAEMON_SET, FALLBACK_DAEMON_SET)
        found = self.snapshot.multus_sets
        return [
            each
            for each in found
            if each["metadata"]["name"] in names and each["metadata"]["namespace"] == self.namespace
        ]

    @cached_property
    def is_ours(self) -> bool:
        """Whether the Multus of this cluster is one of this project: its fallback comes with no other."""
        return any(each["metadata"]["name"] == FALLBACK_DAEMON_SET for each in self.our_sets)

    @property
    def is_installed(self) -> bool:
        """Whether there is any Multus."""
        return bool(self.snapshot.multus_sets)

    @property
    def is_thick(self) -> bool:
        """Whether a daemon serves the runtime."""
        if self.plan:
            return self.plan.is_thick
        return any("hostroot" in host_paths(each) for each in self.snapshot.multus_sets)

    @property
    def facts(self) -> Iterator[tuple[str, Facts]]:
        """Every node that answered over SSH, with what is there."""
        for node, report in self.snapshot.reports.items():
            yield node, report.facts

    @property
    def reports(self) -> Iterator[tuple[str, NodeReport]]:
        """Every node that answered over SSH."""
        yield from self.snapshot.reports.items()

    @property
    def up(self) -> str:
        """The command that brings a cluster to what its stack says."""
        return self.pulumi.command("up")

    @property
    def refresh(self) -> str:
        """The same, after a look at what the cluster has become."""
        return self.pulumi.command("up", "--refresh")

    @property
    def set(self) -> str:
        """What stands before a configuration key and its value."""
        return self.pulumi.command("config", "set")

    @property
    def unset(self) -> str:
        """What stands before a configuration key that goes."""
        return self.pulumi.command("config", "rm")

    @property
    def network_file(self) -> str | None:
        """The default network's file, where the distribution fixes it."""
        if self.plan is None:
            return None
        profile = PROFILES[self.plan.distro]
        return profile.network_file if profile.cni_conf_dir == self.plan.cni_conf_dir else None

    def on(self, node: str) -> str:
        """What stands before a command that is run on a node as root."""
        known = self._logins.get(node)
        if known is None:
            return f"ssh root@{node}"
        port = "" if known.port == 22 else f" -p {known.port}"
        proxy = known.proxy
        jump = "" if proxy is None else f" -J {proxy.user}@{proxy.host}:{proxy.port}"
        return f"ssh{port}{jump} {known.user}@{known.host}{' sudo' if known.sudo else ''}"

    def restart(self, node: str) -> str:
        """The command that lets the Multus pod of a node write binary, kubeconfig and configuration anew."""
        for daemon_set in self.snapshot.multus_sets:
            if any(pod["spec"].get("nodeName") == node for pod in self.snapshot.pods_of(daemon_set)):
                labels = daemon_set["spec"]["selector"]["matchLabels"]
                selector = ",".join(f"{key}={value}" for key, value in labels.items())
                # By its labels: the pod that has this name now may be another one when the command is typed.
                within = f"kubectl -n {daemon_set['metadata']['namespace']} delete pod"
                return f"{within} -l {selector} --field-selector spec.nodeName={node}"
        return self.refresh

    @cached_property
    def _logins(self) -> dict[str, NodePlan]:
        return {node.name: node for node in self.plan.nodes} if self.plan else {}
