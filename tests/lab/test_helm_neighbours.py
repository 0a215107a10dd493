"""What a release meets that was there before it: upstream's manifest, an upgrade that was killed, other releases.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.churn.upstream import manifest
from lab.waiting import until
from tests.support.lab.cells import Cell
from tests.support.lab.changes import configure, failed
from tests.support.lab.churn import churn
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.helm import assert_gone, helm, releases
from tests.support.lab.leftovers import has_conf
from tests.support.lab.upstream import (
    apply_upstream,
    forget_results_under_upstreams_name,
    identities_of_upstream,
)
from tests.support.paths import CHART

CELL = Cell("k3s")
CRD = "CustomResourceDefinition"


@pytest.fixture(scope="module")
def lab(clusters: Clusters) -> Lab:
    lab = clusters.lab(CELL)
    lab.exercise_plain_pods()
    configure(lab.stack, method="helm")
    return lab


def test_upstreams_manifest_is_taken_over_by_one_up(lab: Lab) -> None:
    apply_upstream(lab)
    lab.pods.create_network()
    before = identities_of_upstream(lab)
    failed(lab.stack.up(), "adopt")
    with churn(lab.cluster):
        configure(lab.stack, adopt=True)
        succeeded(lab.stack.up())
        configure(lab.stack, adopt=None)
        succeeded(lab.stack.up())
        succeeded(lab.stack.up("--expect-no-changes"))
    assert identities_of_upstream(lab) == before
    assert releases(lab) == ["kube-system/multus deployed"]
    succeeded(lab.stack.destroy())
    # Of all that was applied by hand this alone is in no plan.
    lab.pods.core.delete_namespaced_config_map("multus-cni-config", "kube-system")
    forget_results_under_upstreams_name(lab)
    assert_gone(lab)


def test_an_upgrade_that_was_killed_is_forgotten_and_repeated(lab: Lab) -> None:
    succeeded(lab.stack.up())
    record_killed_upgrade(lab)
    configure(lab.stack, log={"level": "error"})
    with churn(lab.cluster):
        failed(lab.stack.up(), "another operation (install/upgrade/rollback) is in progress")
        lab.pods.core.delete_collection_namespaced_secret(
            "kube-system", label_selector="owner=helm,name=multus,status=pending-upgrade"
        )
        succeeded(lab.stack.up())
        succeeded(lab.stack.up("--expect-no-changes"))
    assert releases(lab) == ["kube-system/multus deployed"]
    succeeded(lab.stack.destroy())
    assert_gone(lab)


def record_killed_upgrade(lab: Lab) -> None:
    """Helm writes down a revision before it begins with it, and what has become of it afterwards."""
    core = lab.pods.core
    first: Any = core.read_namespaced_secret("sh.helm.release.v1.multus.v1", "kube-system")
    release = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(first.data["release"]))))
    release["version"], release["info"]["status"] = 2, "pending-upgrade"
    packed = base64.b64encode(gzip.compress(json.dumps(release).encode())).decode()
    body = {
        "metadata": {
            "name": "sh.helm.release.v1.multus.v2",
            "labels": {**first.metadata.labels, "status": "pending-upgrade", "version": "2"},
        },
        "type": first.type,
        "stringData": {"release": packed},
    }
    core.create_namespaced_secret("kube-system", body)  # type: ignore[arg-type]  # a plain object will do


@pytest.mark.parametrize("by", ["our-chart", "another-chart"])
def test_another_release_is_in_the_way_and_stays_as_it_is(lab: Lab, by: str, tmp_path: Path) -> None:
    """A node names the pod and what removes its release; our own chart's pod does there just what ours would."""
    [node] = lab.cluster.nodes
    ours = by == "our-chart"
    chart = CHART if ours else chart_of_upstreams_manifest(lab, tmp_path / "rke2-multus")
    # Pulumi has left the CRD, which this release is not to own.
    values = ["--values", str(CHART / f"values-{lab.cluster.distro}.yaml"), "--set", "crd.install=false"]
    helm(lab, "install", "elder", chart, "--namespace", "kube-system", *(values if ours else []))
    until(lambda: has_conf(node), "the other release has written its configuration")
    with churn(lab.cluster):
        failed(lab.stack.up(), *(["already exists"] if ours else ["helm uninstall", "kube-system_kube-multus-ds"]))
        succeeded(lab.stack.destroy())
        assert releases(lab) == ["kube-system/elder deployed"]
    helm(lab, "uninstall", "elder", "--namespace", "kube-system", "--wait")
    lab.pods.await_no_multus()
    # What upstream's pod leaves is upstream's, and this cluster ends here.
    if ours:
        assert not has_conf(node)
        clean_up_by_hand(lab)
        assert_gone(lab)


def chart_of_upstreams_manifest(lab: Lab, folder: Path) -> Path:
    """A chart that installs what upstream's manifest says, under names of its own."""
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: rke2-multus\nversion: 4.2.310\n")
    documents = [each for each in manifest("thin", lab.cluster.look) if each["kind"] != CRD]
    (folder / "templates" / "all.yaml").write_text(yaml.safe_dump_all(documents))
    return folder


def clean_up_by_hand(lab: Lab) -> None:
    """A plain release's pod takes the configuration away, and leaves what it names."""
    [node] = lab.cluster.nodes
    bin_dir = node.look.bin_dir
    node.run(["rm", "-rf", f"{node.look.conf_dir}/multus.d", f"{bin_dir}/multus", f"{bin_dir}/passthru"])
