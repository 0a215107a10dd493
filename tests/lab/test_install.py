"""`pulumi up` on every kind of cluster, what it gives pods, and that `destroy` leaves nothing.

The tests of one cluster run in this order; the last one destroys.
"""

from __future__ import annotations

import base64
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.engine import Result
from lab.waiting import until
from tests.support.lab.cells import Cell
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.leftovers import Trees
from tests.support.lab.pods import NETWORK
from tests.support.lab.rights import Audit, granted, may, user_of
from tests.support.lab.watcher import only_in
from tests.support.paths import ROOT, STACKS

CELLS = [Cell("k3s", 1), Cell("vanilla", 1), Cell("k3s", 2), Cell("vanilla", 1, ground="oldest")]


@dataclass(frozen=True)
class Installed:
    """A cluster on which the first `up` has ended, with what was seen on the way."""

    lab: Lab
    checkout: tuple[str, dict[Path, bytes]]
    before: Trees
    audit: Audit
    preview: Result
    up: Result
    granted: set[str]


@pytest.fixture(scope="module", params=CELLS, ids=str)
def installed(request: pytest.FixtureRequest, clusters: Clusters) -> Installed:
    lab = clusters.lab(request.param)
    checkout = checked_out()
    lab.exercise_plain_pods()
    before = lab.trees()
    audit = Audit.from_now(lab.cluster)
    preview = succeeded(lab.stack.preview())
    up = succeeded(lab.stack.up())
    return Installed(lab, checkout, before, audit, preview, up, granted(lab.pods.api, "multus", "multus-install"))


def kubeconfig_path(lab: Lab) -> str:
    return str(lab.cluster.look.conf_dir / "multus.d" / "multus.kubeconfig")


def token(lab: Lab) -> str:
    secret: Any = lab.pods.core.read_namespaced_secret("multus-token-1", "kube-system")
    return base64.b64decode(secret.data["token"]).decode()


def test_preview_of_an_empty_state_lists_everything(installed: Installed) -> None:
    nodes = [node.name for node in installed.lab.cluster.nodes]
    expected = {
        "multus-crd",
        "multus-method-manifest",
        "multus-service-account",
        "multus-cluster-role",
        "multus-cluster-role-binding",
        "multus-marker-role",
        "multus-marker-role-binding",
        "multus-token",
        "multus-daemonset",
        "multus-daemonset-fallback",
        "multus-marker",
        *(
            f"multus-{step}-{node}"
            for node in nodes
            for step in ("program", "preflight", "provision", "label", "verify")
        ),
    }
    expected |= {"multus-lab", "cluster", "multus"}
    assert installed.preview.done.resources == expected
    assert installed.preview.done.changes == installed.up.done.changes == {"create": len(expected)}


def test_pods_reach_each_other_over_their_second_interface(installed: Installed) -> None:
    pods, nodes = installed.lab.pods, installed.lab.cluster.nodes
    pods.create_network()
    pods.create("one", node=nodes[0].name, network=NETWORK)
    pods.create("two", node=nodes[-1].name, network=NETWORK)
    assert pods.address("one", "net1").startswith("10.98.0.")
    target = pods.address("two", "net1")
    if len(nodes) > 1:
        # host-local keeps a list per node: the second node's pod may have got the first one's address.
        pods.delete("two")
        pods.create_network("other", subnet="10.98.0.0/24", rangeStart="10.98.0.100")
        pods.create("two", node=nodes[-1].name, network="other")
        target = pods.address("two", "net1")
    pods.await_reply("one", target, "-I", "net1")
    assert pods.address("one", "eth0").startswith("10.42.")


def test_pods_without_a_network_have_the_default_one_only(installed: Installed) -> None:
    pods = installed.lab.pods
    pods.create("plain", node=installed.lab.cluster.nodes[0].name)
    assert "net1" not in pods.run("plain", "ip", "-o", "link")
    assert pods.address("plain", "eth0").startswith("10.42.")
    pods.delete("plain")


def test_a_pod_gets_every_one_of_many_networks(installed: Installed) -> None:
    installed.lab.exercise_many_interfaces()


def test_the_kubeconfig_is_roots_alone_and_what_the_pod_writes_itself(installed: Installed) -> None:
    lab = installed.lab
    for node in lab.cluster.nodes:
        path = kubeconfig_path(lab)
        ours = node.run(["cat", path]).stdout
        assert node.run(["stat", "-c", "%a %U %G", path]).stdout.split() == ["600", "root", "root"]
        node.run(["rm", path])
        [name] = lab.pods.of_multus(node.name)
        lab.pods.core.delete_namespaced_pod(name, "kube-system")
        node.run(["sh", "-c", f"for i in $(seq 60); do [ -s {path} ] && exit 0; sleep 1; done; exit 1"])
        assert node.run(["cat", path]).stdout == ours
        assert node.run(["stat", "-c", "%a %U %G", path]).stdout.split() == ["600", "root", "root"]
    until(lambda: lab.pods.is_rolled_out("kube-multus-ds"), "every Multus pod is available again")


def test_up_again_changes_nothing(installed: Installed) -> None:
    again = succeeded(installed.lab.stack.up("--expect-no-changes"))
    assert again.done.changes == {"same": installed.up.done.changes["create"]}


def test_refresh_changes_nothing(installed: Installed) -> None:
    succeeded(installed.lab.stack.refresh("--expect-no-changes"))
    succeeded(installed.lab.stack.preview("--expect-no-changes"))


def test_no_secret_in_state_or_output(installed: Installed) -> None:
    lab = installed.lab
    secrets = [token(lab), base64.b64encode(token(lab).encode()).decode(), *only_in(lab.cluster.ssh_key.read_text())]
    state = lab.stack.export()
    assert "multus-provision-lab-1" in state
    written = state + installed.preview.stdout + installed.preview.stderr + installed.up.stdout + installed.up.stderr
    assert not [secret[:20] for secret in secrets if secret in written]
    config = lab.stack.config_file.read_text()
    assert "secure:" in config
    assert not [secret[:20] for secret in secrets if secret in config]


def test_the_checkout_stays_clean(installed: Installed) -> None:
    """Whatever a developer has edited, nothing is added to it, and no stack's file is another one."""
    assert checked_out() == installed.checkout


def checked_out() -> tuple[str, dict[Path, bytes]]:
    """What git says of the checkout, and the content of every stack's file."""
    status = ["git", "status", "--porcelain"]
    said = subprocess.run(status, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return said, {file: file.read_bytes() for file in STACKS.iterdir()}


def test_the_account_may_do_what_its_roles_say_and_no_more(installed: Installed) -> None:
    cluster = installed.lab.cluster
    by_marker = {"get configmaps called multus-install"}
    assert {right for right in installed.granted if right.endswith(" in kube-system")} == {
        f"{right} in kube-system" for right in by_marker
    }
    for namespace, here in (("kube-system", by_marker), ("default", set())):
        anybody = may(cluster, user_of("nobody"), namespace)
        everywhere = {right for right in installed.granted if not right.endswith(" in kube-system")}
        assert may(cluster, user_of("multus"), namespace) - anybody == {*everywhere, *here}


def test_destroy_refuses_while_a_pod_holds_a_second_interface(installed: Installed) -> None:
    result = installed.lab.stack.destroy()
    assert result.returncode != 0
    assert "default/one net1" in result.stdout + result.stderr
    assert "liveAttachments" in result.stdout + result.stderr
    pods = installed.lab.pods
    pods.create("late", node=installed.lab.cluster.nodes[0].name, network=NETWORK)
    assert pods.address("late", "net1").startswith("10.98.0.")
    pods.delete("late")


def test_destroy_leaves_every_node_as_it_was(installed: Installed) -> None:
    lab = installed.lab
    lab.pods.delete("one", "two")
    succeeded(lab.stack.destroy())
    lab.exercise_plain_pods()
    lab.assert_files_are(installed.before)
    assert not lab.pods.of_multus()
    assert not [labels for labels in lab.pods.node_labels() if "multus-install/provisioned" in labels]


def test_the_account_has_used_its_rights_and_no_others(installed: Installed) -> None:
    """While Multus was installed, used and removed."""
    assert not installed.audit.refused("multus")
    assert installed.audit.used("multus", installed.granted) == installed.granted
