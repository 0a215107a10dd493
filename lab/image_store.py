"""The folder of a containerd that has the lab's images: a node is installed with a copy, as from a machine's image."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from lab import cache
from lab.commands import run
from lab.errors import LabError
from lab.images import archives
from lab.programs import Programs
from lab.waiting import until

_DATABASE = ".db"
_CRI = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]


def made(programs: Programs) -> Path:
    """The folder, made now where it is not yet in the cache."""
    # Labs that start side by side would take it away from each other.
    with cache.locked("image-store"):
        images = archives(programs)
        version = run([programs.path("containerd"), "--version"]).stdout
        digest = hashlib.sha256("\0".join([version, *map(str, images)]).encode()).hexdigest()
        folder = cache.root() / "image-stores" / digest[:16]
        if not folder.is_dir():
            with cache.made_at_once(folder) as scratch:
                _import(programs, images, scratch)
    return folder


def copy(store: Path, target: Path) -> None:
    """Give a node its own; what containerd never writes to again is the same file."""
    shutil.copytree(store, target, symlinks=True, copy_function=_copy_file, dirs_exist_ok=True)


def _copy_file(source: str, target: str) -> None:
    if not source.endswith(_DATABASE):
        try:
            os.link(source, target, follow_symlinks=False)
        except OSError:  # the cache is on another disk
            pass
        else:
            return
    shutil.copy2(source, target, follow_symlinks=False)


def _import(programs: Programs, images: list[Path], root: Path) -> None:
    log = cache.root() / "logs" / "image-store.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="multus-lab-") as folder, log.open("ab") as out:
        config, socket = Path(folder) / "config.toml", Path(folder) / "socket"
        config.write_text(
            # 1.x and 2.x read version 2 alike; each knows one of the plugins.
            f'version = 2\nroot = "{root}"\nstate = "{folder}/state"\n'
            f'disabled_plugins = {json.dumps(_CRI)}\n[grpc]\naddress = "{socket}"\n'
        )
        command = [str(programs.path("containerd")), "--config", str(config)]
        with subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as containerd:
            try:
                until(lambda: socket.exists() or containerd.poll() is not None, "containerd answers")
                if containerd.poll() is not None:
                    raise LabError("containerd ended while it started", log)
                ctr = [str(programs.path("ctr")), "--address", str(socket), "--namespace", "k8s.io", "images", "import"]
                for image in images:
                    run([*ctr, image])
            finally:
                containerd.terminate()
