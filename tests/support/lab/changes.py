"""What a user changes between two runs, what befalls a node, and how to see that something stayed what it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from kubernetes import client

from lab.churn.site import answer as answer
from lab.cluster import Cluster
from lab.engine import Result
from lab.node import Node
from lab.stack_settings import configure as configure
from lab.stack_settings import listed as listed
from lab.waiting import until

from .pods import Pods

NAMESPACE = "kube-system"
IMPATIENT = {"dialErrorLimit": 1, "perDialTimeout": 20}
"""The argument `ssh` for a node that is out of reach on purpose: the kernel says so after 3 s, a busy one answers."""


def failed(result: Result, *reasons: str) -> str:
    """What a run wrote that had to fail, once it is sure that it says why."""
    written = result.stdout + result.stderr
    assert result.returncode != 0, written
    for reason in reasons:
        assert reason in written, f"{reason!r} is not in:\n{written}"
    return written


def identities(pods: Pods, namespace: str = NAMESPACE) -> dict[str, str]:
    """The uids of what must not be deleted and made anew behind a user's back."""
    core, apps, rbac = pods.core, client.AppsV1Api(pods.api), client.RbacAuthorizationV1Api(pods.api)
    found: Sequence[Any] = [
        core.read_namespaced_service_account("multus", namespace),
        apps.read_namespaced_daemon_set("kube-multus-ds", namespace),
        apps.read_namespaced_daemon_set("kube-multus-ds-fallback", namespace),
        rbac.read_cluster_role("multus"),
        rbac.read_cluster_role_binding("multus"),
    ]
    return {f"{type(item).__name__} {item.metadata.name}": item.metadata.uid for item in found}


def image(pods: Pods, daemon_set: str = "kube-multus-ds") -> str:
    """The image that a DaemonSet runs."""
    found: Any = client.AppsV1Api(pods.api).read_namespaced_daemon_set(daemon_set, NAMESPACE)
    return str(found.spec.template.spec.containers[0].image)


@contextmanager
def unplugged(cluster: Cluster, node: Node) -> Iterator[None]:
    """The node without its network; afterwards it is Ready again."""
    node.cut_off()
    try:
        yield
    finally:
        since = datetime.now(UTC)
        node.reconnect()
        # After less than 40 s it has not stopped being Ready, and its kubelet may be deaf for as long again.
        with cluster.api as api:
            leases = client.CoordinationV1Api(api)
            until(lambda: _renewed(leases, node) > since, f"the kubelet of {node.name} is heard again", every=0.5)
        cluster.await_ready()


def _renewed(leases: client.CoordinationV1Api, node: Node) -> datetime:
    lease: Any = leases.read_namespaced_lease(node.name, "kube-node-lease")
    renewed: datetime = lease.spec.renew_time
    return renewed
