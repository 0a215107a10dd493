"""Is Multus needed in a cluster, and if so how: decided from what is there. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from multus.args import Distro, Plugin
from multus.defaults import DEFAULT_NAMESPACE
from multus.distros import PROFILES, is_k3s_version, k3s_has_moved
from multus.objects import DAEMON_SET

from .cluster_signs import plugins_of
from .snapshot import NETWORKS, Snapshot, host_paths, name_of

# API groups of what asks for further interfaces, and of what brings Multus by itself.
_ASKS = {
    "kubevirt.io": "KubeVirt, whose machines are bridged to networks",
    "sriovnetwork.openshift.io": "the SR-IOV network operator",
    "whereabouts.cni.cncf.io": "Whereabouts",
}
_BRINGS = {
    "config.openshift.io": "OpenShift manages Multus itself: leave it to its network operator",
    "networkaddonsoperator.network.kubevirt.io": "set spec.multus of its NetworkAddonsConfig instead",
    "mellanox.com": "NVIDIA's network operator installs it: set secondaryNetwork.multus of its NicClusterPolicy"
    " instead",
}
_DEFAULT_CNIS = {
    "kube-flannel-ds": "flannel",
    "kube-flannel": "flannel",
    "calico-node": "calico",
    "canal": "canal",
    "rke2-canal": "canal",
    "cilium": "cilium",
    "kindnet": "kindnet",
    "aws-node": "the AWS VPC CNI",
    "azure-cns": "Azure CNI",
    "kube-router": "kube-router",
    "weave-net": "weave",
    "antrea-agent": "antrea",
    "ovnkube-node": "OVN-Kubernetes",
    "kube-ovn-cni": "kube-ovn",
}


@dataclass(frozen=True)
class Step:
    """One question of the way, its answer and the reason."""

    question: str
    answer: str
    reason: str


@dataclass(frozen=True)
class Advice:
    """What to do.

    Attributes:
        steps: the questions in their order.
        commands: the commands that configure a stack; empty where there is nothing to install.
    """

    steps: tuple[Step, ...]
    commands: tuple[str, ...] = ()


def advise(snapshot: Snapshot, stack: str | None = None, kubeconfig: str = "~/.kube/config") -> Advice:
    """Walk the questions.

    Args:
        snapshot: the cluster.
        stack: the stack that is to be configured; None for one that is called like the distribution.
        kubeconfig: the file that the stack's secret is to be read from.
    """
    for group, reason in _BRINGS.items():
        if group in snapshot.groups:
            return Advice((Step("Is Multus needed?", "not from here", reason),))
    distro = distro_of(snapshot) or Distro.VANILLA
    if distro is Distro.OPENSHIFT:
        return Advice((Step("Is Multus needed?", "not from here", _BRINGS["config.openshift.io"]),))
    needed = _needed(snapshot)
    steps = [needed, *_distro_steps(snapshot, distro), _method(snapshot), _plugin(snapshot), *_network_steps(snapshot)]
    settings = dict(_settings(snapshot, distro))
    name = shlex.quote(stack or distro.value)
    set_ = f"pulumi config set --stack {name}"
    commands = [
        f"pulumi stack select --create {name}",
        *(
            f"{set_}{' --path' if set(key) & set('.[') else ''} {shlex.quote(key)} {value}"
            for key, value in settings.items()
        ),
        f"{set_} --secret multus:kubeconfig < {kubeconfig}",
    ]
    if PROFILES[distro].has_ssh and snapshot.nodes:
        commands.append(f"{set_} --secret multus:sshPrivateKey < ~/.ssh/id_ed25519")
    return Advice(tuple(steps), tuple(commands))


def distro_of(snapshot: Snapshot) -> Distro | None:
    """The distribution, as its nodes show it; None where nothing does, which is vanilla's way."""
    for node in snapshot.nodes:
        about, spec, info = node["metadata"], node.get("spec", {}), node.get("status", {}).get("nodeInfo", {})
        labels, version, provider = about.get("labels", {}), info.get("kubeletVersion", ""), spec.get("providerID", "")
        signs = {
            Distro.OPENSHIFT: "node.openshift.io/os_id" in labels,
            Distro.K3S: "+k3s" in version,
            Distro.RKE2: "+rke2" in version,
            Distro.K0S: "+k0s" in version,
            Distro.MICROK8S: "microk8s.io/cluster" in labels,
            Distro.MINIKUBE: "minikube.k8s.io/name" in labels,
            Distro.KIND: provider.startswith("kind://"),
            Distro.TALOS: info.get("osImage", "").startswith("Talos"),
            Distro.EKS: "-eks-" in version,
            Distro.GKE: "-gke." in version,
            Distro.AKS: "kubernetes.azure.com/cluster" in labels,
        }
        for distro, shown in signs.items():
            if shown:
                return distro
    return None


def default_cni_of(snapshot: Snapshot) -> str:
    """The cluster's default CNI, guessed by its DaemonSet or by k3s' own."""
    names = {each["metadata"]["name"] for each in snapshot.daemon_sets}
    known = next((cni for name, cni in _DEFAULT_CNIS.items() if name in names), "")
    if not known and distro_of(snapshot) is Distro.K3S and _has_flannel(snapshot):
        return "flannel, k3s' own"
    return known or "not known from the API"


def _needed(snapshot: Snapshot) -> Step:
    question = "Is Multus needed?"
    asking = [name_of(pod) for pod in snapshot.pods if pod["metadata"].get("annotations", {}).get(NETWORKS)]
    if asking:
        return Step(question, "yes", f"{len(asking)} pods ask for networks, such as {asking[0]}")
    if snapshot.networks:
        return Step(
            question, "yes", f"there are {len(snapshot.networks)} networks, such as {name_of(snapshot.networks[0])}"
        )
    for group, name in _ASKS.items():
        if group in snapshot.groups:
            return Step(question, "yes", f"here is {name}")
    reason = (
        "nothing here asks for a second interface yet; it is needed for pods on a further network (storage,"
        " VLAN, SR-IOV, "
        "machines of their own), and not for Services, host ports or policies"
    )
    return Step(question, "only if pods are to have a second interface", reason)


def _versions(snapshot: Snapshot) -> list[str]:
    found = {node.get("status", {}).get("nodeInfo", {}).get("kubeletVersion", "") for node in snapshot.nodes}
    return sorted(found - {""})


def _has_flannel(snapshot: Snapshot) -> bool:
    return any(
        key.startswith("flannel.alpha.coreos.com/")
        for node in snapshot.nodes
        for key in node["metadata"].get("annotations", {})
    )


def _distro_steps(snapshot: Snapshot, distro: Distro) -> Iterator[Step]:
    sure = distro_of(snapshot) is not None
    versions = ", ".join(_versions(snapshot)) or snapshot.version
    reason = "its nodes say so" if sure else "no node shows another one; if it is one, set multus:distro"
    yield Step("Which distribution?", f"{distro.value}, {versions}", reason)
    profile = PROFILES[distro]
    yield Step(
        "Which default network?",
        default_cni_of(snapshot),
        f"its configuration lies in {profile.cni_conf_dir} by default",
    )


def _method(snapshot: Snapshot) -> Step:
    question = "Helm or manifests?"
    if "helm.toolkit.fluxcd.io" in snapshot.groups:
        reason = "releases are this cluster's inventory (Flux), though with `manifest` a preview shows every field"
        return Step(question, "manifest, or helm to see it in `helm list`", reason)
    return Step(question, "manifest", "a preview shows every object and field before anything changes")


def _plugin(snapshot: Snapshot) -> Step:
    question = "Thin or thick?"
    if any("hostroot" in host_paths(each) for each in snapshot.multus_sets):
        return Step(question, Plugin.THICK.value, "thick is here already")
    reason = "nothing happens to pods while its own pod is away; thick only for metrics, log rotation and hot-plug"
    return Step(question, Plugin.THIN.value, reason)


def _network_steps(snapshot: Snapshot) -> Iterator[Step]:
    plugins = sorted({plugin for network in snapshot.networks for plugin in plugins_of(network)})
    if plugins:
        missing = sorted(
            f"{plugin} on {node}"
            for node, report in snapshot.reports.items()
            for plugin in plugins
            if report.facts.plugins and plugin not in report.facts.plugins
        )
        looked = (
            "every node is held against them" if snapshot.reports else "whether nodes have them is seen over SSH only"
        )
        yield Step(
            "Which networks?",
            f"those that are there; they call {', '.join(plugins)}",
            f"missing: {', '.join(missing)}" if missing else looked,
        )
        return
    yield Step("Which networks?", "macvlan on the nodes' second link, to begin with", "docs/networks.md has others")


def _settings(snapshot: Snapshot, distro: Distro) -> Iterator[tuple[str, str]]:
    """Configuration keys with their values as a shell takes them."""
    yield "multus:distro", distro.value
    if distro is Distro.K3S:
        old = [each for each in _versions(snapshot) if is_k3s_version(each) and not k3s_has_moved(each)]
        if old:
            yield "multus:k3sVersion", shlex.quote(old[0])
        if not _has_flannel(snapshot):
            yield "multus:flannel", "false"
    if PROFILES[distro].api_server is None and snapshot.endpoints:
        yield "multus:apiServer", shlex.quote(f"https://{snapshot.endpoints[0]}")
    if _plugin(snapshot).answer == Plugin.THICK.value:
        yield "multus:plugin", Plugin.THICK.value
    if any(name_of(each) == f"{DEFAULT_NAMESPACE}/{DAEMON_SET}" for each in snapshot.multus_sets):
        yield "multus:adopt", "true"
    plugins = sorted({plugin for network in snapshot.networks for plugin in plugins_of(network)})
    if plugins:
        yield "multus:requiredPlugins", shlex.quote(json.dumps(plugins))
    if PROFILES[distro].has_ssh:
        yield from _node_settings(snapshot)


def _node_settings(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    for index, node in enumerate(snapshot.nodes):
        addresses = {each["type"]: each["address"] for each in node.get("status", {}).get("addresses", ())}
        host = addresses.get("InternalIP") or addresses.get("Hostname") or node["metadata"]["name"]
        path = f"multus:nodes[{index}]"
        yield f"{path}.name", shlex.quote(node["metadata"]["name"])
        yield f"{path}.host", shlex.quote(host)
        # What answers now is taken for the host: to be compared with the host itself.
        yield f"{path}.hostKey", f"\"$(ssh-keyscan -t ed25519 {shlex.quote(host)} 2>/dev/null | cut -d' ' -f2-)\""
