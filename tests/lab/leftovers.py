"""What CNI plugins keep on a node for sandboxes, and which of it belongs to none that lives."""

from __future__ import annotations

import re

from lab.node import Node

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


def has_conf(node: Node) -> bool:
    """Whether Multus' configuration is on a node."""
    return "00-multus" in node.run(["ls", str(node.look.conf_dir)]).stdout
