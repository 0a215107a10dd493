"""preflight: is this node what the plan says? Every reason at once, and nothing changed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.scratch_node import (
    BIN_DIR,
    CONF_DIR,
    CONTAINERD,
    CONTAINERD_CONFIG,
    Node,
    only_busybox,
    only_dash,
    token_of,
)


def test_preflight_passes_a_good_node(node: Node) -> None:
    before = node.tree()
    result = node.preflight()
    assert result.ok, result.err
    assert result.out == f"ready: default network cbr0 in {node.conf}/10-flannel.conflist\n"
    assert result.err == ""
    added = {path for path in node.tree() if path not in before}
    assert added == {"var/lib/multus-install", "var/lib/multus-install/node.sh"}


@pytest.mark.parametrize(
    ("option", "there", "key"),
    [
        ("conf_dir", "/srv/cni/net.d", "cniConfDir"),
        ("bin_dir", "/srv/cni/bin", "cniBinDir"),
    ],
)
def test_preflight_names_the_directory_that_the_runtime_uses(node: Node, option: str, there: str, key: str) -> None:
    node.at(there).mkdir(parents=True)
    planned = {"conf_dir": CONF_DIR, "bin_dir": BIN_DIR}[option]
    node.at(CONTAINERD_CONFIG).write_text(CONTAINERD.replace(planned, there), encoding="utf-8")
    result = node.preflight()
    assert not result.ok
    assert f"error: {CONTAINERD_CONFIG}: " in result.err
    assert f"{there}" in result.err
    assert f"the plan says {planned}; set {key} to " in result.err


@pytest.mark.parametrize(
    "config",
    [
        CONTAINERD,
        "version = 2\n",
        CONTAINERD.replace('"/opt/cni/bin"', '"/opt/cni/bin/"').replace('"/etc/cni/net.d"', "'/etc/cni/net.d/'"),
        CONTAINERD.replace('bin_dir = "/opt/cni/bin"', 'bin_dirs = ["/usr/lib/cni", "/opt/cni/bin"]'),
        CONTAINERD.replace("  bin_dir = ", "bin_dir="),
    ],
    ids=["as-planned", "defaults", "slashes", "list", "no-blanks"],
)
def test_preflight_reads_the_runtimes_configuration(node: Node, config: str) -> None:
    node.at(CONTAINERD_CONFIG).write_text(config, encoding="utf-8")
    assert node.preflight().ok


def test_preflight_follows_links_to_the_runtimes_directory(node: Node) -> None:
    """k3s before October 2024 names what the link points to."""
    node.at("/opt/data/hash/bin").mkdir(parents=True)
    node.at("/opt/data/current").symlink_to("hash")
    node.at(CONTAINERD_CONFIG).write_text(CONTAINERD.replace(BIN_DIR, "/opt/data/hash/bin"), encoding="utf-8")
    assert node.preflight(bin_dir="/opt/data/current/bin").ok
    assert not node.preflight().ok


def test_preflight_warns_without_the_runtimes_configuration(node: Node) -> None:
    node.at(CONTAINERD_CONFIG).unlink()
    result = node.preflight()
    assert result.ok
    assert f"warning: {CONTAINERD_CONFIG}: is not there" in result.err


@pytest.mark.parametrize("path", [CONF_DIR, BIN_DIR])
def test_preflight_misses_a_directory(node: Node, path: str) -> None:
    for file in node.at(path).iterdir():
        file.unlink()
    node.at(path).rmdir()
    result = node.preflight()
    assert not result.ok
    assert f"error: {path}: there is no such directory; check distro, or set cniConfDir and cniBinDir." in result.err


@pytest.mark.parametrize("content", [None, "", "{", '{"name": "x"}'], ids=["none", "empty", "broken", "no-type"])
def test_preflight_misses_a_default_network(node: Node, content: str | None) -> None:
    default = node.conf / "10-flannel.conflist"
    default.unlink()
    if content is not None:
        default.write_text(content, encoding="utf-8")
    result = node.preflight()
    assert not result.ok
    assert f"error: {CONF_DIR}: there is no default network for Multus to stand on" in result.err


@pytest.mark.parametrize("name", ["05-multus.conf", "99-other.conflist"])
def test_preflight_refuses_another_multus_configuration(node: Node, name: str) -> None:
    (node.conf / name).write_text(json.dumps({"name": "x", "type": "multus-shim"}), encoding="utf-8")
    result = node.preflight()
    assert not result.ok
    assert f"{name}: another Multus configuration" in result.err


@pytest.mark.parametrize("plugin", ["thin", "thick"])
def test_preflight_passes_a_node_that_has_just_joined_and_waits(node: Node, plugin: str) -> None:
    waiting = node.joins(plugin)
    mounts = node.at("/proc/self/mountinfo")
    mounts.parent.mkdir(parents=True, exist_ok=True)
    mounts.write_text("22 1 0:20 / / rw shared:1 - ext4 /dev/root rw\n", encoding="utf-8")
    result = node.preflight(plugin=plugin)
    assert result.ok, result.err
    assert f"default network cbr0 in {node.conf}/10-flannel.conflist" in result.out
    # What a pod has written is another install's, whatever waited there.
    waiting.write_text(waiting.read_text(encoding="utf-8").replace("waits", "").replace("multusInstall", "other"))
    assert f"{waiting.name}: left by an install that is not this stack's" in node.preflight(plugin=plugin).err


@pytest.mark.parametrize(
    "leftover",
    [
        f"{CONF_DIR}/00-multus.conf",
        f"{CONF_DIR}/00-multus.conflist",
        f"{CONF_DIR}/multus.d/multus.kubeconfig",
        f"{BIN_DIR}/multus",
        f"{BIN_DIR}/multus-shim",
        "/run/multus/multus.sock",
    ],
)
def test_preflight_refuses_a_leftover_unless_adopting(node: Node, leftover: str) -> None:
    node.at(leftover).parent.mkdir(parents=True, exist_ok=True)
    node.at(leftover).write_text("{}", encoding="utf-8")
    before = node.tree()
    result = node.preflight()
    assert not result.ok
    assert f"{leftover}: left by an install that is not this stack's" in result.err
    assert "set adopt to true for one up" in result.err
    assert node.tree() == before
    assert node.preflight(adopt="true").ok


def test_preflight_names_the_pod_whose_install_is_in_the_way(node: Node) -> None:
    node.at(f"{CONF_DIR}/00-multus.conf").write_text("{}", encoding="utf-8")
    node.at("/var/log/pods/kube-system_rke2-multus-x7k2p_1f6b").mkdir(parents=True)
    result = node.preflight()
    assert "not this stack's: kube-system_rke2-multus-x7k2p_1f6b" in result.err
    assert "helm uninstall" in result.err


def test_preflight_accepts_what_the_pod_of_this_very_install_wrote(node: Node) -> None:
    node.pod_installs()
    node.kubeconfig.parent.mkdir()
    node.kubeconfig.write_text(node.content, encoding="utf-8")
    result = node.preflight()
    assert result.ok, result.err


@pytest.mark.parametrize(("secret", "namespace"), [("multus-token-2", "kube-system"), ("multus-token-1", "other")])
def test_preflight_refuses_the_kubeconfig_of_another_install(node: Node, secret: str, namespace: str) -> None:
    node.kubeconfig.parent.mkdir()
    node.kubeconfig.write_text(node.content.replace(node.api.token, token_of(secret, namespace)), encoding="utf-8")
    result = node.preflight()
    assert not result.ok
    assert "multus.kubeconfig: left by an install that is not this stack's" in result.err


def test_preflight_refuses_a_node_of_another_stack_unless_adopting(node: Node) -> None:
    assert node.provision().ok
    node.owner = "multus/other/multus"
    before = node.tree()
    result = node.preflight()
    assert not result.ok
    assert "this node belongs to multus/test/multus; destroy that stack first" in result.err
    assert node.tree() == before
    assert node.preflight(adopt="true").ok


@pytest.mark.parametrize(
    ("before", "now"), [("manifest", "helm"), ("manifest", "helm+"), ("helm", "manifest"), ("helm", "manifest+")]
)
def test_preflight_refuses_another_method_without_a_handover(node: Node, before: str, now: str) -> None:
    """Adopting or not: the engine would take over what is there, and then delete it as the former method's."""
    assert node.provision(method=before).ok
    tree = node.tree()
    for adopt in ("false", "true"):
        result = node.preflight(method=now, adopt=adopt)
        assert not result.ok
        assert f"the DaemonSets are here by method {before}; " in result.err
        assert f"set method to {before} and handover to true, run pulumi up" in result.err
        assert node.tree() == tree


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("manifest", "manifest+"),
        ("manifest+", "helm+"),
        ("helm+", "helm"),
        ("helm+", "manifest+"),
        ("helm+", "manifest"),
    ],
)
def test_preflight_passes_a_handover(node: Node, before: str, now: str) -> None:
    assert node.provision(method=before).ok
    result = node.preflight(method=now)
    assert result.ok, result.err
    assert node.provision(method=now).ok


def test_preflight_passes_a_node_that_remembers_no_method(node: Node) -> None:
    assert node.provision().ok
    marker = node.state / "marker"
    marker.write_text(marker.read_text().replace("method=manifest\n", ""), encoding="utf-8")
    assert node.preflight(method="helm").ok


def test_preflight_passes_its_own_provisioned_node(node: Node) -> None:
    assert node.provision().ok
    node.pod_installs()
    before = node.tree()
    result = node.preflight()
    assert result.ok, result.err
    assert node.tree() == before


def test_preflight_refuses_an_unreachable_server(node: Node) -> None:
    result = node.run("preflight", server="https://127.0.0.1:1", adopt="false")
    assert not result.ok
    assert "error: https://127.0.0.1:1: the API server does not answer this node: curl: (7)" in result.err
    assert "set apiServer to an address that this host reaches" in result.err


def test_preflight_says_everything_at_once_and_leaves_nothing(node: Node) -> None:
    node.install_binary()
    node.at(CONTAINERD_CONFIG).write_text(
        CONTAINERD.replace(CONF_DIR, "/srv/a").replace(BIN_DIR, "/srv/b"), encoding="utf-8"
    )
    before = node.tree()
    result = node.run("preflight", server="https://127.0.0.1:1", adopt="false")
    assert not result.ok
    assert result.out == ""
    assert [line.split(":")[0] for line in result.err.splitlines()] == ["error"] * 4
    for part in ("/srv/a", "/srv/b", f"{BIN_DIR}/multus", "https://127.0.0.1:1"):
        assert part in result.err
    after = node.tree()
    assert {path: after[path] for path in before} == before
    assert set(after) == set(before)


@only_dash
def test_preflight_misses_a_tool(node: Node, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in (
        "find",
        "id",
        "awk",
        "sed",
        "tr",
        "cut",
        "df",
        "readlink",
        "grep",
        "head",
        "rm",
        "rmdir",
        "curl",
        "cat",
        "ls",
        "tail",
        "timeout",
    ):
        (tools / name).symlink_to(shutil.which(name) or name)
    node.path = str(tools)
    result = node.preflight()
    assert not result.ok
    assert result.err == "error: base64: is not on this node; install it.\n"


@only_busybox
def test_preflight_misses_curl(node: Node) -> None:
    """Nothing else can ask the API server, so nothing begins that could not be proven or taken back."""
    node.path = node.path.partition(":")[2]
    before = node.tree()
    result = node.preflight()
    assert not result.ok
    assert result.err == "error: curl: is not on this node, and nothing else can ask the API server; install curl.\n"
    assert node.tree() == before


def test_program_refuses_what_it_does_not_know(node: Node) -> None:
    assert node.run("preflght").err == "node.sh: unknown phase preflght\n"
    assert node.run("preflight", hots="x").err == "node.sh: unknown option --hots\n"


@pytest.mark.parametrize("option", ["phase", "conf", "state", "errors", "program", "PATH", "has known", "$(id)"])
def test_no_variable_of_the_program_is_an_option(node: Node, option: str) -> None:
    done = started(node, f"--{option}", "x")
    assert (done.returncode, done.stderr) == (2, f"node.sh: unknown option --{option}\n")


def test_an_option_has_a_value(node: Node) -> None:
    done = started(node, "--plan", "x", "--adopt")
    assert done.returncode == 2
    assert done.stderr.endswith("node.sh: --adopt needs a value\n")


def started(node: Node, *words: str) -> subprocess.CompletedProcess[str]:
    """A preflight with these words after it and no others."""
    node.deliver()
    command = [*node.shell, str(node.state / "node.sh"), "preflight", *words]
    return subprocess.run(command, capture_output=True, text=True, env={"PATH": node.path}, check=False)
