"""What differs between two property values, field by field, and what of it cannot be changed in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi.runtime.proto import provider_pb2

from lab.standins.properties import UNKNOWN, path_text

Path = tuple[str | int, ...]
Equal = Callable[[Path, Any, Any], bool]
_MISSING = object()

ADD, DELETE, UPDATE = (
    provider_pb2.PropertyDiff.ADD,
    provider_pb2.PropertyDiff.DELETE,
    provider_pb2.PropertyDiff.UPDATE,
)
_REPLACING = {
    ADD: provider_pb2.PropertyDiff.ADD_REPLACE,
    DELETE: provider_pb2.PropertyDiff.DELETE_REPLACE,
    UPDATE: provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


@dataclass(frozen=True)
class Change:
    """One field that differs."""

    path: Path
    kind: provider_pb2.PropertyDiff.Kind.ValueType
    replaces: bool

    def message(self, *, seen_in_inputs: bool = True) -> provider_pb2.PropertyDiff:
        """The change as the engine reads it; where it says so, a deleted field is to be looked for in the inputs."""
        kind = _REPLACING[self.kind] if self.replaces else self.kind
        return provider_pb2.PropertyDiff(kind=kind, inputDiff=seen_in_inputs and self.kind == DELETE)


def changes(old: Any, new: Any, immutable: Sequence[tuple[str, ...]], equal: Equal) -> list[Change]:
    """The fields that differ; `equal` compares what is neither a map nor a list."""
    return [
        Change(path, kind, any(_touches(path, value, field) for field in immutable))
        for path, kind, value in _differences((), old, new, equal)
    ]


def _differences(path: Path, old: Any, new: Any, equal: Equal) -> Iterator[tuple[Path, Any, Any]]:
    if new is _MISSING:
        yield path, DELETE, None
    elif old is _MISSING:
        yield path, ADD, new
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _differences((*path, key), old.get(key, _MISSING), new.get(key, _MISSING), equal)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _differences((*path, index), _at(old, index), _at(new, index), equal)
    elif new is UNKNOWN or not equal(path, old, new):
        yield path, UPDATE, new


def _at(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else _MISSING


def ignored(path: Path, ignore: Sequence[str]) -> bool:
    """Whether `ignore_changes` covers the path."""
    text = path_text(path)
    return any(text == each or text.startswith((f"{each}.", f"{each}[")) for each in ignore)


def _touches(path: Path, value: Any, field: tuple[str, ...]) -> bool:
    """Whether the changed value is the field, lies in it or contains it."""
    depth = min(len(path), len(field))
    if path[:depth] != field[:depth]:
        return False
    for key in field[depth:]:
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True
