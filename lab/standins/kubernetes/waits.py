"""When an object is what it should be."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from lab.standins.errors import ProviderError
from lab.standins.kubernetes.cluster import ApiError, Cluster, Object
from lab.standins.kubernetes.kinds import Kind
from lab.standins.kubernetes.objects import annotation

DEFAULT_SECONDS = 600.0
_TOKEN_SECONDS = 5.0
_POLL_SECONDS = 0.3
_PODS = Kind("v1", "Pod", "pods", namespaced=True)
_QUIET_REASON = "ContainerCreating"


class Status(Protocol):
    """Shows what is going on right now."""

    def __call__(self, line: str, *, warning: bool = False) -> None:
        """Show one line."""


class NotReadyError(ProviderError):
    """The object did not become what it should be in time; `live` is its last known state."""

    def __init__(self, live: Object, reasons: list[str]) -> None:
        self.live = live
        self.reasons = reasons
        super().__init__(reasons[0])


def timeout_of(requested: float, inputs: Object) -> float:
    """The resource option, else the annotation, else ten minutes."""
    written = annotation(inputs, "timeoutSeconds")
    return requested or (float(written) if written.isdigit() else DEFAULT_SECONDS)


def until_ready(
    cluster: Cluster, kind: Kind, live: Object, seconds: float, cancelled: threading.Event, status: Status
) -> Object:
    """The object once it is ready; only DaemonSets, Deployments and token Secrets take time."""
    if kind.kind == "DaemonSet":
        return _until(cluster, kind, live, seconds, cancelled, status, daemon_set_missing)
    if kind.kind == "Deployment":
        return _until(cluster, kind, live, seconds, cancelled, status, _deployment_missing)
    if kind.kind == "Secret" and live.get("type") == "kubernetes.io/service-account-token":
        return _until(cluster, kind, live, _TOKEN_SECONDS, cancelled, status, _token_missing)
    return live


def _until(
    cluster: Cluster,
    kind: Kind,
    live: Object,
    seconds: float,
    cancelled: threading.Event,
    status: Status,
    missing: Callable[[Object], str],
) -> Object:
    metadata = live["metadata"]
    deadline = time.monotonic() + seconds
    shown: list[str] = []
    while lacks := missing(live):
        # As with the official provider, the pods' troubles are seen while it waits and not in the error.
        troubles = pod_troubles(cluster, live) if kind.kind in ("DaemonSet", "Deployment") else []
        for reason in (lacks, *troubles):
            if reason not in shown:
                status(reason, warning=reason in troubles)
        shown = [lacks, *troubles]
        if time.monotonic() > deadline:
            raise NotReadyError(live, ["timed out waiting for the condition"])
        if cancelled.wait(_POLL_SECONDS):
            raise NotReadyError(live, [f'Resource operation was cancelled for "{metadata["name"]}"'])
        try:
            live = cluster.get(kind, metadata.get("namespace"), metadata["name"])
        except ApiError as error:
            if error.status != 404:
                raise
            # Deleted under our hands. A token Secret of no account is deleted at once; a DaemonSet may come back.
            if kind.kind == "Secret":
                raise NotReadyError(live, [str(error)]) from None
    status("")
    return live


def _token_missing(secret: Object) -> str:
    return "" if secret.get("data") else "the token controller has not filled the Secret yet"


def daemon_set_missing(live: Object) -> str:
    """What a DaemonSet lacks to be rolled out everywhere, or nothing."""
    generation, now = live["metadata"].get("generation", 0), live.get("status", {})
    if now.get("observedGeneration", 0) < generation:
        return f"DaemonSet generation is {generation}, but latest observed generation is " + str(
            now.get("observedGeneration", 0)
        )
    desired = now.get("desiredNumberScheduled", 0)
    for label, field in (
        ("Current", "currentNumberScheduled"),
        ("Updated", "updatedNumberScheduled"),
        ("Available", "numberAvailable"),
        ("Ready", "numberReady"),
    ):
        if now.get(field, 0) < desired:
            return f"{label}: {now.get(field, 0)}/{desired}"
    return ""


def _deployment_missing(live: Object) -> str:
    """What a Deployment lacks to be rolled out, or nothing."""
    now, wanted = live.get("status", {}), live["spec"].get("replicas", 1)
    if now.get("observedGeneration", 0) < live["metadata"].get("generation", 0):
        return "the controller has not seen the Deployment yet"
    ready = min(now.get("updatedReplicas", 0), now.get("availableReplicas", 0))
    return "" if ready >= wanted and now.get("replicas", 0) == wanted else f"Available: {ready}/{wanted}"


def pod_troubles(cluster: Cluster, daemon_set: Object) -> list[str]:
    """Why the DaemonSet's pods do not run."""
    labels = daemon_set["spec"]["selector"].get("matchLabels", {})
    return [
        trouble
        for pod in cluster.labelled(_PODS, daemon_set["metadata"]["namespace"], labels)
        for trouble in _troubles(pod)
    ]


def _troubles(pod: Object) -> Iterator[str]:
    about, now = pod["metadata"], pod.get("status", {})
    name = about["name"] if about["namespace"] == "default" else f"{about['namespace']}/{about['name']}"
    states = "".join(
        f"[{waiting['reason']}] {waiting.get('message', '')}"
        for container in now.get("containerStatuses") or []
        if (waiting := container.get("state", {}).get("waiting")) and waiting["reason"] != _QUIET_REASON
    )
    conditions = {condition["type"]: condition for condition in now.get("conditions") or []}
    # The first of them that does not hold speaks for the pod; why an init container waits is not looked at.
    for kind in ("PodScheduled", "Initialized", "Ready"):
        condition = conditions.get(kind)
        if condition is None:
            return
        if condition["status"] != "True":
            said = condition.get("message", "")
            if said or states:
                yield said if kind == "PodScheduled" else f"[Pod {name}]: {said}{states}"
            return


def until_gone(
    cluster: Cluster, kind: Kind, live: Object, seconds: float, cancelled: threading.Event, status: Status
) -> None:
    """Return once the very object is deleted."""
    metadata = live["metadata"]
    deadline = time.monotonic() + seconds
    while True:
        try:
            now = cluster.get(kind, metadata.get("namespace"), metadata["name"])
        except ApiError as error:
            if error.status == 404:
                return
            raise
        if now["metadata"]["uid"] != metadata.get("uid", now["metadata"]["uid"]):
            return
        finalizers = ", ".join(now["metadata"].get("finalizers") or [])
        status(f"waiting for deletion{f' ({finalizers})' if finalizers else ''}")
        if time.monotonic() > deadline:
            raise NotReadyError(now, ["timed out waiting for the condition", f"finalizers: {finalizers or 'none'}"])
        if cancelled.wait(_POLL_SECONDS):
            raise NotReadyError(now, [f'Resource operation was cancelled for "{metadata["name"]}"'])
