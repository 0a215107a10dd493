"""Which distribution a cluster is, as its nodes show it. Pure."""

from __future__ import annotations

from multus.args import Distro

from .snapshot import Snapshot


def distro_of(snapshot: Snapshot) -> Distro | None:
    """The distribution, as its nodes show it; None where nothing does, which is vanilla's way."""
    for node in snapshot.nodes:
        about, spec, info = node["metadata"], node.get("spec", {}), node.get("status", {}).get("nodeInfo", {})
        labels, version, provider = about.get("labels", {}), info.get("kubeletVersion", ""), spec.get("providerID", "")
        signs = {
            Distro.OPENSHIFT: "node.openshift.io/os_id" in labels,
            Distro.K3S: "+k3s" in version,
            Distro.RKE2: "+rke2" in version,
            Distro.K0S: "+k0s" in version,
            Distro.MICROK8S: "microk8s.io/cluster" in labels,
            Distro.MINIKUBE: "minikube.k8s.io/name" in labels,
            Distro.KIND: provider.startswith("kind://"),
            Distro.TALOS: info.get("osImage", "").startswith("Talos"),
            Distro.EKS: "-eks-" in version,
            Distro.GKE: "-gke." in version,
            Distro.AKS: "kubernetes.azure.com/cluster" in labels,
        }
        for distro, shown in signs.items():
            if shown:
                return distro
    return None


def kubelet_versions(snapshot: Snapshot) -> list[str]:
    """The kubelets' versions, each once, in order of their text."""
    found = {node.get("status", {}).get("nodeInfo", {}).get("kubeletVersion", "") for node in snapshot.nodes}
    return sorted(found - {""})


def has_flannel(snapshot: Snapshot) -> bool:
    """Whether flannel has annotated a node: k3s runs it within itself, where no DaemonSet shows it."""
    return any(
        key.startswith("flannel.alpha.coreos.com/")
        for node in snapshot.nodes
        for key in node["metadata"].get("annotations", {})
    )
