"""A keeper beside Multus on nodes that no step reaches: no pod notices a restart, and pods start after every removal.

The tests of one cluster run in this order, each from the state that the one before has left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from lab.commands import run
from lab.images import CURL
from lab.waiting import until
from multus.objects import FALLBACK_DAEMON_SET
from tests.support.lab.cells import Cell
from tests.support.lab.changes import NAMESPACE, configure
from tests.support.lab.churn import churn
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.command_line import multus
from tests.support.lab.helm import helm
from tests.support.lab.leftovers import has_conf
from tests.support.lab.pods import NETWORK
from tests.support.paths import CHART

THIN, THICK = Cell("k3s"), Cell("vanilla")
PLUGINS = {THIN: "thin", THICK: "thick"}


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest, clusters: Clusters) -> Lab:
    lab = clusters.lab(request.param)
    configure(lab.stack, nodes=[], plugin=PLUGINS[request.param], keeper={"image": CURL})
    return lab


def each(*cells: Cell) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("lab", cells, ids=str, indirect=True)


def serves(lab: Lab) -> bool:
    """Multus is there, and beside thick's daemon thin too, which the keeper writes a moment after the daemon."""
    [node] = lab.cluster.nodes
    if not (lab.pods.is_rolled_out(FALLBACK_DAEMON_SET) and has_conf(node)):
        return False
    standby = str(lab.cluster.look.conf_dir / "00-multus.conflist")
    return lab.cluster.distro == "k3s" or node.run(["test", "-e", standby], check=False).returncode == 0


@contextmanager
def another_pod(lab: Lab) -> Iterator[None]:
    """Multus' pod is another one afterwards."""
    before = set(lab.pods.of_multus())
    yield
    until(lambda: serves(lab) and not before & set(lab.pods.of_multus()), "another pod serves the node", every=0.5)


@each(THIN, THICK)
def test_no_pod_notices_that_multus_pod_restarts(lab: Lab) -> None:
    succeeded(lab.stack.up())
    lab.pods.create_network()
    lab.pods.create("kept", node="lab-1", network=NETWORK)
    until(lambda: serves(lab), "Multus is there", every=0.5)
    with churn(lab.cluster):
        with another_pod(lab):
            for name in lab.pods.of_multus():
                lab.pods.core.delete_namespaced_pod(name, NAMESPACE)
        with another_pod(lab):
            restart(lab)
        with another_pod(lab):
            configure(lab.stack, rotation="2")
            succeeded(lab.stack.up())
    assert lab.pods.address("kept", "net1").startswith("10.98.0.")


def restart(lab: Lab) -> None:
    """As `kubectl rollout restart` does."""
    annotation = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat()}
    body: Any = {"spec": {"template": {"metadata": {"annotations": annotation}}}}
    client.AppsV1Api(lab.pods.api).patch_namespaced_daemon_set(FALLBACK_DAEMON_SET, NAMESPACE, body)


@contextmanager
def removed(lab: Lab) -> Iterator[None]:
    """Pods start all the while, and nothing of the configuration is left, nor of the account's token."""
    lab.pods.delete(*lab.pods.names())
    with churn(lab.cluster, interfaces=["eth0"], at_least=8):
        yield
    lab.pods.await_no_multus()
    assert_nothing_is_left(lab)


def assert_nothing_is_left(lab: Lab) -> None:
    [node] = lab.cluster.nodes
    assert node.run(["ls", str(node.look.conf_dir)]).stdout.split() == ["10-flannel.conflist"]


@each(THIN, THICK)
def test_destroy_while_pods_start(lab: Lab) -> None:
    with removed(lab):
        succeeded(lab.stack.destroy())


@each(THIN)
def test_removal_of_what_kubectl_has_applied_while_pods_start(lab: Lab, tmp_path: Path) -> None:
    settings = ("--set", "distro=k3s", "--set", f"keeper.image={CURL}")
    file = tmp_path / "multus.yaml"
    file.write_text(succeeded(multus(lab, "render", *settings)).stdout)
    kubectl(lab, "apply", "-f", str(file))
    until(lambda: serves(lab), "Multus is there", every=0.5)
    with churn(lab.cluster), another_pod(lab):
        kubectl(lab, "-n", NAMESPACE, "rollout", "restart", "daemonset", FALLBACK_DAEMON_SET)
    with removed(lab):
        for command in re.findall(r"^#   kubectl (.* delete .*|delete .*)$", file.read_text(), re.MULTILINE):
            kubectl(lab, *command.split())
    left = kubectl(
        lab, "get", "daemonsets,secrets,roles,rolebindings,clusterroles,clusterrolebindings", "-A", "-o", "name"
    )
    assert "multus" not in left


def kubectl(lab: Lab, *words: str) -> str:
    return run([lab.cluster.programs.path("kubectl"), "--kubeconfig", str(lab.cluster.kubeconfig), *words]).stdout


@each(THICK)
def test_a_release_is_upgraded_while_pods_start_and_uninstalled(lab: Lab) -> None:
    """Helm takes the account away at once, so that pods which start in these seconds may have to be tried again."""
    settings = {
        "plugin": "thick",
        "keeper.image": CURL,
        "apiServer.host": lab.cluster.layout.api,
        "minReadySeconds": "1",
        # The stack has left it, as every removal does.
        "crd.install": "false",
    }
    words = ["multus", str(CHART), "--namespace", NAMESPACE, "--values", str(CHART / "values-vanilla.yaml")]
    for key, value in settings.items():
        words += ["--set", f"{key}={value}"]
    helm(lab, "install", *words)
    until(lambda: serves(lab), "Multus is there", every=0.5)
    with churn(lab.cluster), another_pod(lab):
        helm(lab, "upgrade", *words, "--set", "log.level=error")
    helm(lab, "uninstall", "multus", "--namespace", NAMESPACE)
    lab.pods.await_no_multus()
    lab.exercise_plain_pods()
    assert_nothing_is_left(lab)
