"""verify: the configuration that the pod wrote is there, first, valid and ours."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from multus.node_program import STATE_DIR
from tests.support.fake_daemon import listening
from tests.support.processes import running
from tests.support.scratch_node import BIN_DIR, CONF_DIR, FLANNEL, Node, only_dash


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


def test_what_waits_for_the_pod_is_not_the_pods(node: Node) -> None:
    """It names the default network too, and with the plugin there pods would start by it."""
    waiting = node.joins()
    assert node.provision().ok
    node.install_binary()
    result = node.verify(seconds="3", disarm_on_failure="false")
    assert not result.ok
    assert waiting.exists()
    # The pod writes by the version of the default network: over what waited, or beside it.
    node.pod_installs("00-multus.conf")
    result = node.verify()
    assert result.ok, result.err
    assert f"removed {waiting}, which the running pod did not write" in result.out
    assert [file.name for file in (node.state / "conf").iterdir()] == ["00-multus.conf"]


def not_json(node: Node) -> None:
    node.pod_installs()
    (node.conf / "00-multus.conflist").write_text('{"name": "cbr0",}', encoding="utf-8")


def empty(node: Node) -> None:
    node.pod_installs()
    (node.conf / "00-multus.conflist").write_text("", encoding="utf-8")


def of_another_plugin(node: Node) -> None:
    node.thick_pod_installs()


def self_delegating(node: Node) -> None:
    node.pod_installs(delegates=[{"name": "cbr0", "plugins": [{"type": "multus"}]}])


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
    (not_json, "00-multus.conflist: is not JSON, or not of thin Multus; delete the node's Multus pod"),
    (empty, "00-multus.conflist: is not JSON, or not of thin Multus; delete the node's Multus pod"),
    (of_another_plugin, "00-multus.conf: is not JSON, or not of thin Multus; delete the node's Multus pod"),
    (self_delegating, "00-multus.conflist: delegates to Multus itself"),
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


CHANGED = "00-multus.conflist: has the default network as before"


@pytest.mark.parametrize(
    "now",
    [
        {**FLANNEL, "cniVersion": "1.1.0"},
        {**FLANNEL, "plugins": [{"type": "flannel", "delegate": {"mtu": 1400}}, {"type": "portmap"}]},
        {**FLANNEL, "plugins": [*FLANNEL["plugins"], {"type": "bandwidth"}]},
    ],
    ids=["version", "mtu", "plugin"],
)
def test_verify_warns_of_a_default_network_that_has_changed_under_its_copy(provisioned: Node, now: object) -> None:
    provisioned.pod_installs()
    (provisioned.conf / "10-flannel.conflist").write_text(json.dumps(now), encoding="utf-8")
    result = provisioned.verify()
    assert result.ok
    assert f"{CHANGED} {provisioned.conf}/10-flannel.conflist changed; delete the node's Multus pod" in result.err
    # What the message says: the pod writes the file anew.
    provisioned.pod_installs(delegates=[now])
    assert CHANGED not in provisioned.verify().err


def test_a_copy_is_the_same_however_it_is_spelled(provisioned: Node) -> None:
    """Go sorts keys, and writes some signs of a text as codes."""
    own = dict(reversed({**FLANNEL, "note": "a<b>&c/d"}.items()))
    text = json.dumps(own, indent=2).replace("/", "\\/")
    (provisioned.conf / "10-flannel.conflist").write_text(text, encoding="utf-8")
    provisioned.pod_installs(delegates=[own])
    file = provisioned.conf / "00-multus.conflist"
    written = file.read_text(encoding="utf-8")
    for sign, code in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        written = written.replace(sign, code)
    file.write_text(written, encoding="utf-8")
    assert provisioned.verify().err == ""


THICK = {"plugin": "thick"}


@pytest.fixture
def thick(provisioned: Node) -> Iterator[Node]:
    with listening(provisioned.socket):
        yield provisioned


def test_verify_passes_thick(thick: Node) -> None:
    thick.thick_pod_installs()
    result = thick.verify(**THICK)
    assert result.ok, result.err
    assert f"verified: {thick.conf}/00-multus.conf delegates to cbr0" in result.out


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"clusterNetwork": "/host/etc/cni/net.d/20-other.conflist"}, "20-other.conflist, the default network is cbr0"),
        ({"daemonSocketDir": "/run/other"}, "looks for the daemon in /run/other"),
        ({"type": "multus"}, "is not JSON, or not of thick Multus"),
    ],
    ids=["master", "socket", "type"],
)
def test_verify_refuses_a_thick_configuration(thick: Node, changes: dict[str, str], reason: str) -> None:
    thick.thick_pod_installs(**changes)
    result = thick.verify(**THICK)
    assert not result.ok
    assert reason in result.err


def test_verify_misses_the_daemon(provisioned: Node) -> None:
    with listening(provisioned.socket):
        provisioned.thick_pod_installs()
    result = provisioned.verify(**THICK)
    assert not result.ok
    assert f"{provisioned.socket}: the daemon does not answer" in result.err


def test_verify_waits_while_the_file_is_empty(thick: Node) -> None:
    """The daemon writes an empty one when it cannot read the default network's file."""
    thick.thick_pod_installs()
    (thick.conf / "00-multus.conf").write_text("", encoding="utf-8")
    waiting = threading.Timer(0.5, thick.thick_pod_installs)
    waiting.start()
    result = thick.verify(seconds=500, **THICK)
    waiting.join()
    assert result.ok, result.err


@pytest.mark.parametrize("before", ["00-multus.conf", "00-multus.conflist"])
def test_thin_becomes_thick(thick: Node, before: str) -> None:
    thick.pod_installs(before)
    assert thick.verify().ok
    refused = thick.verify(**THICK)
    assert not refused.ok
    assert (thick.conf / before).exists()
    thick.thick_pod_installs()
    result = thick.verify(**THICK)
    assert result.ok, result.err
    assert [path.name for path in sorted(thick.conf.glob("00-*"))] == ["00-multus.conf"]
    assert [path.name for path in (thick.state / "conf").iterdir()] == ["00-multus.conf"]


STANDBY = {**THICK, "standby": '"confDir":"/etc/cni/multus/net.d","namespaceIsolation":true'}


def test_thick_gets_a_standby_that_names_what_the_daemon_names(thick: Node) -> None:
    thick.thick_pod_installs()
    assert thick.verify(**STANDBY).ok
    standby = thick.conf / "00-multus.conflist"
    assert json.loads(standby.read_text(encoding="utf-8")) == {
        "cniVersion": "1.0.0",
        "name": "cbr0",
        "plugins": [
            {
                "type": "multus",
                "kubeconfig": f"{CONF_DIR}/multus.d/multus.kubeconfig",
                "clusterNetwork": f"{STATE_DIR}/default",
                "capabilities": {"portMappings": True},
                "confDir": "/etc/cni/multus/net.d",
                "namespaceIsolation": True,
            }
        ],
    }
    assert standby.stat().st_mode & 0o777 == 0o600
    [link] = (thick.state / "default").iterdir()
    assert str(link.readlink()) == f"{CONF_DIR}/10-flannel.conflist"
    assert {path.name for path in (thick.state / "conf").iterdir()} == {"00-multus.conf", "00-multus.conflist"}


def test_a_list_that_a_mesh_has_made_of_the_daemons_file_is_not_overwritten(thick: Node) -> None:
    """Istio adds its plugin, and renames the file to the standby's name: cni/pkg/install/cniconfig.go, 0855d757."""
    thick.thick_pod_installs()
    daemons = thick.conf / "00-multus.conf"
    plugin = json.loads(daemons.read_text(encoding="utf-8"))
    chained = {"name": "k8s-pod-network", "cniVersion": "0.3.1", "plugins": [plugin, {"type": "istio-cni"}]}
    daemons.unlink()
    meshs = thick.conf / "00-multus.conflist"
    meshs.write_text(json.dumps(chained), encoding="utf-8")
    result = thick.verify(**STANDBY)
    assert result.ok, result.err
    assert json.loads(meshs.read_text(encoding="utf-8")) == chained


def test_standby_follows_the_default_network_to_another_file(thick: Node) -> None:
    thick.thick_pod_installs()
    assert thick.verify(**STANDBY).ok
    (thick.conf / "10-flannel.conflist").rename(thick.conf / "20-flannel.conflist")
    thick.thick_pod_installs(clusterNetwork="/host/etc/cni/net.d/20-flannel.conflist")
    assert thick.verify(**STANDBY).ok
    assert [path.name for path in (thick.state / "default").iterdir()] == ["20-flannel.conflist"]


def test_standby_goes_when_the_plan_has_none_any_more(thick: Node) -> None:
    thick.thick_pod_installs()
    assert thick.verify(**STANDBY).ok
    assert thick.verify(**THICK).ok
    assert not (thick.conf / "00-multus.conflist").exists()


def test_no_standby_without_its_binary(thick: Node) -> None:
    thick.thick_pod_installs()
    thick.binary.unlink()
    assert thick.verify(**STANDBY).ok
    assert not (thick.conf / "00-multus.conflist").exists()


def test_thick_becomes_thin(thick: Node) -> None:
    """The file of a daemon that was killed stays, and sorts first."""
    thick.thick_pod_installs()
    assert thick.verify(**THICK).ok
    thick.pod_installs()
    result = thick.verify()
    assert result.ok, result.err
    assert "00-multus.conf, which the running pod did not write" in result.out
    assert [path.name for path in sorted(thick.conf.glob("00-*"))] == ["00-multus.conflist"]
    assert [path.name for path in (thick.state / "conf").iterdir()] == ["00-multus.conflist"]


@pytest.mark.parametrize(("older", "newer"), [("conf", "conflist"), ("conflist", "conf")])
def test_another_version_of_the_interface_changes_the_name(provisioned: Node, older: str, newer: str) -> None:
    """The pod writes a .conflist from 1.0.0 on, a .conf before, and leaves the other."""
    provisioned.pod_installs(f"00-multus.{older}")
    os.utime(provisioned.conf / f"00-multus.{older}", (1, 1))
    provisioned.pod_installs(f"00-multus.{newer}")
    result = provisioned.verify()
    assert result.ok, result.err
    assert [path.name for path in provisioned.conf.glob("00-*")] == [f"00-multus.{newer}"]


def test_invalid_configuration_takes_no_other_away(thick: Node) -> None:
    thick.pod_installs()
    thick.thick_pod_installs(daemonSocketDir="/run/other")
    assert not thick.verify(**THICK).ok
    assert (thick.conf / "00-multus.conflist").exists()


def test_verify_arms_thick_again_when_its_daemon_answers(thick: Node) -> None:
    thick.thick_pod_installs()
    assert thick.verify(**THICK).ok
    (thick.conf / "00-multus.conf").unlink()
    assert thick.verify(**THICK).ok
    assert (thick.conf / "00-multus.conf").exists()


def test_verify_waits_until_the_daemon_before_is_gone(thick: Node, tmp_path: Path) -> None:
    """It removes its configuration when it stops, of which the name may be the successor's too."""
    thick.pod_installs("00-multus.conf")
    with running("multus-daemon", tmp_path):
        assert not thick.verify().ok
        thick.thick_pod_installs()
        assert thick.verify(**THICK).ok
        second = tmp_path / "second"
        second.mkdir()
        with running("multus-daemon", second):
            assert not thick.verify(**THICK).ok


def test_verify_asks_the_runtime(provisioned: Node) -> None:
    provisioned.pod_installs()
    provisioned.runtime_says("OK", "multus")
    assert provisioned.verify().ok
    provisioned.runtime_says("cni config load failed: no network")
    result = provisioned.verify()
    assert not result.ok
    assert "the runtime did not load it: cni config load failed: no network" in result.err


def test_a_runtime_that_does_not_answer_has_not_loaded_anything(provisioned: Node) -> None:
    """containerd is silent for as long as a CNI call takes, and timeout then ends crictl."""
    provisioned.pod_installs()
    provisioned.add_tool("crictl", "exit 124")
    result = provisioned.verify()
    assert not result.ok
    assert "00-multus.conflist: the runtime did not load it: it does not answer" in result.err
    provisioned.add_tool("crictl", "echo 'connection refused' >&2; exit 1")
    assert provisioned.verify().ok, "nothing here can ask the runtime"


# As crictl 1.37 ends after two seconds, and crictl 1.26 before it.
GAVE_UP = (
    "getting status of runtime: rpc error: code = DeadlineExceeded desc = context deadline exceeded",
    "getting status of runtime: rpc error: code = DeadlineExceeded desc = received context error while waiting",
)


@pytest.mark.parametrize("words", GAVE_UP)
def test_a_crictl_that_gives_up_says_nothing_of_what_is_loaded(provisioned: Node, words: str) -> None:
    """The runtime is there, and silent: a CNI call of a pod runs."""
    provisioned.pod_installs()
    provisioned.add_tool("crictl", f"echo 'FATA[0002] {words}' >&2; exit 1")
    result = provisioned.verify()
    assert not result.ok
    assert "waiting for the runtime to load the configuration; it is silent while a slow pod" in result.err
    assert f"00-multus.conflist: the runtime did not load it: it does not answer: FATA[0002] {words};" in result.err


def test_verify_waits_for_a_runtime_that_is_silent_for_a_while(provisioned: Node) -> None:
    provisioned.pod_installs()
    provisioned.runtime_says("OK", "multus")
    provisioned.runtime_is_silent(3, GAVE_UP[0])
    result = provisioned.verify()
    assert result.ok, result.err
    assert result.err.count("waiting for the runtime") == 1


def test_verify_refuses_a_directory_that_the_runtime_does_not_know(provisioned: Node) -> None:
    """containerd 2.4 has ignored bin_dir in its file, and looks for plugins in the usual place."""
    elsewhere = "/opt/elsewhere"
    provisioned.pod_installs()
    shutil.move(provisioned.at(BIN_DIR), provisioned.at(elsewhere))
    provisioned.runtime_says("OK", "multus")
    result = provisioned.verify(bin_dir=elsewhere)
    assert not result.ok
    assert f"runs CNI plugins from {BIN_DIR}, the plan says {elsewhere}; set cniBinDir to {BIN_DIR}." in result.err
    assert "verified" not in result.out


def test_verify_refuses_a_configuration_that_the_runtime_does_not_read(provisioned: Node) -> None:
    provisioned.pod_installs()
    provisioned.runtime_says("OK", "bridge", conf_dir="/srv/net.d")
    result = provisioned.verify()
    assert not result.ok
    assert f"reads CNI configurations from /srv/net.d, the plan says {CONF_DIR}; set cniConfDir to /srv" in result.err


def test_verify_refuses_another_program_that_the_runtime_finds_first(provisioned: Node) -> None:
    provisioned.pod_installs()
    provisioned.runtime_says("OK", "multus", bin_dirs=["/usr/lib/cni", BIN_DIR])
    assert provisioned.verify().ok
    before = provisioned.at("/usr/lib/cni/multus")
    before.parent.mkdir(parents=True)
    before.symlink_to(os.path.relpath(provisioned.binary, before.parent))
    assert provisioned.verify().ok, "the same file by another name"
    before.unlink()
    shutil.copy(provisioned.binary, before)
    result = provisioned.verify()
    assert not result.ok
    assert f"/usr/lib/cni/multus: is what the runtime finds before {BIN_DIR}/multus; remove it." in result.err


@only_dash
def test_verify_runs_the_plugin_as_the_runtime_would(provisioned: Node) -> None:
    """Cut off or of another machine it is executable, and no pod starts."""
    provisioned.pod_installs()
    provisioned.binary.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(57))
    result = provisioned.verify()
    assert not result.ok
    assert f"{BIN_DIR}/multus: does not run here: " in result.err


STATUS = "Multus: error getting k8s client: GetK8sClient: failed to get context for the kubeconfig"


@pytest.mark.parametrize("ready", [True, False])
def test_verify_asks_whether_the_network_is_ready(provisioned: Node, ready: bool) -> None:
    """With a default network of cniVersion 1.1.0 Multus' STATUS decides over the node; what is loaded stays OK."""
    provisioned.pod_installs()
    refusal = "" if ready else f"Network plugin returns error: {STATUS}"
    provisioned.runtime_says("OK", "multus", refusal=refusal)
    result = provisioned.verify()
    assert result.ok is ready
    assert ready or f"calls the network not ready: Network plugin returns error: {STATUS}" in result.err


def test_verify_on_a_node_without_a_kubeconfig_says_so_alone(provisioned: Node) -> None:
    provisioned.pod_installs()
    provisioned.kubeconfig.unlink()
    result = provisioned.verify()
    assert not result.ok
    assert result.err == f"error: {provisioned.kubeconfig}: is not there; run pulumi up --refresh, then pulumi up.\n"


@pytest.mark.parametrize(
    ("master", "reason"),
    [("20-calico.conflist", ""), ("k8s-pod-network", ""), ("other", "delegates to k8s-pod-network")],
)
def test_verify_knows_the_plans_master(provisioned: Node, master: str, reason: str) -> None:
    calico = {"name": "k8s-pod-network", "plugins": [{"type": "calico"}]}
    (provisioned.conf / "20-calico.conflist").write_text(json.dumps(calico), encoding="utf-8")
    provisioned.pod_installs(delegates=[calico])
    assert reason in provisioned.verify(master=master).err
    assert "the default network is cbr0" in provisioned.verify().err


@pytest.fixture
def removing_pod(tmp_path: Path) -> Iterator[None]:
    with running("thin_entrypoint", tmp_path, "--cleanup-config-on-exit=true"):
        yield


@pytest.mark.usefixtures("removing_pod")
def test_verify_waits_for_the_pod_that_would_remove_its_successors_configuration(provisioned: Node) -> None:
    provisioned.pod_installs()
    result = provisioned.verify()
    assert not result.ok
    assert "a pod that takes the configuration away when it stops is still here" in result.err
