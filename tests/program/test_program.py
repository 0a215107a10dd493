"""The program at the repository's root, with every committed stack file."""

from __future__ import annotations

import json
import runpy
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pytest

from multus.args import MultusComponentArgs
from multus.argument_types import fields_of
from multus.settings import Settings, SettingsError, camel
from tests.support.arguments import HOST_KEY, SSH_KEY
from tests.support.paths import ROOT
from tests.support.recording import Run, run
from tests.support.stack_files import KUBECONFIG, SECRETS, STACK_FILES, config_of, stack_name

NODE = {"name": "server-1", "host": "192.0.2.11", "hostKey": HOST_KEY}
GOOD = {"multus:distro": "k3s", "multus:nodes": json.dumps([NODE]), **SECRETS}


def up(config: Mapping[str, str], *, preview: bool = False, stack: str = "test") -> Run:
    return run(
        lambda: runpy.run_path(str(ROOT / "__main__.py")) and None,
        preview=preview,
        config=config,
        secret_keys=tuple(SECRETS),
        stack=stack,
    )


def refusal(config: Mapping[str, str], secret_keys: tuple[str, ...] = tuple(SECRETS)) -> SettingsError:
    found: list[SettingsError] = []

    def program() -> None:
        with pytest.raises(SettingsError) as caught:
            Settings.load()
        found.append(caught.value)

    run(program, config=config, secret_keys=secret_keys)
    (error,) = found
    return error


@pytest.mark.parametrize("preview", [False, True], ids=["up", "preview"])
@pytest.mark.parametrize("stack_file", STACK_FILES, ids=stack_name)
def test_program_installs_what_the_stack_file_says(stack_file: Path, preview: bool) -> None:
    config = config_of(stack_file)
    result = up({**config, **SECRETS}, preview=preview, stack=stack_name(stack_file))
    nodes = [node["name"] for node in json.loads(config.get("multus:nodes", "[]"))]
    assert result.graph.types["multus"] == "multus:index:MultusComponent"
    assert result.graph.types["cluster"] == "pulumi:providers:kubernetes"
    assert {each.name for each in result.graph.of_type("remote:Command")} == {
        f"multus-{phase}-{name}" for phase in ("preflight", "provision", "verify") for name in nodes
    }
    assert result.outputs_of("multus")["provisioned_nodes"] == nodes
    provider = result.graph["cluster"]
    assert all(
        each.request.provider.startswith(provider.urn) for each in result.graph if each.type.startswith("kubernetes:")
    )


def test_there_is_a_stack_file_for_every_distro_and_for_the_lab() -> None:
    assert [stack_name(file) for file in STACK_FILES] == ["k3s-prod", "lab", "vanilla"]


@pytest.mark.parametrize("stack_file", STACK_FILES, ids=stack_name)
def test_stack_file_carries_no_secret(stack_file: Path) -> None:
    text = stack_file.read_text(encoding="utf-8")
    assert not any(f"{key}:" in text.replace(f"--secret {key}", "") for key in SECRETS)
    assert "encryptionsalt" not in text
    assert "PRIVATE KEY" not in text


def test_program_exports_the_components_outputs() -> None:
    assert up(GOOD).exports == {
        "namespace": "kube-system",
        "plugin": "thin",
        "daemonSetName": "kube-multus-ds",
        "fallbackDaemonSetName": "kube-multus-ds-fallback",
        "image": "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.3.0",
        "cniConfDir": "/var/lib/rancher/k3s/agent/etc/cni/net.d",
        "cniBinDir": "/var/lib/rancher/k3s/data/cni",
        "kubeconfigPath": "/var/lib/rancher/k3s/agent/etc/cni/net.d/multus.d/multus.kubeconfig",
        "provisionedNodes": ["server-1"],
    }


def test_program_keeps_secrets_out_of_the_state() -> None:
    graph = up(GOOD).graph
    assert "kubeconfig" in graph["cluster"].secret_inputs
    for value in ("made-up-admin-token", "made0up0"):
        assert any(value in json.dumps(each.inputs) for each in graph)
        for each in graph:
            assert value not in each.text_in_clear, each.name


def test_provider_stays_the_same_when_the_servers_address_changes() -> None:
    assert up(GOOD, stack="blue").graph["cluster"].inputs["clusterIdentifier"] == "blue"


@pytest.mark.parametrize(("adopt", "expected"), [(None, "false"), ("false", "false"), ("true", "true")])
def test_provider_upserts_only_while_adopting(adopt: str | None, expected: str) -> None:
    config = GOOD if adopt is None else {**GOOD, "multus:adopt": adopt}
    assert up(config).graph["cluster"].inputs["upsertExistingObjects"] == expected


THICK = {"multus:plugin": "thick"}
# Another value than the default of every argument, and what has to be said with it.
CONFIGURED: dict[str, tuple[Any, dict[str, str]]] = {
    "distro": ("vanilla", {"multus:apiServer": "https://192.0.2.1:6443"}),
    "k3s_version": ("v1.28.14+k3s1", {}),
    "flannel": (False, {}),
    "data_dir": ("/srv/k3s", {}),
    "plugin": ("thick", {}),
    "method": ("helm", {}),
    "helm": ({"values": {"podAnnotations": {"a": "b"}}}, {"multus:method": "helm"}),
    "handover": (True, {}),
    "namespace": ("networks", {}),
    "create_namespace": (True, {"multus:namespace": "networks"}),
    "image": ({"tag": "v4.2.4"}, {}),
    "cni_conf_dir": ("/srv/cni/net.d", {}),
    "cni_bin_dir": ("/srv/cni/bin", {}),
    "kubelet_dir": ("/srv/kubelet", THICK),
    "netns_dir": ("/srv/netns", THICK),
    "api_server": ("https://192.0.2.1:6443", {}),
    "conf": ({"namespaceIsolation": True}, {}),
    "log": ({"level": "debug"}, {}),
    "daemon": ({"connectionLimit": 7}, THICK),
    "scheduling": ({"priorityClass": "mine"}, {}),
    "resources": ({"limits": {"memory": "512Mi"}}, {}),
    "security": ({"selinux": {"type": "spc_t"}}, {}),
    "reference_plugins": ({"names": ["macvlan"], "image": "r.example/p:1"}, {}),
    "keeper": ({"image": "r.example/curl:1"}, {}),
    "dhcp_daemon": ({"image": "r.example/shell:1"}, {}),
    "whereabouts": ({}, {}),
    "required_plugins": (["macvlan"], {}),
    "nodes": ([{**NODE, "port": 2222}], {}),
    "credentials": ("pod", {"multus:nodes": "[]"}),
    "rotation": ("2", {}),
    "adopt": (True, {}),
    "node_cleanup": (False, {}),
    "live_attachments": ("proceed", {}),
    "ssh": ({"per_dial_timeout": 20}, {}),
    "timeout_seconds": (60, {}),
}


@cache
def _described(items: frozenset[tuple[str, str]]) -> dict[str, Any]:
    return up(dict(items)).graph.described()


def described(config: Mapping[str, str]) -> dict[str, Any]:
    """Everything that is registered with this configuration; most arguments are held against the same one."""
    return _described(frozenset(config.items()))


@pytest.mark.parametrize("argument", fields_of(MultusComponentArgs))
def test_every_argument_can_be_configured(argument: str) -> None:
    """Each of them alone changes what is registered."""
    value, others = CONFIGURED[argument]
    said = value if isinstance(value, str) else json.dumps(value)
    without = {**GOOD, **others}
    assert without.get(f"multus:{camel(argument)}") != said
    assert described(without) != described({**without, f"multus:{camel(argument)}": said})


def test_nothing_is_configured_that_is_no_argument() -> None:
    assert CONFIGURED.keys() == fields_of(MultusComponentArgs).keys()


def test_what_is_configured_arrives() -> None:
    graph = up(
        {
            **GOOD,
            "multus:apiServer": "https://192.0.2.1:6443",
            "multus:image": json.dumps({"tag": "v4.2.4", "pullPolicy": "Always"}),
            "multus:cniConfDir": "/srv/cni/net.d",
            "multus:cniBinDir": "/srv/cni/bin",
            "multus:namespace": "networks",
            "multus:rotation": "2",
            "multus:liveAttachments": "proceed",
            "multus:timeoutSeconds": "60",
            "multus:method": "manifest",
            "multus:context": "blue",
        }
    ).graph
    container = graph["multus-daemonset"].inputs["spec"]["template"]["spec"]["containers"][0]
    assert container["image"].endswith(":v4.2.4")
    assert container["imagePullPolicy"] == "Always"
    assert graph["multus-token"].inputs["metadata"]["name"] == "multus-token-2"
    assert graph["multus-token"].inputs["metadata"]["namespace"] == "networks"
    assert "--live-attachments proceed" in graph["multus-verify-server-1"].inputs["delete"]
    assert " timeout -k 5 60 " in graph["multus-preflight-server-1"].inputs["create"]
    assert "--conf-dir /srv/cni/net.d --bin-dir /srv/cni/bin" in graph["multus-preflight-server-1"].inputs["create"]
    assert graph["cluster"].inputs["context"] == "blue"


def test_nested_arguments_can_be_configured() -> None:
    """Only the keys of arguments change their spelling: what a user names stays as it is."""
    node = {**NODE, "proxy": {"host": "192.0.2.99", "hostKey": HOST_KEY}}
    graph = up(
        {
            **GOOD,
            "multus:plugin": "thick",
            "multus:nodes": json.dumps([node]),
            "multus:scheduling": json.dumps(
                {
                    "nodeSelector": {"example.org/myRole": "edgeNode"},
                    "priorityClass": "mine",
                    "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
                    "tolerations": [{"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}],
                }
            ),
            "multus:log": json.dumps({"file": "/var/log/multus.log", "options": {"maxAge": 3}}),
            "multus:daemon": json.dumps({"connectionLimit": 7}),
            "multus:requiredPlugins": '["macvlan"]',
        }
    ).graph
    spec = graph["multus-daemonset"].inputs["spec"]["template"]["spec"]
    assert spec["nodeSelector"] == {"example.org/myRole": "edgeNode"}
    assert "preferredDuringSchedulingIgnoredDuringExecution" in spec["affinity"]["podAntiAffinity"]
    assert spec["tolerations"] == [{"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}]
    conf = json.loads(graph["multus-conf"].inputs["data"]["daemon-config.json"])
    assert (conf["connectionLimit"], conf["logOptions"]) == (7, {"maxAge": 3})
    proxy = graph["multus-verify-server-1"].inputs["connection"]["proxy"]
    assert proxy["privateKey"] == SSH_KEY
    assert "--needs macvlan" in graph["multus-preflight-server-1"].inputs["create"]


def test_helm_can_be_configured() -> None:
    values = {"podAnnotations": {"some_key": "aB"}, "log": {"toStderr": False}}
    graph = up({**GOOD, "multus:method": "helm", "multus:helm": json.dumps({"values": values})}).graph
    assert graph["multus-release"].inputs["values"]["podAnnotations"] == {"some_key": "aB"}
    assert graph["multus-release"].inputs["values"]["log"] == {"toStderr": False}
    assert graph["multus-release"].request.provider.startswith(graph["cluster"].urn)
    assert "multus-daemonset" not in graph.types


def test_rotation_may_look_like_a_number() -> None:
    assert up({**GOOD, "multus:rotation": "20260101"}).graph["multus-token"].inputs["metadata"]["name"] == (
        "multus-token-20260101"
    )


def nodes(*items: Any) -> dict[str, str]:
    return {"multus:nodes": json.dumps(list(items))}


REFUSALS: list[tuple[str, dict[str, str | None], str, str, str]] = [
    ("distro-missing", {"multus:distro": None}, "multus:distro", "is missing", "pulumi config set 'multus:distro'"),
    ("distro", {"multus:distro": "k3x"}, "multus:distro", "'k3x' is not", "pulumi config set 'multus:distro'"),
    ("method", {"multus:method": "hlem"}, "multus:method", "'hlem' is not", "pulumi config set 'multus:method'"),
    (
        "helm",
        {"multus:helm": '{"chart": "rke2-multus"}', "multus:method": "helm", "multus:nodes": None},
        "multus:helm.chart",
        "is not a configuration key",
        "pulumi config rm --path 'multus:helm.chart'",
    ),
    ("unknown", {"multus:distr0": "k3s"}, "multus:distr0", "is not a configuration key", "multus:distro"),
    ("unknown-far", {"multus:zzz": "1"}, "multus:zzz", "is not", "`pulumi config rm multus:zzz`"),
    (
        "snake",
        {"multus:api_server": "https://x"},
        "multus:api_server",
        "is not a configuration key",
        "multus:apiServer",
    ),
    ("kubeconfig", {"multus:kubeconfig": None}, "multus:kubeconfig", "is missing", "pulumi config set --secret"),
    ("kubeconfig-empty", {"multus:kubeconfig": ""}, "multus:kubeconfig", "is missing", "pulumi config set --secret"),
    ("key", {"multus:sshPrivateKey": None}, "multus:sshPrivateKey", "is missing", "pulumi config set --secret"),
    ("no-key", {"multus:sshPrivateKey": "x"}, "multus:sshPrivateKey", "is not a private", "config set --secret"),
    ("seconds", {"multus:timeoutSeconds": "soon"}, "multus:timeoutSeconds", "'soon' is", "pulumi config set 'multus:t"),
    ("seconds-low", {"multus:timeoutSeconds": "5"}, "multus:timeoutSeconds", "out of", "pulumi config set 'multus:t"),
    ("adopt", {"multus:adopt": "yes"}, "multus:adopt", "'yes' is not a boolean", "pulumi config set 'multus:adopt'"),
    ("image", {"multus:image": "x:latest"}, "multus:image", "is not a set of keys", "pulumi config set 'multus:image'"),
    (
        "image-tag",
        {"multus:image": '{"tag": "latest"}'},
        "multus:image.tag",
        "'latest' moves",
        "pulumi config set --path 'multus:image.tag'",
    ),
    (
        "image-policy",
        {"multus:image": '{"pullPolicy": "x"}'},
        "multus:image.pullPolicy",
        "'x' is no pull policy",
        "pulumi config set --path 'multus:image.pullPolicy'",
    ),
    (
        "log-level",
        {"multus:log": '{"level": "loud"}'},
        "multus:log.level",
        "'loud' is not one",
        "pulumi config set --path 'multus:log.level'",
    ),
    (
        "users-own-key",
        {"multus:scheduling": '{"labels": {"my_key": "a b"}}'},
        "multus:scheduling.labels['my_key']",
        "'a b' is not a label's value",
        "pulumi config set --path",
    ),
    (
        "spelled-as-configured",
        {"multus:conf": '{"globalNamespaces": ["a"]}'},
        "multus:conf.globalNamespaces",
        "means nothing without isolation",
        "set conf.namespaceIsolation: `pulumi config set --path 'multus:conf.globalNamespaces'",
    ),
    ("nodes-text", {"multus:nodes": "server-1"}, "multus:nodes", "is not a list", "pulumi config set 'multus:nodes'"),
    ("nodes-map", {"multus:nodes": "{}"}, "multus:nodes", "is not a list", "pulumi config set 'multus:nodes'"),
    ("node-text", nodes("a"), "multus:nodes[0]", "is not a set of keys", "pulumi config set --path 'multus:nodes[0]'"),  # type: ignore[list-item]
]


@pytest.mark.parametrize(
    ("change", "path", "reason", "command"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS]
)
def test_settings_refuse(change: dict[str, str | None], path: str, reason: str, command: str) -> None:
    config = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    error = refusal(config)
    problem = next(problem for problem in error.problems if problem.path == path)
    assert reason in problem.reason
    assert command in problem.fix
    assert "pulumi config" in problem.fix
    assert str(problem) in str(error)
    assert isinstance(error, pulumi.RunError)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"hostKey": None}, "multus:nodes[0].hostKey"),
        ({"hostKey": "no"}, "multus:nodes[0].hostKey"),
        ({"host": 5}, "multus:nodes[0].host"),
        ({"name": "A b"}, "multus:nodes[0].name"),
        ({"port": 99999}, "multus:nodes[0].port"),
        ({"hots": "x"}, "multus:nodes[0].hots"),
        ({"insecureIgnoreHostKey": True}, "multus:nodes[0].insecureIgnoreHostKey"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_settings_refuse_a_node(change: dict[str, Any], path: str) -> None:
    node = {key: value for key, value in {**NODE, **change}.items() if value is not None}
    error = refusal({**GOOD, **nodes(node)})
    assert [problem.path for problem in error.problems] == [path]
    assert f"'{path}'" in error.problems[0].fix
    assert "pulumi config " in error.problems[0].fix


@pytest.mark.parametrize("key", SECRETS)
def test_settings_refuse_a_secret_in_clear(key: str) -> None:
    error = refusal(GOOD, secret_keys=tuple(SECRETS.keys() - {key}))
    (problem,) = error.problems
    assert problem.path == key
    assert "stands in clear" in problem.reason
    assert f"pulumi config set --secret {key}" in problem.fix
    assert "made-up" not in str(error)
    assert "made0up0" not in str(error)


def test_settings_refuse_a_private_key_inside_nodes() -> None:
    error = refusal({**GOOD, **nodes({**NODE, "privateKey": SSH_KEY})})
    (problem,) = error.problems
    assert problem.path == "multus:nodes[0].privateKey"
    assert "pulumi config rm --path 'multus:nodes[0].privateKey'" in problem.fix
    assert "made0up0" not in str(error)


def test_settings_refuse_a_private_key_inside_a_jump_host() -> None:
    proxy = {"host": "192.0.2.99", "hostKey": HOST_KEY, "privateKey": SSH_KEY}
    (problem,) = refusal({**GOOD, **nodes({**NODE, "proxy": proxy})}).problems
    assert problem.path == "multus:nodes[0].proxy.privateKey"
    assert "made0up0" not in str(problem)


def test_settings_refuse_everything_at_once() -> None:
    config = {"multus:distr0": "k3s", "multus:timeoutSeconds": "5", **nodes({**NODE, "port": 0})}
    assert {problem.path for problem in refusal(config, secret_keys=()).problems} == {
        "multus:distr0",
        "multus:distro",
        "multus:timeoutSeconds",
        "multus:nodes[0].port",
        "multus:kubeconfig",
        "multus:sshPrivateKey",
    }


def test_settings_leave_other_namespaces_alone() -> None:
    assert up({**GOOD, "kubernetes:context": "x", "multusextra:foo": "y"}).graph["multus"]


def test_settings_need_no_key_without_nodes() -> None:
    config = {"multus:distro": "k3s", "multus:kubeconfig": KUBECONFIG}
    assert not up(config).graph.of_type("remote:Command")


def test_settings_never_show_a_secret() -> None:
    shown: list[str] = []
    run(lambda: shown.append(repr(Settings.load())), config=GOOD, secret_keys=tuple(SECRETS))
    assert shown
    assert "made" not in shown[0]
