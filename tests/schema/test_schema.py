"""What other languages see: the schema, its descriptions, and the plugin that serves it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from multus import MultusComponentArgs, args
from multus.args import ImageArgs, NodeArgs
from multus.argument_types import fields_of
from tests.schema import arguments_page, commands_page, paths_page, troubleshooting_page
from tests.schema.published import COMMITTED, REGENERATE, schema, written
from tests.support.schema_names import TOKEN


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


def test_schema_has_the_component_alone(published: dict[str, Any]) -> None:
    assert set(published["resources"]) == {TOKEN}
    assert published["resources"][TOKEN]["isComponent"] is True
    public = [value for value in vars(args).values() if isinstance(value, type) and value.__module__ == args.__name__]
    named = {f"multus:index:{value.__name__}" for value in public if value is not MultusComponentArgs}
    assert set(published["types"]) == named


def test_schema_requires_only_the_distro(published: dict[str, Any]) -> None:
    assert published["resources"][TOKEN]["requiredInputs"] == ["distro"]
    assert published["types"]["multus:index:NodeArgs"]["required"] == ["host", "name", "privateKey"]
    assert not published["types"]["multus:index:ImageArgs"].get("required")


@pytest.mark.parametrize(
    ("path", "typed_dict"),
    [
        (("resources", TOKEN, "inputProperties"), MultusComponentArgs),
        (("types", "multus:index:ImageArgs", "properties"), ImageArgs),
        (("types", "multus:index:NodeArgs", "properties"), NodeArgs),
    ],
    ids=["component", "image", "node"],
)
def test_schema_has_every_argument(published: dict[str, Any], path: tuple[str, ...], typed_dict: type) -> None:
    found = published
    for part in path:
        found = found[part]
    assert set(found) == {camel(key) for key in fields_of(typed_dict)}


def test_every_property_has_a_description(published: dict[str, Any]) -> None:
    found = [*descriptions(published["resources"][TOKEN], "MultusComponent")]
    for token, value in published["types"].items():
        found += descriptions(value, token)
    assert len(found) > 30
    assert [path for path, text in found if not text] == []


def test_every_type_has_a_description(published: dict[str, Any]) -> None:
    assert published["resources"][TOKEN]["description"]
    assert [token for token, value in published["types"].items() if not value.get("description")] == []


def test_outputs_are_required(published: dict[str, Any]) -> None:
    component = published["resources"][TOKEN]
    assert sorted(component["required"]) == sorted(component["properties"])


def test_committed_schema_is_current() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == written(), f"run `{REGENERATE}` and commit the result"


@pytest.mark.parametrize(
    "made", [arguments_page, commands_page, paths_page, troubleshooting_page], ids=lambda made: made.PAGE.stem
)
def test_committed_page_is_current(made: Any) -> None:
    assert made.PAGE.read_text(encoding="utf-8") == made.page(), f"run `{REGENERATE}` and commit the result"


def test_plugin_serves_the_schema() -> None:
    """As the engine starts it: the first line is the port, anything else there would break it."""
    plugin = subprocess.Popen(
        [sys.executable, ".", "127.0.0.1:1"],
        cwd=COMMITTED.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert plugin.stdout is not None
        port = int(plugin.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            answer = stub.GetSchema(provider_pb2.GetSchemaRequest(version=0), timeout=20)
        assert json.loads(answer.schema) == json.loads(COMMITTED.read_text(encoding="utf-8"))
    finally:
        plugin.terminate()
        plugin.communicate(timeout=20)
