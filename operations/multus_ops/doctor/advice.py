"""Is Multus needed in a cluster, and if so how: decided from what is there. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from multus.args import Distro, Plugin
from multus.defaults import DEFAULT_NAMESPACE
from multus.distros import PROFILES
from multus.metadata import Object
from multus.objects import DAEMON_SET

from .annotations import annotation_of
from .default_cni import default_cni_of
from .distribution import cluster_kind, distro_of, is_reached, kubelet_versions, refused_kind
from .live_install import arguments_of_k3s, as_settings, is_thick_set
from .managers import OPENSHIFT, managers_in
from .networks import plugins_of
from .snapshot import Snapshot, name_of

# API groups of what asks for further interfaces.
_ASKS = {
    "kubevirt.io": "KubeVirt, whose machines are bridged to networks",
    "sriovnetwork.openshift.io": "the SR-IOV network operator",
    "whereabouts.cni.cncf.io": "Whereabouts",
}
_NEEDED = "Is Multus needed?"


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
    for manager in managers_in(snapshot):
        return Advice((Step(_NEEDED, "not from here", manager.instead),))
    refused = refused_kind(snapshot)
    if refused is not None:
        return Advice((Step(_NEEDED, "not from here", refused.refusal),))
    distro = distro_of(snapshot) or Distro.VANILLA
    if distro is Distro.OPENSHIFT:
        return Advice((Step(_NEEDED, "not from here", OPENSHIFT.instead),))
    steps = [
        _need(snapshot),
        *_distro_steps(snapshot, distro),
        _method(snapshot),
        _plugin(snapshot),
        *_network_steps(snapshot),
    ]
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
    if any(is_reached(node, distro) for node in snapshot.nodes):
        commands.append(f"{set_} --secret multus:sshPrivateKey < ~/.ssh/id_ed25519")
    return Advice(tuple(steps), tuple(commands))


def _need(snapshot: Snapshot) -> Step:
    question = _NEEDED
    asking = [name_of(pod) for pod in snapshot.pods if annotation_of(pod)]
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


def _distro_steps(snapshot: Snapshot, distro: Distro) -> Iterator[Step]:
    kind = cluster_kind(snapshot)
    name = f"{kind.name}, as {distro.value}" if kind and kind.name.lower() != distro.value else distro.value
    versions = ", ".join(kubelet_versions(snapshot)) or snapshot.version
    reason = "its nodes say so" if kind else "no node shows another one; if it is one, set multus:distro"
    yield Step("Which distribution?", f"{name}, {versions}", reason)
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
    if any(is_thick_set(each) for each in snapshot.multus_sets):
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
    for key, value in as_settings(arguments_of_k3s(snapshot, distro)).items():
        yield f"multus:{key}", shlex.quote(value)
    if PROFILES[distro].api_server is None and snapshot.endpoints:
        yield "multus:apiServer", shlex.quote(f"https://{snapshot.endpoints[0]}")
    if _plugin(snapshot).answer == Plugin.THICK.value:
        yield "multus:plugin", Plugin.THICK.value
    if any(name_of(each) == f"{DEFAULT_NAMESPACE}/{DAEMON_SET}" for each in snapshot.multus_sets):
        yield "multus:adopt", "true"
    plugins = sorted({plugin for network in snapshot.networks for plugin in plugins_of(network)})
    if plugins:
        yield "multus:requiredPlugins", shlex.quote(json.dumps(plugins))
    yield from _node_settings([node for node in snapshot.nodes if is_reached(node, distro)])


def _node_settings(nodes: Sequence[Object]) -> Iterator[tuple[str, str]]:
    for index, node in enumerate(nodes):
        addresses = {each["type"]: each["address"] for each in node.get("status", {}).get("addresses", ())}
        host = addresses.get("InternalIP") or addresses.get("Hostname") or node["metadata"]["name"]
        path = f"multus:nodes[{index}]"
        yield f"{path}.name", shlex.quote(node["metadata"]["name"])
        yield f"{path}.host", shlex.quote(host)
        # What answers now is taken for the host: to be compared with the host itself.
        yield f"{path}.hostKey", f"\"$(ssh-keyscan -t ed25519 {shlex.quote(host)} 2>/dev/null | cut -d' ' -f2-)\""
