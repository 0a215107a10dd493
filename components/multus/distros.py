"""What differs between Kubernetes distributions, as data. Every other module reads paths from here."""

from __future__ import annotations

from dataclasses import dataclass

from .args import Distro


@dataclass(frozen=True)
class Profile:
    """Where a distribution keeps what Multus touches. All paths are host paths.

    Attributes:
        cni_conf_dir: the directory whose first file is the default network.
        cni_bin_dir: the directory that the container runtime runs CNI plugins from.
        containerd_config: the file that tells both to the runtime; the node is checked against it.
        api_server: an address of the API server that every node reaches without kube-proxy, or None where none exists.
        source: where this was learnt.
    """

    cni_conf_dir: str
    cni_bin_dir: str
    containerd_config: str
    api_server: str | None
    source: str


PROFILES: dict[Distro, Profile] = {
    Distro.K3S: Profile(
        cni_conf_dir="/var/lib/rancher/k3s/agent/etc/cni/net.d",
        cni_bin_dir="/var/lib/rancher/k3s/data/cni",
        containerd_config="/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
        api_server="https://127.0.0.1:6444",
        source="k3s-io/k3s#10868, #10869: with flannel, since v1.28.15, v1.29.10, v1.30.6 and v1.31.2 (+k3s1)",
    ),
    Distro.VANILLA: Profile(
        cni_conf_dir="/etc/cni/net.d",
        cni_bin_dir="/opt/cni/bin",
        containerd_config="/etc/containerd/config.toml",
        api_server=None,
        source="containerd's and kubeadm's defaults",
    ),
}
