"""The lab itself: the command line from nothing to a pod with two interfaces, again, and back to nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from lab.cluster import Cluster
from lab.programs import Programs
from lab.waiting import until

from .conftest import INSTANCE

# What is compared here is the whole machine, which other labs change.
pytestmark = pytest.mark.alone
ROOT = Path(__file__).parents[2]
PLACES = [
    "/etc/cni",
    "/etc/kubernetes",
    "/etc/multus-lab",
    "/etc/rancher",
    "/opt/cni",
    "/run/containerd",
    "/run/k3s",
    "/run/multus-lab",
    "/run/netns",
    "/sys/fs/cgroup",
    "/var/lib/cni",
    "/var/lib/containerd",
    "/var/lib/etcd",
    "/var/lib/kubelet",
    "/var/lib/multus-install",
    "/var/lib/multus-lab",
    "/var/lib/rancher",
    "/var/log/pods",
]


def lab(*arguments: str, timeout: float = 600) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "lab", *arguments, "--instance", INSTANCE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def machine() -> dict[str, object]:
    """Everything of a machine that a lab could leave behind."""
    return {
        "links": sorted(os.listdir("/sys/class/net")),  # noqa: PTH208 # names only
        "mounts": sorted(line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()),
        "namespaces": namespaces(),
        "files": {place: sorted(map(str, Path(place).glob("*"))) for place in PLACES if Path(place).exists()},
        "cgroups": sorted(folder for folder, *_ in os.walk("/sys/fs/cgroup") if "multus-lab" in folder),
        "forwarding": Path("/proc/sys/net/ipv4/ip_forward").read_text(),
        "rules": printed("iptables-save", "-t", "nat") + printed("iptables-save", "-t", "filter"),
        "routes": printed("ip", "route"),
    }


def assert_nothing_is_left(before: dict[str, object]) -> None:
    """The machine may start and end programs of its own meanwhile."""
    until(lambda: machine() == before, "the machine is what it was", every=0.5)


def namespaces() -> set[str]:
    """Network and mount namespaces with a process in them, and so every process outside the machine's own."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        for kind in ("net", "mnt"):
            try:
                found.add(str((process / "ns" / kind).readlink()))
            except OSError:  # the process has ended since
                continue
    return found


def printed(*command: str) -> list[str]:
    """The lines of a command without counters and times."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [line.split(" [")[0] for line in done.stdout.splitlines() if not line.startswith("#")]


def test_up_twice_status_and_down(programs: Programs) -> None:
    assert programs
    Cluster(INSTANCE).down()
    before = machine()
    first = lab("up")
    assert "net1" in first
    assert "10.99.0." in first
    assert "plugins" in first

    pod = demo_pod()
    started = time.monotonic()
    second = lab("up")
    assert time.monotonic() - started < 180
    assert "10.99.0." in second
    assert demo_pod() == pod

    status = lab("status")
    assert "lab-1" in status
    assert "running" in status
    assert "kubelet" in lab("logs")

    lab("down")
    assert_nothing_is_left(before)
    lab("down")


def demo_pod() -> list[tuple[str, str]]:
    with Cluster.load(INSTANCE).api as api:
        found: list[Any] = client.CoreV1Api(api).list_namespaced_pod("default").items
    return [(pod.metadata.name, pod.metadata.uid) for pod in found]


def test_up_killed_half_way_and_repeated(programs: Programs) -> None:
    assert programs
    cluster = Cluster(INSTANCE)
    cluster.down()
    before = machine()
    half = subprocess.Popen(
        [sys.executable, "-m", "lab", "up", "--no-stack", "--distro", "vanilla", "--instance", INSTANCE],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(
        lambda: (cluster.state / "logs" / "lab-1-containerd.log").exists(),
        "containerd was started",
        every=0.1,
    )
    half.send_signal(signal.SIGKILL)
    half.wait()
    assert cluster.shape is None
    lab("up", "--no-stack", "--distro", "vanilla")
    assert "lab-1" in lab("status")
    lab("down")
    assert_nothing_is_left(before)
