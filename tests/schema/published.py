"""The schema that other languages see."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import grpc
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from multus import MultusComponent, __version__

COMMITTED = Path(__file__).parents[2] / "components" / "schema.json"
REGENERATE = "python -m tests.schema.regenerate"


def provider() -> ComponentProvider:
    """The provider as the plugin serves it."""
    return ComponentProvider([MultusComponent], "multus", version=__version__)


def schema() -> dict[str, Any]:
    """The schema as the plugin serves it."""
    found: dict[str, Any] = json.loads(provider().schema or "")
    return found


def written() -> str:
    """The schema as it is committed."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


def serve_schema(python: Path) -> Any:
    """The schema as the engine gets it: the plugin's first line is its port, anything else there would break it."""
    plugin = subprocess.Popen(
        [python, ".", "127.0.0.1:1"],
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
        return json.loads(answer.schema)
    finally:
        plugin.terminate()
        plugin.communicate(timeout=20)
