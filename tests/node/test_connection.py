"""The sshd process of a step's connection goes once the step is over: that one, and only if it serves nothing else."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.waiting import until
from multus.node_program import program_ending_with
from tests.support.scratch_node import Node

# Under the name of another program it runs a command, says how that has ended, and sleeps until it is ended itself.
SERVES = """
import signal, subprocess, sys
name, beside, *command = sys.argv[1:]
with open("/proc/self/comm", "w") as comm:
    comm.write(name)
if beside:
    subprocess.Popen(beside.split(), stdout=subprocess.DEVNULL)
step = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
print(step.returncode, step.stdout.decode().strip(), flush=True)
while True:
    signal.pause()
"""


class Session:
    """A process that looks as if it served a connection, and the other end of that."""

    def __init__(self, node: Node, opened: ExitStack) -> None:
        self.opened = opened
        self.listener = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.peer, self.connection = self.connect()
        self._node = node
        self._program = node.root.parent / "step.sh"

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """Both ends of one more connection."""
        peer = self.opened.enter_context(socket.create_connection(self.listener.getsockname()))
        return peer, self.opened.enter_context(self.listener.accept()[0])

    def serve(
        self, *files: int, name: str = "sshd", beside: str = "", step: str = "close_connection; echo done; exit 7"
    ) -> subprocess.Popen[str]:
        """Run a step below a process of that name with these files, and say how both go on."""
        self._program.write_text(program_ending_with(f"{step}\n"), encoding="utf-8")
        run = [*self._node.shell, "-c", 'sleep() { /bin/sleep 0.01; }; . "$0"', str(self._program), "forget"]
        process = subprocess.Popen(
            [sys.executable, "-c", SERVES, name, beside, "timeout", "20", *run, *self._node.flags()],
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": self._node.path},
            pass_fds=[self.connection.fileno(), *files],
        )
        self.opened.enter_context(process)
        self.opened.callback(process.kill)
        self.connection.close()
        return process

    def is_let_alone(self, process: subprocess.Popen[str]) -> bool:
        """Whether nothing is left that might end the process, which still is there."""
        others = (each for each in Path("/proc").glob("[0-9]*") if each.name != str(process.pid))
        return not any(_runs(each, self._program) for each in others) and process.poll() is None


def _runs(process: Path, program: Path) -> bool:
    try:
        return str(program).encode() in (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        # It has ended meanwhile.
        return False


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.fixture
def session(node: Node) -> Iterator[Session]:
    with ExitStack() as opened:
        yield Session(node, opened)


@pytest.mark.parametrize("name", ["sshd", "sshd-session"])
def test_what_serves_the_step_alone_ends_after_it(session: Session, name: str) -> None:
    process = session.serve(name=name)
    assert said(process) == "7 done"
    assert process.wait(timeout=20) == -signal.SIGTERM
    assert session.peer.recv(1) == b""


def test_a_step_that_is_killed_takes_its_connection_along(session: Session) -> None:
    process = session.serve(step="close_connection; kill -s KILL $$")
    assert said(process) in ("137", "-9")
    assert process.wait(timeout=20) == -signal.SIGTERM


@pytest.mark.parametrize("name", ["dropbear", "sshd-auth", "sh"])
def test_another_server_is_left_alone(session: Session, name: str) -> None:
    process = session.serve(name=name)
    assert said(process) == "7 done"
    until(lambda: session.is_let_alone(process), "the watcher gives up", seconds=20)


def a_listener(session: Session) -> list[int]:
    return [session.listener.fileno()]


def another_connection(session: Session) -> list[int]:
    return [session.connect()[1].fileno()]


def a_terminal(session: Session) -> list[int]:
    files = os.openpty()
    for file in files:
        session.opened.callback(os.close, file)
    return [files[0]]


def output_on_its_way(session: Session) -> list[int]:
    session.connection.setblocking(False)
    # More than both ends' kernels take.
    with pytest.raises(BlockingIOError):
        session.connection.sendall(b"x" * 100_000_000)
    return []


def input_that_nobody_has_read(session: Session) -> list[int]:
    session.peer.sendall(b"x")
    return []


def a_peer_that_has_gone(session: Session) -> list[int]:
    session.peer.shutdown(socket.SHUT_WR)
    return []


@pytest.mark.parametrize(
    "also",
    [
        a_listener,
        another_connection,
        a_terminal,
        output_on_its_way,
        input_that_nobody_has_read,
        a_peer_that_has_gone,
    ],
)
def test_what_has_more_to_do_is_left_alone(session: Session, also: Callable[[Session], list[int]]) -> None:
    process = session.serve(*also(session))
    assert said(process) == "7 done"
    until(lambda: session.is_let_alone(process), "the watcher gives up", seconds=20)


def test_another_session_of_the_connection_goes_on(session: Session) -> None:
    process = session.serve(beside="sleep 1000")
    assert said(process) == "7 done"
    until(lambda: session.is_let_alone(process), "the watcher gives up", seconds=20)


def test_a_process_that_has_the_number_of_an_earlier_one_is_left_alone(session: Session) -> None:
    process = session.serve(
        step='it=$(sshd_of_session); sshd_of_session() { say "${it% *} 1"; }; close_connection; echo done; exit 7'
    )
    assert said(process) == "7 done"
    until(lambda: session.is_let_alone(process), "the watcher gives up", seconds=20)
