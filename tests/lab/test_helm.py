"""`method: helm`: the same install as a Helm release behind a gate that really waits.

The tests of one cluster run in this order; the last one destroys. k3s begins with thin Multus and vanilla with thick,
and each goes over to the other.
"""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.commands import run
from lab.images import MULTUS_THICK, MULTUS_THIN
from lab.node import Node
from lab.waiting import until
from tests.support.lab.cells import Cell
from tests.support.lab.changes import configure, failed
from tests.support.lab.churn import churn
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.leftovers import Trees, of_no_sandbox
from tests.support.lab.pods import NETWORK

MAIN = "multus-daemonset"
GATE = "multus-gate"
COPY = "example.org/multus-cni"
IMAGES = {"thin": MULTUS_THIN, "thick": MULTUS_THICK}
CELLS = [(Cell("k3s", 1), "thin"), (Cell("vanilla", 1), "thick")]


@dataclass(frozen=True)
class Helmed:
    """A cluster whose stack says `method: helm`, and which of Multus' forms it begins with."""

    lab: Lab
    plugin: str
    before: Trees
    helm: Path

    @property
    def other(self) -> str:
        return "thick" if self.plugin == "thin" else "thin"

    @property
    def node(self) -> Node:
        return self.lab.cluster.nodes[0]


@pytest.fixture(scope="module", params=CELLS, ids=lambda cell: f"{cell[0]}-{cell[1]}")
def helmed(request: pytest.FixtureRequest, clusters: Clusters) -> Helmed:
    cell, plugin = request.param
    lab = clusters.lab(cell)
    lab.exercise_plain_pods()
    before = lab.trees()
    configure(lab.stack, method="helm", plugin=plugin)
    return Helmed(lab, plugin, before, lab.cluster.helm)


def bring_image(helmed: Helmed, plugin: str) -> None:
    """The Multus image under another name, since no registry is in reach."""
    ctr = ["ctr", "--address", str(helmed.node.look.containerd_socket), "--namespace", "k8s.io"]
    image = IMAGES[plugin]
    helmed.node.run([*ctr, "images", "tag", image, f"{COPY}:{image.rpartition(':')[2]}"])


def secrets_named(lab: Lab, prefix: str) -> list[str]:
    found: list[Any] = lab.pods.core.list_namespaced_secret("kube-system").items
    return sorted(secret.metadata.name for secret in found if secret.metadata.name.startswith(prefix))


def test_preview_of_an_empty_state_lists_everything(helmed: Helmed) -> None:
    shown = succeeded(helmed.lab.stack.preview()).done.resources
    assert {"multus-release", GATE, f"{GATE}-fallback", "multus-verify-lab-1"} <= shown
    assert MAIN not in shown


def test_an_image_that_is_not_there_fails_in_time_and_says_so(helmed: Helmed) -> None:
    stack = helmed.lab.stack
    configure(stack, image={"repository": COPY}, timeoutSeconds=60)
    # Of a pod with init containers, which thick has, the provider says which are not done, and not why.
    reasons = ("ImagePull", COPY) if helmed.plugin == "thin" else ("containers with incomplete status: [install-",)
    written = failed(stack.up(), GATE, "timed out waiting for the condition", *reasons)
    assert "multus-verify-lab-1" not in written
    helmed.lab.exercise_plain_pods()


def test_the_gate_waits_for_a_pod_that_is_late(helmed: Helmed) -> None:
    """Helm itself is content with no ready pod at all."""
    stack = helmed.lab.stack
    configure(stack, timeoutSeconds=None)
    seen = len(stack.log.read_text())
    with ThreadPoolExecutor(1) as background:
        running = background.submit(stack.up)
        until(lambda: "Available: 0/1" in stack.log.read_text()[seen:] or running.done(), "the gate waits")
        assert not running.done()
        bring_image(helmed, helmed.plugin)
        done = succeeded(running.result()).done.steps
    assert ("multus-verify-lab-1", "create") in done
    assert helmed.lab.pods.is_rolled_out("kube-multus-ds")


def test_a_pod_gets_its_second_interface(helmed: Helmed) -> None:
    pods = helmed.lab.pods
    pods.create_network()
    pods.create("kept", node="lab-1", network=NETWORK)
    assert pods.address("kept", "net1").startswith("10.98.0.")
    assert pods.address("kept", "eth0").startswith("10.42.")


def test_up_again_changes_nothing(helmed: Helmed) -> None:
    stack = helmed.lab.stack
    with churn(helmed.lab.cluster):
        assert set(succeeded(stack.up("--expect-no-changes")).done.changes) == {"same"}
    succeeded(stack.refresh("--expect-no-changes"))
    succeeded(stack.preview("--expect-no-changes"))


def test_no_secret_in_state_or_release(helmed: Helmed) -> None:
    lab = helmed.lab
    secret: Any = lab.pods.core.read_namespaced_secret("multus-token-1", "kube-system")
    token = base64.b64decode(secret.data["token"]).decode()
    key = lab.cluster.ssh_key.read_text().splitlines()[1]
    helm: list[str | Path] = [helmed.helm, "--kubeconfig", lab.cluster.kubeconfig, "--namespace", "kube-system"]
    release = run([*helm, "get", "all", "multus"]).stdout
    assert "multus-token-1" in release
    written = lab.stack.export() + release
    assert not [each[:20] for each in (token, secret.data["token"], key) if each in written]


def test_a_preview_names_what_changes(helmed: Helmed) -> None:
    configure(helmed.lab.stack, log={"level": "error"})
    shown = succeeded(helmed.lab.stack.preview("--diff")).stdout
    assert "level" in shown
    assert "error" in shown
    assert "multus-install/values" in shown
    assert "replace" not in shown


def test_pods_keep_starting_while_multus_is_configured_anew(helmed: Helmed) -> None:
    with churn(helmed.lab.cluster):
        done = succeeded(helmed.lab.stack.up()).done.steps
    order = [done.index((name, "update")) for name in ("multus-release", GATE, "multus-verify-lab-1")]
    assert order == sorted(order)
    assert helmed.lab.pods.is_rolled_out("kube-multus-ds")


def test_a_rotation_retires_the_old_token_last(helmed: Helmed) -> None:
    configure(helmed.lab.stack, rotation="2")
    with churn(helmed.lab.cluster):
        done = succeeded(helmed.lab.stack.up()).done.steps
    order = [
        done.index(("multus-token", "create-replacement")),
        done.index(("multus-provision-lab-1", "update")),
        done.index(("multus-release", "update")),
        done.index((GATE, "update")),
        done.index(("multus-verify-lab-1", "update")),
        done.index(("multus-token", "delete-replaced")),
    ]
    assert order == sorted(order)
    assert secrets_named(helmed.lab, "multus-token") == ["multus-token-2"]


def test_the_other_form_of_multus_takes_over(helmed: Helmed) -> None:
    pods = helmed.lab.pods
    address = pods.address("kept", "net1")
    bring_image(helmed, helmed.other)
    configure(helmed.lab.stack, plugin=helmed.other)
    with churn(helmed.lab.cluster):
        succeeded(helmed.lab.stack.up())
    assert pods.address("kept", "net1") == address
    pods.create("other", node="lab-1", network=NETWORK)
    assert pods.address("other", "net1").startswith("10.98.0.")
    succeeded(helmed.lab.stack.up("--expect-no-changes"))


def test_little_of_the_releases_history_is_kept(helmed: Helmed) -> None:
    assert len(secrets_named(helmed.lab, "sh.helm.release.v1.multus.")) <= 3


def test_destroy_leaves_every_node_as_it_was(helmed: Helmed) -> None:
    lab = helmed.lab
    lab.pods.delete("kept", "other")
    succeeded(lab.stack.destroy())
    lab.exercise_plain_pods()
    lab.assert_files_are(helmed.before)
    assert of_no_sandbox(helmed.node) == []
    lab.pods.await_no_multus()
    assert not secrets_named(lab, "sh.helm.release.v1.")
    assert not [labels for labels in lab.pods.node_labels() if "multus-install/provisioned" in labels]
