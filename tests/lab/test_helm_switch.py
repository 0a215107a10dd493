"""From one `method` to the other and back under running pods.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from lab.commands import run
from lab.programs import Programs

from .changes import configure, failed, identities
from .churn import churn
from .conftest import Cell, Lab, boot, succeeded
from .leftovers import of_no_sandbox
from .pods import NETWORK
from .test_install import exercise_plain_pods


@pytest.fixture(scope="module")
def lab(programs: Programs) -> Iterator[Lab]:
    yield from boot(Cell("k3s", 1), programs)


def helm(lab: Lab, *arguments: str | Path) -> str:
    environment = {**os.environ, "KUBECONFIG": str(lab.cluster.kubeconfig)}
    return run([lab.cluster.programs.path("helm"), *arguments], env=environment).stdout


def releases(lab: Lab) -> list[str]:
    listed: list[dict[str, Any]] = json.loads(helm(lab, "list", "--all", "--all-namespaces", "--output", "json"))
    return [f"{each['namespace']}/{each['name']} {each['status']}" for each in listed]


def generations(lab: Lab) -> dict[str, int]:
    """A DaemonSet's generation counts the changes of what it says."""
    found: Sequence[Any] = client.AppsV1Api(lab.pods.api).list_namespaced_daemon_set("kube-system").items
    return {each.metadata.name: each.metadata.generation for each in found}


def untouched(lab: Lab) -> tuple[object, ...]:
    """What a switch must leave as it is: the same objects, saying the same, and the same pods."""
    return identities(lab.pods), generations(lab), sorted(lab.pods.of_multus())


def test_a_manifest_install_is_not_switched_by_accident(lab: Lab) -> None:
    succeeded(lab.stack.up())
    lab.pods.create_network()
    lab.pods.create("kept", node="lab-1", network=NETWORK)
    before = untouched(lab)
    configure(lab.stack, method="helm")
    with churn(lab.cluster):
        failed(lab.stack.up(), "handover")
        assert untouched(lab) == before
        assert releases(lab) == []
        configure(lab.stack, method=None)
        succeeded(lab.stack.up())
        succeeded(lab.stack.up("--expect-no-changes"))
    assert untouched(lab) == before


def test_a_release_takes_the_running_install_over(lab: Lab) -> None:
    before = untouched(lab)
    with churn(lab.cluster):
        configure(lab.stack, handover=True)
        succeeded(lab.stack.up())
        configure(lab.stack, method="helm")
        succeeded(lab.stack.up())
        configure(lab.stack, handover=None)
        succeeded(lab.stack.up())
        succeeded(lab.stack.up("--expect-no-changes"))
    assert untouched(lab) == before
    assert releases(lab) == ["kube-system/multus deployed"]
    assert lab.pods.address("kept", "net1").startswith("10.98.0.")


def test_a_release_is_not_switched_by_accident(lab: Lab) -> None:
    before = untouched(lab)
    configure(lab.stack, method="manifest")
    with churn(lab.cluster):
        failed(lab.stack.up(), "handover")
        assert untouched(lab) == before
        assert releases(lab) == ["kube-system/multus deployed"]
        configure(lab.stack, method="helm")
        succeeded(lab.stack.up())
        succeeded(lab.stack.up("--expect-no-changes"))
    assert untouched(lab) == before


def test_the_manifest_takes_the_running_release_over(lab: Lab) -> None:
    before = untouched(lab)
    with churn(lab.cluster):
        configure(lab.stack, handover=True)
        succeeded(lab.stack.up())
        configure(lab.stack, method="manifest", adopt=True)
        succeeded(lab.stack.up())
        configure(lab.stack, handover=None, adopt=None)
        succeeded(lab.stack.up())
        succeeded(lab.stack.up("--expect-no-changes"))
    assert identities(lab.pods) == before[0]
    assert sorted(lab.pods.of_multus()) == before[2]
    assert releases(lab) == []
    lab.pods.delete("kept")
    succeeded(lab.stack.destroy())
    assert_gone(lab)


def assert_gone(lab: Lab) -> None:
    [node] = lab.cluster.nodes
    exercise_plain_pods(lab)
    assert node.run(["ls", str(node.look.conf_dir)]).stdout.split() == ["10-flannel.conflist"]
    assert of_no_sandbox(node) == []
    assert not lab.pods.of_multus()
