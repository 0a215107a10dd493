"""Pods and networks on a cluster, as a user would make them, and what can be seen from inside a pod."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
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
_GROUP, _NETWORKS = ("k8s.cni.cncf.io", "v1"), "network-attachment-definitions"


def as_json(ask: Callable[..., Any], *arguments: str, **options: str) -> Any:
    """What the API server answers, as it is: the client's models cost a poll more than its request does."""
    return json.loads(ask(*arguments, **options, _preload_content=False).data)


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


class Pods:
    """Makes pods and takes them away again."""

    def __init__(self, api: client.ApiClient) -> None:
        self.api = api
        self.core = client.CoreV1Api(api)

    def create_network(self, name: str = NETWORK, subnet: str = "10.98.0.0/24", **ipam: Any) -> None:
        """A macvlan network on the nodes' own link, which all nodes of the lab share."""
        conf = {
            "name": name,
            "type": "macvlan",
            "master": "eth0",
            "mode": "bridge",
            "ipam": {"type": "host-local", "subnet": subnet, **ipam},
        }
        self.define(name, conf)

    def define(self, name: str, conf: Mapping[str, Any], namespace: str = NAMESPACE) -> None:
        """A network of that configuration."""
        body = {
            "apiVersion": "k8s.cni.cncf.io/v1",
            "kind": "NetworkAttachmentDefinition",
            "metadata": {"name": name},
            "spec": {"config": json.dumps({"cniVersion": "1.0.0", **conf})},
        }
        objects = client.CustomObjectsApi(self.api)

        def is_created() -> bool:
            try:
                objects.create_namespaced_custom_object(*_GROUP, namespace, _NETWORKS, body)
            except client.ApiException as error:
                # A CRD that was made a moment ago is not served yet.
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                return False
            return True

        until(is_created, f"the network {name} is created")

    def networks(self) -> dict[str, Any]:
        """The configurations of the cluster's networks, by name."""
        found: Any = client.CustomObjectsApi(self.api).list_cluster_custom_object(*_GROUP, _NETWORKS)
        return {each["metadata"]["name"]: json.loads(each["spec"]["config"]) for each in found["items"]}

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
        until(lambda: all(self.phase(name) == "Running" for name in names), f"{', '.join(names)} run", every=_MOMENT)

    def delete(self, *names: str) -> None:
        """Returns when the kubelet has taken them down."""
        for name in names:
            self.core.delete_namespaced_pod(name, NAMESPACE)
        until(lambda: not set(names) & set(self.names()), f"pods {names} are gone", every=_MOMENT)

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

    def await_reply(self, name: str, target: str, *options: str) -> None:
        """Return when the pod has pinged an address without a loss."""
        ping = ["ping", "-c", "3", "-W", "2", *options, target]
        until(lambda: ", 0% packet loss" in self.run(name, *ping), f"{target} answers {name}", every=_MOMENT)

    def is_rolled_out(self, daemon_set: str, namespace: str = "kube-system") -> bool:
        """Whether the controller has seen a DaemonSet as it is now, and every pod of it is there and available."""
        found = as_json(client.AppsV1Api(self.api).read_namespaced_daemon_set, daemon_set, namespace)
        status = found["status"]
        selector = ",".join(f"{key}={value}" for key, value in found["spec"]["selector"]["matchLabels"].items())
        pods = as_json(self.core.list_namespaced_pod, namespace, label_selector=selector)["items"]
        # The status may still be that of before a pod went, or a node came.
        ready = [_is_ready(pod) for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        counts = ("numberAvailable", "desiredNumberScheduled", "updatedNumberScheduled")
        return (
            status.get("observedGeneration") == found["metadata"]["generation"]
            and {status.get(count, 0) for count in counts} == {len(ready)}
            and all(ready)
        )

    def await_served_by(self, daemon_set: str, node: str) -> None:
        """Return when the only pod of Multus on a node is this DaemonSet's, and ready."""

        def is_served() -> bool:
            pods = self._of_multus("kube-system")
            there = [pod for pod in pods if pod["spec"].get("nodeName") == node]
            return [(pod["metadata"]["ownerReferences"][0]["name"], _is_ready(pod)) for pod in there] == [
                (daemon_set, True)
            ]

        until(is_served, f"{daemon_set} alone serves {node}", every=0.5)

    def await_no_multus(self, namespace: str = "kube-system") -> None:
        """Return when the last pod of Multus is gone: its object outlives its processes for a moment."""
        until(lambda: not self._of_multus(namespace), "no pod of Multus is left", every=0.5)

    def of_multus(self, node: str | None = None) -> list[str]:
        """The names of Multus' pods, on one node or on all."""
        found = self._of_multus("kube-system")
        return [pod["metadata"]["name"] for pod in found if node in (None, pod["spec"].get("nodeName"))]

    def _of_multus(self, namespace: str) -> list[dict[str, Any]]:
        found = as_json(self.core.list_namespaced_pod, namespace, label_selector="app=multus")
        return list(found["items"])

    def node_labels(self) -> list[dict[str, str]]:
        """Every node's labels."""
        found: list[Any] = self.core.list_node().items
        return [node.metadata.labels for node in found]
