"""A bad upgrade and the way back, while pods come and go.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

import json

import pytest
import yaml

from lab.waiting import until
from tests.support.lab.cells import Cell
from tests.support.lab.changes import configure, failed, image
from tests.support.lab.churn import churn
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.command_line import multus, of_stack

CELL = Cell("k3s", 2)
# Nobody can pull it.
NOWHERE = {"repository": "example.org/no-such-multus"}
# Only for what has to fail: a rollout that succeeds may take longer on a busy machine.
SHORT = "30"


@pytest.fixture(scope="module")
def lab(clusters: Clusters) -> Lab:
    lab = clusters.lab(CELL)
    succeeded(lab.stack.up())
    lab.pods.create_network()
    return lab


def settings(lab: Lab) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(lab.stack.config_file.read_text())["config"]
    return found


def test_nothing_to_go_back_to_is_said(lab: Lab) -> None:
    result = multus(lab, "rollback", *of_stack(lab), "--yes")
    assert result.returncode == 1
    assert "Every update that has succeeded had the configuration that the stack has now." in result.stderr


def test_a_bad_upgrade_and_back_without_a_pod_that_lacks_anything(lab: Lab) -> None:
    before, running = settings(lab), image(lab.pods)
    with churn(lab.cluster, at_least=20):
        configure(lab.stack, image=NOWHERE, timeoutSeconds=SHORT)
        failed(lab.stack.up(), "kube-multus-ds")
        result = multus(lab, "rollback", *of_stack(lab), "--dry-run", "--json")
        changes = json.loads(succeeded(result).stdout)["changes"]
        assert {change["key"]: (change["now"], change["then"]) for change in changes} == {
            "multus:image": (NOWHERE, None),
            "multus:timeoutSeconds": (SHORT, None),
        }
        assert settings(lab) != before
        succeeded(multus(lab, "rollback", *of_stack(lab), "--yes"))
        until(lambda: lab.pods.is_rolled_out("kube-multus-ds"), "every Multus pod is available again")
    assert settings(lab) == before
    assert image(lab.pods) == running
    succeeded(lab.stack.up("--refresh", "--expect-no-changes"))


def test_repeated_after_a_failure_it_goes_no_further_back(lab: Lab) -> None:
    """The way back may itself be interrupted: then only `pulumi up` is missing, and not another step back."""
    with churn(lab.cluster):
        configure(lab.stack, log={"level": "debug"})
        succeeded(lab.stack.up())
        good = settings(lab)
        configure(lab.stack, image=NOWHERE, timeoutSeconds=SHORT)
        failed(lab.stack.up(), "kube-multus-ds")
        configure(lab.stack, image=None, timeoutSeconds=None)
        result = succeeded(multus(lab, "rollback", *of_stack(lab), "--yes"))
    assert "The configuration is already that of the update of" in result.stdout
    assert settings(lab) == good
    succeeded(lab.stack.up("--expect-no-changes"))


def test_an_upgrade_that_succeeded_can_be_taken_back_too(lab: Lab) -> None:
    rotated = settings(lab)
    configure(lab.stack, log={"level": "error"}, conf={"namespaceIsolation": True}, rotation="2")
    succeeded(lab.stack.up())
    with churn(lab.cluster):
        result = succeeded(multus(lab, "rollback", *of_stack(lab), "--yes"))
    assert "- multus:conf" in result.stdout
    # A Secret made anew under its old name would revive the old token.
    assert settings(lab) == {**rotated, "multus:rotation": "2"}
    assert not [line for line in (result.stdout + result.stderr).splitlines() if "PRIVATE KEY" in line]


def test_without_a_terminal_it_asks_for_yes(lab: Lab) -> None:
    configure(lab.stack, log={"level": "verbose"})
    result = multus(lab, "rollback", *of_stack(lab))
    assert result.returncode == 2
    assert "--yes" in result.stderr
    assert "- multus:log" in result.stdout
