"""Runs one plugin: a gRPC server whose port is the first line on stdout, for as long as the engine lives."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, NoReturn

import grpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS

from lab.standins.errors import InitFailedError, ProviderError

# Every wait for a cluster or a host keeps a thread; the engine's default parallelism is four per core.
_WORKERS = 64


class _Failures(grpc.ServerInterceptor):  # type: ignore[misc]
    """Turns a Python exception into the status that the engine shows."""

    def intercept_service(self, continuation: Callable[[Any], Any], details: Any) -> Any:
        handler = continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler

        def call(request: Any, context: grpc.ServicerContext) -> Any:
            try:
                return handler.unary_unary(request, context)
            except NotImplementedError as error:
                return context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
            except InitFailedError as error:
                context.set_trailing_metadata((error.trailer(),))
                return context.abort(grpc.StatusCode.UNKNOWN, str(error))
            except ProviderError as error:
                return context.abort(grpc.StatusCode.UNKNOWN, str(error))
            except Exception:
                return context.abort(grpc.StatusCode.INTERNAL, traceback.format_exc())

        return grpc.unary_unary_rpc_method_handler(
            call, request_deserializer=handler.request_deserializer, response_serializer=handler.response_serializer
        )


def start(register: Callable[[grpc.Server], None]) -> tuple[grpc.Server, int]:
    """Start a server on this machine alone, and say on which port."""
    workers = ThreadPoolExecutor(max_workers=_WORKERS)
    server = grpc.server(workers, interceptors=(_Failures(),), options=_GRPC_CHANNEL_OPTIONS)
    register(server)
    port: int = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def serve(register: Callable[[grpc.Server], None], resources: ExitStack | None = None) -> NoReturn:
    """Serve until told to stop, or until the engine that started us is gone, however it went; then close resources."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    parent = os.getppid()
    server, port = start(register)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while not stop.wait(timeout=1) and os.getppid() == parent:
        continue
    server.stop(grace=None)
    if resources is not None:
        resources.close()
    sys.stdout.flush()
    # A call that hangs on a dead host must not keep the process.
    os._exit(0)
