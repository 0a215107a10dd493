"""The demonstration: a pod with a second interface, and its addresses."""

import json
from typing import Any

from kubernetes import client
from kubernetes.stream import stream

from lab.images import BUSYBOX
from lab.waiting import until

_NAMESPACE = "default"
_NAME = "multus-demo"
_NETWORK = {
    "cniVersion": "1.0.0",
    "type": "macvlan",
    "master": "eth0",
    "mode": "bridge",
    "ipam": {"type": "host-local", "subnet": "10.99.0.0/24"},
}


def start(api: client.ApiClient) -> None:
    """Create the network and the pod, and wait until the pod runs."""
    _create_network(api)
    core = client.CoreV1Api(api)
    if not core.list_namespaced_pod(_NAMESPACE, field_selector=f"metadata.name={_NAME}").items:
        core.create_namespaced_pod(_NAMESPACE, _pod())  # type: ignore[arg-type]
    until(lambda: _phase(core) == "Running", f"the pod {_NAMESPACE}/{_NAME} runs", every=0.25)


def stop(api: client.ApiClient) -> None:
    """Delete the pod and the network."""
    core = client.CoreV1Api(api)
    selector = f"metadata.name={_NAME}"
    # Without force: then the pod is there until its network has been taken down.
    core.delete_collection_namespaced_pod(_NAMESPACE, field_selector=selector)
    until(
        lambda: not core.list_namespaced_pod(_NAMESPACE, field_selector=selector).items,
        f"the pod {_NAMESPACE}/{_NAME} is gone",
        seconds=60,
    )
    try:
        _networks(api).delete_namespaced_custom_object(*_KIND, _NAME)
    except client.ApiException as error:
        if error.status != 404:
            raise


def interfaces(api: client.ApiClient) -> dict[str, list[str]]:
    """The pod's interfaces, each with its IPv4 addresses, as the pod itself sees them."""
    shown: str = stream(
        client.CoreV1Api(api).connect_get_namespaced_pod_exec,
        _NAME,
        _NAMESPACE,
        command=["ip", "-o", "-4", "addr"],
        stdout=True,
        stderr=True,
    )
    found: dict[str, list[str]] = {}
    for words in (line.split() for line in shown.splitlines()):
        found.setdefault(words[1], []).append(words[3])
    return found


_KIND = ("k8s.cni.cncf.io", "v1", _NAMESPACE, "network-attachment-definitions")


def _networks(api: client.ApiClient) -> client.CustomObjectsApi:
    return client.CustomObjectsApi(api)


def _create_network(api: client.ApiClient) -> None:
    body = {
        "apiVersion": "k8s.cni.cncf.io/v1",
        "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": _NAME},
        "spec": {"config": json.dumps(_NETWORK | {"name": _NAME})},
    }
    try:
        _networks(api).create_namespaced_custom_object(*_KIND, body)
    except client.ApiException as error:
        if error.status != 409:
            raise


def _pod() -> dict[str, Any]:
    container = {
        "name": "shell",
        "image": BUSYBOX,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sleep", "infinity"],
    }
    annotations = {"k8s.v1.cni.cncf.io/networks": _NAME}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": _NAME, "annotations": annotations},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }


def _phase(core: client.CoreV1Api) -> str:
    pod: Any = core.read_namespaced_pod(_NAME, _NAMESPACE)
    return str(pod.status.phase)
