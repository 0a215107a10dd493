"""`client.py FILE|-m MODULE [ARGUMENT ...]`: runs a program as a fork of the server, or by itself where there is none.

It ends as the fork does, and takes the fork along when it is told to end or when whoever has started it is gone. It
imports little, because its own start is all that a program's start still costs.
"""

import os
import selectors
import signal
import socket
import sys

VARIABLE = "MULTUS_LAB_FORKS"
"""The environment variable that names the server's socket; without it each program starts by itself."""


def main() -> None:
    """Become the program, one way or the other."""
    parent = os.getppid()
    server = _connected()
    if server is None:
        os.execv(sys.executable, [sys.executable, "-P", *sys.argv[1:]])  # noqa: S606 # the same program, no shell
    # Importing pathlib would double the time that this takes.
    words = b"\0".join(os.fsencode(word) for word in (os.getcwd(), str(len(sys.argv)), *sys.argv[1:]))  # noqa: PTH109
    variables = b"".join(b"\0%s=%s" % variable for variable in os.environb.items())
    request = words + variables
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: server.shutdown(socket.SHUT_WR))
    socket.send_fds(server, [len(request).to_bytes(8, "big")], [0, 1, 2])
    server.sendall(request)
    with selectors.DefaultSelector() as ended:
        ended.register(server, selectors.EVENT_READ)
        while not ended.select(timeout=1):
            if os.getppid() != parent:
                server.shutdown(socket.SHUT_WR)
    status = int(server.recv(16) or 1)
    if status < 0:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    sys.exit(status)


def _connected() -> "socket.socket | None":
    path = os.environ.get(VARIABLE)
    if not path:
        return None
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(path)
    except OSError:
        server.close()
        return None
    return server


if __name__ == "__main__":
    main()
