"""What happens to a running install on two nodes: every change that a stack goes through, while pods come and go.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from lab import balancer
from lab.images import MULTUS_THIN
from lab.layout import API_PORT
from lab.node import Node
from lab.waiting import until
from tests.support.lab.cells import Cell
from tests.support.lab.changes import IMPATIENT, answer, configure, failed, identities, image, listed, unplugged
from tests.support.lab.churn import churn
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.leftovers import of_no_sandbox
from tests.support.lab.pods import NETWORK
from tests.support.lab.watcher import Watcher, has_secret, only_in, watching
from tests.support.paths import ROOT
from tests.support.scratch_node import token_of

COPY = "example.org/multus-cni"
STATE_DIR = "/var/lib/multus-install"
# What of a node's tree is its own.
DISK = ("/etc", "/opt", "/run", "/tmp", "/var")  # noqa: S108

CELL = Cell("k3s", 2)


@pytest.fixture(scope="module")
def lab(clusters: Clusters) -> Lab:
    lab = clusters.lab(CELL)
    configure(lab.stack, ssh=IMPATIENT)
    return lab


@pytest.fixture(scope="module", autouse=True)
def watcher(lab: Lab) -> Iterator[Watcher]:
    """What starts on this machine during the story."""
    with watching(*only_in(lab.cluster.ssh_key.read_text())) as watched:
        yield watched


def token(lab: Lab, rotation: str) -> str:
    secret: Any = lab.pods.core.read_namespaced_secret(f"multus-token-{rotation}", "kube-system")
    return base64.b64decode(secret.data["token"]).decode()


def secrets(lab: Lab) -> list[str]:
    found: list[Any] = lab.pods.core.list_namespaced_secret("kube-system").items
    return [secret.metadata.name for secret in found]


def has_multus(lab: Lab) -> bool:
    found: list[Any] = lab.pods.core.list_namespaced_service_account("kube-system").items
    return "multus" in [account.metadata.name for account in found]


def test_a_wrong_directory_is_refused_with_the_right_one(lab: Lab) -> None:
    before = lab.trees()
    # Where k3s had its plugins before October 2024, and still has a directory.
    configure(lab.stack, cniBinDir="/var/lib/rancher/k3s/data/current/bin")
    failed(lab.stack.up(), "/var/lib/rancher/k3s/data/cni", "cniBinDir", "multus-preflight-lab-1")
    configure(lab.stack, cniBinDir=None)
    assert lab.trees() == before
    assert not has_multus(lab)


def test_a_wrong_host_key_is_refused(lab: Lab) -> None:
    nodes = listed(lab.cluster)
    nodes[1]["hostKey"] = nodes[0]["hostKey"]
    configure(lab.stack, nodes=nodes)
    failed(lab.stack.up(), "multus-program-lab-2", "host key mismatch")
    configure(lab.stack, nodes=listed(lab.cluster))
    assert not has_multus(lab)


def test_an_unreachable_node_stops_an_install_before_it_begins(lab: Lab) -> None:
    first, second = lab.cluster.nodes
    with unplugged(lab.cluster, second):
        failed(lab.stack.up(), "multus-preflight-lab-2", second.address)
        assert not has_multus(lab)
        assert not first.run(["ls", "/var/lib/cni/multus"], check=False).stdout
        lab.pods.create("plain", node=first.name)
        lab.pods.delete("plain")


def test_the_install_then_goes_through(lab: Lab) -> None:
    succeeded(lab.stack.up())
    lab.pods.create_network()
    lab.pods.create("kept-1", node="lab-1", network=NETWORK)
    lab.pods.create("kept-2", node="lab-2", network=NETWORK)
    with churn(lab.cluster):
        succeeded(lab.stack.up("--expect-no-changes"))


def test_a_changed_image_is_rolled_out_and_verified(lab: Lab) -> None:
    for node in lab.cluster.nodes:
        give_copy(lab, node)
    configure(lab.stack, image={"repository": COPY})
    assert_diff_tells(lab, MULTUS_THIN, f"{COPY}:{MULTUS_THIN.rpartition(':')[2]}")
    before = pods_of(lab)
    with churn(lab.cluster):
        changed = succeeded(lab.stack.up())
    done = changed.done.steps
    for node in lab.cluster.nodes:
        assert done.index(("multus-daemonset", "update")) < done.index((f"multus-verify-{node.name}", "update"))
    assert image(lab.pods).startswith(COPY)
    assert lab.pods.is_rolled_out("kube-multus-ds")
    assert not pods_of(lab) & before
    for pod in ("kept-1", "kept-2"):
        assert lab.pods.address(pod, "net1").startswith("10.98.0.")


def assert_diff_tells(lab: Lab, *texts: str) -> None:
    """`preview --diff` shows old and new, replaces nothing, and tells no secret."""
    shown = succeeded(lab.stack.preview("--diff"))
    assert shown.done.changes.keys() <= {"same", "update"}
    assert not [text for text in texts if text not in shown.stdout]
    secret = [token(lab, "1"), *lab.cluster.ssh_key.read_text().splitlines()[1:-1]]
    assert not [each for each in secret if each in shown.stdout]


def give_copy(lab: Lab, node: Node) -> None:
    """The Multus image under another name, since no registry is in reach."""
    ctr = ["ctr", "--address", str(lab.cluster.look.containerd_socket), "--namespace", "k8s.io"]
    node.run([*ctr, "images", "tag", MULTUS_THIN, f"{COPY}:{MULTUS_THIN.rpartition(':')[2]}"])


def pods_of(lab: Lab) -> set[str]:
    return set(lab.pods.of_multus())


def test_a_rotation_retires_the_old_token_last(lab: Lab) -> None:
    old = token(lab, "1")
    assert answer(lab.cluster, old) == 404
    configure(lab.stack, rotation="2")
    with churn(lab.cluster):
        done = succeeded(lab.stack.up()).done.steps
    order = [
        done.index(("multus-token", "create-replacement")),
        done.index(("multus-provision-lab-1", "update")),
        done.index(("multus-daemonset", "update")),
        done.index(("multus-verify-lab-1", "update")),
        done.index(("multus-token", "delete-replaced")),
    ]
    assert order == sorted(order)
    assert [name for name in secrets(lab) if "multus-token" in name] == ["multus-token-2"]
    until(lambda: answer(lab.cluster, old) == 401, "the old token is refused", every=0.5)
    with churn(lab.cluster):
        succeeded(lab.stack.up("--expect-no-changes"))


def test_an_unreachable_node_stops_a_rotation_before_it_begins(lab: Lab) -> None:
    second = lab.cluster.nodes[1]
    configure(lab.stack, rotation="3")
    with unplugged(lab.cluster, second), churn(lab.cluster, ["lab-1"]):
        failed(lab.stack.up(), "multus-program-lab-2", second.address)
    assert [name for name in secrets(lab) if "multus-token" in name] == ["multus-token-2"]
    with churn(lab.cluster):
        succeeded(lab.stack.up())
    assert [name for name in secrets(lab) if "multus-token" in name] == ["multus-token-3"]


def test_a_token_secret_deleted_by_hand_comes_back(lab: Lab) -> None:
    lost = token(lab, "3")
    lab.pods.core.delete_namespaced_secret("multus-token-3", "kube-system")
    until(lambda: answer(lab.cluster, lost) == 401, "the token is refused", every=0.5)
    succeeded(lab.stack.up("--refresh"))
    with churn(lab.cluster):
        succeeded(lab.stack.up("--expect-no-changes"))


def test_drift_is_shown_and_put_back(lab: Lab) -> None:
    wanted = image(lab.pods)
    patch = {"spec": {"template": {"spec": {"containers": [{"name": "kube-multus", "image": MULTUS_THIN}]}}}}
    client.AppsV1Api(lab.pods.api).patch_namespaced_daemon_set("kube-multus-ds", "kube-system", patch)
    with churn(lab.cluster):
        shown = succeeded(lab.stack.preview("--refresh", "--diff"))
        assert wanted in shown.stdout
        assert MULTUS_THIN in shown.stdout
        succeeded(lab.stack.up("--refresh"))
    assert image(lab.pods) == wanted


def test_another_address_of_the_same_api_server_replaces_nothing(lab: Lab) -> None:
    before = identities(lab.pods)
    known = lab.cluster.kubeconfig.read_text()
    with other_address(lab) as server:
        lab.stack.config_set("multus:kubeconfig", known.replace(lab.cluster.api_server, server), secret=True)
        changes = succeeded(lab.stack.up()).done.changes
    assert changes.keys() <= {"same", "update"}
    lab.stack.config_set("multus:kubeconfig", known, secret=True)
    succeeded(lab.stack.up())
    assert identities(lab.pods) == before


@contextmanager
def other_address(lab: Lab) -> Iterator[str]:
    """The API server's URL behind a loopback address of this machine, which its certificate names too."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    target = f"{lab.cluster.layout.api}:{API_PORT}"
    process = subprocess.Popen([sys.executable, str(balancer.__file__), target, f"127.0.0.1:{port}"])
    try:
        until(lambda: connects(port), "the other address answers")
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def connects(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_renamed_component_deletes_nothing(lab: Lab, tmp_path: Path) -> None:
    before = identities(lab.pods)
    lab.stack.program = with_component_named(tmp_path / "renamed", "network")
    configure(lab.stack, adopt=True)
    with churn(lab.cluster):
        failed(lab.stack.up(), "under its component multus", 'aliases=[pulumi.Alias(name="multus")]')
    lab.stack.program = ROOT
    configure(lab.stack, adopt=None)
    succeeded(lab.stack.up())
    lab.stack.program = with_component_named(tmp_path / "aliased", "network", former="multus")
    with churn(lab.cluster):
        aliased = succeeded(lab.stack.up()).done
    assert aliased.changes.keys() <= {"same", "update", "replace"}
    # The marker names its owner, and a ConfigMap with other data is another one.
    replaced = {name for name, operation in aliased.steps if "replace" in operation}
    assert replaced <= {"multus-marker", "network-marker"}
    assert identities(lab.pods) == before


def with_component_named(folder: Path, name: str, *, former: str | None = None) -> Path:
    """A copy of the program in which the component has another name, and maybe says what it was called."""
    folder.mkdir()
    for item in ("Pulumi.yaml", "stacks", "components"):
        (shutil.copytree if (ROOT / item).is_dir() else shutil.copy)(ROOT / item, folder / item)
    (folder / ".venv").symlink_to(sys.prefix)
    text = (ROOT / "__main__.py").read_text()
    opts = "pulumi.ResourceOptions(provider=provider"
    assert text.count(opts) == text.count('MultusComponent("multus"') == 1
    if former:
        text = text.replace(opts, f'{opts}, aliases=[pulumi.Alias(name="{former}")]')
    (folder / "__main__.py").write_text(text.replace('MultusComponent("multus"', f'MultusComponent("{name}"'))
    return folder


def test_a_token_lies_on_a_node_in_the_kubeconfig_alone(lab: Lab) -> None:
    """And where the kubelet keeps what pods mount; the private key lies nowhere."""
    key = only_in(lab.cluster.ssh_key.read_text())
    tokens = ["grep", "-rlsE", r"eyJhbGciOi[A-Za-z0-9_-]+\.", *DISK]
    for node in lab.cluster.nodes:
        found = node.run(tokens, check=False).stdout.splitlines()
        kubeconfig = str(lab.cluster.look.conf_dir / "multus.d" / "multus.kubeconfig")
        assert {file for file in found if not file.startswith("/var/lib/kubelet/pods/")} == {kubeconfig}
        assert any(file.startswith("/var/lib/kubelet/pods/") for file in found)
        assert not node.run(["grep", "-rlsFf", "-", *DISK], input="\n".join(key), check=False).stdout


def test_no_secret_is_in_the_state_or_in_a_log(lab: Lab) -> None:
    logs = [log for log in lab.cluster.state.joinpath("logs").rglob("*") if log.is_file()]
    assert lab.stack.log in logs
    key = only_in(lab.cluster.ssh_key.read_text())
    assert not [log for log in logs if has_secret(log.read_bytes(), *key)]
    assert not has_secret(lab.stack.export().encode(), *key)


def test_a_destroy_then_leaves_nothing(lab: Lab) -> None:
    lab.pods.delete("kept-1", "kept-2")
    succeeded(lab.stack.destroy())
    assert not lab.pods.of_multus()
    assert not [file for node in lab.cluster.nodes for file in of_no_sandbox(node)]


def test_no_process_has_carried_a_secret(lab: Lab, watcher: Watcher) -> None:
    """From the first preflight to the end, on the nodes and here."""
    assert not watcher.leaks
    # How many end before anybody can look depends on what else the machine does.
    assert watcher.seen > 100
    first, _ = lab.cluster.nodes

    def shows() -> bool:
        first.run(["env", f"TOKEN={token_of()}", "sleep", "0.1"])
        first.run(["sh", "-c", "sleep 0.1; true", token_of()])
        return {"sleep in its environment", "sh in its words"} <= set(watcher.leaks)

    until(shows, "it would have been seen")
