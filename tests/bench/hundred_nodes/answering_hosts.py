"""Hosts that answer over SSH: one sshd at many addresses. It runs no command, and says that each has succeeded.

They live in the network namespace of a lab's control plane and have addresses of the range for benchmarks (RFC 2544).
What is said to them never leaves this machine.
"""

from __future__ import annotations

import ipaddress
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from lab.cgroups import Cgroup
from lab.commands import run
from lab.errors import LabError
from lab.layout import Layout
from lab.pki import ssh_key
from lab.processes import PATH, Daemon
from lab.versions import on_path
from tests.bench.hundred_nodes.connections import Connections, connections

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


@dataclass(frozen=True)
class Host:
    """A host that answers; what a stack has to know about a node."""

    name: str
    address: str
    host_key: str


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
        self.cgroup.make()
        holder = Daemon("control-plane", self.layout.state).pid
        script = [str(Path(__file__).with_suffix(".sh")), str(self._folder), str(_NETWORK), str(sshd)]
        enter = ["nsenter", "-t", str(holder), "-n", "--", "unshare", "--mount", "env", f"PATH={PATH}", "sh"]
        self._sshd.start([*enter, *script], self.cgroup, ready=lambda: self._sshd.listens(_PORT))
        run(["ip", "route", "replace", str(_NETWORK), "via", self.layout.api, "dev", self.layout.link])

    def hosts(self, count: int) -> list[Host]:
        """That many of them, always the same first ones."""
        kind, key, *_ = (self._folder / "host_key.pub").read_text().split()
        return [Host(f"node-{n:04d}", str(_NETWORK[256 + n]), f"{kind} {key}") for n in range(1, count + 1)]

    def connections(self) -> Connections:
        """What has been connected since this was asked the last time."""
        with self._sshd.log.open(encoding="utf-8", errors="replace") as log:
            log.seek(self._read)
            text = log.read()
            self._read = log.tell()
        return connections(text)

    @property
    def cgroup(self) -> Cgroup:
        """The processes of all hosts."""
        return Cgroup(self.layout.cgroup).child("hosts")

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


def _sftp_server() -> str:
    found = [path for path in _SFTP_SERVERS if Path(path).exists()]
    if not found:
        raise LabError(f"no SFTP server is at {', '.join(_SFTP_SERVERS)}: install openssh-sftp-server")
    return found[0]
