"""What an existing stack sees of today's program: states recorded with earlier versions, previewed without a cluster.

A recorded state is `pulumi stack export --show-secrets` of a lab's stack after its first `up`, in which addresses, keys
and tokens are made up: tests/support/lab/recorder.py makes it. CHANGELOG.md says under "State impact" what is shown
here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.engine import Result, Stack
from lab.looks import LOOKS, Look
from lab.programs import Programs
from tests.support.lab.changes import configure
from tests.support.lab.clusters import succeeded

STATES = Path(__file__).with_name("states")
RECORDED = sorted(STATES.glob("*.json"))


@dataclass(frozen=True)
class Node:
    """A node that nobody dials: a preview runs nothing."""

    name: str
    address: str
    host_key: str


@dataclass(frozen=True)
class RecordedCluster:
    """What the stack of a recorded state was configured with."""

    state: Path
    about: dict[str, Any]
    look: Look = LOOKS["k3s"]
    distro: str = "k3s"

    @property
    def kubeconfig(self) -> Path:
        return self._file("kubeconfig")

    @property
    def ssh_key(self) -> Path:
        return self._file("sshPrivateKey")

    @property
    def api_server(self) -> str:
        return str(yaml.safe_load(self.about["kubeconfig"])["clusters"][0]["cluster"]["server"])

    @property
    def nodes(self) -> list[Node]:
        return [Node(each["name"], each["host"], each["hostKey"]) for each in self.about["nodes"]]

    def _file(self, key: str) -> Path:
        file = self.state / key
        file.write_text(self.about[key])
        return file


@pytest.fixture(params=RECORDED, ids=lambda file: file.stem)
def recorded(request: pytest.FixtureRequest) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(request.param.read_text())
    return content


def previewed(recorded: dict[str, Any], programs: Programs, folder: Path) -> Result:
    """What `pulumi preview` says on a stack that has this state and its configuration."""
    # The official provider previews nothing of a cluster that does not answer.
    stack = Stack(RecordedCluster(folder, recorded["about"]), programs, plugins="standin")
    configure(stack, **recorded["configuration"])
    # Plain secrets are taken into the keeping of the stack that imports them.
    keeper = json.loads(stack.export())["deployment"]["secrets_providers"]
    state = {"version": recorded["version"], "deployment": {**recorded["deployment"], "secrets_providers": keeper}}
    stack.run("stack", "import", stdin=json.dumps(state), config=False)
    return succeeded(stack.preview("--diff"))


def test_nothing_is_replaced_or_deleted(recorded: dict[str, Any], programs: Programs, tmp_path: Path) -> None:
    preview = previewed(recorded, programs, tmp_path)
    assert preview.done.changes.keys() <= {"same", "update", "create"}, preview.stdout
    # The node program has left the state: a copy of it comes before each node's preflight, where it has not yet.
    made = {name for name, operation in preview.done.steps if operation == "create"}
    were = {each["urn"].rpartition("::")[2] for each in recorded["deployment"]["resources"]}
    checked = {name for name in preview.done.resources if "preflight" in name}
    assert made == {name.replace("preflight", "program") for name in checked} - were
    # The stack, the component and the objects that say nothing of the program's own text.
    assert preview.done.changes["same"] > 3


def test_what_the_program_has_no_more_is_seen(recorded: dict[str, Any], programs: Programs, tmp_path: Path) -> None:
    resources = recorded["deployment"]["resources"]
    [marker] = [each for each in resources if each["urn"].endswith("::multus-marker")]
    resources.append({**marker, "urn": f"{marker['urn']}-of-old"})
    preview = previewed(recorded, programs, tmp_path)
    assert ("multus-marker-of-old", "delete") in preview.done.steps
