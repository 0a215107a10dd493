"""How a stand-in fails: the engine learns the sentence, and what exists in spite of the failure."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from lab.standins.properties import Properties, encode


class ProviderError(Exception):
    """An operation failed; nothing of it is to be kept."""


class NotCoveredError(ProviderError):
    """A type or call that this project does not use."""

    def __init__(self, what: str, plugin: str, covered: Sequence[str]) -> None:
        super().__init__(
            f"the lab's stand-in for {plugin} does not know {what}. "
            f"It knows {', '.join(covered)}. Use the official plugin (LAB_PLUGINS=official) or teach it here."
        )


class InitFailedError(ProviderError):
    """The object exists but is not what it should be: the engine stores it and tries again next time."""

    def __init__(
        self, reasons: Sequence[str], object_id: str, state: Properties, inputs: Properties | None = None
    ) -> None:
        super().__init__(reasons[0])
        self._detail = provider_pb2.ErrorResourceInitFailed(
            id=object_id, properties=encode(state), reasons=reasons, inputs=None if inputs is None else encode(inputs)
        )

    def trailer(self) -> tuple[str, bytes]:
        """The gRPC trailer in which the engine looks for the object."""
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(self))
        status.details.add().Pack(self._detail)
        return "grpc-status-details-bin", status.SerializeToString()
