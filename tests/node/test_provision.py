"""provision: the kubeconfig, written once and proven; whatever happens in between, the next run ends well."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.support.processes import running
from tests.support.scratch_node import Node, only_busybox


def test_provision_writes_the_very_bytes_for_root_alone(node: Node) -> None:
    result = node.provision()
    assert result.ok, result.err
    assert node.kubeconfig.read_text(encoding="utf-8") == node.content
    mode, owner, _ = node.tree()["etc/cni/net.d/multus.d/multus.kubeconfig"]
    assert (mode, owner) == ("-rw-------", 0)
    assert node.tree()["etc/cni/net.d/multus.d"][0] == "drwx------"
    assert f"credentials proven against https://127.0.0.1:{node.api.port}" in result.out
    assert result.err == ""


def test_provision_proves_what_multus_reads(node: Node) -> None:
    assert node.provision().ok
    assert node.api.asked == [
        "/apis/k8s.cni.cncf.io/v1/namespaces/kube-system/network-attachment-definitions/multus-install-proof",
        "/api/v1/namespaces/kube-system/pods/multus-install-proof",
    ]


def test_provision_leaves_nothing_else(node: Node) -> None:
    before = node.tree()
    assert node.provision().ok
    assert set(node.tree()) - set(before) == {
        "etc/cni/net.d/multus.d",
        "etc/cni/net.d/multus.d/multus.kubeconfig",
        "var/lib/multus-install",
        "var/lib/multus-install/conf",
        "var/lib/multus-install/marker",
        "var/lib/multus-install/node.sh",
    }
    assert node.tree()["var/lib/multus-install/marker"][0] == "-rw-------"


def test_provision_twice_changes_nothing(node: Node) -> None:
    assert node.provision().ok
    before = node.tree()
    assert node.provision().ok
    assert node.tree() == before


def test_provision_replaces_an_older_token(node: Node) -> None:
    assert node.provision().ok
    node.api.token += "x"
    assert node.provision().ok
    assert node.kubeconfig.read_text(encoding="utf-8") == node.content


@pytest.mark.parametrize(
    ("broken", "forbidden", "reason"),
    [
        (401, False, "the API server does not know the token; run pulumi up --refresh"),
        (None, True, "the account may not read what Multus reads; look at ClusterRole and ClusterRoleBinding multus"),
        (500, False, "the API server answered 500"),
        (200, False, "the API server answered 200"),
    ],
    ids=["unauthorized", "forbidden", "broken", "no-api-server"],
)
def test_failed_proof_on_a_fresh_node_cleans_up(node: Node, broken: int | None, forbidden: bool, reason: str) -> None:
    """A failed create stores nothing, so no delete would ever run."""
    node.deliver()
    before = node.tree()
    node.api.broken, node.api.forbidden = broken, forbidden
    result = node.provision()
    assert not result.ok
    assert f"multus.kubeconfig: {reason}" in result.err
    after = node.tree()
    assert {path for path in after if path not in before} <= {"var/lib/multus-install/.api"}
    assert node.run("forget").ok
    assert not node.state.exists()


def test_failed_proof_on_a_provisioned_node_keeps_it(node: Node) -> None:
    assert node.provision().ok
    marker = node.state / "marker"
    before = marker.read_bytes()
    node.api.broken = 500
    assert not node.provision().ok
    assert node.kubeconfig.read_text(encoding="utf-8") == node.content
    assert marker.read_bytes() == before
    node.api.broken = None
    assert node.provision().ok


def test_provision_refuses_a_server_with_another_authority(node: Node) -> None:
    result = node.provision(ca=f"QUFB{node.ca}")
    assert not result.ok
    assert "the API server's certificate does not fit" in result.err
    assert "set apiServer to an address that the API server's certificate names" in result.err
    assert not node.kubeconfig.exists()


def test_provision_refuses_to_go_without_a_token(node: Node) -> None:
    result = node.provision("")
    assert not result.ok
    assert "no token came over standard input; run pulumi up again" in result.err
    assert not node.kubeconfig.parent.exists()


def test_provision_keeps_a_directory_that_it_did_not_make(node: Node) -> None:
    node.kubeconfig.parent.mkdir(mode=0o755)
    (node.kubeconfig.parent / "foreign").touch()
    node.api.broken = 500
    assert not node.provision().ok
    assert [path.name for path in node.kubeconfig.parent.iterdir()] == ["foreign"]


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP], ids=lambda kill: kill.name)
def test_provision_stopped_half_way_ends_well_when_repeated(node: Node, kill: signal.Signals) -> None:
    node.deliver()
    node.api.open.clear()
    process = node.start("provision", **node.to_provision)
    assert process.stdin is not None
    process.stdin.write(node.api.token)
    process.stdin.close()
    assert node.api.entered.wait(20)
    os.killpg(process.pid, kill)
    assert process.wait(20) != 0
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        node.said.append(stream.read())
        stream.close()
    assert node.kubeconfig.exists() is (kill is signal.SIGKILL)
    node.api.open.set()
    result = node.provision()
    assert result.ok, result.err
    assert node.kubeconfig.read_text(encoding="utf-8") == node.content
    node.api.marker_is_there = False
    assert node.clean().ok
    assert not node.state.exists()
    assert not node.kubeconfig.parent.exists()


@only_busybox
def test_provision_refuses_a_node_that_has_lost_curl(node: Node) -> None:
    node.path = node.path.partition(":")[2]
    result = node.provision()
    assert not result.ok
    assert result.err == "error: curl: is not on this node, and the credentials cannot be proven; install curl.\n"
    assert not node.kubeconfig.exists()


def test_provision_stops_the_pod_that_would_remove_the_configuration(node: Node, tmp_path: Path) -> None:
    """It hears of its end when clean lets it go on; one that removes nothing is left alone."""
    assert node.provision().ok
    other = tmp_path / "other"
    other.mkdir()
    with (
        running("thin_entrypoint", tmp_path, "--cleanup-config-on-exit=true") as removing,
        running("thin_entrypoint", other) as keeping,
    ):
        assert node.provision().ok
        assert (state_of(removing.pid), state_of(keeping.pid)) == ("T", "S")
        assert node.clean().ok
        assert state_of(removing.pid) == "S"


def state_of(process: int) -> str:
    """The state of a process as /proc tells it: S sleeps, T is stopped. A signal may take a moment."""
    for _ in range(100):
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        if state in "ST":
            return state
        time.sleep(0.01)
    return state


def test_thick_has_a_standby_before_the_fallbacks_daemon_leaves(node: Node) -> None:
    """Its configuration goes with it, and the label that comes next takes it away."""
    standby = {"plugin": "thick", "standby": '"confDir":"/etc/cni/multus/net.d"'}
    node.thick_pod_installs()
    assert node.provision(**standby).ok
    assert json.loads((node.conf / "00-multus.conflist").read_text(encoding="utf-8"))["name"] == "cbr0"


def test_a_failed_proof_leaves_no_standby_without_a_kubeconfig(node: Node) -> None:
    node.thick_pod_installs()
    node.api.forbidden = True
    assert not node.provision(plugin="thick", standby='"confDir":"/etc"').ok
    assert not (node.conf / "00-multus.conflist").exists()
