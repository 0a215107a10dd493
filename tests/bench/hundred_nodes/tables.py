"""What was measured, as tables in Markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from datetime import UTC, datetime

from tests.bench.hundred_nodes.measuring import DESTROY, PREVIEW, UNCHANGED, UP, Floor, Outcome
from tests.bench.hundred_nodes.state_sizes import groups
from tests.bench.hundred_nodes.watched_processes import CLI

_KINDS = (CLI, "program", "language host", "command plugin", "kubernetes plugin")


def heading(plugins: str) -> str:
    """When and where."""
    load = os.getloadavg()[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, a load of {load:.1f} when it began, "
        f"Python {platform.python_version()}. {plugins}\n"
    )


def all_of(outcomes: Sequence[Outcome], floor: Floor) -> Iterator[str]:
    """Every table: of all outcomes side by side, and then of each by itself."""
    yield times(outcomes, floor)
    yield sizes(outcomes)
    yield connections([each for each in outcomes if UP in each.runs])
    yield from map(details, outcomes)


def times(outcomes: Sequence[Outcome], floor: Floor) -> str:
    """Wall time of each run."""
    rows = []
    for each in outcomes:
        took = {name: run.seconds for name, run in each.runs.items()}
        bare = each.bare.seconds
        rows.append(
            [
                *_of(each),
                f"{took[PREVIEW]:.1f} s",
                f"{bare:.1f} s ({took[PREVIEW] / bare:.2f})",
                *(f"{took[name]:.1f} s" if name in took else "" for name in (UP, UNCHANGED, DESTROY)),
            ]
        )
    head = ["nodes", "checkout", "preview", "preview of as many bare resources", UP, UNCHANGED, DESTROY]
    said = (
        f"An unchanged `up` of a program without resources took {floor.empty.seconds:.1f} s, "
        f"of one with a resource of each plugin {floor.plugins.seconds:.1f} s.\n"
    )
    return f"{table(head, rows)}\n{said}"


def sizes(outcomes: Sequence[Outcome]) -> str:
    """The state, and the memory of the longest run."""
    rows = []
    for each in outcomes:
        costs = each.runs[UP if UP in each.runs else PREVIEW].costs
        state = [f"{each.checkpoint / 1e6:.2f} MB", f"{each.checkpoint / each.nodes / 1e3:.1f} KB"]
        peaks = [f"{costs[kind].peak / 1e6:.0f} MB" if kind in costs else "" for kind in _KINDS]
        cli = [f"{costs[CLI].written / 1e6:.0f} MB", f"{costs[CLI].seconds:.1f} s"]
        rows.append([*_of(each), *(state if each.checkpoint else ["", ""]), *peaks, *cli])
    peaks = [f"{kind}, peak memory" for kind in _KINDS]
    return table(["nodes", "checkout", "state", "a node", *peaks, "the CLI writes", "and uses a processor for"], rows)


def connections(outcomes: Sequence[Outcome]) -> str:
    """The SSH connections of `up`."""
    head = ["nodes", "checkout", "dialled in `up`", "to one host", "open at once", "of one host"]
    rows = [[*_of(each), *map(str, astuple(each.runs[UP].connections))] for each in outcomes]
    return table([*head, "not yet authenticated at once", "dropped"], rows)


def details(outcome: Outcome) -> str:
    """Where the time, the processors' and the bytes of one outcome are."""
    lines = [f"### {outcome.tree}, {outcome.nodes} nodes\n"]
    for name, run in outcome.runs.items():
        parts = [
            [part.name, str(part.count), f"{part.first:.1f} s", f"{part.last:.1f} s", f"{part.each:.2f} s"]
            for part in run.parts
        ]
        used = ", ".join(f"{kind} {cost.seconds:.1f} s" for kind, cost in sorted(run.costs.items()))
        lines += [
            f"`{name}`: {run.seconds:.1f} s; of processors: {used}.\n",
            table(["resources", "count", "first begins", "last ends", "each takes"], parts),
        ]
    found = groups(outcome.resources, outcome.names)
    rows = [[each.name, str(each.count), *(f"{size / each.count:,.0f}" for size in each.bytes)] for each in found]
    head = ["resources", "count", "bytes each", "inputs", "outputs", "secrets in both", "names and dependencies"]
    state = ["The state after `up`:\n", table(head, rows)] if rows else []
    return "\n".join([*lines, *state])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ["---"] * len(head), *rows))


def _of(outcome: Outcome) -> tuple[str, str]:
    return str(outcome.nodes), outcome.tree
