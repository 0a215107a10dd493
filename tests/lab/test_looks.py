"""What the other distributions' nodes have of their own: the same install on each, and nothing left of it.

A node plays what a kubelet or a runtime can meet; the rest is played by files (tests/support/distribution_trees.py).
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.lab.cells import Cell
from tests.support.lab.changes import configure, failed
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.leftovers import Trees

WITHOUT_CNI_SECTION = [Cell("k3s-without-flannel"), Cell("rke2")]
OF_ANOTHER_USER = Cell("kubespray")
TALOS = Cell("talos")


def leaves_nothing(lab: Lab, before: Trees) -> None:
    succeeded(lab.stack.destroy())
    lab.exercise_plain_pods()
    lab.assert_files_are(before)


@pytest.mark.parametrize("cell", WITHOUT_CNI_SECTION, ids=str)
def test_where_the_runtime_has_no_section_about_cni_its_defaults_count(clusters: Clusters, cell: Cell) -> None:
    lab = clusters.lab(cell)
    [node] = lab.cluster.nodes
    assert "cni" not in node.run(["cat", str(node.look.containerd_config)]).stdout
    lab.exercise_plain_pods()
    before = lab.trees()
    succeeded(lab.stack.up())
    names = node.run(["ls", "/etc/cni/net.d"]).stdout.split()
    assert names[0].startswith("00-multus.conf")
    lab.pods.create_network()
    lab.exercise_second_interface()
    succeeded(lab.stack.up("--expect-no-changes"))
    leaves_nothing(lab, before)


@pytest.fixture(scope="module", params=[OF_ANOTHER_USER], ids=str)
def kubespray(request: pytest.FixtureRequest, clusters: Clusters) -> Lab:
    lab = clusters.lab(request.param)
    lab.exercise_plain_pods()
    return lab


def test_directories_of_another_user_are_refused_with_both_ways_out(kubespray: Lab) -> None:
    before = kubespray.trees()
    printed = failed(kubespray.stack.up(), "has the rights drwxr-xr-x 998 0")
    for directory in ("/etc/cni/net.d", "/opt/cni/bin"):
        assert f"{directory}: has the rights" in printed
    assert "chown root and chmod 755 it, or set security.privileged to true" in printed
    assert kubespray.trees() == before


def test_pods_with_privileges_write_there(kubespray: Lab) -> None:
    configure(kubespray.stack, security={"privileged": True})
    before = kubespray.trees()
    succeeded(kubespray.stack.up())
    kubespray.pods.create_network()
    kubespray.exercise_second_interface()
    leaves_nothing(kubespray, before)


def test_and_so_does_root_in_its_own_directories(kubespray: Lab) -> None:
    [node] = kubespray.cluster.nodes
    node.run(["chown", "root", "/etc/cni/net.d", "/opt/cni/bin"])
    configure(kubespray.stack, security=None)
    before = kubespray.trees()
    succeeded(kubespray.stack.up())
    kubespray.exercise_second_interface()
    leaves_nothing(kubespray, before)


@pytest.mark.parametrize("cell", [TALOS], ids=str)
def test_talos_has_neither_opt_for_its_kubelet_nor_rights_for_pods(clusters: Clusters, cell: Cell) -> None:
    """Its kubelet's container lacks /opt, so that a hostPath of a type fails; nobody lets us in."""
    lab = clusters.lab(cell)
    [node] = lab.cluster.nodes
    assert "bridge" in node.run(["ls", "/opt/cni/bin"]).stdout
    configure(lab.stack, namespace="networks", createNamespace=True)
    succeeded(lab.stack.up())
    namespace: Any = lab.pods.core.read_namespace("networks")
    assert namespace.metadata.labels["pod-security.kubernetes.io/enforce"] == "privileged"
    lab.pods.create_network()
    lab.exercise_second_interface()
    succeeded(lab.stack.up("--expect-no-changes"))
    succeeded(lab.stack.destroy())
    lab.pods.await_no_multus("networks")
    lab.exercise_plain_pods()
