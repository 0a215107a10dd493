"""What distributions write on their nodes, as far as the node program looks at it: small trees in our own words.

Where each was read stands in the profiles' sources (components/multus/distros.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

K3S = "/var/lib/rancher/k3s"
RKE2 = "/var/lib/rancher/rke2"
MICROK8S = "/var/snap/microk8s/8511"
_UNPACKED = f"{K3S}/data/2f1c0d"
_V2, _V3 = 'plugins."io.containerd.grpc.v1.cri"', "plugins.'io.containerd.cri.v1.runtime'"


@dataclass(frozen=True)
class Tree:
    """One kind of node.

    Attributes:
        arguments: what is said to the component for it.
        files: contents by path.
        links: targets by path.
        directories: what is there besides.
        owners: user ids by path.
        found: the codes of what preflight finds.
    """

    arguments: Mapping[str, Any]
    files: Mapping[str, str]
    links: Mapping[str, str] = field(default_factory=dict)
    directories: tuple[str, ...] = ("/opt/cni/bin",)
    owners: Mapping[str, int] = field(default_factory=dict)
    found: tuple[str, ...] = ()


def network(name: str, version: str, *types: str) -> str:
    """A default network's file."""
    return json.dumps({"name": name, "cniVersion": version, "plugins": [{"type": each} for each in types]})


def ranchers(data_dir: str, *cni: str, selinux: bool = False) -> str:
    """The file that k3s and RKE2 make from their template of version 3, with or without a section about CNI."""
    section = "".join(f"  {line}\n" for line in cni)
    return (
        "# made at each start, from config-v3.toml.tmpl where that is there\n"
        "version = 3\n"
        f'imports = ["{data_dir}/agent/etc/containerd/config-v3.toml.d/*.toml"]\n'
        f'root = "{data_dir}/agent/containerd"\nstate = "/run/k3s/containerd"\n\n'
        '[grpc]\n  address = "/run/k3s/containerd/containerd.sock"\n\n'
        "[plugins.'io.containerd.grpc.v1.cri']\n  stream_server_port = \"10010\"\n\n"
        f"[{_V3}]\n  enable_selinux = {str(selinux).lower()}\n  enable_unprivileged_ports = true\n\n"
        + (f"[{_V3}.cni]\n{section}\n" if cni else "")
        + "[plugins.'io.containerd.cri.v1.images']\n  snapshotter = \"overlayfs\"\n  use_local_image_pull = true\n"
    )


def of_k3s(selinux: bool = False) -> str:
    """k3s' own with flannel."""
    return ranchers(K3S, f'bin_dirs = ["{K3S}/data/cni"]', f'conf_dir = "{K3S}/agent/etc/cni/net.d"', selinux=selinux)


_CNI_OF_V2 = f'[{_V2}.cni]\nbin_dir = "/opt/cni/bin"\nconf_dir = "/etc/cni/net.d"\n'
_DOCKERS = '# containerd.io, as docker ships it\ndisabled_plugins = ["cri"]\n\n#root = "/var/lib/containerd"\n'
_CONTAINERD = "/etc/containerd/config.toml"
_NET = "/etc/cni/net.d"
_PLAIN = {"api_server": "https://192.0.2.1:6443"}
_CANAL = network("k8s-pod-network", "0.3.1", "calico", "portmap", "bandwidth")
_CILIUM = network("cilium", "0.3.1", "cilium-cni")
_FLANNEL = network("cbr0", "1.0.0", "flannel", "portmap", "bandwidth")
_OF_FLANNEL = {f"{K3S}/agent/etc/cni/net.d/10-flannel.conflist": _FLANNEL}
_CNI_OF_K3S = {f"{K3S}/data/cni/{name}": f"{_UNPACKED}/bin/cni" for name in ("bridge", "flannel", "portmap")}

TREES: dict[str, Tree] = {
    "k3s": Tree(
        {"distro": "k3s"},
        {f"{K3S}/agent/etc/containerd/config.toml": of_k3s(), **_OF_FLANNEL},
        links={f"{K3S}/data/current": _UNPACKED, **_CNI_OF_K3S},
        directories=(f"{K3S}/data/cni", f"{_UNPACKED}/bin"),
    ),
    "k3s-without-flannel": Tree(
        {"distro": "k3s", "flannel": False},
        {f"{K3S}/agent/etc/containerd/config.toml": ranchers(K3S), f"{_NET}/10-calico.conflist": _CANAL},
    ),
    # k3s writes no file for docker's containerd, whose own says nothing of pods.
    "k3s-on-docker": Tree(
        {"distro": "k3s"},
        {_CONTAINERD: _DOCKERS, **_OF_FLANNEL},
        directories=(f"{K3S}/data/cni",),
        found=("runtime-unknown",),
    ),
    # With --container-runtime-endpoint: whether k3s uses this containerd nobody but the runtime can say.
    "k3s-beside-containerd": Tree(
        {"distro": "k3s"},
        {_CONTAINERD: f"version = 2\n{_CNI_OF_V2}", **_OF_FLANNEL},
        directories=(f"{K3S}/data/cni",),
        found=("runtime-unknown",),
    ),
    "rke2": Tree(
        {"distro": "rke2"},
        {f"{RKE2}/agent/etc/containerd/config.toml": ranchers(RKE2), f"{_NET}/10-canal.conflist": _CANAL},
    ),
    "microk8s": Tree(
        {"distro": "microk8s"},
        {
            f"{MICROK8S}/args/containerd.toml": "# the tables of version 2\nversion = 2\noom_score = 0\n"
            f"[{_V2}]\n  enable_selinux = false\n  [{_V2}.cni]\n    # bin_dir is the plugins' directory.\n"
            f'    bin_dir = "{MICROK8S}/opt/cni/bin"\n    conf_dir = "{MICROK8S}/args/cni-network"\n',
            f"{MICROK8S}/args/cni-network/10-calico.conflist": _CANAL,
        },
        links={"/var/snap/microk8s/current": "8511"},
        directories=(f"{MICROK8S}/opt/cni/bin",),
    ),
    "k0s": Tree(
        {"distro": "k0s", **_PLAIN},
        {
            "/etc/k0s/containerd.toml": "# k0s_managed=true\nversion = 3\nimports = [\n\t"
            '"/etc/k0s/containerd.d/nvidia.toml",\n]\n',
            "/etc/k0s/containerd.d/nvidia.toml": f"version = 3\n[{_V3}.containerd.runtimes.nvidia]\n"
            "  runtime_type = 'io.containerd.runc.v2'\n",
            f"{_NET}/10-kuberouter.conflist": network("mynet", "0.3.0", "bridge", "portmap"),
        },
    ),
    "kind": Tree(
        {"distro": "kind", **_PLAIN},
        {
            _CONTAINERD: f'version = 2\n[proxy_plugins]\n[{_V2}.containerd]\n  snapshotter = "overlayfs"\n'
            f"[{_V2}]\n  tolerate_missing_hugetlb_controller = true\n",
            f"{_NET}/10-kindnet.conflist": network("kindnet", "0.3.1", "ptp", "portmap"),
        },
    ),
    # Since v1.39 containerd is the default, and with it kindnet.
    "minikube": Tree(
        {"distro": "minikube", **_PLAIN},
        {
            _CONTAINERD: f"version = 2\n[{_V2}]\n[{_V2}.cni]\n"
            '  bin_dir = "/opt/cni/bin"\n  conf_dir = "/etc/cni/net.d"\n  conf_template = ""\n',
            f"{_NET}/10-kindnet.conflist": network("kindnet", "0.3.1", "ptp", "portmap"),
        },
    ),
    "eks": Tree(
        {"distro": "eks", **_PLAIN},
        {
            # In the old spelling, which containerd 2.4 reads over in this version.
            _CONTAINERD: f"version = 3\nroot = '/var/lib/containerd'\n[{_V3}.cni]\nbin_dir = '/opt/cni/bin'\n"
            "conf_dir = '/etc/cni/net.d'\n",
            f"{_NET}/10-aws.conflist": network("aws-cni", "0.4.0", "aws-cni", "egress-cni", "portmap"),
        },
    ),
    "gke": Tree(
        {"distro": "gke", **_PLAIN},
        {
            _CONTAINERD: f"version = 2\n{_CNI_OF_V2}".replace("/opt/cni/bin", "/home/kubernetes/bin"),
            f"{_NET}/10-gke-ptp.conflist": network("gke-pod-network", "0.3.1", "ptp", "portmap"),
        },
        directories=("/home/kubernetes/bin",),
    ),
    "aks": Tree(
        {"distro": "aks", **_PLAIN},
        {
            _CONTAINERD: f'version = 2\noom_score = -999\n[{_V2}]\n  [{_V2}.registry]\n    config_path = "/x"\n',
            f"{_NET}/15-azure-swift-overlay.conflist": network("azure", "0.3.0", "azure-vnet", "portmap"),
        },
    ),
    "aks-cilium": Tree(
        {"distro": "aks", **_PLAIN},
        {_CONTAINERD: "version = 2\noom_score = -999\n", f"{_NET}/05-cilium.conflist": _CILIUM},
    ),
    "aks-kubenet": Tree(
        {"distro": "aks", **_PLAIN},
        {
            _CONTAINERD: f"version = 2\n{_CNI_OF_V2}conf_template = '/etc/containerd/kubenet_template.conf'\n",
            f"{_NET}/10-containerd-net.conflist": network("kubenet", "0.3.1", "bridge", "portmap"),
        },
    ),
    # containerd 2.3's own dump names both keys.
    "vanilla": Tree(
        {"distro": "vanilla", **_PLAIN},
        {
            _CONTAINERD: f"version = 4\nimports = ['/etc/containerd/conf.d/*.toml']\n[{_V3}]\n"
            f"[{_V3}.cni]\n  bin_dir = ''\n  bin_dirs = ['/opt/cni/bin']\n  conf_dir = '/etc/cni/net.d'\n",
            f"{_NET}/10-calico.conflist": _CANAL,
        },
    ),
    "kops": Tree(
        {"distro": "vanilla", **_PLAIN},
        {_CONTAINERD: f"version = 2\n[{_V2}]\n", f"{_NET}/10-calico.conflist": _CANAL},
    ),
    "kubespray": Tree(
        {"distro": "vanilla", "api_server": "https://127.0.0.1:6443"},
        {_CONTAINERD: f'version = 3\nroot = "/var/lib/containerd"\n[{_V3}]\n', f"{_NET}/10-calico.conflist": _CANAL},
        owners={_NET: 998, "/opt/cni/bin": 998},
        found=("not-writable", "not-writable"),
    ),
    "kubespray-privileged": Tree(
        {"distro": "vanilla", "api_server": "https://127.0.0.1:6443", "security": {"privileged": True}},
        {_CONTAINERD: f'version = 3\nroot = "/var/lib/containerd"\n[{_V3}]\n', f"{_NET}/10-calico.conflist": _CANAL},
        owners={_NET: 998, "/opt/cni/bin": 998},
    ),
    # Its Cilium keeps other configurations out until the annotation k8sd/v1alpha1/cilium/cni-exclusive says otherwise.
    "k8s-snap": Tree(
        {"distro": "vanilla", **_PLAIN},
        {
            _CONTAINERD: "version = 2\nimports = ['/etc/containerd/conf.d/*.toml']\n" + _CNI_OF_V2,
            f"{_NET}/05-cilium.conflist": _CILIUM,
            "/var/lib/kubelet/pods/u/volumes/kubernetes.io~configmap/cilium-config-path/cni-exclusive": "true",
        },
        found=("cilium-exclusive",),
    ),
    # CRI-O's own packages bring no crio.conf.
    "cri-o": Tree(
        {"distro": "vanilla", **_PLAIN},
        {
            "/etc/crio/crio.conf.d/10-crio.conf": '[crio.image]\nsignature_policy = "/etc/crio/policy.json"\n\n'
            '[crio.runtime]\ndefault_runtime = "crun"\n',
            f"{_NET}/10-calico.conflist": _CANAL,
        },
    ),
    "cri-o-elsewhere": Tree(
        {"distro": "vanilla", **_PLAIN},
        {
            "/etc/crio/crio.conf.d/10-crio.conf": '[crio.runtime]\ndefault_runtime = "crun"\n',
            "/etc/crio/crio.conf.d/20-net.conf": '[crio.network]\nplugin_dirs = [\n  "/usr/libexec/cni",\n]\n',
            f"{_NET}/10-calico.conflist": _CANAL,
        },
        found=("bin-dir-elsewhere",),
    ),
    "cri-o-beside-docker": Tree(
        {"distro": "vanilla", **_PLAIN},
        {
            _CONTAINERD: _DOCKERS,
            "/etc/crio/crio.conf": '[crio.network]\nnetwork_dir = "/etc/cni/net.d/"\n'
            'plugin_dirs = ["/opt/cni/bin", "/usr/libexec/cni"]\n',
            f"{_NET}/10-calico.conflist": _CANAL,
        },
    ),
}
