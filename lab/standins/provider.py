"""What both providers share: what they understand, and an event that ends every wait."""

# ruff: noqa: N802, ARG002 - names and signatures are the protocol's

from __future__ import annotations

import threading
from typing import Any, ClassVar

from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from lab.standins.engine_log import EngineLog


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """A resource provider that keeps secrets secret and takes part in previews."""

    version: ClassVar[str]
    names_resources: ClassVar[bool]
    """Whether it takes part in naming resources that have no name."""

    def __init__(self, log: EngineLog) -> None:
        self.log = log
        self.cancelled = threading.Event()

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        """The version of the official plugin that this one follows."""
        return plugin_pb2.PluginInfo(version=self.version)

    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        """Take the provider's configuration as it is."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        """Take part in previews, and see secrets as secrets."""
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=self.names_resources
        )

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        """End every wait."""
        self.cancelled.set()
        return empty_pb2.Empty()


def type_of(urn: str) -> str:
    """The type token of a resource, without those of its parents."""
    return urn.split("::")[2].split("$")[-1]


def name_of(urn: str) -> str:
    """The resource's logical name."""
    return urn.split("::", 3)[3]
