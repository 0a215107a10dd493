"""What users of a distribution should know besides its paths: sentences of docs/paths.md, by the title of its section.

They were read in the same sources as the paths (components/multus/distros.py).
"""

from __future__ import annotations

_NO_CRICTL = """It brings no `crictl`. Where the node has none either, its runtime's files are read, and nothing tells
whether the runtime has loaded a configuration."""
_SERVER_OF_K3S = """`https://127.0.0.1:6444` is the agent's balancer, and on a server the API server itself. With
`--lb-server-port`, or on servers with `--https-listen-port N` (then it is N+1), the port is another one; with
`--disable-apiserver-lb` nothing listens on agents. In a cluster whose first service CIDR is IPv6, servers listen at
`https://[::1]:6444`, and agents before September 2025 do too. Set `api_server` in each of these cases."""
_ON_K3S = (
    _SERVER_OF_K3S,
    """A template of your own (`config-v3.toml.tmpl`) may name other directories: write `flannel: false` and, as
`cni_conf_dir` and `cni_bin_dir`, what it names.""",
    """On docker (`--docker`) or another runtime (`--container-runtime-endpoint`) k3s writes no configuration for it:
without `crictl` the preflight only warns.""",
    """With `--selinux` a confined pod may write neither directory: set `security.selinux.type` or
`security.privileged`, or label both `container_file_t`.""",
)
_WITH_FLANNEL = (
    """`--flannel-cni-conf` copies any file to `10-flannel.conflist`: where its network is not named `cbr0`, set
`conf.network_name`.""",
    """With a `data_dir`, plugins lie in `/var/lib/rancher/k3s/data/cni` where the same release was unpacked there
before, as `k3s kubectl` does it: the preflight says so; set `cni_bin_dir`.""",
)
_ENFORCED = """Pod Security lets these pods into `kube-system` alone{when}; another namespace needs the label
`pod-security.kubernetes.io/enforce: privileged`, which `create_namespace` sets. Without it the DaemonSets have no pods:
`violates PodSecurity`."""

NOTES: dict[str, tuple[str, ...]] = {
    "k3s": (*_ON_K3S, *_WITH_FLANNEL),
    "k3s before October 2024": (*_ON_K3S, *_WITH_FLANNEL),
    "k3s without flannel": _ON_K3S,
    "vanilla": (
        "It fits kubeadm, kubespray, kOps, Canonical Kubernetes (k8s-snap) and EKS Anywhere, with containerd or CRI-O.",
        """Kubespray gives both directories to its user `kube`, and an unprivileged pod cannot write them: `chown root`
them, or set `security.privileged`. `https://127.0.0.1:6443` works on all its nodes unless `loadbalancer_apiserver` is
set.""",
        """Canonical Kubernetes answers at `https://127.0.0.1:6443` on all nodes, unless its port was changed.""",
        """The Cilium of both keeps other configurations out until it is told not to: `cni.exclusive: false`, with
Canonical Kubernetes the annotation `k8sd/v1alpha1/cilium/cni-exclusive=false`.""",
        """CRI-O may be told any plugin directory: the preflight reads `/etc/crio/crio.conf` and its drop-ins.""",
    ),
    "rke2": (
        """It can bring a Multus of its own (`cni: multus,canal`), as Harvester always does: use that one or this, not
both.""",
        """IPv6-first agents before September 2025 listen on `[::1]` alone: set `api_server` to
`https://[::1]:6443`.""",
        _ENFORCED.format(when=" under its CIS profile"),
    ),
    "microk8s": (
        """Each refresh of the snap makes links to `/snap/microk8s/current` of its plugins, so that thick's pods mount
`/snap` too.""",
        """Without high availability its network is flannel, `microk8s-flannel-network` in `flannel.conflist`: set
`conf.network_name` and `conf.master_conf`.""",
        _NO_CRICTL,
    ),
    "k0s": (
        """With node-local load balancing, workers reach the API server at `https://127.0.0.1:7443`; controllers do
not.""",
        """kube-router adds the pods' ranges to its file after the file has appeared. On a node that joins, a pod of
Multus that is quicker keeps a copy without them, and no pod gets an address: restart that pod.""",
        """kube-router's init container removes every `*.conf` when its own file is missing, `00-multus.conf` too.
`k0s reset` leaves Multus' files.""",
        _NO_CRICTL,
    ),
    "kind": (
        """It ships the plugins `host-local`, `loopback`, `portmap` and `ptp` alone: others by `reference_plugins`.""",
    ),
    "minikube": (
        """Its network is `bridge` in `1-k8s.conflist` on one node with docker or in a virtual machine, else `kindnet`
in `10-kindnet.conflist`; with containerd, which v1.39 takes by default, it is the latter.""",
        "`https://control-plane.minikube.internal:8443` is an API server that every node reaches.",
        "A virtual machine keeps neither `/etc` nor `/opt` over a stop: Multus is gone until its pod runs again.",
    ),
    "talos": (
        """`https://127.0.0.1:7445` is KubePrism, which a machine configuration can switch off and which old ones do not
have: nothing here can check it.""",
        """The kubelet runs in a container without `/opt`, so that the volume of the plugins has no type for it to
check.""",
        """It ships `bridge`, `firewall`, `flannel`, `host-local`, `loopback` and `portmap` alone: others by
`reference_plugins`.""",
        "From v1.14 `/etc/cni` is empty after a reboot until pods have written it.",
        _ENFORCED.format(when=""),
    ),
    "eks": (
        """No pod runs on Fargate, which has no host, on hybrid nodes, whose CNI is another one, and on nodes of Auto
Mode, where AWS supports no other CNI plugin. A cluster of Auto Mode alone cannot have Multus. For hybrid nodes alone
write `distro: vanilla` with an affinity.""",
        """Multus v4.3.0 hands no pod annotations on, so that those of the VPC CNI for several network cards have no
effect.""",
        """Bottlerocket has no SSH of the host's: leave its nodes out of `nodes`. Its `/etc/cni` is empty after a reboot
until pods have written it.""",
    ),
    "gke": (
        "Autopilot admits no pod that mounts what Multus needs.",
        """Pods of `system-node-critical` are admitted to `kube-system` alone; another namespace needs a ResourceQuota
that names the class, which `create_namespace` brings. Without it the DaemonSets have no pods: `insufficient quota to
match these scopes`.""",
        """netd removes `10-gke-ptp.conflist` while Cilium is not well, and writes it again: meanwhile a preflight finds
no default network. `/etc` is empty after a reboot until pods have written it.""",
        "Google Distributed Cloud says `-gke.` too, and brings Multus itself.",
    ),
    "aks": (
        """The network is the plug-in's: `azure` in `15-azure-swift-overlay.conflist` with overlay, `azure` in
`10-azure.conflist` with node subnets, `cilium` in `05-cilium.conflist` with Cilium, `kubenet` in
`10-containerd-net.conflist` with kubenet. Where `conf` has to name it, it has to be said.""",
        "No pod runs on virtual nodes, which have no host.",
        "A node pool may have SSH switched off: leave its nodes out of `nodes`.",
    ),
}
"""Sections of docs/paths.md that have any."""
