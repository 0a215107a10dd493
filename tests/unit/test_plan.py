"""Every refusal names the argument, the reason and the fix, and all of them come at once."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.multus import InvalidArgumentsError, MultusComponentArgs, resolve
from components.multus.args import Distro, ImageArgs, LiveAttachments, NodeArgs
from components.multus.plan import problems_of
from components.multus.validation import fields_of
from tests.component.arguments import HOST_KEY, SSH_KEY, k3s, node, vanilla

REFUSALS: list[tuple[str, Any, str, str, str]] = [
    ("not-a-mapping", 5, "arguments", "5 is not a set of keys and values", "write a mapping"),
    ("none", None, "arguments", "None is not a set", "write a mapping"),
    ("distro-missing", {}, "distro", "is missing", "set `distro`"),
    ("distro-unknown", {"distro": "k3x"}, "distro", "'k3x' is not one of its values", "'k3s' or 'vanilla'"),
    ("distro-type", {"distro": 3}, "distro", "3 is not one of its values", "'k3s' or 'vanilla'"),
    ("unknown-key", k3s(namespac="x"), "namespac", "is not an argument", "did you mean `namespace`?"),
    ("unknown-far-key", k3s(zzz=1), "zzz", "is not an argument", "remove it; known are distro, method"),
    ("unknown-nested", k3s(image={"tagg": "x"}), "image.tagg", "is not an argument", "did you mean `tag`?"),
    ("unknown-in-node", k3s(node("a", 1, hots=1)), "nodes[0].hots", "is not an argument", "did you mean `host`?"),
    ("helm", k3s(method="helm"), "method", "'helm' is not offered yet", "write 'manifest'"),
    ("namespace-type", k3s(namespace=5), "namespace", "5 is not a string", "write a string"),
    ("namespace", k3s(namespace="Kube"), "namespace", "'Kube' is not a namespace name", "lower-case"),
    ("namespace-newline", k3s(namespace="kube\n"), "namespace", "is not a namespace name", "lower-case"),
    ("conf-dir-relative", k3s(cni_conf_dir="etc/cni"), "cni_conf_dir", "not an absolute host path", "'/etc/cni/net.d'"),
    ("conf-dir-blank", k3s(cni_conf_dir="/etc/my cni"), "cni_conf_dir", "plain characters", "write one such as"),
    ("bin-dir-up", k3s(cni_bin_dir="/opt/../cni"), "cni_bin_dir", "not an absolute host path", "write one such as"),
    ("bin-dir-root", k3s(cni_bin_dir="/"), "cni_bin_dir", "not an absolute host path", "write one such as"),
    ("bin-dir-newline", k3s(cni_bin_dir="/opt/cni\n"), "cni_bin_dir", "plain characters", "write one such as"),
    ("server-missing", {"distro": "vanilla"}, "api_server", "is missing, and vanilla has no", "kubectl cluster-info"),
    ("server-http", k3s(api_server="http://x"), "api_server", "does not begin with https://", "https://HOST:PORT"),
    ("server-path", k3s(api_server="https://x/a"), "api_server", "is more than scheme, host", "https://HOST:PORT"),
    ("server-user", k3s(api_server="https://u@x"), "api_server", "is more than scheme, host", "https://HOST:PORT"),
    ("server-query", k3s(api_server="https://x?a"), "api_server", "is more than scheme, host", "https://HOST:PORT"),
    ("server-port", k3s(api_server="https://x:99999"), "api_server", "is not a URL", "https://HOST:PORT"),
    ("server-bracket", k3s(api_server="https://[::1"), "api_server", "is not a URL", "https://HOST:PORT"),
    ("server-nothing", k3s(api_server="https://"), "api_server", "has no host name", "https://HOST:PORT"),
    ("server-dns", k3s(api_server="https://kubernetes.default.svc"), "api_server", "cluster DNS only", "https://HOST"),
    ("server-type", k3s(api_server=1), "api_server", "1 is not a string", "write a string"),
    ("rotation", k3s(rotation="a_b"), "rotation", "'a_b' cannot be part of a Secret's name", "lower-case"),
    ("timeout-low", k3s(timeout_seconds=29), "timeout_seconds", "29 is out of range", "30 to 3600"),
    ("timeout-high", k3s(timeout_seconds=3601), "timeout_seconds", "3601 is out of range", "30 to 3600"),
    ("timeout-bool", k3s(timeout_seconds=True), "timeout_seconds", "True is not a whole number", "whole number"),
    ("timeout-half", k3s(timeout_seconds=30.5), "timeout_seconds", "30.5 is not a whole number", "whole number"),
    ("adopt-text", k3s(adopt="true"), "adopt", "'true' is not a boolean", "true or false"),
    ("live", k3s(live_attachments="keep"), "live_attachments", "'keep' is not one", "'refuse' or 'proceed'"),
    ("image-type", k3s(image="x"), "image", "'x' is not a set of keys", "write a mapping"),
    ("repository", k3s(image={"repository": "x:1"}), "image.repository", "not an image name without", "multus-cni"),
    ("tag", k3s(image={"tag": "a b"}), "image.tag", "'a b' is not a tag", "'v4.3.0'"),
    ("tag-moving", k3s(image={"tag": "latest"}), "image.tag", "'latest' moves", "'v4.3.0'"),
    ("tag-moving-thick", k3s(image={"tag": "snapshot-thick"}), "image.tag", "moves", "'v4.3.0'"),
    ("digest", k3s(image={"digest": "sha256:1"}), "image.digest", "is not a digest", "64 hex digits"),
    ("pull-policy", k3s(image={"pull_policy": "Ever"}), "image.pull_policy", "'Ever' is no pull policy", "Never"),
    ("pull-secret", k3s(image={"pull_secrets": ["a", "B"]}), "image.pull_secrets[1]", "not a Secret's name", "dots"),
    ("pull-secrets", k3s(image={"pull_secrets": "a"}), "image.pull_secrets", "'a' is not a list", "write a list"),
    ("pull-secret-type", k3s(image={"pull_secrets": [1]}), "image.pull_secrets[0]", "1 is not a string", "a string"),
    ("nodes-type", k3s() | {"nodes": {"a": 1}}, "nodes", "a value of type dict is not a list", "write a list"),
    ("node-type", k3s() | {"nodes": ["a"]}, "nodes[0]", "'a' is not a set of keys", "write a mapping"),
    ("node-name", k3s(node("A b", 1)), "nodes[0].name", "'A b' is not a node's name", "kubectl get nodes"),
    ("node-twice", k3s(node("a", 1), node("a", 2)), "nodes[1].name", "'a' is there 2 times", "every node once"),
    ("host-twice", k3s(node("a", 1), node("b", 1)), "nodes[1].host", "for more than one node", "host of its own"),
    (
        "host-twice-brackets",
        k3s(node("a", 1, host="2001:db8::1"), node("b", 1, host="[2001:db8::1]")),
        "nodes[0].host",
        "for more than one node",
        "host of its own",
    ),
    ("host-user", k3s(node("a", 1, host="u@h")), "nodes[0].host", "'u@h' is not a host name", "keys of their own"),
    ("host-empty", k3s(node("a", 1, host="")), "nodes[0].host", "'' is not a host name", "write it alone"),
    ("port-low", k3s(node("a", 1, port=0)), "nodes[0].port", "0 is not a port", "1 to 65535"),
    ("port-type", k3s(node("a", 1, port="22")), "nodes[0].port", "'22' is not a whole number", "whole number"),
    ("user", k3s(node("a", 1, user="a b")), "nodes[0].user", "'a b' is not a login name", "id -un"),
    ("key", k3s(node("a", 1, private_key="~/.ssh/id")), "nodes[0].private_key", "not a private SSH key", "-----BEGIN"),
    ("key-type", k3s(node("a", 1, private_key=5)), "nodes[0].private_key", "of type int is not a string", "a string"),
    (
        "host-key-missing",
        k3s({"name": "a", "host": "h", "private_key": SSH_KEY}),
        "nodes[0].host_key",
        "is missing",
        "ssh-keyscan",
    ),
    (
        "host-key",
        k3s(node("a", 1, host_key="h ssh-rsa AA")),
        "nodes[0].host_key",
        "not a public key line",
        "ssh-ed25519",
    ),
    (
        "host-key-ignored",
        k3s(node("a", 1, insecure_ignore_host_key=True)),
        "nodes[0].insecure_ignore_host_key",
        "is true although a host key is given",
        "keep one",
    ),
]


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
    twice = {"not-a-mapping", "none", "node-twice", "host-twice", "host-twice-brackets", "node-type"}
    for name, args, path, *_ in REFUSALS:
        if name not in twice:
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


def test_plan_never_prints_the_key() -> None:
    assert "made0up0" not in repr(resolve(k3s(node("a", 1))))


def test_error_counts_and_lists() -> None:
    with pytest.raises(InvalidArgumentsError) as one:
        resolve({})
    assert str(one.value) == "Multus was not planned, 1 argument cannot work:\n  distro: is missing; set `distro`."
    with pytest.raises(InvalidArgumentsError, match="2 arguments cannot work"):
        resolve({"zzz": 1})
    assert isinstance(one.value, pulumi.RunError)
    assert isinstance(one.value, ValueError)


def test_plan_of_k3s_has_the_defaults() -> None:
    plan = resolve({"distro": "k3s"})
    assert plan.model_dump() == {
        "distro": Distro.K3S,
        "namespace": "kube-system",
        "image": "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.3.0",
        "pull_policy": "IfNotPresent",
        "pull_secrets": (),
        "cni_conf_dir": "/var/lib/rancher/k3s/agent/etc/cni/net.d",
        "cni_bin_dir": "/var/lib/rancher/k3s/data/cni",
        "containerd_config": "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
        "api_server": "https://127.0.0.1:6444",
        "nodes": (),
        "rotation": "1",
        "adopt": False,
        "live_attachments": LiveAttachments.REFUSE,
        "timeout_seconds": 300,
    }
    assert plan.token_secret == "multus-token-1"


def test_plan_of_vanilla_has_its_paths() -> None:
    plan = resolve(vanilla())
    assert (plan.cni_conf_dir, plan.cni_bin_dir) == ("/etc/cni/net.d", "/opt/cni/bin")
    assert plan.containerd_config == "/etc/containerd/config.toml"
    assert plan.api_server == "https://192.0.2.1:6443"


def test_plan_normalises() -> None:
    plan = resolve(
        k3s(
            node("a", 1, host="[2001:db8::7]", port=2222.0, host_key=HOST_KEY + "\n"),
            cni_conf_dir="/etc/cni/net.d/",
            timeout_seconds=60.0,
            image={"digest": "sha256:" + "a" * 64, "tag": "latest"},
        )
    )
    (planned,) = plan.nodes
    assert (planned.host, planned.port, planned.user, planned.path) == ("2001:db8::7", 2222, "root", "nodes[0]")
    assert isinstance(planned.port, int)
    assert isinstance(plan.timeout_seconds, int)
    assert plan.cni_conf_dir == "/etc/cni/net.d"
    assert plan.kubeconfig_path == "/etc/cni/net.d/multus.d/multus.kubeconfig"
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
        ({"cni_bin_dir": "/opt/cni/bin"}, True),
        ({"adopt": True}, False),
        ({"live_attachments": "proceed"}, False),
        ({"timeout_seconds": 60}, False),
        ({"nodes": [node("a", 1)]}, False),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_fingerprint_changes_with_what_nodes_are_checked_for(change: dict[str, Any], changes: bool) -> None:
    assert (resolve({"distro": "k3s", **change}).fingerprint != resolve({"distro": "k3s"}).fingerprint) is changes


def test_every_argument_is_tried_in_a_refusal() -> None:
    """An argument that is never refused is either unchecked or unknown to this table."""
    tried = {path.split("[")[0] if "." not in path else path for _, _, path, *_ in REFUSALS}
    expected = {
        *fields_of(MultusComponentArgs),
        *(f"image.{key}" for key in fields_of(ImageArgs) if key != "pull_secrets"),
        *(f"nodes[0].{key}" for key in fields_of(NodeArgs)),
    }
    assert expected <= tried
