"""Every process that starts on this machine, its nodes included, and whether it carries a secret for others to read."""

from __future__ import annotations

import base64
import os
import re
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from multus.ssh_keys import shortest_form

# The kernel's events of processes: linux/connector.h and linux/cn_proc.h.
_CONNECTOR, _PROCESSES = 11, 1
_LISTEN, _NONE, _EXEC = 1, 0, 2
_HEADER = struct.Struct("=IHHII")
_MESSAGE = struct.Struct("=IIIIHH")
_EVENT = struct.Struct("=I12xI")
# SO_RCVBUFFORCE, which Python has no name for.
_BUFFER, _ROOM = 33, 1 << 24
_MOMENT = 0.02

_JWT = re.compile(rb"eyJ[\w-]{16,}\.(eyJ[\w-]{16,})\.")
# A token, and a PEM that is no certificate, in base64 as Secrets and kubeconfigs have them.
_ENCODED = re.compile(rb"ZXlKaGJHY2lPaUpT|LS0tLS1CRUdJTiB(?!DRVJU)")
# Pulumi hands its configuration to a program in this variable: sdk/python/lib/pulumi/runtime/config.py.
_CONFIGURATION = b"PULUMI_CONFIG="
_KEY = re.compile(rb"PRIVATE KEY-----")


class Watcher:
    """What was seen.

    Attributes:
        seen: how many processes were looked at.
        missed: how many had ended before.
        leaks: what each one that carries a secret is called, and where it has it.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self.seen = self.missed = 0
        self.leaks: list[str] = []
        self._secrets = secrets
        self._own = {value.encode() for value in os.environ.values()}

    def look(self, process: int) -> None:
        """Look at a process that has just started a program."""
        try:
            words, environment = (Path(f"/proc/{process}/{name}").read_bytes() for name in ("cmdline", "environ"))
            is_on_a_node = Path(f"/proc/{process}/ns/mnt").readlink() != Path("/proc/self/ns/mnt").readlink()
        except OSError:
            self.missed += 1
            return
        self.seen += 1
        for where, text in (("its words", words), ("its environment", environment)):
            for part in text.split(b"\0"):
                # A machine may have tokens of its own, which every process inherits.
                if not has_secret(part, *self._secrets) or part.partition(b"=")[2] in self._own:
                    continue
                if is_on_a_node or not part.startswith(_CONFIGURATION):
                    self.leaks.append(f"{words.split(bytes(1))[0].decode()} in {where}")


def has_secret(text: bytes, *secrets: str) -> bool:
    """Whether there is the token of a service account in a text, a private key, or one of these."""
    if any(secret.encode() in text for secret in secrets) or _ENCODED.search(text) or _KEY.search(text):
        return True
    return any(b"serviceaccount" in _decoded(claims) for claims in _JWT.findall(text))


def only_in(key: str) -> list[str]:
    """What stands in this private key of OpenSSH's and in no other: as it is written, and as the plugin gets it."""
    # All Ed25519 keys begin alike, and the public part comes next.
    return [key.splitlines()[4], shortest_form(key).splitlines()[-2]]


def _decoded(claims: bytes) -> bytes:
    return base64.urlsafe_b64decode(claims + b"=" * (-len(claims) % 4))


@contextmanager
def watching(*secrets: str) -> Iterator[Watcher]:
    """Look at every process that is started while the block runs.

    In a container, where the kernel tells nobody of processes, only what lives for a moment is seen.

    Args:
        secrets: texts that no process may carry, besides tokens of service accounts and private keys.
    """
    watcher, stop = Watcher(secrets), threading.Event()
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _CONNECTOR) as kernel:
        started = _told(kernel, stop) if _is_told(kernel) else _found(stop)
        thread = threading.Thread(target=_each, args=(started, watcher.look))
        thread.start()
        try:
            yield watcher
        finally:
            stop.set()
            thread.join()


def _each(processes: Iterator[int], look: Callable[[int], None]) -> None:
    for process in processes:
        look(process)


def _is_told(kernel: socket.socket) -> bool:
    """Ask the kernel for its events; its answer is one of no kind, with what is wrong."""
    try:
        kernel.setsockopt(socket.SOL_SOCKET, _BUFFER, _ROOM)
        kernel.bind((0, _PROCESSES))
        wanted = _MESSAGE.pack(_PROCESSES, 1, 0, 0, 4, 0) + struct.pack("=I", _LISTEN)
        kernel.send(_HEADER.pack(_HEADER.size + len(wanted), 3, 0, 0, 0) + wanted)
    except OSError:
        return False
    while select.select([kernel], [], [], 1)[0]:
        kind, wrong = _event(kernel)
        if kind == _NONE:
            return not wrong
    return False


def _event(kernel: socket.socket) -> tuple[int, int]:
    """Of what kind one is, and its first number: the process."""
    kind, number = _EVENT.unpack_from(kernel.recv(4096), _HEADER.size + _MESSAGE.size)
    return int(kind), int(number)


def _told(kernel: socket.socket, stop: threading.Event) -> Iterator[int]:
    while not stop.is_set():
        while select.select([kernel], [], [], _MOMENT)[0]:
            kind, process = _event(kernel)
            if kind == _EXEC:
                yield process


def _found(stop: threading.Event) -> Iterator[int]:
    known: dict[str, bytes] = {}
    while not stop.wait(_MOMENT):
        before, known = known, {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                known[folder.name] = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if before.get(folder.name) != known[folder.name]:
                yield int(folder.name)
