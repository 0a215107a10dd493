"""The plugin as the engine starts it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from tests.support.paths import COMPONENTS

COMMITTED_SCHEMA = COMPONENTS / "schema.json"


def serve_schema(python: Path) -> Any:
    """The schema as the engine gets it: the plugin's first line is its port, anything else there would break it."""
    plugin = subprocess.Popen(
        [python, ".", "127.0.0.1:1"],
        cwd=COMPONENTS,
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
