"""Where the time of a run goes: the engine's events, stamped as they are written, by groups of resources."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.hundred_nodes.repeating import repeated

_EVERY = 0.02
_BEGINS, _ENDS = "resourcePreEvent", "resOutputsEvent"


@dataclass(frozen=True)
class Event:
    """What the engine says of a resource: that it begins with it, or has ended.

    Attributes:
        at: in seconds from the run's begin.
        ends: whether it has ended.
        urn: the resource's.
        type: the resource's.
        operation: what is done, in the engine's words.
    """

    at: float
    ends: bool
    urn: str
    type: str
    operation: str


@dataclass(frozen=True)
class Part:
    """What a group of resources took.

    Attributes:
        name: of the resources, a node's name being `NODE`.
        count: how many.
        first: when the first began, in seconds from the run's begin.
        last: when the last had ended.
        each: how long one took, on average.
    """

    name: str
    count: int
    first: float
    last: float
    each: float


@dataclass
class Stamped:
    """The lines of a log, each with the seconds since the run's begin; read while the run goes on, parsed after it."""

    lines: list[tuple[float, bytes]] = field(default_factory=list)

    def events(self) -> list[Event]:
        """Those of resources."""
        return [event for at, line in self.lines for event in _read(at, line)]


@contextmanager
def stamped(file: Path) -> Iterator[Stamped]:
    """Follow a log that the engine begins anew in the block."""
    found = Stamped()
    file.unlink(missing_ok=True)
    began = time.monotonic()
    read, rest = 0, b""

    def follow() -> None:
        nonlocal read, rest
        if file.exists():
            with file.open("rb") as log:
                log.seek(read)
                text = log.read()
            read += len(text)
            now = time.monotonic() - began
            *lines, rest = (rest + text).split(b"\n")
            found.lines.extend((now, line) for line in lines)

    with repeated(follow, _EVERY):
        yield found


def operations(events: Sequence[Event]) -> Counter[str]:
    """How many resources of each type something was, or would be, done to."""
    return Counter(event.type for event in events if not event.ends and event.operation != "same")


def parts(events: Sequence[Event], nodes: Sequence[str]) -> list[Part]:
    """What was done, by groups, in the order in which they began."""
    begun: dict[str, float] = {}
    ended: dict[str, float] = {}
    for event in events:
        if not event.ends:
            begun.setdefault(event.urn, event.at)
        elif event.urn in begun:
            # A component ends twice: when it is registered, and when it has its outputs.
            ended[event.urn] = event.at
    groups: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for urn, end in ended.items():
        groups[group_of(urn, nodes)].append((begun[urn], end))
    return sorted((_part(name, spans) for name, spans in groups.items()), key=lambda part: part.first)


def group_of(urn: str, nodes: Sequence[str]) -> str:
    """A resource's name, a node's name at its end being `NODE`, with the last word of its type."""
    _, _, types, name = urn.split("::", 3)
    node = next((node for node in nodes if name.endswith(f"-{node}")), None)
    shown = name if node is None else f"{name.removesuffix(node)}NODE"
    return f"{shown} ({types.rpartition('$')[2].rpartition(':')[2]})"


def _part(name: str, spans: Sequence[tuple[float, float]]) -> Part:
    first, last = min(begin for begin, _ in spans), max(end for _, end in spans)
    return Part(name, len(spans), first, last, sum(end - begin for begin, end in spans) / len(spans))


def _read(at: float, line: bytes) -> Iterator[Event]:
    event = json.loads(line)
    for kind in (_BEGINS, _ENDS):
        said = event.get(kind, {}).get("metadata")
        if said:
            yield Event(at, kind == _ENDS, said["urn"], said["type"], said["op"])
