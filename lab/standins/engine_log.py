"""Lines that the engine shows at a resource."""

from __future__ import annotations

import sys

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class EngineLog:
    """The engine's log. Its address is the plugin's last argument."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(sys.argv[-1]))

    def status(self, urn: str, message: str, *, warning: bool = False) -> None:
        """Show what is going on right now, once; an empty message clears it."""
        if self._shown.get(urn, "") == message:
            return
        self._shown[urn] = message
        self._log(engine_pb2.WARNING if warning else engine_pb2.INFO, urn, message, ephemeral=True)

    def warn(self, urn: str, message: str) -> None:
        """Leave a warning in the run's diagnostics."""
        self._log(engine_pb2.WARNING, urn, message, ephemeral=False)

    def _log(self, severity: engine_pb2.LogSeverity.ValueType, urn: str, message: str, *, ephemeral: bool) -> None:
        self._engine.Log(engine_pb2.LogRequest(severity=severity, urn=urn, message=message, ephemeral=ephemeral))
