"""Arguments become a frozen plan here, or every reason why they cannot. Pure: nothing is registered, read or run."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pydantic

from . import argument_rules, argument_rules_nodes
from . import image as images
from .args import Credentials, Distro, LiveAttachments, LogLevel, Method, MultusComponentArgs, Plugin
from .argument_types import judged
from .defaults import (
    DEFAULT_CERTIFICATE_DURATION,
    DEFAULT_MAX_UNAVAILABLE,
    DEFAULT_MIN_READY_SECONDS,
    DEFAULT_NAMESPACE,
    DEFAULT_PLUGIN_DIRECTORY,
    DEFAULT_PRIORITY_CLASS,
    DEFAULT_RECONCILE,
    DEFAULT_RESOURCES,
    DEFAULT_ROTATION,
    DEFAULT_SOCKET_DIR,
    DEFAULT_SSH_PORT,
    DEFAULT_SSH_USER,
    DEFAULT_TIMEOUT_SECONDS,
    DEFAULT_WHEREABOUTS_IMAGE,
    WHOLE_CNI_VERSION,
)
from .distros import Profile, Runtime, Tried, k3s_has_flow_control
from .errors import InvalidArgumentsError, Problem
from .late_values import is_opaque

PROGRAM = "multus"
"""Thin Multus' plugin, which is also thick's standby."""
SHIM = "multus-shim"
"""Thick Multus' plugin, which asks the daemon."""
CRITICAL_CLASSES = ("system-node-critical", "system-cluster-critical")
"""The priority classes that Kubernetes brings."""


class _Frozen(pydantic.BaseModel):
    """A part of a plan."""

    model_config = pydantic.ConfigDict(frozen=True, arbitrary_types_allowed=True)


class ProxyPlan(_Frozen):
    """A jump host. What may be an Output is never looked into here."""

    host: Any
    port: int
    user: str
    private_key: Any = pydantic.Field(repr=False)
    host_key: Any


class NodePlan(_Frozen):
    """One node to reach over SSH. `host`, `private_key` and `host_key` may be Outputs, never looked into here.

    `path` is where the node stands in the arguments, for messages about what is known late.
    """

    path: str
    name: str
    host: Any
    port: int
    user: str
    sudo: bool
    private_key: Any = pydantic.Field(repr=False)
    host_key: Any
    proxy: ProxyPlan | None
    gone: bool


class SshPlan(_Frozen):
    """How nodes are dialled; the limits of a dial in the words of pulumi-command's `Connection`."""

    parallel: int = 10
    dial_error_limit: int = 3
    per_dial_timeout: int = 10


class ConfPlan(_Frozen):
    """What Multus' configuration says beyond what follows from the default network."""

    cni_version: str | None = None
    network_name: str | None = None
    override_network_name: bool = True
    master_conf: str | None = None
    cluster_network: str | None = None
    default_networks: tuple[str, ...] = ()
    system_namespaces: tuple[str, ...] = ()
    multus_namespace: str | None = None
    namespace_isolation: bool = False
    global_namespaces: tuple[str, ...] = ()
    capabilities: tuple[str, ...] | None = None
    readiness_indicator_file: str | None = None
    additional_bin_dir: str | None = None
    networks_dir: str | None = None
    retry_delete_on_error: bool = False


class WholeConfPlan(_Frozen):
    """Thin's configuration where no flag of the entrypoint can say it."""

    cni_version: str
    cluster_network: str
    conf_dir: str
    capabilities: tuple[str, ...]


class LogPlan(_Frozen):
    """What Multus logs."""

    level: LogLevel | None = None
    file: str | None = None
    to_stderr: bool = True
    options: dict[str, int | bool] = {}


class CertificatesPlan(_Frozen):
    """Client certificates per node."""

    bootstrap_kubeconfig: str
    duration: str = DEFAULT_CERTIFICATE_DURATION


class DaemonPlan(_Frozen):
    """What thick's daemon is told besides."""

    connection_limit: int | None = None
    metrics_port: int | None = None
    enable_pprof: bool = False
    socket_dir: str = DEFAULT_SOCKET_DIR
    per_node_certificates: CertificatesPlan | None = None


class SchedulingPlan(_Frozen):
    """Where the pods run."""

    node_selector: dict[str, str] = {}
    excluded_nodes: dict[str, tuple[str, ...]] = {}
    tolerations: tuple[dict[str, str | int], ...] | None = None
    affinity: dict[str, Any] = {}
    priority_class: str = DEFAULT_PRIORITY_CLASS
    max_unavailable: str
    min_ready_seconds: int = DEFAULT_MIN_READY_SECONDS
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class PluginArchivePlan(_Frozen):
    """An archive of plugins: a file of this machine, or what nodes fetch."""

    sha256: str
    path: str = ""
    url: str = ""


class ReferencePluginsPlan(_Frozen):
    """CNI plugins to bring onto the nodes: from archives onto listed ones, where there are any, else from an image."""

    names: tuple[str, ...]
    image: str = ""
    directory: str = DEFAULT_PLUGIN_DIRECTORY
    archives: dict[str, PluginArchivePlan] = {}

    @property
    def local_archives(self) -> dict[str, PluginArchivePlan]:
        """Those that are copied from this machine."""
        return {architecture: each for architecture, each in self.archives.items() if each.path}


class DhcpDaemonPlan(_Frozen):
    """The daemon that the plugin `dhcp` asks."""

    image: str


class KeeperPlan(_Frozen):
    """What keeps the configuration on nodes that are not listed while their pod restarts."""

    image: str


class WhereaboutsPlan(_Frozen):
    """What gives addresses that are unique in the cluster."""

    image: str = DEFAULT_WHEREABOUTS_IMAGE
    reconcile: str = DEFAULT_RECONCILE


class HelmPlan(_Frozen):
    """The release. `values` may hold Outputs, never looked into here."""

    values: dict[str, Any] = {}


class InstallPlan(_Frozen):
    """Everything that is decided about one install. `api_server` may be an Output.

    `network_name` is the default network's, None where neither arguments nor distribution say it; `capabilities` is
    what its plugins may take from the runtime. Both are for what is written before anything has looked at a node.
    """

    distro: Distro
    plugin: Plugin
    method: Method
    helm: HelmPlan
    handover: bool
    namespace: str
    create_namespace: bool
    image: str
    pull_policy: str
    pull_secrets: tuple[str, ...]
    cni_conf_dir: str
    cni_bin_dir: str
    plugins_dir: str
    linked_dirs: tuple[str, ...]
    kubelet_sees_bin_dir: bool
    kubelet_dir: str
    netns_dir: str
    runtime: Runtime
    server_ca: str
    tried: Tried
    enforces_pod_security: bool
    limits_critical_pods: bool
    serves_flow_control: bool
    reads_claims: bool
    api_server: Any
    conf: ConfPlan
    whole_conf: WholeConfPlan | None
    network_name: str | None
    capabilities: tuple[str, ...]
    log: LogPlan
    daemon: DaemonPlan
    scheduling: SchedulingPlan
    resources: dict[str, dict[str, str]]
    privileged: bool
    selinux: dict[str, str]
    reference_plugins: ReferencePluginsPlan | None
    keeper: KeeperPlan | None
    dhcp_daemon: DhcpDaemonPlan | None
    whereabouts: WhereaboutsPlan | None
    required_plugins: tuple[str, ...]
    nodes: tuple[NodePlan, ...]
    credentials: Credentials
    rotation: str
    adopt: bool
    node_cleanup: bool
    live_attachments: LiveAttachments
    ssh: SshPlan
    timeout_seconds: int

    @property
    def is_thick(self) -> bool:
        """Whether a daemon serves the runtime."""
        return self.plugin is Plugin.THICK

    @property
    def program(self) -> str:
        """The plugin that the runtime calls, a file in the directory of CNI plugins."""
        return SHIM if self.is_thick else PROGRAM

    @property
    def has_standby(self) -> bool:
        """Whether listed nodes keep thin's configuration beside thick's, for the time in which no daemon serves them.

        It works without any pod, so that it may only be where a step takes it away again.
        """
        return self.is_thick and self.node_cleanup

    @property
    def kubeconfig_path(self) -> str:
        """Where Multus' kubeconfig lies on the host, which is also what thin's configuration names."""
        return posixpath.join(self.cni_conf_dir, "multus.d", "multus.kubeconfig")

    @property
    def token_secret(self) -> str:
        """The token Secret's name. A Secret made anew under an old name would revive the old token."""
        return f"multus-token-{self.rotation}"

    @property
    def whereabouts_secret(self) -> str:
        """The name of the token Secret of whereabouts' own account."""
        return f"whereabouts-token-{self.rotation}"

    @property
    def brought_plugins(self) -> tuple[str, ...]:
        """The plugins besides Multus that pods put into the plugin directory of a listed node."""
        reference = self.reference_plugins
        from_image = reference.names if reference and not reference.archives else ()
        return (*from_image, *(["whereabouts"] if self.whereabouts else []))

    @property
    def untried(self) -> str | None:
        """What nobody has tried of the distribution, as a sentence; None where the lab has nodes like it."""
        if self.tried is Tried.LAB:
            return None
        what = {
            Tried.FILES: "this project's tests have run its checks on files as it writes them, and no Multus",
            Tried.NOT: "this project's tests have run nothing of it: its paths are from its sources alone",
        }
        return f"distro {self.distro.value}: {what[self.tried]} (docs/paths.md). Try it on one node first."

    @property
    def needs_quota(self) -> bool:
        """Whether the pods are admitted only where a ResourceQuota speaks of their priority class."""
        is_critical = self.scheduling.priority_class in CRITICAL_CLASSES
        return self.limits_critical_pods and is_critical and self.namespace != DEFAULT_NAMESPACE

    @property
    def warnings(self) -> list[str]:
        """What the cluster refuses unless somebody has provided for it already, and what nodes lack, as sentences."""
        found: list[str] = []
        reference = self.reference_plugins
        if reference is not None and not reference.image:
            lacking = f"nodes that are not listed get no {', '.join(reference.names)}"
            found.append(f"reference_plugins: {lacking}; set image too where there are such nodes.")
        if self.create_namespace or self.namespace == DEFAULT_NAMESPACE:
            return found
        elsewhere = f"create_namespace: {self.distro.value} admits Multus' pods to namespace {self.namespace!r} only"
        if self.enforces_pod_security:
            label = "its label pod-security.kubernetes.io/enforce is privileged"
            found.append(f"{elsewhere} where {label}; set create_namespace to true, or see to the label.")
        if self.needs_quota:
            quota = f"a ResourceQuota there allows pods of the class {self.scheduling.priority_class}"
            found.append(f"{elsewhere} where {quota}; set create_namespace to true, or see to the quota.")
        return found

    @property
    def fingerprint(self) -> str:
        """Twelve hex digits that change whenever a node has to be checked again."""
        elsewhere = {
            "tried",
            "enforces_pod_security",
            "limits_critical_pods",
            "serves_flow_control",
            "reads_claims",
            "network_name",
            "capabilities",
            "nodes",
            "api_server",
            "adopt",
            "node_cleanup",
            "live_attachments",
            "timeout_seconds",
            "handover",
            "keeper",
        }
        known = self.model_dump(exclude={*elsewhere, "helm", "ssh"}, mode="json")
        return digest_of([known, json.dumps(self.helm.values, sort_keys=True, default=lambda _: "known late")])


def digest_of(value: Any) -> str:
    """Twelve hex digits that change with a value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def resolve(args: MultusComponentArgs | Mapping[str, Any]) -> InstallPlan:
    """Decide everything about an install.

    Raises:
        InvalidArgumentsError: with every problem found, in one go.
    """
    valid, problems = _judged(args)
    _refuse(problems)
    plugin = argument_rules.plugin_of(valid)
    profile = argument_rules.profile_of(valid)
    image, security, reference = valid.get("image", {}), valid.get("security", {}), valid.get("reference_plugins")
    directories = {
        key: _directory(valid.get(key, getattr(profile, key)))
        for key in ("cni_conf_dir", "cni_bin_dir", "kubelet_dir", "netns_dir")
    }
    return InstallPlan(
        distro=valid["distro"],
        plugin=plugin,
        method=valid.get("method", Method.MANIFEST),
        helm=HelmPlan(**valid.get("helm", {})),
        handover=valid.get("handover", False),
        namespace=valid.get("namespace", DEFAULT_NAMESPACE),
        create_namespace=valid.get("create_namespace", False),
        image=images.reference(image, plugin),
        pull_policy=image.get("pull_policy", images.PULL_POLICIES[0]),
        pull_secrets=tuple(image.get("pull_secrets", ())),
        **directories,
        runtime=profile.runtime,
        server_ca=profile.server_ca,
        tried=profile.tried,
        enforces_pod_security=profile.enforces_pod_security,
        limits_critical_pods=profile.limits_critical_pods,
        reads_claims=images.reads_claims(image, plugin),
        serves_flow_control=k3s_has_flow_control(valid.get("k3s_version")),
        plugins_dir=_directory(valid["cni_bin_dir"]) if "cni_bin_dir" in valid else profile.plugins_dir,
        linked_dirs=() if "cni_bin_dir" in valid else profile.linked_dirs,
        kubelet_sees_bin_dir=profile.kubelet_sees_bin_dir,
        api_server=valid.get("api_server", profile.api_server),
        conf=ConfPlan(**valid.get("conf", {})),
        whole_conf=_whole_conf(valid.get("conf", {}), plugin, profile, directories["cni_conf_dir"]),
        network_name=argument_rules.network_name(valid.get("conf", {}), profile),
        capabilities=_capabilities(valid.get("conf", {}), profile),
        log=LogPlan(**valid.get("log", {})),
        daemon=DaemonPlan(**valid.get("daemon", {})),
        scheduling=_scheduling(valid.get("scheduling", {}), plugin, profile),
        resources=_resources(valid.get("resources", {}), plugin),
        privileged=security.get("privileged", False),
        selinux=security.get("selinux", {}),
        reference_plugins=None if reference is None else ReferencePluginsPlan(**reference),
        keeper=None if "keeper" not in valid else KeeperPlan(**valid["keeper"]),
        dhcp_daemon=None if "dhcp_daemon" not in valid else DhcpDaemonPlan(image=argument_rules.dhcp_image(valid)),
        whereabouts=None if "whereabouts" not in valid else WhereaboutsPlan(**valid["whereabouts"]),
        required_plugins=_needed(valid),
        nodes=tuple(_node(f"nodes[{index}]", node) for index, node in enumerate(valid.get("nodes", ()))),
        credentials=valid.get("credentials", Credentials.DURABLE),
        rotation=valid.get("rotation", DEFAULT_ROTATION),
        adopt=valid.get("adopt", False),
        node_cleanup=valid.get("node_cleanup", True),
        live_attachments=valid.get("live_attachments", LiveAttachments.REFUSE),
        ssh=SshPlan(**valid.get("ssh", {})),
        timeout_seconds=valid.get("timeout_seconds", DEFAULT_TIMEOUT_SECONDS),
    )


def problems_of(args: MultusComponentArgs | Mapping[str, Any]) -> list[Problem]:
    """Every reason why these arguments cannot work; empty when they can."""
    return _judged(args)[1]


def _judged(args: MultusComponentArgs | Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    return judged(MultusComponentArgs, args, argument_rules.contradictions)


def known(test: Callable[[str, str], Iterable[Problem]], path: str, value: str, *whose: str) -> str:
    """A text that is known late, held against the test that an early one has passed already.

    Raises:
        InvalidArgumentsError: where it fails, about what `whose` names.
    """
    _refuse(test(path, value), *whose)
    return argument_rules_nodes.unbracketed(value) if test is argument_rules_nodes.host else value


def _refuse(problems: Iterable[Problem], *whose: str) -> None:
    found = list(problems)
    if found:
        raise InvalidArgumentsError(found, *whose)


def _directory(path: str) -> str:
    return path.rstrip("/")


def _node(path: str, node: Mapping[str, Any]) -> NodePlan:
    user, proxy = node.get("user", DEFAULT_SSH_USER), node.get("proxy")
    return NodePlan(
        path=path,
        name=node["name"],
        **_login(node, node["private_key"]),
        sudo=node.get("sudo", user != DEFAULT_SSH_USER),
        proxy=None if proxy is None else ProxyPlan(**_login(proxy, node["private_key"])),
        gone=node.get("gone", False),
    )


def _login(args: Mapping[str, Any], private_key: Any) -> dict[str, Any]:
    host = args["host"]
    return {
        "host": host if is_opaque(host) else argument_rules_nodes.unbracketed(host),
        "port": args.get("port", DEFAULT_SSH_PORT),
        "user": args.get("user", DEFAULT_SSH_USER),
        "private_key": args.get("private_key", private_key),
        "host_key": args.get("host_key"),
    }


def _whole_conf(conf: Mapping[str, Any], plugin: Plugin, profile: Profile, conf_dir: str) -> WholeConfPlan | None:
    """The default network by name and directory: Multus up to v4.3.0 gives nothing back that it knows by its file."""
    if plugin is Plugin.THICK or not argument_rules.keys_written_whole(conf):
        return None
    given = conf.get("cluster_network") or conf.get("master_conf") or profile.network_file or ""
    file = posixpath.join(conf_dir, given)
    is_name = given == conf.get("cluster_network") and "/" not in given
    by_file = "networks_dir" in conf and not is_name
    return WholeConfPlan(
        cni_version=conf.get("cni_version", WHOLE_CNI_VERSION),
        cluster_network=file if by_file else argument_rules.network_name(conf, profile) or "",
        conf_dir=conf.get("networks_dir", posixpath.dirname(file)),
        capabilities=_capabilities(conf, profile),
    )


def _capabilities(conf: Mapping[str, Any], profile: Profile) -> tuple[str, ...]:
    return tuple(conf.get("capabilities", profile.capabilities))


def _scheduling(scheduling: Mapping[str, Any], plugin: Plugin, profile: Profile) -> SchedulingPlan:
    given = {"max_unavailable": DEFAULT_MAX_UNAVAILABLE[plugin], **scheduling}
    return SchedulingPlan(**given, excluded_nodes=dict(profile.excluded_nodes))


def _resources(resources: Mapping[str, Any], plugin: Plugin) -> dict[str, dict[str, str]]:
    return {key: resources.get(key, default) for key, default in DEFAULT_RESOURCES[plugin].items()}


def _needed(valid: Mapping[str, Any]) -> tuple[str, ...]:
    """What every node has to have before anything changes: what an init container brings needs not be there."""
    brought = valid.get("reference_plugins", {}).get("names", ())
    if "whereabouts" in valid:
        brought = [*brought, "whereabouts"]
    needed = [*valid.get("required_plugins", ()), *(["dhcp"] if "dhcp_daemon" in valid else [])]
    return tuple(dict.fromkeys(name for name in needed if name not in brought))
