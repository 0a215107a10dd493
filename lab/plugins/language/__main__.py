"""`pulumi-language-python`, started by the engine."""

from __future__ import annotations

from contextlib import ExitStack

from pulumi.runtime.proto import language_pb2_grpc

from lab.plugins.language.host import LanguageHost
from lab.plugins.serve import serve

host = LanguageHost()
resources = ExitStack()
resources.callback(host.stop)
serve(lambda server: language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server), resources)
