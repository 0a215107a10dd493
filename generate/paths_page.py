"""docs/paths.md: what distros.py says, for people who read."""

from __future__ import annotations

from generate.distribution_notes import NOTES
from multus.args import Distro
from multus.distros import K3S_DATA_DIR, K3S_MOVED, PROFILES, Profile, Source, Tried, k3s_profile

_HEAD = """\
# Paths per distribution

Written from `components/multus/distros.py` and `generate/distribution_notes.py` by `make generate`.
All are paths on the host.
Any can be overridden by an argument; each listed node is checked against its own runtime before anything changes.
"""
_TRIED = {
    Tried.LAB: "Tried on the lab: Multus itself, on nodes in this layout with upstream's kubelet and containerd",
    Tried.FILES: "Tried on files: the checks of a node, on a tree with the files that it writes",
    Tried.NOT: "Not tried: everything here is from its sources alone",
}
_FACTS = {
    "CNI configuration": "cni_conf_dir",
    "CNI plugins": "cni_bin_dir",
    "kubelet": "kubelet_dir",
    "network namespaces": "netns_dir",
}


def written() -> str:
    """The page as it has to be."""
    return "\n".join([_HEAD, *(_section(title, about, profile) for title, about, profile in _profiles())])


def _profiles() -> list[tuple[str, str, Profile]]:
    def k3s(version: str | None = None, *, flannel: bool = True) -> Profile:
        return k3s_profile(version, flannel=flannel, data_dir=K3S_DATA_DIR)

    moved = ", ".join(f"v1.{minor}.{patch}+k3s1" for minor, patch in K3S_MOVED.items())
    newest = max(K3S_MOVED)
    before = f"v1.{newest}.{K3S_MOVED[newest] - 1}+k3s1"
    return [
        ("k3s", f"`distro: k3s`: {moved}, and every later release.", k3s()),
        (
            "k3s before October 2024",
            f"`distro: k3s` with a `k3s_version` before these, such as `{before}`.",
            k3s(before),
        ),
        (
            "k3s without flannel",
            "`distro: k3s` with `flannel: false`, which is k3s' `--flannel-backend=none`.",
            k3s(flannel=False),
        ),
        *(
            (distro.value, f"`distro: {distro.value}`." + ("" if profile.has_ssh else " No SSH."), profile)
            for distro, profile in PROFILES.items()
            if distro is not Distro.K3S
        ),
    ]


def _read_in(source: Source) -> str:
    paths = ", ".join(f"`{path}`" for path in source.path.split(", "))
    return f"- {source.repository}, {paths}, {source.version}, on {source.read}"


def _section(title: str, about: str, profile: Profile) -> str:
    rows = [f"| {fact} | `{getattr(profile, key)}` | `{key}` |" for fact, key in _FACTS.items()]
    server = f"`{profile.api_server}`" if profile.api_server else "none: has to be said"
    network = f"`{profile.network}`" if profile.network else "depends on the cluster"
    file = f" in `{profile.network_file}`" if profile.network_file else ""
    ask, read = profile.runtime.crictl or "crictl", profile.runtime.file
    unread = ", ".join(f"`{path}`" for path in profile.unread_dirs)
    excluded = ", ".join(f"`{key}`: {', '.join(values)}" for key, values in profile.excluded_nodes)
    return "\n".join(
        [
            f"## {title}",
            "",
            about,
            "",
            "| what | where | argument |",
            "| --- | --- | --- |",
            *rows,
            f"| the runtime says both by | `{ask} info`, else `{read}` | |",
            f"| API server without kube-proxy | {server} | `api_server` |",
            f"| default network | {network}{file} | `conf.network_name`, `conf.master_conf` |",
            "",
            *([f"Often named, and not read by its runtime: {unread}.", ""] if unread else []),
            *([f"Nodes without a pod, by label: {excluded}.", ""] if excluded else []),
            *(line for note in NOTES.get(title, ()) for line in (note, "")),
            f"{_TRIED[profile.tried]}.",
            "",
            "Read in:",
            "",
            *(_read_in(source) for source in profile.sources),
            "",
        ]
    )
