"""Pulumi's property values as Python values: secrets and unknowns keep their meaning, whole numbers are ints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import rpc

_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"  # the protocol's mark of an asset
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the protocol's mark of a secret

Properties = dict[str, Any]


@dataclass(frozen=True)
class Secret:
    """A value that Pulumi encrypts in its state and hides in its output."""

    value: Any


@dataclass(frozen=True)
class FileAsset:
    """A file of the machine that runs Pulumi. Two are the same whose content is, wherever it lies."""

    hash: str
    path: str = field(compare=False)


class Unknown:
    """A value that a preview cannot know yet."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()


def decode(struct: struct_pb2.Struct) -> Properties:
    """What the engine sent."""
    decoded: Properties = _decode(json_format.MessageToDict(struct))
    return decoded


def _decode(value: Any) -> Any:
    if isinstance(value, dict):
        signature = value.get(_SIGNATURE)
        if signature == _SECRET:
            return Secret(_decode(value["value"]))
        # Of what the state has the engine sends the hash alone.
        if signature == _ASSET and not value.get("text") and not value.get("uri"):
            return FileAsset(value.get("hash", ""), value.get("path", ""))
        if signature is not None:
            raise ValueError("the lab's stand-in plugins take no assets but files, no archives, no resource references")
        return {key: _decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return UNKNOWN if value == rpc.UNKNOWN else value


def encode(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """What the engine receives."""
    struct = struct_pb2.Struct()
    json_format.ParseDict(_encode(properties), struct)
    return struct


def _encode(value: Any) -> Any:
    if isinstance(value, Secret):
        return {_SIGNATURE: _SECRET, "value": _encode(value.value)}
    if isinstance(value, FileAsset):
        return {_SIGNATURE: _ASSET, "hash": value.hash, "path": value.path}
    if isinstance(value, Mapping):
        return {key: _encode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_encode(item) for item in value]
    return rpc.UNKNOWN if value is UNKNOWN else value


def reveal(value: Any) -> Any:
    """The same value without its secret marks: a copy that may be changed."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, Mapping):
        return {key: reveal(item) for key, item in value.items()}
    return [reveal(item) for item in value] if isinstance(value, list) else value


def contains(value: Any, mark: type[Secret] | type[Unknown]) -> bool:
    """Whether a secret or an unknown stands anywhere in the value."""
    if isinstance(value, mark):
        return True
    if isinstance(value, Secret):
        return contains(value.value, mark)
    if isinstance(value, Mapping):
        return any(contains(item, mark) for item in value.values())
    return isinstance(value, list) and any(contains(item, mark) for item in value)


def path_text(path: tuple[str | int, ...]) -> str:
    """A property path as Pulumi writes it."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif any(special in part for special in '."[]'):
            quoted = part.replace('"', '\\"')
            text += f'["{quoted}"]'
        else:
            text += f".{part}" if text else part
    return text
