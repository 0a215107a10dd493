"""clean gives back what no cache tells of: by host-local's own GC, and only where it knows what lives."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from lab import gobuild, prepare
from lab.grounds import TODAY
from multus.node_steps import USUAL_STATES
from tests.support.scratch_node import BIN_DIR, Node

DEAD, ALIVE, NEW = "d" * 64, "a" * 64, "e" * 64
NETWORKS = "/var/lib/cni/networks"
# As the first with a GC says; an older one does nothing and ends with 0, which was tried with 1.9.0.
FIRST_WITH_GC = (1, 10)


def reserve(node: Node, network: str, address: str, sandbox: str, *, minutes: float = 60) -> Path:
    """What host-local writes for a sandbox's interface, and what it remembers for the next one."""
    folder = node.at(f"{NETWORKS}/{network}")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / address
    file.write_text(f"{sandbox}\r\nnet1", encoding="utf-8")
    (folder / "last_reserved_ip.0").write_text(address, encoding="utf-8")
    os.utime(file, (time.time() - 60 * minutes,) * 2)
    return file


@pytest.fixture
def installed(installed: Node) -> Node:
    """A node whose sandboxes containerd knows, without a cache of Multus, and whose stack goes."""
    installed.api.marker_is_there = False
    runs(installed)
    return installed


def runs(node: Node, *sandboxes: str, namespace: str = "k8s.io", state: str = "/run/containerd") -> None:
    tasks = node.at(f"{state}/io.containerd.runtime.v2.task/{namespace}")
    tasks.mkdir(parents=True, exist_ok=True)
    for sandbox in sandboxes:
        (tasks / sandbox).mkdir()


@pytest.fixture(scope="module")
def host_local() -> Path:
    """The plugin itself, as the lab builds it."""
    return prepare.program("host-local")


def recorded(node: Node, **options: str) -> list[dict[str, Any]]:
    """Lets host-local be one before 1.10, which answers a GC and does nothing; how it was called."""
    log = node.root.parent / "host-local.log"
    script = f'#!/bin/sh\nprintf "%s " "$CNI_COMMAND" >>{log}\ncat >>{log}\necho >>{log}\n'
    program = node.at(BIN_DIR) / "host-local"
    program.write_text(script, encoding="utf-8")
    program.chmod(0o755)
    result = node.clean(**options)
    assert result.ok, result.err
    calls = []
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
        command, _, configuration = line.partition(" ")
        calls.append({"command": command, **json.loads(configuration)})
    return calls


def test_clean_gives_back_what_no_cache_tells_of(installed: Node, host_local: Path) -> None:
    shutil.copy(host_local, installed.at(BIN_DIR) / "host-local")
    runs(installed, ALIVE)
    dead = reserve(installed, "second", "10.98.0.2", DEAD)
    alone = reserve(installed, "third", "fd00::2", DEAD)
    kept = [
        reserve(installed, "second", "10.98.0.3", ALIVE),
        reserve(installed, "second", "10.98.0.4", NEW, minutes=1),
        reserve(installed, "cbr0", "10.42.0.9", DEAD),
    ]
    result = installed.clean()
    assert result.ok, result.err
    if has_gc(host_local):
        assert "gave back 2 addresses of dead sandboxes" in result.out
        assert result.err == ""
    else:
        assert f"{NETWORKS}: 2 addresses stay reserved for dead sandboxes" in result.err
    assert [dead.exists(), alone.exists()] == [not has_gc(host_local)] * 2
    assert all(file.exists() for file in kept)


def has_gc(plugin: Path) -> bool:
    """Whether this is a version with a GC; the lab's is the one that lab/go pins."""
    [build] = [each for each in TODAY.builds if plugin.name in each.programs]
    version = gobuild.pinned_version(build).removeprefix("v")
    return tuple(int(part) for part in version.split(".")[:2]) >= FIRST_WITH_GC


def test_host_local_is_told_of_everything_that_may_live(installed: Node) -> None:
    """It takes whatever it is not told of: a pod that is being made reserves before it runs."""
    runs(installed, ALIVE)
    reserve(installed, "second", "10.98.0.2", DEAD)
    reserve(installed, "second", "10.98.0.3", ALIVE)
    reserve(installed, "second", "10.98.0.4", NEW, minutes=1)
    [call] = recorded(installed)
    assert (call["command"], call["name"]) == ("GC", "second")
    living = [{"containerID": sandbox, "ifname": "net1"} for sandbox in (ALIVE, NEW)]
    assert call["cni.dev/valid-attachments"] == living
    assert f"{NETWORKS}: 1 addresses stay reserved for dead sandboxes" in installed.said[-1]
    assert not [words for words, _ in installed.plugin_calls if words[0] == "GC"], "Multus makes a list of its own"


@pytest.mark.parametrize("file", ["10-flannel.conflist", "nerdctl-cbr0.conflist"])
def test_a_network_that_others_use_at_this_moment_is_left_alone(installed: Node, file: str) -> None:
    """They would reserve between the look and the GC. The runtime gives its own addresses back by itself."""
    reserve(installed, "cbr0", "10.42.0.9", DEAD)
    (installed.conf / "10-flannel.conflist").rename(installed.conf / file)
    assert recorded(installed) == []
    assert installed.at(f"{NETWORKS}/cbr0/10.42.0.9").exists()


def test_containers_of_others_live_too(installed: Node) -> None:
    runs(installed, ALIVE, namespace="default")
    reserve(installed, "theirs", "10.4.0.2", ALIVE)
    assert recorded(installed) == []


@pytest.mark.parametrize("state", [*USUAL_STATES, "/run/k0s/containerd"])
def test_sandboxes_live_where_their_runtime_keeps_them(installed: Node, state: str) -> None:
    shutil.rmtree(installed.at("/run/containerd"))
    runs(installed, ALIVE, state=state)
    reserve(installed, "second", "10.98.0.3", ALIVE)
    reserve(installed, "second", "10.98.0.2", DEAD)
    [call] = recorded(installed, **({} if state in USUAL_STATES else {"runtime_state": state}))
    assert [each["containerID"] for each in call["cni.dev/valid-attachments"]] == [ALIVE]


def test_without_containerds_own_list_nothing_is_collected(installed: Node) -> None:
    """What a crictl says may be another runtime's."""
    shutil.rmtree(installed.at("/run/containerd"))
    reserve(installed, "second", "10.98.0.2", DEAD)
    installed.add_tool("crictl", '[ "$1" = pods ]')
    assert recorded(installed) == []
    assert "1 addresses stay reserved" in installed.said[-1]
