"""Lines that the engine shows at a resource."""

from __future__ import annotations

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class EngineLog:
    """The engine's log; the engine gives its address as a plugin's last argument."""

    def __init__(self, address: str) -> None:
        self._shown: dict[str, str] = {}
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def status(self, urn: str, message: str, *, warning: bool = False) -> None:
        """Show what is going on right now, once; an empty message clears it."""
        if self._shown.get(urn, "") == message:
            return
        self._shown[urn] = message
        self._log(engine_pb2.WARNING if warning else engine_pb2.INFO, urn, message, ephemeral=True)

    def line(self, urn: str, message: str) -> None:
        """Show one line of many, also where it says the same as the one before."""
        self._log(engine_pb2.INFO, urn, message, ephemeral=True)

    def warn(self, urn: str, message: str) -> None:
        """Leave a warning in the run's diagnostics."""
        self._log(engine_pb2.WARNING, urn, message, ephemeral=False)

    def _log(self, severity: engine_pb2.LogSeverity.ValueType, urn: str, message: str, *, ephemeral: bool) -> None:
        self._engine.Log(engine_pb2.LogRequest(severity=severity, urn=urn, message=message, ephemeral=ephemeral))
