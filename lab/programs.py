"""Which programs the lab needs, from where, and which versions fit: the one place that says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.errors import LabError


@dataclass(frozen=True)
class Packaged:
    """A program of the distribution; `version` are the words that make it tell its version."""

    program: str
    package: str
    version: tuple[str, ...] = ()
    at_least: tuple[int, ...] = ()
    below: tuple[int, ...] = ()


@dataclass(frozen=True)
class Build:
    """Programs of one Go module in lab/go; `found` are those that PATH may provide instead."""

    name: str
    module: str
    packages: tuple[str, ...]
    programs: tuple[str, ...]
    minutes: float
    links: tuple[str, ...] = ()
    stamp: str | None = None
    """The variable that holds the version."""
    stamps: tuple[tuple[str, str], ...] = ()
    """Further variables that the module's own makefile sets, with their values."""
    from_path: tuple[str, ...] = ()
    version: tuple[str, ...] = ("--version",)
    at_least: tuple[int, ...] = ()
    below: tuple[int, ...] = ()


PACKAGED = (
    Packaged("runc", "runc", ("--version",), (1, 1)),
    Packaged("etcd", "etcd-server", ("--version",), (3, 4)),
    Packaged("sshd", "openssh-server"),
    Packaged("ssh", "openssh-client"),
    Packaged("sudo", "sudo"),
    Packaged("iptables", "iptables"),
    Packaged("ip", "iproute2"),
    Packaged("mount", "mount"),
    Packaged("nsenter", "util-linux"),
    Packaged("curl", "curl"),
)

CONTAINERD_OLDEST = (
    Packaged("containerd", "containerd", ("--version",), at_least=(1, 6), below=(2,)),
    Packaged("ctr", "containerd"),
)

BUSYBOX = Packaged("busybox", "busybox-static")
"""Unpacked, never installed: the package would push out a busybox that the machine's own boot uses."""

_KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")
_CONTAINERD = ("containerd", "containerd-shim-runc-v2", "ctr")
_WHEREABOUTS = "github.com/k8snetworkplumbingwg/whereabouts"
_PLUGINS = "github.com/containernetworking/plugins/plugins"

MULTUS = Build(
    name="multus",
    module="gopkg.in/k8snetworkplumbingwg/multus-cni.v4",
    packages=("gopkg.in/k8snetworkplumbingwg/multus-cni.v4/cmd/...",),
    programs=("multus", "multus-daemon", "multus-shim", "passthru-cni", "install_multus", "thin_entrypoint"),
    minutes=2,
)
MULTUS_EARLIER = replace(MULTUS, name="multus-earlier")
"""The release from which people upgrade."""

BUILDS = (
    Build(
        name="kubernetes",
        module="k8s.io/kubernetes",
        packages=(".",),
        programs=("kubernetes",),
        links=_KUBERNETES,
        minutes=8,
        stamp="k8s.io/component-base/version.gitVersion",
        from_path=_KUBERNETES,
        # kubectl has other words for it; it comes with the rest.
        at_least=(1, 37),
        below=(1, 38),
    ),
    MULTUS,
    Build(
        name="pulumi",
        module="github.com/pulumi/pulumi/pkg/v3",
        packages=("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",),
        programs=("pulumi",),
        minutes=4,
        stamp="github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
        from_path=("pulumi",),
        version=("version",),
        at_least=(3, 249),
    ),
)

CNI = Build(
    name="cni",
    module="github.com/containernetworking/plugins",
    packages=(
        f"{_PLUGINS}/ipam/host-local",
        f"{_PLUGINS}/ipam/static",
        f"{_PLUGINS}/main/bridge",
        f"{_PLUGINS}/main/loopback",
        f"{_PLUGINS}/main/macvlan",
        f"{_PLUGINS}/meta/bandwidth",
        f"{_PLUGINS}/meta/portmap",
    ),
    programs=("bridge", "macvlan", "loopback", "host-local", "static", "portmap", "bandwidth"),
    minutes=0.5,
)
CNI_OLDEST = replace(CNI, name="cni-oldest")

CONTAINERD = Build(
    name="containerd",
    module="github.com/containerd/containerd/v2",
    packages=tuple(f"github.com/containerd/containerd/v2/cmd/{program}" for program in _CONTAINERD),
    programs=_CONTAINERD,
    minutes=1,
    stamp="github.com/containerd/containerd/v2/version.Version",
    from_path=_CONTAINERD,
    at_least=(2, 4),
    below=(3,),
)

CRI_TOOLS = Build(
    name="cri-tools",
    module="sigs.k8s.io/cri-tools",
    packages=("sigs.k8s.io/cri-tools/cmd/crictl",),
    programs=("crictl",),
    minutes=0.5,
    stamp="sigs.k8s.io/cri-tools/pkg/version.Version",
)

HELM = Build(
    name="helm",
    module="helm.sh/helm/v4",
    packages=("helm.sh/helm/v4/cmd/helm",),
    programs=("helm",),
    minutes=1,
    stamp="helm.sh/helm/v4/internal/version.version",
    from_path=("helm",),
    version=("version", "--short"),
    at_least=(4, 3),
    below=(5,),
)
HELM_OLDEST = replace(
    HELM,
    name="helm-oldest",
    module="helm.sh/helm/v3",
    packages=("helm.sh/helm/v3/cmd/helm",),
    stamp="helm.sh/helm/v3/internal/version.version",
    # The Kubernetes for which `helm template` renders; without it 1.20, which charts refuse.
    stamps=(
        ("helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor", "1"),
        ("helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor", "37"),
    ),
    # The first that takes over objects of nobody's release.
    at_least=(3, 17),
    below=(4,),
)

CNI_OTHERS = replace(
    CNI,
    name="cni-others",
    packages=(
        f"{_PLUGINS}/ipam/dhcp",
        f"{_PLUGINS}/main/host-device",
        f"{_PLUGINS}/main/ipvlan",
        f"{_PLUGINS}/main/vlan",
        f"{_PLUGINS}/meta/sbr",
        f"{_PLUGINS}/meta/tuning",
    ),
    programs=("dhcp", "host-device", "ipvlan", "vlan", "sbr", "tuning"),
)

ON_DEMAND = (
    CNI_OTHERS,
    MULTUS_EARLIER,
    Build(
        name="yaml",
        module="github.com/pulumi/pulumi-yaml",
        packages=(".",),
        programs=("pulumi-language-yaml",),
        minutes=2,
        from_path=("pulumi-language-yaml",),
    ),
    Build(
        name="go-sdk",
        module="github.com/pulumi/pulumi/pkg/v3",
        packages=(".",),
        programs=("go-sdk",),
        minutes=2,
    ),
    Build(
        name="whereabouts",
        module=_WHEREABOUTS,
        packages=tuple(f"{_WHEREABOUTS}/cmd{part}" for part in ("", "/controlloop", "/reconciler")),
        programs=("cmd", "controlloop", "reconciler"),
        minutes=4,
    ),
)
"""What a single test needs: built by `prepare` or when it is asked for by name, and no part of the lab."""


@dataclass(frozen=True)
class Programs:
    """Every program of the lab, found or built."""

    paths: Mapping[str, Path] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """Return a program's path."""
        try:
            return self.paths[name]
        except KeyError:
            raise LabError(f"the lab has no program {name}; it has {', '.join(sorted(self.paths))}") from None
