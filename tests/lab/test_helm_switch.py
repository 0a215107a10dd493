"""From one `method` to the other and back under running pods, and what a release meets that was there before it.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from lab.commands import run
from lab.programs import Programs
from lab.waiting import until

from .changes import configure, failed, identities
from .churn import churn
from .conftest import Cell, Lab, boot, succeeded
from .leftovers import of_no_sandbox
from .pods import NETWORK
from .test_install import exercise_plain_pods
from .test_neighbours import identities_of_upstream, upstream_manifest

CRD = "CustomResourceDefinition"
CHART = Path(__file__).parents[2] / "charts" / "multus"


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


def test_upstreams_manifest_comes_to_helm_by_way_of_the_manifest(lab: Lab) -> None:
    """Helm takes over nothing that does not say it is Helm's, and nothing is the worse for the attempt."""
    kubectl = [str(lab.cluster.programs.path("kubectl")), "--kubeconfig", str(lab.cluster.kubeconfig)]
    run([*kubectl, "apply", "-f", "-"], stdin=upstream_manifest(lab))
    until(lambda: lab.pods.is_rolled_out("kube-multus-ds"), "upstream's Multus is there", seconds=60)
    before = identities_of_upstream(lab)
    configure(lab.stack, method="helm")
    failed(lab.stack.up(), "adopt")
    with churn(lab.cluster):
        configure(lab.stack, adopt=True)
        failed(lab.stack.up(), "kube-multus-ds", "invalid ownership metadata")
        assert releases(lab) == []
        configure(lab.stack, method="manifest", handover=True)
        succeeded(lab.stack.up())
        configure(lab.stack, method="helm", adopt=None)
        succeeded(lab.stack.up())
        configure(lab.stack, handover=None)
        succeeded(lab.stack.up())
        succeeded(lab.stack.up("--expect-no-changes"))
    assert identities_of_upstream(lab) == before
    succeeded(lab.stack.destroy())
    assert_gone(lab)


def test_a_release_killed_half_way_is_removed_by_helm_and_installed_again(lab: Lab) -> None:
    """Helm refuses a name that it knows, whatever became of that release; without Multus' pods thin goes on."""
    assert lab.stack.killed_at("multus-gate creating").returncode == -signal.SIGKILL
    lab.stack.cancel().check()
    with churn(lab.cluster):
        configure(lab.stack, adopt=True)
        failed(lab.stack.up(), "cannot re-use a name that is still in use")
        helm(lab, "uninstall", "multus", "--namespace", "kube-system")
        succeeded(lab.stack.up())
        configure(lab.stack, adopt=None)
        succeeded(lab.stack.up())
        succeeded(lab.stack.up("--expect-no-changes"))
    succeeded(lab.stack.destroy())
    assert_gone(lab)


@pytest.mark.parametrize("by", ["our-chart", "another-chart"])
def test_another_release_is_named_with_what_removes_it(lab: Lab, by: str, tmp_path: Path) -> None:
    chart = CHART if by == "our-chart" else chart_of_upstreams_manifest(lab, tmp_path / "rke2-multus")
    # Pulumi has left the CRD, which this release is not to own.
    ours = ["--values", str(CHART / f"values-{lab.cluster.distro}.yaml"), "--set", "crd.install=false"]
    values = ours if by == "our-chart" else []
    helm(lab, "install", "elder", chart, "--namespace", "kube-system", *values)
    until(lambda: has_conf(lab), "the other release has written its configuration", seconds=60)
    before = releases(lab)
    with churn(lab.cluster):
        failed(lab.stack.up(), "helm uninstall", "kube-system_kube-multus-ds")
        assert releases(lab) == before == ["kube-system/elder deployed"]
    helm(lab, "uninstall", "elder", "--namespace", "kube-system", "--wait")
    if by == "another-chart":
        clean_up_after_upstream(lab)
    until(lambda: not lab.pods.of_multus(), "no Multus pod is left", seconds=60)
    assert_gone(lab)


def has_conf(lab: Lab) -> bool:
    [node] = lab.cluster.nodes
    return "00-multus" in node.run(["ls", str(node.look.conf_dir)]).stdout


def chart_of_upstreams_manifest(lab: Lab, folder: Path) -> Path:
    """A chart that installs what upstream's manifest says, under names of its own."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: rke2-multus\nversion: 4.2.310\n")
    documents = [each for each in yaml.safe_load_all(upstream_manifest(lab)) if each["kind"] != CRD]
    (folder / "templates" / "all.yaml").write_text(yaml.safe_dump_all(documents))
    return folder


def clean_up_after_upstream(lab: Lab) -> None:
    """Upstream's pod leaves its files on the node, and with them every later pod without a network."""
    [node] = lab.cluster.nodes
    conf_dir, bin_dir = node.look.conf_dir, node.look.bin_dir
    node.run(["rm", "-rf", *(f"{conf_dir}/{name}" for name in ("00-multus.conf", "multus.d"))])
    node.run(["rm", "-f", f"{bin_dir}/multus", f"{bin_dir}/passthru"])
