"""A node that joins while pods wait for it, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from kubernetes import client

from lab.churn.pods import looking_pod
from lab.node import Node
from lab.waiting import until

from .clusters import Lab
from .pods import NAMESPACE, NETWORK, as_json

_LABEL = "joining"
# The pods themselves look.
_LOOK = "for each in eth0 net1; do ip -o -4 addr show dev $each | grep -q inet || exit 1; done"
_MOMENT = 0.5
# Twenty pods that start in one moment keep a small machine's API server busy for longer than Multus waits: churn.py.
_OVERLOADED = "context deadline exceeded"


@dataclass(frozen=True)
class Joined:
    """What became of the pods: all of them, those that ran without an interface, and what failed before they ran.

    A sandbox that failed because the API server did not answer Multus in time is not among the latter.
    """

    asked: list[str]
    without_net1: list[str]
    failed_sandboxes: dict[str, str]


def join(
    lab: Lab,
    node: Node,
    files: Mapping[PurePosixPath, str] | None = None,
    programs: Mapping[PurePosixPath, bytes] | None = None,
    *,
    pods: int = 20,
    is_new: bool = True,
) -> Joined:
    """Replace a node's machine by another one that is installed anew, with pods of two interfaces waiting for it.

    Args:
        lab: where.
        node: which; it may run.
        files: what the machine's user data puts there, for root alone, before anything runs.
        programs: what its image has besides.
        pods: how many wait.
        is_new: whether the cluster has never heard of it; else it comes back under its name.
    """
    core = lab.pods.core
    node.wipe()
    if is_new:
        core.delete_node(node.name)
        until(lambda: not _pods_on(core, node), "the old machine's pods are gone", every=_MOMENT)
    names = [f"{_LABEL}-{number}" for number in range(pods)]
    for name in names:
        core.create_namespaced_pod(NAMESPACE, _pod(name, node.name))
    node.install()
    for path, content in (files or {}).items():
        node.write(path, content, 0o600)
    for path, program in (programs or {}).items():
        node.write(path, program, 0o755)
    node.start()
    until(lambda: not _in_phase(core, "status.phase!=Succeeded,status.phase!=Failed"), "they have ended", every=_MOMENT)
    events: list[Any] = core.list_namespaced_event(NAMESPACE, field_selector="reason=FailedCreatePodSandBox").items
    joined = Joined(
        names,
        _in_phase(core, "status.phase=Failed"),
        {
            each.involved_object.name: each.message
            for each in events
            if each.involved_object.name in names and _OVERLOADED not in each.message
        },
    )
    core.delete_collection_namespaced_pod(NAMESPACE, label_selector=_LABEL, grace_period_seconds=0)
    until(lambda: not _in_phase(core), "they are gone", every=_MOMENT)
    core.delete_collection_namespaced_event(NAMESPACE)
    return joined


def _pods_on(core: client.CoreV1Api, node: Node) -> bool:
    """Whether there are pods of a node that is no more, which nothing else would take down for a minute."""
    on = f"spec.nodeName={node.name}"
    for namespace in (NAMESPACE, "kube-system"):
        core.delete_collection_namespaced_pod(namespace, field_selector=on, grace_period_seconds=0)
    return bool(core.list_pod_for_all_namespaces(field_selector=on).items)


def _in_phase(core: client.CoreV1Api, phases: str = "") -> list[str]:
    found = as_json(core.list_namespaced_pod, NAMESPACE, label_selector=_LABEL, field_selector=phases)
    return [pod["metadata"]["name"] for pod in found["items"]]


def _pod(name: str, node: str) -> Any:
    # By its label: a pod that names its node goes when the node does, and no scheduler sees it.
    chosen = {"kubernetes.io/hostname": node}
    return looking_pod(name, {_LABEL: "true"}, NETWORK, _LOOK, restartPolicy="Never", nodeSelector=chosen)
