"""`pulumi-resource-command`, started by the engine."""

from __future__ import annotations

import sys

from pulumi.runtime.proto import provider_pb2_grpc

from lab.standins.command.connections import Connections
from lab.standins.command.provider import CommandProvider
from lab.standins.engine_log import EngineLog
from lab.standins.serve import serve

provider = CommandProvider(EngineLog(sys.argv[-1]), Connections())
serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server))
