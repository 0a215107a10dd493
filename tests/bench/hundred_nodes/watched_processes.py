"""What a run of Pulumi costs, process by process: memory, processor time and bytes written, read from /proc."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.hundred_nodes.repeating import repeated

_EVERY = 0.05
_TICKS = os.sysconf("SC_CLK_TCK")
CLI = "CLI"
_KINDS = {
    "pulumi-resource-command": "command plugin",
    "lab.standins.command": "command plugin",
    "pulumi-resource-kubernetes": "kubernetes plugin",
    "lab.standins.kubernetes": "kubernetes plugin",
    "pulumi-language-python": "language host",
    "lab.standins.language": "language host",
}
_PROGRAM = "program"


@dataclass(frozen=True)
class Cost:
    """What one process or several of a kind have cost.

    Attributes:
        peak: the most memory that one had resident, in bytes.
        seconds: of processor time, all together.
        written: bytes that were written, to files and pipes alike.
    """

    peak: int = 0
    seconds: float = 0
    written: int = 0


@dataclass
class Watch:
    """Looks at every process below this one until it is told to stop."""

    _seen: dict[int, tuple[str, Cost]] = field(default_factory=dict)

    def costs(self) -> dict[str, Cost]:
        """What each kind of process has cost."""
        kinds: defaultdict[str, list[Cost]] = defaultdict(list)
        for kind, cost in self._seen.values():
            kinds[kind].append(cost)
        return {kind: _sum(costs) for kind, costs in kinds.items()}

    def look(self) -> None:
        """Look once. What a process has last been seen with counts; its peak and its sums only grow."""
        for run in _children(os.getpid()):
            for pid in _with_all_below(run) if _kind(run) == CLI else ():
                # It may have ended meanwhile: a zombie has no memory.
                with suppress(OSError, KeyError):
                    self._seen[pid] = (_kind(pid), _cost(pid))


@contextmanager
def watched() -> Iterator[Watch]:
    """Watch all processes that are started in the block."""
    watch = Watch()
    with repeated(watch.look, _EVERY):
        yield watch


def _sum(costs: list[Cost]) -> Cost:
    return Cost(
        max(cost.peak for cost in costs), sum(cost.seconds for cost in costs), sum(cost.written for cost in costs)
    )


def _children(pid: int) -> list[int]:
    # Each thread has children of its own; a process may end meanwhile.
    with suppress(OSError):
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    return []


def _with_all_below(pid: int) -> Iterator[int]:
    yield pid
    for child in _children(pid):
        yield from _with_all_below(child)


def _kind(pid: int) -> str:
    # It may have ended meanwhile, and is then of no kind in particular.
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        if Path(words[0]).name == "pulumi":
            return CLI
        return next((kind for part, kind in _KINDS.items() if part in " ".join(words)), _PROGRAM)
    return _PROGRAM


def _cost(pid: int) -> Cost:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    written = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    peak = 1024 * int(status["VmHWM"].split()[0])
    return Cost(peak, (int(times[11]) + int(times[12])) / _TICKS, int(written["wchar"]))
