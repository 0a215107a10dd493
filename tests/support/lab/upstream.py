"""Upstream's own manifest, applied by hand."""

from __future__ import annotations

from typing import Any

from kubernetes import client

from lab.churn.site import Site
from lab.churn.upstream import manifest

from .clusters import Lab


def apply_upstream(lab: Lab) -> None:
    """Apply it as people do; returns when it serves."""
    site = Site(lab.cluster)
    site.apply(manifest("thin", lab.cluster.look))
    site.await_served()


def forget_results_under_upstreams_name(lab: Lab) -> None:
    """Under the name that upstream gives its network the runtime finds nothing again once Multus calls it otherwise."""
    [node] = lab.cluster.nodes
    node.run(["sh", "-c", "rm -f /var/lib/cni/results/multus-cni-network-*"])


def identities_of_upstream(lab: Lab) -> list[str]:
    apps, core = client.AppsV1Api(lab.pods.api), lab.pods.core
    found: list[Any] = [
        apps.read_namespaced_daemon_set("kube-multus-ds", "kube-system"),
        core.read_namespaced_service_account("multus", "kube-system"),
    ]
    return [each.metadata.uid for each in found]
