"""Which distribution a cluster is, as its nodes show it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from multus.args import Distro
from multus.distros import PROFILES
from multus.metadata import Object

from .snapshot import Snapshot


@dataclass(frozen=True)
class _Shown:
    """What a node says of itself."""

    name: str
    labels: dict[str, str]
    version: str
    provider: str
    image: str


@dataclass(frozen=True)
class Kind:
    """What people call a distribution, or a kind of it that differs.

    Attributes:
        name: its name.
        distro: the one whose profile fits it.
        shown: whether a node shows that it is one.
        refusal: why Multus is not installed on such nodes, as a sentence; empty where it can be.
    """

    name: str
    distro: Distro
    shown: Callable[[_Shown], bool]
    refusal: str = ""


def _version(part: str) -> Callable[[_Shown], bool]:
    return lambda node: part in node.version


def _label(key: str, value: str | None = None) -> Callable[[_Shown], bool]:
    return lambda node: key in node.labels and value in (None, node.labels[key])


def _image(start: str) -> Callable[[_Shown], bool]:
    return lambda node: node.image.startswith(start)


def _is_auto_mode(node: _Shown) -> bool:
    return _label(_COMPUTE, "auto")(node) or _image("Bottlerocket (EKS Auto")(node)


def _is_eks_anywhere(node: _Shown) -> bool:
    """Its nodes are those of a datacentre, and its network is Cilium's."""
    return "-eks-" in node.version and "://" in node.provider and not node.provider.startswith(("aws:", "eks-hybrid:"))


def _is_autopilot(node: _Shown) -> bool:
    """Nodes of a Standard cluster are named gke-."""
    return "-gke." in node.version and node.name.startswith("gk3-")


def _is_distributed_cloud(node: _Shown) -> bool:
    is_elsewhere = node.provider.startswith(("baremetal:", "vsphere:"))
    return "-gke." in node.version and (
        is_elsewhere or any(key.startswith("baremetal.cluster.gke.io/") for key in node.labels)
    )


_COMPUTE = "eks.amazonaws.com/compute-type"

# In this order: the first that a node shows.
_KINDS = (
    Kind("OpenShift", Distro.OPENSHIFT, _label("node.openshift.io/os_id")),
    Kind(
        "Harvester",
        Distro.RKE2,
        lambda node: _label("harvesterhci.io/managed")(node) or _image("Harvester ")(node),
        "Harvester brings Multus with its RKE2 (`cni: multus,canal`): make networks there as its documentation says",
    ),
    Kind("k3s", Distro.K3S, _version("+k3s")),
    Kind("RKE2", Distro.RKE2, _version("+rke2")),
    Kind("k0s", Distro.K0S, _version("+k0s")),
    Kind("MicroK8s", Distro.MICROK8S, _label("microk8s.io/cluster")),
    Kind("minikube", Distro.MINIKUBE, _label("minikube.k8s.io/name")),
    Kind("kind", Distro.KIND, lambda node: node.provider.startswith("kind://")),
    Kind("Talos", Distro.TALOS, _image("Talos ")),
    Kind(
        "EKS Auto Mode",
        Distro.EKS,
        _is_auto_mode,
        "on EKS Auto Mode AWS supports no other CNI plugin, and its nodes are read-only and without SSH: add a managed"
        " node group for pods with further interfaces",
    ),
    Kind(
        "EKS on Fargate",
        Distro.EKS,
        _label(_COMPUTE, "fargate"),
        "a Fargate node is no host that anything could be installed on: add a managed node group",
    ),
    Kind("EKS Anywhere", Distro.VANILLA, _is_eks_anywhere),
    Kind("EKS", Distro.EKS, _version("-eks-")),
    Kind(
        "GKE Autopilot",
        Distro.GKE,
        _is_autopilot,
        "GKE Autopilot admits no pod that mounts directories of the host but /var/log: use a Standard cluster",
    ),
    Kind(
        "Google Distributed Cloud",
        Distro.VANILLA,
        _is_distributed_cloud,
        "Google Distributed Cloud brings Multus itself: set multipleNetworkInterfaces of its Cluster",
    ),
    Kind("GKE", Distro.GKE, _version("-gke.")),
    Kind("AKS", Distro.AKS, _label("kubernetes.azure.com/cluster")),
    Kind("Canonical Kubernetes", Distro.VANILLA, _label("k8sd.io/role")),
    Kind("kOps", Distro.VANILLA, _label("kops.k8s.io/instancegroup")),
)


def kind_of(node: Object) -> Kind | None:
    """What a node is; None where it shows nothing, which is vanilla's way."""
    shown = _shown_by(node)
    return next((kind for kind in _KINDS if kind.shown(shown)), None)


def _shown_by(node: Object) -> _Shown:
    info, about = node.get("status", {}).get("nodeInfo", {}), node["metadata"]
    return _Shown(
        name=about.get("name", ""),
        labels=about.get("labels", {}),
        version=info.get("kubeletVersion", ""),
        provider=node.get("spec", {}).get("providerID", ""),
        image=info.get("osImage", ""),
    )


def cluster_kind(snapshot: Snapshot) -> Kind | None:
    """What the cluster is: by its first node that shows anything and that Multus can be installed on, else by any."""
    kinds = [kind for kind in map(kind_of, snapshot.nodes) if kind is not None]
    return next((kind for kind in kinds if not kind.refusal), kinds[0] if kinds else None)


def refused_kind(snapshot: Snapshot) -> Kind | None:
    """What the cluster is, where Multus can be installed on none of its nodes."""
    kinds = [kind_of(node) for node in snapshot.nodes]
    if any(kind is None or not kind.refusal for kind in kinds):
        return None
    return next((kind for kind in kinds if kind), None)


def distro_of(snapshot: Snapshot) -> Distro | None:
    """The distribution, as its nodes show it; None where nothing does, which is vanilla's way."""
    kind = cluster_kind(snapshot)
    return kind.distro if kind else None


def is_reached(node: Object, distro: Distro) -> bool:
    """Whether a node can be logged in to, as far as it shows: Bottlerocket runs no sshd on the host."""
    kind = kind_of(node)
    is_refused = kind is not None and bool(kind.refusal)
    has_sshd = PROFILES[distro].has_ssh and not _image("Bottlerocket")(_shown_by(node))
    return has_sshd and not is_refused and is_host(node, distro)


def is_host(node: Object, distro: Distro) -> bool:
    """Whether a pod of Multus is to run on a node: the profile leaves out what is no host of the distribution's."""
    labels = node["metadata"].get("labels", {})
    return not any(labels.get(key) in values for key, values in PROFILES[distro].excluded_nodes)


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
