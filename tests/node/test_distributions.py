"""preflight on trees with the files that distributions write, told what their profiles say."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from multus import resolve
from multus.node_steps import options_for
from tests.support.arguments import k3s
from tests.support.arguments import node as node_arguments
from tests.support.distribution_trees import K3S, TREES, Tree, of_k3s, ranchers
from tests.support.scratch_node import Node, only_dash

NODE = resolve(k3s(node_arguments("a", 1))).nodes[0]


def laid_out(node: Node, tree: Tree) -> None:
    """The tree in the place of the node's, on which nothing can ask the runtime."""
    shutil.rmtree(node.root)
    (node.root.parent / "shims" / "crictl").unlink()
    for path in tree.directories:
        node.at(path).mkdir(parents=True)
    for path, content in tree.files.items():
        node.at(path).parent.mkdir(parents=True, exist_ok=True)
        node.at(path).write_text(content, encoding="utf-8")
    for path, target in tree.links.items():
        node.at(path).parent.mkdir(parents=True, exist_ok=True)
        node.at(path).symlink_to(f"{node.root}{target}" if target.startswith("/") else target)
    for path, owner in tree.owners.items():
        os.chown(node.at(path), owner, owner)


def codes(node: Node, tree: Tree) -> list[str]:
    """What preflight finds by the options of the component's own steps."""
    options = {**options_for(resolve(tree.arguments), NODE), "server": f"https://127.0.0.1:{node.api.port}"}
    node.deliver()
    result = node.people("preflight", **options)
    return [finding["code"] for finding in json.loads(result.out)["findings"]]


@pytest.mark.parametrize("name", TREES)
def test_a_good_node_passes_and_another_is_told_why(node: Node, name: str) -> None:
    laid_out(node, TREES[name])
    assert codes(node, TREES[name]) == list(TREES[name].found)


@pytest.mark.parametrize("name", ["rke2", "k3s-without-flannel"])
def test_a_section_that_is_there_counts(node: Node, name: str) -> None:
    """By a template of one's own Rancher's file may say anything."""
    tree = TREES[name]
    laid_out(node, tree)
    (path,) = [path for path in tree.files if path.endswith("config.toml")]
    node.at(path).write_text(ranchers("/d", "bin_dirs = ['/srv/bin']", "conf_dir = '/srv/net.d'"), encoding="utf-8")
    assert codes(node, tree) == ["conf-dir-elsewhere", "bin-dir-elsewhere"]


def labelled(node: Node, label: str) -> None:
    """A machine whose kernel enforces SELinux, with this type on every directory."""
    node.at("/sys/fs/selinux").mkdir(parents=True)
    node.at("/sys/fs/selinux/enforce").write_text("1", encoding="utf-8")
    node.add_tool("restorecon", "true")
    ls = shutil.which("ls")
    node.add_tool("ls", f'[ "$1" != -dZ ] || {{ echo "system_u:object_r:{label}:s0 $2"; exit; }}\nexec {ls} "$@"')


# busybox' shell runs its own ls, which knows no label.
@only_dash
@pytest.mark.parametrize(
    ("label", "selinux", "security", "found"),
    [
        ("k3s_data_t", True, {}, ["not-writable", "not-writable"]),
        ("k3s_data_t", False, {}, []),
        ("container_file_t", True, {}, []),
        ("k3s_data_t", True, {"privileged": True}, []),
        ("k3s_data_t", True, {"selinux": {"type": "spc_t"}}, []),
    ],
    ids=["confined", "runtime-without", "relabelled", "privileged", "typed"],
)
def test_selinux_keeps_a_pod_out_of_k3s(
    node: Node, label: str, selinux: bool, security: dict[str, object], found: list[str]
) -> None:
    tree = TREES["k3s"]
    laid_out(node, tree)
    node.at(f"{K3S}/agent/etc/containerd/config.toml").write_text(of_k3s(selinux=selinux), encoding="utf-8")
    labelled(node, label)
    assert codes(node, Tree({"distro": "k3s", "security": security}, {})) == found


@only_dash
@pytest.mark.parametrize(("enabled", "found"), [(True, ["not-writable", "not-writable"]), (False, [])])
def test_a_runtime_that_can_be_asked_says_whether_it_confines(node: Node, enabled: bool, found: list[str]) -> None:
    labelled(node, "container_var_lib_t")
    config = {"PluginDirs": ["/opt/cni/bin"], "PluginConfDir": "/etc/cni/net.d"}
    answer = {"cniconfig": config, "lastCNILoadStatus": "OK", "config": {"enableSelinux": enabled}}
    node.runtime_answers(json.dumps(answer))
    tree = Tree({"distro": "vanilla", "api_server": "https://192.0.2.1:6443"}, {})
    assert codes(node, tree) == found


@only_dash
@pytest.mark.parametrize(
    ("setting", "found"), [("selinux = true", 2), ("", 2), ("selinux = false", 0)], ids=["on", "not-said", "off"]
)
def test_crio_confines_unless_its_file_says_otherwise(node: Node, setting: str, found: int) -> None:
    laid_out(node, TREES["cri-o"])
    node.at("/etc/crio/crio.conf.d/30-selinux.conf").write_text(f"[crio.runtime]\n{setting}\n", encoding="utf-8")
    labelled(node, "usr_t")
    assert codes(node, TREES["cri-o"]) == ["not-writable"] * found


@pytest.mark.parametrize(("owner", "mode", "found"), [(0, 0o755, 0), (0, 0o555, 1), (998, 0o757, 0), (998, 0o775, 1)])
def test_root_without_capabilities_is_an_owner_like_any_other(node: Node, owner: int, mode: int, found: int) -> None:
    laid_out(node, TREES["vanilla"])
    node.at("/opt/cni/bin").chmod(mode)
    os.chown(node.at("/opt/cni/bin"), owner, owner)
    assert codes(node, TREES["vanilla"]) == ["not-writable"] * found


def test_the_fix_for_a_directory_of_somebody_else_is_said(node: Node) -> None:
    laid_out(node, TREES["kubespray"])
    options = options_for(resolve(TREES["kubespray"].arguments), NODE)
    said = node.preflight(**options, server=f"https://127.0.0.1:{node.api.port}").err
    assert "error: /opt/cni/bin: has the rights drwxr-xr-x 998 998, and a pod without privileges" in said
    assert said.count("chown root and chmod 755 it, or set security.privileged to true.") == 2
