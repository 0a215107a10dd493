"""Pods that live for a moment: started past the scheduler, awaited, and taken away, whatever ends the program."""

from __future__ import annotations

import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from kubernetes import client

from .doctor.messages import readable

DEFAULT_IMAGE = "docker.io/library/busybox:1.36"
_EVERY_SECONDS = 0.25
_GONE_SECONDS = 30
# The kubelet ends the pods even where this program was killed.
_DEADLINE_SECONDS = 300


def pod_body(name: str, node: str, container: Mapping[str, Any], **spec: Any) -> dict[str, Any]:
    """A pod that every namespace admits, also under the Pod Security Standard `restricted`.

    Args:
        name: its name.
        node: where it runs, past the scheduler: a node that is cordoned or tainted is to be tried as well.
        container: its only container, without what the standard asks for.
        spec: what else its `spec` says.
    """
    rights = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "nodeName": node,
            "tolerations": [{"operator": "Exists"}],
            "restartPolicy": "Never",
            "activeDeadlineSeconds": _DEADLINE_SECONDS,
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [{"imagePullPolicy": "IfNotPresent", "securityContext": rights, **container}],
            **spec,
        },
    }


@dataclass(frozen=True)
class ShortLivedPods:
    """The pods of one run.

    Attributes:
        core: the API.
        namespace: where they are.
        label: the label that all runs of a command give their pods; its value is the run.
        run: what tells this run from others.
    """

    core: client.CoreV1Api
    namespace: str
    label: str
    run: str

    @property
    def selector(self) -> str:
        """What selects the pods of this run."""
        return f"{self.label}={self.run}"

    def start(self, body: dict[str, Any]) -> None:
        """Create a pod as one of this run."""
        about = body["metadata"]
        labels = {**about.get("labels", {}), self.label: self.run}
        labelled: Any = {**body, "metadata": {**about, "labels": labels}}
        self.core.create_namespaced_pod(self.namespace, labelled)

    def found(self) -> list[Any]:
        """The pods that there are."""
        pods: list[Any] = self.core.list_namespaced_pod(self.namespace, label_selector=self.selector).items
        return pods

    def awaited(self, is_enough: Callable[[list[Any]], bool], seconds: float) -> list[Any]:
        """The pods, once they are enough or the time is over."""
        deadline = time.monotonic() + seconds
        while True:
            pods = self.found()
            if is_enough(pods) or time.monotonic() > deadline:
                return pods
            time.sleep(_EVERY_SECONDS)

    def warnings_about(self, pod: Any, reason: str = "") -> list[str]:
        """What the kubelet says is wrong with a pod, each as often as it has said it."""
        selector = f"involvedObject.uid={pod.metadata.uid},type=Warning" + (f",reason={reason}" if reason else "")
        events: list[Any] = self.core.list_namespaced_event(self.namespace, field_selector=selector).items
        return [readable(str(event.message)) for event in events for _ in range(event.count or 1)]

    def why_not_running(self, pod: Any) -> str:
        """The last that the kubelet says about a pod, or its own status; empty where nobody says anything."""
        states = [
            f"{state.reason}: {state.message or ''}"
            for status in pod.status.container_statuses or ()
            for state in (status.state.waiting, status.state.terminated)
            if state
        ]
        own = [f"{pod.status.reason}: {pod.status.message or ''}"] if pod.status.reason else []
        said = [*own, *states, *self.warnings_about(pod)]
        return readable(said[-1]) if said else ""

    def remove(self) -> None:
        """Delete them, and return when the kubelets have taken them down, or after half a minute."""
        self.core.delete_collection_namespaced_pod(self.namespace, label_selector=self.selector, grace_period_seconds=1)
        self.awaited(lambda pods: not pods, _GONE_SECONDS)

    def remove_finished(self) -> None:
        """Delete those of a run that was killed, which the kubelet has ended since."""
        for phase in ("Succeeded", "Failed"):
            self.core.delete_collection_namespaced_pod(
                self.namespace,
                label_selector=self.label,
                field_selector=f"status.phase={phase}",
                grace_period_seconds=1,
            )


@contextmanager
def short_lived_pods(api: client.ApiClient, namespace: str, label: str) -> Iterator[ShortLivedPods]:
    """Where a run starts its pods: they are gone when the block has ended, also by a signal that ends the program."""
    pods = ShortLivedPods(client.CoreV1Api(api), namespace, label, secrets.token_hex(3))
    with ended_by_signal():
        try:
            pods.remove_finished()
            yield pods
        finally:
            pods.remove()


@contextmanager
def ended_by_signal() -> Iterator[None]:
    """A signal that ends the program becomes an interruption, so that what was made is taken away first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = (signal.SIGTERM, signal.SIGHUP)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        # A second one, such as a session's end sends, would stop the taking away.
        for number in signals:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
