"""The lab's clusters, one at a time, for the tests that need a real kubelet and the real engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from lab import host, prepare
from lab.cluster import Cluster
from lab.engine import Result, Stack
from lab.programs import Programs
from lab.progress import Progress

from .pods import Pods

# Test runs and workers side by side need labs of different names.
INSTANCE = "-".join(filter(None, [os.environ.get("LAB_TEST_INSTANCE", "test"), os.environ.get("PYTEST_XDIST_WORKER")]))
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = host.unfit()
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lab)
            if reason:
                item.add_marker(pytest.mark.skip(reason=reason))


@dataclass(frozen=True)
class Cell:
    """A kind of cluster that everything has to work on."""

    distro: str
    nodes: int
    reference_plugins: bool = True

    def __str__(self) -> str:
        return f"{self.distro}-{self.nodes}"


@pytest.fixture(scope="session")
def programs(request: pytest.FixtureRequest) -> Programs:
    """Everything that the lab runs, built where it was missing; a cold build is long, so its progress is shown."""
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        Progress(Console())(prepare.steps())
    return prepare.programs()


@dataclass(frozen=True)
class Lab:
    """A running cluster with a stack of its own."""

    cluster: Cluster
    stack: Stack
    pods: Pods

    def trees(self) -> dict[str, dict[str, tuple[str, str]]]:
        """Every node's own files."""
        return {node.name: node.tree() for node in self.cluster.nodes}


def boot(cell: Cell, programs: Programs) -> Iterator[Lab]:
    """A cluster of that kind, and nothing of it afterwards."""
    cluster = Cluster(INSTANCE)
    cluster.down()
    try:
        cluster.up(cell.distro, cell.nodes, reference_plugins=cell.reference_plugins)
        with cluster.api as api:
            yield Lab(cluster, Stack(cluster, programs, plugins=os.environ.get("LAB_PLUGINS", "auto")), Pods(api))
    finally:
        cluster.down()


def succeeded(result: Result) -> Result:
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    return result
