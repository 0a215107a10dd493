"""Hosts that answer over SSH: one sshd at as many addresses as wanted. It runs no command, and says that each succeeded.

They live in the network namespace of a lab's control plane, whose whole range of addresses for benchmarks (RFC 2544)
they have. What is said to them never leaves this machine.
"""

from __future__ import annotations

import ipaddress
import re
import shutil
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lab.cgroups import Cgroup
from lab.commands import run
from lab.errors import LabError
from lab.layout import Layout
from lab.pki import ssh_key
from lab.processes import PATH, Daemon
from lab.versions import on_path

_NETWORK = ipaddress.ip_network("198.18.0.0/16")
_PORT = 22
_FOLDER = "/run/hosts"
_SFTP_SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server")
# sshd starts a subsystem by the forced command too, and names the subsystem's program.
_ANSWER = """#!/bin/sh
case $SSH_ORIGINAL_COMMAND in
{sftp}) exec {sftp} ;;
esac
cat >/dev/null
case $SSH_ORIGINAL_COMMAND in
*" preflight "*) echo "ready: default network cbr0 in 10-flannel.conflist, for amd64" ;;
esac
"""
# What sshd 9.2 and 10 write to their log, at LogLevel VERBOSE.
_DIALLED = re.compile(r"^Connection from (\S+ port \d+) on (\S+) port ")
_ACCEPTED = re.compile(r"^Accepted \S+ for \S+ from (\S+ port \d+)")
_ENDED = re.compile(
    r"^(?:Disconnected from|Connection closed by|Connection reset by|Closing connection to|Timeout before).*?"
    r"(\d\S* port \d+)"
)
_DROPPED = re.compile(r"^drop connection #|^error: beginning MaxStartups throttling|past MaxStartups")


@dataclass(frozen=True)
class Host:
    """A host that answers; what a stack has to know about a node."""

    name: str
    address: str
    host_key: str


@dataclass(frozen=True)
class Connections:
    """What a log of sshd tells about its connections.

    Attributes:
        dialled: how many there were.
        open_at_once: the most that were open at one moment.
        open_at_one_host: the most that one host had open at one moment.
        greeting_at_once: the most that were dialled and not yet authenticated at one moment.
        dropped: how many sshd refused because too many were not yet authenticated (MaxStartups).
    """

    dialled: int = 0
    open_at_once: int = 0
    open_at_one_host: int = 0
    greeting_at_once: int = 0
    dropped: int = 0


def connections(log: str) -> Connections:
    """Follow a log of sshd from its first line to its last."""
    dialled = dropped = most_open = most_greeting = most_at_one = 0
    open_: dict[str, str] = {}
    greeting: set[str] = set()
    at_host: Counter[str] = Counter()
    for line in log.splitlines():
        if begun := _DIALLED.match(line):
            client, host = begun.groups()
            dialled += 1
            open_[client] = host
            greeting.add(client)
            at_host[host] += 1
            most_open, most_greeting = max(most_open, len(open_)), max(most_greeting, len(greeting))
            most_at_one = max(most_at_one, at_host[host])
        elif accepted := _ACCEPTED.match(line):
            greeting.discard(accepted[1])
        elif ended := _ENDED.match(line):
            greeting.discard(ended[1])
            if host := open_.pop(ended[1], ""):
                at_host[host] -= 1
        elif line.startswith("drop connection #"):
            dropped += 1
    return Connections(dialled, most_open, most_at_one, most_greeting, dropped)


@dataclass
class AnsweringHosts:
    """The hosts, started and stopped."""

    layout: Layout
    max_startups: str
    _read: int = field(default=0, init=False)

    def start(self) -> None:
        """Start sshd in the running control plane's network, and lead this machine's traffic there."""
        ssh_key(self._folder / "host_key", "hosts")
        shutil.copy(self.layout.state / "ssh" / "id_ed25519.pub", self._folder / "authorized_keys")
        (self._folder / "sshd_config").write_text(self._configuration())
        answer = self._folder / "answer"
        answer.write_text(_ANSWER.format(sftp=_sftp_server()))
        answer.chmod(0o755)
        sshd = on_path("sshd")
        if sshd is None:
            raise LabError("sshd is not on PATH: run `python -m lab prepare`")
        group = Cgroup(self.layout.cgroup).child("hosts")
        group.make()
        holder = Daemon("control-plane", self.layout.state).pid
        script = [str(Path(__file__).with_suffix(".sh")), str(self._folder), str(_NETWORK), str(sshd)]
        enter = ["nsenter", "-t", str(holder), "-n", "--", "unshare", "--mount", "env", f"PATH={PATH}", "sh"]
        self._sshd.start([*enter, *script], group, ready=lambda: self._sshd.listens(_PORT))
        run(["ip", "route", "replace", str(_NETWORK), "via", self.layout.api, "dev", self.layout.link])

    def hosts(self, count: int) -> list[Host]:
        """That many of them, always the same first ones."""
        kind, key, *_ = (self._folder / "host_key.pub").read_text().split()
        return [Host(f"node-{n:04d}", str(_NETWORK[256 + n]), f"{kind} {key}") for n in range(1, count + 1)]

    def connections_since(self) -> Connections:
        """What has been connected since this was asked the last time."""
        with self._sshd.log.open(encoding="utf-8", errors="replace") as log:
            log.seek(self._read)
            text = log.read()
            self._read = log.tell()
        return connections(text)

    @property
    def pid(self) -> int | None:
        """The process that listens."""
        return self._sshd.pid

    @property
    def _folder(self) -> Path:
        return self.layout.state / "hosts"

    @property
    def _sshd(self) -> Daemon:
        return Daemon("hosts-sshd", self.layout.state)

    def _configuration(self) -> str:
        settings = {
            "Port": _PORT,
            "HostKey": f"{_FOLDER}/host_key",
            "AuthorizedKeysFile": f"{_FOLDER}/authorized_keys",
            "PidFile": "none",
            "PermitRootLogin": "prohibit-password",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "UsePAM": "no",
            "AllowUsers": "root",
            "PermitUserRC": "no",
            "UseDNS": "no",
            "LogLevel": "VERBOSE",
            "MaxStartups": self.max_startups,
            "Subsystem": f"sftp {_sftp_server()}",
            "ForceCommand": f"{_FOLDER}/answer",
        }
        return "".join(f"{key} {value}\n" for key, value in settings.items())


def established(table: str, port: int = _PORT) -> Counter[str]:
    """How many connections to this port each own address has, by a table like /proc/net/tcp."""
    rows = (row.split() for row in table.splitlines()[1:])
    local = (row[1].split(":") for row in rows if row[3] == "01")
    return Counter(_address(address) for address, at in local if int(at, 16) == port)


def _address(hexadecimal: str) -> str:
    return str(ipaddress.ip_address(bytes.fromhex(hexadecimal)[::-1]))


def _sftp_server() -> str:
    found: Iterable[str] = (path for path in _SFTP_SERVERS if Path(path).exists())
    for path in found:
        return path
    raise LabError(f"no SFTP server is at {', '.join(_SFTP_SERVERS)}: install openssh-sftp-server")
