"""Where the time of a run goes: the engine's events, stamped as they are written, by groups of resources."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_EVERY = 0.02


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
    """The events of a run, each with the seconds since its begin."""

    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def parts(self, nodes: Sequence[str]) -> list[Part]:
        """The groups, in the order in which they began."""
        return parts(self.events, nodes)

    def operations(self) -> dict[str, int]:
        """How many resources of each type were, or would be, made."""
        counts: dict[str, int] = {}
        for _, event in self.events:
            metadata = event.get("resourcePreEvent", {}).get("metadata")
            if metadata and metadata["op"] != "same":
                counts[metadata["type"]] = counts.get(metadata["type"], 0) + 1
        return counts


@contextmanager
def stamped(file: Path) -> Iterator[Stamped]:
    """Read the log of events as the engine writes it."""
    found, stop = Stamped(), threading.Event()
    file.unlink(missing_ok=True)
    began = time.monotonic()

    def run() -> None:
        read, rest = 0, ""
        while True:
            last = stop.wait(_EVERY)
            if file.exists():
                with file.open(encoding="utf-8") as log:
                    log.seek(read)
                    text = log.read()
                    read = log.tell()
                now = time.monotonic() - began
                *lines, rest = (rest + text).split("\n")
                found.events.extend((now, json.loads(line)) for line in lines)
            if last:
                return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


def parts(events: Sequence[tuple[float, dict[str, Any]]], nodes: Sequence[str]) -> list[Part]:
    """Group what was done to resources by their names without the nodes'."""
    begun: dict[str, float] = {}
    groups: dict[str, list[tuple[float, float]]] = {}
    for at, event in events:
        for kind in ("resourcePreEvent", "resOutputsEvent"):
            metadata = event.get(kind, {}).get("metadata")
            if not metadata:
                continue
            if kind == "resourcePreEvent":
                begun.setdefault(metadata["urn"], at)
            elif metadata["urn"] in begun:
                groups.setdefault(group_of(metadata["urn"], nodes), []).append((begun[metadata["urn"]], at))
    found = [
        Part(
            name,
            len(spans),
            min(first for first, _ in spans),
            max(last for _, last in spans),
            sum(last - first for first, last in spans) / len(spans),
        )
        for name, spans in groups.items()
    ]
    return sorted(found, key=lambda part: part.first)


def group_of(urn: str, nodes: Sequence[str]) -> str:
    """A resource's name, a node's name in it being `NODE`, with the last word of its type."""
    _, _, types, name = urn.split("::", 3)
    for node in nodes:
        if name.endswith(f"-{node}"):
            name = f"{name.removesuffix(node)}NODE"
            break
    return f"{name} ({types.rpartition('$')[2].rpartition(':')[2]})"
