"""`pulumi package add` of the checkout, and a program of another language that uses what it added, up to `destroy`.

The tests run in this order, in a copy of the checkout whose `git status` tells what Pulumi leaves there.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from lab import prepare
from lab.engine import Result
from tests.support.checkouts import copy_checkout, git
from tests.support.lab.cells import Cell
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.pods import NETWORK

CELL = Cell("k3s")
STACK = "lab"


@dataclass(frozen=True)
class Program:
    """An example in a copy of the checkout, on a cluster."""

    lab: Lab
    checkout: Path
    folder: Path

    def pulumi(self, *arguments: str, stdin: str = "") -> Result:
        """Run Pulumi in the example's folder, with the lab's backend and plugins and the example's language host."""
        environment = self.lab.stack.environment()
        environment["PATH"] = f"{language_host(self.folder.name).parent}:{environment['PATH']}"
        command = [str(prepare.program("pulumi")), *arguments, "--non-interactive", "--color", "never"]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, input=stdin, capture_output=True, text=True, check=False
        )
        return Result(f"pulumi {arguments[0]}", done.returncode, done.stdout, done.stderr, self.lab.stack.log)

    def changed(self) -> list[str]:
        """What git sees that is not committed."""
        return git(self.checkout, "status", "--porcelain").splitlines()


def language_host(language: str) -> Path:
    """YAML's host is built where there is none; every other one comes with Pulumi's own distribution only."""
    if language == "yaml":
        return prepare.program("pulumi-language-yaml")
    found = shutil.which(_HOSTS[language])
    assert found, f"{_HOSTS[language]} was on PATH when the tests were collected"
    return Path(found)


_HOSTS = {"typescript": "pulumi-language-nodejs"}
LANGUAGES = ["yaml", *(language for language, host in _HOSTS.items() if shutil.which(host))]


@pytest.fixture(scope="module", params=LANGUAGES)
def program(request: pytest.FixtureRequest, clusters: Clusters, tmp_path_factory: pytest.TempPathFactory) -> Program:
    checkout = copy_checkout(tmp_path_factory.mktemp("package") / "checkout")
    folder = checkout / "examples" / request.param
    lab = clusters.lab(CELL)
    tell_of_nodes(lab, folder)
    git(checkout, "commit", "--quiet", "--all", "--message", "the lab's node")
    return Program(lab, checkout, folder)


def tell_of_nodes(lab: Lab, folder: Path) -> None:
    """Put the lab's node where the example has one of its own; nothing else in the example changes."""
    [node] = lab.cluster.nodes
    project = folder / "Pulumi.yaml"
    sources = [file for file in (project, folder / "index.ts") if file.exists()]
    [source] = [file for file in sources if "192.0.2.11" in file.read_text(encoding="utf-8")]
    text = source.read_text(encoding="utf-8")
    shown = yaml.safe_load((folder.parent / "yaml" / "Pulumi.yaml").read_text(encoding="utf-8"))
    [example] = shown["resources"]["multus"]["properties"]["nodes"]
    for said, real in (
        (example["name"], node.name),
        (example["host"], node.address),
        (example["hostKey"], node.host_key),
    ):
        assert said in text
        text = text.replace(said, real)
    source.write_text(text, encoding="utf-8")


def test_package_add_leaves_the_checkout_clean(program: Program) -> None:
    succeeded(program.pulumi("package", "add", "../../components"))
    if program.folder.name == "typescript":
        # npm writes a lock file, and the language host may lay package.json out in its own way.
        succeeded(program.pulumi("install"))
        git(program.checkout, "add", "--", "examples/typescript")
        git(program.checkout, "commit", "--quiet", "--allow-empty", "--message", "what npm wrote")
    assert program.changed() == []


def test_up_installs_and_serves_pods(program: Program) -> None:
    lab = program.lab
    succeeded(program.pulumi("stack", "init", STACK, "--secrets-provider", "passphrase"))
    secrets = {"kubeconfig": lab.cluster.kubeconfig, "sshPrivateKey": lab.cluster.ssh_key}
    for key, file in secrets.items():
        succeeded(program.pulumi("config", "set", "--secret", key, stdin=file.read_text(encoding="utf-8")))
    preview = succeeded(program.pulumi("preview", "--stack", STACK))
    assert f"multus-verify-{lab.cluster.nodes[0].name}" in preview.stdout
    succeeded(program.pulumi("up", "--yes", "--skip-preview", "--stack", STACK))
    outputs = yaml.safe_load(succeeded(program.pulumi("stack", "output", "--json", "--stack", STACK)).stdout)
    assert outputs["provisionedNodes"] == [lab.cluster.nodes[0].name]
    lab.pods.create_network()
    lab.pods.create("two-interfaces", node=lab.cluster.nodes[0].name, network=NETWORK)
    assert lab.pods.address("two-interfaces", "net1").startswith("10.98.0.")
    lab.pods.delete("two-interfaces")


def test_up_again_changes_nothing(program: Program) -> None:
    succeeded(program.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes", "--stack", STACK))


def test_destroy_removes_everything(program: Program) -> None:
    succeeded(program.pulumi("destroy", "--yes", "--skip-preview", "--stack", STACK))
    assert program.lab.pods.of_multus(program.lab.cluster.nodes[0].name) == []
    conf_dir = program.lab.cluster.look.conf_dir
    assert not [path for path in program.lab.trees()["lab-1"] if path.startswith(f"{conf_dir}/00-multus")]


def test_the_stacks_file_is_all_that_is_new(program: Program) -> None:
    assert program.changed() == [f"?? examples/{program.folder.name}/Pulumi.{STACK}.yaml"]
