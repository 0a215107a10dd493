"""An API server that knows one account: as much of one as node.sh can see."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class ApiServer:
    """What the server answers; tests change it while it runs.

    Attributes:
        port: where it listens on 127.0.0.1.
        ca: its authority, PEM.
        token: the one token it knows.
        marker_is_there: whether the marker ConfigMap exists.
        forbidden: whether the account has lost its rights.
        broken: a status for everything, where not None.
        open: cleared, requests hang until it is set.
        delays: how long each of the next answers takes, in seconds.
        asked: the paths that were asked for.
        objects: what it has besides, by path; each is printed over several lines, as `?pretty=true` asks for.
    """

    port: int
    ca: str
    token: str
    marker_is_there: bool = True
    forbidden: bool = False
    broken: int | None = None
    open: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)
    delays: list[float] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    objects: dict[str, Any] = field(default_factory=dict)

    def status(self, path: str, authorization: str | None) -> int:
        """The status that a request gets."""
        if self.broken is not None:
            return self.broken
        if path == "/version":
            return 200
        if authorization != f"Bearer {self.token}":
            return 401
        if self.forbidden:
            return 403
        if path in self.objects:
            return 200
        return 200 if self.marker_is_there and path.endswith("/configmaps/multus-install") else 404


@contextmanager
def serving(certificate: Path, key: Path, token: str, port: int = 0) -> Iterator[ApiServer]:
    """A running server, on a free port by default."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server's name
            api.asked.append(self.path)
            api.entered.set()
            api.open.wait(30)
            if api.delays:
                time.sleep(api.delays.pop())
            path = self.path.partition("?")[0]
            status = api.status(path, self.headers["Authorization"])
            there = status == 200 and path in api.objects
            body = json.dumps(api.objects[path], indent=2).encode() if there else b""
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: the tests look at `asked`."""

        def handle(self) -> None:
            try:
                super().handle()
            except (ConnectionError, ssl.SSLError):
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    api = ApiServer(server.server_address[1], certificate.read_text(encoding="ascii"), token)
    api.open.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.open.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
