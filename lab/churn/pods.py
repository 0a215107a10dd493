"""The instrument: pods that ask for networks without pause, and say themselves what they got."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, cycle
from typing import Any

from kubernetes import client
from urllib3.exceptions import HTTPError

from lab.churn.sandboxes import Failure, failures, log_ends
from lab.cluster import Cluster
from lab.images import BUSYBOX
from lab.waiting import until

NAMESPACE = "default"
NETWORK = "second"
"""The network of the pods that ask for one more interface."""
# A pod costs 0.8 s of a processor, nearly all in the kernel and runc: more of them would only make slow what they are
# to disturb, on two cores with three labs.
_SECONDS_BETWEEN = 1.5
_AT_ONCE = 8
_MOMENT = 0.1
_LABEL = "churn"
_UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed"
# A sandbox that fails is tried again after pauses that grow.
_SECONDS_TO_END = 180
# The pod itself looks: an annotation would only repeat what Multus believes. Node, pod and machine have one clock.
_LOOK = """
{
    cut -d ' ' -f 1 /proc/uptime
    ip -o -4 addr | while read -r _ name _ address _; do echo "$name ${address%/*}"; done
} > /dev/termination-log
"""
_serial = count(1)


@dataclass
class Pod:
    """A pod, what it asked for and what became of it.

    Attributes:
        name: its name.
        network: what it asks for besides the default network.
        asked_at: when, in seconds since the machine's boot.
        phase: how it ended, as the API server says; empty for one that it does not know any more.
        certain: whether the API server has said that it took it.
        began_at: when its program ran.
        got: the addresses that it has seen in itself, by interface. Empty for one whose program never ended.
    """

    name: str
    network: str | None
    asked_at: float
    phase: str = ""
    certain: bool = False
    began_at: float | None = None
    got: Mapping[str, str] = field(default_factory=dict)

    @property
    def ran(self) -> bool:
        """Whether its program ran to its end."""
        return self.began_at is not None

    def lacks(self, interfaces: Sequence[str]) -> bool:
        """Whether it ran without one of these interfaces."""
        return self.ran and not set(interfaces) <= self.got.keys()


@dataclass
class Seen:
    """What happened to the pods; complete when the churn has ended."""

    pods: list[Pod] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    """Requests that the API server did not take."""
    slowest_answer: float = 0.0

    @property
    def never_ran(self) -> list[str]:
        """Pods that have not come to an end."""
        return [pod.name for pod in self.pods if pod.phase not in ("Succeeded", "Failed")]

    @property
    def silent(self) -> list[str]:
        """Pods that ended and have not said what they had."""
        return [pod.name for pod in self.pods if pod.phase in ("Succeeded", "Failed") and not pod.ran]

    @property
    def latencies(self) -> list[float]:
        """How long each pod took from the request to its program, in seconds, the shortest first."""
        return sorted(pod.began_at - pod.asked_at for pod in self.pods if pod.began_at is not None)


class Churn:
    """Pods that are asked for until it ends."""

    def __init__(self, core: client.CoreV1Api, nodes: Sequence[str], networks: Sequence[str | None]) -> None:
        self.seen = Seen()
        self.prefix = f"churn-{next(_serial)}"
        self._core = core
        self._places, self._wishes = cycle(nodes), cycle(networks)
        self._numbers = count(0)
        self._stop = threading.Event()

    def await_asked(self, more: int) -> None:
        """Return when so many more pods were asked for."""
        wanted = len(self.seen.pods) + more
        until(lambda: len(self.seen.pods) >= wanted, f"{more} more pods were asked for")

    def burst(self, number: int, network: str | None = NETWORK, **spec: Any) -> None:
        """Ask for so many pods at once, where the `spec` says."""
        for _ in range(number):
            self._ask(network, spec)

    def run(self) -> None:
        """Ask for pods until `end`."""
        while not self._stop.wait(_SECONDS_BETWEEN):
            try:
                began = time.monotonic()
                unfinished = self._found(_UNFINISHED, resource_version="0")
                self.seen.slowest_answer = max(self.seen.slowest_answer, time.monotonic() - began)
                if len(unfinished) < _AT_ONCE:
                    self._ask(next(self._wishes), {"nodeName": next(self._places)})
            except (client.ApiException, HTTPError) as error:
                self.seen.unanswered.append(f"{type(error).__name__}: {error}")

    def end(self) -> None:
        """Ask for no more."""
        self._stop.set()

    def conclude(self, patience: float) -> None:
        """Await every pod's end, take down what it says, and delete it."""
        deadline = time.monotonic() + patience
        while self._found(_UNFINISHED) and time.monotonic() < deadline:
            time.sleep(_MOMENT)
        known = {pod.name: pod for pod in self.seen.pods}
        found = {each["metadata"]["name"]: each["status"] for each in self._found()}
        # A request that was not answered may have been heard.
        self.seen.pods = [pod for pod in self.seen.pods if pod.certain or pod.name in found]
        for name, status in found.items():
            _take_down(known[name], status)
        label = f"{_LABEL}={self.prefix}"
        self._core.delete_collection_namespaced_pod(NAMESPACE, label_selector=label, grace_period_seconds=0)
        until(lambda: not self._found(), "the churned pods are gone", every=_MOMENT)

    def _ask(self, network: str | None, spec: Mapping[str, Any]) -> None:
        pod = Pod(f"{self.prefix}-{next(self._numbers)}", network, time.clock_gettime(time.CLOCK_BOOTTIME))
        self.seen.pods.append(pod)
        self._core.create_namespaced_pod(NAMESPACE, _body(pod, self.prefix, spec))
        pod.certain = True

    def _found(self, phases: str = "", **options: str) -> list[dict[str, Any]]:
        """Its pods, by a field selector over their phases.

        Version 0 is answered from the API server's memory, which may lack the newest.
        """
        chosen: Any = {"label_selector": f"{_LABEL}={self.prefix}", "field_selector": phases, **options}
        # The client's models cost a poll more than its request does.
        answer: Any = self._core.list_namespaced_pod(NAMESPACE, **chosen, _preload_content=False)
        found: list[dict[str, Any]] = json.loads(answer.data)["items"]
        return found


@contextmanager
def churned(
    cluster: Cluster,
    nodes: Sequence[str] = (),
    *,
    networks: Sequence[str | None] = (NETWORK, NETWORK, None),
    patience: float = _SECONDS_TO_END,
) -> Iterator[Churn]:
    """Pods come and go on these nodes while the block runs.

    Args:
        cluster: where.
        nodes: the names of the nodes, in turn; by default all.
        networks: what the pods ask for, in turn; None is the default network alone.
        patience: how many seconds pods still have after the block's end.
    """
    logged = log_ends(cluster.nodes)
    with cluster.api as api, ThreadPoolExecutor(1) as background:
        churn = Churn(client.CoreV1Api(api), list(nodes) or [node.name for node in cluster.nodes], networks)
        running = background.submit(churn.run)
        try:
            yield churn
        finally:
            churn.end()
            running.result()
            churn.conclude(patience)
            churn.seen.failures = failures(cluster.nodes, logged, churn.prefix)


def _body(pod: Pod, prefix: str, spec: Mapping[str, Any]) -> Any:
    # One that its node's end has cut off looks again.
    return looking_pod(pod.name, {_LABEL: prefix}, pod.network, _LOOK, restartPolicy="OnFailure", **spec)


def looking_pod(name: str, labels: Mapping[str, str], network: str | None, look: str, **spec: Any) -> Any:
    """A pod that looks at itself by a text of the shell.

    Args:
        name: its name.
        labels: its labels.
        network: what it asks for besides the default network.
        look: the text.
        spec: what else its `spec` says.
    """
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {"k8s.v1.cni.cncf.io/networks": network} if network else {},
        },
        "spec": {
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
            **spec,
        },
    }


def _take_down(pod: Pod, status: Mapping[str, Any]) -> None:
    pod.phase = status["phase"]
    for container in status.get("containerStatuses", ()):
        said = container["state"].get("terminated", {}).get("message", "").splitlines()
        if said:
            pod.began_at = float(said[0])
            pod.got = dict(_pair(line) for line in said[1:])


def _pair(line: str) -> tuple[str, str]:
    name, _, address = line.partition(" ")
    return name, address
