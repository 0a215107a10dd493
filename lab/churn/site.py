"""A cluster on which installs of Multus are measured, and what people do on it by hand."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import yaml
from kubernetes import client

from lab import images, prepare
from lab.churn.pods import NETWORK
from lab.churn.upstream import documents
from lab.cluster import Cluster
from lab.commands import run
from lab.node import Node
from lab.waiting import until

SYSTEM = "kube-system"
_SECONDS = 120
_CONF = "00-multus"


@dataclass(frozen=True)
class Site:
    """A cluster, as its administrator knows it."""

    cluster: Cluster

    @property
    def node(self) -> Node:
        """Its first node."""
        return self.cluster.nodes[0]

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """As the cluster's administrator; what it prints."""
        program = self.cluster.programs.path("kubectl")
        return run([program, "--kubeconfig", self.cluster.kubeconfig, *words], stdin=stdin).stdout

    def apply(self, objects: Sequence[dict[str, Any]]) -> None:
        """Apply objects."""
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def delete(self, objects: Sequence[dict[str, Any]]) -> None:
        """Delete objects."""
        self.kubectl("delete", "--wait=false", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def define_network(self) -> None:
        """The CRD and the network of the pods that ask for one, as they are there before an install of Multus."""
        [crd] = [each for each in documents("thin") if each["kind"] == "CustomResourceDefinition"]
        self.apply([crd])
        self.kubectl("wait", "--for=condition=Established", f"crd/{crd['metadata']['name']}")
        self.apply([network()])

    def load_earlier_release(self) -> None:
        """Give every node the images of the release before, so that no pull is measured."""
        for archive in images.earlier_multus(prepare.earlier_multus()):
            for node in self.cluster.nodes:
                ctr = ["ctr", "--address", str(node.look.containerd_socket), "--namespace", "k8s.io"]
                node.run([*ctr, "images", "import", "-"], input=archive.read_bytes())

    def daemon_sets(self) -> list[str]:
        """Multus' DaemonSets."""
        with self.cluster.api as api:
            found: list[Any] = (
                client.AppsV1Api(api).list_namespaced_daemon_set(SYSTEM, label_selector="app=multus").items
            )
        return [each.metadata.name for each in found]

    def await_served(self) -> None:
        """Return when Multus' pods are rolled out, and each node that has one has its configuration."""
        for name in self.daemon_sets():
            self.kubectl("-n", SYSTEM, "rollout", "status", f"daemonset/{name}", f"--timeout={_SECONDS}s")
        # A pod of Multus is ready before it has written anything.
        for node in self._nodes_of_pods():
            until(partial(has_conf, node), f"{node.name} has Multus' configuration", _SECONDS, every=0.2)

    def restart_multus(self) -> None:
        """A restart of Multus' DaemonSets, to its end."""
        for name in self.daemon_sets():
            self.kubectl("-n", SYSTEM, "rollout", "restart", f"daemonset/{name}")
        self.await_served()

    def await_no_multus(self) -> None:
        """Return when no pod of Multus is left."""
        until(lambda: not self._pods(), "no pod of Multus is left", _SECONDS, every=0.2)

    def _nodes_of_pods(self) -> list[Node]:
        names = {pod.spec.node_name for pod in self._pods()}
        return [node for node in self.cluster.nodes if node.name in names]

    def _pods(self) -> list[Any]:
        with self.cluster.api as api:
            found: list[Any] = client.CoreV1Api(api).list_namespaced_pod(SYSTEM, label_selector="app=multus").items
        return found

    def token(self) -> tuple[str, str]:
        """The name of Multus' token Secret, and the token."""
        with self.cluster.api as api:
            found: list[Any] = client.CoreV1Api(api).list_namespaced_secret(SYSTEM).items
        [secret] = [each for each in found if each.metadata.name.startswith("multus-token-")]
        return secret.metadata.name, base64.b64decode(secret.data["token"]).decode()


def network() -> dict[str, Any]:
    """The definition of the network of pods that ask for one: a macvlan on the nodes' own link."""
    conf = {
        "cniVersion": "1.0.0",
        "name": NETWORK,
        "type": "macvlan",
        "master": "eth0",
        "mode": "bridge",
        "ipam": {"type": "host-local", "subnet": "10.98.0.0/24"},
    }
    about = {"name": NETWORK, "namespace": "default"}
    kind = {"apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition"}
    return {**kind, "metadata": about, "spec": {"config": json.dumps(conf)}}


def has_conf(node: Node) -> bool:
    """Whether Multus' configuration is on a node."""
    return _CONF in node.run(["ls", str(node.look.conf_dir)]).stdout


def answer(cluster: Cluster, token: str) -> int:
    """The status with which the API server answers Multus' usual question under this token."""
    settings = client.Configuration()
    settings.host = cluster.api_server
    settings.ssl_ca_cert = str(cluster.control_plane.authority.certificate)
    settings.api_key = {"authorization": f"Bearer {token}"}
    with client.ApiClient(settings) as api:
        try:
            client.CoreV1Api(api).read_namespaced_pod("nobody", "default")
        except client.ApiException as error:
            return int(error.status)
    return 200
