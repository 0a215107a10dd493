"""Where the bytes of a state are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.time_parts import group_of

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the engine's mark of a secret, not one


@dataclass(frozen=True)
class Size:
    """The bytes that a group of resources takes as compact JSON.

    Attributes:
        name: of the resources, a node's name being `NODE`.
        count: how many.
        inputs: their inputs, secrets left out.
        outputs: their outputs, secrets left out.
        secrets: ciphertexts in both.
        about: everything else: names, parents, dependencies.
    """

    name: str
    count: int
    inputs: int
    outputs: int
    secrets: int
    about: int

    @property
    def all(self) -> int:
        """All of it."""
        return self.inputs + self.outputs + self.secrets + self.about


def sizes(resources: Sequence[dict[str, Any]], nodes: Sequence[str]) -> list[Size]:
    """The sizes of a deployment's resources by groups, the largest first."""
    groups: dict[str, list[tuple[int, int, int, int]]] = {}
    for resource in resources:
        groups.setdefault(group_of(resource["urn"], nodes), []).append(_measured(resource))
    found = [Size(name, len(each), *map(sum, zip(*each, strict=True))) for name, each in groups.items()]
    return sorted(found, key=lambda size: -size.all)


def _measured(resource: dict[str, Any]) -> tuple[int, int, int, int]:
    inputs, outputs = resource.get("inputs", {}), resource.get("outputs", {})
    hidden = [ciphertexts(inputs), ciphertexts(outputs)]
    whole = [_bytes(inputs), _bytes(outputs)]
    about = _bytes({key: value for key, value in resource.items() if key not in ("inputs", "outputs")})
    return whole[0] - hidden[0], whole[1] - hidden[1], sum(hidden), about


def ciphertexts(value: Any) -> int:
    """The bytes of all secrets in a value."""
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET:
            return _bytes(value)
        return sum(map(ciphertexts, value.values()))
    return sum(map(ciphertexts, value)) if isinstance(value, list) else 0


def _bytes(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":")).encode())
