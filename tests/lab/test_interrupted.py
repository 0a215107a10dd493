"""An `up`, a `destroy` or a node's step that is killed half way, and what it takes to end well.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from lab.cgroups import Cgroup
from lab.images import MULTUS_THIN
from lab.node import Node
from lab.waiting import until
from tests.support.lab.cells import Cell
from tests.support.lab.changes import configure, failed, image
from tests.support.lab.churn import churn
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.leftovers import of_no_sandbox
from tests.support.lab.pods import NETWORK

COPY = "example.org/multus-cni"

CELL = Cell("vanilla")


@pytest.fixture(scope="module")
def lab(clusters: Clusters) -> Lab:
    return clusters.lab(CELL)


def killed(lab: Lab, line: str, *, once: Callable[[], bool] = lambda: True) -> None:
    """Killed at that line, and refused until `pulumi cancel` has freed the lock, as the engine itself says."""
    assert lab.stack.killed_at(line, once=once).returncode == -signal.SIGKILL
    failed(lab.stack.up(), "pulumi cancel")
    lab.stack.cancel().check()


def test_an_install_killed_at_every_step_ends_well_with_adopt(lab: Lab) -> None:
    killed(lab, "multus-preflight-lab-1 creating")
    killed(lab, "multus-provision-lab-1 creating")
    # It would be chance whether the object is there already, or counts as made.
    configure(lab.stack, scheduling={"minReadySeconds": 60})
    killed(lab, "multus-daemonset creating", once=lambda: has_daemon_set(lab))
    configure(lab.stack, scheduling={"minReadySeconds": 1})
    failed(lab.stack.up(), "multus-daemonset", "already exists")
    configure(lab.stack, adopt=True)
    for step in ("multus-daemonset creating", "multus-verify-lab-1 creating"):
        killed(lab, step)
    succeeded(lab.stack.up())
    lab.pods.create_network()
    lab.pods.create("kept", node="lab-1", network=NETWORK)
    assert lab.pods.address("kept", "net1").startswith("10.98.0.")
    configure(lab.stack, adopt=None)
    with churn(lab.cluster):
        succeeded(lab.stack.up())
        succeeded(lab.stack.up("--expect-no-changes"))


def has_daemon_set(lab: Lab) -> bool:
    found: list[Any] = client.AppsV1Api(lab.pods.api).list_namespaced_daemon_set("kube-system").items
    return "kube-multus-ds" in [each.metadata.name for each in found]


def test_a_rotation_killed_half_way_ends_well_by_itself(lab: Lab) -> None:
    configure(lab.stack, rotation="2")
    with churn(lab.cluster):
        killed(lab, "multus-daemonset updating")
        succeeded(lab.stack.up())
    tokens = [name for name in secrets(lab) if "multus-token" in name]
    assert tokens == ["multus-token-2"]


def secrets(lab: Lab) -> list[str]:
    found: list[Any] = lab.pods.core.list_namespaced_secret("kube-system").items
    return [secret.metadata.name for secret in found]


def test_a_nodes_step_killed_half_way_ends_well_by_itself(lab: Lab) -> None:
    [node] = lab.cluster.nodes
    configure(lab.stack, rotation="3")
    with churn(lab.cluster), ThreadPoolExecutor(1) as background:
        running = background.submit(lab.stack.up)
        until(lambda: killed_on(node, "provision"), "the step was killed", every=0.01)
        failed(running.result(), "multus-provision-lab-1")
        succeeded(lab.stack.up())
        succeeded(lab.stack.up("--expect-no-changes"))


def killed_on(node: Node, phase: str) -> bool:
    """Kill the node program in that phase, if it runs there now."""
    # Few enough to be looked through within the moment that a phase takes.
    for process in Cgroup(node.layout.cgroup).child(node.name).child("daemons").processes():
        try:
            command = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
            parent = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1]
            bounded = Path(f"/proc/{parent}/comm").read_text().strip() == "timeout"
            # A subshell of the program has its words too; only the program itself is run by `timeout`.
            if bounded and command[:1] == [b"sh"] and command[2:3] == [phase.encode()]:
                os.kill(process, signal.SIGKILL)
                return True
        except OSError:  # the process has ended since
            continue
    return False


def test_a_destroy_killed_half_way_is_repeated(lab: Lab) -> None:
    lab.pods.delete("kept")
    killed_destroy(lab, "multus-verify-lab-1 deleting")
    killed_destroy(lab, "multus-daemonset deleting")
    killed_destroy(lab, "multus-provision-lab-1 deleting")
    succeeded(lab.stack.destroy())
    [node] = lab.cluster.nodes
    conf_dir = str(lab.cluster.look.conf_dir)
    assert node.run(["ls", conf_dir]).stdout.split() == ["10-flannel.conflist"]
    assert node.run(["ls", "/var/lib/multus-install"], check=False).returncode != 0
    assert of_no_sandbox(node) == []


def killed_destroy(lab: Lab, line: str) -> None:
    assert lab.stack.killed_at(line, "destroy").returncode == -signal.SIGKILL
    lab.stack.cancel().check()
    lab.pods.create("plain", node="lab-1")
    lab.pods.delete("plain")


def test_an_argument_changed_before_the_repeat_is_what_counts(lab: Lab) -> None:
    [node] = lab.cluster.nodes
    ctr = ["ctr", "--address", str(node.look.containerd_socket), "--namespace", "k8s.io"]
    node.run([*ctr, "images", "tag", MULTUS_THIN, f"{COPY}:{MULTUS_THIN.rpartition(':')[2]}"])
    killed(lab, "multus-token creating")
    configure(lab.stack, adopt=True)
    killed(lab, "multus-daemonset creating")
    configure(lab.stack, image={"repository": COPY})
    done = succeeded(lab.stack.up()).done.steps
    assert ("multus-daemonset", "create") in done
    assert image(lab.pods).startswith(COPY)
    with churn(lab.cluster):
        configure(lab.stack, adopt=None)
        succeeded(lab.stack.up())
    succeeded(lab.stack.destroy())
    assert of_no_sandbox(node) == []
