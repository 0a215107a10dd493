"""What differs between Kubernetes distributions, as data. Every other module reads paths from here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .args import Distro

K3S_DATA_DIR = "/var/lib/rancher/k3s"


@dataclass(frozen=True)
class Runtime:
    """How a distribution's container runtime is asked for its CNI directories, and what is read where it cannot be.

    Attributes:
        crictl: the command whose `info` it answers; empty for `crictl` or `k3s crictl` as they are found on PATH.
        file: its configuration. All paths are host paths.
        state_dir: where it keeps what runs.
        bin_link: a link to the directory of the CNI plugins that upgrades keep; empty where the directory itself stays.
    """

    crictl: str = ""
    file: str = "/etc/containerd/config.toml"
    state_dir: str = "/run/containerd"
    bin_link: str = ""


def runtime_of_k3s(data_dir: str) -> Runtime:
    """The containerd that k3s brings; its crictl knows the socket by itself."""
    return Runtime(
        crictl=f"{data_dir}/data/current/bin/crictl",
        file=f"{data_dir}/agent/etc/containerd/config.toml",
        state_dir="/run/k3s/containerd",
        bin_link=f"{data_dir}/data/current/bin",
    )


@dataclass(frozen=True)
class Profile:
    """Where a distribution keeps what Multus touches. All paths are host paths.

    Attributes:
        source: where this was learnt.
        tried: what of it this project's tests have run; empty where nothing was.
        cni_conf_dir: the directory whose first file is the default network.
        cni_bin_dir: the directory that the container runtime runs CNI plugins from.
        plugins_dir: the directory that holds the plugins and whatever links in `cni_bin_dir` lead to.
        runtime: the container runtime, which the node is checked against.
        server_ca: the API server's authority where a node has it, for a check before there is any credential.
        api_server: an address of the API server that every node reaches without kube-proxy, or None where none exists.
        kubelet_dir: the kubelet's root directory.
        netns_dir: where named network namespaces are.
        network: the default network's name, or None where that depends on the cluster.
        network_file: its file in `cni_conf_dir`, or None likewise.
        capabilities: what the default network's plugins take from the runtime.
        has_ssh: whether its nodes can be logged in to.
        unread_dirs: directories that are often named for this distribution and that its runtime does not read.
    """

    source: str
    tried: str = ""
    cni_conf_dir: str = "/etc/cni/net.d"
    cni_bin_dir: str = "/opt/cni/bin"
    plugins_dir: str = "/opt/cni/bin"
    runtime: Runtime = Runtime()
    server_ca: str = "/etc/kubernetes/pki/ca.crt"
    api_server: str | None = None
    kubelet_dir: str = "/var/lib/kubelet"
    netns_dir: str = "/run/netns"
    network: str | None = None
    network_file: str | None = None
    capabilities: tuple[str, ...] = ("portMappings", "bandwidth")
    has_ssh: bool = True
    unread_dirs: tuple[str, ...] = ()


def _k3s(data_dir: str) -> Profile:
    return Profile(
        source="k3s-io/k3s#10868, #10869 and pkg/agent/flannel: since v1.28.15, v1.29.10, v1.30.6, v1.31.2 (+k3s1)",
        tried="with upstream's kubelet and containerd in this layout, not with k3s itself",
        cni_conf_dir=f"{data_dir}/agent/etc/cni/net.d",
        cni_bin_dir=f"{data_dir}/data/cni",
        # data/cni holds absolute links into data/<hash>/bin.
        plugins_dir=f"{data_dir}/data",
        runtime=runtime_of_k3s(data_dir),
        server_ca=f"{data_dir}/agent/server-ca.crt",
        api_server="https://127.0.0.1:6444",
        network="cbr0",
        network_file="10-flannel.conflist",
        unread_dirs=("/etc/cni/net.d", "/opt/cni/bin", "/usr/libexec/cni", f"{data_dir}/data/cni/bin"),
    )


PROFILES: dict[Distro, Profile] = {
    Distro.K3S: _k3s(K3S_DATA_DIR),
    Distro.VANILLA: Profile(
        source="containerd's and kubeadm's defaults", tried="with upstream's kubelet and Debian's containerd"
    ),
    Distro.RKE2: Profile(
        source="rancher/rke2 pkg/cli/defaults: k3s without flannel; every agent balances 127.0.0.1:6443",
        runtime=Runtime(
            crictl="/var/lib/rancher/rke2/bin/crictl -r unix:///run/k3s/containerd/containerd.sock",
            file="/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
            state_dir="/run/k3s/containerd",
        ),
        server_ca="/var/lib/rancher/rke2/agent/server-ca.crt",
        api_server="https://127.0.0.1:6443",
    ),
    Distro.MICROK8S: Profile(
        source="canonical/microk8s microk8s-resources/default-args and #1495: `current`, never a revision's number",
        cni_conf_dir="/var/snap/microk8s/current/args/cni-network",
        cni_bin_dir="/var/snap/microk8s/current/opt/cni/bin",
        plugins_dir="/var/snap/microk8s/current/opt/cni/bin",
        runtime=Runtime(
            crictl="crictl -r unix:///var/snap/microk8s/common/run/containerd.sock",
            file="/var/snap/microk8s/current/args/containerd.toml",
            state_dir="/var/snap/microk8s/common/run/containerd",
        ),
        api_server="https://127.0.0.1:16443",
        kubelet_dir="/var/snap/microk8s/common/var/lib/kubelet",
        network="k8s-pod-network",
        network_file="10-calico.conflist",
    ),
    Distro.K0S: Profile(
        source="k0sproject/k0s pkg/component/worker and multus-cni#1546: the kubelet's directory is k0s' own",
        runtime=Runtime(
            crictl="crictl -r unix:///run/k0s/containerd.sock",
            file="/etc/k0s/containerd.toml",
            state_dir="/run/k0s/containerd",
        ),
        kubelet_dir="/var/lib/k0s/kubelet",
    ),
    Distro.KIND: Profile(
        source="multus-cni e2e/setup_cluster.sh", network="kindnet", network_file="10-kindnet.conflist"
    ),
    Distro.MINIKUBE: Profile(source="minikube's bridge CNI", network_file="1-k8s.conflist"),
    Distro.TALOS: Profile(
        source="siderolabs docs, kubernetes-guides/cni/multus and kubeprism; multus-cni#1260: /run/netns is read-only",
        runtime=Runtime(file="/etc/cri/containerd.toml"),
        api_server="https://127.0.0.1:7445",
        netns_dir="/var/run/netns",
        network="cbr0",
        network_file="10-flannel.conflist",
        has_ssh=False,
    ),
    Distro.EKS: Profile(
        source="aws/amazon-vpc-cni-k8s config/multus", network="aws-cni", network_file="10-aws.conflist"
    ),
    Distro.GKE: Profile(
        source="multus-cni#620, #621, #685: /opt is read-only on its nodes",
        cni_bin_dir="/home/kubernetes/bin",
        plugins_dir="/home/kubernetes/bin",
        unread_dirs=("/opt/cni/bin",),
    ),
    Distro.AKS: Profile(
        source="Azure/azure-container-networking cni/netconfig", network="azure", network_file="10-azure.conflist"
    ),
}

_USUAL = (PROFILES[Distro.K3S], PROFILES[Distro.RKE2], PROFILES[Distro.VANILLA])

USUAL_ON_NODES: dict[str, tuple[str, ...]] = {
    "crictls": (*(each.runtime.crictl for each in _USUAL if each.runtime.crictl), "k3s crictl", "crictl"),
    "runtime_files": (_USUAL[0].runtime.file, _USUAL[2].runtime.file, "/etc/crio/crio.conf"),
    "bin_links": tuple(each.runtime.bin_link for each in _USUAL if each.runtime.bin_link),
    "server_cas": tuple(each.server_ca for each in _USUAL),
}
"""What the node program tries on every node, in this order and after what the plan says: a node may be another
distribution's than the arguments say. node/distributions.sh is written from it."""

USUAL_DIRECTORIES = {"conf_dir": _USUAL[0].cni_conf_dir, "bin_dir": _USUAL[0].cni_bin_dir}
"""What the node program takes for the options of these names where they are not given."""

# The first patch releases whose plugins lie in data/cni, by minor release.
K3S_MOVED = {28: 15, 29: 10, 30: 6, 31: 2}
_K3S_VERSION = re.compile(r"^v?1\.(\d+)\.(\d+)([+-].*)?\Z")


def is_k3s_version(version: str) -> bool:
    """Whether this is how k3s writes its versions."""
    return bool(_K3S_VERSION.match(version))


def k3s_profile(version: str | None, *, flannel: bool, data_dir: str) -> Profile:
    """The profile of one k3s: which one it is decides where its plugins are."""
    profile = _k3s(data_dir)
    if not flannel:
        # k3s then tells its containerd no directories, and which network there is depends on the cluster.
        vanilla = PROFILES[Distro.VANILLA]
        return replace(
            profile,
            source=f"{profile.source}; without flannel containerd's own defaults",
            tried="",
            cni_conf_dir=vanilla.cni_conf_dir,
            cni_bin_dir=vanilla.cni_bin_dir,
            plugins_dir=vanilla.plugins_dir,
            runtime=replace(profile.runtime, bin_link=""),
            network=None,
            network_file=None,
            unread_dirs=(f"{data_dir}/data/cni/bin",),
        )
    if version is not None and not k3s_has_moved(version):
        return replace(
            profile,
            source="multus-cni#927: by a link, since the directory's own name changes with every release",
            cni_bin_dir=f"{data_dir}/data/current/bin",
        )
    return profile


def k3s_has_moved(version: str) -> bool:
    """Whether this k3s keeps CNI plugins in a directory that upgrades keep."""
    match = _K3S_VERSION.match(version)
    minor, patch = (int(match[1]), int(match[2])) if match else (0, 0)
    return minor > max(K3S_MOVED) or patch >= K3S_MOVED.get(minor, patch + 1)
