"""What a user changes in a stack's configuration between two runs."""

from __future__ import annotations

from typing import Any

import yaml

from lab.cluster import Cluster
from lab.engine import Stack


def configure(stack: Stack, *, of: str = "multus", **settings: Any) -> None:
    """Set configuration keys of a namespace by editing the stack's file, as a user may; None removes one."""
    stack.prepare()
    content = yaml.safe_load(stack.config_file.read_text())
    for key, value in settings.items():
        content["config"].pop(f"{of}:{key}", None)
        if value is not None:
            content["config"][f"{of}:{key}"] = value
    stack.config_file.write_text(yaml.safe_dump(content, sort_keys=False))


def listed(cluster: Cluster) -> list[dict[str, str]]:
    """Every node of the cluster as the stack's configuration lists it."""
    return [{"name": node.name, "host": node.address, "hostKey": node.host_key} for node in cluster.nodes]
