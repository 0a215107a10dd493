"""Where the bytes of a state are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.hundred_nodes.stamped_events import group_of

# sdk/go/common/resource/sig of Pulumi 3.259: the key that marks a value that JSON has no type for, and a secret's mark.
_MARK, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


@dataclass(frozen=True)
class Size:
    """The bytes that a group of resources takes as JSON without spaces, which is how the file backend writes it.

    Attributes:
        name: of the resources, a node's name being `NODE`.
        count: how many.
        inputs: their inputs without secrets.
        outputs: their outputs without secrets.
        secrets: ciphertexts in both.
        about: everything else: names, parents, dependencies.
    """

    name: str
    count: int = 0
    inputs: int = 0
    outputs: int = 0
    secrets: int = 0
    about: int = 0

    @property
    def bytes(self) -> tuple[int, int, int, int, int]:
        """All of it, and its parts."""
        parts = self.inputs, self.outputs, self.secrets, self.about
        return (sum(parts), *parts)

    def with_another(self, resource: dict[str, Any]) -> Size:
        """The size with one more resource."""
        inputs, outputs = resource.get("inputs", {}), resource.get("outputs", {})
        hidden = _secrets(inputs), _secrets(outputs)
        about = {key: value for key, value in resource.items() if key not in ("inputs", "outputs")}
        return Size(
            self.name,
            self.count + 1,
            self.inputs + _bytes(inputs) - hidden[0],
            self.outputs + _bytes(outputs) - hidden[1],
            self.secrets + sum(hidden),
            self.about + _bytes(about),
        )


def groups(resources: Sequence[dict[str, Any]], nodes: Sequence[str]) -> list[Size]:
    """The sizes of a state's resources by groups, the largest first."""
    found: dict[str, Size] = {}
    for resource in resources:
        name = group_of(resource["urn"], nodes)
        found[name] = found.get(name, Size(name)).with_another(resource)
    return sorted(found.values(), key=lambda size: -size.bytes[0])


def _secrets(value: Any) -> int:
    """The bytes of all secrets in a value."""
    if isinstance(value, dict):
        return _bytes(value) if value.get(_MARK) == _SECRET else sum(map(_secrets, value.values()))
    return sum(map(_secrets, value)) if isinstance(value, list) else 0


def _bytes(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())
