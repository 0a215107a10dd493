"""What other languages see: the schema, its descriptions, and the plugin that serves it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generate.component_schema import schema
from multus import MultusComponentArgs, MultusNetworkArgs, args, network_args
from multus.args import ImageArgs, NodeArgs
from multus.argument_types import fields_of
from multus.network_args import HostLocalArgs, RangeArgs
from tests.support.plugin import COMMITTED_SCHEMA, serve_schema
from tests.support.schema_names import NETWORK_TOKEN, TOKEN


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    return schema()


def descriptions(value: Any, path: str) -> Iterator[tuple[str, str | None]]:
    for section in ("properties", "inputProperties"):
        for name, item in value.get(section, {}).items():
            yield f"{path}.{name}", item.get("description")


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def test_schema_has_the_components_alone(published: dict[str, Any]) -> None:
    assert set(published["resources"]) == {TOKEN, NETWORK_TOKEN}
    assert all(each["isComponent"] is True for each in published["resources"].values())
    public = [
        value
        for module in (args, network_args)
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__
    ]
    top = (MultusComponentArgs, MultusNetworkArgs)
    named = {f"multus:index:{value.__name__}" for value in public if value not in top}
    assert set(published["types"]) == named


def test_schema_requires_only_the_distro(published: dict[str, Any]) -> None:
    assert published["resources"][TOKEN]["requiredInputs"] == ["distro"]
    assert not published["resources"][NETWORK_TOKEN].get("requiredInputs")
    assert published["types"]["multus:index:NodeArgs"]["required"] == ["host", "name", "privateKey"]
    assert not published["types"]["multus:index:ImageArgs"].get("required")


@pytest.mark.parametrize(
    ("path", "typed_dict"),
    [
        (("resources", TOKEN, "inputProperties"), MultusComponentArgs),
        (("types", "multus:index:ImageArgs", "properties"), ImageArgs),
        (("types", "multus:index:NodeArgs", "properties"), NodeArgs),
        (("resources", NETWORK_TOKEN, "inputProperties"), MultusNetworkArgs),
        (("types", "multus:index:HostLocalArgs", "properties"), HostLocalArgs),
        (("types", "multus:index:RangeArgs", "properties"), RangeArgs),
    ],
    ids=["component", "image", "node", "network", "host-local", "range"],
)
def test_schema_has_every_argument(published: dict[str, Any], path: tuple[str, ...], typed_dict: type) -> None:
    found = published
    for part in path:
        found = found[part]
    assert set(found) == {camel(key) for key in fields_of(typed_dict)}


def test_every_property_has_a_description(published: dict[str, Any]) -> None:
    found = [each for token, value in published["resources"].items() for each in descriptions(value, token)]
    for token, value in published["types"].items():
        found += descriptions(value, token)
    assert len(found) > 30
    assert [path for path, text in found if not text] == []


def test_every_type_has_a_description(published: dict[str, Any]) -> None:
    assert all(each["description"] for each in published["resources"].values())
    assert [token for token, value in published["types"].items() if not value.get("description")] == []


def test_outputs_are_required(published: dict[str, Any]) -> None:
    for component in published["resources"].values():
        assert sorted(component["required"]) == sorted(component["properties"])


def test_plugin_serves_the_schema() -> None:
    assert serve_schema(Path(sys.executable)) == json.loads(COMMITTED_SCHEMA.read_text(encoding="utf-8"))
