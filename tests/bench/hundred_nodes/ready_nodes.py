"""Nodes that are nothing but objects, and the part of their kubelets: they stay Ready, and so does each pod on them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from kubernetes import client
from kubernetes.watch.watch import iter_resp_lines
from urllib3.exceptions import HTTPError

Object = dict[str, Any]

# The node controller waits 40 s or longer for a sign of life.
_HEARTBEAT_SECONDS = 15
_WATCH_SECONDS = 5
_CAPACITY = {"cpu": "8", "memory": "16Gi", "pods": "110", "ephemeral-storage": "50Gi"}
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


class ReadyNodes:
    """The nodes of a cluster that has no others."""

    def __init__(self, api: client.ApiClient) -> None:
        # The typed client would spend more processor time on these objects than the API server does.
        self._http = api.rest_client.pool_manager
        self._server = api.configuration.host
        self._names: list[str] = []
        self._stop = threading.Event()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Play the kubelets' part as long as the block lasts."""
        with ThreadPoolExecutor() as workers:
            parts = [workers.submit(part) for part in (self._beat, self._watch)]
            try:
                yield
            finally:
                self._stop.set()
        for part in parts:
            part.result()

    def add(self, names: Sequence[str]) -> None:
        """Register these nodes, unless they are there."""
        for name in names:
            if name not in self._names:
                self._ask("POST", "/api/v1/nodes", _node(name))
                self._ask("POST", _LEASES, _lease(name))
                self._names.append(name)

    def _beat(self) -> None:
        while not self._stop.wait(_HEARTBEAT_SECONDS):
            for name in list(self._names):
                self._ask("PATCH", f"{_LEASES}/{name}", {"spec": {"renewTime": _now(micro=True)}})

    def _watch(self) -> None:
        version = ""
        while not self._stop.is_set():
            query = urlencode({"watch": "true", "timeoutSeconds": _WATCH_SECONDS, "resourceVersion": version})
            answer = self._http.request("GET", f"{self._server}/api/v1/pods?{query}", preload_content=False)
            for line in iter_resp_lines(answer):  # type: ignore[no-untyped-call]
                event = json.loads(line)
                if event["type"] == "ERROR":
                    # That version is forgotten by now: begin with what there is.
                    version = ""
                    break
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "DELETED":
                    self._serve(event["object"])
            answer.release_conn()

    def _serve(self, pod: Object) -> None:
        about, spec = pod["metadata"], pod["spec"]
        path = f"/api/v1/namespaces/{about['namespace']}/pods/{about['name']}"
        if "deletionTimestamp" in about:
            self._ask("DELETE", f"{path}?gracePeriodSeconds=0", allowed=404)
        elif spec.get("nodeName") and pod["status"]["phase"] == "Pending":
            self._ask("PATCH", f"{path}/status", {"status": running(spec)}, allowed=404)

    def _ask(self, method: str, path: str, body: Object | None = None, allowed: int = 0) -> None:
        kind = "application/strategic-merge-patch+json" if method == "PATCH" else "application/json"
        answer = self._http.request(
            method,
            f"{self._server}{path}",
            body=None if body is None else json.dumps(body),
            headers={"Content-Type": kind},
        )
        if answer.status >= 400 and answer.status != allowed:
            raise HTTPError(f"{method} {path}: {answer.status} {answer.data.decode()[:300]}")


def running(spec: Object) -> Object:
    """The status of a pod whose containers all run."""
    now = _now()
    conditions = ("Initialized", "PodReadyToStartContainers", "ContainersReady", "Ready")
    return {
        "phase": "Running",
        "startTime": now,
        "conditions": [{"type": kind, "status": "True", "lastTransitionTime": now} for kind in conditions],
        "initContainerStatuses": [
            _container(each, {"terminated": {"exitCode": 0, "startedAt": now, "finishedAt": now}})
            for each in spec.get("initContainers", ())
        ],
        "containerStatuses": [_container(each, {"running": {"startedAt": now}}) for each in spec["containers"]],
    }


def _container(container: Object, state: Object) -> Object:
    said = {"image": container["image"], "imageID": "", "restartCount": 0, "ready": True, "started": True}
    return {"name": container["name"], **said, "state": state}


def _node(name: str) -> Object:
    now = _now()
    times = {"lastHeartbeatTime": now, "lastTransitionTime": now}
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    conditions = {"MemoryPressure": "False", "DiskPressure": "False", "PIDPressure": "False", "Ready": "True"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {
            "capacity": _CAPACITY,
            "allocatable": _CAPACITY,
            "conditions": [{"type": kind, "status": status, **times} for kind, status in conditions.items()],
            "nodeInfo": dict.fromkeys(
                (
                    *("architecture", "bootID", "containerRuntimeVersion", "kernelVersion", "kubeProxyVersion"),
                    *("kubeletVersion", "machineID", "operatingSystem", "osImage", "systemUUID"),
                ),
                "",
            ),
        },
    }


def _lease(name: str) -> Object:
    spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": _now(micro=True)}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec}


def _now(*, micro: bool = False) -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")
