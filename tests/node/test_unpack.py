"""unpack: plugins from an archive, where they are not there yet; and what a removal does with them."""

from __future__ import annotations

import hashlib
import io
import os
import platform
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.support.planted import LINKS, Lay, Plant
from tests.support.scratch_node import BIN_DIR, Node

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
URL = "https://files.example/cni-plugins.tgz"


def archive(path: Path, *, prefix: str = "./", links: dict[str, str] | None = None, **plugins: str) -> str:
    """A `.tgz` as the plugins' project packs it; its SHA-256."""
    with tarfile.open(path, "w:gz") as packed:
        for name, content in plugins.items():
            member = tarfile.TarInfo(f"{prefix}{name}")
            member.size, member.mode = len(content), 0o4777
            packed.addfile(member, io.BytesIO(content.encode()))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            packed.addfile(member)
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Unpacker:
    """A node, and an archive that is handed to it."""

    def __init__(self, node: Node, file: Path) -> None:
        self.node = node
        self.file = file

    @property
    def bin(self) -> Path:
        return self.node.at(BIN_DIR)

    def take(
        self, sha256: str, *names: str, url: str = "", architecture: str = ARCHITECTURE, gone: bool = False
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the phase with the file as its standard input, as the login's shell hands it over."""
        self.node.deliver()
        words = self.node.command("unpack", unpacks=" ".join(names), archives=f"{architecture}:{sha256}:{url}")
        source = Path(os.devnull) if gone or url else self.file
        with source.open("rb") as content:
            return subprocess.run(
                words, stdin=content, capture_output=True, env={"PATH": self.node.path}, timeout=60, check=False
            )

    def placed(self) -> dict[str, str]:
        return {each.name: each.read_text() for each in self.bin.iterdir() if each.name != "multus"}


@pytest.fixture
def unpacker(node: Node, tmp_path: Path) -> Unpacker:
    return Unpacker(node, tmp_path / "plugins.tgz")


@pytest.mark.parametrize("prefix", ["", "./"])
def test_missing_plugins_come_out_of_the_archive_and_nothing_else(unpacker: Unpacker, prefix: str) -> None:
    sha256 = archive(unpacker.file, prefix=prefix, macvlan="new", dhcp="new", bridge="new", dhcpx="new")
    done = unpacker.take(sha256, "macvlan", "dhcp")
    assert done.returncode == 0, done.stderr
    assert unpacker.placed() == {"macvlan": "new", "dhcp": "new"}
    for file in unpacker.bin.iterdir():
        assert (file.stat().st_mode & 0o7777, file.stat().st_uid) == (0o755, 0)
    assert sorted(each.name for each in unpacker.node.state.iterdir()) == ["node.sh", "plugins"]
    # Again, with the archive used up.
    done = unpacker.take(sha256, "macvlan", "dhcp", gone=True)
    assert (done.returncode, done.stdout) == (0, b"every plugin is there\n")


def test_what_is_there_stays_and_a_link_counts(unpacker: Unpacker) -> None:
    sha256 = archive(unpacker.file, macvlan="new", dhcp="new", bridge="new")
    (unpacker.bin / "macvlan").write_text("the distribution's")
    (unpacker.bin / "dhcp").symlink_to("/nowhere/dhcp")
    assert unpacker.take(sha256, "macvlan", "dhcp", "bridge").returncode == 0
    assert (unpacker.bin / "macvlan").read_text() == "the distribution's"
    assert (unpacker.bin / "dhcp").readlink() == Path("/nowhere/dhcp")
    assert (unpacker.bin / "bridge").read_text() == "new"


def test_another_archive_replaces_what_came_from_the_last_and_no_more(unpacker: Unpacker) -> None:
    assert unpacker.take(archive(unpacker.file, macvlan="1", dhcp="1"), "macvlan", "dhcp").returncode == 0
    (unpacker.bin / "dhcp").write_text("somebody's")
    assert unpacker.take(archive(unpacker.file, macvlan="2", dhcp="2"), "macvlan", "dhcp").returncode == 0
    assert unpacker.placed() == {"macvlan": "2", "dhcp": "somebody's"}


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("hash", "error: the archive for {arch}: has the SHA-256 {is}, and the plan says {said}; look at who changed"),
        ("gone", "error: the archive for {arch}: was used up by an earlier step; set rotation to another value"),
        ("no-tar", "error: the archive for {arch}: is no gzipped tar: "),
        ("names", "error: sriov: is no file in the archive for {arch}; write a plugin that it has"),
        ("architecture", "error: {arch}: archives of referencePlugins has none for this node's architecture"),
    ],
)
def test_what_is_not_the_plans_places_nothing(unpacker: Unpacker, case: str, says: str) -> None:
    sha256 = archive(unpacker.file, macvlan="new")
    names = ["macvlan", *(["sriov"] if case == "names" else [])]
    said = "0" * 64 if case == "hash" else sha256
    if case == "no-tar":
        unpacker.file.write_bytes(b"no archive")
        said = hashlib.sha256(b"no archive").hexdigest()
    architecture = "s390x" if case == "architecture" else ARCHITECTURE
    done = unpacker.take(said, *names, gone=case == "gone", architecture=architecture)
    assert done.returncode == 1
    assert says.format(arch=ARCHITECTURE, **{"is": sha256, "said": said}) in done.stderr.decode()
    assert unpacker.placed() == {}
    assert [each.name for each in unpacker.node.state.iterdir()] == ["node.sh"]


def test_members_with_a_way_out_and_links_are_none(unpacker: Unpacker, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("kept")
    links = {"macvlan": str(outside), "./dhcp": "/etc/passwd"}
    sha256 = archive(unpacker.file, prefix="../", links=links, bridge="x", **{str(outside)[1:]: "x"})
    done = unpacker.take(sha256, "macvlan", "dhcp", "bridge")
    assert done.returncode == 1
    # busybox calls ../bridge bridge, and it goes through a pipe like every other.
    for name in ("macvlan", "dhcp"):
        assert f"error: {name}: is no file in the archive" in done.stderr.decode()
    assert (unpacker.placed(), outside.read_text()) == ({}, "kept")


@LINKS
@pytest.mark.parametrize("name", [".macvlan.multus-install", "macvlan"])
def test_a_plugin_is_written_into_no_file_that_was_laid_there(
    unpacker: Unpacker, tmp_path: Path, lay: Lay, name: str
) -> None:
    plant = Plant(tmp_path)
    sha256 = archive(unpacker.file, macvlan="new")
    lay(plant, unpacker.bin / name)
    assert unpacker.take(sha256, "macvlan").returncode == 0
    assert plant.is_untouched()
    # One of the name counts as the distribution's.
    assert name == "macvlan" or unpacker.placed() == {"macvlan": "new"}


def test_a_url_is_fetched_by_https_alone(unpacker: Unpacker, tmp_path: Path) -> None:
    sha256 = archive(unpacker.file, macvlan="new")
    said = tmp_path / "asked"
    written = 'last=""; for word; do [ "$last" != -o ] || file=$word; last=$word; done'
    unpacker.node.add_tool("curl", f'echo "$*" >{said}; {written}; cp {unpacker.file} "$file"')
    done = unpacker.take(sha256, "macvlan", url=URL)
    assert done.returncode == 0, done.stderr
    assert unpacker.placed() == {"macvlan": "new"}
    words = said.read_text().split()
    assert {"--proto", "--proto-redir", "=https", URL} <= {*words}
    assert not {"-k", "--insecure"} & {*words}


def test_a_url_that_nobody_answers_says_so(unpacker: Unpacker) -> None:
    unpacker.node.add_tool("curl", "echo 'curl: (6) Could not resolve host: files.example' >&2; exit 6")
    done = unpacker.take("0" * 64, "macvlan", url=URL)
    assert done.returncode == 1
    assert f"error: {URL}: cannot be fetched: curl: (6) Could not resolve host" in done.stderr.decode()


def test_a_killed_step_is_repeated(unpacker: Unpacker) -> None:
    sha256 = archive(unpacker.file, macvlan="new")
    unpacker.node.deliver()
    (unpacker.bin / ".macvlan.multus-install").write_text("half")
    (unpacker.node.state / ".plugin-macvlan").write_text("half")
    assert unpacker.take(sha256, "macvlan").returncode == 0
    assert unpacker.placed() == {"macvlan": "new"}


def test_the_preflight_says_the_architecture_and_refuses_one_without_an_archive(node: Node) -> None:
    result = node.preflight(archives=f"{ARCHITECTURE}:{'0' * 64}:")
    assert result.ok, result.err
    assert result.out.rstrip().endswith(f", for {ARCHITECTURE}")
    result = node.preflight(archives=f"s390x:{'0' * 64}:")
    assert f"error: {ARCHITECTURE}: archives of referencePlugins has none" in result.err


def test_a_removal_takes_what_is_still_as_it_was_placed(unpacker: Unpacker) -> None:
    node = unpacker.node
    node.install_multus()
    sha256 = archive(unpacker.file, macvlan="new", dhcp="new", portmap="new")
    (unpacker.bin / "bridge").write_text("the distribution's")
    assert unpacker.take(sha256, "macvlan", "dhcp", "portmap").returncode == 0
    (unpacker.bin / "dhcp").write_text("somebody's")
    node.api.marker_is_there = False
    assert node.disarm().ok
    result = node.clean()
    assert result.ok, result.err
    # The default network calls portmap.
    assert unpacker.placed() == {"bridge": "the distribution's", "dhcp": "somebody's", "portmap": "new"}
    assert f"kept {BIN_DIR}/dhcp, which is not as it was placed" in result.out
    assert not node.state.exists()


def test_a_node_that_leaves_keeps_its_plugins(unpacker: Unpacker) -> None:
    node = unpacker.node
    node.install_multus()
    assert unpacker.take(archive(unpacker.file, macvlan="new"), "macvlan").returncode == 0
    assert node.clean().ok
    assert unpacker.placed() == {"macvlan": "new"}
    assert not node.state.exists()
