"""What doctor judges: a snapshot of a cluster, the plan that it should follow, and how commands are written for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from multus.args import Distro
from multus.defaults import DEFAULT_NAMESPACE
from multus.distros import PROFILES
from multus.metadata import Object
from multus.objects import DAEMON_SET, FALLBACK_DAEMON_SET
from multus.plan import InstallPlan, NodePlan, ProxyPlan

from .distribution import distro_of, is_reached
from .live_install import is_thick_set
from .node_report import Facts, NodeFinding
from .origin import Origin, PulumiInstall, origin_of
from .snapshot import Kind, Snapshot, name_of


@dataclass(frozen=True)
class Case:
    """A cluster snapshot, the plan that it should follow, and how commands are written for both.

    Attributes:
        snapshot: what there is.
        plan: what there should be; None where no stack of this project was named, so that nothing is known of it.
        stack: the stack that was named, of whatever project; None where there is none.
        nodes: how the nodes are logged in to; those of the plan unless they were given otherwise.
        options: the options that name this cluster to `multus-ops`, as they are typed.
    """

    snapshot: Snapshot
    plan: InstallPlan | None = field(default=None, repr=False)
    stack: PulumiInstall | None = None
    nodes: tuple[NodePlan, ...] = field(default=(), repr=False)
    options: str = ""

    @cached_property
    def origin(self) -> Origin:
        """What the install comes from: the stack that was named, else what the cluster's objects show."""
        return self.stack or origin_of(self.snapshot)

    @property
    def namespace(self) -> str:
        """Where Multus is, or will be."""
        return self.plan.namespace if self.plan else self.snapshot.namespace

    @property
    def networks_namespace(self) -> str:
        """Where Multus looks for networks that are not a pod's own: those of its configuration and of an annotation."""
        named = self.plan.conf.multus_namespace if self.plan else None
        return named or DEFAULT_NAMESPACE

    @cached_property
    def networks_by_name(self) -> dict[str, Object]:
        """The definitions of networks, by `namespace/name`."""
        return {name_of(each): each for each in self.snapshot.networks}

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
    def is_absent(self) -> bool:
        """Whether it is sure that there is none: who may not read DaemonSets does not know."""
        return not self.is_installed and Kind.DAEMON_SETS not in self.snapshot.unseen

    def failures_of_multus(self) -> Iterator[tuple[Object, str]]:
        """Pods whose sandbox cannot be made or removed, each with the last message about it.

        What a Multus says that is gone has one cause, which `conf-left-behind` names.
        """
        if not self.is_absent:
            yield from self.snapshot.sandbox_failures()

    @property
    def is_expected(self) -> bool:
        """Whether there is a Multus, or a stack that is to bring one."""
        return self.plan is not None or self.is_installed

    @property
    def distro(self) -> Distro:
        """The plan's distribution, or what the nodes show; vanilla's way where that has no profile."""
        distro = self.plan.distro if self.plan else distro_of(self.snapshot)
        return distro if distro in PROFILES else Distro.VANILLA

    def has_ssh(self, name: str) -> bool:
        """Whether anybody can log in to a node, as far as it and its distribution show."""
        distro = self.distro
        known = next((node for node in self.snapshot.nodes if node["metadata"]["name"] == name), None)
        has_answered = name in self.snapshot.reports
        return has_answered or (PROFILES[distro].has_ssh if known is None else is_reached(known, distro))

    @property
    def is_thick(self) -> bool:
        """Whether a daemon serves the runtime."""
        if self.plan:
            return self.plan.is_thick
        return any(is_thick_set(each) for each in self.snapshot.multus_sets)

    @property
    def facts(self) -> Iterator[tuple[str, Facts]]:
        """Every node that answered over SSH, with what is there."""
        for node, report in self.snapshot.reports.items():
            yield node, report.facts

    @property
    def node_findings(self) -> Iterator[tuple[str, NodeFinding]]:
        """What the node program itself has found, with the node."""
        for node, report in self.snapshot.reports.items():
            for found in report.findings:
                yield node, found

    @property
    def repair(self) -> str:
        """The commands that bring the cluster back to what its install says."""
        return self.origin.repair()

    @property
    def renew(self) -> str:
        """The same, and every pod writes its node's kubeconfig again: steps over SSH do that only for a stack's."""
        if isinstance(self.origin, PulumiInstall):
            return self.repair
        sets = (each["metadata"] for each in self.snapshot.multus_sets)
        restarts = (f"kubectl -n {each['namespace']} rollout restart daemonset {each['name']}" for each in sets)
        return "\n".join([self.repair, *restarts])

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
        jump = "" if known.proxy is None else f" -J {_jump(known.proxy)}"
        # known_hosts tells hosts by address and port alone, which behind two jump hosts are two machines.
        alike = [each for each in self._logins.values() if (each.host, each.port) == (known.host, known.port)]
        alias = f" -o HostKeyAlias={node}" if len(alike) > 1 else ""
        return f"ssh{port}{alias}{jump} {known.user}@{known.host}{' sudo' if known.sudo else ''}"

    def restart(self, node: str) -> str:
        """The command that lets the Multus pod of a node write binary, kubeconfig and configuration anew."""
        for daemon_set in self.snapshot.multus_sets:
            if any(pod["spec"].get("nodeName") == node for pod in self.snapshot.pods_of(daemon_set)):
                labels = daemon_set["spec"]["selector"]["matchLabels"]
                selector = ",".join(f"{key}={value}" for key, value in labels.items())
                # By its labels: the pod that has this name now may be another one when the command is typed.
                within = f"kubectl -n {daemon_set['metadata']['namespace']} delete pod"
                return f"{within} -l {selector} --field-selector spec.nodeName={node}"
        return self.repair

    @cached_property
    def _logins(self) -> dict[str, NodePlan]:
        nodes = self.nodes or (self.plan.nodes if self.plan else ())
        return {node.name: node for node in nodes}


def _jump(proxy: ProxyPlan) -> str:
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    return f"{proxy.user}@{host}:{proxy.port}"
