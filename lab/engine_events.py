"""What the engine did, read from the events that `pulumi --event-log` writes: JSON, one event a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SAME = "same"


@dataclass(frozen=True)
class Done:
    """What one run did or, for a preview, would do.

    Attributes:
        changes: how many resources each operation is for, such as `{"create": 3, "same": 12}`; the engine's own words.
        steps: every operation that ended well, in order: (the resource's name, the operation). Not those that changed
            nothing.
    """

    changes: dict[str, int] = field(default_factory=dict)
    steps: tuple[tuple[str, str], ...] = ()

    @property
    def resources(self) -> set[str]:
        """The names of the resources that something is done to."""
        return {name for name, _ in self.steps}


def read(file: Path) -> Done:
    """Read a log of events; one of a killed run ends anywhere, and one of a run that never began is not there."""
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    return summarize([json.loads(line) for line in lines if line.endswith("\n")])


def summarize(events: Sequence[dict[str, Any]]) -> Done:
    """Reduce events to what was done.

    Their shape is that of `apitype.EngineEvent` (sdk/go/common/apitype/events.go of Pulumi 3.259).
    """
    changes: dict[str, int] = {}
    for event in events:
        changes |= event.get("summaryEvent", {}).get("resourceChanges") or {}
    return Done({operation: count for operation, count in changes.items() if count}, tuple(_steps(events)))


def _steps(events: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for event in events:
        metadata = event.get("resOutputsEvent", {}).get("metadata")
        if metadata and metadata["op"] != _SAME and not _is_default_provider(metadata):
            yield _name(metadata), metadata["op"]


def _name(metadata: dict[str, Any]) -> str:
    return str(metadata["urn"].split("::", 3)[3])


def _is_default_provider(metadata: dict[str, Any]) -> bool:
    """Whether it is a provider that no program registers; the engine counts and shows none of them."""
    return metadata["type"].startswith("pulumi:providers:") and _name(metadata).startswith("default")
