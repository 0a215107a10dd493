"""A node joins with twenty pods waiting for it, and each gets its second interface: by what its machine's user data has
put there, listed or not, and by what the API server does where no machine can be touched.

The tests run in this order on one cluster, each from the state that the one before has left.
"""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path, PurePosixPath

import pytest
import yaml

from tests.support.doc_blocks import Block, blocks_of
from tests.support.lab.cells import Cell
from tests.support.lab.changes import configure, listed
from tests.support.lab.churn import churn
from tests.support.lab.clusters import Clusters, Lab, succeeded
from tests.support.lab.command_line import multus, of_stack
from tests.support.lab.joins import join
from tests.support.lab.leftovers import has_conf, of_no_sandbox
from tests.support.paths import DOCS

CELL = Cell("k3s", 2)
FALLBACK = "kube-multus-ds-fallback"


@pytest.fixture(scope="module")
def lab(clusters: Clusters) -> Lab:
    lab = clusters.lab(CELL)
    configure(lab.stack, nodes=listed(lab.cluster)[:1])
    return lab


def by_cloud_init(text: str) -> dict[PurePosixPath, str]:
    return {PurePosixPath(file["path"]): file["content"] for file in yaml.safe_load(text)["write_files"]}


def by_ignition(text: str) -> dict[PurePosixPath, str]:
    return {
        PurePosixPath(file["path"]): base64.b64decode(file["contents"]["source"].partition(",")[2]).decode()
        for file in json.loads(text)["storage"]["files"]
    }


def policy() -> list[Block]:
    """The page's blocks about the API server, in their order."""
    page = DOCS / "joining.md"
    lines = page.read_text(encoding="utf-8").split("\n")
    begins, ends = lines.index("## By the API server"), lines.index("## By a startup taint")
    return [block for block in blocks_of(page) if begins < block.line < ends]


def follow(lab: Lab, block: Block) -> str:
    """Run a block as a reader would: kubectl applies YAML."""
    kubectl = lab.cluster.programs.path("kubectl")
    script = f"kubectl apply -f - <<'END'\n{block.text}END\n" if block.language == "yaml" else block.text
    home, kubeconfig = str(lab.cluster.state), str(lab.cluster.kubeconfig)
    environment = {"PATH": f"{kubectl.parent}:/usr/bin:/bin", "HOME": home, "KUBECONFIG": kubeconfig}
    ended = subprocess.run(["sh", "-euc", script], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{block}: {ended.stderr}"
    return ended.stdout


def test_an_install_to_begin_with(lab: Lab) -> None:
    succeeded(lab.stack.up())
    lab.pods.create_network()


def test_by_a_policy_nobody_is_started_on_a_node_before_multus(lab: Lab) -> None:
    *applied, removed = policy()
    for block in applied:
        follow(lab, block)
    joined = join(lab, lab.cluster.nodes[1])
    assert (joined.without_net1, joined.failed_sandboxes) == ([], {})
    follow(lab, removed)


def test_by_user_data_no_pod_of_a_node_that_joins_lacks_anything(lab: Lab) -> None:
    rendered = succeeded(multus(lab, "render", *of_stack(lab), "--cloud-init")).stdout
    assert "token" not in rendered
    node = lab.cluster.nodes[1]
    joined = join(lab, node, by_cloud_init(rendered))
    assert (joined.without_net1, joined.failed_sandboxes) == ([], {})
    lab.pods.await_served_by(FALLBACK, node.name)
    # What the pod has written lies where that lay.
    conf = json.loads(node.run(["cat", f"{node.look.conf_dir}/00-multus.conflist"]).stdout)
    assert (conf["name"], conf.get("multusInstall")) == ("cbr0", None)


def test_it_is_listed_afterwards_under_pods(lab: Lab) -> None:
    configure(lab.stack, nodes=listed(lab.cluster))
    with churn(lab.cluster):
        succeeded(lab.stack.up())
    lab.pods.await_served_by("kube-multus-ds", "lab-2")


def test_a_listed_machine_that_is_replaced_by_one_with_plugin_and_token_serves_at_once(
    lab: Lab, tmp_path: Path
) -> None:
    file = tmp_path / "node.ign"
    result = succeeded(multus(lab, "render", *of_stack(lab), "--ignition", "--with-token", "--output", str(file)))
    assert "every pod can read its node's user data" in result.stderr
    assert result.stdout == ""
    assert file.stat().st_mode & 0o777 == 0o600
    node = lab.cluster.nodes[1]
    files = by_ignition(file.read_text())
    assert PurePosixPath(node.look.conf_dir / "multus.d/multus.kubeconfig") in files
    plugin = {node.look.bin_dir / "multus": lab.cluster.programs.path("multus").read_bytes()}
    joined = join(lab, node, files, plugin, is_new=False)
    assert (joined.without_net1, joined.failed_sandboxes) == ([], {})
    # Pods began under one configuration and ended under another.
    assert [file for file in of_no_sandbox(node) if "/networks/" in file] == []


def test_what_waited_leaves_with_the_rest(lab: Lab) -> None:
    configure(lab.stack, rotation="2")
    succeeded(lab.stack.up())
    succeeded(lab.stack.destroy())
    for node in lab.cluster.nodes:
        assert not has_conf(node)
    lab.exercise_plain_pods()
