"""`pulumi-language-python`, started by the engine."""

from __future__ import annotations

from contextlib import ExitStack

from pulumi.runtime.proto import language_pb2_grpc

from lab.standins.language.host import LanguageHost
from lab.standins.serve import serve

host = LanguageHost()
resources = ExitStack()
resources.callback(host.stop)
serve(lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server), resources)
