"""What a cluster is like right after its boot, and how it becomes so again after a story.

Nothing is known here of what a story does: whatever people or their programs have made on the API server goes, and a
node that is not as it was is installed again on an empty disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

from kubernetes import client

from lab.cluster import Cluster
from lab.node import Node
from lab.waiting import until

# Who makes what a cluster has by itself, as metadata.managedFields names them.
_SYSTEM = {
    "api-priority-and-fairness-config-consumer-v1",
    "api-priority-and-fairness-config-producer-v1",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
}
_LOOKED_AT_APART = {"nodes", "namespaces", "pods", "events"}
# What makes other objects goes first.
_MAKERS = ("daemonsets", "deployments", "statefulsets", "jobs", "replicasets")
_MIRROR = "kubernetes.io/config.mirror"
_OF_KUBERNETES = "node.kubernetes.io/"
_CNI = "/var/lib/cni/"
_SECONDS = 30

Tree = dict[str, tuple[str, str]]


@dataclass(frozen=True)
class Pristine:
    """A cluster as it was.

    Attributes:
        namespaces: labels and annotations of each namespace.
        nodes: labels and taints of each node.
        trees: the files of each node.
        images: the images of each node.
    """

    namespaces: Mapping[str, Any]
    nodes: Mapping[str, Any]
    trees: Mapping[str, Tree]
    images: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, cluster: Cluster) -> Self:
        """Look at a cluster that is Ready."""
        with cluster.api as api:
            return cls(
                _namespaces(api),
                _nodes(api),
                {node.name: node.tree() for node in cluster.nodes},
                {node.name: _images(node) for node in cluster.nodes},
            )

    def restore(self, cluster: Cluster) -> None:
        """Have the cluster like that again; a LabError says what cannot be had."""
        with cluster.api as api:
            spoilt = self._spoilt(cluster, api)
            for node in spoilt:
                node.stop()
            _remove([each for each in _made_by_people(api) if each.plural in _MAKERS], api)
            _remove_pods(api, {node.name for node in cluster.nodes if node not in spoilt})
            spoilt += [node for node in cluster.nodes if node not in spoilt and _tree(node) != self.trees[node.name]]
            kept = {node.name for node in cluster.nodes if node not in spoilt}
            for name in _nodes(api).keys() - kept:
                client.CoreV1Api(api).delete_node(name)
            with ThreadPoolExecutor() as workers:
                list(workers.map(_install_again, spoilt))
            self._remove_objects(api)
        cluster.await_ready()

    def _spoilt(self, cluster: Cluster, api: client.ApiClient) -> list[Node]:
        """The nodes that are not as they were, pods and their addresses aside."""
        nodes = _nodes(api)
        return [node for node in cluster.nodes if not self._is_sound(node, nodes.get(node.name))]

    def _is_sound(self, node: Node, known: Any) -> bool:
        return (
            node.running
            and known == self.nodes[node.name]
            and _without_pods(_tree(node)) == _without_pods(self.trees[node.name])
            and _images(node) == self.images[node.name]
        )

    def _remove_objects(self, api: client.ApiClient) -> None:
        core = client.CoreV1Api(api)
        _remove(_made_by_people(api), api)
        for name, (labels, noted) in _namespaces(api).items():
            if name not in self.namespaces:
                core.delete_namespace(name)
                continue
            before = dict(zip(("labels", "annotations"), self.namespaces[name], strict=True))
            now = {"labels": labels, "annotations": noted}
            if now != before:
                added = {kind: {key: None for key in now[kind] if key not in before[kind]} for kind in now}
                core.patch_namespace(name, {"metadata": {kind: {**added[kind], **before[kind]} for kind in now}})
        until(lambda: _namespaces(api) == self.namespaces, "the namespaces are as they were", _SECONDS, every=0.25)
        for name in _namespaces(api):
            core.delete_collection_namespaced_event(name)
        until(lambda: not list(_made_by_people(api)), "what people have made is gone", _SECONDS, every=0.25)


@dataclass(frozen=True)
class _Object:
    plural: str
    path: str


def _made_by_people(api: client.ApiClient) -> Iterator[_Object]:
    """Every object that somebody besides the cluster's own programs has written to."""
    groups: Any = _get(api, "/apis")
    versions = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups["groups"])]
    for version in versions:
        for kind in _get(api, version).get("resources", ()):
            if {"list", "delete"} <= set(kind["verbs"]) and kind["name"] not in _LOOKED_AT_APART:
                for item in _get(api, f"{version}/{kind['name']}").get("items", ()):
                    about = item["metadata"]
                    if {each["manager"] for each in about.get("managedFields") or ()} - _SYSTEM:
                        place = f"namespaces/{about['namespace']}/" if "namespace" in about else ""
                        yield _Object(kind["name"], f"{version}/{place}{kind['name']}/{about['name']}")


def _get(api: client.ApiClient, path: str) -> Any:
    """What the API server has there; nothing where a kind has gone since it was listed."""
    try:
        return _call(api, "GET", path)
    except client.ApiException as error:
        if error.status != 404:
            raise
        return {}


def _call(api: client.ApiClient, method: str, path: str) -> Any:
    """What the client's own methods do, for a path that none of them knows."""
    accept = {"Accept": "application/json"}
    answer: Any = api.call_api(*api.param_serialize(method, path, header_params=accept, auth_settings=["BearerToken"]))
    answer.read()
    if answer.status not in range(200, 300):
        raise client.ApiException(http_resp=answer)
    return json.loads(answer.data)


def _remove(found: Iterable[_Object], api: client.ApiClient) -> None:
    for each in found:
        try:
            _call(api, "DELETE", each.path)
        except client.ApiException as error:
            if error.status != 404:  # it has gone with another one
                raise


def _remove_pods(api: client.ApiClient, alive: set[str]) -> None:
    """A pod goes as its node takes it down, and at once where no such node lives."""
    core = client.CoreV1Api(api)
    asked: set[str] = set()

    def are_gone() -> bool:
        found: list[Any] = core.list_pod_for_all_namespaces().items
        waiting = []
        for pod in found:
            about = pod.metadata
            forced = pod.spec.node_name not in alive
            # A node that starts a pod by itself is installed again for the file that says so.
            if (about.annotations or {}).get(_MIRROR) and not forced:
                continue
            waiting.append(pod)
            if forced or about.uid not in asked:
                asked.add(about.uid)
                _delete_pod(core, about.name, about.namespace, 0 if forced else 1)
        return not waiting

    until(are_gone, "no pod is left", _SECONDS, every=0.25)


def _delete_pod(core: client.CoreV1Api, name: str, namespace: str, seconds: int) -> None:
    try:
        core.delete_namespaced_pod(name, namespace, grace_period_seconds=seconds)
    except client.ApiException as error:
        if error.status != 404:  # it has gone meanwhile
            raise


def _install_again(node: Node) -> None:
    node.wipe()
    node.start()


def _namespaces(api: client.ApiClient) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    found: list[Any] = client.CoreV1Api(api).list_namespace().items
    return {each.metadata.name: (each.metadata.labels or {}, each.metadata.annotations or {}) for each in found}


def _nodes(api: client.ApiClient) -> dict[str, Any]:
    found: list[Any] = client.CoreV1Api(api).list_node().items
    return {
        each.metadata.name: (
            each.metadata.labels,
            [taint.key for taint in each.spec.taints or () if not taint.key.startswith(_OF_KUBERNETES)],
        )
        for each in found
    }


def _images(node: Node) -> list[str]:
    ctr = ["ctr", "--address", str(node.look.containerd_socket), "--namespace", "k8s.io"]
    names = node.run([*ctr, "images", "list", "--quiet"]).stdout.split()
    # The runtime itself writes each image down once more under its digest, some time later.
    return sorted(name for name in names if not name.startswith("sha256:"))


def _tree(node: Node) -> Tree:
    """A node's files; none where they change while they are looked at, as they do under a pod that cannot start."""
    try:
        return node.tree()
    except FileNotFoundError:
        return {}


def _without_pods(tree: Tree) -> Tree:
    return {path: entry for path, entry in tree.items() if not path.startswith(_CNI)}
