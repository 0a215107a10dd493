"""Images that a story packs for itself, on the nodes that need them."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.cluster import Cluster
from lab.node import Node
from lab.oci import Image, pack


def load(image: Image, nodes: Sequence[Node]) -> str:
    """Give the nodes an image; its name."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "image.tar"
        pack(image, archive, platform.machine())
        for node in nodes:
            ctr = ["ctr", "--address", str(node.look.containerd_socket), "--namespace", "k8s.io"]
            node.run([*ctr, "images", "import", "-"], input=archive.read_bytes())
    return image.name


def with_shell(name: str, cluster: Cluster, programs: Mapping[str, Path], *tools: str) -> Image:
    """An image of these programs, each by its path inside, and of busybox under the names of some tools."""
    links = {f"/bin/{tool}": "busybox" for tool in tools}
    return Image(name, {"/bin/busybox": cluster.programs.path("busybox"), **programs}, links)
