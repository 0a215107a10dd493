"""diagnose: everything that doctor wants to know of a node, and nothing changed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import time
from typing import Any

import pytest

from multus.args import Distro
from multus.distros import PROFILES
from multus_ops.doctor.node_report import Facts
from tests.support.scratch_node import BIN_DIR, CONF_DIR, Node, only_busybox, only_dash

DEAD, ALIVE = "d" * 64, "a" * 64


def claims(document: dict[str, Any]) -> dict[str, Any]:
    payload: str = document["facts"]["kubeconfig"]["claims"]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def test_a_node_without_multus(node: Node) -> None:
    before = node.tree()
    document = node.diagnose()
    assert node.tree() == before
    facts = document["facts"]
    assert document["findings"] == []
    assert [conf["path"] for conf in facts["confs"]] == [f"{CONF_DIR}/10-flannel.conflist"]
    assert json.loads(facts["confs"][0]["content"])["name"] == "cbr0"
    assert (facts["kubeconfig"], facts["program"], facts["marker"]) == (None, None, None)
    assert (facts["defaultNetwork"], facts["cniConfDir"], facts["cniBinDirs"]) == ("cbr0", CONF_DIR, BIN_DIR)
    assert facts["leaked"] == facts["staleFiles"] == facts["attachments"] == facts["processes"] == []


def test_a_node_with_multus(node: Node) -> None:
    assert node.provision().ok
    node.pod_installs()
    before = node.tree()
    document = node.diagnose()
    assert node.tree() == before
    assert document["findings"] == []
    facts = document["facts"]
    assert [conf["path"].rpartition("/")[2] for conf in facts["confs"]] == ["00-multus.conflist", "10-flannel.conflist"]
    about = facts["kubeconfig"]
    assert about["server"] == f"https://127.0.0.1:{node.api.port}"
    assert (about["rights"], about["proof"]) == ("-rw------- 0 0", "404")
    assert claims(document)["kubernetes.io/serviceaccount/secret.name"] == "multus-token-1"
    assert base64.b64decode(about["authority"]).decode() == node.api.ca
    assert facts["namedKubeconfigs"] == [{"path": f"{CONF_DIR}/multus.d/multus.kubeconfig", "there": True}]
    assert facts["program"]["runs"] is True
    assert "multus" in facts["plugins"]
    assert facts["marker"] == {"owner": node.owner, "node": node.name, "install": node.install}


def test_links_and_the_networks_of_multus_own_directory(node: Node) -> None:
    assert "links" not in node.diagnose()["facts"]
    devices = node.at("/proc/net/dev")
    devices.parent.mkdir(parents=True, exist_ok=True)
    devices.write_text("Inter-| Receive\n face |bytes\n    lo: 1 2\neth0.5:1 2\n")
    networks = node.at("/etc/cni/multus/net.d")
    networks.mkdir(parents=True)
    (networks / "10-mesh.conf").write_text('{"name": "mesh", "type": "x"}')
    (networks / "20-more.conflist").write_text('{"name": "more", "plugins": [{"name": "inner"}]}')
    (networks / "30-cut.conf").write_text('{"na')
    facts = node.diagnose()["facts"]
    assert facts["links"][:2] == ["lo", "eth0.5"]
    assert facts["networkFiles"] == ["mesh", "more"]
    report = Facts.model_validate(facts)
    assert (report.network_files, set(report.links or ()) >= {"eth0.5", "lo"}) == (("mesh", "more"), True)


@pytest.mark.parametrize(("change", "proof"), [("forbidden", "403"), ("token", "401")])
def test_what_the_api_answers_to_the_nodes_kubeconfig(node: Node, change: str, proof: str) -> None:
    assert node.provision().ok
    was = getattr(node.api, change)
    setattr(node.api, change, {"forbidden": True, "token": "another"}[change])
    assert node.diagnose()["facts"]["kubeconfig"]["proof"] == proof
    setattr(node.api, change, was)


@only_dash
def test_a_kubeconfig_that_is_not_on_the_host(node: Node) -> None:
    node.pod_installs(kubeconfig="/host/etc/cni/net.d/multus.d/multus.kubeconfig")
    named = node.diagnose()["facts"]["namedKubeconfigs"]
    assert named == [{"path": "/host/etc/cni/net.d/multus.d/multus.kubeconfig", "there": False}]


def test_a_program_that_does_not_run_here(node: Node) -> None:
    node.pod_installs()
    node.binary.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(57))
    about = node.diagnose()["facts"]["program"]
    assert (about["runs"], bool(about["answer"])) == (False, True)


def test_confs_are_handed_over_as_they_are(node: Node) -> None:
    (node.conf / "00-multus.conf").write_text('{"cniVersion": "1.0', encoding="utf-8")
    (node.conf / "05-cilium.conflist.cilium_bak").write_text("{}", encoding="utf-8")
    (node.conf / "00-multus.conf.new").write_text("", encoding="utf-8")
    facts = node.diagnose()["facts"]
    assert facts["confs"][0]["content"] == '{"cniVersion": "1.0'
    assert facts["renamedConfs"] == [f"{CONF_DIR}/05-cilium.conflist.cilium_bak"]
    assert facts["staleFiles"] == [f"{CONF_DIR}/00-multus.conf.new"]


def test_reservations_of_no_living_sandbox(node: Node) -> None:
    reservations = node.at("/var/lib/cni/networks/second")
    reservations.mkdir()
    for address, owner in (("10.98.0.2", DEAD), ("10.98.0.3", ALIVE)):
        (reservations / address).write_text(f"{owner}\r\nnet1", encoding="utf-8")
    (reservations / "last_reserved_ip.0").write_text("10.98.0.3", encoding="utf-8")
    # A pod that is being made has reserved already, and does not run yet.
    (reservations / "10.98.0.4").write_text("b" * 64, encoding="utf-8")
    for file in ("10.98.0.2", "10.98.0.3"):
        os.utime(reservations / file, (time.time() - 600,) * 2)
    assert node.diagnose()["facts"]["leaked"] == []
    node.at(f"/run/containerd/io.containerd.runtime.v2.task/k8s.io/{ALIVE}").mkdir(parents=True)
    assert node.diagnose()["facts"]["leaked"] == [f"/var/lib/cni/networks/second/10.98.0.2 {DEAD}"]


@only_dash
@pytest.mark.parametrize("distro", [Distro.K3S, Distro.RKE2, Distro.K0S, Distro.MICROK8S])
def test_sandboxes_live_where_the_distributions_runtime_keeps_them(node: Node, distro: Distro) -> None:
    """None of k0s and MicroK8s brings a crictl that could be asked instead."""
    reservations = node.at("/var/lib/cni/networks/second")
    reservations.mkdir()
    for address, owner in (("10.98.0.2", DEAD), ("10.98.0.3", ALIVE)):
        (reservations / address).write_text(owner, encoding="utf-8")
        os.utime(reservations / address, (time.time() - 600,) * 2)
    state = PROFILES[distro].runtime.state_dir
    node.at(f"{state}/io.containerd.runtime.v2.task/k8s.io/{ALIVE}").mkdir(parents=True)
    facts = node.diagnose(runtime_state=state)["facts"]
    assert facts["leaked"] == [f"/var/lib/cni/networks/second/10.98.0.2 {DEAD}"]


def test_sandboxes_that_multus_remembers(node: Node) -> None:
    node.add_sandbox(ALIVE, "web", "net1", alive=True)
    node.add_sandbox(DEAD, "gone", "net1", alive=False)
    facts = node.diagnose()["facts"]
    assert facts["attachments"] == ["default/web net1"]
    assert facts["deadSandboxes"] == [DEAD]


def test_findings_come_as_of_a_preflight(node: Node) -> None:
    [finding] = node.diagnose(needs="sriov")["findings"]
    assert (finding["severity"], finding["code"], finding["value"]) == ("error", "no-plugin", "sriov")
    assert finding["where"] == f"{BIN_DIR}/sriov"


@only_busybox
def test_a_node_without_curl_says_so_and_all_the_rest(node: Node) -> None:
    assert node.provision().ok
    node.pod_installs()
    node.path = node.path.partition(":")[2]
    document = node.diagnose()
    assert [(each["code"], each["fix"]) for each in document["findings"]] == [("no-curl", "install curl")]
    assert document["facts"]["kubeconfig"]["proof"] == ""
    assert document["facts"]["program"]["runs"] is True


@only_dash
def test_what_goes_wrong_with_the_program_itself_is_shown(node: Node) -> None:
    """Without it people would read that the node program ended with 2."""
    node.add_tool(
        "awk",
        f'case "$1" in *"NR == 2"*) echo "awk: out of memory" >&2; exit 2 ;; esac\nexec {shutil.which("awk")} "$@"',
    )
    result = node.people("diagnose", server=f"https://127.0.0.1:{node.api.port}")
    assert not result.ok
    assert result.out == ""
    assert result.err.endswith("awk: out of memory\n")


def test_what_lies_on_a_node_knows_no_phase_for_people(node: Node) -> None:
    result = node.run("diagnose")
    assert (result.status, "unknown phase diagnose" in result.err) == (2, True)
