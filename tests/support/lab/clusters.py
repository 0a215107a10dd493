"""Clusters for the lab's stories: the running one serves the next story of its kind, once it is like new."""

from __future__ import annotations

import os
import warnings
from contextlib import ExitStack
from dataclasses import dataclass

from kubernetes import client

from lab.cluster import Cluster
from lab.engine import Result, Stack
from lab.errors import LabError
from lab.programs import Programs

from .cells import Cell
from .leftovers import Trees, reservations_and_files
from .pods import NETWORK, Pods
from .pristine import Pristine

# Every rollout of a story waits for it; that the default is what it is, others say.
_SETTINGS = {"scheduling": {"minReadySeconds": 1}}


@dataclass(frozen=True)
class Lab:
    """A running cluster with a stack of its own."""

    cluster: Cluster
    stack: Stack
    pods: Pods

    def trees(self) -> Trees:
        """Every node's own files."""
        return {node.name: node.tree() for node in self.cluster.nodes}

    def assert_files_are(self, before: Trees) -> None:
        """Every node's own files are what they were, but for what plugins and users keep."""
        after = self.trees()
        for node, tree in before.items():
            assert reservations_and_files(after[node]) == reservations_and_files(tree)

    def exercise_second_interface(self, name: str = "one") -> None:
        """A pod on the first node gets an interface of the test's network, and goes."""
        self.pods.create(name, node=self.cluster.nodes[0].name, network=NETWORK)
        assert self.pods.address(name, "net1").startswith("10.98.0.")
        self.pods.delete(name)

    def exercise_many_interfaces(self) -> None:
        """A pod gets so many that Multus adds to an event instead of making another one, as from the eleventh on."""
        names = [f"net{number}" for number in range(1, 14)]
        self.pods.create("many", node=self.cluster.nodes[0].name, network=",".join([NETWORK] * len(names)))
        assert len({self.pods.address("many", name) for name in names}) == len(names)
        self.pods.delete("many")

    def exercise_plain_pods(self) -> None:
        """A pod without additional networks starts and stops on every node."""
        names = {f"plain-{node.name}": node.name for node in self.cluster.nodes}
        for name, node in names.items():
            self.pods.ask(name, node=node)
        self.pods.await_running(*names)
        self.pods.delete(*names)


class Clusters:
    """One cluster at a time, under one name."""

    def __init__(self, instance: str, programs: Programs) -> None:
        self._cluster = Cluster(instance)
        self._programs = programs
        self._cell: Cell | None = None
        self._pristine: Pristine | None = None
        self._open = ExitStack()

    def lab(self, cell: Cell) -> Lab:
        """A cluster of that kind on which nobody has done anything."""
        if not (self._cell == cell and self._restored()):
            self._boot(cell)
        plugins = os.environ.get("LAB_PLUGINS", "auto")
        stack = Stack(self._cluster, self._programs, plugins=plugins, settings=_SETTINGS)
        stack.remove()
        self._open.close()
        return Lab(self._cluster, stack, Pods(self._open.enter_context(self._cluster.api)))

    def down(self) -> None:
        """Leave nothing running."""
        self._cell = None
        self._open.close()
        self._cluster.down()

    def _restored(self) -> bool:
        assert self._pristine is not None
        try:
            self._pristine.restore(self._cluster)
        except (LabError, client.ApiException) as error:
            warnings.warn(f"the next story gets another cluster: {error}", stacklevel=1)
            return False
        return True

    def _boot(self, cell: Cell) -> None:
        self.down()
        self._cluster.up(cell.distro, cell.nodes, reference_plugins=cell.reference_plugins, ground=cell.ground)
        self._pristine = Pristine.of(self._cluster)
        self._cell = cell


def succeeded(result: Result) -> Result:
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    return result
