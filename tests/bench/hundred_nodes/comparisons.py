"""Programs to compare with: nothing, a resource of each plugin, and as many bare resources as an install has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

_PROJECT = "name: multus\nruntime:\n  name: python\n"
EMPTY = "import pulumi\n"
_BARE = """import pulumi
import pulumi_kubernetes as k8s
from pulumi_command import remote

config = pulumi.Config("multus")
provider = k8s.Provider("cluster", kubeconfig=config.require_secret("kubeconfig"), cluster_identifier="bench")
options = pulumi.ResourceOptions(provider=provider)
key = config.require_secret("sshPrivateKey")
nodes = config.require_object("nodes")
commands, objects = {counts}
for number in range(commands):
    node = nodes[number % len(nodes)]
    connection = remote.ConnectionArgs(host=node["host"], host_key=node["hostKey"], private_key=key)
    remote.Command(f"command-{{number}}", connection=connection, create="true")
for number in range(objects):
    name = f"bench-{{number}}"
    k8s.core.v1.ConfigMap(name, metadata={{"name": name, "namespace": "default"}}, data={{"a": "b"}}, opts=options)
"""


def bare(commands: int, objects: int) -> str:
    """A program with that many commands, which say nothing, and that many small objects; nothing waits for another."""
    return _BARE.format(counts=json.dumps([commands, objects]))


def counts_of(operations: Mapping[str, int]) -> tuple[int, int]:
    """How many resources of the two plugins a run made: on hosts, and in the cluster."""
    on_hosts = sum(count for kind, count in operations.items() if kind.startswith("command:"))
    return on_hosts, sum(count for kind, count in operations.items() if kind.startswith("kubernetes:"))


def write(folder: Path, program: str) -> Path:
    """Make a folder with that program in it."""
    folder.mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text(_PROJECT)
    (folder / "__main__.py").write_text(program)
    return folder
