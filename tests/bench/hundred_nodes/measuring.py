"""Runs Pulumi on the nodes of the bench, and looks what that costs."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.cluster import Cluster
from lab.engine import Stack
from lab.layout import Layout
from lab.looks import LOOKS, Look
from lab.programs import Programs
from lab.progress import quietly
from tests.bench.hundred_nodes import comparisons
from tests.bench.hundred_nodes.answering_hosts import AnsweringHosts, Host
from tests.bench.hundred_nodes.connections import Connections
from tests.bench.hundred_nodes.ready_nodes import ReadyNodes
from tests.bench.hundred_nodes.stamped_events import Part, operations, parts, stamped
from tests.bench.hundred_nodes.trees import THIS, Tree
from tests.bench.hundred_nodes.watched_processes import Cost, watched

_LOOK = "k3s"
PREVIEW, UP, UNCHANGED, DESTROY = "preview", "up", "unchanged up", "destroy"


@dataclass(frozen=True)
class Nodes:
    """The cluster as a stack sees it."""

    layout: Layout
    nodes: Sequence[Host]
    distro: str = _LOOK

    @property
    def state(self) -> Path:
        return self.layout.state

    @property
    def kubeconfig(self) -> Path:
        return self.layout.state / "kubeconfig"

    @property
    def ssh_key(self) -> Path:
        return self.layout.state / "ssh" / "id_ed25519"

    @property
    def look(self) -> Look:
        return LOOKS[self.distro]

    @property
    def api_server(self) -> str:
        return self.layout.api_server


class MeasuredStack(Stack):
    """A stack that runs as people's do: Go collects its garbage as usual, a checkout's own Python runs its program."""

    def environment(self) -> dict[str, str]:
        environment = super().environment()
        # The lab's processes keep more garbage than people's.
        environment.pop("GOGC", None)
        return environment

    def use(self, python: Path) -> None:
        """Have the stand-in of the language host, where there is one, and so the program, run by that interpreter."""
        if self.plugins.folder is not None:
            wrapper = self.plugins.folder / "pulumi-language-python"
            wrapper.write_text(wrapper.read_text().replace(str(THIS.python), str(python)))

    @property
    def events(self) -> Path:
        """Where the engine writes the events of a run."""
        return self.log.with_name(f"pulumi-{self.name}-events.json")

    @property
    def checkpoint(self) -> Path:
        """The state as the file backend keeps it."""
        [file] = (self.state / "backend" / ".pulumi" / "stacks").rglob(f"{self.name}.json")
        return file


@dataclass(frozen=True)
class Run:
    """One run of Pulumi.

    Attributes:
        seconds: on the clock.
        costs: of each kind of process.
        connections: over SSH.
        parts: what the engine did when.
        operations: how many resources of each type something was done to.
    """

    seconds: float
    costs: dict[str, Cost]
    connections: Connections
    parts: list[Part] = field(repr=False)
    operations: Mapping[str, int] = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """What a checkout needs for a number of nodes.

    Attributes:
        tree: the checkout's name.
        nodes: how many.
        runs: by their names.
        bare: the preview of as many bare resources.
        checkpoint: the size of the state after `up`, in bytes; 0 where nothing was installed.
        resources: what is in that state.
        names: the nodes'.
    """

    tree: str
    nodes: int
    runs: dict[str, Run]
    bare: Run
    checkpoint: int = 0
    resources: list[dict[str, Any]] = field(repr=False, default_factory=list)
    names: Sequence[str] = ()


@dataclass(frozen=True)
class Floor:
    """An unchanged `up` of a program without resources, and of one with a resource of each plugin."""

    empty: Run
    plugins: Run


@dataclass
class Bench:
    """The API server, the hosts and the nodes, all running; `scratch` is for programs."""

    programs: Programs
    cluster: Cluster
    hosts: AnsweringHosts
    ready: ReadyNodes
    scratch: Path

    @property
    def plugins(self) -> str:
        """Which plugins Pulumi runs with, in a sentence."""
        return self._stack(THIS, self.hosts.hosts(1)).describe_plugins()

    def warm_up(self, tree: Tree) -> None:
        """Preview once, so that its modules are compiled and read."""
        self._stack(tree, self.hosts.hosts(1)).preview().check()

    def measure_floor(self) -> Floor:
        """Measure what no program can do without."""
        runs = []
        for program in (comparisons.EMPTY, comparisons.bare(1, 1)):
            stack = self._stack(self._with(program), self.hosts.hosts(1))
            stack.up().check()
            runs.append(self._run(stack, UNCHANGED))
            stack.destroy().check()
        return Floor(*runs)

    def measure(self, tree: Tree, count: int, *, preview_only: bool = False) -> Outcome:
        """Install with that many nodes, change nothing, and remove, by that checkout."""
        hosts = self.hosts.hosts(count)
        names = [host.name for host in hosts]
        self.ready.add(names)
        stack = self._stack(tree, hosts)
        runs = {PREVIEW: self._run(stack, PREVIEW)}
        size, resources = 0, []
        if not preview_only:
            runs[UP] = self._run(stack, UP)
            size = stack.checkpoint.stat().st_size
            resources = json.loads(stack.checkpoint.read_text())["checkpoint"]["latest"]["resources"]
            runs |= {name: self._run(stack, name) for name in (UNCHANGED, DESTROY)}
        bare = comparisons.bare(*comparisons.counts_of(runs[PREVIEW].operations))
        return Outcome(
            tree.name, count, runs, self._run(self._stack(self._with(bare), hosts), PREVIEW), size, resources, names
        )

    def _run(self, stack: MeasuredStack, name: str) -> Run:
        """Run Pulumi and watch it."""
        self.hosts.connections()
        names = [node.name for node in stack.cluster.nodes]
        others = {"sshd": self.hosts.cgroup, "control plane": self.cluster.control_plane.cgroup}
        before = {other: group.processor_seconds() for other, group in others.items()}
        commands = {PREVIEW: stack.preview, UP: stack.up, DESTROY: stack.destroy}
        with stamped(stack.events) as stamps, watched() as watch:
            began = time.monotonic()
            result = stack.up("--expect-no-changes") if name == UNCHANGED else commands[name]()
            seconds = time.monotonic() - began
        result.check()
        beside = {other: Cost(seconds=group.processor_seconds() - before[other]) for other, group in others.items()}
        events = stamps.events()
        costs = watch.costs() | beside
        return Run(seconds, costs, self.hosts.connections(), parts(events, names), operations(events))

    def _with(self, program: str) -> Tree:
        folder = Path(tempfile.mkdtemp(dir=self.scratch)) / "program"
        return Tree("", comparisons.write(folder, program), THIS.python)

    def _stack(self, tree: Tree, hosts: Sequence[Host]) -> MeasuredStack:
        stack = MeasuredStack(Nodes(self.cluster.layout, hosts), self.programs, "bench", program=tree.folder)
        stack.remove()
        stack.use(tree.python)
        stack.prepare()
        return stack


@contextmanager
def running(programs: Programs, max_startups: str, instance: str = "bench") -> Iterator[Bench]:
    """Start everything, and leave nothing of it.

    Args:
        programs: those of the lab.
        max_startups: sshd's MaxStartups for all hosts together.
        instance: the lab's name.
    """
    cluster = Cluster(instance)
    with cluster.alone(), tempfile.TemporaryDirectory(prefix="multus-bench-") as scratch:
        quietly(cluster.down_steps())
        try:
            cluster.state.mkdir(parents=True, mode=0o755)
            cluster.control_plane.make_keys()
            cluster.control_plane.make_network()
            cluster.control_plane.start(programs)
            hosts = AnsweringHosts(cluster.layout, max_startups)
            hosts.start()
            with cluster.api as api:
                ready = ReadyNodes(api)
                with ready.kept():
                    yield Bench(programs, cluster, hosts, ready, Path(scratch))
        finally:
            quietly(cluster.down_steps())
