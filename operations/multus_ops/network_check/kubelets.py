"""Pods without the network: what they are like beside it, and whether their kubelets reach one that has it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from kubernetes import client

from ..doctor.messages import readable
from .look import is_link_local
from .network import FromNode
from .pods import plain_pod
from .seen import INTERFACE, PodSeen
from .trial import Trial

# A kubelet that does not reach a pod says so within seconds; one that says nothing is not waited for longer.
_SECONDS = 20
_OFTEN_ENOUGH = 2


@dataclass(frozen=True)
class PlainPod:
    """A pod without the network.

    Attributes:
        name: its name.
        node: its node.
        why_not: why its kubelet does not ask a pod with the network; empty where it does.
    """

    name: str
    node: str
    why_not: str = ""


def start_plain_pods(trial: Trial, beside: Mapping[str, PodSeen]) -> Iterator[PlainPod]:
    """Start one on each node, whose kubelet asks a pod with the network, where it may.

    Args:
        trial: the check.
        beside: the pod with the network that is asked, by node.
    """
    for index, (node, asked) in enumerate(beside.items()):
        name = trial.name(f"plain-{index}")
        addresses = [each for each in asked.look.asked_at(INTERFACE) if not is_link_local(each)]
        why_not = "" if addresses else "they have no address to be asked at"
        if trial.network.from_node is FromNode.NEVER:
            addresses, why_not = [], "by design"
        try:
            trial.pods.start(plain_pod(name, node, trial.image, addresses, asked.pod))
        except client.ApiException as error:
            # Pod Security has forbidden it since Kubernetes 1.34.
            if error.status != HTTPStatus.FORBIDDEN or not addresses:
                raise
            why_not = f"no pod may make its kubelet ask: {_message(error)}"
            trial.pods.start(plain_pod(name, node, trial.image, (), asked.pod))
        yield PlainPod(name, node, why_not)


def _message(error: client.ApiException) -> str:
    """The API server's reason without the pod before it and its containers after it: the same on every node."""
    try:
        message = str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        message = str(error.reason)
    return readable(message.rpartition("is forbidden: ")[2].partition(" (container")[0])


def reached_by_kubelets(trial: Trial, pods: Mapping[str, PlainPod]) -> dict[str, tuple[bool | None, str]]:
    """Whether each node's kubelet reaches the pod that it asks, None where nobody knows, and what is said of it.

    Args:
        trial: the check.
        pods: the plain pods, by name.
    """
    said: dict[str, tuple[bool | None, str]] = {pod.node: (None, pod.why_not) for pod in pods.values()}
    asking = {name: pod.node for name, pod in pods.items() if not pod.why_not}
    silent = set(asking)

    def is_told(found: list[Any]) -> bool:
        for pod in found:
            name = pod.metadata.name
            if name not in silent:
                continue
            failures = trial.pods.warnings_about(pod, "Unhealthy")
            if any(each.type == "Ready" and each.status == "True" for each in pod.status.conditions or ()):
                said[asking[name]] = (True, "")
                silent.discard(name)
            elif failures:
                said[asking[name]] = (False, failures[-1])
                if len(failures) >= _OFTEN_ENOUGH:
                    silent.discard(name)
        return not silent

    if asking:
        trial.pods.awaited(is_told, _SECONDS)
    return said
