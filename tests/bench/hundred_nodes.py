"""What many nodes cost: time, memory, state and SSH connections, of this checkout and of others beside it.

    python -m tests.bench.hundred_nodes [--tree CHECKOUT]... [--nodes N...]

The engine, its file backend, the API server and sshd are real. The nodes are objects that stay Ready and hosts that say
that every command succeeded, so that what is measured is what Pulumi, its plugins and this project do.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from kubernetes import client, config

from lab import prepare
from lab.cluster import Cluster as Lab
from lab.engine import Stack
from lab.layout import Layout
from lab.looks import LOOKS, Look
from tests.bench.answering_hosts import AnsweringHosts, Connections, Host
from tests.bench.ready_nodes import ReadyNodes
from tests.bench.state_sizes import sizes
from tests.bench.time_parts import Part, stamped
from tests.bench.watched_processes import Cost, watched
from tests.support.paths import ROOT

_INSTANCE = "bench"
_LOOK = "k3s"


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


class Measured(Stack):
    """A stack that runs as people run it: Go's collector as it comes, the program by its own checkout's Python."""

    def environment(self) -> dict[str, str]:
        environment = super().environment()
        environment.pop("GOGC", None)
        return environment

    def use_python_of(self, tree: Path) -> None:
        """Have the stand-in of the language host, where there is one, and so the program, run by that Python."""
        if self.plugins.folder is not None:
            wrapper = self.plugins.folder / "pulumi-language-python"
            wrapper.write_text(wrapper.read_text().replace(sys.executable, str(tree / ".venv" / "bin" / "python")))

    @cached_property
    def checkpoint(self) -> Path:
        [file] = (self.state / "backend" / ".pulumi" / "stacks").rglob(f"{self.name}.json")
        return file


@dataclass(frozen=True)
class Run:
    """One run of Pulumi."""

    seconds: float
    costs: dict[str, Cost]
    connections: Connections
    parts: list[Part] = field(repr=False, default_factory=list)
    operations: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a tree needs for a number of nodes: runs by their names, and the state after `up`."""

    tree: str
    nodes: int
    runs: dict[str, Run]
    checkpoint: int
    resources: list[dict[str, Any]] = field(repr=False)


@dataclass
class Bench:
    """The API server, the hosts and the nodes, all running."""

    layout: Layout
    hosts: AnsweringHosts
    ready: ReadyNodes

    def measure(self, tree: Path, count: int) -> Outcome:
        """Install with that many nodes, change nothing, and remove, by that checkout."""
        hosts = self.hosts.hosts(count)
        self.ready.add([host.name for host in hosts])
        stack = self._stack(tree, hosts, "bench")
        names = [host.name for host in hosts]
        runs = {"preview": self.run(stack, names, "preview"), "up": self.run(stack, names, "up")}
        state = json.loads(stack.checkpoint.read_text())
        size = stack.checkpoint.stat().st_size
        runs["unchanged up"] = self.run(stack, names, "up", "--expect-no-changes")
        runs["destroy"] = self.run(stack, names, "destroy")
        stack.remove()
        return Outcome(tree.name, count, runs, size, state["checkpoint"]["latest"]["resources"])

    def run(self, stack: Measured, names: Sequence[str], command: str, *arguments: str) -> Run:
        """Run Pulumi and watch it."""
        self.hosts.connections_since()
        events = stack.log.with_name(f"pulumi-{stack.name}-events.json")
        with stamped(events) as stamps, watched() as watch:
            began = time.monotonic()
            result = getattr(stack, command)(*arguments)
            seconds = time.monotonic() - began
        result.check()
        costs = watch.costs()
        return Run(seconds, costs, self.hosts.connections_since(), stamps.parts(names), stamps.operations())

    def _stack(self, tree: Path, hosts: Sequence[Host], name: str) -> Measured:
        stack = Measured(Nodes(self.layout, hosts), prepare.programs(), name, program=tree)
        stack.remove()
        stack.use_python_of(tree)
        stack.prepare()
        return stack


@contextmanager
def running(max_startups: str) -> Iterator[Bench]:
    """Start everything, and leave nothing of it."""
    lab = Lab(_INSTANCE)
    with lab.alone():
        lab._remove()
        try:
            lab.state.mkdir(parents=True, mode=0o755)
            lab.control_plane.make_keys()
            lab.control_plane.make_network()
            lab.control_plane.start(prepare.programs())
            hosts = AnsweringHosts(lab.layout, max_startups)
            hosts.start()
            with config.new_client_from_config(str(lab.kubeconfig)) as api:
                ready = ReadyNodes(api)
                with ready.kept():
                    yield Bench(lab.layout, hosts, ready)
        finally:
            lab._remove()


def report(outcome: Outcome, out: Any) -> None:
    w = out.write
    w(f"\n## {outcome.tree}, {outcome.nodes} nodes\n\n")
    w(f"state {outcome.checkpoint} bytes, {outcome.checkpoint / outcome.nodes:.0f} a node\n\n")
    for name, run in outcome.runs.items():
        w(f"### {name}: {run.seconds:.1f} s, {run.connections}\n\n")
        for kind, cost in sorted(run.costs.items()):
            w(f"    {kind:20} peak {cost.peak / 1e6:7.0f} MB, cpu {cost.seconds:6.1f} s, wrote {cost.written / 1e6:8.1f} MB\n")
        w("\n")
        for part in run.parts:
            w(f"    {part.name:60} {part.count:4} x, from {part.first:6.1f} to {part.last:6.1f} s, each {part.each:5.2f} s\n")
        w("\n")
    w("### state\n\n")
    total = 0
    for s in sizes(outcome.resources, [f"node-{n:04d}" for n in range(1, outcome.nodes + 1)]):
        total += s.all
        w(f"    {s.name:60} {s.count:4} x, each {s.all / s.count:8.0f} = inputs {s.inputs / s.count:7.0f} + outputs {s.outputs / s.count:7.0f} + secrets {s.secrets / s.count:6.0f} + about {s.about / s.count:6.0f}\n")
    w(f"    compact, all: {total}\n")
    out.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tree", type=Path, action="append")
    parser.add_argument("--nodes", type=int, nargs="+", default=[20, 100])
    parser.add_argument("--max-startups", default="1000:30:1000")
    said = parser.parse_args()
    trees = [tree.resolve() for tree in said.tree or ()] + [ROOT]
    with running(said.max_startups) as bench:
        for count in said.nodes:
            for tree in trees:
                report(bench.measure(tree, count), sys.stdout)


if __name__ == "__main__":
    main()
