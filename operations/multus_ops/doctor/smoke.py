"""A plain pod and one with `net1` on every node: started, looked into, and taken away again."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from kubernetes import client

from ..short_lived_pods import DEFAULT_IMAGE, ShortLivedPods, ended_by_signal, pod_body, short_lived_pods
from .annotations import NETWORKS
from .findings import Check, Finding, Severity
from .networks import DEFINITIONS, PLURAL

LABEL = "multus-smoke"
DEFAULT_NAMESPACE = "default"
# Without a master it takes the link of the default route, and without addresses nothing is reserved.
_NETWORK_CONFIG = '{"cniVersion":"1.0.0","name":"multus-smoke","type":"macvlan","mode":"bridge"}'


@dataclass(frozen=True)
class SmokeOptions:
    """What to start.

    Attributes:
        nodes: on which nodes; empty for all.
        image: an image with `ls`.
        network: the network of `net1` as `namespace/name`; None for a macvlan one that is made and taken away.
        seconds: how long to wait for all of them.
    """

    nodes: tuple[str, ...] = ()
    image: str = DEFAULT_IMAGE
    network: str | None = None
    seconds: int = 60

    @property
    def namespace(self) -> str:
        """Where the pods are started: in the network's own every network may be used."""
        namespace, slash, _ = (self.network or "").partition("/")
        return namespace if slash else DEFAULT_NAMESPACE


@dataclass(frozen=True)
class Outcome:
    """How one pod went.

    Attributes:
        node: the node on which it was started.
        pod: its name.
        wants_net1: whether it asked for a second interface.
        interfaces: the names of the links that it saw; None where it did not run to its end.
        message: what its container or node said instead; empty where nothing did.
    """

    node: str
    pod: str
    wants_net1: bool
    interfaces: tuple[str, ...] | None
    message: str = ""

    @property
    def went_well(self) -> bool:
        """Whether it ran, with net1 just where it was asked for."""
        there = self.interfaces
        return there is not None and "eth0" in there and ("net1" in there) is self.wants_net1


@contextmanager
def run_pods(api: client.ApiClient, nodes: Sequence[str], options: SmokeOptions) -> Iterator[list[Outcome]]:
    """Start the pods and wait for them; while the block runs they are still there to be looked at.

    They are taken away at the end of the block, also when this program is interrupted or told to end.
    """
    with (
        ended_by_signal(),
        _network(api, options) as network,
        short_lived_pods(api, options.namespace, LABEL) as pods,
    ):
        wanted = [(node, kind) for node in options.nodes or nodes for kind in ("plain", "net1")]
        for index, (node, kind) in enumerate(wanted):
            pods.start(
                _pod(f"{LABEL}-{pods.run}-{kind}-{index // 2}", node, options, network if kind == "net1" else "")
            )
        ended = ("Succeeded", "Failed")
        found = pods.awaited(
            lambda there: sum(pod.status.phase in ended for pod in there) >= len(wanted), options.seconds
        )
        yield [_outcome(pods, pod) for pod in found]


def judge(outcomes: Sequence[Outcome], rerun: str) -> Iterator[Finding]:
    """What went wrong, with the command that tries again."""
    for outcome in outcomes:
        if outcome.went_well:
            continue
        what = outcome.message or "did not run"
        if outcome.interfaces is not None:
            kind = "with net1" if outcome.wants_net1 else "without net1"
            what = f"asked to be {kind}, and has {', '.join(outcome.interfaces)}"
        why = "Other new pods on this node will fail in the same way."
        yield Finding(Check.SMOKE, Severity.ERROR, f"node {outcome.node}: {outcome.pod}", what, why, rerun)


@contextmanager
def _network(api: client.ApiClient, options: SmokeOptions) -> Iterator[str]:
    """The network to ask for: the given one, or one that is gone after its pods."""
    if options.network is not None:
        yield options.network
        return
    objects, name = client.CustomObjectsApi(api), f"{LABEL}-{secrets.token_hex(3)}"
    body = {
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": name, "labels": {LABEL: "network"}},
        "spec": {"config": _NETWORK_CONFIG},
    }
    try:
        objects.create_namespaced_custom_object(*DEFINITIONS, options.namespace, PLURAL, body)
        yield f"{options.namespace}/{name}"
    finally:
        with suppress(client.ApiException):
            objects.delete_namespaced_custom_object(*DEFINITIONS, options.namespace, PLURAL, name)


def _pod(name: str, node: str, options: SmokeOptions, network: str) -> dict[str, Any]:
    body = pod_body(name, node, {"name": "look", "image": options.image, "command": ["ls", "/sys/class/net"]})
    if network:
        body["metadata"]["annotations"] = {NETWORKS: network}
    return body


def _outcome(pods: ShortLivedPods, pod: Any) -> Outcome:
    about, wants = pod.metadata, NETWORKS in (pod.metadata.annotations or {})
    if pod.status.phase == "Succeeded":
        log = str(pods.core.read_namespaced_pod_log(about.name, about.namespace))
        return Outcome(pod.spec.node_name, about.name, wants, tuple(log.split()))
    return Outcome(pod.spec.node_name, about.name, wants, None, pods.why_not_running(pod))
