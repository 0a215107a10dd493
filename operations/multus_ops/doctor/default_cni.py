"""The cluster's default CNI, as far as the API shows it. Pure."""

from __future__ import annotations

from multus.args import Distro
from multus.metadata import Object

from .distribution import distro_of, has_flannel
from .snapshot import Snapshot, is_well

_BY_DAEMON_SET = {
    "kube-flannel-ds": "flannel",
    "kube-flannel": "flannel",
    "calico-node": "calico",
    "canal": "canal",
    "rke2-canal": "canal",
    "cilium": "cilium",
    "kindnet": "kindnet",
    "aws-node": "the AWS VPC CNI",
    "azure-cns": "Azure CNI",
    "kube-router": "kube-router",
    "weave-net": "weave",
    "antrea-agent": "antrea",
    "ovnkube-node": "OVN-Kubernetes",
    "kube-ovn-cni": "kube-ovn",
}


def default_cni_of(snapshot: Snapshot) -> str:
    """The cluster's default CNI, guessed by its DaemonSet or by k3s' own."""
    names = {each["metadata"]["name"] for each in default_cni_sets(snapshot)}
    known = next((cni for name, cni in _BY_DAEMON_SET.items() if name in names), "")
    if not known and distro_of(snapshot) is Distro.K3S and has_flannel(snapshot):
        return "flannel, k3s' own"
    return known or "not known from the API"


def default_cni_sets(snapshot: Snapshot) -> list[Object]:
    """The DaemonSets of default CNIs that are known here."""
    return [each for each in snapshot.daemon_sets if each["metadata"]["name"] in _BY_DAEMON_SET]


def late_cni_sets(snapshot: Snapshot, node: str) -> list[Object]:
    """Those of them whose pod on a node is not there or not ready: there is something to wait for."""
    return [
        each
        for each in default_cni_sets(snapshot)
        if not any(is_well(pod) for pod in snapshot.pods_of(each) if pod["spec"].get("nodeName") == node)
    ]
