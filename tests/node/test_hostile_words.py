"""Words that a shell would read: from a user's program to the node each one arrives as it was written."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from multus import InvalidArgumentsError, MultusComponent
from multus.node_program import STATE_DIR, program_hash
from multus.plan import problems_of
from tests.support import arguments
from tests.support.argument_matrix import plans
from tests.support.recording import PROJECT, STACK, Graph, run
from tests.support.scratch_node import Node

# Where it ran it would leave a file.
HOSTILE = r"""a'b"c $(touch ran) `touch ran`; touch ran & | > ran \ %s * ~ ${HOME} #"""
_WORDS = 'for word; do printf "%s\\0" "$word"; done >>words\n'
_SUDO = '#!/bin/sh\nshift\nexec "$@"\n'


class Machine:
    """Where a login's shell runs what a step sends. The program of this node writes its words down."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state, tools = folder / "state", folder / "tools"
        self._state.mkdir(mode=0o700)
        program = self._state / "node.sh"
        program.write_text(f"cd {folder}\n{_WORDS}", encoding="utf-8")
        self._hash = hashlib.sha256(program.read_bytes()).hexdigest()
        tools.mkdir()
        (tools / "sudo").write_text(_SUDO, encoding="utf-8")
        (tools / "sudo").chmod(0o755)
        self._path = f"{tools}:/usr/bin:/bin"

    def words(self, command: str) -> list[str]:
        """The words that the program gets by a step's command."""
        text = command.replace(STATE_DIR, str(self._state)).replace(program_hash(), self._hash)
        subprocess.run(
            ["sh", "-c", text],
            cwd=self._folder,
            env={"PATH": self._path, "HOME": "/home"},
            check=True,
            capture_output=True,
            timeout=20,
        )
        written = self._folder / "words"
        found = written.read_text(encoding="utf-8").split("\0")
        written.unlink()
        return found

    def ran(self) -> bool:
        """Whether a word was run on the way."""
        return any(self._folder.rglob("ran"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def commands_of(graph: Graph) -> set[str]:
    """Everything that logins are told to run."""
    inputs = [each.inputs for each in graph.of_type("remote:Command")]
    return {each[phase] for each in inputs for phase in ("create", "update", "delete") if phase in each}


@pytest.mark.parametrize("user", ["root", "admin"])
def test_a_component_may_have_any_name_of_one_line(machine: Machine, user: str) -> None:
    args = arguments.k3s(arguments.node("a", 11, user=user))
    commands = commands_of(run(lambda: MultusComponent(HOSTILE, args)).graph)
    owners = []
    for command in commands:
        words = machine.words(command)
        owners += [words[index + 1] for index, word in enumerate(words) if word == "--owner"]
    assert set(owners) == {f"{PROJECT}/{STACK}/{HOSTILE}"}
    assert len(owners) >= 4
    assert not machine.ran()


def test_a_name_of_two_lines_is_refused() -> None:
    """On a node one line says whose it is."""
    with pytest.raises(InvalidArgumentsError, match=r"name: .* has more than one line; write one line"):
        run(lambda: MultusComponent("a\ninstall=b", arguments.k3s()))


def test_whoever_a_node_belongs_to_it_is_given_back(node: Node) -> None:
    node.owner = f"{PROJECT}/{STACK}/{HOSTILE}"
    node.install_multus()
    node.api.marker_is_there = False
    for result in (node.disarm(), node.clean()):
        assert result.ok, result.err
    assert result.out.endswith("clean\n")
    assert not node.state.exists()
    assert not any(node.root.parent.rglob("ran"))


def hostile(args: Any) -> Iterator[Any]:
    """The same with the hostile text in the place of each text in turn."""
    if isinstance(args, str):
        yield HOSTILE
    elif isinstance(args, dict):
        for key, value in args.items():
            for changed in hostile(value):
                yield {**args, key: changed}
    elif isinstance(args, list):
        for index, value in enumerate(args):
            for changed in hostile(value):
                yield [*args[:index], changed, *args[index + 1 :]]


def test_every_argument_is_refused_or_arrives_as_it_was_written(machine: Machine) -> None:
    some = {name: args for name, args in plans().items() if name.startswith("k3s-th")}
    tried = {repr(changed): changed for args in some.values() for changed in hostile(dict(args))}
    accepted = [changed for changed in tried.values() if not problems_of(changed)]
    # Labels, annotations and the like.
    assert 5 < len(accepted) < len(tried) / 2
    commands: set[str] = set()
    for changed in accepted:
        args: Any = {**changed, "method": "manifest", "nodes": [arguments.node("a", 11)]}
        commands |= commands_of(run(partial(MultusComponent, "m", args)).graph)
    for command in commands:
        for word in machine.words(command):
            assert HOSTILE in word or "touch" not in word
    assert not machine.ran()


@pytest.mark.parametrize("key", ["name", "host", "user", "host_key"])
def test_what_a_node_is_called_is_refused(key: str) -> None:
    for text in (HOSTILE, "a\nb", "$(touch ran)", "-oProxyCommand=touch ran"):
        found = problems_of(arguments.k3s({**arguments.node("a", 11), key: text}))
        assert f"nodes[0].{key}" in {each.path for each in found}
