"""The documentation's blocks that are marked for it, in their order, as a reader would run them.

The reader has a copy of the checkout, a kubeconfig and an SSH key at home, and an editor that puts the lab's nodes into
the stack's file. Documentation addresses stand for the first node's.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab import prepare
from lab.node import SUDOER
from lab.programs import Programs
from tests.support.doc_blocks import BLOCKS, Block
from tests.support.doc_commands import commands_in, options_in
from tests.support.lab.cells import Cell
from tests.support.lab.clusters import Clusters, Lab
from tests.support.paths import DOCS, ROOT

_PROGRAM = ("__main__.py", "components", "operations")
_DOCUMENTED_NODE = re.compile(r"\b192\.0\.2\.\d+\b")
_EDITOR = """\
#!{python}
import pathlib, sys, yaml
file = pathlib.Path(sys.argv[1])
kept = yaml.safe_load(file.read_text())
kept["config"].update({changes!r})
file.write_text(yaml.safe_dump(kept))
"""


@dataclass(frozen=True)
class Reader:
    """Somebody who follows the pages on a cluster."""

    lab: Lab
    folder: Path

    def sit_down(self) -> None:
        """Have the checkout and what is at home."""
        for name in _PROGRAM:
            (self.folder / name).symlink_to(ROOT / name)
        shutil.copytree(ROOT / "stacks", self.folder / "stacks")
        shutil.copy(ROOT / "Pulumi.yaml", self.folder)
        home, cluster = self.folder / "home", self.lab.cluster
        for path, source in ((".kube/config", cluster.kubeconfig), (".ssh/id_ed25519", cluster.ssh_key)):
            (home / path).parent.mkdir(parents=True)
            shutil.copy(source, home / path)
        user = {} if cluster.look.balancer else {"user": SUDOER}
        changes: dict[str, Any] = {
            "multus:nodes": [
                {"name": node.name, "host": node.address, "hostKey": node.host_key, **user} for node in cluster.nodes
            ]
        }
        if user:
            changes["multus:apiServer"] = cluster.api_server
        editor = self.folder / "editor"
        editor.write_text(_EDITOR.format(python=sys.executable, changes=changes))
        editor.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        environment = self.lab.stack.environment()
        cluster = self.lab.cluster
        programs = f"{cluster.programs.path('kubectl').parent}:{cluster.helm.parent}"
        return {
            **environment,
            "PATH": f"{environment['PATH']}:{programs}",
            "HOME": str(self.folder / "home"),
            "EDITOR": str(self.folder / "editor"),
            "PULUMI_SKIP_CONFIRMATIONS": "true",
            "KUBECONFIG": str(self.folder / "home" / ".kube" / "config"),
        }

    def follows(self, block: Block) -> None:
        """Run a block, and look whether it does what the page says."""
        script = block.text
        if block.language == "yaml":
            script = f"kubectl apply --validate=strict -f - <<'END_OF_BLOCK'\n{block.text}END_OF_BLOCK\n"
        script = _DOCUMENTED_NODE.sub(self.lab.cluster.nodes[0].address, script)
        # Kubernetes gets there by and by: what only looks may look again, and so may objects and what is to be refused.
        patient = _asks_kubernetes(script, changing=block.language == "yaml" or block.fails is not None)
        ended, patience = (0, ""), time.monotonic() + (120 if patient else 0)
        while True:
            ended = self._run(script)
            problem = _problem(block, *ended)
            if problem is None or time.monotonic() > patience:
                break
            time.sleep(0.5)
        assert problem is None, f"{block} {problem}:\n{ended[1]}"

    def _run(self, script: str) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout


def _problem(block: Block, code: int, printed: str) -> str | None:
    if (code != 0) is (block.fails is None):
        return f"ended with {code}"
    missing = [words for words in (block.prints, block.fails) if words and words not in printed]
    return f"does not print {missing[0]!r}" if missing else None


def _asks_kubernetes(script: str, *, changing: bool) -> bool:
    """Whether every command asks Kubernetes or a host; with `changing`, also for a change."""
    changes = {"annotate", "apply", "create", "delete", "label", "patch", "replace", "rollout", "run", "scale"}
    return all(
        words[0] in ("sed", "ssh-keyscan")
        or words[:2] == ["multus-ops", "doctor"]
        or (words[0] == "kubectl" and (changing or not changes & set(words)))
        for words in commands_in(script)
    )


def marked(*names: str) -> list[Block]:
    pages = [DOCS / f"{name}.md" for name in names]
    found = [block for page in pages for block in BLOCKS if block.page == page and block.on_lab]
    return sorted(found, key=lambda block: block.last)


# Which pages are read on which cluster, in this order.
READ = {"k3s": ["getting-started-k3s", "verification", "security", "networks"], "vanilla": ["getting-started-vanilla"]}


@pytest.fixture(scope="module")
def reader(request: pytest.FixtureRequest, clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    found = Reader(clusters.lab(request.param), tmp_path_factory.mktemp("reader"))
    found.sit_down()
    return found


@pytest.mark.parametrize(
    ("reader", "block"),
    [
        pytest.param(Cell(distro), block, id=f"{Cell(distro)}-{block}")
        for distro, pages in READ.items()
        for block in marked(*pages)
    ],
    indirect=["reader"],
    scope="module",
)
def test_block(reader: Reader, block: Block) -> None:
    reader.follows(block)


ASKED = ("helm", "kubectl", "pulumi")
COMMANDS = {
    tuple(words): block
    for block in BLOCKS
    if block.language == "sh"
    for words in commands_in(block.text)
    if words[0] in ASKED and options_in(words)
}


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: f"{COMMANDS[words]}-{'-'.join(words[:3])}")
def test_options_are_the_programs_own(words: tuple[str, ...], programs: Programs) -> None:
    """Also those of commands that nothing here can run."""
    program, *rest = words[: words.index("--")] if "--" in words else words
    path = prepare.helm() if program == "helm" else programs.path(program)
    asked = subprocess.run([path, *rest, "--help"], capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr


def test_every_marked_block_is_run() -> None:
    run = [block for pages in READ.values() for block in marked(*pages)]
    assert run
    assert [str(block) for block in BLOCKS if block.on_lab and block not in run] == []
