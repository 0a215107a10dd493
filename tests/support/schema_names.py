"""Whether names in the documentation are the component's: its configuration keys, and its properties by the schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.support.paths import COMPONENTS

TOKEN = "multus:index:MultusComponent"
NETWORK_TOKEN = "multus:index:MultusNetwork"
SCHEMA: dict[str, Any] = json.loads((COMPONENTS / "schema.json").read_text(encoding="utf-8"))
INPUTS: dict[str, Any] = SCHEMA["resources"][TOKEN]["inputProperties"]
OUTPUTS: dict[str, Any] = SCHEMA["resources"][TOKEN]["properties"]
NETWORK_INPUTS: dict[str, Any] = SCHEMA["resources"][NETWORK_TOKEN]["inputProperties"]
NETWORK_OUTPUTS: dict[str, Any] = SCHEMA["resources"][NETWORK_TOKEN]["properties"]
# Every property of the components and of their types, in camel case.
PROPERTIES = {
    *INPUTS,
    *NETWORK_INPUTS,
    *(name for found in SCHEMA["types"].values() for name in found.get("properties", {})),
}
# What the program knows besides the component's arguments.
_OF_THE_PROGRAM = ("context", "kubeconfig", "sshPrivateKey")


def configuration_problem(key: str) -> str | None:
    """Why a key, or a path into one, is no configuration of the program."""
    if not key.startswith("multus:"):
        return None if re.match(r"^(kubernetes|pulumi):", key) else f"{key} lacks the namespace `multus:`"
    names = re.findall(r"[^.\[\]'\"]+", key.removeprefix("multus:"))
    if names[0] in _OF_THE_PROGRAM:
        return None
    properties: dict[str, Any] | None = INPUTS
    for name in names:
        if properties is None or name.isdigit():
            continue
        if name not in properties:
            return f"{key}: {name} is not an argument"
        properties = _properties_of(properties[name])
    return None


def value_problems(value: Any, properties: dict[str, Any] = INPUTS, path: str = "properties") -> Iterator[str]:
    """Keys of a mapping that the schema does not have, however deep."""
    for key, item in value.items():
        if key not in properties:
            yield f"{path}.{key} is not an argument"
            continue
        inner = _properties_of(properties[key])
        for each in item if isinstance(item, list) else [item]:
            if inner is not None and isinstance(each, dict):
                yield from value_problems(each, inner, f"{path}.{key}")


def _properties_of(hint: dict[str, Any]) -> dict[str, Any] | None:
    """The properties of what a type refers to, itself or in a list; None where keys are the user's own."""
    reference = hint.get("items", hint).get("$ref", "")
    found = SCHEMA["types"].get(reference.removeprefix("#/types/"))
    properties: dict[str, Any] | None = found.get("properties") if found else None
    return properties
