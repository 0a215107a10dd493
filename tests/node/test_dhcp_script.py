"""What the container of the daemon of `dhcp` runs, with a plugin that notes how it is called."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lab.waiting import until
from multus import dhcp_daemon

PLUGIN = """\
#!/bin/sh
if [ "${{1:-}}" = daemon ]; then
  exec {python} -c '
import signal, socket
serving = socket.socket(socket.AF_UNIX)
serving.bind("{socket}")
serving.listen()
signal.pause()'
fi
echo "$CNI_COMMAND $CNI_CONTAINERID $CNI_NETNS $CNI_IFNAME $CNI_ARGS $(cat)" >>{log}
"""


class Host:
    """A directory that stands for what of a host the container has."""

    def __init__(self, folder: Path) -> None:
        self.plugins, self.socket, self.log = folder / "bin", folder / "run" / "dhcp.sock", folder / "log"
        self.results = folder / "cache" / "multus" / "results"
        for each in (self.plugins, self.socket.parent, self.results, folder / "cache" / "results"):
            each.mkdir(parents=True)
        self.netns = folder / "netns"
        self.netns.touch()
        self.log.touch()
        text = dhcp_daemon.script().replace("/run/cni", str(self.socket.parent))
        self.command = ["-c", text.replace("/var/lib/cni", str(folder / "cache")), "dhcp-daemon", str(self.plugins)]

    def install(self) -> None:
        plugin = self.plugins / "dhcp"
        plugin.write_text(PLUGIN.format(python=sys.executable, socket=self.socket, log=self.log))
        plugin.chmod(0o755)

    def remember(self, interface: str, conf: Any, netns: Path | None = None, indent: int | None = None) -> None:
        """A result as libcni v1.3.1 caches it (pkg libcni/api.go, cachedInfo)."""
        cached = {
            "kind": "cniCacheV1",
            "containerId": "c1",
            "config": base64.b64encode(json.dumps(conf, indent=indent).encode()).decode(),
            "ifName": interface,
            "networkName": conf["name"],
            "netns": str(netns or self.netns),
            "cniArgs": [["IgnoreUnknown", "1"], ["K8S_POD_NAME", "web"]],
            "capabilityArgs": {"ips": [["a"]]},
            "result": {"ips": [{"address": "192.0.2.9/24"}], "interfaces": [{"name": interface}]},
        }
        (self.results / f"{conf['name']}-c1-{interface}").write_text(json.dumps(cached, separators=(",", ":")))


@pytest.fixture
def host() -> Iterator[Host]:
    # The path of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="dhcp-") as folder:
        yield Host(Path(folder))


@contextmanager
def serving(shell: tuple[list[str], str], host: Host) -> Iterator[subprocess.Popen[str]]:
    program, tools = shell
    with subprocess.Popen([*program, *host.command], env={"PATH": tools}, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def refused(shell: tuple[list[str], str], host: Host) -> str:
    program, tools = shell
    done = subprocess.run(
        [*program, *host.command], env={"PATH": tools}, capture_output=True, text=True, check=False, timeout=20
    )
    assert done.returncode == 1
    return done.stderr


def test_a_node_without_the_plugin_is_told_how_to_get_it(shell: tuple[list[str], str], host: Host) -> None:
    assert "dhcp is not on this node: add dhcp to reference_plugins" in refused(shell, host)


def test_the_socket_of_a_killed_daemon_is_no_obstacle(shell: tuple[list[str], str], host: Host) -> None:
    host.install()
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(host.socket))
    assert not listens(host.socket)
    with serving(shell, host):
        until(lambda: listens(host.socket), "the daemon listens", 20)


def test_another_daemons_socket_is_left_alone(shell: tuple[list[str], str], host: Host) -> None:
    host.install()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(host.socket))
        other.listen()
        assert "another DHCP daemon listens" in refused(shell, host)
    assert host.socket.exists()


def test_leases_of_running_pods_are_asked_for_again(shell: tuple[list[str], str], host: Host) -> None:
    host.install()
    ipam = {"type": "dhcp", "provide": [{"option": "12", "value": 'a"} {b}'}]}
    chained = {"name": "office", "cniVersion": "1.0.0", "plugins": [{"type": "macvlan", "ipam": ipam}, {"type": "x"}]}
    host.remember("net1", chained)
    host.remember("net2", {"name": "plain", "type": "bridge", "ipam": {"type": "dhcp"}}, indent=2)
    host.remember("net3", {"name": "gone", "type": "bridge", "ipam": {"type": "dhcp"}}, netns=host.netns / "gone")
    host.remember("net4", {"name": "local", "type": "bridge", "ipam": {"type": "host-local", "subnet": "10.0.0.0/24"}})
    (host.results / "cut-c1-net5").write_text('{"kind":"cniCa')
    with serving(shell, host):
        until(lambda: host.log.read_text().count("\n") == 2, "both are asked for", 20)
    lines = [line.split(" ", 5) for line in host.log.read_text().splitlines()]
    assert [line[:5] for line in lines] == [
        ["CHECK", "c1", str(host.netns), interface, "IgnoreUnknown=1;K8S_POD_NAME=web"]
        for interface in ("net1", "net2")
    ]
    first, second = (json.loads(line[5]) for line in lines)
    assert first == {"cniVersion": "1.0.0", "name": "office", "type": "dhcp", "ipam": ipam}
    assert (second["name"], second["ipam"]) == ("plain", {"type": "dhcp"})
