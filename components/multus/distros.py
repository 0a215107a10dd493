"""What differs between Kubernetes distributions, as data. Every other module reads paths from here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

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


class Tried(StrEnum):
    """What of a profile this project's tests have run."""

    LAB = "lab"
    """Multus itself, on nodes of the lab that are laid out like it."""
    FILES = "files"
    """The preflight, on a tree with the files that the distribution writes."""
    NOT = "not"
    """Nothing: its values are from its sources alone."""


@dataclass(frozen=True)
class Source:
    """Where something of a distribution was read.

    Attributes:
        repository: on GitHub.
        path: in it.
        version: a tag, or a commit.
        read: the day, as year-month-day.
    """

    repository: str
    path: str
    version: str
    read: str = "2026-11-27"


@dataclass(frozen=True)
class Profile:
    """Where a distribution keeps what Multus touches. All paths are host paths.

    Attributes:
        sources: where this was learnt.
        tried: what of it this project's tests have run.
        cni_conf_dir: the directory whose first file is the default network.
        cni_bin_dir: the directory that the container runtime runs CNI plugins from.
        plugins_dir: the directory that holds the plugins and what relative links in `cni_bin_dir` lead to.
        linked_dirs: further directories that links in `plugins_dir` lead to.
        kubelet_sees_bin_dir: whether the kubelet, which looks whether host paths are there, has `cni_bin_dir` in its
            own tree.
        runtime: the container runtime, which the node is checked against.
        server_ca: the API server's authority where a node has it, for a check before there is any credential.
        api_server: an address of the API server that every node reaches without kube-proxy, or None where none exists.
        kubelet_dir: the kubelet's root directory.
        netns_dir: where named network namespaces are.
        network: the default network's name, or None where that depends on the cluster.
        network_file: its file in `cni_conf_dir`, or None likewise.
        capabilities: what the default network's plugins may take from the runtime, which hands each plugin only what
            its own configuration declares.
        has_ssh: whether its nodes can be logged in to.
        enforces_pod_security: whether a namespace other than kube-system needs a label to admit pods that use the
            host's network and directories.
        limits_critical_pods: whether a namespace other than kube-system needs a ResourceQuota to admit pods of the
            priority classes that Kubernetes brings.
        excluded_nodes: values of labels whose nodes are no hosts of this distribution, or no hosts at all.
        unread_dirs: directories that are often named for this distribution and that its runtime does not read.
    """

    sources: tuple[Source, ...]
    tried: Tried = Tried.NOT
    cni_conf_dir: str = "/etc/cni/net.d"
    cni_bin_dir: str = "/opt/cni/bin"
    plugins_dir: str = "/opt/cni/bin"
    linked_dirs: tuple[str, ...] = ()
    kubelet_sees_bin_dir: bool = True
    runtime: Runtime = Runtime()
    server_ca: str = "/etc/kubernetes/pki/ca.crt"
    api_server: str | None = None
    kubelet_dir: str = "/var/lib/kubelet"
    netns_dir: str = "/run/netns"
    network: str | None = None
    network_file: str | None = None
    capabilities: tuple[str, ...] = ("portMappings", "bandwidth")
    has_ssh: bool = True
    enforces_pod_security: bool = False
    limits_critical_pods: bool = False
    excluded_nodes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    unread_dirs: tuple[str, ...] = ()


_K3S_COMMIT = "2a1e2e8cf"


def _k3s(data_dir: str) -> Profile:
    return Profile(
        sources=(
            Source("k3s-io/k3s", "pkg/agent/templates/templates.go, pkg/executor/embed/embed.go", _K3S_COMMIT),
            Source("k3s-io/k3s", "pkg/agent/flannel/setup.go, cmd/k3s/main.go", _K3S_COMMIT),
            Source("k3s-io/k3s", "pkg/agent/loadbalancer/loadbalancer.go, pkg/cli/server/server.go", _K3S_COMMIT),
            Source("k3s-io/k3s-selinux", "policy/centos9/k3s.fc", "6991bc1"),
        ),
        tried=Tried.LAB,
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
        sources=(
            Source("containerd/containerd", "internal/cri/config/config_unix.go", "v2.3.4"),
            Source("cri-o/cri-o", "docs/crio.conf.5.md", "f954a17e"),
            Source("cri-o/packaging", "templates/latest/cri-o/bundle/10-crio.conf", "b111fe9"),
            Source(
                "kubernetes-sigs/kubespray", "roles/kubernetes/preinstall/tasks/0050-create_directories.yml", "46dbdd39"
            ),
            Source("kubernetes/kops", "nodeup/pkg/model/containerd.go", "268927e2"),
            Source("canonical/k8sd", "pkg/k8sd/setup/containerd.go, pkg/k8sd/features/cilium/network.go", "1417866"),
        ),
        tried=Tried.LAB,
    ),
    Distro.RKE2: Profile(
        sources=(
            Source("rancher/rke2", "pkg/executor/pebinary/pebinary.go, pkg/cli/defaults", "6ce1a8019"),
            Source("k3s-io/k3s", "pkg/agent/templates/templates.go", _K3S_COMMIT),
            Source("rancher/rke2-selinux", "policy/centos9/rke2.fc", "63deede"),
        ),
        tried=Tried.LAB,
        runtime=Runtime(
            crictl="/var/lib/rancher/rke2/bin/crictl -r unix:///run/k3s/containerd/containerd.sock",
            file="/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
            state_dir="/run/k3s/containerd",
        ),
        server_ca="/var/lib/rancher/rke2/agent/server-ca.crt",
        api_server="https://127.0.0.1:6443",
    ),
    Distro.MICROK8S: Profile(
        sources=(
            Source("canonical/microk8s", "microk8s-resources/default-args/containerd-template.toml", "d099c907"),
            Source("canonical/microk8s", "snap/hooks/configure, build-scripts/components/cni/build.sh", "d099c907"),
        ),
        tried=Tried.FILES,
        # By `current`: a revision's number changes with every refresh (canonical/microk8s#1495).
        cni_conf_dir="/var/snap/microk8s/current/args/cni-network",
        cni_bin_dir="/var/snap/microk8s/current/opt/cni/bin",
        plugins_dir="/var/snap/microk8s/current/opt/cni/bin",
        # Each refresh replaces the plugins there by absolute links to /snap/microk8s/current/opt/cni/bin.
        linked_dirs=("/snap",),
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
        sources=(
            Source("k0sproject/k0s", "pkg/component/worker/containerd/component.go, docs/runtime.md", "v1.36.3+k0s.2"),
            Source("k0sproject/k0s", "pkg/component/controller/kuberouter.go, docs/nllb.md", "v1.36.3+k0s.2"),
        ),
        tried=Tried.FILES,
        runtime=Runtime(
            crictl="crictl -r unix:///run/k0s/containerd.sock",
            file="/etc/k0s/containerd.toml",
            state_dir="/run/k0s/containerd",
        ),
        kubelet_dir="/var/lib/k0s/kubelet",
    ),
    Distro.KIND: Profile(
        sources=(
            Source("kubernetes-sigs/kind", "images/base/Dockerfile, images/kindnetd/cmd/kindnetd/cni.go", "fed26882"),
        ),
        tried=Tried.FILES,
        network="kindnet",
        network_file="10-kindnet.conflist",
        has_ssh=False,
    ),
    Distro.MINIKUBE: Profile(
        sources=(
            Source("kubernetes/minikube", "pkg/minikube/cni/cni.go, pkg/minikube/cni/bridge.go", "v1.38.1"),
            Source("kubernetes/minikube", "pkg/minikube/constants/constants.go", "v1.38.1"),
        ),
        tried=Tried.FILES,
    ),
    Distro.TALOS: Profile(
        sources=(
            Source("siderolabs/talos", "internal/app/machined/pkg/system/services/kubelet.go", "v1.13.9"),
            Source("siderolabs/talos", "Dockerfile, pkg/machinery/config/contract.go", "v1.13.9"),
            Source("siderolabs/kubelet", "Dockerfile", "7128711"),
            Source("siderolabs/docs", "kubernetes-guides/cni/multus.mdx", "5debdd9"),
        ),
        tried=Tried.LAB,
        # The kubelet's container has /etc/cni and no /opt.
        kubelet_sees_bin_dir=False,
        runtime=Runtime(file="/etc/cri/containerd.toml"),
        api_server="https://127.0.0.1:7445",
        # The kubelet's container has the host's /run there and not at /run.
        netns_dir="/var/run/netns",
        network="cbr0",
        network_file="10-flannel.conflist",
        has_ssh=False,
        enforces_pod_security=True,
    ),
    Distro.EKS: Profile(
        sources=(
            Source("aws/amazon-vpc-cni-k8s", "misc/10-aws.conflist, config/master/aws-k8s-cni.yaml", "v1.23.0"),
            Source("aws/amazon-vpc-cni-k8s", "config/multus/v4.1.4-eksbuild.3/multus-daemonset-thick.yml", "v1.23.0"),
            Source("awslabs/amazon-eks-ami", "nodeadm/internal/containerd/config2.template.toml", "81fec2e8"),
        ),
        tried=Tried.FILES,
        network="aws-cni",
        network_file="10-aws.conflist",
        capabilities=("portMappings", "bandwidth", "io.kubernetes.cri.pod-annotations"),
        excluded_nodes=(("eks.amazonaws.com/compute-type", ("fargate", "hybrid", "auto")),),
    ),
    Distro.GKE: Profile(
        sources=(
            Source("GoogleCloudPlatform/netd", "scripts/install-cni.sh, netd.yaml", "e11d1570"),
            Source("kubernetes/kubernetes", "cluster/gce/gci/configure-helper.sh", "b574b11f6"),
        ),
        tried=Tried.FILES,
        cni_bin_dir="/home/kubernetes/bin",
        plugins_dir="/home/kubernetes/bin",
        unread_dirs=("/opt/cni/bin",),
        limits_critical_pods=True,
    ),
    Distro.AKS: Profile(
        sources=(
            Source(
                "Azure/azure-container-networking", "cns/azure-cns.yaml, cns/cniconflist/testdata/fixtures", "cbd7560c"
            ),
            Source(
                "Azure/AgentBaker", "pkg/agent/baker.go, parts/linux/cloud-init/artifacts/cse_config.sh", "06836ee2"
            ),
        ),
        tried=Tried.FILES,
        excluded_nodes=(("type", ("virtual-kubelet",)),),
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


# From here on flowcontrol.apiserver.k8s.io/v1 is served.
K3S_FLOW_CONTROL = 29
# From here on an init container may go on beside the others without a feature gate.
K3S_SIDECARS = 29


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
            cni_conf_dir=vanilla.cni_conf_dir,
            cni_bin_dir=vanilla.cni_bin_dir,
            plugins_dir=vanilla.plugins_dir,
            runtime=replace(profile.runtime, bin_link=""),
            network=None,
            network_file=None,
            unread_dirs=(f"{data_dir}/data/cni/bin",),
        )
    if version is not None and not k3s_has_moved(version):
        # By a link: the directory's own name changes with every release (multus-cni#927).
        return replace(
            profile,
            cni_bin_dir=f"{data_dir}/data/current/bin",
        )
    return profile


def k3s_has_flow_control(version: str | None) -> bool:
    """Whether this k3s, or one of which nothing is known, serves `flowcontrol.apiserver.k8s.io/v1`."""
    match = _K3S_VERSION.match(version or "")
    return match is None or int(match[1]) >= K3S_FLOW_CONTROL


def k3s_has_sidecars(version: str | None) -> bool:
    """Whether this k3s, or one of which nothing is known, lets an init container go on beside the others."""
    match = _K3S_VERSION.match(version or "")
    return match is None or int(match[1]) >= K3S_SIDECARS


def k3s_has_moved(version: str) -> bool:
    """Whether this k3s keeps CNI plugins in a directory that upgrades keep."""
    match = _K3S_VERSION.match(version)
    minor, patch = (int(match[1]), int(match[2])) if match else (0, 0)
    return minor > max(K3S_MOVED) or patch >= K3S_MOVED.get(minor, patch + 1)
