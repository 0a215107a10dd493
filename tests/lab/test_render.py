"""What `render` prints, applied by kubectl on a cluster that Pulumi has not touched: it works, it is what `up` makes,
and it goes in the printed order without a pod that does not start.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import dynamic

from lab.waiting import until
from multus.registering import FORCE, MANAGED_BY
from tests.support.lab.cells import Cell
from tests.support.lab.changes import configure
from tests.support.lab.churn import churn
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.command_line import multus, of_stack
from tests.support.lab.pods import NETWORK

FALLBACK = "kube-multus-ds-fallback"

CELL = Cell("vanilla", 2)


@pytest.fixture(scope="module")
def lab(clusters: Clusters) -> Lab:
    return clusters.lab(CELL)


@pytest.fixture(scope="module")
def rendered(lab: Lab) -> str:
    return succeeded(
        multus(lab, "render", "--set", "distro=vanilla", "--set", f"apiServer={lab.cluster.api_server}")
    ).stdout


@pytest.fixture(scope="module")
def live_of_kubectl(lab: Lab, rendered: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The objects as they are on the cluster once they are applied, and Multus has been seen to work."""
    file = tmp_path_factory.mktemp("render") / "multus.yaml"
    file.write_text(rendered)
    kubectl(lab, "apply", "-f", str(file))
    until(lambda: lab.pods.is_rolled_out(FALLBACK), "every pod is available", every=0.5)
    return live(lab, rendered)


def kubectl(lab: Lab, *words: str) -> str:
    program = str(lab.cluster.programs.path("kubectl"))
    ended = subprocess.run(
        [program, "--kubeconfig", str(lab.cluster.kubeconfig), *words], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def live(lab: Lab, rendered: str) -> dict[str, Any]:
    """What the cluster has of every object that was rendered, without what only the cluster says."""
    client = dynamic.DynamicClient(lab.pods.api)  # type: ignore[no-untyped-call]
    found = {}
    for wanted in yaml.safe_load_all(rendered):
        about = wanted["metadata"]
        kind = client.resources.get(api_version=wanted["apiVersion"], kind=wanted["kind"])
        there: Any = client.get(kind, name=about["name"], namespace=about.get("namespace"))  # type: ignore[no-untyped-call]
        found[f"{wanted['kind']}/{about['name']}"] = said_by_people(there.to_dict())
    return found


def said_by_people(there: dict[str, Any]) -> dict[str, Any]:
    about = there["metadata"]
    ours = ("name", "namespace", "labels", "annotations")
    tools = (FORCE, "kubectl.kubernetes.io/last-applied-configuration", "deprecated.daemonset.template.generation")
    kept = {key: about[key] for key in ours if key in about}
    kept["annotations"] = {
        key: value
        for key, value in about.get("annotations", {}).items()
        if key not in tools and not key.startswith("kubernetes.io/service-account.uid")
    }
    kept["labels"] = {
        key: value for key, value in about.get("labels", {}).items() if key != MANAGED_BY and "legacy-token" not in key
    }
    parts = {key: value for key, value in there.items() if key not in ("metadata", "status")}
    if there["kind"] == "Secret":
        parts["data"] = sorted(there["data"])
    return {**parts, "metadata": kept}


def test_a_pod_gets_its_second_interface_on_every_node(lab: Lab, live_of_kubectl: dict[str, Any]) -> None:
    assert f"DaemonSet/{FALLBACK}" in live_of_kubectl
    lab.pods.create_network()
    for node in lab.cluster.nodes:
        lab.pods.create(f"two-{node.name}", node=node.name, network=NETWORK)
        assert lab.pods.address(f"two-{node.name}", "net1").startswith("10.98.0.")
    with churn(lab.cluster):
        pass


@pytest.mark.usefixtures("live_of_kubectl")
def test_removal_in_the_printed_order_while_pods_start(lab: Lab, rendered: str) -> None:
    commands = re.findall(r"^#   kubectl (.* delete .*|delete .*)$", rendered, re.MULTILINE)
    assert len(commands) == 5
    lab.pods.delete(*(f"two-{node.name}" for node in lab.cluster.nodes))
    with churn(lab.cluster, interfaces=["eth0"], at_least=20):
        for command in commands:
            kubectl(lab, *command.split())
    for node in lab.cluster.nodes:
        names = node.run(["ls", str(node.look.conf_dir)]).stdout.split()
        assert sorted(names) == ["10-flannel.conflist", "multus.d"]
    left = kubectl(lab, "get", "daemonsets,secrets,roles,rolebindings,serviceaccounts", "-A", "-o", "name")
    assert "multus" not in left


def test_up_makes_the_same_objects(lab: Lab, rendered: str, live_of_kubectl: dict[str, Any]) -> None:
    for node in lab.cluster.nodes:
        folder = node.look.conf_dir / "multus.d"
        node.run(["rm", "-rf", str(folder), *(str(node.look.bin_dir / name) for name in ("multus", "passthru"))])
    # What the lab's own settings change is no part of it.
    configure(lab.stack, scheduling=None)
    succeeded(lab.stack.up())
    of_pulumi = live(lab, rendered)
    for name, there in of_pulumi.items():
        assert there == live_of_kubectl[name], name
    assert succeeded(multus(lab, "render", *of_stack(lab))).stdout == rendered
    succeeded(lab.stack.destroy())


def test_what_cannot_be_rendered_is_said_in_one_sentence_each(lab: Lab) -> None:
    result = multus(lab, "render", "--set", "distro=vanilla", "--set", "image.tag=latest")
    assert (result.returncode, result.stdout) == (2, "")
    assert "apiServer: is missing" in result.stderr
    assert "image.tag: 'latest' moves" in result.stderr
    assert Path(__file__).name not in result.stderr
