"""A node of the lab without its current."""

from __future__ import annotations

from tests.support.lab.cells import Cell
from tests.support.lab.clusters import Clusters

CELL = Cell("k3s-legacy")


def test_a_node_comes_back_after_a_reboot(clusters: Clusters) -> None:
    cluster = clusters.lab(CELL).cluster
    [node] = cluster.nodes
    node.run(["touch", "/var/lib/kept", "/run/lost"])
    node.reboot()
    cluster.await_ready()
    assert node.run(["ls", "/var/lib/kept"]).stdout == "/var/lib/kept\n"
    assert node.run(["ls", "/run/lost"], check=False).returncode != 0
