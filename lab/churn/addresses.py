"""Addresses that host-local holds for sandboxes which are no more."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

from lab.node import Node

_RESERVATIONS = "/var/lib/cni/networks"
_ID = r"[0-9a-f]{64}"
# A kubelet looks once a minute for sandboxes that are dead and not yet taken down.
_SECONDS_TO_GIVE_BACK = 75
_MOMENT = 0.5


def leaked(nodes: Iterable[Node]) -> set[str]:
    """What is reserved for no sandbox that runs: `NODE NETWORK ADDRESS OWNER`."""
    found = set()
    for node in nodes:
        if node.powered:
            # In this order: a sandbox that is made meanwhile counts as running.
            reserved, running = _reserved(node), _running(node)
            dead = [each for each in reserved if each[2] not in running]
            found |= {f"{node.name} {network} {address} {owner}" for network, address, owner in dead}
    return found


def leaked_since(nodes: list[Node], before: set[str]) -> set[str]:
    """What has leaked since; what is about to be given back has its time."""
    deadline = time.monotonic() + _SECONDS_TO_GIVE_BACK
    while (found := leaked(nodes) - before) and time.monotonic() < deadline:
        time.sleep(_MOMENT)
    return found


def _reserved(node: Node) -> list[tuple[str, str, str]]:
    """Network, address and the sandbox that each reservation is for."""
    lines = node.run(["grep", "-rEo", _ID, _RESERVATIONS], check=False).stdout.splitlines()
    found = (re.fullmatch(rf"{_RESERVATIONS}/([^/]+)/([^/:]+):({_ID})", line) for line in lines)
    return [(match[1], match[2], match[3]) for match in found if match]


def _running(node: Node) -> set[str]:
    ctr = ["ctr", "--address", str(node.look.containerd_socket), "--namespace", "k8s.io"]
    tasks = [line.split() for line in node.run([*ctr, "tasks", "list"]).stdout.splitlines()[1:]]
    return {words[0] for words in tasks if words[2:] == ["RUNNING"]}
