"""What is accepted is taken by the plugins themselves: what they refuse when a pod starts has been refused before."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from lab import prepare
from multus.network_plan import network_problems_of, resolve_network

_CLONE_NEWNET = 0x40000000
_MASTER, _BRIDGE = "up0", "br0"


def ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module", autouse=True)
def node() -> Iterator[None]:
    """A network of its own with one link, as a node has it."""
    if os.geteuid() != 0:
        pytest.skip("plugins make links as root alone")
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as before:
        assert libc.unshare(_CLONE_NEWNET) == 0, ctypes.get_errno()
        try:
            ip("link", "add", _MASTER, "type", "veth", "peer", "name", "up1")
            for link in ("lo", _MASTER, "up1"):
                ip("link", "set", link, "up")
            yield
        finally:
            assert libc.setns(before.fileno(), _CLONE_NEWNET) == 0, ctypes.get_errno()


@dataclass(frozen=True)
class Pod:
    """A pod's network namespace, which lives as long as a process in it."""

    process: subprocess.Popen[bytes]

    @property
    def netns(self) -> str:
        return f"/proc/{self.process.pid}/ns/net"

    def ip(self, *words: str) -> str:
        inside = ["nsenter", f"--net={self.netns}", "ip", *words]
        return subprocess.run(inside, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def pod() -> Iterator[Pod]:
    # `cat` says back what it reads once it runs, which is after the namespace was made.
    process = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(b"there\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"there\n"
        yield Pod(process)
    finally:
        process.communicate()


def call(verb: str, conf: dict[str, Any], pod: Pod) -> dict[str, Any]:
    """One call of a plugin, as libcni makes it."""
    program = prepare.program(conf["type"])
    environment = {
        "CNI_COMMAND": verb,
        "CNI_CONTAINERID": "container",
        "CNI_NETNS": pod.netns,
        "CNI_IFNAME": "net1",
        "CNI_PATH": str(program.parent),
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run([program], input=json.dumps(conf), env=environment, capture_output=True, text=True)
    assert done.returncode == 0, (verb, done.stdout, conf)
    answer: dict[str, Any] = json.loads(done.stdout) if verb == "ADD" else {}
    return answer


def attach(conf: dict[str, Any], pod: Pod, books: Path) -> Iterator[dict[str, Any]]:
    """ADD, and after what the caller looks at CHECK and DEL, of the one plugin of a list."""
    [plugin] = conf["plugins"]
    ipam = plugin.get("ipam")
    kept = {"ipam": {**ipam, "dataDir": str(books)}} if ipam and ipam["type"] == "host-local" else {}
    alone = {"cniVersion": conf["cniVersion"], "name": conf["name"], **plugin, **kept}
    result = call("ADD", alone, pod)
    try:
        yield result
        # bridge's own CHECK asks an IPAM plugin in any case: plugins v1.9.1, main/bridge/bridge.go, cmdCheck.
        if ipam or plugin["type"] != "bridge":
            call("CHECK", {**alone, "prevResult": result}, pod)
    finally:
        call("DEL", {**alone, "prevResult": result}, pod)


_SUBNETS = st.sampled_from(
    ["10.97.0.0/24", "10.97.0.0/30", "10.97.0.0/29", "10.97.0.1/24", "10.97.0.0/31", "fd00:97::/120"]
)
_ADDRESSES = st.sampled_from(["10.97.0.1", "10.97.0.2", "10.97.0.3", "10.97.0.6", "10.98.0.1", "fd00:97::5", "router"])
_RANGES = st.fixed_dictionaries(
    {"subnet": _SUBNETS}, optional={"range_start": _ADDRESSES, "range_end": _ADDRESSES, "gateway": _ADDRESSES}
)
_WRITTEN = st.fixed_dictionaries(
    {"address": st.sampled_from(["10.97.0.5/24", "10.97.0.5", "10.97.0.1/24", "fd00:97::5/64"])},
    optional={"gateway": _ADDRESSES},
)
_ROUTES = st.lists(
    st.fixed_dictionaries(
        {
            "dst": st.sampled_from(
                ["10.99.0.0/16", "10.99.1.1/16", "0.0.0.0/0", "fd00:99::/64", "10.99.0.0", "192.0.0.0/4"]
            )
        },
        optional={"gw": _ADDRESSES, "priority": st.sampled_from([0, 7])},
    ),
    max_size=1,
)
_NETWORKS = st.builds(
    lambda kind, ipam, more: {**kind, **ipam, **more},
    st.one_of(
        st.fixed_dictionaries(
            {
                "bridge": st.fixed_dictionaries(
                    {"bridge": st.sampled_from([_BRIDGE, "br-of-the-office"])},
                    optional=dict.fromkeys(
                        ("is_gateway", "is_default_gateway", "force_address", "hairpin_mode", "promisc_mode"),
                        st.booleans(),
                    ),
                )
            }
        ),
        st.fixed_dictionaries(
            {
                "macvlan": st.fixed_dictionaries(
                    {"master": st.sampled_from([_MASTER, _MASTER, f"{_MASTER}:1"])},
                    optional={"mode": st.sampled_from(["bridge", "private", "vepa", "l2"])},
                )
            }
        ),
    ),
    st.one_of(
        st.just({}),
        st.lists(_RANGES, min_size=1, max_size=2).map(lambda ranges: {"ipam": {"host_local": {"ranges": ranges}}}),
        st.lists(_WRITTEN, max_size=1).map(lambda written: {"ipam": {"static": {"addresses": written}}}),
    ),
    st.fixed_dictionaries(
        {}, optional={"routes": _ROUTES, "default_route": st.booleans(), "mtu": st.sampled_from([67, 68, 1300, 1500])}
    ),
)


@settings(
    max_examples=60,
    derandomize=True,
    deadline=None,
    # One namespace serves all: what an attachment leaves in it would be seen by the next.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(args=_NETWORKS)
def test_what_is_accepted_works(pod: Pod, args: dict[str, Any]) -> None:
    accepted = not network_problems_of(args, "n")
    event("accepted" if accepted else "refused")
    if not accepted:
        return
    with TemporaryDirectory() as folder:
        books = Path(folder)
        for result in attach(resolve_network(args, "n").conf(), pod, books):
            assert any(each["name"] == "net1" for each in result["interfaces"])
            assert len(result.get("ips", ())) == len(
                [
                    each
                    for way in args.get("ipam", {}).values()
                    for key in ("ranges", "addresses")
                    for each in way.get(key, ())
                ]
            )
        # host-local keeps its lock and the last address that it gave, and none of the addresses.
        left = {file.name for file in books.rglob("*") if file.is_file()}
        assert {name for name in left if name != "lock" and not name.startswith("last_reserved_ip")} == set()
    assert "net1" not in pod.ip("-o", "link")
    if _BRIDGE in ip("-o", "link"):
        ip("link", "delete", _BRIDGE)


def test_a_default_route_wins_over_that_of_eth0(pod: Pod, tmp_path: Path) -> None:
    """The plugin puts it before one of the same metric: what docs/networks.md says of `default_route`."""
    pod.ip("link", "add", "eth0", "type", "veth", "peer", "name", "peer0")
    pod.ip("address", "add", "10.42.0.5/24", "dev", "eth0")
    for link in ("eth0", "peer0"):
        pod.ip("link", "set", link, "up")
    pod.ip("route", "add", "default", "via", "10.42.0.1")
    args = {
        "macvlan": {"master": _MASTER},
        "ipam": {"host_local": {"ranges": [{"subnet": "10.97.0.0/24"}]}},
        "default_route": True,
    }
    for _ in attach(resolve_network(args, "n").conf(), pod, tmp_path):
        assert "dev net1" in pod.ip("route", "get", "192.0.2.1")
        assert "dev eth0" in pod.ip("route", "get", "10.42.0.9")
