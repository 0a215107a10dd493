"""Pods that ask for a second interface without pause, and say themselves whether they got it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from kubernetes import client

from lab.cluster import Cluster
from lab.images import BUSYBOX
from lab.waiting import until

from .pods import NAMESPACE, NETWORK, as_json

# A pod costs 0.8 s of a processor, nearly all in the kernel and runc: more of them would only make slow what they are
# to disturb, on two cores with three labs.
_SECONDS_BETWEEN = 1.5
_AT_ONCE = 8
_MOMENT = 0.1
_LABEL = "churn"
# The pod itself looks: an annotation would only repeat what Multus believes.
_LOOK = "ip -o -4 addr show dev {} | grep -q inet"
# Thin Multus gives the API server 2 x 250 ms for an answer, and tries for 2.5 s; thick's daemon 50 ms (multus-cni
# v4.3.0, GetPod in pkg/multus/multus.go). A busy machine may exceed that for a moment, and then for every pod that
# starts in it; the next try succeeds. A dead way to the API server says the same of the same pods over and over.
_OVERLOADED = "context deadline exceeded"
_ONE_MORE_IN = 5
# The churn's own question, which is as small as Multus', has then taken longer than Multus waits.
_STALL_SECONDS = 0.25
_UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed"
# A sandbox that fails is tried again after pauses that grow.
_SECONDS_TO_END = 180
_serial = count(1)


@dataclass
class Seen:
    """What happened to the pods; complete when the churn has ended."""

    asked: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    without_net1: list[str] = field(default_factory=list)
    failed_sandboxes: dict[str, str] = field(default_factory=dict)
    overloaded: dict[str, str] = field(default_factory=dict)
    overloaded_again: set[str] = field(default_factory=set)
    slowest_answer: float = 0.0


@contextmanager
def churn(
    cluster: Cluster, nodes: Sequence[str] = (), *, at_least: int = 5, interfaces: Sequence[str] = ("eth0", "net1")
) -> Iterator[Seen]:
    """Pods come and go on these nodes while the block runs; none may lack an interface or be tried twice.

    Args:
        cluster: where.
        nodes: the names of the nodes, in turn; by default all.
        at_least: how many pods have to have been asked for before the block's end counts as its end.
        interfaces: what every pod has to have. All of them ask for net1.
    """
    seen, prefix, stop = Seen(), f"churn-{next(_serial)}", threading.Event()
    wanted = list(nodes) or [node.name for node in cluster.nodes]
    with cluster.api as api, ThreadPoolExecutor(1) as background:
        core = client.CoreV1Api(api)
        look = " && ".join(_LOOK.format(interface) for interface in interfaces)
        asking = background.submit(_ask, core, wanted, prefix, look, seen, stop)
        try:
            yield seen
            until(lambda: len(seen.asked) >= at_least or asking.done(), f"{at_least} pods were asked for")
        finally:
            stop.set()
            asking.result()
            _conclude(core, prefix, seen)
    assert not seen.unfinished, f"did not end: {seen.unfinished} of {len(seen.asked)}"
    assert not seen.without_net1, f"ran without an interface: {seen.without_net1} of {len(seen.asked)}"
    assert not seen.failed_sandboxes, f"failed sandboxes: {seen.failed_sandboxes}"
    some = len(seen.asked) // (2 if seen.slowest_answer > _STALL_SECONDS else _ONE_MORE_IN)
    unanswered = f"unanswered: {seen.overloaded} of {len(seen.asked)}, slowest answer: {seen.slowest_answer:.2f} s"
    assert len(seen.overloaded) <= 1 + some, unanswered
    assert len(seen.overloaded_again) <= 1, f"more than once {seen.overloaded_again}, {unanswered}"


def _ask(core: client.CoreV1Api, nodes: list[str], prefix: str, look: str, seen: Seen, stop: threading.Event) -> None:
    while not stop.wait(_SECONDS_BETWEEN):
        began = time.monotonic()
        unfinished = _names(core, prefix, _UNFINISHED, resource_version="0")
        seen.slowest_answer = max(seen.slowest_answer, time.monotonic() - began)
        if len(unfinished) < _AT_ONCE:
            name = f"{prefix}-{len(seen.asked)}"
            core.create_namespaced_pod(NAMESPACE, _pod(name, nodes[len(seen.asked) % len(nodes)], prefix, look))
            seen.asked.append(name)


def _pod(name: str, node: str, prefix: str, look: str) -> Any:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {_LABEL: prefix},
            "annotations": {"k8s.v1.cni.cncf.io/networks": NETWORK},
        },
        "spec": {
            "nodeName": node,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            # A token would cost the API server and the kubelet as much again as the pod.
            "automountServiceAccountToken": False,
            "containers": [
                {
                    "name": "look",
                    "image": BUSYBOX,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["sh", "-c", look],
                }
            ],
        },
    }


def _names(core: client.CoreV1Api, prefix: str, phases: str = "", **options: str) -> list[str]:
    """The pods of this churn, by a field selector over their phases.

    Version 0 is answered from the API server's memory, which may lack the newest.
    """
    chosen = {"label_selector": f"{_LABEL}={prefix}", "field_selector": phases}
    found = as_json(core.list_namespaced_pod, NAMESPACE, **chosen, **options)
    return [pod["metadata"]["name"] for pod in found["items"]]


def _conclude(core: client.CoreV1Api, prefix: str, seen: Seen) -> None:
    """Await every pod's end, take down what it says and what the kubelet said about it, and delete it."""
    deadline = time.monotonic() + _SECONDS_TO_END
    while (unfinished := _names(core, prefix, _UNFINISHED)) and time.monotonic() < deadline:
        time.sleep(_MOMENT)
    seen.unfinished = unfinished
    seen.without_net1 = _names(core, prefix, "status.phase=Failed")
    events: list[Any] = core.list_namespaced_event(NAMESPACE, field_selector="reason=FailedCreatePodSandBox").items
    for event in events:
        if event.involved_object.name.startswith(f"{prefix}-"):
            kind = seen.overloaded if _OVERLOADED in event.message else seen.failed_sandboxes
            kind[event.involved_object.name] = event.message
            if kind is seen.overloaded and (event.count or 1) > 1:
                seen.overloaded_again.add(event.involved_object.name)
    core.delete_collection_namespaced_pod(NAMESPACE, label_selector=f"{_LABEL}={prefix}", grace_period_seconds=0)
    until(lambda: not _names(core, prefix), "the churned pods are gone", every=_MOMENT)
