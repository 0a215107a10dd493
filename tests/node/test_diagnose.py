"""diagnose: everything that doctor wants to know of a node, and nothing changed."""

from __future__ import annotations

import base64
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from multus.args import Distro
from multus.distros import PROFILES
from multus_ops.doctor.node_report import Facts
from tests.support.processes import running
from tests.support.scratch_node import BIN_DIR, CONF_DIR, FLANNEL, Node, only_busybox, only_dash

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


@only_dash
def test_links_by_every_name(node: Node) -> None:
    """A link has alternative names too, which plugins find it by."""
    assert "links" not in node.diagnose()["facts"]
    with_devices(node)
    said = "case $1 in -V) echo 'ip utility, iproute2-6.1.0' ;; link) echo '    altname enp1s0' ;; esac"
    node.add_tool("ip", said)
    facts = node.diagnose()["facts"]
    assert facts["links"] == ["lo", "eth0.5", "enp1s0"]
    assert Facts.model_validate(facts).links == ("lo", "eth0.5", "enp1s0")


@only_busybox
def test_a_node_that_knows_no_alternative_names_says_nothing_of_links(node: Node) -> None:
    with_devices(node)
    assert "links" not in node.diagnose()["facts"]


def with_devices(node: Node) -> None:
    devices = node.at("/proc/net/dev")
    devices.parent.mkdir(parents=True, exist_ok=True)
    devices.write_text("Inter-| Receive\n face |bytes\n    lo: 1 2\neth0.5:1 2\n")


def test_networks_of_multus_own_directory(node: Node) -> None:
    networks = node.at("/etc/cni/multus/net.d")
    networks.mkdir(parents=True)
    (networks / "10-mesh.conf").write_text('{"name": "mesh", "type": "x"}')
    (networks / "20-more.conflist").write_text('{"name": "more", "plugins": [{"name": "inner"}]}')
    (networks / "30-cut.conf").write_text('{"na')
    facts = node.diagnose()["facts"]
    assert facts["networkFiles"] == ["mesh", "more"]
    assert Facts.model_validate(facts).network_files == ("mesh", "more")


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


def found(node: Node, **options: Any) -> list[tuple[str, str, str]]:
    return [(each["code"], each["where"], each["value"]) for each in node.diagnose(**options)["findings"]]


def test_files_that_a_power_cut_has_emptied(node: Node) -> None:
    node.add_sandbox(ALIVE, "web", "net1", alive=True)
    flannels = node.at(f"/var/lib/cni/flannel/{ALIVE}")
    flannels.parent.mkdir()
    emptied = [flannels, node.cache / ALIVE, node.cache / "results" / f"cbr0-{ALIVE}-eth0"]
    assert found(node) == []
    for file in emptied:
        file.write_text("", encoding="utf-8")
    # One that was made just now is about to be written.
    assert found(node) == []
    for file in emptied:
        os.utime(file, (time.time() - 600,) * 2)
    paths = sorted(f"/{file.relative_to(node.root)}" for file in emptied)
    assert sorted(found(node)) == [("cache-emptied", path, path) for path in paths]


@pytest.mark.parametrize("left", [b"", b'[{"ConfList":{"cniVersion"', bytes(40)], ids=["nothing", "a part", "blanks"])
def test_what_a_power_cut_has_left_is_named_with_its_pod(node: Node, left: bytes) -> None:
    node.add_sandbox(ALIVE, "web", "net1", alive=True)
    cached = node.cache / ALIVE
    cached.write_bytes(left)
    os.utime(cached, (time.time() - 600,) * 2)
    [finding] = node.diagnose()["findings"]
    assert (finding["code"], finding["value"]) == ("cache-emptied", f"/var/lib/cni/multus/{ALIVE}")
    assert "default/web" in finding["what"]


def test_wherever_a_power_cut_has_cut_it_is_named(node: Node) -> None:
    whole = '[{"Conf":{"cniVersion":"1.0.0","ipam":{}},"ConfList":{"plugins":[{"type":"bridge"}]}}]'
    folder = node.at("/var/lib/cni/flannel")
    folder.mkdir()
    for length in range(len(whole) + 1):
        file = folder / f"{length:064x}"
        file.write_text(whole[:length], encoding="utf-8")
        os.utime(file, (time.time() - 600,) * 2)
    named = {value for code, _, value in found(node) if code == "cache-emptied"}
    assert named == {f"/var/lib/cni/flannel/{length:064x}" for length in range(len(whole))}


def stand_in(node: Node, program: str, script: str) -> None:
    """Put something before a program of the node; `$REAL` is the program itself."""
    shims, _, tools = node.path.partition(":")
    shim = Path(shims, program)
    shim.write_text(f"#!/bin/sh\nREAL={shutil.which(program, path=tools)}\n{script}\n", encoding="utf-8")
    shim.chmod(0o755)


@only_dash
def test_a_file_whose_pod_ends_meanwhile_is_not_called_emptied(node: Node) -> None:
    """Between the look at all files and that at each: what finds them takes it away."""
    node.add_sandbox(ALIVE, "web", "net1", alive=True)
    cached = node.cache / ALIVE
    cached.write_text("", encoding="utf-8")
    os.utime(cached, (time.time() - 600,) * 2)
    assert [code for code, _, _ in found(node)] == ["cache-emptied"]
    stand_in(node, "find", f'"$REAL" "$@"; case $* in *cni/flannel*) rm -f {cached} ;; esac')
    assert found(node) == []
    assert not cached.exists()


@only_dash
def test_of_thousands_of_files_only_those_that_look_cut_are_parsed(node: Node) -> None:
    calls = node.root.parent / "calls"
    stand_in(node, "awk", f'echo >>{calls}; exec "$REAL" "$@"')
    flannels = node.at("/var/lib/cni/flannel")
    flannels.mkdir()

    def calls_with(files: int) -> int:
        for number in range(files):
            (flannels / f"{number:064x}").write_text('{"type":"bridge"}', encoding="utf-8")
            os.utime(flannels / f"{number:064x}", (time.time() - 600,) * 2)
        calls.write_text("", encoding="utf-8")
        assert found(node) == []
        return len(calls.read_text(encoding="utf-8"))

    assert calls_with(1) == calls_with(20) > 0


def test_a_default_network_that_is_not_the_copys_any_more(installed: Node) -> None:
    assert found(installed) == []
    (installed.conf / "10-flannel.conflist").write_text(json.dumps({**FLANNEL, "cniVersion": "0.3.1"}))
    assert found(installed) == [("default-network-changed", f"{installed.conf}/00-multus.conflist", "")]


def test_a_copy_is_held_against_its_own_network_alone(installed: Node) -> None:
    (installed.conf / "05-old.conflist").write_text(json.dumps({**FLANNEL, "name": "old"}), encoding="utf-8")
    assert "default-network-changed" not in {code for code, _, _ in found(installed)}


def test_of_two_files_of_multus_the_newer_is_the_running_pods(installed: Node) -> None:
    for name in ("00-multus.conflist", "00-multus.conf", "00-multus.conflist"):
        installed.pod_installs(name)
        for file in installed.conf.glob("00-multus.*"):
            os.utime(file, (1, 1) if file.name != name else None)
        assert installed.diagnose()["facts"]["plannedConf"] == f"{CONF_DIR}/{name}"


def test_who_has_added_a_plugin_is_named(installed: Node) -> None:
    file = installed.conf / "00-multus.conflist"
    content = json.loads(file.read_text(encoding="utf-8"))
    content["plugins"].append({"type": "istio-cni", "log_level": "info"})
    file.write_text(json.dumps(content), encoding="utf-8")
    [finding] = installed.diagnose()["findings"]
    assert (finding["severity"], finding["code"], finding["value"]) == ("warning", "conf-chained", "istio-cni")
    assert finding["fix"] == f"have that program add it to {installed.conf}/10-flannel.conflist"


@pytest.mark.parametrize(("plugin", "harms"), [("linkerd-cni", False), ("istio-cni", True)])
def test_what_adds_itself_to_every_file_may_be_called_twice_or_not(installed: Node, plugin: str, harms: bool) -> None:
    for name in ("00-multus.conflist", "10-flannel.conflist"):
        file = installed.conf / name
        content = json.loads(file.read_text(encoding="utf-8"))
        content["plugins"].append({"type": plugin})
        file.write_text(json.dumps(content), encoding="utf-8")
        codes = {code for code, _, _ in found(installed)}
        assert ("conf-chained" in codes) is (harms or name == "00-multus.conflist")
    assert "default-network-changed" in codes, "and the next pod of Multus copies it"


def test_keys_that_somebody_has_changed_are_named_and_no_value_is(installed: Node) -> None:
    installed.pod_installs(namespaceIsolation=True, logFile="/var/log/made-up.log")
    [finding] = installed.diagnose()["findings"]
    assert (finding["code"], finding["value"]) == ("conf-rewritten", "logFile namespaceIsolation")
    assert "made-up" not in json.dumps(finding)
    # Another name of the file and another version follow the default network.
    (installed.conf / "00-multus.conflist").unlink()
    installed.pod_installs("00-multus.conf")
    assert found(installed) == []


@pytest.mark.parametrize(
    ("changes", "rewritten"),
    [({"clusterNetwork": "/host/etc/cni/net.d/20-x.conflist"}, False), ({"daemonSocketDir": "/run/x"}, True)],
    ids=["followed", "changed"],
)
def test_thicks_file_follows_the_default_networks(node: Node, changes: dict[str, str], rewritten: bool) -> None:
    node.thick_pod_installs()
    node.kubeconfig.parent.mkdir(parents=True)
    node.kubeconfig.write_text(node.content, encoding="utf-8")
    kept = node.state / "conf"
    kept.mkdir(parents=True)
    shutil.copy(node.conf / "00-multus.conf", kept)
    node.thick_pod_installs(**changes)
    assert ("conf-rewritten" in {code for code, _, _ in found(node, plugin="thick")}) is rewritten


@pytest.mark.parametrize(
    ("server", "excluded", "warned"),
    [
        ("https://10.0.0.5:6443", "", True),
        ("https://10.0.0.5:6443", "10.0.0.0/8,.svc", False),
        ("https://10.0.0.5:6443", "10.1.0.0/16, 10.0.0.6", True),
        ("https://10.0.0.5:6443", "10.0.0.5", False),
        ("https://10.0.0.5:6443", "*", False),
        ("https://api.lab.example:6443", ".lab.example", False),
        ("https://api.lab.example", "lab.example", False),
        ("https://api.lab.example", "b.example", True),
        ("https://127.0.0.1:6444", "", False),
        ("https://[::1]:6443", "", False),
        ("https://[2001:db8::1]:6443", "10.0.0.0/8", True),
    ],
)
def test_the_runtimes_proxy_is_named_where_thin_would_ask_by_it(
    node: Node, server: str, excluded: str, warned: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.add_tool("curl", "exit 7")
    monkeypatch.setenv("HTTPS_PROXY", "http://who:secret@192.0.2.9:3128")
    monkeypatch.setenv("no_proxy", excluded)
    with running("containerd", tmp_path):
        document = node.diagnose(server=server)
        assert ("api-by-proxy" in {each["code"] for each in document["findings"]}) is warned
        assert "api-by-proxy" not in {each["code"] for each in node.diagnose(server=server, plugin="thick")["findings"]}
    assert "secret" not in json.dumps(document)
    assert "api-by-proxy" not in {each["code"] for each in node.diagnose(server=server)["findings"]}


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
