"""A real sshd, and steps that end their connections: nothing that they say is lost, and nobody else's session ends."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from lab.standins.command.connections import Connections
from lab.standins.command.ssh import Job
from lab.standins.errors import ProviderError
from lab.waiting import until
from multus import resolve
from multus.node_program import program_ending_with
from multus_ops.ssh import run_on_nodes
from tests.support.arguments import k3s
from tests.support.scratch_node import Node

SUDOER = "stepper"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
PORT = 2222
ROUNDS = 50
# Longer than what a pipe holds.
SAYS = "x" * 100_000
PREPARE = """
set -eu
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir /run/sshd /run/keys
cp {files}/* /run/keys/
chmod 0644 /run/keys/authorized_keys
for file in passwd shadow sudoers; do mount --bind /run/keys/$file /etc/$file; done
exec {sshd} -D -e -f /run/keys/sshd_config
"""


class Host:
    """Where the sshd listens, and how one gets in."""

    def __init__(self, node: Node, key: asyncssh.SSHKey, host_key: str) -> None:
        self._node = node
        self._key = key
        self._host_key = host_key
        self._program = node.root.parent / "step.sh"

    def connection(self, user: str) -> dict[str, Any]:
        """As the plugin is told it."""
        key = self._key.export_private_key().decode()
        return {"host": "127.0.0.1", "port": PORT, "user": user, "privateKey": key, "hostKey": self._host_key}

    def command(self, user: str, step: str) -> str:
        """What a login runs to run a step, which looks five times as often whether it may end its connection."""
        self._program.write_text(program_ending_with(f"close_connection; {step}\n"), encoding="utf-8")
        run = [
            "env",
            f"PATH={self._node.path}",
            *self._node.shell,
            "-c",
            'sleep() { /bin/sleep 0.2; }; . "$0"',
            str(self._program),
            "forget",
        ]
        sudo = "" if user == "root" else "sudo -n "
        return f"exec {sudo}timeout -k 5 60 sh -c {shlex.quote(f'exec {shlex.join([*run, *self._node.flags()])}')}"

    def connections(self) -> int:
        """How many are open at the server's end."""
        lines = subprocess.run(
            ["ss", "-Htn", "state", "established", "sport", "=", f":{PORT}"],
            capture_output=True,
            text=True,
            check=True,
        )
        return len(lines.stdout.splitlines())


@pytest.fixture
def host(node: Node, tmp_path: Path) -> Iterator[Host]:
    sshd = shutil.which("sshd", path=PATH)
    if sshd is None or shutil.which("sudo") is None:
        pytest.fail("sshd or sudo is missing: apt-get install openssh-server sudo")
    user, own = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    files = tmp_path / "files"
    files.mkdir()
    shadow = [line.split(":") for line in Path("/etc/shadow").read_text().splitlines()]
    unlocked = [":".join([f[0], "*" if f[0] == "root" else f[1], *f[2:]]) for f in shadow]
    config = {
        "Port": PORT,
        "HostKey": "/run/keys/host_key",
        "AuthorizedKeysFile": "/run/keys/authorized_keys",
        "PidFile": "none",
        "PermitRootLogin": "prohibit-password",
        "UsePAM": "no",
        "MaxStartups": 100,
        "SetEnv": f"PATH={PATH}",
    }
    for name, text in {
        "host_key": own.export_private_key().decode(),
        "authorized_keys": user.export_public_key().decode(),
        # The machine's root may have a shell that says and does things of its own.
        "passwd": f"root:x:0:0::/:/bin/sh\n{SUDOER}:x:4711:4711::/:/bin/sh\nsshd:x:4712:4712::/run/sshd:/bin/false\n",
        "shadow": "\n".join([*unlocked, f"{SUDOER}:*:1::::::\n"]),
        "sudoers": f"Defaults use_pty\nDefaults secure_path={PATH}\n{SUDOER} ALL=(ALL) NOPASSWD: ALL\n",
        "sshd_config": "".join(f"{key} {value}\n" for key, value in config.items()),
    }.items():
        (files / name).write_text(text)
        (files / name).chmod(0o440 if name == "sudoers" else 0o644 if name == "passwd" else 0o600)
    script = PREPARE.format(files=files, sshd=sshd)
    log = (tmp_path / "sshd.log").open("w")
    with log, subprocess.Popen(["unshare", "--mount", "sh", "-c", script], stderr=log) as server:
        try:
            until(lambda: "listening" in (tmp_path / "sshd.log").read_text(), "sshd listens", seconds=20)
            yield Host(node, user, own.export_public_key().decode())
        finally:
            server.terminate()


def run(connections: Connections, login: dict[str, Any], command: str) -> str:
    job = Job(command, "", {}, log_stdout=False, log_stderr=False)
    return connections.run(login, job, lambda _: None, threading.Event()).stdout


@pytest.mark.parametrize("user", ["root", SUDOER])
def test_a_connection_ends_after_its_command_and_nothing_is_lost(host: Host, user: str, tmp_path: Path) -> None:
    command = host.command(user, f'echo "{SAYS}"; echo done; exit 7')
    ends = tmp_path / "ends"
    with ExitStack() as opened:
        connections, others = (opened.enter_context(closing(Connections())) for _ in range(2))
        threads = opened.enter_context(ThreadPoolExecutor(5))
        waits = f"until [ -e {ends} ]; do sleep 0.1; done; echo still here"
        other = threads.submit(run, others, host.connection("root"), waits)
        opened.callback(ends.touch)
        until(lambda: host.connections() == 1, "the other session is there", seconds=20)

        def step(_: int) -> str:
            with pytest.raises(ProviderError) as ended:
                run(connections, host.connection(user), command)
            return str(ended.value)

        for told in threads.map(step, range(ROUNDS)):
            assert told.startswith("Process exited with status 7: ")
            assert told.endswith(f"{SAYS}\ndone\n")
        until(lambda: host.connections() == 1, "the other session alone is left", seconds=20)
        ends.touch()
        assert other.result(timeout=20) == "still here"
        # It is over too, and no step of ours: its connection stays.
        assert host.connections() == 1


def test_a_host_whose_key_has_changed_is_told_nothing(host: Host, tmp_path: Path) -> None:
    """Neither by a step nor by a command of people's."""
    changed = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    ran, known = tmp_path / "ran", host.connection("root")
    with closing(Connections()) as connections:
        assert run(connections, known, "echo the same") == "the same"
        with pytest.raises(ProviderError, match="host key mismatch"):
            run(connections, {**known, "hostKey": changed}, f"touch {ran}")
    login = {"host": known["host"], "port": PORT, "private_key": known["privateKey"]}
    for key, ended in ((known["hostKey"], "asked"), (changed, "")):
        nodes = resolve(k3s({"name": "a", "host_key": key.strip(), **login})).nodes
        said = run_on_nodes(nodes, f"echo asked; touch {ran}\n", lambda _: [], seconds=20)["a"]
        assert said.stdout.strip() == ended
        assert ran.exists() is bool(ended)
        ran.unlink(missing_ok=True)
    assert "its host key is not the one in `nodes`: compare it with the host itself" in str(said.unreachable)


def test_a_jump_host_keeps_its_connections_and_the_node_none(host: Host) -> None:
    command = host.command(SUDOER, "echo done")
    with closing(Connections()) as connections:
        login = {**host.connection(SUDOER), "proxy": host.connection("root")}
        for _ in range(3):
            assert run(connections, login, command) == "done"
        # Of two for each step, to the jump host and from there: the plugin has the first until it ends.
        until(lambda: host.connections() == 3, "the ways through the jump host alone are left", seconds=20)
    until(lambda: host.connections() == 0, "the plugin has ended", seconds=20)
