"""The node program on many nodes at once over SSH, for people.

It travels over standard input and is never written to a node. Host keys are checked as the stack's steps check them.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import asyncssh

from multus.plan import NodePlan, ProxyPlan

CONNECT_SECONDS = 10
_AT_ONCE = 64


@dataclass(frozen=True)
class NodeResult:
    """How the program ended on one node.

    Attributes:
        node: the node's name.
        status: its exit status; None where it did not end.
        stdout: what it printed.
        stderr: what it found wrong.
        unreachable: why it did not run or did not end, as one sentence; None where it did.
    """

    node: str
    status: int | None = None
    stdout: str = ""
    stderr: str = ""
    unreachable: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the program ended well."""
        return self.status == 0

    @property
    def trouble(self) -> str:
        """What is wrong, in sentences; empty where nothing is."""
        if self.unreachable:
            return self.unreachable
        return "" if self.succeeded else self.stderr.strip() or f"the node program ended with {self.status}"


def run_on_nodes(
    nodes: Sequence[NodePlan],
    program: str,
    words: Callable[[NodePlan], Sequence[str]],
    *,
    seconds: int = 60,
    ended: Callable[[NodeResult], None] = lambda _: None,
) -> dict[str, NodeResult]:
    """Run a shell program on every node, all at the same time.

    Args:
        nodes: where; their keys and addresses have to be known.
        program: the program's text.
        words: what stands after it, a phase and its options. Everybody on the node can read them.
        seconds: how long it may take on one node, from the login on.
        ended: called with the result of every node as soon as it has ended.
    """
    return asyncio.run(_run_all(nodes, program, words, seconds, ended))


async def _run_all(
    nodes: Sequence[NodePlan],
    program: str,
    words: Callable[[NodePlan], Sequence[str]],
    seconds: int,
    ended: Callable[[NodeResult], None],
) -> dict[str, NodeResult]:
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(node: NodePlan) -> NodeResult:
        async with free:
            result = await _run(node, program, words(node), seconds)
        ended(result)
        return result

    return {result.node: result for result in await asyncio.gather(*(one(node) for node in nodes))}


async def _run(node: NodePlan, program: str, words: Sequence[str], seconds: int) -> NodeResult:
    sudo = ["sudo", "-n"] if node.sudo else []
    command = shlex.join([*sudo, "timeout", "-k", "5", str(seconds), "sh", "-s", "--", *words])
    late = f"it does not answer within {CONNECT_SECONDS} s"
    try:
        async with AsyncExitStack() as open_until_end:
            tunnel = None
            if node.proxy is not None:
                tunnel = await open_until_end.enter_async_context(_connection(node.proxy))
            connection = await open_until_end.enter_async_context(_connection(node, tunnel))
            late = f"the node program did not end within {seconds} s"
            async with asyncio.timeout(seconds + CONNECT_SECONDS):
                done = await connection.run(command, input=program, encoding="utf-8", errors="replace")
    except TimeoutError:
        return _unreachable(node, late)
    except (OSError, asyncssh.Error, asyncssh.KeyImportError) as error:
        return _unreachable(node, _reason(error))
    if done.exit_status is None:
        return _unreachable(node, "the connection ended before the node program did")
    if done.exit_status == 124:
        return _unreachable(node, late)
    return NodeResult(node.name, done.exit_status, str(done.stdout or ""), str(done.stderr or ""))


def _connection(login: NodePlan | ProxyPlan, tunnel: Any = None) -> Any:
    """A connection with the stack's key and host key, and nothing of the user's own agent and settings."""
    known: Any = None if login.host_key is None else ([asyncssh.import_public_key(login.host_key)], [], [])
    return asyncssh.connect(
        login.host,
        port=login.port,
        username=login.user,
        client_keys=[asyncssh.import_private_key(login.private_key)],
        known_hosts=known,
        tunnel=tunnel,
        agent_path=None,
        config=None,
        preferred_auth="publickey",
        connect_timeout=CONNECT_SECONDS,
        login_timeout=CONNECT_SECONDS,
        keepalive_interval=5,
    )


def _reason(error: Exception) -> str:
    reasons: Mapping[type[Exception], str] = {
        asyncssh.HostKeyNotVerifiable: "its host key is not the one in `nodes`: compare it with the host itself",
        asyncssh.PermissionDenied: "it refuses the login: check `user` and the SSH key",
        asyncssh.KeyImportError: "the SSH key or host key cannot be read",
        ConnectionRefusedError: "nothing listens there: check `host` and `port`",
    }
    known = next((text for kind, text in reasons.items() if isinstance(error, kind)), None)
    return known or getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error) or "it is silent"


def _unreachable(node: NodePlan, reason: str) -> NodeResult:
    way = f" through {node.proxy.host}" if node.proxy is not None else ""
    where = f"{node.user}@{node.host}, port {node.port}{way}"
    return NodeResult(node.name, unreachable=f"{node.name} ({where}) could not be asked: {reason}.")
