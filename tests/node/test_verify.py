"""verify: the configuration that the pod wrote is there, first, valid and ours."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.node.processes import running
from tests.node.scratch import BIN_DIR, CONF_DIR, FLANNEL, Node


@pytest.fixture
def provisioned(node: Node) -> Node:
    assert node.provision().ok
    return node


@pytest.mark.parametrize("name", ["00-multus.conf", "00-multus.conflist"])
def test_verify_passes_what_the_pod_wrote(provisioned: Node, name: str) -> None:
    provisioned.pod_installs(name)
    result = provisioned.verify()
    assert result.ok, result.err
    assert f"verified: {provisioned.conf}/{name} delegates to cbr0" in result.out
    assert (provisioned.state / "conf" / name).read_bytes() == (provisioned.conf / name).read_bytes()


def test_verify_passes_a_configuration_without_plugins(provisioned: Node) -> None:
    provisioned.install_binary()
    content = {
        "cniVersion": "0.3.1",
        "name": "cbr0",
        "type": "multus",
        "kubeconfig": f"{CONF_DIR}/multus.d/multus.kubeconfig",
        "delegates": [FLANNEL],
    }
    (provisioned.conf / "00-multus.conf").write_text(json.dumps(content, indent=2), encoding="utf-8")
    assert provisioned.verify().ok


def test_verify_twice_changes_nothing(provisioned: Node) -> None:
    provisioned.pod_installs()
    assert provisioned.verify().ok
    before = provisioned.tree()
    assert provisioned.verify().ok
    assert provisioned.tree() == before


def two_confs(node: Node) -> None:
    node.pod_installs("00-multus.conf")
    node.pod_installs("00-multus.conflist")


def not_json(node: Node) -> None:
    node.pod_installs()
    (node.conf / "00-multus.conflist").write_text('{"name": "cbr0",}', encoding="utf-8")


def not_first(node: Node) -> None:
    node.pod_installs()
    (node.conf / "00-a.conf").write_text(json.dumps({"name": "cbr0", "type": "bridge"}), encoding="utf-8")


def another_kubeconfig(node: Node) -> None:
    node.pod_installs(kubeconfig="/host/etc/cni/net.d/multus.d/multus.kubeconfig")


def another_master(node: Node) -> None:
    node.pod_installs(delegates=[{"name": "cbr1", "plugins": []}])


def revoked(node: Node) -> None:
    node.pod_installs()
    node.api.broken = 401


def no_conf(node: Node) -> None:
    node.install_binary()


def nothing(_: Node) -> None:
    """The pod has never started."""


FAILURES = [
    (two_confs, "there are two Multus configurations"),
    (not_json, "00-multus.conflist: is not JSON; delete the node's Multus pod"),
    (not_first, "00-a.conf: sorts before "),
    (another_kubeconfig, "names the kubeconfig /host/etc/cni/net.d/multus.d/multus.kubeconfig"),
    (another_master, "delegates to cbr1, the default network is cbr0"),
    (revoked, "the API server does not know the token"),
    (no_conf, f"{CONF_DIR}: the pod did not write 00-multus.conf within 3 s"),
    (nothing, f"{BIN_DIR}/multus: the pod did not install the plugin within 3 s"),
]


@pytest.mark.parametrize(("spoil", "reason"), FAILURES, ids=[spoil.__name__ for spoil, _ in FAILURES])
def test_failed_verify_keeps_what_is_there(provisioned: Node, spoil: object, reason: str) -> None:
    assert callable(spoil)
    spoil(provisioned)
    before = provisioned.tree()
    result = provisioned.verify()
    assert not result.ok
    assert reason in result.err
    assert provisioned.tree() == before


@pytest.mark.parametrize(("spoil", "reason"), FAILURES, ids=[spoil.__name__ for spoil, _ in FAILURES])
def test_failed_first_verify_disarms(provisioned: Node, spoil: object, reason: str) -> None:
    """A failed create has no delete that would take the configuration away."""
    assert callable(spoil)
    spoil(provisioned)
    result = provisioned.verify(disarm_on_failure="true")
    assert not result.ok
    assert reason in result.err
    assert not list(provisioned.conf.glob("00-multus.*"))
    assert (provisioned.conf / "10-flannel.conflist").exists()
    assert provisioned.kubeconfig.exists()


def test_verify_says_every_reason(provisioned: Node) -> None:
    provisioned.pod_installs(kubeconfig="/nowhere", delegates=[{"name": "cbr1"}])
    result = provisioned.verify()
    assert "names the kubeconfig /nowhere" in result.err
    assert "delegates to cbr1" in result.err


def test_verify_waits_for_a_pod_that_is_late(provisioned: Node) -> None:
    waiting = threading.Timer(0.5, provisioned.pod_installs)
    waiting.start()
    result = provisioned.verify(seconds=500)
    waiting.join()
    assert result.ok, result.err


def test_verify_arms_again_from_the_copy(provisioned: Node) -> None:
    """After a disarm by hand the pod would not write the configuration again before it restarts."""
    provisioned.pod_installs()
    assert provisioned.verify().ok
    written = (provisioned.conf / "00-multus.conflist").read_bytes()
    (provisioned.conf / "00-multus.conflist").unlink()
    result = provisioned.verify()
    assert result.ok, result.err
    assert (provisioned.conf / "00-multus.conflist").read_bytes() == written
    assert {path.name for path in provisioned.conf.iterdir()} == {
        "00-multus.conflist",
        "10-flannel.conflist",
        "multus.d",
    }


@pytest.fixture
def removing_pod(tmp_path: Path) -> Iterator[None]:
    with running("thin_entrypoint", tmp_path, "--cleanup-config-on-exit=true"):
        yield


@pytest.mark.usefixtures("removing_pod")
def test_verify_waits_for_the_pod_that_would_remove_its_successors_configuration(provisioned: Node) -> None:
    provisioned.pod_installs()
    result = provisioned.verify()
    assert not result.ok
    assert "the pod of kube-multus-ds-fallback is still here" in result.err
