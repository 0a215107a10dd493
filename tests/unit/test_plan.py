"""Every refusal names the argument, the reason and the fix, and all of them come at once."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from multus import InvalidArgumentsError, MultusComponentArgs, resolve
from multus.args import ConfArgs, DaemonArgs, HelmArgs, ImageArgs, LogArgs, NodeArgs, SchedulingArgs, SshArgs
from multus.argument_types import fields_of
from multus.distros import Tried
from multus.node_steps import options_for
from multus.plan import ConfPlan, problems_of
from tests.support.arguments import HOST_KEY, SSH_KEY, k3s, node, vanilla
from tests.support.refusals import CERTIFICATES, REFUSALS


@pytest.mark.parametrize(
    ("args", "path", "reason", "fix"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_plan_refuses(args: Any, path: str, reason: str, fix: str) -> None:
    with pytest.raises(InvalidArgumentsError) as caught:
        resolve(args)
    problem = next(problem for problem in caught.value.problems if problem.path == path)
    assert reason in problem.reason
    assert fix in problem.fix
    assert str(problem) in str(caught.value)


def test_plan_refuses_nothing_else_with_it() -> None:
    """One mistake is one problem: the rows above add no noise of their own."""
    twice = ("not-a-mapping", "none", "node-twice", "host-twice-")
    assert all(any(name.startswith(start) for name, *_ in REFUSALS) for start in twice)
    for name, args, path, *_ in REFUSALS:
        if not name.startswith(twice):
            assert [problem.path for problem in problems_of(args)] == [path], name


def test_plan_refuses_everything_at_once() -> None:
    args = k3s(
        node("a", 1, port="x", host_key="no"),
        {"name": "a", "hots": "h"},
        namespace="Kube",
        timeout_seconds="soon",
        image={"tag": "latest", "digest": 4},
        zzz=1,
    )
    assert {problem.path for problem in problems_of(args)} == {
        "zzz",
        "timeout_seconds",
        "image.digest",
        "image.tag",
        "namespace",
        "nodes[0].port",
        "nodes[0].name",
        "nodes[0].host_key",
        "nodes[1].host",
        "nodes[1].hots",
        "nodes[1].name",
        "nodes[1].private_key",
        "nodes[1].host_key",
    }


def test_plan_shows_no_secret() -> None:
    for key in ("made-up secret", ["made-up secret"], {"made-up": "secret"}):
        with pytest.raises(InvalidArgumentsError) as caught:
            resolve(k3s(node("a", 1, private_key=key)))
        assert "made-up" not in str(caught.value)


@pytest.mark.parametrize(
    ("conf", "assumed"),
    [
        ({}, ""),
        ({"default_networks": ["a"]}, "cbr0"),
        ({"default_networks": ["a"], "master_conf": "10-x.conflist", "network_name": "x"}, "x"),
        ({"default_networks": ["a"], "cluster_network": "x"}, ""),
        ({"cluster_network": "/etc/cni/other/10-x.conf", "network_name": "x"}, ""),
    ],
)
def test_a_name_that_is_assumed_is_compared_with_the_nodes(conf: Any, assumed: str) -> None:
    plan = resolve(k3s(node("a", 1), conf=conf))
    assert options_for(plan, plan.nodes[0])["network"] == assumed


def test_plan_never_prints_the_key() -> None:
    assert "made0up0" not in repr(resolve(k3s(node("a", 1))))


def test_error_counts_and_lists() -> None:
    with pytest.raises(InvalidArgumentsError) as one:
        resolve({})
    assert str(one.value) == "Multus was not planned, 1 argument cannot work:\n  distro: is missing; set `distro`."
    with pytest.raises(InvalidArgumentsError, match="2 arguments cannot work"):
        resolve({"zzz": 1})
    assert isinstance(one.value, pulumi.RunError)
    # The SDK wraps a ValueError on its way out of an Output, and a traceback follows.
    assert not isinstance(one.value, ValueError)


def test_plan_of_k3s_has_the_defaults() -> None:
    plan = resolve({"distro": "k3s"})
    assert plan.model_dump(mode="json") == {
        "distro": "k3s",
        "plugin": "thin",
        "method": "manifest",
        "helm": {"values": {}},
        "handover": False,
        "namespace": "kube-system",
        "create_namespace": False,
        "image": "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.3.0",
        "pull_policy": "IfNotPresent",
        "pull_secrets": [],
        "cni_conf_dir": "/var/lib/rancher/k3s/agent/etc/cni/net.d",
        "cni_bin_dir": "/var/lib/rancher/k3s/data/cni",
        "plugins_dir": "/var/lib/rancher/k3s/data",
        "linked_dirs": [],
        "kubelet_sees_bin_dir": True,
        "kubelet_dir": "/var/lib/kubelet",
        "netns_dir": "/run/netns",
        "runtime": {
            "crictl": "/var/lib/rancher/k3s/data/current/bin/crictl",
            "file": "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
            "state_dir": "/run/k3s/containerd",
            "bin_link": "/var/lib/rancher/k3s/data/current/bin",
        },
        "server_ca": "/var/lib/rancher/k3s/agent/server-ca.crt",
        "tried": "lab",
        "enforces_pod_security": False,
        "limits_critical_pods": False,
        "serves_flow_control": True,
        "reads_claims": False,
        "api_server": "https://127.0.0.1:6444",
        "conf": ConfPlan().model_dump(mode="json"),
        "whole_conf": None,
        "network_name": "cbr0",
        "capabilities": ["portMappings", "bandwidth"],
        "log": {"level": None, "file": None, "to_stderr": True, "options": {}},
        "daemon": {
            "connection_limit": None,
            "metrics_port": None,
            "enable_pprof": False,
            "socket_dir": "/run/multus",
            "per_node_certificates": None,
        },
        "scheduling": {
            "node_selector": {},
            "excluded_nodes": {},
            "tolerations": None,
            "affinity": {},
            "priority_class": "system-node-critical",
            "max_unavailable": "25%",
            "min_ready_seconds": 2,
            "labels": {},
            "annotations": {},
        },
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
        "privileged": False,
        "selinux": {},
        "reference_plugins": None,
        "keeper": None,
        "dhcp_daemon": None,
        "whereabouts": None,
        "required_plugins": [],
        "nodes": [],
        "credentials": "durable",
        "rotation": "1",
        "adopt": False,
        "node_cleanup": True,
        "live_attachments": "refuse",
        "ssh": {"parallel": 10, "dial_error_limit": 3, "per_dial_timeout": 10},
        "timeout_seconds": 300,
    }
    assert plan.token_secret == "multus-token-1"


def test_plan_of_thick_has_defaults_of_its_own() -> None:
    plan = resolve(k3s(plugin="thick"))
    assert plan.image == "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.3.0-thick"
    assert plan.scheduling.max_unavailable == "1"
    assert plan.resources == {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.3.0"),
        ({"registry": "r.example:5000"}, "r.example:5000/k8snetworkplumbingwg/multus-cni:v4.3.0"),
        ({"registry": "r.example/ghcr", "repository": "a/b", "tag": "x"}, "r.example/ghcr/a/b:x"),
        ({"repository": "localhost/a", "registry": "r"}, "r/a:v4.3.0"),
    ],
    ids=["none", "mirror", "mirror-with-path", "localhost"],
)
def test_a_mirror_stands_in_for_the_registry(given: dict[str, str], expected: str) -> None:
    assert resolve(k3s(image=given)).image == expected


def test_a_jump_host_takes_the_nodes_key() -> None:
    proxy = {"host": "[2001:db8::9]", "host_key": HOST_KEY, "port": 2200.0}
    (planned,) = resolve(k3s(node("a", 1, proxy=proxy))).nodes
    assert planned.proxy is not None
    assert (planned.proxy.host, planned.proxy.port, planned.proxy.user) == ("2001:db8::9", 2200, "root")
    assert planned.proxy.private_key == SSH_KEY


@pytest.mark.parametrize(
    ("login", "sudo"),
    [({}, False), ({"user": "admin"}, True), ({"user": "admin", "sudo": False}, False), ({"sudo": True}, True)],
    ids=["root", "admin", "admin-without", "root-with"],
)
def test_sudo_is_for_whoever_is_not_root(login: dict[str, Any], sudo: bool) -> None:
    assert resolve(k3s(node("a", 1, **login))).nodes[0].sudo is sudo


JUMP = {"host": "192.0.2.9", "host_key": HOST_KEY}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"port": 2222}),
        ({"port": 2201}, {"port": 2202}),
        ({"proxy": JUMP}, {"proxy": {**JUMP, "host": "192.0.2.8"}}),
        ({"proxy": JUMP}, {"proxy": {**JUMP, "port": 2200}}),
        ({"proxy": JUMP}, {}),
        ({"proxy": JUMP}, {"proxy": JUMP, "port": 2222}),
        ({}, {"gone": True}),
    ],
    ids=["port", "ports", "jumps", "ports-of-a-jump", "direct", "behind-a-jump", "gone"],
)
def test_two_nodes_may_have_one_address(one: Any, other: Any) -> None:
    planned = resolve(k3s(node("a", 1, **one), node("b", 1, **other))).nodes
    assert [each.host for each in planned] == ["192.0.2.1", "192.0.2.1"]


@pytest.mark.parametrize("key", ["host", "proxy"])
def test_hosts_that_are_known_late_may_be_two(key: str) -> None:
    """An Output has no text yet: two of them are not one host because neither says which it is."""

    def late(number: int) -> Any:
        host = pulumi.Output.from_input(f"192.0.2.{number}")
        return {"host": host} if key == "host" else {"proxy": {**JUMP, "host": host}}

    assert len(resolve(k3s(node("a", 1, **late(8)), node("b", 1, **late(9)))).nodes) == 2


def test_plugins_that_a_container_brings_need_not_be_there_before() -> None:
    plan = resolve(
        k3s(required_plugins=["macvlan", "dhcp"], reference_plugins={"names": ["macvlan"], "image": "a/b:1"})
    )
    assert plan.required_plugins == ("dhcp",)


def test_plan_of_vanilla_has_its_paths() -> None:
    plan = resolve(vanilla())
    assert (plan.cni_conf_dir, plan.cni_bin_dir) == ("/etc/cni/net.d", "/opt/cni/bin")
    assert plan.runtime.file == "/etc/containerd/config.toml"
    assert plan.api_server == "https://192.0.2.1:6443"


def test_plan_normalises() -> None:
    plan = resolve(
        k3s(
            node("a", 1, host="[2001:db8::7]", port=2222.0, host_key=HOST_KEY + "\n"),
            cni_conf_dir="/srv/cni/net.d/",
            timeout_seconds=60.0,
            image={"digest": "sha256:" + "a" * 64, "tag": "latest"},
        )
    )
    (planned,) = plan.nodes
    assert (planned.host, planned.port, planned.user, planned.path) == ("2001:db8::7", 2222, "root", "nodes[0]")
    assert isinstance(planned.port, int)
    assert isinstance(plan.timeout_seconds, int)
    assert plan.cni_conf_dir == "/srv/cni/net.d"
    assert plan.kubeconfig_path == "/srv/cni/net.d/multus.d/multus.kubeconfig"
    assert plan.image == "ghcr.io/k8snetworkplumbingwg/multus-cni@sha256:" + "a" * 64


def test_plan_takes_a_node_without_host_key_when_told() -> None:
    (planned,) = resolve(
        k3s({"name": "a", "host": "h", "private_key": SSH_KEY, "insecure_ignore_host_key": True})
    ).nodes
    assert planned.host_key is None


@pytest.mark.parametrize(
    ("change", "changes"),
    [
        ({"rotation": "2"}, True),
        ({"namespace": "multus"}, True),
        ({"image": {"tag": "v4.2.4"}}, True),
        ({"cni_bin_dir": "/srv/cni/bin"}, True),
        ({"plugin": "thick"}, True),
        ({"conf": {"namespace_isolation": True}}, True),
        ({"node_cleanup": False}, False),
        ({"adopt": True}, False),
        ({"live_attachments": "proceed"}, False),
        ({"timeout_seconds": 60}, False),
        ({"ssh": {"per_dial_timeout": 60}}, False),
        ({"nodes": [node("a", 1)]}, False),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_fingerprint_changes_with_what_nodes_are_checked_for(change: dict[str, Any], changes: bool) -> None:
    assert (resolve({"distro": "k3s", **change}).fingerprint != resolve({"distro": "k3s"}).fingerprint) is changes


def test_values_may_hold_what_is_known_late() -> None:
    late = pulumi.Output.from_input("x")
    plan = resolve(k3s(method="helm", helm={"values": {"podAnnotations": {"a": late}}}))
    assert plan.helm.values["podAnnotations"]["a"] is late
    assert plan.fingerprint == resolve(k3s(method="helm", helm={"values": {"podAnnotations": {"a": late}}})).fingerprint


def test_a_profile_that_nobody_has_run_says_so() -> None:
    """Such is a new one, until the lab or a tree of files plays it."""
    said = resolve(vanilla()).model_copy(update={"tried": Tried.NOT}).untried
    assert said is not None
    assert said.startswith("distro vanilla: this project's tests have run nothing of it")
    assert resolve(vanilla()).untried is None


def test_every_argument_is_tried_in_a_refusal() -> None:
    """An argument that is never refused is either unchecked or unknown to this table."""
    paths = [path for _, _, path, *_ in REFUSALS]
    tried = {*paths, *(path.split("[")[0] for path in paths), f"{CERTIFICATES}" if CERTIFICATES in str(paths) else ""}
    expected = {
        *fields_of(MultusComponentArgs),
        *(f"helm.{key}" for key in fields_of(HelmArgs)),
        *(f"image.{key}" for key in fields_of(ImageArgs) if key != "pull_secrets"),
        *(f"conf.{key}" for key in fields_of(ConfArgs)),
        *(f"log.{key}" for key in fields_of(LogArgs)),
        *(f"daemon.{key}" for key in fields_of(DaemonArgs)),
        *(f"scheduling.{key}" for key in fields_of(SchedulingArgs)),
        *(f"ssh.{key}" for key in fields_of(SshArgs)),
        *(f"nodes[0].{key}" for key in fields_of(NodeArgs)),
    }
    assert expected <= tried
