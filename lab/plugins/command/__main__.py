"""`pulumi-resource-command`, started by the engine."""

from __future__ import annotations

from pulumi.runtime.proto import provider_pb2_grpc

from lab.plugins.command.provider import CommandProvider
from lab.plugins.engine_log import EngineLog
from lab.plugins.serve import serve

provider = CommandProvider(EngineLog())
serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server))
