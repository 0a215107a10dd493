"""charts/multus/values-*.yaml: the chart's values per kind of cluster, from the profiles of distros.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from multus.args import Distro
from multus.distros import K3S_DATA_DIR, K3S_MOVED, PROFILES, Profile, k3s_profile
from multus.server import parse_server

_MOVED = [f"v1.{minor}.{patch}" for minor, patch in K3S_MOVED.items()]
_SINCE = f"{', '.join(_MOVED[:-1])} and {_MOVED[-1]} (+k3s1)"
_BEFORE = f"v1.{max(K3S_MOVED)}.{K3S_MOVED[max(K3S_MOVED)] - 1}+k3s1"
_HEADS = {
    "k3s": f"# k3s since {_SINCE} with its own flannel, whose network is named cbr0.\n",
    "k3s-legacy": f"# k3s before {_SINCE}, whose plugin directory changes its name with every release.\n",
    "vanilla": """\
# Clusters with containerd's own directories, as kubeadm makes them. Say where the API server is:
#   helm install multus charts/multus -n kube-system -f values-vanilla.yaml --set apiServer.host=192.0.2.1
""",
}


def _written(name: str, profile: Profile) -> str:
    """The values in which a kind of cluster differs from values.yaml, and those that people look for."""
    lines = ["cni:", f"  configDir: {profile.cni_conf_dir}", f"  binDir: {profile.cni_bin_dir}"]
    if profile.plugins_dir != profile.cni_bin_dir:
        lines += ["  # Where the links in binDir lead to.", f"  pluginsDir: {profile.plugins_dir}"]
    lines.append("")
    if profile.api_server:
        server = parse_server(profile.api_server)
        lines.append("# The agent's own balancer, on every node, which needs no kube-proxy.")
        lines += ["apiServer:", f"  host: {server.host}", f"  port: {server.port}"]
    else:
        lines += ["apiServer:", "  port: 6443"]
    if profile.network_file:
        lines += ["", "# Flannel stays the default network.", "network:", f"  file: {profile.network_file}"]
    return _HEADS[name] + "# Written by `make generate` from components/multus/distros.py.\n" + "\n".join(lines) + "\n"


_PROFILES = {
    "k3s": PROFILES[Distro.K3S],
    "k3s-legacy": k3s_profile(_BEFORE, flannel=True, data_dir=K3S_DATA_DIR),
    "vanilla": PROFILES[Distro.VANILLA],
}
FILES: dict[str, Callable[[], str]] = {
    f"values-{name}.yaml": partial(_written, name, profile) for name, profile in _PROFILES.items()
}
"""What writes each file, by its name."""
