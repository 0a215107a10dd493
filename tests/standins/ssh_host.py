"""An SSH server on this machine that runs what it is told with `sh -c`, as a node would."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any

import asyncssh

_ADDRESS = "127.0.0.1"
_CHUNK = 65536


@contextlib.contextmanager
def ssh_host() -> Iterator[dict[str, Any]]:
    """Serve, and say what a connection needs; `closed.port` is one on which nobody listens."""
    user, host, stranger = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(3))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def serve() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            _ADDRESS,
            0,
            server_host_keys=[host],
            authorized_client_keys=asyncssh.import_authorized_keys(_public(user)),
            server_factory=_Host,
            process_factory=_run,
            sftp_factory=True,
            encoding=None,
        )

    server = asyncio.run_coroutine_threadsafe(serve(), loop).result()
    try:
        yield {
            "ssh.port": server.get_port(),
            "ssh.key": user.export_private_key().decode(),
            "ssh.host_key": _public(host),
            "ssh.other_key": stranger.export_private_key().decode(),
            "ssh.other_host_key": _public(stranger),
            "closed.port": closed_port(),
            # More than any buffer on the way takes.
            "long.text": "x" * 300_000,
        }
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _stop(server: asyncssh.SSHAcceptor) -> None:
    server.close()
    await server.wait_closed()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def _public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()


def closed_port() -> int:
    """A port of the loopback on which nobody listens."""
    with socket.socket() as free:
        free.bind((_ADDRESS, 0))
        port: int = free.getsockname()[1]
        return port


class _Host(asyncssh.SSHServer):
    """A host that may be the way to another."""

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:  # noqa: ARG002
        """Let through what stays on this machine."""
        return dest_host == _ADDRESS


async def _run(process: asyncssh.SSHServerProcess[bytes]) -> None:
    child = await asyncio.create_subprocess_exec(
        "/bin/sh",
        "-c",
        process.command or "",
        env={"PATH": "/usr/bin:/bin", **process.env},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    feeding = asyncio.create_task(_feed(process.stdin, child.stdin))
    await asyncio.gather(_carry(child.stdout, process.stdout), _carry(child.stderr, process.stderr))
    ended = await child.wait()
    feeding.cancel()
    if ended < 0:
        process.exit_with_signal(signal.Signals(-ended).name.removeprefix("SIG"))
    else:
        process.exit(ended)


async def _carry(source: Any, sink: Any) -> None:
    while data := await source.read(_CHUNK):
        sink.write(data)
        await sink.drain()


async def _feed(source: Any, sink: Any) -> None:
    # A command may end without reading all of it.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        await _carry(source, sink)
        sink.close()
