"""A plain pod and one with `net1` on every node: started, looked into, and taken away again."""

from __future__ import annotations

import secrets
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

from kubernetes import client

from .annotations import NETWORKS
from .findings import Check, Finding, Severity

LABEL = "multus-smoke"
DEFAULT_IMAGE = "docker.io/library/busybox:1.36"
DEFAULT_NAMESPACE = "default"
_KIND = ("k8s.cni.cncf.io", "v1")
_PLURAL = "network-attachment-definitions"
_EVERY_SECONDS = 0.5
_GONE_SECONDS = 30
# The kubelet ends the pods even where this program was killed.
_DEADLINE_SECONDS = 300
# Without a master it takes the link of the default route, and without addresses nothing is reserved.
_NETWORK_CONFIG = '{"cniVersion":"1.0.0","name":"multus-smoke","type":"macvlan","mode":"bridge"}'


@dataclass(frozen=True)
class SmokeOptions:
    """What to start.

    Attributes:
        nodes: on which nodes; empty for all.
        image: an image with `ls`.
        network: the network of `net1` as `namespace/name`; None for a macvlan one that is made and taken away.
        namespace: where the pods are started.
        seconds: how long to wait for all of them.
    """

    nodes: tuple[str, ...] = ()
    image: str = DEFAULT_IMAGE
    network: str | None = None
    namespace: str = DEFAULT_NAMESPACE
    seconds: int = 60


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
    core, objects = client.CoreV1Api(api), client.CustomObjectsApi(api)
    run = secrets.token_hex(3)
    selector = f"{LABEL}={run}"
    own_network = f"{LABEL}-{run}" if options.network is None else None
    with _ended_by_signal():
        try:
            _remove_finished(core, options.namespace)
            if own_network:
                body = {
                    "apiVersion": "k8s.cni.cncf.io/v1",
                    "kind": "NetworkAttachmentDefinition",
                    "metadata": {"name": own_network, "labels": {LABEL: run}},
                    "spec": {"config": _NETWORK_CONFIG},
                }
                objects.create_namespaced_custom_object(*_KIND, options.namespace, _PLURAL, body)
            network = options.network or f"{options.namespace}/{own_network}"
            wanted = [(node, kind) for node in options.nodes or nodes for kind in ("plain", "net1")]
            for index, (node, kind) in enumerate(wanted):
                name = f"{LABEL}-{run}-{kind}-{index // 2}"
                core.create_namespaced_pod(
                    options.namespace, _pod(name, run, node, options, network if kind == "net1" else "")
                )
            yield _outcomes(core, selector, options, len(wanted))
        finally:
            _remove(core, options.namespace, selector)
            if own_network:
                with suppress(client.ApiException):
                    objects.delete_namespaced_custom_object(*_KIND, options.namespace, _PLURAL, own_network)


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


def _pod(name: str, run: str, node: str, options: SmokeOptions, network: str) -> Any:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {LABEL: run},
            "annotations": {NETWORKS: network} if network else {},
        },
        "spec": {
            # Not by the scheduler: a node that is cordoned or tainted is to be tried as well.
            "nodeName": node,
            "tolerations": [{"operator": "Exists"}],
            "restartPolicy": "Never",
            "activeDeadlineSeconds": _DEADLINE_SECONDS,
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "look",
                    "image": options.image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["ls", "/sys/class/net"],
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
        },
    }


def _outcomes(core: client.CoreV1Api, selector: str, options: SmokeOptions, count: int) -> list[Outcome]:
    deadline = time.monotonic() + options.seconds
    while True:
        found: list[Any] = core.list_namespaced_pod(options.namespace, label_selector=selector).items
        ended = [pod for pod in found if pod.status.phase in ("Succeeded", "Failed")]
        if len(ended) >= count or time.monotonic() > deadline:
            return [_outcome(core, pod) for pod in found]
        time.sleep(_EVERY_SECONDS)


def _outcome(core: client.CoreV1Api, pod: Any) -> Outcome:
    about, wants = pod.metadata, NETWORKS in (pod.metadata.annotations or {})
    if pod.status.phase == "Succeeded":
        log = str(core.read_namespaced_pod_log(about.name, about.namespace))
        return Outcome(pod.spec.node_name, about.name, wants, tuple(log.split()))
    events: list[Any] = core.list_namespaced_event(
        about.namespace, field_selector=f"involvedObject.uid={about.uid},type=Warning"
    ).items
    messages = [event.message for event in events] or [
        f"{state.reason}: {state.message or ''}"
        for status in pod.status.container_statuses or ()
        for state in (status.state.waiting, status.state.terminated)
        if state
    ]
    return Outcome(pod.spec.node_name, about.name, wants, None, " ".join(str(messages[-1]).split()) if messages else "")


def _remove_finished(core: client.CoreV1Api, namespace: str) -> None:
    """Pods of a run that was killed, which the kubelet has ended since."""
    for phase in ("Succeeded", "Failed"):
        core.delete_collection_namespaced_pod(
            namespace, label_selector=LABEL, field_selector=f"status.phase={phase}", grace_period_seconds=1
        )


def _remove(core: client.CoreV1Api, namespace: str, selector: str) -> None:
    core.delete_collection_namespaced_pod(namespace, label_selector=selector, grace_period_seconds=1)
    deadline = time.monotonic() + _GONE_SECONDS
    while core.list_namespaced_pod(namespace, label_selector=selector).items and time.monotonic() < deadline:
        time.sleep(_EVERY_SECONDS)


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """A signal that ends the program becomes an interruption, so that the pods are taken away first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
