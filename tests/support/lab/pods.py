"""Pods and networks on a cluster, as a user would make them, and what can be seen from inside a pod."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from kubernetes import client
from kubernetes.stream import stream

from lab.images import BUSYBOX
from lab.waiting import until

NAMESPACE = "default"
NETWORK = "second"
# A shell ends when it is told to; the first process of a pod that does nothing about it is waited for.
_SERVES = "httpd -f -p 80 -h /etc"
_WAITS = "sleep infinity"
_MOMENT = 0.1
_NETWORKS = ("k8s.cni.cncf.io", "v1", NAMESPACE, "network-attachment-definitions")


def as_json(ask: Callable[..., Any], *arguments: str, **options: str) -> Any:
    """What the API server answers, as it is: the client's models cost a poll more than its request does."""
    return json.loads(ask(*arguments, **options, _preload_content=False).data)


class Pods:
    """Makes pods and takes them away again."""

    def __init__(self, api: client.ApiClient) -> None:
        self.api = api
        self.core = client.CoreV1Api(api)

    def create_network(self, name: str = NETWORK, subnet: str = "10.98.0.0/24", **ipam: Any) -> None:
        """A macvlan network on the nodes' own link, which all nodes of the lab share."""
        config = {
            "cniVersion": "1.0.0",
            "name": name,
            "type": "macvlan",
            "master": "eth0",
            "mode": "bridge",
            "ipam": {"type": "host-local", "subnet": subnet, **ipam},
        }
        body = {
            "apiVersion": "k8s.cni.cncf.io/v1",
            "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": name},
            "spec": {"config": json.dumps(config)},
        }
        client.CustomObjectsApi(self.api).create_namespaced_custom_object(*_NETWORKS, body)

    def create(self, name: str, *, node: str, network: str | None = None, host_port: int | None = None) -> None:
        """A pod on that node, with an additional interface where a network is named; returns when it runs."""
        self.ask(name, node=node, network=network, host_port=host_port)
        self.await_running(name)

    def ask(self, name: str, *, node: str, network: str | None = None, host_port: int | None = None) -> None:
        """The same without waiting. With a port on the node, the pod serves its /etc there."""
        annotations = {"k8s.v1.cni.cncf.io/networks": network} if network else {}
        body: Any = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "annotations": annotations},
            "spec": {
                "nodeName": node,
                "terminationGracePeriodSeconds": 1,
                "containers": [
                    {
                        "name": "shell",
                        "image": BUSYBOX,
                        "imagePullPolicy": "IfNotPresent",
                        "command": ["sh", "-c", f"trap exit TERM; {_SERVES if host_port else _WAITS} & wait"],
                        "ports": [{"containerPort": 80, "hostPort": host_port}] if host_port else [],
                    }
                ],
            },
        }
        self.core.create_namespaced_pod(NAMESPACE, body)

    def await_running(self, *names: str) -> None:
        """Return when all of them run."""
        until(
            lambda: all(self.phase(name) == "Running" for name in names),
            f"{', '.join(names)} run",
            seconds=60,
            every=_MOMENT,
        )

    def delete(self, *names: str) -> None:
        """Returns when the kubelet has taken them down."""
        for name in names:
            self.core.delete_namespaced_pod(name, NAMESPACE)
        until(lambda: not set(names) & set(self.names()), f"pods {names} are gone", seconds=60, every=_MOMENT)

    def names(self) -> list[str]:
        found = as_json(self.core.list_namespaced_pod, NAMESPACE)
        return [pod["metadata"]["name"] for pod in found["items"]]

    def phase(self, name: str) -> str:
        pod = as_json(self.core.read_namespaced_pod, name, NAMESPACE)
        return str(pod["status"]["phase"])

    def run(self, name: str, *command: str) -> str:
        """What a command prints inside the pod."""
        printed: str = stream(
            self.core.connect_get_namespaced_pod_exec,
            name,
            NAMESPACE,
            command=list(command),
            stdout=True,
            stderr=True,
        )
        return printed

    def address(self, name: str, interface: str) -> str:
        """An interface's IPv4 address as the pod itself sees it."""
        words = self.run(name, "ip", "-o", "-4", "addr", "show", "dev", interface).split()
        assert "inet" in words, f"{name} has no address on {interface}: {' '.join(words)}"
        return words[words.index("inet") + 1].split("/")[0]

    def is_rolled_out(self, daemon_set: str, namespace: str = "kube-system") -> bool:
        """Whether the controller has seen a DaemonSet as it is now, and every pod of it is there and available."""
        found = as_json(client.AppsV1Api(self.api).read_namespaced_daemon_set, daemon_set, namespace)
        status = found["status"]
        counts = ("numberAvailable", "desiredNumberScheduled", "updatedNumberScheduled")
        seen = status.get("observedGeneration") == found["metadata"]["generation"]
        return seen and len({status.get(count, 0) for count in counts}) == 1

    def of_multus(self, node: str | None = None) -> list[str]:
        """The names of Multus' pods, on one node or on all."""
        found = as_json(self.core.list_namespaced_pod, "kube-system", label_selector="app=multus")
        return [pod["metadata"]["name"] for pod in found["items"] if node in (None, pod["spec"].get("nodeName"))]

    def node_labels(self) -> list[dict[str, str]]:
        """Every node's labels."""
        found: list[Any] = self.core.list_node().items
        return [node.metadata.labels for node in found]
