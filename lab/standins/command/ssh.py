"""One command on one host over SSH, as the official plugin runs it."""

from __future__ import annotations

import asyncio
import os
import posixpath
import signal
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import asyncssh

from lab.standins.errors import ProviderError

_FIRST_PAUSE, _GROWTH, _LONGEST_PAUSE = 0.1, 1.5, 5.0
_UNLIMITED = -1

T = TypeVar("T")
Connection = dict[str, Any]
Status = Callable[[str], None]


class Cancelled(Protocol):
    """Whether the engine has called everything off."""

    def is_set(self) -> bool:
        """Whether to stop."""
        ...


@dataclass(frozen=True)
class Job:
    """What to run, with what it reads and sees."""

    command: str
    stdin: str
    environment: dict[str, str]
    log_stdout: bool
    log_stderr: bool


@dataclass(frozen=True)
class Output:
    """What the command wrote, without the last newline."""

    stdout: str
    stderr: str


async def run(
    connection: Connection, job: Job, status: Status, cancelled: Cancelled, kept_open: AsyncExitStack
) -> Output:
    """Run the command; a non-zero exit is an error that carries everything it wrote.

    The connection stays: 1.2.1 closes its session alone (provider/pkg/provider/remote/commandOutputs.go).
    """
    client = await _dial(connection, status, cancelled, kept_open)
    process = await client.create_process(
        job.command,
        stdin=asyncssh.PIPE if job.stdin else asyncssh.DEVNULL,
        env=job.environment,
        errors="replace",
    )
    heard: list[str] = []
    stdout, stderr, _ = await asyncio.gather(
        _hear(process.stdout, heard, status if job.log_stdout else None),
        _hear(process.stderr, heard, status if job.log_stderr else None),
        _feed(process, job.stdin),
    )
    await process.wait_closed()
    if process.exit_status != 0:
        raise ProviderError(f"{_ending(process)}: running {_quoted(job.command)}:\n{''.join(heard)}")
    return Output(stdout.removesuffix("\n"), stderr.removesuffix("\n"))


async def copy(connection: Connection, source: str, target: str, status: Status, cancelled: Cancelled) -> None:
    """Copy a file by SFTP, over one that is there; a relative target begins where the host's SFTP server does."""
    try:
        async with AsyncExitStack() as opened:
            client = await _dial(connection, status, cancelled, opened)
            sftp = await opened.enter_async_context(client.start_sftp_client())
            if not await sftp.exists(target):
                await sftp.makedirs(posixpath.dirname(target) or ".", exist_ok=True)
            await sftp.put(source, target)
    except (asyncssh.SFTPError, asyncssh.ChannelOpenError) as error:
        raise ProviderError(f"failed to copy file {source} to remote path {target}: {error}") from None
    except FileNotFoundError:
        raise ProviderError(f"open {source}: no such file or directory") from None
    finally:
        # What a failed dial has aborted is closed in the loop's next turn.
        await asyncio.sleep(0)


async def _feed(process: asyncssh.SSHClientProcess[str], text: str) -> None:
    if not text:
        return
    try:
        process.stdin.write(text)
        await process.stdin.drain()
        process.stdin.write_eof()
    except (BrokenPipeError, ConnectionResetError):
        # A command may end without reading all of it; its exit status tells how it went.
        return


async def _hear(stream: asyncssh.SSHReader[str], heard: list[str], status: Status | None) -> str:
    said = []
    # At its end the stream gives one more line, an empty one.
    async for line in stream:
        if not line:
            continue
        said.append(line)
        heard.append(line)
        if status is not None:
            status(line.rstrip("\n"))
    return "".join(said)


_ESCAPES = str.maketrans(
    {"\\": r"\\", '"': r"\"", "\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}
)


def _quoted(text: str) -> str:
    """The text as Go's `%q` writes it."""
    return f'"{"".join(map(_quoted_character, text))}"'


def _quoted_character(character: str) -> str:
    escaped, code = character.translate(_ESCAPES), ord(character)
    if escaped != character or character.isprintable():
        return escaped
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _ending(process: asyncssh.SSHClientProcess[str]) -> str:
    if process.exit_signal is not None:
        name = process.exit_signal[0]
        number = getattr(signal, f"SIG{name}", 0)
        return f"Process exited with status {128 + number} from signal {name}"
    if process.exit_status is None:
        return "wait: remote command exited without exit status or exit signal"
    return f"Process exited with status {process.exit_status}"


async def _dial(
    connection: Connection, status: Status, cancelled: Cancelled, opened: AsyncExitStack
) -> asyncssh.SSHClientConnection:
    """Connect, through the proxy where there is one; what is opened is closed with the stack."""
    proxy = connection.get("proxy")
    if not proxy:
        client = await _retry("Dial", connection, status, cancelled, lambda: _connect(connection))
        return await opened.enter_async_context(client)
    try:
        tunnel = await _retry("Dial proxy", proxy, status, cancelled, lambda: _connect(proxy))
        await opened.enter_async_context(tunnel)
        greeted = False

        async def through() -> asyncssh.SSHClientConnection:
            # The official plugin greets the host again on the same channel: only the first failure has a reason.
            nonlocal greeted
            if greeted:
                raise asyncssh.ConnectionLost("EOF")
            try:
                return await _connect(connection, tunnel)
            except asyncssh.ChannelOpenError:
                raise
            except asyncssh.Error:
                greeted = True
                raise

        client = await _retry("Dial", connection, status, cancelled, through)
        return await opened.enter_async_context(client)
    except ProviderError as error:
        raise ProviderError(f"proxy: {error}") from None


async def _connect(
    connection: Connection, tunnel: asyncssh.SSHClientConnection | None = None
) -> asyncssh.SSHClientConnection:
    return await asyncssh.connect(
        connection["host"],
        int(connection.get("port") or 22),
        username=connection.get("user") or "root",
        password=connection.get("password"),
        client_keys=_client_keys(connection),
        agent_path=connection.get("agentSocketPath") or os.environ.get("SSH_AUTH_SOCK"),
        known_hosts=_host_keys(connection),
        connect_timeout=connection.get("perDialTimeout", 15) or None,
        config=None,
        tunnel=tunnel or (),
    )


def _client_keys(connection: Connection) -> list[asyncssh.SSHKey] | None:
    text = connection.get("privateKey")
    try:
        return [asyncssh.import_private_key(text, connection.get("privateKeyPassword"))] if text else None
    except asyncssh.KeyImportError:
        raise ProviderError("ssh: no key found") from None


def _host_keys(connection: Connection) -> tuple[list[asyncssh.SSHKey], list[Any], list[Any]] | None:
    text = connection.get("hostKey")
    try:
        return ([asyncssh.import_public_key(text)], [], []) if text else None
    except asyncssh.KeyImportError:
        raise ProviderError("failed to parse host key: ssh: no key found") from None


async def _retry(
    what: str, connection: Connection, status: Status, cancelled: Cancelled, dial: Callable[[], Awaitable[T]]
) -> T:
    """Dial until it works or has failed once more than the limit says."""
    limit = int(connection.get("dialErrorLimit", 10))
    pause, failures = _FIRST_PAUSE, 0
    while True:
        try:
            return await dial()
        except (OSError, asyncssh.Error, TimeoutError) as error:
            failures += 1
            if limit > _UNLIMITED and failures > limit:
                raise ProviderError(f"after {limit} failed attempts: {_reason(connection, error)}") from None
            dialled = f"{what} from proxy" if isinstance(error, asyncssh.ChannelOpenError) else what
        if cancelled.is_set():
            raise ProviderError("context canceled")
        status(f"{dialled} {failures}/{'inf' if limit == _UNLIMITED else limit} failed: retrying")
        await asyncio.sleep(pause)
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)


def _reason(connection: Connection, error: Exception) -> str:
    """Why a dial failed, in the words of Go's packages."""
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return "ssh: handshake failed: ssh: host key mismatch"
    if isinstance(error, asyncssh.PermissionDenied):
        tried = " ".join(["none", *(["publickey"] if connection.get("privateKey") else [])])
        return (
            f"ssh: handshake failed: ssh: unable to authenticate, attempted methods [{tried}], "
            "no supported methods remain"
        )
    if isinstance(error, asyncssh.ChannelOpenError):
        return f"ssh: rejected: connect failed ({_quoted(error.reason)})"
    if isinstance(error, asyncssh.Error):
        return f"ssh: handshake failed: {error}"
    target = f"dial tcp {connection['host']}:{int(connection.get('port') or 22)}"
    if isinstance(error, TimeoutError):
        return f"{target}: i/o timeout"
    if isinstance(error, OSError) and error.errno:
        return f"{target}: connect: {os.strerror(error.errno).lower()}"
    return f"{target}: {error}"
