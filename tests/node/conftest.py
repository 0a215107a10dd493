from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import packages
from tests.support.certificates import make_authority
from tests.support.fake_api_server import ApiServer, serving
from tests.support.scratch_node import BIN_DIR, CONF_DIR, CONTAINERD, CONTAINERD_CONFIG, FLANNEL, Node, token_of

_CLONE_NEWNET = 0x40000000
_PORT = 6443


@pytest.fixture(scope="module", autouse=True)
def network_of_its_own() -> Iterator[None]:
    """By its network the program tells its node's processes from those that other tests pretend to be Multus'."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as before:
        if libc.unshare(_CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            if libc.setns(before.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def busybox_tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with busybox under each of its names, as a small distribution has them."""
    busybox = packages.busybox()
    if not busybox.exists():
        if shutil.which("apt-get") is None:
            pytest.skip("busybox is not on this machine")
        packages.unpack_busybox()
    directory = tmp_path_factory.mktemp("busybox")
    names = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        (directory / name).symlink_to(busybox)
    return directory


@pytest.fixture(params=["dash", "busybox"])
def shell(request: pytest.FixtureRequest) -> tuple[list[str], str]:
    """A shell and the directory of its tools."""
    if request.param == "dash":
        return [shutil.which("dash") or "sh"], "/usr/sbin:/usr/bin:/sbin:/bin"
    tools: Path = request.getfixturevalue("busybox_tools")
    return [str(tools / "sh")], str(tools)


@pytest.fixture
def api(authority: tuple[Path, Path]) -> Iterator[ApiServer]:
    # In a network of its own any port is free, and the trees of two tests differ in nothing.
    with serving(*authority, token_of(), port=_PORT if os.geteuid() == 0 else 0) as running:
        yield running


@pytest.fixture
def node(shell: tuple[list[str], str], api: ApiServer, tmp_path: Path) -> Iterator[Node]:
    """A node with a default network, and with a curl that writes down how it was called."""
    if os.geteuid() != 0:
        pytest.skip("node.sh runs as root alone")
    if shutil.which("curl") is None:
        pytest.fail("curl is missing: apt-get install curl")
    words, tools = shell
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / "curl").write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$*" >>{tmp_path}/curl.log\nexec {shutil.which("curl")} "$@"\n', encoding="utf-8"
    )
    # Whatever runtime the machine itself has is none of the node's.
    (shims / "crictl").write_text(f"#!/bin/sh\nexec cat {tmp_path}/crictl.json\n", encoding="utf-8")
    for shim in shims.iterdir():
        shim.chmod(0o755)
    made = Node(tmp_path / "root", words, f"{shims}:{tools}", api)
    for directory in (CONF_DIR, BIN_DIR, "/etc/containerd", "/var/lib/cni/networks"):
        made.at(directory).mkdir(parents=True)
    made.at(CONTAINERD_CONFIG).write_text(CONTAINERD, encoding="utf-8")
    (made.conf / "10-flannel.conflist").write_text(json.dumps(FLANNEL), encoding="utf-8")
    yield made
    arguments = tmp_path / "curl.log"
    called_with = arguments.read_text(encoding="utf-8") if arguments.exists() else ""
    assert api.token not in called_with, "the token stands in an argument list"
    assert not any(api.token in text for text in made.said), "the token was printed"


@pytest.fixture(scope="module")
def installs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tree of the first install of each shell is kept for the tests that begin with one."""
    return tmp_path_factory.mktemp("installs")


@pytest.fixture
def installed(node: Node, installs: Path) -> Node:
    """A node on which Multus serves."""
    kept = installs / Path(node.shell[0]).name
    if kept.exists():
        shutil.copytree(kept, node.root, symlinks=True, dirs_exist_ok=True)
        # It keeps its records beside the node's own root.
        node.install_binary()
    else:
        node.install_multus()
        shutil.copytree(node.root, kept, symlinks=True)
    return node
