"""`python -m lab.forks.server SOCKET MODULE ...`: imports the modules, then forks itself once per connection."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

_STREAMS = 3
_LENGTH = 8
_UNWRITTEN = 120
"""What Python ends with where it cannot write what is left to write."""


@dataclass(frozen=True)
class _Request:
    folder: str
    program: list[str]
    environment: dict[bytes, bytes]


def main(path: str, *modules: str) -> None:
    """Serve until whoever has started this is gone; a fork becomes its caller's program."""
    for module in modules:
        importlib.import_module(module)
    # What is imported by now is never garbage: a fork need not copy it to find that out.
    gc.collect()
    gc.freeze()
    listener = socket.socket(socket.AF_UNIX)
    # Bound under another name first: whoever sees the socket can connect to it.
    listener.bind(f"{path}.new")
    listener.listen(64)
    Path(f"{path}.new").rename(path)
    caller = _serve(listener)
    if caller is not None:
        _become(caller)


def _serve(listener: socket.socket) -> socket.socket | None:
    """In a fork, the connection of its caller; None in the server, when it is over."""
    callers: dict[int, tuple[int, socket.socket]] = {}
    starter = os.getppid()
    with selectors.DefaultSelector() as events:
        events.register(listener, selectors.EVENT_READ)
        while os.getppid() == starter:
            for key, _ in events.select(timeout=1):
                if key.fileobj is not listener:
                    events.unregister(key.fd)
                    _tell(*callers.pop(key.fd), ended=key.fd)
                    continue
                caller, _ = listener.accept()
                pid = os.fork()
                if pid == 0:
                    listener.close()
                    for fork, (_, other) in callers.items():
                        os.close(fork)
                        other.close()
                    return caller
                fork = os.pidfd_open(pid)
                callers[fork] = (pid, caller)
                events.register(fork, selectors.EVENT_READ)
    return None


def _tell(pid: int, caller: socket.socket, *, ended: int) -> None:
    """Tell the caller how its program ended, unless it is gone."""
    _, status = os.waitpid(pid, 0)
    os.close(ended)
    with caller:
        try:
            caller.sendall(b"%d" % os.waitstatus_to_exitcode(status))
        except (BrokenPipeError, ConnectionResetError):
            return


def _become(caller: socket.socket) -> None:
    """Run the program that the caller asks for, until it ends or the caller has no more use for it."""
    request = _received(caller)
    os.chdir(request.folder)
    os.environb.clear()
    os.environb.update(request.environment)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    # As `-P` has it: neither this checkout nor the caller's folder is where its imports come from.
    checkout = str(Path(__file__).resolve().parents[2])
    sys.path[:] = [entry for entry in sys.path if entry not in ("", checkout)]
    threading.Thread(target=_end_with, args=(caller,), daemon=True).start()
    _end(_run(request.program))


def _run(program: list[str]) -> int:
    """What the program ends with; an error that it does not handle is printed as Python does."""
    try:
        match program:
            case ["-m", module, *arguments]:
                sys.argv[1:] = arguments
                runpy.run_module(module, run_name="__main__", alter_sys=True)
            case [file, *_]:
                sys.argv[:] = program
                runpy.run_path(file, run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        sys.excepthook(*sys.exc_info())
        return -signal.SIGINT
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def _end(code: int) -> None:
    """What an interpreter does at its end, but for taking every object apart, which costs 0.1 s.

    A file that the program has left open loses what it has not flushed.
    """
    # CPython 3.11 to 3.14: waits for the threads that it should wait for.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in {sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__}:
        if stream is not None and not stream.closed:
            try:
                stream.flush()
            except BrokenPipeError:
                code = _UNWRITTEN
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _received(caller: socket.socket) -> _Request:
    """The request; the caller's streams become this program's."""
    head, streams, _, _ = socket.recv_fds(caller, _LENGTH, _STREAMS)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    length = int.from_bytes(head, "big")
    read = bytearray()
    while len(read) < length:
        part = caller.recv(length - len(read))
        if not part:
            sys.exit(1)
        read += part
    folder, count, *rest = bytes(read).split(b"\0")
    words, variables = rest[: int(count) - 1], rest[int(count) - 1 :]
    environment = dict(variable.split(b"=", 1) for variable in variables)
    return _Request(os.fsdecode(folder), [os.fsdecode(word) for word in words], environment)


def _end_with(caller: socket.socket) -> None:
    """Tell this program to end when its caller closes; a program that does not is killed."""
    while caller.recv(1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(5)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
