"""What CNI plugins keep on a node for sandboxes, and which of it belongs to none that lives."""

from __future__ import annotations

import re

from lab.churn.site import has_conf as has_conf
from lab.node import Node

Trees = dict[str, dict[str, tuple[str, str]]]
"""Each node's own files: path to (mode, hash or link target)."""

_ID = re.compile(r"[0-9a-f]{64}")


def of_no_sandbox(node: Node) -> list[str]:
    """Files under /var/lib/cni that name a sandbox which is no more."""
    ctr = ["ctr", "--address", str(node.look.containerd_socket), "--namespace", "k8s.io"]
    live = set(node.run([*ctr, "containers", "list", "--quiet"]).stdout.split())
    named = node.run(["grep", "-rEo", _ID.pattern, "/var/lib/cni"], check=False).stdout.splitlines()
    files = node.run(["find", "/var/lib/cni", "-type", "f"]).stdout.splitlines()
    # A reservation holds its owner's id in the file, a cached result in the file's name.
    owned = [line.rpartition(":") for line in named if "/networks/" in line]
    cached = [(file, "", found[0]) for file in files if (found := _ID.search(file))]
    return sorted({file for file, _, owner in [*owned, *cached] if owner not in live})


def reservations_and_files(tree: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """A node's files without host-local's note of the last address, its lock, and the folder of a user's network.

    The configuration of a MultusNetwork has its namespace in its name.
    """
    bookkeeping = re.compile(r"var/lib/cni/networks/(second|other|default\.[^/]+|[^/]+/(lock|last_reserved_ip\.0))$")
    return {path: entry for path, entry in tree.items() if not bookkeeping.search(path)}
