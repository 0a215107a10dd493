"""disarm, clean and forget: in the safe order, only what is ours, repeatable after being stopped anywhere."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_daemon import listening
from tests.support.processes import running
from tests.support.scratch_node import BIN_DIR, CONF_DIR, FLANNEL, Node, only_dash

CONF = "00-multus.conflist"


@pytest.fixture
def bare(node: Node) -> dict[str, Any]:
    """The node's tree before anything was installed."""
    return dict(node.tree())


@pytest.fixture
def installed(bare: dict[str, Any], installed: Node) -> Node:
    assert bare
    return installed


def test_disarm_takes_the_configuration_away_and_keeps_a_copy(installed: Node) -> None:
    content = (installed.conf / CONF).read_bytes()
    installed.api.marker_is_there = False
    result = installed.disarm()
    assert result.ok, result.err
    assert "disarmed: pods get their network from " in result.out
    assert not (installed.conf / CONF).exists()
    assert (installed.state / "conf" / CONF).read_bytes() == content
    assert installed.kubeconfig.exists()
    assert installed.binary.exists()


def test_disarm_asks_for_the_marker_of_the_stack(installed: Node) -> None:
    installed.api.asked.clear()
    assert installed.disarm().ok
    assert installed.api.asked == ["/api/v1/namespaces/kube-system/configmaps/multus-install"]


def test_disarm_leaves_a_node_alone_whose_stack_stays(installed: Node) -> None:
    before = installed.tree()
    result = installed.disarm()
    assert result.ok
    assert "left alone: the stack stays" in result.out
    assert {key: value for key, value in installed.tree().items() if "/." not in key} == before


def test_disarm_acts_where_the_token_is_no_longer_known(installed: Node) -> None:
    installed.api.broken = 401
    result = installed.disarm()
    assert result.ok
    assert not (installed.conf / CONF).exists()


def test_disarm_acts_without_a_kubeconfig(installed: Node) -> None:
    installed.kubeconfig.unlink()
    assert installed.disarm().ok
    assert not (installed.conf / CONF).exists()


@pytest.mark.parametrize(
    ("broken", "forbidden", "reason"),
    [
        (None, True, "the account may not read ConfigMap kube-system/multus-install; run pulumi up"),
        (500, False, "the API server did not answer (500)"),
    ],
    ids=["forbidden", "broken"],
)
@pytest.mark.parametrize("phase", ["disarm", "clean"])
def test_removal_refuses_what_it_cannot_tell(
    installed: Node, phase: str, broken: int | None, forbidden: bool, reason: str
) -> None:
    before = installed.tree()
    installed.api.broken, installed.api.forbidden = broken, forbidden
    result = installed.disarm() if phase == "disarm" else installed.clean()
    assert not result.ok
    assert reason in result.err
    assert {key: value for key, value in installed.tree().items() if not key.endswith("/.api")} == before


@pytest.mark.parametrize("phase", ["disarm", "clean"])
def test_removal_refuses_while_the_server_is_unreachable(installed: Node, phase: str) -> None:
    content = installed.kubeconfig.read_text(encoding="utf-8")
    installed.kubeconfig.write_text(content.replace(f":{installed.api.port}", ":1"), encoding="utf-8")
    before = installed.tree()
    result = installed.disarm() if phase == "disarm" else installed.clean()
    assert not result.ok
    assert "make https://127.0.0.1:1 reachable from the node, then repeat" in result.err
    assert {key: value for key, value in installed.tree().items() if not key.endswith("/.api")} == before


def test_disarm_refuses_where_no_pod_could_start_afterwards(installed: Node) -> None:
    installed.api.marker_is_there = False
    (installed.conf / "10-flannel.conflist").unlink()
    result = installed.disarm()
    assert not result.ok
    assert f"{CONF_DIR}: no other valid configuration would remain, and no pod could start" in result.err
    assert (installed.conf / CONF).exists()


def test_disarm_refuses_while_pods_hold_interfaces(installed: Node) -> None:
    installed.api.marker_is_there = False
    installed.add_sandbox("aaaa", "web", "net1", alive=True)
    installed.add_sandbox("bbbb", "plain", alive=True)
    installed.add_sandbox("cccc", "gone", "net1", alive=False)
    before = installed.tree()
    result = installed.disarm()
    assert not result.ok
    assert "running pods still have additional interfaces (default/web net1)" in result.err
    assert "set liveAttachments to proceed" in result.err
    assert {key: value for key, value in installed.tree().items() if not key.endswith("/.api")} == before


def answered(node: Node, container_id: str, result: dict[str, Any], **more: Any) -> None:
    """Let the plugin of net1 have answered this."""
    [file] = (node.cache / "results").glob(f"*-{container_id}-net1")
    cached = {**json.loads(file.read_text(encoding="utf-8")), "result": result, **more}
    file.write_text(json.dumps(cached), encoding="utf-8")


def test_a_network_without_interface_and_address_holds_nothing(installed: Node) -> None:
    """A mesh's plugin answers so, and a pod of it lives on."""
    installed.api.marker_is_there = False
    installed.add_sandbox("aaaa", "web", "net1", alive=True)
    answered(installed, "aaaa", {"cniVersion": "1.0.0", "dns": {}})
    assert installed.diagnose()["facts"]["attachments"] == []
    result = installed.disarm()
    assert result.ok, result.err
    assert "disarmed" in result.out


@pytest.mark.parametrize(
    "result",
    [
        {"cniVersion": "1.0.0", "ips": [{"address": "10.9.0.5/24"}]},
        {"cniVersion": "0.2.0", "ip4": {"ip": "10.9.0.5/24"}},
        {"cniVersion": "1.0.0", "interfaces": [{"name": "net1"}]},
    ],
    ids=["address", "of-old", "no-namespace"],
)
def test_who_holds_an_address_is_named_whatever_else_the_result_lacks(installed: Node, result: dict[str, Any]) -> None:
    installed.api.marker_is_there = False
    installed.add_sandbox("aaaa", "web", "net1", alive=True)
    answered(installed, "aaaa", result)
    refused = installed.disarm()
    assert not refused.ok
    assert "(default/web net1)" in refused.err


def test_a_holder_that_is_no_pod_is_named_by_its_sandbox(installed: Node) -> None:
    installed.api.marker_is_there = False
    installed.add_sandbox("aaaa", "web", "net1", alive=True)
    answered(installed, "aaaa", {"ips": [{"address": "10.9.0.5/24"}]}, cniArgs=None)
    assert "(sandbox/aaaa net1)" in installed.disarm().err


def test_an_emptied_result_is_nobodys_interface(installed: Node) -> None:
    installed.api.marker_is_there = False
    installed.add_sandbox("aaaa", "web", "net1", alive=True)
    for file in (installed.cache / "results").glob("*-net1"):
        file.write_text("", encoding="utf-8")
    result = installed.disarm()
    assert result.ok, result.err


def test_disarm_proceeds_when_told(installed: Node) -> None:
    installed.api.marker_is_there = False
    installed.add_sandbox("aaaa", "web", "net1", "net2", alive=True)
    result = installed.disarm(live="proceed")
    assert result.ok
    assert "default/web net1" in result.err
    assert "default/web net2" in result.err
    assert not (installed.conf / CONF).exists()


def test_disarm_twice_is_done(installed: Node) -> None:
    installed.api.marker_is_there = False
    assert installed.disarm().ok
    before = installed.tree()
    result = installed.disarm()
    assert result.ok
    assert "no Multus configuration to take away" in result.out
    assert installed.tree() == before


@pytest.mark.parametrize("change", ["owner", "name", "install"])
def test_removal_touches_no_node_of_another(installed: Node, change: str) -> None:
    """A renamed node is made anew first; then the old step's delete runs on the same living host."""
    installed.api.marker_is_there = False
    setattr(installed, change, "another")
    before = installed.tree()
    for result in (installed.disarm(), installed.clean(), installed.run("forget")):
        assert result.ok
        assert "left alone: " in result.out
    assert installed.tree() == before


def test_clean_leaves_the_tree_as_it_was(installed: Node, bare: dict[str, Any]) -> None:
    installed.api.marker_is_there = False
    installed.add_sandbox("cccc", "gone", "net1", alive=False)
    assert installed.disarm().ok
    result = installed.clean()
    assert result.ok, result.err
    assert result.err == ""
    assert result.out.endswith("clean\n")
    assert installed.tree() == bare
    assert installed.run("forget", deliver=False).status != 0


def test_clean_keeps_a_directory_that_was_there_before(node: Node) -> None:
    node.kubeconfig.parent.mkdir(mode=0o755)
    (node.kubeconfig.parent / "foreign").touch()
    before = node.tree()
    assert node.provision().ok
    node.pod_installs()
    node.api.marker_is_there = False
    assert node.clean().ok
    assert node.tree() == before


def test_clean_gives_back_dead_sandboxes_from_the_cache_alone(installed: Node) -> None:
    installed.api.marker_is_there = False
    installed.add_sandbox("aaaa", "web", alive=True)
    installed.add_sandbox("cccc", "gone", "net1", alive=False)
    installed.add_sandbox("dddd", "gone-too", "net1", alive=False)
    assert installed.disarm().ok
    result = installed.clean()
    assert result.ok, result.err
    calls = installed.plugin_calls
    assert [words for words, _ in calls] == [["DEL", "cccc", "eth0"], ["DEL", "dddd", "eth0"]]
    for _, configuration in calls:
        assert "kubeconfig" not in configuration
        assert configuration["cniDir"] == str(installed.cache)
        assert configuration["type"] == "multus"
        assert configuration["delegates"]


def test_clean_gives_back_what_multus_could_not(installed: Node) -> None:
    """Thick Multus forgets what its default network needs for a DEL, so the address of every pod stays reserved."""
    installed.api.marker_is_there = False
    installed.add_sandbox("cccc", "gone", "net1", alive=False)
    (installed.cache / "cccc").unlink()
    record = installed.root.parent / "scratch.log"
    script = installed.binary.read_text(encoding="utf-8")
    installed.binary.write_text(
        script.replace("rm -f", f'cat "{installed.cache}/$CNI_CONTAINERID" >>{record}; rm -f', 1), encoding="utf-8"
    )
    assert installed.clean().ok
    [(words, _), *_] = installed.plugin_calls
    assert words == ["DEL", "cccc", "eth0"]
    [delegate] = json.loads(record.read_text(encoding="utf-8"))
    assert json.loads(base64.b64decode(delegate["Bytes"])) == FLANNEL
    assert delegate["ConfList"]["plugins"]


def test_clean_of_thick_leaves_the_tree_as_it_was(node: Node, bare: dict[str, Any]) -> None:
    thick = {"plugin": "thick"}
    assert node.provision().ok
    with listening(node.socket):
        node.thick_pod_installs()
        assert node.verify(**thick, standby='"confDir":"/etc"').ok
        node.api.marker_is_there = False
        assert node.disarm(**thick).ok
        assert not list(node.conf.glob("00-multus.conf*"))
    for name in ("multus.temp1", "passthru.temp1", "multus-shim.temp1", "_multus1"):
        (node.at(BIN_DIR) / name).touch()
    (node.conf / "00-multus.conf.new").touch()
    # Of a keeper that was here before the node was listed.
    default = node.kubeconfig.parent / "default"
    default.mkdir()
    (default / "10-flannel.conflist").symlink_to(node.conf / "10-flannel.conflist")
    result = node.clean(**thick)
    assert result.ok, result.err
    assert node.tree() == {**bare, "run": node.tree()["run"]}


def test_both_configurations_of_thick_come_back_where_the_default_network_does_not_load(node: Node) -> None:
    thick = {"plugin": "thick"}
    assert node.provision().ok
    with listening(node.socket):
        node.thick_pod_installs()
        assert node.verify(**thick, standby='"confDir":"/etc"').ok
        before = node.tree()
        node.api.marker_is_there = False
        node.runtime_says("cni config load failed: no network config found")
        assert not node.disarm(**thick).ok
        assert node.tree() == before


def test_a_thick_node_that_leaves_the_list_keeps_no_standby(node: Node, tmp_path: Path) -> None:
    """Its next pod removes its own configuration, and nobody would ever remove the other one."""
    thick = {"plugin": "thick"}
    assert node.provision().ok
    with listening(node.socket):
        node.thick_pod_installs()
        assert node.verify(**thick, standby='"confDir":"/etc"').ok
        assert node.disarm(**thick).ok
        assert (node.conf / "00-multus.conflist").exists()
        with running("multus-daemon", tmp_path):
            assert node.clean(**thick).ok
    assert [path.name for path in node.conf.glob("00-multus.conf*")] == ["00-multus.conf"]
    assert not node.state.exists()


@pytest.mark.parametrize("adopts", [False, True], ids=["before-us", "with-multus"])
def test_clean_keeps_the_plugins_that_were_there_before(node: Node, adopts: bool) -> None:
    """`passthru` may be anybody's; beside a Multus it came with that."""
    plugins = node.at(BIN_DIR)
    (plugins / "passthru").touch()
    (plugins / "macvlan").touch()
    if adopts:
        node.install_binary()
    assert node.provision(installs="macvlan static").ok
    (plugins / "static").touch()
    node.pod_installs()
    assert node.provision(installs="macvlan static dhcp").ok
    (plugins / "dhcp").touch()
    node.api.marker_is_there = False
    assert node.clean().ok
    assert {path.name for path in plugins.iterdir()} == {"macvlan"} | ({"passthru"} if not adopts else set())


@pytest.mark.parametrize("dhcp", ["/run/cni/dhcp.sock", ""], ids=["of ours", "of another"])
def test_clean_takes_the_socket_of_a_killed_dhcp_daemon_away(installed: Node, dhcp: str) -> None:
    left = installed.at("/run/cni/dhcp.sock")
    left.parent.mkdir(parents=True)
    left.touch()
    installed.api.marker_is_there = False
    assert installed.clean(dhcp=dhcp).ok
    assert left.parent.exists() is (not dhcp)


@pytest.mark.parametrize("beside", [(), ("nodename",)], ids=["ours", "others"])
def test_clean_takes_whereabouts_away_and_nothing_beside_it(node: Node, beside: tuple[str, ...]) -> None:
    assert node.provision(installs="whereabouts").ok
    folder = node.conf / "whereabouts.d"
    folder.mkdir()
    for name in ("whereabouts.conf", "whereabouts.kubeconfig", ".whereabouts.conf.new", *beside):
        (folder / name).touch()
    (node.at(BIN_DIR) / "whereabouts").touch()
    node.pod_installs()
    node.api.marker_is_there = False
    assert node.clean().ok
    assert not (node.at(BIN_DIR) / "whereabouts").exists()
    assert [each.name for each in folder.iterdir()] == list(beside) if beside else not folder.exists()


def test_clean_keeps_a_plugin_that_the_default_network_has_come_to_need(node: Node) -> None:
    assert node.provision(installs="portmap static").ok
    for name in ("portmap", "static"):
        (node.at(BIN_DIR) / name).touch()
    node.pod_installs()
    node.api.marker_is_there = False
    assert node.clean().ok
    assert [path.name for path in node.at(BIN_DIR).iterdir()] == ["portmap"]


@pytest.mark.parametrize("loaded", [("cni config load failed",), ("OK", "multus")], ids=["failed", "still-multus"])
def test_disarm_puts_back_what_the_runtime_cannot_do_without(installed: Node, loaded: tuple[str, ...]) -> None:
    installed.api.marker_is_there = False
    content = (installed.conf / CONF).read_bytes()
    installed.runtime_says(*loaded)
    result = installed.disarm()
    assert not result.ok
    assert "10-flannel.conflist: the runtime did not load it" in result.err
    assert (installed.conf / CONF).read_bytes() == content
    installed.runtime_says("OK", "flannel")
    assert installed.disarm().ok
    assert not (installed.conf / CONF).exists()


@pytest.mark.parametrize("ends", ["exit 124", "echo 'rpc error: code = DeadlineExceeded desc = ...' >&2; exit 1"])
def test_disarm_puts_back_what_a_silent_runtime_may_not_have_loaded(installed: Node, ends: str) -> None:
    installed.api.marker_is_there = False
    installed.add_tool("crictl", ends)
    result = installed.disarm()
    assert not result.ok
    assert "10-flannel.conflist: the runtime did not load it: it does not answer" in result.err
    assert (installed.conf / CONF).exists()


def test_clean_goes_on_where_a_sandbox_cannot_be_given_back(installed: Node) -> None:
    installed.api.marker_is_there = False
    installed.add_sandbox("cccc", "gone", "net1", alive=False)
    installed.binary.write_text('#!/bin/sh\necho \'{"msg": "no"}\'\nexit 1\n', encoding="utf-8")
    result = installed.clean()
    assert result.ok
    assert "a dead sandbox could not be given back" in result.err
    assert not installed.binary.exists()


def test_clean_says_which_addresses_stay_reserved_without_the_plugin(installed: Node) -> None:
    installed.api.marker_is_there = False
    installed.add_sandbox("cccc", "gone", "net1", alive=False)
    installed.binary.unlink()
    result = installed.clean()
    assert result.ok
    assert "addresses of a dead sandbox stay reserved, the multus binary is gone" in result.err


def test_clean_keeps_the_cache_while_pods_hold_interfaces(installed: Node) -> None:
    installed.api.marker_is_there = False
    installed.add_sandbox("aaaa", "web", "net1", alive=True)
    assert installed.disarm(live="proceed").ok
    result = installed.clean()
    assert result.ok
    assert "is kept: running pods still have additional interfaces" in result.err
    assert (installed.cache / "aaaa").exists()
    assert not installed.kubeconfig.exists()
    assert not installed.state.exists()


def test_clean_of_a_node_that_left_the_list_leaves_it_working(installed: Node) -> None:
    result = installed.clean()
    assert result.ok
    assert "the stack stays: the node's pod serves it from now on" in result.out
    assert (installed.conf / CONF).exists()
    assert installed.kubeconfig.exists()
    assert installed.binary.exists()
    assert not installed.state.exists()


def test_clean_refuses_to_leave_no_configuration(installed: Node) -> None:
    installed.api.marker_is_there = False
    (installed.conf / "10-flannel.conflist").unlink()
    assert not installed.clean().ok
    assert (installed.conf / CONF).exists()
    assert installed.kubeconfig.exists()


def test_clean_waits_for_the_pods_processes(installed: Node, tmp_path: Path) -> None:
    installed.api.marker_is_there = False
    with running("thin_entrypoint", tmp_path):
        result = installed.clean()
        assert not result.ok
        assert "a Multus pod still runs here; find what keeps it" in result.err
        assert (installed.conf / CONF).exists()
    assert installed.clean().ok


def test_clean_ignores_the_processes_of_another_node(installed: Node, tmp_path: Path) -> None:
    """Two nodes may be network namespaces of one machine."""
    installed.api.marker_is_there = False
    program = tmp_path / "thin_entrypoint"
    shutil.copy(shutil.which("cat") or "cat", program)
    elsewhere = subprocess.Popen(["unshare", "--net", program], stdin=subprocess.PIPE)
    try:
        assert installed.clean().ok
    finally:
        elsewhere.kill()
        elsewhere.communicate()


def test_clean_twice_is_done(installed: Node) -> None:
    installed.api.marker_is_there = False
    assert installed.clean().ok
    before = installed.tree()
    result = installed.clean()
    assert result.ok
    assert "nothing left to remove" in result.out
    assert installed.tree() == before


@only_dash
@pytest.mark.parametrize("command", ["rm", "rmdir", "cp", "mv", "base64"])
def test_clean_stopped_anywhere_ends_well_when_repeated(
    node: Node, bare: dict[str, Any], tmp_path: Path, command: str
) -> None:
    """Killed as it runs its first `rm`, its second, ..., each before that has done its work."""
    tools, runs = tmp_path / "killing", tmp_path / "runs"
    tools.mkdir()
    whole, killing = node.path, f"{tools}:{node.path}"
    kills = 0
    while True:
        node.path = whole
        node.install_multus()
        node.api.marker_is_there = False
        node.add_sandbox("cccc", "gone", "net1", alive=False)
        runs.unlink(missing_ok=True)
        kill_at(tools / command, kills + 1, runs)
        node.path = killing
        process = node.start("clean", install=node.install)
        node.said += process.communicate(timeout=30)
        assert (node.conf / "10-flannel.conflist").exists()
        if process.returncode == 0:
            break
        assert process.returncode == -9
        kills += 1
        node.path = whole
        result = node.delete("clean", install=node.install)
        assert result.ok, result.err
        assert node.tree() == bare, f"{command} number {kills}"
        node.api.marker_is_there = True
    assert kills > 0


def kill_at(program: Path, nth: int, runs: Path) -> None:
    """A tool that kills node.sh, and itself, when it is run for the nth time."""
    program.write_text(
        f'#!/bin/sh\necho x >>{runs}\n[ "$(wc -l <{runs})" -ne {nth} ] || kill -9 0\n'
        f'exec {shutil.which(program.name)} "$@"\n',
        encoding="utf-8",
    )
    program.chmod(0o755)


def test_forget_removes_what_the_preflight_left(node: Node) -> None:
    before = node.tree()
    assert node.preflight().ok
    assert node.run("forget").ok
    assert node.tree() == before


def test_forget_leaves_a_provisioned_node_alone(installed: Node) -> None:
    before = installed.tree()
    result = installed.run("forget")
    assert "left alone: the node is provisioned" in result.out
    assert installed.tree() == before


def test_removal_needs_no_directory_that_is_gone(installed: Node) -> None:
    """The distribution may be uninstalled before this stack is."""
    installed.api.marker_is_there = False
    installed.kubeconfig.unlink()
    shutil.rmtree(installed.at(BIN_DIR))
    assert installed.clean().ok
    assert not installed.state.exists()
    assert [path.name for path in installed.at("/var/lib/cni").iterdir()] == ["networks"]
