"""A plugin to call: the official one as a process, or a stand-in in this one; and the engine that it talks to."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2

from lab.standins import serve
from lab.standins.command.connections import Connections
from lab.standins.command.provider import CommandProvider
from lab.standins.engine_log import EngineLog
from lab.standins.kubernetes.provider import KubernetesProvider
from tests.standins.recordings import Json, from_protocol, to_protocol

HERE = Path(__file__).parent
"""The program's folder, as plugins see it."""

_SECONDS = 120
_METHODS = provider_pb2.DESCRIPTOR.services_by_name["ResourceProvider"].methods_by_name


class Engine(engine_pb2_grpc.EngineServicer):
    """Keeps what a plugin logs."""

    def __init__(self) -> None:
        self.logged: list[Json] = []

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - the protocol's name and signature
        """Keep one line; one that only shows what goes on right now is marked."""
        line = {"severity": engine_pb2.LogSeverity.Name(request.severity), "message": request.message}
        self.logged.append({**line, "ephemeral": True} if request.ephemeral else line)
        return empty_pb2.Empty()


@dataclass(frozen=True)
class Plugin:
    """A plugin that runs."""

    stub: provider_pb2_grpc.ResourceProviderStub
    engine: Engine = field(default_factory=Engine)

    def version(self) -> str:
        """What the plugin says of itself."""
        empty = empty_pb2.Empty()
        return str(self.stub.GetPluginInfo(empty).version)

    def call(self, method: str, request: Json) -> Json:
        """The answer as JSON: `response` or `error`, and what was logged meanwhile."""
        message = _METHODS[method].input_type._concrete_class()
        json_format.ParseDict(to_protocol(request), message)
        self.engine.logged.clear()
        answer: Json
        try:
            response = getattr(self.stub, method)(message, timeout=_SECONDS)
            answer = {"response": from_protocol(json_format.MessageToDict(response))}
        except grpc.RpcError as error:
            answer = {"error": _error(error)}
        return {**answer, "log": list(self.engine.logged)} if self.engine.logged else answer


def _error(error: grpc.RpcError) -> Json:
    told = {"code": error.code().name, "message": error.details()}
    trailer = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    if trailer is None:
        return told
    details = []
    for packed in status_pb2.Status.FromString(trailer).details:
        detail = provider_pb2.ErrorResourceInitFailed()
        if packed.Unpack(detail):
            details.append(from_protocol(json_format.MessageToDict(detail)))
    return {**told, "details": details} if details else told


@contextmanager
def official(program: Path, environment: Mapping[str, str]) -> Iterator[Plugin]:
    """The plugin of a program, which ends with the block."""
    with _engine() as (engine, address):
        process = subprocess.Popen(
            [program, address],
            cwd=HERE,
            env={**environment, "PATH": os.environ["PATH"], "HOME": os.environ["HOME"]},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            port = int(process.stdout.readline()) if process.stdout else 0
            with _stub(port) as stub:
                yield Plugin(stub, engine)
        finally:
            process.kill()
            process.wait()


@contextmanager
def standin(name: str) -> Iterator[Plugin]:
    """The stand-in of that name, served by this process."""
    with _engine() as (engine, address), ExitStack() as resources:
        log = EngineLog(address)
        servicer: CommandProvider | KubernetesProvider
        if name == "command":
            servicer = CommandProvider(log, resources.enter_context(closing(Connections())))
        else:
            servicer = KubernetesProvider(log, resources)
        server, port = serve.start(
            lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
        )
        try:
            with _stub(port) as stub:
                yield Plugin(stub, engine)
        finally:
            server.stop(grace=None).wait()


@contextmanager
def _engine() -> Iterator[tuple[Engine, str]]:
    engine = Engine()
    server = grpc.server(ThreadPoolExecutor(max_workers=4), options=_GRPC_CHANNEL_OPTIONS)
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield engine, f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()


@contextmanager
def _stub(port: int) -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=_GRPC_CHANNEL_OPTIONS) as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
