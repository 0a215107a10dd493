"""The first remote command brings node.sh along."""

from __future__ import annotations

import shlex
import subprocess

from multus import MultusComponent
from multus.node_steps import STATE_DIR, program_text
from tests.support import arguments
from tests.support.recording import run
from tests.support.scratch_node import Node


def test_preflight_delivers_the_program(node: Node) -> None:
    inputs = run(lambda: MultusComponent("m", arguments.k3s(arguments.node("a", 11)))).graph["m-preflight-a"].inputs
    *_, script = shlex.split(inputs["create"])
    deliver, then, _ = script.partition("; exec sh ")
    assert then
    subprocess.run(
        [*node.shell, "-c", deliver.replace(STATE_DIR, str(node.state))],
        input=inputs["stdin"],
        text=True,
        check=True,
        env={"PATH": node.path},
        timeout=20,
    )
    delivered = node.state / "node.sh"
    assert delivered.read_text(encoding="utf-8") == program_text()
    assert [path.name for path in node.state.iterdir()] == ["node.sh"]
    assert node.state.stat().st_mode & 0o777 == 0o700
