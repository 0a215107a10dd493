"""A node's disk: what an installed distro has on it before the first boot, and what is on it now."""

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lab.looks import Look

OWN = PurePosixPath("/etc/multus-lab")
"""The folder of the files that the lab needs on a node."""

_ROOTS = ("etc", "opt", "usr/local", "var")
_FOREIGN = ("cni", "containerd", "kubernetes", "rancher")
_VAR = ("cache", "lib", "log", "spool", "lib/cni/networks", "lib/cni/results")
_CHURN = ("/var/lib/kubelet", "/var/log", "/var/lib/kube-proxy", "/opt/containerd")
_NETWORKS = PurePosixPath("/var/lib/cni/networks")


@dataclass(frozen=True)
class Disk:
    """The node's own /etc and /usr/local (laid over the machine's), /opt and /var, in one folder of the machine."""

    folder: Path

    def at(self, path: PurePosixPath) -> Path:
        """The machine's path of a file on the node's disk."""
        return self.folder / path.relative_to("/")

    @property
    def installed(self) -> bool:
        """Whether a node was installed here."""
        return self.at(OWN / "installed").exists()

    def empty(self) -> None:
        """Erase everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def format(self) -> None:
        """Lay out the empty disk."""
        for name in (*_ROOTS, "etc.work", "local.work", "run"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name in _VAR:
            self.at(PurePosixPath("/var", name)).mkdir(parents=True, exist_ok=True)
        self.at(PurePosixPath("/var/tmp")).mkdir(exist_ok=True)  # noqa: S108
        self.at(PurePosixPath("/var/tmp")).chmod(0o1777)  # noqa: S108
        for name, target in (("run", "/run"), ("lock", "/run/lock")):
            self.link(PurePosixPath("/var", name), PurePosixPath(target))

    def seal(self) -> None:
        """Hide what a cluster of the machine's own keeps in /etc, and mark the disk as installed."""
        for name in _FOREIGN:
            mine = self.folder / "etc" / name
            if mine.is_dir():
                os.setxattr(mine, "trusted.overlay.opaque", b"y")
            elif Path("/etc", name).exists():
                os.mknod(mine, stat.S_IFCHR, os.makedev(0, 0))
        self.write(OWN / "installed", "")

    def write(self, path: PurePosixPath, content: str | bytes, mode: int = 0o644) -> None:
        """Write a file, with the folders it needs."""
        at = self.at(path)
        at.parent.mkdir(parents=True, exist_ok=True)
        at.touch(mode=mode)
        at.chmod(mode)
        at.write_bytes(content.encode() if isinstance(content, str) else content)

    def copy(self, source: Path, path: PurePosixPath, mode: int) -> None:
        """Copy a file of the machine onto the disk."""
        self.write(path, source.read_bytes(), mode)

    def link(self, path: PurePosixPath, target: PurePosixPath) -> None:
        """Make a symbolic link, where there is none yet."""
        at = self.at(path)
        at.parent.mkdir(parents=True, exist_ok=True)
        if not at.is_symlink():
            at.symlink_to(target)

    def tree(self, look: Look) -> dict[str, tuple[str, str]]:
        """Every file, link and folder: mode, and hash or target; without folders that change all the time."""
        churn = {*_CHURN, str(look.containerd_root)}
        return {
            path: (stat.filemode(entry.lstat().st_mode), _content(entry))
            for root in _ROOTS
            for path, entry in _walk(self.folder / root, PurePosixPath("/", root), churn)
        }


def conflist(look: Look, pod_network: str) -> str:
    """The default network, as flannel's own file says it, with the bridge plugin in flannel's place."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "isDefaultGateway": True,
        "hairpinMode": True,
        "ipMasq": False,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": pod_network}]]},
    }
    chained = [{"type": plugin, "capabilities": {capability: True}} for plugin, capability in look.capabilities]
    return json.dumps({"name": look.network, "cniVersion": "1.0.0", "plugins": [bridge, *chained]}, indent=2) + "\n"


def _walk(folder: Path, name: PurePosixPath, churn: set[str]) -> Iterator[tuple[str, Path]]:
    for entry in sorted(folder.iterdir()):
        path = name / entry.name
        if str(path) in churn:
            continue
        if not _bookkeeping(path, entry):
            yield str(path), entry
        if entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry, path, churn)


def _bookkeeping(path: PurePosixPath, entry: Path) -> bool:
    """Whether host-local keeps this file or folder after it has given the last address back."""
    kept = path.name == "lock" or path.name.startswith("last_reserved_ip.") or entry.is_dir()
    return kept and _NETWORKS in path.parents


def _content(entry: Path) -> str:
    if entry.is_symlink():
        return str(entry.readlink())
    if entry.is_file():
        return hashlib.sha256(entry.read_bytes()).hexdigest()
    return ""
