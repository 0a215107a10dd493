"""What a node of each distro looks like: data only."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

_K3S = PurePosixPath("/var/lib/rancher/k3s")
# k3s names the folder of its unpacked programs by their SHA-256; a fixed one keeps listings comparable.
_K3S_DATA = _K3S / "data" / hashlib.sha256(b"multus-lab").hexdigest()

_RKE2 = PurePosixPath("/var/lib/rancher/rke2")

_REFERENCE = ("macvlan", "static")


@dataclass(frozen=True)
class Look:
    """Where a distro keeps what Multus meets; every path is as seen on the node."""

    name: str
    conf_dir: PurePosixPath
    bin_dir: PurePosixPath
    plugin_dir: PurePosixPath
    """Where the plugins' own files are; where it is not the bin dir, that holds links to them."""
    plugins: tuple[str, ...]
    links: tuple[tuple[PurePosixPath, PurePosixPath], ...]
    """Further symbolic links: path, target."""
    capabilities: tuple[tuple[str, str], ...]
    """The default network's chained plugins, each with the capability it takes."""
    containerd_config: PurePosixPath
    containerd_root: PurePosixPath
    containerd_socket: PurePosixPath
    network: str = "cbr0"
    network_file: str = "10-flannel.conflist"
    says_cni: bool = True
    """Whether containerd's configuration says where CNI is; else its own defaults count."""
    owner: int = 0
    """Whose the CNI directories are."""
    kubelet_lacks: tuple[PurePosixPath, ...] = ()
    """Directories of the node that the kubelet, in a container of its own, does not see."""
    has_ssh: bool = True
    """Whether the distro lets anybody in; the lab itself always can."""
    configuration: tuple[tuple[str, Any], ...] = ()
    """What a user of such a cluster says to the program besides, or in place of `distro` and the look's name."""
    pod_security: str | None = None
    """The level that every namespace but kube-system has by default."""
    balancer: int | None = None
    """The port on 127.0.0.1 where the distro's agent passes connections on to an API server."""
    server_kubeconfig: PurePosixPath | None = None
    """The administrator's kubeconfig on a server node."""
    crictls: tuple[PurePosixPath, ...] = (PurePosixPath("/usr/local/bin/crictl"),)
    """Where crictl is, on a ground that has it."""
    crictl_config: PurePosixPath | None = None
    """The file that the distro's own crictl reads; else it finds the runtime by itself."""
    reference_plugins: tuple[str, ...] = ()
    """Plugins the distro does not ship and an administrator puts into the bin dir."""


_K3S_LOOK = Look(
    name="k3s",
    conf_dir=_K3S / "agent/etc/cni/net.d",
    bin_dir=_K3S / "data/cni",
    plugin_dir=_K3S_DATA / "bin",
    plugins=("bridge", "host-local", "loopback", "portmap", "bandwidth"),
    links=((_K3S / "data/current", _K3S_DATA),),
    capabilities=(("portmap", "portMappings"), ("bandwidth", "bandwidth")),
    containerd_config=_K3S / "agent/etc/containerd/config.toml",
    containerd_root=_K3S / "agent/containerd",
    containerd_socket=PurePosixPath("/run/k3s/containerd/containerd.sock"),
    balancer=6444,
    server_kubeconfig=PurePosixPath("/etc/rancher/k3s/k3s.yaml"),
    # k3s is its own crictl, and its installer makes a link to it on PATH.
    crictls=(_K3S_DATA / "bin/crictl", PurePosixPath("/usr/local/bin/crictl")),
    crictl_config=_K3S / "agent/etc/crictl.yaml",
    reference_plugins=_REFERENCE,
)

_VANILLA = Look(
    name="vanilla",
    conf_dir=PurePosixPath("/etc/cni/net.d"),
    bin_dir=PurePosixPath("/opt/cni/bin"),
    plugin_dir=PurePosixPath("/opt/cni/bin"),
    plugins=("bridge", "host-local", "loopback", "portmap", "bandwidth", *_REFERENCE),
    links=(),
    capabilities=(("portmap", "portMappings"),),
    containerd_config=PurePosixPath("/etc/containerd/config.toml"),
    containerd_root=PurePosixPath("/var/lib/containerd"),
    containerd_socket=PurePosixPath("/run/containerd/containerd.sock"),
)

# Where each was read stands in the profiles' sources (components/multus/distros.py).
_LOOKS = (
    _K3S_LOOK,
    # Before October 2024 the bin dir lay inside the folder of the unpacked programs.
    replace(
        _K3S_LOOK,
        name="k3s-legacy",
        bin_dir=_K3S / "data/current/bin",
        configuration=(("distro", "k3s"), ("cniBinDir", str(_K3S / "data/current/bin"))),
    ),
    # With --flannel-backend=none k3s says nothing of CNI, and another program brings the network.
    replace(
        _VANILLA,
        name="k3s-without-flannel",
        containerd_config=_K3S_LOOK.containerd_config,
        containerd_root=_K3S_LOOK.containerd_root,
        containerd_socket=_K3S_LOOK.containerd_socket,
        crictls=_K3S_LOOK.crictls,
        crictl_config=_K3S_LOOK.crictl_config,
        links=_K3S_LOOK.links,
        network="k8s-pod-network",
        network_file="10-calico.conflist",
        says_cni=False,
        balancer=6444,
        configuration=(("distro", "k3s"), ("flannel", False)),
    ),
    replace(
        _VANILLA,
        name="rke2",
        containerd_config=_RKE2 / "agent/etc/containerd/config.toml",
        containerd_root=_RKE2 / "agent/containerd",
        containerd_socket=_K3S_LOOK.containerd_socket,
        crictls=(_RKE2 / "bin/crictl",),
        network="k8s-pod-network",
        network_file="10-canal.conflist",
        says_cni=False,
        balancer=6443,
        server_kubeconfig=PurePosixPath("/etc/rancher/rke2/rke2.yaml"),
    ),
    # `kube`, its user: https://github.com/kubernetes-sigs/kubespray, roles/adduser.
    replace(_VANILLA, name="kubespray", owner=998, configuration=(("distro", "vanilla"),)),
    replace(
        _VANILLA,
        name="talos",
        containerd_config=PurePosixPath("/etc/cri/containerd.toml"),
        crictls=(),
        kubelet_lacks=(PurePosixPath("/opt"),),
        has_ssh=False,
        pod_security="baseline",
        balancer=7445,
    ),
    _VANILLA,
)
LOOKS = {look.name: look for look in _LOOKS}
