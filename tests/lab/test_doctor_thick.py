"""doctor's advice on a plain cluster, and doctor on one whose daemon is broken one way after the other."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.lab.breakages import OF_THICK, Breakage, tried
from tests.support.lab.cells import Cell
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.command_line import multus, of_cluster
from tests.support.lab.patient import Patient
from tests.support.paths import ROOT

CELL = Cell("vanilla")


@pytest.fixture(scope="module")
def lab(clusters: Clusters) -> Lab:
    return clusters.lab(CELL)


@pytest.fixture(scope="module")
def patient(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Patient:
    lab.stack.config_set("multus:plugin", "thick")
    succeeded(lab.stack.up())
    lab.pods.create_network()
    return Patient(lab, tmp_path_factory.mktemp("bin"))


def test_what_is_advised_configures_a_stack_that_previews(lab: Lab, tmp_path: Path) -> None:
    """The block as it is printed, in a checkout of its own and a home with the key that opens the nodes."""
    result = multus(lab, "doctor", "--advise", *of_cluster(lab))
    assert result.returncode == 0, result.stderr
    commands = [line for line in result.stdout.splitlines() if line.startswith("pulumi ")]
    assert commands[0] == "pulumi stack select --create vanilla"
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for name in ("Pulumi.yaml", "__main__.py", "components"):
        (checkout / name).symlink_to(ROOT / name)
    (checkout / "stacks").mkdir()
    (tmp_path / ".ssh").mkdir()
    shutil.copy(lab.cluster.ssh_key, tmp_path / ".ssh" / "id_ed25519")
    environment = {**lab.stack.environment(), "HOME": str(tmp_path)}
    for command in [*commands, "pulumi preview --stack vanilla"]:
        done = subprocess.run(
            ["sh", "-c", command], cwd=checkout, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}\n{done.stderr}"
    assert "multus-verify-lab-1" in done.stdout


@pytest.mark.parametrize("breakage", OF_THICK, ids=str)
def test_what_is_broken_is_named_and_mended_by_what_is_printed(patient: Patient, breakage: Breakage) -> None:
    tried(patient, breakage)
