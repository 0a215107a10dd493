"""The node program comes by SFTP into the login's home, and root runs it only if it is the one that was sent."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from multus import MultusComponent
from multus.copied_files import copied_file
from multus.node_program import STATE_DIR, program_asset, program_text, taking
from tests.support import arguments
from tests.support.planted import ANOTHER, Plant
from tests.support.recording import run
from tests.support.scratch_node import Node

COPIED = copied_file(".sh", "0123456789ab", "ba9876543210")
SENTENCE = "error: the node program has not arrived; set rotation to another value and run pulumi up\n"


class Login:
    """The login's home, and a node that is given a command from there."""

    def __init__(self, node: Node, home: Path) -> None:
        self.node = node
        self.home = home
        home.mkdir()
        self.copy = home / COPIED.name

    def send(self, text: str) -> None:
        self.copy.write_text(text, encoding="utf-8")

    def run(self, words: str) -> subprocess.CompletedProcess[str]:
        command = COPIED.hand_over(
            f"exec {shlex.join([*self.node.shell, '-c', taking(f'{words} --root {self.node.root}')])}"
        )
        return subprocess.run(
            [*self.node.shell, "-c", command.replace(STATE_DIR, str(self.node.state))],
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": self.node.path},
            timeout=20,
        )


@pytest.fixture
def login(node: Node, tmp_path: Path) -> Login:
    return Login(node, tmp_path / "home")


def test_the_copy_becomes_the_program(login: Login) -> None:
    login.send(program_text())
    assert login.run("frget").stderr == "node.sh: unknown phase frget\n"
    assert [path.name for path in login.node.state.iterdir()] == ["node.sh"]
    assert (login.node.state / "node.sh").read_text(encoding="utf-8") == program_text()
    assert login.node.state.stat().st_mode & 0o777 == 0o700
    # A step that has failed may be run again.
    assert login.copy.exists()


def test_a_step_that_succeeds_uses_the_copy_up(login: Login) -> None:
    login.send(program_text())
    others = ["multus-install-0123456789ab-000000000000.sh", "multus-install-111111111111-ba9876543210.sh"]
    for name in others:
        (login.home / name).touch()
    assert login.run("forget").returncode == 0
    # An earlier one for this node goes too; nodes that share a home keep theirs.
    assert [path.name for path in login.home.iterdir()] == others[1:]
    assert not login.node.state.exists()


def test_a_copy_that_was_changed_on_its_way_does_not_run(login: Login) -> None:
    login.send(f"{program_text()}touch {login.home}/ran\n")
    done = login.run("forget")
    assert (done.returncode, done.stderr) == (1, SENTENCE)
    assert not login.node.state.exists()
    assert not (login.home / "ran").exists()


def test_what_the_login_may_not_read_is_not_handed_over() -> None:
    """Root opens nothing in the login's home, where somebody may have laid a link."""
    with tempfile.TemporaryDirectory() as made:
        home = Path(made)
        home.chmod(0o755)
        Plant(home).symlink(home / COPIED.name)
        done = subprocess.run(
            ["sh", "-c", COPIED.hand_over("exec cat")],
            cwd=home,
            user=ANOTHER,
            group=ANOTHER,
            capture_output=True,
            check=False,
        )
    assert (done.returncode != 0, done.stdout) == (True, b"")
    assert b"denied" in done.stderr


def test_a_pipe_in_the_place_of_the_copy_keeps_nobody_waiting(login: Login) -> None:
    os.mkfifo(login.copy)
    done = login.run("forget")
    assert (done.returncode, done.stderr) == (1, SENTENCE)


def test_what_is_on_the_node_serves_where_the_copy_is_used_up(login: Login) -> None:
    login.node.deliver()
    assert login.run("frget").stderr == "node.sh: unknown phase frget\n"
    assert [path.name for path in login.node.state.iterdir()] == ["node.sh"]


def test_a_preflight_that_fails_takes_away_what_came_with_it_alone(login: Login) -> None:
    """Else a second try would find neither: the copy that a first one has used up does not come again."""
    login.send(program_text())
    assert login.run("preflight").returncode == 1
    assert not login.node.state.exists()
    assert login.copy.exists()
    login.copy.unlink()
    login.node.deliver()
    assert login.run("preflight").returncode == 1
    assert [path.name for path in login.node.state.iterdir()] == ["node.sh"]


def test_another_program_on_the_node_does_not_serve(login: Login) -> None:
    login.node.deliver()
    program = login.node.state / "node.sh"
    program.write_text("echo an earlier one\n", encoding="utf-8")
    done = login.run("forget")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", SENTENCE)
    # What was installed by it is removed by it.
    assert program.read_text(encoding="utf-8") == "echo an earlier one\n"


def test_the_preflight_takes_what_was_copied_before_it() -> None:
    graph = run(lambda: MultusComponent("m", arguments.k3s(arguments.node("a", 11)))).graph
    copy, preflight = graph["m-program-a"], graph["m-preflight-a"]
    assert copy.inputs["source"]["path"] == program_asset().path
    assert Path(str(program_asset().path)).read_text(encoding="utf-8") == program_text()
    assert "m-program-a" in graph.needs("m-preflight-a")
    for phase in ("create", "update"):
        assert f"f={copy.inputs['remotePath']}; " in preflight.inputs[phase]
    assert "stdin" not in preflight.inputs


@pytest.mark.parametrize(
    "changed",
    [
        arguments.k3s(arguments.node("a", 12)),
        arguments.k3s(arguments.node("a", 11, port=2222)),
        arguments.k3s(arguments.node("a", 11, user="admin")),
        arguments.k3s(arguments.node("a", 11, proxy={"host": "192.0.2.9", "host_key": arguments.HOST_KEY})),
        arguments.k3s(arguments.node("a", 11), rotation="2"),
    ],
    ids=["host", "port", "user", "proxy", "rotation"],
)
def test_it_is_copied_again_where_the_node_may_not_have_it(changed: Any) -> None:
    assert path(changed) != path(arguments.k3s(arguments.node("a", 11)))


def test_another_preflight_runs_by_the_program_that_is_there() -> None:
    assert path(arguments.k3s(arguments.node("a", 11), adopt=True)) == path(arguments.k3s(arguments.node("a", 11)))


def path(args: Any) -> object:
    return run(lambda: MultusComponent("m", args)).graph["m-program-a"].inputs["remotePath"]
