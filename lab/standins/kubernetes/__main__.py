"""`pulumi-resource-kubernetes`, started by the engine."""

from __future__ import annotations

import sys
from contextlib import ExitStack

from pulumi.runtime.proto import provider_pb2_grpc

from lab.standins.engine_log import EngineLog
from lab.standins.kubernetes.provider import KubernetesProvider
from lab.standins.serve import serve

resources = ExitStack()
provider = KubernetesProvider(EngineLog(sys.argv[-1]), resources)
serve(lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server), resources)
