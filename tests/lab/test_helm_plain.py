"""The chart as its users know it: `helm install` with the committed values, `helm test`, `upgrade`, `uninstall`.

The tests of one cluster run in this order; the last one uninstalls.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.commands import run
from lab.images import BUSYBOX
from lab.node import Node
from lab.waiting import until
from tests.support.lab.cells import Cell
from tests.support.lab.clusters import Clusters, Lab
from tests.support.lab.leftovers import has_conf
from tests.support.lab.pods import NETWORK
from tests.support.paths import CHART

CELLS = [Cell("k3s", 1), Cell("k3s-legacy", 1), Cell("vanilla", 1), Cell("vanilla", 1, ground="oldest")]
RELEASE = ("multus", "--namespace", "kube-system")


@dataclass(frozen=True)
class Plain:
    """A cluster on which nobody but helm has installed anything."""

    lab: Lab
    program: Path

    @property
    def node(self) -> Node:
        return self.lab.cluster.nodes[0]

    def helm(self, *arguments: str) -> str:
        return run(
            [self.program, *arguments],
            env={**os.environ, "KUBECONFIG": str(self.lab.cluster.kubeconfig)},
        ).stdout

    def settings(self) -> list[str]:
        """What a user of such a cluster says beside the committed values."""
        given = {"test.image": BUSYBOX, "minReadySeconds": "1"}
        if self.lab.cluster.look.balancer is None:
            given["apiServer.host"] = self.lab.cluster.layout.api
        pairs = ",".join(f"{key}={value}" for key, value in given.items())
        return ["--values", str(CHART / f"values-{self.lab.cluster.distro}.yaml"), "--set", pairs]

    def confs(self) -> list[str]:
        """The names of the CNI configurations on the node."""
        listed: str = self.node.run(["ls", str(self.node.look.conf_dir)]).stdout
        return [name for name in listed.split() if ".conf" in name]


@pytest.fixture(scope="module", params=CELLS, ids=str)
def plain(request: pytest.FixtureRequest, clusters: Clusters) -> Plain:
    lab = clusters.lab(request.param)
    lab.exercise_plain_pods()
    return Plain(lab, lab.cluster.helm)


def rolled_out(plain: Plain) -> None:
    until(lambda: plain.lab.pods.is_rolled_out("kube-multus-ds-fallback"), "Multus is there")
    until(lambda: has_conf(plain.node), "it has written its configuration", every=0.5)


def test_one_command_installs(plain: Plain) -> None:
    said = plain.helm("install", *RELEASE, str(CHART), *plain.settings(), "--wait")
    assert "helm test multus" in said
    rolled_out(plain)
    plain.lab.pods.create_network()
    plain.lab.pods.create("kept", node="lab-1", network=NETWORK)
    assert plain.lab.pods.address("kept", "net1").startswith("10.98.0.")


def test_helm_test_finds_the_second_interface(plain: Plain) -> None:
    said = plain.helm("test", *RELEASE, "--logs", "--timeout", "180s")
    assert "Succeeded" in said


def test_helm_test_fails_where_pods_get_none(plain: Plain) -> None:
    """Multus' configuration is away, so the runtime uses the default network's alone."""
    conf_dir = plain.node.look.conf_dir
    [conf] = [name for name in plain.confs() if name.startswith("00-multus")]
    plain.node.run(["mv", str(conf_dir / conf), "/tmp/kept"])  # noqa: S108 - on the node, whose /tmp is its own
    try:
        assert run_fails(plain, "test", *RELEASE, "--timeout", "30s")
    finally:
        plain.node.run(["cp", "/tmp/kept", str(conf_dir / f"{conf}.new")])  # noqa: S108
        plain.node.run(["mv", str(conf_dir / f"{conf}.new"), str(conf_dir / conf)])


def run_fails(plain: Plain, *arguments: str) -> bool:
    done = run(
        [plain.program, *arguments],
        env={**os.environ, "KUBECONFIG": str(plain.lab.cluster.kubeconfig)},
        check=False,
    )
    return done.returncode != 0


def test_an_unknown_or_a_wrong_value_is_refused(plain: Plain) -> None:
    for wrong in ("imagee.tag=v4.3.0", "plugin=thicc", "cni.configDir=etc/cni"):
        assert run_fails(plain, "upgrade", *RELEASE, str(CHART), *plain.settings(), "--set", wrong)
    assert json.loads(plain.helm("status", *RELEASE, "--output", "json"))["version"] == 1


def test_an_upgrade_rolls_the_pods_that_it_changes(plain: Plain) -> None:
    before = set(plain.lab.pods.of_multus())
    plain.helm("upgrade", *RELEASE, str(CHART), *plain.settings(), "--set", "log.level=error", "--wait")
    rolled_out(plain)
    assert not set(plain.lab.pods.of_multus()) & before
    plain.lab.pods.create("later", node="lab-1", network=NETWORK)
    assert plain.lab.pods.address("later", "net1").startswith("10.98.0.")


def test_an_upgrade_without_a_change_rolls_nothing(plain: Plain) -> None:
    before = plain.lab.pods.of_multus()
    plain.helm("upgrade", *RELEASE, str(CHART), *plain.settings(), "--set", "log.level=error", "--wait")
    assert plain.lab.pods.of_multus() == before


def test_uninstall_leaves_pods_starting_and_networks_there(plain: Plain) -> None:
    lab = plain.lab
    lab.pods.delete("kept", "later")
    plain.helm("uninstall", *RELEASE, "--wait")
    lab.pods.await_no_multus()
    lab.exercise_plain_pods()
    assert plain.confs() == ["10-flannel.conflist"]
    assert [*lab.pods.networks()] == [NETWORK]


def test_and_installs_again(plain: Plain) -> None:
    plain.helm("install", *RELEASE, str(CHART), *plain.settings(), "--wait")
    rolled_out(plain)
    plain.helm("uninstall", *RELEASE, "--wait")
    plain.lab.pods.await_no_multus()
    plain.lab.exercise_plain_pods()
